//! A day in miniature: studies are imported, drafted with the demonstration pack, reviewed and signed one after
//! another, 500 of them in the full form, and the memory of app and workers stays as it was in the morning.
//!
//! Of a few studies it is asked what each adds when everything was done once; of five hundred, which are a day, whether the
//! last tenth holds more than the first, which stands for the first hour. The page, where the window draws, has its
//! own day (`window_day.rs`).

#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
#[allow(dead_code)]
mod checkout;
mod common;
mod memory;
mod person;

use common::{amount, full};
use hilum_app::commands::{audit, images, reading, reports, session, signing, studies};
use hilum_app::dto::{
    AppEvent, DraftMode, DraftOptions, EditCommand, ReportView, SentenceState, SignRequest, WorklistFilter,
};
use hilum_app::{App, StartOptions};
use hilum_testkit::dicom::{self, DicomFile};
use memory::{MORE, children, growth, held, tenths};
use person::{Desk, NAME, PASSPHRASE, import};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// What a study may add in the median, of either, megabytes: of a few, among which the memory that an allocator keeps
/// shows, and of a day.
const GROWTH: (f64, f64) = (3.0, 0.1);
/// What SQLite may keep of the database's pages at most, megabytes as those of [`held`]: 64 MiB (`store/src/database.rs`)
/// with their headers.
const PAGES: f64 = 72.0;
/// Studies after which everything was done once.
const WARM: usize = 3;

/// Memory of this process, which is the app's, and of its workers, megabytes. Pages of the database that SQLite keeps are
/// counted apart: they are as many as the database has until there is no more room for them, which takes longer than a
/// day that begins with no study at all.
#[derive(Debug, Clone, Copy, Default)]
struct Memory {
    app: f64,
    pages: f64,
    workers: f64,
}

unsafe extern "C" {
    /// sqlite.org/c3ref/status.html. This process has one SQLite.
    fn sqlite3_status64(what: i32, now: &mut i64, most: &mut i64, reset: i32) -> i32;
}

/// Bytes of pages that SQLite holds, all of which it takes from its allocator (SQLITE_STATUS_PAGECACHE_OVERFLOW).
fn pages() -> i64 {
    const OF_ALLOCATOR: i32 = 2;
    let (mut now, mut most) = (0, 0);
    // SAFETY: two numbers to be written.
    assert_eq!(unsafe { sqlite3_status64(OF_ALLOCATOR, &mut now, &mut most, 0) }, 0);
    now
}

fn memory() -> Memory {
    let me = i32::try_from(std::process::id()).expect("an id");
    let pages = pages() as f64 / 1024.0 / 1000.0;
    let app = held(me).expect("this process") - pages;
    Memory { app, pages, workers: children().into_iter().filter_map(held).sum() }
}

/// A chest as the demonstration pack draws them, roughly, of a patient of its own; 1,500 pixels on a side.
fn radiograph(number: usize, folder: &Path) -> (String, PathBuf) {
    let (shift, bright) = (number as i64 % 23, number as u32 % 7);
    let pixel = move |row: u32, column: u32| {
        let (x, y) = (i64::from(column) - 750, i64::from(row) - 750);
        let lung = ((x.abs() - 330).pow(2) * 100 / 57_600 + (y + shift).pow(2) * 100 / 250_000) < 100;
        let heart = (x - 90 + shift).pow(2) * 100 / 72_900 + (y - 260).pow(2) * 100 / 84_100 < 100;
        match (heart, lung) {
            (true, _) => 2900,
            (_, true) => 900 + (row / 8 + bright * 20) as u16,
            _ => 2400 + (column % 64) as u16,
        }
    };
    let study = format!("2.25.81.{number}");
    let file = DicomFile::radiograph(1500, 1500, 12, pixel)
        .text(dicom::STUDY_UID, b"UI", &study)
        .text(dicom::SERIES_UID, b"UI", &format!("2.25.82.{number}"))
        .text(dicom::INSTANCE_UID, b"UI", &format!("2.25.83.{number}"))
        .text(dicom::ACCESSION_NUMBER, b"SH", &format!("DAY{number}"))
        .text(dicom::PATIENT_ID, b"LO", &format!("DAY{number}"));
    let path = folder.join("next.dcm");
    std::fs::write(&path, file.write()).expect("a study");
    (study, path)
}

