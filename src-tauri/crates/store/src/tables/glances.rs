//! What the worklist shows beside its lines, for many studies in one query a table.

use crate::Store;
use crate::error::{Doing, Result};
use crate::tables::scores::{self, Score};
use crate::tables::{from_json, journal, reports, to_json};
use hilum_report::{PackHash, Report, ReportId};
use sqlx::Row;
use std::collections::HashMap;

impl Store {
    /// The SOP Instance UIDs of the images of each of the studies, in the order in which [`Store::study`] has them.
    /// Studies without an image are left out.
    ///
    /// # Errors
    /// `store.database`.
    pub async fn images_of_studies(&self, studies: &[String]) -> Result<HashMap<String, Vec<String>>> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT s.study_uid, i.uid FROM series s JOIN instances i ON i.series_uid = s.uid
             WHERE s.study_uid IN (SELECT value FROM json_each(?))
             ORDER BY s.number IS NULL, s.number, s.uid, i.number IS NULL, i.number, i.uid",
        )
        .bind(to_json(&studies)?)
        .fetch_all(self.access().await?.connection())
        .await
        .doing("read the images of studies")?;
        let mut all: HashMap<String, Vec<String>> = HashMap::new();
        for (study, uid) in rows {
            all.entry(study).or_default().push(uid);
        }
        Ok(all)
    }

    /// All that the decode child read of each of the images.
    ///
    /// # Errors
    /// `store.database`, `store.corrupt`.
    pub async fn headers_of_images(&self, images: &[String]) -> Result<HashMap<String, serde_json::Value>> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT uid, header FROM instances WHERE uid IN (SELECT value FROM json_each(?))")
                .bind(to_json(&images)?)
                .fetch_all(self.access().await?.connection())
                .await
                .doing("read the headers of images")?;
        rows.into_iter().map(|(uid, header)| Ok((uid, from_json(&header, "a header")?))).collect()
    }

    /// The scores that a pack gave each of the images, as [`Store::scores`] has them. Images
    /// that it has not scored are left out.
    ///
    /// # Errors
    /// `store.database`, `store.corrupt`.
    pub async fn scores_of_images(&self, images: &[String], pack: &PackHash) -> Result<HashMap<String, Vec<Score>>> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT instance_uid, findings FROM scores
             WHERE instance_uid IN (SELECT value FROM json_each(?)) AND pack_hash = ?",
        )
        .bind(to_json(&images)?)
        .bind(pack.as_str())
        .fetch_all(self.access().await?.connection())
        .await
        .doing("read scores")?;
        rows.into_iter().map(|(image, findings)| Ok((image, scores::of_row(&findings)?))).collect()
    }

    /// The report of each of the studies that has one that is not cancelled: its id and
    /// revision, and the report itself where `known` does not name that revision.
    ///
    /// # Errors
    /// `store.database`; `store.corrupt` when a journal cannot be replayed.
    pub async fn reports_of_studies(
        &self,
        studies: &[String],
        known: &HashMap<ReportId, u64>,
    ) -> Result<HashMap<String, (ReportId, u64, Option<Report>)>> {
        let mut access = self.access().await?;
        let rows = sqlx::query(
            // The index has all of it; another one that the planner might take leads to the whole rows.
            "SELECT id, study_uid, revision FROM reports INDEXED BY reports_in_brief
             WHERE study_uid IN (SELECT value FROM json_each(?)) AND status <> 'cancelled'",
        )
        .bind(to_json(&studies)?)
        .fetch_all(access.connection())
        .await
        .doing("read the reports of studies")?;
        let mut all = HashMap::with_capacity(rows.len());
        let mut wanted = Vec::new();
        for row in &rows {
            let id = ReportId::new(row.try_get::<String, _>("id").doing("read a report")?);
            let study: String = row.try_get("study_uid").doing("read a report")?;
            let revision = row.try_get::<i64, _>("revision").doing("read a report")?.cast_unsigned();
            if known.get(&id) != Some(&revision) {
                wanted.push(id.to_string());
            }
            all.insert(study, (id, revision, None));
        }
        let initial: Vec<(String, String)> =
            sqlx::query_as("SELECT id, initial FROM reports WHERE id IN (SELECT value FROM json_each(?))")
                .bind(to_json(&wanted)?)
                .fetch_all(access.connection())
                .await
                .doing("read the reports of studies")?;
        let mut journals = journal::lines_of(access.connection(), &wanted).await?;
        for (id, initial) in initial {
            let lines = journals.remove(&id).unwrap_or_default();
            let report = journal::after(from_json(&initial, "a report")?, lines)?;
            if let Some((_, revision, slot)) = all.get_mut(report.study_uid()) {
                reports::must_be_at(&report, *revision)?;
                *slot = Some(report);
            }
        }
        Ok(all)
    }
}
