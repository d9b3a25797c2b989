//! What can go wrong in a use case.

use crate::Fault;
use hilum_export::ExportError;
use hilum_report::{MacroError, Refusal};
use hilum_report::mrrt::MrrtError;
use hilum_store::StoreError;
use std::io;
use std::path::PathBuf;

/// Why a use case ended. Carries paths, UIDs and ids, never what identifies a patient.
#[derive(Debug, thiserror::Error)]
pub enum WorkflowError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Report(#[from] Refusal),
    #[error(transparent)]
    Template(#[from] MrrtError),
    #[error(transparent)]
    Macro(#[from] MacroError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    Outside(#[from] Fault),
    #[error("a passphrase needs at least 8 characters")]
    WeakPassphrase,
    #[error("this is not the recovery key of this data folder")]
    WrongRecoveryKey,
    #[error("a user needs a name")]
    EmptyName,
    #[error("{path} cannot be read")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} cannot be written")]
    Write { path: PathBuf, source: io::Error },
    #[error("no model that drafts is installed")]
    NoDrafter,
    #[error("no model that scores findings is installed")]
    NoScorer,
    #[error("a draft of this report is being written")]
    DraftRunning,
    #[error(transparent)]
    Retrieval(#[from] hilum_retrieval::RetrievalError),
    #[error("the models do not apply: {0}")]
    ModelsDoNotApply(&'static str),
    #[error("study {0} has no image")]
    NoImage(String),
    #[error("patient and accession must both be confirmed before signing")]
    NotConfirmed,
    #[error("a trainee signs as preliminary; an attending signs as final")]
    NeedsAttending,
    #[error("look at an image of the study, or write findings, before the draft is uncovered")]
    NotLooked,
    #[error("a dictionary takes one word of letters at a time")]
    NotAWord,
    #[error("the models wrote nothing that could be a report")]
    EmptyDraft,
    #[error("there is no older chest image of this patient")]
    NoPrior,
    #[error("there are no findings to draw an impression from")]
    NoFindings,
    #[error("nothing is written there yet that could be put another way")]
    NothingToRewrite,
    #[error("proposal {0} was not kept with all that is needed to repeat it")]
    NotRepeatable(String),
    #[error("nothing of this report is signed yet")]
    NotSigned,
    #[error("no such report")]
    NoReport,
    #[error("a study is moved with a reason")]
    NoReason,
    #[error("a time-stamp server's address begins with http://")]
    TimeStampAddress,
    #[error("{0} is larger than 8 MB")]
    FileTooLarge(PathBuf),
    #[error("the decoder sent no {0}")]
    DecoderIncomplete(&'static str),
}

impl WorkflowError {
    /// A stable code for the boundary.
    pub fn code(&self) -> String {
        match self {
            WorkflowError::Store(e) => e.code().to_owned(),
            WorkflowError::Report(e) => e.code().to_owned(),
            WorkflowError::Template(e) => e.code().to_owned(),
            WorkflowError::Macro(e) => e.code().to_owned(),
            WorkflowError::Export(e) => e.code().to_owned(),
            WorkflowError::Outside(e) => e.code.clone(),
            WorkflowError::Retrieval(e) => e.code().to_owned(),
            WorkflowError::WeakPassphrase => "vault.weak_passphrase".into(),
            WorkflowError::WrongRecoveryKey => "vault.wrong_recovery_key".into(),
            WorkflowError::EmptyName => "user.empty_name".into(),
            WorkflowError::Read { .. } => "file.read".into(),
            WorkflowError::Write { .. } => "export.write_failed".into(),
            WorkflowError::NoDrafter => "draft.no_model".into(),
            WorkflowError::NoScorer => "encode.no_model".into(),
            WorkflowError::DraftRunning => "draft.running".into(),
            WorkflowError::ModelsDoNotApply(_) => "draft.not_applicable".into(),
            WorkflowError::NoImage(_) => "study.no_image".into(),
            WorkflowError::NotConfirmed => "sign.not_confirmed".into(),
            WorkflowError::NeedsAttending => "sign.needs_attending".into(),
            WorkflowError::NotLooked => "report.not_looked".into(),
            WorkflowError::NotAWord => "word.not_a_word".into(),
            WorkflowError::EmptyDraft => "draft.empty".into(),
            WorkflowError::NoPrior => "draft.no_prior".into(),
            WorkflowError::NoFindings => "draft.no_findings".into(),
            WorkflowError::NothingToRewrite => "draft.nothing_to_rewrite".into(),
            WorkflowError::NotRepeatable(_) => "draft.not_repeatable".into(),
            WorkflowError::NotSigned => "report.not_signed".into(),
            WorkflowError::NoReason => "study.no_reason".into(),
            WorkflowError::NoReport => "report.not_found".into(),
            WorkflowError::TimeStampAddress => "timestamp.address".into(),
            WorkflowError::FileTooLarge(_) => "file.too_large".into(),
            WorkflowError::DecoderIncomplete(_) => "decode.garbled".into(),
        }
    }
}
