//! Two studies of one patient: side by side, linked, compared by the model, unlinked.

use crate::measurement::MARKS;
use crate::scene::*;
use hilum_testkit::dicom::EXPLICIT_LE;

#[tokio::test(flavor = "multi_thread")]
async fn the_prior_beside_the_study() {
    let Some(scene) = Scene::with_user().await else { return };
    let folder = scene.folder(
        "studies",
        &[
            ("old.dcm", radiograph("COMPARED", "20230105").write_as(EXPLICIT_LE)),
            ("new.dcm", radiograph("COMPARED", "20240105").write_as(EXPLICIT_LE)),
            ("other.dcm", radiograph("SOMEBODY", "20220105").write_as(EXPLICIT_LE)),
        ],
    );
    let window = scene.open(Some(&folder)).await;
    window.see("report", 60).await;
    window.click("go-worklist").await;
    // The newest comes first.
    open_study(&window, "COMPARED").await;
    window.see("strip-image", 20).await;
    let viewers = "document.querySelectorAll('[data-testid=\"viewer\"]')";
    if window.number(&format!("return {viewers}.length")).await < 2.0 {
        window.press('p').await;
    }
    let both = format!("return {viewers}.length === 2 && [...{viewers}].every((v) => v.dataset.ready === 'true')");
    window.until("both images", 30, &both).await;
    let captions = window.text(&format!("return [...{viewers}].map((v) => v.innerText).join(' | ')")).await;
    assert!(captions.contains("Prior") && captions.contains("2023"), "{captions}");
    assert!(!captions.contains("SOMEBODY"), "{captions}");

    // Linked, one pane's window is the other's; unlinked, it is not.
    let windows = format!(
        "return [...{viewers}].map((v) => v.querySelector('[data-testid=\"window-text\"]').innerText).join('|')"
    );
    let same = format!(
        "const t = [...{viewers}].map((v) => v.querySelector('[data-testid=\"window-text\"]').innerText); return t[0] === t[1] && t[0] !== BEFORE"
    );
    let before = window.text(&windows).await;
    let first = before.split('|').next().unwrap_or_default().to_owned();
    let (x, y) = middle(&window, 0).await;
    window.press('w').await;
    window.drag(&[(x, y), (x + 40.0, y + 30.0)]).await;
    window.until("both windows to change", 10, &same.replace("BEFORE", &format!("{first:?}"))).await;
    window.chord(SHIFT, 'P').await;
    window.drag(&[(x, y), (x + 60.0, y - 20.0)]).await;
    let apart = format!(
        "const t = [...{viewers}].map((v) => v.querySelector('[data-testid=\"window-text\"]').innerText); return t[0] !== t[1]"
    );
    window.until("the windows to part", 10, &apart).await;

    // The rules by which images are hung.
    window.chord(SHIFT, 'H').await;
    window.see("hanging-rules", 10).await;
    accessible(&window, "hanging").await;
    window.press(ESCAPE).await;
    gone(&window, "hanging-rules").await;

    // A line of 200 pixels on the prior goes into the report as the prior's, and counts as measured: the number that
    // nobody measured is flagged beside it, so that the checks have looked at both.
    let (x, y) = middle(&window, 1).await;
    let size = "const b = document.querySelectorAll('[data-testid=\"viewer\"]')[1].getBoundingClientRect(); return Math.min(b.width / 400, b.height / 480)";
    let scale = window.number(size).await;
    window.press('l').await;
    window.drag(&[(x - 100.0 * scale, y), (x, y), (x + 100.0 * scale, y)]).await;
    window.until("the line", 10, &format!("return {MARKS} === 1")).await;
    window.chord(SHIFT, 'M').await;
    window.says("section-findings", "Measured length 30 mm (calibrated) on the prior of 2023-01-05.", 20).await;
    write(&window, "findings", "There is a nodule of 17 mm.").await;
    saved(&window).await;
    window.says("report-flags", "17 mm", 20).await;
    let flags = window.words("report-flags").await;
    assert!(!flags.contains("30 mm"), "{flags}");

    // Images like this one of other patients.
    window.click("tab-similar").await;
    window.see("similar-pane", 20).await;
    let looked = "const p = document.querySelector('[data-testid=\"similar-pane\"]');
        return p?.querySelector('[aria-busy]')?.getAttribute('aria-busy') === 'false' && (p.querySelector('[role=\"status\"]')?.innerText ?? '') !== ''";
    window.until("similar cases to be looked for", 60, looked).await;
    accessible(&window, "similar").await;

    // The patient's own studies, and nobody else's; the comparison is unlinked and linked again.
    window.click("tab-timeline").await;
    window
        .until("two studies", 20, "return document.querySelectorAll('[data-testid=\"timeline-study\"]').length === 2")
        .await;
    accessible(&window, "timeline").await;
    // To whom a study might be moved instead; it stays where it is.
    window.click("move-study").await;
    window.fill("move-search", "SOMEBODY").await;
    window.see("move-to", 20).await;
    accessible(&window, "move").await;
    window.press(ESCAPE).await;
    gone(&window, "move-dialog").await;
    window.click("unlink").await;
    window.see("link", 20).await;
    window.click("tab-report").await;
    window.see("no-prior", 20).await;
    window.click("tab-timeline").await;
    window.click("link").await;
    window.see("unlink", 20).await;
    window.click("tab-report").await;
    window.see("draft-prior", 20).await;

    // The model is shown both images.
    let chosen = "return document.querySelector('[data-testid=\"draft-prior\"]').checked";
    if window.client().execute(chosen, vec![]).await.expect("a script") != serde_json::json!(true) {
        window.click("draft-prior").await;
    }
    draft(&window).await;
    window.click("tab-timeline").await;
    window.see("timeline-study", 20).await;
    window.chord(CONTROL, '3').await;
    window.see("audit", 20).await;
    window
        .until(
            "the prior's reading in the audit",
            20,
            "return /study[.]read\\s+2[.]25[.]\\d+[.]20230105/.test(document.querySelector('[data-testid=\"audit\"]').innerText)",
        )
        .await;
    window.close().await;
}

/// Waits until the element of this test id is not there any more.
async fn gone(window: &crate::browser::Window, id: &str) {
    window
        .until(&format!("{id} to be gone"), 10, &format!("return !document.querySelector('[data-testid=\"{id}\"]')"))
        .await;
}

/// The middle of a pane, in CSS pixels.
async fn middle(window: &crate::browser::Window, pane: usize) -> (f64, f64) {
    let of = |side: &str, size: &str| {
        format!(
            "const b = document.querySelectorAll('[data-testid=\"viewer\"]')[{pane}].getBoundingClientRect(); return b.{side} + b.{size} / 2"
        )
    };
    (window.number(&of("left", "width")).await, window.number(&of("top", "height")).await)
}
