//! Words that narrow a denial: "no large effusion" stands beside a small one, "no new opacity" beside an old one,
//! "otherwise clear" beside what was said before.

use super::Claim;
use super::finding::{Finding, Presence, Temporal};
use super::tokens::{is_mark, sentence_ranges, tokens};

/// Words that narrow what a denial denies.
pub(crate) const NARROWING: [&str; 19] = [
    "new",
    "acute",
    "additional",
    "further",
    "large",
    "significant",
    "sizable",
    "sizeable",
    "substantial",
    "displaced",
    "suspicious",
    "tension",
    "lobar",
    "overt",
    "frank",
    "gross",
    "grossly",
    "superimposed",
    "other",
];

/// Words that take something out of all that a sentence says.
pub(crate) const EXCEPTING: [&str; 8] =
    ["otherwise", "except", "apart", "aside", "elsewhere", "remaining", "remainder", "rest"];

/// Further words that do so right before what is denied, and are too common elsewhere in a sentence.
const BEFORE_WHAT_IS_DENIED: [&str; 14] = [
    "big",
    "major",
    "massive",
    "moderate",
    "severe",
    "extensive",
    "marked",
    "considerable",
    "bilateral",
    "loculated",
    "layering",
    "worsening",
    "progressive",
    "recurrent",
];

/// Whether a claim that something is absent leaves room for some of it, as far as the words of `text`, which it was read
/// from, say so. A part of the lung that the claim names is not looked at.
pub(crate) fn leaves_room(claim: &Claim, text: &str) -> bool {
    if claim.presence != Presence::Absent {
        return false;
    }
    let dated = |word: &Temporal| {
        matches!(word, Temporal::New | Temporal::Increased | Temporal::Decreased | Temporal::Acute | Temporal::Chronic)
    };
    if claim.temporal.iter().any(dated) {
        return true;
    }
    let range = sentence_ranges(text).into_iter().find(|range| range.contains(&claim.span.start));
    let Some(range) = range else { return false };
    let lower = text[range.clone()].to_ascii_lowercase();
    let mut words = Vec::new();
    tokens(&lower, &mut words);
    if words.iter().any(|token| EXCEPTING.contains(&token.word)) {
        return true;
    }
    let before: Vec<&str> =
        words.iter().take_while(|token| range.start + token.start < claim.span.start).map(|token| token.word).collect();
    let narrows = |word: &&str| {
        NARROWING.contains(word)
            || BEFORE_WHAT_IS_DENIED.contains(word)
            // "No focal opacity" beside diffuse ones.
            || (claim.finding == Finding::LungOpacity && *word == "focal")
    };
    match before.iter().rposition(|word| denies(word)) {
        // "No large effusion or pneumothorax" may be said of both.
        Some(denial) => before[denial + 1..].iter().any(|word| narrows(word)),
        // "A large effusion is not seen."
        None => before.iter().rev().take_while(|word| !is_mark(word) && !parts(word)).any(|word| narrows(word)),
    }
}

fn denies(word: &str) -> bool {
    matches!(word, "no" | "not" | "without" | "neither" | "nor" | "absence" | "lack" | "free" | "negative" | "denies")
}

/// Words before which another thing is described.
fn parts(word: &str) -> bool {
    matches!(word, "and" | "or" | "with" | "of" | "is" | "are" | "has" | "have" | "but")
}

#[cfg(test)]
mod tests {
    use super::super::label;
    use super::*;

    /// Whether the last claim of a text leaves room.
    fn check(text: &str, expected: bool) {
        let claim = label(text).pop().expect("a claim");
        assert_eq!(leaves_room(&claim, text), expected, "{text} {claim:?}");
    }

    #[test]
    fn a_denial_of_a_size_or_an_age_leaves_room() {
        for text in [
            "No large effusion.",
            "No large right pleural effusion.",
            "No significant pleural effusion.",
            "No pneumothorax or large effusion.",
            "No significant effusion or pneumothorax.",
            "Without a moderate pneumothorax.",
            "No overt pulmonary edema.",
            "No displaced rib fracture.",
            "No acute fracture.",
            "No new opacity.",
            "No effusion has newly developed.",
            "No worsening edema.",
            "No focal opacity.",
            "No bilateral pleural effusions.",
            "A large effusion is not seen.",
            "The lungs are otherwise clear.",
            "The remainder of the lungs is clear.",
            "The lungs are clear elsewhere.",
            "Clear lungs. No large effusion.",
        ] {
            check(text, true);
        }
    }

    #[test]
    fn a_plain_denial_leaves_none() {
        for text in [
            "No effusion.",
            "No pleural effusion or pneumothorax.",
            "No left effusion.",
            "No focal consolidation.",
            "No definite effusion.",
            "Large right effusion and no pneumothorax.",
            "Large right effusion, no pneumothorax.",
            "Large heart and clear lungs.",
            "The heart is large, lungs are clear.",
            "No large effusion, and no pneumothorax.",
            "The lungs are clear bilaterally.",
            "Both lungs are clear.",
            "The effusion has resolved.",
            "No residual pneumothorax.",
            "No large effusion. Clear lungs.",
        ] {
            check(text, false);
        }
    }

    #[test]
    fn what_is_stated_is_not_narrowed() {
        check("Large effusion.", false);
        check("New opacity.", false);
        check("Possible acute fracture.", false);
    }
}
