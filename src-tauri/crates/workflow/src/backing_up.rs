//! Backups of the data folder, and putting one back.

use async_recursion::async_recursion as boxed;
use crate::{Cancel, Workstation, WorkflowError};
use hilum_store::{Backup, BackupInfo, BackupProgress, BackupTarget, Opening, RecoveryKey, Restored};
use std::path::Path;
use time::OffsetDateTime;

/// Under which setting it is kept when the last backup was made: seconds since 1970.
const LAST: &str = "backup.last";

/// What opens a backup, as a person gives it.
#[derive(Clone)]
pub enum BackupSecret {
    /// Of a user of the time when it was made.
    Passphrase { user: String, passphrase: String },
    /// The recovery key of that time, as typed.
    RecoveryKey(String),
}

impl Workstation {
    /// Makes a backup while work goes on, and checks it; see [`hilum_store::Store::backup`].
    ///
    /// # Errors
    /// `backup.cancelled`, `backup.inside_data`, `backup.damaged`; `backup.disk_full`, `backup.read_only`,
    /// `backup.folder`; `vault.locked`.
    #[boxed]
    pub async fn backup(
        &self,
        folder: &Path,
        keep: Option<u32>,
        progress: &(dyn Fn(BackupProgress) + Send + Sync),
        cancel: &Cancel,
    ) -> Result<Backup, WorkflowError> {
        let store = self.store()?;
        let go_on = |at: BackupProgress| {
            progress(at);
            !cancel.is_cancelled()
        };
        let target = BackupTarget { folder: folder.to_owned(), keep };
        let now = self.now();
        let made = store.backup(&target, now, &go_on).await?;
        store.set_setting(LAST, &now.unix_timestamp()).await?;
        Ok(made)
    }

    /// When the last backup was made; `None` before the first.
    ///
    /// # Errors
    /// `vault.locked`.
    #[boxed]
    pub async fn last_backup(&self) -> Result<Option<OffsetDateTime>, WorkflowError> {
        let seconds = self.setting(LAST).await?.and_then(|value| value.as_i64());
        let offset = self.now().offset();
        Ok(seconds.and_then(|s| OffsetDateTime::from_unix_timestamp(s).ok()).map(|at| at.to_offset(offset)))
    }

    /// Puts a backup in the place of what the data folder holds, which is kept beside it, and leaves
    /// the folder locked; see [`hilum_store::DataFolder::restore`].
    ///
    /// # Errors
    /// `vault.locked` for a wrong passphrase, `vault.wrong_recovery_key`, `vault.not_a_recovery_key`;
    /// `backup.not_found`, `backup.damaged`, `backup.cancelled`; `backup.disk_full`.
    #[boxed]
    pub async fn restore(
        &self,
        backup: &Path,
        secret: BackupSecret,
        progress: &(dyn Fn(BackupProgress) + Send + Sync),
        cancel: &Cancel,
    ) -> Result<Restored, WorkflowError> {
        let by_key = matches!(secret, BackupSecret::RecoveryKey(_));
        let opening = match secret {
            BackupSecret::Passphrase { user, passphrase } => {
                Opening::by_passphrase(&user, &passphrase)
            }
            BackupSecret::RecoveryKey(typed) => Opening::RecoveryKey(RecoveryKey::parse(&typed)?),
        };
        let go_on = |at: BackupProgress| {
            progress(at);
            !cancel.is_cancelled()
        };
        self.lock().await?;
        self.folder.restore(backup, opening, self.now(), &go_on).await.map_err(|e| match e {
            hilum_store::StoreError::Locked if by_key => WorkflowError::WrongRecoveryKey,
            other => other.into(),
        })
    }
}

/// The backups in or below a folder, the newest first.
///
/// # Errors
/// `backup.not_found`, `data.file`.
pub fn backups(folder: &Path) -> Result<Vec<BackupInfo>, WorkflowError> {
    Ok(hilum_store::backups(folder)?)
}
