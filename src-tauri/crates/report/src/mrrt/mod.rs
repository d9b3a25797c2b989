//! Templates as IHE's Management of Radiology Report Templates writes them (RAD TF, MRRT): HTML5
//! with sections, fields and coded terms.
//!
//! A field becomes words in brackets, which a reader fills in by Tab and which cannot be signed
//! unseen: `[number 0..20] cm`, `[date]`, `[The lungs are clear.|There is oedema.]`. A merge field,
//! `[merge: Name]`, is filled from the study by [`Template::merged`] where its name is known.

mod markup;

use crate::{Region, SectionKind, Template, TemplateId, TemplateSection, Term, claims};
use markup::{Token, Unclosed, escaped, tokens};

/// Larger documents are no templates.
const LARGEST: usize = 1 << 20;
/// More text than a reader would look through.
const MOST_SENTENCES: usize = 500;

/// Why a document is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MrrtError {
    #[error("it is larger than a template can be")]
    TooLarge,
    #[error("it is not text in UTF-8")]
    NotText,
    #[error("it is not an HTML document")]
    NotHtml,
    #[error("{0} is not closed")]
    Unclosed(String),
    #[error("it has no title, neither dcterms.title nor a title element")]
    NoTitle,
    #[error("it has no section with a data-section-name")]
    NoSection,
    #[error("its sections have neither text nor fields")]
    Empty,
    #[error("a select of the section {0} has no options")]
    NoOptions(String),
    #[error("it has more than {MOST_SENTENCES} sentences")]
    TooLong,
}

impl MrrtError {
    /// A stable code for the boundary.
    pub fn code(&self) -> &'static str {
        match self {
            MrrtError::TooLarge => "template.too_large",
            MrrtError::NotText => "template.not_text",
            MrrtError::NotHtml => "template.not_html",
            MrrtError::Unclosed(_) => "template.unclosed",
            MrrtError::NoTitle => "template.no_title",
            MrrtError::NoSection => "template.no_section",
            MrrtError::Empty => "template.empty",
            MrrtError::NoOptions(_) => "template.no_options",
            MrrtError::TooLong => "template.too_long",
        }
    }
}

/// A template from the bytes of an MRRT document. Its id is made of the document's identifier.
///
/// # Errors
/// What is wrong with the document.
pub fn import(bytes: &[u8]) -> Result<Template, MrrtError> {
    if bytes.len() > LARGEST {
        return Err(MrrtError::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| MrrtError::NotText)?;
    let text = text.trim_start_matches('\u{FEFF}');
    let all = tokens(text).map_err(|unclosed| match unclosed {
        Unclosed::Comment => MrrtError::Unclosed("a comment".to_owned()),
        Unclosed::Tag => MrrtError::Unclosed("a tag".to_owned()),
        Unclosed::Element(name) => MrrtError::Unclosed(format!("the element {name}")),
    })?;
    if !all.iter().any(|t| matches!(t, Token::Start { name, .. } if name == "html" || name == "body")) {
        return Err(MrrtError::NotHtml);
    }
    let meta = |wanted: &str| {
        let named = all.iter().find(|t| t.attribute("name") == Some(wanted));
        named.and_then(|t| t.attribute("content")).map(|c| c.trim().to_owned()).filter(|c| !c.is_empty())
    };
    let name = meta("dcterms.title").or_else(|| title(&all)).ok_or(MrrtError::NoTitle)?;
    let sections = sections(&all)?;
    let identifier = meta("dcterms.identifier").unwrap_or_else(|| name.clone());
    let id: String =
        identifier.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    // What was written out here keeps its id, and takes its own place when it comes back.
    let id = id.trim_matches('-').trim_start_matches("mrrt-");
    Ok(Template { id: TemplateId::new(format!("mrrt-{id}")), name, sections, terms: terms(&all)? })
}

/// The template as an MRRT document, which [`import`] reads back to the same sections.
pub fn export(template: &Template) -> String {
    let title = escaped(&template.name);
    let mut out = format!(
        "<!DOCTYPE html>\n<html>\n<head>\n<title>{title}</title>\n<meta charset=\"UTF-8\"/>\n\
         <meta name=\"dcterms.title\" content=\"{title}\"/>\n\
         <meta name=\"dcterms.identifier\" content=\"{}\"/>\n\
         <meta name=\"dcterms.type\" content=\"IMAGE_REPORT_TEMPLATE\"/>\n\
         <meta name=\"dcterms.language\" content=\"en\"/>\n\
         <script type=\"text/xml\">\n<template_attributes>\n<top-level-flag>true</top-level-flag>\n<status>ACTIVE</status>\n",
        escaped(template.id.as_str())
    );
    for Term { value, scheme, meaning } in &template.terms {
        let (value, scheme, meaning) = (escaped(value), escaped(scheme), escaped(meaning));
        out.push_str(&format!("<term><code meaning=\"{meaning}\" value=\"{value}\" scheme=\"{scheme}\"/></term>\n"));
    }
    out.push_str("</template_attributes>\n</script>\n</head>\n<body>\n");
    let mut field = 0;
    for section in &template.sections {
        let heading = section.kind.heading();
        let required = section.required;
        out.push_str(&format!(
            "<section data-section-name=\"{heading}\" data-section-required=\"{required}\">\n<header class=\"level1\">{heading}</header>\n"
        ));
        if section.text.is_empty() {
            field += 1;
            out.push_str(&format!("<p><textarea id=\"F{field}\" name=\"{heading}\"></textarea></p>\n"));
        }
        for (text, _) in &section.text {
            out.push_str("<p>");
            for piece in pieces(text) {
                field += 1;
                out.push_str(&written(piece, field));
            }
            out.push_str("</p>\n");
        }
        out.push_str("</section>\n");
    }
    out.push_str("</body>\n</html>\n");
    out
}

/// Words, or what stands in brackets.
enum Piece<'a> {
    Words(&'a str),
    Field(&'a str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let Some(close) = rest[open..].find(']') else { break };
        if open > 0 {
            pieces.push(Piece::Words(&rest[..open]));
        }
        pieces.push(Piece::Field(&rest[open + 1..open + close]));
        rest = &rest[open + close + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Words(rest));
    }
    pieces
}

