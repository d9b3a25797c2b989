//! Reports: where each stands. Their text is the journal's, replayed.

use crate::Store;
use crate::error::{Doing, Result, StoreError};
use crate::tables::audit::{self, AuditEvent};
use crate::tables::{from_json, from_word, journal, parse_time, time_text, to_json};
use hilum_report::{Report, ReportId, Status, Template, Unsignable, UserId};
use serde_json::json;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use time::OffsetDateTime;

/// Where a report stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    pub id: ReportId,
    pub study_uid: String,
    /// Number of journal lines.
    pub revision: u64,
    pub status: Status,
    pub created_at: OffsetDateTime,
    pub created_by: UserId,
    pub changed_at: OffsetDateTime,
}

/// Replayed reports kept in memory; beyond this many all are forgotten and read again.
const KEPT: usize = 16;

impl Store {
    /// Begins a report of a study from a template.
    ///
    /// # Errors
    /// `store.not_found` for the study; `store.exists` for the id, or when the study has a
    /// report that is not cancelled; `data.disk_full`;
    /// `store.database`.
    pub async fn create_report(
        &self,
        id: &ReportId,
        study_uid: &str,
        template: &Template,
        by: &UserId,
        at: OffsetDateTime,
    ) -> Result<Report> {
        let mut access = self.access().await?;
        let mut tx = access.begin().await?;
        let report = begin(&mut tx, id, study_uid, template, by, at).await?;
        tx.commit().await.doing("begin a report")?;
        keep(&mut access.open().reports, &report);
        Ok(report)
    }

    /// The report as it stands, replayed from its journal.
    ///
    /// # Errors
    /// `store.not_found`; `store.corrupt` when the journal cannot be replayed.
    pub async fn report(&self, id: &ReportId) -> Result<Report> {
        let mut access = self.access().await?;
        let known = access.open().reports.get(id).cloned();
        let report = current(access.connection(), known, id).await?;
        keep(&mut access.open().reports, &report);
        Ok(report)
    }

    /// The newest report of a study that is not cancelled, or a fresh one made from the
    /// template under `new_id`.
    ///
    /// # Errors
    /// As [`Store::create_report`] and [`Store::report`].
    pub async fn open_report(
        &self,
        study_uid: &str,
        new_id: &ReportId,
        template: &Template,
        by: &UserId,
        at: OffsetDateTime,
    ) -> Result<Report> {
        let mut access = self.access().await?;
        let known = access.open().reports.clone();
        // Looking and beginning are one step, or two readers would each begin a report.
        let mut tx = access.begin().await?;
        let rows = of_study(&mut tx, study_uid).await?;
        let report = match rows.iter().rev().find(|r| r.status != Status::Cancelled) {
            Some(row) => current(&mut tx, known.get(&row.id).cloned(), &row.id).await?,
            None => begin(&mut tx, new_id, study_uid, template, by, at).await?,
        };
        tx.commit().await.doing("open a report")?;
        keep(&mut access.open().reports, &report);
        Ok(report)
    }

    /// Where a report stands, without its text.
    ///
    /// # Errors
    /// `store.not_found`, `store.database`.
    pub async fn report_row(&self, id: &ReportId) -> Result<ReportRow> {
        existing(self.access().await?.connection(), id).await
    }
}

async fn begin(
    connection: &mut SqliteConnection,
    id: &ReportId,
    study_uid: &str,
    template: &Template,
    by: &UserId,
    at: OffsetDateTime,
) -> Result<Report> {
    let report = Report::new(id.clone(), study_uid, template);
    let study: Option<i64> = sqlx::query_scalar("SELECT 1 FROM studies WHERE uid = ?")
        .bind(study_uid)
        .fetch_optional(&mut *connection)
        .await
        .doing("look up a study")?;
    if study.is_none() {
        return Err(StoreError::NotFound { what: "study", id: study_uid.to_owned() });
    }
    if row(connection, id).await?.is_some() {
        return Err(StoreError::Exists { what: "report", id: id.to_string() });
    }
    if of_study(connection, study_uid).await?.iter().any(|r| r.status != Status::Cancelled) {
        return Err(StoreError::Exists { what: "report of study", id: study_uid.to_owned() });
    }
    let (unreviewed, empty_required) = lacking(&report);
    sqlx::query(
        "INSERT INTO reports (id, study_uid, initial, created_at, created_by, changed_at, unreviewed, empty_required)
         VALUES (?1, ?2, ?3, ?4, ?5, ?4, ?6, ?7)",
    )
    .bind(id.as_str())
    .bind(study_uid)
    .bind(to_json(&report)?)
    .bind(time_text(at)?)
    .bind(by.as_str())
    .bind(unreviewed)
    .bind(empty_required)
    .execute(&mut *connection)
    .await
    .doing("begin a report")?;
    let event = AuditEvent::new(at, by, "report.create", id.as_str())
        .with(json!({ "study": study_uid, "template": template.id.as_str(), "journal": true }));
    audit::append(connection, &event).await?;
    Ok(report)
}

