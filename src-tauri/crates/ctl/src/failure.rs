//! How a command ends when it does not succeed.

use hilum_drafting::DraftingError;
use hilum_encoders::EncoderError;
use hilum_imaging::ImagingError;
use hilum_packs::PackError;
use hilum_store::StoreError;
use hilum_workers::WorkerError;
use hilum_workflow::WorkflowError;
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

pub type Result<T> = std::result::Result<T, Failure>;

/// A stable code, a plain sentence, and the file that it is about.
#[derive(Debug, Clone)]
pub struct Failure {
    pub code: String,
    pub message: String,
    pub file: Option<PathBuf>,
    pub status: u8,
}

/// What was given is not taken.
const REFUSED: u8 = 1;
/// The command was put wrongly.
const USAGE: u8 = 2;
/// Hilum or the machine is at fault.
const INTERNAL: u8 = 3;

impl Failure {
    pub fn refused(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), file: None, status: REFUSED }
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self { code: "ctl.usage".into(), message: message.into(), file: None, status: USAGE }
    }

    pub fn internal(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), file: None, status: INTERNAL }
    }

    /// Something by its code; the code says whose fault it is.
    pub fn of(code: impl Into<String>, message: impl Into<String>) -> Self {
        let code = code.into();
        let status = status_of(&code);
        Self { code, message: message.into(), file: None, status }
    }

    /// Names the file, unless a more exact one is named already.
    pub fn about(mut self, file: &Path) -> Self {
        self.file.get_or_insert_with(|| file.to_owned());
        self
    }

    /// A file that was to be read.
    pub fn read(file: &Path, error: &std::io::Error) -> Self {
        Self::refused("file.read", format!("it cannot be read: {error}")).about(file)
    }

    /// A file that was to be written.
    pub fn write(file: &Path, error: &std::io::Error) -> Self {
        Self::internal("file.write", format!("it cannot be written: {error}")).about(file)
    }

    /// Prints it on standard error; the exit status of the program.
    pub fn report(&self, json: bool) -> ExitCode {
        if json {
            let file = self.file.as_ref().map(|f| f.display().to_string());
            eprintln!("{}", json!({ "error": { "code": self.code, "message": self.message, "file": file } }));
        } else {
            let place = self.file.as_ref().map(|f| format!("{}: ", f.display())).unwrap_or_default();
            eprintln!("hilumctl: {place}{} [{}]", self.message.trim_end(), self.code);
        }
        ExitCode::from(self.status)
    }
}

/// Codes of things that nobody can mend by giving another input.
fn status_of(code: &str) -> u8 {
    const OURS: &[&str] = &[
        "worker.",
        "store.database",
        "store.thread",
        "data.file",
        "data.disk_full",
        "data.read_only",
        "backup.disk_full",
        "backup.read_only",
        "backup.folder",
        "vault.crypto",
        "file.write",
        "pack.write",
        "pack.convert",
        "pack.busy",
        "decode.input",
        "drafting.write",
        "drafting.runtime",
        "drafting.engine",
        "drafting.engine_died",
        "drafting.begin_tokens",
        "encoder.forward",
    ];
    let ours = OURS.iter().any(|known| if known.ends_with('.') { code.starts_with(known) } else { code == *known });
    if ours && code != "worker.cancelled" { INTERNAL } else { REFUSED }
}

macro_rules! from_coded {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::of(error.code(), error.to_string())
            }
        }
    )*};
}

from_coded!(WorkerError, WorkflowError, StoreError, ImagingError, EncoderError, DraftingError);

impl From<PackError> for Failure {
    fn from(error: PackError) -> Self {
        let failure = Self::of(error.code(), error.to_string());
        match error.file() {
            Some(file) => failure.about(Path::new(file)),
            None => failure,
        }
    }
}
