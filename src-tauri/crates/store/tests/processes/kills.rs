//! A child types, saves and signs, says what was acknowledged, and is killed or told to exit at a random
//! moment; then everything it said must be there, and nothing half.

use crate::{child, sample::*};
use hilum_report::{Command, Report, ReportId, SectionKind, Status, VersionKind};
use hilum_store::{AuditVerdict, Cache, Store, StoreError};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// What the children said was done.
#[derive(Default)]
struct Acknowledged {
    /// Sentences by report and journal line.
    typed: BTreeMap<(String, u64), String>,
    /// Document of each version, by report.
    signed: BTreeMap<(String, String), String>,
    /// The last thumbnail.
    saved: Option<String>,
}

/// How a child ends.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Kill,
    /// By itself, with the status of success, while a thread of it is at work.
    Exit,
}

/// Lines until the first signature: that it is ready, eight sentences, a thumbnail, and the signature itself.
const TO_A_SIGNATURE: usize = 11;

fn rounds() -> u32 {
    std::env::var("HILUM_KILLS").map_or(10, |n| n.parse().expect("HILUM_KILLS is a number"))
}

pub fn exits(runtime: &Runtime) {
    let temp = tempfile::tempdir().expect("a folder");
    let folder = temp.path().join("data");
    let mut said = Acknowledged::default();
    let mut random = Random(u64::from(std::process::id()) << 20 | 1);
    for _ in 0..rounds() {
        let wait = Duration::from_micros(random.below(100_000));
        assert!(end_one(&folder, temp.path(), 1, wait, End::Exit, &mut said), "a child that was not at work");
        runtime.block_on(check(&folder, &said));
    }
}

pub fn run(runtime: &Runtime) {
    let kills = rounds();
    let temp = tempfile::tempdir().expect("a folder");
    let folder = temp.path().join("data");
    let mut said = Acknowledged::default();
    let mut random = Random(u64::from(std::process::id()) << 20 | u64::from(kills));
    let (mut mid_work, mut signatures) = (0, 0);
    for round in 0..kills {
        // One kill in eight falls while the folder is made or unlocked, before the first word; one in four after the first
        // signature, however slow this machine is.
        let words_first = match round % 8 {
            7 => 0,
            1 | 5 => TO_A_SIGNATURE,
            _ => 1,
        };
        let wait = Duration::from_micros(random.below(if words_first > 0 { 400_000 } else { 60_000 }));
        mid_work += u32::from(end_one(&folder, temp.path(), words_first, wait, End::Kill, &mut said));
        signatures += usize::from(words_first == TO_A_SIGNATURE);
        runtime.block_on(check(&folder, &said));
    }
    let at_work = (0..kills).filter(|round| round % 8 != 7).count();
    assert!(mid_work as usize >= at_work, "only {mid_work} of {kills} children were at work when they were killed");
    assert!(
        said.signed.len() >= signatures && said.typed.len() >= signatures * 8,
        "{} signatures and {} sentences acknowledged, where {signatures} children were to sign",
        said.signed.len(),
        said.typed.len()
    );
    println!(
        "{kills} kills, {mid_work} of them in the midst of work; {} sentences and {} signatures acknowledged",
        said.typed.len(),
        said.signed.len()
    );
    runtime.block_on(measure());
}