/// Sentences that nobody has reviewed and required sections without text, counted for the
/// triggers.
pub(crate) fn lacking(report: &Report) -> (i64, i64) {
    let empty = report.what_signing_needs().iter().filter(|n| matches!(n, Unsignable::EmptySection(_))).count();
    (report.proposed().count() as i64, empty as i64)
}

/// The report at the revision that the database has: as known, or replayed.
pub(crate) async fn current(connection: &mut SqliteConnection, known: Option<Report>, id: &ReportId) -> Result<Report> {
    let row = existing(connection, id).await?;
    match known {
        Some(report) if report.revision() == row.revision => Ok(report),
        _ => {
            let initial: String = sqlx::query_scalar("SELECT initial FROM reports WHERE id = ?")
                .bind(id.as_str())
                .fetch_one(&mut *connection)
                .await
                .doing("read a report")?;
            let report = journal::replay(connection, from_json(&initial, "a report")?).await?;
            if report.revision() != row.revision || report.status() != row.status {
                return Err(StoreError::Corrupt(format!("report {id} is not what its journal says")));
            }
            Ok(report)
        }
    }
}

/// Refuses a replayed report that is not at the revision that its row names.
pub(crate) fn must_be_at(report: &Report, revision: u64) -> Result<()> {
    match report.revision() {
        found if found == revision => Ok(()),
        _ => Err(StoreError::Corrupt(format!("report {} is not what its journal says", report.id()))),
    }
}

pub(crate) fn keep(reports: &mut std::collections::HashMap<ReportId, Report>, report: &Report) {
    if reports.len() >= KEPT && !reports.contains_key(report.id()) {
        reports.clear();
    }
    reports.insert(report.id().clone(), report.clone());
}

pub(crate) async fn existing(connection: &mut SqliteConnection, id: &ReportId) -> Result<ReportRow> {
    row(connection, id).await?.ok_or_else(|| StoreError::NotFound { what: "report", id: id.to_string() })
}

pub(crate) async fn of_study(connection: &mut SqliteConnection, study_uid: &str) -> Result<Vec<ReportRow>> {
    sqlx::query("SELECT * FROM reports WHERE study_uid = ? ORDER BY created_at, id")
        .bind(study_uid)
        .fetch_all(connection)
        .await
        .doing("read the reports of a study")?
        .iter()
        .map(from_row)
        .collect()
}

async fn row(connection: &mut SqliteConnection, id: &ReportId) -> Result<Option<ReportRow>> {
    let row = sqlx::query("SELECT * FROM reports WHERE id = ?")
        .bind(id.as_str())
        .fetch_optional(connection)
        .await
        .doing("read a report")?;
    row.as_ref().map(from_row).transpose()
}

fn from_row(row: &SqliteRow) -> Result<ReportRow> {
    let text = |column: &str| row.try_get::<String, _>(column).doing("read a report");
    Ok(ReportRow {
        id: ReportId::new(text("id")?),
        study_uid: text("study_uid")?,
        revision: row.try_get::<i64, _>("revision").doing("read a report")?.cast_unsigned(),
        status: from_word(text("status")?, "a status")?,
        created_at: parse_time(&text("created_at")?)?,
        created_by: UserId::new(text("created_by")?),
        changed_at: parse_time(&text("changed_at")?)?,
    })
}
