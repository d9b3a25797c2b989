//! The process that draws the page dies: the page comes back with the study and what was kept, and dying again and
//! again is said instead of tried for ever. The driver's session ends with the first page, so that from then on the
//! pointer and the keyboard of the display are used, and what came of it is read from the data folder.

use crate::browser::Window;
use crate::scene::*;
use hilum_store::WorklistQuery;
use hilum_testkit::dicom::EXPLICIT_LE;
use std::process::Command;
use std::time::{Duration, Instant};

const BEFORE: &str = "Typed before the page died.";
const AFTER: &str = "Typed into the page that came back.";

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_dies_comes_back() {
    let Some(scene) = Scene::with_user().await else { return };
    let began = Instant::now();
    let window = scene.reading(radiograph("RETURNED", "20240105").write_as(EXPLICIT_LE)).await;
    let patience = 2 * began.elapsed().max(Duration::from_secs(5));
    write(&window, "findings", BEFORE).await;
    saved(&window).await;
    let at = "const r = document.querySelector('[data-testid=\"add-sentence-impression\"]').getBoundingClientRect();";
    let x = window.number(&format!("{at} return r.left + r.width / 2")).await;
    let y = window.number(&format!("{at} return r.top + r.height / 2")).await;

    let first = kill(&window, None).await;
    let began = Instant::now();
    tokio::time::sleep(patience).await;
    xdotool(&window, &["mousemove", &x.round().to_string(), &y.round().to_string(), "click", "1"]);
    pause(1000).await;
    xdotool(&window, &["type", "--delay", "25", AFTER]);
    // Kept a second and a half after the last key.
    pause(4000).await;
    let second = kill(&window, Some(first)).await;
    pause(2000).await;
    if began.elapsed() < Duration::from_secs(50) {
        kill(&window, Some(second)).await;
        dialog(&window, "again and again").await;
    } else {
        println!("a loop of three ends within a minute is not tried: two took {:.0} s here", began.elapsed().as_secs_f64());
    }
    window.close().await;

    let store = scene.store().await;
    let reads = store.audit_entries(1000, None).await.expect("audit lines");
    let reads = reads.iter().filter(|line| line.event.action == "study.read").count();
    assert!(reads >= 2, "the page that came back opened the study: it was read {reads} times");
    let mut words = String::new();
    for line in store.worklist(&WorklistQuery::default()).await.expect("the worklist") {
        for report in store.study(&line.study.uid).await.expect("a study").reports {
            let report = store.report(&report.id).await.expect("a report");
            for sentence in report.sections().iter().flat_map(|section| &section.sentences) {
                words = words + sentence.text() + "\n";
            }
        }
    }
    assert!(words.contains(BEFORE), "{words}");
    assert!(words.contains(AFTER), "{words}");
}

/// Kills the page's process, once one runs that is not `before`; gives which.
async fn kill(window: &Window, before: Option<i32>) -> i32 {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let process = window.find_process("WebKitWebProcess", "");
        if let Some(process) = process.filter(|p| before != Some(*p)) {
            // SAFETY: a signal to a process that this test's window started.
            assert_eq!(unsafe { libc::kill(process, libc::SIGKILL) }, 0, "the page's process runs");
            return process;
        }
        assert!(Instant::now() < until, "no process draws the page");
        pause(50).await;
    }
}

fn xdotool(window: &Window, arguments: &[&str]) -> String {
    let done = Command::new("xdotool").env("DISPLAY", &window.display).args(arguments).output().expect("xdotool runs");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// Waits for a window of the desktop by a part of its title.
async fn dialog(window: &Window, title: &str) {
    let until = Instant::now() + Duration::from_secs(30);
    while xdotool(window, &["search", "--name", title]).trim().is_empty() {
        assert!(Instant::now() < until, "no dialog says {title:?}");
        pause(200).await;
    }
}
