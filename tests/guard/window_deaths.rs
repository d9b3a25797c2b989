//! The real window while its models die: the page goes on answering, what is typed meanwhile stays, and the next draft
//! comes.
//!
//! A chain of timers in the page says how late its event loop is, and questions to the app how long those wait, each set
//! beside how late the machine itself was at that moment (`pulse.rs`). A drafter is stopped before it is asked for a
//! draft, so that each death falls into one, whatever this machine computes in between. `worker_deaths.rs` does the same
//! to the handlers a hundred times over, and to the decoder, which lives for one file and is not met here.

#![cfg(target_os = "linux")]

#[allow(dead_code)]
#[path = "../common/browser.rs"]
mod browser;
#[allow(dead_code)]
#[path = "../common/mod.rs"]
mod common;
#[path = "common.rs"]
mod guard;
mod pulse;
#[allow(dead_code)]
#[path = "../window/scene.rs"]
mod scene;

use browser::Window;
use guard::amount;
use hilum_testkit::dicom::EXPLICIT_LE;
use pulse::{Beat, EVERY, Felt, Machine, NOTED, judged};
use scene::{DRAFT, Scene, draft, open_study, radiograph, saved, section};
use serde_json::Value;
use std::time::{Duration, Instant};

/// A draft is over, good or bad, and one has failed; as expressions of the page.
const OVER: &str = "!document.querySelector('[data-testid=\"draft-cancel\"]')";
const FAILED: &str = "!!document.querySelector('[data-testid=\"draft-retry\"]')";
/// What ends a worker: the system, itself, and a fault.
const BLOWS: [i32; 3] = [libc::SIGKILL, libc::SIGABRT, libc::SIGSEGV];
/// After so long the app may have ended a worker that stands still: ten seconds after its last sign of life.
const NOTICED: Duration = Duration::from_secs(8);

/// Begins two series of beats in the page: of its own timers, and of questions that the app answers.
fn begin_script() -> String {
    format!(
        r"
        const every = {every}, noted = {noted};
        const now = () => performance.timeOrigin + performance.now();
        const series = () => ({{ beats: 0, watched: 0, worst: 0, late: [] }});
        const note = (of, begun, late) => {{
            of.beats += 1;
            of.watched += every + late;
            of.worst = Math.max(of.worst, late);
            if (late >= noted) of.late.push([begun, late]);
        }};
        const pulse = {{ on: true, page: series(), app: series(), wrong: 0 }};
        const beat = () => {{
            const begun = now();
            setTimeout(() => {{
                note(pulse.page, begun, Math.max(0, now() - begun - every));
                if (pulse.on) beat();
            }}, every);
        }};
        const ask = () => {{
            const begun = now();
            window.__TAURI_INTERNALS__.invoke('app_status').then(
                () => note(pulse.app, begun, Math.max(0, now() - begun - every)),
                () => (pulse.wrong += 1),
            ).then(() => {{ if (pulse.on) setTimeout(ask, 5 * every); }});
        }};
        window.pulse = pulse;
        beat();
        ask();
        return true;
        ",
        every = EVERY.as_millis(),
        noted = NOTED.as_millis()
    )
}

/// One of the two series, as the page has it.
fn felt(of: &Value) -> Felt {
    let time = |of: &Value| Duration::from_secs_f64(of.as_f64().expect("milliseconds") / 1000.0);
    Felt {
        beats: of["beats"].as_f64().expect("a number") as usize,
        watched: time(&of["watched"]),
        late: of["late"].as_array().expect("beats").iter().map(|beat| Beat { begun: time(&beat[0]), late: time(&beat[1]) }).collect(),
        worst: time(&of["worst"]),
        ..Felt::default()
    }
}

