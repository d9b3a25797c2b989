//! What the engine knows already it does not compute again, and the answer is the same.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use common::{demonstration, draft, grey, layer_types, quantised};
use hilum_drafting::{Engine, Quantise, overlay};
use hilum_testkit::gemma3::{Spelling, write_checkpoint};
use hilum_workers::messages::draft::{DraftOutcome, DraftPrompt};
use image::GrayImage;
use tempfile::TempDir;

/// A pack to try it on.
struct Form {
    name: &'static str,
    folder: PathBuf,
    /// Whether several answers are written together.
    joins: bool,
    /// Least share of the steps that this saves, where it does.
    saved: f64,
    _made: TempDir,
}

/// A tiny random checkpoint in float32 and in Q8_0, for its rows are too short for blocks of 256; and the demonstration
/// pack, whose rows are not, in Q4_K with its output table in Q6_K.
fn forms() -> Vec<Form> {
    let tiny = tempfile::tempdir().unwrap();
    write_checkpoint(tiny.path(), Spelling::Transformers4, 1).unwrap();
    let stored = |source: &Path, quantise, types: &[u32]| {
        let made = quantised(source, quantise);
        assert_eq!(layer_types(made.path(), quantise), BTreeSet::from_iter(types.iter().copied()), "{quantise:?}");
        made
    };
    let form = |name, made: TempDir, joins, saved| Form { name, folder: made.path().into(), joins, saved, _made: made };
    let eights = stored(tiny.path(), Quantise::Q8, &[8]);
    let mut forms = vec![form("float32", tiny, false, 0.0), form("Q8_0", eights, true, 1.0 / 3.0)];
    if let Some(demo) = demonstration() {
        // Its answers are of unlike lengths, and some are short: few steps may be shared.
        forms.push(form("Q4_K and Q6_K", stored(&demo, Quantise::Q4k, &[12, 14]), true, 0.0));
    }
    forms
}

fn loaded(form: &Form) -> Engine {
    Engine::load(&form.folder, |_, _| {}).unwrap()
}

/// A picture of the pack's side, another for each step.
fn picture(form: &Form, step: u32) -> GrayImage {
    let side = hilum_drafting::shape_in(&form.folder).unwrap().side;
    grey(side, (0..side * side).map(|i| ((i % side) * step + (i / side) * 3 + (i * step) % 31) as u8).collect())
}

/// Where the first image's soft tokens stand in a prompt.
fn image_start(form: &Form, outcome: &DraftOutcome) -> usize {
    let config = std::fs::read(form.folder.join("config.json")).unwrap();
    let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
    let soft = config["image_token_index"].as_u64().unwrap();
    outcome.prompt_token_ids.iter().position(|&token| u64::from(token) == soft).expect("an image")
}

fn raw(text: &str) -> DraftPrompt {
    DraftPrompt::Raw { text: text.to_owned() }
}

/// The same words, and the same numbers to the bit.
fn check_answer(place: &str, found: (Vec<u32>, Vec<f32>), fresh: (Vec<u32>, Vec<f32>)) {
    assert_eq!(found.0, fresh.0, "{place}");
    assert_eq!(found.1, fresh.1, "{place}");
}

fn answer(outcome: DraftOutcome) -> (Vec<u32>, Vec<f32>) {
    (outcome.token_ids, outcome.logprobs)
}

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
    for form in &forms() {
        let name = form.name;
        let (first, second, third) = (
            raw("Describe this X-ray in some detail, region by region, and then the heart."),
            raw("Describe this X-ray in some detail, region by region, and then the bones and the soft tissues."),
            raw("Is there a pneumothorax on this X-ray? Answer with one word only, please, and nothing else."),
        );
        let [one, two, three] = [2, 3, 4].map(|step| picture(form, step));
        let alone = vec![one.clone()];
        // In this order, so that each shares something with the one before it.
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
        let fresh: Vec<_> =
            steps.iter().map(|(prompt, images)| answer(draft(&loaded(form), images, prompt, 24))).collect();
        let engine = loaded(form);
        let image_tokens = engine.shape().image_tokens;
        let mut before = 0;
        for (index, ((prompt, images), fresh)) in steps.iter().zip(fresh).enumerate() {
            let outcome = draft(&engine, images, prompt, 24);
            let start = image_start(form, &outcome);
            check_answer(&format!("{name} step {index}"), answer(outcome), fresh);
            let reused = engine.tokens_reused() - before;
            before = engine.tokens_reused();
            let image_too = matches!(index, 1..=4 | 6 | 7);
            assert!((reused >= start + image_tokens) == image_too, "{name} step {index}: {reused} tokens were known");
        }
        assert_eq!(engine.images_read().1, 3, "{name}: each image was read once");
    }
}

#[test]
fn what_is_kept_of_a_prompt_goes_with_its_engine() {
    if !edited() {
        return;
    }
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let forms = forms();
    let form = &forms[0];
    let (engine, other) = (loaded(form), loaded(form));
    let images = [picture(form, 2)];
    let known = || {
        let before = engine.tokens_reused();
        draft(&engine, &images, &raw("Describe this X-ray, region by region, and then the heart."), 2);
        engine.tokens_reused() - before
    };
    assert_eq!(known(), 0);
    assert!(known() > 0);
    drop(other);
    assert_eq!(known(), 0, "what was kept of the last prompt");
    assert!(known() > 0);
}

