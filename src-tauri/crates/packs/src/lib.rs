//! Model packs: folders of weights with a manifest that vouches for every byte.
//!
//! [`inspect_folder`] says whether a folder as downloaded can become a pack,
//! [`Library::add`] makes it one, [`verify`] finds any byte that changed since,
//! and [`pack_hash`] is what everything made with a pack records. Nothing here
//! loads a model.

mod add;
mod error;
mod inspect;
mod library;
mod manifest;
mod shapes;
mod verify;
mod weights;

pub use add::{AddOptions, AddProgress};
pub use error::{PackError, Result};
pub use inspect::{Inspection, inspect_folder};
pub use library::{InstalledPack, Library, Listing};
pub use manifest::{HAI_DEF_NOTICE, HAI_DEF_TERMS, Kind, MANIFEST_FILE, Manifest, Quantization, pack_hash};
pub use verify::{Verified, verify};
