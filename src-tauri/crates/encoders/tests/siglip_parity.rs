//! The encoder against transformers, over committed numbers
//! (`tests/parity/siglip_reference.py`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hilum_encoders::{Encoder, Precision, TextTokenizer};
use hilum_testkit::siglip::{SIGLIP_TEXTS, TinySiglip, file_hashes};
use serde::Deserialize;

/// Largest difference of an L2-normalised embedding or a cosine.
const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Reference {
    files: BTreeMap<String, String>,
    images: Vec<Vec<f64>>,
    token_ids: Vec<Vec<u32>>,
    texts: Vec<Vec<f64>>,
    scores: Vec<BTreeMap<String, ReferenceScore>>,
}

#[derive(Deserialize)]
struct ReferenceScore {
    difference: f64,
    softmax: f64,
}

#[derive(Deserialize)]
struct MapReference {
    side: usize,
    images: Vec<BTreeMap<String, Vec<f64>>>,
}

#[derive(Deserialize)]
struct TokenReference {
    length: usize,
    pad: u32,
    texts: Vec<TextIds>,
}

#[derive(Deserialize)]
struct TextIds {
    text: String,
    ids: Vec<u32>,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

fn committed<T: for<'a> Deserialize<'a>>(name: &str) -> T {
    let path = repository().join("tests/parity").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn largest_difference(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0., f64::max)
}

fn check_parity(name: &str) {
    let references: BTreeMap<String, Reference> = committed("siglip_reference.json");
    let reference = &references[name];
    let checkpoint = TinySiglip::references().into_iter().find(|(other, _)| *other == name).unwrap().1;
    let dir = tempfile::tempdir().unwrap();
    checkpoint.write(dir.path()).unwrap();
    assert_eq!(
        file_hashes(dir.path()).unwrap(),
        reference.files,
        "{name}: the reference is for another checkpoint; run tests/parity/siglip_reference.py"
    );

    let encoder = Encoder::load_in(dir.path(), Precision::F32).unwrap();
    assert_eq!(encoder.side(), checkpoint.image_side);
    assert_eq!(encoder.dim(), checkpoint.vision_hidden);

    let texts: Vec<String> = SIGLIP_TEXTS.iter().map(|text| text.to_string()).collect();
    for (text, expected) in texts.iter().zip(&reference.token_ids) {
        assert_eq!(&encoder.token_ids(text).unwrap(), expected, "{name}: {text:?}");
    }
    let embedded = encoder.encode_texts(&texts).unwrap();
    let mut worst_text = 0f64;
    for (text, (found, expected)) in texts.iter().zip(embedded.iter().zip(&reference.texts)) {
        let difference = largest_difference(found, expected);
        assert!(difference < TOLERANCE, "{name}: {text:?} differs by {difference}");
        worst_text = worst_text.max(difference);
    }

    let (mut worst_image, mut worst_score) = (0f64, 0f64);
    assert_eq!(reference.images.len(), checkpoint.images().len());
    for (i, grey) in checkpoint.images().iter().enumerate() {
        let embedding = encoder.encode_image(grey).unwrap();
        let difference = largest_difference(&embedding.0, &reference.images[i]);
        assert!(difference < TOLERANCE, "{name}: image {i} differs by {difference}");
        worst_image = worst_image.max(difference);

        let scores = encoder.scores(&embedding).unwrap();
        assert_eq!(scores.len(), reference.scores[i].len());
        for score in scores {
            let expected = &reference.scores[i][&score.finding];
            let difference = (f64::from(score.difference) - expected.difference).abs();
            let softmax = (f64::from(score.softmax) - expected.softmax).abs();
            assert!(difference < TOLERANCE, "{name}: {} of image {i}: {difference}", score.finding);
            assert!(softmax < TOLERANCE, "{name}: {} of image {i}: {softmax}", score.finding);
            worst_score = worst_score.max(difference);
        }
    }
    println!(
        "{name}: largest differences: texts {worst_text:.1e}, images {worst_image:.1e}, cosine \
         differences {worst_score:.1e}"
    );
}

#[test]
fn a_checkpoint_in_the_form_of_transformers_4() {
    check_parity("transformers4");
}

#[test]
fn a_sharded_half_precision_checkpoint_in_the_form_of_transformers_5() {
    check_parity("transformers5");
}

fn check_maps(name: &str) {
    let references: BTreeMap<String, MapReference> = committed("siglip_maps.json");
    let reference = &references[name];
    let checkpoint = TinySiglip::references().into_iter().find(|(other, _)| *other == name).unwrap().1;
    let dir = tempfile::tempdir().unwrap();
    checkpoint.write(dir.path()).unwrap();
    let encoder = Encoder::load_in(dir.path(), Precision::F32).unwrap();
    let mut worst = 0f64;
    assert_eq!(reference.images.len(), checkpoint.images().len());
    for (grey, expected) in checkpoint.images().iter().zip(&reference.images) {
        let patches = encoder.encode_patches(grey).unwrap();
        assert_eq!(patches.side(), reference.side);
        for (finding, expected) in expected {
            let map = encoder.evidence_map(&patches, finding).unwrap();
            assert_eq!((map.side, map.values.len()), (reference.side, reference.side * reference.side));
            let difference = largest_difference(&map.values, expected);
            assert!(difference < TOLERANCE, "{name}: the map of {finding} differs by {difference}");
            worst = worst.max(difference);
        }
        let unknown = encoder.evidence_map(&patches, "appendicitis").unwrap_err();
        assert_eq!(unknown.code(), "encoder.unknown_finding");
    }
    println!("{name}: largest difference of a map: {worst:.1e}");
}

#[test]
fn evidence_maps_of_transformers_4() {
    check_maps("transformers4");
}

#[test]
fn evidence_maps_of_transformers_5() {
    check_maps("transformers5");
}

/// Every published prompt, and texts that are hard to cut, against the real
/// MedSigLIP tokenizer as transformers runs it.
#[test]
fn token_ids_of_the_real_tokenizer() {
    let dir = repository().join("../shared/data/tokenizers/medsiglip");
    if !dir.join("tokenizer.json").is_file() {
        hilum_testkit::skipped("the real MedSigLIP tokenizer is not in ../shared");
        return;
    }
    let reference: TokenReference = committed("siglip_token_ids.json");
    let tokenizer = TextTokenizer::load(&dir, reference.length, 32000).unwrap();
    for TextIds { text, mut ids } in reference.texts {
        // The end of the sequence and the padding are the same token.
        ids.resize(reference.length, reference.pad);
        assert_eq!(tokenizer.encode(&text).unwrap(), ids, "{text:?}");
    }
}

/// The committed ids cover the prompts that the crate ships.
#[test]
fn every_prompt_has_reference_ids() {
    let reference: TokenReference = committed("siglip_token_ids.json");
    for prompt in hilum_encoders::findings::Prompts::published().distinct() {
        assert!(reference.texts.iter().any(|row| row.text == prompt), "{prompt:?}");
    }
}
