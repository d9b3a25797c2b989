//! Files that appear in a watched folder are imported by themselves and drafted in the background.

use crate::scene::*;
use hilum_testkit::dicom::EXPLICIT_LE;

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_folder_and_its_drafts() {
    let Some(scene) = Scene::with_user().await else { return };
    let folder = scene.folder("arrivals", &[]);
    let window = scene.open(None).await;
    window.click("go-settings").await;
    window.click("draft-on-import").await;
    window.click("watch-choose").await;
    window.type_into_dialog("Choose the folder to watch", &folder.display().to_string());
    window.says("watched-folder", &folder.display().to_string(), 20).await;
    window.click("go-worklist").await;

    let arrive = |who: &str, date: &str| {
        std::fs::write(folder.join(format!("{who}.dcm")), radiograph(who, date).write_as(EXPLICIT_LE)).expect("a file");
    };
    arrive("ARRIVED", "20240105");
    arrive("FOLLOWED", "20240106");
    window
        .until("both studies", 90, "return document.querySelectorAll('[data-testid=\"worklist-row\"]').length === 2")
        .await;

    // The queue is there to be seen, and stopped.
    window.see("draft-queue", 60).await;
    window.click("queue-pause").await;
    window.says("draft-queue", "Go on", 20).await;
    accessible(&window, "queue").await;
    window.click("queue-pause").await;
    // Nobody has opened either; both are drafted.
    let drafted = "const rows = [...document.querySelectorAll('[data-testid=\"worklist-row\"]')]; return rows.length === 2 && rows.every((r) => r.dataset.status === 'drafted')";
    window.until("both drafts", DRAFT, drafted).await;
    window.until("the queue to be empty", 30, "return !document.querySelector('[data-testid=\"draft-queue\"]')").await;

    // What was drafted waits for a person, sentence by sentence.
    open_study(&window, "ARRIVED").await;
    window.until("proposed sentences", 20, &format!("return {PROPOSED} > 0")).await;
    assert_eq!(
        window.number("return Number(document.querySelector('[data-testid=\"sign-open\"]').disabled)").await,
        1.0
    );
    window.close().await;
}
