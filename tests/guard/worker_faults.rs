//! Children that abort, fault, run out of memory, hang, babble, never end and trickle: each of the seven 100
//! times (full form) for the encoder, the drafter and the decoder.
//!
//! Everything runs on one thread, as a window's event loop does, and that thread has to go on answering. After
//! each fault the next request has to work within three seconds, a cancel has to be answered within two, and
//! nothing that was started may be left.

#![cfg(target_os = "linux")]

mod common;
mod memory;
mod pulse;

use common::{Random, amount};
use hilum_workers::messages::decode::DecodeWants;
use hilum_workers::messages::draft::DraftPrompt;
use hilum_workers::{
    Cancel, DecodeChild, DecodeInput, DraftJob, DraftWorker, EncodeWorker, WorkerError, WorkerLimits, WorkerState,
};
use memory::children;
use pulse::Pulse;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// From a fault to the next answer; the pack of the child loads in no time.
const RESTART: Duration = Duration::from_secs(3);
/// From a cancel to its answer.
const CANCEL: Duration = Duration::from_secs(2);

/// What each child does, and what the parent makes of it.
const DRAFT: [(&str, &str); 7] = [
    ("abort", "worker.died"), ("segfault", "worker.died"), ("exhaust", "worker.died"), ("hang", "worker.hung"),
    ("garbage", "worker.garbled"), ("endless", "worker.garbled"), ("loris", "worker.hung"),
];
const ENCODE: [(&str, &str); 7] = [
    ("abort", "worker.died"), ("segfault", "worker.died"), ("exhaust", "worker.died"), ("hang", "worker.hung"),
    ("garbage", "worker.garbled"), ("flood", "worker.timeout"), ("loris", "worker.hung"),
];
const DECODE: [(&str, &str); 7] = [
    ("abort", "decode.killed"), ("segfault", "decode.killed"), ("exhaust", "decode.killed"), ("hang", "decode.timeout"),
    ("garbage", "decode.garbled"), ("headers", "decode.garbled"), ("loris", "decode.timeout"),
];

/// Tests of this program count its children, so that one runs at a time.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_hilum-workers-fault-child"))
}

/// The real limits, but for waiting times that would make the test long, and without the one on crashes, which
/// is tried by itself.
fn limits() -> WorkerLimits {
    WorkerLimits {
        silence: Duration::from_millis(1200), frame: Duration::from_millis(600), load: Duration::from_secs(10),
        request: Duration::from_secs(3), crashes: usize::MAX, ..WorkerLimits::default()
    }
}

/// What was seen of one kind of fault.
#[derive(Default)]
struct Seen {
    faults: usize,
    cancelled: usize,
    slowest_restart: Duration,
    slowest_cancel: Duration,
}

impl Seen {
    fn restarted(&mut self, what: &str, took: Duration) {
        self.slowest_restart = self.slowest_restart.max(took);
        assert!(took < RESTART, "{what}: the next answer took {took:?}");
    }

    fn cancelled(&mut self, what: &str, took: Duration) {
        self.cancelled += 1;
        self.slowest_cancel = self.slowest_cancel.max(took);
        assert!(took < CANCEL, "{what}: the cancel took {took:?}");
    }
}

/// One faulty request, cancelled after a while where `cancelled_after` says so. Checks how it ended.
async fn faulty<T>(
    what: &str,
    code: &str,
    cancelled_after: Option<Duration>,
    seen: &mut Seen,
    cancel: &Cancel,
    request: impl Future<Output = Result<T, WorkerError>>,
) {
    let stop = async {
        match cancelled_after {
            Some(wait) => {
                tokio::time::sleep(wait).await;
                cancel.cancel();
                Some(Instant::now())
            }
            None => None,
        }
    };
    let asked = async {
        let answer = request.await;
        (answer, Instant::now())
    };
    let ((answer, answered), stopped) = tokio::join!(asked, stop);
    let found = answer.err().map_or_else(|| "an answer".to_owned(), |e| e.code().to_owned());
    seen.faults += 1;
    match stopped {
        // It may have failed before it was cancelled.
        Some(stopped) => {
            assert!(found == code || found == "worker.cancelled", "{what}: {found}");
            seen.cancelled(what, answered.saturating_duration_since(stopped));
        }
        None => assert_eq!(found, code, "{what}"),
    }
}

