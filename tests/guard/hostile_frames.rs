//! Worker frames: whatever a child says, the parent gives a verdict, in time, and does not grow.
//!
//! The children play a file of bytes (`fault_child/player.rs`): honest frames, damaged ones, and noise. What a decoder
//! says goes to the one-shot decoding, to the unpacking of archives and to logos, what a model worker says to both kinds
//! of workers, most of the time after an honest word that its model is loaded, so that both are asked for something.

#![cfg(unix)]

mod common;

use common::{Random, amount, mutated, over_corpus};
use hilum_workers::frame::FrameError;
use hilum_workers::messages::decode::{DecodeReply, DecodeWants, DecodedHeader, PixelDescription, PixelKind, VoiFunction};
use hilum_workers::messages::draft::{DraftOutcome, DraftPhase, DraftPrompt, DraftReply, DraftRequest};
use hilum_workers::messages::encode::{EncodeReply, EncodeRequest, FindingScore};
use hilum_workers::{
    Cancel, DecodeChild, DecodeInput, DraftJob, DraftWorker, EncodeWorker, Unpacked, WorkerError, WorkerLimits, frame,
};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What frames are made of.
const WORDS: [&[u8]; 6] = [b"\"rows\":", b"4294967295", b"null", b"\xFF\xFF\xFF\xFF", b"{\"reply\":", b"-1"];

/// The growth of this process is looked at, so that one test runs at a time.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn framed<T: serde::Serialize>(reply: &T, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::write(&mut bytes, reply, body).expect("a frame");
    bytes
}

fn decoder_frames() -> Vec<Vec<u8>> {
    let header = DecodedHeader { rows: Some(2), columns: Some(3), frames: 1, study_uid: "1.2".into(), ..Default::default() };
    let description = PixelDescription {
        rows: 2, columns: 3, kind: PixelKind::Gray16, slope: 1.0, intercept: 0.0, min: 0, max: 1, inverted: false,
        windows: Vec::new(), voi_function: VoiFunction::Linear, voi_lut: None, voi_lut_first: None, overlays: Vec::new(),
        shutter: Vec::new(), units: None,
    };
    vec![
        framed(&DecodeReply::Header(Box::new(header)), &[]),
        framed(&DecodeReply::Pixels(description), &[1; 12]),
        framed(&DecodeReply::Thumbnail { width: 3, height: 2 }, b"PNG"),
        framed(&DecodeReply::Stored { dtype: "<u2".into(), shape: vec![2, 3] }, &[2; 12]),
        framed(&DecodeReply::Refused { code: "dicom.truncated".into(), message: "It ends early.".into() }, &[]),
        framed(&DecodeReply::Logo { width: 2, height: 1 }, &[9; 6]),
        framed(&DecodeReply::Member { name: "A".into(), refused: None }, b"DICM"),
        framed(&DecodeReply::Done, &[]),
    ]
}

fn worker_frames() -> Vec<Vec<u8>> {
    let score = FindingScore { finding: "edema".into(), difference: 0.1, softmax: 0.5 };
    let vector: Vec<u8> = [0.6f32, 0.8].iter().flat_map(|x| x.to_le_bytes()).collect();
    // The parent's first request has number 2, the next one 3.
    vec![
        framed(&DraftReply::Heartbeat, &[]),
        framed(&DraftReply::Loaded { id: 2, side: 4, seconds: 0.0, took: Default::default() }, &[]),
        framed(&DraftReply::Progress { id: 3, phase: DraftPhase::LoadingModel, fraction: Some(0.5), seconds: 0.0 }, &[]),
        framed(&DraftReply::Token { id: 3, text: "The heart ".into() }, &[]),
        framed(&DraftReply::Finished(Box::new(DraftOutcome { id: 3, text: "x".into(), finish: "stop".into(), ..Default::default() })), &[]),
        framed(&DraftReply::Failed { id: 3, code: "draft.refused".into(), message: "no".into() }, &[]),
        framed(&EncodeReply::Loaded { id: 2, side: 4, dim: 2, seconds: 0.0 }, &[]),
        framed(&EncodeReply::Encoded { id: 3, dim: 2, scores: vec![score], seconds: 0.0 }, &vector),
        framed(&EncodeReply::Map { id: 3, side: 2, seconds: 0.0 }, &[0; 16]),
    ]
}

/// Frames in some order, damaged or not, with noise between them.
fn said(random: &mut Random, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..1 + random.below(6) {
        let one = frames[random.below(frames.len())].clone();
        let other = frames[random.below(frames.len())].clone();
        bytes.extend(if random.one_in(3) { one } else { mutated(random, &one, &other, &WORDS) });
    }
    bytes
}

