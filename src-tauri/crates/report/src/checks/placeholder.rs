//! What a template or a macro left open.

/// A field in brackets, a line to write on, or a mark for "fill in".
pub(super) fn left(text: &str) -> Option<&str> {
    let field = text.find('[').and_then(|open| {
        let close = text[open..].find(']')?;
        Some(&text[open..open + close + 1])
    });
    if field.is_some() {
        return field;
    }
    // "<size>" and "{side}" are fields of others' templates; "< 5 mm" is none.
    for (open, close) in [('<', '>'), ('{', '}')] {
        let field = text.find(open).and_then(|at| Some(&text[at..at + text[at..].find(close)? + 1]));
        if let Some(field) = field.filter(|f| f.chars().nth(1).is_some_and(char::is_alphabetic)) {
            return Some(field);
        }
    }
    ["___", "***", "???", "{}", "TODO", "TBD", "FIXME", "xx/xx"].into_iter().find(|mark| text.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::left;

    #[test]
    fn fields_and_marks() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(left(text), expected, "{text}");
        check("The tube ends [number] cm above the carina.", Some("[number]"));
        check("Effusion: [none|small|large].", Some("[none|small|large]"));
        check("Compared with ___.", Some("___"));
        check("Heart size is *** .", Some("***"));
        check("No pneumothorax.", None);
        check("Question of edema?", None);
        check("Nodule of <size>.", Some("<size>"));
        check("A nodule < 5 mm and a mass > 3 cm.", None);
        check("Opacity in the {side} lobe.", Some("{side}"));
    }
}