fn job(how: &str) -> DraftJob {
    let prompt = DraftPrompt::Raw { text: how.to_owned() };
    DraftJob { side: 2, images: vec![vec![1; 4]], prompt, max_tokens: 100, encoded: Vec::new() }
}

/// Every fourth fault is cancelled on its way.
fn cancelled_after(random: &mut Random, round: usize) -> Option<Duration> {
    (round % 4 == 3).then(|| Duration::from_millis(random.below(250) as u64))
}

async fn drafter(how: &str, code: &str, rounds: usize) -> Seen {
    let mut random = Random::new(how.len() as u64);
    let mut seen = Seen::default();
    let worker = DraftWorker::start(program(), limits());
    worker.load(Path::new("good"), None, &Cancel::new()).await.expect("loads");
    for round in 0..rounds {
        let what = format!("drafter, {how}, round {round}");
        let own = worker.draft(job("who"), None, &Cancel::new()).await.expect("its id").text;
        let stop = cancelled_after(&mut random, round);
        let cancel = Cancel::new();
        faulty(&what, code, stop, &mut seen, &cancel, worker.draft(job(how), None, &cancel)).await;
        let back = Instant::now();
        let next = worker.draft(job("clean"), None, &Cancel::new()).await.unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(next.text, "4 bytes", "{what}");
        seen.restarted(&what, back.elapsed());
        assert!(gone(own.parse().expect("an id")).await, "{what}: the child lives on");
    }
    seen
}

async fn encoder(how: &str, code: &str, rounds: usize) -> Seen {
    let mut random = Random::new(how.len() as u64);
    let mut seen = Seen::default();
    let worker = EncodeWorker::start(program(), limits());
    worker.load(Path::new("good"), &Cancel::new()).await.expect("loads");
    for round in 0..rounds {
        let what = format!("encoder, {how}, round {round}");
        let own = worker.texts(vec!["who".into()], &Cancel::new()).await.expect("its id")[0][0] as i32;
        let stop = cancelled_after(&mut random, round);
        let cancel = Cancel::new();
        faulty(&what, code, stop, &mut seen, &cancel, worker.texts(vec![how.into()], &cancel)).await;
        let back = Instant::now();
        let next = worker.image(2, vec![1, 2, 3, 6], &Cancel::new()).await.unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(next.embedding, [0.6, 0.8], "{what}");
        seen.restarted(&what, back.elapsed());
        assert!(gone(own).await, "{what}: the child lives on");
    }
    seen
}

async fn decoder(how: &str, code: &str, rounds: usize) -> Seen {
    let mut random = Random::new(how.len() as u64);
    let mut seen = Seen::default();
    let mut child = DecodeChild::new(program());
    child.wall_limit = Duration::from_millis(1500);
    let wants = DecodeWants { pixels: true, ..DecodeWants::default() };
    for round in 0..rounds {
        let what = format!("decoder, {how}, round {round}");
        let stop = cancelled_after(&mut random, round);
        let input = DecodeInput::Bytes(how.as_bytes().to_vec());
        let cancel = Cancel::new();
        faulty(&what, code, stop, &mut seen, &cancel, child.decode(input, &wants, &cancel)).await;
        let back = Instant::now();
        let next = child.decode(DecodeInput::Bytes(b"clean".to_vec()), &wants, &Cancel::new()).await;
        assert!(next.unwrap_or_else(|e| panic!("{what}: {e}")).pixels.is_some(), "{what}");
        seen.restarted(&what, back.elapsed());
    }
    seen
}

