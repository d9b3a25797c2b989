//! Studies and the worklist.

use crate::Store;
use crate::blobs::BlobName;
use crate::error::{Doing, Result, StoreError};
use crate::tables::audit::{self, AuditEvent};
use crate::tables::import::NewStudy;
use crate::tables::patients::{self, Patient};
use crate::tables::reports::{self, ReportRow};
use crate::tables::series::{self, Series};
use crate::tables::{from_word, instances, time_text};
use hilum_report::{Status, UserId};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row, SqliteConnection};
use time::OffsetDateTime;

/// A study with all that hangs on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Study {
    pub row: StudyRow,
    pub patient: Patient,
    pub series: Vec<Series>,
    /// Oldest first.
    pub reports: Vec<ReportRow>,
}

/// The study's own attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyRow {
    /// Study Instance UID.
    pub uid: String,
    pub accession: String,
    pub study_id: String,
    /// YYYYMMDD, empty when unknown.
    pub date: String,
    pub time: String,
    pub description: String,
    pub referring_physician: String,
    pub priority: Priority,
}

/// How soon a study is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    Routine,
    Urgent,
    Stat,
}

impl Priority {
    pub fn as_str(self) -> &'static str {
        match self {
            Priority::Routine => "routine",
            Priority::Urgent => "urgent",
            Priority::Stat => "stat",
        }
    }
}

/// A line of the worklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorklistRow {
    pub study: StudyRow,
    pub patient: Patient,
    /// Modalities of its series, in alphabetical order.
    pub modalities: Vec<String>,
    /// View positions of its images, in alphabetical order.
    pub views: Vec<String>,
    pub images: u32,
    /// Of the newest report; `None` while there is none.
    pub report: Option<(String, Status)>,
    /// True when a model has finished a draft.
    pub drafted: bool,
}

/// Which studies the worklist shows. The default is all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorklistQuery {
    /// Each word must be found in name, patient id, accession or description.
    pub text: String,
    /// Newest report in one of these; empty for any.
    pub statuses: Vec<Status>,
    /// Also those without a report, when `statuses` is not empty.
    pub unreported: bool,
    pub priority: Option<Priority>,
    /// YYYYMMDD, inclusive.
    pub from: Option<String>,
    /// YYYYMMDD, inclusive.
    pub to: Option<String>,
    /// 0 for no limit.
    pub limit: u32,
    pub offset: u32,
}

const STUDY_COLUMNS: &str =
    "s.uid, s.accession, s.study_id, s.date, s.time, s.description, s.referring_physician, s.priority";

