//! The guard: data elements of a DICOM data set, read without copying and
//! without recursion, before dicom-object sees them ([`crate::dataset`]).
//!
//! The reader keeps ranges into the file instead of values, so that a lying
//! length costs nothing: a value that does not fit in the file is known before
//! anything is reserved for it. Sequences of defined length are stepped over;
//! those of undefined length are walked with a counter instead of the call
//! stack, so that no depth can overflow it (PS3.5 sections 7.1 to 7.5).

use crate::error::ImagingError;
use std::ops::Range;

/// Deepest nesting that is followed. Structured reports reach about 20.
pub const MAX_DEPTH: usize = 128;
/// Most elements or fragments that are kept of one data set.
const MAX_ELEMENTS: usize = 200_000;

const ITEM: u32 = 0xFFFE_E000;
const ITEM_END: u32 = 0xFFFE_E00D;
const SEQUENCE_END: u32 = 0xFFFE_E0DD;
const UNDEFINED: u32 = 0xFFFF_FFFF;
pub const PIXEL_DATA: u32 = 0x7FE0_0010;

/// How the elements of a data set are written (PS3.5 annex A).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    pub big_endian: bool,
    pub explicit_vr: bool,
}

impl Encoding {
    pub const IMPLICIT_LE: Self = Self { big_endian: false, explicit_vr: false };
    pub const EXPLICIT_LE: Self = Self { big_endian: false, explicit_vr: true };
    pub const EXPLICIT_BE: Self = Self { big_endian: true, explicit_vr: true };

    pub fn u16(self, bytes: [u8; 2]) -> u16 {
        if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    pub fn u32(self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }
}

/// Where the value of an element lies in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A value of defined length; for a sequence, its items.
    Bytes(Range<usize>),
    /// A sequence of undefined length with its delimiter.
    Items(Range<usize>),
    /// Encapsulated pixel data, the offset table first (PS3.5 annex A.4).
    Fragments(Vec<Range<usize>>),
}

impl Value {
    /// Where the next element begins.
    pub fn end(&self) -> usize {
        match self {
            Self::Bytes(range) | Self::Items(range) => range.end,
            Self::Fragments(fragments) => fragments.last().map_or(0, |last| last.end),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Group in the high half, element in the low half.
    pub tag: u32,
    /// The two letters, or zeros where the encoding has none.
    pub vr: [u8; 2],
    pub value: Value,
}

/// The elements of one level, in the order of the file.
#[derive(Debug, Clone)]
pub struct Elements {
    pub encoding: Encoding,
    pub list: Vec<Element>,
    /// The file ended inside an element.
    pub truncated: bool,
}

impl Elements {
    /// The first element with this tag.
    pub fn get(&self, tag: u32) -> Option<&Element> {
        self.list.iter().find(|e| e.tag == tag)
    }

    /// The bytes of an element of defined length.
    pub fn bytes<'a>(&self, file: &'a [u8], tag: u32) -> Option<&'a [u8]> {
        match &self.get(tag)?.value {
            Value::Bytes(range) => file.get(range.clone()),
            _ => None,
        }
    }

    /// The first value of an unsigned short.
    pub fn u16(&self, file: &[u8], tag: u32) -> Option<u16> {
        let bytes = self.bytes(file, tag)?.first_chunk::<2>()?;
        Some(self.encoding.u16(*bytes))
    }

    /// The items of a sequence, at most `limit` of them.
    pub fn items(&self, file: &[u8], tag: u32, limit: usize) -> Result<Vec<Elements>, ImagingError> {
        let Some(element) = self.get(tag) else { return Ok(Vec::new()) };
        let range = match &element.value {
            Value::Bytes(range) | Value::Items(range) => range.clone(),
            Value::Fragments(_) => return Ok(Vec::new()),
        };
        // A sequence hidden behind UN is implicit little endian (PS3.5 6.2.2, note 2).
        let encoding = if &element.vr == b"UN" { Encoding::IMPLICIT_LE } else { self.encoding };
        let mut cursor = Cursor { file, at: range.start, end: range.end, encoding };
        let mut items = Vec::new();
        while items.len() < limit {
            let Some((ITEM, length)) = cursor.bare_header() else { break };
            let start = cursor.at;
            let end = if length == UNDEFINED {
                let mut inside = Cursor { file, at: start, end: range.end, encoding };
                inside.skip_item(1)?;
                cursor.at = inside.at;
                inside.at
            } else {
                let end = start.saturating_add(length as usize).min(range.end);
                cursor.at = end;
                end
            };
            items.push(read(file, start..end, encoding)?);
        }
        Ok(items)
    }
}

