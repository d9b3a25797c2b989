//! A backup is made while the store is in use.

use super::list::numbered;
use super::manifest::{FORMAT, Manifest, sha256_of};
use super::{BackupPhase, BackupProgress, DATABASE, FILES, GoOn, MANIFEST, PARTIAL, PageCopy, SNAPSHOTS, VAULT, root_of, stamp};
use crate::Store;
use crate::blobs::{BlobKind, BlobName, Blobs};
use crate::database;
use crate::error::{Doing, Result, StoreError};
use crate::files;
use crate::folder::blocking;
use crate::tables::audit::{self, AuditEvent, AuditVerdict};
use crate::tables::instances;
use crate::vault::Key;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::{Connection, SqliteConnection};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;

/// Where backups go, and how many stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupTarget {
    /// The folder that a person chose; the vault's own folder is made in it.
    pub folder: PathBuf,
    /// Older backups of this vault past so many are deleted; `None` keeps all.
    pub keep: Option<u32>,
}

/// A backup that was made, read back and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    pub folder: PathBuf,
    pub made_at: OffsetDateTime,
    /// Database and sealed files together, and what of it was copied now.
    pub bytes: u64,
    pub copied_bytes: u64,
    pub files: u64,
    pub signed_versions: u64,
    /// Older backups that were deleted.
    pub deleted: u64,
}

/// In so many backups every sealed file in the backup folder is read again, so that one which the disk has
/// damaged is found and copied anew while the original is there.
const TURNS: u64 = 8;

/// How often the pages are copied anew when a sealed file went away meanwhile.
const TRIES: u32 = 3;

/// Steps in which no page was copied, after which the copy is given up.
const IDLE: u32 = 200;

impl Store {
    /// Makes a backup while others use the store: database, vault and sealed files, consistent
    /// as of the end of the copying of the database. Decoded pixels are left out, because
    /// they can be made again. What was copied is read back, opened with the key, and checked:
    /// every page, the audit trail, and every signed document against its recorded hash.
    ///
    /// # Errors
    /// `backup.cancelled` when `go_on` gave false; `backup.inside_data`; `backup.damaged` when the copy
    /// is not what was copied; `backup.disk_full`, `backup.read_only`, `backup.folder` of the folder for backups,
    /// which must be there; `vault.locked` once closed. No partial backup counts as one.
    pub async fn backup(&self, target: &BackupTarget, at: OffsetDateTime, go_on: GoOn<'_>) -> Result<Backup> {
        let made = self.make(target, at, go_on).await.map_err(StoreError::of_copy)?;
        let name = made.folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let detail = json!({ "files": made.files, "signed_versions": made.signed_versions, "deleted": made.deleted });
        self.record_event(AuditEvent::new(at, &self.user().id, "backup.make", name).with(detail)).await?;
        Ok(made)
    }

    async fn make(&self, target: &BackupTarget, at: OffsetDateTime, go_on: GoOn<'_>) -> Result<Backup> {
        let (key, data) = self.key_and_folder()?;
        // Not made here: a disk that is not mounted would be taken for an empty folder.
        let chosen = target.folder.canonicalize().map_err(|e| StoreError::file("find", &target.folder, e))?;
        if chosen.starts_with(&data) {
            return Err(StoreError::BackupInsideData(chosen));
        }
        let root = root_of(&chosen, &key);
        let snapshots = root.join(SNAPSHOTS);
        files::create_private_folder(&snapshots)?;
        remove_partial(&snapshots)?;
        let number = numbered(&snapshots)?.last().map_or(1, |(number, _)| number + 1);
        let whole = snapshots.join(format!("{number:06}-{}", stamp(at)));
        let partial = snapshots.join(format!("{number:06}-{}.{PARTIAL}", stamp(at)));
        files::create_private_folder(&partial)?;
        let made = self.fill(&root, &partial, &key, number, at, go_on).await;
        let (manifest, copied_bytes) = match made {
            Ok(made) => made,
            Err(e) => {
                let _ = fs::remove_dir_all(&partial);
                return Err(e);
            }
        };
        files::sync_folder(&partial)?;
        files::rename_synced(&partial, &whole)?;
        let deleted = prune(&root, target.keep)?;
        Ok(Backup {
            folder: whole,
            made_at: at,
            bytes: manifest.database_bytes + manifest.file_bytes,
            copied_bytes,
            files: manifest.files,
            signed_versions: manifest.signed_versions,
            deleted,
        })
    }

