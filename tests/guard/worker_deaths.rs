//! The app while its children die: the real `hilumctl` and `hilum-decode` are aborted, faulted, stopped and run
//! out of memory, and children that babble, trickle and never end are put in their place.
//!
//! Through each of it the window's questions are answered within half a second, what a person typed stays as it
//! is, a new child is there within three seconds, a cancel takes two at most, and nothing is left behind.
//!
//! In the full form each fault happens 100 times to the encoder, the decoder and the drafter, each blow to a real drafter
//! 20 times, and [`mute`] 20 times. `HILUM_FAULTS` names the parts to run (all where it is not set): [`PARTS`]. Most of
//! the time of `hang`, `loris` and `mute` is waiting, so that runs of some of their rounds (`HILUM_GUARD_CASES`) go side
//! by side.

#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
#[allow(dead_code)]
mod checkout;
mod common;
mod person;
mod pulse;
mod stage;

use common::amount;
use hilum_app::commands::{models, reading, reports, session, similar, studies};
use hilum_app::dto::{
    AppEvent, DraftMode, DraftOptions, EditCommand, EngineState, ReportView, SectionName, SentenceState, WorklistFilter,
};
use hilum_app::App;
use person::{Desk, PASSPHRASE, again, import, make_user, radiograph, study_of};
use pulse::Pulse;
use stage::Stage;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// From a death to the start of the next child.
const RESTART: Duration = Duration::from_secs(3);
const CANCEL: Duration = Duration::from_secs(2);
/// Until work that stands still is noticed: `WorkerLimits::stall`.
const STALL: Duration = Duration::from_secs(120);

/// How many rooms share a data folder: a worklist of a thousand studies would be another test.
const TOGETHER: usize = 10;

/// A fault of each child, and what the window is told of it. An encoder has no answer that could be endless; one that
/// never comes is [`mute`].
struct Fault {
    drafter: (&'static str, &'static str),
    encoder: Option<(&'static str, &'static str)>,
    decoder: (&'static str, &'static str),
}

const FAULTS: [Fault; 7] = [
    Fault { drafter: ("abort", "worker.died"), encoder: Some(("abort", "worker.died")), decoder: ("abort", "decode.killed") },
    Fault { drafter: ("segfault", "worker.died"), encoder: Some(("segfault", "worker.died")), decoder: ("segfault", "decode.killed") },
    Fault { drafter: ("exhaust", "worker.died"), encoder: Some(("exhaust", "worker.died")), decoder: ("exhaust", "decode.killed") },
    Fault { drafter: ("garbage", "worker.garbled"), encoder: Some(("garbage", "worker.garbled")), decoder: ("garbage", "decode.garbled") },
    Fault { drafter: ("endless", "worker.garbled"), encoder: None, decoder: ("headers", "decode.garbled") },
    Fault { drafter: ("hang", "worker.hung"), encoder: Some(("hang", "worker.hung")), decoder: ("hang", "decode.timeout") },
    Fault { drafter: ("loris", "worker.hung"), encoder: Some(("loris", "worker.hung")), decoder: ("loris", "decode.timeout") },
];

/// What `HILUM_FAULTS` chooses from: the faults by what happens to the drafter, and what follows them.
const PARTS: [&str; 10] =
    ["abort", "segfault", "exhaust", "garbage", "endless", "hang", "loris", "mute", "blows", "crash_loop"];

/// What is done to a real worker while it works.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Blow {
    Signal(i32),
    /// No more memory than it has.
    Memory,
}

