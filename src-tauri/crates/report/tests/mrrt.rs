//! Templates in and out as IHE's MRRT, and why a document is refused.

#[path = "../../testkit/src/skipped.rs"]
mod skipped;

use hilum_report::mrrt::{export, import};
use hilum_report::{Report, ReportId, SectionKind, Situation, Template, builtin_templates, checks};
use skipped::skipped;
use std::path::Path;

fn page(body: &str) -> String {
    format!("<!DOCTYPE html><html><head><title>A template</title></head><body>{body}</body></html>")
}

fn texts(template: &Template, kind: SectionKind) -> Vec<&str> {
    let section = template.sections.iter().find(|s| s.kind == kind);
    section.map(|s| s.text.iter().map(|(text, _)| text.as_str()).collect()).unwrap_or_default()
}

#[test]
fn fields_become_words_in_brackets() {
    let check = |field: &str, expected: &str| {
        let body = format!("<section data-section-name='Findings'><p>{field}</p></section>");
        let template = import(page(&body).as_bytes()).expect("a template");
        assert_eq!(texts(&template, SectionKind::Findings), [expected], "{field}");
    };
    check(
        "Tube ends <input type='number' name='d' min='0' max='20' data-field-units='cm'/> above.",
        "Tube ends [number 0..20] cm above.",
    );
    check("<input type='number' data-field-units='mm'/> mm wide.", "[number] mm wide.");
    check("<input type='number' data-field-units='mm'/>wide.", "[number] mm wide.");
    check("A nodule of <input type='number' data-field-units='mm'/>.", "A nodule of [number] mm.");
    check(
        "<label>Heart:</label><select><option value='a'>normal</option><option value='b'/></select>",
        "Heart: [normal|b]",
    );
    check("Seen on <input type=date name=d>.", "Seen on [date].");
    check("Age <input type='text' name='PatientAge' data-field-merge-flag='true'/>.", "Age [merge: PatientAge].");
    check("Nodule <input type='text' name='size'/>.", "Nodule [size].");
    check("<input type='checkbox' name='effusion' value='effusion'/>", "[effusion|not effusion]");
    check("<b>Clear</b> lungs &lt; normal &amp; so on [x].", "Clear lungs < normal & so on (x).");
    check("<textarea name='Lungs'>The lungs are clear.</textarea>", "The lungs are clear.");
    check("Lungs: <textarea name='Lungs'></textarea>", "Lungs: [Lungs]");
}

#[test]
fn sections_go_where_a_report_has_them() {
    let body = "<section data-section-name='Procedure'><p>Chest.</p></section>\
        <section data-section-name='Clinical information'><p>Cough. Fever.</p></section>\
        <section data-section-name='Findings'><header>Findings</header>\
          <section data-section-name='Lungs'><p>The lungs are clear.</p></section></section>\
        <section data-section-name='Impression'><p><textarea></textarea></p></section>";
    let template = import(page(body).as_bytes()).expect("a template");
    assert_eq!(texts(&template, SectionKind::Exam), ["Chest."]);
    assert_eq!(texts(&template, SectionKind::Indication), ["Cough.", "Fever."]);
    assert_eq!(texts(&template, SectionKind::Findings), ["The lungs are clear."]);
    assert_eq!(texts(&template, SectionKind::Impression), [""; 0]);
}

#[test]
fn malformed_documents_are_refused_with_a_reason() {
    let check = |document: &[u8], code: &str| {
        let refused = import(document).expect_err("refused");
        assert_eq!(refused.code(), code, "{refused}");
        assert!(!refused.to_string().is_empty());
    };
    check(&[0xFF, 0xFE, 0x00], "template.not_text");
    check(b"just words", "template.not_html");
    check(
        b"<html><head></head><body><section data-section-name='Findings'>x</section></body></html>",
        "template.no_title",
    );
    check(page("<p>words</p>").as_bytes(), "template.no_section");
    check(page("<section data-section-name='Findings'><p>x</p>").as_bytes(), "template.unclosed");
    check(page("<section data-section-name='F'><textarea>x</section>").as_bytes(), "template.unclosed");
    check(page("<section data-section-name='F'><select></select></section>").as_bytes(), "template.no_options");
    check(page("<section data-section-name='F'><select><option>x").as_bytes(), "template.unclosed");
    check(page("<!-- <section data-section-name='F'>x</section>").as_bytes(), "template.unclosed");
    check(&vec![b'x'; (1 << 20) + 1], "template.too_large");
    let many = "<p>Word.</p>".repeat(501);
    check(page(&format!("<section data-section-name='F'>{many}</section>")).as_bytes(), "template.too_long");
}

