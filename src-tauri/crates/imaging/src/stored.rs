//! Stored pixel values: what the file's codec gives back, before any LUT.

use crate::codec::{self, Account, Storage};
use crate::dataset::DataSet;
use crate::elements::{PIXEL_DATA, Value};
use crate::error::ImagingError;
use crate::header::{Fields, frames};
use crate::part10::Part10;
use std::borrow::Cow;
use std::ops::Range;

/// Most samples of one frame: a third more than an 8192 x 6000 stitched
/// radiograph has, and small enough for the decode child's memory limit.
pub const MAX_SAMPLES: usize = 64 << 20;

/// One frame of stored values, row by row, colour interleaved as RGB.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub rows: usize,
    pub columns: usize,
    /// 1 for grey, 3 for RGB.
    pub channels: usize,
    pub samples: Samples,
}

impl Stored {
    /// Rows, columns and, for colour, channels.
    pub fn shape(&self) -> Vec<u32> {
        let mut shape = vec![self.rows as u32, self.columns as u32];
        if self.channels > 1 {
            shape.push(self.channels as u32);
        }
        shape
    }
}

/// The values in the narrowest type of Bits Allocated and Pixel Representation.
#[derive(Debug, Clone, PartialEq)]
pub enum Samples {
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
}

impl Samples {
    /// NumPy's name of the type.
    pub fn dtype(&self) -> &'static str {
        match self {
            Self::U8(_) => "|u1",
            Self::I8(_) => "|i1",
            Self::U16(_) => "<u2",
            Self::I16(_) => "<i2",
            Self::U32(_) => "<u4",
            Self::I32(_) => "<i4",
        }
    }

    /// The values as little-endian bytes.
    pub fn to_le_bytes(&self) -> Cow<'_, [u8]> {
        fn swap<'a, const N: usize>(values: impl Iterator<Item = [u8; N]> + 'a) -> Cow<'a, [u8]> {
            Cow::Owned(values.flatten().collect())
        }
        let native = cfg!(target_endian = "little");
        match self {
            Self::U8(v) => Cow::Borrowed(v),
            Self::I8(v) => Cow::Borrowed(bytemuck::cast_slice(v)),
            Self::U16(v) if native => Cow::Borrowed(bytemuck::cast_slice(v)),
            Self::I16(v) if native => Cow::Borrowed(bytemuck::cast_slice(v)),
            Self::U32(v) if native => Cow::Borrowed(bytemuck::cast_slice(v)),
            Self::I32(v) if native => Cow::Borrowed(bytemuck::cast_slice(v)),
            Self::U16(v) => swap(v.iter().map(|n| n.to_le_bytes())),
            Self::I16(v) => swap(v.iter().map(|n| n.to_le_bytes())),
            Self::U32(v) => swap(v.iter().map(|n| n.to_le_bytes())),
            Self::I32(v) => swap(v.iter().map(|n| n.to_le_bytes())),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::U8(v) => v.len(),
            Self::I8(v) => v.len(),
            Self::U16(v) => v.len(),
            Self::I16(v) => v.len(),
            Self::U32(v) => v.len(),
            Self::I32(v) => v.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The Image Pixel attributes (PS3.3 C.7.6.3).
#[derive(Debug, Clone, PartialEq)]
pub struct Format {
    pub rows: usize,
    pub columns: usize,
    pub samples_per_pixel: usize,
    pub bits_allocated: u16,
    pub bits_stored: u16,
    pub high_bit: u16,
    pub signed: bool,
    pub planar: bool,
    pub photometric: String,
}

impl Format {
    /// Reads and checks the attributes.
    ///
    /// # Errors
    /// [`ImagingError::NoPixels`] without rows or columns, [`ImagingError::TooLarge`] above
    /// [`MAX_SAMPLES`], [`ImagingError::Pixels`] for bits or samples that make no sense.
    pub fn read(data: &DataSet) -> Result<Self, ImagingError> {
        let short = |tag| data.u16(tag);
        let (rows, columns) = (short(0x0028_0010).unwrap_or(0), short(0x0028_0011).unwrap_or(0));
        if rows == 0 || columns == 0 {
            return Err(ImagingError::NoPixels("it states no rows or no columns".to_owned()));
        }
        let samples_per_pixel = short(0x0028_0002).unwrap_or(1);
        if !matches!(samples_per_pixel, 1 | 3) {
            return Err(ImagingError::Pixels(format!(
                "{samples_per_pixel} samples a pixel are neither grey nor colour"
            )));
        }
        let samples = usize::from(rows) * usize::from(columns) * usize::from(samples_per_pixel);
        if samples > MAX_SAMPLES {
            return Err(ImagingError::TooLarge(format!("it states {rows} x {columns} pixels")));
        }
        let bits_allocated = short(0x0028_0100)
            .ok_or_else(|| ImagingError::Pixels("it does not state how many bits a pixel has".to_owned()))?;
        if !matches!(bits_allocated, 8 | 16 | 32) {
            return Err(ImagingError::Pixels(format!("{bits_allocated} bits a pixel are not supported")));
        }
        let bits_stored = short(0x0028_0101).filter(|n| (1..=bits_allocated).contains(n)).unwrap_or(bits_allocated);
        let high_bit = short(0x0028_0102)
            .filter(|high| (bits_stored - 1..bits_allocated).contains(high))
            .unwrap_or(bits_stored - 1);
        let photometric = Fields::new(data.clone(), None).text(0x0028_0004);
        Ok(Self {
            rows: rows.into(),
            columns: columns.into(),
            samples_per_pixel: samples_per_pixel.into(),
            bits_allocated,
            bits_stored,
            high_bit,
            signed: short(0x0028_0103) == Some(1),
            planar: short(0x0028_0006) == Some(1),
            photometric: photometric.unwrap_or_else(|| "MONOCHROME2".to_owned()),
        })
    }

    pub fn pixels(&self) -> usize {
        self.rows * self.columns
    }

    pub fn samples(&self) -> usize {
        self.pixels() * self.samples_per_pixel
    }
}

/// Decodes the first frame.
///
/// What has no transfer syntax that is decoded here is refused before anything else is looked at. Sizes are
/// checked against the bytes that are there before anything is reserved for the pixels.
///
/// # Errors
/// [`ImagingError::NoPixels`], [`ImagingError::Truncated`] where the frame is not complete,
/// [`ImagingError::TooLarge`], [`ImagingError::UnsupportedTransferSyntax`] and [`ImagingError::Pixels`].
pub fn decode(part10: &Part10) -> Result<Stored, ImagingError> {
    let file = &part10.bytes;
    let storage = Storage::of(&part10.transfer_syntax)?;
    let Some(element) = part10.elements.get(PIXEL_DATA) else {
        if part10.elements.truncated {
            return Err(ImagingError::Truncated("its header"));
        }
        let class = Fields::new(part10.data(), None).text(0x0008_0060);
        return Err(ImagingError::NoPixels(match class {
            Some(modality) => format!("modality {modality}"),
            None => "it has no pixel data".to_owned(),
        }));
    };
    let format = Format::read(&part10.data())?;
    let stored = match &element.value {
        Value::Bytes(range) => {
            // An archive that decompressed them may have left the name as it was. Anything else would pass for a picture
            // of noise, were it read as it lies there.
            if storage != Storage::Native && !uncompressed(part10, range, &format) {
                return Err(ImagingError::Pixels(
                    "its transfer syntax compresses them, but they are not in fragments".to_owned(),
                ));
            }
            codec::native::decode(&file[range.clone()], &format, part10.elements.encoding.big_endian, &element.vr)?
        }
        Value::Fragments(fragments) => {
            let complete = !part10.elements.truncated;
            let frame = first_frame(part10, fragments)?;
            codec::encapsulated(&frame, &format, storage, complete)?
        }
        Value::Items(_) => return Err(ImagingError::Structure("pixel data is a sequence")),
    };
    debug_assert_eq!(stored.samples.len(), stored.rows * stored.columns * stored.channels);
    Ok(stored)
}

/// The bytes of the first frame of encapsulated pixel data (PS3.5 annex A.4).
///
/// # Errors
/// [`ImagingError::NoPixels`] where there is no fragment of it.
pub fn first_frame<'a>(part10: &'a Part10, fragments: &[Range<usize>]) -> Result<Cow<'a, [u8]>, ImagingError> {
    let (file, encoding) = (&part10.bytes, part10.elements.encoding);
    let frames = frames(&Fields::new(part10.data(), None));
    let missing = || ImagingError::NoPixels("its pixel data is empty".to_owned());
    let table = fragments.first().ok_or_else(missing)?;
    let data = of_frames(file, fragments);
    let taken = if frames == 1 {
        data
    } else if data.len() == frames as usize {
        &data[..data.len().min(1)]
    } else {
        let offsets = &file[table.clone()];
        let second = offsets.get(4..8).and_then(|b| b.first_chunk::<4>()).map(|b| encoding.u32(*b) as usize);
        let first = data.first().ok_or_else(missing)?.start;
        match second {
            Some(second) => {
                let end = data.iter().position(|f| f.start - first >= second).unwrap_or(data.len());
                &data[..end]
            }
            None => {
                let ends = |f: &Range<usize>| {
                    let bytes = &file[f.clone()];
                    let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
                    bytes.ends_with(&[0xFF, 0xD9])
                };
                let end = data.iter().position(ends).map_or(data.len(), |i| i + 1);
                &data[..end]
            }
        }
    };
    match taken {
        [] => Err(missing()),
        [one] => Ok(Cow::Borrowed(&file[one.clone()])),
        many => Ok(Cow::Owned(many.iter().flat_map(|f| &file[f.clone()]).copied().collect())),
    }
}

