//! Tiny random SigLIP checkpoints, the same bytes from the same seed on every
//! machine, in the forms that transformers 4 and 5 write.
//!
//! Numbers come from sums and products of exact values only (no logarithms or
//! sines, whose last bit differs between machines), and JSON is written as
//! text (the order of a map's keys depends on how serde_json was built).

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use sha2::{Digest, Sha256};

/// What a checkpoint looks like.
#[derive(Debug, Clone)]
pub struct TinySiglip {
    pub seed: u64,
    pub form: SiglipForm,
    pub text_hidden: usize,
    pub vision_hidden: usize,
    pub image_side: usize,
    pub patch_side: usize,
    /// Length in tokens to which texts are padded.
    pub text_length: usize,
}

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiglipForm {
    /// One float32 file; `torch_dtype`, and a configuration that names only
    /// what differs from the defaults, as published ones do.
    Transformers4,
    /// Two bfloat16 shards with an index; `dtype`, and every field named.
    Transformers5,
}

const HEADS: usize = 3;
const LAYERS: usize = 2;

/// Texts for comparison: prompts, capitals, punctuation, unknown characters,
/// nothing at all, a spelled control token, and more tokens than fit.
pub const SIGLIP_TEXTS: [&str; 8] = [
    "no acute cardiopulmonary process",
    "Left pleural effusion.",
    "NG tube",
    "heart size is normal; lungs are clear",
    "",
    "Ünknown 7 µm",
    "a  b\tc",
    "bibasilar opacities and consolidation of the left lower lobe with a small effusion on the \
     right and a catheter whose tip is not seen, cardiac silhouette enlarged, no pneumothorax, \
     monitoring and support devices present, widened cardiomediastinum, rib fractures on the left",
];

impl TinySiglip {
    /// The two checkpoints whose reference numbers are committed.
    pub fn references() -> [(&'static str, Self); 2] {
        [
            (
                "transformers4",
                Self {
                    seed: 4,
                    form: SiglipForm::Transformers4,
                    text_hidden: 48,
                    vision_hidden: 48,
                    // Four pixels beyond the last whole patch are never seen.
                    image_side: 60,
                    patch_side: 14,
                    text_length: 64,
                },
            ),
            (
                "transformers5",
                Self {
                    seed: 5,
                    form: SiglipForm::Transformers5,
                    text_hidden: 36,
                    vision_hidden: 60,
                    image_side: 64,
                    patch_side: 8,
                    text_length: 32,
                },
            ),
        ]
    }

    /// Writes the checkpoint, its tokenizer and its preprocessor into `dir`.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        std::fs::create_dir_all(dir)?;
        let vocabulary = vocabulary();
        std::fs::write(dir.join("config.json"), self.config_json(vocabulary.len()))?;
        std::fs::write(dir.join("tokenizer.json"), tokenizer_json(&vocabulary))?;
        std::fs::write(dir.join("tokenizer_config.json"), self.tokenizer_config_json())?;
        std::fs::write(dir.join("preprocessor_config.json"), self.preprocessor_json())?;
        let tensors = self.tensors(vocabulary.len());
        match self.form {
            SiglipForm::Transformers4 => write_f32(&dir.join("model.safetensors"), &tensors),
            SiglipForm::Transformers5 => write_bf16_shards(dir, tensors),
        }
    }

    /// Test pictures, each `image_side x image_side` bytes of grey: a disc on a
    /// slope, noise, and black.
    pub fn images(&self) -> Vec<Vec<u8>> {
        let side = self.image_side;
        let pixels = |f: &mut dyn FnMut(usize, usize) -> u8| -> Vec<u8> {
            (0..side * side).map(|i| f(i % side, i / side)).collect()
        };
        let mut random = Random(self.seed ^ 0x00C0_FFEE);
        vec![
            pixels(&mut |x, y| {
                let (dx, dy) = (3 * x as i64 - side as i64, 2 * y as i64 - side as i64);
                if dx * dx + dy * dy < (side * side / 5) as i64 { 230 } else { ((x + 2 * y) * 70 / side) as u8 }
            }),
            pixels(&mut |_, _| (random.next() >> 56) as u8),
            pixels(&mut |_, _| 0),
        ]
    }

