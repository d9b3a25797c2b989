//! hilum-testkit
pub mod siglip;
pub mod gemma3;
pub mod gemma3_recital;
mod gemma3_tokenizer;
pub mod dicom;
pub mod published;
mod skipped;
pub mod transfer_syntaxes;

pub use skipped::skipped;
