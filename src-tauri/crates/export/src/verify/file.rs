//! The file around the signature: one revision, all of it covered.

use super::{Breaks, Findings};
use lopdf::{Dictionary, Document, LoadOptions, Object, ObjectId};
use std::ops::Range;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// The signature dictionary's content.
pub(super) struct Signed {
    /// The bytes that are signed, before and after the signature value.
    pub ranges: [Range<usize>; 2],
    /// The signature value with its padding.
    pub value: Vec<u8>,
    pub at: Option<OffsetDateTime>,
    pub reason: Option<String>,
    pub audit_head: Option<String>,
}

/// A signed report has no object streams; a foreign file's are not to fill the memory.
const LARGEST_STREAM: usize = 16 << 20;

/// Keys whose presence anywhere means that the file does something when it is
/// opened or carries other files.
const ACTIVE: [&[u8]; 12] = [
    b"JavaScript",
    b"JS",
    b"OpenAction",
    b"AA",
    b"Launch",
    b"EmbeddedFiles",
    b"EmbeddedFile",
    b"RichMedia",
    b"XFA",
    b"URI",
    b"SubmitForm",
    b"ImportData",
];

/// Finds the signature and checks everything that does not need its value.
/// `None` when there is no signature to go on with.
pub(super) fn read(pdf: &[u8], findings: &mut Findings) -> Option<Signed> {
    outer_bytes(pdf, findings);
    if !contains(pdf, b"/ByteRange") {
        findings.add(Breaks::Integrity, "pdf.not_signed");
        return None;
    }
    one_revision(pdf, findings);
    let options = LoadOptions { strict: true, max_decompressed_size: Some(LARGEST_STREAM), ..Default::default() };
    let Ok(file) = Document::load_mem_with_options(pdf, options) else {
        findings.add(Breaks::Integrity, "pdf.unreadable");
        return None;
    };
    if file.is_encrypted() || file.trailer.has(b"Encrypt") {
        findings.add(Breaks::Integrity, "pdf.unreadable");
        return None;
    }
    active_content(&file, findings);
    let (id, dictionary) = one_signature(&file, findings)?;
    certified(&file, id, dictionary, findings);
    let (ranges, value) = byte_range(pdf, &file, id, dictionary, findings)?;
    let at = dictionary.get(b"M").and_then(Object::as_str).ok().and_then(parse_date);
    if at.is_none() {
        findings.add(Breaks::Trust, "pdf.signature_dictionary");
    }
    let reason = dictionary.get(b"Reason").ok().and_then(|o| lopdf::decode_text_string(o).ok());
    Some(Signed { ranges, value, at, reason, audit_head: audit_head(&file) })
}

/// The head of the audit chain, as the file's information dictionary repeats it: 64 hexadecimal digits.
fn audit_head(file: &Document) -> Option<String> {
    let info = resolved(file, file.trailer.get(b"Info").ok()?)?;
    let head = lopdf::decode_text_string(info.get(crate::pdf::AUDIT_HEAD.as_bytes()).ok()?).ok()?;
    (head.len() == 64 && head.bytes().all(|b| b.is_ascii_hexdigit())).then(|| head.to_lowercase())
}

/// Nothing before the header and nothing after the end, besides one line end.
fn outer_bytes(pdf: &[u8], findings: &mut Findings) {
    if !pdf.starts_with(b"%PDF-") {
        let code = if contains(pdf, b"%PDF-") { "pdf.leading_bytes" } else { "pdf.not_pdf" };
        findings.add(Breaks::Coverage, code);
    }
    let end = [&b"\r\n"[..], b"\n", b"\r", b""].iter().find_map(|eol| pdf.strip_suffix(*eol));
    if !end.is_some_and(|rest| rest.ends_with(b"%%EOF")) {
        findings.add(Breaks::Coverage, "pdf.trailing_bytes");
    }
}

/// One cross-reference table that lists every object where it is, one trailer,
/// and no earlier revision.
fn one_revision(pdf: &[u8], findings: &mut Findings) {
    let once = |needle: &[u8]| pdf.windows(needle.len()).filter(|w| *w == needle).count() == 1;
    if !once(b"startxref") || !once(b"%%EOF") || contains(pdf, b"/Prev") || contains(pdf, b"/XRefStm") {
        findings.add(Breaks::Coverage, "pdf.incremental_update");
    }
    if cross_references(pdf).is_none() {
        findings.add(Breaks::Coverage, "pdf.incremental_update");
    }
}

