//! Lengths that cannot be meant as they are written.

/// Longest length on a chest radiograph, millimetres: the largest detectors are 43 cm on a side.
const LONGEST_MM: f64 = 430.0;

/// What is wrong with the lengths of a sentence, as a plain sentence: one that no detector could show,
/// or two that are said to be the same and are not ("2 cm (12 mm)"). `on_images`: the sentence says what the images
/// show. Elsewhere a patient's height and the distance of a tube are as long as they are.
pub(super) fn problem(text: &str, on_images: bool) -> Option<String> {
    let lengths = lengths(text);
    if let Some(long) = lengths.iter().find(|l| on_images && l.millimetres > LONGEST_MM) {
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
        measured.iter().any(|m| (m - length.millimetres).abs() <= length.half.max(0.05 * m) + 1e-9)
    };
    let found = lengths(text).into_iter().find(|length| !known(length))?;
    Some(format!("{} was not measured on these images.", found.words))
}

/// A ratio in the text that was not measured on the images, as a plain sentence; two digits of it are held to what is
/// known.
pub(super) fn unmeasured_ratio(text: &str, measured: &[f64]) -> Option<String> {
    let small = text.to_ascii_lowercase();
    let at = ["cardiothoracic", "cardio-thoracic", "ctr", "ratio"].iter().filter_map(|word| small.find(word)).min()?;
    let rest = &text[at..];
    let starts = rest.find(|c: char| c.is_ascii_digit())?;
    let number: &str = rest[starts..].split(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').next()?;
    let said: f64 = number.trim_end_matches(['.', ',']).replace(',', ".").parse().ok()?;
    let percent = rest[starts + number.len()..].trim_start().starts_with('%');
    let ratio = if percent { said / 100.0 } else { said };
    let known = measured.iter().any(|m| (m - ratio).abs() < 0.0151);
    ((0.1..1.0).contains(&ratio) && !known)
        .then(|| format!("The ratio {}{} was not measured on these images.", number.trim_end_matches(['.', ',']), if percent { " %" } else { "" }))
}

struct Length<'a> {
    words: &'a str,
    millimetres: f64,
    /// Half of the last digit that is written, millimetres.
    half: f64,
    start: usize,
    end: usize,
}

/// Numbers with a unit of length after them, with a point or a comma before the decimals.
fn lengths(text: &str) -> Vec<Length<'_>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let number = if let Some((words, number)) = spelt(text, at) {
            at += words;
            number
        } else if !bytes[at].is_ascii_digit() || (at > 0 && bytes[at - 1].is_ascii_alphanumeric() && !is_by(bytes, at - 1)) {
            at += 1;
            continue;
        } else {
            while at < bytes.len() && (bytes[at].is_ascii_digit() || is_point(bytes, at)) {
                at += 1;
            }
            let Ok(number) = text[start..at].replace(',', ".").parse::<f64>() else { continue };
            number
        };
        let Some(Unit { end, words_end, millimetres }) = unit_after(text, at) else { continue };
        let decimals = text[start..at].split(['.', ',']).nth(1).map_or(0, str::len);
        found.push(Length {
            words: &text[start..words_end],
            millimetres: number * millimetres,
            half: 0.5 * millimetres / 10f64.powi(decimals as i32),
            start,
            end,
        });
        at = end;
    }
    found
}

/// A unit of length behind a number.
struct Unit {
    /// Where the number's own words end, and where those end that say its unit.
    end: usize,
    words_end: usize,
    /// Of one of it.
    millimetres: f64,
}

/// The unit of a number that ends here. In "6 x 9 mm" and "6 by 9 mm" it is of both numbers, and of three at most.
fn unit_after(text: &str, at: usize) -> Option<Unit> {
    let mut number_ends = at;
    for _ in 0..3 {
        let unit = text[number_ends..].trim_start_matches([' ', '-', '\u{a0}']);
        let letters = unit.bytes().take_while(u8::is_ascii_alphabetic).count();
        let millimetres = match unit[..letters].to_ascii_lowercase().as_str() {
            "mm" | "millimeter" | "millimeters" | "millimetre" | "millimetres" => Some(1.0),
            "cm" | "centimeter" | "centimeters" | "centimetre" | "centimetres" => Some(10.0),
            _ => None,
        };
        if let Some(millimetres) = millimetres {
            let words_end = text.len() - unit.len() + letters;
            let end = if number_ends == at { words_end } else { at };
            return Some(Unit { end, words_end, millimetres });
        }
        let next = ["x", "X", "\u{d7}", "*", "by"].iter().find_map(|by| unit.strip_prefix(by))?.trim_start();
        let digits = next.bytes().take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b',')).count();
        if digits == 0 {
            return None;
        }
        number_ends = text.len() - next.len() + digits;
    }
    None
}

