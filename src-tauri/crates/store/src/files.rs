//! Files that are there whole or not at all, after a crash too.

use crate::error::{Result, StoreError};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

/// Writes a file so that a crash leaves the old bytes or the new ones: a temporary file
/// beside it is written, synced and renamed over it, then the folder is synced.
///
/// # Errors
/// `data.disk_full`, `data.read_only` or `data.file`; the old file is untouched then.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = path.with_extension("partial");
    let written = create_private(&partial).and_then(|mut file| {
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|e| StoreError::file("write", &partial, e))
    });
    if let Err(e) = written {
        let _ = fs::remove_file(&partial);
        return Err(e);
    }
    rename_synced(&partial, path)
}

/// Renames within one folder and makes the new name durable.
pub(crate) fn rename_synced(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|e| StoreError::file("rename", from, e))?;
    match to.parent() {
        Some(folder) => sync_folder(folder),
        None => Ok(()),
    }
}

/// Creates or empties a file that only its owner may read.
pub(crate) fn create_private(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|e| StoreError::file("create", path, e))
}

/// Creates a folder that only its owner may enter, and makes it durable in its parent.
pub(crate) fn create_private_folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|e| StoreError::file("create the folder", path, e))?;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
        _ => Ok(()),
    }
}

/// Makes the names in a folder durable. Windows keeps them with the file itself and
/// cannot sync a folder.
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    if cfg!(windows) {
        return Ok(());
    }
    File::open(path).and_then(|f| f.sync_all()).map_err(|e| StoreError::file("sync the folder", path, e))
}

/// Copies a file that only its owner may read; on disk when this returns.
pub(crate) fn copy_synced(from: &Path, to: &Path) -> Result<u64> {
    let mut source = File::open(from).map_err(|e| StoreError::file("read", from, e))?;
    let mut target = create_private(to)?;
    let copied = std::io::copy(&mut source, &mut target).map_err(|e| StoreError::file("write", to, e))?;
    target.sync_all().map_err(|e| StoreError::file("sync", to, e))?;
    Ok(copied)
}
