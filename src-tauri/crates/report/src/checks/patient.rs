//! A text that names somebody else than the patient whose images these are.

use super::{told, words};

/// Who the images are of, as their header says. What it does not say checks nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// The parts of the name, in any order and case.
    pub names: Vec<String>,
    /// Patient ID.
    pub id: String,
    /// Accession number of the study.
    pub accession: String,
    /// Date of birth as DICOM writes it, YYYYMMDD.
    pub birth_date: String,
}

/// How a person is called before their family name. A doctor's name is the referrer's more often.
const TITLES: [&str; 6] = ["mr", "mrs", "ms", "miss", "herr", "frau"];
/// Words of headings that a list of radiology's own words lacks.
const NO_NAMES: [&str; 30] = [
    "chest", "two", "single", "one", "left", "right", "view", "views", "front", "back", "side", "and", "the", "study", "exam",
    "image", "images", "film", "sitting", "standing", "lying", "bed", "ward", "emergency", "follow", "before", "after", "adult", "child", "patient",
];
/// What stands before a name, an id, a number of the order and a date of birth; the longer ones first.
const NAME: [&str; 6] = ["patient name", "name of patient", "patient", "name", "pt", "re"];
const ID: [&str; 9] = [
    "medical record number", "medical record no", "patient id", "patient no", "mrn", "pid", "hospital number", "hospital no", "id",
];
const ACCESSION: [&str; 5] = ["accession number", "accession no", "accession", "acc no", "acc"];
const BIRTH: [&str; 5] = ["date of birth", "birth date", "dob", "d o b", "born"];

/// What the text says of another patient, as a plain sentence. `head`: it is the name of the examination, where
/// a name may stand without a label.
pub(super) fn problem(text: &str, who: &Identity, head: bool) -> Option<String> {
    let said = another_name(text, who, head)
        .or_else(|| another_name_alone(text, who).filter(|_| head))
        .or_else(|| another_number(text, &ID, &who.id))
        .or_else(|| another_number(text, &ACCESSION, &who.accession))
        .or_else(|| another_birth(text, &who.birth_date))?;
    Some(format!("The text says \u{201c}{said}\u{201d}, which is not of the patient of these images."))
}

/// `head`: the name of the examination tells nobody anything, so that whoever is called "Mr" or "Ms" there is the patient.
fn another_name(text: &str, who: &Identity, head: bool) -> Option<String> {
    let known: Vec<String> = who.names.iter().flat_map(|name| words(name)).filter(|w| w.chars().count() > 1).collect();
    if known.is_empty() {
        return None;
    }
    let is_known = |word: &&str| known.contains(&word.to_lowercase());
    let mut before = "";
    let all: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '\'').filter(|w| !w.is_empty()).collect();
    for (at, word) in all.iter().copied().enumerate() {
        // In capitals alone it is magnetic resonance, or multiple sclerosis.
        let title = TITLES.contains(&before.to_lowercase().as_str()) && before.ends_with(char::is_lowercase);
        let told = || !head && told::is_told(&all, at - 1);
        let called = title && word.starts_with(char::is_uppercase) && !told();
        // Either part of a double name is the patient's.
        if called && !word.split(['-', '\'']).chain([word]).any(|part| is_known(&part)) {
            return Some(format!("{before} {word}"));
        }
        before = word;
    }
    // "Patient: Jane Doe", with a colon, so that "the patient is rotated" names nobody.
    let (_, value) = labelled(text, &NAME).filter(|(_, value)| value.colon)?;
    let value = value.text;
    let name: Vec<&str> = value
        .split([';', '.', '(', '\n'])
        .next()?
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| w.chars().count() > 1 && w.starts_with(char::is_uppercase))
        .take(4)
        .collect();
    let names_one = !name.is_empty() && name.iter().all(|w| w.chars().all(char::is_alphabetic));
    (names_one && !name.iter().any(is_known)).then(|| name.join(" "))
}

/// "Miller, Karl": two words with capitals and a comma between, neither of which is one of radiology.
fn another_name_alone(text: &str, who: &Identity) -> Option<String> {
    let known: Vec<String> = who.names.iter().flat_map(|name| words(name)).collect();
    if known.is_empty() {
        return None;
    }
    let last = |part: &str| part.split(|c: char| !c.is_alphabetic()).next_back().unwrap_or_default().to_owned();
    let first = |part: &str| part.trim_start().split(|c: char| !c.is_alphabetic()).next().unwrap_or_default().to_owned();
    let parts: Vec<&str> = text.split(',').collect();
    parts.windows(2).find_map(|pair| {
        let name = [last(pair[0]), first(pair[1])];
        let is_name = |word: &String| {
            let mut letters = word.chars();
            let small = word.to_lowercase();
            letters.next().is_some_and(char::is_uppercase)
                && letters.clone().count() > 1
                && letters.all(char::is_lowercase)
                && !crate::lexicon::words().any(|w| w == small)
                && !NO_NAMES.contains(&small.as_str())
        };
        let another = name.iter().all(is_name) && !name.iter().any(|word| known.contains(&word.to_lowercase()));
        another.then(|| name.join(", "))
    })
}

