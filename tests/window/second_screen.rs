//! The images in a second window, which follows the first and is emptied by the lock.

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
    let first = window.client.window().await.expect("the first window");
    window.press(F10).await;
    let second = window.other(&first).await;
    window.client.switch_to_window(second.clone()).await.expect("the second window");
    window.see("second-window", 30).await;
    image_shown(&window).await;
    assert!(window.words("second-window").await.contains("ONE"));

    // It shows what the first window opens.
    window.client.switch_to_window(first.clone()).await.expect("the first window");
    window.click("go-worklist").await;
    open_study(&window, "TWO").await;
    window.client.switch_to_window(second.clone()).await.expect("the second window");
    window.says("second-window", "TWO", 30).await;
    image_shown(&window).await;
    // Its own tools work there.
    window.press('i').await;
    window.says("second-window", "inverted", 10).await;

    // Locked, it shows nothing of a patient.
    window.client.switch_to_window(first).await.expect("the first window");
    window.click("lock").await;
    window.see("unlock-passphrase", 20).await;
    window.client.switch_to_window(second).await.expect("the second window");
    window
        .until(
            "the images to be gone",
            20,
            "return !document.documentElement.outerHTML.includes('TWO') && !document.querySelector('canvas')",
        )
        .await;
    window.close().await;
}
