//! What can go wrong between a pack folder and a score.

use std::path::PathBuf;

/// One variant for each step that can fail. None carries image content or patient identifiers.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path} is not valid JSON for its purpose: {source}")]
    Json { path: PathBuf, source: serde_json::Error },
    #[error("{path} asks for something this encoder does not do: {what}")]
    Unsupported { path: PathBuf, what: String },
    #[error("cannot open the weights in {path}: {source}")]
    Weights { path: PathBuf, source: candle_core::Error },
    #[error("the weights have no tensor {name}")]
    MissingTensor { name: String },
    #[error("tensor {name} has shape {found:?}, the configuration asks for {expected:?}")]
    TensorShape { name: String, expected: Vec<usize>, found: Vec<usize> },
    #[error("tensor {name} holds a value that is not a finite number")]
    NotFinite { name: String },
    #[error("cannot load the tokenizer {path}: {reason}")]
    Tokenizer { path: PathBuf, reason: String },
    #[error("cannot tokenize a text: {reason}")]
    Tokenize { reason: String },
    #[error("the image has {found} bytes, the model takes {side} x {side} of grey")]
    ImageSize { found: usize, side: usize },
    #[error("an embedding of length {found} was given to a model of dimension {dim}")]
    EmbeddingSize { found: usize, dim: usize },
    #[error("the published prompts have no finding {finding}")]
    UnknownFinding { finding: String },
    #[error("the tokenizer gave {id}, which is outside of the model's vocabulary")]
    TokenId { id: u32 },
}

impl EncoderError {
    /// Stable code of the failed step.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "encoder.read",
            Self::Json { .. } => "encoder.config",
            Self::Unsupported { .. } => "encoder.unsupported",
            Self::Weights { .. } => "encoder.weights",
            Self::MissingTensor { .. } => "encoder.missing_tensor",
            Self::TensorShape { .. } => "encoder.tensor_shape",
            Self::NotFinite { .. } => "encoder.not_finite",
            Self::Tokenizer { .. } => "encoder.tokenizer",
            Self::Tokenize { .. } => "encoder.tokenize",
            Self::ImageSize { .. } => "encoder.image_size",
            Self::EmbeddingSize { .. } => "encoder.embedding_size",
            Self::UnknownFinding { .. } => "encoder.unknown_finding",
            Self::TokenId { .. } => "encoder.forward",
        }
    }
}

pub type Result<T> = std::result::Result<T, EncoderError>;
