//! Settings of this data folder: JSON values under dotted keys.

use crate::Store;
use crate::error::{Doing, Result};
use crate::tables::{from_json, to_json};
use serde::{Serialize, de::DeserializeOwned};

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

    /// Sets the value under a key.
    ///
    /// # Errors
    /// `data.disk_full`, `store.database`.
    pub async fn set_setting<T: Serialize>(&self, key: &str, value: &T) -> Result<()> {
        sqlx::query(
            "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )
        .bind(key)
        .bind(to_json(value)?)
        .execute(self.access().await?.connection())
        .await
        .doing("keep a setting")?;
        Ok(())
    }
}
