//! A backup takes the place of what the data folder holds; what it held is kept.
//!
//! Everything is copied to `restoring/` inside the data folder and checked there. Then a marker
//! says that the exchange has begun, and files are moved: what is there into
//! `replaced-<time>/`, which is a data folder of its own, and the restored ones into its place.
//! A crash before the marker leaves the data folder as it was; one after it is finished when
//! the folder is opened next. The packs of models stay where they are.

use super::make::check;
use super::manifest::{Manifest, sha256_of};
use super::{BackupPhase, BackupProgress, DATABASE, FILES, GoOn, MANIFEST, VAULT, list::backups, stamp};
use crate::blobs::{BlobName, Blobs};
use crate::database;
use crate::error::{Doing, Result, StoreError};
use crate::files;
use crate::folder::{DataFolder, blocking};
use crate::tables::audit::{self, AuditEvent};
use crate::vault::{Key, RecoveryKey, User, Vault};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::Connection;
use std::fs;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// What opens a backup: a passphrase or the recovery key of the time when it was made.
pub enum Opening {
    Passphrase { name: String, passphrase: Zeroizing<String> },
    RecoveryKey(RecoveryKey),
}

impl Opening {
    pub fn by_passphrase(name: &str, passphrase: &str) -> Opening {
        Opening::Passphrase { name: name.to_owned(), passphrase: Zeroizing::new(passphrase.to_owned()) }
    }
}

/// What became of a restoring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// When the backup was made.
    pub made_at: OffsetDateTime,
    pub files: u64,
    pub signed_versions: u64,
    /// Where the data lie that were there before, whole; `None` where there were none.
    pub replaced: Option<PathBuf>,
}

const RESTORING: &str = "restoring";
const MARKER: &str = "exchange.json";
/// What makes up a data folder, besides packs of models.
const PARTS: [&str; 6] = [VAULT, DATABASE, "hilum.db-wal", "hilum.db-journal", "blobs", "vault.creating"];

/// How far an exchange has come.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Exchange {
    /// Folder beside the parts for what was there.
    replaced: String,
    /// False while the old parts go out, true while the new ones come in.
    coming_in: bool,
}

impl DataFolder {
    /// Puts a backup in the place of what this folder holds, which is kept in a folder beside it.
    /// `backup` is one backup, or a folder of backups, of which the newest is taken. Every
    /// sealed file and every page is read and checked before anything is exchanged.
    ///
    /// # Errors
    /// `vault.locked` for a wrong passphrase or recovery key; `data.in_use` while a store of this folder is
    /// open; `backup.not_found`, `backup.damaged`, `backup.cancelled`; `data.newer_version`;
    /// `backup.disk_full`, `backup.folder`. The folder is as it was then.
    pub async fn restore(&self, backup: &Path, opening: Opening, at: OffsetDateTime, go_on: GoOn<'_>) -> Result<Restored> {
        let _turn = self.turn()?;
        let chosen = backups(backup)?.swap_remove(0);
        let vault = Vault::load(&chosen.folder.join(VAULT))?;
        let for_unlocking = vault.clone();
        let (user, key) = blocking(move || unlock(&for_unlocking, &opening)).await?;
        let data = self.path().to_owned();
        let restoring = data.join(RESTORING);
        // What an earlier try has left, should it have failed in the midst of its exchange.
        finish_interrupted(&data)?;
        let prepared = prepare(&chosen.folder, &restoring, &key, user.as_ref(), at, go_on).await;
        let manifest = match prepared {
            Ok(manifest) => manifest,
            Err(e) => {
                let _ = fs::remove_dir_all(&restoring);
                return Err(e.of_copy());
            }
        };
        let stamp = stamp(at);
        let replaced = (0u32..)
            .map(|n| if n == 0 { format!("replaced-{stamp}") } else { format!("replaced-{stamp}-{n}") })
            .find(|name| !data.join(name).exists())
            .unwrap_or_default();
        let held_something = PARTS.iter().any(|part| data.join(part).exists());
        let exchange = Exchange { replaced: replaced.clone(), coming_in: false };
        if let Err(e) = exchange.save(&restoring) {
            let _ = fs::remove_dir_all(&restoring);
            return Err(e.of_copy());
        }
        finish(&data, exchange)?;
        self.take_vault(Vault::load(&data.join(VAULT))?);
        Ok(Restored {
            made_at: manifest.made_at,
            files: manifest.files,
            signed_versions: manifest.signed_versions,
            replaced: held_something.then(|| data.join(replaced)),
        })
    }
}

/// Finishes an exchange that a crash cut short, or clears away a restoring that had not come
/// that far. Called by who holds the folder's lock.
pub(crate) fn finish_interrupted(data: &Path) -> Result<()> {
    let restoring = data.join(RESTORING);
    if !restoring.is_dir() {
        return Ok(());
    }
    match Exchange::load(&restoring)? {
        Some(exchange) => finish(data, exchange),
        None => remove_if_there(&restoring),
    }
}

