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
    ["___", "***", "???", "{}", "TODO", "TBD"].into_iter().find(|mark| text.contains(mark))
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
    }
}
