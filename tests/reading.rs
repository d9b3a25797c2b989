//! From an archive to a measured number, a linked comparison and a study in its right place:
//! the handlers of reading, without a desktop.

#[allow(dead_code)]
mod common;
#[path = "reading/flags.rs"]
mod flags;

use async_trait::async_trait;
use hilum_app::commands::{reading, reports, session, studies};
use hilum_app::dto::{Annotation, AnnotationKind, AppEvent, EditCommand, ReportView, SectionName, WorklistFilter};
use hilum_app::{App, Host, StartOptions, queue};
use hilum_testkit::dicom::{
    ACCESSION_NUMBER, DicomFile, EXPLICIT_LE, INSTANCE_UID, PATIENT_ID, PATIENT_NAME, SERIES_UID, STUDY_DATE, STUDY_UID,
};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[derive(Default)]
struct Fake {
    events: Mutex<Vec<AppEvent>>,
}

#[async_trait]
impl Host for Fake {
    fn emit(&self, event: AppEvent) {
        self.events.lock().expect("events").push(event);
    }
}

/// What an import came to: name, verdict and code of each file.
async fn imported(app: &Arc<App>, host: &Fake, paths: Vec<PathBuf>) -> (String, Vec<(String, String, Option<String>)>) {
    let job = studies::import_dropped(app, paths).await.expect("a job");
    let until = Instant::now() + Duration::from_secs(120);
    loop {
        let events = host.events.lock().expect("events").clone();
        if events.iter().any(|e| matches!(e, AppEvent::ImportDone { job: done, .. } if *done == job)) {
            let files = events.into_iter().filter_map(|e| match e {
                AppEvent::ImportProgress { job: of, file, .. } if of == job => {
                    Some((file.name, file.verdict, file.code))
                }
                _ => None,
            });
            let files: Vec<_> = files.collect();
            return (job, files);
        }
        assert!(Instant::now() < until, "the import does not end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A radiograph of patient `who`, study `n` of the year 2020 + n.
fn radiograph(who: &str, n: u16) -> Vec<u8> {
    DicomFile::radiograph(64, 48, 12, |row, column| (row * 40 + column) as u16)
        .text(0x0008_0060, b"CS", "DX")
        .text(0x0018_0015, b"CS", "CHEST")
        .text(0x0018_5101, b"CS", "PA")
        .text(PATIENT_ID, b"LO", who)
        .text(PATIENT_NAME, b"PN", &format!("{who}^TEST"))
        .text(ACCESSION_NUMBER, b"SH", &format!("ACC-{who}-{n}"))
        .text(STUDY_DATE, b"DA", &format!("{}0301", 2020 + n))
        .text(STUDY_UID, b"UI", &uid(who, n))
        .text(SERIES_UID, b"UI", &format!("{}.1", uid(who, n)))
        .text(INSTANCE_UID, b"UI", &format!("{}.1.1", uid(who, n)))
        .write_as(EXPLICIT_LE)
}

fn uid(who: &str, n: u16) -> String {
    format!("2.25.{}.{n}", who.bytes().map(u64::from).sum::<u64>())
}

/// CRC-32 as ZIP has it (APPNOTE.TXT 4.4.7).
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| (c >> 1) ^ (0xedb8_8320 & (0u32.wrapping_sub(c & 1))))
    })
}

