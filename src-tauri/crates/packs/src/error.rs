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
    #[error("{file} is a link to a place outside the folder")]
    LinkOutside { file: String },
    #[error(
        "{file} is only a pointer that git-LFS left in its place; `git lfs pull` in the folder gets the file itself"
    )]
    LfsPointer { file: String },
    #[error("{file} is cut short: its header asks for {expected} bytes, it has {found}")]
    Truncated { file: String, expected: u64, found: u64 },
    #[error("{file} has no tensor {tensor}")]
    TensorMissing { file: String, tensor: String },
    #[error("tensor {tensor} in {file} is there a second time")]
    TensorDuplicate { file: String, tensor: String },
    #[error("tensor {tensor} in {file} has shape {found:?}; config.json asks for {expected:?}")]
    TensorShape { file: String, tensor: String, expected: Vec<usize>, found: Vec<usize> },
    #[error("tensor {tensor} in {file} is of type {found}; taken are BF16, F16 and F32")]
    TensorType { file: String, tensor: String, found: String },
    #[error("tensor {tensor} in {file} is beyond what config.json describes")]
    TensorUnexpected { file: String, tensor: String },
    #[error("number {index} of tensor {tensor} in {file} is {value}; the weights are damaged")]
    NotFinite { file: String, tensor: String, index: u64, value: &'static str },
    #[error("{file} does not belong to this model: {what}")]
    WrongTokenizer { file: String, what: String },
    #[error("{file} describes something that is not taken: {what}")]
    Unsupported { file: String, what: String },
    #[error("{file} describes a language model that cannot see images")]
    TextOnly { file: String },
    #[error("the folder holds a {found} model, not the {wanted} model that was asked for")]
    OtherKind { wanted: &'static str, found: &'static str },
    #[error("a pack of this kind cannot be quantised here: {reason}")]
    QuantizeUnsupported { reason: String },
    #[error("the weights could not be converted: {reason}")]
    Convert { reason: String },
    #[error("the pack needs {} of disk, and {} are free", amount(*.needed), amount(*.free))]
    DiskFull { needed: u64, free: u64 },
    #[error("{what} needs about {} of memory, and {} are there", amount(*.needed), amount(*.there))]
    Memory { what: &'static str, needed: u64, there: u64 },
    #[error("the terms that these weights come under have not been accepted")]
    TermsNotAccepted,
    #[error("another program is changing the packs at this moment")]
    Busy,
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
            Self::LinkOutside { .. } => "pack.link_outside",
            Self::LfsPointer { .. } => "pack.lfs_pointer",
            Self::Truncated { .. } => "pack.truncated",
            Self::TensorMissing { .. } => "pack.tensor_missing",
            Self::TensorDuplicate { .. } => "pack.tensor_duplicate",
            Self::TensorShape { .. } => "pack.tensor_shape",
            Self::TensorType { .. } => "pack.tensor_type",
            Self::TensorUnexpected { .. } => "pack.tensor_unexpected",
            Self::NotFinite { .. } => "pack.not_finite",
            Self::WrongTokenizer { .. } => "pack.wrong_tokenizer",
            Self::Unsupported { .. } => "pack.unsupported",
            Self::TextOnly { .. } => "pack.text_only",
            Self::OtherKind { .. } => "pack.other_kind",
            Self::QuantizeUnsupported { .. } => "pack.quantize_unsupported",
            Self::Convert { .. } => "pack.convert",
            Self::DiskFull { .. } => "pack.disk_full",
            Self::Memory { .. } => "pack.memory",
            Self::TermsNotAccepted => "pack.terms",
            Self::Busy => "pack.busy",
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
            | Self::LinkOutside { file }
            | Self::LfsPointer { file }
            | Self::Truncated { file, .. }
            | Self::TensorMissing { file, .. }
            | Self::TensorDuplicate { file, .. }
            | Self::TensorShape { file, .. }
            | Self::TensorType { file, .. }
            | Self::TensorUnexpected { file, .. }
            | Self::NotFinite { file, .. }
            | Self::WrongTokenizer { file, .. }
            | Self::Unsupported { file, .. }
            | Self::TextOnly { file } => Some(file),
            _ => None,
        }
    }

    /// The tensor at fault, where one is.
    pub fn tensor(&self) -> Option<&str> {
        match self {
            Self::TensorMissing { tensor, .. }
            | Self::TensorDuplicate { tensor, .. }
            | Self::TensorShape { tensor, .. }
            | Self::TensorType { tensor, .. }
            | Self::TensorUnexpected { tensor, .. }
            | Self::NotFinite { tensor, .. } => Some(tensor),
            _ => None,
        }
    }
}

pub type Result<T> = std::result::Result<T, PackError>;

/// Bytes in words for a person.
pub(crate) fn amount(bytes: u64) -> String {
    match bytes {
        1_000_000_000.. => format!("{:.1} GB", bytes as f64 / 1e9),
        1_000_000.. => format!("{:.0} MB", bytes as f64 / 1e6),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_said_for_people() {
        for (bytes, words) in [
            (0, "0 bytes"),
            (999_999, "999999 bytes"),
            (1 << 20, "1 MB"),
            (999_000_000, "999 MB"),
            (8_600_312_456, "8.6 GB"),
            (109_700_000_000, "109.7 GB"),
        ] {
            assert_eq!(amount(bytes), words);
        }
        let full = PackError::DiskFull { needed: 8_868_435_456, free: 300 << 20 };
        assert_eq!(full.to_string(), "the pack needs 8.9 GB of disk, and 315 MB are free");
        let small = PackError::Memory { what: "the model", needed: 17_500_000_000, there: 8 << 30 };
        assert_eq!(small.to_string(), "the model needs about 17.5 GB of memory, and 8.6 GB are there");
    }
}
