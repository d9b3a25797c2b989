//! A pack's files against its manifest.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::{PackError, Result};
use crate::manifest::{MANIFEST_FILE, Manifest, pack_hash};

/// A pack whose every file is what the manifest says.
#[derive(Debug, Clone)]
pub struct Verified {
    pub manifest: Manifest,
    /// [`pack_hash`] of the manifest.
    pub pack_hash: String,
}

/// Reads and hashes every file of the pack in `dir`. Where anything is
/// missing, extra or different, the whole list of what is wrong, by file name.
pub fn verify(dir: &Path) -> std::result::Result<Verified, Vec<PackError>> {
    let manifest = Manifest::read(dir).map_err(|error| vec![error])?;
    let present = present_files(dir).map_err(|error| vec![error])?;
    let mut problems = Vec::new();
    for (file, expected) in &manifest.files {
        if !present.contains(file) {
            problems.push(PackError::MissingFile { file: file.clone() });
            continue;
        }
        match hash_file(&dir.join(file)) {
            Ok(found) if &found == expected => {}
            Ok(found) => {
                problems.push(PackError::HashMismatch { file: file.clone(), expected: expected.clone(), found });
            }
            Err(error) => problems.push(error),
        }
    }
    let extra = present.into_iter().filter(|file| file != MANIFEST_FILE && !manifest.files.contains_key(file));
    problems.extend(extra.map(|file| PackError::ExtraFile { file }));
    if !problems.is_empty() {
        return Err(problems);
    }
    let pack_hash = pack_hash(&manifest);
    Ok(Verified { manifest, pack_hash })
}

/// SHA-256 of a file in lower-case hexadecimal.
pub(crate) fn hash_file(path: &Path) -> Result<String> {
    let read_error = |source| PackError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(read_error)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).map_err(read_error)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// Names of everything in the folder; a folder inside a pack is as extra as a file.
fn present_files(dir: &Path) -> Result<BTreeSet<String>> {
    let read_error = |source| PackError::Read { path: dir.to_owned(), source };
    std::fs::read_dir(dir)
        .map_err(read_error)?
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()).map_err(read_error))
        .collect()
}
