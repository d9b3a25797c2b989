//! What becomes of a model worker that hangs, dies, babbles, or is cancelled.

use hilum_workers::{
    Cancel, DraftEvent, DraftJob, DraftWorker, EncodeWorker, JointJob, JointOutcome, WorkerError, WorkerLimits,
    WorkerState,
    messages::draft::{DraftOutcome, DraftPrompt},
};
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_hilum-workers-fault-child"))
}

/// The real limits, but for waiting times that would make the tests long.
fn limits() -> WorkerLimits {
    WorkerLimits {
        silence: Duration::from_secs(1),
        frame: Duration::from_millis(500),
        load: Duration::from_secs(8),
        request: Duration::from_secs(8),
        ..WorkerLimits::default()
    }
}

fn job(how: &str) -> DraftJob {
    let prompt = DraftPrompt::Raw { text: how.to_owned() };
    DraftJob { side: 2, images: vec![vec![1; 4], vec![2; 4]], prompt, max_tokens: 100, encoded: Vec::new() }
}

async fn loaded(limits: WorkerLimits) -> DraftWorker {
    let worker = DraftWorker::start(program(), limits);
    let about = worker.load(Path::new("good"), None, &Cancel::new()).await.expect("loads");
    assert_eq!(about.side, 4);
    worker
}

async fn draft(worker: &DraftWorker, how: &str) -> Result<DraftOutcome, WorkerError> {
    worker.draft(job(how), None, &Cancel::new()).await
}

/// Starts a draft, waits for its first words, and gives them with the running draft.
async fn begun(
    worker: &DraftWorker,
    how: &'static str,
) -> (Cancel, tokio::task::JoinHandle<Result<DraftOutcome, WorkerError>>, String) {
    let (events, mut inbox) = unbounded_channel();
    let cancel = Cancel::new();
    let (worker, token) = (worker.clone(), cancel.clone());
    let running = tokio::spawn(async move { worker.draft(job(how), Some(events), &token).await });
    let words = first_words(&mut inbox).await;
    (cancel, running, words)
}

async fn first_words(inbox: &mut UnboundedReceiver<DraftEvent>) -> String {
    loop {
        if let DraftEvent::Text(text) = inbox.recv().await.expect("words come") {
            return text;
        }
    }
}

#[tokio::test]
async fn a_draft_streams_and_ends() {
    let worker = DraftWorker::start(program(), limits());
    assert_eq!(draft(&worker, "clean").await.expect_err("nothing loaded").code(), "worker.not_loaded");
    let (events, mut inbox) = unbounded_channel();
    worker.load(Path::new("good"), Some(events.clone()), &Cancel::new()).await.expect("loads");
    assert!(matches!(inbox.try_recv(), Ok(DraftEvent::Progress { fraction: Some(_), .. })));
    let outcome = worker.draft(job("clean"), Some(events), &Cancel::new()).await.expect("drafts");
    assert_eq!((outcome.text.as_str(), outcome.finish.as_str()), ("8 bytes", "stop"));
    let mut streamed = String::new();
    while let Ok(DraftEvent::Text(text)) = inbox.try_recv() {
        streamed += &text;
    }
    assert_eq!(streamed, "The heart is normal.");
    assert_eq!(draft(&worker, "wrong-id").await.expect("the right answer").text, "right");
    assert_eq!(*worker.state().borrow(), WorkerState::Ready);
    worker.unload().await;
    assert_eq!(*worker.state().borrow(), WorkerState::Idle);
    draft(&worker, "clean").await.expect("loads again by itself");
}

#[tokio::test]
async fn several_prompts_are_answered_each_by_itself() {
    let worker = loaded(limits()).await;
    let raw = |text: &str| DraftPrompt::Raw { text: text.to_owned() };
    let prompts = vec![raw("one"), raw("cut"), raw("three")];
    let job = JointJob { side: 2, images: vec![vec![7; 4]], prompts, max_tokens: 100, encoded: vec![None] };
    let (answers, mut inbox) = unbounded_channel();
    let outcome = worker.draft_together(job, answers, &Cancel::new()).await.expect("answers");
    assert_eq!(outcome, JointOutcome { cancelled: false, encoded: vec![(0, vec![7; 4])] });
    let mut came = Vec::new();
    while let Some((index, outcome)) = inbox.recv().await {
        came.push((index, outcome.text));
    }
    assert_eq!(came, [(2, "three".to_owned()), (0, "one".to_owned())], "as they come; none that was cut short");
    draft(&worker, "clean").await.expect("the worker goes on");
}

