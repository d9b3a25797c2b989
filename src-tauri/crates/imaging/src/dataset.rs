//! The data set in front of the pixels, read by dicom-object behind a guard.
//!
//! dicom-object 0.10.1 calls itself for every nested item, so that 35 KB of
//! sequences overflow a stack, and reserves what a length claims. It is
//! therefore given only what [`crate::elements`] has walked through before, in
//! memory, without the pixels, and through a [`Guarded`] decoder that ends the
//! reading at a depth or a length that cannot be.
//!
//! Values are kept as bytes: dicom-object honours only the first character set
//! of a file and knows no ISO 2022 designations, which [`crate::charset`] does,
//! and a byte order can only be undone where the VR is known, which it is not
//! for the LUT descriptors of implicit files (US or SS).
//!
//! Where dicom-object refuses, or reads something else than the guard did, the
//! guard's own reading stands: old archives are full of elements in another
//! encoding than announced, repeated elements, and sequences that never end.

use crate::elements::{self, Element, Elements, Encoding, PIXEL_DATA};
use crate::error::ImagingError;
use crate::part10::{EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE};
use dicom_core::header::{DataElementHeader, HasLength, Header, Length, SequenceItemHeader};
use dicom_core::{PrimitiveValue, Tag, VR, value::Value};
use dicom_encoding::TransferSyntaxIndex;
use dicom_encoding::text::SpecificCharacterSet;
use dicom_object::InMemDicomObject;
use dicom_parser::stateful::decode::{DynStatefulDecoder, Error, StatefulDecode};
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;
use std::borrow::Cow;
use std::cell::Cell;
use std::io;
use std::ops::Range;
use std::rc::Rc;

/// Deepest sequence that dicom-object may follow; structured reports reach about 20.
const MAX_DEPTH: usize = 32;
/// Longest data set in front of the pixels that is copied, in bytes. Headers of
/// images have some kilobytes; the pixels need the memory.
const MAX_LENGTH: usize = 32 << 20;

/// Reads the elements in front of the pixel data with dicom-object.
///
/// `range` is where the data set lies in `file` and `scanned` what the guard
/// found there. `None` where dicom-object refuses it or reads it differently.
pub fn read(file: &[u8], range: Range<usize>, scanned: &Elements) -> Option<InMemDicomObject> {
    let end = before_pixels(scanned).map(|e| e.value.end()).last().unwrap_or(range.start);
    let bytes = file.get(range.start..end).filter(|bytes| bytes.len() <= MAX_LENGTH)?;
    let syntax = TransferSyntaxRegistry.get(match scanned.encoding {
        Encoding::EXPLICIT_BE => EXPLICIT_BE,
        Encoding::EXPLICIT_LE => EXPLICIT_LE,
        _ => IMPLICIT_LE,
    })?;
    let ended = Rc::new(Cell::new(false));
    let source = Source { bytes, ended: ended.clone() };
    let decoder = DynStatefulDecoder::new_with(source, syntax, SpecificCharacterSet::default(), 0).ok()?;
    let guarded = Guarded { decoder, length: bytes.len() as u64, open: Vec::new(), ended };
    // A flaw of the parser must not take away what the guard has read.
    let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| InMemDicomObject::read_dataset(guarded)));
    let object = read.ok()?.ok()?;
    agree(file, scanned, &object).then_some(object)
}

/// One level of a data set: as dicom-object read it, or as the guard did.
#[derive(Debug, Clone)]
pub enum DataSet<'a> {
    Object { object: &'a InMemDicomObject, encoding: Encoding },
    Scanned { file: &'a [u8], elements: Cow<'a, Elements> },
}

/// What an element is to somebody who looks for names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Name,
    Sequence,
    Other,
}

impl<'a> DataSet<'a> {
    /// The byte order and VRs of the values that [`DataSet::bytes`] gives.
    pub fn encoding(&self) -> Encoding {
        match self {
            Self::Object { encoding, .. } => *encoding,
            Self::Scanned { elements, .. } => elements.encoding,
        }
    }

    pub fn has(&self, tag: u32) -> bool {
        match self {
            Self::Object { object, .. } => object.get(tag_of(tag)).is_some(),
            Self::Scanned { elements, .. } => elements.get(tag).is_some(),
        }
    }

    /// The bytes of an element that is no sequence.
    pub fn bytes(&self, tag: u32) -> Option<&[u8]> {
        match self {
            Self::Object { object, .. } => primitive(object.get(tag_of(tag))?.value()),
            Self::Scanned { file, elements } => elements.bytes(file, tag),
        }
    }

    /// The first value of an unsigned short.
    pub fn u16(&self, tag: u32) -> Option<u16> {
        Some(self.encoding().u16(*self.bytes(tag)?.first_chunk::<2>()?))
    }

