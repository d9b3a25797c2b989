//! The real window while its models and its decoder die: the page goes on answering, what is typed meanwhile stays, and
//! the next draft comes.
//!
//! A chain of timers in the page says how late its event loop is, and questions to the app how long those wait, each set
//! beside how late the machine itself was at that moment (`pulse.rs`). A drafter is stopped before it is asked for a
//! draft, so that each death falls into one, whatever this machine computes in between. Then faulty programs come in the
//! place of those that died (`stage.rs`): drafters that run out of memory, babble and never end, encoders that do the first
//! two; and a decoder, which lives for one image, is a faulty one when a draft asks for the image.
//! `worker_deaths.rs` does the same to the handlers a hundred times over.
//!
//! Each round is an app of its own: an encoder that died three times within a minute stays down until the app is opened
//! again, and at the end of a round it is, and what was typed is read from the disk.

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
mod stage;

use browser::Window;
use guard::amount;
use hilum_app::dto::Settings;
use hilum_testkit::dicom::EXPLICIT_LE;
use pulse::{Beat, EVERY, Felt, Machine, NOTED, judged};
use scene::{DRAFT, Scene, draft, open_study, radiograph, saved, section};
use serde_json::Value;
use stage::Stage;
use std::path::Path;
use std::time::{Duration, Instant};

/// A draft is over, good or bad, and one has failed, and with which code; as expressions of the page.
const OVER: &str = "!document.querySelector('[data-testid=\"draft-cancel\"]')";
const FAILED: &str = "!!document.querySelector('[data-testid=\"draft-retry\"]')";
const CODE: &str = "document.querySelector('[data-testid=\"draft-bar\"] [data-code]')?.dataset.code";
/// What ends a worker: the system, itself, and a fault.
const BLOWS: [i32; 3] = [libc::SIGKILL, libc::SIGABRT, libc::SIGSEGV];

/// How a faulty program misbehaves, and the code that the window is told.
type Fault = (&'static str, &'static str);

/// How a drafter dies in the midst of a draft, by a blow or because it stands still until the app has noticed; and how the one
/// in its place does in the next draft. The window is told another code of the second death, by which the two are told apart.
const DRAFTERS: [(Option<i32>, Option<Fault>); 4] = [
    (Some(BLOWS[0]), Some(("garbage", "worker.garbled"))),
    (Some(BLOWS[1]), Some(("endless", "worker.garbled"))),
    (Some(BLOWS[2]), None),
    (None, Some(("exhaust", "worker.died"))),
];
/// How the encoders die that come in the place of one that was struck, each of an image that arrived.
const ENCODERS: [&str; 2] = ["exhaust", "garbage"];
/// How a decoder dies of the image that is to be drafted of. The one that is shown is kept by the page, and is not decoded again.
const DECODERS: [Fault; 3] = [("abort", "decode.killed"), ("garbage", "decode.garbled"), ("exhaust", "decode.killed")];

/// The study that is read.
const STUDY: &str = "OUTLIVES";
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

/// Asks for a draft once more after one that failed, and has it.
async fn drafted_again(window: &Window) {
    window.click("draft-retry").await;
    window.until("the next draft", DRAFT, &format!("return {OVER} && !{FAILED}")).await;
}

/// Waits until the window says that a draft failed, and why.
async fn failed(window: &Window, code: &str) {
    window.until(&format!("{code} to be said of a draft"), 60, &format!("return {CODE} === '{code}'")).await;
}

/// A drafter dies of a blow in the midst of a draft, or stands still until the app has noticed; where the one in its place is
/// a faulty one, that dies of the next draft. How many died.
async fn drafters_die(window: &Window, stage: &Stage, (blow, fault): (Option<i32>, Option<Fault>), typed: &mut Vec<String>) -> usize {
    let id = drafting(window, blow).await;
    let still = Instant::now();
    if let Some((how, _)) = fault {
        // Whether the app starts it by itself or, after three deaths within a minute, for the next draft.
        stage.next("worker-draft", how);
    }
    type_on(window, typed).await;
    if let Some(blow) = blow {
        strike(id, blow, still.elapsed());
    }
    window.until("the failure to be said", 60, &format!("return {FAILED}")).await;
    type_on(window, typed).await;
    if let Some((how, code)) = fault {
        window.click("draft-retry").await;
        failed(window, code).await;
        assert!(stage.was_played("worker-draft"), "the drafter of {how} was started");
        type_on(window, typed).await;
    }
    drafted_again(window).await;
    1 + usize::from(fault.is_some())
}

/// The encoder dies of a blow while a draft is under way, which needs none; faulty ones are to come in its place, the first
/// at once.
async fn encoder_dies(window: &Window, stage: &Stage, blow: i32, typed: &mut Vec<String>) {
    let id = worker(window, "encode", 0).await;
    readied(id, blow).await;
    stage.next_ones("worker-encode", &ENCODERS);
    let drafter = drafting(window, None).await;
    strike(id, blow, Duration::ZERO);
    type_on(window, typed).await;
    signal(drafter, libc::SIGCONT);
    window.until("the draft to end well", DRAFT, &format!("return {OVER} && !{FAILED}")).await;
    comes("the first faulty encoder", || stage.left("worker-encode") < ENCODERS.len()).await;
}

