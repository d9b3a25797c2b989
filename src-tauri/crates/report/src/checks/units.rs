//! Lengths that cannot be meant as they are written.

/// Longest length on a chest radiograph, millimetres: the largest detectors are 43 cm on a side.
const LONGEST_MM: f64 = 430.0;

/// What is wrong with the lengths of a sentence, as a plain sentence: one that no detector could show,
/// or two that are said to be the same and are not ("2 cm (12 mm)").
pub(super) fn problem(text: &str) -> Option<String> {
    let lengths = lengths(text);
    if let Some(long) = lengths.iter().find(|l| l.millimetres > LONGEST_MM) {
        return Some(format!("{} is longer than a chest radiograph.", long.words));
    }
    let same = lengths.windows(2).find(|pair| {
        let [a, b] = pair else { return false };
        let bracketed = text[a.end..b.start].trim() == "(" && text[b.end..].trim_start().starts_with(')');
        let apart = (a.millimetres - b.millimetres).abs();
        bracketed && apart > 1.0 && apart > 0.1 * a.millimetres.max(b.millimetres)
    })?;
    Some(format!("{} and {} are not the same length.", same[0].words, same[1].words))
}

/// A length in the text that was not measured on the images, as a plain sentence. What is written is
/// rounded: half of its last digit, and one in twenty, are let pass.
pub(super) fn unmeasured(text: &str, measured: &[f64]) -> Option<String> {
    let known = |length: &Length<'_>| {
        let digits =
            length.words.split(['.', ',']).nth(1).map_or(0, |d| d.bytes().take_while(u8::is_ascii_digit).count());
        let unit = if length.words.to_ascii_lowercase().contains('c') { 10.0 } else { 1.0 };
        let half = 0.5 * unit / 10f64.powi(digits as i32);
        measured.iter().any(|m| (m - length.millimetres).abs() <= half.max(0.05 * m) + 1e-9)
    };
    let found = lengths(text).into_iter().find(|length| !known(length))?;
    Some(format!("{} was not measured on these images.", found.words))
}

struct Length<'a> {
    words: &'a str,
    millimetres: f64,
    start: usize,
    end: usize,
}

/// Numbers with a unit of length after them, with a point or a comma before the decimals.
fn lengths(text: &str) -> Vec<Length<'_>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() || (at > 0 && bytes[at - 1].is_ascii_alphanumeric()) {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && (bytes[at].is_ascii_digit() || is_point(bytes, at)) {
            at += 1;
        }
        let Ok(number) = text[start..at].replace(',', ".").parse::<f64>() else { continue };
        let rest = &text[at..];
        let unit = rest.trim_start_matches([' ', '-', '\u{a0}']);
        let letters = unit.bytes().take_while(u8::is_ascii_alphabetic).count();
        let millimetres = match unit[..letters].to_ascii_lowercase().as_str() {
            "mm" | "millimeter" | "millimeters" | "millimetre" | "millimetres" => number,
            "cm" | "centimeter" | "centimeters" | "centimetre" | "centimetres" => 10.0 * number,
            _ => continue,
        };
        at += rest.len() - unit.len() + letters;
        found.push(Length { words: &text[start..at], millimetres, start, end: at });
    }
    found
}

fn is_point(bytes: &[u8], at: usize) -> bool {
    matches!(bytes[at], b'.' | b',') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::{problem, unmeasured};

    #[test]
    fn lengths_that_nobody_measured() {
        let check = |text: &str, measured: &[f64], expected: bool| {
            assert_eq!(unmeasured(text, measured).is_some(), expected, "{text} {measured:?}");
        };
        check("A 7 mm nodule.", &[], true);
        check("A 7 mm nodule.", &[7.3], false);
        check("A 7 mm nodule.", &[9.0], true);
        check("A 2 cm nodule.", &[22.0], false);
        check("A 2.0 cm nodule.", &[25.0], true);
        check("A nodule.", &[], false);
        check("T12 and 3 views.", &[], false);
    }

    #[test]
    fn lengths_that_cannot_be() {
        let check = |text: &str, expected: bool| assert_eq!(problem(text).is_some(), expected, "{text}");
        check("A 7 mm nodule.", false);
        check("A 2.5 cm (25 mm) nodule.", false);
        check("A 2,5 cm (25 mm) nodule.", false);
        check("A 2.5 cm (12 mm) nodule.", true);
        check("A 2.5 cm nodule and a 12 mm nodule.", false);
        check("ETT 35 cm above the carina.", false);
        check("ETT 350 cm above the carina.", true);
        check("A 700 mm nodule.", true);
        check("A 70-cm effusion.", true);
        check("T12 and 3 mm; 1. Clear.", false);
        check("100 CM", true);
        check("", false);
    }
}
