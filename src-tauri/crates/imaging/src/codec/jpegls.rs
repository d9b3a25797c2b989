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

/// Whether a scan states that its values may be off by something (NEAR, 14495-1 C.2.3). Planes that are not interleaved
/// have a scan each, so that all of them are asked.
pub fn loses(frame: &[u8]) -> bool {
    let scans = frame.windows(2).enumerate().filter(|(_, w)| *w == [0xFF, 0xDA]);
    scans.filter_map(|(at, _)| near(&frame[at..])).any(|near| near > 0)
}

/// NEAR of the scan that begins here; `None` where its length shows that none does.
fn near(scan: &[u8]) -> Option<u8> {
    let length = u16::from_be_bytes([*scan.get(2)?, *scan.get(3)?]);
    let components = usize::from(*scan.get(4)?);
    let near = *scan.get(5 + 2 * components)?;
    (usize::from(length) == 6 + 2 * components).then_some(near)
}

/// The interleave mode of the first scan (14495-1 C.2.3): 0 writes one plane a scan.
fn interleave(frame: &[u8]) -> Option<u8> {
    let scan = frame.windows(2).position(|w| w == [0xFF, 0xDA])?;
    let components = usize::from(*frame.get(scan + 4)?);
    frame.get(scan + 5 + 2 * components + 1).copied()
}

#[cfg(test)]
mod tests {
    use super::loses;
    use crate::codec::tests::fixture;

    #[test]
    fn loss_is_read_from_each_scan_and_never_guessed() {
        let (exact, near) = (fixture("jpegls").0, fixture("jpegls_near").0);
        assert!(!loses(&exact));
        assert!(loses(&near));
        let second = [&exact[..], &[0xFF, 0xDA, 0, 8, 1, 2, 0, 1, 0, 0]].concat();
        assert!(loses(&second), "of two planes only the second lost something");
        let other_length = [&exact[..], &[0xFF, 0xDA, 0, 9, 1, 2, 0, 1, 0, 0]].concat();
        assert!(!loses(&other_length), "what is no scan says nothing");
        for frame in [&exact, &near] {
            for length in 0..frame.len().min(200) {
                loses(&frame[..length]);
            }
        }
        assert!(!loses(&[0xFF; 64]));
        assert!(!loses(&[0xFFu8, 0xDA].repeat(32)));
    }
}
