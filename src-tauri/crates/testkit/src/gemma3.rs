//! Tiny Gemma 3 vision-language checkpoints with random weights, from a seed.
//!
//! Same architecture and file layout as MedGemma, a few hundred kilobytes: seven layers,
//! so that the sixth is a global one, an image tower of two, a small tokenizer of Gemma's
//! own kind (byte-pair encoding, byte fallback, U+2581 for spaces) that keeps the names of
//! Gemma's control tokens. The words it writes mean nothing; two programs that load the
//! same folder must only agree on them.

use std::io;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};

use crate::gemma3_tokenizer::{IMAGE_TOKEN, Vocabulary};

/// Which generation of the transformers library the folder looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// `rope_theta`, `sliding_window_pattern`, `vision_tower.vision_model.…`
    Transformers4,
    /// `rope_parameters`, `layer_types`, `vision_tower.…`
    Transformers5,
}

/// Side of the input image, pixels.
pub const SIDE: u32 = 56;
/// Soft tokens an image.
pub const IMAGE_TOKENS: usize = 4;
/// Tokens that a sliding-window layer sees.
pub const WINDOW: usize = 256;

const PATCH: usize = 14;
const HIDDEN: usize = 32;
const MLP: usize = 64;
const LAYERS: usize = 7;
const PATTERN: usize = 6;
const HEADS: usize = 4;
const KEY_HEADS: usize = 2;
const HEAD: usize = 16;
const TOWER_HIDDEN: usize = 48;
const TOWER_MLP: usize = 96;
const TOWER_LAYERS: usize = 2;
const TOWER_HEADS: usize = 4;

/// Writes the folder: configuration, tokenizer and `model.safetensors` (float32). The
/// same seed gives the same bytes everywhere, and the same numbers in both spellings.
pub fn write_checkpoint(folder: &Path, spelling: Spelling, seed: u64) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let vocabulary = Vocabulary::new();
    let write = |name: &str, value: &Value| {
        let text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
        std::fs::write(folder.join(name), text + "\n")
    };
    write("config.json", &config(spelling, &vocabulary))?;
    write(
        "generation_config.json",
        &json!({
            "bos_token_id": vocabulary.id("<bos>"), "pad_token_id": vocabulary.id("<pad>"),
            "eos_token_id": [vocabulary.id("<eos>"), vocabulary.id("<end_of_turn>")],
        }),
    )?;
    write(
        "preprocessor_config.json",
        &json!({
            "do_normalize": true, "do_rescale": true, "do_resize": true, "rescale_factor": 1.0 / 255.0,
            "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "resample": 2,
            "image_processor_type": "Gemma3ImageProcessor", "image_seq_length": IMAGE_TOKENS,
            "size": { "height": SIDE, "width": SIDE },
        }),
    )?;
    write(
        "processor_config.json",
        &json!({
            "image_seq_length": IMAGE_TOKENS, "processor_class": "Gemma3Processor",
        }),
    )?;
    write("tokenizer.json", &vocabulary.tokenizer())?;
    write("tokenizer_config.json", &vocabulary.tokenizer_config())?;
    let tensors = tensors(spelling, vocabulary.len(), seed);
    let views = tensors
        .iter()
        .map(|tensor| {
            let view = TensorView::new(Dtype::F32, tensor.shape.clone(), &tensor.bytes);
            view.map(|view| (tensor.name.clone(), view)).map_err(io::Error::other)
        })
        .collect::<io::Result<Vec<_>>>()?;
    let format = [("format".to_owned(), "pt".to_owned())].into();
    let bytes = safetensors::serialize(views, Some(format)).map_err(io::Error::other)?;
    std::fs::write(folder.join("model.safetensors"), bytes)
}

/// A square test image of [`SIDE`] pixels: a slope with grain on it, row by row. `seed`
/// turns the slope and changes the grain.
pub fn image(seed: u64) -> Vec<u8> {
    let mut grain = Random::new(seed, "image");
    let slope = |x: u32, y: u32| match seed % 2 {
        0 => x * 2 + y,
        _ => 2 * (SIDE - x) + 2 * y,
    };
    let pixel = |i: u32| {
        let grain = (grain.next() >> 58) as u32;
        (slope(i % SIDE, i / SIDE) + grain).min(255) as u8
    };
    (0..SIDE * SIDE).map(pixel).collect()
}

