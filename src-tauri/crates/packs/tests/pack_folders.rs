//! Folders as downloaded, whole and spoilt.

use std::path::Path;

use hilum_packs::{Kind, inspect_folder};
use hilum_testkit::gemma3::{Spelling, write_checkpoint};
use hilum_testkit::siglip::TinySiglip;

/// The four shapes in which real models come.
#[derive(Clone, Copy)]
enum Folder {
    SiglipSingle,
    SiglipSharded,
    Gemma4,
    Gemma5,
}

use Folder::{Gemma4, Gemma5, SiglipSharded, SiglipSingle};

impl Folder {
    fn write(self, dir: &Path) {
        match self {
            Self::SiglipSingle => TinySiglip::references()[0].1.write(dir),
            Self::SiglipSharded => TinySiglip::references()[1].1.write(dir),
            Self::Gemma4 => write_checkpoint(dir, Spelling::Transformers4, 1),
            Self::Gemma5 => write_checkpoint(dir, Spelling::Transformers5, 1),
        }
        .unwrap();
    }
}

/// Writes a good folder, spoils it, and expects the refusal and the file it names.
fn check(folder: Folder, code: &str, file: &str, spoil: impl FnOnce(&Path)) {
    let dir = tempfile::tempdir().unwrap();
    folder.write(dir.path());
    spoil(dir.path());
    let error = inspect_folder(dir.path()).expect_err("a spoilt folder was taken");
    assert_eq!((error.code(), error.file()), (code, Some(file)), "{error}");
    assert!(error.to_string().contains(file), "{error}");
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from:?} is not in {path:?}");
    std::fs::write(path, text.replace(from, to)).unwrap();
}

fn edit(path: &Path, change: impl FnOnce(&mut serde_json::Value)) {
    let mut value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    change(&mut value);
    std::fs::write(path, serde_json::to_vec(&value).unwrap()).unwrap();
}

fn remove(dir: &Path, file: &str) {
    std::fs::remove_file(dir.join(file)).unwrap();
}

fn resize(path: &Path, by: i64) {
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len().checked_add_signed(by).unwrap()).unwrap();
}

#[test]
fn good_folders_are_recognised() {
    for (folder, kind, weights) in [
        (SiglipSingle, Kind::MedSigLip, "model.safetensors"),
        (SiglipSharded, Kind::MedSigLip, "model-00002-of-00002.safetensors"),
        (Gemma4, Kind::MedGemma, "model.safetensors"),
        (Gemma5, Kind::MedGemma, "model.safetensors"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        folder.write(dir.path());
        std::fs::write(dir.path().join("README.md"), "card").unwrap();
        std::fs::write(dir.path().join("notes.xyz"), "x").unwrap();
        std::fs::create_dir(dir.path().join(".cache")).unwrap();
        let found = inspect_folder(dir.path()).unwrap();
        assert_eq!(found.kind, kind);
        for file in [weights, "config.json", "tokenizer.json", "tokenizer_config.json", "README.md"] {
            assert!(found.files.contains_key(file), "{file}");
        }
        assert_eq!(found.ignored.iter().map(String::as_str).collect::<Vec<_>>(), [".cache", "notes.xyz"]);
        assert_eq!(found.total_bytes(), found.files.values().sum::<u64>());
    }
}

#[cfg(unix)]
#[test]
fn a_download_cache_of_links_is_taken() {
    let blobs = tempfile::tempdir().unwrap();
    SiglipSingle.write(blobs.path());
    let dir = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(blobs.path()).unwrap() {
        let entry = entry.unwrap();
        std::os::unix::fs::symlink(entry.path(), dir.path().join(entry.file_name())).unwrap();
    }
    assert_eq!(inspect_folder(dir.path()).unwrap().kind, Kind::MedSigLip);
}

#[test]
fn missing_files_are_named() {
    for folder in [SiglipSingle, Gemma4] {
        for file in ["config.json", "tokenizer.json", "model.safetensors"] {
            check(folder, "pack.missing_file", file, |dir| remove(dir, file));
        }
    }
    for file in ["model-00001-of-00002.safetensors", "model.safetensors.index.json"] {
        check(SiglipSharded, "pack.missing_file", file, |dir| remove(dir, file));
    }
    check(Gemma4, "pack.missing_file", "preprocessor_config.json", |dir| remove(dir, "preprocessor_config.json"));
    check(Gemma4, "pack.missing_file", "chat_template.jinja", |dir| {
        edit(&dir.join("tokenizer_config.json"), |config| {
            config.as_object_mut().unwrap().remove("chat_template");
        });
        let _ = std::fs::remove_file(dir.join("chat_template.jinja"));
        let _ = std::fs::remove_file(dir.join("chat_template.json"));
    });
}

/// Transformers 4 and 5 keep the processor and the template in other files.
#[test]
fn processor_and_template_in_either_place() {
    let dir = tempfile::tempdir().unwrap();
    Gemma5.write(dir.path());
    let processor: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("preprocessor_config.json")).unwrap()).unwrap();
    remove(dir.path(), "preprocessor_config.json");
    edit(&dir.path().join("processor_config.json"), |config| config["image_processor"] = processor);
    inspect_folder(dir.path()).unwrap();

    let _ = std::fs::remove_file(dir.path().join("chat_template.jinja"));
    edit(&dir.path().join("tokenizer_config.json"), |config| {
        config.as_object_mut().unwrap().remove("chat_template");
    });
    inspect_folder(dir.path()).unwrap_err();
    std::fs::write(dir.path().join("chat_template.json"), r#"{"chat_template": "{{ messages }}"}"#).unwrap();
    inspect_folder(dir.path()).unwrap();
    remove(dir.path(), "chat_template.json");
    std::fs::write(dir.path().join("chat_template.jinja"), "{{ messages }}").unwrap();
    inspect_folder(dir.path()).unwrap();
}