/// Reads the elements of one level.
///
/// Stops at the end of the range, at an item delimiter, or where the range ends
/// inside an element (`truncated`). Pixel data that is cut short is kept as far
/// as it goes.
///
/// # Errors
/// [`ImagingError::TooDeep`], [`ImagingError::TooLarge`] for an absurd number of
/// elements, [`ImagingError::Structure`] where a sequence holds something else than items.
pub fn read(file: &[u8], range: Range<usize>, encoding: Encoding) -> Result<Elements, ImagingError> {
    let mut cursor = Cursor { file, at: range.start, end: range.end, encoding };
    let mut out = Elements { encoding, list: Vec::new(), truncated: false };
    loop {
        // Fewer than eight bytes are padding that some archives append.
        if cursor.end - cursor.at < 8 {
            break;
        }
        let Some(head) = cursor.header() else {
            out.truncated = true;
            break;
        };
        if head.tag == ITEM_END || head.tag == SEQUENCE_END {
            break;
        }
        // Trailing zeros up to a block size look like an element 0000,0000.
        if head.tag == 0 && head.length == 0 {
            break;
        }
        if out.list.len() == MAX_ELEMENTS {
            return Err(ImagingError::TooLarge(format!("it has more than {MAX_ELEMENTS} elements")));
        }
        let start = cursor.at;
        let value = if head.length != UNDEFINED {
            let left = cursor.end - start;
            let length = head.length as usize;
            if length > left {
                out.truncated = true;
                if head.tag == PIXEL_DATA {
                    out.list.push(Element { tag: head.tag, vr: head.vr, value: Value::Bytes(start..cursor.end) });
                }
                break;
            }
            cursor.at = start + length;
            Value::Bytes(start..cursor.at)
        } else if head.tag == PIXEL_DATA {
            let (fragments, complete) = cursor.fragments()?;
            out.list.push(Element { tag: head.tag, vr: head.vr, value: Value::Fragments(fragments) });
            if !complete {
                out.truncated = true;
                break;
            }
            continue;
        } else {
            let nested = if &head.vr == b"UN" { Encoding::IMPLICIT_LE } else { encoding };
            let mut inside = Cursor { encoding: nested, ..cursor };
            let complete = inside.skip_sequence(1)?;
            cursor.at = inside.at;
            if !complete {
                out.truncated = true;
                break;
            }
            Value::Items(start..cursor.at)
        };
        out.list.push(Element { tag: head.tag, vr: head.vr, value });
    }
    Ok(out)
}

/// Reads one element of defined length at `at` and says where the next begins.
pub fn read_one(file: &[u8], at: usize, encoding: Encoding) -> Option<(Element, usize)> {
    let mut cursor = Cursor { file, at, end: file.len(), encoding };
    let head = cursor.header()?;
    let end = cursor.at.checked_add(head.length as usize).filter(|end| *end <= file.len())?;
    Some((Element { tag: head.tag, vr: head.vr, value: Value::Bytes(cursor.at..end) }, end))
}

struct Head {
    tag: u32,
    vr: [u8; 2],
    length: u32,
}

