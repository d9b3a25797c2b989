//! What a radiologist does with Hilum, as use cases: import, read, draft, review, sign, export.
//!
//! A [`Workstation`] is the whole application without a window. The desktop shell
//! and `hilumctl` are two ways of driving it. What it needs of the decoder and the
//! models it states as traits ([`Decoder`], [`Scorer`], [`Drafter`]); the child
//! processes of `hilum-workers` fulfil them ([`children`]).

mod annotating;
mod applicability;
mod auditing;
mod backing_up;
mod calibrating;
pub mod children;
mod comparing;
mod demographics;
mod drafting;
#[cfg(test)]
mod drafting_tests;
mod error;
mod filing;
mod evidence;
mod exporting;
mod figures;
mod findings;
mod first_run;
mod glance;
mod import;
mod in_front;
mod indexing;
mod known;
mod letterhead;
mod maps;
mod models;
mod overview;
mod ports;
mod printing;
mod priors;
mod proposals;
mod read_first;
mod reading;
mod reporting;
mod signed;
mod signing;
mod signing_key;
mod similar;
mod stated;
mod templates;
mod time_stamping;
mod worklist;
mod writing;
mod workstation;

pub use applicability::{Applicability, applicability};
pub use backing_up::{BackupSecret, backups};
pub use calibrating::{Calibrated, Calibration, Standing};
pub use comparing::{ReportText, TextOf};
pub use demographics::{age, display_date, display_name, display_time};
pub use drafting::{DraftChoice, DraftMode, DraftResult};
pub use error::WorkflowError;
pub use evidence::{ClaimEvidence, RequeryEvidence, Requeried, RequeryProgress, ScoreEvidence, SentenceEvidence};
pub use exporting::ExportForm;
pub use filing::{TimelineStudy, Undone};
pub use findings::{Finding, findings, label, mentioned};
pub use glance::Glance;
pub use hilum_retrieval::{AgeBand, Filter, View};
pub use hilum_store::{AuditFilter, BackupPhase, BackupProgress};
pub use hilum_workers::Cancel;
pub use in_front::front_words;
pub use import::files_below;
pub use import::{ImportEvent, ImportSummary, ImportedFile, Verdict};
pub use hilum_export::signature::CertificateSummary;
pub use hilum_store::Figures;
pub use letterhead::Letterhead;
pub use maps::PlacedMap;
pub use models::{MeasuredPack, ModelPack, PackKind};
pub use ports::{Clock, Decoder, Drafter, Fault, Ids, RandomIds, Scorer, SystemClock};
pub use priors::PriorStudy;
pub use proposals::Repeated;
pub use reading::{ImageDetail, Patient, PixelFrame, StudyDetail, Support};
pub use reporting::{HeldBy, ReportDetail, VersionDetail};
pub use signing::{SignatureRequest, Signed};
pub use similar::{Identity, SimilarCase, SimilarCases};
pub use worklist::{WantedStatus, WorklistFilter, WorklistLine};
pub use time_stamping::{TimeStampServer, time_stamp_host};
pub use workstation::{FirstUser, Models, Outside, SessionUser, Workstation};

#[cfg(test)]
mod tests;
