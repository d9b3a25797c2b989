//! Where a sentence comes from stays known, also when it is taken out, put back or split.
//!
//! An editor undoes a removal by inserting the sentence again, and splits one by inserting
//! its second half. Neither may turn a model's words into a person's.

use crate::{Entry, Origin, Proposed, Refusal, Region, Report, Review, SectionKind, Sentence, SentenceId, Written};

/// Sentences that were taken out and are remembered. Far more than a person undoes, and a
/// bound on what a report grows by.
const REMEMBERED: usize = 500;

impl Report {
    /// Remembers a sentence that leaves the report, in place of an earlier one of its id.
    pub(crate) fn withdraw(&mut self, sentence: Sentence) {
        self.withdrawn.retain(|s| s.id() != sentence.id());
        self.withdrawn.push(sentence);
        let surplus = self.withdrawn.len().saturating_sub(REMEMBERED);
        self.withdrawn.drain(..surplus);
    }

    /// The sentence that a person's insertion makes: one that was withdrawn under this id
    /// comes back with its origin, one that is split off another keeps that one's model,
    /// any other is the person's.
    ///
    /// # Errors
    /// [`Refusal::NoSentence`] when `from` names none that is or was in the report.
    pub(crate) fn inserted(
        &self,
        entry: &Entry,
        section: SectionKind,
        id: &SentenceId,
        text: &str,
        region: Option<Region>,
        from: Option<&SentenceId>,
    ) -> Result<Written, Refusal> {
        let split_off = match from {
            None => None,
            Some(from) => {
                let known = self.sentence(from).or_else(|| self.withdrawn(from));
                Some(known.ok_or_else(|| Refusal::NoSentence(from.clone()))?)
            }
        };
        let back = self.withdrawn(id);
        // A model's words outweigh a person's: what has either ancestor says so.
        let ancestor = back.filter(|s| is_drafted(s)).or(split_off.filter(|s| is_drafted(s))).or(back);
        let mut written = match ancestor {
            Some(Sentence::Proposed(p)) => reviewed(p, entry, section, text, false),
            Some(Sentence::Written(w)) if w.id == *id && w.text == text => w.clone(),
            Some(Sentence::Written(w)) => edited(w, entry, section, text),
            None => Written {
                id: id.clone(),
                text: text.to_owned(),
                region: region_of(section, text),
                origin: Origin::Person { by: entry.by.clone() },
            },
        };
        written.id = id.clone();
        written.region = region.or(written.region);
        Ok(written)
    }

    pub(crate) fn withdrawn(&self, id: &SentenceId) -> Option<&Sentence> {
        self.withdrawn.iter().find(|s| s.id() == id)
    }
}

/// A proposed sentence as a person accepted it, with the text that the person gave it.
pub(crate) fn reviewed(p: &Proposed, entry: &Entry, section: SectionKind, text: &str, in_bulk: bool) -> Written {
    let changed = text != p.text;
    Written {
        id: p.id.clone(),
        text: text.to_owned(),
        region: if changed { region_of(section, text).or(p.region) } else { p.region },
        origin: Origin::Proposal {
            proposal: p.proposal.clone(),
            pack: p.pack.clone(),
            demo: p.demo,
            review: Review {
                by: entry.by.clone(),
                at: entry.at,
                edited_from: changed.then(|| p.text.clone()),
                in_bulk,
            },
        },
    }
}

/// The sentence as the model proposed it, whatever a person made of it since; `None` for one
/// that no model began.
pub(crate) fn unreviewed(sentence: &Sentence) -> Option<Proposed> {
    match sentence {
        Sentence::Proposed(p) => Some(p.clone()),
        Sentence::Written(Written { id, text, region, origin: Origin::Proposal { proposal, pack, demo, review } }) => {
            Some(Proposed {
                id: id.clone(),
                text: review.edited_from.clone().unwrap_or_else(|| text.clone()),
                region: *region,
                proposal: proposal.clone(),
                pack: pack.clone(),
                demo: *demo,
            })
        }
        Sentence::Written(_) => None,
    }
}

/// Changing a reviewed sentence keeps the model's own words on record; changing a
/// template's sentence makes it the person's.
pub(crate) fn edited(w: &Written, entry: &Entry, section: SectionKind, text: &str) -> Written {
    let origin = match &w.origin {
        Origin::Proposal { proposal, pack, demo, review } => {
            let model_words = review.edited_from.clone().unwrap_or_else(|| w.text.clone());
            Origin::Proposal {
                proposal: proposal.clone(),
                pack: pack.clone(),
                demo: *demo,
                review: Review {
                    by: entry.by.clone(),
                    at: entry.at,
                    edited_from: (text != model_words).then_some(model_words),
                    in_bulk: false,
                },
            }
        }
        Origin::Template { .. } | Origin::Person { .. } => Origin::Person { by: entry.by.clone() },
    };
    let region = if text == w.text { w.region } else { region_of(section, text).or(w.region) };
    Written { id: w.id.clone(), text: text.to_owned(), region, origin }
}

/// Only findings are grouped by region.
fn region_of(section: SectionKind, text: &str) -> Option<Region> {
    (section == SectionKind::Findings).then(|| Region::of(text)).flatten()
}

fn is_drafted(sentence: &Sentence) -> bool {
    matches!(sentence, Sentence::Proposed(_) | Sentence::Written(Written { origin: Origin::Proposal { .. }, .. }))
}
