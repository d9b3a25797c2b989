//! The file around a data set: preamble, meta information, transfer syntax (PS3.10 section 7).
//!
//! Real files lack any of these. What is missing is inferred from the first
//! bytes of the data set and said in a warning, so that an old archive opens
//! and its oddity is still visible.

use crate::codec::Storage;
use crate::dataset::{self, DataSet};
use crate::elements::{self, Elements, Encoding};
use crate::error::ImagingError;
use dicom_object::InMemDicomObject;
use std::borrow::Cow;
use std::io::Read;

/// Longest file, and longest inflated data set, that is read, in bytes.
/// Half of what the decode child may map, so that the pixels fit beside it.
pub const MAX_FILE: usize = 192 << 20;

pub const IMPLICIT_LE: &str = "1.2.840.10008.1.2";
pub const EXPLICIT_LE: &str = "1.2.840.10008.1.2.1";
pub const DEFLATED_LE: &str = "1.2.840.10008.1.2.1.99";
pub const EXPLICIT_BE: &str = "1.2.840.10008.1.2.2";
pub const RLE: &str = "1.2.840.10008.1.2.5";

const TRANSFER_SYNTAX_UID: u32 = 0x0002_0010;
const MEDIA_STORAGE_SOP_CLASS_UID: u32 = 0x0002_0002;
const MEDIA_STORAGE_SOP_INSTANCE_UID: u32 = 0x0002_0003;

/// A file taken apart: its data set and what the part before it said.
#[derive(Debug, Clone)]
pub struct Part10<'a> {
    /// The bytes that the elements' ranges point into: the file, or the inflated data set.
    pub bytes: Cow<'a, [u8]>,
    /// As the guard read them, the pixel data among them.
    pub elements: Elements,
    /// What lies in front of the pixel data, as dicom-object read it; `None` where
    /// the guard's reading has to do.
    pub object: Option<InMemDicomObject>,
    pub transfer_syntax: String,
    pub media_sop_class: Option<String>,
    pub media_sop_instance: Option<String>,
    pub warnings: Vec<String>,
}

impl Part10<'_> {
    /// The elements in front of the pixel data.
    pub fn data(&self) -> DataSet<'_> {
        match &self.object {
            Some(object) => DataSet::Object { object, encoding: self.elements.encoding },
            None => DataSet::Scanned { file: &self.bytes, elements: Cow::Borrowed(&self.elements) },
        }
    }
}