fn written(piece: Piece<'_>, number: usize) -> String {
    let field = match piece {
        Piece::Words(words) => return escaped(words),
        Piece::Field(field) => field,
    };
    let id = format!("id=\"F{number}\"");
    if field.contains('|') {
        let options = field.split('|').map(|o| escaped(o.trim()));
        let options: String = options.map(|o| format!("<option value=\"{o}\">{o}</option>")).collect();
        return format!("<select {id} name=\"F{number}\">{options}</select>");
    }
    if let Some(name) = field.strip_prefix("merge:") {
        return format!("<input type=\"text\" {id} name=\"{}\" data-field-merge-flag=\"true\"/>", escaped(name.trim()));
    }
    if field == "date" {
        return format!("<input type=\"date\" {id} name=\"date\"/>");
    }
    if let Some(rest) = field.strip_prefix("number") {
        let mut words = rest.split_whitespace().peekable();
        let mut range = String::new();
        if let Some((low, high)) = words.peek().and_then(|w| w.split_once("..")) {
            range = format!(" min=\"{}\" max=\"{}\"", escaped(low), escaped(high));
            words.next();
        }
        let unit: Vec<&str> = words.collect();
        let unit = match unit.is_empty() {
            true => String::new(),
            false => format!(" data-field-units=\"{}\"", escaped(&unit.join(" "))),
        };
        return format!("<input type=\"number\" {id} name=\"number\"{range}{unit}/>");
    }
    format!("<input type=\"text\" {id} name=\"{}\"/>", escaped(field))
}

fn title(all: &[Token]) -> Option<String> {
    let at = all.iter().position(|t| matches!(t, Token::Start { name, .. } if name == "title"))?;
    match all.get(at + 1) {
        Some(Token::Text(text)) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        _ => None,
    }
}

/// Coded terms, which stand as XML in a script, sometimes in a comment there.
fn terms(all: &[Token]) -> Result<Vec<Term>, MrrtError> {
    let mut terms: Vec<Term> = Vec::new();
    for (at, token) in all.iter().enumerate() {
        let script = matches!(token, Token::Start { name, .. } if name == "script");
        let (true, Some(Token::Text(text))) = (script, all.get(at + 1)) else { continue };
        let text = text.replace("<!--", "").replace("-->", "");
        let inner = tokens(&text).map_err(|_| MrrtError::Unclosed("the template's attributes".to_owned()))?;
        for code in inner.iter().filter(|t| matches!(t, Token::Start { name, .. } if name == "code")) {
            let of = |name: &str| code.attribute(name).unwrap_or_default().trim().to_owned();
            let term = Term { value: of("value"), scheme: of("scheme"), meaning: of("meaning") };
            if !term.value.is_empty() && !terms.contains(&term) {
                terms.push(term);
            }
        }
    }
    Ok(terms)
}

