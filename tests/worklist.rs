//! The worklist of a long-lived department as the window asks for it: lines, scores, first words of reports.
//! `HILUM_STUDIES=100000 cargo test --release --workspace --features hilum/custom-protocol --test worklist --
//! --nocapture` prints what each filter and search costs; it needs some gigabytes in the temporary folder.

#[allow(dead_code)]
mod common;
#[allow(dead_code)]
#[path = "guard/privacy/vault_reader.rs"]
mod vault_reader;

use async_trait::async_trait;
use hilum_app::commands::{reading, reports, session, signing, studies};
use hilum_app::dto::{
    AppEvent, DraftMode, DraftOptions, EditCommand, ReportView, SectionName, SentenceState, SignRequest, StudyRow,
    WorklistFilter,
};
use hilum_app::{App, Host, StartOptions};
use hilum_testkit::dicom::{
    ACCESSION_NUMBER, DicomFile, INSTANCE_UID, PATIENT_ID, PATIENT_NAME, SERIES_UID, STUDY_DATE, STUDY_UID,
};
use sqlx::{Connection, SqliteConnection};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const NAME: &str = "Dr A. Reader";
const PASSPHRASE: &str = "long enough";
/// Enough for every filter to have more to look through than is shown; a person who measures asks for more.
const STUDIES: usize = 1200;
/// Most lines that the shell gives at once.
const SHOWN: usize = 500;
/// The newest studies, of which nothing is written: they alone fill the list of what is to be read.
const NEW: usize = 700;

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

