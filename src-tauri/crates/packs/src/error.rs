//! Why a folder is not a pack, or not any more.

use std::path::PathBuf;

/// One variant for each thing that can be wrong. Where a file is at fault, its
/// name inside the folder is carried; where the file system is, the path.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot write {path}: {source}")]
    Write { path: PathBuf, source: std::io::Error },
    #[error("{file} is missing")]
    MissingFile { file: String },
    #[error("{file} is not in the manifest")]
    ExtraFile { file: String },
    #[error("{file} is not the file that the manifest names: its SHA-256 is {found}, not {expected}")]
    HashMismatch { file: String, expected: String, found: String },
    #[error("{file} is malformed: {reason}")]
    Malformed { file: String, reason: String },
    #[error("{file} is a format that can run code when loaded; only safetensors weights are taken")]
    PickleRefused { file: String },
    #[error("{file} is cut short: its header asks for {expected} bytes, it has {found}")]
    Truncated { file: String, expected: u64, found: u64 },
    #[error("{file} has no tensor {tensor}")]
    TensorMissing { file: String, tensor: String },
    #[error("tensor {tensor} in {file} has shape {found:?}; config.json asks for {expected:?}")]
    TensorShape { file: String, tensor: String, expected: Vec<usize>, found: Vec<usize> },
    #[error("tensor {tensor} in {file} is beyond what config.json describes")]
    TensorUnexpected { file: String, tensor: String },
    #[error("{file} describes something that is not taken: {what}")]
    Unsupported { file: String, what: String },
    #[error("{file} describes a language model that cannot see images")]
    TextOnly { file: String },
    #[error("{id:?} is not an identifier: lower-case letters, digits, '-' and '_', at most 64")]
    BadId { id: String },
    #[error("a pack {id} is there already")]
    Exists { id: String },
    #[error("there is no pack {id}")]
    NotFound { id: String },
    #[error("pack {id} is built in and cannot be removed")]
    ReadOnly { id: String },
    #[error("cancelled")]
    Cancelled,
}

impl PackError {
    /// Stable code of what was wrong.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "pack.read",
            Self::Write { .. } => "pack.write",
            Self::MissingFile { .. } => "pack.missing_file",
            Self::ExtraFile { .. } => "pack.extra_file",
            Self::HashMismatch { .. } => "pack.hash_mismatch",
            Self::Malformed { .. } => "pack.malformed",
            Self::PickleRefused { .. } => "pack.pickle_refused",
            Self::Truncated { .. } => "pack.truncated",
            Self::TensorMissing { .. } => "pack.tensor_missing",
            Self::TensorShape { .. } => "pack.tensor_shape",
            Self::TensorUnexpected { .. } => "pack.tensor_unexpected",
            Self::Unsupported { .. } => "pack.unsupported",
            Self::TextOnly { .. } => "pack.text_only",
            Self::BadId { .. } => "pack.bad_id",
            Self::Exists { .. } => "pack.exists",
            Self::NotFound { .. } => "pack.not_found",
            Self::ReadOnly { .. } => "pack.read_only",
            Self::Cancelled => "pack.cancelled",
        }
    }

    /// The file inside the folder that is at fault, where one is.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::MissingFile { file }
            | Self::ExtraFile { file }
            | Self::HashMismatch { file, .. }
            | Self::Malformed { file, .. }
            | Self::PickleRefused { file }
            | Self::Truncated { file, .. }
            | Self::TensorMissing { file, .. }
            | Self::TensorShape { file, .. }
            | Self::TensorUnexpected { file, .. }
            | Self::Unsupported { file, .. }
            | Self::TextOnly { file } => Some(file),
            _ => None,
        }
    }
}

pub type Result<T> = std::result::Result<T, PackError>;
