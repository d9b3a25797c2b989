//! Worker frames: whatever a child says, the parent gives a verdict, in time, and does not grow.
//!
//! The children are scripts that play a file of bytes: honest frames, damaged ones, and noise. What a decoder
//! says goes to the one-shot decoding, to the unpacking of archives and to logos, what a model worker says to both kinds
//! of workers.

#![cfg(unix)]

mod common;

use common::{Random, amount, mutated};
use hilum_workers::messages::decode::{DecodeReply, DecodeWants, DecodedHeader, PixelDescription, PixelKind, VoiFunction};
use hilum_workers::messages::draft::{DraftOutcome, DraftPhase, DraftPrompt, DraftReply};
use hilum_workers::messages::encode::{EncodeReply, FindingScore};
use hilum_workers::{
    Cancel, DecodeChild, DecodeInput, DraftJob, DraftWorker, EncodeWorker, Unpacked, WorkerError, WorkerLimits, frame,
};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

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
        let words: [&[u8]; 6] = [b"\"rows\":", b"4294967295", b"null", b"\xFF\xFF\xFF\xFF", b"{\"reply\":", b"-1"];
        bytes.extend(if random.one_in(3) { one } else { mutated(random, &one, &other, &words) });
    }
    bytes
}

/// What an honest child says to a request of kind `n`, so that damage is not all that is read.
fn honest(n: usize) -> Vec<u8> {
    let (decoder, worker) = (decoder_frames(), worker_frames());
    let [header, pixels, thumbnail, stored, _, logo, member, done] = &decoder[..] else { panic!("eight frames") };
    match n % 5 {
        0 => [header, pixels, thumbnail, stored, done].map(Vec::as_slice).concat(),
        1 => [member, member, done].map(Vec::as_slice).concat(),
        2 => logo.clone(),
        3 => [&worker[1], &worker[3], &worker[4]].map(Vec::as_slice).concat(),
        _ => [&worker[6], &worker[7]].map(Vec::as_slice).concat(),
    }
}

/// A program that says what the file beside it holds, whatever it is asked.
fn player(folder: &Path) -> (PathBuf, PathBuf) {
    let (program, file) = (folder.join("player"), folder.join("said"));
    std::fs::write(&program, format!("#!/bin/sh\nexec /bin/cat '{}'\n", file.display())).expect("a script");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("executable");
    (program, file)
}

/// Largest resident size of this process so far, kilobytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("VmHWM");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).expect("a number")
}

fn note(verdicts: &mut BTreeMap<String, usize>, what: &str, answer: Result<(), WorkerError>) {
    let code = answer.map_or_else(|error| error.code().to_owned(), |()| "answered".to_owned());
    *verdicts.entry(format!("{what}: {code}")).or_default() += 1;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_child_says_gets_a_verdict() {
    let folder = tempfile::tempdir().expect("a folder");
    let (program, file) = player(folder.path());
    let mut child = DecodeChild::new(program.clone());
    child.wall_limit = Duration::from_secs(5);
    let limits = WorkerLimits {
        silence: Duration::from_secs(2), frame: Duration::from_secs(1), load: Duration::from_secs(3),
        request: Duration::from_secs(3), crashes: usize::MAX, ..WorkerLimits::default()
    };
    let wants = DecodeWants { pixels: true, thumbnail: Some(64), stored: true, ..DecodeWants::default() };
    let (decoders, workers) = (decoder_frames(), worker_frames());
    let mut random = Random::new(0xF4A3);
    let mut verdicts = BTreeMap::new();
    let (before, begun) = (peak(), Instant::now());
    let cases = amount(200, 10_000);
    let mut slowest = Duration::ZERO;
    for n in 0..cases {
        let frames = if n % 5 < 3 { &decoders } else { &workers };
        let bytes = if n < 10 { honest(n) } else { said(&mut random, frames) };
        std::fs::write(&file, &bytes).expect("written");
        let at = Instant::now();
        let never = Cancel::new();
        match n % 5 {
            0 => {
                let decoded = child.decode(DecodeInput::Bytes(b"x".to_vec()), &wants, &never).await;
                note(&mut verdicts, "decode", decoded.map(drop));
            }
            1 => {
                let (members, mut inbox) = tokio::sync::mpsc::channel::<Unpacked>(1);
                let taking = async { while inbox.recv().await.is_some() {} };
                let unpacking = async {
                    let ended = child.unpack(DecodeInput::Bytes(b"x".to_vec()), &members, &never).await;
                    drop(members);
                    ended
                };
                let (ended, ()) = tokio::join!(unpacking, taking);
                note(&mut verdicts, "unpack", ended);
            }
            2 => {
                let logo = child.logo(DecodeInput::Bytes(b"x".to_vec()), 64, &never).await;
                note(&mut verdicts, "logo", logo.map(drop));
            }
            3 => {
                let worker = DraftWorker::start(program.clone(), limits);
                let loaded = worker.load(Path::new("pack"), None, &never).await.map(drop);
                let job = DraftJob { side: 1, images: vec![vec![0]], prompt: DraftPrompt::Raw { text: "x".into() }, max_tokens: 8, encoded: Vec::new() };
                let answer = if loaded.is_ok() { worker.draft(job, None, &never).await.map(drop) } else { loaded };
                note(&mut verdicts, "draft", answer);
            }
            _ => {
                let worker = EncodeWorker::start(program.clone(), limits);
                let loaded = worker.load(Path::new("pack"), &never).await.map(drop);
                let answer = if loaded.is_ok() { worker.image(2, vec![0; 4], &never).await.map(drop) } else { loaded };
                note(&mut verdicts, "encode", answer);
            }
        }
        slowest = slowest.max(at.elapsed());
        assert!(at.elapsed() < Duration::from_secs(8), "case {n} takes {:?}", at.elapsed());
    }
    let grown = peak().saturating_sub(before) >> 10;
    println!("{cases} streams of frames in {:.0} s, slowest {slowest:?}, the parent grew by {grown} MB", begun.elapsed().as_secs_f64());
    verdicts.iter().for_each(|(verdict, n)| println!("  {n:5} {verdict}"));
    assert!(grown < 64, "the parent grew by {grown} MB");
    assert!(verdicts.keys().any(|v| v.ends_with("garbled")), "{verdicts:?}");
    // Workers may have lost the honest words, since their child is gone as soon as it has said them.
    for kind in ["decode: answered", "unpack: answered", "logo: answered"] {
        assert!(verdicts.contains_key(kind), "{kind} is among {verdicts:?}");
    }
}
