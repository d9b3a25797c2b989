//! A report to print, and the tools that look at what was printed.
#![allow(dead_code, reason = "each test binary uses its own part")]

#[path = "../../../testkit/src/skipped.rs"]
mod skipped;

use hilum_export::*;
use hilum_report::{FinalText, Meaning, VersionId, VersionKind};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use time::macros::datetime;

pub use skipped::skipped;

/// Written by a person, region optional.
pub fn person(text: &str, region: Option<&str>) -> Value {
    json!({ "id": text, "text": text, "region": region, "origin": { "from": "person", "by": "u1" } })
}

/// Drafted by a model and reviewed.
pub fn drafted(text: &str, region: Option<&str>, demo: bool, in_bulk: bool) -> Value {
    json!({ "id": text, "text": text, "region": region, "origin": {
        "from": "proposal", "proposal": "p1", "pack": "00", "demo": demo,
        "review": { "by": "u1", "at": "2026-11-23T14:00:00Z", "edited_from": null, "in_bulk": in_bulk } } })
}

pub fn text(sections: &[(&str, Vec<Value>)]) -> FinalText {
    let sections: Vec<Value> =
        sections.iter().map(|(kind, sentences)| json!({ "kind": kind, "sentences": sentences })).collect();
    serde_json::from_value(json!({ "sections": sections })).expect("the report's own form")
}

/// A usual one-page chest report, part of it drafted by a real pack.
pub fn chest_report() -> ReportDocument {
    ReportDocument {
        paper: Paper::A4,
        letterhead: Letterhead {
            institution: "St. Brendan University Hospital".into(),
            department: "Department of Diagnostic Radiology".into(),
            address: vec!["12 Harbour Road".into(), "Galway H91 XY00".into(), "Tel. +353 91 000 000".into()],
            logo: None,
        },
        patient: PatientBlock {
            name: "Ní Dhomhnaill, Caoimhe".into(),
            id: "MRN 0048213".into(),
            sex: "Female".into(),
            birth_date: "1961-04-17".into(),
            age: "65 years".into(),
        },
        study: StudyBlock {
            accession: "A26-118204".into(),
            description: "Chest radiograph, PA and lateral".into(),
            performed: "2026-11-23 13:42".into(),
            referrer: "Dr Tomás Ó Briain, Respiratory Medicine".into(),
        },
        text: text(&[
            ("exam", vec![person("Chest radiograph, two views.", None)]),
            (
                "indication",
                vec![person("Three days of productive cough and fever. Former smoker (30 pack-years).", None)],
            ),
            ("comparison", vec![person("Chest radiograph of 2025-02-11.", None)]),
            ("technique", vec![person("PA and lateral views of the chest.", None)]),
            (
                "findings",
                vec![
                    drafted(
                        "There is a new airspace opacity in the right lower lobe with air bronchograms.",
                        Some("lungs"),
                        false,
                        false,
                    ),
                    drafted("The left lung is clear.", Some("lungs"), false, false),
                    drafted("Small right pleural effusion.", Some("pleura"), false, false),
                    drafted("No pneumothorax.", Some("pleura"), false, false),
                    drafted(
                        "The heart is normal in size and the mediastinal contours are unchanged.",
                        Some("heart_and_mediastinum"),
                        false,
                        false,
                    ),
                    person(
                        "Degenerative change of the thoracic spine; old healed fracture of the left seventh rib, ≤ 2 mm displacement.",
                        Some("bones_and_soft_tissues"),
                    ),
                    person("Unchanged.", None),
                ],
            ),
            (
                "impression",
                vec![
                    drafted("Right lower lobe pneumonia with a small parapneumonic effusion.", None, false, false),
                    person("Follow-up radiograph in 6 to 8 weeks is advised to document resolution.", None),
                ],
            ),
        ]),
        kind: VersionKind::Original,
        version: VersionId::new("9f1c2d7e-40b1-4a7c-9b7e-0d5a1f3c8e21"),
        parent: None,
        communications: vec![],
        key_images: vec![picture()],
        measurements: vec![],
        signature: Some(signature()),
        demo: false,
        accepted_in_bulk: false,
        audit_head: "3f9a6c1be0d24587a1c09b7e5d3f2a8846e1b0c97d5a3f2e1b8c6d4a09f7e5c3".into(),
        created: datetime!(2026-11-23 14:05:09 +1),
    }
}

