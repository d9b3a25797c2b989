//! Where the helper programs are.

use crate::WorkerError;
use std::{
    env,
    path::{Path, PathBuf},
};

/// Finds a helper program ("hilumctl", "hilum-decode").
///
/// `HILUM_BIN_DIR` names a folder and is then the only place looked at.
/// Otherwise the program is beside this executable, or one folder up, where
/// cargo puts programs while its test executables lie in `deps`.
///
/// # Errors
/// [`WorkerError::NotFound`] when no such file is there.
pub fn locate(name: &str) -> Result<PathBuf, WorkerError> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let folders = match env::var_os("HILUM_BIN_DIR") {
        Some(folder) => vec![PathBuf::from(folder)],
        None => {
            let here = env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
            let up = here.as_deref().and_then(Path::parent).map(Path::to_owned);
            here.into_iter().chain(up).collect()
        }
    };
    let found = folders.into_iter().map(|folder| folder.join(&file)).find(|path| path.is_file());
    // Children start in another folder, so a relative HILUM_BIN_DIR has to be resolved now.
    found.and_then(|path| path.canonicalize().ok()).ok_or(WorkerError::NotFound(file))
}
