//! Characters that no bundled font shows, in text that nobody typed into the report.
//!
//! Names and descriptions come from tags and settings, and the person who signs cannot change
//! them: such a character is printed as its code point in brackets, "[U+12000]", in the notation
//! of the Unicode standard (appendix A), so that nothing is left out silently. The report's own
//! sentences are refused instead, because the one who wrote them can put them otherwise.

use crate::text::{Fonts, Weight, printable};
use crate::{ExportError, ReportDocument};

/// The document with every field but its sentences as it can be printed.
///
/// # Errors
/// [`ExportError::Font`] when a bundled font cannot be read.
pub(super) fn legible(document: &ReportDocument) -> Result<ReportDocument, ExportError> {
    let mut document = document.clone();
    let mut fonts = Fonts::new();
    let (head, patient, study) = (&mut document.letterhead, &mut document.patient, &mut document.study);
    let mut fields = vec![
        &mut head.institution,
        &mut head.department,
        &mut patient.name,
        &mut patient.id,
        &mut patient.sex,
        &mut patient.birth_date,
        &mut patient.age,
        &mut study.accession,
        &mut study.description,
        &mut study.performed,
        &mut study.referrer,
    ];
    fields.extend(&mut head.address);
    fields.extend(&mut document.communications);
    for image in &mut document.key_images {
        fields.push(&mut image.caption);
        fields.extend(image.marks.iter_mut().flat_map(|mark| &mut mark.words));
    }
    for row in &mut document.measurements {
        fields.extend([&mut row.image, &mut row.label, &mut row.value, &mut row.spacing]);
    }
    fields.extend(document.signature.as_mut().map(|signature| &mut signature.name));
    fields.extend(document.parent.as_mut().map(|parent| &mut parent.by));
    for field in fields {
        if let Some(text) = spelled_out(&mut fonts, field)? {
            *field = text;
        }
    }
    Ok(document)
}

/// The text with code points where no font has a glyph; `None` when every character has one.
pub(super) fn spelled_out(fonts: &mut Fonts, text: &str) -> Result<Option<String>, ExportError> {
    let text = printable(text);
    let mut out = String::with_capacity(text.len());
    let mut missing = false;
    for c in text.chars() {
        match fonts.shows(c, Weight::Regular) {
            Ok(()) => out.push(c),
            Err(ExportError::NoGlyph(c)) => {
                missing = true;
                out.push_str(&format!("[U+{:04X}]", c as u32));
            }
            Err(e) => return Err(e),
        }
    }
    Ok(missing.then_some(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_font_shows_is_spelled_out() {
        let mut fonts = Fonts::new();
        let mut check = |text: &str, expected: Option<&str>| {
            assert_eq!(spelled_out(&mut fonts, text).expect("fonts").as_deref(), expected, "{text}");
        };
        check("", None);
        check("Two\nlines, 山田 太郎 (김민수) محمد عبد الله", None);
        check("J\u{0301}o\u{0308}n \u{202E}evil", None);
        check("Cuneiform \u{12000}\u{12001}.", Some("Cuneiform [U+12000][U+12001]."));
        check("\u{FFFE}", Some("[U+FFFE]"));
    }
}
