//! Hostile templates and macros: MRRT documents and files of macros with every kind of damage are refused or become
//! text, in short time.

mod common;

use common::{files_below, over_corpus, shared};
use hilum_report::{Macro, SectionKind, mrrt, read_macros, write_macros};
use std::time::{Duration, Instant};

const WORDS: [&[u8]; 16] = [
    b"<section data-section-name=\"", b"</section>", b"<!--", b"-->", b"<title>", b"</title>", b"<textarea>", b"<select>",
    b"<option selected>", b"<input type=\"number\" data-field-max=\"", b"<code meaning=\"", b"&#x110000;", b"&", b"<script>",
    b"data-field-merge-flag=\"true\"", b"\xC3",
];

/// A template is small and read while the window waits: one that takes longer than this was made to.
const MOST: Duration = Duration::from_secs(5);

#[test]
fn damaged_documents_get_an_answer() {
    let mut seeds = vec![mrrt::export(&hilum_report::builtin_templates()[0]).into_bytes()];
    if let Some(folder) = shared("templates") {
        seeds.extend(files_below(&folder).iter().map(|file| std::fs::read(file).expect("a template")));
    }
    let answers = over_corpus("hostile_templates", &seeds, &WORDS, 2000, |bytes| match mrrt::import(bytes) {
        Err(refused) => refused.code().to_owned(),
        Ok(template) => {
            // What was taken can be written and read again, and is the same text.
            let again = mrrt::import(mrrt::export(&template).as_bytes()).expect("what was written is read");
            assert_eq!(again.sections, template.sections);
            "taken".to_owned()
        }
    });
    assert!(answers.len() >= 5, "{answers:?}");
}

#[test]
fn damaged_macros_get_an_answer() {
    let one = |name: &str, sections: &[SectionKind], text: &str| Macro { name: name.into(), sections: sections.to_vec(), text: text.into() };
    let whole = [
        one("clear", &[], "The lungs are clear.\nNo pneumothorax."),
        one("nodule", &[SectionKind::Findings, SectionKind::Impression], "A ${2:number} mm nodule in the ${1:left|right} upper lobe. [number]"),
        one("odd", &[SectionKind::Findings], "<b>text</b> \u{2028} \"quoted\" $5 ${1}"),
    ];
    let wrong = br#"{"hilum_macros":1,"macros":[{"name":"a","text":"${side}"}]}"#.to_vec();
    let seeds = [write_macros(&whole).into_bytes(), write_macros(&whole[1..2]).into_bytes(), write_macros(&[]).into_bytes(), wrong];
    let words: [&[u8]; 12] = [
        b"\"name\":\"", b"\"text\":\"", b"\"sections\":[\"findings\"]", b"\"macros\":[", b"${1:", b"${", b"}", b"${9:a|b}", b"\\n", b"\\u0000", b"null", b"[[[[[[[[",
    ];
    let answers = over_corpus("macros", &seeds, &words, 2000, |bytes| match read_macros(bytes) {
        Err(refused) => format!("{} {refused}", refused.code()),
        Ok(taken) => {
            // What was taken can be written and read again, and is the same.
            let again = read_macros(write_macros(&taken).as_bytes()).expect("what was written is read");
            assert_eq!(again, taken);
            "taken".to_owned()
        }
    });
    for kind in ["taken", "macro.not_macros", "macro.parameter"] {
        assert!(answers.iter().any(|answer| answer.starts_with(kind)), "{kind} is among {answers:?}");
    }
}

/// A megabyte of whatever makes a careless reader look again and again.
#[test]
fn a_megabyte_of_anything_is_answered_soon() {
    let pieces = [
        "&", "&#", "<", "</", "<a ", "<a b=", "<title></title>", "<textarea></textarea>", "<script></script>", "<!--", "<!---->",
        "<section data-section-name=\"Findings\">", "<p>", "<option>", "[", "a. ", "<input><select><option>", "\u{1F4A9}", "\0",
    ];
    let head = "<html><head><title>T</title></head><body><section data-section-name=\"Findings\"><p>Text.</p>";
    for piece in pieces {
        for (before, after) in [(head, "</section></body></html>"), ("<html>", ""), ("", "")] {
            let room = (1usize << 20).saturating_sub(before.len() + after.len());
            let document = format!("{before}{}{after}", piece.repeat(room / piece.len()));
            let begun = Instant::now();
            let answer = mrrt::import(document.as_bytes()).map(|_| ()).map_err(|e| e.code());
            assert!(begun.elapsed() < MOST, "{piece:?} takes {:?}: {answer:?}", begun.elapsed());
        }
    }
}
