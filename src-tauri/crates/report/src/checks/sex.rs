//! Words of the other sex than the patient's.

use super::{Sex, told};

/// Who the patient is, and organs and states that only one sex has; what both lists can say stands in both.
///
/// Relatives are in neither list: "father had tuberculosis" and "lives with his wife" say nothing of the patient's own
/// sex. A mother counts only where she is the patient ("nursing mother"). Nor are plurals: they are of wards and of
/// studies ("women's hospital"), and "MEN" is multiple endocrine neoplasia.
const FEMALE: [&str; 41] = [
    "woman",
    "female",
    "lady",
    "girl",
    "she",
    "her",
    "herself",
    "mrs",
    "ms",
    "miss",
    "frau",
    "mother",
    "menopause",
    "menopausal",
    "premenopausal",
    "perimenopausal",
    "postmenopausal",
    "partum",
    "postpartum",
    "preeclampsia",
    "breastfeeding",
    "lactating",
    "pregnant",
    "pregnancy",
    "catamenial",
    "menstrual",
    "gravid",
    "cesarean",
    "caesarean",
    "cervix",
    "endometrial",
    "uterus",
    "uterine",
    "hysterectomy",
    "ovary",
    "ovaries",
    "ovarian",
    "oophorectomy",
    "salpingectomy",
    "vaginal",
    "vulvar",
];
const MALE: [&str; 28] = [
    "man",
    "male",
    "gentleman",
    "boy",
    "he",
    "his",
    "him",
    "himself",
    "mr",
    "herr",
    "prostate",
    "prostatic",
    "prostatectomy",
    "prostatitis",
    "turp",
    "bph",
    "testis",
    "testes",
    "testicle",
    "testicles",
    "testicular",
    "epididymitis",
    "orchiectomy",
    "orchidectomy",
    "scrotal",
    "penis",
    "penile",
    "vasectomy",
];

/// What a report of a newborn says of the mother.
const OF_THE_MOTHER: [&str; 9] = [
    "pregnant",
    "pregnancy",
    "partum",
    "postpartum",
    "preeclampsia",
    "breastfeeding",
    "gravid",
    "cesarean",
    "caesarean",
];

/// How a sentence also calls a doctor or a nurse who is told of a result.
const TITLES: [&str; 6] = ["mr", "mrs", "ms", "miss", "herr", "frau"];
const PRONOUNS: [&str; 7] = ["he", "she", "his", "her", "him", "himself", "herself"];

/// The words of a text with where they begin, for what stands between them tells "101.4F" from "58F".
struct Words<'a> {
    text: &'a str,
    placed: Vec<(usize, &'a str)>,
}

impl<'a> Words<'a> {
    fn of(text: &'a str) -> Words<'a> {
        let mut all = Vec::new();
        let mut start = 0;
        for piece in text.split_inclusive(|c: char| !c.is_alphanumeric()) {
            let word = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
            if !word.is_empty() {
                all.push((start, word));
            }
            start += piece.len();
        }
        Words { text, placed: all }
    }

    /// The word at a place as it is written; nothing past the end.
    fn said(&self, at: usize) -> &'a str {
        self.placed.get(at).map_or("", |word| word.1)
    }

    fn small(&self, at: usize) -> String {
        self.said(at).to_lowercase()
    }

    /// The word so many places before one, in lower case; nothing before the start.
    fn small_before(&self, at: usize, places: usize) -> String {
        at.checked_sub(places).map(|before| self.small(before)).unwrap_or_default()
    }

    /// What stands between a word and the one before it.
    fn gap(&self, at: usize) -> &'a str {
        let Some(&(start, _)) = self.placed.get(at) else { return "" };
        let end =
            at.checked_sub(1).and_then(|before| self.placed.get(before)).map_or(0, |(from, word)| from + word.len());
        &self.text[end..start]
    }
}

