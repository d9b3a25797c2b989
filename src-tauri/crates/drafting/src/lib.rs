//! MedGemma on mistral.rs: prompts, streaming, honest probabilities, sections.
//!
//! The crate is linked by the draft worker alone. Nothing in it writes to standard
//! output, because that is the worker's pipe of frames, and nothing opens a connection.
//! Failures inside the engine may be panics on its own thread, and the engine as released
//! cannot stop a prompt that is being read, so the worker is a process of its own that its
//! parent may kill.

mod arithmetic;
mod checkpoint;
mod circumstances;
mod comparison;
mod compatibility;
mod drift;
mod engine;
mod error;
mod grammar;
mod greedy;
mod guide;
mod load;
mod prompts;
mod quantise;
mod released;
mod sections;
mod sentences;
mod spelling;
mod stream;
mod structure;
mod together;
mod token_table;
mod view;
mod vocabulary;
mod weights;

pub use arithmetic::{EncodedImage, check_kernels};
pub use drift::{Drift, Found, drift, drift_in};
pub use engine::{DraftEvent, Engine};
pub use error::DraftingError;
pub use load::overlay;
pub use prompts::{
    AnswerShape, ClinicalNotes, ControlTokens, Prompts, PublishedPrompt, YesNoQuestion, prompt_text, prompts,
    render_turn,
};
pub use quantise::{ConvertProgress, Quantise, RESIDUAL_FILE, Sizes, convert, quantised_sizes};
pub use sections::sections_of;
pub use sentences::sentences_of;
pub use spelling::ModelShape;
pub use stream::{THINKING_CLOSE, THINKING_OPEN};
pub use view::{needs_conversion, shape_in, view_bytes};
pub use weights::engine_name;

/// Environment that whoever starts the draft worker must give it.
///
/// The engine makes a hub cache folder in the home directory and looks for a hub token
/// there unless these say otherwise. A path below a device can never become a folder.
pub const WORKER_ENVIRONMENT: [(&str, &str); 3] =
    [("HF_HOME", "/dev/null/none"), ("HF_HUB_CACHE", "/dev/null/none"), ("HF_HUB_OFFLINE", "1")];
