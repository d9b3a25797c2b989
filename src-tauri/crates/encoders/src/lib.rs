//! MedSigLIP's architecture on candle: image and text embeddings, the
//! zero-shot support for the published chest findings, and where in an image it lies.
//!
//! [`Encoder`] is the whole interface. It reads a folder as the publisher ships
//! it and runs in float32 on the CPU. The scores are support for a reader, not
//! calibrated probabilities.

pub mod findings;

mod config;
mod encoder;
mod error;
mod map;
mod text;
mod tokenizer;
mod tower;
mod vision;
mod weights;

pub use config::{SiglipConfig, TextConfig, VisionConfig};
pub use encoder::{Encoder, ImageEmbedding};
pub use error::{EncoderError, Result};
pub use map::{EvidenceMap, PatchFeatures};
pub use tokenizer::TextTokenizer;
