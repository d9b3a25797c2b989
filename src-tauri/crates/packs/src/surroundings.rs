//! What the addition of a pack is done with: the machine, the engine's side, who is told and who may stop it.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::error::{PackError, Result};
use crate::machine::{Machine, Sizes};
use crate::manifest::{Kind, Quantization};

/// What the addition of a pack is done with, so that tests choose it.
pub struct Surroundings<'a> {
    pub machine: &'a dyn Machine,
    pub convert: &'a dyn Convert,
    /// Called after every megabyte or so.
    pub progress: &'a mut dyn FnMut(AddProgress),
    /// Looked at as often.
    pub cancel: &'a AtomicBool,
}

/// What becomes of a model's weights on their way into a pack. The model side has it; here is only the port.
pub trait Convert {
    /// Whether what loads this kind of model takes the folder's configuration; reads small files only. What is checked
    /// here is refused when it is added and not when somebody wants a draft of it.
    fn takes(&self, _source: &Path, _kind: Kind) -> Result<()> {
        Ok(())
    }
    /// The name by which what loads this kind of model looks a tensor up. A pack that is not quantised gets it in the
    /// place of the published one, so that nothing is left to do when it is loaded.
    fn tensor_name(&self, _kind: Kind, published: &str) -> String {
        published.to_owned()
    }
    /// What the converted weights will take; reads headers only.
    fn sizes(&self, source: &Path, quantization: Quantization) -> Result<Sizes>;
    /// Writes the converted weights into `target`, which stands for the source's own
    /// weight files; the other files are copied by the caller. `progress` is told bytes
    /// done and in all.
    fn convert(
        &self,
        source: &Path,
        target: &Path,
        quantization: Quantization,
        progress: &mut dyn FnMut(u64, u64),
        cancel: &AtomicBool,
    ) -> Result<()>;
}

/// Stands where there is nothing to convert with.
pub struct NoConversion;

impl Convert for NoConversion {
    fn sizes(&self, _: &Path, _: Quantization) -> Result<Sizes> {
        Err(PackError::QuantizeUnsupported { reason: "there is no engine here".into() })
    }

    fn convert(&self, _: &Path, _: &Path, _: Quantization, _: &mut dyn FnMut(u64, u64), _: &AtomicBool) -> Result<()> {
        Err(PackError::QuantizeUnsupported { reason: "there is no engine here".into() })
    }
}

/// What is being done with a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Headers and small files are read.
    Checking,
    /// Files are read through, hashed, and their numbers looked at.
    Hashing,
    /// Weights are quantised.
    Converting,
    /// Files are copied, hashed, and their numbers looked at.
    Copying,
}

impl Phase {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Checking => "checking",
            Self::Hashing => "hashing",
            Self::Converting => "converting",
            Self::Copying => "copying",
        }
    }
}

/// How far one phase has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddProgress {
    pub phase: Phase,
    /// The file at hand; empty where it is the whole folder.
    pub file: String,
    pub done_bytes: u64,
    /// Zero where it is not known.
    pub total_bytes: u64,
}

impl AddProgress {
    /// Done of the phase, 0 to 1, where it is known.
    pub fn fraction(&self) -> Option<f64> {
        (self.total_bytes > 0).then(|| self.done_bytes as f64 / self.total_bytes as f64)
    }
}

impl Surroundings<'_> {
    pub(crate) fn say(&mut self, phase: Phase, file: &str, done_bytes: u64, total_bytes: u64) {
        (self.progress)(AddProgress { phase, file: file.to_owned(), done_bytes, total_bytes });
    }
}