pub fn signature() -> SignatureBlock {
    SignatureBlock {
        name: "Dr Aoife Ní Mháille".into(),
        at: datetime!(2026-11-23 14:05:09 +1),
        meaning: Meaning::ReviewedAndApproved,
    }
}

/// A drawing in grey that stands for a radiograph: two dark fields in a bright body.
pub fn picture() -> KeyImage {
    let (width, height) = (320, 380);
    let grey = (0..width * height)
        .map(|i| {
            let (x, y) = ((i % width) as f32 / width as f32 - 0.5, (i / width) as f32 / height as f32 - 0.5);
            let lung = |cx: f32| ((x - cx) / 0.16).powi(2) + ((y + 0.02) / 0.33).powi(2);
            let shade = if lung(-0.2) < 1.0 || lung(0.2) < 1.0 { 60.0 } else { 165.0 - 160.0 * (x * x * 2.2 + y * y) };
            (shade + 12.0 * (y * 60.0).sin()).clamp(0.0, 255.0) as u8
        })
        .collect();
    KeyImage {
        width,
        height,
        grey,
        caption: "PA view. Airspace opacity in the right lower zone.".into(),
        marks: vec![],
    }
}

pub fn identity() -> signature::Identity {
    signature::Identity::create_p256("Dr Aoife Ní Mháille", [7; 16], datetime!(2026-11-01 0:00 UTC), &mut OsRng)
        .expect("a new identity")
}

pub fn signed(document: &ReportDocument, identity: &signature::Identity) -> Vec<u8> {
    let pdf = pdf::render(document).expect("printed");
    let block = document.signature.clone().expect("a signature block");
    signature::sign(&pdf, identity, &block, &mut OsRng).expect("signed")
}

/// Folder with the test data that is not in the repository.
pub fn shared(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared").join(path);
    if path.exists() {
        return Some(path);
    }
    skipped("no shared test data here");
    None
}

/// Output of a tool, or `None` with a printed reason where it is not installed.
pub fn tool(program: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => {
            assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Err(_) => {
            skipped(format_args!("{program} is not installed"));
            None
        }
    }
}

/// The file's text as poppler's pdftotext reads it.
pub fn extracted(pdf: &[u8], layout: &[&str]) -> Option<String> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), pdf).expect("written");
    let path = file.path().to_str().expect("a plain path");
    let mut arguments = vec!["-enc", "UTF-8"];
    arguments.extend(layout);
    arguments.extend([path, "-"]);
    tool("pdftotext", &arguments)
}

/// A Python that has pyHanko, as the test script sets it.
pub fn python() -> Option<String> {
    let python = std::env::var("HILUM_PYTHON").unwrap_or_else(|_| "python3".into());
    let has = Command::new(&python).args(["-c", "import pyhanko"]).output().is_ok_and(|o| o.status.success());
    if !has {
        skipped("no Python with pyHanko (set HILUM_PYTHON)");
    }
    has.then_some(python)
}

/// What pyHanko says of a signed file when it trusts `certificate` (DER).
pub fn pyhanko(pdf: &[u8], certificate: &[u8]) -> Option<Value> {
    let python = python()?;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (file, trust) = (folder.path().join("report.pdf"), folder.path().join("trust.der"));
    std::fs::write(&file, pdf).expect("written");
    std::fs::write(&trust, certificate).expect("written");
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/pdf/pyhanko_check.py");
    let answer = tool(&python, &[script.to_str()?, file.to_str()?, trust.to_str()?])?;
    Some(serde_json::from_str(&answer).expect("JSON"))
}
