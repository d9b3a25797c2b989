//! A pack on its way: under a temporary name until it is whole and on the disk.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::{PackError, Result};

/// The folder under its temporary name; gone with this value unless kept.
pub(crate) struct Partial {
    pub dir: PathBuf,
    kept: bool,
}

impl Partial {
    pub fn create(dir: PathBuf) -> Result<Self> {
        std::fs::create_dir(&dir).map_err(|source| PackError::Write { path: dir.clone(), source })?;
        Ok(Self { dir, kept: false })
    }

    pub fn keep_as(mut self, target: &Path) -> Result<()> {
        let write_error = |source| PackError::Write { path: target.to_owned(), source };
        sync_dir(&self.dir).map_err(write_error)?;
        std::fs::rename(&self.dir, target).map_err(write_error)?;
        self.kept = true;
        sync_dir(target.parent().unwrap_or(target)).map_err(write_error)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing more can be done about a failure here; the next change of the library sweeps.
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

/// Makes the names in a folder last. Only Unix opens folders as files.
fn sync_dir(dir: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}