/// The table that `startxref` points to, if it is well formed, reaches the
/// trailer and each entry in use points to its object (ISO 32000-1, 7.5.4).
fn cross_references(pdf: &[u8]) -> Option<Vec<usize>> {
    let at = last(pdf, b"startxref")?;
    let number = pdf[at + 9..].trim_ascii_start();
    let digits = number.iter().take_while(|b| b.is_ascii_digit()).count();
    let start: usize = std::str::from_utf8(&number[..digits]).ok()?.parse().ok()?;
    if number[digits..].trim_ascii() != b"%%EOF" || start >= at {
        return None;
    }
    let table = pdf.get(start..at)?.strip_prefix(b"xref")?.trim_ascii_start();
    let line = table.iter().position(|b| matches!(b, b'\n' | b'\r'))?;
    let mut head = std::str::from_utf8(&table[..line]).ok()?.split_ascii_whitespace();
    if head.next() != Some("0") {
        return None;
    }
    let count: usize = head.next()?.parse().ok()?;
    let entries = table[line..].trim_ascii_start();
    let length = count.checked_mul(20)?;
    let (entries, rest) = entries.split_at_checked(length)?;
    let mut offsets = Vec::new();
    for (number, entry) in entries.chunks_exact(20).enumerate() {
        let entry = std::str::from_utf8(entry).ok()?;
        let mut fields = entry.split_ascii_whitespace();
        let (offset, generation, kind) = (fields.next()?, fields.next()?, fields.next()?);
        match kind {
            "f" => {}
            "n" => {
                let offset: usize = offset.parse().ok()?;
                let generation: u32 = generation.parse().ok()?;
                let head = format!("{number} {generation} obj");
                if offset >= start || !pdf.get(offset..)?.starts_with(head.as_bytes()) {
                    return None;
                }
                offsets.push(offset);
            }
            _ => return None,
        }
    }
    rest.trim_ascii_start().starts_with(b"trailer").then_some(offsets)
}

fn active_content(file: &Document, findings: &mut Findings) {
    let active = file.objects.values().any(has_active)
        || file.trailer.iter().any(|(key, value)| ACTIVE.contains(&key.as_slice()) || has_active(value));
    if active {
        findings.add(Breaks::Integrity, "pdf.active_content");
    }
}

fn has_active(object: &Object) -> bool {
    let in_dictionary =
        |d: &Dictionary| d.iter().any(|(key, value)| ACTIVE.contains(&key.as_slice()) || has_active(value));
    match object {
        Object::Array(items) => items.iter().any(has_active),
        Object::Dictionary(dictionary) => in_dictionary(dictionary),
        Object::Stream(stream) => in_dictionary(&stream.dict),
        Object::Name(name) => ACTIVE.contains(&name.as_slice()),
        _ => false,
    }
}

/// The value of the form's only field, which must also be the only signature
/// dictionary in the file.
fn one_signature<'a>(file: &'a Document, findings: &mut Findings) -> Option<(ObjectId, &'a Dictionary)> {
    let signatures: Vec<ObjectId> = file
        .objects
        .iter()
        .filter(|(_, object)| object.as_dict().is_ok_and(|d| d.has(b"ByteRange")))
        .map(|(id, _)| *id)
        .collect();
    let id = match signatures.as_slice() {
        [id] => *id,
        [] => {
            findings.add(Breaks::Integrity, "pdf.not_signed");
            return None;
        }
        _ => {
            findings.add(Breaks::Coverage, "pdf.several_signatures");
            return None;
        }
    };
    let field = || -> Option<&Dictionary> {
        let form = resolved(file, file.catalog().ok()?.get(b"AcroForm").ok()?)?;
        let [field] = resolve(file, form.get(b"Fields").ok()?)?.as_array().ok()?.as_slice() else { return None };
        resolved(file, field)
    };
    let is_value = field().is_some_and(|field| {
        field.get(b"FT").and_then(Object::as_name).is_ok_and(|name| name == b"Sig")
            && !field.has(b"Kids")
            && field.get(b"V").and_then(Object::as_reference).is_ok_and(|v| v == id)
    });
    if !is_value {
        findings.add(Breaks::Integrity, "pdf.not_signed");
        return None;
    }
    Some((id, file.get_dictionary(id).ok()?))
}

/// The signature is of the PAdES kind and certifies the document without
/// allowing a change (DocMDP, P 1).
fn certified(file: &Document, id: ObjectId, dictionary: &Dictionary, findings: &mut Findings) {
    let name =
        |d: &Dictionary, key: &[u8], value: &[u8]| d.get(key).and_then(Object::as_name).is_ok_and(|name| name == value);
    if !name(dictionary, b"SubFilter", b"ETSI.CAdES.detached") || !name(dictionary, b"Filter", b"Adobe.PPKLite") {
        findings.add(Breaks::Integrity, "pdf.signature_dictionary");
    }
    let permitted = || -> Option<bool> {
        let perms = resolved(file, file.catalog().ok()?.get(b"Perms").ok()?)?;
        let [reference] = resolve(file, dictionary.get(b"Reference").ok()?)?.as_array().ok()?.as_slice() else {
            return None;
        };
        let reference = resolved(file, reference)?;
        let parameters = resolved(file, reference.get(b"TransformParams").ok()?)?;
        Some(
            perms.get(b"DocMDP").and_then(Object::as_reference).ok()? == id
                && name(reference, b"TransformMethod", b"DocMDP")
                && parameters.get(b"P").and_then(Object::as_i64).ok()? == 1,
        )
    };
    if permitted() != Some(true) {
        findings.add(Breaks::Coverage, "pdf.not_certified");
    }
}