    fn tensors(&self, vocabulary: usize) -> Vec<(String, Vec<usize>, Vec<f32>)> {
        let mut make = Maker { random: Random(self.seed), tensors: Vec::new() };
        make.filled("logit_scale", 2.5);
        make.filled("logit_bias", -6.0);

        let (text, vision) = (self.text_hidden, self.vision_hidden);
        make.uniform("text_model.embeddings.token_embedding.weight", &[vocabulary, text], 1.0);
        make.uniform("text_model.embeddings.position_embedding.weight", &[self.text_length, text], 0.5);
        for i in 0..LAYERS {
            make.layer(&format!("text_model.encoder.layers.{i}"), text);
        }
        make.norm("text_model.final_layer_norm", text);
        make.linear("text_model.head", vision, text);

        let (patch, grid) = (self.patch_side, self.image_side / self.patch_side);
        let name = "vision_model.embeddings.patch_embedding";
        make.uniform(&format!("{name}.weight"), &[vision, 3, patch, patch], 0.2);
        make.uniform(&format!("{name}.bias"), &[vision], 0.2);
        make.uniform("vision_model.embeddings.position_embedding.weight", &[grid * grid, vision], 0.5);
        for i in 0..LAYERS {
            make.layer(&format!("vision_model.encoder.layers.{i}"), vision);
        }
        make.norm("vision_model.post_layernorm", vision);
        make.uniform("vision_model.head.probe", &[1, 1, vision], 1.0);
        let attention = "vision_model.head.attention";
        make.fan_in(&format!("{attention}.in_proj_weight"), 3 * vision, vision);
        make.uniform(&format!("{attention}.in_proj_bias"), &[3 * vision], 0.2);
        make.linear(&format!("{attention}.out_proj"), vision, vision);
        make.norm("vision_model.head.layernorm", vision);
        make.mlp("vision_model.head.mlp", vision);
        make.tensors
    }

    fn config_json(&self, vocabulary: usize) -> String {
        let Self { text_hidden, vision_hidden, image_side, patch_side, text_length, .. } = self;
        let (text_inner, vision_inner) = (inner(*text_hidden), inner(*vision_hidden));
        match self.form {
            SiglipForm::Transformers4 => format!(
                r#"{{
  "architectures": ["SiglipModel"],
  "initializer_factor": 1.0,
  "model_type": "siglip",
  "text_config": {{
    "hidden_size": {text_hidden}, "intermediate_size": {text_inner},
    "model_type": "siglip_text_model", "num_attention_heads": {HEADS},
    "num_hidden_layers": {LAYERS}, "vocab_size": {vocabulary}
  }},
  "torch_dtype": "float32",
  "transformers_version": "4.52.4",
  "vision_config": {{
    "hidden_size": {vision_hidden}, "image_size": {image_side},
    "intermediate_size": {vision_inner}, "model_type": "siglip_vision_model",
    "num_attention_heads": {HEADS}, "num_hidden_layers": {LAYERS}, "patch_size": {patch_side}
  }}
}}
"#
            ),
            SiglipForm::Transformers5 => format!(
                r#"{{
  "architectures": ["SiglipModel"],
  "dtype": "bfloat16",
  "initializer_factor": 1.0,
  "model_type": "siglip",
  "text_config": {{
    "attention_dropout": 0.0, "bos_token_id": null, "dtype": "bfloat16", "eos_token_id": 1,
    "hidden_act": "gelu_pytorch_tanh", "hidden_size": {text_hidden},
    "intermediate_size": {text_inner}, "layer_norm_eps": 1e-06,
    "max_position_embeddings": {text_length}, "model_type": "siglip_text_model",
    "num_attention_heads": {HEADS}, "num_hidden_layers": {LAYERS}, "pad_token_id": 1,
    "projection_size": {vision_hidden}, "vocab_size": {vocabulary}
  }},
  "transformers_version": "5.23.0",
  "vision_config": {{
    "attention_dropout": 0.0, "dtype": "bfloat16", "hidden_act": "gelu_pytorch_tanh",
    "hidden_size": {vision_hidden}, "image_size": {image_side},
    "intermediate_size": {vision_inner}, "layer_norm_eps": 1e-06,
    "model_type": "siglip_vision_model", "num_attention_heads": {HEADS}, "num_channels": 3,
    "num_hidden_layers": {LAYERS}, "patch_size": {patch_side}, "vision_use_head": true
  }}
}}
"#
            ),
        }
    }

    fn tokenizer_config_json(&self) -> String {
        format!(
            r#"{{
  "eos_token": "</s>", "model_input_names": ["input_ids"], "model_max_length": {},
  "pad_token": "</s>", "tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>"
}}
"#,
            self.text_length
        )
    }

    fn preprocessor_json(&self) -> String {
        let side = self.image_side;
        format!(
            r#"{{
  "do_normalize": true, "do_rescale": true, "do_resize": true,
  "image_mean": [0.5, 0.5, 0.5], "image_processor_type": "SiglipImageProcessor",
  "image_std": [0.5, 0.5, 0.5], "resample": 2, "rescale_factor": 0.00392156862745098,
  "size": {{"height": {side}, "width": {side}}}
}}
"#
        )
    }
}