/// What the text says that is of the other sex, as a plain sentence. `age` is in whole years.
pub(super) fn problem(text: &str, sex: Sex, age: Option<u32>) -> Option<String> {
    let (other, letter, who) = match sex {
        Sex::Female => (&MALE[..], 'M', "female"),
        Sex::Male => (&FEMALE[..], 'F', "male"),
    };
    let all = Words::of(text);
    let newborn = age == Some(0);
    let words: Vec<&str> = all.placed.iter().map(|word| word.1).collect();
    let is_title = |place: usize| TITLES.contains(&all.small(place).as_str());
    let said = (0..all.placed.len()).find_map(|at| {
        let small = all.small(at);
        let listed = other.contains(&small.as_str()) && !is_another(&all, at);
        let told = is_title(at) && told::is_told(&words, at)
            || PRONOUNS.contains(&small.as_str()) && told::may_be_told(&words, at, is_title);
        let mothers = newborn && OF_THE_MOTHER.contains(&small.as_str());
        let cancer =
            sex == Sex::Male && small == "cervical" && matches!(all.small(at + 1).as_str(), "cancer" | "carcinoma");
        (listed && !told && !mothers || cancer).then_some(small)
    });
    let word = said.or_else(|| letter_of_sex(&all, letter, age))?;
    Some(format!("The patient is {who}; the text says \u{201c}{word}\u{201d}."))
}

/// The word is not said of the patient: "MR" is a method, "MS" a disease, "ms" a time, "His" a bundle, "HER-2" a
/// receptor, "Our Lady" a hospital, and a mother may be a child's.
fn is_another(all: &Words<'_>, at: usize) -> bool {
    let said = all.said(at);
    let next = all.small(at + 1);
    let before = all.small_before(at, 1);
    match said.to_lowercase().as_str() {
        "mr" | "ms" | "mrs" => !is_title(all, at),
        // The verb, unless a name follows.
        "miss" => said.starts_with(char::is_lowercase) && !all.said(at + 1).starts_with(char::is_uppercase),
        "his" => {
            let bundle = all.small_before(at, 2) == "bundle";
            let paced = matches!(next.as_str(), "pacing" | "ventricular");
            let lead = matches!(next.as_str(), "lead" | "leads" | "electrode" | "electrodes");
            matches!(next.as_str(), "bundle" | "purkinje")
                || before == "of" && (bundle || said == "His")
                // "His lead is unchanged" is of the patient's, and so is what stands in lower case.
                || (paced || lead && matches!(before.as_str(), "a" | "the")) && said.starts_with(char::is_uppercase)
        }
        "her" => next == "2",
        "lady" => next == "windermere" || before == "our" && said.starts_with(char::is_uppercase),
        "man" => next == "made" || matches!(before.as_str(), "snow" | "pac"),
        // Of whom an organ came, and of what plugs into what.
        "male" | "female" => matches!(next.as_str(), "donor" | "connector" | "luer"),
        "vaginal" => matches!(next.as_str(), "delivery" | "birth"),
        "mother" => !matches!(before.as_str(), "feeding" | "breastfeeding" | "nursing" | "expectant"),
        _ => false,
    }
}

/// "Mr", "Ms" or "Mrs" before a name: "5 ms" is a time, "mRS" a scale of disability, and in capitals the short ones are
/// a method and a disease.
fn is_title(all: &Words<'_>, at: usize) -> bool {
    const OF_NAMES: [&str; 11] = ["von", "van", "de", "del", "der", "di", "da", "la", "le", "al", "el"];
    let said = all.said(at);
    let written = said.starts_with(char::is_uppercase) && said.ends_with(char::is_lowercase) || said == "MRS";
    let next = all.said(at + 1);
    let named = next.starts_with(char::is_uppercase) || OF_NAMES.contains(&next);
    let time = said == "Ms" && all.small_before(at, 1).starts_with(|c: char| c.is_ascii_digit());
    written && named && !time
}

