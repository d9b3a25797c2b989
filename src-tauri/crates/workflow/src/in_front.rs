//! What puts a study in front of others: a finding that cannot wait for its turn, by the encoder's
//! support or by what a drafted sentence states. It orders the worklist, and decides nothing.

use crate::label;
use hilum_report::Critical;
use hilum_report::claims::{self, Finding, Presence, Severity, Temporal};
use hilum_store::Score;

/// Findings of the encoder that put a study in front.
const BY_SUPPORT: [&str; 5] = ["pneumothorax", "pleural_effusion", "consolidation", "edema", "pneumonia"];
/// Before the words of what a drafted sentence states, which scores do not take back.
const DRAFTED: &str = "drafted:";

/// Of the findings that cannot wait the one with the most support, of those with more support than not; else empty.
pub(crate) fn by_support(scores: &[Score]) -> &str {
    let supported = scores.iter().filter(|s| s.difference > 0.0 && BY_SUPPORT.contains(&s.finding.as_str()));
    supported.max_by(|a, b| a.difference.total_cmp(&b.difference)).map_or("", |s| &s.finding)
}

/// What drafted sentences state for certain and cannot wait: a critical result, then a large effusion.
pub(crate) fn by_words<'a>(sentences: impl Iterator<Item = &'a str>) -> Option<String> {
    let (mut critical, mut large) = (None, None);
    for text in sentences {
        critical = critical.or_else(|| Critical::of(text).map(Critical::label));
        if claims::label(text).iter().any(is_large_effusion) {
            large = Some("Large effusion");
        }
    }
    critical.or(large).map(|words| format!("{DRAFTED}{words}"))
}

fn is_large_effusion(claim: &claims::Claim) -> bool {
    let known = |t: &Temporal| matches!(t, Temporal::Chronic | Temporal::Unchanged | Temporal::Decreased | Temporal::Resolved);
    claim.finding == Finding::PleuralEffusion
        && claim.presence == Presence::Present
        && claim.severity == Some(Severity::Severe)
        && !claim.temporal.iter().any(known)
}

/// True of what a drafted sentence put in front.
pub(crate) fn is_drafted(front: &str) -> bool {
    front.starts_with(DRAFTED)
}

/// "Pneumothorax" or "Misplaced tube" of what put a study in front; empty for nothing.
pub fn front_words(front: &str) -> &str {
    front.strip_prefix(DRAFTED).unwrap_or_else(|| if front.is_empty() { "" } else { label(front) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_wait_has_support() {
        let score = |finding: &str, difference| Score { finding: finding.to_owned(), difference, softmax: 0.5 };
        for (scores, expected) in [
            (vec![score("pneumothorax", 0.1), score("pleural_effusion", 0.2)], "pleural_effusion"),
            (vec![score("cardiomegaly", 0.9), score("pneumothorax", 0.1)], "pneumothorax"),
            (vec![score("pneumothorax", 0.0), score("edema", -0.1)], ""),
            (vec![], ""),
        ] {
            assert_eq!(by_support(&scores), expected);
        }
    }

    #[test]
    fn what_cannot_wait_is_stated() {
        for (sentences, expected) in [
            (vec!["The heart is enlarged.", "There is a left apical pneumothorax."], "Pneumothorax"),
            (vec!["The endotracheal tube ends in the right main bronchus."], "Misplaced tube"),
            (vec!["There is a large right pleural effusion."], "Large effusion"),
            (vec!["There is a large right pleural effusion.", "Small pneumothorax."], "Pneumothorax"),
            (vec!["Small right pleural effusion."], ""),
            (vec!["Large left pleural effusion, unchanged."], ""),
            (vec!["No pneumothorax.", "No large pleural effusion."], ""),
        ] {
            let front = by_words(sentences.iter().copied()).unwrap_or_default();
            assert_eq!(front_words(&front), expected, "{sentences:?}");
            assert_eq!(is_drafted(&front), !expected.is_empty());
        }
        assert_eq!(front_words("edema"), "Oedema");
    }
}
