//! How far denials and doubts reach, and so what is present, absent or uncertain.

use super::clause::{is_copula, is_verb};
use super::cues::Cue;
use super::finding::{Presence, Temporal};
use super::sentence::Sentence;
use super::things::Thing;
use std::ops::Range;

/// The presence of each of the sentence's things.
pub(super) fn presences(sentence: &Sentence<'_>) -> Vec<Presence> {
    let count = sentence.things.len();
    let mut denied = vec![false; count];
    let mut doubted = vec![false; count];
    let mut removed = vec![false; count];
    // Members of "no change in oedema or effusion", where "or" offers no choice.
    let mut compared = vec![false; count];
    for cue in &sentence.cues {
        let next = |reach| sentence.following(cue.at.end, reach);
        let before = || sentence.preceding(cue.at.start);
        match cue.is {
            Cue::DeniesNext => mark(&mut denied, next(Reach::Denial)),
            // "Resolved oedema" has nothing before it.
            Cue::DeniesBefore => {
                let found = before();
                mark(&mut denied, if found.is_empty() { next(Reach::Denial) } else { found });
            }
            Cue::DeniesEither => {
                let found = next(Reach::Denial);
                mark(&mut denied, if found.is_empty() { before() } else { found });
            }
            Cue::DoubtsNext => mark(&mut doubted, next(Reach::Doubt)),
            Cue::DoubtsBefore => mark(&mut doubted, before()),
            Cue::DoubtsEither => {
                let found = next(Reach::Doubt);
                mark(&mut doubted, if found.is_empty() { before() } else { found });
            }
            // "Vascular engorgement appears within normal limits."
            Cue::Normal if cue.at.start > 0 && is_copula(sentence.word(cue.at.start - 1)) => {
                let nearest = before().into_iter().take(1).filter(|i| sentence.is_disease(*i)).collect();
                mark(&mut denied, nearest);
            }
            Cue::Versus => {
                mark(&mut doubted, next(Reach::Doubt).into_iter().take(1).collect());
                mark(&mut doubted, before().into_iter().take(1).collect());
            }
            Cue::TemporalList(_) => mark(&mut compared, next(Reach::Denial)),
            Cue::RemovesNext => mark(&mut removed, next(Reach::Doubt)),
            Cue::RemovesBefore => mark(&mut removed, before()),
            _ => {}
        }
    }
    for index in 0..count.saturating_sub(1) {
        let alternatives = sentence.is_disease(index) && sentence.is_disease(index + 1);
        let affirmed = |i: usize| !denied[i] && !compared[i];
        if alternatives && affirmed(index) && affirmed(index + 1) && sentence.joined_by_or(index) {
            doubted[index] = true;
            doubted[index + 1] = true;
        }
    }
    let of = |index: usize| match sentence.things[index].is {
        _ if denied[index] => Presence::Absent,
        Thing::Device(_) if removed[index] => Presence::Absent,
        _ if doubted[index] => Presence::Uncertain,
        _ => Presence::Present,
    };
    (0..count).map(of).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Denial,
    Doubt,
}

fn mark(flags: &mut [bool], found: Vec<usize>) {
    for index in found {
        flags[index] = true;
    }
}