#[test]
fn answers_together_are_those_given_alone() {
    if !edited() {
        return;
    }
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for form in &forms() {
        let name = form.name;
        let images = [picture(form, 2)];
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
        let lone = loaded(form);
        let alone: Vec<_> = prompts.iter().map(|prompt| answer(draft(&lone, &images, prompt, 40))).collect();
        drop(lone);

        let engine = loaded(form);
        let mut known = vec![None];
        // The second time another prompt's memory is there, and the image is known.
        for round in 0..2 {
            let before = engine.steps();
            let mut together = vec![None; prompts.len()];
            let keep = |index: usize, outcome| together[index] = Some(answer(outcome));
            let encoded = engine.draft_together(&images, known.clone(), &prompts, 40, keep, &never).unwrap();
            let together: Vec<_> = together.into_iter().map(|answer| answer.expect("each is answered")).collect();
            assert_eq!(together, alone, "{name} round {round}");
            let (steps, tokens) =
                (engine.steps() - before, alone.iter().map(|(tokens, _)| tokens.len() - 1).sum::<usize>());
            println!("{name} round {round}: {tokens} tokens after the first ones in {steps} steps");
            // Float32 is multiplied in another order for several rows; there they are written one after the other.
            let joined = form.joins && overlay().contains("answers written together");
            let most = tokens as f64 * (1.0 - form.saved);
            assert_eq!((steps as f64) < most, joined, "{name}: {steps} steps for {tokens} tokens");
            assert_eq!(encoded.len(), 1 - round, "{name}");
            if let Some((_, image)) = encoded.into_iter().next() {
                known = vec![Some(image)];
            }
        }
        assert_eq!(engine.images_read().1, 1, "{name}: the image was read once");
        assert_eq!(answer(draft(&engine, &images, &prompts[1], 40)), alone[1], "{name}: and one alone after them");

        let mut none = true;
        engine.draft_together(&images, known, &prompts, 40, |_, _| none = false, &AtomicBool::new(true)).unwrap();
        assert!(none, "{name}: none is begun once it is stopped");
        assert_eq!(answer(draft(&engine, &images, &prompts[2], 40)), alone[2], "{name}: the engine works on");
    }
}

#[test]
fn an_image_that_was_encoded_by_another_process() {
    if !edited() {
        return;
    }
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for form in &forms() {
        let name = form.name;
        let images = [2, 5].map(|step| picture(form, step));
        let prompt = raw("Describe both.");
        let never = AtomicBool::new(false);
        let first = loaded(form);
        let (outcome, encoded) = first.draft_knowing(&images, vec![None, None], &prompt, 16, |_| {}, &never).unwrap();
        assert_eq!(encoded.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0, 1], "{name}");
        let length = first.shape().image_tokens * first.shape().hidden;
        assert!(encoded.iter().all(|(_, image)| image.len() == length), "{name}");

        let second = loaded(form);
        let known = encoded.into_iter().map(|(_, image)| Some(image)).collect();
        let (again, encoded) = second.draft_knowing(&images, known, &prompt, 16, |_| {}, &never).unwrap();
        assert_eq!(answer(again), answer(outcome), "{name}");
        assert!(encoded.is_empty(), "{name}");
        assert_eq!(second.images_read().1, 0, "{name}: nothing was read");
    }
}

/// What is kept of an image may have been damaged, or be another model's.
#[test]
fn an_image_whose_encoded_form_is_damaged_is_encoded_anew() {
    if !edited() {
        return;
    }
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let damages: [(&str, fn(&mut Vec<f32>, usize)); 8] = [
        ("empty", |image, _| image.clear()),
        ("a number short", |image, _| image.truncate(image.len() - 1)),
        ("a number too many", |image, _| image.push(0.5)),
        ("a token short", |image, width| image.truncate(image.len() - width)),
        ("a token too many", |image, width| image.extend(vec![0.5; width])),
        ("no number at its begin", |image, _| image[0] = f32::NAN),
        ("no number at its end", |image, _| *image.last_mut().unwrap() = -f32::NAN),
        ("infinite in the middle", |image, _| *image.iter_mut().nth(17).unwrap() = f32::INFINITY),
    ];
    for form in &forms() {
        let images = [picture(form, 2)];
        let prompt = raw("Describe");
        let engine = loaded(form);
        let asked = |known| {
            let never = AtomicBool::new(false);
            // After a prompt that begins as the last one did, nobody would ask for the image.
            draft(&engine, &[], &raw("What is seen first on a frontal radiograph of a chest?"), 1);
            let (outcome, encoded) = engine.draft_knowing(&images, vec![known], &prompt, 8, |_| {}, &never).unwrap();
            (answer(outcome), encoded.into_iter().next().map(|(_, image)| image))
        };
        let (said, encoded) = asked(None);
        let whole = encoded.expect("it was encoded");
        assert_eq!(asked(Some(whole.clone())), (said.clone(), None), "{}: a whole one is taken", form.name);
        for (what, damage) in damages {
            let mut image = whole.clone();
            damage(&mut image, engine.shape().hidden);
            assert_eq!(asked(Some(image)), (said.clone(), Some(whole.clone())), "{}: {what}", form.name);
        }
    }
}
