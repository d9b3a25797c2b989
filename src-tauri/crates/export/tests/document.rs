//! The printed report as a document: figures, tables, logo, tags, every script.

mod common;

use common::*;
use hilum_export::*;
use hilum_report::{Meaning, VersionId, VersionKind};
use serde_json::Value;
use time::macros::datetime;

/// Where `HILUM_KEEP_PDF` names a folder, the file goes there, and its pages as pictures.
fn keep(name: &str, pdf: &[u8]) {
    let Ok(folder) = std::env::var("HILUM_KEEP_PDF") else { return };
    std::fs::create_dir_all(&folder).expect("the folder");
    let path = format!("{folder}/{name}.pdf");
    std::fs::write(&path, pdf).expect("written");
    tool("pdftoppm", &["-r", "100", "-png", &path, &format!("{folder}/{name}")]);
}

fn words(text: &str) -> String {
    let seen = |c: &char| !matches!(c, '\u{202A}'..='\u{202E}' | '\u{200E}' | '\u{200F}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(seen).collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What an independent reader says of the file's tags and of PDF/A; `None` with a printed reason.
fn structure(pdf: &[u8]) -> Option<Vec<(String, String)>> {
    let python = python()?;
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), pdf).expect("written");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/pdf/archive_check.py");
    let said = tool(&python, &[script, file.path().to_str().expect("a plain path")])?;
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said["problems"], serde_json::json!([]), "{said}");
    Some(serde_json::from_value(said["structure"].clone()).expect("pairs"))
}

fn mark(strokes: &[&[[f32; 2]]], anchor: [f32; 2], words: &[&str]) -> ImageMark {
    ImageMark {
        strokes: strokes.iter().map(|stroke| stroke.to_vec()).collect(),
        anchor,
        words: words.iter().map(|w| (*w).to_owned()).collect(),
    }
}

fn row(image: &str, label: &str, value: &str, spacing: &str) -> Measured {
    Measured { image: image.into(), label: label.into(), value: value.into(), spacing: spacing.into() }
}

const IMAGER: &str = "Imager Pixel Spacing: at the detector, where the body is magnified";
const CALIBRATED: &str = "Pixel Spacing, calibrated";

/// A report with two marked images, measurements and a logo.
fn illustrated() -> ReportDocument {
    let mut document = chest_report();
    let mut first = picture();
    first.caption = "PA, 2026-11-23. Not for diagnosis.".into();
    first.marks = vec![
        mark(
            &[&[[90.0, 250.0], [240.0, 255.0]], &[[50.0, 300.0], [280.0, 300.0]]],
            [280.0, 300.0],
            &["CTR 0.65", "Heart 150 mm, thorax 230 mm"],
        ),
        mark(
            &[&[[200.0, 120.0], [240.0, 150.0], [190.0, 180.0], [200.0, 120.0]]],
            [240.0, 150.0],
            &["Konsolidierung, ∅ 38 mm"],
        ),
    ];
    let mut second = picture();
    second.caption = "Lateral, 2026-11-23. Not for diagnosis.".into();
    second.marks = vec![mark(&[&[[20.0, 20.0], [60.0, 90.0]]], [60.0, 90.0], &["12 mm"])];
    document.key_images = vec![first, second];
    document.measurements = vec![
        row("1", "Cardiothoracic ratio", "0.65, 150 mm, 230 mm", IMAGER),
        row("1", "Length: Konsolidierung", "38 mm", IMAGER),
        row("2", "Length", "12 mm", CALIBRATED),
        row("2", "Cobb angle", "7.4°", ""),
    ];
    let (width, height) = (120, 60);
    let rgb = (0..width * height)
        .flat_map(|i| if (i / width + i % width) % 24 < 12 { [16, 94, 122] } else { [232, 240, 243] });
    document.letterhead.logo = Some(Logo { width, height, rgb: rgb.collect() });
    document
}

#[test]
fn figures_tables_and_logo_are_printed_and_tagged() {
    let document = illustrated();
    let identity = identity();
    let pdf = signed(&document, &identity);
    keep("illustrated", &pdf);
    let trusted = [identity.certificate_der().expect("DER")];
    assert!(verify::verify(&pdf, &trusted).is_ok());
    if let Some(text) = extracted(&pdf, &["-layout"]) {
        let text = words(&text);
        for said in [
            "Key images",
            "1. PA, 2026-11-23. Not for diagnosis.",
            "2. Lateral, 2026-11-23. Not for diagnosis.",
            "CTR 0.65",
            "Konsolidierung, ∅ 38 mm",
            "Measurements",
            "Cobb angle 7.4°",
            "Pixel Spacing, calibrated",
        ] {
            assert!(text.contains(said), "{said}\n{text}");
        }
    }
    let Some(tags) = structure(&pdf) else { return };
    let count = |role: &str| tags.iter().filter(|(r, _)| r == role).count();
    assert_eq!(tags.last().map(|(role, _)| role.as_str()), Some("Form"), "the signature's field");
    assert_eq!((count("H1"), count("Figure"), count("Caption"), count("Table")), (1, 3, 2, 2), "{tags:?}");
    // A head of four columns and four rows; the patient block has nine labels with their values.
    assert_eq!((count("TH"), count("TD"), count("TR")), (4 + 9, 16 + 9, 5 + 9), "{tags:?}");
    let figures: Vec<&str> = tags.iter().filter(|(r, _)| r == "Figure").map(|(_, alt)| alt.as_str()).collect();
    assert_eq!(figures[0], "Logo of St. Brendan University Hospital");
    assert!(figures[1].contains("PA, 2026-11-23") && figures[1].contains("CTR 0.65"), "{figures:?}");
    let order: Vec<&str> =
        tags.iter().map(|(r, _)| r.as_str()).filter(|r| matches!(*r, "H1" | "H2" | "Figure")).collect();
    assert_eq!(order[..2], ["Figure", "H1"], "{order:?}");
}

