//! What reports are printed with besides their text.

use crate::Store;
use crate::error::{Doing, Result, StoreError};
use crate::tables::audit::{self, AuditEvent};
use crate::tables::{from_json, time_text, to_json};
use hilum_report::{ReportId, UserId};
use serde_json::json;
use sqlx::Row;
use time::OffsetDateTime;

/// The letterhead's logo, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoPicture {
    pub width: u32,
    pub height: u32,
    /// Three bytes a pixel, row by row from the top.
    pub rgb: Vec<u8>,
}

/// The images and measurements that a report is printed with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Instances in the order in which they are printed.
    pub images: Vec<String>,
    /// Ids of annotations whose values are printed as a table.
    pub measurements: Vec<String>,
}

impl Store {
    /// # Errors
    /// `store.database`.
    pub async fn logo(&self) -> Result<Option<LogoPicture>> {
        let row = sqlx::query("SELECT width, height, rgb FROM letterhead_logo WHERE id = 1")
            .fetch_optional(self.access().await?.connection())
            .await
            .doing("read the logo")?;
        row.map(|row| {
            Ok(LogoPicture {
                width: row.try_get("width").doing("read the logo")?,
                height: row.try_get("height").doing("read the logo")?,
                rgb: row.try_get("rgb").doing("read the logo")?,
            })
        })
        .transpose()
    }

    /// Sets the logo, or takes it away; audited.
    ///
    /// # Errors
    /// `store.database` for a size that is not its number of bytes; `data.disk_full`.
    pub async fn set_logo(&self, logo: Option<&LogoPicture>, by: &UserId, at: OffsetDateTime) -> Result<()> {
        let mut access = self.access().await?;
        let mut tx = access.begin().await?;
        let set = match logo {
            Some(logo) => {
                sqlx::query("INSERT OR REPLACE INTO letterhead_logo (id, width, height, rgb) VALUES (1, ?, ?, ?)")
                    .bind(logo.width)
                    .bind(logo.height)
                    .bind(&logo.rgb)
            }
            None => sqlx::query("DELETE FROM letterhead_logo"),
        };
        set.execute(&mut *tx).await.doing("keep the logo")?;
        let detail = json!({ "logo": logo.map(|logo| [logo.width, logo.height]) });
        audit::append(&mut tx, &AuditEvent::new(at, by, "letterhead.logo", "letterhead").with(detail)).await?;
        tx.commit().await.doing("keep the logo")
    }

    /// What a person chose for a report, `None` while nobody chose.
    ///
    /// # Errors
    /// `store.database`, `store.corrupt`.
    pub async fn figures(&self, report: &ReportId) -> Result<Option<Figures>> {
        let row: Option<(String, String)> =
            sqlx::query_as("SELECT images, measurements FROM report_figures WHERE report_id = ?")
                .bind(report.as_str())
                .fetch_optional(self.access().await?.connection())
                .await
                .doing("read a report's figures")?;
        row.map(|(images, measurements)| {
            Ok(Figures {
                images: from_json(&images, "a report's images")?,
                measurements: from_json(&measurements, "a report's measurements")?,
            })
        })
        .transpose()
    }

    /// Keeps what a person chose for a report; audited. What was signed is not touched by it.
    ///
    /// # Errors
    /// `store.not_found` for a report that is not there; `data.disk_full`.
    pub async fn set_figures(
        &self,
        report: &ReportId,
        figures: &Figures,
        by: &UserId,
        at: OffsetDateTime,
    ) -> Result<()> {
        let mut access = self.access().await?;
        let mut tx = access.begin().await?;
        let known: Option<i64> = sqlx::query_scalar("SELECT 1 FROM reports WHERE id = ?")
            .bind(report.as_str())
            .fetch_optional(&mut *tx)
            .await
            .doing("look up a report")?;
        if known.is_none() {
            return Err(StoreError::NotFound { what: "report", id: report.to_string() });
        }
        sqlx::query(
            "INSERT OR REPLACE INTO report_figures (report_id, images, measurements, chosen_by, chosen_at)
             VALUES (?, ?, ?, ?, ?)",
        )
        .bind(report.as_str())
        .bind(to_json(&figures.images)?)
        .bind(to_json(&figures.measurements)?)
        .bind(by.as_str())
        .bind(time_text(at)?)
        .execute(&mut *tx)
        .await
        .doing("keep a report's figures")?;
        let detail = json!({ "images": figures.images, "measurements": figures.measurements });
        audit::append(&mut tx, &AuditEvent::new(at, by, "report.figures", report.as_str()).with(detail)).await?;
        tx.commit().await.doing("keep a report's figures")
    }
}
