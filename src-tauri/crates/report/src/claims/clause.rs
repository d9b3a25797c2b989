//! Where a sentence's clauses end.

use super::cues::Cue;
use super::sentence::Spot;
use super::tokens::Token;

/// Verbs in a form that needs a subject, so that one on each side of a comma makes two clauses.
pub(super) fn is_verb(word: &str) -> bool {
    is_copula(word)
        || matches!(
            word,
            "has"
                | "have"
                | "had"
                | "shows"
                | "show"
                | "demonstrates"
                | "demonstrate"
                | "may"
                | "can"
                | "could"
                | "cannot"
                | "might"
                | "will"
                | "does"
                | "do"
                | "persists"
                | "persist"
                | "overlies"
                | "overlie"
                | "terminates"
                | "ends"
                | "projects"
                | "lies"
                | "reveals"
                | "reveal"
                | "represents"
                | "represent"
                | "reflects"
                | "suggests"
                | "suggest"
                | "indicates"
                | "indicate"
                | "passes"
                | "courses"
        )
}

/// Verbs that say something of their subject: "the heart is enlarged".
pub(super) fn is_copula(word: &str) -> bool {
    matches!(
        word,
        "is" | "are"
            | "was"
            | "were"
            | "remains"
            | "remain"
            | "appears"
            | "appear"
            | "seems"
            | "seem"
            | "looks"
            | "look"
    )
}

/// The token after each clause. A clause ends before "but" and its kin, and at a comma or "and" that
/// has a verb on both sides ("the heart is normal and the lungs are clear").
pub(super) fn ends(tokens: &[Token<'_>], cues: &[Spot<Cue>]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut start = 0;
    // Since the last comma, or the start of the clause.
    let mut verb_since_comma = false;
    let mut verb_in_clause = false;
    let mut cues = cues.iter().filter(|c| matches!(c.is, Cue::Clause | Cue::Except)).peekable();
    for (at, token) in tokens.iter().enumerate() {
        let cued = cues.next_if(|c| c.at.start <= at).is_some();
        let parts = match token.word {
            "," => verb_in_clause && verb_before_next(tokens, at + 1, &[","]),
            "and" => verb_since_comma && verb_before_next(tokens, at + 1, &[",", "and"]),
            _ => false,
        };
        if (cued || parts) && at > start {
            ends.push(at);
            start = at;
            verb_in_clause = false;
            verb_since_comma = false;
        }
        match token.word {
            "," => verb_since_comma = false,
            word if is_verb(word) => {
                verb_in_clause = true;
                verb_since_comma = true;
            }
            _ => {}
        }
    }
    ends.push(tokens.len());
    ends
}

/// Whether a subject and its verb follow before one of these words. "And the" begins another clause.
fn verb_before_next(tokens: &[Token<'_>], from: usize, until: &[&str]) -> bool {
    let mut from = from;
    while tokens.get(from).is_some_and(|t| matches!(t.word, "and" | "," | "with")) {
        from += 1;
    }
    for (at, token) in tokens.iter().enumerate().skip(from) {
        let next = tokens.get(at + 1).map_or("", |t| t.word);
        let begins_another = token.word == "and" && matches!(next, "the" | "there" | "no" | "a" | "an");
        if until.contains(&token.word) || begins_another || matches!(token.word, ";" | "which" | "that") {
            return false;
        }
        if is_verb(token.word) {
            return at > from;
        }
    }
    false
}
