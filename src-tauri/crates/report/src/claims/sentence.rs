//! One sentence, marked up and turned into claims.

use super::cues::{self, Cue};
use super::finding::{Device, Finding, Presence};
use super::things::{self, Part, Thing};
use super::tokens::{Token, tokens};
use super::{Claim, attributes, clause, predicates, scope};
use std::ops::Range;

/// A sentence with everything in it that the rules know.
pub(super) struct Sentence<'a> {
    pub tokens: Vec<Token<'a>>,
    /// What it speaks of, in order; they do not overlap. Places count tokens.
    pub things: Vec<Spot<Thing>>,
    /// One for each cue, in order; words that mean two things have two.
    pub cues: Vec<Spot<Cue>>,
    /// Where its clauses end, the last one at its end.
    pub clause_ends: Vec<usize>,
}

/// Something that stands at some tokens.
#[derive(Debug, Clone)]
pub(super) struct Spot<T> {
    pub at: Range<usize>,
    pub is: T,
}

/// Adds the claims of a sentence that begins at byte `offset` of its text.
pub(super) fn claims_of(sentence: &str, offset: usize, into: &mut Vec<Claim>) {
    let lower = sentence.to_ascii_lowercase();
    let sentence = Sentence::read(&lower);
    if sentence.things.is_empty() {
        return;
    }
    let first = into.len();
    let presences = scope::presences(&sentence);
    let said = predicates::said_of_parts(&sentence, &presences);
    for (index, thing) in sentence.things.iter().enumerate() {
        for (finding, presence, device) in meanings(&sentence, index, presences[index], said[index]) {
            for mut claim in attributes::of(&sentence, index, finding, presence) {
                claim.device = device;
                claim.span =
                    offset + sentence.tokens[thing.at.start].start..offset + sentence.tokens[thing.at.end - 1].end;
                merge(claim, first, into);
            }
        }
    }
    drop_repeated_devices(first, into);
}

/// What a thing with this presence claims. `said` is what a predicate says of a part.
fn meanings(
    sentence: &Sentence<'_>,
    index: usize,
    presence: Presence,
    said: Option<predicates::Said>,
) -> Vec<(Finding, Presence, Option<Device>)> {
    match sentence.things[index].is {
        Thing::Findings(findings) => findings.iter().map(|f| (*f, presence, None)).collect(),
        Thing::Device(device) => vec![(Finding::SupportDevices, presence, Some(device))],
        Thing::Removed(device) => vec![(Finding::SupportDevices, Presence::Absent, Some(device))],
        Thing::Abnormality if presence == Presence::Absent => match sentence.subject_before(index) {
            // "The bones show no abnormality" speaks of the bones alone.
            Some(Part::Bones) => vec![(Finding::Fracture, Presence::Absent, None)],
            Some(Part::Lungs) => vec![(Finding::LungOpacity, Presence::Absent, None)],
            None | Some(Part::Study) if !sentence.excepts() => vec![(Finding::NoFinding, Presence::Present, None)],
            _ => Vec::new(),
        },
        Thing::BonyAbnormality if presence == Presence::Absent => vec![(Finding::Fracture, Presence::Absent, None)],
        Thing::Parts(parts) => {
            let Some(said) = said else { return Vec::new() };
            parts.iter().flat_map(|part| said.of(*part)).map(|(f, p)| (f, p, None)).collect()
        }
        Thing::Abnormality | Thing::BonyAbnormality | Thing::Other => Vec::new(),
    }
}

/// Two mentions of one thing in a sentence are one claim, unless they are on different sides.
fn merge(claim: Claim, first: usize, into: &mut Vec<Claim>) {
    let same = into[first..].iter_mut().find(|c| {
        c.finding == claim.finding
            && c.presence == claim.presence
            && c.device == claim.device
            && (c.side == claim.side || c.side.is_none() || claim.side.is_none())
    });
    let Some(same) = same else { return into.push(claim) };
    same.side = same.side.or(claim.side);
    same.zone = same.zone.or(claim.zone);
    same.severity = same.severity.or(claim.severity);
    for word in claim.temporal {
        if !same.temporal.contains(&word) {
            same.temporal.push(word);
        }
    }
}

