//! Data elements, and their bytes in Explicit VR Little Endian (PS3.5, 7.1.2) in a file (PS3.10, 7).

use super::Identity;
use crate::exchange::sections::Code;
use std::collections::BTreeMap;

/// Group and element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tag(pub u16, pub u16);

/// The value representations that are written here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vr {
    CS,
    DA,
    DT,
    IS,
    LO,
    OB,
    PN,
    SH,
    SQ,
    ST,
    TM,
    UI,
    UL,
    UT,
}

impl Vr {
    fn letters(self) -> &'static [u8; 2] {
        match self {
            Vr::CS => b"CS",
            Vr::DA => b"DA",
            Vr::DT => b"DT",
            Vr::IS => b"IS",
            Vr::LO => b"LO",
            Vr::OB => b"OB",
            Vr::PN => b"PN",
            Vr::SH => b"SH",
            Vr::SQ => b"SQ",
            Vr::ST => b"ST",
            Vr::TM => b"TM",
            Vr::UI => b"UI",
            Vr::UL => b"UL",
            Vr::UT => b"UT",
        }
    }

    /// Two reserved bytes and a length of four (PS3.5, table 7.1-1).
    fn is_long(self) -> bool {
        matches!(self, Vr::OB | Vr::SQ | Vr::UT)
    }

    /// Most characters of a value (PS3.5, table 6.2-1); `None` where there is no such limit.
    fn limit(self) -> Option<usize> {
        match self {
            Vr::SH | Vr::CS => Some(16),
            Vr::LO => Some(64),
            Vr::ST => Some(1024),
            _ => None,
        }
    }
}

/// Elements in ascending order of their tags.
#[derive(Debug, Clone, Default)]
pub(super) struct Dataset {
    elements: BTreeMap<Tag, (Vr, Value)>,
}

#[derive(Debug, Clone)]
enum Value {
    Bytes(Vec<u8>),
    Items(Vec<Dataset>),
}

impl Dataset {
    /// Text in UTF-8, cut to what the representation holds, padded to an even length.
    pub fn text(&mut self, tag: Tag, vr: Vr, text: &str) -> &mut Self {
        let mut bytes = text_of(vr, text).into_bytes();
        if bytes.len() % 2 == 1 {
            bytes.push(if vr == Vr::UI { 0 } else { b' ' });
        }
        self.elements.insert(tag, (vr, Value::Bytes(bytes)));
        self
    }

    /// Bytes, padded with a zero to an even length.
    pub fn bytes(&mut self, tag: Tag, bytes: &[u8]) -> &mut Self {
        let mut bytes = bytes.to_vec();
        if bytes.len() % 2 == 1 {
            bytes.push(0);
        }
        self.elements.insert(tag, (Vr::OB, Value::Bytes(bytes)));
        self
    }

    pub fn number(&mut self, tag: Tag, number: u32) -> &mut Self {
        self.elements.insert(tag, (Vr::UL, Value::Bytes(number.to_le_bytes().to_vec())));
        self
    }

    pub fn items(&mut self, tag: Tag, items: Vec<Dataset>) -> &mut Self {
        self.elements.insert(tag, (Vr::SQ, Value::Items(items)));
        self
    }

    /// A sequence of one coded concept (PS3.3, 8.8).
    pub fn code(&mut self, tag: Tag, code: Code) -> &mut Self {
        let mut item = Dataset::default();
        item.text(Tag(0x0008, 0x0100), Vr::SH, code.0);
        item.text(Tag(0x0008, 0x0102), Vr::SH, code.1);
        item.text(Tag(0x0008, 0x0104), Vr::LO, code.2);
        self.items(tag, vec![item])
    }

    /// The bytes of a file: preamble, file meta information, data set.
    pub fn file(&self, identity: &Identity) -> Vec<u8> {
        let mut meta = Dataset::default();
        meta.bytes(Tag(0x0002, 0x0001), &[0, 1]);
        meta.text(Tag(0x0002, 0x0002), Vr::UI, identity.class_uid);
        meta.text(Tag(0x0002, 0x0003), Vr::UI, &identity.instance_uid);
        // Explicit VR Little Endian.
        meta.text(Tag(0x0002, 0x0010), Vr::UI, "1.2.840.10008.1.2.1");
        // A UUID of Hilum's own, made once.
        meta.text(Tag(0x0002, 0x0012), Vr::UI, "2.25.203719467288136104559027816448350912847");
        meta.text(Tag(0x0002, 0x0013), Vr::SH, "HILUM");
        let mut meta_bytes = Vec::new();
        meta.write(&mut meta_bytes);
        let mut length = Dataset::default();
        length.number(Tag(0x0002, 0x0000), meta_bytes.len() as u32);
        let mut out = vec![0u8; 128];
        out.extend(b"DICM");
        length.write(&mut out);
        out.extend(meta_bytes);
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        for (tag, (vr, value)) in &self.elements {
            put_tag(out, *tag);
            out.extend(vr.letters());
            let body = match value {
                Value::Bytes(bytes) => bytes.clone(),
                Value::Items(items) => {
                    let mut body = Vec::new();
                    for item in items {
                        let mut bytes = Vec::new();
                        item.write(&mut bytes);
                        put_tag(&mut body, Tag(0xFFFE, 0xE000));
                        body.extend((bytes.len() as u32).to_le_bytes());
                        body.extend(bytes);
                    }
                    body
                }
            };
            if vr.is_long() {
                out.extend([0, 0]);
                out.extend((body.len() as u32).to_le_bytes());
            } else {
                out.extend((body.len() as u16).to_le_bytes());
            }
            out.extend(body);
        }
    }
}

fn put_tag(out: &mut Vec<u8>, tag: Tag) {
    out.extend(tag.0.to_le_bytes());
    out.extend(tag.1.to_le_bytes());
}

/// The text as the representation may hold it: no control characters, no backslash where it would
/// part values, no longer than the limit.
fn text_of(vr: Vr, text: &str) -> String {
    let free = matches!(vr, Vr::UT | Vr::ST);
    let clean = text.trim().chars().filter_map(|c| match c {
        '\n' if free => Some(c),
        c if c.is_control() => Some(' '),
        '\\' if !free => Some('/'),
        c => Some(c),
    });
    match vr.limit() {
        Some(limit) => clean.take(limit).collect(),
        None => clean.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_in_order_even_and_clean() {
        let mut d = Dataset::default();
        d.text(Tag(0x0010, 0x0020), Vr::LO, "A\\1");
        d.text(Tag(0x0008, 0x0018), Vr::UI, "1.2.3");
        let mut out = Vec::new();
        d.write(&mut out);
        assert_eq!(out, b"\x08\x00\x18\x00UI\x06\x001.2.3\0\x10\x00\x20\x00LO\x04\x00A/1 ");
    }

    #[test]
    fn values_are_cut_to_their_representation() {
        let check = |vr: Vr, text: &str, expected: &str| assert_eq!(text_of(vr, text), expected);
        check(Vr::SH, "12345678901234567890", "1234567890123456");
        check(Vr::SH, "ééééééééééééééééé", "éééééééééééééééé");
        check(Vr::UT, "a\\b\nc", "a\\b\nc");
        check(Vr::LO, "a\u{1b}[2J", "a [2J");
        check(Vr::PN, "Yamada^Tarou=山田^太郎", "Yamada^Tarou=山田^太郎");
    }
}
