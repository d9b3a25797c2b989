//! The text as a Basic Text SR (PS3.3, A.35.1) after TID 2000, Basic Diagnostic Imaging Report (PS3.16).

use super::dataset::{Dataset, Tag, Vr};
use super::{Identity, common, date_time};
use crate::exchange::sections::{COMMUNICATION, Code, DOCUMENT, SUMMARY, element, heading};
use crate::exchange::{SignedReport, uid_of};
use hilum_report::{SectionKind, VersionId};

const BASIC_TEXT_SR: &str = "1.2.840.10008.5.1.4.1.1.88.11";
const CONCEPT_NAME: Tag = Tag(0x0040, 0xA043);
const CONTENT: Tag = Tag(0x0040, 0xA730);

/// The bytes of a DICOM file with the report as a tree of headings and sentences.
///
/// It is COMPLETE and VERIFIED by the person who signed, at the time of the signature
/// (PS3.3, C.17.2: only what is complete may be verified). Later versions name the earlier ones.
pub fn basic_text_sr(report: &SignedReport) -> Vec<u8> {
    let identity = Identity { class_uid: BASIC_TEXT_SR, instance_uid: instance_of(&report.version) };
    let mut d = common(report, &identity, SERIES, "SR");
    d.items(Tag(0x0008, 0x1111), vec![]);
    d.items(Tag(0x0040, 0xA073), vec![verifier(report)]);
    if !report.predecessors.is_empty() {
        let items = report.predecessors.iter().map(|version| {
            let series = series_item(&uid_of(SERIES, version), vec![reference(BASIC_TEXT_SR, &instance_of(version))]);
            study_item(&report.study.uid, vec![series])
        });
        d.items(Tag(0x0040, 0xA360), items.collect());
    }
    if !report.study.accession.is_empty() {
        d.items(Tag(0x0040, 0xA370), vec![request(report)]);
    }
    d.items(Tag(0x0040, 0xA372), vec![]);
    let series: Vec<Dataset> = report
        .study
        .series
        .iter()
        .filter(|s| !s.instances.is_empty())
        .map(|s| series_item(&s.uid, s.instances.iter().map(|i| reference(&i.class_uid, &i.uid)).collect()))
        .collect();
    if !series.is_empty() {
        d.items(Tag(0x0040, 0xA375), vec![study_item(&report.study.uid, series)]);
    }
    d.text(Tag(0x0040, 0xA491), Vr::CS, "COMPLETE");
    d.text(Tag(0x0040, 0xA493), Vr::CS, "VERIFIED");
    content(&mut d, report);
    d.file(&identity)
}

const SERIES: &str = "sr series";

fn instance_of(version: &VersionId) -> String {
    uid_of("sr", version)
}

/// The root of the content tree is the data set itself.
fn content(d: &mut Dataset, report: &SignedReport) {
    d.text(Tag(0x0040, 0xA040), Vr::CS, "CONTAINER");
    d.code(CONCEPT_NAME, DOCUMENT);
    d.text(Tag(0x0040, 0xA050), Vr::CS, "SEPARATE");
    let mut template = Dataset::default();
    template.text(Tag(0x0008, 0x0105), Vr::CS, "DCMR");
    template.text(Tag(0x0040, 0xDB00), Vr::CS, "2000");
    d.items(Tag(0x0040, 0xA504), vec![template]);
    let mut items = vec![
        // TID 1204, Language of Content Item and Descendants.
        coded(
            "HAS CONCEPT MOD",
            Code("121049", "DCM", "Language of Content Item and Descendants"),
            Code("en", "RFC5646", "English"),
        ),
        // TID 1002 and 1003, the observer.
        coded("HAS OBS CONTEXT", Code("121005", "DCM", "Observer Type"), Code("121006", "DCM", "Person")),
        observer(report),
    ];
    for (kind, sentences) in report.sections() {
        let sentences = sentences.into_iter().map(|text| said(element(kind), text)).collect();
        items.push(headed(heading(kind), sentences));
    }
    if !report.communications.is_empty() {
        let told = report.communications.iter().map(|text| said(element(SectionKind::Addendum), text));
        items.push(headed(COMMUNICATION, told.collect()));
    }
    let notices = report.notices();
    if !notices.is_empty() {
        items.push(headed(SUMMARY, notices.iter().map(|notice| said(SUMMARY, notice)).collect()));
    }
    d.items(CONTENT, items);
}

