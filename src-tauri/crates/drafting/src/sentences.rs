//! Sentences of a report, as a person reviews them.

/// Abbreviations whose full stop does not end a sentence, in lower case without it. Short
/// on purpose: one that is missing splits a sentence in two, which a person sees and can
/// mend, while one too many hides a sentence inside another.
const ABBREVIATIONS: [&str; 22] = [
    "dr", "mr", "mrs", "ms", "prof", "jr", "sr", "vs", "e.g", "i.e", "cf", "ca", "approx", "incl", "resp", "fig",
    "figs", "al", "viz", "dept", "hosp", "bilat",
];

/// Splits running text into sentences. Their words are unchanged; white space inside them,
/// line breaks included, becomes one space. List marks ("1.", "-", "*") are dropped, and
/// each item of a list begins a sentence.
pub fn sentences_of(text: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut paragraph = String::new();
    for line in text.lines() {
        let line = line.trim();
        let (item, words) = strip_list_mark(line);
        if line.is_empty() || item {
            split_paragraph(&paragraph, &mut sentences);
            paragraph.clear();
        }
        if !paragraph.is_empty() && !words.is_empty() {
            paragraph.push(' ');
        }
        paragraph.push_str(words);
    }
    split_paragraph(&paragraph, &mut sentences);
    sentences
}

/// Whether a line begins with a list mark, and what follows it.
fn strip_list_mark(line: &str) -> (bool, &str) {
    for mark in ["- ", "* ", "\u{2022} ", "\u{2013} "] {
        if let Some(rest) = line.strip_prefix(mark) {
            return (true, rest.trim_start());
        }
    }
    match number_mark(line) {
        Some(rest) => (true, rest),
        None => (false, line),
    }
}

/// The rest of a line after "1. " or "2) ".
fn number_mark(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = text.len() - rest.len();
    if digits == 0 || digits > 2 {
        return None;
    }
    let rest = rest.strip_prefix(['.', ')'])?;
    rest.starts_with(char::is_whitespace).then(|| rest.trim_start())
}

fn split_paragraph(paragraph: &str, sentences: &mut Vec<String>) {
    let mut start = 0;
    let mut marks = paragraph.char_indices().peekable();
    while let Some((at, mark)) = marks.next() {
        if !matches!(mark, '.' | '!' | '?' | '\u{3002}') {
            continue;
        }
        let mut end = at + mark.len_utf8();
        // Closing quotation marks and brackets, and "?!" or "...", belong to the sentence.
        while let Some(&(next, c)) = marks.peek() {
            if !matches!(c, '.' | '!' | '?' | '"' | '\'' | ')' | ']' | '\u{201d}' | '\u{2019}' | '*') {
                break;
            }
            end = next + c.len_utf8();
            marks.next();
        }
        let rest = &paragraph[end..];
        if mark == '.' && !ends_sentence(&paragraph[start..at], rest) {
            continue;
        }
        if mark != '\u{3002}' && !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
            continue;
        }
        push(&paragraph[start..end], sentences);
        start = end;
    }
    push(&paragraph[start..], sentences);
}

/// Whether a full stop between these two ends a sentence.
fn ends_sentence(before: &str, after: &str) -> bool {
    let next = after.trim_start().chars().next();
    let Some(next) = next else { return true };
    if !after.starts_with(char::is_whitespace) {
        return false;
    }
    let word = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    let folded = word.to_lowercase();
    if ABBREVIATIONS.contains(&folded.as_str()) {
        return false;
    }
    // Initials ("J. Smith"), and a list number inside a paragraph ("1. Clear lungs").
    let letters = word.chars().count();
    if letters == 1 && word.chars().all(|c| c.is_alphabetic() && c.is_uppercase()) {
        return false;
    }
    if before.trim().len() == word.len() && word.chars().all(|c| c.is_ascii_digit()) && !word.is_empty() {
        return false;
    }
    // A sentence begins with a capital, a digit or a sign, never with a small letter.
    !next.is_lowercase()
}

