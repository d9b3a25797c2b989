//! Small DICOM files written byte by byte (PS3.10 section 7, PS3.5 section 7).
//!
//! No DICOM library has a hand in them, so that what a reader is tested with
//! does not share the reader's mistakes, and so that a test can write what no
//! library would.

use std::collections::BTreeMap;

pub const IMPLICIT_LE: &str = "1.2.840.10008.1.2";
pub const EXPLICIT_LE: &str = "1.2.840.10008.1.2.1";
pub const EXPLICIT_BE: &str = "1.2.840.10008.1.2.2";
pub const DEFLATED_LE: &str = "1.2.840.10008.1.2.1.99";

/// Group in the high half, element in the low half.
pub type Tag = u32;

pub const PATIENT_NAME: Tag = 0x0010_0010;
pub const PATIENT_ID: Tag = 0x0010_0020;
pub const PATIENT_BIRTH_DATE: Tag = 0x0010_0030;
pub const PATIENT_SEX: Tag = 0x0010_0040;
pub const ACCESSION_NUMBER: Tag = 0x0008_0050;
pub const STUDY_DATE: Tag = 0x0008_0020;
pub const STUDY_UID: Tag = 0x0020_000D;
pub const SERIES_UID: Tag = 0x0020_000E;
pub const INSTANCE_UID: Tag = 0x0008_0018;
pub const PHOTOMETRIC: Tag = 0x0028_0004;
pub const PIXEL_DATA: Tag = 0x7FE0_0010;

/// A data set to be written, with elements added or replaced by tag.
#[derive(Debug, Clone, Default)]
pub struct DicomFile {
    elements: BTreeMap<Tag, Content>,
}

#[derive(Debug, Clone)]
enum Content {
    /// VR and value in little endian; the width of the numbers in it, for turning them.
    Value {
        vr: [u8; 2],
        bytes: Vec<u8>,
        width: usize,
    },
    Items(Vec<DicomFile>),
    Fragments(Vec<Vec<u8>>),
}

impl DicomFile {
    /// A computed radiograph of a person who does not exist: MONOCHROME2, 16 bits
    /// allocated, with `pixels(row, column)` as stored values.
    ///
    /// `bits_stored` is 9 to 16. The UIDs are fixed; replace them where two
    /// files must differ.
    pub fn radiograph(rows: u16, columns: u16, bits_stored: u16, pixels: impl Fn(u32, u32) -> u16) -> Self {
        let mut values = Vec::with_capacity(usize::from(rows) * usize::from(columns) * 2);
        for row in 0..u32::from(rows) {
            for column in 0..u32::from(columns) {
                values.extend_from_slice(&pixels(row, column).to_le_bytes());
            }
        }
        Self::header(rows, columns, 16, bits_stored).words(PIXEL_DATA, b"OW", values)
    }

    /// The same with 8 bits a pixel.
    pub fn radiograph8(rows: u16, columns: u16, pixels: impl Fn(u32, u32) -> u8) -> Self {
        let mut values = Vec::with_capacity(usize::from(rows) * usize::from(columns) + 1);
        for row in 0..u32::from(rows) {
            for column in 0..u32::from(columns) {
                values.push(pixels(row, column));
            }
        }
        Self::header(rows, columns, 8, 8).bytes(PIXEL_DATA, b"OB", values)
    }

    /// A radiograph's header without pixel data.
    pub fn header(rows: u16, columns: u16, bits_allocated: u16, bits_stored: u16) -> Self {
        Self::default()
            .text(0x0008_0005, b"CS", "ISO_IR 192")
            .text(0x0008_0016, b"UI", "1.2.840.10008.5.1.4.1.1.1")
            .text(INSTANCE_UID, b"UI", "2.25.3001")
            .text(STUDY_DATE, b"DA", "20240229")
            .text(0x0008_0030, b"TM", "101530")
            .text(ACCESSION_NUMBER, b"SH", "A-1001")
            .text(0x0008_0060, b"CS", "CR")
            .text(0x0008_1030, b"LO", "Chest PA")
            .text(PATIENT_NAME, b"PN", "Beispiel^Berta")
            .text(PATIENT_ID, b"LO", "P-1001")
            .text(PATIENT_BIRTH_DATE, b"DA", "19600414")
            .text(PATIENT_SEX, b"CS", "F")
            .text(0x0010_1010, b"AS", "063Y")
            .text(0x0018_0015, b"CS", "CHEST")
            .text(0x0018_5101, b"CS", "PA")
            .text(STUDY_UID, b"UI", "2.25.1001")
            .text(SERIES_UID, b"UI", "2.25.2001")
            .text(0x0020_0010, b"SH", "1")
            .text(0x0020_0011, b"IS", "1")
            .text(0x0020_0013, b"IS", "1")
            .short(0x0028_0002, 1)
            .text(PHOTOMETRIC, b"CS", "MONOCHROME2")
            .short(0x0028_0010, rows)
            .short(0x0028_0011, columns)
            .text(0x0028_0030, b"DS", "0.15\\0.15")
            .short(0x0028_0100, bits_allocated)
            .short(0x0028_0101, bits_stored)
            .short(0x0028_0102, bits_stored - 1)
            .short(0x0028_0103, 0)
    }

    /// Sets a text element; values are padded to even length as their VR asks.
    pub fn text(self, tag: Tag, vr: &[u8; 2], value: &str) -> Self {
        self.bytes(tag, vr, value.as_bytes().to_vec())
    }

    /// Sets an unsigned short.
    pub fn short(self, tag: Tag, value: u16) -> Self {
        self.words(tag, b"US", value.to_le_bytes().to_vec())
    }

