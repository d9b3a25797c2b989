//! What a sentence says of the parts of the chest: "the heart is enlarged", "clear lungs".

use super::clause::{is_copula, is_verb};
use super::cues::Cue;
use super::finding::{Finding, Presence};
use super::scope::Reach;
use super::sentence::Sentence;
use super::things::{Part, Thing};
use std::ops::Range;

/// Words between a part and a predicate without a verb ("heart size at the upper limit of normal").
const NEAR: usize = 4;

/// What was said of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said {
    /// One of the predicates among the cues.
    cue: Cue,
    denied: bool,
    doubted: bool,
}

impl Said {
    /// What it claims of one part; nothing where the words do not fit the part.
    pub fn of(self, part: Part) -> Vec<(Finding, Presence)> {
        use Presence::{Absent, Present, Uncertain};
        let abnormal = match (self.denied, self.doubted) {
            (true, _) => Absent,
            (false, true) => Uncertain,
            (false, false) => Present,
        };
        let normal = match (self.denied, self.doubted) {
            (true, _) => None,
            (false, true) => Some(Uncertain),
            (false, false) => Some(Absent),
        };
        let all = |findings: &[Finding], presence: Option<Presence>| {
            findings.iter().filter_map(|f| presence.map(|p| (*f, p))).collect::<Vec<_>>()
        };
        use Finding::*;
        match (part, self.cue) {
            (Part::Heart, Cue::Normal) => all(&[Cardiomegaly], normal),
            (Part::Heart, Cue::Enlarged | Cue::Large | Cue::Widened) => all(&[Cardiomegaly], Some(abnormal)),
            (Part::Heart, Cue::Borderline) if !self.denied => all(&[Cardiomegaly], Some(Uncertain)),
            (Part::Cardiomediastinum, Cue::Normal | Cue::Clear) => {
                all(&[EnlargedCardiomediastinum, Cardiomegaly], normal)
            }
            (Part::Mediastinum, Cue::Normal | Cue::Clear) => all(&[EnlargedCardiomediastinum], normal),
            (Part::Cardiomediastinum | Part::Mediastinum, Cue::Enlarged | Cue::Widened | Cue::Large) => {
                all(&[EnlargedCardiomediastinum], Some(abnormal))
            }
            (Part::Cardiomediastinum | Part::Mediastinum, Cue::Borderline) if !self.denied => {
                all(&[EnlargedCardiomediastinum], Some(Uncertain))
            }
            (Part::Lungs, Cue::Clear) if self.denied => all(&[LungOpacity], Some(Present)),
            (Part::Lungs, Cue::Clear | Cue::Normal) => all(&[LungOpacity], normal),
            (Part::Pleura, Cue::Clear | Cue::Normal) => all(&[PleuralEffusion], normal),
            (Part::CostophrenicAngle, Cue::Clear | Cue::Normal | Cue::Sharp) => all(&[PleuralEffusion], normal),
            (Part::CostophrenicAngle, Cue::Blunted) => all(&[PleuralOther], Some(abnormal)),
            (Part::Bones, Cue::Intact | Cue::Normal) => all(&[Fracture], normal),
            (Part::Vessels, Cue::Normal) => all(&[Edema], normal),
            (Part::Vessels, Cue::Prominent | Cue::Enlarged) => all(&[Edema], Some(abnormal)),
            (Part::Markings, Cue::Normal) => all(&[LungOpacity], normal),
            (Part::Markings, Cue::Prominent) => all(&[LungOpacity], Some(abnormal)),
            (Part::Study, Cue::Normal | Cue::Clear) if !self.denied && !self.doubted => {
                all(&[NoFinding], Some(Present))
            }
            _ => Vec::new(),
        }
    }
}

/// What is said of each of the sentence's things; `None` for all that are no parts.
pub(super) fn said_of_parts(sentence: &Sentence<'_>, presences: &[Presence]) -> Vec<Option<Said>> {
    let mut said = vec![None; sentence.things.len()];
    let raised = |cue: &Cue| match cue {
        // "Increased interstitial markings" is a predicate where "increased oedema" compares.
        Cue::Temporal(super::finding::Temporal::Increased) => Some(Cue::Prominent),
        _ => is_predicate(*cue).then_some(*cue),
    };
    for spot in &sentence.cues {
        let Some(cue) = raised(&spot.is) else { continue };
        for index in targets(sentence, spot.at.clone(), cue) {
            if said[index].is_some() || !fits(sentence, index, spot.is) {
                continue;
            }
            let denied = denied(sentence, &spot.at) || presences[index] == Presence::Absent;
            let doubted = doubted(sentence, &spot.at) || presences[index] == Presence::Uncertain;
            said[index] = Some(Said { cue, denied, doubted });
        }
    }
    said
}

/// A comparison is a predicate of markings and vessels only.
fn fits(sentence: &Sentence<'_>, index: usize, cue: Cue) -> bool {
    match (cue, sentence.things[index].is) {
        (Cue::Temporal(_), Thing::Parts(parts)) => parts.iter().any(|p| matches!(p, Part::Markings | Part::Vessels)),
        _ => true,
    }
}

fn is_predicate(cue: Cue) -> bool {
    matches!(
        cue,
        Cue::Normal
            | Cue::Intact
            | Cue::Sharp
            | Cue::Clear
            | Cue::Enlarged
            | Cue::Large
            | Cue::Widened
            | Cue::Blunted
            | Cue::Prominent
            | Cue::Borderline
    )
}

