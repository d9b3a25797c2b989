//! The printed report.

mod archive;
mod body;
mod closing;
mod figures;
mod file;
mod head;
mod layout;
mod legible;
mod sheet;
mod structure;

use crate::{ExportError, Logo, ReportDocument};

/// Said on every page, in the words of the intended use.
pub const INTENDED_USE: &str = "Hilum is a drafting aid for qualified radiologists, not cleared for clinical use. \
                                Every report is reviewed and signed by a person.";

/// Said on every page of a report that was accepted in bulk, which nobody reviewed.
pub const INTENDED_USE_IN_BULK: &str = "Hilum is a drafting aid for qualified radiologists, not cleared for clinical \
                                        use. Nobody reviewed this report: it is a demonstration.";

/// Prints a report as a PDF 1.7 file of one revision, without a signature field.
///
/// The same document gives the same bytes. Fonts are embedded as subsets, and the content is tagged.
///
/// # Errors
/// [`ExportError::NoGlyphIn`] when no bundled font shows a character of the report's sentences
/// (anywhere else its code point is printed),
/// [`ExportError::KeyImage`] and [`ExportError::Logo`] when a picture's size is not its number of values.
pub fn render(document: &ReportDocument) -> Result<Vec<u8>, ExportError> {
    for image in &document.key_images {
        if image.width == 0 || image.width.checked_mul(image.height) != Some(image.grey.len()) {
            return Err(ExportError::KeyImage { width: image.width, height: image.height, bytes: image.grey.len() });
        }
    }
    if let Some(Logo { width, height, rgb }) = &document.letterhead.logo
        && (rgb.is_empty() || width.checked_mul(*height).and_then(|n| n.checked_mul(3)) != Some(rgb.len()))
    {
        return Err(ExportError::Logo { width: *width, height: *height, bytes: rgb.len() });
    }
    let document = &legible::legible(document)?;
    let printed = layout::compose(document)?;
    file::write(document, printed)
}

pub(crate) use file::{AUDIT_HEAD, SIGNATURE_BOX, SIGNATURE_OWNER, date, save, text_string};
pub(crate) use closing::drafted_and_signed;
pub(crate) use layout::moment;
