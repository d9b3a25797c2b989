//! A page that is locked goes with its process, and what that knew of patients and of the passphrase goes with it. The page
//! of a driven window stays in its process, so that this one is reached by keyboard and looked at from outside.

use crate::processes::on_display;
use crate::scene::*;
use crate::search::{Secret, in_memory};
use crate::undriven::Undriven;
use hilum_testkit::dicom::{self, EXPLICIT_LE};
use std::time::{Duration, Instant};

const PATIENT: &str = "VERGANGENHEIT";
const ID: &str = "KENNUNG-0815";

#[tokio::test(flavor = "multi_thread")]
async fn keeps_nothing_in_the_page_that_is_locked() {
    let Some(scene) = Scene::with_user().await else { return };
    // SAFETY: no memory is involved.
    if unsafe { libc::geteuid() } != 0 {
        hilum_testkit::skipped("the memory of a process that is closed to others is root's to read");
        return;
    }
    let film = radiograph("RENEWAL", "20240105")
        .text(dicom::PATIENT_NAME, b"PN", &format!("{PATIENT}^TEST"))
        .text(dicom::PATIENT_ID, b"LO", ID);
    let folder = scene.folder("studies", &[("image.dcm", film.write_as(EXPLICIT_LE))]);
    let arguments = ["--data", scene.data.to_str().expect("a path"), folder.to_str().expect("a path")];
    let window = Undriven::open(&arguments, (1600, 1000), scene.home());

    let read = unlocked(&window).await;
    println!("the page that showed the study holds {:?}", in_memory(read, &secrets()));
    window.press("ctrl+shift+l");
    gone(&window, read).await;
    // Drawn, the next one is what stays there until somebody comes.
    pause(3000).await;
    let locked = pages(&window);
    for &page in &locked {
        let left: Vec<_> = in_memory(page, &secrets()).into_iter().filter(|(_, times)| *times > 0).collect();
        assert!(left.is_empty(), "once locked, a page's process holds {left:?}");
    }

    // The new page opens like the one before, and it was no accident.
    let again = unlocked(&window).await;
    assert!(locked.contains(&again), "the page that was unlocked is one that was looked at");
    let printed = window.printed();
    assert!(!printed.contains("the page's process ended"), "{printed}");
}

fn secrets() -> [Secret; 3] {
    [Secret::text("patient's name", PATIENT), Secret::text("patient id", ID), Secret::text("passphrase", PASSPHRASE)]
}

/// The processes that draw pages.
fn pages(window: &Undriven) -> Vec<i32> {
    on_display("WebKitWebProcess", &window.display)
}

/// Enters the passphrase until a page knows the patient; gives its process. The first keys may come before the window does.
async fn unlocked(window: &Undriven) -> i32 {
    let until = Instant::now() + Duration::from_secs(180);
    let patient = &secrets()[..1];
    while Instant::now() < until {
        pause(4000).await;
        window.enter(PASSPHRASE);
        // Entered once more into a page that is unlocked, it would be keys of the worklist.
        for _ in 0..60 {
            pause(500).await;
            if let Some(page) = pages(window).into_iter().find(|page| in_memory(*page, patient)[0].1 > 0) {
                return page;
            }
        }
    }
    panic!("no page shows the patient; the app says: {}", window.printed());
}

/// Waits until the process of a page is gone and another is there, or some that the engine keeps ready.
async fn gone(window: &Undriven, before: i32) {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let now = pages(window);
        if !now.is_empty() && !now.contains(&before) {
            return;
        }
        assert!(Instant::now() < until, "the page that was locked is still there");
        pause(100).await;
    }
}