fn push(sentence: &str, sentences: &mut Vec<String>) {
    let sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    // Inside a paragraph "Clear. 2. No effusion." has its number at the start of a part.
    let words = number_mark(&sentence).unwrap_or(&sentence).trim();
    if words.chars().any(char::is_alphanumeric) {
        sentences.push(words.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(sentences_of(text), expected, "{text:?}");
    }

    #[test]
    fn plain() {
        check("", &[]);
        check(" \n\n ", &[]);
        check("...", &[]);
        check("The heart is normal", &["The heart is normal"]);
        check("The heart is normal.", &["The heart is normal."]);
        check("Clear lungs. No effusion.", &["Clear lungs.", "No effusion."]);
        check("Clear lungs.  No\neffusion.", &["Clear lungs.", "No effusion."]);
        check("Effusion? Yes! Left.", &["Effusion?", "Yes!", "Left."]);
        check("Really?! Yes.", &["Really?!", "Yes."]);
        check("Clear lungs.\n\nNo effusion", &["Clear lungs.", "No effusion"]);
        check("Heading without stop\n\nNext one.", &["Heading without stop", "Next one."]);
    }

    #[test]
    fn numbers() {
        check("A 2.5 cm nodule. Stable.", &["A 2.5 cm nodule.", "Stable."]);
        check("It measures 2.5 x 3.0 cm.", &["It measures 2.5 x 3.0 cm."]);
        check("Nodule of 8 mm. 3 others.", &["Nodule of 8 mm.", "3 others."]);
        check("Seen on image 4. Unchanged.", &["Seen on image 4.", "Unchanged."]);
        check("Ratio 0.6. Enlarged.", &["Ratio 0.6.", "Enlarged."]);
        check("Compared with 12.03.2024.", &["Compared with 12.03.2024."]);
        check("Tip at T4. No pneumothorax.", &["Tip at T4.", "No pneumothorax."]);
    }

    #[test]
    fn abbreviations() {
        check("Discussed with Dr. Smith. Clear.", &["Discussed with Dr. Smith.", "Clear."]);
        check("Devices, e.g. a PICC, are absent.", &["Devices, e.g. a PICC, are absent."]);
        check("Devices (e.g. PICC) are absent.", &["Devices (e.g. PICC) are absent."]);
        check("i.e. Normal.", &["i.e. Normal."]);
        check("Atelectasis vs. Consolidation.", &["Atelectasis vs. Consolidation."]);
        check("Approx. 3 cm above the carina.", &["Approx. 3 cm above the carina."]);
        check("Read by J. Smith. Done.", &["Read by J. Smith.", "Done."]);
        check("Opacity in the RUL. Effusion.", &["Opacity in the RUL.", "Effusion."]);
        check("Smith et al. described it.", &["Smith et al. described it."]);
        check("The word no. then a small letter.", &["The word no. then a small letter."]);
    }

    #[test]
    fn lists() {
        check("1. Clear lungs.\n2. No effusion.", &["Clear lungs.", "No effusion."]);
        check("1) Clear lungs\n2) No effusion", &["Clear lungs", "No effusion"]);
        check("- Clear lungs\n- No effusion", &["Clear lungs", "No effusion"]);
        check(
            "* Heart: normal.\n  Not enlarged.\n* Lungs: clear.",
            &["Heart: normal.", "Not enlarged.", "Lungs: clear."],
        );
        check("1. Clear lungs. 2. No effusion.", &["Clear lungs.", "No effusion."]);
        check("10. Tenth item.", &["Tenth item."]);
        check("2024. A year.", &["2024. A year."]);
        check("\u{2022} Clear.", &["Clear."]);
    }

    #[test]
    fn other_scripts_and_marks() {
        check(
            "Le c\u{153}ur est normal. \u{c9}panchement droit.",
            &["Le c\u{153}ur est normal.", "\u{c9}panchement droit."],
        );
        check(
            "\u{80ba}\u{90e8}\u{6e05}\u{6670}\u{3002}\u{65e0}\u{79ef}\u{6db2}\u{3002}",
            &["\u{80ba}\u{90e8}\u{6e05}\u{6670}\u{3002}", "\u{65e0}\u{79ef}\u{6db2}\u{3002}"],
        );
        check("He said \"clear.\" Then left.", &["He said \"clear.\"", "Then left."]);
        check("Clear (see image 2.) No effusion.", &["Clear (see image 2.)", "No effusion."]);
        check("https://example.org/a.b is text.", &["https://example.org/a.b is text."]);
    }

    #[test]
    fn no_word_is_lost() {
        for text in ["A. B. C. d", "1. 2. 3.", "e.g.", "x.y.z. W", "Dr. Mr. Who?", "**Bold.** Next."] {
            let words = |text: &str| -> String { text.chars().filter(|c| c.is_alphabetic()).collect() };
            assert_eq!(words(&sentences_of(text).join(" ")), words(text), "{text:?}");
        }
    }
}