#[test]
fn every_kind_of_report_is_tagged_and_for_archives() {
    let check = |name: &str, document: &ReportDocument| {
        let pdf = pdf::render(document).unwrap_or_else(|e| panic!("{name}: {e}"));
        keep(&format!("kind-{name}"), &pdf);
        let Some(tags) = structure(&pdf) else { return };
        assert!(tags.len() > 10, "{name}: {tags:?}");
    };
    let base = chest_report();
    check(
        "short",
        &ReportDocument {
            text: text(&[("impression", vec![person("No acute finding.", None)])]),
            letterhead: Letterhead::default(),
            key_images: vec![],
            ..base.clone()
        },
    );
    check("draft", &ReportDocument { signature: None, ..illustrated() });
    check("demo-bulk", &ReportDocument { demo: true, accepted_in_bulk: true, ..illustrated() });
    let mut addendum = base.clone();
    addendum.kind = VersionKind::Addendum;
    let at = datetime!(2026-11-23 14:05:09 -3:30);
    addendum.parent = Some(ParentVersion { id: VersionId::new("version-1"), at, by: "Dr Aoife Ní Mháille".into() });
    addendum.signature = Some(SignatureBlock { meaning: Meaning::AddendumAuthor, ..signature() });
    addendum.communications =
        vec!["Pneumothorax: told to Dr Ó Briain by telephone, 2026-11-23 14:02; read back.".into()];
    check("addendum", &addendum);
    let mut many = illustrated();
    many.key_images = (0..6).flat_map(|_| illustrated().key_images).take(6).collect();
    many.measurements = (0..60).map(|i| row("1", &format!("Length {i}"), &format!("{i} mm"), IMAGER)).collect();
    check("many", &many);
}

/// Sentences in scripts that are written differently.
const SENTENCES: [(&str, &str); 9] = [
    ("greek", "Δεν παρατηρείται πνευμοθώρακας ή πλευριτική συλλογή."),
    ("cyrillic", "Пневмоторакс не определяется; лёгочные поля прозрачны."),
    // Without lam-alef, whose two letters poppler 22 gives back the wrong way round.
    ("arabic", "يوجد انصباب جنبي صغير (الرئة اليمنى)، دون استرواح صدري."),
    ("hebrew", "אין חזה אוויר (ריאה ימנית)."),
    ("japanese", "気胸および胸水は認められない。右下肺野に浸潤影あり。"),
    ("korean", "기흉이나 흉수는 보이지 않습니다."),
    ("hindi", "दाहिने फेफड़े में निमोनिया के लक्षण हैं।"),
    ("tamil", "வலது நுரையீரலில் தொற்று காணப்படுகிறது."),
    ("thai", "ไม่พบลมรั่วในช่องเยื่อหุ้มปอด"),
];

#[test]
fn text_comes_back_in_every_script() {
    for (name, sentence) in SENTENCES {
        let mut document = chest_report();
        document.text = text(&[
            ("findings", (0..6).map(|_| person(sentence, None)).collect()),
            ("impression", vec![person(sentence, None), person("No acute finding.", None)]),
        ]);
        let pdf = pdf::render(&document).unwrap_or_else(|e| panic!("{name}: {e}"));
        keep(&format!("script-{name}"), &pdf);
        structure(&pdf);
        let Some(found) = extracted(&pdf, &[]) else { return };
        let squeezed = |s: &str| words(s).chars().filter(|c| !c.is_whitespace()).collect::<String>();
        // On a page that is mostly Latin, poppler puts the punctuation of right-to-left lines in the
        // order of the page; the words between are held to.
        let phrases: Vec<&str> = match name {
            "arabic" | "hebrew" => sentence.split(['(', ')', '.', '،']).filter(|p| !p.trim().is_empty()).collect(),
            _ => vec![sentence],
        };
        for phrase in phrases {
            assert!(squeezed(&found).contains(&squeezed(phrase)), "{name}: {phrase}\n{found}");
        }
    }
}

/// No page but the last begins with the end of a paragraph or the signature alone.
#[test]
fn the_signature_is_never_alone_on_its_page() {
    let sentence = "The text goes on for a while so that it fills a line and a bit more of the next one on the page.";
    for count in 20..60 {
        let mut document = chest_report();
        document.key_images = vec![];
        document.text = text(&[
            ("findings", (0..count).map(|i| person(&format!("{i}. {sentence}"), None)).collect()),
            ("impression", vec![person("First conclusion.", None), person(sentence, None)]),
        ]);
        let pdf = pdf::render(&document).expect("printed");
        let pages = lopdf::Document::load_mem(&pdf).expect("a PDF").get_pages().len().to_string();
        let Some(last) = extracted(&pdf, &["-f", &pages, "-l", &pages]) else { return };
        let last = words(&last);
        assert!(last.contains("Signed by") && last.contains("next one on the page."), "{count}: {last}");
    }
}

#[test]
fn pictures_of_the_wrong_size_are_refused() {
    let mut document = chest_report();
    for (width, height, bytes) in [(3, 2, 17), (0, 0, 0), (usize::MAX, 2, 6)] {
        document.letterhead.logo = Some(Logo { width, height, rgb: vec![0; bytes] });
        assert_eq!(pdf::render(&document).expect_err("refused").code(), "pdf.logo");
    }
}
