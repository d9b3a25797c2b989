//! The grammar of a structured answer, in llguidance's dialect of Lark.

use hilum_workers::messages::draft::AnswerRules;

use crate::comparison::{COMPARISON, MEASURES};
use crate::structure::Frame;

/// The grammar of an answer in this frame.
///
/// A sentence is a line of words of the Latin alphabet that begins with a capital and ends
/// with a full stop. Everything else is left out by construction: digits, brackets, other
/// alphabets, line breaks, and every control token, because none of them is written with
/// these letters. How long a sentence may be is not said here: a count inside a regular
/// expression makes a new state of every position, and masks would have to be computed
/// afresh each time. [`crate::guide::Guide`] counts tokens instead.
pub(crate) fn lark(frame: &Frame, rules: &AnswerRules) -> String {
    let mut start = String::new();
    for slot in &frame.0 {
        let literal = serde_json::to_string(&slot.lead).unwrap_or_default();
        let sentences = format!("SENTENCE (\" \" SENTENCE){{0,{}}}", slot.most - 1);
        start += &match slot.optional {
            true => format!(" ({literal} {sentences})?"),
            false => format!(" {literal} {sentences}"),
        };
    }
    format!("start:{start}\n\nSENTENCE: {}\n", sentence(rules))
}

/// One sentence as a terminal.
fn sentence(rules: &AnswerRules) -> String {
    let measured: Vec<String> = rules.measured.iter().filter_map(|value| measured(value)).collect();
    let mut word = "[A-Za-z][A-Za-z']*".to_owned();
    for value in &measured {
        word += &format!("|{value}");
    }
    let mut terminal = format!("/[A-Z][A-Za-z']*((, |; | |-|\\/)({word}))*\\./");
    if !rules.comparison {
        terminal += &without(&COMPARISON, "[^A-Za-z\\n]");
    }
    // A unit is part of a measurement where a digit stands before it.
    terminal += &without(&MEASURES, if measured.is_empty() { "[^A-Za-z\\n]" } else { "[^0-9A-Za-z \\n] ?|[A-Za-z] " });
    terminal
}

/// Without any of these words; `before` is what may stand before a word.
fn without(words: &[&str], before: &str) -> String {
    format!(" & ~/([^\\n]*({before}))?(?i:{})([^A-Za-z\\n][^\\n]*)?/", words.join("|"))
}

/// A measured value as a regular expression; `None` for what is no measurement: digits,
/// one decimal mark at most in each number, then at most two words.
fn measured(value: &str) -> Option<String> {
    let value = value.trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '%');
    let ends = !value.ends_with('.') && value.starts_with(|c: char| c.is_ascii_digit());
    if value.len() > 40 || !value.chars().all(allowed) || !ends {
        return None;
    }
    Some(value.replace('.', "\\."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_measurements_are_let_in() {
        for (value, expected) in [
            ("12 mm", Some("12 mm")),
            (" 3.5 cm ", Some("3\\.5 cm")),
            ("20 x 30 mm", Some("20 x 30 mm")),
            ("mm", None),
            ("3.", None),
            ("5)|(.*", None),
            ("", None),
        ] {
            assert_eq!(measured(value).as_deref(), expected, "{value:?}");
        }
    }
}
