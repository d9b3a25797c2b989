//! A critical result is told, the report signed, given out in every form, and added to.

use crate::scene::*;
use hilum_testkit::dicom::EXPLICIT_LE;
use std::path::Path;

#[tokio::test(flavor = "multi_thread")]
async fn from_a_critical_result_to_every_export() {
    let Some(scene) = Scene::with_user().await else { return };
    let window = scene.reading(radiograph("CRITICAL", "20240105").write_as(EXPLICIT_LE)).await;
    write(&window, "indication", "Sudden chest pain.").await;
    write(&window, "findings", "Large left tension pneumothorax.").await;
    write(&window, "impression", "Large left tension pneumothorax.").await;
    saved(&window).await;

    // Signing waits for who was told.
    window.says("needs-list", "who was told", 20).await;
    assert_eq!(
        window.number("return Number(document.querySelector('[data-testid=\"sign-open\"]').disabled)").await,
        1.0
    );
    window.click("critical-open").await;
    window.see("critical-dialog", 10).await;
    accessible(&window, "critical").await;
    window.fill("critical-to", "Dr B. Ward, intensive care").await;
    window.choose("critical-how", "in_person").await;
    window.click("critical-read-back").await;
    window.click("critical-record").await;
    window.says("needs-list", "Ready to sign", 20).await;
    sign(&window).await;

    // The version that was signed, in each of its forms.
    let saved: Vec<(&str, std::path::PathBuf)> = [
        ("pdf", "signed.pdf"),
        ("sr", "sr.dcm"),
        ("encapsulated", "pdf.dcm"),
        ("fhir", "bundle.json"),
        ("hl7", "message.hl7"),
    ]
    .map(|(form, name)| (form, scene.path(name)))
    .into();
    for (form, file) in &saved {
        window.until("no dialog", 20, "return !document.querySelector('dialog[open]')").await;
        window.click("export-menu").await;
        window.click(&format!("export-{form}")).await;
        window.type_into_dialog("^Save ", &file.display().to_string());
        let said = format!(
            "return [...document.querySelectorAll('[data-testid=\"notice\"]')].some((n) => n.innerText.includes({:?}))",
            file.display().to_string()
        );
        window.until(form, 60, &said).await;
    }
    for (form, file) in &saved {
        judge(form, file);
    }
    crate::first_run::accepted(&scene.data, &saved[0].1);

    // Words added later stand under the signed ones and are signed by themselves.
    window.click("addendum").await;
    write(&window, "addendum", "A chest tube was placed afterwards.").await;
    saved_addendum(&window).await;
    let kept = section(&window, "findings").await;
    assert!(kept.contains("Large left tension pneumothorax."), "{kept}");
    sign(&window).await;
    let versions = "return document.querySelectorAll('[data-testid=\"show-signed\"]').length";
    window.until("two signed versions", 20, &format!("{versions} === 2")).await;

    // And as the worklist has it.
    window.click("go-worklist").await;
    window.see("worklist-row", 20).await;
    let status = window.text("return document.querySelector('[data-testid=\"worklist-row\"]').dataset.status").await;
    assert_eq!(status, "addendum");

    // An amendment opens the text itself, and is signed in its turn.
    open_study(&window, "CRITICAL").await;
    window.click("amend").await;
    write(&window, "findings", "The right lung is clear.").await;
    saved_addendum(&window).await;
    sign(&window).await;
    window.until("three signed versions", 20, &format!("{versions} === 3")).await;
    window.click("go-worklist").await;
    let amended = "return document.querySelector('[data-testid=\"worklist-row\"]')?.dataset.status === 'amended'";
    window.until("the study to be amended", 20, amended).await;
    window.close().await;
}

async fn saved_addendum(window: &crate::browser::Window) {
    saved(window).await;
    window
        .until("signing to be possible", 30, "return !document.querySelector('[data-testid=\"sign-open\"]').disabled")
        .await;
}

/// Each form is what its own readers take it for, and says what was found and who was told.
fn judge(form: &str, file: &Path) {
    let path = file.to_str().expect("a path");
    let bytes = std::fs::read(file).expect("the file");
    let says = |text: &str| {
        for words in ["tension pneumothorax", "Ward"] {
            assert!(text.contains(words), "{form} does not say {words:?}: {text}");
        }
    };
    match form {
        "pdf" => {
            if let Some(text) = printed("pdftotext", &["-layout", path, "-"]) {
                says(&text.split_whitespace().collect::<Vec<_>>().join(" "));
            }
        }
        // A reader of structured reports that is not ours, with the words in full.
        "sr" => {
            if let Some(text) = printed("dsr2html", &[path]) {
                says(&text);
            }
        }
        "encapsulated" => {
            if let Some(text) = printed("dcmdump", &[path]) {
                assert!(text.contains("EncapsulatedPDFStorage") && text.contains("application/pdf"), "{text}");
            }
            assert!(bytes.windows(5).any(|w| w == b"%PDF-"));
        }
        "fhir" => {
            let bundle: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
            assert_eq!(bundle["resourceType"], "Bundle");
            says(&bundle.to_string());
        }
        _ => {
            let text = String::from_utf8(bytes).expect("UTF-8");
            assert!(text.starts_with("MSH|^~\\&|"), "{}", &text[..40]);
            says(&text);
        }
    }
}
