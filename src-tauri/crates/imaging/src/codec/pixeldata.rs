//! Frames through dicom-pixeldata.
//!
//! The decoder gets an object of its own, with one frame and the attributes
//! that [`Format`] has checked, instead of the file's: its codecs panic or leave
//! zeros where the header and the stream differ.

use super::{Decoded, Values};
use crate::error::ImagingError;
use crate::stored::Format;
use dicom_core::value::{PixelFragmentSequence, Value};
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use dicom_pixeldata::PixelDecoder;

/// What is known of a stream that dicom-pixeldata decodes exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exact {
    /// Bits a value that the code stream states.
    pub precision: u16,
    /// The values come one plane a channel.
    pub planar: bool,
    /// Colour comes as RGB, whatever the header says.
    pub rgb: bool,
}

/// Whether dicom-pixeldata takes such a frame at all: its codecs give samples of
/// 8 or 16 bits, and refuse frames of 16 MB and more that are compressed over
/// 32 or 64 times as bombs, which a blank detector image can be.
pub fn takes(frame: &[u8], format: &Format) -> bool {
    let length = length(format);
    matches!(format.bits_allocated, 8 | 16) && (length < 16 << 20 || frame.len() >= length / 32)
}

/// Decodes one frame in this transfer syntax.
///
/// # Errors
/// [`ImagingError::Pixels`] where dicom-pixeldata gives up or gives another size.
pub fn decode(frame: &[u8], format: &Format, syntax: &str, exact: Exact) -> Result<Decoded, ImagingError> {
    let broken = |what: String| ImagingError::Pixels(what);
    let mut object = InMemDicomObject::new_empty();
    let mut put = |tag: Tag, vr: VR, value: PrimitiveValue| {
        object.put(DataElement::new(tag, vr, value));
    };
    let number = |n: usize| PrimitiveValue::from(n as u16);
    put(tags::ROWS, VR::US, number(format.rows));
    put(tags::COLUMNS, VR::US, number(format.columns));
    put(tags::SAMPLES_PER_PIXEL, VR::US, number(format.samples_per_pixel));
    put(tags::PLANAR_CONFIGURATION, VR::US, PrimitiveValue::from(0u16));
    put(tags::BITS_ALLOCATED, VR::US, PrimitiveValue::from(format.bits_allocated));
    put(tags::BITS_STORED, VR::US, PrimitiveValue::from(format.bits_stored));
    put(tags::HIGH_BIT, VR::US, PrimitiveValue::from(format.bits_stored - 1));
    put(tags::PIXEL_REPRESENTATION, VR::US, PrimitiveValue::from(u16::from(format.signed)));
    // Only the number of channels matters to the codecs used here; colour is converted by us.
    let photometric = if format.samples_per_pixel == 3 { "RGB" } else { "MONOCHROME2" };
    put(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, PrimitiveValue::from(photometric));
    put(tags::NUMBER_OF_FRAMES, VR::IS, PrimitiveValue::from("1"));
    let fragments = PixelFragmentSequence::new_fragments(vec![frame.to_vec()]);
    object.put(DataElement::new(tags::PIXEL_DATA, VR::OB, Value::PixelSequence(fragments)));
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(syntax)
        .media_storage_sop_class_uid("")
        .media_storage_sop_instance_uid("")
        .build()
        .map_err(|e| broken(e.to_string()))?;
    let object = object.with_exact_meta(meta);
    // The codecs index by what a damaged stream says; a panic is one more refusal.
    let decoded = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        object.decode_pixel_data_frame(0).map(|decoded| decoded.into_data()).map_err(|e| reason(&e))
    }));
    let bytes = decoded.map_err(|_| broken("the decoder gave up".to_owned()))?.map_err(broken)?;
    drop(object);
    if bytes.len() != length(format) {
        return Err(broken("the code stream has another size than the header states".to_owned()));
    }
    let values = if format.bits_allocated == 8 {
        Values::U8(bytes)
    } else {
        Values::U16(bytes.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect())
    };
    let Exact { precision, planar, rgb } = exact;
    Ok(Decoded { values, channels: format.samples_per_pixel, planar, precision, rgb })
}

/// Length of the decoded frame in bytes.
fn length(format: &Format) -> usize {
    format.samples() * usize::from(format.bits_allocated / 8)
}

/// The innermost cause, which names what is wrong with the stream.
fn reason(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
