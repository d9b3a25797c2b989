//! The printed report.

mod archive;
mod file;
mod layout;
mod legible;
mod sheet;

use crate::{ExportError, ReportDocument};

/// Said on every page, in the words of the intended use.
pub const INTENDED_USE: &str = "Hilum is a drafting aid for qualified radiologists, not cleared for clinical use. \
                                Every report is reviewed and signed by a person.";

/// Prints a report as a PDF 1.7 file of one revision, without a signature field.
///
/// The same document gives the same bytes. Fonts are embedded as subsets.
///
/// # Errors
/// [`ExportError::NoGlyphIn`] when no bundled font shows a character of the report's sentences
/// (anywhere else its code point is printed),
/// [`ExportError::KeyImage`] when the picture's size is not its number of values.
pub fn render(document: &ReportDocument) -> Result<Vec<u8>, ExportError> {
    if let Some(image) = &document.key_image
        && (image.width == 0 || image.width.checked_mul(image.height) != Some(image.grey.len()))
    {
        return Err(ExportError::KeyImage { width: image.width, height: image.height, bytes: image.grey.len() });
    }
    let document = &legible::legible(document)?;
    let printed = layout::compose(document)?;
    file::write(document, printed)
}

pub(crate) use file::{SIGNATURE_BOX, SIGNATURE_OWNER, date, save, text_string};
