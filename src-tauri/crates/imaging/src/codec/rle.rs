//! RLE lossless (PS3.5 annex G): PackBits, one segment for each byte of each channel.

use super::{Decoded, Values, pixeldata::Exact};
use crate::error::ImagingError;
use crate::stored::Format;

/// dicom-pixeldata reserves and indexes by what the segments say, so it gets
/// only segments that unpack to the pixels of the header and end there.
pub fn exact(frame: &[u8], format: &Format) -> Option<Exact> {
    let segments = segments(frame, format).ok()?;
    let sound = segments
        .iter()
        .all(|packed| unpacked(packed, format.pixels()).is_some_and(|taken| matches!(packed[taken..], [] | [0])));
    sound.then_some(Exact { precision: format.bits_stored, planar: false, rgb: false })
}

pub fn decode(frame: &[u8], format: &Format) -> Result<Decoded, ImagingError> {
    let mut planes = Vec::new();
    for packed in segments(frame, format)? {
        planes.push(unpack(packed, format.pixels()).ok_or_else(|| broken("ends too early"))?);
    }
    let values = if format.bits_allocated == 8 {
        Values::U8(planes.concat())
    } else {
        let words = planes.chunks_exact(2).flat_map(|pair| {
            // The most significant byte comes first.
            pair[0].iter().zip(&pair[1]).map(|(high, low)| u16::from_be_bytes([*high, *low]))
        });
        Values::U16(words.collect())
    };
    Ok(Decoded { values, channels: format.samples_per_pixel, planar: true, precision: format.bits_stored, rgb: false })
}

fn broken(what: &str) -> ImagingError {
    ImagingError::Pixels(format!("the RLE data {what}"))
}

/// The packed bytes of each segment, one for each byte of each channel.
fn segments<'a>(frame: &'a [u8], format: &Format) -> Result<Vec<&'a [u8]>, ImagingError> {
    let number = |i: usize| frame.get(i * 4..i * 4 + 4).and_then(|b| b.first_chunk()).map(|b| u32::from_le_bytes(*b));
    let width = usize::from(format.bits_allocated / 8);
    let expected = width * format.samples_per_pixel;
    let segments = number(0).ok_or_else(|| broken("has no header"))? as usize;
    if segments != expected || width > 2 {
        return Err(broken("has another number of segments than its pixels have bytes"));
    }
    let segment = |segment: usize| {
        let start = number(1 + segment).unwrap_or(0) as usize;
        let end = if segment + 1 < segments { number(2 + segment).unwrap_or(0) as usize } else { frame.len() };
        frame.get(start..end).ok_or_else(|| broken("points outside itself"))
    };
    (0..segments).map(segment).collect()
}

/// How many packed bytes give at least `length` bytes; `None` where they do not.
fn unpacked(packed: &[u8], length: usize) -> Option<usize> {
    let (mut at, mut given) = (0, 0);
    while given < length {
        let control = *packed.get(at)? as i8;
        let (taken, bytes) = match control {
            0.. => (2 + control as usize, 1 + control as usize),
            -128 => (1, 0),
            _ => (2, (1 - isize::from(control)) as usize),
        };
        at += taken;
        given += bytes;
    }
    (at <= packed.len()).then_some(at)
}

fn unpack(packed: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length);
    let mut at = 0;
    while bytes.len() < length {
        let control = *packed.get(at)? as i8;
        at += 1;
        match control {
            0.. => {
                let count = control as usize + 1;
                bytes.extend_from_slice(packed.get(at..at + count)?);
                at += count;
            }
            -128 => {}
            _ => {
                let count = 1 - isize::from(control);
                bytes.resize(bytes.len() + count as usize, *packed.get(at)?);
                at += 1;
            }
        }
    }
    bytes.truncate(length);
    Some(bytes)
}