    /// Everything but the name of a backup; what was copied, in bytes.
    async fn fill(
        &self,
        root: &Path,
        partial: &Path,
        key: &Key,
        number: u64,
        at: OffsetDateTime,
        go_on: GoOn<'_>,
    ) -> Result<(Manifest, u64)> {
        let database = partial.join(DATABASE);
        let mut tries = 0;
        let (names, bytes, copied) = loop {
            tries += 1;
            let copy = self.copy_pages(&database, key, go_on).await?;
            let names = settle(copy).await?;
            match self.copy_files(root, key, number, &names, go_on).await {
                Ok((bytes, copied)) => break (names, bytes, copied),
                // Somebody deleted a study, or made a thumbnail anew, since its row was copied.
                Err(StoreError::BlobMissing(name)) if tries < TRIES && !self.refers_to(&name).await? => {
                    fs::remove_file(&database).map_err(|e| StoreError::file("delete", &database, e))?;
                }
                Err(e) => return Err(e),
            }
        };
        let list: String = names.iter().map(|name| format!("{name}\n")).collect();
        files::write_atomically(&partial.join(FILES), list.as_bytes())?;
        self.vault()?.save(&partial.join(VAULT))?;
        let found = check(partial, root, key, go_on).await?;
        // Hashed last, after the check has closed the database.
        let path = database.clone();
        let database_sha256 = blocking(move || {
            fs::File::open(&path).and_then(|f| f.sync_all()).map_err(|e| StoreError::file("sync", &path, e))?;
            sha256_of(&path)
        })
        .await?;
        let manifest = Manifest {
            format: FORMAT,
            hilum: env!("CARGO_PKG_VERSION").to_owned(),
            made_at: at,
            by: self.user().id.clone(),
            schema: found.schema,
            database_bytes: fs::metadata(&database).map_err(|e| StoreError::file("read", &database, e))?.len(),
            database_sha256,
            vault_sha256: sha256_of(&partial.join(VAULT))?,
            files_sha256: sha256_of(&partial.join(FILES))?,
            files: names.len() as u64,
            file_bytes: bytes,
            signed_versions: found.signed_versions,
            audit_seq: found.audit_seq,
            audit_hash: found.audit_hash,
        };
        manifest.save(&partial.join(MANIFEST), key)?;
        let bytes = copied + manifest.database_bytes;
        Ok((manifest, bytes))
    }

    /// Copies the database; the one connection is given to others between steps.
    async fn copy_pages(&self, to: &Path, key: &Key, go_on: GoOn<'_>) -> Result<SqliteConnection> {
        let target = database::open_copy(to, key, true).await?;
        {
            let mut access = self.access().await?;
            let open = access.open();
            // One that was given up in its midst is ended before the next.
            open.copy = None;
            open.copy = Some(PageCopy::begin(&mut open.connection, target).await?);
        }
        let (mut last, mut idle) = (u64::MAX, 0);
        loop {
            let mut access = self.access().await?;
            let open = access.open();
            let Some(copy) = open.copy.as_mut() else { return Err(StoreError::BackupCancelled) };
            let pages = copy.step(&mut open.connection).await;
            let (done, go) = match &pages {
                Ok(pages) => {
                    let (done, total) = ((pages.total - pages.left.min(pages.total)) * 4096, pages.total * 4096);
                    (pages.left == 0, go_on(BackupProgress { phase: BackupPhase::Database, done, total }))
                }
                Err(_) => (false, true),
            };
            if pages.is_err() || !go {
                open.copy = None;
            }
            let left = pages?.left;
            (last, idle) = if left == last { (left, idle + 1) } else { (left, 0) };
            if idle > IDLE {
                open.copy = None;
                drop(access);
                // Nobody else has either database, so that waiting helps nothing. On a full disk SQLite says no more
                // than that the copy is busy.
                let probe = to.with_extension("probe");
                let room = files::write_atomically(&probe, &[0; 1 << 17]);
                let _ = fs::remove_file(&probe);
                room?;
                return Err(StoreError::PageCopy(libsqlite3_sys::SQLITE_BUSY));
            }
            match (done, go) {
                (true, true) => return open.copy.take().map(PageCopy::end).ok_or(StoreError::BackupCancelled),
                (_, false) => return Err(StoreError::BackupCancelled),
                (false, true) => drop(access),
            }
            // Whoever waits for the connection comes first.
            tokio::task::yield_now().await;
        }
    }

    /// Copies the sealed files that the backup folder lacks and reads them back; of those that it has,
    /// a part is read again each time, and all in `TURNS` backups. Their length on disk altogether, and
    /// of those copied now.
    async fn copy_files(
        &self,
        root: &Path,
        key: &Key,
        number: u64,
        names: &BTreeSet<BlobName>,
        go_on: GoOn<'_>,
    ) -> Result<(u64, u64)> {
        let (from, to) = (self.blobs()?, Blobs::open(root, key)?);
        let (mut bytes, mut copied) = (0, 0);
        for (n, name) in names.iter().enumerate() {
            let progress =
                BackupProgress { phase: BackupPhase::Files, done: n as u64, total: names.len() as u64 };
            if !go_on(progress) {
                return Err(StoreError::BackupCancelled);
            }
            // The last digits of a name are as random as its content.
            let turn = name.as_str().bytes().rev().take(4).map(u64::from).sum::<u64>() % TURNS;
            let read_again = turn == number % TURNS || name.kind() == Some(BlobKind::Pdf);
            let (from, to, name) = (from.clone(), to.clone(), name.clone());
            let (length, new) = blocking(move || from.copy_sealed(&name, &to, read_again)).await?;
            bytes += length;
            copied += if new { length } else { 0 };
        }
        Ok((bytes, copied))
    }

