//! Series of a study.

use crate::error::{Doing, Result};
use crate::tables::import::NewSeries;
use crate::tables::instances::{self, Instance};
use sqlx::{Row, SqliteConnection};

#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub uid: String,
    /// Modality (0008,0060): CR, DX and others.
    pub modality: String,
    pub number: Option<i64>,
    pub description: String,
    /// Body Part Examined (0018,0015).
    pub body_part: String,
    /// In the order of their Instance Number.
    pub instances: Vec<Instance>,
}

/// Records a series of a study; a series that is there keeps its study and fills in what
/// it lacked. False when the UID belongs to another study.
pub(crate) async fn upsert(connection: &mut SqliteConnection, series: &NewSeries, study_uid: &str) -> Result<bool> {
    sqlx::query(
        "INSERT INTO series (uid, study_uid, modality, number, description, body_part) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (uid) DO UPDATE SET
            number = coalesce(number, excluded.number),
            description = CASE WHEN description = '' THEN excluded.description ELSE description END,
            body_part = CASE WHEN body_part = '' THEN excluded.body_part ELSE body_part END
         WHERE study_uid = excluded.study_uid",
    )
    .bind(&series.uid)
    .bind(study_uid)
    .bind(&series.modality)
    .bind(series.number)
    .bind(&series.description)
    .bind(&series.body_part)
    .execute(&mut *connection)
    .await
    .doing("record a series")?;
    let owner: String = sqlx::query_scalar("SELECT study_uid FROM series WHERE uid = ?")
        .bind(&series.uid)
        .fetch_one(connection)
        .await
        .doing("record a series")?;
    Ok(owner == study_uid)
}

pub(crate) async fn of_study(connection: &mut SqliteConnection, study_uid: &str) -> Result<Vec<Series>> {
    let rows = sqlx::query(
        "SELECT uid, modality, number, description, body_part FROM series WHERE study_uid = ?
         ORDER BY number IS NULL, number, uid",
    )
    .bind(study_uid)
    .fetch_all(&mut *connection)
    .await
    .doing("read the series of a study")?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let uid: String = row.try_get("uid").doing("read a series")?;
        all.push(Series {
            instances: instances::of_series(connection, &uid).await?,
            uid,
            modality: row.try_get("modality").doing("read a series")?,
            number: row.try_get("number").doing("read a series")?,
            description: row.try_get("description").doing("read a series")?,
            body_part: row.try_get("body_part").doing("read a series")?,
        });
    }
    Ok(all)
}
