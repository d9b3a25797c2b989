//! What leaves of a report full of payloads: its signed document, FHIR and HL7.

use super::planted::accept_all;
use crate::desk::{Desk, PASSPHRASE};
use crate::scene::{Scene, printed};
use hilum_app::App;
use hilum_app::commands::signing;
use hilum_app::dto::{ExportAs, SignRequest};
use std::path::Path;
use std::sync::Arc;

/// Accepts all, signs, and looks at every form in which it leaves.
pub async fn print(app: &Arc<App>, desk: &Desk, scene: &Scene, study: &str) {
    let view = accept_all(app, study).await;
    let request = SignRequest {
        report_id: view.id,
        revision: view.revision,
        passphrase: PASSPHRASE.into(),
        patient_confirmed: true,
        accession_confirmed: true,
    };
    let version = signing::sign(app, request).await.unwrap_or_else(|e| panic!("{study}: {e:?}")).version_id;
    for (form, extension) in [(ExportAs::Pdf, "pdf"), (ExportAs::Fhir, "json"), (ExportAs::Hl7, "hl7")] {
        let file = scene.path(&format!("{version}.{extension}"));
        desk.save_as(&file);
        signing::export_report(app, version.clone(), form).await.expect("exported");
        let bytes = std::fs::read(&file).expect("a file");
        match form {
            ExportAs::Pdf => inert(&bytes, &file, &scene.data),
            ExportAs::Fhir => {
                let bundle: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
                let mut texts = Vec::new();
                narratives(&bundle, &mut texts);
                for text in texts {
                    let markup = [
                        "<script", "<img", "<svg", "<iframe", "<a ", "<input", "<details", "<video", "<style", "<link",
                        "<object", "<form", "<math", "<meta",
                    ];
                    assert!(markup.iter().all(|m| !text.contains(m)), "{text}");
                }
            }
            _ => {
                let text = String::from_utf8(bytes).expect("UTF-8");
                let segments = ["MSH|", "PID|", "PV1|", "ORC|", "OBR|", "OBX|", "NTE|", "TXA|"];
                assert!(
                    text.split('\r').filter(|l| !l.is_empty()).all(|l| segments.iter().any(|s| l.starts_with(s))),
                    "{text}"
                );
            }
        }
    }
}

/// Every narrative of a FHIR bundle.
fn narratives(value: &serde_json::Value, into: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(parts) => {
            into.extend(parts.get("div").and_then(|d| d.as_str()).map(str::to_owned));
            parts.values().for_each(|v| narratives(v, into));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|v| narratives(v, into)),
        _ => {}
    }
}

/// Nothing in the document acts, and no link leads out of it.
fn inert(pdf: &[u8], file: &Path, data: &Path) {
    let trusted: Vec<Vec<u8>> =
        hilum_store::certificates(data).expect("certificates").into_iter().map(|c| c.der).collect();
    let found = hilum_export::verify::verify(pdf, &trusted);
    assert!(found.is_ok(), "{}: {found:?}", file.display());
    for key in [
        "/JavaScript",
        "/JS",
        "/URI",
        "/Launch",
        "/OpenAction",
        "/AA",
        "/SubmitForm",
        "/GoToR",
        "/RichMedia",
        "/EmbeddedFile",
    ] {
        assert!(!pdf.windows(key.len()).any(|w| w == key.as_bytes()), "{key} in {}", file.display());
    }
    // And the words are there to be read, as words.
    if let Some(text) = printed("pdftotext", &["-q", &file.display().to_string(), "-"]) {
        assert!(text.contains("__x(") || text.contains("http://127.0.0.1"), "{text}");
    }
}
