//! MedSigLIP's architecture on candle: image and text embeddings, and the
//! zero-shot support for the published chest findings.
//!
//! [`Encoder`] is the whole interface. It reads a folder as the publisher ships
//! it and runs in float32 on the CPU. The scores are support for a reader, not
//! calibrated probabilities.

pub mod findings;

mod config;
mod encoder;
mod error;
mod text;
mod tokenizer;
mod tower;
mod vision;
mod weights;

pub use config::{SiglipConfig, TextConfig, VisionConfig};
pub use encoder::{Encoder, ImageEmbedding};
pub use error::{EncoderError, Result};
pub use tokenizer::TextTokenizer;
