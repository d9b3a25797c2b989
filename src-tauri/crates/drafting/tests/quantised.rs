//! Quantised packs: made without the model in memory, loaded with their vision tower, close to what they were made of.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use common::{demonstration, draft, grey, layer_types};
use hilum_drafting::{Engine, Quantise, RESIDUAL_FILE, convert, drift, needs_conversion, overlay, quantised_sizes};
use hilum_testkit::gemma3::{SIDE, Spelling, image, write_checkpoint};
use hilum_workers::messages::draft::DraftPrompt;
use tempfile::TempDir;

const BOTH: [Quantise; 2] = [Quantise::Q4k, Quantise::Q8];

/// A pack of the folder's small files and the converted weights.
fn converted(source: &Path, target: &Path, quantise: Quantise) {
    std::fs::create_dir_all(target).unwrap();
    for entry in std::fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_file() && !name.contains(".safetensors") && name != "pack.json" {
            std::fs::copy(&path, target.join(name)).unwrap();
        }
    }
    let sizes = quantised_sizes(source, quantise).unwrap();
    let mut last = (0, 0);
    let never = AtomicBool::new(false);
    convert(source, target, quantise, &mut |at| last = (at.done, at.total), &never).unwrap();
    assert_eq!(last.0, last.1, "progress ends at the whole");
    let written: u64 =
        [quantise.file(), RESIDUAL_FILE].map(|name| target.join(name).metadata().unwrap().len()).iter().sum();
    assert!(written >= sizes.disk && written < sizes.disk + sizes.disk / 10 + 100_000, "{written} for {sizes:?}");
    assert!(sizes.memory > sizes.disk);
    assert!(!needs_conversion(target).unwrap());
}

fn tiny(spelling: Spelling) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("published");
    write_checkpoint(&source, spelling, 1).unwrap();
    (folder, source)
}

/// Names and types in a safetensors header.
fn tensors(path: &Path) -> BTreeMap<String, String> {
    let bytes = std::fs::read(path).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    header.into_iter().map(|(name, entry)| (name, entry["dtype"].as_str().unwrap().to_owned())).collect()
}

#[test]
fn the_vision_tower_is_kept_as_it_was() {
    for spelling in [Spelling::Transformers4, Spelling::Transformers5] {
        let (folder, source) = tiny(spelling);
        let target = folder.path().join("pack");
        converted(&source, &target, Quantise::Q8);
        let kept = tensors(&target.join(RESIDUAL_FILE));
        for name in [
            "vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.weight",
            "vision_tower.vision_model.encoder.layers.0.mlp.fc2.bias",
            "multi_modal_projector.mm_input_projection_weight",
            "language_model.model.embed_tokens.weight",
        ] {
            assert!(kept.contains_key(name), "{name} of {kept:?}");
        }
        assert!(!kept.keys().any(|name| name.starts_with("language_model.") && name.contains("_proj.")), "{kept:?}");
        let layers = tensors(&target.join(Quantise::Q8.file()));
        assert!((0..layers.len()).all(|index| layers.contains_key(&index.to_string())), "{layers:?}");
    }
}

/// In blocks of 256 where rows are whole blocks, never coarser than asked elsewhere. The numbers are ggml's.
#[test]
fn layers_are_stored_as_their_rows_allow() {
    const Q8_0: u32 = 8;
    const Q4_K: u32 = 12;
    const Q6_K: u32 = 14;
    let check = |source: &Path, quantise: Quantise, types: &[u32]| {
        let target = tempfile::tempdir().unwrap();
        converted(source, target.path(), quantise);
        let found = layer_types(target.path(), quantise);
        assert_eq!(found, BTreeSet::from_iter(types.iter().copied()), "{} {quantise:?}", source.display());
    };
    let (_folder, tiny) = tiny(Spelling::Transformers4);
    check(&tiny, Quantise::Q4k, &[Q8_0]);
    check(&tiny, Quantise::Q8, &[Q8_0]);
    if let Some(demo) = demonstration() {
        check(&demo, Quantise::Q4k, &[Q4_K, Q6_K]);
        check(&demo, Quantise::Q8, &[Q8_0]);
    }
}

#[test]
fn a_pack_of_another_build_is_refused_or_loads_whole() {
    for quantise in BOTH {
        let (folder, source) = tiny(Spelling::Transformers5);
        let target = folder.path().join("pack");
        converted(&source, &target, quantise);
        if overlay().is_empty() {
            let refused = Engine::load(&target, |_, _| {}).map(|_| ()).unwrap_err();
            assert_eq!(refused.code(), "drafting.quantised");
            assert!(refused.to_string().contains("./dev"), "{refused}");
            continue;
        }
        let engine = Engine::load(&target, |_, _| {}).unwrap();
        let prompt = DraftPrompt::Raw { text: "Describe this X-ray".to_owned() };
        let images = [grey(SIDE, image(1)), grey(SIDE, image(2))];
        let (without, with) = (draft(&engine, &[], &prompt, 8), draft(&engine, &images, &prompt, 8));
        assert_eq!((without.token_ids.len(), with.token_ids.len()), (8, 8));
        assert_ne!(without.logprobs, with.logprobs, "the images are seen");
    }
}

