//! What goes wrong with child processes.

use std::{io, path::PathBuf};

/// One variant for each step that can fail. Messages name programs and roles,
/// never anything that was in a file.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error("the program {0} was not found beside this one")]
    NotFound(String),
    #[error("{} could not be started", program.display())]
    Start { program: PathBuf, source: io::Error },
    #[error("the file could not be handed to the decoder")]
    Input(#[source] io::Error),
    /// The child understood the request and declined it; both texts are its own.
    #[error("{message}")]
    Refused { code: String, message: String },
    #[error("the decoder died while reading the file")]
    DecodeKilled,
    #[error("the decoder ran out of memory while reading the file")]
    DecodeMemory,
    #[error("the decoder needed too long for the file")]
    DecodeTimeout,
    #[error("the decoder answered something that makes no sense")]
    DecodeGarbled,
    #[error("the {0} worker died")]
    Died(&'static str),
    #[error("the {0} worker stopped answering and was ended")]
    Hung(&'static str),
    #[error("the {0} worker needed too long and was ended")]
    Timeout(&'static str),
    #[error("the {0} worker answered something that makes no sense and was ended")]
    Garbled(&'static str),
    #[error("the {0} worker died several times in a row and is not started again until asked to")]
    CrashLoop(&'static str),
    #[error("the {0} worker has no model loaded")]
    NotLoaded(&'static str),
    #[error("the {0} worker is being shut down")]
    ShutDown(&'static str),
    #[error("it was cancelled")]
    Cancelled,
}

impl WorkerError {
    /// Stable code for people, scripts and the error table of the window.
    pub fn code(&self) -> &str {
        match self {
            Self::NotFound(_) => "worker.not_found",
            Self::Start { .. } => "worker.start",
            Self::Input(_) => "decode.input",
            Self::Refused { code, .. } => code,
            Self::DecodeKilled | Self::DecodeMemory => "decode.killed",
            Self::DecodeTimeout => "decode.timeout",
            Self::DecodeGarbled => "decode.garbled",
            Self::Died(_) => "worker.died",
            Self::Hung(_) => "worker.hung",
            Self::Timeout(_) => "worker.timeout",
            Self::Garbled(_) => "worker.garbled",
            Self::CrashLoop(_) => "worker.crash_loop",
            Self::NotLoaded(_) => "worker.not_loaded",
            Self::ShutDown(_) => "worker.shut_down",
            Self::Cancelled => "worker.cancelled",
        }
    }

    /// True when the file itself is at fault: the next file may be tried with the same decoder.
    pub fn is_verdict(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. } | Self::DecodeKilled | Self::DecodeMemory | Self::DecodeTimeout | Self::DecodeGarbled
        )
    }
}

/// A code or message from a child is shown only if it looks like one.
pub(crate) fn refusal(code: &str, message: &str) -> Option<WorkerError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_');
    if code.is_empty() || code.len() > 64 || !code.chars().all(plain) {
        return None;
    }
    let message = message.chars().filter(|c| !c.is_control()).take(600).collect();
    Some(WorkerError::Refused { code: code.to_owned(), message })
}
