//! From the bytes of a frame to stored values, one module a compression.
//!
//! Whether a file is decoded at all, its transfer syntax decides ([`syntax`]). Among the compressions of those that
//! are, frames are told apart by their own first bytes, because some archives leave the transfer syntax out or name
//! another one; what such a stream means stands in the stream itself. Where the file states another compression
//! that is said, and so is what was lost in the one that is there ([`account`]). dicom-pixeldata
//! 0.10.1 decodes what it decodes exactly ([`DICOM_PIXELDATA`]); the rest stays
//! with the modules here:
//!
//! | Frame | Decoder | Why not dicom-pixeldata |
//! |---|---|---|
//! | RLE, sound segments of 8 or 16 bits | dicom-pixeldata | |
//! | RLE, other | `rle` | panics or reserves what a damaged header claims |
//! | JPEG-LS | dicom-pixeldata | |
//! | JPEG-LS of up to 8 bits in 16 allocated | `jpegls` | gives bytes where the header promises words |
//! | JPEG 2000, HTJ2K | dicom-pixeldata | |
//! | JPEG 2000 in a JP2 box, subsampled, or of another sign or width than the header | `jpeg2000` | writes the samples as they come, without a look at the sign or size of a channel |
//! | JPEG baseline, extended, progressive | `jpeg` | jpeg-decoder starts threads for pictures wider than 128 pixels, which the sandbox denies; refuses 12 bits; reads what lies behind a lost part as zeros |
//! | JPEG lossless | `jpeg` | reads what lies behind a lost part as zeros, so that half a radiograph passes for a whole one |
//! | Uncompressed | `native` | only copies: bits above Bits Stored stay, YBR_FULL_422 and swapped words are not undone, and two more copies of the largest frames do not fit the memory limit |

mod jpeg;
mod jpeg2000;
mod jpegls;
pub mod native;
mod pixeldata;
mod rle;
mod syntax;

pub use syntax::Storage;

use crate::error::ImagingError;
use crate::part10;
use crate::stored::{Format, Samples, Stored};
use pixeldata::Exact;

/// How the bytes of a frame are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Rle,
    /// Baseline, extended or progressive: something of the picture is lost.
    Jpeg,
    JpegLossless,
    JpegLs,
    Jpeg2000,
}

/// Says whether dicom-pixeldata gives the very values of the module's own decoder.
type Exactness = fn(&[u8], &Format) -> Option<Exact>;

/// The streams that dicom-pixeldata decodes, under which transfer syntax it is
/// told to, and how it is known to be exact for one of them.
const DICOM_PIXELDATA: [(Stream, &str, Exactness); 3] = [
    (Stream::Rle, part10::RLE, rle::exact),
    (Stream::JpegLs, "1.2.840.10008.1.2.4.80", jpegls::exact),
    (Stream::Jpeg2000, "1.2.840.10008.1.2.4.90", jpeg2000::exact),
];

/// Decodes one encapsulated frame of a file that states this storage. `complete` is false where the file ended in it.
pub fn encapsulated(frame: &[u8], format: &Format, storage: Storage, complete: bool) -> Result<Stored, ImagingError> {
    let cut = |error: ImagingError| match error {
        ImagingError::Pixels(_) if !complete => ImagingError::Truncated("its pixels"),
        error => error,
    };
    let stream = stream(frame, storage).map_err(cut)?;
    // On a stream that breaks off, CharLS may count to 2^31 before it gives up.
    if stream == Stream::JpegLs && !complete && !jpegls::ends(frame) {
        return Err(ImagingError::Truncated("its pixels"));
    }
    let decoded = match by_dicom_pixeldata(stream, frame, format) {
        Some(decoded) => decoded,
        None => by_own(stream, frame, format),
    };
    finish(decoded.map_err(cut)?, format)
}

/// How pixels lie in a file by their own account, held against the transfer syntax that it states.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// They are compressed in another way than stated, or not at all.
    pub differs: bool,
    /// The transfer syntax that they are in, where they are compressed in another way: of those that hold such frames the
    /// one that promises least.
    pub other: Option<&'static str>,
    /// The stream says itself that something is lost in it, which no attribute of the file can take back.
    pub loses: bool,
}