fn config(spelling: Spelling, vocabulary: &Vocabulary) -> Value {
    let mut text = json!({
        "model_type": "gemma3_text", "hidden_size": HIDDEN, "intermediate_size": MLP,
        "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "num_key_value_heads": KEY_HEADS, "head_dim": HEAD, "query_pre_attn_scalar": HEAD,
        "sliding_window": WINDOW, "vocab_size": vocabulary.len(), "rms_norm_eps": 1e-6,
        "max_position_embeddings": 131_072, "hidden_activation": "gelu_pytorch_tanh",
    });
    let (spelt, dtype) = match spelling {
        Spelling::Transformers4 => (
            json!({
                "rope_theta": 1e6, "rope_local_base_freq": 1e4, "sliding_window_pattern": PATTERN,
                "rope_scaling": { "factor": 8.0, "rope_type": "linear" },
            }),
            "torch_dtype",
        ),
        Spelling::Transformers5 => {
            let kind = |i: usize| match (i + 1).is_multiple_of(PATTERN) {
                true => "full_attention",
                false => "sliding_attention",
            };
            let global = json!({ "factor": 8.0, "rope_theta": 1e6, "rope_type": "linear" });
            let local = json!({ "rope_theta": 1e4, "rope_type": "default" });
            (
                json!({
                    "rope_parameters": { "full_attention": global, "sliding_attention": local },
                    "layer_types": (0..LAYERS).map(kind).collect::<Vec<_>>(),
                }),
                "dtype",
            )
        }
    };
    if let (Some(text), Value::Object(spelt)) = (text.as_object_mut(), spelt) {
        text.extend(spelt);
    }
    let mut all = json!({
        "architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3",
        "boi_token_index": vocabulary.id("<start_of_image>"),
        "eoi_token_index": vocabulary.id("<end_of_image>"),
        "image_token_index": vocabulary.id(IMAGE_TOKEN),
        "bos_token_id": vocabulary.id("<bos>"), "pad_token_id": vocabulary.id("<pad>"),
        "eos_token_id": [vocabulary.id("<eos>"), vocabulary.id("<end_of_turn>")],
        "mm_tokens_per_image": IMAGE_TOKENS, "initializer_range": 0.02, "text_config": text,
        "vision_config": {
            "model_type": "siglip_vision_model", "hidden_size": TOWER_HIDDEN,
            "intermediate_size": TOWER_MLP, "num_hidden_layers": TOWER_LAYERS,
            "num_attention_heads": TOWER_HEADS, "image_size": SIDE, "patch_size": PATCH,
            "num_channels": 3, "hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": 1e-6,
            "vision_use_head": false,
        },
    });
    all[dtype] = json!("float32");
    all
}

