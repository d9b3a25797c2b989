//! Everything that a printed report says, as plain values.

use hilum_report::{FinalText, Meaning, VersionId, VersionKind};
use time::OffsetDateTime;

/// A report ready to be printed. Empty strings are left out of the page.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportDocument {
    pub paper: Paper,
    pub letterhead: Letterhead,
    pub patient: PatientBlock,
    pub study: StudyBlock,
    pub text: FinalText,
    pub kind: VersionKind,
    /// Id of the version that is printed.
    pub version: VersionId,
    /// The version that an addendum adds to or an amendment replaces.
    pub parent: Option<ParentVersion>,
    /// What was told of critical results, one plain sentence each.
    pub communications: Vec<String>,
    /// In the order in which they are printed.
    pub key_images: Vec<KeyImage>,
    /// Printed as a table, in this order.
    pub measurements: Vec<Measured>,
    /// `None` prints a draft and says so on every page.
    pub signature: Option<SignatureBlock>,
    /// Every page says that it is a demonstration, as it also does when the text is.
    pub demo: bool,
    /// Every page says that sentences were accepted in bulk, as it also does when the text says so.
    pub accepted_in_bulk: bool,
    /// Head of the audit chain when the report was signed, in hex.
    pub audit_head: String,
    /// Goes into the document's metadata.
    pub created: OffsetDateTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paper {
    #[default]
    A4,
    Letter,
}

impl Paper {
    /// Width and height in points (1/72 inch).
    pub fn size(self) -> (f32, f32) {
        match self {
            Paper::A4 => (595.28, 841.89),
            Paper::Letter => (612.0, 792.0),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Letterhead {
    pub institution: String,
    pub department: String,
    /// Printed one below the other, at most five.
    pub address: Vec<String>,
    pub logo: Option<Logo>,
}

/// A picture in colour beside the institution's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// Row by row from the top, three bytes a pixel in sRGB.
    pub rgb: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PatientBlock {
    /// As it is to be read, not in DICOM's caret form.
    pub name: String,
    pub id: String,
    pub sex: String,
    pub birth_date: String,
    pub age: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StudyBlock {
    pub accession: String,
    pub description: String,
    /// Date and time of the study as they are to be read.
    pub performed: String,
    pub referrer: String,
}

/// A picture with what was drawn on it.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyImage {
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// Row by row from the top, 0 black to 255 white, `width * height` values.
    pub grey: Vec<u8>,
    pub caption: String,
    pub marks: Vec<ImageMark>,
}

/// A mark on a key image: its lines, and what stands beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageMark {
    /// Each a line through its points, which are columns and rows of the picture's pixels from its
    /// top left corner.
    pub strokes: Vec<Vec<[f32; 2]>>,
    /// Where the words stand: beside this point.
    pub anchor: [f32; 2],
    /// One below the other.
    pub words: Vec<String>,
}

/// A row of the table of measurements.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Measured {
    /// Number of the key image on which it was measured, or else what names the image.
    pub image: String,
    /// What was measured, in the words of the person who did.
    pub label: String,
    /// With its unit.
    pub value: String,
    /// What millimetres rest on; empty where there are none.
    pub spacing: String,
}

/// Name, time and meaning, which 21 CFR 11.50 asks to be shown with a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureBlock {
    pub name: String,
    /// In the signer's own offset, which is printed.
    pub at: OffsetDateTime,
    pub meaning: Meaning,
}

/// Which version an addendum or amendment belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentVersion {
    pub id: VersionId,
    pub at: OffsetDateTime,
    /// Name of the person who signed it.
    pub by: String,
}

impl ReportDocument {
    /// True when a sentence of it was reviewed by nobody.
    pub fn in_bulk(&self) -> bool {
        self.accepted_in_bulk || self.text.accepted_in_bulk()
    }

    /// The words across every page, most important first; empty for a plain signed report.
    pub fn watermarks(&self) -> Vec<&'static str> {
        let mut words = Vec::new();
        if self.demo || self.text.is_demo() {
            words.push("DEMONSTRATION - NO MEDICAL MEANING");
        }
        if self.in_bulk() {
            words.push("ACCEPTED IN BULK");
        }
        if self.signature.is_none() {
            words.push("DRAFT - NOT SIGNED");
        }
        words
    }
}
