//! What was measured of each pack on this machine: a small file of the library's own.
//!
//! The figures are for the person who chooses between packs. They are kept by the pack's hash, so that an exchanged pack
//! begins with none, and they may be lost: a file that cannot be read counts as empty.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{PackError, Result};

/// Name of the file in the folder of packs.
const FILE: &str = "measured.json";

/// Held while it is changed: the encoder's and the drafter's process both keep figures there. No identifier begins with
/// a dot.
const LOCK_FILE: &str = ".measured.lock";

/// The newest figures of one pack.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measured {
    /// What it ran on, in words.
    pub device: String,
    /// Memory of the process after loading, bytes (proportional set size).
    pub memory_bytes: Option<u64>,
    /// The most that loading took at any moment, bytes (resident set size).
    pub peak_bytes: Option<u64>,
    pub load_seconds: Option<f64>,
    /// From the request to the first token, image included.
    pub prompt_seconds: Option<f64>,
    pub tokens_per_second: Option<f64>,
    /// One image embedded and scored.
    pub image_seconds: Option<f64>,
}

/// The figures of every pack that has some, by [`crate::pack_hash`].
pub fn measured(packs_root: &Path) -> BTreeMap<String, Measured> {
    let bytes = std::fs::read(packs_root.join(FILE)).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// Changes the figures of one pack. The file is exchanged whole, so that a reader sees it before or after.
pub fn remember(packs_root: &Path, pack_hash: &str, change: impl FnOnce(&mut Measured)) -> Result<()> {
    let path = packs_root.join(FILE);
    let new = packs_root.join(format!("{FILE}.{}", std::process::id()));
    let write = || {
        std::fs::create_dir_all(packs_root)?;
        let lock = File::options().write(true).create(true).truncate(false).open(packs_root.join(LOCK_FILE))?;
        lock.lock()?;
        let mut all = measured(packs_root);
        change(all.entry(pack_hash.to_owned()).or_default());
        std::fs::write(&new, serde_json::to_vec_pretty(&all).expect("figures are numbers and text"))?;
        std::fs::rename(&new, &path)
    };
    write().map_err(|source| PackError::Write { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_kept_by_pack_and_may_be_lost() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("packs");
        assert_eq!(measured(&root), BTreeMap::new());
        remember(&root, "a", |figures| figures.load_seconds = Some(2.0)).unwrap();
        remember(&root, "a", |figures| figures.tokens_per_second = Some(8.5)).unwrap();
        remember(&root, "b", |figures| figures.device = "processor".into()).unwrap();
        let all = measured(&root);
        assert_eq!((all["a"].load_seconds, all["a"].tokens_per_second), (Some(2.0), Some(8.5)));
        assert_eq!((all["b"].device.as_str(), all["b"].load_seconds), ("processor", None));
        std::fs::write(root.join(FILE), b"{").unwrap();
        assert_eq!(measured(&root), BTreeMap::new());
    }

    #[test]
    fn figures_of_two_programs_are_both_kept() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for pack in ["a", "b"] {
                let root = folder.path();
                scope.spawn(move || {
                    for n in 0..50 {
                        remember(root, &format!("{pack}{n}"), |figures| figures.image_seconds = Some(0.5)).unwrap();
                    }
                });
            }
        });
        assert_eq!(measured(folder.path()).len(), 100);
    }
}
