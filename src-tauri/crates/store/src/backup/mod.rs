//! Backups: a consistent copy of database, vault and sealed files, taken while work goes on.
//!
//! Everything in a backup is encrypted as it is in the data folder: the database by SQLCipher
//! under the same key, the sealed files as they are, and `vault.json`, which opens both with a
//! passphrase or recovery key of the time when it was made. Under the chosen folder:
//!
//! ```text
//! hilum-<id of the vault>/
//!   blobs/..                     sealed files, shared by all backups, each copied once
//!   snapshots/000007-20261124T043100Z/
//!     hilum.db  vault.json       the database and the vault
//!     files.txt                  the names of the sealed files that it needs
//!     manifest.json              lengths, hashes, the head of the audit trail; authenticated
//! ```
//!
//! A backup is written under a name that ends with `.partial`, read back, checked, and only
//! then given its own name, so that a folder with a number is a whole backup.

mod list;
mod make;
mod manifest;
mod pages;
mod restore;

pub use list::{BackupInfo, backups};
pub use make::{Backup, BackupTarget};
pub(crate) use pages::PageCopy;
pub use restore::{Opening, Restored};
pub(crate) use restore::finish_interrupted;

use crate::vault::{Key, derive, hmac_sha256};
use hmac::Mac;
use std::path::{Path, PathBuf};
use time::{OffsetDateTime, UtcOffset};

/// What is being done, and how far it is: `done` of `total` bytes, of this phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupProgress {
    pub phase: BackupPhase,
    pub done: u64,
    pub total: u64,
}

/// The parts of a backup or a restoring, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupPhase {
    /// The database is copied, page by page.
    Database,
    /// Sealed files are copied and read back.
    Files,
    /// The copy is opened and checked.
    Checking,
}

/// Asked again and again while copying; false ends the work with `backup.cancelled`.
pub type GoOn<'a> = &'a (dyn Fn(BackupProgress) -> bool + Send + Sync);

const DATABASE: &str = "hilum.db";
const VAULT: &str = "vault.json";
const FILES: &str = "files.txt";
const MANIFEST: &str = "manifest.json";
const SNAPSHOTS: &str = "snapshots";
/// What a folder that is not finished ends with.
const PARTIAL: &str = "partial";

/// The folder of one vault's backups under the folder that a person chose. Two vaults share
/// no file, so that none is taken for superfluous by the other.
fn root_of(chosen: &Path, key: &Key) -> PathBuf {
    let mut mac = hmac_sha256(&derive(key, "hilum backup: folder"));
    mac.update(b"id");
    chosen.join(format!("hilum-{}", hex::encode(&mac.finalize().into_bytes()[..5])))
}

/// A time as part of a folder's name, in UTC.
fn stamp(at: OffsetDateTime) -> String {
    let format = time::format_description::parse_borrowed::<2>("[year][month][day]T[hour][minute][second]Z");
    format.ok().and_then(|f| at.to_offset(UtcOffset::UTC).format(&f).ok()).unwrap_or_default()
}
