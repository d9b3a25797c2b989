//! Text of DICOM elements: Specific Character Set (0008,0005) with code extensions.
//!
//! PS3.3 C.12.1.1.2 names the sets, PS3.5 section 6.1 and annexes H to K say how
//! escape sequences switch between them within one value: a sequence designates
//! a set to G0 (bytes below 0x80) or G1 (above), and both fall back to the first
//! set of the list at every delimiter (6.1.2.5.3).

use encoding_rs::{
    EUC_JP, EUC_KR, Encoding, GB18030, GBK, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6, ISO_8859_7,
    ISO_8859_8, ISO_8859_15, SHIFT_JIS, UTF_8, WINDOWS_874, WINDOWS_1254,
};

/// How the bytes of text elements become text.
#[derive(Debug, Clone)]
pub struct CharacterSet {
    whole: Option<&'static Encoding>,
    g0: Set,
    g1: Set,
    absent: bool,
}

/// Which delimiters end a designation besides the control characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `\` separates values.
    Text,
    /// `\`, and `^` and `=` between the parts of a name.
    PersonName,
}

impl CharacterSet {
    /// Reads the raw value of (0008,0005); `None` where the element is absent.
    ///
    /// Unknown terms count as the default repertoire, so that a file with a
    /// misspelt set still opens with its ASCII text right.
    pub fn new(value: Option<&[u8]>) -> Self {
        let text = value.map(|v| String::from_utf8_lossy(v).into_owned()).unwrap_or_default();
        let first = text.split('\\').next().unwrap_or_default().trim_matches([' ', '\0']).to_owned();
        let absent = text.trim_matches([' ', '\0', '\\']).is_empty();
        let whole = match first.as_str() {
            "ISO_IR 192" | "ISO 2022 IR 192" => Some(UTF_8),
            "GB18030" => Some(GB18030),
            "GBK" => Some(GBK),
            _ => None,
        };
        let (g0, g1) = initial(&first);
        Self { whole, g0, g1, absent }
    }

    /// Decodes one element's bytes. Bytes that mean nothing become U+FFFD.
    pub fn decode(&self, bytes: &[u8], kind: Kind) -> String {
        if let Some(encoding) = self.whole {
            return encoding.decode_without_bom_handling(bytes).0.into_owned();
        }
        // Without a declared set only ASCII is allowed; what is valid UTF-8 all
        // the same is more likely that than Latin 1.
        if self.absent
            && !bytes.contains(&0x1B)
            && !bytes.is_ascii()
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return text.to_owned();
        }
        let (mut g0, mut g1) = (self.g0, self.g1);
        let mut text = String::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            if byte == 0x1B {
                match designation(&bytes[at + 1..]) {
                    Some((length, set, true)) => {
                        g0 = set;
                        at += 1 + length;
                    }
                    Some((length, set, false)) => {
                        g1 = set;
                        at += 1 + length;
                    }
                    None => at += 1,
                }
                continue;
            }
            // Line ends and the like are outside G0 and reset even where two bytes make a character.
            let control = matches!(byte, b'\t' | b'\n' | 0x0C | b'\r');
            let delimiter = byte == b'\\' || (kind == Kind::PersonName && matches!(byte, b'^' | b'='));
            if control || (delimiter && !g0.is_double()) {
                (g0, g1) = (self.g0, self.g1);
                text.push(char::from(byte));
                at += 1;
                continue;
            }
            let set = if byte < 0x80 { g0 } else { g1 };
            at += set.push(&bytes[at..], &mut text);
        }
        text
    }
}

/// A set that a byte below or above 0x80 can stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Ascii,
    /// ISO/IEC 8859 part 1, whose upper half is Unicode's.
    Latin1,
    Single(&'static Encoding),
    /// JIS X 0201 katakana in the upper half.
    Katakana,
    JisX0208,
    JisX0212,
    KsX1001,
    Gb2312,
}

impl Set {
    fn is_double(self) -> bool {
        matches!(self, Self::JisX0208 | Self::JisX0212)
    }

