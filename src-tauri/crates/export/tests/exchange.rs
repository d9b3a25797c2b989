//! Exports as other people's programs read them: DCMTK, dicom3tools, HL7's schema, hl7apy.

mod common;

use common::{drafted, person, shared, skipped, text, tool};
use hilum_export::exchange::*;
use hilum_report::{FinalText, VersionId, VersionKind};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use time::macros::datetime;

/// A report whose words hold every delimiter of every format.
fn awkward() -> FinalText {
    text(&[
        ("exam", vec![person("Chest radiograph, two views.", None)]),
        ("indication", vec![person("Cough & fever; \"rule out\" <pneumonia>.", None)]),
        ("comparison", vec![person("None.", None)]),
        ("technique", vec![person("PA | lateral ^ views \\ of ~ the chest.", None)]),
        (
            "findings",
            vec![
                drafted("Small right pleural effusion, ≤ 2 cm.", Some("pleura"), true, false),
                person("Ничего больше. 山田. لا شيء.", None),
            ],
        ),
        ("impression", vec![drafted("Small right effusion.", None, true, false)]),
    ])
}

fn report(kind: VersionKind, predecessors: &[&str]) -> SignedReport {
    SignedReport {
        patient: PatientIdentity {
            name: "Yamada^Tarou^^Dr^=山田^太郎=やまだ^たろう".into(),
            id: "MRN 0048213".into(),
            issuer: "GENERAL".into(),
            birth_date: "19610417".into(),
            sex: "M".into(),
        },
        study: ReportedStudy {
            uid: "1.2.826.0.1.3680043.2.1125.1".into(),
            id: "S7".into(),
            accession: "A26-118204".into(),
            date: "20261123".into(),
            time: "134259.5".into(),
            description: "Chest, PA & lateral".into(),
            referring_physician: "Briain^Tomás^^Dr".into(),
            institution: "St. Brendan University Hospital".into(),
            series: vec![ReportedSeries {
                uid: "1.2.826.0.1.3680043.2.1125.1.1".into(),
                modality: "DX".into(),
                instances: vec![ReportedInstance {
                    class_uid: "1.2.840.10008.5.1.4.1.1.1.1".into(),
                    uid: "1.2.826.0.1.3680043.2.1125.1.1.1".into(),
                }],
            }],
        },
        version: VersionId::new("9f1c2d7e40b14a7c9b7e0d5a1f3c8e21"),
        number: 1 + predecessors.len() as u32,
        kind,
        predecessors: predecessors.iter().map(|p| VersionId::new(*p)).collect(),
        text: awkward(),
        communications: vec!["Effusion: told to Dr Ó Briain & team by telephone; read back.".into()],
        signer: "Dr Aoife Ní Mháille".into(),
        signed_at: datetime!(2026-11-23 14:05:09 +1),
        // Odd in length, so that padding is met.
        pdf: b"%PDF-1.7 not printed here, only carried\n".to_vec()[..39].to_vec(),
    }
}

/// The three kinds of version.
fn versions() -> [SignedReport; 3] {
    [
        report(VersionKind::Original, &[]),
        report(VersionKind::Addendum, &["first"]),
        report(VersionKind::Amendment, &["first", "second"]),
    ]
}

fn written(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("written");
    (folder, path)
}

