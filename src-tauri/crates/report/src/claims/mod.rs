//! What the sentences of a chest report claim: findings, their presence, side and the rest.
//!
//! A rule-based labeller. It reads one sentence at a time and knows four things: words that
//! name a finding, a device or a part of the chest ([`things`]); words that deny, doubt,
//! place, grade or date it ([`cues`]); where a clause ends ([`clause`]); and how far a
//! denial or a doubt reaches ([`scope`]). The idea that a denial has a scope is NegEx's
//! (Chapman et al., J Biomed Inform 2001;34:301-310); the labels are CheXpert's (Irvin et al.,
//! AAAI 2019). Rules and word lists are Hilum's own.
//!
//! It is pure and quick, and gives the same answer for the same words for ever, so that a
//! claim can be checked years later.

mod attributes;
mod clause;
mod cues;
mod finding;
pub(crate) mod narrowing;
mod pattern;
mod predicates;
mod scope;
mod sentence;
mod summary;
mod things;
mod tokens;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use finding::{Device, Finding, Presence, Severity, Side, Temporal, Zone};
pub use summary::{conclusions, present};
pub use tokens::sentence_ranges;

/// One thing that a sentence says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub finding: Finding,
    pub presence: Presence,
    /// `None` where no side is said.
    pub side: Option<Side>,
    pub zone: Option<Zone>,
    /// Of what is present or uncertain; "no large effusion" has none.
    pub severity: Option<Severity>,
    pub temporal: Vec<Temporal>,
    /// What kind of device, for [`Finding::SupportDevices`] alone.
    pub device: Option<Device>,
    /// Where in the text the words that name it stand, in bytes.
    pub span: Range<usize>,
}

/// The claims of a text of one or more sentences, in reading order.
///
/// The text is a report's, not its indication: "exclude pneumonia" is a claim of uncertain
/// presence. [`Finding::NoFinding`] is claimed where the text says so ("no acute abnormality");
/// whether a whole report has no finding is [`conclusions`]' to say.
pub fn label(text: &str) -> Vec<Claim> {
    let mut claims = Vec::new();
    for range in sentence_ranges(text) {
        sentence::claims_of(&text[range.clone()], range.start, &mut claims);
    }
    claims
}

/// Words by which the labeller reads that something is compared with an earlier image, each of them by itself.
pub fn comparing_words() -> impl Iterator<Item = &'static str> {
    cues::comparing()
}

/// The whole words that the labeller reads, some of them more than once.
pub fn vocabulary() -> impl Iterator<Item = &'static str> {
    let patterns = things::patterns().chain(cues::patterns());
    patterns.flat_map(|pattern| pattern.split([' ', '|'])).map(|word| word.trim_end_matches('?')).filter(|word| !word.ends_with('*'))
}
