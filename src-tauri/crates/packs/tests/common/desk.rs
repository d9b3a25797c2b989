//! A folder for packs, with downloads to add to it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use hilum_packs::{Library, Manifest};
use hilum_testkit::gemma3::{Spelling, write_checkpoint};
use hilum_testkit::siglip::TinySiglip;
use tempfile::TempDir;

use super::{accepted, add, left_in};

/// A folder for packs, and two downloads beside it.
pub struct Desk {
    pub root: TempDir,
    pub library: Library,
}

impl Desk {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        TinySiglip::references()[1].1.write(&root.path().join("MedSigLIP 448")).unwrap();
        let gemma = root.path().join("medgemma");
        write_checkpoint(&gemma, Spelling::Transformers5, 2).unwrap();
        std::fs::write(gemma.join("chat_template.jinja"), "<start_of_turn>{{ messages }}").unwrap();
        let library = Library::new(&root.path().join("packs"), None);
        Self { root, library }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub fn add(&self, name: &str) -> hilum_packs::Result<Manifest> {
        add(&self.library, &self.path(name), &accepted(), &mut |_| {}, &AtomicBool::new(false))
    }
}

pub fn names(dir: &Path) -> BTreeSet<String> {
    left_in(dir).into_iter().collect()
}
