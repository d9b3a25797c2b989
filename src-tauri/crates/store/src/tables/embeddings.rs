//! Image embeddings, one for each image and pack.

use crate::Store;
use crate::error::{Doing, Result};
use crate::tables::{f32_bytes, f32_values};
use hilum_report::PackHash;

impl Store {
    /// Records an image's embedding, in place of an earlier one of that pack.
    ///
    /// # Errors
    /// `store.database` when the instance does not exist or the vector is empty;
    /// `data.disk_full`.
    pub async fn set_embedding(&self, instance_uid: &str, pack: &PackHash, vector: &[f32]) -> Result<()> {
        sqlx::query(
            "INSERT INTO embeddings (instance_uid, pack_hash, vector) VALUES (?, ?, ?)
             ON CONFLICT (instance_uid, pack_hash) DO UPDATE SET vector = excluded.vector",
        )
        .bind(instance_uid)
        .bind(pack.as_str())
        .bind(f32_bytes(vector))
        .execute(self.access().await?.connection())
        .await
        .doing("record an embedding")?;
        Ok(())
    }

    /// An image's embedding by a pack, `None` before it was computed.
    ///
    /// # Errors
    /// `store.database`.
    pub async fn embedding(&self, instance_uid: &str, pack: &PackHash) -> Result<Option<Vec<f32>>> {
        let bytes: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT vector FROM embeddings WHERE instance_uid = ? AND pack_hash = ?")
                .bind(instance_uid)
                .bind(pack.as_str())
                .fetch_optional(self.access().await?.connection())
                .await
                .doing("read an embedding")?;
        Ok(bytes.map(|b| f32_values(&b)))
    }

    /// All embeddings of a pack with their instances, for the index of similar cases.
    ///
    /// # Errors
    /// `store.database`.
    pub async fn embeddings(&self, pack: &PackHash) -> Result<Vec<(String, Vec<f32>)>> {
        let rows: Vec<(String, Vec<u8>)> =
            sqlx::query_as("SELECT instance_uid, vector FROM embeddings WHERE pack_hash = ? ORDER BY instance_uid")
                .bind(pack.as_str())
                .fetch_all(self.access().await?.connection())
                .await
                .doing("read the embeddings")?;
        Ok(rows.into_iter().map(|(uid, bytes)| (uid, f32_values(&bytes))).collect())
    }
}
