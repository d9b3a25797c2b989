//! Instances: one image each, with its sealed original and caches.

use crate::blobs::BlobName;
use crate::error::{Doing, Result, StoreError};
use crate::tables::import::NewInstance;
use crate::tables::{from_json, time_text, to_json};
use crate::{BlobKind, Store};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use time::OffsetDateTime;

#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// SOP Instance UID.
    pub uid: String,
    pub sop_class_uid: String,
    pub transfer_syntax: String,
    pub number: Option<i64>,
    pub rows: u32,
    pub columns: u32,
    pub photometric: String,
    /// View Position (0018,5101): PA, AP, LL and others.
    pub view_position: String,
    /// Image or series laterality.
    pub laterality: String,
    /// All that the decode child read.
    pub header: serde_json::Value,
    pub original: BlobName,
    /// SHA-256 of the file as it came, hex.
    pub original_sha256: String,
    pub original_bytes: u64,
    pub thumbnail: Option<BlobName>,
    /// Decoded pixels, a cache.
    pub pixels: Option<BlobName>,
}

impl Store {
    /// One instance by its SOP Instance UID.
    ///
    /// # Errors
    /// `store.not_found`, `store.corrupt`, `store.database`.
    pub async fn instance(&self, uid: &str) -> Result<Instance> {
        let sql = "SELECT * FROM instances WHERE uid = ?";
        let row = sqlx::query(sql)
            .bind(uid)
            .fetch_optional(self.access().await?.connection())
            .await
            .doing("read an instance")?;
        from_row(&row.ok_or_else(|| StoreError::NotFound { what: "instance", id: uid.to_owned() })?)
    }

    /// Seals an instance's thumbnail or decoded pixels and records them. What stood in
    /// their place is deleted.
    ///
    /// # Errors
    /// `store.not_found`; `data.disk_full`; errors of the file system.
    pub async fn set_cache(&self, uid: &str, cache: Cache, content: Vec<u8>) -> Result<BlobName> {
        let (kind, read, write) = match cache {
            Cache::Thumbnail => (
                BlobKind::Thumbnail,
                "SELECT thumbnail_blob FROM instances WHERE uid = ?",
                "UPDATE instances SET thumbnail_blob = ? WHERE uid = ?",
            ),
            Cache::Pixels => (
                BlobKind::Pixels,
                "SELECT pixels_blob FROM instances WHERE uid = ?",
                "UPDATE instances SET pixels_blob = ? WHERE uid = ?",
            ),
        };
        let not_found = || StoreError::NotFound { what: "instance", id: uid.to_owned() };
        let name = self.put_blob(kind, content).await?;
        let mut access = self.access().await?;
        let before: Option<Option<String>> =
            sqlx::query_scalar(read).bind(uid).fetch_optional(access.connection()).await.doing("read an instance")?;
        let before = before.ok_or_else(not_found)?;
        sqlx::query(write)
            .bind(name.as_str())
            .bind(uid)
            .execute(access.connection())
            .await
            .doing("record a cached image")?;
        if let Some(old) = before.as_deref().and_then(BlobName::parse).filter(|old| *old != name) {
            let shared = is_used(access.connection(), &old).await?;
            if !shared {
                self.blobs()?.delete(&old)?;
            }
        }
        Ok(name)
    }
}

/// What can be made again from the original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    Thumbnail,
    Pixels,
}

/// True while any instance refers to the sealed file.
pub(crate) async fn is_used(connection: &mut SqliteConnection, name: &BlobName) -> Result<bool> {
    let used: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM instances WHERE original_blob = ?1 OR thumbnail_blob = ?1 OR pixels_blob = ?1 LIMIT 1",
    )
    .bind(name.as_str())
    .fetch_optional(connection)
    .await
    .doing("look for uses of a sealed file")?;
    Ok(used.is_some())
}

/// The instance's hash of the original and its series, when it is there.
pub(crate) async fn identity(connection: &mut SqliteConnection, uid: &str) -> Result<Option<(String, String)>> {
    sqlx::query_as("SELECT series_uid, original_sha256 FROM instances WHERE uid = ?")
        .bind(uid)
        .fetch_optional(connection)
        .await
        .doing("look up an instance")
}

pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    new: &NewInstance,
    series_uid: &str,
    at: OffsetDateTime,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO instances (uid, series_uid, sop_class_uid, transfer_syntax, number, rows, columns, photometric,
            view_position, laterality, header, original_blob, original_sha256, original_bytes, thumbnail_blob,
            pixels_blob, imported_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&new.uid)
    .bind(series_uid)
    .bind(&new.sop_class_uid)
    .bind(&new.transfer_syntax)
    .bind(new.number)
    .bind(new.rows)
    .bind(new.columns)
    .bind(&new.photometric)
    .bind(&new.view_position)
    .bind(&new.laterality)
    .bind(to_json(&new.header)?)
    .bind(new.original.as_str())
    .bind(&new.original_sha256)
    .bind(new.original_bytes.cast_signed())
    .bind(new.thumbnail.as_ref().map(BlobName::as_str))
    .bind(new.pixels.as_ref().map(BlobName::as_str))
    .bind(time_text(at)?)
    .execute(connection)
    .await
    .doing("record an instance")?;
    Ok(())
}

pub(crate) async fn of_series(connection: &mut SqliteConnection, series_uid: &str) -> Result<Vec<Instance>> {
    sqlx::query("SELECT * FROM instances WHERE series_uid = ? ORDER BY number IS NULL, number, uid")
        .bind(series_uid)
        .fetch_all(connection)
        .await
        .doing("read the instances of a series")?
        .iter()
        .map(from_row)
        .collect()
}

fn from_row(row: &SqliteRow) -> Result<Instance> {
    let text = |column: &str| row.try_get::<String, _>(column).doing("read an instance");
    let blob =
        |name: &str| BlobName::parse(name).ok_or_else(|| StoreError::Corrupt("the name of a sealed file".to_owned()));
    let cache = |column: &str| {
        let name = row.try_get::<Option<String>, _>(column).doing("read an instance")?;
        name.map(|n| blob(&n)).transpose()
    };
    Ok(Instance {
        uid: text("uid")?,
        sop_class_uid: text("sop_class_uid")?,
        transfer_syntax: text("transfer_syntax")?,
        number: row.try_get("number").doing("read an instance")?,
        rows: row.try_get("rows").doing("read an instance")?,
        columns: row.try_get("columns").doing("read an instance")?,
        photometric: text("photometric")?,
        view_position: text("view_position")?,
        laterality: text("laterality")?,
        header: from_json(&text("header")?, "a header")?,
        original: blob(&text("original_blob")?)?,
        original_sha256: text("original_sha256")?,
        original_bytes: row.try_get::<i64, _>("original_bytes").doing("read an instance")?.cast_unsigned(),
        thumbnail: cache("thumbnail_blob")?,
        pixels: cache("pixels_blob")?,
    })
}