/// Imports a file without the app, which would have the encoder look at it in the background.
async fn import_beside(stage: &Stage, data: &Path, file: &Path) {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let mut import = Command::new(&stage.hilumctl);
        import.args(["--json", "--data"]).arg(data).arg("import").arg(file).env("HILUM_PASSPHRASE", PASSPHRASE);
        let done = import.output().expect("hilumctl runs");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        if done.status.success() {
            return;
        }
        // The app before may not have let go of the folder yet.
        assert!(said.contains("data.in_use") && Instant::now() < until, "import: {said}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Rooms, one after the other.
struct Rooms {
    root: PathBuf,
    entered: usize,
}

impl Rooms {
    async fn next(&mut self, stage: &Stage) -> Room {
        let root = self.root.join(format!("data-{}", self.entered / TOGETHER));
        if self.entered % TOGETHER == 0 {
            std::fs::create_dir(&root).expect("a folder");
            make_user(&root.join("data")).await;
        }
        self.entered += 1;
        Room::enter(stage, root, self.entered).await
    }
}

/// The app at its desk, with a report in which something is typed.
struct Room {
    app: Arc<App>,
    desk: Arc<Desk>,
    root: PathBuf,
    number: usize,
    report: String,
    study: String,
    pulse: Pulse,
    typed: Vec<(String, String)>,
}

impl Room {
    /// A fresh app on the data folder, so that what died in the one before does not count, with a study that no
    /// encoder has seen.
    async fn enter(stage: &Stage, root: PathBuf, number: usize) -> Self {
        let file = root.join(format!("{number}.dcm"));
        std::fs::write(&file, radiograph(&number.to_string()).write()).expect("a file");
        import_beside(stage, &root.join("data"), &file).await;
        let (app, desk) = again(&root).await;
        let study = study_of(&number.to_string());
        let mut view = reports::report_view(&app, study.clone()).await.expect("a report");
        let text = format!("Typed before the blow, number {number}.");
        let typed = EditCommand::Insert {
            section: SectionName::Findings, after: None, id: format!("typed-{number}"), text, region: None, from: None,
        };
        view = reports::report_edit(&app, view.id.clone(), view.revision, vec![typed]).await.expect("an edit");
        let asked = app.clone();
        let shown = study.clone();
        let pulse = Pulse::begin(move || {
            let (app, study) = (asked.clone(), shown.clone());
            async move {
                session::app_status(&app).await.expect("a status");
                reading::worklist(&app, String::new(), WorklistFilter::default()).await.expect("rows");
                reports::report_view(&app, study).await.expect("a report");
            }
        });
        Self { typed: typed_in(&view), report: view.id, app, desk, root, number, study, pulse }
    }

    async fn begin_draft(&self) {
        self.desk.forget_events();
        let options = DraftOptions { indication_confirmed: false, notes: String::new(), mode: DraftMode::Structured, use_prior: false };
        reports::draft_start(&self.app, self.report.clone(), options).await.expect("a draft begins");
    }

    /// How a draft ended: "done", "cancelled", or the code that it failed with.
    async fn draft_ended(&self) -> String {
        self.draft_ended_within(120).await
    }

    async fn draft_ended_within(&self, seconds: u64) -> String {
        self.desk
            .wait("end of the draft", seconds, |e| match e {
                AppEvent::DraftDone { .. } => Some("done".to_owned()),
                AppEvent::DraftCancelled { .. } => Some("cancelled".to_owned()),
                AppEvent::DraftFailed { code, .. } => Some(code.clone()),
                _ => None,
            })
            .await
    }

    /// When the next child of a role begins to load; checks that it is soon.
    async fn starts_again(&self, what: &str, role: &str, since: Instant) -> Duration {
        let loading = |e: &AppEvent| match e {
            AppEvent::Engine { engine } => {
                (engine.role == role && matches!(engine.state, EngineState::Loading | EngineState::Ready)).then_some(())
            }
            _ => None,
        };
        // The events of the draft may have taken it along: then the state says it.
        let until = since + RESTART;
        loop {
            let said = self.desk.events.lock().expect("events").iter().find_map(loading).is_some();
            let engines = models::engines(&self.app).await.expect("engines");
            let now = engines.iter().find(|e| e.role == role).expect("an engine").state;
            if said || matches!(now, EngineState::Loading | EngineState::Ready) {
                return since.elapsed();
            }
            assert!(Instant::now() < until, "{what}: {role} is {now:?} {RESTART:?} after its death");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What a person typed is as it was, in this app and in what is on the disk; nothing is left running.
    async fn leave(self, what: &str) -> Duration {
        let view = reports::report_view(&self.app, self.study.clone()).await.expect("a report");
        assert_eq!(typed_in(&view), self.typed, "{what}: what was typed");
        let (late, _) = self.pulse.end().await;
        self.app.close().await;
        drop(self.app);
        drop(self.desk);
        none_left(what).await;
        let (app, _desk) = again(&self.root).await;
        let view = reports::report_view(&app, self.study).await.expect("a report");
        assert_eq!(typed_in(&view), self.typed, "{what}: what was typed, read from the disk");
        app.close().await;
        late
    }
}

/// The sentences of a person.
fn typed_in(view: &ReportView) -> Vec<(String, String)> {
    let sentences = view.sections.iter().flat_map(|section| &section.sentences);
    sentences.filter(|s| s.state == SentenceState::Person).map(|s| (s.id.clone(), s.text.clone())).collect()
}

/// Processes that this one has started, and that are not gone yet, with their command lines.
fn children() -> Vec<(i32, String)> {
    let me = std::process::id().to_string();
    let ids = std::fs::read_dir("/proc").expect("/proc").flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mine = |id: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)).is_some_and(|parent| parent == me)
    };
    let line = |id: i32| (id, std::fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default().replace('\0', " "));
    ids.filter(mine).map(line).collect()
}

/// The worker of a role, once it is there.
async fn worker(role: &str) -> Option<i32> {
    for _ in 0..400 {
        let found = children().into_iter().find(|(_, line)| line.contains(&format!("worker {role}")) && !line.starts_with("/bin/sh"));
        if let Some((id, _)) = found {
            return Some(id);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    None
}

async fn none_left(what: &str) {
    for _ in 0..250 {
        if children().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}: left behind: {:?}", children());
}

fn strike(id: i32, blow: Blow) {
    match blow {
        // SAFETY: a plain system call on a child of this process.
        Blow::Signal(signal) => unsafe {
            libc::kill(id, signal);
        },
        Blow::Memory => {
            // Below what it has: it keeps that and gets nothing more.
            let limit = libc::rlimit { rlim_cur: 1 << 20, rlim_max: 1 << 20 };
            // SAFETY: a child of this process, and a live structure.
            unsafe { libc::prlimit(id, libc::RLIMIT_AS, &limit, std::ptr::null_mut()) };
        }
    }
}

/// A real drafter is struck while it drafts.
async fn real_drafter(room: &Room, what: &str, blow: Blow) {
    // Drafts of the demonstration pack are short: it may take some until one is met on its way.
    let mut ended = String::from("done");
    for attempt in 0..30 {
        room.begin_draft().await;
        let progress = |e: &AppEvent| matches!(e, AppEvent::DraftProgress { .. } | AppEvent::DraftText { .. }).then_some(());
        room.desk.wait("progress of the draft", 120, progress).await;
        tokio::time::sleep(Duration::from_millis(attempt % 7 * 15)).await;
        let Some(id) = worker("draft").await else { continue };
        strike(id, blow);
        let at = Instant::now();
        ended = room.draft_ended().await;
        if ended != "done" {
            let restart = room.starts_again(what, "draft", Instant::now()).await;
            println!("{what}: {ended} after {:.1} s, the next one started {:.2} s later", at.elapsed().as_secs_f64(), restart.as_secs_f64());
            break;
        }
        // It was done before the blow fell, which then fell on an idle worker.
        room.starts_again(what, "draft", Instant::now()).await;
    }
    let fits = ["worker.died", "worker.hung"].contains(&ended.as_str()) || (blow == Blow::Memory && ended.starts_with("drafting."));
    assert!(fits, "{what}: {ended}");
    room.begin_draft().await;
    // Short of memory it may still be, where it refused and did not die.
    let next = room.draft_ended().await;
    if ended.starts_with("worker.") {
        assert_eq!(next, "done", "{what}: the next draft");
    }
}

/// A faulty drafter stands in the place of the real one; `cancelled` is whether a person loses patience.
async fn faulty_drafter(stage: &Stage, room: &Room, how: &str, code: &str, cancelled: bool) {
    let what = format!("drafter, {how}, cancelled: {cancelled}");
    stage.next("worker-draft", how);
    room.begin_draft().await;
    if cancelled {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let at = Instant::now();
        reports::draft_cancel(&room.app, room.report.clone()).await.expect("cancelled");
        let ended = room.draft_ended().await;
        assert!(at.elapsed() < CANCEL, "{what}: {:?}", at.elapsed());
        println!("{what}: {ended} after {:.2} s", at.elapsed().as_secs_f64());
        assert!(ended == "cancelled" || ended == code, "{what}: {ended}");
    } else {
        let ended = room.draft_ended().await;
        assert_eq!(ended, code, "{what}");
        let restart = room.starts_again(&what, "draft", Instant::now()).await;
        println!("{what}: {ended}, the next one started {:.2} s later", restart.as_secs_f64());
    }
    assert!(stage.was_played("worker-draft"), "{what}: the faulty one was started");
    room.begin_draft().await;
    assert_eq!(room.draft_ended().await, "done", "{what}: the next draft");
}

/// How scoring the room's study ended: "done", or the code that it failed with.
async fn scored(room: &Room) -> String {
    room.desk
        .wait("support", 120, |e| match e {
            AppEvent::SupportReady { study_uid, .. } if *study_uid == room.study => Some("done".to_owned()),
            AppEvent::SupportFailed { study_uid, code, .. } if *study_uid == room.study => Some(code.clone()),
            _ => None,
        })
        .await
}

/// A faulty encoder stands in the place of the real one when the room's study is opened, which nothing has scored and
/// nothing scores in the background: what it makes of the fault is what the window is told.
async fn faulty_encoder(stage: &Stage, room: &Room, how: &str, code: &str) {
    let what = format!("encoder, {how}");
    stage.next("worker-encode", how);
    room.desk.forget_events();
    studies::open_study(&room.app, room.study.clone()).await.expect("opened");
    assert_eq!(scored(room).await, code, "{what}");
    assert!(stage.was_played("worker-encode"), "{what}: the faulty one was started");
    let restart = room.starts_again(&what, "encode", Instant::now()).await;
    room.desk.forget_events();
    studies::open_study(&room.app, room.study.clone()).await.expect("opened again");
    assert_eq!(scored(room).await, "done", "{what}: the next time");
    println!("{what}: {code}, the next one started {:.2} s later", restart.as_secs_f64());
}

/// Drafter and encoder do their work once, and the next time never end, while their hearts beat on.
async fn mute(stage: &Stage, room: &Room) {
    let map = async |app: &Arc<App>| {
        let instance = format!("2.25.73.{}", room.number);
        similar::evidence_map(app, instance, "pleural_effusion".into()).await.map(|_| ()).map_err(|e| e.code)
    };
    stage.next("worker-draft", "mute");
    stage.next("worker-encode", "mute");
    assert_eq!(map(&room.app).await, Ok(()), "mute: the first map");
    room.begin_draft().await;
    let first = room.draft_ended().await;
    assert!(!first.starts_with("worker."), "mute: the first draft: {first}");
    assert!(stage.was_played("worker-draft") && stage.was_played("worker-encode"), "mute: the faulty ones were started");
    let begun = Instant::now();
    room.begin_draft().await;
    let (ended, mapped) = tokio::join!(room.draft_ended_within(STALL.as_secs() * 2), map(&room.app));
    assert_eq!((ended.as_str(), mapped), ("worker.hung", Err("worker.hung".to_owned())), "mute");
    let took = begun.elapsed();
    assert!(took < STALL + Duration::from_secs(30), "mute: ended after {took:?}");
    for role in ["draft", "encode"] {
        room.starts_again("mute", role, Instant::now()).await;
    }
    room.begin_draft().await;
    assert_eq!(room.draft_ended().await, "done", "mute: the next draft");
    assert_eq!(map(&room.app).await, Ok(()), "mute: the next map");
    println!("mute: drafter and encoder were ended after {:.0} s at most", took.as_secs_f64());
}

/// A faulty decoder reads one file of an import; the next ones are read by the real one.
async fn faulty_decoder(stage: &Stage, room: &Room, how: &str, code: &str) {
    let what = format!("decoder, {how}");
    let file = room.root.join(format!("{}-more.dcm", room.number));
    std::fs::write(&file, radiograph(&format!("{}.7", room.number)).write()).expect("a file");
    stage.next("decode", how);
    let (came, _) = import(&room.app, &room.desk, vec![file.clone()], 120).await;
    assert_eq!((came.len(), came[0].1.as_str(), came[0].2.as_str()), (1, "refused", code), "{what}: {came:?}");
    assert!(stage.was_played("decode"), "{what}: the faulty one was started");
    let (came, _) = import(&room.app, &room.desk, vec![file], 120).await;
    assert_eq!(came[0].1, "imported", "{what}, the next time: {came:?}");
    println!("{what}: {code}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_and_the_text_outlive_every_child() {
    checkout::use_demo_packs();
    let root = tempfile::tempdir().expect("a folder");
    let Some(stage) = Stage::new(root.path()) else { return };
    let mut rooms = Rooms { root: root.path().to_owned(), entered: 0 };
    let (mut late, begun) = (Duration::ZERO, Instant::now());
    let chosen = std::env::var("HILUM_FAULTS").ok();
    let chosen: Option<Vec<&str>> = chosen.as_deref().map(|parts| parts.split(',').collect());
    let unknown = chosen.iter().flatten().find(|part| !PARTS.contains(part));
    assert_eq!(unknown, None, "HILUM_FAULTS chooses from {PARTS:?}");
    let wanted = |part: &str| chosen.as_ref().is_none_or(|parts| parts.contains(&part));
    for fault in FAULTS.iter().filter(|fault| wanted(fault.drafter.0)) {
        let rounds = amount(1, 100);
        for round in 0..rounds {
            let what = format!("{}, round {round}", fault.drafter.0);
            let room = rooms.next(&stage).await;
            // The encoder first: what comes later has the study scored, and images embedded in the background.
            if let Some((how, code)) = fault.encoder {
                faulty_encoder(&stage, &room, how, code).await;
            }
            let (how, code) = fault.decoder;
            faulty_decoder(&stage, &room, how, code).await;
            let (how, code) = fault.drafter;
            faulty_drafter(&stage, &room, how, code, false).await;
            late = late.max(room.leave(&what).await);
        }
        println!("{}: {rounds} times of each child, after {:.0} s", fault.drafter.0, begun.elapsed().as_secs_f64());
    }
    // It takes two minutes to be noticed; unless it is chosen, the small form leaves it to crates/workers/tests/model_worker.rs.
    let rounds = amount(usize::from(chosen.is_some()), 20);
    for round in 0..if wanted("mute") { rounds } else { 0 } {
        let room = rooms.next(&stage).await;
        mute(&stage, &room).await;
        late = late.max(room.leave(&format!("mute, round {round}")).await);
    }
    for round in 0..if wanted("blows") { amount(1, 20) } else { 0 } {
        let blows = [libc::SIGABRT, libc::SIGSEGV, libc::SIGKILL, libc::SIGSTOP].map(Blow::Signal);
        for blow in blows.into_iter().chain([Blow::Memory]) {
            let what = format!("drafter, {blow:?}, round {round}");
            let room = rooms.next(&stage).await;
            real_drafter(&room, &what, blow).await;
            late = late.max(room.leave(&what).await);
        }
        for (how, code) in [("hang", "worker.hung"), ("loris", "worker.hung"), ("deaf", "worker.hung")] {
            let room = rooms.next(&stage).await;
            faulty_drafter(&stage, &room, how, code, true).await;
            late = late.max(room.leave(&format!("drafter, {how}, cancelled, round {round}")).await);
        }
    }
    if wanted("crash_loop") {
        crash_loop(rooms.next(&stage).await).await;
    }
    assert!(rooms.entered > 0, "no part is called {chosen:?}");
    println!("{} rooms in {:.0} s; the window was late by {late:?} at most", rooms.entered, begun.elapsed().as_secs_f64());
}

/// The drafter dies three times in a row: it stays down, the window is told, and a person's next draft starts it.
async fn crash_loop(room: Room) {
    room.begin_draft().await;
    assert_eq!(room.draft_ended().await, "done");
    let mut last = 0;
    for death in 0..3 {
        let id = loop {
            let id = worker("draft").await.unwrap_or_else(|| panic!("a drafter before death {death}"));
            if id != last {
                break id;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        strike(id, Blow::Signal(libc::SIGKILL));
        last = id;
    }
    let said = |e: &AppEvent| match e {
        AppEvent::Engine { engine } if engine.role == "draft" && engine.state == EngineState::Failed => engine.code.clone(),
        _ => None,
    };
    assert_eq!(room.desk.wait("word of the crash loop", 20, said).await, "worker.crash_loop");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!children().iter().any(|(_, line)| line.contains("worker draft")), "it stays down: {:?}", children());
    room.begin_draft().await;
    assert_eq!(room.draft_ended().await, "done", "a person's next draft starts it");
    room.leave("crash loop").await;
}
