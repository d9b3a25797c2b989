//! What a person stands for in a report, as a model may be given it.

use hilum_report::{Origin, Region, Report, SectionKind, Sentence, Written};

/// The indication as a person wrote it in this report; template text and proposals do not count.
pub(crate) fn indication(report: &Report) -> Option<String> {
    let words: Vec<&str> = sentences(report, SectionKind::Indication).map(|s| s.text.trim()).collect();
    let text = words.join(" ");
    (!text.is_empty()).then_some(text)
}

/// A section as a person typed, edited or accepted it. Findings come a region a line,
/// "Pleura: Small left effusion.", in the order of the regions; what is of no region comes last.
pub(crate) fn stated(report: &Report, section: SectionKind) -> String {
    let texts = |region: Option<Region>| -> Vec<&str> {
        let of_region = sentences(report, section).filter(|s| s.region == region);
        of_region.map(|s| s.text.trim()).filter(|text| !text.is_empty()).collect()
    };
    let mut lines = Vec::new();
    for region in Region::ALL {
        let texts = texts(Some(region));
        if !texts.is_empty() {
            lines.push(format!("{}: {}", region.heading(), texts.join(" ")));
        }
    }
    let rest = texts(None).join(" ");
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines.join("\n")
}

/// Measurements that a person wrote anywhere in the report: a number and a unit of length
/// or volume, as written ("12 mm", "3.5 cm"). Each once.
pub(crate) fn measured(report: &Report) -> Vec<String> {
    let mut found = Vec::new();
    for section in report.sections() {
        for sentence in sentences(report, section.kind) {
            for value in measurements(&sentence.text) {
                if !found.contains(&value) {
                    found.push(value);
                }
            }
        }
    }
    found
}

fn sentences(report: &Report, section: SectionKind) -> impl Iterator<Item = &Written> {
    let sentences = report.section(section).into_iter().flat_map(|section| &section.sentences);
    sentences.filter_map(|sentence| match sentence {
        Sentence::Written(written) if !matches!(written.origin, Origin::Template { .. }) => Some(written),
        _ => None,
    })
}

fn measurements(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let bare = |word: &str| {
        word.trim_matches(|c: char| matches!(c, ',' | ';' | '(' | ')' | ':')).trim_end_matches('.').to_owned()
    };
    let is_unit = |word: &str| matches!(word, "mm" | "cm" | "ml" | "cc" | "m");
    let is_number = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_digit())
            && word.ends_with(|c: char| c.is_ascii_digit())
            && word.chars().all(|c| c.is_ascii_digit() || c == '.')
            && word.matches('.').count() < 2
    };
    let mut found = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let word = bare(word);
        let split = word.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(word.len());
        let (number, unit) = word.split_at(split);
        if is_number(number) && is_unit(unit) {
            found.push(word);
        } else if is_number(&word) {
            let next = words.get(index + 1).map(|next| bare(next)).unwrap_or_default();
            if is_unit(&next) {
                found.push(format!("{word} {next}"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(measurements(text), expected, "{text}");
    }

    #[test]
    fn measurements_as_written() {
        check("A nodule of 12 mm.", &["12 mm"]);
        check("Nodule (3.5 cm), and 8mm; tip 2 cm above the carina.", &["3.5 cm", "8mm", "2 cm"]);
        check("Rib 7 is fractured on 2026-11-23.", &[]);
        check("1.2.3 mm, mm, 5 kg", &[]);
        check("", &[]);
    }
}
