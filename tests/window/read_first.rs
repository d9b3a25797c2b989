//! A draft stays covered until its reader has looked, and is then set beside what became of it.

use crate::scene::*;
use hilum_testkit::dicom::EXPLICIT_LE;

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_covered_until_it_is_asked_for() {
    let Some(scene) = Scene::with_user().await else { return };
    let window = scene.reading(radiograph("COVERED", "20240105").write_as(EXPLICIT_LE)).await;
    window.click("go-worklist").await;
    window.click("go-settings").await;
    window.click("read-first").await;
    window.until("the setting", 10, "return document.querySelector('[data-testid=\"read-first\"]').checked").await;
    window.click("go-worklist").await;
    open_study(&window, "COVERED").await;

    window.click("draft-start").await;
    window.see("covered", DRAFT).await;
    assert_eq!(window.number(&format!("return {PROPOSED}")).await, 0.0);
    window.says("needs-list", "review", 10).await;
    accessible(&window, "covered").await;
    write(&window, "findings", "My own reading.").await;
    saved(&window).await;
    window.says("covered", "You have written your own reading", 10).await;

    // Uncovered with its key; then it is reviewed as any other.
    window.chord_of(&[CONTROL, SHIFT], 'E').await;
    let proposed = drafted(&window).await;
    window.until("the cover to go", 10, "return !document.querySelector('[data-testid=\"covered\"]')").await;
    window.says("section-findings", "My own reading.", 10).await;
    window.chord(ALT, DOWN).await;
    window.press(ENTER).await;
    window.until("one sentence less", 10, &format!("return {PROPOSED} < {proposed}")).await;
    saved(&window).await;

    // What the model wrote, and what stands.
    window.chord_of(&[CONTROL, SHIFT], 'X').await;
    chosen(&window, "compare-left", "Draft of the model").await;
    window.says("compare-dialog", "accepted", 10).await;
    window.says("compare-dialog", "My own reading.", 10).await;
    window.click("compare-close").await;
    window.click("go-worklist").await;
    window.see("worklist-row", 20).await;
    window.chord(CONTROL, '3').await;
    window.says("audit", "report.reveal", 20).await;
    window.close().await;
}
