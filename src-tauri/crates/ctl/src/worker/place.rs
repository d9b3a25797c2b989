//! Where the engine is given what it loads.

use hilum_drafting::view_bytes;
use hilum_packs::{LoadingFolder, PackError, ThisMachine};
use std::path::{Path, PathBuf};

/// A folder for what stands for a model while it is loaded; it goes with this value, or is swept after a kill.
pub struct Place(Option<LoadingFolder>);

impl Place {
    /// For models that are loaded one after the other, beside the packs. Where no weights are copied, a few links find
    /// room elsewhere too: a folder of packs that cannot be written is no reason to load nothing.
    pub fn of(models: &[&Path], packs: Option<&Path>) -> Result<Self, PackError> {
        let Some(packs) = packs else { return Ok(Self(None)) };
        // What cannot be read is refused by the load, which names the file.
        let bytes = models.iter().map(|model| view_bytes(model).unwrap_or(0)).max().unwrap_or(0);
        // Links that a disk of packs may not know are made elsewhere too; those of Windows need the packs' own disk.
        if cfg!(unix) && bytes == 0 {
            return Ok(Self(None));
        }
        match LoadingFolder::create(packs, &ThisMachine, bytes) {
            Ok(folder) => Ok(Self(Some(folder))),
            Err(_) if bytes == 0 => Ok(Self(None)),
            Err(error) => Err(error),
        }
    }

    pub fn path(&self) -> PathBuf {
        self.0.as_ref().map_or_else(std::env::temp_dir, |folder| folder.path().to_owned())
    }
}