/// No bytes make it panic, and what it takes is bounded.
#[test]
fn mutilated_documents_do_no_harm() {
    let whole = export(&builtin_templates()[3]).into_bytes();
    for cut in (0..whole.len()).step_by(7) {
        let _ = import(&whole[..cut]);
        let mut changed = whole.clone();
        changed[cut] = b'<';
        let _ = import(&changed);
        changed[cut] = b'"';
        let _ = import(&changed);
    }
}

#[test]
fn what_is_written_is_read_back() {
    for template in builtin_templates() {
        let back = import(export(&template).as_bytes()).expect("our own");
        assert_eq!(back.sections, template.sections, "{}", template.name);
        assert_eq!((back.name, back.terms), (template.name, template.terms));
    }
}

#[test]
fn templates_of_others_are_taken() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/templates");
    let Ok(files) = std::fs::read_dir(&folder) else {
        skipped("the shared test data are not beside the repository");
        return;
    };
    let mut read = 0;
    for path in files.map(|f| f.expect("a file").path()).filter(|p| p.extension().is_some_and(|e| e == "html")) {
        let template =
            import(&std::fs::read(&path).expect("read")).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let again = import(export(&template).as_bytes()).expect("our own");
        assert_eq!((&again.id, &again.sections), (&template.id, &template.sections), "{}", path.display());
        assert!(!template.terms.is_empty(), "{} has coded terms", path.display());
        println!("{}: {} sections, {} terms", template.name, template.sections.len(), template.terms.len());
        read += 1;
    }
    let path = folder.join("Chest_Xray-2_Views.html");
    let template = import(&std::fs::read(path).expect("read")).expect("a template");
    assert_eq!(texts(&template, SectionKind::Exam), ["PA and lateral views of the chest."]);
    let lungs = texts(&template, SectionKind::Findings)[0];
    assert!(lungs.starts_with("Lungs: [The lungs are clear.|The inspiratory volumes"), "{lungs}");
    assert_eq!(read, 3);
}

#[test]
fn merge_fields_are_filled_with_what_is_known() {
    let body = "<section data-section-name='Findings'><p><input name='Patient Age' data-field-merge-flag='true'/> and \
                <input name='Other' data-field-merge-flag='true'/>.</p></section>";
    let template = import(page(body).as_bytes()).expect("a template");
    let merged = template.merged(&[("PatientAge", "58 Y"), ("StudyDate", "2026-11-23")]);
    assert_eq!(texts(&merged, SectionKind::Findings), ["58 Y and [merge: Other]."]);
}

#[test]
fn the_template_that_suits_the_images() {
    let check = |views: &[&str], age: Option<u32>, expected: Option<&str>| {
        let views: Vec<String> = views.iter().map(|v| (*v).to_owned()).collect();
        let found = Situation::of(&views, age).map(Template::suited);
        assert_eq!(found.as_ref().map(|id| id.as_str()), expected, "{views:?}");
        let known: Vec<_> = builtin_templates().into_iter().map(|t| t.id).collect();
        assert!(found.is_none_or(|id| known.contains(&id)));
    };
    check(&["PA", "LL"], Some(58), Some("cxr-2view"));
    check(&["PA"], None, Some("cxr-frontal"));
    check(&["AP"], Some(58), Some("cxr-portable"));
    check(&["AP"], Some(4), Some("cxr-paediatric"));
    check(&[""], Some(58), None);
}

/// A fresh report of any template has nothing against it but the fields that are still open.
#[test]
fn fresh_templates_raise_no_flags() {
    for template in builtin_templates() {
        let report = Report::new(ReportId::new("r"), "1.2.3", &template);
        let flags = checks::checks(&report, &checks::Known::default());
        let codes: Vec<_> = flags
            .iter()
            .map(|f| f.code)
            .filter(|c| !matches!(*c, "check.placeholder" | "check.empty_section"))
            .collect();
        assert!(codes.is_empty(), "{}: {flags:?}", template.name);
    }
}
