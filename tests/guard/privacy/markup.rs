//! Three hundred payloads in tags, file names, templates, macros, names, settings, typed and drafted text,
//! shown on every screen of the real window and printed: none runs, none loads anything. Every screen of the list is looked
//! at, and every payload that stands where a screen shows it has to be on one.

mod asked;
mod exports;
mod looks;
mod opened;
mod planted;
mod supply;

use crate::browser::Window;
use crate::common;
use crate::desk::{NAME, PASSPHRASE};
use crate::guard::full;
use crate::payloads::ALL;
use crate::scene::*;
use looks::{Seen, hook};
use planted::SIGNED;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{self, AtomicUsize};
use supply::Supply;

/// Every screen on which words of others stand, and those that frame them.
const SCREENS: [&str; 28] = [
    "unlock",
    "what was given at start",
    "worklist with its verdicts",
    "queue",
    "preview",
    "reading room",
    "measurements",
    "timeline",
    "to another patient",
    "similar",
    "whose image",
    "report",
    "macros",
    "compare",
    "signed document",
    "critical",
    "preview as a PDF",
    "sign",
    "origin",
    "models",
    "an error with a hostile detail",
    "a model to be added",
    "calibration",
    "audit",
    "settings",
    "help",
    "palette",
    "second screen",
];

/// Of the first run, in which a name is all that there is.
const FIRST_RUN: [&str; 5] = ["first run", "recovery key", "signing key", "intended use", "worklist"];

#[tokio::test(flavor = "multi_thread")]
async fn text_is_text_on_every_screen() {
    common::use_demo_packs();
    let mut seen = BTreeSet::new();
    for round in 0..if full() { 4 } else { 1 } {
        let Some(scene) = Scene::with_user().await else { return };
        seen.append(&mut one_round(&scene, round).await);
    }
    // Four rounds bring each to a place that a screen shows.
    let never: Vec<usize> = (0..ALL).filter(|number| !seen.contains(number)).collect();
    println!("{} payloads were on a screen", ALL - never.len());
    assert!(never.is_empty() || !full(), "never on a screen: {never:?}");
}

/// Numbers of the payloads that were on a screen.
async fn one_round(scene: &Scene, round: usize) -> BTreeSet<usize> {
    let (address, requests) = listener();
    let supply = Supply::new(address, round);
    let studies = planted::folder(scene, &supply).await;
    assert_eq!(supply.used(), ALL, "every payload is planted");

    let given = planted::given(scene, &supply);
    let window = scene.locked(Some(&given)).await;
    hook(&window).await;
    let mut seen = Seen::default();
    seen.look(&window, "unlock").await;
    window.choose("unlock-user", NAME).await;
    window.fill("unlock-passphrase", PASSPHRASE).await;
    window.click("unlock-submit").await;
    window.see("lock", 60).await;
    pause(4000).await;
    seen.look(&window, "what was given at start").await;
    window.click("go-worklist").await;
    window.see("worklist-row", 30).await;
    window.see("verdict", 60).await;
    seen.look(&window, "worklist with its verdicts").await;
    window.click("verdicts-close").await;
    asked::queue(&window, &studies, &mut seen).await;
    for (number, study) in studies.iter().enumerate() {
        worklist_row(&window, number).await;
        seen.look(&window, "preview").await;
        open(&window, study).await;
        seen.look(&window, "reading room").await;
        beside_the_image(&window, &mut seen, number).await;
        dialogs(&window, &mut seen, number).await;
        window.click("go-worklist").await;
        window.see("worklist-row", 30).await;
    }
    for screen in ["models", "calibration", "audit", "settings", "help"] {
        window.click(&format!("go-{screen}")).await;
        pause(700).await;
        seen.look(&window, screen).await;
    }
    refused_model(&window, scene, &mut seen).await;
    asked::model(&window, scene, &mut seen).await;
    window.chord(CONTROL, 'k').await;
    pause(300).await;
    window.keys("<img src=x onerror=__x(901)>").await;
    seen.look(&window, "palette").await;
    window.press(ESCAPE).await;
    second_screen(&window, &studies[SIGNED + 1], &mut seen).await;
    window.close().await;
    assert_eq!(requests.load(atomic::Ordering::SeqCst), 0, "somebody asked for what a payload names");
    seen.were(&SCREENS);
    let (due, missing) = supply.owed(&seen.payloads);
    println!(
        "round {round}: {} payloads planted, {due} of them where a screen shows them and {} of these seen, on {} looks at {} kinds of screens, 0 run, 0 violations of the policy, 0 elements made, 0 requests",
        supply.used(),
        due - missing.len(),
        seen.looks,
        seen.screens.len()
    );
    // The others stand in tags and fields that no screen shows, or show only when they are asked for.
    assert!(missing.is_empty(), "planted where a screen shows them, and on none: {missing:?}");
    assert!(due >= ALL * 2 / 3, "{due} payloads stand where a screen shows them");
    seen.payloads
}

