//! The engine answers what transformers answers, on the tiny checkpoints of `testkit`.
//! The numbers come from `tests/parity/gemma3_reference.py`.

mod common;

use std::collections::BTreeMap;

use common::{Reference, check, draft, grey, repository};
use hilum_drafting::{Engine, Placement, needs_conversion, normalise, overlay};
use hilum_testkit::gemma3::{IMAGE_TOKENS, SIDE, Spelling, WINDOW, image, write_checkpoint};
use hilum_workers::messages::draft::DraftPrompt;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Tokens of each case.
const TOKENS: u32 = 64;

#[derive(Deserialize)]
struct References {
    seed: u64,
    prompt: String,
    style4: Checkpoint,
    style5: Checkpoint,
}

#[derive(Deserialize)]
struct Checkpoint {
    weights_sha256: String,
    cases: BTreeMap<String, Reference>,
}

fn references() -> References {
    let path = repository().join("tests/parity/gemma3_tiny.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn check_spelling(name: &str, spelling: Spelling, convert_first: bool) {
    let all = references();
    let expected = match spelling {
        Spelling::Transformers4 => &all.style4,
        Spelling::Transformers5 => &all.style5,
    };
    let folder = tempfile::tempdir().unwrap();
    let published = folder.path().join("published");
    write_checkpoint(&published, spelling, all.seed).unwrap();
    let weights = std::fs::read(published.join("model.safetensors")).unwrap();
    assert_eq!(hex::encode(Sha256::digest(weights)), expected.weights_sha256, "other weights");
    assert_eq!(needs_conversion(&published).unwrap(), spelling == Spelling::Transformers5);

    let pack = match convert_first {
        true => {
            let pack = folder.path().join("pack");
            normalise(&published, &pack, Placement::Copy).unwrap();
            assert!(!needs_conversion(&pack).unwrap());
            std::fs::remove_dir_all(&published).unwrap();
            pack
        }
        false => published,
    };
    let engine = Engine::load(&pack, |_, _| {}).unwrap();
    let shape = engine.shape();
    assert_eq!((shape.side, shape.image_tokens, shape.window), (SIDE, IMAGE_TOKENS, WINDOW));
    let (prior, current) = (grey(SIDE, image(1)), grey(SIDE, image(2)));
    for (case, images) in [
        ("none", vec![]),
        ("one", vec![current.clone()]),
        ("two", vec![prior.clone(), current.clone()]),
        ("across", vec![current.clone()]),
        ("past", vec![prior, current]),
    ] {
        let expected = &expected.cases[case];
        if expected.prompt_ids.len() + TOKENS as usize > WINDOW && overlay().is_empty() {
            hilum_testkit::skipped(format_args!("{name} {case} crosses the sliding window, which needs the engine that ./dev builds"));
            continue;
        }
        let prompt = DraftPrompt::Raw { text: vec![all.prompt.as_str(); expected.repeat].join(" ") };
        let outcome = draft(&engine, &images, &prompt, TOKENS);
        check(&format!("{name} {case}"), &outcome, expected);
        assert_eq!(outcome.finish, "length");
        assert_eq!(outcome.prompt.matches("<bos>").count(), 1);
        assert_eq!(outcome.prompt.matches("<start_of_image>").count(), images.len());
    }
}

#[test]
fn transformers_4_spelling() {
    check_spelling("style 4", Spelling::Transformers4, false);
}

#[test]
fn transformers_5_spelling() {
    check_spelling("style 5", Spelling::Transformers5, false);
}

#[test]
fn converted_once_when_added() {
    check_spelling("style 5 converted", Spelling::Transformers5, true);
}
