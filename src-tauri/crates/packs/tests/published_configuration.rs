//! The published configuration, tokenizer and chat template of MedGemma 4B over tensors of
//! the real shapes, which take no disk; and those of 27B, with and without eyes. Runs where `../shared` is.

mod common;

use std::path::Path;

use common::edit;
use hilum_packs::{Kind, Library, NoConversion, Quantization, inspect_folder};
use hilum_testkit::published::{
    MEDGEMMA_4B, MEDGEMMA_27B, MEDGEMMA_27B_TEXT, Sizes, config_27b, config_27b_text, download, language_model,
    with_eyes, write_hollow,
};

/// That the folder is a model of this kind with so many numbers (tens of millions), which takes so much of disk
/// (tenths of GB) and of memory (GB) as published.
fn check(dir: &Path, kind: Kind, parameters: u64, disk: u64, memory: u64) {
    let found = inspect_folder(dir).unwrap();
    assert_eq!((found.kind, found.parameters / 10_000_000), (kind, parameters));
    let candidate = Library::new(dir, None).look(dir, &NoConversion).unwrap();
    let [(Quantization::None, estimate)] = candidate.choices[..] else { panic!("{:?}", candidate.choices) };
    assert_eq!((estimate.disk / 100_000_000, estimate.memory / 1_000_000_000), (disk, memory));
}

fn refused(dir: &Path, code: &str) {
    assert_eq!(inspect_folder(dir).unwrap_err().code(), code);
}

#[test]
fn the_published_configuration_of_4b() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    if !download(dir).unwrap() {
        return;
    }
    let weights = dir.join("model.safetensors");
    write_hollow(&weights, &with_eyes(MEDGEMMA_4B)).unwrap();
    // The size that the publisher gives: 4.3 billion, 8.6 GB in bfloat16.
    check(dir, Kind::MedGemma, 430, 86, 17);

    // A layer short, and the model of 27B by its configuration over these weights.
    write_hollow(&weights, &with_eyes(Sizes { layers: 33, ..MEDGEMMA_4B })).unwrap();
    refused(dir, "pack.tensor_missing");
    write_hollow(&weights, &with_eyes(MEDGEMMA_4B)).unwrap();
    edit(&dir.join("config.json"), |config| config["text_config"]["hidden_size"] = 5376.into());
    refused(dir, "pack.tensor_shape");
}

#[test]
fn the_shapes_of_27b_with_eyes() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    if !download(dir).unwrap() {
        return;
    }
    let weights = dir.join("model.safetensors");
    edit(&dir.join("config.json"), config_27b);
    write_hollow(&weights, &with_eyes(MEDGEMMA_27B)).unwrap();
    check(dir, Kind::MedGemma, 2743, 548, 110);
    write_hollow(&weights, &with_eyes(Sizes { layers: 61, ..MEDGEMMA_27B })).unwrap();
    refused(dir, "pack.tensor_missing");
    write_hollow(&weights, &with_eyes(Sizes { keys: 8, ..MEDGEMMA_27B })).unwrap();
    refused(dir, "pack.tensor_shape");
    write_hollow(&weights, &language_model("language_model.model", MEDGEMMA_27B)).unwrap();
    refused(dir, "pack.text_only");
}

#[test]
fn the_shapes_of_27b_text() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    if !download(dir).unwrap() {
        return;
    }
    let weights = dir.join("model.safetensors");
    for file in ["preprocessor_config.json", "processor_config.json"] {
        std::fs::remove_file(dir.join(file)).unwrap();
    }
    edit(&dir.join("config.json"), config_27b_text);
    write_hollow(&weights, &language_model("model", MEDGEMMA_27B_TEXT)).unwrap();
    // Nothing loads it, so no memory is asked for.
    check(dir, Kind::MedGemmaText, 2700, 540, 0);
    // A row for the image token is one that its configuration does not name.
    write_hollow(&weights, &language_model("model", MEDGEMMA_27B)).unwrap();
    refused(dir, "pack.tensor_shape");
    write_hollow(&weights, &language_model("model", Sizes { layers: 63, ..MEDGEMMA_27B_TEXT })).unwrap();
    refused(dir, "pack.tensor_unexpected");
}
