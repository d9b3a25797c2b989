//! JPEG 2000 (ISO/IEC 15444-1), reversible and irreversible, through OpenJPEG.

use super::{Decoded, Values, pixeldata::Exact, signed};
use crate::error::ImagingError;
use crate::stored::Format;

/// dicom-pixeldata writes the low bytes of every sample, so that sign, width and
/// size of every channel have to be those of the header.
pub fn exact(frame: &[u8], format: &Format) -> Option<Exact> {
    let size = size(frame).filter(|_| start(frame) == Some(0))?;
    let stated = (size.columns as usize, size.rows as usize, usize::from(size.components));
    let mut precision = 0;
    // Ssiz, XRsiz and YRsiz of each component (15444-1 table A.9).
    for component in frame.get(42..42 + 3 * stated.2)?.chunks_exact(3) {
        let bits = u16::from(component[0] & 0x7F) + 1;
        precision = precision.max(bits);
        let signed = component[0] & 0x80 != 0;
        if signed != format.signed || bits > format.bits_allocated || component[1..] != [1, 1] {
            return None;
        }
    }
    (stated == (format.columns, format.rows, format.samples_per_pixel)).then(|| Exact {
        precision,
        planar: false,
        rgb: transformed(frame),
    })
}

pub fn decode(frame: &[u8], format: &Format) -> Result<Decoded, ImagingError> {
    let size = size(frame).ok_or_else(|| ImagingError::Pixels("the JPEG 2000 stream has no size".to_owned()))?;
    // Compared before decoding, so that a small stream cannot ask for a large picture.
    if size.columns as usize != format.columns || size.rows as usize != format.rows {
        return Err(ImagingError::Pixels("the code stream has another size than the header states".to_owned()));
    }
    if usize::from(size.components) != format.samples_per_pixel {
        return Err(ImagingError::Pixels(format!("the code stream has {} channels", size.components)));
    }
    let image = jpeg2k::Image::from_bytes(frame).map_err(|e| ImagingError::Pixels(format!("JPEG 2000: {e}")))?;
    let components = image.components();
    let same_size = |c: &jpeg2k::ImageComponent| (c.width(), c.height()) == (size.columns, size.rows);
    if components.len() != usize::from(size.components) || !components.iter().all(same_size) {
        return Err(ImagingError::Pixels("the channels of the JPEG 2000 stream differ in size".to_owned()));
    }
    let mut values = Vec::new();
    if values.try_reserve_exact(format.samples()).is_err() {
        return Err(ImagingError::TooLarge("its pixels do not fit in memory".to_owned()));
    }
    let mut precision = 0;
    for component in components {
        let bits = component.precision().min(32) as u16;
        precision = precision.max(bits);
        if component.is_signed() == format.signed {
            values.extend_from_slice(component.data());
        } else if format.signed {
            // The stream calls its values unsigned and the header knows better:
            // the bits are two's complement of the stream's own width.
            values.extend(component.data().iter().map(|v| signed(*v as u32, bits)));
        } else {
            let mask = u32::MAX >> (32 - u32::from(bits.max(1)));
            values.extend(component.data().iter().map(|v| (*v as u32 & mask) as i32));
        }
    }
    Ok(Decoded {
        values: Values::I32(values),
        channels: components.len(),
        planar: true,
        precision,
        // With a multiple component transform the library has already gone back to RGB.
        rgb: transformed(frame),
    })
}

struct Size {
    columns: u32,
    rows: u32,
    components: u16,
}

/// Reads the SIZ segment (15444-1 A.5.1), which comes right after the start of the code stream.
fn size(frame: &[u8]) -> Option<Size> {
    let at = start(frame)?;
    let number = |offset: usize| {
        let bytes = frame.get(at + offset..)?.first_chunk::<4>()?;
        Some(u32::from_be_bytes(*bytes))
    };
    let components = frame.get(at + 40..)?.first_chunk::<2>()?;
    Some(Size {
        columns: number(8)?.checked_sub(number(16)?)?,
        rows: number(12)?.checked_sub(number(20)?)?,
        components: u16::from_be_bytes(*components),
    })
}

fn start(frame: &[u8]) -> Option<usize> {
    frame.windows(4).take(4096).position(|w| w == [0xFF, 0x4F, 0xFF, 0x51])
}

/// Whether the COD segment names a multiple component transform (15444-1 A.6.1).
fn transformed(frame: &[u8]) -> bool {
    let header = &frame[..frame.len().min(4096)];
    let cod = header.windows(2).position(|w| w == [0xFF, 0x52]);
    cod.and_then(|at| header.get(at + 8)).is_some_and(|mct| *mct == 1)
}

/// Whether a component goes through the irreversible 9-7 transform, by the segments COD and COC (15444-1 A.6.1, A.6.2) of
/// the main header and of the first tile. A stream that ends or makes no sense before it says so does not lose anything
/// that is known here.
pub fn loses(frame: &[u8]) -> bool {
    let mut rest = start(frame).and_then(|at| frame.get(at + 2..)).unwrap_or_default();
    while let [0xFF, marker, high, low, ..] = rest {
        let transform = match *marker {
            0x52 => rest.get(13),
            // The number of the component takes one byte, since nothing of more than 256 components is decoded.
            0x53 => rest.get(10),
            // Here the data of the tile begin.
            0x93 => return false,
            _ => None,
        };
        if transform == Some(&0) {
            return true;
        }
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        rest = rest.get(2 + length..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::loses;
    use crate::codec::tests::fixture;

    #[test]
    fn loss_is_read_from_the_transform_and_never_guessed() {
        for (name, wanted) in [
            ("jpeg2000", false),
            ("jpeg2000_signed", false),
            ("jpeg2000_lossy", true),
            ("htj2k", false),
            ("htj2k_rpcl", false),
            ("htj2k_lossy", true),
        ] {
            let (frame, _, _) = fixture(name);
            assert_eq!(loses(&frame), wanted, "{name}");
            let boxed = [&b"\0\0\0\x0CjP  \r\n\x87\n"[..], &frame[..]].concat();
            assert_eq!(loses(&boxed), wanted, "{name} in a box");
            for length in 0..frame.len().min(200) {
                assert!(wanted || !loses(&frame[..length]), "{name} of {length} bytes");
            }
        }
        // A segment COC of its own, behind the COD of a stream that loses nothing.
        let (exact, _, _) = fixture("jpeg2000");
        let cod = exact.windows(2).position(|w| w == [0xFF, 0x52]).expect("a COD") + 14;
        let coc = [&exact[..cod], &[0xFF, 0x53, 0, 9, 0, 0, 5, 4, 4, 0, 0], &exact[cod..]].concat();
        assert!(loses(&coc), "a component with a transform of its own");
        assert!(!loses(&[0xFF; 64]));
        assert!(!loses(&[&[0xFFu8, 0x4F, 0xFF, 0x51][..], &[0u8; 64]].concat()), "a length of nothing");
    }
}