/// One block of text: words and fields, to be made into sentences.
#[derive(Default)]
struct Block {
    text: String,
    /// True when brackets are in it: such a block is one sentence.
    fields: bool,
}

struct Reader {
    sections: Vec<TemplateSection>,
    kind: SectionKind,
    block: Block,
    sentences: usize,
}

fn sections(all: &[Token]) -> Result<Vec<TemplateSection>, MrrtError> {
    let mut reader =
        Reader { sections: Vec::new(), kind: SectionKind::Findings, block: Block::default(), sentences: 0 };
    // Sections lie in one another; the outermost decides where the text goes.
    let mut open: Vec<String> = Vec::new();
    let mut silent = 0_usize;
    let mut at = 0;
    while at < all.len() {
        let token = &all[at];
        at += 1;
        match token {
            Token::Start { name, empty, .. } => match name.as_str() {
                "section" if !empty => {
                    reader.end_block()?;
                    let named = token.attribute("data-section-name").unwrap_or_default().to_owned();
                    if open.is_empty() {
                        let required = token.attribute("data-section-required").map(|r| r == "true");
                        reader.begin(&named, required);
                    }
                    open.push(named);
                }
                _ if open.is_empty() => {}
                "header" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "script" | "style" if !empty => silent += 1,
                _ if silent > 0 => {}
                "p" | "div" | "br" | "li" | "tr" => reader.end_block()?,
                "textarea" => {
                    let text = match all.get(at) {
                        Some(Token::Text(text)) => text.trim(),
                        _ => "",
                    };
                    // A label before it names what stands in it; one that is alone leaves its section open.
                    let labelled = !reader.block.text.trim().is_empty();
                    match (text.is_empty(), labelled) {
                        (true, true) => reader.field(token.attribute("name").unwrap_or("text")),
                        (true, false) => {}
                        (false, _) => reader.words(text),
                    }
                    at += usize::from(matches!(all.get(at), Some(Token::Text(_))));
                    if matches!(all.get(at), Some(Token::End(n)) if n == "textarea") {
                        at += 1;
                    }
                    reader.end_block()?;
                }
                "input" => reader.input(token, following(all, at)),
                "select" => at = reader.select(all, at, open.last().map_or("", String::as_str))?,
                _ => {}
            },
            Token::End(name) => match name.as_str() {
                "section" => {
                    reader.end_block()?;
                    open.pop();
                }
                "header" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "script" | "style" => {
                    silent = silent.saturating_sub(1)
                }
                "p" | "div" | "li" | "tr" if !open.is_empty() => reader.end_block()?,
                _ => {}
            },
            Token::Text(text) if !open.is_empty() && silent == 0 => reader.words(text),
            Token::Text(_) => {}
        }
    }
    if !open.is_empty() {
        return Err(MrrtError::Unclosed("a section".to_owned()));
    }
    if reader.sections.is_empty() {
        return Err(MrrtError::NoSection);
    }
    let mut sections = reader.sections;
    // A report needs both, whatever the template has.
    for kind in [SectionKind::Findings, SectionKind::Impression] {
        if sections.iter().all(|s| s.kind != kind) {
            sections.push(TemplateSection { kind, required: true, text: vec![] });
        }
    }
    sections.sort_by_key(|s| s.kind);
    Ok(sections)
}

impl Reader {
    fn begin(&mut self, name: &str, required: Option<bool>) {
        self.kind = kind_of(name);
        if self.sections.iter().all(|s| s.kind != self.kind) {
            let usual = matches!(self.kind, SectionKind::Exam | SectionKind::Findings | SectionKind::Impression);
            self.sections.push(TemplateSection { kind: self.kind, required: required.unwrap_or(usual), text: vec![] });
        }
    }

    fn words(&mut self, text: &str) {
        let words: Vec<&str> = text.split_whitespace().collect();
        // Brackets in the document's own words would be taken for fields.
        let words = words.join(" ").replace('[', "(").replace(']', ")");
        if words.is_empty() {
            return;
        }
        let joins = text.starts_with(|c: char| c.is_whitespace()) || self.block.text.ends_with(':');
        if joins && !self.block.text.is_empty() && !self.block.text.ends_with(' ') {
            self.block.text.push(' ');
        }
        self.block.text.push_str(&words);
        if text.ends_with(|c: char| c.is_whitespace()) {
            self.block.text.push(' ');
        }
    }

    fn field(&mut self, inside: &str) {
        let inside: String = inside.chars().filter(|c| !matches!(c, '[' | ']' | '\n')).collect();
        if self.block.text.ends_with(':') {
            self.block.text.push(' ');
        }
        self.block.text.push_str(&format!("[{}]", inside.trim()));
        self.block.fields = true;
    }

