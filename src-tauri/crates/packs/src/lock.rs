//! One program at a time changes the library, and what a killed one left is swept.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::error::{PackError, Result};
use crate::loading;

/// Beside the packs; no identifier begins with a dot.
const LOCK_FILE: &str = ".lock";

/// Endings of folders that are no packs yet or no packs any more.
pub(crate) const PARTIAL: &str = "partial";
pub(crate) const REMOVED: &str = "removed";

/// Held while packs are added or removed; the system lets go of it when the
/// process ends, however it ends.
pub(crate) struct Changing {
    _file: File,
}

impl Changing {
    /// Fails with `pack.busy` while another program holds it.
    pub fn begin(packs_root: &Path) -> Result<Self> {
        let write_error = |source| PackError::Write { path: packs_root.to_owned(), source };
        let file = lock_file(packs_root, LOCK_FILE)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(PackError::Busy),
            Err(TryLockError::Error(source)) => Err(write_error(source)),
        }
    }

    /// Removes what a killed program left; nobody else changes packs, or this would not exist.
    pub fn sweep(&self, packs_root: &Path) -> Result<()> {
        remove_ending(packs_root, &[PARTIAL, REMOVED])?;
        // What another user's load left, and only they can remove, is no reason to change no packs.
        let _ = loading::sweep(packs_root);
        Ok(())
    }
}

/// A file beside the packs that is there to be locked; made with their folder where it is not there yet.
pub(crate) fn lock_file(packs_root: &Path, name: &str) -> Result<File> {
    let write_error = |source| PackError::Write { path: packs_root.to_owned(), source };
    std::fs::create_dir_all(packs_root).map_err(write_error)?;
    File::options().write(true).create(true).truncate(false).open(packs_root.join(name)).map_err(write_error)
}

/// Removes the folders whose names have one of these endings.
pub(crate) fn remove_ending(packs_root: &Path, endings: &[&str]) -> Result<()> {
    let read_error = |source| PackError::Read { path: packs_root.to_owned(), source };
    for entry in std::fs::read_dir(packs_root).map_err(read_error)? {
        let path = entry.map_err(read_error)?.path();
        let left = path.extension().is_some_and(|found| endings.iter().any(|ending| found == *ending));
        if left && path.is_dir() {
            std::fs::remove_dir_all(&path).map_err(|source| PackError::Write { path: path.clone(), source })?;
        }
    }
    Ok(())
}