/// The parts that a predicate speaks of.
fn targets(sentence: &Sentence<'_>, at: Range<usize>, cue: Cue) -> Vec<usize> {
    let clause = sentence.clause_of(at.start);
    let before = subjects_before(sentence, clause.start, at.start);
    let nearest = before.first().map(|index| sentence.things[*index].at.end..at.start);
    let with_verb = nearest.clone().is_some_and(|gap| sentence.has_word(gap, is_copula));
    if with_verb {
        return before;
    }
    if cue == Cue::Large {
        return Vec::new();
    }
    let after = parts_after(sentence, at.end, clause.end);
    if !after.is_empty() {
        return after;
    }
    let telegraphic = nearest.is_some_and(|gap| {
        // "The silhouette has normal contours" says it of the silhouette.
        let stops = |w: &str| (is_verb(w) && !matches!(w, "has" | "have")) || matches!(w, "of" | "for");
        gap.len() <= NEAR && !sentence.has_word(gap.clone(), stops)
    });
    if telegraphic {
        return before;
    }
    if before.is_empty() && clause.start > 0 {
        // "The lungs are hyperinflated but clear."
        let previous = sentence.clause_of(clause.start - 1);
        return subjects_before(sentence, previous.start, clause.start);
    }
    Vec::new()
}

/// The nearest part before `until` and what is listed with it, nearest first.
fn subjects_before(sentence: &Sentence<'_>, from: usize, until: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let mut right = until;
    for (index, thing) in sentence.things.iter().enumerate().rev() {
        if thing.at.end > until {
            continue;
        }
        if thing.at.start < from {
            break;
        }
        let gap = thing.at.end..right;
        if !found.is_empty() {
            let parted =
                sentence.has_word(gap.clone(), |w| is_verb(w) || matches!(w, "of" | "in" | "with" | "without"));
            if parted || sentence.has_cue(gap.clone(), is_predicate) {
                break;
            }
        }
        right = thing.at.start;
        match thing.is {
            Thing::Parts(_) => found.push(index),
            // The trachea or the hila may stand in the list; a finding ends it.
            Thing::Other => {}
            // "Heart size and vascular engorgement appear normal."
            Thing::Findings(_) if found.is_empty() && sentence.has_word(gap, is_copula) => {}
            _ => break,
        }
    }
    found
}

/// Parts right after `from` and what is listed with them: "normal heart size and mediastinal contours".
fn parts_after(sentence: &Sentence<'_>, from: usize, until: usize) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    let mut left = from;
    for (index, thing) in sentence.things.iter().enumerate() {
        if thing.at.start < from {
            continue;
        }
        if thing.at.start >= until {
            break;
        }
        let gap = left..thing.at.start;
        let stop = |w: &str| is_verb(w) || matches!(w, "with" | "without" | "no" | ":" | "in" | "for" | "to");
        let far = found.is_empty() && (gap.len() > NEAR || sentence.has_word(gap.clone(), |w| w == ","));
        let parted = sentence.has_word(gap.clone(), stop) || sentence.has_cue(gap, is_predicate);
        if far || parted {
            break;
        }
        left = thing.at.end;
        match thing.is {
            Thing::Parts(_) => found.push(index),
            Thing::Other => {}
            _ => break,
        }
    }
    // "Heart normal, lungs show ...": what follows is the subject of something else.
    found
}

/// Whether "not", "no" or "without" stands just before a predicate.
fn denied(sentence: &Sentence<'_>, at: &Range<usize>) -> bool {
    near_before(sentence, at, |c| c == Cue::DeniesNext) || followed_by_denial(sentence, at)
}

fn doubted(sentence: &Sentence<'_>, at: &Range<usize>) -> bool {
    let own = |c: &super::sentence::Spot<Cue>| c.at == *at;
    sentence.cues_in(at.start.saturating_sub(NEAR)..at.start).any(|c| {
        matches!(c.is, Cue::DoubtsNext | Cue::DoubtsEither) && !own(c) && same_breath(sentence, c.at.end..at.start)
    })
}

fn near_before(sentence: &Sentence<'_>, at: &Range<usize>, accept: impl Fn(Cue) -> bool) -> bool {
    sentence
        .cues_in(at.start.saturating_sub(NEAR)..at.start)
        .any(|c| accept(c.is) && same_breath(sentence, c.at.end..at.start))
}

/// No comma, clause or thing between.
fn same_breath(sentence: &Sentence<'_>, gap: Range<usize>) -> bool {
    let thing = sentence.things.iter().any(|t| t.at.start >= gap.start && t.at.end <= gap.end && !gap.is_empty());
    let clause = sentence.clause_of(gap.start.min(sentence.tokens.len() - 1));
    !thing && gap.end <= clause.end && !sentence.has_word(gap, |w| w == "," || w == "and")
}

/// "Widening of the mediastinum is not seen."
fn followed_by_denial(sentence: &Sentence<'_>, at: &Range<usize>) -> bool {
    let clause = sentence.clause_of(at.start);
    let noun =
        matches!(sentence.word(at.start), "widening" | "blunting" | "enlargement" | "obliteration" | "prominence");
    noun && sentence.has_cue(at.end..clause.end, |c| c == Cue::DeniesBefore)
        && sentence.following(at.end, Reach::Doubt).len() <= 1
}
