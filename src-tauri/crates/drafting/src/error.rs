use std::path::PathBuf;

/// Why a pack could not be loaded or a draft could not be written.
#[derive(Debug, thiserror::Error)]
pub enum DraftingError {
    #[error("{path} cannot be read: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path} cannot be written: {source}")]
    Write { path: PathBuf, source: std::io::Error },
    #[error("{path} is not valid JSON: {source}")]
    Json { path: PathBuf, source: serde_json::Error },
    #[error("{path} is not a Gemma 3 vision-language configuration: {what}")]
    Config { path: PathBuf, what: String },
    #[error("{path} holds no safetensors weights")]
    NoWeights { path: PathBuf },
    #[error("{path} is not a safetensors file: {what}")]
    Weights { path: PathBuf, what: String },
    #[error("the tokenizer in {path} has no {token} token")]
    Tokenizer { path: PathBuf, token: &'static str },
    #[error("the engine cannot load {path}: {what}")]
    Load { path: PathBuf, what: String },
    #[error("the runtime for the engine cannot be started: {0}")]
    Runtime(std::io::Error),
    #[error(transparent)]
    Kernels(#[from] hilum_kernels::cpu::NoSuchSet),
    #[error("image {index} is {width} x {height}, this model reads {side} x {side}")]
    ImageSize { index: usize, width: u32, height: u32, side: u32 },
    #[error("there is nothing to ask: the prompt is empty")]
    EmptyPrompt,
    #[error(
        "the prompt needs {tokens} tokens, this build is exact only up to {window}; \
         longer prompts need the engine that `./dev` builds"
    )]
    PastWindow { tokens: usize, window: usize },
    #[error("the prompt needs {tokens} tokens, this model reads up to {positions}")]
    TooLong { tokens: usize, positions: usize },
    #[error("{path} is quantised, which needs the engine that `./dev` builds")]
    Quantised { path: PathBuf },
    #[error("cancelled")]
    Cancelled,
    #[error("the engine read {found} begin-of-sequence tokens instead of one")]
    BeginTokens { found: usize },
    #[error("the engine failed: {0}")]
    Engine(String),
    #[error("the grammar of the answer failed: {0}")]
    Grammar(String),
    #[error("a structured answer needs at least {needed} tokens, and only {room} may be written")]
    NoRoom { needed: usize, room: usize },
    #[error("the model's answer is not made of numbers: its weights do not fit this computation")]
    NotFinite,
    #[error("the engine died")]
    EngineDied,
    #[error("the prompt is still being read and cannot be stopped: the process must be killed")]
    MustBeKilled,
}

impl DraftingError {
    /// Stable code for the interface's table of messages.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "drafting.read",
            Self::Write { .. } => "drafting.write",
            Self::Json { .. } => "drafting.json",
            Self::Config { .. } => "drafting.config",
            Self::NoWeights { .. } => "drafting.no_weights",
            Self::Weights { .. } => "drafting.weights",
            Self::Tokenizer { .. } => "drafting.tokenizer",
            Self::Load { .. } => "drafting.load",
            Self::Runtime(_) => "drafting.runtime",
            Self::Kernels(_) => "drafting.kernels",
            Self::ImageSize { .. } => "drafting.image_size",
            Self::EmptyPrompt => "drafting.empty_prompt",
            Self::PastWindow { .. } => "drafting.past_window",
            Self::TooLong { .. } => "drafting.too_long",
            Self::Quantised { .. } => "drafting.quantised",
            Self::Cancelled => "drafting.cancelled",
            Self::BeginTokens { .. } => "drafting.begin_tokens",
            Self::Engine(_) => "drafting.engine",
            Self::Grammar(_) => "drafting.grammar",
            Self::NoRoom { .. } => "drafting.no_room",
            Self::NotFinite => "drafting.not_finite",
            Self::EngineDied => "drafting.engine_died",
            Self::MustBeKilled => "drafting.must_be_killed",
        }
    }

    /// Whether the worker process has to be replaced before the next draft.
    pub fn ends_the_process(&self) -> bool {
        matches!(self, Self::EngineDied | Self::MustBeKilled)
    }
}
