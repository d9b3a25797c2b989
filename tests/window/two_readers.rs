//! A trainee and an attending: one writes while the other reads, one signs first and the other after, and what
//! each of them made of the report is set side by side.

use crate::browser::Window;
use crate::scene::*;
use hilum_testkit::dicom::EXPLICIT_LE;

#[tokio::test(flavor = "multi_thread")]
async fn held_taken_over_and_signed_twice() {
    let Some(scene) = Scene::with_people(&[TRAINEE]).await else { return };
    let folder = scene.folder(
        "studies",
        &[
            ("1.dcm", radiograph("SHARED", "20240105").write_as(EXPLICIT_LE)),
            ("2.dcm", radiograph("GIVENUP", "20240106").write_as(EXPLICIT_LE)),
        ],
    );
    let window = scene.locked(Some(&folder)).await;
    unlock(&window, TRAINEE).await;
    window.see("report", 60).await;
    window.click("go-worklist").await;
    open_study(&window, "SHARED").await;
    write(&window, "indication", "Cough").await;
    saved(&window).await;

    // Whoever comes meanwhile reads, and takes over with a question.
    hand_over(&window, NAME).await;
    open_study(&window, "SHARED").await;
    window.says("held", TRAINEE, 20).await;
    let closed = "return document.querySelectorAll('[data-testid^=\"add-sentence-\"]').length === 0";
    window.until("the text to be closed", 10, closed).await;
    accessible(&window, "held").await;
    window.click("take-over").await;
    window.see("take-over-dialog", 10).await;
    window.click("take-over-confirm").await;
    window.until("the report to be free", 10, "return !document.querySelector('[data-testid=\"held\"]')").await;
    write(&window, "comparison", "Nothing older").await;
    saved(&window).await;
    window.click("go-worklist").await;
    window.see("worklist-row", 20).await;
    // Leaving frees the report, once what was typed last is kept; nothing on the screen says when.
    pause(2000).await;

    // The trainee finishes, and can sign as preliminary alone.
    hand_over(&window, TRAINEE).await;
    open_study(&window, "SHARED").await;
    let free = "return !document.querySelector('[data-testid=\"held\"]') && !!document.querySelector('[data-testid=\"add-sentence-findings\"]')";
    window.until("the report to be free again", 20, free).await;
    write(&window, "findings", "The lungs are clear.").await;
    write(&window, "impression", "No acute disease.").await;
    saved(&window).await;
    window.says("sign-open", "Sign preliminary", 20).await;
    dialog(&window, "to be co-signed").await;
    window.says("preliminary-signature", TRAINEE, 20).await;
    window.says("report-status", "Preliminary, signed", 10).await;
    accessible(&window, "preliminary").await;

    // The attending changes a word and co-signs.
    hand_over(&window, NAME).await;
    open_study(&window, "SHARED").await;
    window.says("preliminary-signature", TRAINEE, 20).await;
    write(&window, "impression", "Follow-up is not needed.").await;
    saved(&window).await;
    window.says("sign-open", "Co-sign", 20).await;
    dialog(&window, "reviewed, approved and co-signed").await;
    window.click("sign-close").await;
    window.says("report-status", "Final", 20).await;
    window.says("versions", &format!("prepared by {TRAINEE}"), 10).await;

    // What the second signature changed.
    window.click("compare-open").await;
    window.says("compare-count", "1 sentence differs", 20).await;
    chosen(&window, "compare-left", "Signed as preliminary").await;
    window.says("compare-dialog", "Follow-up is not needed.", 10).await;
    accessible(&window, "compare").await;
    window.click("compare-close").await;

    // A report that is given up makes way for a fresh one.
    window.click("go-worklist").await;
    open_study(&window, "GIVENUP").await;
    write(&window, "findings", "Begun by mistake.").await;
    saved(&window).await;
    window.chord_of(&[CONTROL, SHIFT], DELETE).await;
    window.see("cancel-report-dialog", 10).await;
    window.click("cancel-report-confirm").await;
    window.see("worklist-row", 20).await;
    open_study(&window, "GIVENUP").await;
    window.says("report-status", "Draft", 20).await;
    let text = section(&window, "findings").await;
    assert!(!text.contains("by mistake"), "{text}");
    window.close().await;
}

/// Signs in the dialog, which says what the signature means.
async fn dialog(window: &Window, meaning: &str) {
    window.click("sign-open").await;
    window.says("sign-meaning", meaning, 20).await;
    window.click("sign-patient").await;
    window.click("sign-accession").await;
    window.fill("sign-passphrase", PASSPHRASE).await;
    window.click("sign-submit").await;
}
