//! A reader's own keys: chosen on the screen of help, used, and there again after unlocking.

use crate::browser::Window;
use crate::scene::*;
use hilum_testkit::dicom::EXPLICIT_LE;

const INVERTED: &str = "return document.querySelector('[data-testid=\"viewer\"]').innerText.includes('inverted')";
const UPRIGHT: &str = "return !document.querySelector('[data-testid=\"viewer\"]').innerText.includes('inverted')";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_changed_and_kept() {
    let Some(scene) = Scene::with_user().await else { return };
    let window = scene.reading(radiograph("KEYS", "20240105").write_as(EXPLICIT_LE)).await;
    window.press('i').await;
    window.until("the image to be inverted", 10, INVERTED).await;
    window.press('i').await;
    window.until("the image as it was", 10, UPRIGHT).await;

    // "R" is taken: it is asked for, and given.
    window.click("go-worklist").await;
    window.click("go-help").await;
    window.click("keys-change").await;
    window.click("key-of-view.invert").await;
    window.see("key-pressed", 10).await;
    window.press('r').await;
    window.click("key-take").await;
    window.click("keys-change").await;
    accessible(&window, "help").await;
    by_r(&window).await;

    // The same for this reader after the window was locked, and the standard ones when wanted.
    lock(&window).await;
    window.fill("unlock-passphrase", PASSPHRASE).await;
    window.click("unlock-submit").await;
    by_r(&window).await;
    window.click("go-worklist").await;
    window.click("go-help").await;
    window.click("keys-standard").await;
    window.click("go-worklist").await;
    open_study(&window, "KEYS").await;
    window.press('i').await;
    window.until("the image to be inverted", 10, INVERTED).await;

    // What Hilum is made of.
    window.chord(SHIFT, F1).await;
    window.says("about-version", env!("CARGO_PKG_VERSION"), 20).await;
    window.see("about-pack", 30).await;
    window.close().await;
}

/// "R" inverts, "I" does nothing, and the tool's words say so.
async fn by_r(window: &Window) {
    window.click("go-worklist").await;
    open_study(window, "KEYS").await;
    window.press('i').await;
    window.press('r').await;
    window.until("the image to be inverted", 10, INVERTED).await;
    window.press('r').await;
    window.until("the image as it was", 10, UPRIGHT).await;
    let title = window.text("return document.querySelector('[data-testid=\"view.invert\"]').title").await;
    assert_eq!(title, "Invert (R)");
}