/// The letter of the other sex beside an age or the word: "58F", "58/F", "F/58", "58 y/o F", "sex F".
fn letter_of_sex(all: &Words<'_>, letter: char, of_header: Option<u32>) -> Option<String> {
    (0..all.placed.len()).find_map(|at| {
        let said = all.said(at);
        let (before, next) = (all.small_before(at, 1), all.small(at + 1));
        let is_person = |place: usize, number: &str| {
            let of_patient = of_header.is_some() && number.parse().ok() == of_header;
            is_age(number) && (of_patient || !is_measure(all, place, at, number, letter))
        };
        let alone = said.len() == 1 && said.starts_with(letter);
        // "58F", "58yoF", and "58 F".
        let number = said.strip_suffix(letter).is_some_and(|n| {
            let spanned = SPANS.contains(&without_number(n)) || without_number(n) == "yo";
            is_person(at, n) || spanned && n.starts_with(|c: char| c.is_ascii_digit())
        });
        let number = number || alone && at > 0 && all.gap(at) == " " && is_person(at - 1, &before);
        let parted = is_age(&before) && all.text.contains(&format!("{before}/{letter}"))
            || is_age(&next) && all.text.contains(&format!("{letter}/{next}"));
        (number || alone && (says_sex(all, at) || parted)).then(|| said.to_owned())
    })
}

/// What an age is counted in.
const SPANS: [&str; 11] = ["year", "years", "yr", "yrs", "y", "month", "months", "week", "weeks", "day", "days"];

/// What stands before a word makes a letter there that of a sex. The "o" of "h/o", "r/o" and "s/o" does not, nor does
/// "old" without an age.
fn says_sex(all: &Words<'_>, at: usize) -> bool {
    let (before, second) = (all.small_before(at, 1), all.small_before(at, 2));
    match before.as_str() {
        "sex" | "gender" => true,
        "old" => is_age(&second) || SPANS.contains(&without_number(&second)),
        "o" => without_number(&second) == "y",
        "y" | "yr" | "yrs" | "year" | "years" => is_age(&second),
        other => {
            let span = without_number(other);
            span != other && matches!(span, "yo" | "y" | "yr" | "yrs")
        }
    }
}

/// "yo" of "58yo".
fn without_number(word: &str) -> &str {
    word.trim_start_matches(|c: char| c.is_ascii_digit())
}

