//! Whether the words of a Comparison section name an earlier image.

use super::words;

/// Words that deny. Each of them, anywhere in what stands between two commas.
const DENYING: [&str; 19] = [
    "no",
    "none",
    "not",
    "without",
    "nil",
    "na",
    "zero",
    "never",
    "neither",
    "nor",
    "nothing",
    "cannot",
    "unable",
    "lacking",
    "absent",
    "missing",
    "unavailable",
    "inaccessible",
    "nonexistent",
];
/// Whether an image can be had.
const AVAILABLE: [&str; 19] = [
    "available",
    "unavailable",
    "accessible",
    "inaccessible",
    "obtainable",
    "obtained",
    "retrievable",
    "retrieved",
    "located",
    "provided",
    "supplied",
    "submitted",
    "received",
    "loaded",
    "missing",
    "exist",
    "file",
    "record",
    "hand",
];
/// What any image is called.
const IMAGES: [&str; 16] = [
    "study",
    "studies",
    "exam",
    "exams",
    "examination",
    "examinations",
    "radiograph",
    "radiographs",
    "film",
    "films",
    "image",
    "images",
    "imaging",
    "xray",
    "cxr",
    "chest",
];
/// What an earlier one is called besides.
const EARLIER_IMAGES: [&str; 9] = ["prior", "priors", "previous", "xrays", "scan", "report", "other", "others", "ct"];
const EARLIER: [&str; 7] = ["prior", "previous", "earlier", "old", "older", "last", "outside"];
/// Kinds of imaging that are not the one under report.
const METHODS: [&str; 6] = ["ct", "mri", "pet", "tomography", "scintigraphy", "mammogram"];
/// Said where there is nothing before it, and where it has not come.
const FIRST: [&str; 3] = ["first", "initial", "baseline"];
const AWAITED: [&str; 4] = ["pending", "requested", "awaited", "awaiting"];
const UNKNOWN: [&str; 2] = ["unknown", "unclear"];
const DATES: [&str; 3] = ["date", "dates", "dated"];
/// What may stand beside [`FIRST`] and [`IMAGES`] where the examination under report is meant. Any other word makes it an earlier one:
/// "the initial trauma radiograph", "compared to the baseline study".
const BESIDE_FIRST: [&str; 45] = [
    "his",
    "her",
    "their",
    "my",
    "was",
    "as",
    "visit",
    "presentation",
    "portable",
    "frontal",
    "pa",
    "ap",
    "lateral",
    "view",
    "views",
    "a",
    "an",
    "the",
    "this",
    "that",
    "is",
    "it",
    "of",
    "for",
    "in",
    "at",
    "on",
    "our",
    "here",
    "new",
    "available",
    "ever",
    "time",
    "evaluation",
    "patient",
    "s",
    "department",
    "institution",
    "hospital",
    "clinic",
    "record",
    "file",
    "comparison",
    "x",
    "ray",
];
/// What follows is an exception from a denial.
const EXCEPTING: [&str; 8] = ["but", "except", "excepting", "however", "though", "although", "only", "besides"];

/// Whether a Comparison section names an earlier image: anything does but nothing, a denial in whatever words ("There
/// are no priors."), and what says that there is none yet ("First examination.").
///
/// A date or an examination that a person typed there counts on purpose also where nothing is linked in Hilum: priors
/// may be read on another system, and the reader of the report is told what it was compared with.
pub(super) fn is_named(section: &str) -> bool {
    let (mut named, mut denied_before) = (false, false);
    for sentence in sentences(section) {
        let mut denied = false;
        for Part { words, excepted } in parts(sentence) {
            match said(&words) {
                Said::Nothing => {}
                Said::Denied => denied = true,
                // "Priors exist but are not available."
                Said::TakenBack => (named, denied) = (false, true),
                Said::Named => named = true,
                // What goes on with a list of what there is not ("no films, images or reports") names only by a date,
                // what follows a denial otherwise ("None. Two views were obtained.") by more than a word of imaging.
                Said::Something => {
                    named |= match (denied, denied_before) {
                        (true, _) if excepted => is_precise(&words) || says_image(&words),
                        (true, _) => has_date(&words) && !has(&words, &["since", "before", "until"]),
                        (false, true) => is_precise(&words),
                        (false, false) => true,
                    }
                }
            }
        }
        denied_before |= denied;
    }
    named
}

/// What the words between two commas come to.
enum Said {
    Nothing,
    /// There is no earlier image.
    Denied,
    /// What stands before it is not to be had.
    TakenBack,
    /// An earlier image, whatever stands around it.
    Named,
    /// Words that deny nothing.
    Something,
}

