//! Recording an imported file through all levels of the hierarchy at once.

use crate::Store;
use crate::blobs::BlobName;
use crate::error::{Doing, Result};
use crate::tables::audit::{self, AuditEvent};
use crate::tables::{instances, patients, series, studies};
use hilum_report::UserId;
use serde_json::json;
use time::OffsetDateTime;

/// One decoded file, its bytes sealed already ([`Store::put_blob`]).
#[derive(Debug, Clone, PartialEq)]
pub struct NewInstance {
    pub patient: NewPatient,
    pub study: NewStudy,
    pub series: NewSeries,
    /// SOP Instance UID.
    pub uid: String,
    pub sop_class_uid: String,
    pub transfer_syntax: String,
    pub number: Option<i64>,
    pub rows: u32,
    pub columns: u32,
    pub photometric: String,
    pub view_position: String,
    pub laterality: String,
    /// All that the decode child read.
    pub header: serde_json::Value,
    /// The file with its preamble zeroed.
    pub original: BlobName,
    /// SHA-256 of the file as it came, hex.
    pub original_sha256: String,
    pub original_bytes: u64,
    pub thumbnail: Option<BlobName>,
    pub pixels: Option<BlobName>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewPatient {
    pub patient_id: String,
    pub issuer: String,
    pub name: String,
    /// YYYYMMDD.
    pub birth_date: Option<String>,
    pub sex: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewStudy {
    /// Study Instance UID.
    pub uid: String,
    pub accession: String,
    pub study_id: String,
    /// YYYYMMDD.
    pub date: String,
    /// HHMMSS, with or without a fraction.
    pub time: String,
    pub description: String,
    pub referring_physician: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewSeries {
    /// Series Instance UID.
    pub uid: String,
    pub modality: String,
    pub number: Option<i64>,
    pub description: String,
    pub body_part: String,
}

/// What an import came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    New,
    /// The same bytes were there under the same UID.
    Same,
    /// Other bytes, or another study, are there under a UID that must be unique; they stay,
    /// and the file was not recorded.
    Differs,
}

impl Store {
    /// Records one instance with its series, study and patient, in one transaction.
    /// Levels that are there keep what they have and fill in what they lack; a patient's
    /// name, birth date and sex follow the newest import.
    ///
    /// # Errors
    /// `data.disk_full`, `store.database`.
    pub async fn import_instance(&self, new: &NewInstance, by: &UserId, at: OffsetDateTime) -> Result<Imported> {
        let mut access = self.access().await?;
        let mut tx = access.begin().await?;
        if let Some((series_uid, sha256)) = instances::identity(&mut tx, &new.uid).await? {
            let same = series_uid == new.series.uid && sha256 == new.original_sha256;
            return Ok(if same { Imported::Same } else { Imported::Differs });
        }
        let patient_key = patients::upsert(&mut tx, &new.patient, &new.study.uid).await?;
        let fits = studies::upsert(&mut tx, &new.study, &patient_key, at).await?
            && series::upsert(&mut tx, &new.series, &new.study.uid).await?;
        if !fits {
            tx.rollback().await.doing("leave a file unrecorded")?;
            return Ok(Imported::Differs);
        }
        instances::insert(&mut tx, new, &new.series.uid, at).await?;
        let event = AuditEvent::new(at, by, "instance.import", &new.uid)
            .with(json!({ "study": new.study.uid, "sha256": new.original_sha256 }));
        audit::append(&mut tx, &event).await?;
        tx.commit().await.doing("record an instance")?;
        Ok(Imported::New)
    }
}
