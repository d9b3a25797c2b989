//! Tags, attributes and text of an HTML5 document, as far as a template needs them.
//!
//! Nothing is executed, fetched or kept as markup: what comes out is names and text.

/// Elements that have no end tag (HTML, 13.1.2).
const VOID: [&str; 13] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];
/// Elements whose content is text to their end tag (HTML, 13.2.5).
const RAW: [&str; 4] = ["script", "style", "textarea", "title"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Start { name: String, attributes: Vec<(String, String)>, empty: bool },
    End(String),
    Text(String),
}

impl Token {
    pub fn attribute(&self, wanted: &str) -> Option<&str> {
        let Token::Start { attributes, .. } = self else { return None };
        attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }
}

/// What is not closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unclosed {
    Comment,
    Tag,
    Element(String),
}

/// The tokens of a document. Names are in lower case, entities are characters.
pub(super) fn tokens(html: &str) -> Result<Vec<Token>, Unclosed> {
    let mut tokens = Vec::new();
    let mut rest = html;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("<!--") {
            let end = after.find("-->").ok_or(Unclosed::Comment)?;
            rest = &after[end + 3..];
        } else if let Some(after) = rest.strip_prefix("<!").or_else(|| rest.strip_prefix("<?")) {
            rest = &after[after.find('>').ok_or(Unclosed::Tag)? + 1..];
        } else if let Some(after) = rest.strip_prefix("</") {
            let end = after.find('>').ok_or(Unclosed::Tag)?;
            tokens.push(Token::End(after[..end].trim().to_ascii_lowercase()));
            rest = &after[end + 1..];
        } else if rest.starts_with('<') && rest[1..].starts_with(|c: char| c.is_ascii_alphabetic()) {
            let (token, after) = start(&rest[1..])?;
            rest = after;
            let Token::Start { name, empty, .. } = &token else { continue };
            let raw = RAW.contains(&name.as_str()) && !empty;
            let name = name.clone();
            tokens.push(token);
            if raw {
                let end = find_end(rest, &name).ok_or_else(|| Unclosed::Element(name.clone()))?;
                tokens.push(Token::Text(decoded(&rest[..end])));
                rest = &rest[end..];
            }
        } else {
            // Past the first character, which may be a "<" that begins nothing, or several bytes long.
            let first = rest.chars().next().map_or(1, char::len_utf8);
            let end = rest[first..].find('<').map_or(rest.len(), |at| at + first);
            tokens.push(Token::Text(decoded(&rest[..end])));
            rest = &rest[end..];
        }
    }
    Ok(tokens)
}

/// Where the end tag of an element stands. It is compared in place: a copy of the rest in lower case for each
/// of ten thousand elements would take minutes.
fn find_end(text: &str, name: &str) -> Option<usize> {
    let named = |after: &str| after.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
    text.match_indices("</").map(|(at, _)| at).find(|at| named(&text[at + 2..]))
}

/// A start tag after its "<".
fn start(text: &str) -> Result<(Token, &str), Unclosed> {
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '/' | '>')).ok_or(Unclosed::Tag)?;
    let name = text[..end].to_ascii_lowercase();
    let mut attributes = Vec::new();
    let mut rest = &text[end..];
    let mut empty = false;
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('>') {
            rest = after;
            break;
        }
        if let Some(after) = rest.strip_prefix('/') {
            empty = true;
            rest = after;
            continue;
        }
        empty = false;
        let stop = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/')).ok_or(Unclosed::Tag)?;
        if stop == 0 {
            // A stray "=" names nothing.
            rest = &rest[1..];
            continue;
        }
        let attribute = rest[..stop].to_ascii_lowercase();
        rest = rest[stop..].trim_start();
        let Some(after) = rest.strip_prefix('=') else {
            attributes.push((attribute, String::new()));
            continue;
        };
        let after = after.trim_start();
        let (value, after) = match after.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let close = after[1..].find(quote).ok_or(Unclosed::Tag)?;
                (&after[1..close + 1], &after[close + 2..])
            }
            _ => {
                let stop = after.find(|c: char| c.is_whitespace() || c == '>').ok_or(Unclosed::Tag)?;
                (&after[..stop], &after[stop..])
            }
        };
        attributes.push((attribute, decoded(value)));
        rest = after;
    }
    let empty = empty || VOID.contains(&name.as_str());
    Ok((Token::Start { name, attributes, empty }, rest))
}

/// Text with its character references as characters; what is none stays as it is.
fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        // Looked for as far as a reference is long: a megabyte of ampersands would be searched a million times.
        let end = rest.bytes().take(11).position(|b| b == b';');
        let known = end.and_then(|end| Some((reference(&rest[1..end])?, end)));
        match known {
            Some((c, end)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn reference(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|c| !c.is_control() || c.is_whitespace());
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "deg" => '°',
        "micro" => 'µ',
        "le" => '≤',
        "ge" => '≥',
        "ndash" => '–',
        "mdash" => '—',
        _ => return None,
    })
}

/// Text as HTML: every character that could be markup is a reference.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_taken_apart() {
        let found =
            tokens("<!DOCTYPE html><P class='a' data-x=1 hidden>a &lt; b<br/><!-- <b> --></p>").expect("closed");
        let attribute = |name: &str| found[0].attribute(name).map(str::to_owned);
        assert_eq!(attribute("class").as_deref(), Some("a"));
        assert_eq!(attribute("data-x").as_deref(), Some("1"));
        assert_eq!(attribute("hidden").as_deref(), Some(""));
        assert_eq!(found[1], Token::Text("a < b".into()));
        assert!(matches!(&found[2], Token::Start { name, empty: true, .. } if name == "br"));
        assert_eq!(found[3], Token::End("p".into()));
    }

    #[test]
    fn what_is_not_closed_is_said() {
        let check = |html: &str, expected: Unclosed| assert_eq!(tokens(html), Err(expected), "{html}");
        check("<!-- a", Unclosed::Comment);
        check("<p class=\"a", Unclosed::Tag);
        check("<p", Unclosed::Tag);
        check("<textarea>a", Unclosed::Element("textarea".into()));
    }

    #[test]
    fn references_are_characters() {
        let check = |text: &str, expected: &str| assert_eq!(decoded(text), expected, "{text}");
        check("a &amp; b &#233; &#xE9; &nope; & c", "a & b é é &nope; & c");
        check("&#0;&#x110000;", "&#0;&#x110000;");
        assert_eq!(decoded(&escaped("<a href=\"x\">&</a>")), "<a href=\"x\">&</a>");
    }
}
