//! JPEG-LS, lossless and near-lossless (ISO/IEC 14495-1), through CharLS.

use super::{Decoded, Values, pixeldata::Exact};
use crate::error::ImagingError;
use crate::stored::Format;

/// dicom-pixeldata hands on what CharLS writes: one byte for up to 8 bits, two
/// above, and planes where the scans are not interleaved.
pub fn exact(frame: &[u8], format: &Format) -> Option<Exact> {
    let info = charls::CharLS::default().get_frame_info(frame).ok()?;
    let stated = (info.width as usize, info.height as usize, usize::try_from(info.component_count).ok()?);
    let same = stated == (format.columns, format.rows, format.samples_per_pixel)
        && (info.bits_per_sample <= 8) == (format.bits_allocated == 8);
    let precision = u16::try_from(info.bits_per_sample).ok()?;
    same.then(|| Exact { precision, planar: interleave(frame) == Some(0), rgb: false })
}

pub fn decode(frame: &[u8], format: &Format) -> Result<Decoded, ImagingError> {
    let broken = |e: charls::Error| ImagingError::Pixels(format!("JPEG-LS: {e}"));
    let mut codec = charls::CharLS::default();
    // The size is compared before decoding, so that a small stream cannot ask for a large picture.
    let info = codec.get_frame_info(frame).map_err(broken)?;
    if info.width as usize != format.columns || info.height as usize != format.rows {
        return Err(ImagingError::Pixels("the code stream has another size than the header states".to_owned()));
    }
    let channels = usize::try_from(info.component_count).unwrap_or(0);
    if channels != format.samples_per_pixel {
        return Err(ImagingError::Pixels(format!("the code stream has {channels} channels")));
    }
    let bytes = charls::CharLS::default().decode(frame).map_err(broken)?;
    let values = if info.bits_per_sample <= 8 {
        Values::U8(bytes)
    } else {
        Values::U16(bytes.chunks_exact(2).map(|b| u16::from_ne_bytes([b[0], b[1]])).collect())
    };
    Ok(Decoded {
        values,
        channels,
        planar: interleave(frame) == Some(0),
        precision: info.bits_per_sample as u16,
        rgb: false,
    })
}

/// Whether the stream has its end marker, a padding byte aside.
pub fn ends(frame: &[u8]) -> bool {
    frame.strip_suffix(&[0]).unwrap_or(frame).ends_with(&[0xFF, 0xD9])
}

/// The interleave mode of the first scan (14495-1 C.2.3): 0 writes one plane a scan.
fn interleave(frame: &[u8]) -> Option<u8> {
    let scan = frame.windows(2).position(|w| w == [0xFF, 0xDA])?;
    let components = usize::from(*frame.get(scan + 4)?);
    frame.get(scan + 5 + 2 * components + 1).copied()
}