    /// Sets an element whose value is single bytes.
    pub fn bytes(mut self, tag: Tag, vr: &[u8; 2], mut bytes: Vec<u8>) -> Self {
        if bytes.len() % 2 == 1 {
            bytes.push(if matches!(vr, b"UI" | b"OB" | b"UN") { 0 } else { b' ' });
        }
        self.elements.insert(tag, Content::Value { vr: *vr, bytes, width: 1 });
        self
    }

    /// Sets an element whose value is 16-bit words, given in little endian.
    pub fn words(mut self, tag: Tag, vr: &[u8; 2], bytes: Vec<u8>) -> Self {
        self.elements.insert(tag, Content::Value { vr: *vr, bytes, width: 2 });
        self
    }

    /// Sets a sequence, written with undefined lengths.
    pub fn sequence(mut self, tag: Tag, items: Vec<DicomFile>) -> Self {
        self.elements.insert(tag, Content::Items(items));
        self
    }

    /// Sets encapsulated pixel data with an empty offset table.
    pub fn fragments(mut self, fragments: Vec<Vec<u8>>) -> Self {
        self.elements.insert(PIXEL_DATA, Content::Fragments(fragments));
        self
    }

    pub fn without(mut self, tag: Tag) -> Self {
        self.elements.remove(&tag);
        self
    }

    /// The whole file in explicit VR little endian.
    pub fn write(&self) -> Vec<u8> {
        self.write_as(EXPLICIT_LE)
    }

    /// The whole file: preamble, meta information naming `transfer_syntax`, data
    /// set. Anything but the two other uncompressed syntaxes is written in
    /// explicit VR little endian; nothing is compressed here.
    pub fn write_as(&self, transfer_syntax: &str) -> Vec<u8> {
        let mut file = preamble_and_meta(transfer_syntax);
        file.extend(self.data_set(transfer_syntax));
        file
    }

    /// The data set alone.
    pub fn data_set(&self, transfer_syntax: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let form = Form { explicit: transfer_syntax != IMPLICIT_LE, big: transfer_syntax == EXPLICIT_BE };
        self.put(form, &mut out);
        out
    }

    fn put(&self, form: Form, out: &mut Vec<u8>) {
        for (tag, content) in &self.elements {
            match content {
                Content::Value { vr, bytes, width } => {
                    form.head(out, *tag, vr, bytes.len() as u32);
                    if form.big && *width == 2 {
                        out.extend(bytes.chunks_exact(2).flat_map(|b| [b[1], b[0]]));
                    } else {
                        out.extend_from_slice(bytes);
                    }
                }
                Content::Items(items) => {
                    form.head(out, *tag, b"SQ", u32::MAX);
                    for item in items {
                        form.bare(out, 0xFFFE_E000, u32::MAX);
                        item.put(form, out);
                        form.bare(out, 0xFFFE_E00D, 0);
                    }
                    form.bare(out, 0xFFFE_E0DD, 0);
                }
                Content::Fragments(fragments) => {
                    form.head(out, *tag, b"OB", u32::MAX);
                    form.bare(out, 0xFFFE_E000, 0);
                    for fragment in fragments {
                        let odd = fragment.len() % 2;
                        form.bare(out, 0xFFFE_E000, (fragment.len() + odd) as u32);
                        out.extend_from_slice(fragment);
                        out.extend(std::iter::repeat_n(0, odd));
                    }
                    form.bare(out, 0xFFFE_E0DD, 0);
                }
            }
        }
    }
}

/// A zero preamble, the prefix and the meta information.
pub fn preamble_and_meta(transfer_syntax: &str) -> Vec<u8> {
    let meta = DicomFile::default()
        .bytes(0x0002_0001, b"OB", vec![0, 1])
        .text(0x0002_0002, b"UI", "1.2.840.10008.5.1.4.1.1.1")
        .text(0x0002_0003, b"UI", "2.25.3001")
        .text(0x0002_0010, b"UI", transfer_syntax)
        .text(0x0002_0012, b"UI", "2.25.9001")
        .data_set(EXPLICIT_LE);
    let mut file = vec![0; 128];
    file.extend_from_slice(b"DICM");
    let form = Form { explicit: true, big: false };
    form.head(&mut file, 0x0002_0000, b"UL", 4);
    file.extend_from_slice(&(meta.len() as u32).to_le_bytes());
    file.extend(meta);
    file
}

#[derive(Clone, Copy)]
struct Form {
    explicit: bool,
    big: bool,
}

impl Form {
    fn short(self, out: &mut Vec<u8>, n: u16) {
        out.extend(if self.big { n.to_be_bytes() } else { n.to_le_bytes() });
    }

    fn long(self, out: &mut Vec<u8>, n: u32) {
        out.extend(if self.big { n.to_be_bytes() } else { n.to_le_bytes() });
    }

    fn bare(self, out: &mut Vec<u8>, tag: Tag, length: u32) {
        self.short(out, (tag >> 16) as u16);
        self.short(out, tag as u16);
        self.long(out, length);
    }

    fn head(self, out: &mut Vec<u8>, tag: Tag, vr: &[u8; 2], length: u32) {
        if !self.explicit {
            return self.bare(out, tag, length);
        }
        self.short(out, (tag >> 16) as u16);
        self.short(out, tag as u16);
        out.extend_from_slice(vr);
        if matches!(vr, b"OB" | b"OW" | b"SQ" | b"UN" | b"UT" | b"OF") {
            self.short(out, 0);
            self.long(out, length);
        } else {
            self.short(out, length as u16);
        }
    }
}