impl Sentence<'_> {
    /// The things that a cue ending at `from` reaches forward, nearest first.
    pub fn following(&self, from: usize, reach: Reach) -> Vec<usize> {
        let mut found = Vec::new();
        if from > self.tokens.len() {
            return found;
        }
        let clause = self.clause_of(from.saturating_sub(1));
        let mut at = from;
        for (index, thing) in self.things.iter().enumerate() {
            if thing.at.start < from {
                continue;
            }
            if thing.at.start >= clause.end || !self.reaches(at..thing.at.start, found.is_empty(), reach, index) {
                break;
            }
            found.push(index);
            at = thing.at.end;
        }
        found
    }

    /// Whether a denial or doubt crosses the words before thing `index`; `first` is the first thing
    /// after the cue.
    fn reaches(&self, gap: Range<usize>, first: bool, reach: Reach, index: usize) -> bool {
        let denial = reach == Reach::Denial;
        if self.has_word(gap.clone(), |w| matches!(w, "(" | ")") || (w == ":" && (denial || !first))) {
            return false;
        }
        if (denial || !first) && self.has_cue(gap.clone(), |c| c == Cue::Halt) {
            return false;
        }
        // "No opacity to suggest pneumonia" goes on, "no opacity is seen, effusion is" does not.
        let verb = |at: usize| is_verb(self.word(at)) && self.word(at.saturating_sub(1)) != "to";
        if !first && gap.clone().any(verb) {
            return false;
        }
        if !denial && !first && self.has_cue(gap.clone(), |c| matches!(c, Cue::DeniesNext)) {
            return false;
        }
        for at in gap.clone() {
            let rest = at + 1..gap.end;
            let listed = self.list_goes_on(at + 1);
            match self.word(at) {
                // "No free air, effusion or pneumothorax": a list that begins with something unknown.
                "," if first && !listed => return false,
                "," if !listed && (!denial || self.opens(rest.clone()) || self.begins(index)) => return false,
                "and" if !listed && (self.opens(rest.clone()) || self.begins(index)) => return false,
                _ => {}
            }
        }
        true
    }

    /// Whether "or" or "nor" closes the list that the token stands in.
    fn list_goes_on(&self, from: usize) -> bool {
        let clause = self.clause_of(from.min(self.tokens.len() - 1));
        self.tokens[from.min(clause.end)..clause.end]
            .iter()
            .take_while(|t| !is_verb(t.word) && !matches!(t.word, ";" | ":" | "with" | "without" | "no"))
            .any(|t| matches!(t.word, "or" | "nor"))
    }

    /// Whether words begin an affirmation: an article, a side, a size, a comparison.
    fn opens(&self, range: Range<usize>) -> bool {
        self.has_word(range.clone(), |w| matches!(w, "a" | "an" | "the" | "there"))
            || self.has_cue(range, |c| match c {
                Cue::Severity(_) | Cue::Side(_) | Cue::Normal | Cue::Clear | Cue::Enlarged => true,
                Cue::Temporal(word) => word != Temporal::Acute,
                _ => false,
            })
    }

    /// Whether thing `index` begins something else: a device after a finding, or a part of the chest.
    fn begins(&self, index: usize) -> bool {
        let device = |i: usize| matches!(self.things[i].is, Thing::Device(_));
        let part = |i: usize| matches!(self.things[i].is, Thing::Parts(_));
        index > 0 && ((device(index) && !device(index - 1)) || (part(index) && !part(index - 1)))
    }

    /// The things before `until` that a cue there reaches backward, nearest first: the nearest one,
    /// and what is joined to it as a list ("effusion, oedema and consolidation are absent").
    pub fn preceding(&self, until: usize) -> Vec<usize> {
        let clause = self.clause_of(until.min(self.tokens.len() - 1));
        let mut found = Vec::new();
        let mut listed = false;
        let mut right = until;
        for (index, thing) in self.things.iter().enumerate().rev() {
            if thing.at.end > until {
                continue;
            }
            if thing.at.start < clause.start {
                // "An effusion was seen before but has resolved": nothing else is named in the clause.
                let named = (clause.start..until).any(|at| !self.passes(at));
                if found.is_empty() && !named {
                    found.push(index);
                }
                break;
            }
            let gap = thing.at.end..right;
            if !found.is_empty() {
                let conjunction = self.has_word(gap.clone(), |w| matches!(w, "and" | "or" | "nor" | "/"));
                let comma = self.has_word(gap.clone(), |w| w == ",");
                listed |= conjunction;
                let joined = conjunction || (comma && listed);
                if !joined || self.has_word(gap.clone(), is_verb) || self.has_cue(gap, |c| c == Cue::Halt) {
                    break;
                }
            }
            found.push(index);
            right = thing.at.start;
        }
        found
    }

    /// Whether a word only carries a sentence on.
    fn passes(&self, at: usize) -> bool {
        let word = self.word(at);
        is_verb(word)
            || matches!(
                word,
                "but"
                    | "now"
                    | "since"
                    | "however"
                    | "been"
                    | "and"
                    | "they"
                    | "it"
                    | "which"
                    | "that"
                    | "though"
                    | "although"
                    | "yet"
                    | "also"
                    | ","
                    | ";"
                    | "completely"
                    | "still"
            )
    }

    fn is_disease(&self, index: usize) -> bool {
        matches!(self.things[index].is, Thing::Findings(_))
    }

    /// Whether "or" or a stroke stands between a thing and the next, and no verb or comma.
    fn joined_by_or(&self, index: usize) -> bool {
        let gap = self.things[index].at.end..self.things[index + 1].at.start;
        let parts = |w: &str| is_verb(w) || matches!(w, "," | "with" | "of" | "in" | "as");
        self.has_word(gap.clone(), |w| matches!(w, "or" | "/")) && !self.has_word(gap, parts)
    }
}