/// A ZIP archive of stored members; `claimed` is the size that the table of contents gives a member.
fn zip(members: &[(&str, Vec<u8>, Option<u32>)]) -> Vec<u8> {
    let (mut out, mut table) = (Vec::new(), Vec::new());
    for (name, bytes, claimed) in members {
        let offset = out.len() as u32;
        let mut common = vec![0u8; 8];
        for long in [crc(bytes), bytes.len() as u32, claimed.unwrap_or(bytes.len() as u32)] {
            common.extend(long.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        out.extend([&b"PK\x03\x04\x14\0"[..], &common, name.as_bytes(), bytes].concat());
        table.extend(
            [&b"PK\x01\x02\x14\0\x14\0"[..], &common, &[0; 10], &offset.to_le_bytes(), name.as_bytes()].concat(),
        );
    }
    let (start, count) = ((out.len() as u32).to_le_bytes(), (members.len() as u16).to_le_bytes());
    let length = (table.len() as u32).to_le_bytes();
    [&out[..], &table, b"PK\x05\x06\0\0\0\0", &count, &count, &length, &start, &[0, 0]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_an_archive_to_a_study_in_its_right_place() {
    let data = tempfile::tempdir().expect("a folder");
    let out = tempfile::tempdir().expect("a folder");
    let host = Arc::new(Fake::default());
    let app = Arc::new(App::new(StartOptions { data: data.path().join("data"), open: None }, host.clone()));
    session::create_first_user(&app, "Dr A. Reader".into(), "long enough".into()).await.expect("a user");

    // An archive with two studies of one patient, and members that mean harm.
    let archive = out.path().join("disc.zip");
    let members = [
        ("IMAGES/A", radiograph("DOE", 1), None),
        ("IMAGES/B", radiograph("DOE", 5), None),
        ("../../evil.dcm", radiograph("EVIL", 1), None),
        ("bomb.dcm", vec![0; 10], Some(3 << 30)),
        ("README.TXT", b"not an image".to_vec(), None),
    ];
    std::fs::write(&archive, zip(&members)).expect("a file");
    let (_, files) = imported(&app, &host, vec![archive]).await;
    let verdicts: Vec<(&str, &str)> =
        files.iter().map(|(_, verdict, code)| (verdict.as_str(), code.as_deref().unwrap_or(""))).collect();
    assert_eq!(verdicts[..2], [("imported", ""), ("imported", "")], "{files:?}");
    assert_eq!(verdicts[2], ("refused", "zip.unsafe_name"));
    assert_eq!(verdicts[3], ("refused", "zip.bomb"));
    assert_eq!(verdicts[4].0, "refused");
    assert!(!out.path().join("../../evil.dcm").exists());

    // A disc: its table of contents brings the file that it names, and none outside it.
    let disc = out.path().join("disc");
    std::fs::create_dir_all(disc.join("IMAGES")).expect("a folder");
    std::fs::write(disc.join("IMAGES/C"), radiograph("ROE", 4)).expect("a file");
    let record = |file: &str| DicomFile::default().text(0x0004_1430, b"CS", "IMAGE").text(0x0004_1500, b"CS", file);
    let directory = DicomFile::default()
        .text(0x0008_0016, b"UI", "1.2.840.10008.1.3.10")
        .text(INSTANCE_UID, b"UI", "2.25.99")
        .sequence(0x0004_1220, vec![record("IMAGES\\C"), record("..\\..\\ETC\\PASSWD")]);
    std::fs::write(disc.join("DICOMDIR"), directory.write_as(EXPLICIT_LE)).expect("a file");
    let (disc_job, files) = imported(&app, &host, vec![disc.join("DICOMDIR")]).await;
    assert_eq!(files, [("C".to_owned(), "imported".to_owned(), None)]);

    // The worklist: filters and search.
    let all = reading::worklist(&app, String::new(), WorklistFilter::default()).await.expect("rows");
    assert_eq!(all.len(), 3);
    let found = |search: &str, filter: WorklistFilter| {
        let (app, search) = (app.clone(), search.to_owned());
        async move {
            reading::worklist(&app, search, filter)
                .await
                .expect("rows")
                .into_iter()
                .map(|r| r.accession)
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(found("roe", WorklistFilter::default()).await, ["ACC-ROE-4"]);
    let recent = WorklistFilter { from: "2024-01-01".into(), ..WorklistFilter::default() };
    assert_eq!(found("", recent).await, ["ACC-DOE-5", "ACC-ROE-4"]);
    let user = session::app_status(&app).await.expect("a status").user.expect("a user").id;
    reading::assign_study(&app, uid("ROE", 4), Some(user)).await.expect("handed out");
    reading::set_priority(&app, uid("DOE", 1), "stat".into()).await.expect("a priority");
    assert_eq!(found("", WorklistFilter { mine: true, ..WorklistFilter::default() }).await, ["ACC-ROE-4"]);
    assert_eq!(found("", WorklistFilter::default()).await[0], "ACC-DOE-1", "what is urgent comes first");
    assert!(found("", WorklistFilter { status: "signed".into(), ..WorklistFilter::default() }).await.is_empty());

    // Measured on the image: kept, listed, and what a report may say.
    let current = uid("DOE", 5);
    let mark = Annotation {
        id: "m1".into(),
        instance_uid: format!("{current}.1.1"),
        kind: AnnotationKind::Ctr,
        points: vec![[1.0, 2.0], [20.0, 2.0], [0.0, 9.0], [40.0, 9.0]],
        label: String::new(),
        measured: vec!["0.48".into()],
        spacing: None,
    };
    reading::annotation_put(&app, mark.clone()).await.expect("kept");
    assert_eq!(reading::annotations(&app, current.clone()).await.expect("marks"), [mark]);
    let measured = app.workstation().await.expect("a workstation").measured_on_images(&current).await.expect("numbers");
    assert_eq!(measured, ["0.48"]);
    reading::annotation_remove(&app, "m1".into()).await.expect("removed");
    assert!(reading::annotations(&app, current.clone()).await.expect("marks").is_empty());

    // Comparisons: the patient's own older study, until it is unlinked; another's, once it is linked.
    let priors = |of: String| {
        let app = app.clone();
        async move {
            studies::open_study(&app, of)
                .await
                .expect("a study")
                .priors
                .into_iter()
                .map(|p| p.study_uid)
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(priors(current.clone()).await, [uid("DOE", 1)]);
    reading::set_comparison(&app, current.clone(), uid("DOE", 1), false).await.expect("unlinked");
    assert!(priors(current.clone()).await.is_empty());
    reading::set_comparison(&app, current.clone(), uid("ROE", 4), true).await.expect("linked");
    let opened = studies::open_study(&app, current.clone()).await.expect("a study");
    assert_eq!(opened.priors[0].study_uid, uid("ROE", 4));
    assert_eq!(opened.priors[0].images.len(), 1, "the prior can be shown beside");
    let timeline = reading::timeline(&app, current.clone()).await.expect("a timeline");
    let states: Vec<_> = timeline.iter().map(|t| (t.row.accession.as_str(), t.current, t.linked)).collect();
    assert_eq!(states, [("ACC-DOE-5", true, false), ("ACC-ROE-4", false, true), ("ACC-DOE-1", false, false)]);

    // A study filed under the wrong patient.
    let no_reason = reading::move_study(&app, uid("ROE", 4), current.clone(), " ".into()).await;
    assert_eq!(no_reason.expect_err("a reason is needed").code, "study.no_reason");
    reading::move_study(&app, uid("ROE", 4), current.clone(), "wrong wristband".into()).await.expect("moved");
    let opened = studies::open_study(&app, uid("ROE", 4)).await.expect("a study");
    assert_eq!(opened.patient.id, "DOE");

    // The queue is kept and can be changed without an engine; nothing is drafted while it is paused.
    queue::draft_queue_pause(&app, true).await.expect("paused");
    queue::draft_queue_add(&app, vec![uid("DOE", 1), uid("DOE", 5)], false).await.expect("queued");
    queue::draft_queue_add(&app, vec![uid("DOE", 5)], true).await.expect("queued first");
    let waiting = queue::draft_queue(&app).await.expect("a queue");
    assert_eq!(waiting.studies.iter().map(|q| q.study_uid.clone()).collect::<Vec<_>>(), [uid("DOE", 5), uid("DOE", 1)]);
    assert!(waiting.paused && waiting.running.is_none());
    queue::draft_queue_remove(&app, uid("DOE", 5)).await.expect("removed");
    assert_eq!(queue::draft_queue(&app).await.expect("a queue").studies.len(), 1);

    // The window's own settings.
    assert_eq!(reading::preference(&app, "hanging".into()).await.expect("none"), None);
    reading::set_preference(&app, "hanging".into(), "[1]".into()).await.expect("kept");
    assert_eq!(reading::preference(&app, "hanging".into()).await.expect("kept"), Some("[1]".into()));

    // An import is taken back, but not what somebody has begun to report on.
    let undone = reading::undo_import(&app, disc_job).await.expect("undone");
    let report = reports::report_view(&app, uid("DOE", 1)).await.expect("a report");
    assert_eq!(report.revision as u64, 0);
    assert_eq!((undone.removed, undone.kept), (1, 0));
    assert_eq!(found("", WorklistFilter::default()).await.len(), 2);
    session::lock(&app).await.expect("locked");
    assert_eq!(reading::annotations(&app, current).await.expect_err("locked").code, "vault.locked");
}

/// Two studies of one patient, of 2021 and 2025, imported by a person who is logged in.
async fn two_studies(folder: &Path) -> (Arc<App>, Arc<Fake>) {
    let host = Arc::new(Fake::default());
    let app = Arc::new(App::new(StartOptions { data: folder.join("data"), open: None }, host.clone()));
    session::create_first_user(&app, "Dr A. Reader".into(), "long enough".into()).await.expect("a user");
    let files = [1, 5].map(|n| {
        let path = folder.join(format!("{n}.dcm"));
        std::fs::write(&path, radiograph("DOE", n)).expect("a file");
        path
    });
    imported(&app, &host, files.to_vec()).await;
    (app, host)
}

/// A line of 30 mm on the only image of a study.
fn line(id: &str, study: &str) -> Annotation {
    Annotation {
        id: id.into(),
        instance_uid: format!("{study}.1.1"),
        kind: AnnotationKind::Length,
        points: vec![[1.0, 2.0], [20.0, 2.0]],
        label: String::new(),
        measured: vec!["30 mm".into()],
        spacing: Some("imager".into()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_window_marks_and_dictates_the_other_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let (app, host) = two_studies(folder.path()).await;
    let (prior, current) = (uid("DOE", 1), uid("DOE", 5));
    let marks_of = |study: &str| {
        let events = host.events.lock().expect("events");
        events.iter().filter(|e| matches!(e, AppEvent::MarksChanged { study_uid } if study_uid == study)).count()
    };
    reading::annotation_put(&app, line("m1", &current)).await.expect("kept");
    reading::annotation_put(&app, line("m2", &prior)).await.expect("kept");
    reading::annotation_remove(&app, "m1".into()).await.expect("removed");
    assert_eq!((marks_of(&current), marks_of(&prior)), (2, 1));
    reading::annotation_remove(&app, "m1".into()).await.expect_err("it is not there any more");
    assert_eq!(marks_of(&current), 2, "nothing was changed");

    // A sentence goes only into the report of the study that both windows show.
    let dictate = async |study: &str| {
        reading::second_dictate(&app, study.to_owned(), "Measured length 30 mm.".into()).await.map_err(|e| e.code)
    };
    assert_eq!(dictate(&current).await, Err("study.not_open".to_owned()));
    reading::second_show(&app, Some(current.clone()), false).await.expect("shown");
    assert_eq!(dictate(&prior).await, Err("study.not_open".to_owned()));
    assert_eq!(dictate(&current).await, Ok(()));
    let dictated: Vec<(String, String)> = {
        let events = host.events.lock().expect("events");
        let dictated = events.iter().filter_map(|e| match e {
            AppEvent::Dictated { study_uid, text } => Some((study_uid.clone(), text.clone())),
            _ => None,
        });
        dictated.collect()
    };
    assert_eq!(dictated, [(current.clone(), "Measured length 30 mm.".to_owned())]);
    session::lock(&app).await.expect("locked");
    assert_eq!(dictate(&current).await, Err("vault.locked".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_the_prior_counts_as_measured_while_it_is_linked() {
    let folder = tempfile::tempdir().expect("a folder");
    let (app, _host) = two_studies(folder.path()).await;
    let (prior, current) = (uid("DOE", 1), uid("DOE", 5));
    reading::annotation_put(&app, line("m1", &prior)).await.expect("kept");
    let report = reports::report_view(&app, current.clone()).await.expect("a report");
    let sentence = |id: &str, text: &str| EditCommand::Insert {
        section: SectionName::Findings,
        after: None,
        id: id.into(),
        text: text.into(),
        region: None,
        from: None,
    };
    let typed = vec![
        sentence("of-the-prior", "Measured length 30 mm on the prior of 2021-03-01."),
        sentence("of-nobody", "There is a nodule of 17 mm."),
    ];
    let report = reports::report_edit(&app, report.id.clone(), report.revision, typed).await.expect("an edit");
    let codes = |report: &ReportView, id: &str| -> Vec<String> {
        let of = report.flags.iter().filter(|flag| flag.sentence_ids.iter().any(|one| one == id));
        of.map(|flag| flag.code.clone()).collect()
    };
    assert!(codes(&report, "of-the-prior").is_empty(), "{:?}", report.flags);
    assert_eq!(codes(&report, "of-nobody"), ["check.not_measured"], "{:?}", report.flags);

    // What is not compared with is not measured for this report.
    reading::set_comparison(&app, current.clone(), prior, false).await.expect("unlinked");
    let report = reports::report_view(&app, current).await.expect("a report");
    assert_eq!(codes(&report, "of-the-prior"), ["check.not_measured"], "{:?}", report.flags);
    session::lock(&app).await.expect("locked");
}