/// One study from its file to its signed document; gives the number of sentences that a model proposed.
async fn read_one(app: &Arc<App>, desk: &Desk, number: usize, folder: &Path) -> usize {
    let (uid, file) = radiograph(number, folder);
    let (came, _) = import(app, desk, vec![file], 120).await;
    assert!(came.iter().all(|(_, verdict, _)| verdict == "imported"), "{came:?}");
    reading::worklist(app, String::new(), WorklistFilter::default()).await.expect("rows");
    let study = studies::open_study(app, uid.clone()).await.expect("a study");
    let image = study.images[0].instance_uid.clone();
    images::image_pixels(app, image.clone()).await.expect("pixels");
    images::thumbnail(app, image).await.expect("a thumbnail");
    let report = reports::report_view(app, uid.clone()).await.expect("a report");
    desk.forget_events();
    let options = DraftOptions { indication_confirmed: false, notes: String::new(), mode: DraftMode::Structured, use_prior: false };
    reports::draft_start(app, report.id.clone(), options).await.expect("a draft begins");
    let report = desk
        .wait("the draft", 180, |e| match e {
            AppEvent::DraftDone { report, .. } => Some(report.clone()),
            AppEvent::DraftFailed { code, detail, .. } => panic!("study {number}: {code}: {detail}"),
            _ => None,
        })
        .await;
    let (report, proposed) = reviewed(app, report).await;
    let request = SignRequest {
        report_id: report.id.clone(),
        revision: report.revision,
        passphrase: PASSPHRASE.into(),
        patient_confirmed: true,
        accession_confirmed: true,
    };
    let signed = signing::sign(app, request).await.unwrap_or_else(|e| panic!("study {number}: {}: {:?}", e.code, report.needs));
    let document = signing::signed_pdf(app, signed.version_id).await.expect("a document");
    assert!(document.starts_with(b"%PDF"));
    desk.forget_events();
    proposed
}

/// Every proposed sentence is decided on, one of them put otherwise, and what is empty and wanted is written.
async fn reviewed(app: &Arc<App>, report: ReportView) -> (ReportView, usize) {
    let mut decisions = Vec::new();
    for section in &report.sections {
        for sentence in section.sentences.iter().filter(|s| s.state == SentenceState::Proposed) {
            let id = sentence.id.clone();
            decisions.push(match decisions.len() {
                0 => EditCommand::Edit { id, text: "The first sentence, in a person's words.".into() },
                _ => EditCommand::Accept { id },
            });
        }
    }
    let proposed = decisions.len();
    for section in report.sections.iter().filter(|section| section.open && section.required) {
        let (id, text) = (format!("typed-{:?}", section.name), "As seen.".to_owned());
        decisions.push(EditCommand::Insert { section: section.name, after: None, id, text, region: None, from: None });
    }
    let report = reports::report_edit(app, report.id.clone(), report.revision, decisions).await.expect("a review");
    (report, proposed)
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_in_the_evening_what_it_was_in_the_morning() {
    checkout::use_demo_packs();
    hilum_workers::return_freed_buffers();
    let root = tempfile::tempdir().expect("a folder");
    let desk = Arc::new(Desk::default());
    let app = Arc::new(App::new(StartOptions { data: root.path().join("data"), open: None }, desk.clone()));
    session::create_first_user(&app, NAME.into(), PASSPHRASE.into()).await.expect("a user");
    let studies = amount(14, 500);
    let begun = Instant::now();
    let (mut seen, mut proposed) = (Vec::new(), 0);
    for number in 0..studies {
        proposed += read_one(&app, &desk, number, root.path()).await;
        seen.push(memory());
        if number % 25 == 0 || number + 1 == studies {
            let Memory { app, pages, workers } = seen[number];
            let seconds = begun.elapsed().as_secs_f64();
            println!("{seconds:5.0} s: study {number}, app {app:.1} MB and {pages:.1} of pages, workers {workers:.1} MB");
        }
    }
    assert!(proposed >= studies, "the model proposed {proposed} sentences in {studies} studies");
    let chain = audit::audit_verify(&app).await.expect("a chain");
    assert!(chain.ok, "{chain:?}");
    let of = |part: fn(&Memory) -> f64| seen.iter().map(part).collect::<Vec<f64>>();
    let (app_tenths, worker_tenths) = (tenths(&of(|m| m.app)), tenths(&of(|m| m.workers)));
    let morning = Memory { app: app_tenths.0, pages: 0.0, workers: worker_tenths.0 };
    let evening = Memory { app: app_tenths.1, pages: 0.0, workers: worker_tenths.1 };
    let most = seen.iter().fold(Memory::default(), |m, now| Memory {
        app: m.app.max(now.app),
        pages: m.pages.max(now.pages),
        workers: m.workers.max(now.workers),
    });
    println!(
        "{studies} studies signed in {:.0} s, {proposed} sentences proposed. App: {:.1} MB in the first tenth, {:.1} in the last, {:.1} at most, \
         and {:.1} of pages; workers: {:.1}, {:.1}, {:.1}",
        begun.elapsed().as_secs_f64(), morning.app, evening.app, most.app, most.pages, morning.workers, evening.workers, most.workers
    );
    assert!(most.pages > 0.0 && most.pages <= PAGES, "SQLite keeps {:.1} MB of pages", most.pages);
    app.close().await;
    let warm = WARM.min(studies - 1);
    let (app, workers) = (growth(&of(|m| m.app)[warm..]), growth(&of(|m| m.workers)[warm..]));
    println!("each study after the first {WARM} adds {app:.2} MB to the app and {workers:.2} to the workers, in the median");
    let most = if full() { GROWTH.1 } else { GROWTH.0 };
    assert!(app <= most, "each study adds {app:.2} MB to the app, {most} at most are allowed");
    assert!(workers <= most, "each study adds {workers:.2} MB to the workers, {most} at most are allowed");
    if full() {
        assert!(evening.app <= morning.app * MORE, "the app grew from {:.1} to {:.1} MB", morning.app, evening.app);
        assert!(evening.workers <= morning.workers * MORE, "the workers grew from {:.1} to {:.1} MB", morning.workers, evening.workers);
    }
}