    /// Decodes one character from the front; returns how many bytes it took.
    fn push(self, bytes: &[u8], text: &mut String) -> usize {
        let byte = bytes[0];
        let pair = |high: u8| bytes.get(1).map(|second| [byte | high, second | high]);
        let (length, decoded) = match self {
            Self::Ascii if byte < 0x80 => {
                text.push(char::from(byte));
                return 1;
            }
            // Latin 1 for stray upper bytes: what every other reader shows.
            Self::Ascii | Self::Latin1 => {
                text.push(char::from(byte));
                return 1;
            }
            Self::Single(encoding) => (1, encoding.decode_without_bom_handling(&bytes[..1]).0.into_owned()),
            Self::Katakana => (1, SHIFT_JIS.decode_without_bom_handling(&bytes[..1]).0.into_owned()),
            _ if byte <= 0x20 => {
                text.push(char::from(byte));
                return 1;
            }
            Self::JisX0208 => match pair(0x80) {
                Some(pair) => (2, EUC_JP.decode_without_bom_handling(&pair).0.into_owned()),
                None => (1, char::REPLACEMENT_CHARACTER.to_string()),
            },
            Self::JisX0212 => match pair(0x80) {
                Some([a, b]) => (2, EUC_JP.decode_without_bom_handling(&[0x8F, a, b]).0.into_owned()),
                None => (1, char::REPLACEMENT_CHARACTER.to_string()),
            },
            Self::KsX1001 => match pair(0) {
                Some(pair) => (2, EUC_KR.decode_without_bom_handling(&pair).0.into_owned()),
                None => (1, char::REPLACEMENT_CHARACTER.to_string()),
            },
            Self::Gb2312 => match pair(0) {
                Some(pair) => (2, GBK.decode_without_bom_handling(&pair).0.into_owned()),
                None => (1, char::REPLACEMENT_CHARACTER.to_string()),
            },
        };
        text.push_str(&decoded);
        length
    }
}

/// G0 and G1 at the start of each value, by the first term of (0008,0005).
fn initial(term: &str) -> (Set, Set) {
    let number = term.trim_start_matches("ISO_IR").trim_start_matches("ISO 2022 IR").trim();
    let upper = match number {
        "100" => Set::Latin1,
        "101" => Set::Single(ISO_8859_2),
        "109" => Set::Single(ISO_8859_3),
        "110" => Set::Single(ISO_8859_4),
        "144" => Set::Single(ISO_8859_5),
        "127" => Set::Single(ISO_8859_6),
        "126" => Set::Single(ISO_8859_7),
        "138" => Set::Single(ISO_8859_8),
        "148" => Set::Single(WINDOWS_1254),
        "203" => Set::Single(ISO_8859_15),
        "166" => Set::Single(WINDOWS_874),
        "13" => Set::Katakana,
        "149" => Set::KsX1001,
        "58" => Set::Gb2312,
        _ => Set::Ascii,
    };
    (Set::Ascii, upper)
}

