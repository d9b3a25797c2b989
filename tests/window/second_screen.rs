//! The images in a second window, which follows the first, shares its marks, and is emptied by the lock.

use crate::measurement::{MARKS, pane};
use crate::scene::*;
use hilum_testkit::dicom::EXPLICIT_LE;

#[tokio::test(flavor = "multi_thread")]
async fn images_on_a_second_screen() {
    let Some(scene) = Scene::with_user().await else { return };
    let folder = scene.folder(
        "studies",
        &[
            ("1.dcm", radiograph("ONE", "20240105").write_as(EXPLICIT_LE)),
            ("2.dcm", radiograph("TWO", "20240106").write_as(EXPLICIT_LE)),
        ],
    );
    let window = scene.open(Some(&folder)).await;
    window.see("report", 60).await;
    window.click("go-worklist").await;
    open_study(&window, "ONE").await;
    let first = window.client().window().await.expect("the first window");
    window.press(F10).await;
    let second = window.other(&first).await;
    window.client().switch_to_window(second.clone()).await.expect("the second window");
    window.see("second-window", 30).await;
    image_shown(&window).await;
    assert!(window.words("second-window").await.contains("ONE"));

    // It shows what the first window opens.
    window.client().switch_to_window(first.clone()).await.expect("the first window");
    window.click("go-worklist").await;
    open_study(&window, "TWO").await;
    window.client().switch_to_window(second.clone()).await.expect("the second window");
    window.says("second-window", "TWO", 30).await;
    image_shown(&window).await;
    // Its own tools work there.
    window.press('i').await;
    window.says("second-window", "inverted", 10).await;

    // A line that is drawn there is in both windows, and goes into the report, which is in the first.
    let (x, y, scale) = pane(&window).await;
    window.press('l').await;
    window.drag(&[(x, y), (x + 50.0 * scale, y), (x + 200.0 * scale, y)]).await;
    window.until("the line", 10, &format!("return {MARKS} === 1")).await;
    window.chord(SHIFT, 'M').await;
    window.says("notice", "Sent to the report in the first window", 10).await;
    window.client().switch_to_window(first.clone()).await.expect("the first window");
    window.until("the line in the first window", 10, &format!("return {MARKS} === 1")).await;
    window.says("section-findings", "Measured length 30 mm (calibrated).", 20).await;
    saved(&window).await;

    // Deleted in the first window, it is gone from the second.
    window.click("viewer").await;
    window.chord(SHIFT, 'L').await;
    window.see("mark-row", 10).await;
    let pick = "document.querySelector('[data-testid=\"mark-row\"] .pick').click(); return true";
    window.client().execute(pick, vec![]).await.expect("a click");
    window.press(DELETE).await;
    window.until("no line in the first window", 10, &format!("return {MARKS} === 0")).await;
    window.client().switch_to_window(second.clone()).await.expect("the second window");
    window.until("no line in the second window", 10, &format!("return {MARKS} === 0")).await;

    // Locked, it shows nothing of a patient.
    window.client().switch_to_window(first.clone()).await.expect("the first window");
    lock(&window).await;
    window.see("unlock-passphrase", 20).await;
    // Another session of the driver's names the windows anew.
    let first = window.client().window().await.expect("the first window");
    let second = window.other(&first).await;
    window.client().switch_to_window(second.clone()).await.expect("the second window");
    window
        .until(
            "the images to be gone",
            20,
            "return !!document.querySelector('[data-testid=\"second-window\"]') && document.body.dataset.ready === 'true'
                && !document.documentElement.outerHTML.includes('TWO') && !document.querySelector('canvas, [data-testid=\"notice\"]')",
        )
        .await;

    // Its page is another one since, which shows whatever is opened after that.
    window.client().switch_to_window(first).await.expect("the first window");
    unlock(&window, NAME).await;
    open_study(&window, "ONE").await;
    window.client().switch_to_window(second).await.expect("the second window");
    window.says("second-window", "ONE", 30).await;
    image_shown(&window).await;
    window.close().await;
}