impl Fake {
    async fn wait<T>(&self, what: &str, pick: impl Fn(&AppEvent) -> Option<T>) -> T {
        let until = Instant::now() + Duration::from_secs(180);
        loop {
            if let Some(found) = self.events.lock().expect("events").iter().find_map(&pick) {
                return found;
            }
            assert!(Instant::now() < until, "no {what}: {:?}", self.events.lock().expect("events"));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The studies of which the others are copies, each as it is at one stage of being read.
const STAGES: [&str; 4] = ["new", "drafted", "in_progress", "final"];

fn uid(stage: usize) -> String {
    format!("2.25.77{stage}")
}

/// A radiograph of the study that is to come to a stage.
fn radiograph(stage: usize) -> DicomFile {
    let pixel = |row: u32, column: u32| {
        let lung = (i64::from(column) - 90).abs().min((i64::from(column) - 230).abs()) < 55 && (50..270).contains(&row);
        if lung { 700 + row as u16 } else { 2600 + (column % 90) as u16 }
    };
    DicomFile::radiograph(320, 320, 12, pixel)
        .text(PATIENT_ID, b"LO", &format!("FIRST{stage}"))
        .text(PATIENT_NAME, b"PN", &format!("FIRST{stage}^TEST"))
        .text(ACCESSION_NUMBER, b"SH", &format!("FIRST{stage}"))
        .text(STUDY_DATE, b"DA", "20261115")
        .text(STUDY_UID, b"UI", &uid(stage))
        .text(SERIES_UID, b"UI", &format!("{}.1", uid(stage)))
        .text(INSTANCE_UID, b"UI", &format!("{}.1.1", uid(stage)))
}

/// Imports the studies, has their images scored, and brings each to its stage.
async fn begin(app: &Arc<App>, host: &Fake, folder: &Path) {
    session::create_first_user(app, NAME.into(), PASSPHRASE.into()).await.expect("a user");
    let files = (0..STAGES.len()).map(|stage| {
        let file = folder.join(format!("{stage}.dcm"));
        std::fs::write(&file, radiograph(stage).write()).expect("a file");
        file
    });
    studies::import_dropped(app, files.collect()).await.expect("a job");
    host.wait("end of the indexing", |e| match e {
        AppEvent::IndexProgress { done: 4, total: 4, failed: 0 } => Some(()),
        _ => None,
    })
    .await;
    draft(app, host, &uid(1)).await;
    let report = draft(app, host, &uid(2)).await;
    let sentences = report.sections.iter().flat_map(|s| &s.sentences);
    let proposed = sentences.filter(|s| s.state == SentenceState::Proposed).map(|s| s.id.clone()).next();
    let accept = vec![EditCommand::Accept { id: proposed.expect("a proposed sentence") }];
    reports::report_edit(app, report.id, report.revision, accept).await.expect("a review");

    let report = reports::report_view(app, uid(3)).await.expect("a report");
    let written = [
        (SectionName::Findings, "The lungs are clear."),
        (SectionName::Findings, "The heart is normal."),
        (SectionName::Impression, "No acute disease."),
    ];
    let written = written.iter().enumerate().map(|(n, (section, text))| EditCommand::Insert {
        section: *section,
        after: None,
        id: format!("typed-{n}"),
        text: (*text).to_owned(),
        region: None,
        from: None,
    });
    let report = reports::report_edit(app, report.id, report.revision, written.collect()).await.expect("an edit");
    let request = SignRequest {
        report_id: report.id,
        revision: report.revision,
        passphrase: PASSPHRASE.into(),
        patient_confirmed: true,
        accession_confirmed: true,
    };
    signing::sign(app, request).await.expect("a signature");
}

async fn draft(app: &Arc<App>, host: &Fake, study: &str) -> ReportView {
    let report = reports::report_view(app, study.to_owned()).await.expect("a report");
    host.events.lock().expect("events").clear();
    let options = DraftOptions {
        indication_confirmed: false,
        notes: String::new(),
        mode: DraftMode::Structured,
        use_prior: false,
    };
    reports::draft_start(app, report.id.clone(), options).await.expect("a draft begins");
    host.wait("the draft", |e| match e {
        AppEvent::DraftDone { report, .. } => Some(report.clone()),
        AppEvent::DraftFailed { code, detail, .. } => panic!("{code}: {detail}"),
        _ => None,
    })
    .await
}

/// How many copies there are of the study at each stage, the newest stage first.
fn amounts(studies: usize) -> [usize; 4] {
    let (drafted, begun) = (100 + studies / 20, 100 + studies / 100);
    [NEW, drafted, begun, studies - NEW - drafted - begun]
}

/// Copies the four studies with all that is known of them, through the same triggers as the app.
async fn fill(connection: &mut SqliteConnection, studies: usize) {
    let mut sql =
        String::from("BEGIN; UPDATE studies SET front = ''; CREATE TEMP TABLE copies (study TEXT, n INTEGER);");
    let mut from = 0;
    for (stage, amount) in amounts(studies).into_iter().enumerate() {
        let (study, to) = (uid(stage), from + amount);
        sql += &format!(
            "INSERT INTO copies WITH RECURSIVE up (n) AS (SELECT {from} + 1 UNION ALL SELECT n + 1 FROM up WHERE n < {to})
                SELECT '{study}', n FROM up;"
        );
        from = to;
    }
    sql += "INSERT INTO patients (key, patient_id, issuer, name, birth_date, sex)
            SELECT p.key || '~' || c.n, 'ID' || c.n, p.issuer, 'NAME' || (c.n / 100) || '^GIVEN' || c.n, p.birth_date, p.sex
            FROM copies c JOIN studies s ON s.uid = c.study JOIN patients p ON p.key = s.patient_key;
        INSERT INTO studies (uid, patient_key, accession, study_id, date, time, description, referring_physician,
                imported_at, front, assigned_to)
            SELECT s.uid || '.' || c.n, s.patient_key || '~' || c.n, 'ACC-' || c.n, s.study_id,
                strftime('%Y%m%d', 2461344.5 - c.n / 40), s.time, s.description, s.referring_physician, s.imported_at,
                CASE c.n % 200 WHEN 0 THEN 'pneumothorax' ELSE '' END,
                CASE c.n % 500 WHEN 0 THEN (SELECT id FROM users) END
            FROM copies c JOIN studies s ON s.uid = c.study;
        INSERT INTO series (uid, study_uid, modality, number, description, body_part)
            SELECT r.uid || '.' || c.n, r.study_uid || '.' || c.n, r.modality, r.number, r.description, r.body_part
            FROM copies c JOIN series r ON r.study_uid = c.study;
        INSERT INTO instances (uid, series_uid, sop_class_uid, transfer_syntax, number, rows, columns, photometric,
                view_position, laterality, header, original_blob, original_sha256, original_bytes, thumbnail_blob,
                pixels_blob, imported_at)
            SELECT i.uid || '.' || c.n, i.series_uid || '.' || c.n, i.sop_class_uid, i.transfer_syntax, i.number, i.rows,
                i.columns, i.photometric, i.view_position, i.laterality, i.header, i.original_blob, i.original_sha256,
                i.original_bytes, i.thumbnail_blob, i.pixels_blob, i.imported_at
            FROM copies c JOIN series r ON r.study_uid = c.study JOIN instances i ON i.series_uid = r.uid;
        INSERT INTO scores (instance_uid, pack_hash, findings)
            SELECT x.instance_uid || '.' || c.n, x.pack_hash, x.findings
            FROM copies c JOIN series r ON r.study_uid = c.study JOIN instances i ON i.series_uid = r.uid
            JOIN scores x ON x.instance_uid = i.uid;
        INSERT INTO reports (id, study_uid, initial, created_at, created_by, changed_at, unreviewed, empty_required)
            SELECT o.id || '~' || c.n, o.study_uid || '.' || c.n,
                replace(replace(o.initial, o.study_uid, o.study_uid || '.' || c.n), o.id, o.id || '~' || c.n),
                o.created_at, o.created_by, o.changed_at, o.unreviewed, o.empty_required
            FROM copies c JOIN reports o ON o.study_uid = c.study;
        INSERT INTO proposals (id, study_uid, report_id, pack_id, pack_hash, demo, prompt, image_hashes, settings, started_at)
            SELECT o.id || '~' || c.n, o.study_uid || '.' || c.n, o.report_id || '~' || c.n, o.pack_id, o.pack_hash, o.demo,
                o.prompt, o.image_hashes, o.settings, o.started_at
            FROM copies c JOIN proposals o ON o.study_uid = c.study WHERE o.status = 'complete';
        UPDATE proposals SET (status, finished_at, raw_text, token_ids, logprobs, timings) =
            (SELECT o.status, o.finished_at, o.raw_text, o.token_ids, o.logprobs, o.timings FROM proposals o
             WHERE o.id = substr(proposals.id, 1, instr(proposals.id, '~') - 1)) WHERE status = 'running';";
    let lines: i64 =
        sqlx::query_scalar("SELECT max(revision) FROM reports").fetch_one(&mut *connection).await.expect("lines");
    for seq in 1..=lines {
        // A signature stands before the row says that the report is final.
        sql += &format!(
            "INSERT INTO journal (report_id, seq, by, at, entry, template)
                SELECT j.report_id || '~' || c.n, j.seq, j.by, j.at, j.entry, j.template
                FROM copies c JOIN reports o ON o.study_uid = c.study JOIN journal j ON j.report_id = o.id WHERE j.seq = {seq};
            INSERT INTO report_versions (id, report_id, number, kind, seq, text, pdf_blob, pdf_sha256, audit_seq, audit_hash)
                SELECT v.id || '~' || c.n, v.report_id || '~' || c.n, v.number, v.kind, v.seq, v.text, v.pdf_blob,
                    v.pdf_sha256, v.audit_seq, v.audit_hash
                FROM copies c JOIN reports o ON o.study_uid = c.study JOIN report_versions v ON v.report_id = o.id
                WHERE v.seq = {seq};
            INSERT INTO signatures (version_id, signer, signed_at, meaning)
                SELECT g.version_id || '~' || c.n, g.signer, g.signed_at, g.meaning
                FROM copies c JOIN reports o ON o.study_uid = c.study JOIN report_versions v ON v.report_id = o.id
                JOIN signatures g ON g.version_id = v.id WHERE v.seq = {seq};
            UPDATE reports SET revision = {seq}, status =
                    CASE (SELECT does FROM journal WHERE report_id = reports.id AND seq = {seq})
                        WHEN 'sign' THEN 'final' ELSE status END
                WHERE instr(id, '~') > 0 AND revision = {seq} - 1
                    AND EXISTS (SELECT 1 FROM journal WHERE report_id = reports.id AND seq = {seq});"
        );
    }
    sql += &format!(
        "UPDATE study_text SET report = (SELECT t.report FROM study_text t JOIN study_keys k ON k.n = t.rowid
                WHERE k.study_uid = '{signed}')
            WHERE rowid IN (SELECT n FROM study_keys WHERE study_uid LIKE '{signed}.%');
         COMMIT",
        signed = uid(3),
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(connection).await.expect("a filled folder");
}

/// A search and a filter, how many lines they give, and the one status that these have; any where it is empty.
struct Asked {
    what: &'static str,
    search: &'static str,
    filter: WorklistFilter,
    lines: usize,
    status: &'static str,
}

fn asked(studies: usize) -> Vec<Asked> {
    let status = |status: &str| WorklistFilter { status: status.into(), ..WorklistFilter::default() };
    let any = || status("any");
    // Each with the study that was copied.
    let [new, drafted, begun, signed] = amounts(studies).map(|amount| amount + 1);
    let accessions = (1..=studies).filter(|n| n.to_string().starts_with("27")).count();
    let all = [
        ("all studies", "", any(), new + drafted + begun + signed, ""),
        ("to read", "", status("to_read"), new + drafted + begun, ""),
        ("draft ready", "", status("drafted"), drafted, "drafted"),
        ("in progress", "", status("in_progress"), begun, "in_progress"),
        ("signed", "", status("signed"), signed, "final"),
        ("put in front", "", WorklistFilter { in_front: true, ..any() }, studies / 200, ""),
        ("handed to me", "", WorklistFilter { mine: true, ..any() }, studies / 500, ""),
        ("accessions by their beginning", "ACC-27", any(), accessions, ""),
        ("a family name", "name7^given", any(), 100, ""),
        ("two words of all signed reports", "lungs disease", any(), signed, "final"),
        ("nothing", "xyzzy", any(), 0, ""),
    ];
    let one =
        |(what, search, filter, lines, status)| Asked { what, search, filter, lines: usize::min(lines, SHOWN), status };
    all.into_iter().map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_filter_looks_among_all_studies() {
    common::use_demo_packs();
    let studies = std::env::var("HILUM_STUDIES").ok().and_then(|n| n.parse().ok()).unwrap_or(STUDIES).max(STUDIES);
    let temp = tempfile::tempdir().expect("a folder");
    let data = temp.path().join("data");
    let host = Arc::new(Fake::default());
    let app = Arc::new(App::new(StartOptions { data: data.clone(), open: None }, host.clone()));
    begin(&app, &host, temp.path()).await;
    let rows = |search: &str, filter: &WorklistFilter| {
        let (app, search, filter) = (app.clone(), search.to_owned(), filter.clone());
        async move { reading::worklist(&app, search, filter).await.expect("rows") }
    };
    let mut stages: Vec<String> = rows("", &WorklistFilter::default()).await.into_iter().map(|r| r.status).collect();
    stages.sort();
    let mut expected = STAGES.to_vec();
    expected.sort_unstable();
    assert_eq!(stages, expected);

    session::lock(&app).await.expect("locked");
    let key = vault_reader::keys(&data, NAME, PASSPHRASE).database;
    let mut connection = vault_reader::open_whole(&data.join("hilum.db"), &key).await;
    fill(&mut connection, studies).await;
    connection.close().await.expect("closed");
    session::unlock(&app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked");

    for Asked { what, search, filter, lines, status } in asked(studies) {
        let mut took = Vec::new();
        let mut found: Vec<StudyRow> = Vec::new();
        for _ in 0..6 {
            let start = Instant::now();
            found = rows(search, &filter).await;
            took.push(start.elapsed().as_secs_f64() * 1e3);
        }
        let (first, again) = (took[0], &took[1..]);
        let (least, most) = again.iter().fold((f64::INFINITY, 0.0), |(least, most), t| (t.min(least), t.max(most)));
        println!(
            "{what}: {lines} lines of {studies} studies in {least:.1} to {most:.1} ms, the first time {first:.1} ms"
        );
        assert_eq!(found.len(), lines, "{what}");
        let other: Vec<_> =
            found.iter().filter(|r| !status.is_empty() && r.status != status).map(|r| &r.status).collect();
        assert!(other.is_empty(), "{what}: {other:?}");
        assert!(found.iter().all(|row| row.instance_uid.is_some()), "{what}: a line has an image");
        assert!(found.iter().all(|row| row.preview.is_empty() == (row.status == "new")), "{what}: and its first words");
    }
    app.close().await;
}
