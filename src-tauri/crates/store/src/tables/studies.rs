//! Studies and the worklist.

use crate::Store;
use crate::blobs::BlobName;
use crate::error::{Doing, Result, StoreError};
use crate::tables::audit::{self, AuditEvent};
use crate::tables::import::NewStudy;
use crate::tables::patients::{self, Patient};
use crate::tables::reports::{self, ReportRow};
use crate::tables::series::{self, Series};
use crate::tables::{from_word, instances, search, time_text};
use hilum_report::{Status, UserId, VersionKind};
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
    /// The finding for which the models put it in front; empty for none.
    pub front: String,
    /// Who is to read it.
    pub assigned_to: Option<UserId>,
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

/// How far the reading of a study has come. The database keeps it (`migrations/0013_stages.sql`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadingStage {
    /// Nothing is written of it.
    New,
    /// A model's draft waits, and nobody has changed it.
    Drafted,
    /// A person writes in it, or it is preliminary or opened again.
    Begun,
    Signed,
    /// Its report was given up, and none was begun since.
    Cancelled,
}

/// A line of the worklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorklistRow {
    pub study: StudyRow,
    pub patient: Patient,
    /// Modalities of its series, in alphabetical order.
    pub modalities: Vec<String>,
    pub images: u32,
    /// Of the newest report; `None` while there is none.
    pub report: Option<(String, Status)>,
    pub stage: ReadingStage,
    /// What its newest signed version is; `None` while nothing is signed.
    pub signed: Option<VersionKind>,
    /// True when a model has finished a draft.
    pub drafted: bool,
}

/// Which studies the worklist shows. The default is all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorklistQuery {
    /// Each word must begin a word of name, patient id, accession, description or a signed report.
    pub text: String,
    /// Only studies at one of these; empty for any.
    pub stages: Vec<ReadingStage>,
    pub priority: Option<Priority>,
    /// Only studies that the models put in front.
    pub in_front: bool,
    /// Only studies handed to this user.
    pub assigned_to: Option<UserId>,
    /// YYYYMMDD, inclusive.
    pub from: Option<String>,
    /// YYYYMMDD, inclusive.
    pub to: Option<String>,
    /// 0 for no limit.
    pub limit: u32,
    pub offset: u32,
}

const STUDY_COLUMNS: &str =
    "s.uid, s.accession, s.study_id, s.date, s.time, s.description, s.referring_physician, s.priority, s.front, s.assigned_to";

/// From so many finds on a search goes through the list instead of looking each find up.
const MANY: usize = 4000;

/// The first key of the worklist's order, word for word as in the index `studies_in_order`.
const URGENCY: &str = "CASE WHEN s.report_status = 'final' THEN 3 WHEN s.priority = 'stat' THEN 0
    WHEN s.priority = 'urgent' THEN 1 WHEN s.front <> '' THEN 2 ELSE 3 END";

/// The newest report of a study `s`, which an index answers for without the report's row.
const NEWEST: &str = "FROM reports WHERE study_uid = s.uid ORDER BY created_at DESC, id DESC LIMIT 1";

/// A value of a statement that is put together.
enum Bound {
    Text(String),
    /// As [`search::marks`] gives them.
    Marks(Vec<u8>),
}

impl Store {
    /// Studies by urgency, then newest first.
    ///
    /// # Errors
    /// `store.database`, `store.corrupt`.
    pub async fn worklist(&self, query: &WorklistQuery) -> Result<Vec<WorklistRow>> {
        self.lines(query, None).await
    }

    /// The lines of these studies, in the worklist's order.
    ///
    /// # Errors
    /// `store.database`, `store.corrupt`.
    pub async fn worklist_of(&self, studies: &[String]) -> Result<Vec<WorklistRow>> {
        self.lines(&WorklistQuery::default(), Some(studies)).await
    }

