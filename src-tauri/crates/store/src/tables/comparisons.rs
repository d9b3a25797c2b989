//! Which studies are compared with which, and a study that was filed under the wrong patient.

use crate::Store;
use crate::error::{Doing, Result, StoreError};
use crate::tables::audit::{self, AuditEvent};
use crate::tables::time_text;
use hilum_report::UserId;
use serde_json::json;
use time::OffsetDateTime;

impl Store {
    /// What a person said of pairs with this study: the other study, and whether it is linked.
    ///
    /// # Errors
    /// `store.database`.
    pub async fn comparisons(&self, study_uid: &str) -> Result<Vec<(String, bool)>> {
        sqlx::query_as("SELECT prior_uid, linked FROM comparisons WHERE study_uid = ? ORDER BY set_at, prior_uid")
            .bind(study_uid)
            .fetch_all(self.access().await?.connection())
            .await
            .doing("read comparisons")
    }

    /// Links another study as a comparison, or says that it is none.
    ///
    /// # Errors
    /// `store.not_found` for either study, `store.exists` when they are the same; `data.disk_full`.
    pub async fn set_comparison(
        &self,
        study_uid: &str,
        prior_uid: &str,
        linked: bool,
        by: &UserId,
        at: OffsetDateTime,
    ) -> Result<()> {
        if study_uid == prior_uid {
            return Err(StoreError::Exists { what: "study", id: study_uid.to_owned() });
        }
        let mut access = self.access().await?;
        let mut tx = access.begin().await?;
        for uid in [study_uid, prior_uid] {
            let known: Option<i64> = sqlx::query_scalar("SELECT 1 FROM studies WHERE uid = ?")
                .bind(uid)
                .fetch_optional(&mut *tx)
                .await
                .doing("look up a study")?;
            if known.is_none() {
                return Err(StoreError::NotFound { what: "study", id: uid.to_owned() });
            }
        }
        sqlx::query(
            "INSERT INTO comparisons (study_uid, prior_uid, linked, set_by, set_at) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET linked = excluded.linked, set_by = excluded.set_by, set_at = excluded.set_at",
        )
        .bind(study_uid)
        .bind(prior_uid)
        .bind(linked)
        .bind(by.as_str())
        .bind(time_text(at)?)
        .execute(&mut *tx)
        .await
        .doing("keep a comparison")?;
        let action = if linked { "comparison.link" } else { "comparison.unlink" };
        audit::append(&mut tx, &AuditEvent::new(at, by, action, study_uid).with(json!({ "prior": prior_uid }))).await?;
        tx.commit().await.doing("keep a comparison")
    }

    /// Files a study under the patient of another study, and says so in the audit trail. Later
    /// files of the study still go to it, though they name the patient it was filed under.
    ///
    /// # Errors
    /// `store.not_found` for either study, `store.exists` when they are of one patient already;
    /// `data.disk_full`.
    pub async fn move_study(
        &self,
        study_uid: &str,
        to_patient_of: &str,
        reason: &str,
        by: &UserId,
        at: OffsetDateTime,
    ) -> Result<()> {
        let mut access = self.access().await?;
        let mut tx = access.begin().await?;
        let mut keys = Vec::new();
        for uid in [study_uid, to_patient_of] {
            let key: Option<String> = sqlx::query_scalar("SELECT patient_key FROM studies WHERE uid = ?")
                .bind(uid)
                .fetch_optional(&mut *tx)
                .await
                .doing("look up a study")?;
            keys.push(key.ok_or_else(|| StoreError::NotFound { what: "study", id: uid.to_owned() })?);
        }
        let [from, to] = &keys[..] else { unreachable!("two studies were looked up") };
        if from == to {
            return Err(StoreError::Exists { what: "study of that patient", id: study_uid.to_owned() });
        }
        sqlx::query("UPDATE studies SET patient_key = ?2, files_name = coalesce(files_name, ?3) WHERE uid = ?1")
            .bind(study_uid)
            .bind(to)
            .bind(from)
            .execute(&mut *tx)
            .await
            .doing("move a study")?;
        sqlx::query(
            "DELETE FROM patients WHERE key = ?1 AND NOT EXISTS (SELECT 1 FROM studies WHERE patient_key = ?1)",
        )
        .bind(from)
        .execute(&mut *tx)
        .await
        .doing("delete a patient")?;
        let detail = json!({ "to_patient_of": to_patient_of, "reason": reason });
        audit::append(&mut tx, &AuditEvent::new(at, by, "study.move", study_uid).with(detail)).await?;
        tx.commit().await.doing("move a study")
    }
}
