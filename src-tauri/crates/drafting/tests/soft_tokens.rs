//! The soft tokens that the language model reads: in 16 and 8 bits against float32, and on several numbers of threads.
//!
//! Over a tiny random checkpoint and the demonstration pack; and over the pack that `HILUM_PACK` names, where it names one
//! (`HILUM_PACK=FOLDER ./dev cargo test ... --test soft_tokens -- --nocapture`).

mod common;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;

use common::{demonstration, quantised};
use hilum_drafting::{Engine, Quantise, overlay, shape_in};
use hilum_testkit::gemma3::{Spelling, write_checkpoint};
use hilum_workers::messages::draft::DraftPrompt;
use image::GrayImage;

/// Least cosine of a soft token to that of float32, each and all of them together.
const LEAST: f64 = 0.9995;

const TOWER: &str = "HILUM_TOWER";
const THREADS: &str = "RAYON_NUM_THREADS";

/// Set where this program is its own child: the pack, and the file for its soft tokens.
const OF: &str = "HILUM_TEST_PACK";
const INTO: &str = "HILUM_TEST_SOFT_TOKENS";

/// A soft gradient with a bright disc: smooth areas and an edge.
fn picture(side: u32) -> GrayImage {
    GrayImage::from_fn(side, side, |x, y| {
        let (dx, dy) = (x as f32 / side as f32 - 0.4, y as f32 / side as f32 - 0.6);
        let disc = if dx * dx + dy * dy < 0.04 { 90.0 } else { 0.0 };
        image::Luma([(60.0 + 80.0 * dx + 40.0 * (dy * 20.0).sin() + disc).clamp(0.0, 255.0) as u8])
    })
}

/// What the child does.
fn encode(pack: &Path, file: &Path) {
    let engine = Engine::load(pack, |_, _| {}).unwrap();
    let image = picture(engine.shape().side);
    let prompt = DraftPrompt::Raw { text: "Describe".to_owned() };
    let (_, mut encoded) =
        engine.draft_knowing(&[image], vec![None], &prompt, 1, |_| {}, &AtomicBool::new(false)).unwrap();
    let bytes: Vec<u8> = encoded.remove(0).1.into_iter().flat_map(f32::to_le_bytes).collect();
    std::fs::write(file, bytes).unwrap();
}

/// The soft tokens of the picture, encoded in a process of its own: what the environment says is settled once in each.
fn soft_tokens(pack: &Path, environment: &[(&str, &str)]) -> Vec<f32> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("soft-tokens");
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "soft_tokens_stay_close_to_float32"]).env_remove(TOWER).env_remove(THREADS);
    let ended = child.envs(environment.iter().copied()).env(OF, pack).env(INTO, &file).output().unwrap();
    assert!(ended.status.success(), "{environment:?}: {}", String::from_utf8_lossy(&ended.stdout));
    let number = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
    std::fs::read(&file).unwrap().chunks_exact(4).map(number).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// `usual`: the arithmetic that the pack takes by itself, where it is known.
fn check(what: &str, pack: &Path, usual: Option<&str>) {
    let exact = soft_tokens(pack, &[(TOWER, "f32")]);
    let width = exact.len() / shape_in(pack).unwrap().image_tokens;
    let mut of_itself = usual.map(|word| (word, soft_tokens(pack, &[])));
    if let Some((_, found)) = of_itself.take_if(|(word, _)| *word == "f32") {
        assert!(found == exact, "{what}: it does not compute in float32 by itself");
    }
    for word in ["bf16", "int8"] {
        let near = soft_tokens(pack, &[(TOWER, word)]);
        assert_eq!(near.len(), exact.len());
        assert!(near != exact, "{what}, {word}: it computes as it does in float32");
        if let Some((_, found)) = of_itself.take_if(|(usual, _)| *usual == word) {
            assert!(found == near, "{what}: it does not compute in {word} by itself");
        }
        let each = exact.chunks_exact(width).zip(near.chunks_exact(width)).map(|(a, b)| cosine(a, b));
        let least = each.fold(1.0, f64::min);
        let whole = cosine(&exact, &near);
        println!("{what}, {word}: cosine to float32 {whole:.6}, of the worst soft token {least:.6}");
        assert!(whole >= LEAST && least >= LEAST, "{what}, {word}: {whole}, {least}");
    }
    assert!(of_itself.is_none(), "{what}: {of_itself:?} is no arithmetic");
}

#[test]
fn soft_tokens_stay_close_to_float32() {
    if let (Some(pack), Some(file)) = (std::env::var_os(OF), std::env::var_os(INTO)) {
        return encode(pack.as_ref(), file.as_ref());
    }
    if overlay().is_empty() {
        return hilum_testkit::skipped("this build has the engine as released");
    }
    let folder = tempfile::tempdir().unwrap();
    write_checkpoint(folder.path(), Spelling::Transformers4, 1).unwrap();
    check("tiny random checkpoint", folder.path(), Some("f32"));
    if let Some(demo) = demonstration() {
        check("demonstration pack in Q4_K", quantised(&demo, Quantise::Q4k).path(), Some("bf16"));
    }
    if let Ok(own) = std::env::var("HILUM_PACK") {
        check(&own, Path::new(&own), None);
    }
}

/// What was encoded on one number of threads may be taken for what another would have encoded.
#[test]
fn soft_tokens_do_not_depend_on_the_number_of_threads() {
    if overlay().is_empty() {
        return hilum_testkit::skipped("this build has the engine as released");
    }
    let Some(demo) = demonstration() else { return };
    let pack = quantised(&demo, Quantise::Q4k);
    for word in ["f32", "bf16", "int8"] {
        let [one, two, three] =
            ["1", "2", "3"].map(|threads| soft_tokens(pack.path(), &[(TOWER, word), (THREADS, threads)]));
        assert!(one == two && two == three, "{word}: the number of threads shows");
    }
}