    async fn refers_to(&self, name: &str) -> Result<bool> {
        let Some(name) = BlobName::parse(name) else { return Ok(false) };
        let mut access = self.access().await?;
        let printed: Option<i64> = sqlx::query_scalar("SELECT 1 FROM report_versions WHERE pdf_blob = ? LIMIT 1")
            .bind(name.as_str())
            .fetch_optional(access.connection())
            .await
            .doing("look for uses of a sealed file")?;
        Ok(printed.is_some() || instances::is_used(access.connection(), &name).await?)
    }
}

/// What checking a backup or a restored folder found.
pub(super) struct Found {
    pub(super) schema: i64,
    pub(super) signed_versions: u64,
    pub(super) audit_seq: u64,
    pub(super) audit_hash: String,
}

/// Opens the copy of a database as it lies in `folder` and checks it: pages, references, the audit
/// trail, and every signed document, sealed below `blobs_of`, against its recorded hash.
pub(super) async fn check(folder: &Path, blobs_of: &Path, key: &Key, go_on: GoOn<'_>) -> Result<Found> {
    let path = folder.join(DATABASE);
    let damaged = |why: String| StoreError::BackupDamaged { path: path.clone(), why };
    let mut connection = database::open_copy(&path, key, false).await?;
    let checked = async {
        let problems = database::check_integrity(&mut connection).await?;
        if let Some(problem) = problems.first() {
            return Err(damaged(problem.clone()));
        }
        let head = match audit::verify(&mut connection, None).await? {
            AuditVerdict::Intact(head) => head,
            AuditVerdict::Broken(at) => return Err(damaged(format!("its audit trail: {at:?}"))),
        };
        let documents: Vec<(String, String)> = sqlx::query_as("SELECT pdf_blob, pdf_sha256 FROM report_versions")
            .fetch_all(&mut connection)
            .await
            .doing("read the signed versions")?;
        let schema = database::applied(&mut connection).await?.unwrap_or(0);
        Ok((documents, head, schema))
    }
    .await;
    let closed = connection.close().await.doing("close the copy");
    let (documents, head, schema) = checked?;
    closed?;
    let blobs = Blobs::open(blobs_of, key)?;
    let total = documents.len() as u64;
    for (n, (name, sha256)) in documents.into_iter().enumerate() {
        if !go_on(BackupProgress { phase: BackupPhase::Checking, done: n as u64, total }) {
            return Err(StoreError::BackupCancelled);
        }
        let name = BlobName::parse(&name).ok_or_else(|| damaged("the name of a sealed file".to_owned()))?;
        let blobs = blobs.clone();
        let document = blocking(move || blobs.get(&name)).await?;
        if hex::encode(Sha256::digest(&document)) != sha256 {
            return Err(damaged("a signed document is not the one that was recorded".to_owned()));
        }
    }
    Ok(Found { schema, signed_versions: total, audit_seq: head.seq, audit_hash: head.hash })
}

/// Makes the copy stand by itself, without a log beside it and without what can be made again;
/// the sealed files that it needs.
async fn settle(mut copy: SqliteConnection) -> Result<BTreeSet<BlobName>> {
    for sql in ["PRAGMA journal_mode = DELETE", "UPDATE instances SET pixels_blob = NULL WHERE pixels_blob IS NOT NULL"] {
        sqlx::query(sql).execute(&mut copy).await.doing("settle the copy")?;
    }
    let names = database::blobs_in_use(&mut copy).await?;
    copy.close().await.doing("close the copy")?;
    Ok(names)
}

/// Deletes the oldest backups past `keep`, and the sealed files that only they needed.
fn prune(root: &Path, keep: Option<u32>) -> Result<u64> {
    let Some(keep) = keep else { return Ok(0) };
    let snapshots = root.join(SNAPSHOTS);
    let all = numbered(&snapshots)?;
    let surplus = all.len().saturating_sub(keep.max(1) as usize);
    for (_, folder) in &all[..surplus] {
        // Renamed first, so that a crash leaves no half of a backup under a name of a whole one.
        let going = folder.with_extension(PARTIAL);
        files::rename_synced(folder, &going)?;
        fs::remove_dir_all(&going).map_err(|e| StoreError::file("delete", &going, e))?;
    }
    if surplus > 0 {
        let mut needed = BTreeSet::new();
        for (_, folder) in &all[surplus..] {
            let list = folder.join(FILES);
            let text = fs::read_to_string(&list).map_err(|e| StoreError::file("read", &list, e))?;
            needed.extend(text.lines().map(str::to_owned));
        }
        Blobs::delete_others(root, &needed)?;
    }
    Ok(surplus as u64)
}

fn remove_partial(snapshots: &Path) -> Result<()> {
    for entry in fs::read_dir(snapshots).map_err(|e| StoreError::file("list", snapshots, e))?.filter_map(|e| e.ok()) {
        let path = entry.path();
        if path.extension().is_some_and(|e| e == PARTIAL) {
            fs::remove_dir_all(&path).map_err(|e| StoreError::file("delete", &path, e))?;
        }
    }
    Ok(())
}