/// Lets a child work until it has said so much, ends it some time later, and notes what it said. True when it had said
/// something by then. It must have ended by that alone, without a word on its standard error.
fn end_one(folder: &Path, temp: &Path, words_first: usize, wait: Duration, end: End, said: &mut Acknowledged) -> bool {
    let mut child = child(if end == End::Kill { "worker" } else { "leaver" }, folder, temp);
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let first: Vec<_> = lines.by_ref().take(words_first).collect();
    let at_work = !first.is_empty();
    std::thread::sleep(wait);
    if end == End::Kill {
        child.kill().expect("to kill it");
    }
    // Closes its input too, which is the sign to exit.
    let status = child.wait().expect("its end");
    let mut complaints = String::new();
    child.stderr.take().expect("its errors").read_to_string(&mut complaints).expect("text");
    let as_it_must = match end {
        // Who was ended by a signal has no code.
        End::Kill => status.code().is_none() || cfg!(windows),
        End::Exit => status.success(),
    };
    assert!(as_it_must && complaints.is_empty(), "a child ends in the midst of work: {status}\n{complaints}");
    for line in first.into_iter().chain(lines) {
        // A line that was cut short acknowledged nothing.
        let line = line.unwrap_or_default();
        let words: Vec<&str> = line.split('\t').collect();
        match words.as_slice() {
            ["ready", "."] => {}
            ["typed", report, line, id, "."] => {
                said.typed.insert(((*report).to_owned(), line.parse().expect("a number")), (*id).to_owned());
            }
            ["signed", report, version, pdf, "."] => {
                said.signed.insert(((*report).to_owned(), (*version).to_owned()), (*pdf).to_owned());
            }
            ["saved", content, "."] => said.saved = Some((*content).to_owned()),
            _ => assert!(!line.ends_with("\t."), "the child said {line:?}"),
        }
    }
    at_work
}

/// Opens the folder as the app would after the kill, and looks for everything that was said.
async fn check(path: &Path, said: &Acknowledged) {
    let folder = hold(path);
    if !folder.has_users() {
        assert!(said.typed.is_empty() && said.signed.is_empty() && said.saved.is_none());
        return;
    }
    let store = unlock(&folder).await;
    assert_eq!(store.check_integrity().await.expect("a check"), Vec::<String>::new());
    let verdict = store.verify_audit(None).await.expect("a verdict");
    assert!(matches!(verdict, AuditVerdict::Intact(_)), "{verdict:?}");
    for ((report, line), id) in &said.typed {
        let journal = store.journal(&ReportId::new(report)).await.expect("a journal");
        let entry = &journal[usize::try_from(*line).expect("a small number") - 1];
        let Command::Insert { id: found, .. } = &entry.command else { panic!("{report} {line}: {entry:?}") };
        assert_eq!(found.as_str(), id, "{report} {line}");
    }
    let study = match store.study(STUDY).await {
        Ok(study) => study,
        Err(StoreError::NotFound { .. }) => {
            assert!(said.typed.is_empty() && said.saved.is_none());
            store.close().await.expect("to close");
            return;
        }
        Err(e) => panic!("{e}"),
    };
    for r in 0.. {
        let Ok(study) = store.study(&study_of(r)).await else { break };
        for row in &study.reports {
            whole(&store, &store.report(&row.id).await.expect("a report that replays")).await;
        }
    }
    for ((report, version), pdf) in &said.signed {
        let versions = store.versions(&ReportId::new(report)).await.expect("versions");
        let version = versions.iter().find(|v| v.id.as_str() == version).expect("the signed version");
        assert_eq!(store.signed_pdf(version).await.expect("its document"), pdf.as_bytes());
    }
    if let Some(saved) = &said.saved {
        // The last one acknowledged, or one that was saved and could no longer be acknowledged.
        let thumbnail = study.series[0].instances[0].thumbnail.clone().expect("a thumbnail");
        let found = String::from_utf8(store.blob(&thumbnail).await.expect("its bytes")).expect("text");
        let number = |text: &str| text.split(' ').nth(1).and_then(|n| n.parse::<u64>().ok());
        assert!(number(&found) >= number(saved), "{found} is older than {saved}");
    }
    store.sweep_blobs(std::time::SystemTime::now()).await.expect("to sweep");
    store.close().await.expect("to close");
}

fn study_of(report: usize) -> String {
    format!("1.2.9.{report}")
}

/// Nothing is half-signed: status, journal, versions and documents tell the same story.
async fn whole(store: &Store, report: &Report) {
    let versions = store.versions(report.id()).await.expect("versions");
    let journal = store.journal(report.id()).await.expect("a journal");
    let signs = journal.iter().filter(|e| matches!(e.command, Command::Sign { .. })).count();
    assert_eq!(versions.len(), signs);
    assert_eq!(report.versions().len(), signs);
    assert_eq!(journal.len() as u64, report.revision());
    for (version, signed) in versions.iter().zip(report.versions()) {
        assert_eq!((&version.id, &version.text, &version.parent), (&signed.id, &signed.text, &signed.parent));
        store.signed_pdf(version).await.expect("its document");
    }
    if report.status() == Status::Final {
        assert!(matches!(journal.last().map(|e| &e.command), Some(Command::Sign { .. })));
    }
}

