//! What similar cases and calibration read: embedded images with what they may be filtered
//! by, what signed versions say, and the probes fitted to it.

use crate::Store;
use crate::error::{Doing, Result};
use crate::tables::audit::{self, AuditEvent};
use crate::tables::{f32_values, from_json, parse_time, time_text, to_json};
use hilum_report::{FinalText, PackHash, UserId, VersionId};
use serde_json::Value;
use sqlx::Row;
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// An embedded image and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddedImage {
    /// Grows with every embedding; where the next page starts.
    pub number: i64,
    pub instance_uid: String,
    pub study_uid: String,
    /// Names the patient within this data folder alone.
    pub patient_key: String,
    pub vector: Vec<f32>,
    pub sex: Option<String>,
    pub birth_date: Option<String>,
    pub study_date: String,
    /// Patient's Age as in the file.
    pub patient_age: Option<String>,
    pub view_position: String,
    pub burned_in: Option<String>,
    pub rows: u32,
    pub columns: u32,
}

/// The newest signed version of a study as a labeller read it.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyLabels {
    pub study_uid: String,
    /// From finding to "present", "absent" or "uncertain".
    pub labels: BTreeMap<String, String>,
    pub in_bulk: bool,
}

/// A fit as it is kept; one for each finding and pack.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptProbe {
    pub pack: PackHash,
    pub finding: String,
    pub labeller: String,
    /// "calibrated", "too_few" or "not_separated".
    pub outcome: String,
    /// Patients.
    pub positives: u32,
    pub negatives: u32,
    /// Area under the ROC curve, with the ends of its interval.
    pub auc: Option<[f64; 3]>,
    /// `None` unless calibrated.
    pub probe: Option<Value>,
    pub fitted_at: OffsetDateTime,
}

/// Embeddings read at a time: 4.6 MB at 1152 dimensions.
const PAGE: i64 = 1000;

impl Store {
    /// Images embedded by a pack whose number is above `after`, in the order of their
    /// numbers, some at a time; empty at the end.
    ///
    /// # Errors
    /// `store.database`.
    pub async fn embedded_images(&self, pack: &PackHash, after: i64) -> Result<Vec<EmbeddedImage>> {
        sqlx::query(
            "SELECT e.rowid AS number, e.vector, i.uid, i.view_position, i.rows, i.columns, st.uid AS study_uid,
                st.date, p.key, p.sex, p.birth_date,
                json_extract(i.header, '$.patient_age') AS patient_age,
                json_extract(i.header, '$.burned_in_annotation') AS burned_in
             FROM embeddings e
             JOIN instances i ON i.uid = e.instance_uid
             JOIN series s ON s.uid = i.series_uid
             JOIN studies st ON st.uid = s.study_uid
             JOIN patients p ON p.key = st.patient_key
             WHERE e.pack_hash = ? AND e.rowid > ? ORDER BY e.rowid LIMIT ?",
        )
        .bind(pack.as_str())
        .bind(after)
        .bind(PAGE)
        .fetch_all(self.access().await?.connection())
        .await
        .doing("read the embeddings")?
        .iter()
        .map(|row| {
            let text = |column: &str| row.try_get::<String, _>(column).doing("read the embeddings");
            let optional = |column: &str| row.try_get::<Option<String>, _>(column).doing("read the embeddings");
            Ok(EmbeddedImage {
                number: row.try_get("number").doing("read the embeddings")?,
                instance_uid: text("uid")?,
                study_uid: text("study_uid")?,
                patient_key: text("key")?,
                vector: f32_values(row.try_get("vector").doing("read the embeddings")?),
                sex: optional("sex")?,
                birth_date: optional("birth_date")?,
                study_date: text("date")?,
                patient_age: optional("patient_age")?,
                view_position: text("view_position")?,
                burned_in: optional("burned_in")?,
                rows: row.try_get("rows").doing("read the embeddings")?,
                columns: row.try_get("columns").doing("read the embeddings")?,
            })
        })
        .collect()
    }