/// The faulty encoders have died as well, of images that arrived. With the blow those are three deaths, after which none
/// comes; where this machine took longer than a minute for them, a real one does.
async fn encoders_died(window: &Window, stage: &Stage) {
    comes("the last faulty encoder", || stage.was_played("worker-encode")).await;
    let down = "return document.querySelector('[data-testid=\"engine-encode\"]')?.dataset.state === 'failed'";
    let until = Instant::now() + Duration::from_secs(60);
    while window.find_process("hilumctl", "worker encode").is_none() {
        if window.client().execute(down, vec![]).await.is_ok_and(|down| down == Value::Bool(true)) {
            return;
        }
        assert!(Instant::now() < until, "the last faulty encoder does not die");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A decoder dies of the image of a draft. The drafter, which never got it, goes on.
async fn decoder_of_a_draft_dies(window: &Window, stage: &Stage, (how, code): Fault, typed: &mut Vec<String>) {
    let drafter = worker(window, "draft", 0).await;
    stage.next("decode", how);
    window.click("draft-start").await;
    failed(window, code).await;
    assert!(stage.was_played("decode"), "the decoder of {how} was started");
    type_on(window, typed).await;
    drafted_again(window).await;
    assert_eq!(worker(window, "draft", 0).await, drafter, "the drafter is the one that was there");
}

/// Waits for what shows outside of the page.
async fn comes(what: &str, there: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(120);
    while !there() {
        assert!(Instant::now() < until, "{what} does not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Has the app import what appears in a folder, which a person would choose in the desktop's dialog.
async fn watched(scene: &Scene, folder: &Path) {
    let store = scene.store().await;
    let settings = Settings { watched_folder: folder.display().to_string(), ..Settings::standard() };
    store.set_setting("window", &settings).await.expect("kept");
    store.close().await.expect("to close");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_and_what_is_typed_outlive_the_models() {
    let root = tempfile::tempdir().expect("a folder");
    let Some(stage) = Stage::new(root.path()) else { return };
    for round in 0..amount(1, 20) {
        let Some(scene) = Scene::with_user().await else { return };
        outlived(&stage, &scene, round).await;
    }
}

/// An app in which each of them dies.
async fn outlived(stage: &Stage, scene: &Scene, round: usize) {
    let arrivals = scene.folder("arrivals", &[]);
    watched(scene, &arrivals).await;
    let window = scene.reading(radiograph(STUDY, "20240105").write_as(EXPLICIT_LE)).await;
    // Both are there before anything is measured: the study was scored, and drafted once.
    worker(&window, "encode", 0).await;
    draft(&window).await;
    let mut typed = Vec::new();
    type_on(&window, &mut typed).await;
    saved(&window).await;
    let machine = Machine::begin();
    window.text(&begin_script()).await;
    // Before anything arrives, which would be decoded as well, by the faulty ones.
    for fault in DECODERS {
        decoder_of_a_draft_dies(&window, stage, fault, &mut typed).await;
    }
    encoder_dies(&window, stage, BLOWS[round % BLOWS.len()], &mut typed).await;
    // An image for each faulty encoder. The app looks at the folder every eight seconds, and embeds what came between drafts.
    for n in 0..ENCODERS.len() {
        let file = radiograph(&format!("ARRIVED{n}"), "20240106").write_as(EXPLICIT_LE);
        std::fs::write(arrivals.join(format!("{n}.dcm")), file).expect("a file");
    }
    let mut drafters = 0;
    // Three within a minute are a crash loop, from which a drafter starts when a person asks for a draft.
    for deaths in DRAFTERS {
        drafters += drafters_die(&window, stage, deaths, &mut typed).await;
    }
    encoders_died(&window, stage).await;
    type_on(&window, &mut typed).await;
    saved(&window).await;
    let said = window.text("window.pulse.on = false; return JSON.stringify(window.pulse)").await;
    let machine = machine.end();
    let said: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: the page that was begun in is gone: {said:?}"));
    let shown = window.text("return document.visibilityState").await;
    let (page, app) = (felt(&said["page"]), felt(&said["app"]));
    println!(
        "round {round}: {drafters} drafters, {} encoders and {} decoders died in {:.0} s: {} beats of the page, late by {:?} at most, {} answers of the app, after {:?} at most, the machine by {:?}",
        1 + ENCODERS.len(), DECODERS.len(), page.watched.as_secs_f64(), page.beats, page.worst, app.beats, app.worst, machine.worst
    );
    judged(&format!("the page ({shown})"), &page, &machine).unwrap_or_else(|wrong| panic!("{wrong}"));
    judged("the app", &app, &machine).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert_eq!(said["wrong"].as_f64(), Some(0.0), "questions that the app refused");

    let on_screen = section(&window, "comparison").await;
    let missing: Vec<&String> = typed.iter().filter(|words| !on_screen.contains(words.as_str())).collect();
    assert!(missing.is_empty(), "not on the screen: {missing:?}; it shows {on_screen:?}");
    window.close().await;
    // The same from the disk, in the app that is opened again, where what arrived is and an encoder is for it.
    let window = scene.open(None).await;
    let rows = format!("return document.querySelectorAll('[data-testid=\"worklist-row\"]').length === {}", 1 + ENCODERS.len());
    window.until("the study, and those that arrived", 30, &rows).await;
    open_study(&window, STUDY).await;
    for words in &typed {
        window.says("section-comparison", words, 20).await;
    }
    worker(&window, "encode", 0).await;
    window.close().await;
}
