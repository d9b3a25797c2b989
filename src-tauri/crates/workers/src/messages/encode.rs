//! The encode worker: MedSigLIP, `hilumctl worker encode`.

use serde::{Deserialize, Serialize};

/// One request; `id` comes back in every answer to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum EncodeRequest {
    /// Load the pack in this folder. Answered by [`EncodeReply::Loaded`].
    Load { id: u64, pack_dir: String },
    /// Score and embed one image. Body: `side` x `side` bytes of grey. Answered by
    /// [`EncodeReply::Encoded`] with the embedding as its body.
    Image { id: u64, side: u32 },
    /// Where an image supports a finding. Body: `side` x `side` bytes of grey. Answered by
    /// [`EncodeReply::Map`]. Another finding of the image asked about last costs no pass.
    Map { id: u64, side: u32, finding: String },
    /// Embed texts. Answered by [`EncodeReply::Texts`].
    Texts { id: u64, texts: Vec<String> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum EncodeReply {
    /// Sent every second while the worker lives, so that a hang shows.
    Heartbeat,
    Loaded {
        id: u64,
        side: u32,
        dim: u32,
        seconds: f64,
    },
    /// Body: the L2-normalised embedding, `dim` x `f32` little-endian.
    Encoded {
        id: u64,
        dim: u32,
        scores: Vec<FindingScore>,
        seconds: f64,
    },
    /// Body: `side` x `side` x `f32` little-endian, one a patch, row by row: the cosine with
    /// the present prompts minus that with the absent ones, in [-2, 2].
    Map {
        id: u64,
        /// Patches along one side of the image.
        side: u32,
        seconds: f64,
    },
    /// Body: `count` x `dim` x `f32`, each row L2-normalised.
    Texts {
        id: u64,
        count: u32,
        dim: u32,
    },
    Failed {
        id: u64,
        code: String,
        message: String,
    },
}

/// Zero-shot support for one finding. None of it is a calibrated probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FindingScore {
    /// Key of `facts/medsiglip-cxr-prompts.json`, for example "pleural_effusion".
    pub finding: String,
    /// Cosine with the present prompts minus cosine with the absent prompts, -2 to 2.
    pub difference: f32,
    /// Softmax over {absent, present} of exp(logit_scale) x cosine, 0 to 1.
    pub softmax: f32,
}