/// The child: types, saves and signs for as long as it lives.
pub async fn work_until_killed(folder: &Path) {
    let folder = hold(folder);
    let store = if folder.has_users() { unlock(&folder).await } else { create(&folder).await };
    if matches!(store.study(STUDY).await, Err(StoreError::NotFound { .. })) {
        import(&store, |n| format!("text {n}")).await;
    }
    say(&["ready"]);
    let thumbnail = store.instance(INSTANCE).await.expect("the instance").thumbnail.expect("a thumbnail");
    let before = String::from_utf8(store.blob(&thumbnail).await.expect("its bytes")).expect("text");
    // Thumbnails are numbered on from what is there, so that the parent can tell old from new.
    let mut count = before.split(' ').nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
    for r in 0.. {
        // A study has one report, so each report has a study of its own.
        let study = study_of(r);
        match store.study(&study).await {
            Ok(known) if !known.reports.is_empty() => continue,
            Ok(_) => {}
            Err(_) => import_as(&store, &study, |n| format!("text {n}")).await,
        }
        let mut report = new_report(&store, &study, &format!("r{r}")).await.expect("a report");
        for version in 0..3 {
            if version > 0 {
                let reopen = entry(Command::Reopen { kind: VersionKind::Amendment });
                report = store.append(report.id(), report.revision(), &[reopen]).await.expect("to reopen");
            }
            for sentence in 0..8 {
                count += 1;
                let section = if sentence % 2 == 0 { SectionKind::Findings } else { SectionKind::Impression };
                let id = format!("s{count}-{}", std::process::id());
                let typed = insert(section, id.clone(), "The lungs are clear.");
                report = store.append(report.id(), report.revision(), &[typed]).await.expect("to append");
                say(&["typed", report.id().as_str(), &report.revision().to_string(), &id]);
            }
            let content = format!("thumbnail {count} of {}", std::process::id());
            store.set_cache(INSTANCE, Cache::Thumbnail, content.clone().into_bytes()).await.expect("to save");
            say(&["saved", &content]);
            let (id, pdf) =
                (format!("r{r}-v{version}"), format!("document of r{r} v{version} by {}", std::process::id()));
            report = sign(&store, &report, &id, pdf.as_bytes()).await.expect("to sign");
            say(&["signed", report.id().as_str(), &id, &pdf]);
        }
    }
}

/// A line is whole when it ends with a dot.
fn say(words: &[&str]) {
    let mut out = std::io::stdout().lock();
    let line = format!("{}\t.\n", words.join("\t"));
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).expect("to be heard");
}

/// How long the real cost of a passphrase and a durable edit take here.
async fn measure() {
    let temp = tempfile::tempdir().expect("a folder");
    let folder = hilum_store::DataFolder::open(temp.path()).expect("a data folder");
    let store = create(&folder).await;
    import(&store, |n| format!("text {n}")).await;
    let mut report = new_report(&store, STUDY, "r").await.expect("a report");
    let mut times = Vec::new();
    for n in 0..200 {
        let typed = insert(SectionKind::Findings, format!("s{n}"), "The lungs are clear.");
        let start = Instant::now();
        report = store.append(report.id(), report.revision(), &[typed]).await.expect("to append");
        times.push(start.elapsed());
    }
    times.sort();
    store.close().await.expect("to close");
    let start = Instant::now();
    let store = unlock(&folder).await;
    let unlocked = start.elapsed();
    let start = Instant::now();
    assert_eq!(store.report(report.id()).await.expect("the report"), report);
    println!(
        "unlock {} ms; append p50 {:.2} ms, p99 {:.2} ms; replay of 200 lines {:.1} ms",
        unlocked.as_millis(),
        times[100].as_secs_f64() * 1e3,
        times[197].as_secs_f64() * 1e3,
        start.elapsed().as_secs_f64() * 1e3
    );
}

/// xorshift64*: the moments of death need no better.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % limit
    }
}
