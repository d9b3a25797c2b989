//! What the parity tests share.
#![allow(dead_code)] // Each test file is a crate of its own and uses a part of this.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use hilum_drafting::{Engine, Quantise, convert};
use hilum_workers::messages::draft::{DraftOutcome, DraftPrompt};
use image::GrayImage;
use serde::Deserialize;
use tempfile::TempDir;

/// What transformers answered.
#[derive(Debug, Deserialize)]
pub struct Reference {
    /// How often the prompt's text is said.
    #[serde(default)]
    pub repeat: usize,
    pub prompt_ids: Vec<u32>,
    pub token_ids: Vec<u32>,
    pub logprobs: Vec<f32>,
}

/// The folder that holds the workspace's `Cargo.toml`.
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

pub fn grey(side: u32, pixels: Vec<u8>) -> GrayImage {
    GrayImage::from_raw(side, side, pixels).expect("side x side bytes")
}

/// The demonstration pack as it lies in the repository, in bfloat16; `None`, and noted, where its weights are not here.
pub fn demonstration() -> Option<PathBuf> {
    let pack = repository().join("models/demo/medgemma-demo");
    let here = pack.join("model.safetensors").exists();
    if !here {
        hilum_testkit::skipped(format_args!("{} holds no weights", pack.display()));
    }
    here.then_some(pack)
}

/// A quantised pack of a folder: its small files as they are, its weights converted.
pub fn quantised(source: &Path, quantise: Quantise) -> TempDir {
    let pack = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        // A manifest speaks of the weights that it came with.
        let kept = path.extension().is_none_or(|extension| extension != "safetensors") && name != "pack.json";
        if kept && path.is_file() {
            std::fs::copy(&path, pack.path().join(name)).unwrap();
        }
    }
    convert(source, pack.path(), quantise, &mut |_| {}, &AtomicBool::new(false)).unwrap();
    pack
}

/// ggml's numbers of the types that a quantised pack stores its layers in.
pub fn layer_types(pack: &Path, quantise: Quantise) -> BTreeSet<u32> {
    let bytes = std::fs::read(pack.join(quantise.file())).unwrap();
    let data = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&bytes[8..data]).unwrap();
    // Version, kind, length and bias stand before the type.
    let place = |entry: &serde_json::Value| data + entry["data_offsets"][0].as_u64().unwrap() as usize + 10;
    header.values().map(|entry| u32::from_le_bytes(bytes[place(entry)..][..4].try_into().unwrap())).collect()
}

/// Drafts without cancelling.
pub fn draft(engine: &Engine, images: &[GrayImage], prompt: &DraftPrompt, tokens: u32) -> DraftOutcome {
    engine.draft(images, prompt, tokens, |_| {}, &AtomicBool::new(false)).expect("a draft")
}

/// Same prompt, same tokens, every natural-log probability within 1e-3. Returns the
/// largest difference.
pub fn check(name: &str, got: &DraftOutcome, expected: &Reference) -> f32 {
    assert_eq!(got.prompt_token_ids, expected.prompt_ids, "{name}: prompt");
    assert_eq!(got.token_ids, expected.token_ids, "{name}: tokens");
    assert_eq!(got.logprobs.len(), expected.logprobs.len(), "{name}: probabilities");
    let apart = |(got, expected): (&f32, &f32)| (got - expected).abs();
    let first = apart((&got.logprobs[0], &expected.logprobs[0]));
    let most = got.logprobs.iter().zip(&expected.logprobs).map(apart).fold(0.0, f32::max);
    println!("{name}: first token {first:.1e} apart, at most {most:.1e} over {}", got.token_ids.len());
    assert!(most < 1e-3, "{name}: {:?} instead of {:?}", got.logprobs, expected.logprobs);
    most
}