/// All faults of one child side by side.
async fn all<F: Future<Output = Seen> + Send + 'static>(
    child: &str,
    faults: [(&'static str, &'static str); 7],
    run: impl Fn(&'static str, &'static str, usize) -> F,
) {
    let rounds = amount(4, 100);
    let pulse = Pulse::begin(|| async {});
    let begun = Instant::now();
    let running: Vec<_> = faults.into_iter().map(|(how, code)| (how, tokio::spawn(run(how, code, rounds)))).collect();
    for (how, running) in running {
        let seen = running.await.unwrap_or_else(|e| panic!("{child}, {how}: {e}"));
        println!(
            "{child}, {how}: {} faults, {} of them cancelled, at most {:.2} s to the next answer, {:.2} s to a cancel's",
            seen.faults, seen.cancelled, seen.slowest_restart.as_secs_f64(), seen.slowest_cancel.as_secs_f64()
        );
    }
    let (late, machine) = pulse.end().await;
    println!("{child}: {:.0} s; the loop was late by {late:?} at most, the machine by {machine:?}", begun.elapsed().as_secs_f64());
    none_left(child).await;
}

#[tokio::test]
async fn every_fault_of_the_drafter_is_survived() {
    let _alone = ALONE.lock().await;
    all("drafter", DRAFT, drafter).await;
}

#[tokio::test]
async fn every_fault_of_the_encoder_is_survived() {
    let _alone = ALONE.lock().await;
    all("encoder", ENCODE, encoder).await;
}

#[tokio::test]
async fn every_fault_of_the_decoder_is_survived() {
    let _alone = ALONE.lock().await;
    all("decoder", DECODE, decoder).await;
}

/// A child that works on and hears no cancel is ended, and the next request does not wait for what nobody wants.
#[tokio::test]
async fn a_deaf_child_is_ended_by_a_cancel() {
    let _alone = ALONE.lock().await;
    let worker = DraftWorker::start(program(), WorkerLimits { request: Duration::from_secs(15), ..limits() });
    worker.load(Path::new("good"), None, &Cancel::new()).await.expect("loads");
    let mut seen = Seen::default();
    for round in 0..amount(2, 20) {
        let what = format!("deaf, round {round}");
        let own = worker.draft(job("who"), None, &Cancel::new()).await.expect("its id").text;
        let (cancel, wait) = (Cancel::new(), Some(Duration::from_millis(200)));
        let deaf = worker.draft(job("deaf"), None, &cancel);
        faulty(&what, "worker.cancelled", wait, &mut seen, &cancel, deaf).await;
        let back = Instant::now();
        worker.draft(job("clean"), None, &Cancel::new()).await.unwrap_or_else(|e| panic!("{what}: {e}"));
        seen.restarted(&what, back.elapsed());
        assert!(gone(own.parse().expect("an id")).await, "{what}: the child lives on");
    }
    drop(worker);
    none_left("deaf").await;
}

/// A child that cannot hear that its pipe was closed ends with its handle all the same.
#[tokio::test]
async fn a_stopped_child_ends_with_its_handle() {
    let _alone = ALONE.lock().await;
    let worker = DraftWorker::start(program(), limits());
    worker.load(Path::new("good"), None, &Cancel::new()).await.expect("loads");
    let own = worker.draft(job("who"), None, &Cancel::new()).await.expect("its id").text;
    let own: i32 = own.parse().expect("an id");
    // SAFETY: a plain system call on a child of this process.
    unsafe { libc::kill(own, libc::SIGSTOP) };
    drop(worker);
    let ended = gone(own).await;
    if !ended {
        // SAFETY: as above; nothing of it is to outlive the test.
        unsafe { libc::kill(own, libc::SIGKILL) };
    }
    assert!(ended, "a stopped child outlives its handle");
    none_left("a stopped child").await;
}

