//! Model packs: folders of weights with a manifest that vouches for every byte.
//!
//! [`inspect_folder`] says whether a folder as downloaded can become a pack,
//! [`Library::add`] makes it one, [`verify`] finds any byte that changed since,
//! and [`pack_hash`] is what everything made with a pack records. Nothing here
//! loads a model.

mod add;
mod config;
mod copy;
mod error;
mod finite;
mod folder;
mod inspect;
mod library;
mod loading;
mod lock;
mod machine;
mod manifest;
mod measured;
mod naming;
mod partial;
mod processor;
mod rename;
mod shapes;
mod surroundings;
mod terms;
mod tokenizer;
mod verify;
mod weights;

pub use add::{AddOptions, Candidate};
pub use error::{PackError, Result};
pub use inspect::{Inspection, inspect_folder};
pub use library::{InstalledPack, Library, Listing};
pub use loading::LoadingFolder;
pub use machine::{Estimate, Machine, Memory, Sizes, ThisMachine, quantizations};
pub use manifest::{Kind, MANIFEST_FILE, Manifest, Quantization, TermsAccepted, pack_hash};
pub use measured::{Measured, measured, remember};
pub use surroundings::{AddProgress, Convert, NoConversion, Phase, Surroundings};
pub use terms::{HAI_DEF_NOTICE, HAI_DEF_TERMS, NOTICE_FILE, terms_hash};
pub use verify::{Verified, verify, verify_with};