/// The fragments that hold frames: all but the offset table.
fn of_frames<'a>(file: &[u8], fragments: &'a [Range<usize>]) -> &'a [Range<usize>] {
    let Some((table, data)) = fragments.split_first() else { return &[] };
    // Some writers leave the offset table out; a code stream in its place gives it away.
    let left_out = matches!(file[table.clone()].first_chunk(), Some([0xFF, 0xD8] | [0xFF, 0x4F]));
    if left_out { fragments } else { data }
}

/// Whether a value is exactly as long as the uncompressed pixels of all frames are, padded to an even length.
fn uncompressed(part10: &Part10, value: &Range<usize>, format: &Format) -> bool {
    let frames = frames(&Fields::new(part10.data(), None)) as usize;
    let wanted = codec::native::length(format).saturating_mul(frames);
    value.len() == wanted || value.len() == wanted.saturating_add(wanted % 2)
}

/// How the pixels lie there by their own account, held against the transfer syntax that the file states.
pub fn account(part10: &Part10) -> Account {
    let syntax = &part10.transfer_syntax;
    match part10.elements.get(PIXEL_DATA).map(|element| &element.value) {
        // What was lost before they were decompressed, the name that was left as it was still tells.
        Some(Value::Bytes(range)) => {
            let compressed = matches!(Storage::of(syntax), Ok(Storage::Compressed(_)));
            let found = || Format::read(&part10.data()).is_ok_and(|format| uncompressed(part10, range, &format));
            Account { differs: compressed && found(), ..Account::default() }
        }
        Some(Value::Fragments(fragments)) => {
            let frame = first_frame(part10, fragments).ok();
            frame.and_then(|frame| codec::account(&frame, syntax)).unwrap_or_default()
        }
        Some(Value::Items(_)) | None => Account::default(),
    }
}