fn item(relation: &str, value_type: &str, name: Code) -> Dataset {
    let mut d = Dataset::default();
    d.text(Tag(0x0040, 0xA010), Vr::CS, relation);
    d.text(Tag(0x0040, 0xA040), Vr::CS, value_type);
    d.code(CONCEPT_NAME, name);
    d
}

fn headed(name: Code, items: Vec<Dataset>) -> Dataset {
    let mut d = item("CONTAINS", "CONTAINER", name);
    d.text(Tag(0x0040, 0xA050), Vr::CS, "SEPARATE");
    d.items(CONTENT, items);
    d
}

fn said(name: Code, text: &str) -> Dataset {
    let mut d = item("CONTAINS", "TEXT", name);
    d.text(Tag(0x0040, 0xA160), Vr::UT, text);
    d
}

fn coded(relation: &str, name: Code, value: Code) -> Dataset {
    let mut d = item(relation, "CODE", name);
    d.code(Tag(0x0040, 0xA168), value);
    d
}

fn observer(report: &SignedReport) -> Dataset {
    let mut d = item("HAS OBS CONTEXT", "PNAME", Code("121008", "DCM", "Person Observer Name"));
    d.text(Tag(0x0040, 0xA123), Vr::PN, &signer(report));
    d
}

/// The signer's name is one component: how it divides is not known.
fn signer(report: &SignedReport) -> String {
    report.signer.replace(['^', '='], " ")
}

fn verifier(report: &SignedReport) -> Dataset {
    let mut d = Dataset::default();
    // Required to be there and filled (C.17.2); an institution that is not named has a department's name.
    let organisation = match report.study.institution.trim() {
        "" => "Radiology",
        named => named,
    };
    d.text(Tag(0x0040, 0xA027), Vr::LO, organisation);
    d.text(Tag(0x0040, 0xA030), Vr::DT, &date_time(report.signed_at));
    d.text(Tag(0x0040, 0xA075), Vr::PN, &signer(report));
    d.items(Tag(0x0040, 0xA088), vec![]);
    d
}

/// The order that the report answers (PS3.3, C.17.2, Referenced Request Sequence).
fn request(report: &SignedReport) -> Dataset {
    let mut d = Dataset::default();
    d.text(Tag(0x0008, 0x0050), Vr::SH, &report.study.accession);
    d.items(Tag(0x0008, 0x1110), vec![]);
    d.text(Tag(0x0020, 0x000D), Vr::UI, &report.study.uid);
    d.text(Tag(0x0032, 0x1060), Vr::LO, &report.study.description);
    d.items(Tag(0x0032, 0x1064), vec![]);
    d.text(Tag(0x0040, 0x1001), Vr::SH, "");
    d.text(Tag(0x0040, 0x2016), Vr::LO, "");
    d.text(Tag(0x0040, 0x2017), Vr::LO, "");
    d
}

fn study_item(study: &str, series: Vec<Dataset>) -> Dataset {
    let mut d = Dataset::default();
    d.items(Tag(0x0008, 0x1115), series);
    d.text(Tag(0x0020, 0x000D), Vr::UI, study);
    d
}

fn series_item(series: &str, references: Vec<Dataset>) -> Dataset {
    let mut d = Dataset::default();
    d.items(Tag(0x0008, 0x1199), references);
    d.text(Tag(0x0020, 0x000E), Vr::UI, series);
    d
}

fn reference(class: &str, instance: &str) -> Dataset {
    let mut d = Dataset::default();
    d.text(Tag(0x0008, 0x1150), Vr::UI, class);
    d.text(Tag(0x0008, 0x1155), Vr::UI, instance);
    d
}