#[tokio::test(flavor = "multi_thread")]
async fn text_is_text_in_the_first_run() {
    const HOSTILE: &str = "<img src=x onerror=__x(903)>";
    common::use_demo_packs();
    let Some(scene) = Scene::empty() else { return };
    let window = scene.locked(None).await;
    hook(&window).await;
    let mut seen = Seen::default();
    window.fill("first-run-name", HOSTILE).await;
    seen.look(&window, "first run").await;
    window.fill("first-run-passphrase", PASSPHRASE).await;
    window.fill("first-run-passphrase-again", PASSPHRASE).await;
    window.click("first-run-create").await;
    window.see("recovery-key", 60).await;
    seen.look(&window, "recovery key").await;
    window.click("recovery-written").await;
    window.click("recovery-done").await;
    window.says("signing-key-name", HOSTILE, 20).await;
    seen.look(&window, "signing key").await;
    window.click("first-run-key").await;
    window.see("first-run-models", 30).await;
    seen.look(&window, "intended use").await;
    window.click("first-run-understood").await;
    window.click("first-run-begin").await;
    window.see("lock", 60).await;
    window.until("the name", 20, &format!("return document.body.textContent.includes({HOSTILE:?})")).await;
    seen.look(&window, "worklist").await;
    window.close().await;
    seen.were(&FIRST_RUN);
    assert!(seen.payloads.contains(&903));
}

/// Counts whoever connects.
fn listener() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let count = Arc::new(AtomicUsize::new(0));
    let counting = count.clone();
    std::thread::spawn(move || {
        for _ in listener.incoming() {
            counting.fetch_add(1, atomic::Ordering::SeqCst);
        }
    });
    // The count can rise.
    std::net::TcpStream::connect(&address).expect("it listens");
    while count.load(atomic::Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    count.store(0, atomic::Ordering::SeqCst);
    (address, count)
}

async fn worklist_row(window: &Window, number: usize) {
    let script = format!(
        "const r = document.querySelectorAll('[data-testid=\"worklist-row\"]')[{number}]; if (r) r.click(); return !!r"
    );
    window.until("a row of the worklist", 20, &script).await;
    pause(500).await;
}

/// Opens a study as the worklist does; its name is no name that could be looked for.
async fn open(window: &Window, study: &str) {
    let script = format!(
        "const b = document.querySelector('[data-study-uid={study:?}] [data-testid=\"open-study\"]'); if (b) b.click(); return !!b"
    );
    window.until("a study in the worklist", 20, &script).await;
    image_shown(window).await;
    pause(600).await;
}