/// Takes a file apart.
///
/// A file whose preamble starts as an executable (MZ, ELF, Mach-O, `#!`) is
/// refused rather than opened with a warning: no modality writes one, the vault
/// would keep and re-export the program, and a warning that nobody reads
/// protects nobody (NEMA's advice after CVE-2019-11687). TIFF preambles, which
/// PS3.10 section 7.1 names as legitimate, are accepted.
///
/// # Errors
/// [`ImagingError::Empty`], [`ImagingError::NotDicom`], [`ImagingError::Polyglot`], [`ImagingError::TooLarge`],
/// [`ImagingError::UnsupportedTransferSyntax`] for a data set in another form, and those of [`elements::read`].
pub fn open(file: &[u8]) -> Result<Part10<'_>, ImagingError> {
    if file.is_empty() {
        return Err(ImagingError::Empty);
    }
    if file.len() > MAX_FILE {
        return Err(ImagingError::TooLarge(format!("the file has {} MB", file.len() >> 20)));
    }
    let mut warnings = Vec::new();
    let start = if file.get(128..132) == Some(b"DICM") {
        if let Some(kind) = executable(file) {
            return Err(ImagingError::Polyglot(kind));
        }
        132
    } else if file.starts_with(b"DICM") {
        warnings.push("header.no_preamble".to_owned());
        4
    } else if guess(file).is_some() {
        warnings.push("header.no_preamble".to_owned());
        0
    } else if let Some(start) = odd_preamble(file) {
        warnings.push("header.odd_preamble".to_owned());
        start
    } else {
        return Err(ImagingError::NotDicom(looks_like(file)));
    };

    let meta = meta(file, start)?;
    let body = meta.end;
    let mut said = meta.text(file, TRANSFER_SYNTAX_UID);
    if meta.elements.is_empty() {
        warnings.push("header.no_meta".to_owned());
    } else if meta.elements[0].tag != 0x0002_0000 {
        warnings.push("header.no_meta_length".to_owned());
    }
    let guessed = guess(&file[body..]);
    let encoding = match said.as_deref() {
        Some(IMPLICIT_LE) => Encoding::IMPLICIT_LE,
        Some(EXPLICIT_BE) => Encoding::EXPLICIT_BE,
        Some(_) => Encoding::EXPLICIT_LE,
        None => {
            warnings.push("header.no_transfer_syntax".to_owned());
            let encoding = guessed.unwrap_or(Encoding::IMPLICIT_LE);
            said = Some(uid_of(encoding).to_owned());
            encoding
        }
    };
    let transfer_syntax = said.unwrap_or_default();
    // Deflated as a whole, MIME or XML: what does not begin as a data set is not read as one under a name that is not
    // decoded here.
    if guessed.is_none() {
        Storage::of(&transfer_syntax)?;
    }

    let (bytes, range, encoding) = if transfer_syntax == DEFLATED_LE && guessed.is_none() {
        let inflated = inflate(&file[body..])?;
        let range = 0..inflated.len();
        (Cow::Owned(inflated), range, Encoding::EXPLICIT_LE)
    } else {
        // What stands there is believed more than what is announced: some writers
        // copy the meta information of another file.
        let encoding = match guessed {
            Some(found) if found != encoding => {
                warnings.push("header.encoding_differs".to_owned());
                found
            }
            _ => encoding,
        };
        (Cow::Borrowed(file), body..file.len(), encoding)
    };
    let elements = elements::read(&bytes, range.clone(), encoding)?;
    let object = dataset::read(&bytes, range, &elements);
    if elements.truncated {
        warnings.push("header.truncated".to_owned());
    }
    Ok(Part10 {
        media_sop_class: meta.text(file, MEDIA_STORAGE_SOP_CLASS_UID),
        media_sop_instance: meta.text(file, MEDIA_STORAGE_SOP_INSTANCE_UID),
        bytes,
        elements,
        object,
        transfer_syntax,
        warnings,
    })
}

/// Where the data set starts behind a preamble of another length than 128: at
/// a group length of the meta information, or at a Specific Character Set, in
/// the first kilobyte. Files that are plainly something else are left alone.
fn odd_preamble(file: &[u8]) -> Option<usize> {
    if !looks_like(file).is_empty() {
        return None;
    }
    let head = &file[..file.len().min(1024)];
    head.windows(8).position(|w| w == b"\x02\0\0\0UL\x04\0" || (w.starts_with(b"\x08\0\x05\0CS") && w[7] == 0))
}

struct Meta {
    elements: Vec<elements::Element>,
    /// Where the data set starts.
    end: usize,
}