/// What a frame says of itself in a file that states this transfer syntax; `None` where it says nothing.
pub fn account(frame: &[u8], stated: &str) -> Option<Account> {
    let storage = Storage::of(stated).ok()?;
    let stream = stream(frame, storage).ok()?;
    let (own, loses) = match stream {
        Stream::Rle => (part10::RLE, false),
        Stream::Jpeg => ("1.2.840.10008.1.2.4.50", true),
        Stream::JpegLossless => ("1.2.840.10008.1.2.4.70", jpeg::shifts(frame)),
        Stream::JpegLs => ("1.2.840.10008.1.2.4.81", jpegls::loses(frame)),
        Stream::Jpeg2000 => ("1.2.840.10008.1.2.4.91", jpeg2000::loses(frame)),
    };
    let other = if storage == Storage::Compressed(stream) {
        // A name that rules loss out is another one than that of a stream with some.
        syntax::with_loss(stated).filter(|_| loses)
    } else {
        Some(own)
    };
    Some(Account { differs: other.is_some(), other, loses })
}

fn stream(frame: &[u8], storage: Storage) -> Result<Stream, ImagingError> {
    if is_jpeg2000(frame) {
        Ok(Stream::Jpeg2000)
    } else if frame.starts_with(&[0xFF, 0xD8]) {
        match frame_marker(frame) {
            Some(0xF7) => Ok(Stream::JpegLs),
            Some(0xC3 | 0xC7 | 0xCB | 0xCF) => Ok(Stream::JpegLossless),
            Some(_) => Ok(Stream::Jpeg),
            None => Err(ImagingError::Pixels("the JPEG stream has no frame header".to_owned())),
        }
    } else if storage == Storage::Compressed(Stream::Rle) {
        // RLE has no first bytes of its own. Those of the others never begin it, because it begins with a number of
        // segments of at most 15 and the place of the first, which is 64 (PS3.5 G.5).
        Ok(Stream::Rle)
    } else {
        Err(ImagingError::Pixels("their frames are in no compression that is known here".to_owned()))
    }
}

/// `None` where dicom-pixeldata is not exact or does not take the frame.
fn by_dicom_pixeldata(stream: Stream, frame: &[u8], format: &Format) -> Option<Result<Decoded, ImagingError>> {
    let (_, syntax, exactness) = DICOM_PIXELDATA.iter().find(|(known, ..)| *known == stream)?;
    let exact = exactness(frame, format).filter(|_| pixeldata::takes(frame, format))?;
    Some(pixeldata::decode(frame, format, syntax, exact))
}

fn by_own(stream: Stream, frame: &[u8], format: &Format) -> Result<Decoded, ImagingError> {
    match stream {
        Stream::Rle => rle::decode(frame, format),
        Stream::Jpeg | Stream::JpegLossless => jpeg::decode(frame, format),
        Stream::JpegLs => jpegls::decode(frame, format),
        Stream::Jpeg2000 => jpeg2000::decode(frame, format),
    }
}

/// What a codec gives back.
#[derive(Debug)]
struct Decoded {
    values: Values,
    channels: usize,
    /// One plane a channel instead of interleaved pixels.
    planar: bool,
    /// Bits a value that the code stream states.
    precision: u16,
    /// Colour is already RGB, whatever the header says.
    rgb: bool,
}

#[derive(Debug)]
enum Values {
    U8(Vec<u8>),
    U16(Vec<u16>),
    /// Values that carry their own sign.
    I32(Vec<i32>),
}

/// Brings a codec's values into the type, the sign and the channel order of the header.
fn finish(decoded: Decoded, format: &Format) -> Result<Stored, ImagingError> {
    if decoded.channels != 1 && decoded.channels != 3 {
        return Err(ImagingError::Pixels(format!("the code stream has {} channels", decoded.channels)));
    }
    let expected = format.pixels() * decoded.channels;
    let bits = format.bits_stored.max(decoded.precision);
    let samples = match (decoded.values, format.bits_allocated, format.signed) {
        (Values::U8(v), 8, false) => Samples::U8(v),
        (Values::U8(v), 8, true) => Samples::I8(v.iter().map(|n| signed(u32::from(*n), bits) as i8).collect()),
        (Values::U8(v), _, false) => Samples::U16(v.iter().map(|n| u16::from(*n)).collect()),
        (Values::U8(v), _, true) => Samples::I16(v.iter().map(|n| signed(u32::from(*n), bits) as i16).collect()),
        (Values::U16(v), 32, false) => Samples::U32(v.iter().map(|n| u32::from(*n)).collect()),
        (Values::U16(v), _, false) => Samples::U16(v),
        (Values::U16(v), _, true) => Samples::I16(v.iter().map(|n| signed(u32::from(*n), bits) as i16).collect()),
        (Values::I32(v), 8, false) => Samples::U8(v.iter().map(|n| *n as u8).collect()),
        (Values::I32(v), 8, true) => Samples::I8(v.iter().map(|n| *n as i8).collect()),
        (Values::I32(v), 16, false) => Samples::U16(v.iter().map(|n| *n as u16).collect()),
        (Values::I32(v), 16, true) => Samples::I16(v.iter().map(|n| *n as i16).collect()),
        (Values::I32(v), _, false) => Samples::U32(v.iter().map(|n| *n as u32).collect()),
        (Values::I32(v), _, true) => Samples::I32(v),
    };
    if samples.len() != expected {
        return Err(ImagingError::Pixels("the code stream has another size than the header states".to_owned()));
    }
    let stored = Stored { rows: format.rows, columns: format.columns, channels: decoded.channels, samples };
    Ok(if decoded.channels == 3 { colour(stored, format, decoded.planar, decoded.rgb) } else { stored })
}