    /// `behind` is the text that follows.
    fn input(&mut self, token: &Token, behind: &str) {
        let of = |name: &str| token.attribute(name).map(str::trim).filter(|v| !v.is_empty());
        if of("data-field-merge-flag") == Some("true") {
            return self.field(&format!("merge: {}", of("name").unwrap_or("value")));
        }
        match of("type").unwrap_or("text") {
            "hidden" | "button" | "submit" => {}
            "number" => {
                let range = of("min").zip(of("max")).map(|(low, high)| format!(" {low}..{high}"));
                self.field(&format!("number{}", range.unwrap_or_default()));
                // The number is written over the field; its unit has to outlive that.
                if let Some(unit) = of("data-field-units").filter(|unit| !begins_with(behind, unit)) {
                    let gap = if behind.starts_with(char::is_alphanumeric) { " " } else { "" };
                    self.words(&format!(" {unit}{gap}"));
                }
            }
            "date" => self.field("date"),
            "checkbox" | "radio" => {
                let name = of("value").or(of("name")).unwrap_or("stated");
                self.field(&format!("{name}|not {name}"));
            }
            _ => match of("value") {
                Some(value) => self.words(&format!("{value} ")),
                None => self.field(of("name").unwrap_or("text")),
            },
        }
    }

    /// The options of a select; returns where its end is.
    fn select(&mut self, all: &[Token], from: usize, section: &str) -> Result<usize, MrrtError> {
        let mut options: Vec<String> = Vec::new();
        let mut at = from;
        while at < all.len() {
            match &all[at] {
                Token::End(name) if name == "select" => break,
                token @ Token::Start { name, .. } if name == "option" => {
                    let shown = match all.get(at + 1) {
                        Some(Token::Text(text)) if !text.trim().is_empty() => text.as_str(),
                        _ => token.attribute("value").or(token.attribute("name")).unwrap_or_default(),
                    };
                    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ").replace(['|', '[', ']'], "/");
                    if !shown.is_empty() {
                        options.push(shown);
                    }
                }
                _ => {}
            }
            at += 1;
        }
        if at == all.len() {
            return Err(MrrtError::Unclosed("a select".to_owned()));
        }
        match options.as_slice() {
            [] => return Err(MrrtError::NoOptions(section.to_owned())),
            [only] => self.words(only),
            several => self.field(&several.join("|")),
        }
        Ok(at + 1)
    }

    fn end_block(&mut self) -> Result<(), MrrtError> {
        let block = std::mem::take(&mut self.block);
        let text = block.text.trim();
        if text.is_empty() {
            return Ok(());
        }
        let kind = self.kind;
        let region = |text: &str| (kind == SectionKind::Findings).then(|| Region::of(text)).flatten();
        let sentences: Vec<String> = match block.fields {
            true => vec![text.to_owned()],
            false => claims::sentence_ranges(text).into_iter().map(|r| text[r].trim().to_owned()).collect(),
        };
        self.sentences += sentences.len();
        if self.sentences > MOST_SENTENCES {
            return Err(MrrtError::TooLong);
        }
        if let Some(section) = self.sections.iter_mut().find(|s| s.kind == kind) {
            section.text.extend(sentences.into_iter().map(|text| (text.clone(), region(&text))));
        }
        Ok(())
    }
}

/// The text at a place, where there is some.
fn following(all: &[Token], at: usize) -> &str {
    match all.get(at) {
        Some(Token::Text(text)) => text,
        _ => "",
    }
}

/// Whether a text begins with a unit of measurement.
fn begins_with(text: &str, unit: &str) -> bool {
    let text = text.trim_start();
    let same = text.get(..unit.len()).is_some_and(|start| start.eq_ignore_ascii_case(unit));
    same && !text[unit.len()..].starts_with(char::is_alphanumeric)
}

/// Which of the report's sections a section of a template is; what has no name of ours is a finding.
fn kind_of(name: &str) -> SectionKind {
    let name = name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| name.contains(w));
    if has(&["impression", "conclusion", "summary"]) {
        SectionKind::Impression
    } else if has(&["comparison", "prior"]) {
        SectionKind::Comparison
    } else if has(&["technique", "protocol", "contrast"]) {
        SectionKind::Technique
    } else if has(&["indication", "clinical", "history", "reason"]) {
        SectionKind::Indication
    } else if has(&["procedure", "exam"]) {
        SectionKind::Exam
    } else {
        SectionKind::Findings
    }
}
