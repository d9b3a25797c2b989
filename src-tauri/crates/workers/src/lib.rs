//! Child processes: their messages, their frames, and their life.
//!
//! Untrusted bytes and models live outside the process that owns the patient
//! data. [`messages`] is what the two sides say and [`frame`] how it travels
//! over a pipe; these two are all that the children need. The rest is the
//! parent's side: [`DecodeChild`] reads one untrusted file in a child of its own,
//! [`EncodeWorker`] and [`DraftWorker`] keep a model in a child that may hang,
//! die or be ended without taking anything along.

mod cancel;
mod decode;
mod draft;
mod encode;
mod error;
pub mod frame;
mod large_pages;
mod locate;
mod logo;
pub mod messages;
mod model;
mod process;
mod unpack;
mod wiping;
mod wire;

pub use cancel::Cancel;
pub use decode::{DecodeChild, DecodeInput, Decoded, DisplayImage, StoredPixels, Thumbnail};
pub use draft::{DraftEvent, DraftJob, DraftWorker, DrafterLoaded, JointJob, JointOutcome};
pub use encode::{EncodeWorker, EncodedImage, EncoderLoaded, EvidenceMap};
pub use error::WorkerError;
pub use large_pages::in_large_pages;
pub use locate::locate;
pub use logo::LogoImage;
pub use model::{WorkerLimits, WorkerState};
pub use unpack::Unpacked;
pub use process::{forbid_core_files, overwrite_freed_memory, return_freed_buffers};
pub use wiping::WipingAllocator;
