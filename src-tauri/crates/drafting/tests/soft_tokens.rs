//! The image tower in 16 and 8 bits against float32, at the soft tokens that the language model reads.
//!
//! Over a tiny random checkpoint; and over the quantised pack that `HILUM_PACK` names, where it names one
//! (`HILUM_PACK=FOLDER ./dev cargo test ... --test soft_tokens -- --nocapture`).

mod common;

use std::path::Path;
use std::sync::atomic::AtomicBool;

use hilum_drafting::{Engine, Quantise, convert, overlay};
use hilum_testkit::gemma3::{Spelling, write_checkpoint};
use hilum_workers::messages::draft::DraftPrompt;
use image::GrayImage;

/// A soft gradient with a bright disc: smooth areas and an edge.
fn picture(side: u32) -> GrayImage {
    GrayImage::from_fn(side, side, |x, y| {
        let (dx, dy) = (x as f32 / side as f32 - 0.4, y as f32 / side as f32 - 0.6);
        let disc = if dx * dx + dy * dy < 0.04 { 90.0 } else { 0.0 };
        image::Luma([(60.0 + 80.0 * dx + 40.0 * (dy * 20.0).sin() + disc).clamp(0.0, 255.0) as u8])
    })
}

fn soft_tokens(folder: &Path, precision: &str) -> (Vec<f32>, usize, f64) {
    // SAFETY: this program has one test, and its engines are loaded one after the other.
    unsafe { std::env::set_var("HILUM_TOWER", precision) };
    let engine = Engine::load(folder, |_, _| {}).unwrap();
    let image = picture(engine.shape().side);
    let prompt = DraftPrompt::Raw { text: "Describe".to_owned() };
    let begun = std::time::Instant::now();
    let (_, mut encoded) =
        engine.draft_knowing(&[image], vec![None], &prompt, 1, |_| {}, &AtomicBool::new(false)).unwrap();
    (encoded.remove(0).1, engine.shape().image_tokens, begun.elapsed().as_secs_f64())
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn check(folder: &Path, what: &str) {
    let (exact, tokens, _) = soft_tokens(folder, "f32");
    for precision in ["bf16", "int8"] {
        let (near, _, seconds) = soft_tokens(folder, precision);
        let width = exact.len() / tokens;
        let each = exact.chunks_exact(width).zip(near.chunks_exact(width)).map(|(a, b)| cosine(a, b));
        let least = each.fold(1.0, f64::min);
        let whole = cosine(&exact, &near);
        println!("{what}, {precision}: cosine to float32 {whole:.6}, of the worst soft token {least:.6}, {seconds:.1} s");
        assert!(whole >= 0.9995, "{what}, {precision}: {whole}");
    }
}

#[test]
fn soft_tokens_stay_close_to_float32() {
    if overlay().is_empty() {
        return hilum_testkit::skipped("this build has the engine as released");
    }
    let folder = tempfile::tempdir().unwrap();
    write_checkpoint(folder.path(), Spelling::Transformers4, 1).unwrap();
    let pack = tempfile::tempdir().unwrap();
    convert(folder.path(), pack.path(), Quantise::Q4k, &mut |_| {}, &AtomicBool::new(false)).unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "safetensors") {
            std::fs::copy(&path, pack.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    check(pack.path(), "tiny random checkpoint");
    if let Ok(own) = std::env::var("HILUM_PACK") {
        check(Path::new(&own), &own);
    }
}