/// What an honest child says to a request of kind `n`, in its parts, so that damage is not all that is read.
fn honest(n: usize) -> Vec<Vec<u8>> {
    let (decoder, worker) = (decoder_frames(), worker_frames());
    let [header, pixels, thumbnail, stored, _, logo, member, done] = &decoder[..] else { panic!("eight frames") };
    match n % 5 {
        0 => vec![[header, pixels, thumbnail, stored, done].map(Vec::as_slice).concat()],
        1 => vec![[member, member, done].map(Vec::as_slice).concat()],
        2 => vec![logo.clone()],
        3 => vec![worker[1].clone(), [&worker[0], &worker[3], &worker[4]].map(Vec::as_slice).concat()],
        _ => vec![worker[6].clone(), worker[7].clone()],
    }
}

/// What a child of kind `n` says that means harm.
fn hostile(random: &mut Random, n: usize, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
    match n % 5 {
        0..=2 => vec![said(random, frames)],
        // One word that is no answer to loading would be waited for; a child that has said all of it is gone.
        _ if random.one_in(3) => vec![said(random, frames)],
        kind => vec![honest(kind).swap_remove(0), said(random, frames)],
    }
}

/// A child that says what it is given, whatever it is asked.
struct Player {
    program: PathBuf,
    file: PathBuf,
}

impl Player {
    fn new(folder: &Path) -> Self {
        let (program, file) = (folder.join("player"), folder.join("said"));
        // Children are given no environment of ours.
        let child = env!("CARGO_BIN_EXE_hilum-workers-fault-child");
        let script = format!("#!/bin/sh\nHILUM_FAULT_SAID='{}' exec '{child}' \"$@\"\n", file.display());
        std::fs::write(&program, script).expect("a script");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("executable");
        Self { program, file }
    }

    fn says(&self, parts: &[Vec<u8>]) {
        let long = |part: &Vec<u8>| [&(part.len() as u32).to_le_bytes()[..], part].concat();
        std::fs::write(&self.file, parts.iter().map(long).collect::<Vec<_>>().concat()).expect("written");
    }

    async fn decoded(&self) -> Result<(), WorkerError> {
        let wants = DecodeWants { pixels: true, thumbnail: Some(64), stored: true, ..DecodeWants::default() };
        self.decoder().decode(DecodeInput::Bytes(b"x".to_vec()), &wants, &Cancel::new()).await.map(drop)
    }

    async fn unpacked(&self) -> Result<(), WorkerError> {
        let (members, mut inbox) = tokio::sync::mpsc::channel::<Unpacked>(1);
        let taking = async { while inbox.recv().await.is_some() {} };
        let unpacking = async {
            let ended = self.decoder().unpack(DecodeInput::Bytes(b"x".to_vec()), &members, &Cancel::new()).await;
            drop(members);
            ended
        };
        tokio::join!(unpacking, taking).0
    }

    async fn logo(&self) -> Result<(), WorkerError> {
        self.decoder().logo(DecodeInput::Bytes(b"x".to_vec()), 64, &Cancel::new()).await.map(drop)
    }

    async fn drafted(&self) -> Result<(), WorkerError> {
        let worker = DraftWorker::start(self.program.clone(), limits());
        worker.load(Path::new("pack"), None, &Cancel::new()).await?;
        let prompt = DraftPrompt::Raw { text: "x".into() };
        let job = DraftJob { side: 1, images: vec![vec![0]], prompt, max_tokens: 8, encoded: Vec::new() };
        worker.draft(job, None, &Cancel::new()).await.map(drop)
    }

    async fn encoded(&self) -> Result<(), WorkerError> {
        let worker = EncodeWorker::start(self.program.clone(), limits());
        worker.load(Path::new("pack"), &Cancel::new()).await?;
        worker.image(2, vec![0; 4], &Cancel::new()).await.map(drop)
    }

    fn decoder(&self) -> DecodeChild {
        let mut child = DecodeChild::new(self.program.clone());
        child.wall_limit = Duration::from_secs(5);
        child
    }
}

fn limits() -> WorkerLimits {
    WorkerLimits {
        silence: Duration::from_secs(2), frame: Duration::from_secs(1), load: Duration::from_secs(3),
        request: Duration::from_secs(3), crashes: usize::MAX, ..WorkerLimits::default()
    }
}

/// Largest resident size of this process so far, kilobytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("VmHWM");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).expect("a number")
}

