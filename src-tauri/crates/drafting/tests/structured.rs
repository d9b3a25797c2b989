//! Structured answers, one section again, and yes/no questions, by the demonstration pack.

mod common;

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use common::{draft, grey, repository};
use hilum_drafting::{Engine, prompts};
use hilum_workers::messages::draft::{AnswerRules, DraftOutcome, DraftPrompt, DraftedPart, Rewrite};
use image::GrayImage;

/// The pack, loaded once, for one test at a time; `None` where its weights are not here.
fn engine() -> Option<MutexGuard<'static, Engine>> {
    static ENGINE: OnceLock<Option<Mutex<Engine>>> = OnceLock::new();
    let loaded = ENGINE.get_or_init(|| {
        let pack = repository().join("models/demo/medgemma-demo");
        if !pack.join("model.safetensors").exists() {
            hilum_testkit::skipped(format_args!("{} holds no weights", pack.display()));
            return None;
        }
        Some(Mutex::new(Engine::load(&pack, |_, _| {}).unwrap()))
    });
    loaded.as_ref().map(|engine| engine.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A picture that no other call made.
fn picture(engine: &Engine, step: u32) -> GrayImage {
    let side = engine.shape().side;
    let pixel = |i: u32| ((i % side) * step + (i / side) * 3) as u8;
    grey(side, (0..side * side).map(pixel).collect())
}

fn sections(comparison: bool) -> DraftPrompt {
    DraftPrompt::Sections { indication: None, rules: AnswerRules { comparison, ..AnswerRules::default() } }
}

fn section(section: DraftedPart, how: Rewrite, text: &str) -> DraftPrompt {
    let rules = AnswerRules::default();
    DraftPrompt::Section { section, how, indication: None, text: text.to_owned(), rules }
}

/// Every region in order, then the impression; whole sentences only.
fn check_shape(outcome: &DraftOutcome) {
    let shape = &prompts().structured_answer;
    let places = shape.regions.iter().map(|region| outcome.text.find(&format!("\n{region}: ")));
    let places: Vec<usize> = places.map(|place| place.unwrap_or_else(|| panic!("{}", outcome.text))).collect();
    assert!(places.is_sorted(), "{}", outcome.text);
    assert!(outcome.text.contains(&format!("\n\n{}\n", shape.impression_heading)), "{}", outcome.text);
    assert!(matches!(outcome.finish.as_str(), "stop" | "closed"), "{}", outcome.finish);
    let sentences = outcome.sections.iter().flat_map(|section| &section.sentences);
    assert!(outcome.finish == "closed" || sentences.clone().count() > 0, "{}", outcome.text);
    for sentence in sentences {
        assert!(sentence.text.ends_with('.'), "{sentence:?}");
    }
    assert!(outcome.logprobs.iter().all(|&p| p <= 1e-6 && p.is_finite()));
    assert_eq!(outcome.token_ids.len(), outcome.logprobs.len());
    assert!(outcome.circumstances.grammar_sha256.is_some());
}

#[test]
fn an_answer_has_the_shape_of_the_template_and_repeats() {
    let Some(engine) = engine() else { return };
    let engine = &*engine;
    let image = [picture(engine, 5)];
    let first = draft(engine, &image, &sections(false), 512);
    println!("{}\n[{}, {} tokens]", first.text, first.finish, first.token_ids.len());
    check_shape(&first);
    if first.finish == "stop" {
        let names: Vec<&str> = first.sections.iter().map(|section| section.section.as_str()).collect();
        assert_eq!(names, ["findings", "impression"]);
    }
    // Others came between, and the image was not read again.
    draft(engine, &[picture(engine, 9)], &sections(false), 512);
    let again = draft(engine, &image, &sections(false), 512);
    assert_eq!((&again.token_ids, &again.prompt_token_ids), (&first.token_ids, &first.prompt_token_ids));
    assert_eq!(again.logprobs, first.logprobs, "bit for bit");
    assert_eq!(again.circumstances, first.circumstances);
    println!("prompt {:.3} s, with the image known {:.3} s", first.prompt_seconds, again.prompt_seconds);
}

#[test]
fn little_room_closes_the_frame() {
    let Some(engine) = engine() else { return };
    let engine = &*engine;
    let image = [picture(engine, 7)];
    for room in [130, 160, 200] {
        let outcome = draft(engine, &image, &sections(false), room);
        assert!(outcome.token_ids.len() <= room as usize, "{}", outcome.text);
        assert!(outcome.text.ends_with('.'), "{}", outcome.text);
        assert!(outcome.text.contains("IMPRESSION:\n"), "{}", outcome.text);
        for sentence in outcome.sections.iter().flat_map(|section| &section.sentences) {
            assert_ne!(sentence.text, "Not described.");
        }
    }
    let never = std::sync::atomic::AtomicBool::new(false);
    let refused = engine.draft(&image, &sections(false), 20, |_| {}, &never).unwrap_err();
    assert_eq!(refused.code(), "drafting.no_room");
}

#[test]
fn an_image_is_read_once() {
    let Some(engine) = engine() else { return };
    let engine = &*engine;
    let image = [picture(engine, 11)];
    let (_, before) = engine.images_read();
    draft(engine, &image, &sections(false), 512);
    let (_, read) = engine.images_read();
    assert_eq!(read, before + 1);
    draft(engine, &image, &section(DraftedPart::Impression, Rewrite::Again, ""), 512);
    draft(engine, &image, &DraftPrompt::YesNo { question: "Is there a pneumothorax?".to_owned() }, 64);
    // With a prior before it the image is still the same image.
    draft(engine, &[picture(engine, 13), image[0].clone()], &sections(true), 512);
    assert_eq!(engine.images_read().1, read + 1, "the prior alone was new");
}

#[test]
fn one_section() {
    let Some(engine) = engine() else { return };
    let engine = &*engine;
    let image = [picture(engine, 5)];
    let text = "Lungs and airways: The lungs are clear.\nPleura: Small left pleural effusion.";
    for (part, how, text) in [
        (DraftedPart::Findings, Rewrite::Again, ""),
        (DraftedPart::Findings, Rewrite::Shorter, text),
        (DraftedPart::Findings, Rewrite::MoreDetail, text),
        (DraftedPart::Impression, Rewrite::Again, ""),
        (DraftedPart::Impression, Rewrite::Shorter, "Small left pleural effusion. No pneumothorax."),
        (DraftedPart::Impression, Rewrite::FromFindings, text),
    ] {
        let outcome = draft(engine, &image, &section(part, how, text), 512);
        println!("{part:?} {how:?}: {}", outcome.text.replace('\n', " | "));
        assert!(outcome.sections.iter().all(|section| section.section == part.name()), "{:?}", outcome.sections);
        assert!(matches!(outcome.finish.as_str(), "stop" | "closed"));
    }
}

#[test]
fn a_question_is_answered_with_yes_or_no() {
    let Some(engine) = engine() else { return };
    let engine = &*engine;
    let image = [picture(engine, 5)];
    for question in ["Is there a pneumothorax?", "Is there cardiomegaly?"] {
        let outcome = draft(engine, &image, &DraftPrompt::YesNo { question: question.to_owned() }, 64);
        let answer = outcome.yes_no.unwrap();
        println!("{question} {} ({answer:?})", outcome.text);
        let said = if answer.answer == Some(true) { "Final Answer: yes" } else { "Final Answer: no" };
        assert!(outcome.text.to_lowercase().ends_with(&said.to_lowercase()), "{}", outcome.text);
        assert_eq!(answer.answer, Some(answer.yes_logprob > answer.no_logprob));
        assert!(answer.yes_logprob <= 1e-6 && answer.no_logprob <= 1e-6);
        assert!(outcome.sections.is_empty() || outcome.text.contains("Final Answer"));
    }
}
