//! Patterns of words, and tables of them that find the longest match at a word.
//!
//! A pattern is words with a space between. A word may be several with a bar between ("left|right"),
//! may end in a star for "begins with" ("effusion*"), be followed by a question mark when it may be
//! missing ("pleural? effusion*"), or be `_`, which is any one word but no punctuation.

use super::tokens::{Token, is_mark};
use std::collections::HashMap;

/// Patterns with what each of them means.
#[derive(Debug)]
pub(super) struct Table<T: 'static> {
    rows: Vec<(Vec<Element>, T)>,
    /// Rows by their first word, and by the first three letters where that is a beginning.
    by_word: HashMap<&'static str, Vec<u32>>,
    by_beginning: HashMap<[u8; 3], Vec<u32>>,
}

#[derive(Debug)]
struct Element {
    /// Empty means any word.
    words: Vec<Word>,
    optional: bool,
}

#[derive(Debug, Clone, Copy)]
struct Word {
    text: &'static str,
    beginning: bool,
}

impl<T: Copy> Table<T> {
    pub fn new(rows: &[(&'static str, T)]) -> Table<T> {
        let mut table = Table { rows: Vec::new(), by_word: HashMap::new(), by_beginning: HashMap::new() };
        for (pattern, meaning) in rows {
            let row = table.rows.len() as u32;
            let elements: Vec<Element> = pattern.split(' ').map(Element::read).collect();
            let first = &elements[0];
            assert!(!first.optional && !first.words.is_empty(), "{pattern:?} must begin with a word");
            for word in &first.words {
                match word.beginning {
                    false => table.by_word.entry(word.text).or_default().push(row),
                    true => table.by_beginning.entry(beginning(word.text)).or_default().push(row),
                }
            }
            table.rows.push((elements, *meaning));
        }
        table
    }

    /// The longest match that starts at this word: how many words it has, and its meaning. Of two
    /// of one length the earlier row counts.
    pub fn longest(&self, tokens: &[Token<'_>], at: usize) -> Option<(usize, T)> {
        let word = tokens[at].word;
        let none: &Vec<u32> = &Vec::new();
        let exact = self.by_word.get(word).unwrap_or(none);
        let begun = match word.len() >= 3 {
            true => self.by_beginning.get(&beginning(word)).unwrap_or(none),
            false => none,
        };
        let mut best: Option<(usize, u32)> = None;
        for &row in exact.iter().chain(begun) {
            let Some(length) = matched(&self.rows[row as usize].0, &tokens[at..]) else { continue };
            let better = best.is_none_or(|(most, at)| length > most || (length == most && row < at));
            if length > 0 && better {
                best = Some((length, row));
            }
        }
        best.map(|(length, row)| (length, self.rows[row as usize].1))
    }
}

/// How many words the elements take, as many as they can.
fn matched(elements: &[Element], tokens: &[Token<'_>]) -> Option<usize> {
    let Some((element, rest)) = elements.split_first() else { return Some(0) };
    let taken = match tokens.first() {
        Some(token) if element.takes(token.word) => matched(rest, &tokens[1..]).map(|n| n + 1),
        _ => None,
    };
    let skipped = if element.optional { matched(rest, tokens) } else { None };
    taken.max(skipped)
}

impl Element {
    fn read(text: &'static str) -> Element {
        let (text, optional) = match text.strip_suffix('?') {
            // A question mark alone is one.
            Some("") | None => (text, false),
            Some(text) => (text, true),
        };
        let words = match text {
            "_" => Vec::new(),
            _ => text
                .split('|')
                .map(|word| match word.strip_suffix('*') {
                    Some(text) => Word { text, beginning: true },
                    None => Word { text: word, beginning: false },
                })
                .collect(),
        };
        Element { words, optional }
    }

    fn takes(&self, word: &str) -> bool {
        if self.words.is_empty() {
            return !is_mark(word);
        }
        self.words.iter().any(|w| if w.beginning { word.starts_with(w.text) } else { word == w.text })
    }
}

fn beginning(word: &str) -> [u8; 3] {
    let bytes = word.as_bytes();
    [bytes[0], bytes[1], bytes[2]]
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokens;
    use super::*;

    fn check(sentence: &str, expected: Option<(usize, u8)>) {
        let table =
            Table::new(&[("effusion*", 1), ("pleural effusion*", 2), ("no _? change in", 3), ("left|right lower", 4)]);
        let mut found = Vec::new();
        tokens(sentence, &mut found);
        assert_eq!(table.longest(&found, 0), expected, "{sentence}");
    }

    #[test]
    fn the_longest_counts() {
        check("effusions", Some((1, 1)));
        check("pleural effusion", Some((2, 2)));
        check("pleural", None);
        check("no change in", Some((3, 3)));
        check("no significant change in the", Some((4, 3)));
        check("no , change in", None);
        check("right lower", Some((2, 4)));
        check("ef", None);
    }
}