#[derive(Clone, Copy)]
struct Cursor<'a> {
    file: &'a [u8],
    at: usize,
    end: usize,
    encoding: Encoding,
}

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = *self.file.get(self.at..self.end)?.first_chunk::<N>()?;
        self.at += N;
        Some(bytes)
    }

    fn tag(&mut self) -> Option<u32> {
        let group = self.take().map(|b| self.encoding.u16(b))?;
        let element = self.take().map(|b| self.encoding.u16(b))?;
        Some(u32::from(group) << 16 | u32::from(element))
    }

    /// Tag and length of an item or delimiter, which never has a VR.
    fn bare_header(&mut self) -> Option<(u32, u32)> {
        let tag = self.tag()?;
        let length = self.take().map(|b| self.encoding.u32(b))?;
        Some((tag, length))
    }

    fn header(&mut self) -> Option<Head> {
        let tag = self.tag()?;
        let after_tag = self.at;
        if self.encoding.explicit_vr && tag >> 16 != 0xFFFE {
            let vr = self.take::<2>()?;
            // Some writers announce explicit VR and write an implicit element
            // all the same; two letters tell them apart.
            if vr.iter().all(u8::is_ascii_uppercase) {
                let short = self.take::<2>()?;
                let length = match &vr {
                    b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT"
                    | b"UV" => self.take().map(|b| self.encoding.u32(b))?,
                    _ => u32::from(self.encoding.u16(short)),
                };
                return Some(Head { tag, vr, length });
            }
            self.at = after_tag;
        }
        let length = self.take().map(|b| self.encoding.u32(b))?;
        Some(Head { tag, vr: [0, 0], length })
    }

    /// Steps over the rest of a sequence of undefined length and its delimiter.
    /// False where the file ends first.
    fn skip_sequence(&mut self, depth: usize) -> Result<bool, ImagingError> {
        self.skip(Level::Sequence(self.encoding), depth)
    }

    /// Steps over the rest of an item of undefined length and its delimiter.
    fn skip_item(&mut self, depth: usize) -> Result<bool, ImagingError> {
        self.skip(Level::Item(self.encoding), depth)
    }

    fn skip(&mut self, first: Level, depth: usize) -> Result<bool, ImagingError> {
        let mut open = vec![first];
        while let Some(level) = open.last().copied() {
            if depth + open.len() / 2 > MAX_DEPTH {
                return Err(ImagingError::TooDeep(MAX_DEPTH));
            }
            let pushed = match level {
                Level::Sequence(encoding) => {
                    self.encoding = encoding;
                    let Some((tag, length)) = self.bare_header() else { return Ok(false) };
                    match tag {
                        SEQUENCE_END => None,
                        ITEM if length == UNDEFINED => Some(Level::Item(encoding)),
                        ITEM => {
                            if !self.jump(length) {
                                return Ok(false);
                            }
                            continue;
                        }
                        _ => return Err(ImagingError::Structure("a sequence holds something that is not an item")),
                    }
                }
                Level::Item(encoding) => {
                    self.encoding = encoding;
                    let Some(head) = self.header() else { return Ok(false) };
                    match head.tag {
                        ITEM_END => None,
                        _ if head.length != UNDEFINED => {
                            if !self.jump(head.length) {
                                return Ok(false);
                            }
                            continue;
                        }
                        PIXEL_DATA => {
                            if !self.fragments()?.1 {
                                return Ok(false);
                            }
                            continue;
                        }
                        _ if &head.vr == b"UN" => Some(Level::Sequence(Encoding::IMPLICIT_LE)),
                        _ => Some(Level::Sequence(encoding)),
                    }
                }
            };
            match pushed {
                Some(level) => open.push(level),
                None => {
                    open.pop();
                }
            }
        }
        Ok(true)
    }

    fn jump(&mut self, length: u32) -> bool {
        let fits = length as usize <= self.end - self.at;
        self.at = if fits { self.at + length as usize } else { self.end };
        fits
    }

    /// The fragments up to the sequence delimiter, and whether it was reached.
    /// A last fragment that is cut short is kept as far as it goes.
    fn fragments(&mut self) -> Result<(Vec<Range<usize>>, bool), ImagingError> {
        let mut fragments = Vec::new();
        loop {
            let Some((tag, length)) = self.bare_header() else { return Ok((fragments, false)) };
            match tag {
                SEQUENCE_END => return Ok((fragments, true)),
                ITEM => {
                    if fragments.len() == MAX_ELEMENTS {
                        return Err(ImagingError::TooLarge(format!("it has more than {MAX_ELEMENTS} fragments")));
                    }
                    let start = self.at;
                    let complete = self.jump(length);
                    fragments.push(start..self.at);
                    if !complete {
                        return Ok((fragments, false));
                    }
                }
                _ => return Err(ImagingError::Structure("pixel fragments are not items")),
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Level {
    Sequence(Encoding),
    Item(Encoding),
}
