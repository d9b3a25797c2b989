//! The draft worker: MedGemma in mistral.rs, `hilumctl worker draft`.

use serde::{Deserialize, Serialize};

/// One request; `id` comes back in every answer to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum DraftRequest {
    /// Load the pack in this folder. Progress, then [`DraftReply::Loaded`].
    Load { id: u64, pack_dir: String },
    /// Draft from zero, one or two images (prior first, then current). Body: the
    /// images one after another, each `side` x `side` bytes of grey.
    Draft { id: u64, side: u32, images: u32, prompt: DraftPrompt, max_tokens: u32 },
    /// Stop the draft with this id. What was written so far is kept in [`DraftReply::Finished`].
    Cancel { id: u64 },
}

/// The words that go with the images. Only allow-listed or person-confirmed text is in here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DraftPrompt {
    /// Exactly this text in one user turn after the images.
    Raw { text: String },
    /// The published report prompt: "Describe this X-ray" (card 1.5), or
    /// `<INDICATION> findings:` where an indication was confirmed (report, table A7).
    Report { indication: Option<String> },
    /// The template's sections, Findings then Impression, parsed from the answer.
    Sections { indication: Option<String> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DraftPhase {
    LoadingModel,
    ReadingImage,
    Writing,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum DraftReply {
    /// Sent every second while the worker lives, so that a hang shows.
    Heartbeat,
    Progress {
        id: u64,
        phase: DraftPhase,
        fraction: Option<f32>,
        seconds: f64,
    },
    Loaded {
        id: u64,
        side: u32,
        seconds: f64,
    },
    /// Text since the last one; concatenated they are the answer.
    Token {
        id: u64,
        text: String,
    },
    Finished(Box<DraftOutcome>),
    Failed {
        id: u64,
        code: String,
        message: String,
    },
}

/// Everything that is kept of one generation so that it can be explained years later.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DraftOutcome {
    pub id: u64,
    /// The prompt as rendered by the chat template, image tokens not expanded.
    pub prompt: String,
    pub prompt_token_ids: Vec<u32>,
    pub token_ids: Vec<u32>,
    /// Natural-log probability of each generated token.
    pub logprobs: Vec<f32>,
    /// The raw answer, special tokens removed.
    pub text: String,
    /// The answer as sections, thinking blocks removed.
    pub sections: Vec<DraftedSection>,
    /// "stop", "length" or "cancelled".
    pub finish: String,
    pub prompt_seconds: f64,
    pub decode_seconds: f64,
}

/// One section of a draft, split into sentences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftedSection {
    /// "findings" or "impression".
    pub section: String,
    pub sentences: Vec<String>,
}
