//! Every prompt to token ids, with Gemma 3's own tokenizer, against transformers' processor
//! (`tests/parity/prompt_tokens.py`). Runs where the shared tokenizer is.

use std::path::{Path, PathBuf};
use std::process::Command;

use hilum_drafting::{ControlTokens, prompt_text, prompts, render_turn};
use hilum_workers::messages::draft::{AnswerRules, DraftPrompt, DraftedPart, Rewrite};
use serde::Deserialize;
use tokenizers::Tokenizer;

#[derive(Deserialize)]
struct Reference {
    /// The token that stands for a part of an image, and how many an image has.
    soft: u32,
    per_image: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    key: String,
    data: String,
    images: usize,
    words: String,
    /// With the tokens of each image written once.
    ids: Vec<u32>,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

fn reference() -> Reference {
    let path = repository().join("tests/parity/prompt_tokens.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The request that the draft worker would be given.
fn request(case: &Case) -> DraftPrompt {
    let section = |how, section| DraftPrompt::Section {
        section,
        how,
        indication: None,
        text: case.data.clone(),
        rules: AnswerRules::default(),
    };
    match case.key.as_str() {
        "report" => DraftPrompt::Report { indication: None },
        "report-with-indication" => DraftPrompt::Report { indication: Some(case.data.clone()) },
        "yes-no" => DraftPrompt::YesNo { question: case.data.clone() },
        "impression-from-findings" => section(Rewrite::FromFindings, DraftedPart::Impression),
        "shorter" => section(Rewrite::Shorter, DraftedPart::Findings),
        "more-detail" => section(Rewrite::MoreDetail, DraftedPart::Findings),
        key => panic!("no request for {key}"),
    }
}

/// The reference covers every prompt, every question in use, with a side too, and clinical notes, with 0, 1 and 2 images.
#[test]
fn the_reference_is_complete() {
    let reference = reference();
    let covers = |what: &str, is_it: &dyn Fn(&Case) -> bool| {
        for images in 0..=2 {
            let covered = reference.cases.iter().any(|case| case.images == images && is_it(case));
            assert!(covered, "{what:?} with {images} images: run tests/parity/prompt_tokens.py");
        }
    };
    for prompt in &prompts().prompts {
        covers(&prompt.key, &|case: &Case| case.key == prompt.key);
    }
    let question = &prompts().yes_no_question;
    for finding in question.findings.values() {
        // As `report::evidence::question` asks.
        let bare = finding.strip_prefix("a ").unwrap_or(finding);
        let sided = ["left", "right"].map(|side| question.with_side.replace("{side}", side).replace("{finding}", bare));
        for named in [finding].into_iter().chain(&sided) {
            let asked = question.text.replace("{finding}", named);
            covers(&asked, &|case: &Case| case.key == "yes-no" && case.data == asked);
        }
    }
    let notes = prompts().clinical_notes.text.replace("{notes}", "");
    covers("notes", &|case: &Case| case.data.starts_with(&notes));
    covers("an indication and notes", &|case: &Case| case.data.find(&notes).is_some_and(|place| place > 0));
    let tokens = ControlTokens::default();
    for case in &reference.cases {
        assert_eq!(prompt_text(&request(case), &tokens).unwrap(), case.words, "{}", case.key);
    }
}

#[test]
fn token_ids_of_every_prompt() {
    let packed = repository().join("../shared/data/tokenizers/gemma3/tokenizer.json.xz");
    if !packed.is_file() {
        return hilum_testkit::skipped("Gemma 3's tokenizer is not in ../shared");
    }
    let unpacked = match Command::new("xz").args(["--decompress", "--stdout"]).arg(&packed).output() {
        Ok(output) if output.status.success() => output.stdout,
        _ => return hilum_testkit::skipped(format_args!("xz cannot unpack {}", packed.display())),
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    std::fs::write(&path, &unpacked).unwrap();
    let tokenizer = Tokenizer::from_file(&path).unwrap();
    let tokens = ControlTokens::read(&path).unwrap();
    let Reference { soft, per_image, cases } = reference();
    assert!(cases.len() >= 174);
    for case in &cases {
        let words = prompt_text(&request(case), &tokens).unwrap();
        assert_eq!(words, case.words, "{}: a control token was seen in plain words", case.key);
        // The engine takes the begin token off, since the tokenizer adds it, and writes out each image
        // (transformers' `processing_gemma3.py`, mistralrs-core 0.8.1 `gemma3/inputs_processor.rs`).
        let image = format!("\n\n<start_of_image>{}<end_of_image>\n\n", "<image_soft_token>".repeat(per_image));
        let rendered = render_turn(case.images, &words).replace("<start_of_image>", &image);
        let rendered = rendered.strip_prefix("<bos>").unwrap();
        let mut ids = tokenizer.encode_fast(rendered, true).unwrap().get_ids().to_vec();
        assert_eq!(ids.iter().filter(|id| **id == soft).count(), case.images * per_image);
        ids.dedup_by(|a, b| *a == soft && *b == soft);
        assert_eq!(ids, case.ids, "{} with {} images: {:?}", case.key, case.images, case.data);
    }
    println!("{} prompts agree", cases.len());
}