/// What dciodvfy holds against an object; `None` where it is not installed.
fn objections(path: &Path) -> Option<Vec<String>> {
    let Ok(output) = Command::new("dciodvfy").arg(path).output() else {
        skipped("dciodvfy is not installed");
        return None;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    Some(said.lines().filter(|l| l.starts_with("Error")).map(str::to_owned).collect())
}

/// What the checkers' Python says, or `None` with a printed reason.
fn judged(arguments: &[&str], needs: &str) -> Option<Value> {
    let python = std::env::var("HILUM_PYTHON").unwrap_or_else(|_| "python3".into());
    let has = Command::new(&python).args(["-c", &format!("import {needs}")]).output().is_ok_and(|o| o.status.success());
    if !has {
        skipped(format_args!("no Python with {needs} (set HILUM_PYTHON)"));
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/exchange_check.py");
    let mut all = vec![script.to_str().expect("a plain path")];
    all.extend(arguments);
    Some(serde_json::from_str(&tool(&python, &all)?).expect("JSON"))
}

#[test]
fn a_structured_report_is_read_by_dcmtk() {
    for report in versions() {
        let bytes = dicom::basic_text_sr(&report);
        assert_eq!(bytes, dicom::basic_text_sr(&report));
        let (_folder, path) = written("report.dcm", &bytes);
        let path_text = path.to_str().expect("a plain path");
        if let Some(dump) =
            tool("dcmdump", &["+U8", "+P", "0020,000d", "+P", "0040,a493", "+P", "0010,0010", path_text])
        {
            assert!(dump.contains(&report.study.uid), "{dump}");
            assert!(dump.contains("VERIFIED"), "{dump}");
            assert!(dump.contains("山田^太郎"), "{dump}");
        }
        if let Some(html) = tool("dsr2html", &["+U8", path_text]) {
            for words in [
                "Basic Text SR",
                "Small right pleural effusion, ≤ 2 cm.",
                "Impressions",
                "Ничего больше",
                "Dr Aoife Ní Mháille",
                "Communication of Critical Results",
                "DEMONSTRATION",
            ] {
                assert!(html.contains(words), "{words} in {html}");
            }
            assert!(html.contains("Cough &amp; fever; &quot;rule out&quot; &lt;pneumonia&gt;."), "{html}");
            assert_eq!(html.contains("Predecessor Docs"), !report.predecessors.is_empty(), "{html}");
        }
        if let Some(objections) = objections(&path) {
            assert!(objections.is_empty(), "{objections:#?}");
        }
    }
}

#[test]
fn an_encapsulated_pdf_gives_the_document_back() {
    for report in versions() {
        let (folder, path) = written("report.dcm", &dicom::encapsulated_pdf(&report));
        let path_text = path.to_str().expect("a plain path");
        let out = folder.path().join("out.pdf");
        if tool("dcm2pdf", &[path_text, out.to_str().expect("a plain path")]).is_some() {
            let found = std::fs::read(&out).expect("read");
            // A DICOM value is of an even length; its true length is kept beside it.
            assert_eq!(found[..report.pdf.len()], report.pdf[..]);
            assert!(found.len() <= report.pdf.len() + 1);
        }
        if let Some(dump) = tool("dcmdump", &["+P", "0042,0015", "+P", "0042,0010", "+P", "0020,000d", path_text]) {
            assert!(dump.contains("UL 39"), "{dump}");
            assert!(dump.contains(&report.study.uid), "{dump}");
            assert!(dump.contains("DEMONSTRATION"), "{dump}");
        }
        if let Some(objections) = objections(&path) {
            assert!(objections.is_empty(), "{objections:#?}");
        }
    }
}

#[test]
fn a_bundle_holds_to_the_schema_of_hl7() {
    let statuses = ["final", "appended", "amended"];
    for (report, status) in versions().into_iter().zip(statuses) {
        let bytes = bundle(&report);
        let parsed: Value = serde_json::from_slice(&bytes).expect("JSON");
        let resource = &parsed["entry"][0]["resource"];
        assert_eq!(resource["status"], status);
        assert_eq!(resource["presentedForm"][0]["size"], 39);
        assert_eq!(parsed["entry"][1]["resource"]["name"][0]["family"], "Yamada");
        assert!(resource["conclusion"].as_str().expect("text").starts_with("DEMONSTRATION"));
        assert!(resource["text"]["div"].as_str().expect("text").contains("&lt;pneumonia&gt;"));
        let references = parsed["entry"].as_array().expect("entries").iter().map(|e| e["fullUrl"].clone());
        let known: Vec<Value> = references.collect();
        for (key, index) in [("subject", 1), ("imagingStudy", 2), ("resultsInterpreter", 3)] {
            let reference = resource[key].get(0).unwrap_or(&resource[key]);
            assert_eq!(reference["reference"], known[index], "{key}");
        }
        let Some(schema) = shared("data/interop/fhir-r4.schema.json.xz") else { continue };
        let (_folder, path) = written("report.json", &bytes);
        let arguments = ["fhir", path.to_str().expect("a plain path"), schema.to_str().expect("a plain path")];
        if let Some(found) = judged(&arguments, "jsonschema") {
            assert_eq!(found["problems"], serde_json::json!([]), "{found:#}");
        }
    }
}

#[test]
fn a_message_is_read_by_hl7apy() {
    for (report, status) in versions().into_iter().zip(["F", "C", "C"]) {
        let bytes = oru_r01(&report);
        let message = String::from_utf8(bytes.clone()).expect("UTF-8");
        assert!(!message.contains('\n'));
        assert!(message.contains("PA \\F\\ lateral \\S\\ views \\E\\ of \\R\\ the chest."));
        assert!(message.lines().all(|l| l.is_char_boundary(3)));
        let (_folder, path) = written("report.hl7", &bytes);
        if let Some(found) = judged(&["hl7", path.to_str().expect("a plain path")], "hl7apy") {
            assert_eq!(found["type"], "ORU^R01^ORU_R01");
            assert_eq!(found["status"], status);
            assert_eq!(found["patient"], "Yamada^Tarou^^^Dr^^L^A~山田^太郎^^^^^L^I~やまだ^たろう^^^^^L^P");
            let observations = found["observations"].as_array().expect("observations");
            // The study's UID, seven sentences, who was told, and the document.
            assert_eq!(observations.len(), 10, "{observations:#?}");
            assert_eq!(observations[0][2], report.study.uid.as_str());
            assert!(observations[9][2].as_str().expect("text").starts_with("HILUM^application^pdf^Base64^JVBERi0"));
        }
    }
}

/// Who prepared a report that another person signed is named in every form.
#[test]
fn both_signatures_are_named() {
    let mut report = report(VersionKind::Original, &[]);
    let mut text = serde_json::to_value(&report.text).expect("JSON");
    text["preliminary"] =
        serde_json::json!({ "by": "u2", "name": "Dr Bea | Trainee", "at": "2026-11-23T12:30:00Z", "revision": 7 });
    report.text = serde_json::from_value(text).expect("a text");
    let said = "Prepared and signed as preliminary by Dr Bea | Trainee, 2026-11-23 13:30:00 UTC+01:00.";
    let parsed: Value = serde_json::from_slice(&bundle(&report)).expect("JSON");
    let resource = &parsed["entry"][0]["resource"];
    assert_eq!(resource["resultsInterpreter"][1]["reference"], parsed["entry"][4]["fullUrl"]);
    assert_eq!(parsed["entry"][4]["resource"]["name"][0]["text"], "Dr Bea | Trainee");
    assert!(resource["text"]["div"].as_str().expect("text").contains(said), "{resource:#}");
    let message = String::from_utf8(oru_r01(&report)).expect("UTF-8");
    let obr = message.split('\r').find(|segment| segment.starts_with("OBR|")).expect("an OBR");
    assert_eq!(obr.split('|').nth(33), Some("&Dr Bea \\F\\ Trainee"), "{obr}");
    let (folder, path) = written("report.hl7", message.as_bytes());
    judged(&["hl7", path.to_str().expect("a plain path")], "hl7apy");
    let sr = folder.path().join("report.dcm");
    std::fs::write(&sr, dicom::basic_text_sr(&report)).expect("written");
    if let Some(html) = tool("dsr2html", &["+U8", sr.to_str().expect("a plain path")]) {
        assert!(html.contains(said), "{html}");
    }
    if let Some(objections) = objections(&sr) {
        assert!(objections.is_empty(), "{objections:#?}");
    }
    if let Some(schema) = shared("data/interop/fhir-r4.schema.json.xz") {
        let path = folder.path().join("report.json");
        std::fs::write(&path, bundle(&report)).expect("written");
        let arguments = ["fhir", path.to_str().expect("a plain path"), schema.to_str().expect("a plain path")];
        if let Some(found) = judged(&arguments, "jsonschema") {
            assert_eq!(found["problems"], serde_json::json!([]), "{found:#}");
        }
    }
}

/// What a header did not say is left out or empty, and the objects are valid all the same.
#[test]
fn a_study_that_says_nothing_of_itself() {
    let mut bare = report(VersionKind::Original, &[]);
    bare.patient = PatientIdentity::default();
    bare.study = ReportedStudy { uid: bare.study.uid, series: bare.study.series, ..ReportedStudy::default() };
    for bytes in [dicom::basic_text_sr(&bare), dicom::encapsulated_pdf(&bare)] {
        let (_folder, path) = written("bare.dcm", &bytes);
        tool("dcmdump", &[path.to_str().expect("a plain path")]);
        if let Some(objections) = objections(&path) {
            assert!(objections.is_empty(), "{objections:#?}");
        }
    }
    let (_folder, path) = written("bare.hl7", &oru_r01(&bare));
    judged(&["hl7", path.to_str().expect("a plain path")], "hl7apy");
    if let Some(schema) = shared("data/interop/fhir-r4.schema.json.xz") {
        let (_folder, path) = written("bare.json", &bundle(&bare));
        let arguments = ["fhir", path.to_str().expect("a plain path"), schema.to_str().expect("a plain path")];
        if let Some(found) = judged(&arguments, "jsonschema") {
            assert_eq!(found["problems"], serde_json::json!([]), "{found:#}");
        }
    }
}
