//! The published configuration, tokenizer and chat template of MedGemma 4B over tensors of
//! the real shapes, which take no disk. Runs where `../shared` is.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::edit;
use hilum_packs::{Kind, Library, NoConversion, inspect_folder};
use serde_json::{Map, Value, json};

/// Name and shape of every tensor, as transformers 4 spells them.
fn tensors(text_layers: usize) -> Vec<(String, Vec<usize>)> {
    const TABLE: usize = 262_208;
    let (hidden, inner, heads, keys, head) = (2560, 10240, 8, 4, 256);
    let mut all = vec![
        ("language_model.model.embed_tokens.weight".to_owned(), vec![TABLE, hidden]),
        ("language_model.model.norm.weight".to_owned(), vec![hidden]),
        ("multi_modal_projector.mm_input_projection_weight".to_owned(), vec![1152, hidden]),
        ("multi_modal_projector.mm_soft_emb_norm.weight".to_owned(), vec![1152]),
    ];
    for i in 0..text_layers {
        let layer =
            |part: &str, shape: &[usize]| (format!("language_model.model.layers.{i}.{part}.weight"), shape.to_vec());
        all.extend([
            layer("input_layernorm", &[hidden]),
            layer("post_attention_layernorm", &[hidden]),
            layer("pre_feedforward_layernorm", &[hidden]),
            layer("post_feedforward_layernorm", &[hidden]),
            layer("self_attn.q_proj", &[heads * head, hidden]),
            layer("self_attn.k_proj", &[keys * head, hidden]),
            layer("self_attn.v_proj", &[keys * head, hidden]),
            layer("self_attn.o_proj", &[hidden, heads * head]),
            layer("self_attn.q_norm", &[head]),
            layer("self_attn.k_norm", &[head]),
            layer("mlp.gate_proj", &[inner, hidden]),
            layer("mlp.up_proj", &[inner, hidden]),
            layer("mlp.down_proj", &[hidden, inner]),
        ]);
    }
    let tower = "vision_tower.vision_model";
    all.push((format!("{tower}.embeddings.patch_embedding.weight"), vec![1152, 3, 14, 14]));
    all.push((format!("{tower}.embeddings.position_embedding.weight"), vec![4096, 1152]));
    for name in ["embeddings.patch_embedding.bias", "post_layernorm.weight", "post_layernorm.bias"] {
        all.push((format!("{tower}.{name}"), vec![1152]));
    }
    for i in 0..27 {
        for (part, output, input) in [
            ("self_attn.q_proj", 1152, 1152),
            ("self_attn.k_proj", 1152, 1152),
            ("self_attn.v_proj", 1152, 1152),
            ("self_attn.out_proj", 1152, 1152),
            ("mlp.fc1", 4304, 1152),
            ("mlp.fc2", 1152, 4304),
        ] {
            all.push((format!("{tower}.encoder.layers.{i}.{part}.weight"), vec![output, input]));
            all.push((format!("{tower}.encoder.layers.{i}.{part}.bias"), vec![output]));
        }
        for norm in ["layer_norm1", "layer_norm2"] {
            all.push((format!("{tower}.encoder.layers.{i}.{norm}.weight"), vec![1152]));
            all.push((format!("{tower}.encoder.layers.{i}.{norm}.bias"), vec![1152]));
        }
    }
    all
}

/// A bfloat16 file whose numbers are a hole in the disk.
fn write_hollow(path: &Path, tensors: &[(String, Vec<usize>)]) {
    let mut header = Map::new();
    let mut end = 0;
    for (name, shape) in tensors {
        let begin = end;
        end += 2 * shape.iter().product::<usize>();
        header.insert(name.clone(), json!({ "dtype": "BF16", "shape": shape, "data_offsets": [begin, end] }));
    }
    common::write_raw(path, &Value::Object(header), &[]);
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() + end as u64).unwrap();
}

/// The publisher's small files, or `None` with the reason printed.
fn download(dir: &Path) -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/tokenizers/gemma3");
    for name in ["config.json", "preprocessor_config.json", "processor_config.json"] {
        if std::fs::copy(shared.join(name), dir.join(name)).is_err() {
            hilum_testkit::skipped(format_args!("{name} of MedGemma is not in ../shared"));
            return None;
        }
    }
    for name in ["tokenizer.json", "tokenizer_config.json"] {
        match Command::new("xz").args(["--decompress", "--stdout"]).arg(shared.join(format!("{name}.xz"))).output() {
            Ok(output) if output.status.success() => std::fs::write(dir.join(name), output.stdout).unwrap(),
            _ => {
                hilum_testkit::skipped(format_args!("xz cannot unpack {name}"));
                return None;
            }
        }
    }
    Some(dir.to_owned())
}

#[test]
fn the_published_configuration_of_4b() {
    let folder = tempfile::tempdir().unwrap();
    let Some(dir) = download(folder.path()) else { return };
    let weights = dir.join("model.safetensors");
    write_hollow(&weights, &tensors(34));
    let found = inspect_folder(&dir).unwrap();
    // The size that the publisher gives: 4.3 billion, 8.6 GB in bfloat16.
    assert_eq!((found.kind, found.parameters / 10_000_000), (Kind::MedGemma, 430));
    let candidate = Library::new(folder.path(), None).look(&dir, &NoConversion).unwrap();
    let (_, estimate) = candidate.choices[0];
    assert_eq!((estimate.disk / 100_000_000, estimate.memory / 1_000_000_000), (86, 17));

    // A layer short, and the model of 27B by its configuration over these weights.
    write_hollow(&weights, &tensors(33));
    assert_eq!(inspect_folder(&dir).unwrap_err().code(), "pack.tensor_missing");
    write_hollow(&weights, &tensors(34));
    edit(&dir.join("config.json"), |config| config["text_config"]["hidden_size"] = 5376.into());
    assert_eq!(inspect_folder(&dir).unwrap_err().code(), "pack.tensor_shape");
}