/// SHA-256 of each file in a folder, by name: which bytes a reference is for.
pub fn file_hashes(dir: &Path) -> io::Result<BTreeMap<String, String>> {
    std::fs::read_dir(dir)?
        .map(|entry| {
            let entry = entry?;
            let hash = hex::encode(Sha256::digest(std::fs::read(entry.path())?));
            Ok((entry.file_name().to_string_lossy().into_owned(), hash))
        })
        .collect()
}

fn inner(hidden: usize) -> usize {
    2 * hidden + 4
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// -1 to 1, exact in float32.
    fn uniform(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    }
}

struct Maker {
    random: Random,
    tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
}

impl Maker {
    fn filled(&mut self, name: &str, value: f32) {
        self.tensors.push((name.into(), vec![1], vec![value]));
    }

    fn uniform(&mut self, name: &str, shape: &[usize], reach: f32) {
        let count = shape.iter().product();
        let values = (0..count).map(|_| self.random.uniform() * reach).collect();
        self.tensors.push((name.into(), shape.to_vec(), values));
    }

    /// A matrix that keeps the size of what it multiplies, and a little more,
    /// so that attention is far from uniform.
    fn fan_in(&mut self, name: &str, output: usize, input: usize) {
        self.uniform(name, &[output, input], 2.4 / (input as f32).sqrt());
    }

    fn linear(&mut self, name: &str, output: usize, input: usize) {
        self.fan_in(&format!("{name}.weight"), output, input);
        self.uniform(&format!("{name}.bias"), &[output], 0.2);
    }

    fn norm(&mut self, name: &str, hidden: usize) {
        self.uniform(&format!("{name}.weight"), &[hidden], 0.4);
        let (_, _, values) = self.tensors.last_mut().expect("just pushed");
        values.iter_mut().for_each(|x| *x += 1.0);
        self.uniform(&format!("{name}.bias"), &[hidden], 0.2);
    }

    fn mlp(&mut self, name: &str, hidden: usize) {
        self.linear(&format!("{name}.fc1"), inner(hidden), hidden);
        self.linear(&format!("{name}.fc2"), hidden, inner(hidden));
    }

    fn layer(&mut self, name: &str, hidden: usize) {
        self.norm(&format!("{name}.layer_norm1"), hidden);
        for projection in ["q_proj", "k_proj", "v_proj", "out_proj"] {
            self.linear(&format!("{name}.self_attn.{projection}"), hidden, hidden);
        }
        self.norm(&format!("{name}.layer_norm2"), hidden);
        self.mlp(&format!("{name}.mlp"), hidden);
    }
}

fn write_f32(path: &Path, tensors: &[(String, Vec<usize>, Vec<f32>)]) -> io::Result<()> {
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|(_, _, values)| values.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    write_safetensors(path, Dtype::F32, tensors, &bytes)
}

/// The upper half of a float32 is a bfloat16; cutting is as good as rounding here.
fn write_bf16_shards(dir: &Path, tensors: Vec<(String, Vec<usize>, Vec<f32>)>) -> io::Result<()> {
    let half = tensors.len() / 2;
    let mut map = Vec::new();
    let mut total = 0;
    for (i, shard) in [&tensors[..half], &tensors[half..]].into_iter().enumerate() {
        let file = format!("model-{:05}-of-00002.safetensors", i + 1);
        let bytes: Vec<Vec<u8>> = shard
            .iter()
            .map(|(_, _, values)| values.iter().flat_map(|x| ((x.to_bits() >> 16) as u16).to_le_bytes()).collect())
            .collect();
        total += bytes.iter().map(Vec::len).sum::<usize>();
        write_safetensors(&dir.join(&file), Dtype::BF16, shard, &bytes)?;
        map.extend(shard.iter().map(|(name, _, _)| format!("    \"{name}\": \"{file}\"")));
    }
    map.sort();
    let index = format!(
        "{{\n  \"metadata\": {{\"total_size\": {total}}},\n  \"weight_map\": {{\n{}\n  }}\n}}\n",
        map.join(",\n")
    );
    std::fs::write(dir.join("model.safetensors.index.json"), index)
}

