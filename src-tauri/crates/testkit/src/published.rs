//! The published configuration, tokenizer and chat template of MedGemma 4B, and weights of the real shapes of 4B, 27B and
//! 27B text that take no disk: what a check of headers and small files sees of a real download.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::skipped;

/// Sizes of a language model.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Rows of the token table.
    pub table: usize,
    pub hidden: usize,
    pub inner: usize,
    pub heads: usize,
    pub keys: usize,
    pub head: usize,
    pub layers: usize,
}

pub const MEDGEMMA_4B: Sizes =
    Sizes { table: 262_208, hidden: 2560, inner: 10240, heads: 8, keys: 4, head: 256, layers: 34 };

/// Gemma 3 27B as transformers converts it (`convert_gemma3_weights.py`, `_VARIANTS`); a table with rows for images.
pub const MEDGEMMA_27B: Sizes =
    Sizes { table: 262_208, hidden: 5376, inner: 21504, heads: 32, keys: 16, head: 128, layers: 62 };

/// The language model alone has no row for image tokens.
pub const MEDGEMMA_27B_TEXT: Sizes = Sizes { table: 262_144, ..MEDGEMMA_27B };

/// Names and shapes of tensors.
pub type Shapes = Vec<(String, Vec<usize>)>;

/// Name and shape of every tensor of a language model whose names begin so.
pub fn language_model(prefix: &str, sizes: Sizes) -> Shapes {
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
pub fn with_eyes(sizes: Sizes) -> Shapes {
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

/// A bfloat16 file whose numbers are a hole in the disk: all of them are zero, and none takes room.
pub fn write_hollow(path: &Path, tensors: &Shapes) -> io::Result<()> {
    let mut header = Map::new();
    let mut end = 0;
    for (name, shape) in tensors {
        let begin = end;
        end += 2 * shape.iter().product::<usize>();
        header.insert(name.clone(), json!({ "dtype": "BF16", "shape": shape, "data_offsets": [begin, end] }));
    }
    let header = Value::Object(header).to_string();
    let mut file = File::create(path)?;
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    file.set_len((8 + header.len() + end) as u64)
}

/// Puts the publisher's small files of MedGemma 4B into a folder. `false`, and noted, where they are not here.
///
/// # Errors
/// Where a file cannot be written.
pub fn download(dir: &Path) -> io::Result<bool> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/tokenizers/gemma3");
    for name in ["config.json", "preprocessor_config.json", "processor_config.json"] {
        let Ok(bytes) = std::fs::read(shared.join(name)) else {
            skipped(format_args!("{name} of MedGemma is not in ../shared"));
            return Ok(false);
        };
        // Written anew rather than copied: what is shared is read only, and a copy would be too.
        std::fs::write(dir.join(name), bytes)?;
    }
    for name in ["tokenizer.json", "tokenizer_config.json"] {
        match Command::new("xz").args(["--decompress", "--stdout"]).arg(shared.join(format!("{name}.xz"))).output() {
            Ok(output) if output.status.success() => std::fs::write(dir.join(name), output.stdout)?,
            _ => {
                skipped(format_args!("xz cannot unpack {name}"));
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Makes of the language model's part of 4B's `config.json` what that of 27B says.
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

/// Makes of 4B's `config.json` the one of 27B with eyes.
pub fn config_27b(config: &mut Value) {
    text_27b(&mut config["text_config"], MEDGEMMA_27B);
}

/// Makes of 4B's `config.json` the one of 27B text, which is of the language model alone.
pub fn config_27b_text(config: &mut Value) {
    let ends = config["eos_token_id"].take();
    *config = config["text_config"].take();
    text_27b(config, MEDGEMMA_27B_TEXT);
    config["architectures"] = json!(["Gemma3ForCausalLM"]);
    config["eos_token_id"] = ends;
}
