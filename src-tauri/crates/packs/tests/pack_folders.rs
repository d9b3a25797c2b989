//! Folders as downloaded, whole and spoilt.

mod common;

use std::path::Path;

use common::*;
use hilum_packs::{Kind, inspect_folder};
use serde_json::json;

#[test]
fn good_folders_are_recognised() {
    for (folder, kind, weights) in [
        (SiglipSingle, Kind::MedSigLip, "model.safetensors"),
        (SiglipSharded, Kind::MedSigLip, "model-00002-of-00002.safetensors"),
        (Gemma4, Kind::MedGemma, "model.safetensors"),
        (Gemma5, Kind::MedGemma, "model.safetensors"),
        (GemmaSharded, Kind::MedGemma, "model-00003-of-00003.safetensors"),
        (GemmaText, Kind::MedGemmaText, "model.safetensors"),
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

/// `snapshots/<revision>` of links into `blobs`, as the publisher's downloader keeps it.
#[cfg(unix)]
#[test]
fn a_download_cache_of_links_is_taken_and_other_links_are_not() {
    use std::os::unix::fs::symlink;
    let cache = tempfile::tempdir().unwrap();
    let blobs = cache.path().join("blobs");
    SiglipSingle.write(&blobs);
    let snapshot = cache.path().join("snapshots/0123abcd");
    let elsewhere = cache.path().join("elsewhere");
    for dir in [&snapshot, &elsewhere] {
        std::fs::create_dir_all(dir).unwrap();
        for entry in std::fs::read_dir(&blobs).unwrap() {
            let entry = entry.unwrap();
            symlink(entry.path(), dir.join(entry.file_name())).unwrap();
        }
    }
    assert_eq!(inspect_folder(&snapshot).unwrap().kind, Kind::MedSigLip);
    assert_eq!(inspect_folder(&elsewhere).unwrap_err().code(), "pack.link_outside");

    // One link is enough, also to a file that the pack would not take.
    for name in ["config.json", "notes.xyz"] {
        check(SiglipSingle, "pack.link_outside", name, |dir| {
            let _ = std::fs::remove_file(dir.join(name));
            symlink(blobs.join("config.json"), dir.join(name)).unwrap();
        });
    }
    // Inside the folder a link is as good as the file; one to nothing is a missing file.
    let dir = tempfile::tempdir().unwrap();
    SiglipSingle.write(dir.path());
    std::fs::rename(dir.path().join("config.json"), dir.path().join("config.v1.json")).unwrap();
    symlink("config.v1.json", dir.path().join("config.json")).unwrap();
    inspect_folder(dir.path()).unwrap();
    check(SiglipSingle, "pack.missing_file", "config.json", |dir| {
        remove(dir, "config.json");
        symlink("nothing", dir.join("config.json")).unwrap();
    });
}

#[test]
fn missing_files_are_named() {
    for folder in [SiglipSingle, Gemma4, GemmaText] {
        for file in ["config.json", "tokenizer.json", "model.safetensors"] {
            check(folder, "pack.missing_file", file, |dir| remove(dir, file));
        }
    }
    for file in ["model-00001-of-00002.safetensors", "model.safetensors.index.json"] {
        check(SiglipSharded, "pack.missing_file", file, |dir| remove(dir, file));
    }
    for file in
        ["model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors"]
    {
        check(GemmaSharded, "pack.missing_file", file, |dir| remove(dir, file));
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
    std::fs::write(dir.path().join("chat_template.json"), r#"{"chat_template": "<start_of_turn>{{ messages }}"}"#)
        .unwrap();
    inspect_folder(dir.path()).unwrap();
    remove(dir.path(), "chat_template.json");
    std::fs::write(dir.path().join("chat_template.jinja"), "<start_of_turn>{{ messages }}").unwrap();
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
        for bytes in [&b"\x02\0\0\0\0\0\0\0[]"[..], &[0xff; 64]] {
            check(folder, "pack.malformed", "model.safetensors", |dir| {
                std::fs::write(dir.join("model.safetensors"), bytes).unwrap()
            });
        }
        check(folder, "pack.malformed", "model.safetensors", |dir| resize(&dir.join("model.safetensors"), 1));
    }
    let shard = "model-00002-of-00002.safetensors";
    check(SiglipSharded, "pack.truncated", shard, |dir| resize(&dir.join(shard), -2));
    check(SiglipSharded, "pack.tensor_duplicate", shard, |dir| {
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
    // No loader would look for a shard of this name.
    check(SiglipSharded, "pack.malformed", "model.safetensors.index.json", |dir| {
        std::fs::rename(dir.join(shard), dir.join("part-2.safetensors")).unwrap();
        replace(&dir.join("model.safetensors.index.json"), shard, "part-2.safetensors")
    });
}

/// What git-LFS leaves where it has not fetched a file, in the place of whichever file.
#[test]
fn pointers_of_git_lfs_are_named() {
    let pointer =
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 4961251752\n", "0a".repeat(32));
    for (folder, file) in [
        (SiglipSingle, "model.safetensors"),
        (SiglipSharded, "model-00002-of-00002.safetensors"),
        (Gemma5, "tokenizer.json"),
        (Gemma4, "config.json"),
        (GemmaSharded, "model.safetensors.index.json"),
    ] {
        let error = check(folder, "pack.lfs_pointer", file, |dir| std::fs::write(dir.join(file), &pointer).unwrap());
        assert!(error.to_string().contains("git lfs pull"), "{error}");
    }
    // What is not taken may be one, and a longer file that begins so is none.
    let dir = tempfile::tempdir().unwrap();
    SiglipSingle.write(dir.path());
    std::fs::write(dir.path().join("notes.xyz"), &pointer).unwrap();
    std::fs::write(dir.path().join("README.md"), pointer.repeat(20)).unwrap();
    inspect_folder(dir.path()).unwrap();
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
        change(&dir.join("model.safetensors"), |tensors| tensors.retain(|(name, ..)| !name.contains("vision")));
    });
    // A configuration without eyes over weights that have them.
    check(Gemma4, "pack.tensor_unexpected", "model.safetensors", |dir| {
        edit(&dir.join("config.json"), |config| {
            let ends = config["eos_token_id"].clone();
            *config = config["text_config"].take();
            config["eos_token_id"] = ends;
        });
    });
    // The weights of one model under the configuration of another.
    check(SiglipSingle, "pack.tensor_shape", "model.safetensors", |dir| {
        let other = tempfile::tempdir().unwrap();
        SiglipSharded.write(other.path());
        std::fs::copy(other.path().join("config.json"), dir.join("config.json")).unwrap();
    });
}

/// Every tensor, not only some: leaving out, reshaping, doubling or adding any one is seen.
#[test]
fn every_tensor_is_held_against_the_configuration() {
    for folder in [SiglipSingle, Gemma4, Gemma5, GemmaText] {
        let weights = "model.safetensors";
        let dir = tempfile::tempdir().unwrap();
        folder.write(dir.path());
        let whole = read_tensors(&dir.path().join(weights));
        for i in 0..whole.len() {
            let mut tensors = whole.clone();
            let (name, _, shape, _) = tensors.remove(i);
            write_tensors(&dir.path().join(weights), &tensors);
            let error = inspect_folder(dir.path()).unwrap_err();
            assert_eq!(error.code(), "pack.tensor_missing", "{folder:?} without {name}");
            // Named as the two spellings have it in common.
            let ending = error.tensor().unwrap().rsplit('.').take(2).collect::<Vec<_>>().join(" ");
            assert_eq!(name.rsplit('.').take(2).collect::<Vec<_>>().join(" "), ending, "{name}");

            let mut tensors = whole.clone();
            tensors[i].2 = std::iter::once(1).chain(shape.iter().copied()).collect();
            write_tensors(&dir.path().join(weights), &tensors);
            let error = inspect_folder(dir.path()).unwrap_err();
            assert_eq!((error.code(), error.tensor()), ("pack.tensor_shape", Some(name.as_str())), "{folder:?}");
        }
    }
}

#[test]
fn tensors_that_belong_to_nothing() {
    let small = |name: &str, dtype| (name.to_owned(), dtype, vec![2], vec![0; 8]);
    use safetensors::tensor::Dtype::{F32, F64, I32, I64};
    for folder in [SiglipSingle, Gemma4, GemmaText] {
        let error = check(folder, "pack.tensor_unexpected", "model.safetensors", |dir| {
            change(&dir.join("model.safetensors"), |all| all.push(small("lora_A.weight", F32)));
        });
        assert_eq!(error.tensor(), Some("lora_A.weight"));
        // Counted positions, which older libraries saved.
        let dir = tempfile::tempdir().unwrap();
        folder.write(dir.path());
        let name = "vision_model.embeddings.position_ids";
        change(&dir.path().join("model.safetensors"), |all| all.push((name.into(), I64, vec![1], vec![0; 8])));
        inspect_folder(dir.path()).unwrap();
    }
    for dtype in [F64, I32] {
        let error = check(SiglipSingle, "pack.tensor_type", "model.safetensors", |dir| {
            change(&dir.join("model.safetensors"), |all| {
                let scale = all.iter_mut().find(|(name, ..)| name == "logit_scale").unwrap();
                (scale.1, scale.3) = (dtype, vec![0; if dtype == F64 { 8 } else { 4 }]);
            });
        });
        assert_eq!(error.tensor(), Some("logit_scale"));
    }
    // The same tensor in both spellings.
    let error = check(Gemma4, "pack.tensor_duplicate", "model.safetensors", |dir| {
        change(&dir.join("model.safetensors"), |all| {
            let mut twin = all.iter().find(|(name, ..)| name.ends_with("post_layernorm.bias")).unwrap().clone();
            twin.0 = twin.0.replace("vision_tower.vision_model.", "model.vision_tower.");
            all.push(twin);
        });
    });
    assert!(error.tensor().unwrap().ends_with("post_layernorm.bias"), "{error}");
    // The output shares the table's weights; a saver may have written it again, whole.
    for (rows, taken) in [(true, true), (false, false)] {
        let dir = tempfile::tempdir().unwrap();
        Gemma4.write(dir.path());
        change(&dir.path().join("model.safetensors"), |all| {
            let mut output = all.iter().find(|(name, ..)| name.ends_with("embed_tokens.weight")).unwrap().clone();
            output.0 = "lm_head.weight".into();
            if !rows {
                output.2.reverse();
            }
            all.push(output);
        });
        assert_eq!(inspect_folder(dir.path()).is_ok(), taken);
    }
}

/// What a header may claim, over 16 bytes of numbers.
#[test]
fn headers_that_lie() {
    let of = |begin: usize, end: usize| json!({ "dtype": "F32", "shape": [2], "data_offsets": [begin, end] });
    let weights = "model.safetensors";
    for (header, code) in [
        (json!({ "a": of(0, 8), "b": of(4, 12) }), "pack.malformed"),
        (json!({ "a": of(0, 8), "b": of(0, 8) }), "pack.malformed"),
        (json!({ "a": of(0, 8), "b": of(12, 20) }), "pack.malformed"),
        (json!({ "a": of(8, 16) }), "pack.malformed"),
        (json!({ "a": of(8, 0) }), "pack.malformed"),
        (json!({ "a": of(0, 16) }), "pack.malformed"),
        (json!({ "a": of(0, 8) }), "pack.malformed"),
        (json!({ "a": of(0, 8), "b": of(8, 16), "c": of(16, 24) }), "pack.truncated"),
        (json!({ "a": { "dtype": "F32", "shape": [u64::MAX, 2], "data_offsets": [0, 8] } }), "pack.malformed"),
        (json!({ "a": { "dtype": "F8", "shape": [2], "data_offsets": [0, 8] } }), "pack.malformed"),
        (json!([1, 2]), "pack.malformed"),
    ] {
        check(SiglipSingle, code, weights, |dir| write_raw(&dir.join(weights), &header, &[0; 16]));
    }
    for (length, code) in [(u64::MAX, "pack.malformed"), (1 << 40, "pack.malformed"), (1 << 20, "pack.truncated")] {
        check(SiglipSingle, code, weights, |dir| std::fs::write(dir.join(weights), length.to_le_bytes()).unwrap());
    }
    check(SiglipSingle, "pack.truncated", weights, |dir| std::fs::write(dir.join(weights), "").unwrap());
    // A pickle under the name of something else.
    check(SiglipSingle, "pack.malformed", weights, |dir| {
        std::fs::write(dir.join(weights), b"\x80\x02}q\x00X\x05\x00\x00\x00helloq\x01K\x01s.").unwrap();
    });
}

#[test]
fn tokenizers_of_other_models() {
    let file = "tokenizer.json";
    let spoil = |folder, change: &dyn Fn(&mut serde_json::Value)| {
        check(folder, "pack.wrong_tokenizer", file, |dir| edit(&dir.join(file), |tokenizer| change(tokenizer)))
    };
    // A token is renamed wherever it is listed.
    let rename = |folder, token: &str| {
        check(folder, "pack.wrong_tokenizer", file, |dir| {
            let path = dir.join(file);
            replace(&path, &format!("\"{token}\""), "\"<another>\"");
        })
    };
    for token in ["<start_of_turn>", "<end_of_turn>", "<bos>", "<eos>", "<start_of_image>", "<image_soft_token>"] {
        assert!(rename(Gemma4, token).to_string().contains(token));
    }
    for token in ["<start_of_turn>", "<end_of_turn>"] {
        rename(GemmaText, token);
    }
    for token in ["</s>", "<unk>"] {
        rename(SiglipSingle, token);
    }
    // Another kind of tokenizer altogether, and one of another size.
    spoil(Gemma4, &|tokenizer| tokenizer["model"]["type"] = "WordPiece".into());
    spoil(SiglipSingle, &|tokenizer| tokenizer["model"]["type"] = "BPE".into());
    for folder in [Gemma4, Gemma5] {
        spoil(folder, &|tokenizer| tokenizer["model"]["vocab"]["zzz"] = 100_000.into());
    }
    spoil(SiglipSingle, &|tokenizer| {
        tokenizer["model"]["vocab"].as_array_mut().unwrap().push(json!(["zzz", -1.0]));
    });
    spoil(SiglipSingle, &|tokenizer| {
        let pieces = tokenizer["model"]["vocab"].as_array_mut().unwrap();
        let id = pieces.len() - 1;
        pieces[id] = json!(["<extra_id_0>", 0.0]);
    });
    // The tokenizer of the other half of Hilum.
    for (folder, other) in [(Gemma4, SiglipSingle), (SiglipSingle, Gemma4)] {
        check(folder, "pack.wrong_tokenizer", file, |dir| {
            let download = tempfile::tempdir().unwrap();
            other.write(download.path());
            std::fs::copy(download.path().join(file), dir.join(file)).unwrap();
        });
    }
    // Ids that config.json places elsewhere.
    for key in ["image_token_index", "boi_token_index", "eoi_token_index", "bos_token_id", "eos_token_id"] {
        check(Gemma4, "pack.wrong_tokenizer", file, |dir| {
            edit(&dir.join("config.json"), |config| config[key] = 77.into());
        });
    }
    check(Gemma5, "pack.wrong_tokenizer", "chat_template.jinja", |dir| {
        std::fs::write(dir.join("chat_template.jinja"), "[INST] {{ messages }} [/INST]").unwrap();
    });
    check(Gemma5, "pack.unsupported", "preprocessor_config.json", |dir| {
        edit(&dir.join("preprocessor_config.json"), |processor| processor["size"]["height"] = 448.into());
    });
    for (folder, key, value) in [
        (Gemma4, "image_mean", json!([0.48, 0.48, 0.48])),
        (Gemma5, "image_std", json!([0.26, 0.27, 0.28])),
        (SiglipSingle, "image_mean", json!([0.48, 0.45, 0.4])),
        (SiglipSharded, "rescale_factor", json!(1.0)),
    ] {
        check(folder, "pack.unsupported", "preprocessor_config.json", |dir| {
            edit(&dir.join("preprocessor_config.json"), |processor| processor[key] = value);
        });
    }
    // Where transformers 5 keeps the same.
    for folder in [Gemma5, SiglipSingle] {
        check(folder, "pack.unsupported", "processor_config.json", |dir| {
            let processor = json!({ "image_processor": { "image_mean": [0.48, 0.45, 0.4] } });
            std::fs::write(dir.join("processor_config.json"), processor.to_string()).unwrap();
        });
    }
    check(Gemma4, "pack.unsupported", "config.json", |dir| {
        edit(&dir.join("config.json"), |config| config["mm_tokens_per_image"] = 5.into());
    });
}