impl Store {
    /// Studies by urgency, then newest first.
    ///
    /// # Errors
    /// `store.database`, `store.corrupt`.
    pub async fn worklist(&self, query: &WorklistQuery) -> Result<Vec<WorklistRow>> {
        let mut conditions = Vec::new();
        let mut values: Vec<String> = Vec::new();
        for word in query.text.split_whitespace() {
            conditions.push(
                "(p.name || ' ' || p.patient_id || ' ' || s.accession || ' ' || s.description) LIKE ? ESCAPE '\\'"
                    .to_owned(),
            );
            values.push(format!("%{}%", word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")));
        }
        if !query.statuses.is_empty() {
            let marks = vec!["?"; query.statuses.len()].join(", ");
            let or_none = if query.unreported { " OR r.status IS NULL" } else { "" };
            conditions.push(format!("(r.status IN ({marks}){or_none})"));
            for status in &query.statuses {
                values.push(crate::tables::word(status)?);
            }
        } else if query.unreported {
            conditions.push("r.status IS NULL".to_owned());
        }
        for (condition, value) in [
            ("s.priority = ?", query.priority.map(|p| p.as_str().to_owned())),
            ("s.date >= ?", query.from.clone()),
            ("s.date <= ?", query.to.clone()),
        ] {
            if let Some(value) = value {
                conditions.push(condition.to_owned());
                values.push(value);
            }
        }
        let conditions = if conditions.is_empty() { "1".to_owned() } else { conditions.join(" AND ") };
        // Only fixed text goes into the statement; all that was typed is bound.
        let sql = format!(
            "SELECT {STUDY_COLUMNS}, {patient},
                (SELECT group_concat(DISTINCT modality) FROM series WHERE study_uid = s.uid) AS modalities,
                (SELECT group_concat(DISTINCT nullif(view_position, '')) FROM instances
                 WHERE series_uid IN (SELECT uid FROM series WHERE study_uid = s.uid)) AS views,
                (SELECT count(*) FROM instances
                 WHERE series_uid IN (SELECT uid FROM series WHERE study_uid = s.uid)) AS images,
                r.id AS report_id, r.status,
                EXISTS (SELECT 1 FROM proposals WHERE study_uid = s.uid AND status = 'complete') AS drafted
             FROM studies s
             JOIN patients p ON p.key = s.patient_key
             LEFT JOIN reports r ON r.id =
                (SELECT id FROM reports WHERE study_uid = s.uid ORDER BY created_at DESC, id DESC LIMIT 1)
             WHERE {conditions}
             ORDER BY CASE s.priority WHEN 'stat' THEN 0 WHEN 'urgent' THEN 1 ELSE 2 END,
                s.date DESC, s.time DESC, s.uid
             LIMIT ? OFFSET ?",
            patient = patients::COLUMNS,
        );
        let mut statement = sqlx::query(AssertSqlSafe(sql));
        for value in values {
            statement = statement.bind(value);
        }
        let limit = if query.limit == 0 { -1 } else { i64::from(query.limit) };
        statement
            .bind(limit)
            .bind(query.offset)
            .fetch_all(self.access().await?.connection())
            .await
            .doing("read the worklist")?
            .iter()
            .map(worklist_row)
            .collect()
    }

    /// One study with its patient, series, instances and reports.
    ///
    /// # Errors
    /// `store.not_found`, `store.database`, `store.corrupt`.
    pub async fn study(&self, uid: &str) -> Result<Study> {
        let mut access = self.access().await?;
        let connection = access.connection();
        let sql = format!(
            "SELECT {STUDY_COLUMNS}, {} FROM studies s JOIN patients p ON p.key = s.patient_key WHERE s.uid = ?",
            patients::COLUMNS
        );
        let row =
            sqlx::query(AssertSqlSafe(sql)).bind(uid).fetch_optional(&mut *connection).await.doing("read a study")?;
        let row = row.ok_or_else(|| StoreError::NotFound { what: "study", id: uid.to_owned() })?;
        Ok(Study {
            row: study_row(&row)?,
            patient: patients::from_row(&row).doing("read a patient")?,
            series: series::of_study(connection, uid).await?,
            reports: reports::of_study(connection, uid).await?,
        })
    }

    /// The patient's other studies, newest first: candidates for a prior, and the timeline.
    ///
    /// # Errors
    /// `store.database`, `store.corrupt`.
    pub async fn other_studies(&self, uid: &str) -> Result<Vec<StudyRow>> {
        let sql = format!(
            "SELECT {STUDY_COLUMNS} FROM studies s
             WHERE s.uid <> ?1 AND s.patient_key = (SELECT patient_key FROM studies WHERE uid = ?1)
             ORDER BY s.date DESC, s.time DESC, s.uid"
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(uid)
            .fetch_all(self.access().await?.connection())
            .await
            .doing("read a patient's studies")?
            .iter()
            .map(study_row)
            .collect()
    }

    /// Sets how soon a study is to be read.
    ///
    /// # Errors
    /// `store.not_found`, `data.disk_full`, `store.database`.
    pub async fn set_priority(&self, uid: &str, priority: Priority) -> Result<()> {
        let done = sqlx::query("UPDATE studies SET priority = ? WHERE uid = ?")
            .bind(priority.as_str())
            .bind(uid)
            .execute(self.access().await?.connection())
            .await
            .doing("set a priority")?;
        match done.rows_affected() {
            0 => Err(StoreError::NotFound { what: "study", id: uid.to_owned() }),
            _ => Ok(()),
        }
    }

    /// Deletes a study that nobody has reported on, with its images, caches, scores and
    /// proposals, and its patient when that was the last study.
    ///
    /// # Errors
    /// `store.reported` when anything was written in a report of it; `store.not_found`;
    /// errors of the file system after the rows are gone (then [`Store::sweep_blobs`]).
    pub async fn delete_study(&self, uid: &str, by: &UserId, at: OffsetDateTime) -> Result<()> {
        let mut access = self.access().await?;
        let mut tx = access.begin().await?;
        let patient: Option<String> = sqlx::query_scalar("SELECT patient_key FROM studies WHERE uid = ?")
            .bind(uid)
            .fetch_optional(&mut *tx)
            .await
            .doing("look up a study")?;
        let patient = patient.ok_or_else(|| StoreError::NotFound { what: "study", id: uid.to_owned() })?;
        let written: i64 = sqlx::query_scalar("SELECT count(*) FROM reports WHERE study_uid = ? AND revision > 0")
            .bind(uid)
            .fetch_one(&mut *tx)
            .await
            .doing("look up the reports of a study")?;
        if written > 0 {
            return Err(StoreError::Reported(uid.to_owned()));
        }
        let names: Vec<String> = sqlx::query_scalar(
            "WITH i AS (SELECT i.* FROM instances i JOIN series s ON s.uid = i.series_uid WHERE s.study_uid = ?)
             SELECT original_blob FROM i
             UNION SELECT thumbnail_blob FROM i WHERE thumbnail_blob IS NOT NULL
             UNION SELECT pixels_blob FROM i WHERE pixels_blob IS NOT NULL",
        )
        .bind(uid)
        .fetch_all(&mut *tx)
        .await
        .doing("list the sealed files of a study")?;
        for sql in [
            "DELETE FROM proposals WHERE study_uid = ?",
            "DELETE FROM reports WHERE study_uid = ?",
            "DELETE FROM studies WHERE uid = ?",
        ] {
            sqlx::query(sql).bind(uid).execute(&mut *tx).await.doing("delete a study")?;
        }
        sqlx::query(
            "DELETE FROM patients WHERE key = ?1 AND NOT EXISTS (SELECT 1 FROM studies WHERE patient_key = ?1)",
        )
        .bind(patient)
        .execute(&mut *tx)
        .await
        .doing("delete a patient")?;
        audit::append(&mut tx, &AuditEvent::new(at, by, "study.delete", uid)).await?;
        tx.commit().await.doing("delete a study")?;
        access.open().reports.retain(|_, report| report.study_uid() != uid);
        let blobs = self.blobs()?;
        for name in names.iter().filter_map(|n| BlobName::parse(n)) {
            if !instances::is_used(access.connection(), &name).await? {
                blobs.delete(&name)?;
            }
        }
        Ok(())
    }
}

/// Records a study of a patient; one that is there fills in what it lacked. False when the
/// UID belongs to another patient.
pub(crate) async fn upsert(
    connection: &mut SqliteConnection,
    new: &NewStudy,
    patient_key: &str,
    at: OffsetDateTime,
) -> Result<bool> {
    sqlx::query(
        "INSERT INTO studies (uid, patient_key, accession, study_id, date, time, description, referring_physician, imported_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (uid) DO UPDATE SET
            accession = CASE WHEN accession = '' THEN excluded.accession ELSE accession END,
            study_id = CASE WHEN study_id = '' THEN excluded.study_id ELSE study_id END,
            date = CASE WHEN date = '' THEN excluded.date ELSE date END,
            time = CASE WHEN time = '' THEN excluded.time ELSE time END,
            description = CASE WHEN description = '' THEN excluded.description ELSE description END,
            referring_physician =
                CASE WHEN referring_physician = '' THEN excluded.referring_physician ELSE referring_physician END
         WHERE patient_key = excluded.patient_key",
    )
    .bind(&new.uid)
    .bind(patient_key)
    .bind(&new.accession)
    .bind(&new.study_id)
    .bind(&new.date)
    .bind(&new.time)
    .bind(&new.description)
    .bind(&new.referring_physician)
    .bind(time_text(at)?)
    .execute(&mut *connection)
    .await
    .doing("record a study")?;
    let owner: String = sqlx::query_scalar("SELECT patient_key FROM studies WHERE uid = ?")
        .bind(&new.uid)
        .fetch_one(connection)
        .await
        .doing("record a study")?;
    Ok(owner == patient_key)
}

fn study_row(row: &SqliteRow) -> Result<StudyRow> {
    let text = |column: &str| row.try_get::<String, _>(column).doing("read a study");
    Ok(StudyRow {
        uid: text("uid")?,
        accession: text("accession")?,
        study_id: text("study_id")?,
        date: text("date")?,
        time: text("time")?,
        description: text("description")?,
        referring_physician: text("referring_physician")?,
        priority: from_word(text("priority")?, "a priority")?,
    })
}

fn worklist_row(row: &SqliteRow) -> Result<WorklistRow> {
    let optional = |column: &str| row.try_get::<Option<String>, _>(column).doing("read the worklist");
    let list = |column: &str| -> Result<Vec<String>> {
        let mut items: Vec<String> = optional(column)?.iter().flat_map(|t| t.split(',')).map(str::to_owned).collect();
        items.sort();
        Ok(items)
    };
    let report = match (optional("report_id")?, optional("status")?) {
        (Some(id), Some(status)) => Some((id, from_word(status, "a status")?)),
        _ => None,
    };
    Ok(WorklistRow {
        study: study_row(row)?,
        patient: patients::from_row(row).doing("read a patient")?,
        modalities: list("modalities")?,
        views: list("views")?,
        images: row.try_get("images").doing("read the worklist")?,
        report,
        drafted: row.try_get("drafted").doing("read the worklist")?,
    })
}
