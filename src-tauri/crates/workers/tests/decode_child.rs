//! What the parent makes of a decoder that behaves, refuses, lies, stalls or dies.

use hilum_workers::{Cancel, DecodeChild, DecodeInput, Decoded, WorkerError, messages::decode::DecodeWants};
use std::{
    io::{Seek, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

fn child() -> DecodeChild {
    let mut child = DecodeChild::new(PathBuf::from(env!("CARGO_BIN_EXE_hilum-workers-fault-child")));
    child.wall_limit = Duration::from_secs(2);
    child
}

fn everything() -> DecodeWants {
    DecodeWants { pixels: true, thumbnail: Some(64), model_inputs: vec![8, 4], display: Some(64), stored: true, archive: false }
}

async fn decode(how: &str) -> Result<Decoded, WorkerError> {
    child().decode(DecodeInput::Bytes(how.as_bytes().to_vec()), &everything(), &Cancel::new()).await
}

fn check_clean(decoded: &Decoded) {
    assert_eq!((decoded.header.rows, decoded.header.columns), (Some(2), Some(3)));
    assert_eq!(decoded.pixels.as_ref().map(|(d, b)| (d.rows, b.len())), Some((2, 12)));
    assert_eq!(decoded.stored.as_ref().map(|s| (s.shape.clone(), s.bytes.len())), Some((vec![2, 3], 12)));
    assert!(decoded.thumbnail.is_some());
    assert_eq!(decoded.display.as_ref().map(|d| d.gray.len()), Some(6));
    let inputs: Vec<_> = decoded.model_inputs.iter().map(|(side, gray)| (*side, gray.len())).collect();
    assert_eq!(inputs, [(8, 64), (4, 16)], "inputs come in the order of the wants");
}

#[tokio::test]
async fn bytes_and_open_files_are_decoded() {
    check_clean(&decode("clean").await.expect("clean"));
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(b"clean").and_then(|()| file.rewind()).expect("written");
    let decoded = child().decode(DecodeInput::File(file), &everything(), &Cancel::new()).await;
    check_clean(&decoded.expect("clean"));
}

#[tokio::test]
async fn an_object_without_pixels_has_a_header_only() {
    let decoded = decode("no-pixels").await.expect("a header");
    assert!(decoded.header.rows.is_none() && decoded.pixels.is_none() && decoded.model_inputs.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_gets_its_code_in_time_and_the_parent_does_not_grow() {
    let cases = [
        ("refuse", "dicom.not_dicom"),
        ("late-refusal", "dicom.truncated"),
        ("refuse-badly", "decode.garbled"),
        ("abort", "decode.killed"),
        ("segfault", "decode.killed"),
        ("panic", "decode.killed"),
        ("memory", "decode.killed"),
        ("late-abort", "decode.killed"),
        ("exit", "decode.garbled"),
        ("half", "decode.garbled"),
        ("garbage", "decode.garbled"),
        ("oversized", "decode.garbled"),
        ("headers", "decode.garbled"),
        ("done-first", "decode.garbled"),
        ("incomplete", "decode.garbled"),
        ("lying-rows", "decode.garbled"),
        ("short-body", "decode.garbled"),
        ("huge-header", "decode.garbled"),
        ("unasked", "decode.garbled"),
        ("hang", "decode.timeout"),
        ("loris", "decode.timeout"),
    ];
    let before = peak_memory();
    for (how, code) in cases {
        let begun = Instant::now();
        let error = decode(how).await.expect_err(how);
        assert_eq!(error.code(), code, "{how}: {error}");
        assert!(error.is_verdict(), "{how}: the next file may be tried");
        assert!(begun.elapsed() < Duration::from_secs(3), "{how} took {:?}", begun.elapsed());
    }
    let grown = peak_memory().saturating_sub(before);
    assert!(grown < 16 << 20, "the parent grew by {grown} bytes");
}

#[tokio::test]
async fn a_child_gets_nothing_but_its_file() {
    // A descriptor that is not close-on-exec, as a careless library leaves one.
    // SAFETY: duplicates standard error of this test.
    let careless = unsafe { libc::dup(2) };
    assert!(careless > 2);
    let said = decode("surroundings").await.expect_err("it answers with a refusal").to_string();
    assert_eq!(said, r#"["MALLOC_ARENA_MAX"] / [0, 1, 2]"#);
}

#[tokio::test]
async fn a_cancel_ends_the_child_at_once() {
    let cancel = Cancel::new();
    let begun = Instant::now();
    let child = child();
    let wants = everything();
    let decode = child.decode(DecodeInput::Bytes(b"hang".to_vec()), &wants, &cancel);
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        cancel.cancel();
    };
    let (answer, ()) = tokio::join!(decode, stop);
    assert_eq!(answer.expect_err("cancelled").code(), "worker.cancelled");
    assert!(begun.elapsed() < Duration::from_millis(600), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_missing_program_is_said() {
    let child = DecodeChild::new(PathBuf::from("/nowhere/hilum-decode"));
    let error = child.decode(DecodeInput::Bytes(Vec::new()), &everything(), &Cancel::new()).await;
    assert_eq!(error.expect_err("nothing to start").code(), "worker.start");
}

/// Largest resident size of this process so far, in bytes.
fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("VmHWM");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<usize>().ok()).expect("a number") * 1024
}
