//! Uncompressed pixels (PS3.5 section 8.1.1 and annex A.1 to A.3).

use super::colour;
use crate::error::ImagingError;
use crate::stored::{Format, Samples, Stored};

/// How many bytes the pixels of one frame take.
pub fn length(format: &Format) -> usize {
    let samples = if subsampled(format) { format.pixels() * 2 } else { format.samples() };
    samples * usize::from(format.bits_allocated / 8)
}

/// Whether two pixels share their colour.
fn subsampled(format: &Format) -> bool {
    format.samples_per_pixel == 3 && format.photometric == "YBR_FULL_422"
}

/// Decodes the first frame of uncompressed pixel data.
///
/// Bits outside Bits Stored (old overlays live there) are cleared, and signed
/// values are extended from their own high bit.
pub fn decode(bytes: &[u8], format: &Format, big_endian: bool, vr: &[u8; 2]) -> Result<Stored, ImagingError> {
    let subsampled = subsampled(format);
    let width = usize::from(format.bits_allocated / 8);
    let bytes = bytes.get(..length(format)).ok_or(ImagingError::Truncated("its pixels"))?;
    let samples = match width {
        1 => {
            let mut values = bytes.to_vec();
            // Eight-bit pixels written as big-endian words lie swapped.
            if big_endian && vr == b"OW" {
                values.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
            }
            if subsampled {
                values = spread(&values);
            }
            bytes_of(values, format)
        }
        2 => words_of(words(bytes, big_endian), format),
        _ => {
            let value = |b: &[u8]| {
                let b = [b[0], b[1], b[2], b[3]];
                if big_endian { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) }
            };
            let shift = 31 - u32::from(format.high_bit);
            let unused = 32 - u32::from(format.bits_stored);
            let values = bytes.chunks_exact(4).map(|b| value(b) << shift);
            if format.signed {
                Samples::I32(values.map(|v| v as i32 >> unused).collect())
            } else {
                Samples::U32(values.map(|v| v >> unused).collect())
            }
        }
    };
    let stored = Stored { rows: format.rows, columns: format.columns, channels: format.samples_per_pixel, samples };
    let planar = format.planar && !subsampled;
    Ok(if format.samples_per_pixel == 3 { colour(stored, format, planar, false) } else { stored })
}

fn words(bytes: &[u8], big_endian: bool) -> Vec<u16> {
    let pairs = bytes.chunks_exact(2);
    if big_endian {
        pairs.map(|b| u16::from_be_bytes([b[0], b[1]])).collect()
    } else {
        pairs.map(|b| u16::from_le_bytes([b[0], b[1]])).collect()
    }
}

fn words_of(mut values: Vec<u16>, format: &Format) -> Samples {
    let shift = 15 - u32::from(format.high_bit);
    let unused = 16 - u32::from(format.bits_stored);
    if format.signed {
        Samples::I16(values.into_iter().map(|v| (v << shift) as i16 >> unused).collect())
    } else {
        if unused > 0 {
            values.iter_mut().for_each(|v| *v = (*v << shift) >> unused);
        }
        Samples::U16(values)
    }
}

fn bytes_of(mut values: Vec<u8>, format: &Format) -> Samples {
    let shift = 7 - u32::from(format.high_bit);
    let unused = 8 - u32::from(format.bits_stored);
    if format.signed {
        Samples::I8(values.into_iter().map(|v| (v << shift) as i8 >> unused).collect())
    } else {
        if unused > 0 {
            values.iter_mut().for_each(|v| *v = (*v << shift) >> unused);
        }
        Samples::U8(values)
    }
}

/// Gives both pixels of each Y1 Y2 Cb Cr group their own colour.
fn spread(values: &[u8]) -> Vec<u8> {
    values.chunks_exact(4).flat_map(|g| [g[0], g[2], g[3], g[1], g[2], g[3]]).collect()
}
