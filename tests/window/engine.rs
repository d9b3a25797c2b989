//! The drafting engine dies in the middle of a draft: nothing typed is lost, and the next draft comes.

use crate::browser::Window;
use crate::scene::*;
use hilum_testkit::dicom::EXPLICIT_LE;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_dies_in_the_middle_of_a_draft() {
    let Some(scene) = Scene::with_user().await else { return };
    let window = scene.reading(radiograph("CRASHED", "20240105").write_as(EXPLICIT_LE)).await;
    write(&window, "indication", "Typed before the draft.").await;
    saved(&window).await;

    // A small model is done with its draft before a sentence is typed, so it is held where it loads or writes.
    let ((), worker) = tokio::join!(window.click("draft-start"), held_worker(&window));
    window.begin_sentence("comparison").await;
    window.keys("Typed while the draft").await;
    // SAFETY: a signal to a process that this test started.
    assert_eq!(unsafe { libc::kill(worker, libc::SIGKILL) }, 0, "the engine was running");
    window.keys(" was under way.").await;
    window
        .until("the failure to be said", 60, "return !!document.querySelector('[data-testid=\"draft-retry\"]')")
        .await;
    let said = window.words("draft-bar").await;
    println!("the window says: {said}");
    assert!(said.contains("engine") || said.contains("model"), "{said}");
    for (name, words) in
        [("indication", "Typed before the draft."), ("comparison", "Typed while the draft was under way.")]
    {
        let text = section(&window, name).await;
        assert!(text.contains(words), "{name}: {text}");
    }
    saved(&window).await;

    // Once more, and it drafts; what was typed is still there.
    window.click("draft-retry").await;
    let proposed = drafted(&window).await;
    println!("{proposed} sentences proposed by the engine that was started again");
    let text = window.words("report").await;
    assert!(text.contains("Typed before the draft.") && text.contains("was under way."), "{text}");

    // The same from the disk.
    window.click("go-worklist").await;
    open_study(&window, "CRASHED").await;
    let text = window.words("report").await;
    assert!(text.contains("Typed before the draft.") && text.contains("was under way."), "{text}");
    window.close().await;
}

/// The drafting worker, stopped as soon as it runs.
async fn held_worker(window: &Window) -> i32 {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(process) = window.find_process("hilumctl", "worker draft") {
            // SAFETY: a signal to a process that this test started.
            assert_eq!(unsafe { libc::kill(process, libc::SIGSTOP) }, 0, "the engine was running");
            return process;
        }
        assert!(Instant::now() < until, "no drafting worker was started");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
