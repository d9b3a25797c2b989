//! Words of the other sex than the patient's.

use super::Sex;

/// Who the patient is, and organs and states that only one sex has; what both lists can say stands in both.
///
/// Relatives are in neither list: "father had tuberculosis" and "lives with his wife" say nothing of the patient's own
/// sex. A mother counts only where she is the patient ("nursing mother"). Nor are plurals: they are of wards and of
/// studies ("women's hospital"), and "MEN" is multiple endocrine neoplasia.
const FEMALE: [&str; 34] = [
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
    "cervix",
    "endometrial",
    "uterus",
    "uterine",
    "hysterectomy",
    "ovary",
    "ovaries",
    "ovarian",
    "vaginal",
    "vulvar",
];
const MALE: [&str; 26] = [
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
    "testis",
    "testes",
    "testicle",
    "testicles",
    "testicular",
    "orchiectomy",
    "orchidectomy",
    "scrotal",
    "penis",
    "penile",
    "vasectomy",
];

/// What a report of a newborn says of the mother.
const OF_THE_MOTHER: [&str; 6] = ["pregnant", "pregnancy", "partum", "postpartum", "preeclampsia", "breastfeeding"];

/// What the text says that is of the other sex, as a plain sentence. `age` is in whole years.
pub(super) fn problem(text: &str, sex: Sex, age: Option<u32>) -> Option<String> {
    let (other, letter, who) = match sex {
        Sex::Female => (&MALE[..], 'M', "female"),
        Sex::Male => (&FEMALE[..], 'F', "male"),
    };
    let all: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let newborn = age == Some(0);
    let said = all.iter().enumerate().find_map(|(at, said)| {
        let small = said.to_lowercase();
        let listed = other.contains(&small.as_str()) && !is_another(&all, at);
        let mothers = newborn && OF_THE_MOTHER.contains(&small.as_str());
        let cancer = sex == Sex::Male
            && small == "cervical"
            && matches!(small_at(&all, at + 1).as_str(), "cancer" | "carcinoma");
        (listed && !mothers || cancer).then_some(small)
    });
    let word = said.or_else(|| letter_of_sex(text, &all, letter))?;
    Some(format!("The patient is {who}; the text says \u{201c}{word}\u{201d}."))
}

/// The word at a place in lower case; nothing past the end.
fn small_at(all: &[&str], at: usize) -> String {
    all.get(at).map(|w| w.to_lowercase()).unwrap_or_default()
}

/// The word is not said of the patient: "MR" is a method, "MS" a disease, "His" a bundle, "HER-2" a receptor, and a
/// mother may be a child's.
fn is_another(all: &[&str], at: usize) -> bool {
    let said = all[at];
    let next = small_at(all, at + 1);
    let before = at.checked_sub(1).map(|b| small_at(all, b)).unwrap_or_default();
    match said.to_lowercase().as_str() {
        "mr" | "ms" => said.chars().all(char::is_uppercase),
        // The verb, unless a name follows.
        "miss" => {
            said.starts_with(char::is_lowercase) && !all.get(at + 1).is_some_and(|w| w.starts_with(char::is_uppercase))
        }
        "his" => {
            let bundle = at.checked_sub(2).is_some_and(|b| small_at(all, b) == "bundle");
            matches!(next.as_str(), "bundle" | "purkinje") || before == "of" && (bundle || said == "His")
        }
        "her" => next == "2",
        "lady" => next == "windermere",
        "man" => next == "made" || matches!(before.as_str(), "snow" | "pac"),
        // Of whom an organ came, and of what plugs into what.
        "male" | "female" => matches!(next.as_str(), "donor" | "connector" | "luer"),
        "vaginal" => matches!(next.as_str(), "delivery" | "birth"),
        "mother" => !matches!(before.as_str(), "feeding" | "breastfeeding" | "nursing" | "expectant"),
        _ => false,
    }
}

/// The letter of the other sex beside an age or the word: "58F", "58/F", "F/58", "58 y/o F", "sex F".
fn letter_of_sex(text: &str, all: &[&str], letter: char) -> Option<String> {
    all.iter().enumerate().find_map(|(at, said)| {
        let before = at.checked_sub(1).map(|b| small_at(all, b)).unwrap_or_default();
        let age = said.strip_suffix(letter).filter(|n| is_age(n));
        let number = age.is_some_and(|n| !is_measure(all, at, n, letter));
        let alone = said.len() == 1 && said.starts_with(letter);
        let named = matches!(before.as_str(), "sex" | "gender" | "old" | "yo" | "o");
        let next = small_at(all, at + 1);
        let parted = is_age(&before) && text.contains(&format!("{before}/{letter}"))
            || is_age(&next) && text.contains(&format!("{letter}/{next}"));
        (number || alone && (named || parted)).then(|| (*said).to_owned())
    })
}

fn is_age(number: &str) -> bool {
    (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
}

/// "12F" of a tube is its gauge, "101F" of a fever its degrees, and "in 6M" is a time.
fn is_measure(all: &[&str], at: usize, number: &str, letter: char) -> bool {
    const TUBES: [&str; 9] =
        ["tube", "tubes", "catheter", "catheters", "drain", "drains", "pigtail", "sheath", "french"];
    const FEVERS: [&str; 4] = ["fever", "febrile", "temperature", "temp"];
    let Ok(number) = number.parse::<u32>() else { return false };
    let near = all[at.saturating_sub(3)..all.len().min(at + 4)].iter().map(|w| w.to_lowercase());
    let near: Vec<String> = near.collect();
    let has = |words: &[&str]| near.iter().any(|w| words.contains(&w.as_str()));
    let before = at.checked_sub(1).map(|b| small_at(all, b)).unwrap_or_default();
    match letter {
        'F' => number <= 40 && has(&TUBES) || number >= 95 && has(&FEVERS),
        _ => number <= 36 && matches!(before.as_str(), "in" | "after" | "every" | "last" | "past"),
    }
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
        check("A girl of two days.", Some(0), true);
    }
}