/// Three deaths within a minute, and the worker stays down, says so, and starts when it is asked to.
#[tokio::test]
async fn a_crash_loop_is_stopped_and_said() {
    let _alone = ALONE.lock().await;
    let limits = WorkerLimits { crashes: WorkerLimits::default().crashes, ..limits() };
    let stopped = WorkerState::Failed { code: "worker.crash_loop".to_owned() };
    let draft = DraftWorker::start(program(), limits);
    draft.load(Path::new("good"), None, &Cancel::new()).await.expect("loads");
    let encode = EncodeWorker::start(program(), limits);
    encode.load(Path::new("good"), &Cancel::new()).await.expect("loads");
    for _ in 0..limits.crashes {
        assert_eq!(draft.draft(job("abort"), None, &Cancel::new()).await.expect_err("dies").code(), "worker.died");
        assert_eq!(encode.texts(vec!["abort".into()], &Cancel::new()).await.expect_err("dies").code(), "worker.died");
    }
    let soon = Duration::from_secs(10);
    let (mut drafter, mut encoder) = (draft.state(), encode.state());
    let said = tokio::time::timeout(soon, drafter.wait_for(|now| *now == stopped)).await.is_ok();
    assert!(said, "the drafter's crash loop is not said: {:?}", *draft.state().borrow());
    let said = tokio::time::timeout(soon, encoder.wait_for(|now| *now == stopped)).await.is_ok();
    assert!(said, "the encoder's crash loop is not said: {:?}", *encode.state().borrow());
    none_left("crash loop").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(children(), Vec::<i32>::new(), "nothing is started by itself");
    assert_eq!(draft.draft(job("clean"), None, &Cancel::new()).await.expect_err("stopped").code(), "worker.crash_loop");
    assert_eq!(encode.texts(vec!["a".into()], &Cancel::new()).await.expect_err("stopped").code(), "worker.crash_loop");
    draft.retry().await;
    encode.retry().await;
    draft.draft(job("clean"), None, &Cancel::new()).await.expect("works again");
    encode.texts(vec!["a".into()], &Cancel::new()).await.expect("works again");
    drop((draft, encode));
    none_left("crash loop").await;
}

/// A pack that kills whoever loads it does not have the machine start a child without end.
#[tokio::test]
async fn a_pack_that_kills_is_tried_a_few_times() {
    let _alone = ALONE.lock().await;
    let limits = WorkerLimits { crashes: WorkerLimits::default().crashes, ..limits() };
    let worker = DraftWorker::start(program(), limits);
    let starts = Arc::new(Mutex::new(0));
    let (counted, mut state) = (starts.clone(), worker.state());
    let counting = tokio::spawn(async move {
        while state.changed().await.is_ok() {
            if *state.borrow_and_update() == WorkerState::Loading {
                *counted.lock().expect("a count") += 1;
            }
        }
    });
    assert_eq!(worker.load(Path::new("abort"), None, &Cancel::new()).await.expect_err("dies").code(), "worker.died");
    let stopped = WorkerState::Failed { code: "worker.crash_loop".to_owned() };
    let mut state = worker.state();
    let ended = tokio::time::timeout(Duration::from_secs(10), state.wait_for(|now| *now == stopped)).await;
    assert!(ended.is_ok(), "it is given up: {:?}", *worker.state().borrow());
    drop(worker);
    counting.await.expect("counted");
    let starts = *starts.lock().expect("a count");
    assert!((1..=limits.crashes).contains(&starts), "{starts} starts");
    none_left("a pack that kills").await;
}

/// Nothing that was started is left, five seconds after the last handle was dropped.
async fn none_left(what: &str) {
    for _ in 0..250 {
        if children().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}: left behind: {:?}", children());
}

/// True once the process is gone; waits up to three seconds.
async fn gone(id: i32) -> bool {
    for _ in 0..150 {
        if !Path::new(&format!("/proc/{id}")).exists() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}