/// A number in words that begins here as a word of its own: its length, and what it is.
fn spelt(text: &str, at: usize) -> Option<(usize, f64)> {
    const WORDS: [&str; 12] =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    if !text.is_char_boundary(at) || text[..at].ends_with(char::is_alphanumeric) {
        return None;
    }
    let word = text[at..].split(|c: char| !c.is_alphabetic()).next()?;
    let number = WORDS.iter().position(|w| w.eq_ignore_ascii_case(word))?;
    Some((word.len(), number as f64 + 1.0))
}

/// The "x" of "4x5 mm".
fn is_by(bytes: &[u8], at: usize) -> bool {
    bytes[at].eq_ignore_ascii_case(&b'x') && at > 0 && bytes[at - 1].is_ascii_digit()
}

fn is_point(bytes: &[u8], at: usize) -> bool {
    matches!(bytes[at], b'.' | b',') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::{problem, unmeasured, unmeasured_ratio};

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
        check("A 4x5 mm nodule.", &[4.0], true);
        check("A 4x5 mm nodule.", &[5.0], true);
        check("A 4x5 mm nodule.", &[5.0, 4.0], false);
        check("Nodule of 6 x 12 mm.", &[12.0], true);
        check("Nodule of 6 \u{d7} 12 mm.", &[12.0], true);
        check("Nodule of 6 by 12 mm.", &[12.0], true);
        check("Mass of 2 x 3 x 4 cm.", &[30.0, 40.0], true);
        check("Mass of 2 x 3 x 4 cm.", &[20.0, 30.0, 40.0], false);
        check("Rib 6 by the 12 mm nodule.", &[12.0], false);
        check("The heart measures 15.8 cm.", &[148.0], true);
        check("The heart measures 15.4 cm.", &[148.0], false);
        check("A three cm mass.", &[], true);
        check("One or two nodules.", &[], false);
        check("Measured length 30 mm on the prior of 2024-01-05.", &[30.0], false);
        check("Measured length 30 mm on the prior of 2024-01-05.", &[], true);
        check("Measured length 30 mm (calibrated).", &[30.0], false);
        check("Measured 30 mm by 15 mm (at the detector).", &[30.0, 15.0], false);
        check("Measured 30 mm by 15 mm (at the detector).", &[30.0], true);
    }

    #[test]
    fn ratios_that_nobody_measured() {
        let check = |text: &str, measured: &[f64], expected: bool| {
            assert_eq!(unmeasured_ratio(text, measured).is_some(), expected, "{text} {measured:?}");
        };
        check("Cardiothoracic ratio 0.56.", &[], true);
        check("Cardiothoracic ratio of 56 %.", &[0.56], false);
        check("CTR 0,52", &[0.61], true);
        check("Cardiothoracic ratio 0.56 on the prior of 2024-01-05.", &[0.56], false);
        check("Cardiothoracic ratio 0.56 on the prior of 2024-01-05.", &[0.48], true);
        check("The cardiothoracic ratio is enlarged.", &[], false);
        check("Cardiothoracic surgery in 2019.", &[], false);
    }

    #[test]
    fn lengths_that_cannot_be() {
        let check = |text: &str, expected: bool| assert_eq!(problem(text, true).is_some(), expected, "{text}");
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
        let elsewhere = |text: &str, expected: bool| assert_eq!(problem(text, false).is_some(), expected, "{text}");
        elsewhere("PA at 180 cm SID.", false);
        elsewhere("Height 175 cm.", false);
        elsewhere("A 2.5 cm (12 mm) nodule on CT.", true);
    }
}
