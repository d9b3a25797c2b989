//! Everything that can be done to a report, as data.

use crate::{
    Meaning, PackHash, ProposalId, Region, SectionKind, SentenceId, Status, TemplateId, UserId, VersionId, VersionKind,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use time::OffsetDateTime;

/// One command together with who gave it and when: a line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub by: UserId,
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    pub command: Command,
}

/// Something a person (or, for [`Command::Propose`], a model's run) does to a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    /// A person writes a new sentence after `after`, or first in the section. The id of a
    /// sentence that was taken out brings that one back with its origin.
    Insert {
        section: SectionKind,
        after: Option<SentenceId>,
        id: SentenceId,
        text: String,
        /// `None` in the findings leaves it to the words, see [`Region::of`].
        region: Option<Region>,
        /// The sentence that this one is split off, so that a model's words stay marked.
        #[serde(default)]
        from: Option<SentenceId>,
    },
    /// A person changes a sentence. A proposed one becomes written, reviewed and edited.
    Edit { id: SentenceId, text: String },
    /// A person removes a written sentence.
    Remove { id: SentenceId },
    /// A person moves a sentence, within its section or to another.
    Move { id: SentenceId, section: SectionKind, after: Option<SentenceId> },
    /// Proposed sentences are put at the end of a section. Never replaces anything a
    /// person wrote; unreviewed sentences of an earlier proposal in that section give way.
    Propose { proposal: ProposalId, pack: PackHash, demo: bool, section: SectionKind, sentences: Vec<ProposedText> },
    /// A person accepts one proposed sentence as it stands.
    Accept { id: SentenceId },
    /// A person drops one proposed sentence.
    Drop { id: SentenceId },
    /// A person takes a review back: the sentence is proposed again, in the model's own
    /// words. One that is in the report stays where it is; one that was dropped or taken out
    /// comes back in `section` after `after`. Refused in a preliminary report, whose readers
    /// must not meet a sentence that nobody has reviewed.
    TakeBack { id: SentenceId, section: SectionKind, after: Option<SentenceId> },
    /// A person accepts all proposed sentences of a section; `seen` must name every one
    /// of them, each having been shown and focused.
    AcceptSection { section: SectionKind, seen: BTreeSet<SentenceId> },
    /// The one bulk acceptance; refused unless every proposed sentence is of a demo pack.
    AcceptAllDemo,
    /// Fills a fresh draft from another template; refused once a person has written.
    UseTemplate { template: TemplateId },
    /// A person writes down that a critical result was told: what, to whom, when, how, and
    /// whether it was read back.
    Communicate {
        finding: String,
        to: String,
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
        how: crate::Means,
        read_back: bool,
    },
    /// A person writes down why a critical result was told to nobody.
    NotCommunicated { reason: String },
    /// The draft is complete for a first reading, not yet signed as final.
    MarkPreliminary,
    /// A person signs the draft as preliminary: whole, and to be co-signed. `name` is theirs as it
    /// is printed. What follows does not take the signature away.
    SignPreliminary { name: String },
    /// The draft is signed: its text is frozen as a version.
    Sign { version: VersionId, meaning: Meaning },
    /// Later words to a final report, linked to its last version: an addendum leaves the
    /// text and adds to it, an amendment opens the text for change.
    Reopen { kind: VersionKind },
    /// The report will not be written; refused once a version was signed.
    Cancel,
}

/// A sentence as a model proposes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedText {
    pub id: SentenceId,
    pub text: String,
    pub region: Option<Region>,
}

/// Why a command was not carried out. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the report is {0:?} and cannot be edited")]
    NotOpen(Status),
    #[error("no sentence {0} in this report")]
    NoSentence(SentenceId),
    #[error("no section {0:?} in this report")]
    NoSection(SectionKind),
    #[error("a sentence {0} exists already")]
    DuplicateSentence(SentenceId),
    #[error("a sentence cannot be empty")]
    EmptySentence,
    #[error("sentence {0} is not a proposed one")]
    NotProposed(SentenceId),
    #[error("sentence {0} did not begin as a model's")]
    NotDrafted(SentenceId),
    #[error("sentence {0} is proposed by a model: accept, edit or drop it")]
    StillProposed(SentenceId),
    #[error("{0} proposed sentences of the section have not been looked at")]
    NotSeen(usize),
    #[error("bulk acceptance is for demonstration models only")]
    NotDemo,
    #[error("a person has written in this report already")]
    AlreadyWritten,
    #[error("no template {0}")]
    NoTemplate(TemplateId),
    #[error("the report cannot be signed: {0}")]
    Unsignable(crate::Unsignable),
    #[error("a version {0} exists already")]
    DuplicateVersion(VersionId),
    #[error("a report that is {0:?} cannot become that")]
    WrongStatus(Status),
    #[error("a record of telling needs words for what was told and to whom, or for why not")]
    EmptyRecord,
    #[error("the text of the signed version is not open in an addendum")]
    OutsideAddendum,
}

impl Refusal {
    /// A stable code for the boundary.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::NotOpen(_) => "report.not_open",
            Refusal::NoSentence(_) => "report.no_sentence",
            Refusal::NoSection(_) => "report.no_section",
            Refusal::DuplicateSentence(_) => "report.duplicate_sentence",
            Refusal::EmptySentence => "report.empty_sentence",
            Refusal::NotProposed(_) => "report.not_proposed",
            Refusal::NotDrafted(_) => "report.not_drafted",
            Refusal::StillProposed(_) => "report.still_proposed",
            Refusal::NotSeen(_) => "report.not_seen",
            Refusal::NotDemo => "report.not_demo",
            Refusal::AlreadyWritten => "report.already_written",
            Refusal::NoTemplate(_) => "report.no_template",
            Refusal::Unsignable(u) => u.code(),
            Refusal::DuplicateVersion(_) => "report.duplicate_version",
            Refusal::WrongStatus(_) => "report.wrong_status",
            Refusal::EmptyRecord => "report.empty_record",
            Refusal::OutsideAddendum => "report.outside_addendum",
        }
    }
}