/// Two's complement of the low `bits` bits.
fn signed(value: u32, bits: u16) -> i32 {
    let shift = 32 - u32::from(bits.clamp(1, 32));
    (value << shift) as i32 >> shift
}

/// Makes colour interleaved 8-bit RGB (PS3.3 C.7.6.3.1.2).
fn colour(stored: Stored, format: &Format, planar: bool, rgb: bool) -> Stored {
    let wide = format.bits_stored.max(8) - 8;
    let bytes: Vec<u8> = match &stored.samples {
        Samples::U8(v) => v.clone(),
        Samples::U16(v) => v.iter().map(|n| (n >> wide) as u8).collect(),
        Samples::U32(v) => v.iter().map(|n| (n >> wide) as u8).collect(),
        Samples::I8(v) => v.iter().map(|n| *n as u8).collect(),
        Samples::I16(v) => v.iter().map(|n| (*n >> wide) as u8).collect(),
        Samples::I32(v) => v.iter().map(|n| (*n >> wide) as u8).collect(),
    };
    let mut interleaved = if planar {
        let (first, rest) = bytes.split_at(bytes.len() / 3);
        let (second, third) = rest.split_at(rest.len() / 2);
        first.iter().zip(second).zip(third).flat_map(|((a, b), c)| [*a, *b, *c]).collect()
    } else {
        bytes
    };
    if !rgb && matches!(format.photometric.as_str(), "YBR_FULL" | "YBR_FULL_422") {
        for pixel in interleaved.chunks_exact_mut(3) {
            let (y, cb, cr) = (f32::from(pixel[0]), f32::from(pixel[1]) - 128.0, f32::from(pixel[2]) - 128.0);
            pixel[0] = (y + 1.402 * cr).round() as u8;
            pixel[1] = (y - 0.344_136 * cb - 0.714_136 * cr).round() as u8;
            pixel[2] = (y + 1.772 * cb).round() as u8;
        }
    }
    Stored { samples: Samples::U8(interleaved), ..stored }
}

fn is_jpeg2000(frame: &[u8]) -> bool {
    frame.starts_with(&[0xFF, 0x4F, 0xFF, 0x51]) || frame.get(4..8) == Some(b"jP  ")
}

