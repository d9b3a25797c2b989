//! Words that compare with an earlier image where there is none.

use super::words;

/// Single words that compare. "Stable" and "new" need company, see [`pairs`].
const WORDS: [&str; 22] = [
    "remains",
    "remain",
    "unchanged",
    "interval",
    "previously",
    "compared",
    "improved",
    "improving",
    "improvement",
    "worsened",
    "worsening",
    "persistent",
    "persists",
    "resolved",
    "progressed",
    "progression",
    "enlarging",
    "stable",
    "newly",
    "new",
    "again",
    "since",
];

const PAIRS: [(&str, &[&str]); 8] = [
    ("as", &["before"]),
    ("than", &["before"]),
    (
        "prior",
        &[
            "study",
            "exam",
            "examination",
            "radiograph",
            "radiographs",
            "film",
            "image",
            "images",
            "imaging",
            "chest",
            "ct",
            "report",
            "comparison",
        ],
    ),
    (
        "previous",
        &[
            "study",
            "exam",
            "examination",
            "radiograph",
            "radiographs",
            "film",
            "image",
            "images",
            "imaging",
            "chest",
            "ct",
            "report",
        ],
    ),
    ("no", &["change", "longer"]),
    ("not", &["changed", "significantly"]),
    ("in", &["comparison"]),
    ("earlier", &["study", "exam", "examination", "radiograph", "image", "film"]),
];

/// What grows and shrinks. "Increased opacity" is density, and "reduced lung volumes" are low ones.
const COURSES: [&str; 9] = [
    "effusion", "effusions", "pneumothorax", "edema", "oedema", "congestion", "consolidation", "cardiomegaly", "atelectasis",
];

/// "Decreased left effusion", "the effusion is decreased", "less edema".
fn is_course(all: &[String], at: usize) -> bool {
    let is_known = |w: &String| COURSES.contains(&w.as_str());
    match all[at].as_str() {
        "less" => all.get(at + 1).is_some_and(is_known),
        "increased" | "decreased" | "reduced" => {
            all[at + 1..].iter().take(3).any(is_known)
                || all[..at].iter().rev().take_while(|w| matches!(w.as_str(), "is" | "are" | "was" | "were") || w.ends_with("ly")).count()
                    .checked_add(1)
                    .and_then(|back| at.checked_sub(back))
                    .is_some_and(|before| is_known(&all[before]))
        }
        _ => false,
    }
}

/// The word of a sentence that compares, where one does.
pub(super) fn word(text: &str) -> Option<String> {
    let all = words(text);
    for (at, w) in all.iter().enumerate() {
        let next = all.get(at + 1).map(String::as_str).unwrap_or_default();
        let before = at.checked_sub(1).map(|b| all[b].as_str()).unwrap_or_default();
        let excused = match w.as_str() {
            // Of the patient, not of the image.
            "stable" => matches!(before, "hemodynamically" | "haemodynamically" | "clinically"),
            // "No new lesion" denies, "new baseline" sets one.
            "new" => matches!(next, "baseline" | "york"),
            // Muscles and ribs lie at intervals, and a follow-up is advised after one.
            "interval" => matches!(before, "short" | "regular") || next == "follow",
            "since" => matches!(next, "childhood" | "birth"),
            "again" => next == "if",
            "improved" | "improving" => {
                matches!(before, "clinically") || matches!(next, "visualization" | "evaluation")
            }
            _ => false,
        };
        if (WORDS.contains(&w.as_str()) && !excused) || is_course(&all, at) {
            return Some(w.clone());
        }
        if PAIRS.iter().any(|(first, second)| first == w && second.contains(&next)) {
            return Some(format!("{w} {next}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_compare() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(word(text).as_deref(), expected, "{text}");
        check("Unchanged cardiomegaly.", Some("unchanged"));
        check("No significant interval change.", Some("interval"));
        check("Compared with the prior radiograph, the effusion is smaller.", Some("compared"));
        check("Status post prior sternotomy.", None);
        check("Sequelae of prior granulomatous disease.", None);
        check("The prior chest film showed less.", Some("prior chest"));
        check("The patient is clinically stable.", None);
        check("Small left effusion.", None);
        check("Increased interstitial markings.", None);
        check("Increased opacity at the right base.", None);
        check("Lung volumes are reduced.", None);
        check("Decreased left pleural effusion.", Some("decreased"));
        check("The effusion is slightly reduced.", Some("reduced"));
        check("Effusion increased.", Some("increased"));
        check("Less edema.", Some("less"));
        check("Short interval follow-up is advised.", None);
    }
}
