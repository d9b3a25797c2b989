//! Who is writing in a report. A lock comes with the first edit, is prolonged by every further one
//! and lapses by itself, so that nobody waits for somebody who went home. A signature ends it.

use crate::Store;
use crate::error::{Doing, Result, StoreError};
use crate::tables::audit::{self, AuditEvent};
use crate::tables::{parse_time, time_text};
use hilum_report::{ReportId, UserId};
use serde_json::json;
use sqlx::SqliteConnection;
use time::{Duration, OffsetDateTime};

/// How long after the last edit a report is still held.
pub const HELD_FOR: Duration = Duration::minutes(10);

/// Who holds a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub by: UserId,
    pub since: OffsetDateTime,
    /// When it lapses, if nothing more is written.
    pub until: OffsetDateTime,
}

impl Store {
    /// Who holds the report at this time; `None` where nobody does.
    ///
    /// # Errors
    /// `store.corrupt`, `store.database`.
    pub async fn held(&self, report: &ReportId, at: OffsetDateTime) -> Result<Option<Held>> {
        holder(self.access().await?.connection(), report, at).await
    }

    /// Gives the report to another person, whoever holds it; written to the audit trail where somebody
    /// else held it.
    ///
    /// # Errors
    /// `store.not_found`, `data.disk_full`, `store.database`.
    pub async fn take_over(&self, report: &ReportId, by: &UserId, at: OffsetDateTime) -> Result<()> {
        let mut access = self.access().await?;
        let mut tx = access.begin().await?;
        let before = holder(&mut tx, report, at).await?.filter(|held| held.by != *by);
        put(&mut tx, report, by, at).await?;
        if let Some(before) = before {
            let event = AuditEvent::new(at, by, "report.take_over", report.as_str())
                .with(json!({ "from": before.by.as_str(), "since": time_text(before.since)? }));
            audit::append(&mut tx, &event).await?;
        }
        tx.commit().await.doing("take a report over")
    }

    /// The person is done with the report; nothing happens where another one holds it.
    ///
    /// # Errors
    /// `store.database`.
    pub async fn release(&self, report: &ReportId, by: &UserId) -> Result<()> {
        sqlx::query("DELETE FROM edit_locks WHERE report_id = ? AND holder = ?")
            .bind(report.as_str())
            .bind(by.as_str())
            .execute(self.access().await?.connection())
            .await
            .doing("release a report")?;
        Ok(())
    }
}

/// Holds the report for who edits it now.
///
/// # Errors
/// `report.held` where another person holds it.
pub(crate) async fn hold(
    connection: &mut SqliteConnection,
    report: &ReportId,
    by: &UserId,
    at: OffsetDateTime,
) -> Result<()> {
    match holder(connection, report, at).await? {
        Some(held) if held.by != *by => Err(StoreError::Held { report: report.to_string(), by: held.by }),
        _ => put(connection, report, by, at).await,
    }
}

/// Frees the report, whoever holds it.
pub(crate) async fn let_go(connection: &mut SqliteConnection, report: &ReportId) -> Result<()> {
    sqlx::query("DELETE FROM edit_locks WHERE report_id = ?")
        .bind(report.as_str())
        .execute(connection)
        .await
        .doing("release a report")?;
    Ok(())
}

async fn holder(connection: &mut SqliteConnection, report: &ReportId, at: OffsetDateTime) -> Result<Option<Held>> {
    let row: Option<(String, String, String)> =
        sqlx::query_as("SELECT holder, since, until FROM edit_locks WHERE report_id = ? AND until > ?")
            .bind(report.as_str())
            .bind(time_text(at)?)
            .fetch_optional(connection)
            .await
            .doing("look up who holds a report")?;
    row.map(|(by, since, until)| {
        Ok(Held { by: UserId::new(by), since: parse_time(&since)?, until: parse_time(&until)? })
    })
    .transpose()
}

async fn put(connection: &mut SqliteConnection, report: &ReportId, by: &UserId, at: OffsetDateTime) -> Result<()> {
    sqlx::query(
        "INSERT INTO edit_locks (report_id, holder, since, until) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (report_id) DO UPDATE SET holder = excluded.holder, until = excluded.until,
             since = CASE WHEN holder = excluded.holder AND until > excluded.since THEN since ELSE excluded.since END",
    )
    .bind(report.as_str())
    .bind(by.as_str())
    .bind(time_text(at)?)
    .bind(time_text(at + HELD_FOR)?)
    .execute(connection)
    .await
    .doing("hold a report")?;
    Ok(())
}
