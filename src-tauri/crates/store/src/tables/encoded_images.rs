//! Images as a drafting model's tower encoded them, so that no image is encoded twice.

use crate::Store;
use crate::error::{Doing, Result};
use hilum_report::PackHash;

/// Images that are kept. One takes 2.6 MB with MedGemma 4B; the oldest gives way, and is encoded again when needed.
const KEPT: i64 = 100;

impl Store {
    /// Keeps an encoded image: the soft tokens that the pack made of the model input with this hash.
    ///
    /// # Errors
    /// `store.database` when the instance does not exist; `data.disk_full`.
    pub async fn set_encoded_image(
        &self,
        instance_uid: &str,
        pack: &PackHash,
        image_hash: &str,
        encoded: &[u8],
    ) -> Result<()> {
        let mut access = self.access().await?;
        sqlx::query(
            "INSERT OR REPLACE INTO encoded_images (instance_uid, pack_hash, image_hash, encoded) VALUES (?, ?, ?, ?)",
        )
        .bind(instance_uid)
        .bind(pack.as_str())
        .bind(image_hash)
        .bind(encoded)
        .execute(access.connection())
        .await
        .doing("keep an encoded image")?;
        sqlx::query("DELETE FROM encoded_images WHERE id <= (SELECT max(id) FROM encoded_images) - ?")
            .bind(KEPT)
            .execute(access.connection())
            .await
            .doing("let go of old encoded images")?;
        Ok(())
    }

    /// An encoded image, `None` unless this very model input was encoded by this pack.
    ///
    /// # Errors
    /// `store.database`.
    pub async fn encoded_image(
        &self,
        instance_uid: &str,
        pack: &PackHash,
        image_hash: &str,
    ) -> Result<Option<Vec<u8>>> {
        sqlx::query_scalar(
            "SELECT encoded FROM encoded_images WHERE instance_uid = ? AND pack_hash = ? AND image_hash = ?",
        )
        .bind(instance_uid)
        .bind(pack.as_str())
        .bind(image_hash)
        .fetch_optional(self.access().await?.connection())
        .await
        .doing("read an encoded image")
    }
}