    /// The items of a sequence, at most `limit` of them.
    ///
    /// # Errors
    /// Those of [`elements::read`], where the guard's reading is asked.
    pub fn items(&self, tag: u32, limit: usize) -> Result<Vec<DataSet<'a>>, ImagingError> {
        let scanned = |file: &'a [u8], items: Vec<Elements>| {
            items.into_iter().map(|item| DataSet::Scanned { file, elements: Cow::Owned(item) }).collect()
        };
        match self {
            Self::Scanned { file, elements } => Ok(scanned(file, elements.items(file, tag, limit)?)),
            Self::Object { object, encoding } => match object.get(tag_of(tag)).map(|e| e.value()) {
                Some(Value::Sequence(sequence)) => {
                    let items = sequence.items().iter().take(limit);
                    Ok(items.map(|object| DataSet::Object { object, encoding: *encoding }).collect())
                }
                // A sequence of defined length behind UN stays bytes to dicom-object (PS3.5 6.2.2, note 2).
                Some(value) => {
                    let bytes = primitive(value).unwrap_or_default();
                    let value = elements::Value::Bytes(0..bytes.len());
                    let list = vec![Element { tag, vr: *b"UN", value }];
                    let alone = Elements { encoding: Encoding::IMPLICIT_LE, list, truncated: false };
                    Ok(scanned(bytes, alone.items(bytes, tag, limit)?))
                }
                None => Ok(Vec::new()),
            },
        }
    }

    /// Every element's tag and role. The guard, which has no dictionary, knows
    /// the names of implicit files by their tags.
    pub fn roles(&self) -> Vec<(u32, Role)> {
        match self {
            Self::Object { object, .. } => {
                let role = |vr, value: &_| match (vr, value) {
                    (_, Value::Sequence(_)) => Role::Sequence,
                    (VR::PN, _) => Role::Name,
                    _ => Role::Other,
                };
                object.iter().map(|e| (number_of(e.tag()), role(e.vr(), e.value()))).collect()
            }
            Self::Scanned { elements, .. } => {
                let role = |e: &Element| match (&e.vr, e.tag) {
                    (b"PN", _) | ([0, 0], 0x0008_0090 | 0x0010_0010 | 0x0008_1050) => Role::Name,
                    (b"SQ" | [0, 0], _) => Role::Sequence,
                    _ => Role::Other,
                };
                elements.list.iter().map(|e| (e.tag, role(e))).collect()
            }
        }
    }
}

fn tag_of(tag: u32) -> Tag {
    Tag((tag >> 16) as u16, tag as u16)
}

fn number_of(tag: Tag) -> u32 {
    u32::from(tag.0) << 16 | u32::from(tag.1)
}

fn primitive<I, P>(value: &Value<I, P>) -> Option<&[u8]> {
    match value {
        Value::Primitive(PrimitiveValue::U8(bytes)) => Some(bytes),
        Value::Primitive(PrimitiveValue::Empty) => Some(&[]),
        _ => None,
    }
}

fn before_pixels(scanned: &Elements) -> impl Iterator<Item = &Element> {
    scanned.list.iter().take_while(|e| e.tag != PIXEL_DATA)
}

/// Whether both readers found the same elements with the same bytes.
fn agree(file: &[u8], scanned: &Elements, object: &InMemDicomObject) -> bool {
    before_pixels(scanned).all(|element| {
        let Some(found) = object.get(tag_of(element.tag)) else { return false };
        match (&element.value, found.value()) {
            (_, Value::Sequence(_)) => true,
            (elements::Value::Bytes(range), value) => primitive(value) == file.get(range.clone()),
            _ => false,
        }
    })
}

/// The bytes of the data set, which end when the guard says so.
struct Source<'a> {
    bytes: &'a [u8],
    ended: Rc<Cell<bool>>,
}

impl io::Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended.get() {
            return Err(io::Error::other("the guard ended the reading"));
        }
        self.bytes.read(buffer)
    }
}

/// dicom-parser's decoder with a limit to depth and lengths, giving bytes for values.
struct Guarded<'a> {
    decoder: DynStatefulDecoder<Source<'a>>,
    length: u64,
    /// Where the open sequences end; the largest number where a delimiter says so.
    open: Vec<u64>,
    ended: Rc<Cell<bool>>,
}

impl Guarded<'_> {
    /// Ends the reading: the error is the one that the source gives from now on.
    fn refuse<T>(&mut self) -> Result<T, Error> {
        self.ended.set(true);
        match self.decoder.decode_item_header() {
            Err(error) => Err(error),
            Ok(_) => unreachable!("an ended source gives no header"),
        }
    }

    fn fits(&self, length: Length) -> bool {
        let left = self.length.saturating_sub(self.decoder.position());
        length.get().is_none_or(|length| u64::from(length) <= left)
    }

    fn leave(&mut self) {
        while self.open.last().is_some_and(|end| *end <= self.decoder.position()) {
            self.open.pop();
        }
    }
}

impl<'a> StatefulDecode for Guarded<'a> {
    type Reader = Source<'a>;

