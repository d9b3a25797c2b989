//! Locked in the middle of a word: nothing of a patient is left on the screen, and nothing typed is lost.

use crate::scene::*;
use hilum_testkit::dicom::EXPLICIT_LE;

#[tokio::test(flavor = "multi_thread")]
async fn locked_while_typing() {
    let Some(scene) = Scene::with_user().await else { return };
    let window = scene.reading(radiograph("LOCKED", "20240105").write_as(EXPLICIT_LE)).await;
    remember(&window).await;
    window.begin_sentence("findings").await;
    window.keys("Typed in the very moment before").await;
    window.chord_of(&[CONTROL, SHIFT], 'L').await;
    replaced(&window).await;
    window.see("unlock-passphrase", 20).await;
    let page = window.text("return document.documentElement.outerHTML").await;
    for secret in ["LOCKED", "very moment", "worklist-row"] {
        assert!(!page.contains(secret), "the locked window holds {secret:?}");
    }
    window.fill("unlock-passphrase", "not the passphrase").await;
    window.click("unlock-submit").await;
    let refused = "return document.querySelector('[role=\"alert\"]')?.dataset.code === 'vault.locked'";
    window.until("the refusal", 20, refused).await;
    window.fill("unlock-passphrase", PASSPHRASE).await;
    window.click("unlock-submit").await;
    window.see("lock", 30).await;
    window.click("go-worklist").await;
    open_study(&window, "LOCKED").await;
    window.says("section-findings", "Typed in the very moment before", 20).await;

    // Where somebody was in the worklist is where they come back to, though the page is another one.
    window.click("go-worklist").await;
    window.click("filter-unread").await;
    lock(&window).await;
    unlock(&window, NAME).await;
    window.see("worklist-row", 20).await;
    let kept = "return document.querySelector('[data-testid=\"filter-unread\"]').ariaPressed === 'true'";
    window.until("the filter that was chosen", 5, kept).await;
    window.close().await;
}
