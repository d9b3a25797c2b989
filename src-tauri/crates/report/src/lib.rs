//! The radiology report: what it is made of and what may happen to it.
//!
//! This crate is pure. It does no input or output, knows no clock and no
//! database; ids, times and people are passed in. A [`Report`] changes only by
//! [`Report::apply`], so replaying the same [`Command`]s gives the same report:
//! that is what the journal stores.
//!
//! What a model wrote is a [`Proposed`] sentence and what a person stands for is
//! a [`Written`] one. They are different types, and [`FinalText`], the only thing
//! that can be signed or rendered as a final report, can hold written sentences
//! only.

pub mod checks;
pub mod claims;
mod command;
mod critical;
mod document;
pub mod evidence;
mod final_text;
mod ids;
pub mod lexicon;
mod lifecycle;
mod macros;
pub mod mrrt;
mod provenance;
mod region;
mod template;

pub use command::{Command, Entry, ProposedText, Refusal};
pub use critical::{Communication, Critical, Means, Told};
pub use document::{Origin, Proposed, Report, Review, Section, SectionKind, Sentence, Written};
pub use final_text::{FinalSection, FinalText, Unsignable};
pub use ids::{PackHash, ProposalId, ReportId, SentenceId, TemplateId, UserId, VersionId};
pub use lifecycle::{Meaning, Preliminary, SignedVersion, Status, VersionKind};
pub use macros::{MOST_MACROS, Macro, MacroError, read_macros, write_macros};
pub use region::Region;
pub use template::{Situation, Template, TemplateSection, Term, builtin_templates};