fn verdict(answer: Result<(), WorkerError>) -> String {
    answer.map_or_else(|error| error.code().to_owned(), |()| "answered".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_child_says_gets_a_verdict() {
    let _alone = ALONE.lock().await;
    let folder = tempfile::tempdir().expect("a folder");
    let player = Player::new(folder.path());
    let (decoders, workers) = (decoder_frames(), worker_frames());
    let mut random = Random::new(0xF4A3);
    let mut verdicts = BTreeMap::<String, usize>::new();
    let (before, begun) = (peak(), Instant::now());
    let cases = amount(200, 10_000);
    let mut slowest = Duration::ZERO;
    for n in 0..cases {
        let frames = if n % 5 < 3 { &decoders } else { &workers };
        player.says(&if n < 10 { honest(n) } else { hostile(&mut random, n, frames) });
        let at = Instant::now();
        let (kind, answer) = match n % 5 {
            0 => ("decode", player.decoded().await),
            1 => ("unpack", player.unpacked().await),
            2 => ("logo", player.logo().await),
            3 => ("draft", player.drafted().await),
            _ => ("encode", player.encoded().await),
        };
        let answer = verdict(answer);
        assert!(n >= 10 || answer == "answered", "{kind}: an honest child is refused: {answer}");
        *verdicts.entry(format!("{kind}: {answer}")).or_default() += 1;
        slowest = slowest.max(at.elapsed());
        assert!(at.elapsed() < Duration::from_secs(8), "case {n} takes {:?}", at.elapsed());
    }
    let grown = peak().saturating_sub(before) >> 10;
    println!("{cases} streams of frames in {:.0} s, slowest {slowest:?}, the parent grew by {grown} MB", begun.elapsed().as_secs_f64());
    verdicts.iter().for_each(|(verdict, n)| println!("  {n:5} {verdict}"));
    assert!(grown < 64, "the parent grew by {grown} MB");
    // Each kind of child was heard out: some of what it said made no sense, and some of it was an answer.
    for kind in ["decode: decode", "unpack: decode", "logo: decode", "draft: worker", "encode: worker"] {
        let garbled = format!("{kind}.garbled");
        assert!(cases < 100 || verdicts.contains_key(&garbled), "{garbled} is among {verdicts:?}");
    }
}

/// What a decoder says, to whatever reads it.
#[test]
fn damaged_words_of_a_decoder_get_an_answer() {
    let _alone = ALONE.blocking_lock();
    let folder = tempfile::tempdir().expect("a folder");
    let player = Player::new(folder.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut seeds: Vec<Vec<u8>> = (0..3).map(|kind| honest(kind).concat()).collect();
    seeds.push(decoder_frames().swap_remove(4));
    let answers = over_corpus("frames_of_decoders", &seeds, &WORDS, 150, |bytes| {
        player.says(&[bytes.to_vec()]);
        let all = async { (player.decoded().await, player.unpacked().await, player.logo().await) };
        let (decoded, unpacked, logo) = runtime.block_on(all);
        format!("{}, {}, {}", verdict(decoded), verdict(unpacked), verdict(logo))
    });
    assert!(answers.len() >= 6, "{answers:?}");
}

/// What a worker says to its second request, of either kind.
#[test]
fn damaged_words_of_a_worker_get_an_answer() {
    let _alone = ALONE.blocking_lock();
    let folder = tempfile::tempdir().expect("a folder");
    let player = Player::new(folder.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut seeds: Vec<Vec<u8>> = [3, 4].map(|kind| honest(kind).swap_remove(1)).into();
    seeds.extend(worker_frames().into_iter().skip(5));
    let answers = over_corpus("frames_of_workers", &seeds, &WORDS, 150, |bytes| {
        let loaded = |kind| honest(kind).swap_remove(0);
        player.says(&[loaded(3), bytes.to_vec()]);
        let drafted = runtime.block_on(player.drafted());
        player.says(&[loaded(4), bytes.to_vec()]);
        let encoded = runtime.block_on(player.encoded());
        format!("{}, {}", verdict(drafted), verdict(encoded))
    });
    assert!(answers.len() >= 4, "{answers:?}");
}

/// The reading of frames that parents and children share, as every message that either takes.
#[test]
fn damaged_frames_are_read_or_refused() {
    fn read_as<T: serde::de::DeserializeOwned>(mut bytes: &[u8]) -> String {
        loop {
            match frame::read::<T>(&mut bytes) {
                Ok(Some(_)) => {}
                Ok(None) => return "whole".to_owned(),
                Err(FrameError::Io(_)) => return "cut".to_owned(),
                Err(FrameError::TooLong(_)) => return "too long".to_owned(),
                Err(FrameError::Head(why)) => return format!("no head: {why}"),
            }
        }
    }
    let mut seeds = [decoder_frames(), worker_frames()].concat();
    let prompt = DraftPrompt::Raw { text: "x".into() };
    let draft = DraftRequest::Draft { id: 3, side: 2, images: 1, prompt, max_tokens: 8, encoded: vec![0] };
    seeds.extend([framed(&DraftRequest::Load { id: 2, pack_dir: "pack".into() }, &[]), framed(&draft, &[7; 4])]);
    seeds.push(framed(&EncodeRequest::Texts { id: 3, texts: vec!["a".into(), "b".into()] }, &[]));
    let answers = over_corpus("frames", &seeds, &WORDS, 2000, |bytes| {
        let (decoder, drafter, encoder) = (read_as::<DecodeReply>(bytes), read_as::<DraftReply>(bytes), read_as::<EncodeReply>(bytes));
        let (drafts, encodes) = (read_as::<DraftRequest>(bytes), read_as::<EncodeRequest>(bytes));
        format!("{decoder}; {drafter}; {encoder}; {drafts}; {encodes}")
    });
    for kind in ["whole", "cut", "too long", "no head"] {
        assert!(answers.iter().any(|answer| answer.contains(kind)), "{kind} is among {answers:?}");
    }
}
