//! What can go wrong in the store, one variant a failed step.

use hilum_report::{Refusal, UserId};
use std::io;
use std::path::{Path, PathBuf};

pub type Result<T> = std::result::Result<T, StoreError>;

/// Why the store did not do what was asked. Carries paths, UIDs and ids, never what
/// identifies a patient.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot {doing} {path}")]
    File { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("no space left while the store was to {0}")]
    DiskFull(String),
    #[error("the data folder is read-only: cannot {0}")]
    ReadOnly(String),
    #[error("the data folder {0} is in use by another process")]
    InUse(PathBuf),
    #[error("the data folder {0} has a vault already")]
    VaultExists(PathBuf),
    #[error("the data folder {0} has no vault")]
    VaultMissing(PathBuf),
    #[error("the vault file {path} cannot be read: {why}")]
    VaultCorrupt { path: PathBuf, why: String },
    #[error("the vault is locked: wrong name, passphrase or recovery key, or nobody has unlocked it")]
    Locked,
    #[error("a passphrase cannot be empty")]
    EmptyPassphrase,
    #[error("this is not a recovery key: a character is missing or mistyped")]
    NotARecoveryKey,
    #[error("a user of that name exists already")]
    UserExists,
    #[error("no such user")]
    NoUser,
    #[error("the user has no signing identity; one must be made")]
    NoIdentity,
    #[error("the key derivation failed: {0}")]
    KeyDerivation(String),
    #[error("the operating system gave no random bytes: {0}")]
    Random(String),
    #[error("the database {0} is missing")]
    DatabaseMissing(PathBuf),
    #[error("the data folder was written by a newer version of Hilum (schema {found}, this one knows {known})")]
    NewerVersion { found: i64, known: i64 },
    #[error("the database's schema is not the one this version made: {0}")]
    SchemaMismatch(String),
    #[error("the database cannot {doing}")]
    Database { doing: &'static str, source: sqlx::Error },
    #[error("stored data is damaged: {0}")]
    Corrupt(String),
    #[error("no {what} {id}")]
    NotFound { what: &'static str, id: String },
    #[error("{what} {id} exists already")]
    Exists { what: &'static str, id: String },
    #[error("the report is at revision {found}, not {expected}")]
    StaleRevision { expected: u64, found: u64 },
    #[error("report {report} is being written by {by}")]
    Held { report: String, by: UserId },
    #[error("a signature is recorded with its document, not appended")]
    SignApart,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("study {0} has been reported on and stays")]
    Reported(String),
    #[error("sealed file {0} is missing")]
    BlobMissing(String),
    #[error("sealed file {0} is damaged")]
    BlobCorrupt(String),
    #[error("the database could not be copied (SQLite code {0})")]
    PageCopy(i32),
    #[error("there is no backup in {0}")]
    NoBackup(PathBuf),
    #[error("the backup is damaged: {path}: {why}")]
    BackupDamaged { path: PathBuf, why: String },
    #[error("a backup cannot lie inside the data folder that it is of: {0}")]
    BackupInsideData(PathBuf),
    #[error("the disk is full on which a copy is made: cannot {0}")]
    BackupDiskFull(String),
    #[error("the folder for backups is read-only: cannot {0}")]
    BackupReadOnly(String),
    #[error("the folder for backups: cannot {doing} {path}: {source}")]
    BackupFolder { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("the backup was cancelled")]
    BackupCancelled,
    #[error("the background thread of the store failed: {0}")]
    Thread(String),
}

impl StoreError {
    /// A stable code for the boundary.
    pub fn code(&self) -> &'static str {
        use StoreError as E;
        match self {
            E::File { .. } => "data.file",
            E::DiskFull(_) => "data.disk_full",
            E::ReadOnly(_) => "data.read_only",
            E::InUse(_) => "data.in_use",
            E::DatabaseMissing(_) => "data.missing_database",
            E::NewerVersion { .. } => "data.newer_version",
            E::SchemaMismatch(_) => "data.schema_mismatch",
            E::VaultExists(_) => "vault.exists",
            E::VaultMissing(_) => "vault.missing",
            E::VaultCorrupt { .. } => "vault.corrupt",
            E::Locked => "vault.locked",
            E::EmptyPassphrase => "vault.empty_passphrase",
            E::NotARecoveryKey => "vault.not_a_recovery_key",
            E::UserExists => "vault.user_exists",
            E::NoUser => "vault.no_user",
            E::NoIdentity => "vault.no_identity",
            E::KeyDerivation(_) | E::Random(_) => "vault.crypto",
            E::Database { .. } => "store.database",
            E::Corrupt(_) => "store.corrupt",
            E::NotFound { .. } => "store.not_found",
            E::Exists { .. } => "store.exists",
            E::StaleRevision { .. } => "store.stale_revision",
            E::Held { .. } => "report.held",
            E::SignApart => "store.sign_apart",
            E::Refused(refusal) => refusal.code(),
            E::Reported(_) => "store.reported",
            E::BlobMissing(_) => "blob.missing",
            E::BlobCorrupt(_) => "blob.corrupt",
            E::PageCopy(_) => "store.database",
            E::NoBackup(_) => "backup.not_found",
            E::BackupDamaged { .. } => "backup.damaged",
            E::BackupInsideData(_) => "backup.inside_data",
            E::BackupDiskFull(_) => "backup.disk_full",
            E::BackupReadOnly(_) => "backup.read_only",
            E::BackupFolder { .. } => "backup.folder",
            E::BackupCancelled => "backup.cancelled",
            E::Thread(_) => "store.thread",
        }
    }

    /// An error of the file system; a full or read-only disk gets its own variant, since
    /// a person can do something about it.
    pub(crate) fn file(doing: &'static str, path: &Path, source: io::Error) -> StoreError {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::DiskFull(doing.to_owned()),
            io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly(doing.to_owned()),
            _ => StoreError::File { doing, path: path.to_owned(), source },
        }
    }

    /// The same of a copy: what a person can do is to be done elsewhere than in the data folder.
    pub(crate) fn of_copy(self) -> StoreError {
        match self {
            StoreError::DiskFull(doing) => StoreError::BackupDiskFull(doing),
            StoreError::ReadOnly(doing) => StoreError::BackupReadOnly(doing),
            StoreError::File { doing, path, source } => StoreError::BackupFolder { doing, path, source },
            other => other,
        }
    }

    /// An error of the database, by SQLite's primary result code (low byte).
    pub(crate) fn database(doing: &'static str, source: sqlx::Error) -> StoreError {
        const READONLY: i32 = 8;
        const IOERR: i32 = 10;
        /// Of writing, syncing a file or folder, and cutting one short.
        const UNWRITTEN: [i32; 4] = [IOERR | 3 << 8, IOERR | 4 << 8, IOERR | 5 << 8, IOERR | 6 << 8];
        const CORRUPT: i32 = 11;
        const FULL: i32 = 13;
        const NOTADB: i32 = 26;
        // SQLITE_IOERR_WRITE and friends do not keep errno, but SQLite maps ENOSPC to FULL.
        let extended = source.as_database_error().and_then(|e| e.code()).and_then(|c| c.parse::<i32>().ok()).unwrap_or(0);
        match extended & 0xff {
            FULL => StoreError::DiskFull(doing.to_owned()),
            READONLY => StoreError::ReadOnly(doing.to_owned()),
            // A disk that was made read-only while the file was open refuses each write with an error of its own.
            IOERR if UNWRITTEN.contains(&extended) => StoreError::ReadOnly(doing.to_owned()),
            CORRUPT | NOTADB => StoreError::Corrupt(format!("the database cannot {doing}")),
            _ => StoreError::Database { doing, source },
        }
    }
}

/// Says what was being done when the database failed.
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str) -> Result<T>;
}

impl<T> Doing<T> for std::result::Result<T, sqlx::Error> {
    fn doing(self, doing: &'static str) -> Result<T> {
        self.map_err(|e| StoreError::database(doing, e))
    }
}
