//! Studies that wait to be drafted in the background, and what an import brought.

use crate::Store;
use crate::error::{Doing, Result};
use crate::tables::time_text;
use time::OffsetDateTime;

/// A study in the queue.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct QueuedStudy {
    pub study_uid: String,
    /// The code with which drafting failed; empty while it waits.
    pub failed: String,
}

impl Store {
    /// The queue, the next first; what failed comes last.
    ///
    /// # Errors
    /// `store.database`.
    pub async fn draft_queue(&self) -> Result<Vec<QueuedStudy>> {
        sqlx::query_as("SELECT study_uid, failed FROM draft_queue ORDER BY failed <> '', place, study_uid")
            .fetch_all(self.access().await?.connection())
            .await
            .doing("read the draft queue")
    }

    /// Puts a study at the end of the queue, or at its beginning; one that is there moves, and
    /// one that failed waits again.
    ///
    /// # Errors
    /// `store.database` when there is no such study; `data.disk_full`.
    pub async fn queue_draft(&self, study_uid: &str, first: bool, at: OffsetDateTime) -> Result<()> {
        let place = if first { "coalesce(min(place), 0) - 1" } else { "coalesce(max(place), 0) + 1" };
        // Only fixed text goes into the statement.
        let sql = format!(
            "INSERT INTO draft_queue (study_uid, place, queued_at) SELECT ?1, {place}, ?2 FROM draft_queue WHERE true
             ON CONFLICT (study_uid) DO UPDATE SET place = excluded.place, failed = ''"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(study_uid)
            .bind(time_text(at)?)
            .execute(self.access().await?.connection())
            .await
            .doing("queue a draft")?;
        Ok(())
    }

    /// Takes a study out of the queue; nothing happens when it is not there.
    ///
    /// # Errors
    /// `data.disk_full`, `store.database`.
    pub async fn unqueue_draft(&self, study_uid: &str) -> Result<()> {
        sqlx::query("DELETE FROM draft_queue WHERE study_uid = ?")
            .bind(study_uid)
            .execute(self.access().await?.connection())
            .await
            .doing("take a draft out of the queue")?;
        Ok(())
    }

    /// Keeps why a study of the queue was not drafted.
    ///
    /// # Errors
    /// `data.disk_full`, `store.database`.
    pub async fn queued_draft_failed(&self, study_uid: &str, code: &str) -> Result<()> {
        sqlx::query("UPDATE draft_queue SET failed = ? WHERE study_uid = ?")
            .bind(code)
            .bind(study_uid)
            .execute(self.access().await?.connection())
            .await
            .doing("keep why a draft failed")?;
        Ok(())
    }

    /// Notes that an import brought an image.
    ///
    /// # Errors
    /// `data.disk_full`, `store.database`.
    pub async fn note_imported(&self, job: &str, instance_uid: &str) -> Result<()> {
        sqlx::query("INSERT OR IGNORE INTO import_images (job, instance_uid) VALUES (?, ?)")
            .bind(job)
            .bind(instance_uid)
            .execute(self.access().await?.connection())
            .await
            .doing("note an import")?;
        Ok(())
    }

    /// Studies all of whose images the import brought, and those that it only added to.
    ///
    /// # Errors
    /// `store.database`.
    pub async fn imported_by(&self, job: &str) -> Result<(Vec<String>, Vec<String>)> {
        let rows: Vec<(String, bool)> = sqlx::query_as(
            "SELECT s.study_uid, count(*) = sum(j.job IS NOT NULL) FROM series s
             JOIN instances i ON i.series_uid = s.uid
             LEFT JOIN import_images j ON j.instance_uid = i.uid AND j.job = ?1
             WHERE s.study_uid IN (SELECT s2.study_uid FROM import_images j2
                JOIN instances i2 ON i2.uid = j2.instance_uid JOIN series s2 ON s2.uid = i2.series_uid
                WHERE j2.job = ?1)
             GROUP BY s.study_uid ORDER BY s.study_uid",
        )
        .bind(job)
        .fetch_all(self.access().await?.connection())
        .await
        .doing("look up an import")?;
        let (whole, part): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, whole)| *whole);
        let uids = |rows: Vec<(String, bool)>| rows.into_iter().map(|(uid, _)| uid).collect();
        Ok((uids(whole), uids(part)))
    }
}
