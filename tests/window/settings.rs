//! Settings that a data folder holds before the window opens on it.

use crate::scene::{NAME, PASSPHRASE};
use hilum_app::dto::Settings;
use hilum_store::DataFolder;
use std::path::Path;
use time::OffsetDateTime;

/// Keeps them as the window would, and when the last backup was made where there was one.
pub async fn keep(data: &Path, settings: &Settings, last_backup: Option<OffsetDateTime>) {
    let folder = DataFolder::open(data).expect("the data folder");
    let store = folder.unlock(NAME, PASSPHRASE, OffsetDateTime::now_utc()).await.expect("the store");
    store.set_setting("window", settings).await.expect("kept");
    if let Some(at) = last_backup {
        store.set_setting("backup.last", &at.unix_timestamp()).await.expect("kept");
    }
    store.close().await.expect("to close");
}
