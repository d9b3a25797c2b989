//! Zero-shot scores of an image, one for each finding and pack.

use crate::Store;
use crate::error::{Doing, Result};
use hilum_report::PackHash;

/// How much an image supports a finding. Support, never a probability of disease.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    pub finding: String,
    /// Cosine similarity to the finding's prompt minus that to its opposite, in [-2, 2].
    pub difference: f64,
    /// Softmax over the two, in [0, 1].
    pub softmax: f64,
}

impl Store {
    /// Records the scores that a pack gave an image, in place of earlier ones of that pack.
    ///
    /// # Errors
    /// `store.database` when the instance does not exist; `data.disk_full`.
    pub async fn set_scores(&self, instance_uid: &str, pack: &PackHash, scores: &[Score]) -> Result<()> {
        let mut access = self.access().await?;
        let mut tx = access.begin().await?;
        sqlx::query("DELETE FROM scores WHERE instance_uid = ? AND pack_hash = ?")
            .bind(instance_uid)
            .bind(pack.as_str())
            .execute(&mut *tx)
            .await
            .doing("record scores")?;
        for score in scores {
            sqlx::query(
                "INSERT INTO scores (instance_uid, pack_hash, finding, difference, softmax) VALUES (?, ?, ?, ?, ?)",
            )
            .bind(instance_uid)
            .bind(pack.as_str())
            .bind(&score.finding)
            .bind(score.difference)
            .bind(score.softmax)
            .execute(&mut *tx)
            .await
            .doing("record scores")?;
        }
        tx.commit().await.doing("record scores")
    }

    /// The scores that a pack gave an image, in the order in which they were given; empty
    /// when it has not been scored.
    ///
    /// # Errors
    /// `store.database`.
    pub async fn scores(&self, instance_uid: &str, pack: &PackHash) -> Result<Vec<Score>> {
        let rows: Vec<(String, f64, f64)> = sqlx::query_as(
            "SELECT finding, difference, softmax FROM scores WHERE instance_uid = ? AND pack_hash = ? ORDER BY rowid",
        )
        .bind(instance_uid)
        .bind(pack.as_str())
        .fetch_all(self.access().await?.connection())
        .await
        .doing("read scores")?;
        Ok(rows.into_iter().map(|(finding, difference, softmax)| Score { finding, difference, softmax }).collect())
    }
}
