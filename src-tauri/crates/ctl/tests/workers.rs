//! The real worker processes with the demonstration packs: killed, cancelled, measured.

#![cfg(target_os = "linux")]

use hilum_workers::{
    Cancel, DraftEvent, DraftJob, DraftWorker, EncodeWorker, JointJob, WorkerLimits, WorkerState,
    messages::draft::DraftPrompt,
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, mpsc::unbounded_channel};

/// One worker at a time, so that a child can be told by its arguments.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Each worker with its demonstration pack stays below this (docs/performance.md).
const MOST_MEMORY: u64 = 600_000_000;

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_hilumctl"))
}

fn pack(name: &str) -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../models/demo").join(name).canonicalize().ok();
    let dir = dir.filter(|dir| dir.join("pack.json").exists());
    if dir.is_none() {
        hilum_testkit::skipped(format_args!("{name} is not in models/demo"));
    }
    dir
}

fn job(side: u32, images: usize, max_tokens: u32) -> DraftJob {
    let gray: Vec<u8> = (0..side * side).map(|i| (i % side * 255 / side) as u8).collect();
    let prompt = DraftPrompt::Report { indication: None };
    DraftJob { side, images: vec![gray; images], prompt, max_tokens, encoded: Vec::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_encode_worker_scores_within_its_memory_and_is_replaced_when_killed() {
    let _alone = ALONE.lock().await;
    let Some(dir) = pack("medsiglip-demo") else { return };
    let worker = EncodeWorker::start(program(), WorkerLimits::default());
    let cancel = Cancel::new();
    let about = worker.load(&dir, &cancel).await.expect("loads");
    let gray = job(about.side, 1, 1).images.remove(0);
    let first = worker.image(about.side, gray.clone(), &cancel).await.expect("scores");
    assert_eq!((first.scores.len(), first.embedding.len()), (13, about.dim as usize));
    let texts = vec!["no pneumothorax".to_owned(), "large pneumothorax".to_owned()];
    assert_eq!(worker.texts(texts, &cancel).await.expect("embeds").len(), 2);
    let bytes = memory(child("encode"));
    println!("encode worker: loaded in {:.2} s, PSS {} MB", about.seconds, bytes / 1_000_000);
    assert!(bytes < MOST_MEMORY, "{bytes}");
    let refused = worker.image(about.side + 1, gray.clone(), &cancel).await.expect_err("another size");
    assert!(refused.code().starts_with("encoder."), "{}", refused.code());

    let mut state = worker.state();
    state.mark_unchanged();
    kill(child("encode"));
    state.changed().await.expect("noticed");
    let again = worker.image(about.side, gray, &cancel).await.expect("scores again");
    assert_eq!(again.scores, first.scores);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_draft_worker_streams_within_its_memory_and_is_replaced_when_killed() {
    let _alone = ALONE.lock().await;
    let Some(dir) = pack("medgemma-demo") else { return };
    let worker = DraftWorker::start(program(), WorkerLimits::default());
    let cancel = Cancel::new();
    let about = worker.load(&dir, None, &cancel).await.expect("loads");
    let (events, mut inbox) = unbounded_channel();
    let begun = Instant::now();
    let (outcome, first_word) = tokio::join!(worker.draft(job(about.side, 1, 48), Some(events), &cancel), async {
        let mut first = None;
        while let Some(event) = inbox.recv().await {
            if matches!(event, DraftEvent::Text(_)) {
                first.get_or_insert_with(|| begun.elapsed());
            }
        }
        first
    });
    let outcome = outcome.expect("drafts");
    assert!(!outcome.text.is_empty() && outcome.token_ids.len() == outcome.logprobs.len());
    let bytes = memory(child("draft"));
    println!(
        "draft worker: loaded in {:.2} s, first word after {first_word:?}, {} tokens in {:.2} s, PSS {} MB",
        about.seconds,
        outcome.token_ids.len(),
        outcome.decode_seconds,
        bytes / 1_000_000
    );
    assert!(bytes < MOST_MEMORY, "{bytes}");

    let mut state = worker.state();
    state.mark_unchanged();
    kill(child("draft"));
    state.changed().await.expect("noticed");
    let again = worker.draft(job(about.side, 1, 48), None, &cancel).await.expect("drafts again");
    assert_eq!(again.text, outcome.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_about_one_image_are_answered_as_alone() {
    let _alone = ALONE.lock().await;
    let Some(dir) = pack("medgemma-demo") else { return };
    let worker = DraftWorker::start(program(), WorkerLimits::default());
    let cancel = Cancel::new();
    let side = worker.load(&dir, None, &cancel).await.expect("loads").side;
    let question = |words: &str| DraftPrompt::YesNo { question: words.to_owned() };
    let prompts = ["Is there a pneumothorax?", "Is there cardiomegaly?", "Is there a left pleural effusion?"]
        .map(question)
        .to_vec();
    let DraftJob { images, .. } = job(side, 1, 64);
    let (answers, mut inbox) = unbounded_channel();
    let asked = JointJob { side, images, prompts: prompts.clone(), max_tokens: 64, encoded: Vec::new() };
    let together = worker.draft_together(asked, answers, &cancel).await.expect("answers");
    assert!(!together.cancelled);
    assert_eq!(together.encoded.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0], "encoded once");
    let mut came = Vec::new();
    while let Some((index, outcome)) = inbox.recv().await {
        let alone = DraftJob { prompt: prompts[index].clone(), ..job(side, 1, 64) };
        let alone = worker.draft(alone, None, &cancel).await.expect("an answer");
        assert!(outcome.yes_no.is_some());
        assert_eq!((outcome.token_ids, outcome.logprobs), (alone.token_ids, alone.logprobs), "{:?}", prompts[index]);
        came.push(index);
    }
    came.sort_unstable();
    assert_eq!(came, [0, 1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_cancelled_within_two_seconds_at_any_moment() {
    let _alone = ALONE.lock().await;
    let Some(dir) = pack("medgemma-demo") else { return };
    let worker = DraftWorker::start(program(), WorkerLimits::default());
    let side = worker.load(&dir, None, &Cancel::new()).await.expect("loads").side;
    // From before the prompt is read until long after the first word, and while loading.
    for (unload, wait) in [(false, 0), (false, 30), (false, 150), (false, 600), (true, 20), (true, 120)] {
        if unload {
            worker.unload().await;
        }
        let cancel = Cancel::new();
        let (answer, late) = tokio::join!(worker.draft(job(side, 2, 4096), None, &cancel), async {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            cancel.cancel();
            Instant::now()
        });
        let took = late.elapsed();
        let end = answer.as_ref().map_or_else(|e| e.code().to_owned(), |outcome| outcome.finish.clone());
        println!("cancelled {wait} ms into it (unloaded: {unload}): {end} after {took:?}");
        assert!(took < Duration::from_secs(2), "{took:?}");
        assert!(["worker.cancelled", "cancelled", "stop", "length"].contains(&end.as_str()), "{end}");
    }
    let after = worker.draft(job(side, 1, 8), None, &Cancel::new()).await.expect("the next one works");
    assert!(!after.token_ids.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_no_pack_is_refused_and_the_worker_lives() {
    let _alone = ALONE.lock().await;
    let folder = tempfile::tempdir().expect("a folder");
    let cancel = Cancel::new();
    let encode = EncodeWorker::start(program(), WorkerLimits::default());
    let error = encode.load(folder.path(), &cancel).await.expect_err("no pack");
    assert!(error.code().starts_with("pack."), "{}", error.code());
    let draft = DraftWorker::start(program(), WorkerLimits::default());
    let error = draft.load(folder.path(), None, &cancel).await.expect_err("no pack");
    assert!(error.code().starts_with("pack."), "{}", error.code());
    assert!(matches!(&*draft.state().borrow(), WorkerState::Failed { code } if code.starts_with("pack.")));
}

/// The worker that this test process started in this role.
fn child(role: &str) -> u32 {
    let me = std::process::id().to_string();
    let is_it = |id: &u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let line = fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let parent = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1));
        parent == Some(&me) && line.ends_with(&format!("worker\0{role}\0"))
    };
    let ids = fs::read_dir("/proc").expect("/proc").filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok());
    ids.into_iter().find(is_it).expect("a worker runs")
}

/// Proportional set size in bytes.
fn memory(id: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).expect("smaps_rollup");
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).expect("Pss");
    line.split_whitespace().next().and_then(|kb| kb.parse::<u64>().ok()).expect("a number") * 1024
}

fn kill(id: u32) {
    // SAFETY: a plain system call on a process that this test started.
    unsafe {
        libc::kill(id as i32, libc::SIGKILL);
    }
}