fn is_age(number: &str) -> bool {
    (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
}

/// "12F" of a tube is its gauge, "101F" of a fever and the end of "98.6F" are degrees, and "in 6M" is a time. The number
/// stands at a place, with its letter there or at the next one.
fn is_measure(all: &Words<'_>, place: usize, letter_at: usize, number: &str, letter: char) -> bool {
    // Nobody's age has decimals.
    let decimals =
        matches!(all.gap(place), "." | ",") && all.small_before(place, 1).ends_with(|c: char| c.is_ascii_digit());
    let Ok(number) = number.parse::<u32>() else { return false };
    decimals
        || match letter {
            'F' => {
                number <= 40 && is_of_tube(all, place, letter_at) || number >= 95 && is_of_fever(all, place, letter_at)
            }
            _ => number <= 36 && is_interval(all, place, letter_at, number),
        }
}

fn is_of_fever(all: &Words<'_>, place: usize, letter_at: usize) -> bool {
    const FEVER: [&str; 7] = ["fever", "fevers", "febrile", "temp", "temperature", "tmax", "t"];
    (place.saturating_sub(4)..letter_at + 3).any(|near| FEVER.contains(&all.small(near).as_str()))
}

/// A tube or line stands closely before the number, or behind it before anything else begins: "28F with cough, port in
/// place" and "32F s/p port placement" are patients.
fn is_of_tube(all: &Words<'_>, place: usize, letter_at: usize) -> bool {
    const TUBES: [&str; 26] = [
        "tube",
        "tubes",
        "catheter",
        "catheters",
        "drain",
        "drains",
        "pigtail",
        "sheath",
        "french",
        "picc",
        "line",
        "lines",
        "lumen",
        "port",
        "introducer",
        "cannula",
        "cannulas",
        "cannulae",
        "thoracostomy",
        "swan",
        "cordis",
        "dobhoff",
        "dobbhoff",
        "blake",
        "tracheostomy",
        "stent",
    ];
    const ELSE: [&str; 13] = [
        "with",
        "for",
        "after",
        "post",
        "s",
        "status",
        "and",
        "who",
        "has",
        "had",
        "presents",
        "presenting",
        "admitted",
    ];
    let is_tube = |near: usize| TUBES.contains(&all.small(near).as_str());
    let parts = |gap: &str| gap.contains(['.', ',', ';', ':', '!', '?', '\n']);
    let mut behind = (letter_at + 1..all.placed.len())
        .take_while(|near| !parts(all.gap(*near)) && !ELSE.contains(&all.small(*near).as_str()));
    // "Pigtail catheter, 14F" goes on; "Line placement. 32F" does not, nor does "Port in place, 32F".
    let next_to = place.checked_sub(1).is_some_and(|near| is_tube(near) && !all.gap(place).contains(['.', ';', '\n']));
    let mut before = (place.saturating_sub(3)..place).rev().take_while(|near| !parts(all.gap(near + 1)));
    next_to || before.any(is_tube) || behind.any(is_tube)
}

/// Months: "in 6M", "6M follow-up", "6-12M". Intervals of follow-up are of two years at most.
fn is_interval(all: &Words<'_>, place: usize, letter_at: usize, number: u32) -> bool {
    let (before, second) = (all.small_before(place, 1), all.small_before(place, 2));
    let is_count = |word: &str| is_age(word.strip_suffix('m').unwrap_or(word));
    let range =
        matches!(all.gap(place).trim(), "-" | "\u{2013}") && is_count(&before) || before == "to" && is_count(&second);
    let next = all.small(letter_at + 1);
    let joined = matches!(all.gap(letter_at + 1).trim(), "" | "-");
    let follow = matches!(next.as_str(), "follow" | "followup" | "fu" | "interval")
        || next == "f" && all.small(letter_at + 2) == "u";
    let span = matches!(before.as_str(), "in" | "after" | "every" | "last" | "past" | "within");
    let person = matches!(next.as_str(), "with" | "who") || all.gap(letter_at + 1).contains(',');
    range || number <= 24 && span && !person || number <= 24 && joined && follow
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_lists_can_say_stands_in_both() {
        let pairs = [
            ("woman", "man"),
            ("female", "male"),
            ("lady", "gentleman"),
            ("girl", "boy"),
            ("she", "he"),
            ("her", "his"),
            ("herself", "himself"),
            ("mrs", "mr"),
            ("frau", "herr"),
        ];
        for (female, male) in pairs {
            assert!(FEMALE.contains(&female) && MALE.contains(&male), "{female}, {male}");
        }
        assert!(FEMALE.iter().all(|word| !MALE.contains(word)));
    }

    #[test]
    fn words_against_the_header() {
        let check = |text: &str, of_woman: bool, of_man: bool| {
            assert_eq!(problem(text, Sex::Female, Some(58)).is_some(), of_woman, "a woman: {text}");
            assert_eq!(problem(text, Sex::Male, Some(58)).is_some(), of_man, "a man: {text}");
        };
        // Said of a man, so that a woman's report is flagged.
        for text in [
            "A 58-year-old man with dyspnea.",
            "MAN OF 58.",
            "A gentleman with cough.",
            "Male, 58 years.",
            "He has a cough.",
            "His chest pain began today.",
            "Radiograph of his chest.",
            "Mr Meier, cough.",
            "Prostate cancer, staging.",
            "Status post orchiectomy.",
            "58M with cough.",
            "58/M, cough.",
            "M/58, cough.",
            "58 y/o M, cough.",
            "Sex: M",
            "58yo M, cough.",
            "58-year-old M.",
            "Mr von Meier, cough.",
            "his pacing lead is in place.",
            "Known BPH.",
            "Epididymitis.",
            "34M, follow-up.",
            "58 M, cough.",
            "58yoM",
            "58yo M. presents with cough.",
            "58 y/o M. smoker.",
            "Sex: M. presents with cough.",
            "58 yr M.",
            "58y/M",
            "Pneumonia in 34M.",
            "after 28M fell",
            "His lead is unchanged.",
            "He called an ambulance for chest pain.",
            "He gave informed consent.",
            "Referred by Dr Lee: he has a cough.",
            "Findings of Mr Miller were discussed with Dr Lee.",
        ] {
            check(text, true, false);
        }
        for text in [
            "A 58-year-old woman with dyspnea.",
            "A lady with cough.",
            "Her chest pain began today.",
            "Mrs Meier, cough.",
            "Miss Meier, cough.",
            "Nursing mother with fever.",
            "Cervical carcinoma.",
            "Catamenial pneumothorax.",
            "58F with cough.",
            "58F with fever.",
            "58 y/o F, cough.",
            "Ms. Meier, cough.",
            "MRS MEIER, COUGH.",
            "28F with cough for weeks, port in place.",
            "28F, cough and fever. A PICC was placed last week.",
            "32F with chest tube.",
            "28F with PICC.",
            "28F with a port.",
            "32F s/p port placement.",
            "24F, fever, tunneled line.",
            "Line placement. 32F.",
            "98F with dyspnea.",
            "58 F.",
            "58yoF",
            "58y F",
            "Her so-called atypical chest pain.",
            "Woman; discussed with Dr Lee.",
            "Early menopause.",
            "Oophorectomy and salpingectomy.",
            "Menstrual pain.",
            "Gravid patient.",
            "After cesarean section.",
            "Caesarean section last week.",
        ] {
            check(text, false, true);
        }
        for text in [
            "Father had tuberculosis.",
            "Mother had tuberculosis.",
            "Lives with husband.",
            "The wife has influenza.",
            "Son and daughter are well.",
            "Women's hospital, referred.",
            "Known MEN 1.",
            "Exposure to man-made fibres.",
            "Snow-man sign.",
            "The sternal manubrium is intact.",
            "Mandible and humans.",
            "Block of the bundle of His.",
            "bundle of his",
            "His-Purkinje disease.",
            "HER-2 positive carcinoma.",
            "MR of the chest is advised.",
            "Known MS.",
            "A radiograph can miss a small nodule.",
            "Lady Windermere syndrome.",
            "Lung of a male donor; kidney of a female donor.",
            "Cervical spine.",
            "A 12F chest tube on the left.",
            "Pigtail catheter, 14F.",
            "Fever of 101F.",
            "CT in 6M.",
            "CT in 6-12M.",
            "CT in 6 to 12M.",
            "6M follow-up.",
            "6M f/u CT.",
            "r/o M. pneumoniae",
            "h/o M. tuberculosis",
            "s/o M. avium complex",
            "Old M. tuberculosis infection.",
            "h/o F. nucleatum",
            "Fever 101.4F.",
            "Temp 98.6F",
            "Temp 98,6F",
            "Tmax 102F.",
            "5F PICC.",
            "7F right internal jugular line.",
            "28F left-sided thoracostomy.",
            "9F introducer.",
            "8F Swan-Ganz.",
            "31F cannula.",
            "10F Dobhoff.",
            "A 14F was placed on the left side as a Blake drain.",
            "Exposure 120 kVp, 5 ms.",
            "5 Ms. Grid.",
            "mRS 3.",
            "A His pacing lead.",
            "The His lead is in place.",
            "Discussed with Ms Miller, RN.",
            "Findings were told to Mr Jones.",
            "Mr Jones and Mrs Miller were informed.",
            "Dr Lee was informed; he acknowledged.",
            "Dr Lee was paged, and she called back.",
            "Our Lady of Mercy, ward 3.",
        ] {
            check(text, false, false);
        }
    }

    #[test]
    fn what_a_newborns_report_says_of_the_mother() {
        let check = |text: &str, age: Option<u32>, expected: bool| {
            assert_eq!(problem(text, Sex::Male, age).is_some(), expected, "{text} {age:?}");
        };
        check("Uneventful pregnancy, vaginal delivery.", Some(0), false);
        check("Uneventful pregnancy.", Some(58), true);
        check("Uneventful pregnancy.", None, true);
        check("Born by cesarean section.", Some(0), false);
        check("Born by cesarean section.", Some(58), true);
        check("A girl of two days.", Some(0), true);
    }
}
