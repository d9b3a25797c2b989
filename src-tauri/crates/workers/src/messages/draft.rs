//! The draft worker: MedGemma in mistral.rs, `hilumctl worker draft`.

use serde::{Deserialize, Serialize};

/// One request; `id` comes back in every answer to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum DraftRequest {
    /// Load the pack in this folder. Progress, then [`DraftReply::Loaded`].
    Load { id: u64, pack_dir: String },
    /// Draft from zero, one or two images (prior first, then current). Body: the
    /// images one after another, each `side` x `side` bytes of grey; then those of them that
    /// were encoded before, whose bytes `encoded` says for each image, 0 where it was not.
    Draft {
        id: u64,
        side: u32,
        images: u32,
        prompt: DraftPrompt,
        max_tokens: u32,
        #[serde(default)]
        encoded: Vec<u64>,
    },
    /// Answer some prompts about the same images: [`DraftReply::Answered`] for each as it is whole, in any order, then
    /// [`DraftReply::Finished`] without words. Body and `encoded` as for [`DraftRequest::Draft`].
    DraftTogether {
        id: u64,
        side: u32,
        images: u32,
        prompts: Vec<DraftPrompt>,
        max_tokens: u32,
        #[serde(default)]
        encoded: Vec<u64>,
    },
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
    /// The template's sections, Findings then Impression: the report prompt, answered
    /// under a grammar that leaves no other shape.
    Sections {
        indication: Option<String>,
        #[serde(default)]
        rules: AnswerRules,
    },
    /// One section again, under the same grammar. `text` is what a person typed or
    /// accepted; empty where `how` does not need it.
    Section {
        section: DraftedPart,
        how: Rewrite,
        indication: Option<String>,
        text: String,
        #[serde(default)]
        rules: AnswerRules,
    },
    /// A question answered with yes or no, in the published wording; see [`YesNo`].
    YesNo { question: String },
}

/// A part of a report that a model writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DraftedPart {
    Findings,
    Impression,
}

impl DraftedPart {
    /// As [`DraftedSection::section`] names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Findings => "findings",
            Self::Impression => "impression",
        }
    }
}

/// How one section is written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rewrite {
    /// As in a whole draft, with what is known by now (an indication, a linked prior).
    Again,
    /// `text` is this section; the answer is to say it more briefly.
    Shorter,
    /// `text` is this section; the answer is to say more.
    MoreDetail,
    /// `text` is the Findings section; the answer is the impression.
    FromFindings,
}

/// What an answer under a grammar may hold beyond plain findings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnswerRules {
    /// Words of comparison may occur: a prior image is linked and given as the first one.
    pub comparison: bool,
    /// The only measurements that may occur, as written by a person, for example "12 mm".
    /// Without any, no digit and no number word with a unit occurs.
    pub measured: Vec<String>,
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
        #[serde(default)]
        took: Took,
    },
    /// Text since the last one; concatenated they are the answer.
    Token {
        id: u64,
        text: String,
    },
    /// The answer to one prompt of several, by its index among them.
    Answered {
        id: u64,
        index: u32,
        outcome: Box<DraftOutcome>,
    },
    Finished(Box<DraftOutcome>),
    Failed {
        id: u64,
        code: String,
        message: String,
    },
}

/// What a loaded model takes, as its process measured it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Took {
    /// What it runs on, in words for a person.
    pub device: String,
    /// Memory of the process now, bytes (proportional set size), where the system tells it.
    pub memory_bytes: Option<u64>,
    /// The most resident memory since the process began, bytes.
    pub peak_bytes: Option<u64>,
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
    /// "stop", "length", "cancelled", or "closed" where a structured answer ran out of
    /// room and its frame was completed without the model.
    pub finish: String,
    /// The answer to [`DraftPrompt::YesNo`].
    pub yes_no: Option<YesNo>,
    /// What has to be the same for the same tokens to come out.
    pub circumstances: Circumstances,
    pub prompt_seconds: f64,
    pub decode_seconds: f64,
    /// Tokens of the prompt that were not read again, because the prompt before began with them.
    pub reused_tokens: u32,
    /// Of each image that was encoded for this: its index and its bytes in the body of the reply.
    pub encoded_bytes: Vec<(u32, u64)>,
    /// These images, for [`DraftRequest::Draft`] of a later draft: SHA-256 of what encoded them, and soft tokens in float32,
    /// little endian.
    #[serde(skip)]
    pub encoded: Vec<(u32, Vec<u8>)>,
}

/// A model's answer to a yes/no question.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct YesNo {
    /// `None` where the model gave no final answer.
    pub answer: Option<bool>,
    /// Natural logarithm of the model's own probability that "yes" follows "Final Answer: ".
    /// Says how sure the model is of its words, not how probable the finding is.
    pub yes_logprob: f32,
    /// The same of "no". The two need not sum to one.
    pub no_logprob: f32,
}

/// Everything besides pack, prompt and images on which the tokens of a greedy answer
/// depend: with the same values the same build repeats it token for token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Circumstances {
    /// Version and commit of the program.
    pub build: String,
    /// The engine's name and version, and the changes built into it.
    pub engine: String,
    /// SHA-256 of each model input, hex, in prompt order.
    pub images_sha256: Vec<String>,
    /// SHA-256 of the grammar's text, hex; `None` for free text.
    pub grammar_sha256: Option<String>,
    /// "greedy"
    pub decoding: String,
    pub max_tokens: u32,
    /// Threads that compute; the order of sums depends on it.
    pub threads: u32,
    /// Instruction sets in use, for example "avx2", sorted.
    pub cpu_features: Vec<String>,
}

/// One section of a draft, split into sentences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftedSection {
    /// "findings" or "impression".
    pub section: String,
    pub sentences: Vec<DraftedSentence>,
}

/// One sentence of a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftedSentence {
    pub text: String,
    /// Heading of the region under which a structured answer put it.
    pub region: Option<String>,
}

impl DraftedSentence {
    /// A sentence of free text, without a region.
    pub fn free(text: impl Into<String>) -> Self {
        Self { text: text.into(), region: None }
    }
}
