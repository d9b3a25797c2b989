//! The engine answers what transformers answers, on the tiny checkpoints of `testkit`.
//! The numbers come from `tests/parity/gemma3_reference.py`.

mod common;

use std::collections::BTreeMap;

use common::{Reference, check, draft, grey, repository};
use hilum_drafting::{Engine, needs_conversion, overlay};
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

/// The cases of the references, and the images of each, the prior one first.
fn cases() -> [(&'static str, Vec<image::GrayImage>); 5] {
    let (prior, current) = (grey(SIDE, image(1)), grey(SIDE, image(2)));
    [
        ("none", vec![]),
        ("one", vec![current.clone()]),
        ("two", vec![prior.clone(), current.clone()]),
        ("across", vec![current.clone()]),
        ("past", vec![prior, current]),
    ]
}

/// The words of a case's prompt.
fn words(all: &References, case: &Reference) -> String {
    vec![all.prompt.as_str(); case.repeat].join(" ")
}

fn check_spelling(name: &str, spelling: Spelling, as_added: bool) {
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

    if as_added {
        // What `pack add` makes of it (hilumctl's test `a_pack_is_loaded_as_it_lies`): the configuration as published,
        // over the same numbers under the names of the other spelling.
        let other = folder.path().join("other");
        write_checkpoint(&other, Spelling::Transformers4, all.seed).unwrap();
        std::fs::copy(other.join("model.safetensors"), published.join("model.safetensors")).unwrap();
        assert!(!needs_conversion(&published).unwrap());
    }
    let engine = Engine::load(&published, |_, _| {}).unwrap();
    let shape = engine.shape();
    assert_eq!((shape.side, shape.image_tokens, shape.window), (SIDE, IMAGE_TOKENS, WINDOW));
    for (case, images) in cases() {
        let expected = &expected.cases[case];
        if expected.prompt_ids.len() + TOKENS as usize > WINDOW && overlay().is_empty() {
            hilum_testkit::skipped(format_args!("{name} {case} crosses the sliding window, which needs the engine that ./dev builds"));
            continue;
        }
        let prompt = DraftPrompt::Raw { text: words(&all, expected) };
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
fn transformers_5_spelling_as_it_is_added() {
    check_spelling("style 5 as added", Spelling::Transformers5, true);
}

/// Best token, its lead and the logarithm of the reference's probability, as [`hilum_drafting::Found`] has them.
type Place = (u32, f32, f32);

/// Set where this program is its own child: the file for what it finds.
const FOUND: &str = "HILUM_TEST_FOUND";

/// How far a tower in fewer bits may be from float32, at each place of the references' answers about images.
struct Narrow {
    /// As `HILUM_TOWER` takes it.
    word: &'static str,
    /// A near-tie: where float32 has two tokens closer than this (natural logarithms), rounding may decide between them.
    /// Everywhere else the choice has to be the same.
    tie: f32,
    /// The logarithm of a probability moves by less than this.
    moved: f32,
    /// Of all places, near-ties with them, the least share with the same choice.
    same: f64,
}

/// What the engine of this process finds at each place of the answers about images. The other spelling has the same numbers.
fn places() -> Vec<Place> {
    let all = references();
    let folder = tempfile::tempdir().unwrap();
    write_checkpoint(folder.path(), Spelling::Transformers4, all.seed).unwrap();
    let engine = Engine::load(folder.path(), |_, _| {}).unwrap();
    let about_images = cases().into_iter().filter(|(_, images)| !images.is_empty());
    let found = about_images.flat_map(|(case, images)| {
        let expected = &all.style4.cases[case];
        engine.follow(&images, &words(&all, expected), &expected.token_ids).unwrap()
    });
    found.map(|found| (found.best, found.lead, found.logprob)).collect()
}

/// [`places`] with the tower in this arithmetic, in a process of its own: no test may change the environment of others.
fn places_in(word: &str) -> Vec<Place> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("found.json");
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "the_text_is_the_same_with_a_tower_in_fewer_bits"]);
    let ended = child.env("HILUM_TOWER", word).env(FOUND, &file).output().unwrap();
    assert!(ended.status.success(), "{word}: {}", String::from_utf8_lossy(&ended.stdout));
    serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap()
}

fn check_narrow(narrow: &Narrow, exact: &[Place]) {
    let found = places_in(narrow.word);
    assert_eq!(found.len(), exact.len());
    let pairs = || found.iter().zip(exact);
    let moved = pairs().map(|(found, exact)| (found.2 - exact.2).abs()).fold(0.0, f32::max);
    let leads: Vec<f32> = pairs().filter(|(found, exact)| found.0 != exact.0).map(|(_, exact)| exact.1).collect();
    let (word, places) = (narrow.word, exact.len());
    println!("{word}: {} of {places} choices differ, float32's leads there {leads:?}; moved {moved:.1e}", leads.len());
    assert!(moved > 0.0, "{word}: the tower computes as it does in float32");
    assert!(moved < narrow.moved, "{word}: {moved}");
    assert!(leads.iter().all(|&lead| lead < narrow.tie), "{word}: {leads:?}");
    assert!((places - leads.len()) as f64 >= narrow.same * places as f64, "{word}: {leads:?}");
}

/// Each place is judged after the reference's own words, so that a near-tie ends no comparison: where all choices are the
/// same, so is the text that is written freely.
#[test]
fn the_text_is_the_same_with_a_tower_in_fewer_bits() {
    if let Ok(file) = std::env::var(FOUND) {
        return std::fs::write(file, serde_json::to_vec(&places()).unwrap()).unwrap();
    }
    if overlay().is_empty() {
        return hilum_testkit::skipped("a tower in fewer bits needs the engine that ./dev builds");
    }
    let exact = places_in("f32");
    let all = references();
    let about_images = cases().into_iter().filter(|(_, images)| !images.is_empty());
    let expected: Vec<u32> = about_images.flat_map(|(case, _)| all.style4.cases[case].token_ids.clone()).collect();
    assert_eq!(exact.iter().map(|place| place.0).collect::<Vec<_>>(), expected, "float32 is transformers'");
    for narrow in [
        Narrow { word: "bf16", tie: 0.05, moved: 0.1, same: 0.99 },
        Narrow { word: "int8", tie: 0.15, moved: 0.4, same: 0.95 },
    ] {
        check_narrow(&narrow, &exact);
    }
}
