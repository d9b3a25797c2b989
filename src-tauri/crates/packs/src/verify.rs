//! A pack's files against its manifest.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::copy::{Hashes, read_through};
use crate::error::{PackError, Result};
use crate::finite::FiniteCheck;
use crate::manifest::{MANIFEST_FILE, Manifest, pack_hash};
use crate::surroundings::{AddProgress, Phase};

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
    verify_with(dir, &mut |_| {}, &AtomicBool::new(false))
}

/// As [`verify`], saying after every megabyte or so how far it is, and looking as often
/// at `cancel`, which ends it with `pack.cancelled` alone.
pub fn verify_with(
    dir: &Path,
    progress: &mut dyn FnMut(AddProgress),
    cancel: &AtomicBool,
) -> std::result::Result<Verified, Vec<PackError>> {
    let manifest = Manifest::read(dir).map_err(|error| vec![error])?;
    let present = present_files(dir).map_err(|error| vec![error])?;
    // What cannot be looked at here cannot be read below, and is a problem there.
    let length = |file: &String| std::fs::metadata(dir.join(file)).map_or(0, |about| about.len());
    let total_bytes = manifest.files.keys().filter(|file| present.contains(*file)).map(length).sum();
    let mut done_bytes = 0;
    let mut problems = Vec::new();
    for (file, expected) in &manifest.files {
        if !present.contains(file) {
            problems.push(PackError::MissingFile { file: file.clone() });
            continue;
        }
        let mut report = |count: u64| {
            done_bytes += count;
            progress(AddProgress { phase: Phase::Hashing, file: file.clone(), done_bytes, total_bytes });
        };
        match read_through(&dir.join(file), None, None, FiniteCheck::none(), &mut report, cancel) {
            Ok(found) if &found.read == expected => {}
            Ok(Hashes { read: found, .. }) => {
                problems.push(PackError::HashMismatch { file: file.clone(), expected: expected.clone(), found });
            }
            Err(PackError::Cancelled) => return Err(vec![PackError::Cancelled]),
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

/// Names of everything in the folder; a folder inside a pack is as extra as a file.
fn present_files(dir: &Path) -> Result<BTreeSet<String>> {
    let read_error = |source| PackError::Read { path: dir.to_owned(), source };
    std::fs::read_dir(dir)
        .map_err(read_error)?
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()).map_err(read_error))
        .collect()
}