#[test]
fn a_layer_of_another_size_than_its_bytes_is_refused() {
    if overlay().is_empty() {
        return hilum_testkit::skipped("quantised packs need the engine that ./dev builds");
    }
    let (folder, source) = tiny(Spelling::Transformers4);
    let target = folder.path().join("pack");
    converted(&source, &target, Quantise::Q8);
    let path = target.join(Quantise::Q8.file());
    let mut bytes = std::fs::read(&path).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let layer = 8 + length + header["1"]["data_offsets"][0].as_u64().unwrap() as usize;
    // Version, kind, length, bias, type and the number of dimensions stand before the rows: one more, or one less.
    bytes[layer + 18] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let refused = Engine::load(&target, |_, _| {}).map(|_| ()).unwrap_err();
    assert_eq!(refused.code(), "drafting.load");
    assert!(refused.to_string().contains("bytes for a layer of"), "{refused}");
}

/// How large the mean divergence may be, nats, in each form: about five times what was found (docs/models.md, the
/// larger of two processors), so that a broken layer shows and another processor's rounding does not. Rows of the tiny
/// checkpoint are too short for Q4_K, so that both of its forms are Q8_0.
const TINY: [f64; 2] = [0.01, 0.01];
const DEMONSTRATION: [f64; 2] = [0.007, 0.000_12];

#[test]
fn answers_stay_close() {
    if overlay().is_empty() {
        return hilum_testkit::skipped("quantised packs need the engine that ./dev builds");
    }
    let (folder, tiny) = tiny(Spelling::Transformers4);
    let packs = [("tiny", Some(tiny), TINY, 0.9), ("demo", demonstration(), DEMONSTRATION, 0.98)];
    for (name, source, allowed, same_choice) in packs {
        let Some(source) = source else { continue };
        let same = drift(&source, &source, &mut |_, _| {}).unwrap();
        assert_eq!((same.most, same.same_choice), (0.0, 1.0), "a pack does not drift from itself");
        for (quantise, allowed) in BOTH.into_iter().zip(allowed) {
            let target = folder.path().join(format!("{name}-{}", quantise.file()));
            converted(&source, &target, quantise);
            let found = drift(&source, &target, &mut |_, _| {}).unwrap();
            println!("{name} {}: {found:?}", quantise.file());
            assert!(found.positions > 16 && found.mean > 0.0, "{name} {found:?}");
            assert!(found.mean < allowed && found.same_choice >= same_choice, "{name} {}: {found:?}", quantise.file());
        }
    }
}

#[test]
fn stops_when_asked_and_refuses_what_is_no_model() {
    let (folder, source) = tiny(Spelling::Transformers4);
    let target = folder.path().join("pack");
    std::fs::create_dir(&target).unwrap();
    let cancel = AtomicBool::new(false);
    let mut stop = |_| cancel.store(true, Ordering::Relaxed);
    let code = convert(&source, &target, Quantise::Q4k, &mut stop, &cancel).unwrap_err().code();
    assert_eq!(code, "drafting.cancelled");

    let never = AtomicBool::new(false);
    let refused = |change: &dyn Fn(&Path)| {
        let (_folder, source) = tiny(Spelling::Transformers4);
        change(&source);
        convert(&source, &target, Quantise::Q4k, &mut |_| {}, &never).unwrap_err().code()
    };
    let weights = |source: &Path| source.join("model.safetensors");
    assert_eq!(refused(&|source| std::fs::remove_file(weights(source)).unwrap()), "drafting.no_weights");
    assert_eq!(refused(&|source| std::fs::remove_file(source.join("config.json")).unwrap()), "drafting.read");
    let cut = |source: &Path| {
        let bytes = std::fs::read(weights(source)).unwrap();
        std::fs::write(weights(source), &bytes[..bytes.len() - 1]).unwrap();
    };
    assert_eq!(refused(&cut), "drafting.weights");
    let deeper = |source: &Path| {
        let path = source.join("config.json");
        let text = std::fs::read_to_string(&path).unwrap();
        let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
        config["text_config"]["num_hidden_layers"] = serde_json::json!(99);
        std::fs::write(&path, config.to_string()).unwrap();
    };
    assert_eq!(refused(&deeper), "drafting.weights");
}
