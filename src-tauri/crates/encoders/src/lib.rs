//! MedSigLIP's architecture on `hilum-kernels`: image and text embeddings, the
//! zero-shot support for the published chest findings, and where in an image it lies.
//!
//! [`Encoder`] is the whole interface. It reads a folder as the publisher ships
//! it and runs on the CPU, in brain floats unless another [`Precision`] is asked for. The scores are support for a reader, not
//! calibrated probabilities.

pub mod findings;

mod config;
mod encoder;
mod error;
mod map;
mod precision;
mod text;
mod tokenizer;
mod tower;
mod vision;
mod weights;

pub use config::{SiglipConfig, TextConfig, VisionConfig};
pub use encoder::{Encoder, ImageEmbedding};
pub use error::{EncoderError, Result};
pub use map::{EvidenceMap, PatchFeatures};
pub use precision::{PRECISION, Precision, chosen_otherwise};
pub use tokenizer::TextTokenizer;