/// The start-of-frame marker of a JPEG stream (ISO/IEC 10918-1 table B.1, 14495-1 C.1.1).
fn frame_marker(frame: &[u8]) -> Option<u8> {
    let mut at = 2;
    loop {
        match frame.get(at..)? {
            [0xFF, 0xFF, ..] => at += 1,
            [0xFF, marker @ (0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF | 0xF7), ..] => {
                return Some(*marker);
            }
            [0xFF, 0xD9 | 0xDA, ..] => return None,
            [0xFF, _, high, low, ..] => at += 2 + usize::from(u16::from_be_bytes([*high, *low])),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elements::{PIXEL_DATA, Value};
    use crate::stored;
    use turbojpeg_sys as tj;

    /// The first frame of a file of the decode child's tests.
    pub(super) fn fixture(name: &str) -> (Vec<u8>, Format, String) {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../decode/tests/fixtures");
        let file = std::fs::read(folder.join(format!("{name}.dcm"))).unwrap();
        let part10 = part10::open(&file).unwrap();
        let Value::Fragments(fragments) = &part10.elements.get(PIXEL_DATA).unwrap().value else { panic!("{name}") };
        let frame = stored::first_frame(&part10, fragments).unwrap().into_owned();
        (frame, Format::read(&part10.data()).unwrap(), part10.transfer_syntax.clone())
    }

    #[test]
    fn dicom_pixeldata_decodes_as_the_modules_do() {
        let cases = [
            ("rle", Stream::Rle),
            ("rle_signed", Stream::Rle),
            ("jpegls", Stream::JpegLs),
            ("jpegls_near", Stream::JpegLs),
            ("jpeg2000", Stream::Jpeg2000),
            ("jpeg2000_signed", Stream::Jpeg2000),
            ("jpeg2000_lossy", Stream::Jpeg2000),
        ];
        for (name, wanted) in cases {
            let (frame, format, syntax) = fixture(name);
            let stream = stream(&frame, Storage::of(&syntax).unwrap()).unwrap();
            assert_eq!(stream, wanted, "{name}");
            let theirs = by_dicom_pixeldata(stream, &frame, &format);
            let theirs = theirs.unwrap_or_else(|| panic!("{name}: not by dicom-pixeldata")).unwrap();
            let ours = by_own(stream, &frame, &format).unwrap();
            assert_eq!(finish(theirs, &format).unwrap(), finish(ours, &format).unwrap(), "{name}");
        }
    }

    #[test]
    fn what_dicom_pixeldata_would_get_wrong_stays_here() {
        let (rle, format, _) = fixture("rle");
        let mut ends_early = rle.clone();
        ends_early.truncate(rle.len() - 100);
        let segments = [&1_000_000_000u32.to_le_bytes(), &rle[4..]].concat();
        let (j2k, signed, _) = fixture("jpeg2000_signed");
        let other_sign = Format { signed: !signed.signed, ..signed };
        let (jls, grey, _) = fixture("jpegls");
        let wide = Format { bits_allocated: 32, ..grey };
        let cases = [
            ("RLE that ends early", Stream::Rle, &ends_early, &format),
            ("RLE of a billion segments", Stream::Rle, &segments, &format),
            ("JPEG 2000 of another sign", Stream::Jpeg2000, &j2k, &other_sign),
            ("JPEG-LS in 32 bits", Stream::JpegLs, &jls, &wide),
        ];
        for (name, stream, frame, format) in cases {
            assert!(by_dicom_pixeldata(stream, frame, format).is_none(), "{name}");
        }
        for stream in [Stream::Jpeg, Stream::JpegLossless] {
            assert!(by_dicom_pixeldata(stream, &[], &other_sign).is_none());
        }
    }

    /// Why JPEG lossless is not dicom-pixeldata's: the second half of the stream is lost.
    #[test]
    fn half_a_jpeg_is_no_whole_one() {
        const SIDE: usize = 64;
        let values: Vec<u16> = (0..SIDE * SIDE).map(|i| (i * i % 4093) as u16).collect();
        let whole = lossless(&values, SIDE);
        let half = [&whole[..whole.len() / 2], &[0xFF, 0xD9]].concat();
        let (_, format, _) = fixture("jpegls");
        let format = Format { rows: SIDE, columns: SIDE, bits_allocated: 16, bits_stored: 16, signed: false, ..format };
        let exact = Exact { precision: 16, planar: false, rgb: false };
        let theirs = |frame: &[u8]| pixeldata::decode(frame, &format, "1.2.840.10008.1.2.4.70", exact);
        for decoded in [theirs(&whole).unwrap(), by_own(Stream::JpegLossless, &whole, &format).unwrap()] {
            assert_eq!(finish(decoded, &format).unwrap().samples, Samples::U16(values.clone()));
        }
        assert!(theirs(&half).is_ok());
        assert!(by_own(Stream::JpegLossless, &half, &format).is_err());
    }

    /// Compresses 16-bit grey values without loss.
    fn lossless(values: &[u16], side: usize) -> Vec<u8> {
        let (mut buffer, mut length) = (std::ptr::null_mut(), 0);
        // SAFETY: the handle is checked, the values are side x side samples, and the
        // buffer that the library makes is copied before it is freed.
        unsafe {
            let handle = tj::tj3Init(tj::TJINIT_TJINIT_COMPRESS as _);
            assert!(!handle.is_null());
            tj::tj3Set(handle, tj::TJPARAM_TJPARAM_SUBSAMP as _, tj::TJSAMP_TJSAMP_GRAY as _);
            tj::tj3Set(handle, tj::TJPARAM_TJPARAM_PRECISION as _, 16);
            tj::tj3Set(handle, tj::TJPARAM_TJPARAM_LOSSLESS as _, 1);
            let (side, grey) = (side as _, tj::TJPF_TJPF_GRAY as _);
            let status = tj::tj3Compress16(handle, values.as_ptr(), side, 0, side, grey, &mut buffer, &mut length);
            assert_eq!(status, 0);
            let stream = std::slice::from_raw_parts(buffer, length as usize).to_vec();
            tj::tj3Free(buffer.cast());
            tj::tj3Destroy(handle);
            stream
        }
    }
}
