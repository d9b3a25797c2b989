//! A line on the image becomes a number in the report, and stays on the image.

use crate::browser::Window;
use crate::scene::*;
use hilum_testkit::dicom::EXPLICIT_LE;

/// How many marks are drawn, as an expression of the page.
pub const MARKS: &str = "document.querySelectorAll('[data-testid=\"mark\"]').length";

#[tokio::test(flavor = "multi_thread")]
async fn a_measurement_goes_into_the_report() {
    let Some(scene) = Scene::with_user().await else { return };
    let window = scene.reading(radiograph("MEASURED", "20240105").write_as(EXPLICIT_LE)).await;
    let (x, y, scale) = pane(&window).await;

    // Drawn 200 image pixels long: 0.15 mm each are 30 mm.
    window.press('l').await;
    window.drag(&[(x, y), (x + 50.0 * scale, y), (x + 200.0 * scale, y)]).await;
    window.until("the line", 10, &format!("return {MARKS} === 1")).await;
    let line = window.text("return document.querySelector('[data-testid=\"marks\"]').textContent").await;
    assert!(line.contains("30 mm"), "{line}");

    // Two lines: heart over thorax.
    window.press('c').await;
    window.drag(&[(x, y + 30.0), (x + 80.0 * scale, y + 30.0)]).await;
    window.drag(&[(x, y + 50.0), (x + 160.0 * scale, y + 50.0)]).await;
    window
        .until(
            "the ratio",
            10,
            "return document.querySelector('[data-testid=\"marks\"]').textContent.includes('CTR 0.50')",
        )
        .await;

    // Undone and redone, with the focus in the image.
    window.chord(CONTROL, 'z').await;
    window.until("one mark less", 10, &format!("return {MARKS} === 1")).await;
    window.chord(CONTROL, 'y').await;
    window.until("the mark again", 10, &format!("return {MARKS} === 2")).await;

    // Moved by its keys, the image takes its marks along.
    let left = "document.querySelector('[data-testid=\"mark\"]').getBoundingClientRect().left";
    let before = window.number(&format!("return {left}")).await;
    window.press(RIGHT).await;
    window.until("the image to move right", 10, &format!("return {left} > {before} + 20")).await;
    window.press(LEFT).await;
    window.until("the image to be back", 10, &format!("return Math.abs({left} - {before}) < 1")).await;

    // From the list into the report: no flag calls the number unmeasured.
    window.chord(SHIFT, 'L').await;
    window.see("mark-row", 10).await;
    window
        .client()
        .execute("document.querySelector('[data-testid=\"mark-row\"] .pick').click(); return true", vec![])
        .await
        .expect("a click");
    window.click("mark-to-report").await;
    window.says("section-findings", "30 mm", 20).await;
    saved(&window).await;
    let flags = "return document.querySelector('[data-testid=\"report-flags\"]')?.innerText ?? ''";
    assert!(!window.text(flags).await.contains("30 mm"), "{}", window.text(flags).await);
    // A number that nobody measured is flagged.
    write(&window, "findings", "There is a nodule of 17 mm.").await;
    window
        .until(
            "the flag",
            20,
            "return (document.querySelector('[data-testid=\"report-flags\"]')?.innerText ?? '').includes('17 mm')",
        )
        .await;
    // The checks have spoken by now, and still not of the one that was measured.
    let flagged = window.text(flags).await;
    assert!(!flagged.contains("30 mm"), "{flagged}");
    // Where words are written, the arrows are the text's.
    let before = window.number(&format!("return {left}")).await;
    window.press(LEFT).await;
    pause(300).await;
    let after = window.number(&format!("return {left}")).await;
    assert!((after - before).abs() < 1.0, "the image moved from {before} to {after}");

    // Another look at the study finds everything where it was.
    window.click("go-worklist").await;
    open_study(&window, "MEASURED").await;
    window.until("the marks again", 20, &format!("return {MARKS} === 2")).await;
    window.says("section-findings", "30 mm", 20).await;
    window.close().await;
}

/// A place in the upper left of the image, and how many CSS pixels an image pixel is wide.
pub async fn pane(window: &Window) -> (f64, f64, f64) {
    let number = |of: &str| {
        format!("const b = document.querySelector('[data-testid=\"viewer\"]').getBoundingClientRect(); return {of}")
    };
    let x = window.number(&number("b.left + b.width * 0.35")).await;
    let y = window.number(&number("b.top + b.height * 0.35")).await;
    let zoom = "Number(/Zoom ([0-9.]+)/.exec(document.querySelector('[data-testid=\"viewer\"]').innerText)[1])";
    // The image is shown to fit; the corner's zoom is rounded, the pane's height is not.
    let scale = window.number(&number("Math.min(b.width / 400, b.height / 480)")).await;
    let shown = window.number(&format!("return {zoom}")).await;
    assert!((scale - shown).abs() < 0.02 * shown, "zoom {shown}, reckoned {scale}");
    (x, y, scale)
}