fn said(words: &[String]) -> Said {
    let Some(at) = denial(words) else {
        let nothing = has(words, &AWAITED) || is_unknown(words) || is_first(words);
        return if words.is_empty() || nothing && !has_date(words) { Said::Nothing } else { Said::Something };
    };
    let available = has(words, &AVAILABLE);
    // "CT of 3 May 2023: no effusion."
    if has_date(&words[..at]) && !available {
        return Said::Named;
    }
    // "No relevant change since the CT."
    let change =
        words[at + 1..].iter().take(3).any(|w| matches!(w.as_str(), "change" | "changes" | "changed" | "difference"));
    if change {
        return if is_precise(words) { Said::Named } else { Said::Nothing };
    }
    if available && !says_image(words) && !has_date(words) { Said::TakenBack } else { Said::Denied }
}

/// The examination under report is the first one, and nothing else is said.
fn is_first(words: &[String]) -> bool {
    let is_bare =
        |w: &String| [&FIRST[..], &BESIDE_FIRST[..], &IMAGES[..]].iter().any(|list| list.contains(&w.as_str()));
    has(words, &FIRST) && words.iter().all(is_bare)
}

/// Nobody knows whether there is an earlier image. Of one "of unknown date" there is only the date that nobody knows.
fn is_unknown(words: &[String]) -> bool {
    let Some(at) = words.iter().position(|w| UNKNOWN.contains(&w.as_str())) else { return false };
    let before = at.checked_sub(1).map(|b| words[b].as_str()).unwrap_or_default();
    let of_image = matches!(before, "of" | "from" | "at") || has(words, &DATES);
    !(of_image && names_image(words))
}

fn is_image(word: &str) -> bool {
    IMAGES.contains(&word) || EARLIER_IMAGES.contains(&word)
}

fn says_image(words: &[String]) -> bool {
    words.iter().any(|word| is_image(word))
}

fn names_image(words: &[String]) -> bool {
    says_image(words) || has(words, &EARLIER) || has(words, &METHODS)
}

/// Where the words deny. "Without contrast" is how an examination was made, an image "without date" is one, and
/// "no. 4711" is a number.
fn denial(words: &[String]) -> Option<usize> {
    words.iter().enumerate().position(|(at, word)| {
        let next = words.get(at + 1).map(String::as_str).unwrap_or_default();
        let contrast = words[at + 1..].iter().take(2).any(|w| w == "contrast");
        let number = word == "no" && next.starts_with(|c: char| c.is_ascii_digit()) && !is_year(next);
        // Only behind what has no date: "no prior to date" denies.
        let undated = matches!(word.as_str(), "no" | "not" | "without")
            && names_image(&words[..at])
            && words[at + 1..].iter().take(2).any(|w| DATES.contains(&w.as_str()));
        let denies = match word.as_str() {
            // "N/A", "aren't", "non-available".
            "n" => next == "a",
            // "Priors: 0"
            "0" => at.checked_sub(1).is_some_and(|before| is_image(&words[before])),
            "non" => AVAILABLE.contains(&next) || next == "existent",
            w => DENYING.contains(&w) || next == "t" && w.ends_with('n'),
        };
        denies && !contrast && !number && !undated
    })
}

/// A date, "the previous examination", or another kind of imaging.
fn is_precise(words: &[String]) -> bool {
    has_date(words) || has(words, &EARLIER) || has(words, &METHODS)
}

fn has(words: &[String], wanted: &[&str]) -> bool {
    words.iter().any(|w| wanted.contains(&w.as_str()))
}

fn is_year(word: &str) -> bool {
    word.len() == 4 && (word.starts_with("19") || word.starts_with("20")) && word.bytes().all(|b| b.is_ascii_digit())
}

/// A year, two numbers beside each other, a month, a day of the week, or "last week".
fn has_date(words: &[String]) -> bool {
    const DAYS: [&str; 11] = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "yesterday",
        "today",
        "morning",
        "ago",
    ];
    const MONTHS: [&str; 23] = [
        "january",
        "jan",
        "february",
        "feb",
        "march",
        "mar",
        "april",
        "apr",
        "june",
        "jun",
        "july",
        "jul",
        "august",
        "aug",
        "september",
        "sep",
        "sept",
        "october",
        "oct",
        "november",
        "nov",
        "december",
        "dec",
    ];
    let is_number = |w: &str| w.starts_with(|c: char| c.is_ascii_digit());
    words.iter().enumerate().any(|(at, w)| {
        let next = words.get(at + 1).map(String::as_str).unwrap_or_default();
        let before = at.checked_sub(1).map(|b| words[b].as_str()).unwrap_or_default();
        let compact = w.len() == 8 && w.bytes().all(|b| b.is_ascii_digit());
        let span = matches!(w.as_str(), "day" | "night" | "week" | "month" | "year");
        is_year(w)
            || compact
            || is_number(w) && is_number(next)
            || MONTHS.contains(&w.as_str())
            || w == "may" && (is_number(next) || is_number(before))
            || DAYS.contains(&w.as_str())
            || span && matches!(before, "last" | "previous" | "same")
    })
}

