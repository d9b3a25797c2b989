//! Folders that are not what they say are refused with a code, never a panic.

use std::path::Path;

use hilum_encoders::Encoder;
use hilum_testkit::siglip::TinySiglip;

/// Writes the checkpoint, spoils it, and expects `code` from loading it.
fn check(which: usize, code: &str, spoil: impl FnOnce(&Path)) {
    let dir = tempfile::tempdir().unwrap();
    TinySiglip::references()[which].1.write(dir.path()).unwrap();
    Encoder::load(dir.path()).unwrap();
    spoil(dir.path());
    let error = Encoder::load(dir.path()).err().unwrap_or_else(|| panic!("a folder spoilt for {code} was loaded"));
    assert_eq!(error.code(), code, "{error}");
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from:?} is not in {path:?}");
    std::fs::write(path, text.replace(from, to)).unwrap();
}

fn truncate(path: &Path, by: u64) {
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() - by).unwrap();
}

#[test]
fn spoilt_folders() {
    check(0, "encoder.read", |dir| std::fs::remove_file(dir.join("config.json")).unwrap());
    check(0, "encoder.config", |dir| truncate(&dir.join("config.json"), 5));
    check(0, "encoder.unsupported", |dir| {
        replace(&dir.join("config.json"), r#""model_type": "siglip","#, r#""model_type": "clip","#)
    });
    check(0, "encoder.tensor_shape", |dir| {
        replace(&dir.join("config.json"), r#""hidden_size": 48"#, r#""hidden_size": 24"#)
    });
    check(0, "encoder.missing_tensor", |dir| {
        replace(&dir.join("config.json"), r#""num_hidden_layers": 2"#, r#""num_hidden_layers": 3"#)
    });
    check(0, "encoder.unsupported", |dir| {
        replace(&dir.join("preprocessor_config.json"), "[0.5, 0.5, 0.5]", "[0.48, 0.45, 0.4]")
    });
    // Where transformers 5 says the same.
    for (code, processor) in [
        ("encoder.unsupported", r#"{"image_processor": {"image_mean": [0.48, 0.45, 0.4]}}"#),
        ("encoder.unsupported", r#"{"image_processor": {"image_std": 0.26}}"#),
        ("encoder.unsupported", r#"{"image_processor": {"rescale_factor": 1}}"#),
        ("encoder.config", r#"{"image_processor""#),
    ] {
        check(0, code, |dir| std::fs::write(dir.join("processor_config.json"), processor).unwrap());
    }
    check(0, "encoder.read", |dir| {
        std::fs::remove_file(dir.join("model.safetensors")).unwrap();
    });
    check(0, "encoder.weights", |dir| truncate(&dir.join("model.safetensors"), 1));
    check(1, "encoder.weights", |dir| {
        std::fs::remove_file(dir.join("model-00002-of-00002.safetensors")).unwrap();
    });
    check(1, "encoder.unsupported", |dir| {
        let index = dir.join("model.safetensors.index.json");
        replace(&index, "model-00002-of-00002", "../model-00002-of-00002");
    });
    check(0, "encoder.tokenizer", |dir| truncate(&dir.join("tokenizer.json"), 9));
    check(0, "encoder.tokenizer", |dir| {
        replace(&dir.join("tokenizer_config.json"), r#""pad_token": "</s>""#, r#""pad_token": "xyz""#)
    });
}

#[test]
fn images_of_another_size() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = &TinySiglip::references()[0].1;
    checkpoint.write(dir.path()).unwrap();
    let encoder = Encoder::load(dir.path()).unwrap();
    for count in [0, 1, 60 * 60 - 1, 60 * 60 + 1, 3 * 60 * 60] {
        assert_eq!(encoder.encode_image(&vec![0; count]).unwrap_err().code(), "encoder.image_size");
    }
    let mut short = encoder.encode_image(&vec![0; 60 * 60]).unwrap();
    short.0.pop();
    assert_eq!(encoder.scores(&short).unwrap_err().code(), "encoder.embedding_size");
    assert!(encoder.encode_texts(&[]).unwrap().is_empty());
}
