//! The life of a report: whatever is asked of the window's handlers, in whatever order and while a model
//! drafts, nothing is final without a signature event, nothing final is edited, no signature covers an
//! unreviewed sentence, and every later version links its parent.
//!
//! `HILUM_SEQUENCES` says how many random sequences (150 where it is not set; `./dev check-long`: 10,000),
//! `HILUM_GUARD_SEED` which. The handlers run on one real, encrypted data folder without a desktop. After every
//! sequence its report is read back through them; after every run of [`RUN`] the folder is closed, opened
//! again, and every report, version and audit line in it that the run touched is judged by `ledger`.

mod broken;
#[path = "../common.rs"]
mod common;
#[path = "../safekeeping/desk.rs"]
#[allow(dead_code, reason = "this guard uses the host and the folder alone")]
mod desk;
mod ledger;
mod person;
mod scribe;
mod sequence;

use common::Random;
use desk::{CHEAP, Desk, NAME, PASSPHRASE, unlock};
use hilum_app::commands::{models, session, studies};
use hilum_app::dto::AppEvent;
use hilum_app::{App, StartOptions};
use hilum_report::{ReportId, UserId};
use hilum_store::{AuditEntry, AuditVerdict, DataFolder, NewUser, Role, Store};
use hilum_testkit::dicom::{self, DicomFile};
use sequence::{Done, Sequence};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use time::OffsetDateTime;

/// Sequences between two openings of the folder.
const RUN: usize = 50;
/// How many sequences one study goes through, each beginning where the one before ended.
const LIVES: usize = 6;
/// How many sequences of each run the demonstration pack drafts in, in its worker, before the scribe does.
const BY_MODEL: usize = 2;

pub const TRAINEE: &str = "Dr B. Learner";

/// What the guard remembers from one opening of the folder to the next.
#[derive(Default)]
struct Memory {
    /// Studies in use, with the sequences that each went through.
    open: Vec<(String, usize)>,
    made: usize,
    /// Every report that was ever there.
    reports: BTreeSet<String>,
    /// Those that the last run touched.
    touched: BTreeSet<String>,
    /// Every signed version as it was first read, which it must be for ever.
    versions: BTreeMap<String, String>,
    known: sequence::Known,
    /// Lines of the audit trail that were read.
    seen: u64,
    /// Those of them that name a report, by report.
    lines: BTreeMap<String, Vec<AuditEntry>>,
    done: Done,
}

#[test]
fn random_sequences_through_the_handlers() {
    let wanted: usize = std::env::var("HILUM_SEQUENCES").map_or(150, |n| n.parse().expect("HILUM_SEQUENCES is a number"));
    let began = Instant::now();
    // In memory where that is to be had: what a disk does is tried elsewhere.
    let shared = Path::new("/dev/shm");
    let place = if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() }.expect("a folder");
    let packs = common::repository().join("models/demo");
    // SAFETY: no other thread reads the environment yet.
    unsafe { std::env::set_var("HILUM_MODELS", packs) };
    let data = place.path().join("data");
    runtime(|runtime| runtime.block_on(make_users(&data)));
    let mut memory = Memory::default();
    let mut account = ledger::Found::default();
    let mut first = 0;
    while first < wanted {
        let last = wanted.min(first + RUN);
        // A runtime of its own, so that whatever still runs lets go of the folder.
        runtime(|runtime| runtime.block_on(run(first..last, place.path(), &data, &mut memory)));
        runtime(|runtime| runtime.block_on(read_back(&data, &mut memory, last == wanted, &mut account)));
        first = last;
    }
    println!("{wanted} sequences in {:.0} s: {}", began.elapsed().as_secs_f64(), memory.done);
    println!("{} reports, {} audit lines read back: {account:?}", memory.reports.len(), memory.seen);
    memory.done.tried_everything(wanted);
}

fn runtime<T>(work: impl FnOnce(&tokio::runtime::Runtime) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let done = work(&runtime);
    runtime.shutdown_timeout(Duration::from_secs(10));
    done
}

/// A reader and a trainee, whose passphrases cost little: their cost is not what is tried here.
async fn make_users(data: &Path) {
    let folder = DataFolder::open_with(data, CHEAP).expect("a data folder");
    let user = |id: &str, name: &str, role| NewUser { id: UserId::new(id), name: name.to_owned(), role };
    let now = OffsetDateTime::now_utc();
    let (store, _) = folder.create(user("u-reader", NAME, Role::Radiologist), PASSPHRASE, now).await.expect("a store");
    store.add_user(user("u-learner", TRAINEE, Role::Trainee), PASSPHRASE, now).await.expect("a trainee");
    store.close().await.expect("to close");
}