/// What ends with a full stop, a semicolon or a line. The point in "3.5.2023" ends nothing.
fn sentences(text: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let after = &text[at + c.len_utf8()..];
        let ends = matches!(c, ';' | '\n' | '!' | '?')
            || c == '.' && (after.is_empty() || after.starts_with(char::is_whitespace));
        if ends {
            all.push(&text[start..at]);
            start = at + c.len_utf8();
        }
    }
    all.push(&text[start..]);
    all
}

/// What stands between two commas, or after a word of exception.
struct Part {
    words: Vec<String>,
    excepted: bool,
}

fn parts(sentence: &str) -> Vec<Part> {
    let mut all = Vec::new();
    for text in sentence.split([',', '(', ')']) {
        let mut part = Part { words: Vec::new(), excepted: false };
        for word in words(text) {
            let other_than = word == "than" && part.words.last().is_some_and(|w| w == "other");
            if EXCEPTING.contains(&word.as_str()) || other_than {
                all.push(std::mem::replace(&mut part, Part { words: Vec::new(), excepted: true }));
            } else {
                part.words.push(word);
            }
        }
        all.push(part);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::is_named;

    #[test]
    fn what_denies_an_earlier_image() {
        for text in [
            "",
            "-",
            "None.",
            "none",
            "The none.",
            "Nil.",
            "N/A",
            "Not applicable.",
            "Not available",
            "None available for review",
            "No comparison.",
            "Comparison: none.",
            "Comparison is not possible.",
            "Without comparison.",
            "Nothing to compare with.",
            "There are no priors.",
            "No priors, films, or reports.",
            "No radiographs, CT or MRI.",
            "Priors: 0",
            "No earlier images.",
            "No relevant studies.",
            "No prior studies available.",
            "No old films at hand.",
            "There is no previous examination to compare with.",
            "No studies since 2019.",
            "Prior studies are not available.",
            "Relevant priors aren't available.",
            "Earlier films could not be retrieved.",
            "The prior radiograph of 2024-03-01 is not available.",
            "Chest radiograph of 2024-03-01, not available.",
            "Priors exist but are not available.",
            "Old films unavailable.",
            "Neither earlier radiographs nor CT.",
            "None. Two views were obtained.",
            "None. Clinical",
            "No comparison, and no report.",
            "First examination.",
            "Baseline study.",
            "Prior images pending.",
            "First study of this patient.",
            "His first chest radiograph.",
            "Initial visit.",
            "First portable radiograph.",
            "Patient with unknown prior imaging.",
            "The patient's first chest x-ray.",
            "This is the initial chest radiograph.",
            "First examination at our institution.",
            "Unknown.",
            "Prior imaging unknown.",
            "Existence of earlier films is unclear.",
            "No prior to date.",
            "No priors, no date.",
        ] {
            assert!(!is_named(text), "{text}");
        }
    }

    #[test]
    fn what_names_an_earlier_image() {
        for text in [
            "Chest radiograph of 2024-03-01.",
            "Chest radiograph of 2025-02-11.",
            "2024-03-01",
            "Radiograph of 3.5.2023.",
            "CT 3 May 2023",
            "CT of the chest without contrast, 3 May 2023.",
            "CT with and without contrast, 3 May 2023.",
            "Prior chest x-ray from last week.",
            "Two-view chest radiograph yesterday.",
            "Outside films.",
            "Portable chest.",
            "Chest radiograph of 2024-03-01, no CT available.",
            "Chest radiograph of 3/1/24: no effusion then.",
            "Prior PA and lateral views of the chest; none since.",
            "No prior radiographs; CT of the chest of 3 May 2023.",
            "No recent radiograph, but an earlier CT.",
            "None other than the CT of 3 May 2023.",
            "No radiographs except the lateral view of 3/1/24.",
            "No relevant change since the CT of 3 May 2023.",
            "Study no. 4711 of 3 May 2023.",
            "First chest radiograph after the operation, 2024-03-01.",
            "PA and lateral views, dated a year ago.",
            "Comparison is made to the initial radiograph",
            "Compared with the baseline study.",
            "Baseline CT.",
            "Initial trauma radiograph.",
            "First postoperative radiograph.",
            "Outside film of unknown date.",
            "Prior radiograph of unknown date.",
            "Earlier CT, date unclear.",
            "Previous film without date.",
            "Previous film without a date.",
            "Prior radiograph with no date.",
        ] {
            assert!(is_named(text), "{text}");
        }
    }
}
