//! An age in the text that is not the patient's.

/// Words that only an adult, and only a child, is called by.
const CHILD: [&str; 9] = ["infant", "newborn", "neonate", "neonatal", "toddler", "baby", "preterm", "thymic", "thymus"];
const ADULT: [&str; 2] = ["elderly", "geriatric"];
const DECADES: [(&str, u32); 8] = [
    ("twenties", 20),
    ("thirties", 30),
    ("forties", 40),
    ("fifties", 50),
    ("sixties", 60),
    ("seventies", 70),
    ("eighties", 80),
    ("nineties", 90),
];

/// What is wrong, as a plain sentence.
pub(super) fn problem(text: &str, age: u32) -> Option<String> {
    if let Some(said) = years(text)
        && said.abs_diff(age) > 1
    {
        return Some(format!("The patient is {age}; the text says {said} years."));
    }
    let all = super::words(text);
    let found = |list: &[&str]| all.iter().find(|w| list.contains(&w.as_str())).cloned();
    if age >= 18
        && let Some(word) = found(&CHILD[..7])
    {
        return Some(format!("The patient is {age}; the text says \u{201c}{word}\u{201d}."));
    }
    // The score of a liver is named after one.
    let child = all.iter().enumerate().any(|(at, w)| w == "child" && !all.get(at + 1).is_some_and(|w| w == "pugh" || w == "class"));
    if age >= 18 && child {
        return Some(format!("The patient is {age}; the text says \u{201c}child\u{201d}."));
    }
    if let Some(decade) = all.iter().find_map(|w| DECADES.iter().find(|(word, _)| word == w))
        && !(decade.1..decade.1 + 10).contains(&age)
    {
        return Some(format!("The patient is {age}; the text says \u{201c}{}\u{201d}.", decade.0));
    }
    if age >= 40
        && let Some(word) = found(&CHILD)
    {
        return Some(format!("The patient is {age}; the text says \u{201c}{word}\u{201d}."));
    }
    if age < 40
        && let Some(word) = found(&ADULT)
    {
        return Some(format!("The patient is {age}; the text says \u{201c}{word}\u{201d}."));
    }
    None
}

/// Years of "58-year-old", "58 yr old", "58yo", "58 y/o", "aged 58", "Age: 58"; those of an infant's months or days are 0.
fn years(text: &str) -> Option<u32> {
    // "45yr" is a number and a word.
    let all: Vec<String> = super::words(text)
        .into_iter()
        .flat_map(|word| {
            let digits = word.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = (word[..digits].to_owned(), word[digits..].to_owned());
            [number, rest].into_iter().filter(|part| !part.is_empty())
        })
        .collect();
    all.windows(2).enumerate().find_map(|(at, pair)| {
        let after = all.get(at + 2).map(String::as_str).unwrap_or_default();
        let old = after == "old";
        match (pair[0].parse::<u32>(), pair[1].as_str()) {
            (Ok(n), "year" | "years" | "yr" | "yrs") if old => Some(n),
            (Ok(n), "month" | "months") if old => Some(n / 12),
            (Ok(_), "week" | "weeks" | "day" | "days") if old => Some(0),
            (Ok(n), "yo") => Some(n),
            (Ok(n), "y") if after == "o" || old => Some(n),
            _ if matches!(pair[0].as_str(), "aged" | "age") => pair[1].parse().ok().filter(|n| *n < 130),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::problem;

    #[test]
    fn ages() {
        let check = |text: &str, age: u32, expected: bool| assert_eq!(problem(text, age).is_some(), expected, "{text}");
        check("A 58-year-old with cough.", 58, false);
        check("A 58-year-old with cough.", 57, false);
        check("A 58-year-old with cough.", 37, true);
        check("Aged 58, cough.", 30, true);
        check("Smoker for 30 years.", 58, false);
        check("Neonatal chest.", 58, true);
        check("Normal thymus.", 2, false);
        check("Elderly patient.", 20, true);
        check("A 34 y/o with cough.", 58, true);
        check("45yr old smoker.", 45, false);
        check("3-month-old.", 58, true);
        check("Age: 58.", 58, false);
        check("In his fifties.", 58, false);
        check("In his seventies.", 58, true);
        check("Child-Pugh class B.", 58, false);
        check("3 months of cough.", 58, false);
    }
}