async fn run(numbers: std::ops::Range<usize>, place: &Path, data: &Path, memory: &mut Memory) {
    let desk = Arc::new(Desk::default());
    let app = Arc::new(App::new(StartOptions { data: data.to_owned(), open: None }, desk.clone()));
    session::unlock(&app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked");
    let workstation = app.workstation().await.expect("a workstation").clone();
    let packs = models::models(&app).await.expect("models");
    assert!(packs.iter().any(|p| p.kind == "medgemma" && p.in_use), "the demonstration packs are there");
    import(&app, &desk, place, memory, numbers.len().div_ceil(LIVES) + 1).await;
    let by_scribe = numbers.start + BY_MODEL;
    for number in numbers {
        let mut random = Random::new((number as u64) << 16 | 0x5EC0);
        if number >= by_scribe {
            workstation.use_models(scribe::models(number as u64));
        }
        let at = random.below(memory.open.len());
        let study = memory.open[at].0.clone();
        let mut sequence = Sequence::begin(&app, &desk, number, study, random).await;
        sequence.run().await;
        sequence.read_back(&mut memory.known).await;
        memory.touched.extend(sequence.reports.iter().cloned());
        memory.reports.append(&mut sequence.reports);
        memory.done.add(&sequence.done);
        memory.open[at].1 += 1;
        if memory.open[at].1 >= LIVES {
            memory.open.remove(at);
        }
    }
    app.close().await;
}

/// Adds studies of patients of their own.
async fn import(app: &Arc<App>, desk: &Arc<Desk>, place: &Path, memory: &mut Memory, count: usize) {
    let folder = place.join("incoming");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    for _ in 0..count {
        memory.made += 1;
        let uid = |kind: u32| format!("2.25.{kind}.{}", memory.made);
        let file = DicomFile::radiograph(64, 64, 12, |row, column| ((row * column) % 4096) as u16)
            .text(dicom::STUDY_UID, b"UI", &uid(81))
            .text(dicom::SERIES_UID, b"UI", &uid(82))
            .text(dicom::INSTANCE_UID, b"UI", &uid(83))
            .text(dicom::ACCESSION_NUMBER, b"SH", &format!("L{}", memory.made))
            .text(dicom::PATIENT_ID, b"LO", &format!("LIFE{}", memory.made))
            .text(dicom::PATIENT_NAME, b"PN", &format!("LIFE{}^TEST", memory.made));
        std::fs::write(folder.join(format!("{}.dcm", memory.made)), file.write()).expect("a study");
    }
    *desk.folder.lock().expect("a folder") = Some(folder);
    studies::import_folder(app).await.expect("an import").expect("a job");
    let uids = desk
        .wait("end of the import", |e| match e {
            AppEvent::ImportDone { study_uids, .. } => Some(study_uids.clone()),
            _ => None,
        })
        .await;
    assert_eq!(uids.len(), count, "every study was imported");
    memory.open.extend(uids.into_iter().map(|uid| (uid, 0)));
}

/// Opens the folder as at the next start, and judges what this run touched: all of it at the end.
async fn read_back(data: &Path, memory: &mut Memory, end: bool, account: &mut ledger::Found) {
    let store = unlock(data).await;
    read_audit(&store, memory).await;
    let touched = std::mem::take(&mut memory.touched);
    let touched = if end { memory.reports.clone() } else { touched };
    let trusted: Vec<Vec<u8>> =
        hilum_store::certificates(data).expect("certificates").into_iter().map(|c| c.der).collect();
    let none = Vec::new();
    for id in &touched {
        let report = ReportId::new(id);
        let record = ledger::Record::read(&store, &report).await;
        let lines: Vec<&AuditEntry> = memory.lines.get(id).unwrap_or(&none).iter().collect();
        let found = ledger::judge(&report, &record, &lines).unwrap_or_else(|e| panic!("report {id}: {e}"));
        if end {
            account.add(found);
        }
        for version in &record.versions {
            let pdf = store.signed_pdf(version).await.expect("the document, with the hash that was recorded");
            let as_read = format!("{version:?}");
            match memory.versions.get(version.id.as_str()) {
                Some(first) => assert_eq!(*first, as_read, "a signed version changed"),
                None => {
                    // Each document once: the hash that was recorded holds its bytes from then on.
                    let verdict = hilum_export::verify::verify(&pdf, &trusted);
                    assert!(verdict.is_ok(), "version {}: {verdict:?}", version.id);
                    memory.versions.insert(version.id.to_string(), as_read);
                }
            }
        }
    }
    if end {
        assert_eq!(store.check_integrity().await.expect("a check"), Vec::<String>::new());
        let verdict = store.verify_audit(None).await.expect("a verdict");
        assert!(matches!(verdict, AuditVerdict::Intact(_)), "{verdict:?}");
    }
    store.close().await.expect("to close");
}

/// Lines of the audit trail that were not read yet, by the report that they name.
async fn read_audit(store: &Store, memory: &mut Memory) {
    let mut before = None;
    let mut newest = memory.seen;
    loop {
        let page = store.audit_entries(1000, before).await.expect("audit lines");
        let fresh: Vec<AuditEntry> = page.iter().filter(|line| line.seq > memory.seen).cloned().collect();
        newest = newest.max(fresh.first().map_or(0, |line| line.seq));
        before = fresh.last().map(|line| line.seq);
        let more = fresh.len() == page.len() && !page.is_empty();
        for line in fresh.into_iter().filter(|line| line.event.action == "report.sign") {
            memory.lines.entry(line.event.object.clone()).or_default().push(line);
        }
        if !more {
            break;
        }
    }
    memory.seen = newest;
}
