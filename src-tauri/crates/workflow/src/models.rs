//! The model packs that are there, as the models' own side lists them.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackKind {
    Medgemma,
    Medsiglip,
}

/// One installed pack, as `hilumctl pack list --json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelPack {
    pub id: String,
    pub kind: PackKind,
    pub name: String,
    /// A demonstration without medical meaning.
    pub demo: bool,
    /// SHA-256 over all files of the pack, in hex; what proposals record.
    pub hash: String,
    pub bytes: u64,
    #[serde(default)]
    pub source: String,
    #[serde(default)]
    pub terms: String,
    #[serde(default)]
    pub notice: String,
    #[serde(default)]
    pub quantization: String,
    pub dir: PathBuf,
    #[serde(default)]
    pub card: Option<String>,
}