    /// How many images a pack has embedded.
    ///
    /// # Errors
    /// `store.database`.
    pub async fn embedded_count(&self, pack: &PackHash) -> Result<u64> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM embeddings WHERE pack_hash = ?")
            .bind(pack.as_str())
            .fetch_one(self.access().await?.connection())
            .await
            .doing("count the embeddings")?;
        Ok(count.cast_unsigned())
    }

    /// Radiographs that a pack has not embedded, with their headers, the newest import
    /// first. Other modalities are left out.
    ///
    /// # Errors
    /// `store.database`, `store.corrupt`.
    pub async fn images_without_embedding(&self, pack: &PackHash) -> Result<Vec<(String, Value)>> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT i.uid, i.header FROM instances i JOIN series s ON s.uid = i.series_uid
             WHERE upper(s.modality) IN ('CR', 'DX', 'RG', 'DR')
               AND NOT EXISTS (SELECT 1 FROM embeddings WHERE instance_uid = i.uid AND pack_hash = ?)
             ORDER BY i.imported_at DESC, i.uid",
        )
        .bind(pack.as_str())
        .fetch_all(self.access().await?.connection())
        .await
        .doing("read the images")?;
        rows.into_iter().map(|(uid, header)| Ok((uid, from_json(&header, "a header")?))).collect()
    }

    /// The study of an image and the key of its patient.
    ///
    /// # Errors
    /// `store.not_found`, `store.database`.
    pub async fn owner_of_image(&self, instance_uid: &str) -> Result<(String, String)> {
        let found: Option<(String, String)> = sqlx::query_as(
            "SELECT st.uid, st.patient_key FROM instances i JOIN series s ON s.uid = i.series_uid
             JOIN studies st ON st.uid = s.study_uid WHERE i.uid = ?",
        )
        .bind(instance_uid)
        .fetch_optional(self.access().await?.connection())
        .await
        .doing("look up an image")?;
        found.ok_or_else(|| crate::StoreError::NotFound { what: "instance", id: instance_uid.to_owned() })
    }

    /// How many versions were ever signed; it only grows.
    ///
    /// # Errors
    /// `store.database`.
    pub async fn signed_count(&self) -> Result<u64> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM report_versions")
            .fetch_one(self.access().await?.connection())
            .await
            .doing("count the signed versions")?;
        Ok(count.cast_unsigned())
    }

    /// Newest signed versions that a labeller has not read, some at a time; empty at the end.
    ///
    /// # Errors
    /// `store.database`, `store.corrupt`.
    pub async fn unlabelled_versions(&self, labeller: &str) -> Result<Vec<(VersionId, FinalText)>> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT v.id, v.text FROM report_versions v
             WHERE v.number = (SELECT max(number) FROM report_versions WHERE report_id = v.report_id)
               AND NOT EXISTS (SELECT 1 FROM version_labels WHERE version_id = v.id AND labeller = ?)
             LIMIT ?",
        )
        .bind(labeller)
        .bind(PAGE)
        .fetch_all(self.access().await?.connection())
        .await
        .doing("read signed versions")?;
        rows.into_iter().map(|(id, text)| Ok((VersionId::new(id), from_json(&text, "a signed text")?))).collect()
    }

    /// Keeps what a labeller read in signed versions.
    ///
    /// # Errors
    /// `store.database` when a version does not exist; `data.disk_full`.
    pub async fn label_versions(
        &self,
        labeller: &str,
        read: &[(VersionId, BTreeMap<String, String>, bool)],
    ) -> Result<()> {
        let mut access = self.access().await?;
        let mut tx = access.begin().await?;
        for (version, labels, in_bulk) in read {
            sqlx::query(
                "INSERT INTO version_labels (version_id, labeller, labels, in_bulk) VALUES (?, ?, ?, ?)
                 ON CONFLICT (version_id, labeller) DO UPDATE SET labels = excluded.labels, in_bulk = excluded.in_bulk",
            )
            .bind(version.as_str())
            .bind(labeller)
            .bind(to_json(labels)?)
            .bind(*in_bulk)
            .execute(&mut *tx)
            .await
            .doing("keep what versions say")?;
        }
        tx.commit().await.doing("keep what versions say")
    }

    /// What the newest signed version of each study says, as far as the labeller has read it.
    ///
    /// # Errors
    /// `store.database`, `store.corrupt`.
    pub async fn study_labels(&self, labeller: &str) -> Result<Vec<StudyLabels>> {
        let rows: Vec<(String, String, bool)> = sqlx::query_as(
            "SELECT r.study_uid, l.labels, l.in_bulk FROM version_labels l
             JOIN report_versions v ON v.id = l.version_id JOIN reports r ON r.id = v.report_id
             WHERE l.labeller = ?
               AND v.number = (SELECT max(number) FROM report_versions WHERE report_id = v.report_id)
             ORDER BY r.study_uid",
        )
        .bind(labeller)
        .fetch_all(self.access().await?.connection())
        .await
        .doing("read what versions say")?;
        rows.into_iter()
            .map(|(study_uid, labels, in_bulk)| {
                Ok(StudyLabels { study_uid, labels: from_json(&labels, "the labels of a version")?, in_bulk })
            })
            .collect()
    }

    /// Keeps the fits of a pack in place of its earlier ones, and that they were made.
    ///
    /// # Errors
    /// `store.database`, `data.disk_full`.
    pub async fn set_probes(
        &self,
        pack: &PackHash,
        probes: &[KeptProbe],
        by: &UserId,
        event: AuditEvent,
    ) -> Result<()> {
        let mut access = self.access().await?;
        let mut tx = access.begin().await?;
        sqlx::query("DELETE FROM probes WHERE pack_hash = ?")
            .bind(pack.as_str())
            .execute(&mut *tx)
            .await
            .doing("keep a calibration")?;
        for probe in probes {
            sqlx::query(
                "INSERT INTO probes (pack_hash, finding, labeller, outcome, positives, negatives, auc, auc_low, auc_high,
                    probe, fitted_at, fitted_by)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(pack.as_str())
            .bind(&probe.finding)
            .bind(&probe.labeller)
            .bind(&probe.outcome)
            .bind(probe.positives)
            .bind(probe.negatives)
            .bind(probe.auc.map(|a| a[0]))
            .bind(probe.auc.map(|a| a[1]))
            .bind(probe.auc.map(|a| a[2]))
            .bind(probe.probe.as_ref().map(to_json).transpose()?)
            .bind(time_text(probe.fitted_at)?)
            .bind(by.as_str())
            .execute(&mut *tx)
            .await
            .doing("keep a calibration")?;
        }
        audit::append(&mut tx, &event).await?;
        tx.commit().await.doing("keep a calibration")
    }

    /// All fits of all packs, by finding, time and pack.
    ///
    /// # Errors
    /// `store.database`, `store.corrupt`.
    pub async fn probes(&self) -> Result<Vec<KeptProbe>> {
        sqlx::query("SELECT * FROM probes ORDER BY finding, fitted_at, pack_hash")
            .fetch_all(self.access().await?.connection())
            .await
            .doing("read the calibration")?
            .iter()
            .map(|row| {
                let text = |column: &str| row.try_get::<String, _>(column).doing("read the calibration");
                let number = |column: &str| row.try_get::<Option<f64>, _>(column).doing("read the calibration");
                let auc = match (number("auc")?, number("auc_low")?, number("auc_high")?) {
                    (Some(value), Some(low), Some(high)) => Some([value, low, high]),
                    _ => None,
                };
                let probe: Option<String> = row.try_get("probe").doing("read the calibration")?;
                Ok(KeptProbe {
                    pack: PackHash::new(text("pack_hash")?),
                    finding: text("finding")?,
                    labeller: text("labeller")?,
                    outcome: text("outcome")?,
                    positives: row.try_get("positives").doing("read the calibration")?,
                    negatives: row.try_get("negatives").doing("read the calibration")?,
                    auc,
                    probe: probe.map(|p| from_json(&p, "a probe")).transpose()?,
                    fitted_at: parse_time(&text("fitted_at")?)?,
                })
            })
            .collect()
    }
}
