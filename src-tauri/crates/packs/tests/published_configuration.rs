//! The published configuration, tokenizer and chat template of MedGemma 4B over tensors of
//! the real shapes, which take no disk; and those of 27B, with and without eyes. Runs where `../shared` is.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::edit;
use hilum_packs::{Kind, Library, NoConversion, Quantization, inspect_folder};
use serde_json::{Map, Value, json};

/// Sizes of a language model.
#[derive(Clone, Copy)]
struct Sizes {
    /// Rows of the token table.
    table: usize,
    hidden: usize,
    inner: usize,
    heads: usize,
    keys: usize,
    head: usize,
    layers: usize,
}

const MEDGEMMA_4B: Sizes =
    Sizes { table: 262_208, hidden: 2560, inner: 10240, heads: 8, keys: 4, head: 256, layers: 34 };

/// Gemma 3 27B as transformers converts it (`convert_gemma3_weights.py`, `_VARIANTS`); a table with rows for images.
const MEDGEMMA_27B: Sizes =
    Sizes { table: 262_208, hidden: 5376, inner: 21504, heads: 32, keys: 16, head: 128, layers: 62 };

/// The language model alone has no row for image tokens.
const MEDGEMMA_27B_TEXT: Sizes = Sizes { table: 262_144, ..MEDGEMMA_27B };

type Shapes = Vec<(String, Vec<usize>)>;

/// Name and shape of every tensor of a language model whose names begin so.
fn language_model(prefix: &str, sizes: Sizes) -> Shapes {
    let Sizes { table, hidden, inner, heads, keys, head, layers } = sizes;
    let mut all = vec![
        (format!("{prefix}.embed_tokens.weight"), vec![table, hidden]),
        (format!("{prefix}.norm.weight"), vec![hidden]),
    ];
    for i in 0..layers {
        let layer = |part: &str, shape: &[usize]| (format!("{prefix}.layers.{i}.{part}.weight"), shape.to_vec());
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
    all
}

/// The same of a model with eyes, as transformers 4 spells them.
fn with_eyes(sizes: Sizes) -> Shapes {
    let mut all = language_model("language_model.model", sizes);
    all.push(("multi_modal_projector.mm_input_projection_weight".to_owned(), vec![1152, sizes.hidden]));
    all.push(("multi_modal_projector.mm_soft_emb_norm.weight".to_owned(), vec![1152]));
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
fn write_hollow(path: &Path, tensors: &Shapes) {
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

/// What `config.json` of 27B says of its language model.
fn text_27b(config: &mut Value, sizes: Sizes) {
    for (key, value) in [
        ("hidden_size", sizes.hidden),
        ("intermediate_size", sizes.inner),
        ("num_attention_heads", sizes.heads),
        ("num_key_value_heads", sizes.keys),
        ("head_dim", sizes.head),
        ("num_hidden_layers", sizes.layers),
        ("vocab_size", sizes.table),
        ("query_pre_attn_scalar", sizes.hidden / sizes.heads),
    ] {
        config[key] = value.into();
    }
}

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
    let Some(dir) = download(folder.path()) else { return };
    let weights = dir.join("model.safetensors");
    write_hollow(&weights, &with_eyes(MEDGEMMA_4B));
    // The size that the publisher gives: 4.3 billion, 8.6 GB in bfloat16.
    check(&dir, Kind::MedGemma, 430, 86, 17);

    // A layer short, and the model of 27B by its configuration over these weights.
    write_hollow(&weights, &with_eyes(Sizes { layers: 33, ..MEDGEMMA_4B }));
    refused(&dir, "pack.tensor_missing");
    write_hollow(&weights, &with_eyes(MEDGEMMA_4B));
    edit(&dir.join("config.json"), |config| config["text_config"]["hidden_size"] = 5376.into());
    refused(&dir, "pack.tensor_shape");
}

#[test]
fn the_shapes_of_27b_with_eyes() {
    let folder = tempfile::tempdir().unwrap();
    let Some(dir) = download(folder.path()) else { return };
    let weights = dir.join("model.safetensors");
    edit(&dir.join("config.json"), |config| text_27b(&mut config["text_config"], MEDGEMMA_27B));
    write_hollow(&weights, &with_eyes(MEDGEMMA_27B));
    check(&dir, Kind::MedGemma, 2743, 548, 110);
    write_hollow(&weights, &with_eyes(Sizes { layers: 61, ..MEDGEMMA_27B }));
    refused(&dir, "pack.tensor_missing");
    write_hollow(&weights, &with_eyes(Sizes { keys: 8, ..MEDGEMMA_27B }));
    refused(&dir, "pack.tensor_shape");
    write_hollow(&weights, &language_model("language_model.model", MEDGEMMA_27B));
    refused(&dir, "pack.text_only");
}

#[test]
fn the_shapes_of_27b_text() {
    let folder = tempfile::tempdir().unwrap();
    let Some(dir) = download(folder.path()) else { return };
    let weights = dir.join("model.safetensors");
    for file in ["preprocessor_config.json", "processor_config.json"] {
        std::fs::remove_file(dir.join(file)).unwrap();
    }
    edit(&dir.join("config.json"), |config| {
        let ends = config["eos_token_id"].take();
        *config = config["text_config"].take();
        text_27b(config, MEDGEMMA_27B_TEXT);
        config["architectures"] = json!(["Gemma3ForCausalLM"]);
        config["eos_token_id"] = ends;
    });
    write_hollow(&weights, &language_model("model", MEDGEMMA_27B_TEXT));
    // Nothing loads it, so no memory is asked for.
    check(&dir, Kind::MedGemmaText, 2700, 540, 0);
    // A row for the image token is one that its configuration does not name.
    write_hollow(&weights, &language_model("model", MEDGEMMA_27B));
    refused(&dir, "pack.tensor_shape");
    write_hollow(&weights, &language_model("model", Sizes { layers: 63, ..MEDGEMMA_27B_TEXT }));
    refused(&dir, "pack.tensor_unexpected");
}