fn write_safetensors(
    path: &Path,
    dtype: Dtype,
    tensors: &[(String, Vec<usize>, Vec<f32>)],
    bytes: &[Vec<u8>],
) -> io::Result<()> {
    let views = tensors
        .iter()
        .zip(bytes)
        .map(|((name, shape, _), bytes)| TensorView::new(dtype, shape.clone(), bytes).map(|view| (name.as_str(), view)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(io::Error::other)?;
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let file = safetensors::serialize(views, Some(metadata)).map_err(io::Error::other)?;
    std::fs::write(path, file)
}

/// Pieces with their log-probabilities. Some words of the field are whole,
/// others are put together from parts or letters. No two sums tie.
fn vocabulary() -> Vec<(String, f64)> {
    const WORDS: &str = "no normal left right lung lungs heart size is are clear pleural effusion \
        effusions acute process study opacity opacities edema mild moderate severe catheter tube \
        rib fracture consolidation focal there evidence of and in the present";
    const PARTS: &str = "cardio pulmon ary mega ly media stinum pneumo thorax atel ect asis air \
        space paren chym al basi lar thora cic s";
    let mut pieces: Vec<(String, f64)> =
        ["<pad>", "</s>", "<unk>"].iter().map(|piece| ((*piece).into(), 0.0)).collect();
    let mut push = |piece: String, base: f64| {
        let score = base - pieces.len() as f64 / 64.0 - (pieces.len() % 7) as f64 / 1024.0;
        pieces.push((piece, score));
    };
    WORDS.split_whitespace().for_each(|word| push(format!("▁{word}"), -3.0));
    PARTS.split_whitespace().for_each(|part| push(part.into(), -5.0));
    push("▁".into(), -6.0);
    // The parts above hold one single letter already.
    ('a'..='z').filter(|letter| *letter != 's').for_each(|letter| push(letter.into(), -9.0));
    pieces
}

fn tokenizer_json(vocabulary: &[(String, f64)]) -> String {
    let special = |id: usize, content: &str| {
        format!(
            r#"    {{"id": {id}, "content": "{content}", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}}"#
        )
    };
    let specials = ["<pad>", "</s>", "<unk>"]
        .iter()
        .enumerate()
        .map(|(id, content)| special(id, content))
        .collect::<Vec<_>>()
        .join(",\n");
    let pieces = vocabulary
        .iter()
        .map(|(piece, score)| format!("      [\"{piece}\", {score:?}]"))
        .collect::<Vec<_>>()
        .join(",\n");
    format!(
        r##"{{
  "version": "1.0",
  "truncation": null,
  "padding": null,
  "added_tokens": [
{specials}
  ],
  "normalizer": {{"type": "Sequence", "normalizers": [
    {{"type": "Lowercase"}},
    {{"type": "Replace", "pattern": {{"Regex": "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{{|}}~]"}}, "content": ""}},
    {{"type": "Replace", "pattern": {{"Regex": "\\s+"}}, "content": " "}},
    {{"type": "Strip", "strip_left": true, "strip_right": true}}
  ]}},
  "pre_tokenizer": {{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}},
  "post_processor": {{"type": "TemplateProcessing",
    "single": [{{"Sequence": {{"id": "A", "type_id": 0}}}}, {{"SpecialToken": {{"id": "</s>", "type_id": 0}}}}],
    "pair": [{{"Sequence": {{"id": "A", "type_id": 0}}}}, {{"SpecialToken": {{"id": "</s>", "type_id": 0}}}}, {{"Sequence": {{"id": "B", "type_id": 0}}}}, {{"SpecialToken": {{"id": "</s>", "type_id": 0}}}}],
    "special_tokens": {{"</s>": {{"id": "</s>", "ids": [1], "tokens": ["</s>"]}}}}}},
  "decoder": {{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}},
  "model": {{"type": "Unigram", "unk_id": 2, "byte_fallback": false, "vocab": [
{pieces}
  ]}}
}}
"##
    )
}
