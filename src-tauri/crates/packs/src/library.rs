//! The packs on this machine: the user's, and the built-in demonstrations.

use std::path::{Path, PathBuf};

use crate::add::{AddOptions, Candidate, add_folder, candidate, terms_to_accept};
use crate::error::{PackError, Result};
use crate::lock::{Changing, REMOVED};
use crate::manifest::{Kind, MANIFEST_FILE, Manifest, check_id};
use crate::surroundings::{Convert, Surroundings};

/// Where packs lie. The demonstrations are read only.
#[derive(Debug, Clone)]
pub struct Library {
    packs_root: PathBuf,
    demo_root: Option<PathBuf>,
}

/// A pack by its manifest; its files have not been looked at.
#[derive(Debug, Clone)]
pub struct InstalledPack {
    pub manifest: Manifest,
    pub dir: PathBuf,
    /// Ships with the program, and cannot be removed.
    pub built_in: bool,
}

/// What the library holds.
#[derive(Debug)]
pub struct Listing {
    /// In order of their identifiers.
    pub packs: Vec<InstalledPack>,
    /// Folders that look like packs and cannot be read as such.
    pub broken: Vec<(PathBuf, PackError)>,
}

impl Library {
    /// `packs_root` is the user's folder and may not exist yet; `demo_root`
    /// holds the built-in packs, where they are installed.
    pub fn new(packs_root: &Path, demo_root: Option<&Path>) -> Self {
        Self { packs_root: packs_root.to_owned(), demo_root: demo_root.map(Path::to_owned) }
    }

    /// Every pack, with what is broken told apart. Fails only where a folder
    /// of packs exists and cannot be read.
    pub fn list(&self) -> Result<Listing> {
        let mut listing = Listing { packs: Vec::new(), broken: Vec::new() };
        if let Some(demo_root) = &self.demo_root {
            collect(demo_root, true, &mut listing)?;
        }
        collect(&self.packs_root, false, &mut listing)?;
        listing.packs.sort_by(|a, b| a.manifest.id.cmp(&b.manifest.id));
        Ok(listing)
    }

    /// The pack of this identifier, or `pack.not_found`.
    pub fn find(&self, id: &str) -> Result<InstalledPack> {
        let listing = self.list()?;
        if let Some(pack) = listing.packs.into_iter().find(|pack| pack.manifest.id == id) {
            return Ok(pack);
        }
        let broken = listing.broken.into_iter().find(|(dir, _)| dir.file_name().is_some_and(|name| name == id));
        Err(broken.map_or_else(|| PackError::NotFound { id: id.to_owned() }, |(_, error)| error))
    }

    /// The pack to use for a kind of work where nobody chose: the user's own
    /// before a demonstration, in order of their identifiers.
    pub fn default_for(&self, kind: Kind) -> Result<InstalledPack> {
        let mut packs = self.list()?.packs;
        packs.retain(|pack| pack.manifest.kind == kind);
        packs.sort_by_key(|pack| (pack.manifest.demo, pack.built_in));
        packs.into_iter().next().ok_or_else(|| PackError::NotFound { id: kind.as_str().into() })
    }

    /// Says what a folder would become, or why it is refused; see [`crate::inspect_folder`].
    pub fn look(&self, source_dir: &Path, convert: &dyn Convert) -> Result<Candidate> {
        candidate(source_dir, convert)
    }

    /// The words that whoever adds this folder has to accept; `None` where none need be. Reads small files only.
    pub fn terms(&self, source_dir: &Path) -> Result<Option<String>> {
        terms_to_accept(source_dir)
    }

    /// Makes a pack of a folder as downloaded. Fails with the reason of
    /// [`crate::inspect_folder`], `pack.not_finite`, `pack.terms`, `pack.exists`,
    /// `pack.disk_full`, `pack.memory`, `pack.quantize_unsupported`, `pack.convert`,
    /// `pack.busy`, `pack.cancelled` or an error of reading or writing, and then
    /// leaves nothing behind.
    pub fn add(&self, source_dir: &Path, options: &AddOptions, mut around: Surroundings) -> Result<Manifest> {
        let changing = Changing::begin(&self.packs_root)?;
        changing.sweep(&self.packs_root)?;
        let listing = self.list()?;
        let taken = |id: &str| listing.packs.iter().any(|pack| pack.manifest.id == id);
        add_folder(source_dir, &self.packs_root, options, taken, &mut around)
    }

    /// Removes what a killed program left of an addition, a removal or a load. Does nothing
    /// while another program changes packs, or where there are no packs yet.
    pub fn sweep(&self) -> Result<()> {
        if !self.packs_root.is_dir() {
            return Ok(());
        }
        match Changing::begin(&self.packs_root) {
            Ok(changing) => changing.sweep(&self.packs_root),
            Err(PackError::Busy) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Removes one of the user's packs, readable or not.
    pub fn remove(&self, id: &str) -> Result<()> {
        check_id(id)?;
        let dir = self.packs_root.join(id);
        if !dir.is_dir() {
            return Err(match self.find(id) {
                Ok(pack) if pack.built_in => PackError::ReadOnly { id: id.to_owned() },
                _ => PackError::NotFound { id: id.to_owned() },
            });
        }
        let changing = Changing::begin(&self.packs_root)?;
        changing.sweep(&self.packs_root)?;
        // Half a pack must never look like a whole one.
        let doomed = self.packs_root.join(format!("{id}.{REMOVED}"));
        let write_error = |source| PackError::Write { path: dir.clone(), source };
        std::fs::rename(&dir, &doomed).map_err(write_error)?;
        std::fs::remove_dir_all(&doomed).map_err(write_error)
    }
}

fn collect(root: &Path, built_in: bool, listing: &mut Listing) -> Result<()> {
    let read_error = |source| PackError::Read { path: root.to_owned(), source };
    let entries = match std::fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(read_error(source)),
    };
    for entry in entries {
        let dir = entry.map_err(read_error)?.path();
        let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Partial and removed folders carry a dot, which no identifier has; a
        // folder of demonstrations may hold other things.
        if !dir.is_dir() || check_id(&name).is_err() || (built_in && !dir.join(MANIFEST_FILE).exists()) {
            continue;
        }
        match Manifest::read(&dir) {
            Ok(manifest) if manifest.id == name => listing.packs.push(InstalledPack { manifest, dir, built_in }),
            Ok(manifest) => listing.broken.push((dir, PackError::BadId { id: manifest.id })),
            Err(error) => listing.broken.push((dir, error)),
        }
    }
    Ok(())
}
