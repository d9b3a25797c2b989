//! What a character asks of the page: cleaning, script, where a line may end.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Text as it can be printed: composed (NFC), without characters that have no
/// ink of their own or would turn the reading direction of what follows
/// (Unicode Bidirectional Algorithm, UAX #9, 2.1 to 2.4), and with every kind
/// of space and control as one of a space, a no-break space or a line feed.
pub(crate) fn printable(text: &str) -> String {
    text.nfc()
        .filter_map(|c| match c {
            '\n' | '\u{0B}' | '\u{0C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
            '\r' => None,
            '\u{A0}' | '\u{202F}' | '\u{2007}' => Some('\u{A0}'),
            '\u{2011}' => Some('\u{2010}'),
            '\u{200C}' | '\u{200D}' => Some(c),
            c if c.is_control() || c.is_whitespace() => Some(' '),
            c if is_ignorable(c) => None,
            c => Some(c),
        })
        .collect()
}

/// Joiners steer shaping but need no glyph.
pub(crate) fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

pub(crate) fn is_mark(c: char) -> bool {
    is_combining_mark(c)
}

/// The OpenType script tag of text that cannot be printed character by
/// character, `None` where it can.
pub(crate) fn shaping_script(c: char) -> Option<u32> {
    let tag: &[u8; 4] = match c as u32 {
        0x0591..=0x05C7 => b"hebr",
        0x0600..=0x06FF | 0x0750..=0x077F | 0x08A0..=0x08FF | 0xFB50..=0xFDFF | 0xFE70..=0xFEFC => b"arab",
        0x0900..=0x097F | 0xA8E0..=0xA8FF => b"deva",
        0x0980..=0x09FF => b"beng",
        0x0B80..=0x0BFF => b"taml",
        0x0E00..=0x0E7F => b"thai",
        _ if is_joiner(c) => return None,
        _ if is_combining_mark(c) => b"latn",
        _ => return None,
    };
    Some(u32::from_be_bytes(*tag))
}

/// True for characters of scripts that are written without spaces, so that a
/// line may end on either side of them.
pub(crate) fn breaks_anywhere(c: char) -> bool {
    matches!(c as u32, 0x2E80..=0x2FFF | 0x3003..=0x3007 | 0x3012..=0x30FF | 0x3100..=0x9FFF | 0xF900..=0xFAFF | 0xFF10..=0xFF5A | 0x20000..=0x3FFFF)
}

/// The glyph that is drawn for a character inside right-to-left text
/// (Bidi_Mirroring_Glyph of the brackets that names and reports use).
pub(crate) fn mirrored(c: char) -> char {
    match c {
        '(' => ')',
        ')' => '(',
        '[' => ']',
        ']' => '[',
        '{' => '}',
        '}' => '{',
        '<' => '>',
        '>' => '<',
        '«' => '»',
        '»' => '«',
        c => c,
    }
}

fn is_ignorable(c: char) -> bool {
    matches!(c as u32, 0xAD | 0x61C | 0x180E | 0x200B | 0x200E | 0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0xFE00..=0xFE0F | 0xFEFF | 0xFFF9..=0xFFFB | 0xE0000..=0xE0FFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(printable(text), expected, "{text:?}");
    }

    #[test]
    fn text_is_cleaned_but_keeps_its_letters() {
        check("Müller, Åse", "Müller, Åse");
        check("Mu\u{308}ller", "Müller");
        check("a\tb\r\nc", "a b\nc");
        check("\u{202E}live\u{202C}\u{FEFF}", "live");
        check("x\u{1B}[31m\0y", "x [31m y");
        check("5\u{202F}mm \u{2011}", "5\u{A0}mm \u{2010}");
        check("<b>&amp;</b>", "<b>&amp;</b>");
    }
}