#[tokio::test]
async fn an_encoder_answers_with_vectors() {
    let worker = EncodeWorker::start(program(), limits());
    let cancel = Cancel::new();
    let about = worker.load(Path::new("good"), &cancel).await.expect("loads");
    assert_eq!((about.side, about.dim), (4, 2));
    let image = worker.image(2, vec![1, 2, 3, 6], &cancel).await.expect("encodes");
    assert_eq!((image.scores[0].difference, image.embedding), (3.0, vec![0.6, 0.8]));
    let texts = vec!["a".to_owned(), "four".to_owned()];
    assert_eq!(worker.texts(texts, &cancel).await.expect("embeds"), [[1.0, 0.0], [4.0, 0.0]]);
    let map = worker.map(2, vec![0; 4], "edema", &cancel).await.expect("maps");
    assert_eq!((map.side, map.values), (2, vec![0.0, 1.0, 2.0, 3.0]));
    let short = worker.map(2, vec![0; 4], "short", &cancel).await;
    assert_eq!(short.expect_err("a quarter of a grid").code(), "worker.garbled");
    let short = worker.texts(vec!["short".to_owned()], &cancel).await;
    assert_eq!(short.expect_err("half a vector").code(), "worker.garbled");
}

#[tokio::test]
async fn a_refusal_leaves_the_worker_ready() {
    let worker = loaded(limits()).await;
    let asked = DraftJob { prompt: DraftPrompt::Report { indication: None }, ..job("") };
    let error = worker.draft(asked, None, &Cancel::new()).await.expect_err("refused");
    assert_eq!((error.code(), error.to_string().as_str()), ("draft.refused", "no[31m such thing"));
    assert_eq!(*worker.state().borrow(), WorkerState::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_every_fault_the_next_draft_works() {
    let cases = [
        ("abort", "worker.died"),
        ("segfault", "worker.died"),
        ("panic", "worker.died"),
        ("exit", "worker.died"),
        ("half", "worker.died"),
        ("garbage", "worker.garbled"),
        ("oversized", "worker.garbled"),
        ("endless", "worker.garbled"),
        ("long-token", "worker.garbled"),
        ("hang", "worker.hung"),
        ("loris", "worker.hung"),
    ];
    let worker = loaded(WorkerLimits { crashes: usize::MAX, ..limits() }).await;
    for (how, code) in cases {
        let error = draft(&worker, how).await.expect_err(how);
        assert_eq!(error.code(), code, "{how}: {error}");
        let back = Instant::now();
        let outcome = draft(&worker, "clean").await.unwrap_or_else(|e| panic!("after {how}: {e}"));
        assert_eq!(outcome.text, "8 bytes");
        assert!(back.elapsed() < Duration::from_secs(3), "after {how} it took {:?}", back.elapsed());
    }
}

#[tokio::test]
async fn a_request_has_an_end_even_while_the_heart_beats() {
    let worker = loaded(WorkerLimits { request: Duration::from_millis(1500), ..limits() }).await;
    assert_eq!(draft(&worker, "deaf").await.expect_err("too long").code(), "worker.timeout");
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_stands_still_is_ended_though_the_heart_beats() {
    let patience = Duration::from_millis(600);
    let limits = WorkerLimits { stall: patience, stall_factor: 4, crashes: usize::MAX, ..limits() };
    let drafter = loaded(limits).await;
    draft(&drafter, "clean").await.expect("a draft to compare with");
    let at = Instant::now();
    assert_eq!(draft(&drafter, "mute").await.expect_err("no token").code(), "worker.hung");
    // Before silence or the end of a request could be what ended it.
    assert!((patience..limits.request / 2).contains(&at.elapsed()), "{:?}", at.elapsed());
    draft(&drafter, "clean").await.expect("the next one works");
    // A token now and then is progress, however long it goes on.
    let slow = WorkerLimits { request: Duration::from_millis(1500), ..limits };
    let drafter = loaded(slow).await;
    draft(&drafter, "clean").await.expect("a draft to compare with");
    assert_eq!(draft(&drafter, "deaf").await.expect_err("too long").code(), "worker.timeout");

    // "slow" takes 900 ms: more than the patience, and a quarter of what is allowed after it.
    let encoder = EncodeWorker::start(program(), limits);
    encoder.load(Path::new("good"), &Cancel::new()).await.expect("loads");
    let map = async |finding: &str| {
        encoder.map(2, vec![0; 4], finding, &Cancel::new()).await.map_err(|e| e.code().to_owned())
    };
    let mute_after = async |answers: &[&str]| {
        for finding in answers {
            map(finding).await.unwrap_or_else(|code| panic!("{finding} of {answers:?}: {code}"));
        }
        let at = Instant::now();
        assert_eq!(map("mute").await.expect_err("no answer"), "worker.hung", "{answers:?}");
        at.elapsed()
    };
    let quick = patience..Duration::from_secs(3);
    let took = mute_after(&["edema"]).await;
    assert!(quick.contains(&took), "{took:?}");
    // A new child has nothing to be compared with, and its first answer counts until the second.
    let took = mute_after(&["slow", "edema"]).await;
    assert!(quick.contains(&took), "{took:?}");
    // What took long may do so again.
    let took = mute_after(&["edema", "edema", "edema"]).await;
    assert!(quick.contains(&took), "{took:?}");
    let took = mute_after(&["slow", "slow", "edema", "slow"]).await;
    assert!(took > Duration::from_millis(4 * 850), "{took:?}");
}

/// A draft that was cut short says nothing of how long one takes.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_cancelled_is_nothing_to_compare_with() {
    let limits = WorkerLimits { stall: Duration::from_millis(600), request: Duration::from_millis(1800), ..limits() };
    let worker = loaded(limits).await;
    let (cancel, running, _) = begun(&worker, "cancellable").await;
    cancel.cancel();
    assert_eq!(running.await.expect("no panic").expect("kept").finish, "cancelled");
    assert_eq!(draft(&worker, "mute").await.expect_err("no token").code(), "worker.timeout");
}

#[tokio::test]
async fn loading_may_be_silent_and_a_dying_load_is_said() {
    let worker = DraftWorker::start(program(), limits());
    let load = async |name: &str| worker.load(Path::new(name), None, &Cancel::new()).await;
    load("silent-load").await.expect("silence is allowed while loading");
    assert_eq!(load("abort").await.expect_err("dies").code(), "worker.died");
    worker.retry().await;
    load("good").await.expect("another pack");
}

#[tokio::test]
async fn three_deaths_stop_the_worker_until_it_is_asked_again() {
    let worker = loaded(limits()).await;
    let mut state = worker.state();
    for _ in 0..3 {
        assert_eq!(draft(&worker, "abort").await.expect_err("dies").code(), "worker.died");
    }
    let stopped = WorkerState::Failed { code: "worker.crash_loop".to_owned() };
    state.wait_for(|now| *now == stopped).await.expect("it says so");
    assert_eq!(draft(&worker, "clean").await.expect_err("stopped").code(), "worker.crash_loop");
    worker.retry().await;
    draft(&worker, "clean").await.expect("works again");
}

#[tokio::test]
async fn a_worker_that_dies_idle_is_replaced_before_it_is_needed() {
    let worker = loaded(limits()).await;
    let child = pids(&draft(&worker, "who").await.expect("its id").text)[0];
    let mut state = worker.state();
    state.mark_unchanged();
    kill(child);
    // A watch may skip what was true for a moment only, but not that something changed.
    state.changed().await.expect("noticed");
    state.wait_for(|now| *now == WorkerState::Ready).await.expect("ready");
    assert!(gone(child).await);
    draft(&worker, "clean").await.expect("works");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_takes_less_than_two_seconds_in_every_phase() {
    let limit = Duration::from_secs(2);
    let worker = loaded(limits()).await;

    // A child that listens keeps what it wrote, and lives.
    let (cancel, running, _) = begun(&worker, "cancellable").await;
    let at = Instant::now();
    cancel.cancel();
    let outcome = running.await.expect("no panic").expect("kept");
    assert_eq!((outcome.finish.as_str(), outcome.text.as_str()), ("cancelled", "lung "));
    assert!(at.elapsed() < limit, "listening: {:?}", at.elapsed());

    // A child that does not listen is ended.
    let (cancel, running, _) = begun(&worker, "deaf").await;
    let at = Instant::now();
    cancel.cancel();
    assert_eq!(running.await.expect("no panic").expect_err("ended").code(), "worker.cancelled");
    assert!(at.elapsed() < limit, "deaf: {:?}", at.elapsed());
    draft(&worker, "clean").await.expect("the next one works");

    // What waits in the queue leaves it at once.
    let (blocking, running, _) = begun(&worker, "deaf").await;
    let cancel = Cancel::new();
    let at = Instant::now();
    let waiting = worker.draft(job("clean"), None, &cancel);
    let (answer, ()) = tokio::join!(waiting, async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        cancel.cancel();
    });
    assert_eq!(answer.expect_err("left").code(), "worker.cancelled");
    assert!(at.elapsed() < Duration::from_millis(500), "queued: {:?}", at.elapsed());
    blocking.cancel();
    assert!(running.await.expect("no panic").is_err());

    // Loading is ended too.
    let cancel = Cancel::new();
    let at = Instant::now();
    let (answer, ()) = tokio::join!(worker.load(Path::new("slow-load"), None, &cancel), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        cancel.cancel();
    });
    assert_eq!(answer.expect_err("ended").code(), "worker.cancelled");
    assert!(at.elapsed() < limit, "loading: {:?}", at.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_is_a_cancel() {
    let worker = loaded(limits()).await;
    let (_, running, _) = begun(&worker, "deaf").await;
    running.abort();
    let at = Instant::now();
    draft(&worker, "clean").await.expect("the worker is free again");
    assert!(at.elapsed() < Duration::from_secs(3), "{:?}", at.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_child_and_no_grandchild_outlives_its_worker() {
    let worker = loaded(limits()).await;
    let (cancel, running, family) = begun(&worker, "family").await;
    cancel.cancel();
    assert!(running.await.expect("no panic").is_err());
    assert_all_gone(&family).await;

    let (_, running, family) = begun(&worker, "family").await;
    running.abort();
    drop(worker);
    assert_all_gone(&family).await;
}

#[tokio::test]
async fn a_killed_parent_takes_the_worker_along() {
    let mut parent = Command::new(program()).arg("parent").stdout(Stdio::piped()).spawn().expect("the parent starts");
    let mut family = String::new();
    BufReader::new(parent.stdout.take().expect("a pipe")).read_line(&mut family).expect("it says who they are");
    let worker = pids(&family)[0];
    assert!(Path::new(&format!("/proc/{worker}")).exists());
    parent.kill().expect("killed");
    parent.wait().expect("reaped");
    assert!(gone(worker).await, "the worker lives on");
    // The grandchild is not ours to reach once both are gone; the test tidies up.
    kill(pids(&family)[1]);
}

fn pids(text: &str) -> Vec<i32> {
    text.split_whitespace().map(|id| id.parse().expect("an id")).collect()
}

async fn assert_all_gone(family: &str) {
    for id in pids(family) {
        assert!(gone(id).await, "process {id} lives on");
    }
}

/// True once the process is gone, reaped included; waits up to three seconds.
async fn gone(id: i32) -> bool {
    for _ in 0..150 {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        // An orphan that nobody reaps (no init in a container) is dead all the same.
        let orphan = stat.contains(") Z 1 ");
        if stat.is_empty() || orphan {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

fn kill(id: i32) {
    // SAFETY: a plain system call on a process that this test started.
    unsafe {
        libc::kill(id, libc::SIGKILL);
    }
}
