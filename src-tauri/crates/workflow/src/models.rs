//! The model packs that are there, as the models' own side lists them.

use hilum_report::PackHash;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackKind {
    Medgemma,
    /// A language model without images: it is kept, and nothing drafts with it yet.
    #[serde(rename = "medgemma-text")]
    MedgemmaText,
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
    /// What an encoder computes in where somebody chose another than it takes by itself: "f32", "bf16" or "int8". Else
    /// empty.
    #[serde(default)]
    pub arithmetic: String,
    /// When a person accepted the terms, RFC 3339; demonstrations need no acceptance.
    #[serde(default)]
    pub terms_accepted_at: Option<String>,
    pub dir: PathBuf,
    #[serde(default)]
    pub card: Option<String>,
    #[serde(default)]
    pub measured: MeasuredPack,
}

impl ModelPack {
    /// Under what the numbers that an encoder gives are kept: scores, embeddings, and the probes that were fitted to them.
    /// Those of another arithmetic are others, and comparing them with these would say more of rounding than of images.
    pub fn key(&self) -> PackHash {
        match self.arithmetic.as_str() {
            "" => PackHash::new(&self.hash),
            arithmetic => PackHash::new(format!("{}+{arithmetic}", self.hash)),
        }
    }

    /// Under what its answers to questions are kept. The number goes up when answers are read out of its words in
    /// another way: what an earlier Hilum took for an answer is asked again. 2: outside of thinking, and the last one.
    pub fn answers_key(&self) -> PackHash {
        PackHash::new(format!("{}+answers2", self.hash))
    }
}

/// What was last measured of a pack on this machine; empty before its first load.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MeasuredPack {
    /// What it runs on, in words.
    pub device: String,
    /// After loading, bytes.
    pub memory_bytes: Option<u64>,
    pub peak_bytes: Option<u64>,
    pub load_seconds: Option<f64>,
    pub prompt_seconds: Option<f64>,
    pub tokens_per_second: Option<f64>,
    /// One image embedded and scored.
    pub image_seconds: Option<f64>,
}
