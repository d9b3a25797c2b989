//! A signed report in the forms that other systems take: DICOM, FHIR, HL7.
//!
//! Each form is a pure function from a [`SignedReport`] to bytes. Nothing is read here: what the
//! objects say of patient and study is what was imported with the images. Identifiers of what is
//! written are derived from the signed version's own id, so that the same version gives the same
//! objects wherever and however often it is exported.

pub mod dicom;
mod fhir;
mod hl7;
mod person_name;
mod sections;

pub use fhir::bundle;
pub use hl7::oru_r01;

use hilum_report::{FinalText, VersionId, VersionKind};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

/// One signed version with its patient and its study.
#[derive(Debug, Clone, PartialEq)]
pub struct SignedReport {
    pub patient: PatientIdentity,
    pub study: ReportedStudy,
    pub version: VersionId,
    /// 1 for the original.
    pub number: u32,
    pub kind: VersionKind,
    /// Earlier versions of the same report, the original first.
    pub predecessors: Vec<VersionId>,
    pub text: FinalText,
    /// What was told of critical results, one plain sentence each.
    pub communications: Vec<String>,
    /// Name of the person who signed, as it is to be read.
    pub signer: String,
    pub signed_at: OffsetDateTime,
    /// The signed document.
    pub pdf: Vec<u8>,
}

/// As the images' headers write it; empty where they do not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PatientIdentity {
    /// DICOM person name: components by `^`, groups by `=`.
    pub name: String,
    pub id: String,
    pub issuer: String,
    /// YYYYMMDD.
    pub birth_date: String,
    /// "M", "F" or "O".
    pub sex: String,
}

/// As the images' headers write it; empty where they do not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportedStudy {
    pub uid: String,
    pub id: String,
    pub accession: String,
    /// YYYYMMDD.
    pub date: String,
    /// HHMMSS, with or without a fraction.
    pub time: String,
    pub description: String,
    /// DICOM person name.
    pub referring_physician: String,
    pub institution: String,
    pub series: Vec<ReportedSeries>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportedSeries {
    pub uid: String,
    pub modality: String,
    pub instances: Vec<ReportedInstance>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportedInstance {
    pub class_uid: String,
    pub uid: String,
}

impl SignedReport {
    /// What every page of the document says besides its text: a receiver that shows the words alone
    /// must be able to say it too.
    pub fn notices(&self) -> Vec<String> {
        let mut notices = Vec::new();
        if self.text.is_demo() {
            notices.push("DEMONSTRATION - NO MEDICAL MEANING.".to_owned());
        }
        if self.text.accepted_in_bulk() {
            notices.push("ACCEPTED IN BULK.".to_owned());
        }
        if self.text.was_drafted() {
            notices.push(crate::pdf::drafted_and_signed(&self.signer, self.text.accepted_in_bulk()));
        }
        if let Some(first) = self.text.preliminary() {
            let at = crate::pdf::moment(first.at.to_offset(self.signed_at.offset()));
            notices.push(format!("Prepared and signed as preliminary by {}, {at}.", first.name));
        }
        notices
    }

    /// The sentences of each section in reading order, with its kind.
    fn sections(&self) -> impl Iterator<Item = (hilum_report::SectionKind, Vec<&str>)> {
        self.text.sections().iter().map(|s| (s.kind, s.sentences.iter().map(|x| x.text.as_str()).collect()))
    }
}

/// 128 bits for `what` of a version, in the layout of a UUID of version 8 (RFC 9562, 5.8).
fn uuid_of(what: &str, version: &VersionId) -> u128 {
    let digest = Sha256::digest(format!("hilum/{what}/{version}"));
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    let bits = u128::from_be_bytes(bytes);
    bits & !(0xF << 76) & !(0x3 << 62) | (0x8 << 76) | (0x2 << 62)
}

/// "urn:uuid:" and the UUID.
fn urn_of(what: &str, version: &VersionId) -> String {
    let hex = format!("{:032x}", uuid_of(what, version));
    format!("urn:uuid:{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// A DICOM UID under the root for UUIDs (PS3.5, B.2).
fn uid_of(what: &str, version: &VersionId) -> String {
    format!("2.25.{}", uuid_of(what, version))
}

/// The eight digits of a DICOM date, or `None`.
fn date_digits(date: &str) -> Option<&str> {
    (date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit())).then_some(date)
}

/// Hours, minutes and seconds of a DICOM time as six digits, or `None`.
fn time_digits(time: &str) -> Option<String> {
    let digits: String = time.chars().take_while(char::is_ascii_digit).collect();
    match digits.len() {
        4 => Some(format!("{digits}00")),
        6 => Some(digits),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_of_the_version_and_valid() {
        let (a, b) = (VersionId::new("a"), VersionId::new("b"));
        assert_eq!(uid_of("sr", &a), uid_of("sr", &a));
        assert_ne!(uid_of("sr", &a), uid_of("pdf", &a));
        assert_ne!(uid_of("sr", &a), uid_of("sr", &b));
        assert!(uid_of("sr", &a).len() <= 64);
        let urn = urn_of("sr", &a);
        assert_eq!(urn.len(), 45);
        // The version's digit and the variant's.
        assert_eq!(&urn[23..24], "8", "{urn}");
        assert!(matches!(&urn[28..29], "8" | "9" | "a" | "b"), "{urn}");
    }

    #[test]
    fn dates_and_times_are_digits_or_nothing() {
        let check = |time: &str, expected: Option<&str>| assert_eq!(time_digits(time).as_deref(), expected, "{time}");
        check("134259.123", Some("134259"));
        check("1342", Some("134200"));
        check("13", None);
        check("", None);
        assert_eq!(date_digits("20261123"), Some("20261123"));
        assert_eq!(date_digits("2026-11-23"), None);
        assert_eq!(date_digits("２０２６１１２３"), None);
    }
}
