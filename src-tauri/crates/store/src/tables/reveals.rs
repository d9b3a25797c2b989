//! Who has uncovered the model's draft of a report, and what came first.

use crate::Store;
use crate::error::{Doing, Result};
use crate::tables::audit::{self, AuditEvent};
use crate::tables::{time_text, word};
use hilum_report::{ReportId, UserId};
use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;

/// What a reader had done before the draft was uncovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CameFirst {
    /// Findings or an impression of their own stood in the report.
    OwnFindings,
    /// The images had been shown, and nothing was written.
    Images,
}

impl Store {
    /// True when this reader has uncovered the draft of this report.
    ///
    /// # Errors
    /// `store.database`.
    pub async fn is_revealed(&self, report: &ReportId, to: &UserId) -> Result<bool> {
        let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM reveals WHERE report_id = ? AND user_id = ?")
            .bind(report.as_str())
            .bind(to.as_str())
            .fetch_optional(self.access().await?.connection())
            .await
            .doing("look up who uncovered a draft")?;
        Ok(found.is_some())
    }

    /// Records that a reader uncovers the draft, with its line in the audit trail; a second time
    /// nothing happens.
    ///
    /// # Errors
    /// `data.disk_full`, `store.database`.
    pub async fn reveal(&self, report: &ReportId, to: &UserId, first: CameFirst, at: OffsetDateTime) -> Result<()> {
        let mut access = self.access().await?;
        let mut tx = access.begin().await?;
        let first = word(&first)?;
        let made = sqlx::query(
            "INSERT INTO reveals (report_id, user_id, at, first) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(report.as_str())
        .bind(to.as_str())
        .bind(time_text(at)?)
        .bind(&first)
        .execute(&mut *tx)
        .await
        .doing("record that a draft is uncovered")?;
        if made.rows_affected() > 0 {
            let event = AuditEvent::new(at, to, "report.reveal", report.as_str()).with(json!({ "first": first }));
            audit::append(&mut tx, &event).await?;
        }
        tx.commit().await.doing("record that a draft is uncovered")
    }
}
