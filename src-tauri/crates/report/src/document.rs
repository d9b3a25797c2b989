//! The report as a document: sections of sentences, each with its origin.

use crate::{
    PackHash, ProposalId, Region, ReportId, SentenceId, SignedVersion, Status, TemplateId, UserId, VersionKind,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A report and all that was signed of it.
///
/// Fields are readable but change only through [`Report::apply`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub(crate) id: ReportId,
    /// Study Instance UID of the study that it reports.
    pub(crate) study_uid: String,
    pub(crate) template: TemplateId,
    pub(crate) status: Status,
    /// Number of commands applied so far.
    pub(crate) revision: u64,
    pub(crate) sections: Vec<Section>,
    /// What the open draft will become when it is signed.
    pub(crate) becoming: VersionKind,
    pub(crate) versions: Vec<SignedVersion>,
    /// Sentences that were taken out, the last one last, so that putting one back does
    /// not lose where it came from.
    #[serde(default)]
    pub(crate) withdrawn: Vec<Sentence>,
    /// What was written down of telling critical results.
    #[serde(default)]
    pub(crate) communications: Vec<crate::Communication>,
    /// How many of them an amendment took over from the version that it amends.
    #[serde(default)]
    pub(crate) taken_over: usize,
    /// Who signed the open draft as preliminary; goes into the text of the version that follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) preliminary: Option<crate::Preliminary>,
}

/// Sections in the order in which a report is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SectionKind {
    Exam,
    Indication,
    Comparison,
    Technique,
    Findings,
    Impression,
    /// Present only while an addendum is written, and in its signed version.
    Addendum,
}

impl SectionKind {
    /// The heading as printed.
    pub fn heading(self) -> &'static str {
        match self {
            SectionKind::Exam => "Exam",
            SectionKind::Indication => "Indication",
            SectionKind::Comparison => "Comparison",
            SectionKind::Technique => "Technique",
            SectionKind::Findings => "Findings",
            SectionKind::Impression => "Impression",
            SectionKind::Addendum => "Addendum",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Section {
    pub kind: SectionKind,
    /// Signing needs at least one sentence here.
    pub required: bool,
    pub sentences: Vec<Sentence>,
}

/// Either what a person stands for, or what a model proposes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Sentence {
    Written(Written),
    Proposed(Proposed),
}

impl Sentence {
    pub fn id(&self) -> &SentenceId {
        match self {
            Sentence::Written(s) => &s.id,
            Sentence::Proposed(s) => &s.id,
        }
    }

    pub fn text(&self) -> &str {
        match self {
            Sentence::Written(s) => &s.text,
            Sentence::Proposed(s) => &s.text,
        }
    }

    pub fn region(&self) -> Option<Region> {
        match self {
            Sentence::Written(s) => s.region,
            Sentence::Proposed(s) => s.region,
        }
    }
}

/// A sentence that a person wrote, chose with a template, or reviewed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Written {
    pub id: SentenceId,
    pub text: String,
    pub region: Option<Region>,
    pub origin: Origin,
}

/// A sentence that a model proposes. It is not report text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposed {
    pub id: SentenceId,
    pub text: String,
    pub region: Option<Region>,
    pub proposal: ProposalId,
    pub pack: PackHash,
    /// True when the pack is a demonstration without medical meaning.
    pub demo: bool,
}

/// Where a written sentence comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Origin {
    Template {
        template: TemplateId,
    },
    Person {
        by: UserId,
    },
    /// A person reviewed a proposed sentence.
    Proposal {
        proposal: ProposalId,
        pack: PackHash,
        demo: bool,
        review: Review,
    },
}

/// What a person did with a proposed sentence that is now report text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    pub by: UserId,
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The model's words, where the person changed them.
    pub edited_from: Option<String>,
    /// True when it was accepted without being looked at on its own (demo packs only).
    pub in_bulk: bool,
}

impl Report {
    pub fn id(&self) -> &ReportId {
        &self.id
    }

    pub fn study_uid(&self) -> &str {
        &self.study_uid
    }

    pub fn template(&self) -> &TemplateId {
        &self.template
    }

    pub fn status(&self) -> Status {
        self.status
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    pub fn versions(&self) -> &[SignedVersion] {
        &self.versions
    }

    /// What the open draft will become when it is signed.
    pub fn becoming(&self) -> VersionKind {
        self.becoming
    }

    /// Who signed the open draft as preliminary.
    pub fn preliminary(&self) -> Option<&crate::Preliminary> {
        self.preliminary.as_ref()
    }

    pub fn section(&self, kind: SectionKind) -> Option<&Section> {
        self.sections.iter().find(|s| s.kind == kind)
    }

    pub fn sentence(&self, id: &SentenceId) -> Option<&Sentence> {
        self.sections.iter().flat_map(|s| &s.sentences).find(|s| s.id() == id)
    }

    /// Sentences that a model proposed and nobody has reviewed.
    pub fn proposed(&self) -> impl Iterator<Item = (SectionKind, &Proposed)> {
        self.sections.iter().flat_map(|section| {
            section.sentences.iter().filter_map(move |s| match s {
                Sentence::Proposed(p) => Some((section.kind, p)),
                Sentence::Written(_) => None,
            })
        })
    }
}