/// The list of marks, and every tab of the report.
async fn beside_the_image(window: &Window, seen: &mut Seen, number: usize) {
    window.click("mark.list").await;
    window.see("mark-row", 20).await;
    seen.look(window, "measurements").await;
    window.click("mark.list").await;
    window.click("tab-timeline").await;
    window.see("timeline-study", 20).await;
    seen.look(window, "timeline").await;
    // It lists the same patients each time.
    if number == 0 {
        window.click("move-study").await;
        window.see("move-dialog", 20).await;
        window.fill("move-search", "x").await;
        window.see("move-to", 20).await;
        seen.look(window, "to another patient").await;
        dismissed(window).await;
    }
    window.click("tab-similar").await;
    window.see("similar-pane", 20).await;
    pause(1200).await;
    seen.look(window, "similar").await;
    if number == 0 {
        asked::identity(window, seen).await;
    }
    window.click("tab-report").await;
    pause(400).await;
    seen.look(window, "report").await;
}

/// Every dialog of the room that shows words of others: what there is of them depends on how far the report is.
async fn dialogs(window: &Window, seen: &mut Seen, number: usize) {
    match number.cmp(&SIGNED) {
        Ordering::Less => {
            dialog(window, seen, "compare", "compare-open", there("compare-count")).await;
            dialog(window, seen, "signed document", "show-signed", drawn("signed-pdf")).await;
        }
        Ordering::Equal => {
            dialog(window, seen, "critical", "critical-open", there("critical-dialog")).await;
            dialog(window, seen, "preview as a PDF", "preview-pdf", drawn("preview-pages")).await;
            dialog(window, seen, "sign", "sign-open", there("sign-dialog")).await;
        }
        Ordering::Greater => {
            dialog(window, seen, "critical", "critical-open", there("critical-dialog")).await;
            // The sentence at hand is asked about.
            window.chord(ALT, DOWN).await;
            pause(300).await;
            window.chord_of(&[CONTROL, SHIFT], 'F').await;
            let read = "return !!document.querySelector('[data-testid=\"origin-dialog\"] pre')";
            window.until("where the sentence comes from", 20, read).await;
            seen.look(window, "origin").await;
            dismissed(window).await;
            asked::macros(window, seen).await;
        }
    }
}

async fn dialog(window: &Window, seen: &mut Seen, name: &str, button: &str, ready: String) {
    window.click(button).await;
    window.until(name, 60, &ready).await;
    pause(400).await;
    seen.look(window, name).await;
    dismissed(window).await;
}

fn there(id: &str) -> String {
    format!("return !!document.querySelector('[data-testid=\"{id}\"]')")
}

fn drawn(pages: &str) -> String {
    format!("return Number(document.querySelector('[data-testid=\"{pages}\"]')?.dataset.pages) > 0")
}

async fn dismissed(window: &Window) {
    window.press(ESCAPE).await;
    window.until("the dialog to be gone", 20, "return !document.querySelector('dialog[open]')").await;
    pause(200).await;
}

/// The refusal of a folder that is no model, which names the file that is at fault.
async fn refused_model(window: &Window, scene: &Scene, seen: &mut Seen) {
    let folder = planted::refused_model(scene);
    window.click("go-models").await;
    window.click("pack-choose").await;
    window.type_into_dialog("Choose the folder of a model", &folder.display().to_string());
    window.says("pack-refusal", "__x(902)", 60).await;
    seen.look(window, "an error with a hostile detail").await;
    assert!(seen.payloads.contains(&902), "the banner shows what is wrong");
}

/// The window of images for a second screen.
async fn second_screen(window: &Window, study: &str, seen: &mut Seen) {
    window.click("go-worklist").await;
    window.see("worklist-row", 30).await;
    open(window, study).await;
    let first = window.client().window().await.expect("the first window");
    window.press(F10).await;
    let second = window.other(&first).await;
    window.client().switch_to_window(second).await.expect("the second window");
    window.see("second-window", 60).await;
    image_shown(window).await;
    hook(window).await;
    pause(400).await;
    seen.look(window, "second screen").await;
    window.client().switch_to_window(first).await.expect("the first window");
}
