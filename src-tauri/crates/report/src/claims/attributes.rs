//! Side, zone, severity and time of what a sentence mentions.

use super::Claim;
use super::clause::is_verb;
use super::cues::Cue;
use super::finding::{Finding, Presence, Severity, Side, Temporal, Zone};
use super::scope::Reach;
use super::sentence::{Sentence, Spot};
use super::things::{Part, Thing};
use std::ops::Range;

/// The claims of one mention: one, or two for "small right and moderate left effusions".
pub(super) fn of(sentence: &Sentence<'_>, index: usize, finding: Finding, presence: Presence) -> Vec<Claim> {
    let around = Around::of(sentence, index);
    let places = |side: Option<Side>, severity: Option<Severity>| Claim {
        finding,
        presence,
        side: side.filter(|_| finding.has_side()),
        zone: around.zone(sentence, index, finding),
        severity: if presence == Presence::Absent { None } else { severity },
        temporal: around.temporal(sentence, index),
        device: None,
        span: 0..0,
    };
    if finding == Finding::NoFinding {
        return vec![Claim { zone: None, temporal: Vec::new(), severity: None, ..places(None, None) }];
    }
    if let Some([first, second]) = around.graded_sides(sentence) {
        return vec![places(Some(first.0), Some(first.1)), places(Some(second.0), Some(second.1))];
    }
    vec![places(around.side(sentence, index), around.severity(sentence, index))]
}

/// The words that may describe a mention.
struct Around {
    /// From the mention before it, or the clause's start, to the mention.
    left: Range<usize>,
    /// The end of `left`, as far as it belongs to the same noun.
    noun: Range<usize>,
    /// The mention's own words.
    own: Range<usize>,
    /// From the mention to the next one, or the clause's end.
    right: Range<usize>,
}

impl Around {
    fn of(sentence: &Sentence<'_>, index: usize) -> Around {
        let own = sentence.things[index].at.clone();
        let clause = sentence.clause_of(own.start);
        let bounds = |other: &&Spot<Thing>| !is_place(&sentence.things[index].is, &other.is);
        let previous = sentence.things[..index].iter().rev().find(bounds).map_or(0, |t| t.at.end);
        let left = previous.max(clause.start).min(own.start)..own.start;
        // "Opacity at the left base: atelectasis", but "Left base: atelectasis".
        let follows = previous > clause.start;
        let ends = |at: &usize| ends_noun(sentence.word(*at)) || (follows && sentence.word(*at) == ":");
        let noun_start = left.clone().rev().find(ends).map_or(left.start, |at| at + 1);
        let next = sentence.things[index + 1..].iter().find(bounds).map(|t| t.at.start).filter(|at| *at < clause.end);
        let right = own.end..match next {
            None => clause.end,
            // What follows "and", a comma or "suggests" describes the next mention.
            Some(next) => (own.end..next).find(|at| begins_next(sentence.word(*at))).unwrap_or(next),
        };
        Around { noun: noun_start..own.start, left, own, right }
    }

    fn side(&self, sentence: &Sentence<'_>, index: usize) -> Option<Side> {
        let own = sides_in(sentence, self.noun.clone())
            .or_else(|| sides_in(sentence, self.own.clone()))
            .or_else(|| sides_in(sentence, self.right.clone()));
        own.or_else(|| self.shared(sentence, index, sides_in))
    }

    fn zone(&self, sentence: &Sentence<'_>, index: usize, finding: Finding) -> Option<Zone> {
        let placed = finding.of_lung()
            || matches!(finding, Finding::Pneumothorax | Finding::PleuralEffusion | Finding::PleuralOther);
        if !placed {
            return None;
        }
        let own = zone_before(sentence, self.noun.clone())
            .or_else(|| zone_after(sentence, self.own.clone()))
            .or_else(|| zone_after(sentence, self.right.clone()));
        match finding.of_lung() {
            true => own.or_else(|| self.shared(sentence, index, zone_after)),
            false => own,
        }
    }

    fn severity(&self, sentence: &Sentence<'_>, index: usize) -> Option<Severity> {
        let severity = |c: &Spot<Cue>| match c.is {
            Cue::Severity(s) => Some(s),
            _ => None,
        };
        // "Mild blunting of the right costophrenic angle".
        let before = match sentence.things[index].is {
            Thing::Parts(_) => self.left.clone(),
            _ => self.noun.clone(),
        };
        sentence
            .cues_in(before)
            .rev()
            .find_map(severity)
            .or_else(|| sentence.cues_in(self.right.clone()).find_map(severity))
    }

    fn temporal(&self, sentence: &Sentence<'_>, index: usize) -> Vec<Temporal> {
        let mut found = Vec::new();
        for cue in sentence.cues_in(self.left.start..self.right.end) {
            if let Cue::Temporal(word) | Cue::TemporalList(word) = cue.is
                && !found.contains(&word)
            {
                found.push(word);
            }
        }
        // "No change in the effusion or the oedema."
        for cue in sentence.cues.iter().filter(|c| c.at.end <= self.left.start) {
            if let Cue::TemporalList(word) = cue.is
                && !found.contains(&word)
                && sentence.following(cue.at.end, Reach::Denial).contains(&index)
            {
                found.push(word);
            }
        }
        // "Increased markings" are too many, not more than before.
        if matches!(sentence.things[index].is, Thing::Parts([Part::Markings | Part::Vessels])) {
            found.retain(|word| *word != Temporal::Increased);
        }
        found
    }