/// The byte range is the whole file but for the hexadecimal string that is the
/// signature value.
fn byte_range(
    pdf: &[u8],
    file: &Document,
    id: ObjectId,
    dictionary: &Dictionary,
    findings: &mut Findings,
) -> Option<([Range<usize>; 2], Vec<u8>)> {
    let found = || -> Option<([Range<usize>; 2], Vec<u8>)> {
        let numbers: Vec<usize> = dictionary
            .get(b"ByteRange")
            .and_then(Object::as_array)
            .ok()?
            .iter()
            .map(|n| n.as_i64().ok().and_then(|n| usize::try_from(n).ok()))
            .collect::<Option<_>>()?;
        let [0, before, after, rest] = numbers[..] else { return None };
        if before < 2 || after < before + 2 || after.checked_add(rest)? != pdf.len() {
            return None;
        }
        let gap = pdf.get(before..after)?;
        let hexadecimal = gap.strip_prefix(b"<")?.strip_suffix(b">")?;
        let lower = hexadecimal.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let upper = hexadecimal.iter().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'));
        if !(lower || upper) {
            return None;
        }
        let value = hex::decode(hexadecimal).ok()?;
        // A parser must see the gap as this signature's value and as nothing else.
        let parsed = dictionary.get(b"Contents").and_then(Object::as_str).ok()?;
        let offsets = cross_references(pdf)?;
        let begins = offsets.iter().copied().filter(|offset| *offset < before).max()?;
        let ends = offsets.iter().copied().filter(|offset| *offset > before).min().unwrap_or(pdf.len());
        let head = format!("{} {} obj", id.0, id.1);
        let inside = after <= ends && pdf.get(begins..)?.starts_with(head.as_bytes());
        let named = pdf[..before].trim_ascii_end().ends_with(b"/Contents");
        let referenced = file.objects.contains_key(&id);
        (parsed == value && inside && named && referenced).then_some(([0..before, after..pdf.len()], value))
    };
    let found = found();
    if found.is_none() {
        findings.add(Breaks::Coverage, "pdf.coverage");
        findings.add(Breaks::Integrity, "pdf.coverage");
    }
    found
}

/// A date with its offset (ISO 32000-1, 7.9.4), as [`crate::signature::sign`] writes it.
fn parse_date(text: &[u8]) -> Option<OffsetDateTime> {
    let text = std::str::from_utf8(text).ok()?.strip_prefix("D:")?;
    if text.len() < 14 || !text.is_ascii() {
        return None;
    }
    let number = |range: Range<usize>| -> Option<u8> { text.get(range)?.parse().ok() };
    let year: i32 = text.get(0..4)?.parse().ok()?;
    let date = Date::from_calendar_date(year, Month::try_from(number(4..6)?).ok()?, number(6..8)?).ok()?;
    let time = Time::from_hms(number(8..10)?, number(10..12)?, number(12..14)?).ok()?;
    let zone = &text[14..];
    let offset = match zone.chars().next() {
        Some('Z') => UtcOffset::UTC,
        Some(sign @ ('+' | '-')) => {
            let hours: i8 = zone.get(1..3)?.parse().ok()?;
            let minutes: i8 = zone.get(4..6)?.parse().ok()?;
            let way = if sign == '-' { -1 } else { 1 };
            UtcOffset::from_hms(way * hours, way * minutes, 0).ok()?
        }
        _ => return None,
    };
    Some(PrimitiveDateTime::new(date, time).assume_offset(offset))
}

fn resolve<'a>(file: &'a Document, object: &'a Object) -> Option<&'a Object> {
    file.dereference(object).ok().map(|(_, object)| object)
}

fn resolved<'a>(file: &'a Document, object: &'a Object) -> Option<&'a Dictionary> {
    resolve(file, object)?.as_dict().ok()
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|w| w == needle)
}

fn last(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).rposition(|w| w == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn dates_are_read_with_their_offset() {
        let check = |text: &str, expected| assert_eq!(parse_date(text.as_bytes()), expected, "{text}");
        check("D:20261123140509+01'30'", Some(datetime!(2026-11-23 14:05:09 +1:30)));
        check("D:20261123140509-05'00'", Some(datetime!(2026-11-23 14:05:09 -5)));
        check("D:20261123140509Z", Some(datetime!(2026-11-23 14:05:09 UTC)));
        check("D:20261123140509", None);
        check("D:20261323140509Z", None);
        check("20261123140509Z", None);
        check("D:2026112314é509Z", None);
    }
}