/// A number with its label that is another one than that of the study.
fn another_number(text: &str, labels: &[&'static str], known: &str) -> Option<String> {
    let plain = |number: &str| -> String {
        number.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    if plain(known).is_empty() {
        return None;
    }
    // "ID" and "Acc" are short for other things too.
    let (label, value) = labelled(text, labels).filter(|(label, value)| value.colon || label.len() > 3 || *label == "mrn")?;
    let said = value.text.split_whitespace().next()?.trim_matches(|c: char| !c.is_alphanumeric());
    // A number has a digit: "ID bands" is none.
    let is_number = said.bytes().any(|b| b.is_ascii_digit());
    (is_number && plain(said) != plain(known)).then(|| format!("{label} {said}"))
}

fn another_birth(text: &str, known: &str) -> Option<String> {
    let digits = |range: std::ops::Range<usize>| known.get(range)?.parse::<u32>().ok();
    let (year, month, day) = (digits(0..4)?, digits(4..6)?, digits(6..8)?);
    let (label, value) = labelled(text, &BIRTH)?;
    let value: String = value.text.chars().take(20).collect();
    let parts: Vec<String> = words(&value);
    let date = match parts.first().map(String::as_str) {
        Some(whole) if whole.len() == 8 && whole.bytes().all(|b| b.is_ascii_digit()) => {
            vec![whole[..4].to_owned(), whole[4..6].to_owned(), whole[6..].to_owned()]
        }
        _ => parts.into_iter().take(3).collect(),
    };
    let mut left: Vec<u32> = date.iter().filter_map(|part| part.parse().ok().or_else(|| month_named(part))).collect();
    let said = date.join(" ");
    // Only a year may be said. Day and month stand in either order.
    let at = left.iter().position(|n| *n > 31)?;
    let said_year = left.remove(at);
    let same_year = said_year == year || said_year < 100 && said_year == year % 100;
    let same_day = left.len() < 2 || left[..2] == [month, day] || left[..2] == [day, month];
    (!same_year || !same_day).then(|| format!("{label} {said}"))
}

fn month_named(word: &str) -> Option<u32> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let at = MONTHS.iter().position(|month| word.starts_with(month))?;
    u32::try_from(at).ok().map(|n| n + 1)
}

/// What comes after a label.
struct Value<'a> {
    text: &'a str,
    /// A colon or the like stood between.
    colon: bool,
}

/// The first of these labels that stands in the text as words of its own, and what comes after it.
fn labelled<'a>(text: &'a str, labels: &[&'static str]) -> Option<(&'static str, Value<'a>)> {
    // Only ASCII is made small, so that places in both are the same.
    let small = text.to_ascii_lowercase();
    labels.iter().find_map(|label| {
        let at = small.match_indices(label).map(|(at, _)| at).find(|at| {
            let starts = !text[..*at].ends_with(char::is_alphanumeric);
            starts && !text[at + label.len()..].starts_with(char::is_alphanumeric)
        })?;
        let rest = &text[at + label.len()..];
        let value = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '#' | '=' | '.'));
        let colon = rest[..rest.len() - value.len()].contains([':', '=', '#']);
        Some((*label, Value { text: value, colon }))
    })
}

#[cfg(test)]
mod tests {
    use super::{Identity, problem};

    #[test]
    fn who_the_text_names() {
        let who = Identity {
            names: vec!["DOE-SMITH".into(), "Jane".into()],
            id: "MR-0042".into(),
            accession: "A1001".into(),
            birth_date: "19600414".into(),
        };
        let check = |text: &str, expected: bool| assert_eq!(problem(text, &who, true).is_some(), expected, "{text}");
        check("Mrs Doe has chest pain.", false);
        check("Mrs. Smith has chest pain.", false);
        check("Ms Doe-Smith, cough.", false);
        check("Mr Miller has chest pain.", true);
        check("Mrs O'Neill, cough.", true);
        check("Patient: Jane Doe.", false);
        check("Patient: DOE, JANE", false);
        check("Patient: Karl Miller.", true);
        check("Name: Miller, Karl", true);
        check("The patient is rotated.", false);
        check("Patient: rotated to the left.", false);
        check("Patient ID: MR0042", false);
        check("MRN 4711.", true);
        check("MRN: MR-0043", true);
        check("Accession A1001, two views.", false);
        check("Accession number: B7.", true);
        check("DOB 1960-04-14.", false);
        check("Born 14.04.1960.", false);
        check("DOB: 04/14/1960", false);
        check("Date of birth: 14 Apr 1960", false);
        check("DOB 1961-04-14.", true);
        check("Date of birth: 15 April 1960.", true);
        check("Born prematurely.", false);
        check("Patient Miller, Karl, chest radiograph.", true);
        check("Chest radiograph (Doe-Smith, Jane).", false);
        check("Chest radiograph, Portable.", false);
        check("Chest Radiograph, Two Views.", false);
        check("ID bands overlie the wrist.", false);
        check("MR Angiography is advised.", false);
        check("Acc. to the referrer 3 days of cough.", false);
        let outside_head = |text: &str| problem(text, &who, false).is_some();
        assert!(!outside_head("Discussed with Ms Miller, RN."));
        assert!(outside_head("Findings of Mr Miller were discussed with Dr Lee."));
        assert!(outside_head("Mr Miller was called back for a lateral view."));
        assert!(outside_head("Informed consent was obtained from Mr Miller."));
        assert!(!outside_head("Findings were told to Mr Jones."));
        assert!(outside_head("Mr Miller has chest pain."));
        assert!(problem("Discussed. Mr Miller, chest radiograph.", &who, true).is_some());
        assert!(problem("Mr Miller, MRN 1, DOB 1961-01-01", &Identity::default(), true).is_none());
    }
}
