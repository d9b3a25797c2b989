//! Patients, as the newest import names them.

use crate::error::{Doing, Result};
use crate::tables::import::NewPatient;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

/// Who a study is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patient {
    /// Opaque; the same for all studies of one patient id and issuer.
    pub key: String,
    /// Patient ID (0010,0020); empty when the file had none.
    pub patient_id: String,
    /// Issuer of Patient ID (0010,0021).
    pub issuer: String,
    /// Patient's Name (0010,0010) as the decode child gives it for display.
    pub name: String,
    /// Patient's Birth Date (0010,0030), YYYYMMDD.
    pub birth_date: Option<String>,
    /// Patient's Sex (0010,0040).
    pub sex: Option<String>,
}

pub(crate) const COLUMNS: &str = "p.key AS patient_key, p.patient_id, p.issuer, p.name, p.birth_date, p.sex";

pub(crate) fn from_row(row: &SqliteRow) -> std::result::Result<Patient, sqlx::Error> {
    Ok(Patient {
        key: row.try_get("patient_key")?,
        patient_id: row.try_get("patient_id")?,
        issuer: row.try_get("issuer")?,
        name: row.try_get("name")?,
        birth_date: row.try_get("birth_date")?,
        sex: row.try_get("sex")?,
    })
}

/// Records a patient and returns the key. Without a patient id nothing tells two people
/// apart, so each study then has a patient of its own.
pub(crate) async fn upsert(connection: &mut SqliteConnection, patient: &NewPatient, study_uid: &str) -> Result<String> {
    let key = match patient.patient_id.trim() {
        "" => format!("study:{study_uid}"),
        id => format!("id:{}:{}:{id}", patient.issuer.trim().len(), patient.issuer.trim()),
    };
    sqlx::query(
        "INSERT INTO patients (key, patient_id, issuer, name, birth_date, sex) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (key) DO UPDATE SET
            name = CASE WHEN excluded.name <> '' THEN excluded.name ELSE name END,
            birth_date = coalesce(excluded.birth_date, birth_date),
            sex = coalesce(excluded.sex, sex)",
    )
    .bind(&key)
    .bind(patient.patient_id.trim())
    .bind(patient.issuer.trim())
    .bind(&patient.name)
    .bind(&patient.birth_date)
    .bind(&patient.sex)
    .execute(connection)
    .await
    .doing("record a patient")?;
    Ok(key)
}