    /// "Small right and moderate left": a side and a grade for each.
    fn graded_sides(&self, sentence: &Sentence<'_>) -> Option<[(Side, Severity); 2]> {
        let mut pairs = Vec::new();
        let (mut side, mut severity) = (None, None);
        for cue in sentence.cues_in(self.left.clone()) {
            match cue.is {
                Cue::Side(s) if s != Side::Bilateral => side = Some(s),
                Cue::Severity(s) => severity = Some(s),
                _ => continue,
            }
            if let (Some(a), Some(b)) = (side, severity) {
                pairs.push((a, b));
                (side, severity) = (None, None);
            }
        }
        match pairs[..] {
            [first, second] if first.0 != second.0 => Some([first, second]),
            _ => None,
        }
    }

    /// What a neighbour in a list has and this mention shares: "left effusion and atelectasis",
    /// "atelectasis and effusion on the left".
    fn shared<T>(
        &self,
        sentence: &Sentence<'_>,
        index: usize,
        read: impl Fn(&Sentence<'_>, Range<usize>) -> Option<T>,
    ) -> Option<T> {
        match sentence.things[index].is {
            // Oedema is of both lungs unless its own words say otherwise.
            Thing::Findings(findings) if !findings.contains(&Finding::Edema) => {}
            _ => return None,
        }
        let plain = |range: Range<usize>| {
            !sentence.has_word(range.clone(), |w| matches!(w, "a" | "an" | "the" | "," | "or" | ":") || is_verb(w))
                && !sentence.has_cue(range, |c| {
                    matches!(
                        c,
                        Cue::Severity(_)
                            | Cue::Temporal(_)
                            | Cue::DoubtsNext
                            | Cue::DoubtsEither
                            | Cue::DeniesNext
                            | Cue::Versus
                            | Cue::Zone(_)
                    )
                })
        };
        let finding = |i: usize| matches!(sentence.things[i].is, Thing::Findings(_));
        if index > 0 && finding(index - 1) {
            let gap = sentence.things[index - 1].at.end..self.own.start;
            let equated = |w: &str| matches!(w, "consistent" | "compatible" | "keeping");
            let joined = gap.is_empty()
                || (sentence.has_word(gap.clone(), |w| matches!(w, "and" | "with"))
                    && !sentence.has_word(gap.clone(), equated));
            if joined && plain(gap) && sentence.clause_of(self.own.start).start < sentence.things[index - 1].at.end {
                return read(sentence, Around::of(sentence, index - 1).noun);
            }
        }
        if index + 1 < sentence.things.len() && finding(index + 1) {
            let gap = self.own.end..sentence.things[index + 1].at.start;
            if (gap.is_empty() || sentence.has_word(gap.clone(), |w| w == "and")) && plain(gap) {
                return read(sentence, Around::of(sentence, index + 1).right);
            }
        }
        None
    }
}

/// Whether `other` only says where a finding is ("a nodule in the left lower lung").
fn is_place(mention: &Thing, other: &Thing) -> bool {
    matches!(mention, Thing::Findings(_)) && matches!(other, Thing::Parts([Part::Lungs]))
}

/// Words that a noun's own description does not cross, read from right to left.
fn ends_noun(word: &str) -> bool {
    is_verb(word)
        || matches!(
            word,
            "," | ";" | "of" | "in" | "at" | "on" | "with" | "without" | "from" | "for" | "over" | "by" | "or"
        )
}

/// Words after which a sentence describes its next mention.
fn begins_next(word: &str) -> bool {
    matches!(
        word,
        "and"
            | "or"
            | ","
            | "with"
            | "without"
            | "/"
            | "versus"
            | "vs"
            | "may"
            | "suggest"
            | "suggests"
            | "represents"
            | "reflects"
            | "indicates"
            | "indicate"
            | "suggesting"
            | "representing"
            | "likely"
            | "possibly"
    )
}

fn sides_in(sentence: &Sentence<'_>, range: Range<usize>) -> Option<Side> {
    let mut found = None;
    for cue in sentence.cues_in(range) {
        if let Cue::Side(side) = cue.is {
            found = match found {
                None => Some(side),
                Some(before) if before == side => Some(side),
                Some(_) => Some(Side::Bilateral),
            };
        }
    }
    found
}

fn zone_of(cue: &Spot<Cue>) -> Option<Zone> {
    match cue.is {
        Cue::Zone(zone) => Some(zone),
        _ => None,
    }
}

/// The zone nearest before a mention.
fn zone_before(sentence: &Sentence<'_>, range: Range<usize>) -> Option<Zone> {
    sentence.cues_in(range).rev().find_map(zone_of)
}

/// The first zone after it.
fn zone_after(sentence: &Sentence<'_>, range: Range<usize>) -> Option<Zone> {
    sentence.cues_in(range).find_map(zone_of)
}
