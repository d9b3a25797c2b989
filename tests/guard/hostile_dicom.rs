//! Hostile DICOM is harmless: 2,000 files (full form), each through a `hilum-decode` of its own.
//!
//! Crafted from nothing, damaged by structure (lengths, types, nesting, numbers, transfer syntaxes), cut,
//! damaged blindly, and bombs; from files made here, the fixtures of the decoder, and the shared test data
//! with its malformed files where they are. Each file must get a verdict, and the child must stay below
//! 512 MB and 10 s, of processor time and by the clock; the parent, which is this process, must live, and in the folder in which
//! the child starts no file may come, go or change. The app's own import of the same files is `hostile_imports.rs`.

#![cfg(target_os = "linux")]

mod common;
mod dicom_damage;

use common::{Listing, Random, amount, files_below, over_corpus, repository};
use dicom_damage::{CHANCES, WORDS, hostile, originals};
use hilum_testkit::dicom::{DicomFile, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE};
use hilum_workers::frame;
use hilum_workers::messages::decode::{DecodeReply, DecodeWants};
use std::collections::BTreeMap;
use std::io::{Seek, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// What a child may take (`decode/src/sandbox.rs`): the system counts kilobytes, and a little processor time
/// passes between the limit and the end. The system's count of a child begins with what its parent had when it
/// started it, which is why this process keeps little.
const MOST_KILOBYTES: i64 = 512 << 10;
const MOST_SECONDS: f64 = 10.5;
/// What a child may take by the clock besides: one that computes nothing does not end by the limit of the system.
const STUCK: Duration = Duration::from_millis(10_500);
/// How often a child is looked after.
const POLL: Duration = Duration::from_millis(100);
/// What a machine may be late by that keeps no count of it.
const UNCOUNTED: Duration = Duration::from_secs(50);

struct Outcome {
    verdict: String,
    kilobytes: i64,
    seconds: f64,
    /// By the clock, without what the machine was late by.
    wall: f64,
}

/// By how much the machine is late for one child: for how long the child, or the thread that reads what it says, wanted to
/// run and had no processor, by the system's own count. A thread of ours that is late beside it (`pulse.rs`) would excuse
/// too little: it sleeps most of the time and is let in at once, while a child that computes shares the processor with
/// whatever else does.
struct Lateness {
    child: String,
    reader: String,
    before: Duration,
}

impl Lateness {
    /// Of a child that was just started, and of this thread.
    fn of(child: i32) -> Self {
        // SAFETY: gettid takes nothing and cannot fail.
        let thread = unsafe { libc::gettid() };
        let reader = format!("self/task/{thread}");
        Self { child: child.to_string(), before: waited(&reader).unwrap_or_default(), reader }
    }

    fn so_far(&self) -> Duration {
        let reader = waited(&self.reader).unwrap_or_default().saturating_sub(self.before);
        waited(&self.child).unwrap_or(UNCOUNTED) + reader
    }
}

/// How long a task wanted to run and had no processor; `None` where the system keeps no such count, or the task is gone.
fn waited(task: &str) -> Option<Duration> {
    let counts = std::fs::read_to_string(format!("/proc/{task}/schedstat")).ok()?;
    counts.split_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
}

impl Outcome {
    /// Within the limits, and with a verdict.
    fn holds(&self) -> bool {
        let timely = self.seconds <= MOST_SECONDS && self.wall <= STUCK.as_secs_f64();
        self.kilobytes <= MOST_KILOBYTES && timely && !self.verdict.starts_with("no verdict")
    }

    fn took(&self) -> String {
        format!("{} kB, {:.1} s of processor time, {:.1} s by the clock", self.kilobytes, self.seconds, self.wall)
    }
}

fn decode(bytes: &[u8], folder: &Path) -> Outcome {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    file.rewind().expect("at its beginning");
    let wants = DecodeWants {
        pixels: true,
        thumbnail: Some(96),
        model_inputs: vec![448],
        display: Some(256),
        stored: true,
        archive: false,
    };
    let mut child = Command::new(env!("CARGO_BIN_EXE_hilum-decode"));
    child.arg(serde_json::to_string(&wants).expect("JSON")).process_group(0).current_dir(folder);
    let child = child.stdin(file).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = child.expect("the decoder starts");
    let (begun, id) = (Instant::now(), child.id() as i32);
    let lateness = Arc::new(Lateness::of(id));
    let (done, ended) = mpsc::channel::<()>();
    let watched = lateness.clone();
    let watch = std::thread::spawn(move || {
        while ended.recv_timeout(POLL) == Err(mpsc::RecvTimeoutError::Timeout) {
            if begun.elapsed() > STUCK && begun.elapsed() > STUCK + watched.so_far() {
                // SAFETY: a child of this test that was not reaped yet.
                unsafe { libc::kill(id, libc::SIGKILL) };
                return true;
            }
        }
        false
    });
    let mut out = child.stdout.take().expect("a pipe");
    let mut last = None;
    let garbled = loop {
        match frame::read::<DecodeReply>(&mut out) {
            Ok(Some((reply, _))) => last = Some(reply),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    drop(out);
    // Asked before it is reaped, and nothing is known of it any more.
    let wall = begun.elapsed().saturating_sub(lateness.so_far());
    let (mut status, mut usage) = (0, std::mem::MaybeUninit::<libc::rusage>::zeroed());
    // SAFETY: both places are live and of the right type; the child is this process's own.
    let reaped = unsafe { libc::wait4(id, &mut status, 0, usage.as_mut_ptr()) };
    assert_eq!(reaped, id, "the child is reaped");
    let _ = done.send(());
    let stuck = watch.join().expect("the watch");
    // SAFETY: the call above filled it in.
    let usage = unsafe { usage.assume_init() };
    let time = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    let status = ExitStatus::from_raw(status);
    let verdict = match (stuck, garbled, last) {
        (true, ..) => "no verdict: stuck".to_owned(),
        (_, true, _) => format!("killed: {status}"),
        (_, _, Some(DecodeReply::Done)) if status.success() => "decoded".to_owned(),
        (_, _, Some(DecodeReply::Refused { code, .. })) if status.success() => code,
        _ if status.signal().is_some() => format!("killed: {status}"),
        _ => format!("no verdict: {status}"),
    };
    let seconds = time(usage.ru_utime) + time(usage.ru_stime);
    Outcome { verdict, kilobytes: usage.ru_maxrss, seconds, wall: wall.as_secs_f64() }
}

#[test]
fn every_hostile_file_gets_a_verdict_within_the_limits() {
    let mut random = Random::new(CHANCES);
    let originals = originals();
    let wanted = amount(150, 2000);
    // Where the child starts, and what a file could name from there.
    let around = tempfile::tempdir().expect("a folder");
    std::fs::write(around.path().join("somebody's letter"), b"Dear colleague,").expect("a file");
    let before = Listing::of(around.path(), &[]);
    let mut verdicts: BTreeMap<String, usize> = BTreeMap::new();
    let (mut memory, mut seconds, mut wall, mut wrong) = (0, 0f64, 0f64, Vec::new());
    let begun = Instant::now();
    for n in 0..wanted {
        let (kind, bytes) = hostile(&mut random, n, &originals);
        let outcome = decode(&bytes, around.path());
        (memory, seconds, wall) = (memory.max(outcome.kilobytes), seconds.max(outcome.seconds), wall.max(outcome.wall));
        if !outcome.holds() {
            wrong.push(format!("{n} ({kind}): {}, {}", outcome.verdict, outcome.took()));
        }
        *verdicts.entry(outcome.verdict).or_default() += 1;
    }
    println!(
        "{wanted} hostile files in {:.0} s: the largest child {} MB, the longest {seconds:.2} s of processor time and {wall:.2} s by the clock",
        begun.elapsed().as_secs_f64(),
        memory >> 10
    );
    verdicts.iter().for_each(|(verdict, files)| println!("  {files:5} {verdict}"));
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(verdicts.len() > 5, "the files are hostile in more than one way");
    let touched = before.differs(&Listing::of(around.path(), &[]));
    assert!(touched.is_empty(), "touched: {touched:?}");
}

/// Small files of every kind of pixels, mutated further whenever the decoder has an answer that it did not have before.
#[test]
fn damaged_files_get_a_verdict_within_the_limits() {
    let small = DicomFile::radiograph(12, 9, 12, |row, column| (row * 300 + column * 7) as u16);
    let mut seeds = [EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE].map(|syntax| small.write_as(syntax)).to_vec();
    for fixture in files_below(&repository().join("src-tauri/crates/decode/tests/fixtures")) {
        let bytes = std::fs::read(&fixture).expect("a fixture");
        if fixture.extension().is_some_and(|kind| kind == "dcm") && bytes.len() <= 8 << 10 {
            seeds.push(bytes);
        }
    }
    let around = tempfile::tempdir().expect("a folder");
    for seed in &seeds {
        let outcome = decode(seed, around.path());
        // A fixture may be of a kind that is refused; it is never one that ends the decoder.
        assert!(outcome.holds() && !outcome.verdict.starts_with("killed"), "{}", outcome.verdict);
    }
    let answers = over_corpus("dicom_files", &seeds, &WORDS, 200, |bytes| {
        let outcome = decode(bytes, around.path());
        assert!(outcome.holds(), "{}, {}", outcome.verdict, outcome.took());
        outcome.verdict
    });
    for kind in ["decoded", "dicom."] {
        assert!(answers.iter().any(|answer| answer.starts_with(kind)), "{kind} is among {answers:?}");
    }
}
