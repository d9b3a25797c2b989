//! A place beside the packs for what an engine is given in a pack's stead while it loads it.
//!
//! It is the data folder's disk and not the system's temporary folder, which may be memory, and where nobody would remove
//! what a killed load left. Every load holds a lock, shared with other loads, which the system lets go of when the process
//! ends, however it ends: whoever gets it alone knows that no load is under way and that every such folder is left over.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::{PackError, Result};
use crate::lock::{lock_file, remove_ending};
use crate::machine::{Machine, check_disk};

/// Beside the packs; no identifier begins with a dot.
const LOCK_FILE: &str = ".loading.lock";

/// Ending of such folders; no identifier has one.
const LOADING: &str = "loading";

/// An empty folder, which goes with this value.
pub struct LoadingFolder {
    dir: PathBuf,
    _lock: File,
}

impl LoadingFolder {
    /// Makes one where `bytes` will be written; removes first what killed loads left, where no other is under way. Fails
    /// with `pack.disk_full` before anything is written, and with `pack.write` where the folder of packs cannot be.
    pub fn create(packs_root: &Path, machine: &dyn Machine, bytes: u64) -> Result<Self> {
        let write_error = |source| PackError::Write { path: packs_root.to_owned(), source };
        let lock = lock_file(packs_root, LOCK_FILE)?;
        match lock.try_lock() {
            Ok(()) => {
                // What cannot be removed is no reason not to load; whether there is room is looked at next.
                let _ = remove_ending(packs_root, &[LOADING]);
                lock.unlock().map_err(write_error)?;
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(source)) => return Err(write_error(source)),
        }
        lock.lock_shared().map_err(write_error)?;
        if bytes > 0 {
            check_disk(machine, packs_root, bytes)?;
        }
        for n in 0_u32.. {
            // Another program may have had this number before, and the same process makes several.
            let dir = packs_root.join(format!("{}-{n}.{LOADING}", std::process::id()));
            match std::fs::create_dir(&dir) {
                Ok(()) => return Ok(Self { dir, _lock: lock }),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(PackError::Write { path: dir, source }),
            }
        }
        unreachable!("no folder holds as many")
    }

    pub fn path(&self) -> &Path {
        &self.dir
    }
}

impl Drop for LoadingFolder {
    fn drop(&mut self) {
        // Before the lock goes. What stays is swept.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Removes what killed loads left; nothing while a load is under way.
pub(crate) fn sweep(packs_root: &Path) -> Result<()> {
    let write_error = |source| PackError::Write { path: packs_root.to_owned(), source };
    let lock = match File::options().write(true).open(packs_root.join(LOCK_FILE)) {
        Ok(lock) => lock,
        // Every load makes it first, so that there is nothing to sweep.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(write_error(source)),
    };
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(()),
        Err(TryLockError::Error(source)) => return Err(write_error(source)),
    }
    remove_ending(packs_root, &[LOADING])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::Library;
    use crate::machine::Memory;

    /// Free bytes of the disk.
    struct Disk(u64);

    impl Machine for Disk {
        fn free_disk(&self, _: &Path) -> Option<u64> {
            Some(self.0)
        }

        fn memory(&self) -> Option<Memory> {
            None
        }
    }

    /// Names of the folders in the folder of packs.
    fn folders(root: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap());
        let mut names: Vec<_> = entries
            .filter(|entry| entry.path().is_dir())
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// What a load leaves that is killed while it copies.
    fn killed(root: &Path) {
        std::fs::write(root.join(LOCK_FILE), "").unwrap();
        let dir = root.join(format!("{}-0.{LOADING}", std::process::id()));
        std::fs::create_dir_all(dir.join("hilum-model-x")).unwrap();
        std::fs::write(dir.join("hilum-model-x/model.safetensors"), "half of it").unwrap();
    }

    #[test]
    fn a_killed_load_leaves_nothing_after_the_next_sweep_or_load() {
        let root = tempfile::tempdir().unwrap();
        let library = Library::new(root.path(), None);
        killed(root.path());
        let listing = library.list().unwrap();
        assert!(listing.packs.is_empty() && listing.broken.is_empty(), "it is no pack");
        library.sweep().unwrap();
        assert_eq!(folders(root.path()), Vec::<String>::new());

        killed(root.path());
        let load = LoadingFolder::create(root.path(), &Disk(0), 0).unwrap();
        assert_eq!(folders(root.path()), [load.path().file_name().unwrap().to_str().unwrap()]);
        assert_eq!(std::fs::read_dir(load.path()).unwrap().count(), 0, "it is empty");
        drop(load);
        assert_eq!(folders(root.path()), Vec::<String>::new());
    }

    #[test]
    fn a_load_that_is_under_way_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let library = Library::new(root.path(), None);
        let first = LoadingFolder::create(root.path(), &Disk(0), 0).unwrap();
        std::fs::write(first.path().join("config.json"), "{}").unwrap();
        library.sweep().unwrap();
        let second = LoadingFolder::create(root.path(), &Disk(0), 0).unwrap();
        assert_eq!(folders(root.path()).len(), 2);
        drop(second);
        library.sweep().unwrap();
        assert!(first.path().join("config.json").exists());
        drop(first);
        assert_eq!(folders(root.path()), Vec::<String>::new());
    }

    #[test]
    fn a_disk_without_room_is_refused_before_anything_is_written() {
        const GB: u64 = 1_000_000_000;
        let root = tempfile::tempdir().unwrap();
        for (free, bytes, code) in [
            (10 * GB, 9 * GB, None),
            (9 * GB, 9 * GB, Some("pack.disk_full")),
            (0, 1, Some("pack.disk_full")),
            (0, 0, None),
        ] {
            let found = LoadingFolder::create(root.path(), &Disk(free), bytes).map(drop);
            assert_eq!(found.err().map(|error| error.code()), code, "{bytes} of {free}");
            assert_eq!(folders(root.path()), Vec::<String>::new());
        }
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(LoadingFolder::create(&file, &Disk(0), 0).map(drop).unwrap_err().code(), "pack.write");
    }
}
