//! From the bytes of a frame to stored values, one module a compression.
//!
//! Encapsulated frames are told apart by their own first bytes rather than by
//! the transfer syntax, which is missing or wrong in some archives.

mod jpeg;
mod jpeg2000;
mod jpegls;
pub mod native;
mod rle;

use crate::error::ImagingError;
use crate::part10;
use crate::stored::{Format, Samples, Stored};

/// Decodes one encapsulated frame. `complete` is false where the file ended inside it.
pub fn encapsulated(frame: &[u8], format: &Format, syntax: &str, complete: bool) -> Result<Stored, ImagingError> {
    let decoded = if syntax == part10::RLE {
        rle::decode(frame, format)
    } else if is_jpeg2000(frame) {
        jpeg2000::decode(frame, format)
    } else if frame.starts_with(&[0xFF, 0xD8]) {
        match frame_marker(frame) {
            // On a stream that breaks off, CharLS may count to 2^31 before it gives up.
            Some(0xF7) if !complete && !jpegls::ends(frame) => Err(ImagingError::Truncated("its pixels")),
            Some(0xF7) => jpegls::decode(frame, format),
            Some(_) => jpeg::decode(frame, format),
            None => Err(ImagingError::Pixels("the JPEG stream has no frame header".to_owned())),
        }
    } else {
        return Err(ImagingError::UnsupportedTransferSyntax(name(syntax)));
    };
    match decoded {
        Ok(decoded) => finish(decoded, format),
        Err(ImagingError::Pixels(_)) if !complete => Err(ImagingError::Truncated("its pixels")),
        Err(error) => Err(error),
    }
}

/// What a codec gives back.
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

fn name(syntax: &str) -> String {
    match syntax {
        s if s.starts_with("1.2.840.10008.1.2.4.10") => "video".to_owned(),
        s if s.starts_with("1.2.840.10008.1.2.4.11") => "JPEG XL".to_owned(),
        s => format!("transfer syntax {s}"),
    }
}