/// "Pacemaker with leads in ...": the leads are the pacemaker's.
fn drop_repeated_devices(first: usize, claims: &mut Vec<Claim>) {
    let specific = |c: &Claim| c.device.is_some_and(|d| d != Device::OtherDevice);
    if !claims[first..].iter().any(specific) {
        return;
    }
    let mut index = 0;
    claims.retain(|claim| {
        index += 1;
        index <= first || claim.device != Some(Device::OtherDevice)
    });
}

impl<'a> Sentence<'a> {
    fn read(lower: &'a str) -> Sentence<'a> {
        let mut words = Vec::with_capacity(24);
        tokens(lower, &mut words);
        let things = spots_of_things(&words);
        let cues = spots_of_cues(&words, &things);
        let clause_ends = clause::ends(&words, &cues);
        Sentence { tokens: words, things, cues, clause_ends }
    }

    /// The clause in which a token stands.
    pub fn clause_of(&self, token: usize) -> Range<usize> {
        let index = self.clause_ends.partition_point(|end| *end <= token);
        let start = if index == 0 { 0 } else { self.clause_ends[index - 1] };
        let end = self.clause_ends.get(index).copied().unwrap_or(self.tokens.len());
        start..end
    }

    pub fn word(&self, token: usize) -> &str {
        self.tokens[token].word
    }

    pub fn has_word(&self, range: Range<usize>, accept: impl Fn(&str) -> bool) -> bool {
        self.tokens[range].iter().any(|t| accept(t.word))
    }

    /// The cues that lie wholly in a range of tokens.
    pub fn cues_in(&self, range: Range<usize>) -> impl DoubleEndedIterator<Item = &Spot<Cue>> {
        self.cues.iter().filter(move |c| c.at.start >= range.start && c.at.end <= range.end)
    }

    pub fn has_cue(&self, range: Range<usize>, accept: impl Fn(Cue) -> bool) -> bool {
        self.cues_in(range).any(|c| accept(c.is))
    }

    /// The part that a clause speaks of before thing `index`.
    fn subject_before(&self, index: usize) -> Option<Part> {
        let clause = self.clause_of(self.things[index].at.start);
        self.things[..index].iter().rev().take_while(|t| t.at.start >= clause.start).find_map(|t| match t.is {
            Thing::Parts(parts) => parts.first().copied(),
            _ => None,
        })
    }

    fn excepts(&self) -> bool {
        self.cues.iter().any(|c| c.is == Cue::Except)
    }
}

fn spots_of_things(words: &[Token<'_>]) -> Vec<Spot<Thing>> {
    let table = things::table();
    let mut spots = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match table.longest(words, at) {
            Some((length, is)) => {
                spots.push(Spot { at: at..at + length, is });
                at += length;
            }
            None => at += 1,
        }
    }
    spots
}

/// Words inside a thing's name still place and grade it ("fluid in the right pleural space"), but
/// deny and end nothing.
fn spots_of_cues(words: &[Token<'_>], things: &[Spot<Thing>]) -> Vec<Spot<Cue>> {
    let table = cues::table();
    let mut spots = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let Some((length, cues)) = table.longest(words, at) else {
            at += 1;
            continue;
        };
        let inside = things.iter().any(|t| t.at.start <= at && at + length <= t.at.end);
        for cue in cues {
            let describes = matches!(cue, Cue::Side(_) | Cue::Zone(_) | Cue::Severity(_) | Cue::Temporal(_));
            if describes || !inside {
                spots.push(Spot { at: at..at + length, is: *cue });
            }
        }
        at += length;
    }
    spots
}