/// The worker of a role, as soon as it runs; another one than `not`.
async fn worker(window: &Window, role: &str, not: i32) -> i32 {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        match window.find_process("hilumctl", &format!("worker {role}")) {
            Some(id) if id != not => return id,
            _ => {}
        }
        assert!(Instant::now() < until, "no worker that could {role} was started");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn signal(id: i32, signal: i32) {
    // SAFETY: a signal to a process that this test started.
    assert_eq!(unsafe { libc::kill(id, signal) }, 0, "the worker was running");
}

/// Ends a worker by a signal. One that stands still takes it when it goes on; one that has stood still for so long that
/// the app has ended it is gone already, which is a death as well.
fn strike(id: i32, blow: i32, stood: Duration) {
    // SAFETY: a signal to a process that this test started.
    if unsafe { libc::kill(id, blow) } != 0 {
        assert!(stood >= NOTICED, "the worker was running, and had stood still for {stood:?}");
        return;
    }
    if blow != libc::SIGKILL {
        signal(id, libc::SIGCONT);
    }
}

/// Readies a worker for a blow. Rust's runtime takes the first fault that is only sent for one of its own and goes on, and
/// leaves the next to the system: the first one falls while the worker has nothing to do.
async fn readied(id: i32, blow: i32) {
    let caught = || {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("the worker's status");
        let signals = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("the signals that it handles");
        u64::from_str_radix(signals.trim(), 16).expect("a mask") & (1 << (libc::SIGSEGV - 1)) != 0
    };
    if blow != libc::SIGSEGV || !caught() {
        return;
    }
    signal(id, libc::SIGSEGV);
    let until = Instant::now() + Duration::from_secs(20);
    while caught() {
        assert!(Instant::now() < until, "the worker goes on handling faults");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Types a sentence of its own, and remembers it.
async fn type_on(window: &Window, typed: &mut Vec<String>) {
    let words = format!("Typed while number {} went on.", typed.len());
    window.begin_sentence("comparison").await;
    window.keys(&words).await;
    typed.push(words);
}

/// Asks for a draft of a drafter that stands still, so that it is under way for as long as it has to be; gives its process,
/// readied for a blow where one is to come.
async fn drafting(window: &Window, blow: Option<i32>) -> i32 {
    let id = worker(window, "draft", 0).await;
    if let Some(blow) = blow {
        readied(id, blow).await;
    }
    signal(id, libc::SIGSTOP);
    window.click("draft-start").await;
    window.see("draft-cancel", 20).await;
    id
}

/// A drafter dies of a blow in the midst of a draft, or stands still until the app has noticed.
async fn drafter_dies(window: &Window, blow: Option<i32>, typed: &mut Vec<String>) {
    let id = drafting(window, blow).await;
    let still = Instant::now();
    type_on(window, typed).await;
    if let Some(blow) = blow {
        strike(id, blow, still.elapsed());
    }
    window.until("the failure to be said", 60, &format!("return {FAILED}")).await;
    type_on(window, typed).await;
    window.click("draft-retry").await;
    window.until("the next draft", DRAFT, &format!("return {OVER} && !{FAILED}")).await;
}

/// The encoder dies of a blow while a draft is under way, which needs none.
async fn encoder_dies(window: &Window, blow: i32, typed: &mut Vec<String>) {
    let id = worker(window, "encode", 0).await;
    readied(id, blow).await;
    let drafter = drafting(window, None).await;
    strike(id, blow, Duration::ZERO);
    type_on(window, typed).await;
    signal(drafter, libc::SIGCONT);
    window.until("the draft to end well", DRAFT, &format!("return {OVER} && !{FAILED}")).await;
    worker(window, "encode", id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_and_what_is_typed_outlive_the_models() {
    let Some(scene) = Scene::with_user().await else { return };
    let window = scene.reading(radiograph("OUTLIVES", "20240105").write_as(EXPLICIT_LE)).await;
    // Both are there before anything is measured: the study was scored, and drafted once.
    worker(&window, "encode", 0).await;
    draft(&window).await;
    let mut typed = Vec::new();
    type_on(&window, &mut typed).await;
    saved(&window).await;
    let machine = Machine::begin();
    window.text(&begin_script()).await;
    let mut deaths = 0;
    for round in 0..amount(1, 20) {
        // Three within a minute are a crash loop, from which a drafter starts when a person asks for a draft.
        for blow in BLOWS.map(Some).into_iter().chain([None]) {
            drafter_dies(&window, blow, &mut typed).await;
            deaths += 1;
        }
        // An encoder starts from one with Hilum alone.
        if round % 4 == 0 {
            encoder_dies(&window, BLOWS[round / 4 % BLOWS.len()], &mut typed).await;
            deaths += 1;
        }
    }
    saved(&window).await;
    let said = window.text("window.pulse.on = false; return JSON.stringify(window.pulse)").await;
    let machine = machine.end();
    let said: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: the page that was begun in is gone: {said:?}"));
    let shown = window.text("return document.visibilityState").await;
    let (page, app) = (felt(&said["page"]), felt(&said["app"]));
    println!(
        "{deaths} deaths in {:.0} s: {} beats of the page, late by {:?} at most, {} answers of the app, after {:?} at most, the machine by {:?}",
        page.watched.as_secs_f64(), page.beats, page.worst, app.beats, app.worst, machine.worst
    );
    judged(&format!("the page ({shown})"), &page, &machine).unwrap_or_else(|wrong| panic!("{wrong}"));
    judged("the app", &app, &machine).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert_eq!(said["wrong"].as_f64(), Some(0.0), "questions that the app refused");

    let on_screen = section(&window, "comparison").await;
    let missing: Vec<&String> = typed.iter().filter(|words| !on_screen.contains(words.as_str())).collect();
    assert!(missing.is_empty(), "not on the screen: {missing:?}; it shows {on_screen:?}");
    // The same from the disk.
    window.click("go-worklist").await;
    open_study(&window, "OUTLIVES").await;
    for words in &typed {
        window.says("section-comparison", words, 20).await;
    }
    window.close().await;
}
