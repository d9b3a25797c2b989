//! DICOM objects of a signed report, in the study of its images.
//!
//! Only a writer: Explicit VR Little Endian of the few attributes that the two object definitions
//! need (PS3.3, A.35.1 and A.45.1). Nothing here reads DICOM.

mod dataset;
mod encapsulated;
mod structured;

pub use encapsulated::encapsulated_pdf;
pub use structured::basic_text_sr;

use super::{SignedReport, date_digits, uid_of};
use dataset::{Dataset, Tag, Vr};
use time::OffsetDateTime;

/// The class and instance of an object, which its file's header repeats.
struct Identity {
    class_uid: &'static str,
    instance_uid: String,
}

/// Patient, General Study and General Equipment modules, SOP Common, and when the content was made.
fn common(report: &SignedReport, identity: &Identity, series: &str, modality: &str) -> Dataset {
    let (patient, study) = (&report.patient, &report.study);
    let mut d = Dataset::default();
    // ISO_IR 192 is UTF-8.
    d.text(Tag(0x0008, 0x0005), Vr::CS, "ISO_IR 192");
    d.text(Tag(0x0008, 0x0016), Vr::UI, identity.class_uid);
    d.text(Tag(0x0008, 0x0018), Vr::UI, &identity.instance_uid);
    d.text(Tag(0x0008, 0x0020), Vr::DA, date_digits(&study.date).unwrap_or_default());
    d.text(Tag(0x0008, 0x0023), Vr::DA, &date(report.signed_at));
    d.text(Tag(0x0008, 0x0030), Vr::TM, &super::time_digits(&study.time).unwrap_or_default());
    d.text(Tag(0x0008, 0x0033), Vr::TM, &time(report.signed_at));
    d.text(Tag(0x0008, 0x0050), Vr::SH, &study.accession);
    d.text(Tag(0x0008, 0x0060), Vr::CS, modality);
    d.text(Tag(0x0008, 0x0070), Vr::LO, "Hilum");
    d.text(Tag(0x0008, 0x0090), Vr::PN, &study.referring_physician);
    if !study.description.is_empty() {
        d.text(Tag(0x0008, 0x1030), Vr::LO, &study.description);
    }
    d.text(Tag(0x0008, 0x1090), Vr::LO, "Hilum");
    d.text(Tag(0x0010, 0x0010), Vr::PN, &patient.name);
    d.text(Tag(0x0010, 0x0020), Vr::LO, &patient.id);
    if !patient.issuer.is_empty() {
        d.text(Tag(0x0010, 0x0021), Vr::LO, &patient.issuer);
    }
    d.text(Tag(0x0010, 0x0030), Vr::DA, date_digits(&patient.birth_date).unwrap_or_default());
    let sex = if matches!(patient.sex.as_str(), "M" | "F" | "O") { patient.sex.as_str() } else { "" };
    d.text(Tag(0x0010, 0x0040), Vr::CS, sex);
    // Software Versions.
    d.text(Tag(0x0018, 0x1020), Vr::LO, env!("CARGO_PKG_VERSION"));
    d.text(Tag(0x0020, 0x000D), Vr::UI, &study.uid);
    d.text(Tag(0x0020, 0x000E), Vr::UI, &uid_of(series, &report.version));
    d.text(Tag(0x0020, 0x0010), Vr::SH, &study.id);
    d.text(Tag(0x0020, 0x0011), Vr::IS, &report.number.to_string());
    d.text(Tag(0x0020, 0x0013), Vr::IS, "1");
    d
}

fn date(at: OffsetDateTime) -> String {
    format!("{:04}{:02}{:02}", at.year(), u8::from(at.month()), at.day())
}

fn time(at: OffsetDateTime) -> String {
    format!("{:02}{:02}{:02}", at.hour(), at.minute(), at.second())
}

/// A DT value with its offset from UTC (PS3.5, 6.2).
fn date_time(at: OffsetDateTime) -> String {
    let (hours, minutes, _) = at.offset().as_hms();
    let sign = if hours < 0 || minutes < 0 { '-' } else { '+' };
    format!("{}{}{sign}{:02}{:02}", date(at), time(at), hours.unsigned_abs(), minutes.unsigned_abs())
}
