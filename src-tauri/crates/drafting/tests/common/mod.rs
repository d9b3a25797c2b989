//! What the parity tests share.
#![allow(dead_code)] // Each test file is a crate of its own and uses a part of this.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use hilum_drafting::Engine;
use hilum_workers::messages::draft::{DraftOutcome, DraftPrompt};
use image::GrayImage;
use serde::Deserialize;

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
