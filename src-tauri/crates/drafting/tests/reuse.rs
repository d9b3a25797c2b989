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

/// One test at a time: the last prompt is that of the process.
static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// The edits are what reuses; the engine as released computes all of it again.
fn edited() -> bool {
    if overlay().is_empty() {
        hilum_testkit::skipped("this build has the engine as released");
    }
    !overlay().is_empty()
}

#[test]
fn a_prompt_that_begins_as_the_last_one() {
    if !edited() {
        return;
    }
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for form in FORMS {
        let folder = folder(form);
        let (first, second, third) = (
            raw("Describe this X-ray in some detail, region by region, and then the heart."),
            raw("Describe this X-ray in some detail, region by region, and then the bones and the soft tissues."),
            raw("Is there a pneumothorax on this X-ray? Answer with one word only, please, and nothing else."),
        );
        let [one, two, three] = [2, 3, 4].map(|seed| grey(SIDE, image(seed)));
        let alone = vec![one.clone()];
        // In this order, so that each shares something with the one before it. The last prompt of a process is kept,
        // whichever model read it: what a fresh engine says is asked first.
        let steps = [
            (&first, alone.clone()),
            (&second, alone.clone()),
            (&third, alone.clone()),
            (&second, alone.clone()),
            (&first, alone.clone()),
            (&first, vec![two.clone()]),
            (&second, vec![two.clone(), one]),
            (&second, vec![two, three]),
            (&first, alone),
        ];
        let fresh: Vec<_> = steps
            .iter()
            .map(|(prompt, images)| answer(draft(&Engine::load(folder.path(), |_, _| {}).unwrap(), images, prompt, 24)))
            .collect();
        let engine = Engine::load(folder.path(), |_, _| {}).unwrap();
        let image_tokens = engine.shape().image_tokens;
        let mut before = 0;
        for (index, ((prompt, images), fresh)) in steps.iter().zip(fresh).enumerate() {
            assert_eq!(answer(draft(&engine, images, prompt, 24)), fresh, "{form:?} step {index}");
            let reused = engine.tokens_reused() - before;
            before = engine.tokens_reused();
            let image_too = matches!(index, 1..=4 | 6 | 7);
            // Before the image stand five tokens of the turn.
            assert!((reused >= 5 + image_tokens) == image_too, "{form:?} step {index}: {reused} tokens were known");
        }
        assert_eq!(engine.images_read().1, 3, "{form:?}: each image was read once");
    }
}

#[test]
fn answers_together_are_those_given_alone() {
    if !edited() {
        return;
    }
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for form in FORMS {
        let folder = folder(form);
        let images = [grey(SIDE, image(2))];
        // Of unlike lengths, two of one length, one twice; more than are written at a time.
        let words = [
            "Is there a pneumothorax?",
            "Describe the heart, please.",
            "Is there an effusion on the left?",
            "Is there a pneumothorax?",
            "Is there a pneumothorux?",
            "Describe.",
        ];
        let prompts = words.map(raw);
        let never = AtomicBool::new(false);
        let lone = Engine::load(folder.path(), |_, _| {}).unwrap();
        let alone: Vec<_> = prompts.iter().map(|prompt| answer(draft(&lone, &images, prompt, 40))).collect();
        drop(lone);

        let engine = Engine::load(folder.path(), |_, _| {}).unwrap();
        let mut known = vec![None];
        // The second time another prompt's memory is there, and the image is known.
        for round in 0..2 {
            let before = engine.steps();
            let mut together = vec![None; prompts.len()];
            let keep = |index: usize, outcome| together[index] = Some(answer(outcome));
            let encoded = engine.draft_together(&images, known.clone(), &prompts, 40, keep, &never).unwrap();
            let together: Vec<_> = together.into_iter().map(|answer| answer.expect("each is answered")).collect();
            assert_eq!(together, alone, "{form:?} round {round}");
            let (steps, tokens) =
                (engine.steps() - before, alone.iter().map(|(tokens, _)| tokens.len() - 1).sum::<usize>());
            println!("{form:?} round {round}: {tokens} tokens after the first ones in {steps} steps");
            // Float32 is multiplied in another order for several rows; there they are written one after the other.
            let joined = form.is_some() && overlay().contains("answers written together");
            assert_eq!(steps < tokens * 2 / 3, joined, "{form:?}: {steps} steps for {tokens} tokens");
            assert_eq!(encoded.len(), 1 - round, "{form:?}");
            if let Some((_, image)) = encoded.into_iter().next() {
                known = vec![Some(image)];
            }
        }
        assert_eq!(engine.images_read().1, 1, "{form:?}: the image was read once");
        assert_eq!(answer(draft(&engine, &images, &prompts[1], 40)), alone[1], "{form:?}: and one alone after them");

        let mut none = true;
        engine.draft_together(&images, known, &prompts, 40, |_, _| none = false, &AtomicBool::new(true)).unwrap();
        assert!(none, "{form:?}: none is begun once it is stopped");
        assert_eq!(answer(draft(&engine, &images, &prompts[2], 40)), alone[2], "{form:?}: the engine works on");
    }
}

#[test]
fn an_image_that_was_encoded_by_another_process() {
    if !edited() {
        return;
    }
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
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
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
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
