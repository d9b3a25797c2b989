//! Sections of an answer.

use hilum_workers::messages::draft::{DraftedSection, DraftedSentence};

use crate::sentences::sentences_of;

const FINDINGS: &str = "findings";
const IMPRESSION: &str = "impression";

/// Headings under which models put what a report calls findings or impression. Whatever
/// stands under another heading stays where it is.
const HEADINGS: [(&str, &str); 8] = [
    ("findings", FINDINGS),
    ("finding", FINDINGS),
    ("impression", IMPRESSION),
    ("impressions", IMPRESSION),
    ("conclusion", IMPRESSION),
    ("conclusions", IMPRESSION),
    ("summary", IMPRESSION),
    ("overall impression", IMPRESSION),
];

/// Splits an answer into findings and impression, each into sentences.
///
/// A heading is one of the known words at the start of a line, in any case, bare or in
/// markdown (`**Findings:**`, `## Impression`), with a colon or alone on its line. Text
/// before the first heading, or without any, is findings. Sections come in the order of
/// the report, each once, and none is empty.
pub fn sections_of(answer: &str) -> Vec<DraftedSection> {
    let mut texts = [(FINDINGS, String::new()), (IMPRESSION, String::new())];
    let mut current = 0;
    for line in answer.lines() {
        let words = match heading(line) {
            Some((section, words)) => {
                current = usize::from(section == IMPRESSION);
                texts[current].1.push_str("\n\n");
                words
            }
            None => line,
        };
        texts[current].1.push_str(&without_markdown(words));
        texts[current].1.push('\n');
    }
    texts
        .into_iter()
        .map(|(section, text)| DraftedSection {
            section: section.to_owned(),
            sentences: sentences_of(&text).into_iter().map(DraftedSentence::free).collect(),
        })
        .filter(|section| !section.sentences.is_empty())
        .collect()
}

/// The text without a last sentence that the room cut short, where `finish` says that it ran out ("length"). Half a
/// sentence may say the opposite of the whole one ("No effusion or"), so it is kept in the raw text and never proposed.
pub(crate) fn whole_sentences<'a>(text: &'a str, finish: &str) -> &'a str {
    if finish != "length" {
        return text;
    }
    let text = text.trim_end();
    let ends = |c: char| matches!(c, '.' | '!' | '?' | '\u{3002}');
    if text.trim_end_matches(|c: char| matches!(c, ')' | '"' | '\'' | '*' | '\u{201d}')).ends_with(ends) {
        return text;
    }
    // What a full stop inside a number or an abbreviation leaves behind is no more whole, so lines and stops
    // followed by white space count alone.
    let stop = text
        .char_indices()
        .rev()
        .find(|&(at, c)| c == '\n' || ends(c) && text[at + c.len_utf8()..].starts_with(char::is_whitespace));
    stop.map_or("", |(at, c)| &text[..at + c.len_utf8()])
}

/// The section that a line opens, and what else stands on the line.
fn heading(line: &str) -> Option<(&'static str, &str)> {
    let decoration = |c: char| matches!(c, '#' | '*' | '_' | ' ' | '\t');
    let line = line.trim_start_matches(decoration);
    let end = line.find(|c: char| !c.is_alphabetic() && c != ' ').unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    let folded = word.trim().to_lowercase();
    let section = HEADINGS.iter().find(|(heading, _)| *heading == folded)?.1;
    // "Findings are stable." is no heading: after the word comes a colon or nothing.
    let rest = rest.trim_start_matches(decoration);
    match rest.strip_prefix(':') {
        Some(words) => Some((section, words.trim_start_matches(decoration))),
        None if rest.trim().is_empty() => Some((section, "")),
        None => None,
    }
}

/// A line without emphasis and heading marks; a leading list mark is kept for the splitter.
fn without_markdown(line: &str) -> String {
    let line = line.trim();
    let line = line.trim_start_matches('#').trim_start();
    line.replace("**", "").replace("__", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &str, findings: &[&str], impression: &[&str]) {
        let mut expected = Vec::new();
        for (section, sentences) in [(FINDINGS, findings), (IMPRESSION, impression)] {
            if !sentences.is_empty() {
                expected.push(DraftedSection {
                    section: section.to_owned(),
                    sentences: sentences.iter().map(|text| DraftedSentence::free(*text)).collect(),
                });
            }
        }
        assert_eq!(sections_of(answer), expected, "{answer:?}");
    }

    #[test]
    fn without_headings() {
        check("", &[], &[]);
        check("Clear lungs. No effusion.", &["Clear lungs.", "No effusion."], &[]);
        check("Findings are stable. Fine.", &["Findings are stable.", "Fine."], &[]);
        check("The impression: unclear.", &["The impression: unclear."], &[]);
    }

    #[test]
    fn headings_in_every_dress() {
        for (findings, impression) in [
            ("FINDINGS:", "IMPRESSION:"),
            ("Findings:", "Impression:"),
            ("findings :", "impression :"),
            ("**Findings:**", "**Impression:**"),
            ("**Findings**:", "**Impression**:"),
            ("## Findings", "## Impression"),
            ("### FINDINGS:\n", "### CONCLUSION:\n"),
            ("Findings", "Impression"),
            ("__Findings__", "__Summary__"),
            ("  FINDINGS:", "\tIMPRESSIONS:"),
        ] {
            let answer = format!("{findings}\nClear lungs. No effusion.\n{impression}\nNormal.");
            check(&answer, &["Clear lungs.", "No effusion."], &["Normal."]);
        }
    }

    #[test]
    fn text_on_the_line_of_the_heading() {
        check("FINDINGS: Clear lungs.\nIMPRESSION: Normal.", &["Clear lungs."], &["Normal."]);
        check("**Findings:** Clear lungs.\n\n**Impression:** Normal.", &["Clear lungs."], &["Normal."]);
        check("IMPRESSION: 1. Normal. 2. No change.", &[], &["Normal.", "No change."]);
    }

    #[test]
    fn what_the_room_cut_short_is_not_proposed() {
        for (text, whole) in [
            ("Clear lungs. No effusion or", "Clear lungs."),
            ("Clear lungs. No effusion.", "Clear lungs. No effusion."),
            ("A nodule of 2.5", ""),
            ("Findings:\n* Clear lungs\n* No pneumoth", "Findings:\n* Clear lungs\n"),
            ("\"Clear.\"", "\"Clear.\""),
            ("", ""),
        ] {
            assert_eq!(whole_sentences(text, "length"), whole, "{text:?}");
            assert_eq!(whole_sentences(text, "stop"), text, "{text:?}");
        }
    }

    #[test]
    fn odd_orders() {
        check("Clear lungs.\nIMPRESSION: Normal.", &["Clear lungs."], &["Normal."]);
        check("IMPRESSION: Normal.\nFINDINGS: Clear lungs.", &["Clear lungs."], &["Normal."]);
        check("FINDINGS: A.\nIMPRESSION: B.\nFINDINGS: C.", &["A.", "C."], &["B."]);
        check("FINDINGS:\nIMPRESSION:\n", &[], &[]);
    }

    #[test]
    fn markdown_in_the_text() {
        check(
            "**Findings:**\n* **Heart:** Normal.\n* **Lungs:** Clear.\n\n**Impression:**\n1. Normal.",
            &["Heart: Normal.", "Lungs: Clear."],
            &["Normal."],
        );
        check("# Chest X-ray\n\nFindings:\nClear.", &["Chest X-ray", "Clear."], &[]);
    }
}
