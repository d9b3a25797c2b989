//! Which backups a folder holds.

use super::manifest::Manifest;
use super::{MANIFEST, PARTIAL, SNAPSHOTS};
use crate::error::{Result, StoreError};
use std::fs;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;

/// A backup as its folder tells; nothing of this is checked before somebody unlocks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupInfo {
    pub folder: PathBuf,
    pub made_at: OffsetDateTime,
    /// Database and sealed files together.
    pub bytes: u64,
    pub files: u64,
    pub signed_versions: u64,
    /// Names of who could unlock then.
    pub users: Vec<String>,
}

/// The backups in or below a folder, the newest first: the folder that a person chose for
/// backups, the folder of one vault in it, or one backup.
///
/// # Errors
/// `data.file` when the folder cannot be listed; `backup.not_found` when there is none;
/// `data.newer_version` when all are of a newer one.
pub fn backups(folder: &Path) -> Result<Vec<BackupInfo>> {
    let mut vaults: Vec<Vec<BackupInfo>> = Vec::new();
    let mut newer = None;
    for snapshots in snapshots_below(folder)? {
        let mut of_vault = Vec::new();
        // Within one vault the numbers tell which is newer: a clock may have been moved back.
        for path in snapshots.iter().rev() {
            match info(path) {
                Ok(info) => of_vault.push(info),
                Err(e @ StoreError::NewerVersion { .. }) => newer = Some(e),
                // It cannot be what was written, so that nobody should choose it.
                Err(_) => {}
            }
        }
        if !of_vault.is_empty() {
            vaults.push(of_vault);
        }
    }
    if vaults.is_empty() {
        return Err(newer.unwrap_or_else(|| StoreError::NoBackup(folder.to_owned())));
    }
    vaults.sort_by_key(|vault| std::cmp::Reverse(vault[0].made_at));
    Ok(vaults.into_iter().flatten().collect())
}

fn info(folder: &Path) -> Result<BackupInfo> {
    let manifest = Manifest::read(&folder.join(MANIFEST))?;
    let users = crate::folder::users(folder).map(|users| users.into_iter().map(|u| u.name).collect());
    Ok(BackupInfo {
        folder: folder.to_owned(),
        made_at: manifest.made_at,
        bytes: manifest.database_bytes + manifest.file_bytes,
        files: manifest.files,
        signed_versions: manifest.signed_versions,
        users: users.unwrap_or_default(),
    })
}

/// The whole backups of each vault, the oldest first.
fn snapshots_below(folder: &Path) -> Result<Vec<Vec<PathBuf>>> {
    if folder.join(MANIFEST).is_file() {
        return Ok(vec![vec![folder.to_owned()]]);
    }
    let of_vault = |snapshots: PathBuf| -> Result<Vec<PathBuf>> {
        Ok(numbered(&snapshots)?.into_iter().map(|(_, path)| path).collect())
    };
    if folder.join(SNAPSHOTS).is_dir() {
        return Ok(vec![of_vault(folder.join(SNAPSHOTS))?]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|e| StoreError::file("list", folder, e))?.filter_map(|e| e.ok()) {
        let is_a_vaults = entry.file_name().to_string_lossy().starts_with("hilum-");
        if is_a_vaults && entry.path().join(SNAPSHOTS).is_dir() {
            found.push(of_vault(entry.path().join(SNAPSHOTS))?);
        }
    }
    Ok(found)
}

/// The whole backups in a folder of backups with their numbers, the oldest first.
pub(super) fn numbered(snapshots: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(snapshots).map_err(|e| StoreError::file("list", snapshots, e))?.filter_map(|e| e.ok()) {
        let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        let number = name.split_once('-').and_then(|(number, _)| number.parse::<u64>().ok());
        if let Some(number) = number
            && path.is_dir()
            && path.extension().is_none_or(|e| e != PARTIAL)
        {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}
