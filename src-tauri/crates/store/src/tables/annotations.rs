//! What readers measure and mark on images.

use crate::Store;
use crate::error::{Doing, Result, StoreError};
use crate::tables::audit::{self, AuditEvent};
use crate::tables::{from_json, from_word, time_text, to_json, word};
use hilum_report::UserId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use time::OffsetDateTime;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnnotationKind {
    Length,
    Angle,
    Cobb,
    /// Cardiothoracic ratio: the heart's line, then the thorax's.
    Ctr,
    Rectangle,
    Ellipse,
    Arrow,
    Text,
}

impl AnnotationKind {
    /// How many points make one.
    pub fn points(self) -> usize {
        match self {
            AnnotationKind::Text => 1,
            AnnotationKind::Angle => 3,
            AnnotationKind::Cobb | AnnotationKind::Ctr => 4,
            _ => 2,
        }
    }
}

/// What millimetres on an image rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpacingSource {
    /// Imager Pixel Spacing (0018,1164): at the detector, so that the body comes out too large.
    Imager,
    /// Pixel Spacing (0028,0030).
    Calibrated,
}

/// A measurement or mark on one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    pub id: String,
    pub instance_uid: String,
    pub kind: AnnotationKind,
    /// Column and row in image pixels.
    pub points: Vec<[f64; 2]>,
    pub label: String,
    /// As it may stand in a report, for example "148 mm" or "0.56".
    pub measured: Vec<String>,
    /// `None` where no millimetres were measured.
    pub spacing: Option<SpacingSource>,
}

/// The study that an image is of.
const STUDY_OF: &str = "SELECT s.study_uid FROM instances i JOIN series s ON s.uid = i.series_uid WHERE i.uid = ?";

impl Store {
    /// The annotations of a study's images, the oldest first; those taken away are left out.
    ///
    /// # Errors
    /// `store.database`, `store.corrupt`.
    pub async fn annotations(&self, study_uid: &str) -> Result<Vec<Annotation>> {
        sqlx::query(
            "SELECT a.id, a.instance_uid, a.kind, a.points, a.label, a.measured, a.spacing FROM annotations a
             JOIN instances i ON i.uid = a.instance_uid JOIN series s ON s.uid = i.series_uid
             WHERE s.study_uid = ? AND a.removed_at IS NULL ORDER BY a.made_at, a.id",
        )
        .bind(study_uid)
        .fetch_all(self.access().await?.connection())
        .await
        .doing("read annotations")?
        .iter()
        .map(row)
        .collect()
    }

    /// Adds an annotation, changes it, or brings back one that was taken away; the study that it is in.
    ///
    /// # Errors
    /// `store.corrupt` when its points are not as many as its kind has, or no numbers;
    /// `store.exists` when the id is that of an annotation of another image; `store.not_found`
    /// for the image; `data.disk_full`.
    pub async fn put_annotation(&self, new: &Annotation, by: &UserId, at: OffsetDateTime) -> Result<String> {
        let finite = new.points.iter().flatten().all(|n| n.is_finite());
        if new.points.len() != new.kind.points() || !finite {
            return Err(StoreError::Corrupt("an annotation has other points than its kind".to_owned()));
        }
        let mut access = self.access().await?;
        let mut tx = access.begin().await?;
        let study: Option<String> = sqlx::query_scalar(STUDY_OF)
            .bind(&new.instance_uid)
            .fetch_optional(&mut *tx)
            .await
            .doing("look up an image")?;
        let study = study.ok_or_else(|| StoreError::NotFound { what: "instance", id: new.instance_uid.clone() })?;
        let kind = word(&new.kind)?;
        let spacing = new.spacing.as_ref().map(word).transpose()?;
        let done = sqlx::query(
            "INSERT INTO annotations (id, instance_uid, kind, points, label, measured, spacing, made_by, made_at, changed_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)
             ON CONFLICT (id) DO UPDATE SET points = excluded.points, label = excluded.label,
                measured = excluded.measured, spacing = excluded.spacing, changed_at = excluded.changed_at,
                removed_at = NULL
             WHERE instance_uid = excluded.instance_uid AND kind = excluded.kind",
        )
        .bind(&new.id)
        .bind(&new.instance_uid)
        .bind(&kind)
        .bind(to_json(&new.points)?)
        .bind(&new.label)
        .bind(to_json(&new.measured)?)
        .bind(spacing)
        .bind(by.as_str())
        .bind(time_text(at)?)
        .execute(&mut *tx)
        .await
        .doing("keep an annotation")?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Exists { what: "annotation", id: new.id.clone() });
        }
        let detail = json!({ "annotation": new.id, "kind": kind, "points": new.points, "measured": new.measured });
        audit::append(&mut tx, &AuditEvent::new(at, by, "annotation.put", &new.instance_uid).with(detail)).await?;
        tx.commit().await.doing("keep an annotation")?;
        Ok(study)
    }

    /// Takes an annotation away, and says in which study it was. Its row stays, since a number in a report may come from it.
    ///
    /// # Errors
    /// `store.not_found`, `data.disk_full`.
    pub async fn remove_annotation(&self, id: &str, by: &UserId, at: OffsetDateTime) -> Result<String> {
        let mut access = self.access().await?;
        let mut tx = access.begin().await?;
        let instance: Option<String> = sqlx::query_scalar(
            "UPDATE annotations SET removed_at = ?2 WHERE id = ?1 AND removed_at IS NULL RETURNING instance_uid",
        )
        .bind(id)
        .bind(time_text(at)?)
        .fetch_optional(&mut *tx)
        .await
        .doing("take an annotation away")?;
        let instance = instance.ok_or_else(|| StoreError::NotFound { what: "annotation", id: id.to_owned() })?;
        let study: String =
            sqlx::query_scalar(STUDY_OF).bind(&instance).fetch_one(&mut *tx).await.doing("take an annotation away")?;
        let event = AuditEvent::new(at, by, "annotation.remove", instance).with(json!({ "annotation": id }));
        audit::append(&mut tx, &event).await?;
        tx.commit().await.doing("take an annotation away")?;
        Ok(study)
    }
}

fn row(row: &SqliteRow) -> Result<Annotation> {
    let text = |column: &str| row.try_get::<String, _>(column).doing("read an annotation");
    let spacing: Option<String> = row.try_get("spacing").doing("read an annotation")?;
    Ok(Annotation {
        id: text("id")?,
        instance_uid: text("instance_uid")?,
        kind: from_word(text("kind")?, "a kind of annotation")?,
        points: from_json(&text("points")?, "an annotation")?,
        label: text("label")?,
        measured: from_json(&text("measured")?, "an annotation")?,
        spacing: spacing.map(|word| from_word(word, "a spacing")).transpose()?,
    })
}
