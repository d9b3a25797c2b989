//! JPEG (ISO/IEC 10918-1) through libjpeg-turbo: baseline and extended at 8 and
//! 12 bits, sequential and progressive, and lossless at 2 to 16 bits.

use super::{Decoded, Values};
use crate::error::ImagingError;
use crate::stored::Format;
use std::borrow::Cow;
use std::ffi::{CStr, c_int};
use turbojpeg_sys as tj;

/// Most scans of a progressive stream; real encoders write about ten, and each
/// one costs a pass over the picture.
const MAX_SCANS: c_int = 100;

pub fn decode(frame: &[u8], format: &Format) -> Result<Decoded, ImagingError> {
    let frame = &with_colour_space(frame, format)[..];
    let decoder = Decoder::new()?;
    let header = decoder.header(frame)?;
    // Compared before decoding, so that a small stream cannot ask for a large picture.
    if header.columns != format.columns || header.rows != format.rows {
        return Err(ImagingError::Pixels("the code stream has another size than the header states".to_owned()));
    }
    let channels = format.samples_per_pixel;
    let samples = format.samples();
    let values = if header.precision <= 8 {
        let mut values = vec![0u8; samples];
        decoder.decode8(frame, &mut values, format)?;
        Values::U8(values)
    } else {
        let mut values = vec![0u16; samples];
        decoder.decode16(frame, &mut values, format, header.precision)?;
        Values::U16(values)
    };
    Ok(Decoded { values, channels, planar: false, precision: header.precision, rgb: true })
}

/// Tells the library that colour is RGB where the DICOM header says so and the
/// stream is silent; it would take such a stream for YCbCr (PS3.5 section 8.2.1
/// lets the header decide). Done by putting an Adobe segment in front.
fn with_colour_space<'a>(frame: &'a [u8], format: &Format) -> Cow<'a, [u8]> {
    const ADOBE_RGB: [u8; 16] = *b"\xFF\xEE\x00\x0EAdobe\x00\x64\x00\x00\x00\x00\x00";
    let head = &frame[..frame.len().min(512)];
    let says = head.windows(4).any(|w| w == b"JFIF") || head.windows(9).any(|w| w == b"\xFF\xEE\x00\x0EAdobe");
    if format.samples_per_pixel != 3 || format.photometric != "RGB" || says {
        return Cow::Borrowed(frame);
    }
    Cow::Owned([&frame[..2], &ADOBE_RGB, &frame[2..]].concat())
}

struct Header {
    columns: usize,
    rows: usize,
    precision: u16,
}

/// One TurboJPEG decompressor, freed when dropped.
struct Decoder(tj::tjhandle);

impl Decoder {
    fn new() -> Result<Self, ImagingError> {
        // SAFETY: takes no pointers; a null handle is checked for.
        let handle = unsafe { tj::tj3Init(tj::TJINIT_TJINIT_DECOMPRESS as c_int) };
        if handle.is_null() {
            return Err(ImagingError::Pixels("the JPEG decoder cannot start".to_owned()));
        }
        // SAFETY: the handle is live; an unknown parameter is only an error code.
        unsafe { tj::tj3Set(handle, tj::TJPARAM_TJPARAM_SCANLIMIT as c_int, MAX_SCANS) };
        Ok(Self(handle))
    }

    fn header(&self, frame: &[u8]) -> Result<Header, ImagingError> {
        // SAFETY: the handle is live and the pointer is good for the length given.
        let status = unsafe { tj::tj3DecompressHeader(self.0, frame.as_ptr(), frame.len() as _) };
        self.check(status)?;
        // SAFETY: the handle is live.
        let get = |parameter| unsafe { tj::tj3Get(self.0, parameter as c_int) };
        let positive = |n: c_int| usize::try_from(n).unwrap_or(0);
        Ok(Header {
            columns: positive(get(tj::TJPARAM_TJPARAM_JPEGWIDTH)),
            rows: positive(get(tj::TJPARAM_TJPARAM_JPEGHEIGHT)),
            precision: positive(get(tj::TJPARAM_TJPARAM_PRECISION)) as u16,
        })
    }

    fn decode8(&self, frame: &[u8], values: &mut [u8], format: &Format) -> Result<(), ImagingError> {
        assert_eq!(values.len(), format.samples());
        // SAFETY: the buffer holds columns x rows x channels samples, which is
        // what the library writes with this pitch; the size was compared with
        // the stream's own header just before.
        let status = unsafe {
            tj::tj3Decompress8(self.0, frame.as_ptr(), frame.len() as _, values.as_mut_ptr(), 0, layout(format))
        };
        self.check(status)
    }

    fn decode16(&self, frame: &[u8], values: &mut [u16], format: &Format, bits: u16) -> Result<(), ImagingError> {
        assert_eq!(values.len(), format.samples());
        let (length, layout) = (frame.len() as _, layout(format));
        // SAFETY: as in `decode8`, with samples of two bytes.
        let status = unsafe {
            if bits <= 12 {
                tj::tj3Decompress12(self.0, frame.as_ptr(), length, values.as_mut_ptr().cast(), 0, layout)
            } else {
                tj::tj3Decompress16(self.0, frame.as_ptr(), length, values.as_mut_ptr(), 0, layout)
            }
        };
        self.check(status)
    }

    /// Turns a status into an error. A warning (a stream that ends early, say)
    /// counts as one: half a radiograph must not be read as a whole one.
    fn check(&self, status: c_int) -> Result<(), ImagingError> {
        if status == 0 {
            return Ok(());
        }
        // SAFETY: the library returns a terminated string that lives as long as the handle.
        let text = unsafe { CStr::from_ptr(tj::tj3GetErrorStr(self.0)) };
        Err(ImagingError::Pixels(format!("JPEG: {}", text.to_string_lossy())))
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the handle was made by `tj3Init` and is freed once.
        unsafe { tj::tj3Destroy(self.0) };
    }
}

fn layout(format: &Format) -> c_int {
    if format.samples_per_pixel == 3 { tj::TJPF_TJPF_RGB as c_int } else { tj::TJPF_TJPF_GRAY as c_int }
}

/// Whether a scan of lossless JPEG states that low bits were shifted out of its values (point transform Al, 10918-1
/// B.2.3 and H.1.2.1).
pub fn shifts(frame: &[u8]) -> bool {
    let al = |scan: &[u8]| {
        let length = u16::from_be_bytes([*scan.get(2)?, *scan.get(3)?]);
        let components = usize::from(*scan.get(4)?);
        let last = *scan.get(7 + 2 * components)?;
        (usize::from(length) == 6 + 2 * components).then_some(last & 0x0F)
    };
    let scans = frame.windows(2).enumerate().filter(|(_, w)| *w == [0xFF, 0xDA]);
    scans.filter_map(|(at, _)| al(&frame[at..])).any(|al| al > 0)
}

#[cfg(test)]
mod tests {
    use super::shifts;

    #[test]
    fn a_point_transform_is_told() {
        let check = |frame: &[u8], expected: bool| assert_eq!(shifts(frame), expected, "{frame:02X?}");
        // One component, predictor 1, no end, and Al.
        check(&[0xFF, 0xD8, 0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 0, 0], false);
        check(&[0xFF, 0xD8, 0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 0, 2], true);
        check(&[0xFF, 0xDA, 0, 12, 3, 1, 0, 2, 0, 3, 0, 1, 0, 1], true);
        // Cut off, and of a length that no scan has.
        check(&[0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 0], false);
        check(&[0xFF, 0xDA, 0, 9, 1, 1, 0, 1, 0, 2], false);
        check(&[], false);
    }
}
