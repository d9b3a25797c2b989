//! A reader's own macros: a point and a name that become sentences.
//!
//! The text is expanded in the window (`ui/src/features/report/macros.ts`); what is held here
//! is what may be kept, and the file in which macros travel.

use crate::SectionKind;
use serde::{Deserialize, Serialize};

/// Longest name, characters.
const LONGEST_NAME: usize = 40;
/// Longest text, bytes: far more than any report needs.
const LONGEST_TEXT: usize = 10_000;
/// Most macros that one file brings, and that one person keeps.
pub const MOST_MACROS: usize = 1000;

/// A short name that becomes sentences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Macro {
    /// Without the point: letters, digits and underscores, a letter first, lower case.
    pub name: String,
    /// Where it can be used; everywhere when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<SectionKind>,
    /// A line a sentence. `${1:side}` is the first parameter and what it is called where none is
    /// given, `${2:left|right}` one with choices; `[number]` is a field.
    pub text: String,
}

/// Why something is not kept as a macro.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MacroError {
    #[error("a macro's name is a point, a letter, and up to 39 letters, digits or underscores")]
    Name,
    #[error("the macro .{0} has no text")]
    Empty(String),
    #[error("the macro .{0} is longer than 10,000 bytes")]
    TooLong(String),
    #[error("in the macro .{0}, ${{ is not followed by a number, a colon, words and }}")]
    Parameter(String),
    #[error("more than 1,000 macros")]
    TooMany,
    #[error("the file holds no macros of Hilum: {0}")]
    NotMacros(String),
}

impl MacroError {
    /// A stable code for the boundary.
    pub fn code(&self) -> &'static str {
        match self {
            MacroError::Name => "macro.name",
            MacroError::Empty(_) => "macro.empty",
            MacroError::TooLong(_) => "macro.too_long",
            MacroError::Parameter(_) => "macro.parameter",
            MacroError::TooMany => "macro.too_many",
            MacroError::NotMacros(_) => "macro.not_macros",
        }
    }
}

impl Macro {
    /// The macro as it is kept: name in lower case without its point, sections in order, lines trimmed.
    ///
    /// # Errors
    /// [`MacroError`] says what is wrong with it.
    pub fn checked(&self) -> Result<Macro, MacroError> {
        let name = self.name.trim().trim_start_matches('.').to_ascii_lowercase();
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let proper = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(word);
        if !proper || name.chars().count() > LONGEST_NAME {
            return Err(MacroError::Name);
        }
        let lines: Vec<&str> = self.text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let text = lines.join("\n");
        if text.is_empty() {
            return Err(MacroError::Empty(name));
        }
        if text.len() > LONGEST_TEXT {
            return Err(MacroError::TooLong(name));
        }
        if !parameters_are_whole(&text) {
            return Err(MacroError::Parameter(name));
        }
        let mut sections = self.sections.clone();
        sections.sort_unstable();
        sections.dedup();
        Ok(Macro { name, sections, text })
    }
}

/// The file in which macros travel: `{"hilum_macros": 1, "macros": [...]}`.
#[derive(Serialize, Deserialize)]
struct File {
    hilum_macros: u32,
    macros: Vec<Macro>,
}

/// Macros as the bytes of a file.
pub fn write_macros(macros: &[Macro]) -> String {
    let file = File { hilum_macros: 1, macros: macros.to_vec() };
    serde_json::to_string_pretty(&file).unwrap_or_default() + "\n"
}

/// The macros of a file, each as it is kept; all of them or none.
///
/// # Errors
/// [`MacroError::NotMacros`] for another file; else what is wrong with the first macro that is refused.
pub fn read_macros(bytes: &[u8]) -> Result<Vec<Macro>, MacroError> {
    let file: File = serde_json::from_slice(bytes).map_err(|e| MacroError::NotMacros(e.to_string()))?;
    if file.hilum_macros != 1 {
        return Err(MacroError::NotMacros(format!("version {}", file.hilum_macros)));
    }
    if file.macros.len() > MOST_MACROS {
        return Err(MacroError::TooMany);
    }
    file.macros.iter().map(Macro::checked).collect()
}

/// Every `${` opens a parameter: a digit from 1 to 9, and where there is a colon, words up to `}`.
fn parameters_are_whole(text: &str) -> bool {
    text.match_indices("${").all(|(at, _)| {
        let inside = &text[at + 2..];
        let Some(end) = inside.find('}') else { return false };
        let (number, words) = inside[..end].split_once(':').unwrap_or((&inside[..end], "text"));
        matches!(number.as_bytes(), [b'1'..=b'9']) && !words.trim().is_empty() && !words.contains(['$', '{', '[', ']', '\n'])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str) -> String {
        let made = Macro { name: name.into(), sections: vec![], text: text.into() };
        made.checked().map_or_else(|e| e.code().to_owned(), |m| format!("{}|{}", m.name, m.text))
    }

    #[test]
    fn what_is_kept_and_what_is_not() {
        for (name, text, expected) in [
            (".ETT", "  The tube ends ${1:number} cm above the carina. ", "ett|The tube ends ${1:number} cm above the carina."),
            ("my_normal", "One.\r\n\r\nTwo.", "my_normal|One.\nTwo."),
            ("a", "$5 and ${2:left|right} and ${1}", "a|$5 and ${2:left|right} and ${1}"),
            ("", "x", "macro.name"),
            ("9th", "x", "macro.name"),
            ("two words", "x", "macro.name"),
            ("größe", "x", "macro.name"),
            ("a", " \n ", "macro.empty"),
            ("a", "${side}", "macro.parameter"),
            ("a", "${1:side", "macro.parameter"),
            ("a", "${0:side}", "macro.parameter"),
            ("a", "${1: }", "macro.parameter"),
            ("a", "${1:[number]}", "macro.parameter"),
        ] {
            assert_eq!(check(name, text), expected, "{name:?} {text:?}");
        }
        assert_eq!(check(&"a".repeat(41), "x"), "macro.name");
        assert_eq!(check("a", &"x".repeat(10_001)), "macro.too_long");
    }

    #[test]
    fn files_come_back_as_they_went() {
        let macros = vec![
            Macro { name: "a".into(), sections: vec![SectionKind::Findings], text: "One.\nTwo ${1:side}.".into() },
            Macro { name: "b".into(), sections: vec![], text: "<b>text</b> \u{2028} \"quoted\"".into() },
        ];
        assert_eq!(read_macros(write_macros(&macros).as_bytes()), Ok(macros));
        for (bytes, code) in [
            (&b"<html>"[..], "macro.not_macros"),
            (b"[]", "macro.not_macros"),
            (b"{\"hilum_macros\": 2, \"macros\": []}", "macro.not_macros"),
            (b"{\"hilum_macros\": 1, \"macros\": [{\"name\": \"a\", \"text\": \"\"}]}", "macro.empty"),
            (b"{\"hilum_macros\": 1, \"macros\": [{\"name\": \"a\", \"sections\": [\"nowhere\"], \"text\": \"x\"}]}", "macro.not_macros"),
        ] {
            assert_eq!(read_macros(bytes).map_err(|e| e.code()), Err(code), "{}", String::from_utf8_lossy(bytes));
        }
    }
}
