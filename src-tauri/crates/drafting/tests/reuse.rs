//! What the engine knows already it does not compute again, and the answer is the same.

mod common;

use std::sync::atomic::AtomicBool;

use common::{draft, grey};
use hilum_drafting::{Engine, Quantise, convert, overlay};
use hilum_testkit::gemma3::{SIDE, Spelling, image, write_checkpoint};
use hilum_workers::messages::draft::{DraftOutcome, DraftPrompt};
use tempfile::TempDir;

/// A checkpoint in float32, or quantised.
fn folder(quantise: Option<Quantise>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_checkpoint(folder.path(), Spelling::Transformers4, 1).unwrap();
    if let Some(quantise) = quantise {
        let quantised = tempfile::tempdir().unwrap();
        convert(folder.path(), quantised.path(), quantise, &mut |_| {}, &AtomicBool::new(false)).unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "safetensors") {
                std::fs::copy(&path, quantised.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        return quantised;
    }
    folder
}

fn raw(text: &str) -> DraftPrompt {
    DraftPrompt::Raw { text: text.to_owned() }
}

fn answer(outcome: DraftOutcome) -> (Vec<u32>, Vec<f32>) {
    (outcome.token_ids, outcome.logprobs)
}

const FORMS: [Option<Quantise>; 3] = [None, Some(Quantise::Q4k), Some(Quantise::Q8)];

/// The edits are what reuses; the engine as released computes all of it again.
fn edited() -> bool {
    if overlay().is_empty() {
        println!("skipped: this build has the engine as released");
    }
    !overlay().is_empty()
}

#[test]
fn a_prompt_that_begins_as_the_last_one() {
    if !edited() {
        return;
    }
    for form in FORMS {
        let folder = folder(form);
        let (first, second, third) = (
            raw("Describe this X-ray in some detail, region by region, and then the heart."),
            raw("Describe this X-ray in some detail, region by region, and then the bones and the soft tissues."),
            raw("Is there a pneumothorax on this X-ray? Answer with one word only, please, and nothing else."),
        );
        let images = [grey(SIDE, image(2))];
        let fresh = |prompt: &DraftPrompt, images: &[image::GrayImage]| {
            answer(draft(&Engine::load(folder.path(), |_, _| {}).unwrap(), images, prompt, 24))
        };
        let engine = Engine::load(folder.path(), |_, _| {}).unwrap();
        let one = draft(&engine, &images, &first, 24);
        assert_eq!(engine.tokens_reused(), 0, "{form:?}");
        let mut before = 0;
        for prompt in [&second, &third, &second, &first] {
            assert_eq!(answer(draft(&engine, &images, prompt, 24)), fresh(prompt, &images), "{form:?} {prompt:?}");
            let reused = engine.tokens_reused();
            assert!(reused >= before + engine.shape().image_tokens, "{form:?}: {before} then {reused}");
            before = reused;
        }
        assert_eq!(answer(draft(&engine, &images, &first, 24)), answer(one), "{form:?}");
        assert_eq!(engine.images_read().1, 1, "{form:?}: the image was read once");

        // Another image at the same place shares no more than what stands before it.
        let before = engine.tokens_reused();
        let other = [grey(SIDE, image(3))];
        assert_eq!(answer(draft(&engine, &other, &first, 24)), fresh(&first, &other), "{form:?}");
        assert!(engine.tokens_reused() < before + engine.shape().image_tokens, "{form:?}");

        // Two images of which the first is the one before.
        let both = [grey(SIDE, image(3)), grey(SIDE, image(2))];
        assert_eq!(answer(draft(&engine, &both, &second, 24)), fresh(&second, &both), "{form:?}");
        let swapped = [grey(SIDE, image(3)), grey(SIDE, image(4))];
        assert_eq!(answer(draft(&engine, &swapped, &second, 24)), fresh(&second, &swapped), "{form:?}");
    }
}

#[test]
fn an_image_that_was_encoded_by_another_process() {
    if !edited() {
        return;
    }
    for form in FORMS {
        let folder = folder(form);
        let images = [grey(SIDE, image(2)), grey(SIDE, image(5))];
        let prompt = raw("Describe both.");
        let never = AtomicBool::new(false);
        let first = Engine::load(folder.path(), |_, _| {}).unwrap();
        let (outcome, encoded) = first.draft_knowing(&images, vec![None, None], &prompt, 16, |_| {}, &never).unwrap();
        assert_eq!(encoded.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0, 1], "{form:?}");
        let width = encoded[0].1.len() / first.shape().image_tokens;
        assert_eq!(encoded[1].1.len(), width * first.shape().image_tokens, "{form:?}");

        let second = Engine::load(folder.path(), |_, _| {}).unwrap();
        let known = encoded.into_iter().map(|(_, image)| Some(image)).collect();
        let (again, encoded) = second.draft_knowing(&images, known, &prompt, 16, |_| {}, &never).unwrap();
        assert_eq!(answer(again), answer(outcome), "{form:?}");
        assert!(encoded.is_empty(), "{form:?}");
        assert_eq!(second.images_read().1, 0, "{form:?}: nothing was read");
    }
}

#[test]
fn stopped_while_the_prompt_is_read() {
    if !edited() {
        return;
    }
    let folder = folder(None);
    let engine = Engine::load(folder.path(), |_, _| {}).unwrap();
    let images = [grey(SIDE, image(2))];
    let stop = AtomicBool::new(true);
    for _ in 0..3 {
        let outcome = engine.draft(&images, &raw("Describe"), 16, |_| {}, &stop).unwrap();
        assert_eq!(outcome.finish, "cancelled");
    }
    let fresh = Engine::load(folder.path(), |_, _| {}).unwrap();
    let after = answer(draft(&engine, &images, &raw("Describe"), 16));
    assert_eq!(after, answer(draft(&fresh, &images, &raw("Describe"), 16)), "the engine works on");
}
