//! The signed document as an Encapsulated PDF (PS3.3, A.45.1 and C.24.2).

use super::dataset::{Dataset, Tag, Vr};
use super::{Identity, common, date_time};
use crate::exchange::sections::DOCUMENT;
use crate::exchange::{SignedReport, uid_of};

const ENCAPSULATED_PDF: &str = "1.2.840.10008.5.1.4.1.1.104.1";

/// The bytes of a DICOM file that holds the signed PDF, byte for byte.
pub fn encapsulated_pdf(report: &SignedReport) -> Vec<u8> {
    let identity = Identity { class_uid: ENCAPSULATED_PDF, instance_uid: uid_of("encapsulated", &report.version) };
    let mut d = common(report, &identity, "encapsulated series", "DOC");
    d.text(Tag(0x0008, 0x002A), Vr::DT, &date_time(report.signed_at));
    // Made on a workstation (SC Equipment module, which this object has instead of a scanner).
    d.text(Tag(0x0008, 0x0064), Vr::CS, "WSD");
    // Patient's name and id are printed on the pages.
    d.text(Tag(0x0028, 0x0301), Vr::CS, "YES");
    d.code(Tag(0x0040, 0xA043), DOCUMENT);
    d.text(Tag(0x0040, 0xA493), Vr::CS, "VERIFIED");
    let sources: Vec<Dataset> = report
        .study
        .series
        .iter()
        .flat_map(|s| &s.instances)
        .map(|instance| {
            let mut item = Dataset::default();
            item.text(Tag(0x0008, 0x1150), Vr::UI, &instance.class_uid);
            item.text(Tag(0x0008, 0x1155), Vr::UI, &instance.uid);
            item
        })
        .collect();
    if !sources.is_empty() {
        d.items(Tag(0x0042, 0x0013), sources);
    }
    let title = match report.notices().first() {
        Some(notice) if report.text.is_demo() => format!("{notice} {}", DOCUMENT.2),
        _ => DOCUMENT.2.to_owned(),
    };
    d.text(Tag(0x0042, 0x0010), Vr::ST, &title);
    d.bytes(Tag(0x0042, 0x0011), &report.pdf);
    d.text(Tag(0x0042, 0x0012), Vr::LO, "application/pdf");
    d.number(Tag(0x0042, 0x0015), report.pdf.len() as u32);
    d.file(&identity)
}
