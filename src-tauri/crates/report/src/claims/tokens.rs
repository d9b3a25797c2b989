//! Text to sentences to words.

use std::ops::Range;

/// A word or a mark of punctuation, in lower case, with its place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub word: &'a str,
    pub start: usize,
    pub end: usize,
}

/// Abbreviations whose full stop does not end a sentence.
const ABBREVIATIONS: [&str; 12] = ["vs", "dr", "mr", "mrs", "ms", "approx", "cf", "e.g", "i.e", "no", "ca", "incl"];

/// Where the sentences of a text are, in bytes: ended by a full stop, an exclamation mark, or a
/// line break. A question mark ends one at the end of a line only, because "? pneumonia" is a
/// doubt in the middle of one.
pub fn sentence_ranges(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut ranges = Vec::new();
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let ends = match byte {
            b'\n' | b'\r' | b'!' => true,
            b'.' => ends_sentence(&text[start..at], bytes.get(at + 1).copied()),
            _ => false,
        };
        if ends {
            push(text, start..at + 1, &mut ranges);
            start = at + 1;
        }
    }
    push(text, start..text.len(), &mut ranges);
    ranges
}

fn ends_sentence(before: &str, next: Option<u8>) -> bool {
    match next {
        None => return true,
        Some(next) if !next.is_ascii_whitespace() => return false,
        Some(_) => {}
    }
    let word = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    // "No." abbreviates "number" only before a figure, which the rest of a sentence seldom is.
    let listed = ABBREVIATIONS.iter().any(|a| word.eq_ignore_ascii_case(a)) && !word.eq_ignore_ascii_case("no");
    let number = !word.is_empty() && before.trim() == word && word.bytes().all(|b| b.is_ascii_digit());
    !listed && !number
}

fn push(text: &str, range: Range<usize>, ranges: &mut Vec<Range<usize>>) {
    if text[range.clone()].bytes().any(|b| b.is_ascii_alphanumeric()) {
        ranges.push(range);
    }
}

/// The words of a sentence in lower case (`lower` is the sentence in ASCII lower case, of the
/// same length). Hyphens part words; a point between figures does not; other marks stand alone.
pub(super) fn tokens<'a>(lower: &'a str, into: &mut Vec<Token<'a>>) {
    let bytes = lower.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            b',' | b';' | b':' | b'(' | b')' | b'/' | b'?' => at += 1,
            byte if is_word(byte) => {
                while at < bytes.len() && (is_word(bytes[at]) || is_point(bytes, at)) {
                    at += 1;
                }
            }
            _ => {
                at += 1;
                continue;
            }
        }
        into.push(Token { word: &lower[start..at], start, end: at });
    }
}

/// Letters outside ASCII are several bytes, all of them above 127, and parts of words.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || byte == b'\''
}

fn is_point(bytes: &[u8], at: usize) -> bool {
    bytes[at] == b'.' && at > 0 && bytes[at - 1].is_ascii_digit() && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
}

pub(super) fn is_mark(word: &str) -> bool {
    matches!(word, "," | ";" | ":" | "(" | ")" | "/" | "?")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_sentences(text: &str, expected: &[&str]) {
        let found: Vec<&str> = sentence_ranges(text).into_iter().map(|r| text[r].trim()).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn sentences_end_where_a_reader_ends_them() {
        check_sentences("", &[]);
        check_sentences(" . ", &[]);
        check_sentences("Clear", &["Clear"]);
        check_sentences("Clear lungs. No effusion.", &["Clear lungs.", "No effusion."]);
        check_sentences("A 2.5 cm nodule. Stable.", &["A 2.5 cm nodule.", "Stable."]);
        check_sentences("1. Clear lungs.\n2. No effusion", &["1. Clear lungs.", "2. No effusion"]);
        check_sentences("Atelectasis vs. pneumonia. Edema!", &["Atelectasis vs. pneumonia.", "Edema!"]);
        check_sentences("? pneumonia. No.", &["? pneumonia.", "No."]);
        check_sentences("L\u{e9}sion. \u{c9}panchement.", &["L\u{e9}sion.", "\u{c9}panchement."]);
    }

    fn check_words(sentence: &str, expected: &[&str]) {
        let mut found = Vec::new();
        tokens(sentence, &mut found);
        assert_eq!(found.iter().map(|t| t.word).collect::<Vec<_>>(), expected);
        for token in found {
            assert_eq!(token.word, &sentence[token.start..token.end]);
        }
    }

    #[test]
    fn words_and_marks() {
        check_words("a right-sided effusion, 2.5 cm.", &["a", "right", "sided", "effusion", ",", "2.5", "cm"]);
        check_words("and/or (new?)", &["and", "/", "or", "(", "new", "?", ")"]);
        check_words("\u{e9}panchement", &["\u{e9}panchement"]);
        check_words("...", &[]);
    }
}