    fn decode_header(&mut self) -> Result<DataElementHeader, Error> {
        self.leave();
        let header = self.decoder.decode_header()?;
        if !self.fits(header.length()) {
            return self.refuse();
        }
        if header.vr() == VR::SQ || header.length().is_undefined() {
            let end = header.length().get().map(|length| self.decoder.position() + u64::from(length));
            self.open.push(end.unwrap_or(u64::MAX));
            if self.open.len() > MAX_DEPTH {
                return self.refuse();
            }
        }
        Ok(header)
    }

    fn decode_item_header(&mut self) -> Result<SequenceItemHeader, Error> {
        self.leave();
        let header = self.decoder.decode_item_header()?;
        match header {
            SequenceItemHeader::Item { len } if !self.fits(len) => return self.refuse(),
            SequenceItemHeader::SequenceDelimiter => {
                self.open.pop();
            }
            _ => {}
        }
        Ok(header)
    }

    fn read_value(&mut self, header: &DataElementHeader) -> Result<PrimitiveValue, Error> {
        self.decoder.read_value_bytes(header)
    }

    fn read_value_preserved(&mut self, header: &DataElementHeader) -> Result<PrimitiveValue, Error> {
        self.decoder.read_value_bytes(header)
    }

    fn read_value_bytes(&mut self, header: &DataElementHeader) -> Result<PrimitiveValue, Error> {
        self.decoder.read_value_bytes(header)
    }

    fn read_to_vec(&mut self, length: u32, bytes: &mut Vec<u8>) -> Result<(), Error> {
        self.decoder.read_to_vec(length, bytes)
    }

    fn read_u32_to_vec(&mut self, length: u32, numbers: &mut Vec<u32>) -> Result<(), Error> {
        self.decoder.read_u32_to_vec(length, numbers)
    }

    fn read_to<W: io::Write>(&mut self, length: u32, out: W) -> Result<(), Error> {
        self.decoder.read_to(length, out)
    }

    fn skip_bytes(&mut self, length: u32) -> Result<(), Error> {
        self.decoder.skip_bytes(length)
    }

    fn seek(&mut self, position: u64) -> Result<(), Error>
    where
        Source<'a>: io::Seek,
    {
        self.decoder.seek(position)
    }

    fn position(&self) -> u64 {
        self.decoder.position()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part10;
    use hilum_testkit::dicom::{DicomFile, preamble_and_meta};

    fn small() -> DicomFile {
        DicomFile::radiograph(16, 16, 12, |row, column| (row + column) as u16)
    }

    /// A sequence of defined length in sequences of defined length, `depth` of them.
    fn nested(depth: usize, innermost: &[u8]) -> Vec<u8> {
        (0..depth).fold(innermost.to_vec(), |inner, _| {
            let lengths = [inner.len() as u32 + 8, inner.len() as u32].map(u32::to_le_bytes);
            [b"\x08\x00\x40\x11SQ\x00\x00", &lengths[0][..], b"\xFE\xFF\x00\xE0", &lengths[1], &inner].concat()
        })
    }

    #[test]
    fn dicom_object_reads_what_is_sound_and_the_guard_the_rest() {
        let explicit = |front: &[u8]| [&preamble_and_meta(EXPLICIT_LE), front, &small().data_set(EXPLICIT_LE)].concat();
        let repeated = b"\x08\x00\x05\x00CS\x00\x00\x08\x00\x05\x00CS\x0A\x00ISO_IR 100";
        let implicit_inside = b"\x08\x00\x00\x00UL\x04\x00\0\0\0\0\x09\x00\x10\x00\x04\x00\x00\x00ABCD";
        let lying = b"\x09\x00\x10\x00UN\x00\x00\xF0\xFF\xFF\x7F";
        let cases = [
            ("explicit", small().write_as(EXPLICIT_LE), true),
            ("implicit", small().write_as(IMPLICIT_LE), true),
            ("big endian", small().write_as(EXPLICIT_BE), true),
            ("a sequence", small().sequence(0x0008_1140, vec![small(), small()]).write(), true),
            ("as deep as allowed", explicit(&nested(MAX_DEPTH, &[])), true),
            ("deeper", explicit(&nested(MAX_DEPTH + 1, &[])), false),
            ("far deeper", explicit(&nested(3000, &[])), false),
            ("a lying length in a sequence", explicit(&nested(1, lying)), false),
            ("a repeated element", explicit(repeated), false),
            ("an implicit element", explicit(implicit_inside), false),
        ];
        for (name, file, by_dicom_object) in cases {
            let opened = part10::open(&file).unwrap();
            assert_eq!(opened.object.is_some(), by_dicom_object, "{name}");
            let data = opened.data();
            assert_eq!((data.u16(0x0028_0010), data.u16(0x0028_0101)), (Some(16), Some(12)), "{name}");
            assert!(data.bytes(0x0010_0010).is_some_and(|name| name.starts_with(b"Beispiel^Berta")), "{name}");
        }
    }
}
