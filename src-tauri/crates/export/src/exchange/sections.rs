//! The names that the standards give to a report's sections.

use hilum_report::SectionKind;

/// A coded concept: value, coding scheme, meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code(pub &'static str, pub &'static str, pub &'static str);

/// DICOM's title of the document (PS3.16, CID 7000) and LOINC's name for it.
pub(super) const DOCUMENT: Code = Code("18748-4", "LN", "Diagnostic Imaging Report");

/// The heading of a section (PS3.16, CID 7001), of LOINC.
pub(super) fn heading(kind: SectionKind) -> Code {
    match kind {
        SectionKind::Exam | SectionKind::Technique => Code("55111-9", "LN", "Current Procedure Descriptions"),
        SectionKind::Indication => Code("18785-6", "LN", "Indications for Procedure"),
        SectionKind::Comparison => Code("55114-3", "LN", "Prior Procedure Descriptions"),
        SectionKind::Findings => Code("59776-5", "LN", "Findings"),
        SectionKind::Impression => Code("19005-8", "LN", "Impressions"),
        SectionKind::Addendum => Code("55107-7", "LN", "Addendum"),
    }
}

/// What one sentence of the section is (PS3.16, CID 7002).
pub(super) fn element(kind: SectionKind) -> Code {
    match kind {
        SectionKind::Exam | SectionKind::Technique | SectionKind::Comparison => {
            Code("121065", "DCM", "Procedure Description")
        }
        SectionKind::Indication => Code("11329-0", "LN", "History"),
        SectionKind::Findings => Code("121071", "DCM", "Finding"),
        SectionKind::Impression => Code("121073", "DCM", "Impression"),
        SectionKind::Addendum => Code("121077", "DCM", "Conclusion"),
    }
}

/// Heading of what stands beside the text, such as that a model drafted it.
pub(super) const SUMMARY: Code = Code("55112-7", "LN", "Summary");

/// Heading of what was told of critical results (PS3.16, CID 7001).
pub(super) const COMMUNICATION: Code = Code("73568-8", "LN", "Communication of Critical Results");
