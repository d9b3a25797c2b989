//! Words of chest radiology that a general list of English words lacks, for spelling.

/// One word a line, in lower case, sorted; American and British spellings side by side. The
/// project's own list: the words of the labeller and of the built-in templates, and the usual
/// vocabulary of chest radiographs.
const WORDS: &str = include_str!("lexicon.txt");

/// The words, sorted.
pub fn words() -> impl Iterator<Item = &'static str> {
    WORDS.lines()
}

/// The words of a text as spelling looks at them: letters, with apostrophes inside, in lower case.
pub fn words_of(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphabetic() && c != '\'' && c != '\u{2019}')
        .map(|word| word.trim_matches(['\'', '\u{2019}']).to_lowercase())
        .filter(|word| word.chars().count() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SectionKind, builtin_templates, claims};
    use std::collections::BTreeSet;

    #[test]
    fn one_word_a_line_and_sorted() {
        let all: Vec<&str> = words().collect();
        assert!(all.is_sorted_by(|a, b| a < b), "the list is sorted and has no word twice");
        for word in &all {
            assert_eq!(words_of(word).collect::<Vec<_>>(), [*word], "{word:?}");
        }
    }

    #[test]
    fn the_templates_and_the_labeller_are_in_it() {
        let known: BTreeSet<&str> = words().collect();
        let mut own: BTreeSet<String> = claims::vocabulary().flat_map(words_of).collect();
        for template in builtin_templates() {
            own.extend(words_of(&template.name));
            own.extend(template.sections.iter().flat_map(|s| &s.text).flat_map(|(text, _)| words_of(text)));
        }
        use SectionKind::{Addendum, Comparison, Exam, Findings, Impression, Indication, Technique};
        for kind in [Exam, Indication, Comparison, Technique, Findings, Impression, Addendum] {
            own.extend(words_of(kind.heading()));
        }
        let missing: Vec<&String> = own.iter().filter(|word| !known.contains(word.as_str())).collect();
        assert!(missing.is_empty(), "not in lexicon.txt: {missing:?}");
    }
}
