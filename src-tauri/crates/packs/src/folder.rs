//! What lies in a downloaded folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{PackError, Result};

/// The regular files of a folder with their lengths in bytes, and the names of
/// all else in it. Fails with `pack.link_outside` for a link that leads out: what
/// it points to is not what was downloaded, and may change or be private.
///
/// One kind of link that leads out is as downloaded: a download cache keeps
/// `snapshots/<revision>/<name>` as links into `blobs` beside `snapshots`.
pub(crate) fn list(dir: &Path) -> Result<(BTreeMap<String, u64>, BTreeSet<String>)> {
    let (mut files, mut others) = (BTreeMap::new(), BTreeSet::new());
    let read_error = |source| PackError::Read { path: dir.to_owned(), source };
    let home = dir.canonicalize().map_err(read_error)?;
    let blobs = home.parent().filter(|parent| parent.ends_with("snapshots")).and_then(Path::parent);
    let blobs = blobs.map(|cache| cache.join("blobs"));
    for entry in std::fs::read_dir(dir).map_err(read_error)? {
        let entry = entry.map_err(read_error)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        let is_link = entry.file_type().map_err(read_error)?.is_symlink();
        let Ok(about) = std::fs::metadata(&path) else {
            // A link to nothing.
            others.insert(name);
            continue;
        };
        if is_link {
            let target = path.canonicalize().map_err(|source| PackError::Read { path: path.clone(), source })?;
            let inside = target.starts_with(&home) || blobs.as_ref().is_some_and(|blobs| target.starts_with(blobs));
            if !inside {
                return Err(PackError::LinkOutside { file: name });
            }
        }
        if about.is_file() {
            files.insert(name, about.len());
        } else {
            others.insert(name);
        }
    }
    Ok((files, others))
}

/// What git-LFS leaves in the place of a file that it has not fetched begins so, and is shorter than this
/// (https://github.com/git-lfs/git-lfs, `docs/spec.md`).
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";
const MOST_POINTER: u64 = 1024;

/// Fails with `pack.lfs_pointer` where a file of this length is such a pointer: what it stands for was never downloaded.
pub(crate) fn refuse_pointer(dir: &Path, file: &str, length: u64) -> Result<()> {
    if length >= MOST_POINTER || length < POINTER.len() as u64 {
        return Ok(());
    }
    let path = dir.join(file);
    let mut beginning = [0; POINTER.len()];
    File::open(&path)
        .and_then(|mut reader| reader.read_exact(&mut beginning))
        .map_err(|source| PackError::Read { path, source })?;
    match beginning == POINTER {
        true => Err(PackError::LfsPointer { file: file.to_owned() }),
        false => Ok(()),
    }
}