    async fn lines(&self, query: &WorklistQuery, studies: Option<&[String]>) -> Result<Vec<WorklistRow>> {
        let mut access = self.access().await?;
        let mut conditions = Vec::new();
        let mut values: Vec<Bound> = Vec::new();
        if let Some(studies) = studies {
            conditions.push("s.uid IN (SELECT value FROM json_each(?))".to_owned());
            values.push(Bound::Text(crate::tables::to_json(&studies)?));
        }
        if !query.text.trim().is_empty() {
            let found = search::found(access.connection(), &query.text).await?;
            // Few are looked up one by one; of many the list is gone through from its beginning,
            // which soon has as many as are shown.
            if found.len() < MANY {
                conditions.push(
                    "s.uid IN (SELECT study_uid FROM study_keys WHERE n IN (SELECT value FROM json_each(?)))"
                        .to_owned(),
                );
                values.push(Bound::Text(crate::tables::to_json(&found)?));
            } else {
                conditions.push("substr(?, (SELECT n FROM study_keys WHERE study_uid = s.uid), 1) = x'01'".to_owned());
                values.push(Bound::Marks(search::marks(&found)));
            }
        }
        let wanted: Vec<String> = query.stages.iter().map(crate::tables::word).collect::<Result<_>>()?;
        if !wanted.is_empty() {
            conditions.push(format!("s.stage IN ({})", vec!["?"; wanted.len()].join(", ")));
            values.extend(wanted.into_iter().map(Bound::Text));
        }
        if query.in_front {
            conditions.push("s.front <> ''".to_owned());
        }
        for (condition, value) in [
            ("s.priority = ?", query.priority.map(|p| p.as_str().to_owned())),
            ("s.assigned_to = ?", query.assigned_to.as_ref().map(ToString::to_string)),
            ("s.date >= ?", query.from.clone()),
            ("s.date <= ?", query.to.clone()),
        ] {
            if let Some(value) = value {
                conditions.push(condition.to_owned());
                values.push(Bound::Text(value));
            }
        }
        let conditions = if conditions.is_empty() { "1".to_owned() } else { conditions.join(" AND ") };
        // Which studies is settled on the narrow index first; only those are then read whole.
        // Only fixed text goes into the statement; all that was typed is bound.
        let sql = format!(
            "WITH chosen AS MATERIALIZED (
                SELECT s.uid FROM studies s WHERE {conditions}
                ORDER BY {URGENCY}, s.date DESC, s.time DESC, s.uid LIMIT ? OFFSET ?)
             SELECT {STUDY_COLUMNS}, {patient},
                (SELECT group_concat(DISTINCT modality) FROM series WHERE study_uid = s.uid) AS modalities,
                (SELECT count(*) FROM instances
                 WHERE series_uid IN (SELECT uid FROM series WHERE study_uid = s.uid)) AS images,
                (SELECT id {NEWEST}) AS report_id, (SELECT status {NEWEST}) AS status, s.stage,
                (SELECT kind FROM report_versions WHERE report_id = (SELECT id {NEWEST})
                 ORDER BY number DESC LIMIT 1) AS signed,
                EXISTS (SELECT 1 FROM proposals WHERE study_uid = s.uid AND status = 'complete') AS drafted
             FROM chosen CROSS JOIN studies s ON s.uid = chosen.uid
             JOIN patients p ON p.key = s.patient_key
             ORDER BY {URGENCY}, s.date DESC, s.time DESC, s.uid",
            patient = patients::COLUMNS,
        );
        let mut statement = sqlx::query(AssertSqlSafe(sql));
        for value in values {
            statement = match value {
                Bound::Text(text) => statement.bind(text),
                Bound::Marks(marks) => statement.bind(marks),
            };
        }
        let limit = if query.limit == 0 { -1 } else { i64::from(query.limit) };
        statement
            .bind(limit)
            .bind(query.offset)
            .fetch_all(access.connection())
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

    /// Keeps for which finding the models put a study in front; empty for none.
    ///
    /// # Errors
    /// `data.disk_full`, `store.database`.
    pub async fn set_front(&self, uid: &str, finding: &str) -> Result<()> {
        sqlx::query("UPDATE studies SET front = ?1 WHERE uid = ?2 AND front <> ?1")
            .bind(finding)
            .bind(uid)
            .execute(self.access().await?.connection())
            .await
            .doing("put a study in front")?;
        Ok(())
    }

    /// Hands a study to a reader, or takes it back.
    ///
    /// # Errors
    /// `store.not_found` for the study, `vault.no_user` for the reader; `data.disk_full`.
    pub async fn assign(&self, uid: &str, to: Option<&UserId>, by: &UserId, at: OffsetDateTime) -> Result<()> {
        let mut access = self.access().await?;
        let mut tx = access.begin().await?;
        if let Some(to) = to {
            let known: Option<i64> = sqlx::query_scalar("SELECT 1 FROM users WHERE id = ?")
                .bind(to.as_str())
                .fetch_optional(&mut *tx)
                .await
                .doing("look up a user")?;
            known.ok_or(StoreError::NoUser)?;
        }
        let done = sqlx::query("UPDATE studies SET assigned_to = ? WHERE uid = ?")
            .bind(to.map(UserId::as_str))
            .bind(uid)
            .execute(&mut *tx)
            .await
            .doing("hand a study out")?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: "study", id: uid.to_owned() });
        }
        let event = AuditEvent::new(at, by, "study.assign", uid);
        audit::append(&mut tx, &event.with(serde_json::json!({ "to": to.map(UserId::as_str) }))).await?;
        tx.commit().await.doing("hand a study out")
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
    // A study that a person moved still takes the files that name its former patient.
    let (owner, files_name): (String, Option<String>) =
        sqlx::query_as("SELECT patient_key, files_name FROM studies WHERE uid = ?")
            .bind(&new.uid)
            .fetch_one(connection)
            .await
            .doing("record a study")?;
    Ok(owner == patient_key || files_name.as_deref() == Some(patient_key))
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
        front: text("front")?,
        assigned_to: row.try_get::<Option<String>, _>("assigned_to").doing("read a study")?.map(UserId::new),
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
        images: row.try_get("images").doing("read the worklist")?,
        report,
        stage: from_word(row.try_get("stage").doing("read the worklist")?, "a stage")?,
        signed: optional("signed")?.map(|kind| from_word(kind, "a kind of version")).transpose()?,
        drafted: row.try_get("drafted").doing("read the worklist")?,
    })
}