impl Meta {
    fn text(&self, file: &[u8], tag: u32) -> Option<String> {
        let element = self.elements.iter().find(|e| e.tag == tag)?;
        let elements::Value::Bytes(range) = &element.value else { return None };
        let text = std::str::from_utf8(file.get(range.clone())?).ok()?;
        let text = text.trim_matches([' ', '\0']);
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// Group 0002, always little endian; its group length is not trusted, the group is.
fn meta(file: &[u8], start: usize) -> Result<Meta, ImagingError> {
    let mut at = start;
    let mut found = Vec::new();
    while file.get(at..at + 2) == Some(&[2, 0]) {
        let explicit = file.get(at + 4..at + 6).is_some_and(|vr| vr.iter().all(u8::is_ascii_uppercase));
        let encoding = if explicit { Encoding::EXPLICIT_LE } else { Encoding::IMPLICIT_LE };
        let Some((element, end)) = elements::read_one(file, at, encoding) else {
            return Err(ImagingError::Truncated("its meta information"));
        };
        at = end;
        found.push(element);
    }
    Ok(Meta { elements: found, end: at })
}

/// How the data set that starts here is written, where its first element is believable.
fn guess(bytes: &[u8]) -> Option<Encoding> {
    let head = bytes.first_chunk::<8>()?;
    let known = |group: u16| matches!(group, 0x0001 | 0x0002 | 0x0004 | 0x0008 | 0x0010 | 0x0018 | 0x0020 | 0x0028);
    let little = u16::from_le_bytes([head[0], head[1]]);
    let big = u16::from_be_bytes([head[0], head[1]]);
    const VRS: &[u8] = b"AEASATCSDADSDTFDFLISLOLTOBODOFOLOWPNSHSLSQSSSTTMUCUIULUNURUSUT";
    let explicit = VRS.chunks(2).any(|vr| vr == &head[4..6]);
    if explicit && known(little) {
        Some(Encoding::EXPLICIT_LE)
    } else if explicit && known(big) {
        Some(Encoding::EXPLICIT_BE)
    } else if known(little) {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        (length == u32::MAX || (length as usize) <= bytes.len() - 8).then_some(Encoding::IMPLICIT_LE)
    } else {
        None
    }
}

fn uid_of(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::EXPLICIT_BE => EXPLICIT_BE,
        Encoding::EXPLICIT_LE => EXPLICIT_LE,
        _ => IMPLICIT_LE,
    }
}

/// Inflates a deflated data set (PS3.5 annex A.5: raw deflate, no zlib header).
fn inflate(body: &[u8]) -> Result<Vec<u8>, ImagingError> {
    let mut inflated = Vec::new();
    let mut stream = flate2::read::DeflateDecoder::new(body);
    let mut block = vec![0u8; 1 << 18];
    loop {
        match stream.read(&mut block) {
            Ok(0) => return Ok(inflated),
            Ok(n) => {
                if inflated.len() + n > MAX_FILE {
                    return Err(ImagingError::TooLarge(format!("it inflates to over {} MB", MAX_FILE >> 20)));
                }
                if inflated.try_reserve(n).is_err() {
                    return Err(ImagingError::TooLarge("it does not fit in memory when inflated".to_owned()));
                }
                inflated.extend_from_slice(&block[..n]);
            }
            // What was inflated before the damage is still worth a look.
            Err(_) if !inflated.is_empty() => return Ok(inflated),
            Err(_) => return Err(ImagingError::Structure("its data set cannot be inflated")),
        }
    }
}

fn executable(file: &[u8]) -> Option<&'static str> {
    const PROGRAMS: [(&[u8], &str); 6] = [
        (b"MZ", "MZ"),
        (b"\x7FELF", "ELF"),
        (b"#!", "#!"),
        (b"\xCF\xFA\xED\xFE", "Mach-O"),
        (b"\xCE\xFA\xED\xFE", "Mach-O"),
        (b"\xCA\xFE\xBA\xBE", "Mach-O"),
    ];
    PROGRAMS.iter().find(|(magic, _)| file.starts_with(magic)).map(|(_, name)| *name)
}

/// What a file that is no DICOM is instead, as the end of a sentence.
fn looks_like(file: &[u8]) -> String {
    const KINDS: [(&[u8], &str); 9] = [
        (b"%PDF", "a PDF"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x89PNG", "a PNG picture"),
        (b"\xFF\xD8\xFF", "a JPEG picture"),
        (b"MZ", "a Windows program"),
        (b"\x7FELF", "a Linux program"),
        (b"\x1F\x8B", "a gzip archive"),
        (b"<?xml", "an XML text"),
        (b"<", "a web page or XML text"),
    ];
    let name = KINDS.iter().find(|(magic, _)| file.starts_with(magic)).map(|(_, name)| *name);
    name.map(|name| format!(" (it starts like {name})")).unwrap_or_default()
}