struct RandomTensor {
    name: String,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// Every tensor of the model; the spread of each keeps activations near one, so that
/// nothing saturates and a mistake anywhere shows in the answer.
fn tensors(spelling: Spelling, words: usize, seed: u64) -> Vec<RandomTensor> {
    let mut all = Vec::new();
    let mut put = |name: String, shape: &[usize], centre: f32, spread: f32| {
        let mut random = Random::new(seed, &name);
        let values = (0..shape.iter().product::<usize>()).map(|_| centre + spread * random.normal());
        let bytes = values.flat_map(f32::to_le_bytes).collect();
        let name = match spelling {
            Spelling::Transformers4 => name,
            Spelling::Transformers5 => name.replace("vision_tower.vision_model.", "vision_tower."),
        };
        all.push(RandomTensor { name, shape: shape.to_vec(), bytes });
    };
    let fan = |width: usize| 1.0 / (width as f32).sqrt();

    let text = "language_model.model";
    put(format!("{text}.embed_tokens.weight"), &[words, HIDDEN], 0.0, 0.06);
    put(format!("{text}.norm.weight"), &[HIDDEN], 4.0, 0.1);
    for layer in 0..LAYERS {
        let layer = format!("{text}.layers.{layer}");
        for norm in ["input", "post_attention", "pre_feedforward", "post_feedforward"] {
            put(format!("{layer}.{norm}_layernorm.weight"), &[HIDDEN], 0.0, 0.1);
        }
        put(format!("{layer}.self_attn.q_proj.weight"), &[HEADS * HEAD, HIDDEN], 0.0, fan(HIDDEN));
        for part in ["k_proj", "v_proj"] {
            put(format!("{layer}.self_attn.{part}.weight"), &[KEY_HEADS * HEAD, HIDDEN], 0.0, fan(HIDDEN));
        }
        put(format!("{layer}.self_attn.o_proj.weight"), &[HIDDEN, HEADS * HEAD], 0.0, fan(HEADS * HEAD));
        for norm in ["q_norm", "k_norm"] {
            put(format!("{layer}.self_attn.{norm}.weight"), &[HEAD], 0.0, 0.1);
        }
        for part in ["gate_proj", "up_proj"] {
            put(format!("{layer}.mlp.{part}.weight"), &[MLP, HIDDEN], 0.0, fan(HIDDEN));
        }
        put(format!("{layer}.mlp.down_proj.weight"), &[HIDDEN, MLP], 0.0, fan(MLP));
    }

    let tower = "vision_tower.vision_model";
    let side = SIDE as usize / PATCH;
    put(format!("{tower}.embeddings.patch_embedding.weight"), &[TOWER_HIDDEN, 3, PATCH, PATCH], 0.0, 0.04);
    put(format!("{tower}.embeddings.patch_embedding.bias"), &[TOWER_HIDDEN], 0.0, 0.02);
    put(format!("{tower}.embeddings.position_embedding.weight"), &[side * side, TOWER_HIDDEN], 0.0, 0.3);
    for layer in 0..TOWER_LAYERS {
        let layer = format!("{tower}.encoder.layers.{layer}");
        for norm in ["layer_norm1", "layer_norm2"] {
            put(format!("{layer}.{norm}.weight"), &[TOWER_HIDDEN], 1.0, 0.1);
            put(format!("{layer}.{norm}.bias"), &[TOWER_HIDDEN], 0.0, 0.1);
        }
        for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
            let shape = [TOWER_HIDDEN, TOWER_HIDDEN];
            put(format!("{layer}.self_attn.{part}.weight"), &shape, 0.0, fan(TOWER_HIDDEN));
            put(format!("{layer}.self_attn.{part}.bias"), &[TOWER_HIDDEN], 0.0, 0.02);
        }
        put(format!("{layer}.mlp.fc1.weight"), &[TOWER_MLP, TOWER_HIDDEN], 0.0, fan(TOWER_HIDDEN));
        put(format!("{layer}.mlp.fc1.bias"), &[TOWER_MLP], 0.0, 0.02);
        put(format!("{layer}.mlp.fc2.weight"), &[TOWER_HIDDEN, TOWER_MLP], 0.0, fan(TOWER_MLP));
        put(format!("{layer}.mlp.fc2.bias"), &[TOWER_HIDDEN], 0.0, 0.02);
    }
    put(format!("{tower}.post_layernorm.weight"), &[TOWER_HIDDEN], 1.0, 0.1);
    put(format!("{tower}.post_layernorm.bias"), &[TOWER_HIDDEN], 0.0, 0.1);
    let joint = "multi_modal_projector";
    put(format!("{joint}.mm_input_projection_weight"), &[TOWER_HIDDEN, HIDDEN], 0.0, fan(HIDDEN));
    put(format!("{joint}.mm_soft_emb_norm.weight"), &[TOWER_HIDDEN], 0.0, 0.1);
    all
}

/// SplitMix64 (Steele, Lea, Flood 2014), one stream a name.
struct Random(u64);

impl Random {
    fn new(seed: u64, name: &str) -> Self {
        // FNV-1a, so that a tensor's numbers do not depend on those before it.
        let hash = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self(hash ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// About normal, mean 0, variance 1: twelve uniform numbers less six. Logarithms and
    /// cosines would differ in the last bit between platforms.
    fn normal(&mut self) -> f32 {
        let sum: f64 = (0..12).map(|_| (self.next() >> 11) as f64 / (1_u64 << 53) as f64).sum();
        (sum - 6.0) as f32
    }
}
