//! The text that can be signed: written sentences only, by construction.

use crate::{Communication, Origin, Preliminary, Report, SectionKind, Sentence, Status, Written};
use serde::{Deserialize, Serialize};

/// The whole text of a report as it is signed.
///
/// It can only be made by [`Report::final_text`], which refuses while a proposed
/// sentence is unreviewed or a required section is empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FinalText {
    sections: Vec<FinalSection>,
    /// What was told of critical results before the signature.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    communications: Vec<Communication>,
    /// Who signed it as preliminary before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    preliminary: Option<Preliminary>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FinalSection {
    pub kind: SectionKind,
    pub sentences: Vec<Written>,
}

/// What stands between a draft and its signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsignable {
    #[error("{0} proposed sentences are unreviewed")]
    Unreviewed(usize),
    #[error("the section {} is empty", .0.heading())]
    EmptySection(SectionKind),
    /// A critical result of which nothing is written down.
    #[error("{0}: say who was told, or why nobody was")]
    Untold(&'static str),
    #[error("the report is {0:?}")]
    NotOpen(Status),
}

impl Unsignable {
    /// A stable code for the boundary.
    pub fn code(&self) -> &'static str {
        match self {
            Unsignable::Unreviewed(_) => "sign.unreviewed",
            Unsignable::EmptySection(_) => "sign.empty_section",
            Unsignable::Untold(_) => "sign.untold",
            Unsignable::NotOpen(_) => "sign.not_open",
        }
    }
}

impl FinalText {
    /// Sections that have text, in reading order.
    pub fn sections(&self) -> &[FinalSection] {
        &self.sections
    }

    /// What was told of critical results before the signature.
    pub fn communications(&self) -> &[Communication] {
        &self.communications
    }

    /// Who signed it as preliminary before.
    pub fn preliminary(&self) -> Option<&Preliminary> {
        self.preliminary.as_ref()
    }

    /// True when any sentence began as a model's proposal.
    pub fn was_drafted(&self) -> bool {
        self.origins().any(|o| matches!(o, Origin::Proposal { .. }))
    }

    /// True when any sentence began as a proposal of a demonstration pack.
    pub fn is_demo(&self) -> bool {
        self.origins().any(|o| matches!(o, Origin::Proposal { demo: true, .. }))
    }

    /// True when any sentence was accepted in bulk, which every page must say.
    pub fn accepted_in_bulk(&self) -> bool {
        self.origins().any(|o| matches!(o, Origin::Proposal { review, .. } if review.in_bulk))
    }

    /// The text as plain lines: a heading, its sentences, an empty line.
    pub fn plain(&self) -> String {
        let mut out = String::new();
        for section in &self.sections {
            out.push_str(section.kind.heading());
            out.push('\n');
            for sentence in &section.sentences {
                out.push_str(&sentence.text);
                out.push('\n');
            }
            out.push('\n');
        }
        out
    }

    fn origins(&self) -> impl Iterator<Item = &Origin> {
        self.sections.iter().flat_map(|s| &s.sentences).map(|s| &s.origin)
    }
}

impl Report {
    /// Everything that signing still needs; empty when it may be signed.
    pub fn what_signing_needs(&self) -> Vec<Unsignable> {
        let mut needs = self.what_is_missing();
        // Of what is not reviewed yet nobody needs to be told.
        if needs.is_empty()
            && let Some((critical, _)) = self.untold().first()
        {
            needs.push(Unsignable::Untold(critical.label()));
        }
        needs
    }

    /// What signing needs whatever the words mean.
    fn what_is_missing(&self) -> Vec<Unsignable> {
        let mut needs = Vec::new();
        if !self.status.is_open() {
            needs.push(Unsignable::NotOpen(self.status));
        }
        match self.proposed().count() {
            0 => {}
            n => needs.push(Unsignable::Unreviewed(n)),
        }
        for section in &self.sections {
            let has_text =
                section.sentences.iter().any(|s| matches!(s, Sentence::Written(w) if !w.text.trim().is_empty()));
            if section.required && !has_text {
                needs.push(Unsignable::EmptySection(section.kind));
            }
        }
        needs
    }

    /// The text that a signature would cover.
    ///
    /// # Errors
    /// The first of [`Report::what_signing_needs`].
    pub fn final_text(&self) -> Result<FinalText, Unsignable> {
        match self.what_signing_needs().into_iter().next() {
            Some(need) => Err(need),
            None => self.whole_text(),
        }
    }

    /// The text that a signature covered, whatever its words are taken to mean by now.
    pub(crate) fn whole_text(&self) -> Result<FinalText, Unsignable> {
        if let Some(need) = self.what_is_missing().into_iter().next() {
            return Err(need);
        }
        let sections = self
            .sections
            .iter()
            .filter(|s| !s.sentences.is_empty())
            .map(|section| FinalSection {
                kind: section.kind,
                sentences: section
                    .sentences
                    .iter()
                    .filter_map(|s| match s {
                        Sentence::Written(w) => Some(w.clone()),
                        Sentence::Proposed(_) => None,
                    })
                    .collect(),
            })
            .collect();
        Ok(FinalText { sections, communications: self.communications.clone(), preliminary: self.preliminary.clone() })
    }
}
