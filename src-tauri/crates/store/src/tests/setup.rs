//! What the tests begin with: a folder with a user, a study and an image.

use crate::{
    AuditHead, BlobKind, DataFolder, KdfParams, NewInstance, NewPatient, NewSeries, NewStudy, NewUser, RecoveryKey,
    Role, SignatureRecord, Store, StoreError,
};
use hilum_report::{
    Command, Entry, Meaning, Region, Report, ReportId, SectionKind, SentenceId, Template, UserId, VersionId,
    builtin_templates,
};
use std::path::Path;
use time::{Duration, OffsetDateTime, macros::datetime};

/// Cheap on purpose: these tests are about what is done with the key, not about its cost.
pub const CHEAP: KdfParams = KdfParams { memory_kib: 64, passes: 1, lanes: 1 };
pub const AT: OffsetDateTime = datetime!(2026-03-01 08:00 UTC);
pub const PASSPHRASE: &str = "correct horse";
pub const STUDY: &str = "1.2.3.1";
pub const INSTANCE: &str = "1.2.3.1.1.1";

pub fn later(seconds: i64) -> OffsetDateTime {
    AT + Duration::seconds(seconds)
}

pub fn ada() -> NewUser {
    NewUser { id: UserId::new("u-ada"), name: "Ada Byron".to_owned(), role: Role::Radiologist }
}

pub fn code<T>(result: Result<T, StoreError>) -> &'static str {
    result.err().map_or("ok", |e| e.code())
}

pub async fn create(path: &Path) -> (DataFolder, Store, RecoveryKey) {
    let folder = DataFolder::open_with(path, CHEAP).expect("a data folder");
    let (store, recovery) = folder.create(ada(), PASSPHRASE, AT).await.expect("a store");
    (folder, store, recovery)
}

pub async fn reopen(path: &Path) -> Store {
    let folder = DataFolder::open_with(path, CHEAP).expect("a data folder");
    folder.unlock("Ada Byron", PASSPHRASE, later(1)).await.expect("a store")
}

/// One image of one study; `suffix` makes the image's UID and bytes its own.
pub async fn instance(store: &Store, study: &str, suffix: &str) -> NewInstance {
    let bytes = format!("bytes of {study} {suffix}").into_bytes();
    let original_bytes = bytes.len() as u64;
    NewInstance {
        patient: NewPatient {
            patient_id: "P1".to_owned(),
            issuer: "H".to_owned(),
            name: "Doe, Jane".to_owned(),
            birth_date: Some("19700101".to_owned()),
            sex: Some("F".to_owned()),
        },
        study: NewStudy {
            uid: study.to_owned(),
            accession: format!("A-{study}"),
            date: "20260301".to_owned(),
            time: "080000".to_owned(),
            description: "Chest 100%".to_owned(),
            ..NewStudy::default()
        },
        series: NewSeries {
            uid: format!("{study}.1"),
            modality: "DX".to_owned(),
            number: Some(1),
            ..NewSeries::default()
        },
        uid: format!("{study}.1.{suffix}"),
        sop_class_uid: "1.2.840.10008.5.1.4.1.1.1.1".to_owned(),
        transfer_syntax: "1.2.840.10008.1.2.1".to_owned(),
        number: suffix.parse().ok(),
        rows: 3000,
        columns: 2500,
        photometric: "MONOCHROME2".to_owned(),
        view_position: "PA".to_owned(),
        laterality: String::new(),
        header: serde_json::json!({ "00080060": "DX" }),
        original: store.put_blob(BlobKind::Original, bytes).await.expect("a sealed original"),
        original_sha256: format!("{suffix:0>64}"),
        original_bytes,
        thumbnail: None,
        pixels: None,
    }
}

pub async fn with_study(store: &Store) {
    let new = instance(store, STUDY, "1").await;
    store.import_instance(&new, &ada().id, AT).await.expect("an imported instance");
}

pub fn template() -> Template {
    builtin_templates().remove(0)
}

pub async fn with_report(store: &Store, id: &str) -> Report {
    store.create_report(&ReportId::new(id), STUDY, &template(), &ada().id, AT).await.expect("a report")
}

pub fn entry(command: Command) -> Entry {
    Entry { by: ada().id, at: later(10), command }
}

pub fn insert(section: SectionKind, id: &str, text: &str) -> Entry {
    let region = (section == SectionKind::Findings).then_some(Region::Lungs);
    entry(Command::Insert { section, after: None, id: SentenceId::new(id), text: text.to_owned(), region, from: None })
}

pub fn sign(version: &str) -> Entry {
    entry(Command::Sign { version: VersionId::new(version), meaning: Meaning::ReviewedAndApproved })
}

/// Fills what a signature needs.
pub async fn write(store: &Store, report: &Report) -> Report {
    let entries = [
        insert(SectionKind::Findings, "f", "The lungs are clear."),
        insert(SectionKind::Impression, "i", "No acute disease."),
    ];
    store.append(report.id(), report.revision(), &entries).await.expect("a journal")
}

pub async fn sign_it(store: &Store, report: &Report, version: &str) -> Result<Report, StoreError> {
    let head = store.audit_head().await.expect("a head");
    record(store, report, version, &head).await
}

pub async fn record(store: &Store, report: &Report, version: &str, head: &AuditHead) -> Result<Report, StoreError> {
    let entry = sign(version);
    let pdf = format!("%PDF-1.7 {version}");
    let record = SignatureRecord {
        report: report.id(),
        base_revision: report.revision(),
        entry: &entry,
        pdf: pdf.as_bytes(),
        audit_head: head,
    };
    store.record_signature(record).await
}

/// SQL as somebody with the key could give it, past all methods. The error's text, or "ok".
pub async fn raw(store: &Store, sql: &str) -> String {
    let mut access = store.access().await.expect("an open store");
    match sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(access.connection()).await {
        Ok(_) => "ok".to_owned(),
        Err(e) => e.to_string(),
    }
}
