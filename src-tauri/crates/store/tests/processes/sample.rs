//! The user, study and commands that the processes share.

use hilum_report::{
    Command, Entry, Meaning, Report, ReportId, SectionKind, SentenceId, UserId, VersionId, builtin_templates,
};
use hilum_store::{
    BlobKind, DataFolder, KdfParams, NewInstance, NewPatient, NewSeries, NewStudy, NewUser, Role, SignatureRecord,
    Store, StoreError,
};
use std::path::Path;
use time::{OffsetDateTime, macros::datetime};

pub const AT: OffsetDateTime = datetime!(2026-03-01 08:00 UTC);
pub const NAME: &str = "Ada";
pub const PASSPHRASE: &str = "correct horse";
pub const STUDY: &str = "1.2.3";
pub const INSTANCE: &str = "1.2.3.1.1";

pub fn by() -> UserId {
    UserId::new("u-ada")
}

pub fn hold(folder: &Path) -> DataFolder {
    DataFolder::open_with(folder, KdfParams { memory_kib: 64, passes: 1, lanes: 1 }).expect("the data folder")
}

pub async fn create(folder: &DataFolder) -> Store {
    let user = NewUser { id: by(), name: NAME.to_owned(), role: Role::Radiologist };
    folder.create(user, PASSPHRASE, AT).await.expect("a store").0
}

pub async fn unlock(folder: &DataFolder) -> Store {
    folder.unlock(NAME, PASSPHRASE, AT).await.expect("the store")
}

/// A study with one image, all of whose texts are `text(1)`, `text(2)` and so on.
pub async fn import(store: &Store, text: impl Fn(usize) -> String) {
    import_as(store, STUDY, text).await;
}

/// As [`import`], with another UID.
pub async fn import_as(store: &Store, study: &str, text: impl Fn(usize) -> String) {
    let bytes = format!("DICM {} {}", text(1), text(2)).into_bytes();
    let new = NewInstance {
        original_bytes: bytes.len() as u64,
        patient: NewPatient {
            patient_id: text(3),
            issuer: text(4),
            name: text(5),
            birth_date: Some(text(6)),
            sex: Some("F".to_owned()),
        },
        study: NewStudy {
            uid: study.to_owned(),
            accession: text(7),
            description: text(8),
            referring_physician: text(9),
            study_id: text(10),
            ..NewStudy::default()
        },
        series: NewSeries {
            uid: format!("{study}.1"),
            modality: "DX".to_owned(),
            description: text(11),
            ..NewSeries::default()
        },
        uid: format!("{study}.1.1"),
        sop_class_uid: "1.2.840.10008.5.1.4.1.1.1.1".to_owned(),
        transfer_syntax: "1.2.840.10008.1.2.1".to_owned(),
        number: Some(1),
        rows: 100,
        columns: 100,
        photometric: "MONOCHROME2".to_owned(),
        view_position: "PA".to_owned(),
        laterality: String::new(),
        header: serde_json::json!({ "00081030": text(12), "00104000": text(13) }),
        original: store.put_blob(BlobKind::Original, bytes).await.expect("a sealed original"),
        original_sha256: "0".repeat(64),
        thumbnail: Some(store.put_blob(BlobKind::Thumbnail, text(14).into_bytes()).await.expect("a sealed thumbnail")),
        pixels: None,
    };
    store.import_instance(&new, &by(), AT).await.expect("an import");
}

pub async fn new_report(store: &Store, study: &str, id: &str) -> Result<Report, StoreError> {
    store.create_report(&ReportId::new(id), study, &builtin_templates()[0], &by(), AT).await
}

pub fn entry(command: Command) -> Entry {
    Entry { by: by(), at: AT, command }
}

pub fn insert(section: SectionKind, id: String, text: &str) -> Entry {
    entry(Command::Insert {
        section,
        after: None,
        id: SentenceId::new(id),
        text: text.to_owned(),
        region: None,
        from: None,
    })
}

pub async fn sign(store: &Store, report: &Report, version: &str, pdf: &[u8]) -> Result<Report, StoreError> {
    let entry = entry(Command::Sign { version: VersionId::new(version), meaning: Meaning::ReviewedAndApproved });
    let head = store.audit_head().await?;
    let record = SignatureRecord {
        report: report.id(),
        base_revision: report.revision(),
        entry: &entry,
        pdf,
        audit_head: &head,
    };
    store.record_signature(record).await
}
