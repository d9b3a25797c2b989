//! Settings of this data folder: JSON values under dotted keys.

use crate::Store;
use crate::error::{Doing, Result};
use crate::tables::audit::{self, AuditEvent};
use crate::tables::{from_json, to_json};
use hilum_report::UserId;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sqlx::SqliteConnection;
use time::OffsetDateTime;

impl Store {
    /// The value under a key, `None` when it was never set.
    ///
    /// # Errors
    /// `store.corrupt` when the value is not a `T`; `store.database`.
    pub async fn setting<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let text: Option<String> = sqlx::query_scalar("SELECT value FROM settings WHERE key = ?")
            .bind(key)
            .fetch_optional(self.access().await?.connection())
            .await
            .doing("read a setting")?;
        text.map(|t| from_json(&t, "a setting")).transpose()
    }

    /// Sets the value under a key, for what Hilum notes for itself.
    ///
    /// # Errors
    /// `data.disk_full`, `store.database`.
    pub async fn set_setting<T: Serialize>(&self, key: &str, value: &T) -> Result<()> {
        set(self.access().await?.connection(), key, &to_json(value)?).await
    }

    /// Sets the value under a key for a person, and writes to the audit trail that it changed, with the
    /// names of the parts that did; never what they hold. Nothing is written where it is as it was.
    ///
    /// # Errors
    /// `data.disk_full`, `store.database`.
    pub async fn change_setting<T: Serialize>(&self, key: &str, value: &T, by: &UserId, at: OffsetDateTime) -> Result<()> {
        let text = to_json(value)?;
        let mut access = self.access().await?;
        let mut tx = access.begin().await?;
        let before: Option<String> = sqlx::query_scalar("SELECT value FROM settings WHERE key = ?")
            .bind(key)
            .fetch_optional(&mut *tx)
            .await
            .doing("read a setting")?;
        let parse = |text: &str| from_json::<Value>(text, "a setting");
        let (old, new) = (before.as_deref().map(parse).transpose()?.unwrap_or(Value::Null), parse(&text)?);
        if before.is_some() && old == new {
            return Ok(());
        }
        set(&mut tx, key, &text).await?;
        let event = AuditEvent::new(at, by, "setting.change", key).with(json!({ "parts": changed_parts(&old, &new) }));
        audit::append(&mut tx, &event).await?;
        tx.commit().await.doing("keep a setting")
    }
}

/// Sets the value under a key, as JSON.
pub(crate) async fn set(connection: &mut SqliteConnection, key: &str, text: &str) -> Result<()> {
    sqlx::query("INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
        .bind(key)
        .bind(text)
        .execute(connection)
        .await
        .doing("keep a setting")?;
    Ok(())
}

/// The keys of two objects that differ; none for anything else.
fn changed_parts(old: &Value, new: &Value) -> Vec<String> {
    let Value::Object(new) = new else { return Vec::new() };
    new.iter().filter(|(key, value)| old.get(key.as_str()) != Some(*value)).map(|(key, _)| key.clone()).collect()
}
