//! An age in the text that is not the patient's.

/// Words that only an adult, and only a child, is called by.
const CHILD: [&str; 7] = ["infant", "newborn", "neonate", "neonatal", "toddler", "thymic", "thymus"];
const ADULT: [&str; 2] = ["elderly", "geriatric"];

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
        && let Some(word) = found(&CHILD[..5])
    {
        return Some(format!("The patient is {age}; the text says \u{201c}{word}\u{201d}."));
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

/// Years of "58-year-old", "58 year old", "aged 58".
fn years(text: &str) -> Option<u32> {
    let all = super::words(text);
    all.windows(2).enumerate().find_map(|(at, pair)| {
        let old = all.get(at + 2).is_some_and(|w| w == "old");
        match (pair[0].parse::<u32>(), pair[1].as_str()) {
            (Ok(n), "year" | "years" | "yo") if old || pair[1] == "yo" => Some(n),
            _ if pair[0] == "aged" => pair[1].parse().ok(),
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
    }
}