fn unlock(vault: &Vault, opening: &Opening) -> Result<(Option<User>, Key)> {
    match opening {
        Opening::Passphrase { name, passphrase } => vault.unlock(name, passphrase).map(|(user, key)| (Some(user), key)),
        Opening::RecoveryKey(recovery) => Ok((None, vault.unlock_with_recovery(recovery)?)),
    }
}

/// A whole data folder in `restoring`, checked.
async fn prepare(
    backup: &Path,
    restoring: &Path,
    key: &Key,
    user: Option<&User>,
    at: OffsetDateTime,
    go_on: GoOn<'_>,
) -> Result<Manifest> {
    let manifest = Manifest::read_checked(&backup.join(MANIFEST), key)?;
    files::create_private_folder(restoring)?;
    let parts =
        [(DATABASE, &manifest.database_sha256), (VAULT, &manifest.vault_sha256), (FILES, &manifest.files_sha256)];
    for (n, (name, sha256)) in parts.iter().enumerate() {
        if !go_on(BackupProgress { phase: BackupPhase::Database, done: n as u64, total: parts.len() as u64 }) {
            return Err(StoreError::BackupCancelled);
        }
        let (from, to, expected) = (backup.join(name), restoring.join(name), (*sha256).clone());
        blocking(move || {
            files::copy_synced(&from, &to)?;
            // The copy is read back, so that what is compared is what will be used.
            let same = sha256_of(&to)? == expected;
            let damaged = || StoreError::BackupDamaged { path: from.clone(), why: "it is not what was written".to_owned() };
            if same { Ok(()) } else { Err(damaged()) }
        })
        .await?;
    }
    let list = restoring.join(FILES);
    let names = fs::read_to_string(&list).map_err(|e| StoreError::file("read", &list, e))?;
    let names: Vec<BlobName> = names.lines().filter_map(BlobName::parse).collect();
    let root = backup.ancestors().nth(2).unwrap_or(backup);
    let (from, to) = (Blobs::existing(root, key), Blobs::open(restoring, key)?);
    for (n, name) in names.iter().enumerate() {
        if !go_on(BackupProgress { phase: BackupPhase::Files, done: n as u64, total: names.len() as u64 }) {
            return Err(StoreError::BackupCancelled);
        }
        let (from, to, name) = (from.clone(), to.clone(), name.clone());
        blocking(move || from.copy_sealed(&name, &to, false)).await?;
    }
    fs::remove_file(&list).map_err(|e| StoreError::file("delete", &list, e))?;
    check(restoring, restoring, key, go_on).await?;
    // Migrated as any folder of that age would be, and told in its own audit trail.
    let mut connection = database::open(&restoring.join(DATABASE), key, false).await?;
    let told = async {
        let mut tx = connection.begin().await.doing("begin a transaction")?;
        let by = user.map_or_else(|| manifest.by.clone(), |u| u.id.clone());
        let detail = json!({ "made_at": manifest.made_at.unix_timestamp(), "audit_seq": manifest.audit_seq,
                             "by_recovery_key": user.is_none() });
        audit::append(&mut tx, &AuditEvent::new(at, &by, "backup.restore", "vault").with(detail)).await?;
        tx.commit().await.doing("record the restoring")
    }
    .await;
    let closed = connection.close().await.doing("close the restored database");
    told.and(closed)?;
    files::sync_folder(restoring)?;
    Ok(manifest)
}

/// Moves the old parts out and the new ones in; may be begun again after any step.
fn finish(data: &Path, mut exchange: Exchange) -> Result<()> {
    let (restoring, replaced) = (data.join(RESTORING), data.join(&exchange.replaced));
    if !exchange.coming_in {
        for part in PARTS {
            if data.join(part).exists() {
                files::create_private_folder(&replaced)?;
                files::rename_synced(&data.join(part), &replaced.join(part))?;
            }
        }
        files::sync_folder(data)?;
        exchange.coming_in = true;
        exchange.save(&restoring)?;
    }
    // The vault comes last: it is the sign that all is there.
    for part in PARTS.iter().rev() {
        if restoring.join(part).exists() {
            files::rename_synced(&restoring.join(part), &data.join(part))?;
        }
    }
    files::sync_folder(&restoring)?;
    remove_if_there(&restoring)
}

impl Exchange {
    fn save(&self, restoring: &Path) -> Result<()> {
        let bytes = serde_json::to_vec(self).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        files::write_atomically(&restoring.join(MARKER), &bytes)
    }

    fn load(restoring: &Path) -> Result<Option<Exchange>> {
        let path = restoring.join(MARKER);
        match fs::read(&path) {
            Ok(bytes) => {
                let exchange: Exchange = serde_json::from_slice(&bytes)
                    .map_err(|e| StoreError::Corrupt(format!("{}: {e}", path.display())))?;
                let one_name = Path::new(&exchange.replaced).components().count() == 1
                    && exchange.replaced.starts_with("replaced-");
                if one_name { Ok(Some(exchange)) } else { Err(StoreError::Corrupt(path.display().to_string())) }
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(StoreError::file("read", &path, e)),
        }
    }
}

fn remove_if_there(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(StoreError::file("delete", folder, e)),
    }
}
