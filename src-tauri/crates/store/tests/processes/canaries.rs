//! Texts that identify a patient are planted everywhere; no file may show one.

use crate::{child, sample::*};
use hilum_report::{PackHash, ProposalId, SectionKind};
use hilum_store::{Cache, NewProposal, ProposalOutcome, ProposalStatus};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;

const CANARIES: usize = 20;

/// Made of two parts, so that this binary does not hold it whole.
fn canary(n: usize) -> String {
    format!("{}{n:02}{}", "Kanari", "envogel")
}

pub fn run(_runtime: &Runtime) {
    let (data, temp) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let places = [data.path(), temp.path()];
    let mut child = child("canaries", data.path(), temp.path());
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut stdin = child.stdin.take().expect("its input");
    for moment in ["open", "closed"] {
        assert_eq!(lines.next().and_then(Result::ok).as_deref(), Some(moment));
        check(&places, moment);
        if moment == "open" {
            no_file_elsewhere(child.id(), &places);
        }
        stdin.write_all(b"on\n").expect("to go on");
    }
    assert!(child.wait().expect("its end").success());
    check(&places, "after the end");
    // The check can fail: it finds one that is planted in the open.
    for bytes in [canary(7).into_bytes(), utf16(&canary(7), u16::to_le_bytes), utf16(&canary(7), u16::to_be_bytes)] {
        std::fs::write(temp.path().join("planted"), [b"x".as_slice(), &bytes].concat()).expect("to plant one");
        assert_eq!(find(&places).len(), 1);
    }
}

fn check(places: &[&Path], moment: &str) {
    let found = find(places);
    assert!(found.is_empty(), "{moment}: {found:?}");
}

/// The canaries found under the places, with their files.
fn find(places: &[&Path]) -> Vec<(usize, PathBuf)> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = places.iter().map(|p| p.to_path_buf()).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").filter_map(Result::ok) {
            if entry.path().is_dir() { folders.push(entry.path()) } else { files.push(entry.path()) }
        }
    }
    let mut found = Vec::new();
    for file in files {
        let bytes = std::fs::read(&file).expect("a file");
        for n in 1..=CANARIES {
            let text = canary(n);
            let forms = [text.clone().into_bytes(), utf16(&text, u16::to_le_bytes), utf16(&text, u16::to_be_bytes)];
            if forms.iter().any(|form| bytes.windows(form.len()).any(|w| w == form)) {
                found.push((n, file.clone()));
            }
        }
    }
    found
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

/// Files that the child holds open, deleted ones too, are under the data folder.
fn no_file_elsewhere(process: u32, places: &[&Path]) {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{process}/fd")) else {
        println!("open files were not looked at: there is no /proc here");
        return;
    };
    // The three standard streams are whatever the test was started with.
    let own = entries.filter_map(Result::ok).filter(|e| !["0", "1", "2"].iter().any(|n| e.file_name() == *n));
    for target in own.filter_map(|e| std::fs::read_link(e.path()).ok()) {
        let name = target.to_string_lossy();
        let is_file = name.starts_with('/') && !name.starts_with("/dev/") && !name.starts_with("/proc/");
        assert!(!is_file || target.starts_with(places[0]), "the child holds {name}");
    }
}

/// The child: plants all of them, waits to be looked at while open and when closed.
pub async fn fill_and_wait(folder: &Path) {
    let folder = hold(folder);
    let store = create(&folder).await;
    import(&store, canary).await;
    store.set_cache(INSTANCE, Cache::Pixels, canary(15).into_bytes()).await.expect("to save");
    let proposal = NewProposal {
        id: ProposalId::new("p"),
        study_uid: STUDY.to_owned(),
        report: None,
        pack_id: "demo".to_owned(),
        pack_hash: PackHash::new("hash"),
        demo: true,
        prompt: canary(16),
        image_hashes: Vec::new(),
        settings: serde_json::json!({}),
        started_at: AT,
    };
    store.begin_proposal(&proposal).await.expect("a proposal");
    let outcome = ProposalOutcome {
        status: ProposalStatus::Complete,
        finished_at: AT,
        raw_text: canary(17),
        token_ids: vec![],
        logprobs: vec![],
        timings: serde_json::json!({}),
        error_code: None,
    };
    store.finish_proposal(&proposal.id, &outcome).await.expect("its end");
    let report = new_report(&store, STUDY, "r").await.expect("a report");
    let findings = insert(SectionKind::Findings, "f".to_owned(), &format!("{} is clear.", canary(18)));
    let impression = insert(SectionKind::Impression, "i".to_owned(), &canary(19));
    let report = store.append(report.id(), 0, &[findings, impression]).await.expect("to append");
    sign(&store, &report, "v", canary(20).as_bytes()).await.expect("to sign");
    store.set_setting("last.search", &canary(5)).await.expect("a setting");
    // A sort and a search, which might want temporary files.
    assert_eq!(store.search_reports(&canary(18), 5).await.expect("a search").len(), 1);
    assert_eq!(store.worklist(&Default::default()).await.expect("a worklist").len(), 1);
    say_and_wait("open");
    store.close().await.expect("to close");
    say_and_wait("closed");
}

fn say_and_wait(word: &str) {
    println!("{word}");
    let mut answer = [0; 3];
    std::io::stdin().read_exact(&mut answer).expect("an answer");
}
