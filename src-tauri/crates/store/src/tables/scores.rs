//! Zero-shot scores of an image, of all findings in one row a pack.

use crate::Store;
use crate::error::{Doing, Result, StoreError};
use crate::tables::{from_json, to_json};
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
    /// Records the scores that a pack gave an image, in place of earlier ones of that pack; none takes those away.
    ///
    /// # Errors
    /// `store.database` when the instance does not exist, `store.corrupt` for a score that is no finite number;
    /// `data.disk_full`.
    pub async fn set_scores(&self, instance_uid: &str, pack: &PackHash, scores: &[Score]) -> Result<()> {
        // JSON has no word for one, and the row could not be read again.
        if let Some(score) = scores.iter().find(|s| !(s.difference.is_finite() && s.softmax.is_finite())) {
            return Err(StoreError::Corrupt(format!("the score of {} is no finite number", score.finding)));
        }
        let mut access = self.access().await?;
        let statement = if scores.is_empty() {
            sqlx::query("DELETE FROM scores WHERE instance_uid = ? AND pack_hash = ?")
                .bind(instance_uid)
                .bind(pack.as_str())
        } else {
            let found: Vec<_> = scores.iter().map(|s| (&s.finding, s.difference, s.softmax)).collect();
            sqlx::query("INSERT OR REPLACE INTO scores (instance_uid, pack_hash, findings) VALUES (?, ?, ?)")
                .bind(instance_uid)
                .bind(pack.as_str())
                .bind(to_json(&found)?)
        };
        statement.execute(access.connection()).await.doing("record scores")?;
        Ok(())
    }

    /// The scores that a pack gave an image, in the order in which they were given; empty
    /// when it has not been scored.
    ///
    /// # Errors
    /// `store.database`, `store.corrupt`.
    pub async fn scores(&self, instance_uid: &str, pack: &PackHash) -> Result<Vec<Score>> {
        let found: Option<String> =
            sqlx::query_scalar("SELECT findings FROM scores WHERE instance_uid = ? AND pack_hash = ?")
                .bind(instance_uid)
                .bind(pack.as_str())
                .fetch_optional(self.access().await?.connection())
                .await
                .doing("read scores")?;
        found.map_or_else(|| Ok(Vec::new()), |findings| of_row(&findings))
    }
}

/// The scores of an image as its row has them.
pub(crate) fn of_row(findings: &str) -> Result<Vec<Score>> {
    let found: Vec<(String, f64, f64)> = from_json(findings, "scores")?;
    Ok(found.into_iter().map(|(finding, difference, softmax)| Score { finding, difference, softmax }).collect())
}