#[test]
fn pickles_are_refused() {
    for file in ["pytorch_model.bin", "model.pt", "MODEL.PTH", "weights.pkl", "training_args.bin", "last.ckpt"] {
        check(SiglipSingle, "pack.pickle_refused", file, |dir| std::fs::write(dir.join(file), "x").unwrap());
    }
}

#[test]
fn weights_cut_short_or_mangled() {
    for folder in [SiglipSingle, Gemma5] {
        for by in [-1, -1000] {
            check(folder, "pack.truncated", "model.safetensors", |dir| resize(&dir.join("model.safetensors"), by));
        }
        for bytes in [&b""[..], b"1234567", b"\xff\0\0\0\0\0\0\0{}"] {
            check(folder, "pack.truncated", "model.safetensors", |dir| {
                std::fs::write(dir.join("model.safetensors"), bytes).unwrap()
            });
        }
        for bytes in [&b"\x02\0\0\0\0\0\0\0[]"[..], &[0xff; 64], b"version https://git-lfs.github.com/spec/v1"] {
            check(folder, "pack.malformed", "model.safetensors", |dir| {
                std::fs::write(dir.join("model.safetensors"), bytes).unwrap()
            });
        }
        check(folder, "pack.malformed", "model.safetensors", |dir| resize(&dir.join("model.safetensors"), 1));
    }
    let shard = "model-00002-of-00002.safetensors";
    check(SiglipSharded, "pack.truncated", shard, |dir| resize(&dir.join(shard), -2));
    check(SiglipSharded, "pack.malformed", shard, |dir| {
        std::fs::copy(dir.join("model-00001-of-00002.safetensors"), dir.join(shard)).unwrap();
    });
    check(SiglipSharded, "pack.tensor_missing", shard, |dir| {
        let path = dir.join(shard);
        let bytes = std::fs::read(&path).unwrap();
        let all = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let most = all.tensors().into_iter().skip(1);
        std::fs::write(&path, safetensors::serialize(most, None).unwrap()).unwrap();
    });
    check(SiglipSharded, "pack.malformed", "model.safetensors.index.json", |dir| {
        replace(&dir.join("model.safetensors.index.json"), "model-00002", "../model-00002")
    });
}

#[test]
fn configurations_that_contradict_the_weights() {
    let spoil = |folder, code: &str, tower: &'static str, key: &'static str, value: usize| {
        check(folder, code, "model.safetensors", |dir| {
            edit(&dir.join("config.json"), |config| config[tower][key] = value.into())
        });
    };
    for key in ["hidden_size", "intermediate_size", "vocab_size", "max_position_embeddings"] {
        spoil(SiglipSingle, "pack.tensor_shape", "text_config", key, 40);
    }
    for key in ["hidden_size", "intermediate_size", "image_size", "patch_size", "num_channels"] {
        spoil(SiglipSingle, "pack.tensor_shape", "vision_config", key, 28);
    }
    for folder in [Gemma4, Gemma5] {
        for key in ["hidden_size", "intermediate_size", "vocab_size", "num_attention_heads", "head_dim"] {
            spoil(folder, "pack.tensor_shape", "text_config", key, 12);
        }
        for key in ["hidden_size", "intermediate_size", "image_size", "patch_size"] {
            spoil(folder, "pack.tensor_shape", "vision_config", key, 28);
        }
    }
    for folder in [SiglipSingle, Gemma4, Gemma5] {
        for tower in ["text_config", "vision_config"] {
            spoil(folder, "pack.tensor_missing", tower, "num_hidden_layers", 9);
            spoil(folder, "pack.tensor_unexpected", tower, "num_hidden_layers", 1);
        }
    }
}

#[test]
fn other_models_are_refused() {
    let config = |change: fn(&mut serde_json::Value)| move |dir: &Path| edit(&dir.join("config.json"), change);
    check(Gemma4, "pack.text_only", "config.json", config(|c| c["model_type"] = "gemma3_text".into()));
    check(Gemma4, "pack.text_only", "config.json", config(|c| c["vision_config"] = serde_json::Value::Null));
    check(Gemma4, "pack.unsupported", "config.json", config(|c| c["model_type"] = "llama".into()));
    check(Gemma4, "pack.unsupported", "config.json", config(|c| c["model_type"] = serde_json::Value::Null));
    check(Gemma4, "pack.unsupported", "config.json", config(|c| c["quantization_config"] = serde_json::json!({})));
    check(Gemma4, "pack.malformed", "config.json", config(|c| c["text_config"]["hidden_size"] = "wide".into()));
    check(Gemma4, "pack.malformed", "config.json", |dir| resize(&dir.join("config.json"), -3));
    check(Gemma4, "pack.malformed", "tokenizer.json", |dir| resize(&dir.join("tokenizer.json"), -3));
    check(Gemma4, "pack.malformed", "generation_config.json", |dir| resize(&dir.join("generation_config.json"), -3));
    // A vision configuration over weights that have no vision tower.
    check(Gemma4, "pack.text_only", "model.safetensors", |dir| {
        let path = dir.join("model.safetensors");
        let bytes = std::fs::read(&path).unwrap();
        let all = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let language = all.tensors().into_iter().filter(|(name, _)| !name.contains("vision"));
        std::fs::write(&path, safetensors::serialize(language, None).unwrap()).unwrap();
    });
    // The weights of one model under the configuration of another.
    check(SiglipSingle, "pack.tensor_shape", "model.safetensors", |dir| {
        let other = tempfile::tempdir().unwrap();
        SiglipSharded.write(other.path());
        std::fs::copy(other.path().join("config.json"), dir.join("config.json")).unwrap();
    });
}