/// The escape sequences of PS3.3 tables C.12-3 and C.12-4, without the escape
/// itself: how long, which set, and whether it goes to G0.
fn designation(after: &[u8]) -> Option<(usize, Set, bool)> {
    const KNOWN: [(&[u8], Set, bool); 18] = [
        (b"(B", Set::Ascii, true),
        // JIS X 0201 romaji differs from ASCII in two glyphs only, and DICOM's
        // delimiter is one of them; it is read as ASCII, as other readers do.
        (b"(J", Set::Ascii, true),
        (b")I", Set::Katakana, false),
        (b"-A", Set::Latin1, false),
        (b"-B", Set::Single(ISO_8859_2), false),
        (b"-C", Set::Single(ISO_8859_3), false),
        (b"-D", Set::Single(ISO_8859_4), false),
        (b"-L", Set::Single(ISO_8859_5), false),
        (b"-G", Set::Single(ISO_8859_6), false),
        (b"-F", Set::Single(ISO_8859_7), false),
        (b"-H", Set::Single(ISO_8859_8), false),
        (b"-M", Set::Single(WINDOWS_1254), false),
        (b"-b", Set::Single(ISO_8859_15), false),
        (b"-T", Set::Single(WINDOWS_874), false),
        (b"$B", Set::JisX0208, true),
        (b"$(D", Set::JisX0212, true),
        (b"$)C", Set::KsX1001, false),
        (b"$)A", Set::Gb2312, false),
    ];
    KNOWN.iter().find(|(code, ..)| after.starts_with(code)).map(|(code, set, to_g0)| (code.len(), *set, *to_g0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(set: &str, bytes: &[u8], wanted: &str) {
        let value = (!set.is_empty()).then_some(set.as_bytes());
        assert_eq!(CharacterSet::new(value).decode(bytes, Kind::PersonName), wanted, "{set}");
    }

    #[test]
    fn names_of_the_standards_examples() {
        // PS3.5 H.3.1, H.3.2, I.2, J.3 and K.2.
        check(
            "\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B=\x1B$B$d$^$@\x1B(B^\x1B$B$?$m$&\x1B(B",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        );
        check(
            "ISO 2022 IR 13\\ISO 2022 IR 87",
            b"\xD4\xCF\xC0\xDE^\xC0\xDB\xB3=\x1B$B;3ED\x1B(J^\x1B$BB@O:\x1B(J",
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎",
        );
        check(
            "\\ISO 2022 IR 149",
            b"Hong^Gildong=\x1B$)C\xFB\xF3^\x1B$)C\xD1\xCE\xD4\xD7=\x1B$)C\xC8\xAB^\x1B$)C\xB1\xE6\xB5\xBF",
            "Hong^Gildong=洪^吉洞=홍^길동",
        );
        check("ISO_IR 192", "Wang^XiaoDong=王^小東".as_bytes(), "Wang^XiaoDong=王^小東");
        check("GB18030", b"Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB", "Wang^XiaoDong=王^小东");
        check(
            "\\ISO 2022 IR 58",
            b"Zhang^XiaoDong=\x1B$)A\xD5\xC5^\x1B$)A\xD0\xA1\xB6\xAB=",
            "Zhang^XiaoDong=张^小东=",
        );
    }

    #[test]
    fn single_byte_sets() {
        let cases: [(&str, &[u8], &str); 12] = [
            ("ISO_IR 100", b"Buc^J\xE9r\xF4me", "Buc^Jérôme"),
            ("ISO_IR 101", b"Wa\xB3\xEAsa", "Wałęsa"),
            ("ISO_IR 109", b"\xA6", "Ĥ"),
            ("ISO_IR 110", b"\xB9", "š"),
            ("ISO_IR 144", b"\xBB\xEE\xDA", "Люк"),
            ("ISO_IR 127", b"\xE2\xC8", "قب"),
            ("ISO_IR 126", b"\xC4\xE9\xEF", "Διο"),
            ("ISO_IR 138", b"\xF9\xF8", "שר"),
            ("ISO_IR 148", b"\xDD\xFE", "İş"),
            ("ISO_IR 203", b"\xA4", "€"),
            ("ISO_IR 166", b"\xA1", "ก"),
            ("ISO_IR 13", b"\xD4", "ﾔ"),
        ];
        for (set, bytes, wanted) in cases {
            check(set, bytes, wanted);
        }
    }

    #[test]
    fn designations_end_at_delimiters() {
        // Without the reset the second part would be Cyrillic too (PS3.5 6.1.2.5.3).
        check("ISO 2022 IR 100\\ISO 2022 IR 144", b"\x1B-L\xBB^\xE9", "Л^é");
        let set = CharacterSet::new(Some(b"ISO 2022 IR 100\\ISO 2022 IR 144"));
        assert_eq!(set.decode(b"\x1B-L\xBB^\xBB\\\xE9", Kind::Text), "Л^Л\\é");
        assert_eq!(set.decode(b"\x1B-L\xBB\r\n\xE9", Kind::Text), "Л\r\né");
    }

    #[test]
    fn what_is_missing_or_wrong_still_reads() {
        check("", b"Plain^Name", "Plain^Name");
        check("", "Jérôme".as_bytes(), "Jérôme");
        check("", b"J\xE9r\xF4me", "Jérôme");
        check("ISO_IR 999", b"Plain^Name", "Plain^Name");
        check("\\ISO 2022 IR 87", b"\x1B$B;", "\u{FFFD}");
        check("ISO_IR 192", b"\xFF", "\u{FFFD}");
        check("ISO_IR 100", b"\x1B", "");
    }
}
