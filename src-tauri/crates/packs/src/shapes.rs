//! The tensors that a `config.json` promises, held against those in the files.
//!
//! Not every tensor: those whose shape depends on a number in the
//! configuration, in the first and the last layer, and that there is no layer
//! more. A folder put together from two models does not pass.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::{PackError, Result};
use crate::weights::{TensorHeader, Tensors};
use safetensors::tensor::Dtype;

/// A SigLIP tower with patches; defaults of transformers' `SiglipVisionConfig`.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Vision {
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_channels: usize,
    image_size: usize,
    patch_size: usize,
}

/// A SigLIP text tower; defaults of transformers' `SiglipTextConfig`.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct SiglipText {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    max_position_embeddings: usize,
    projection_size: Option<usize>,
}

/// Gemma 3's language model; defaults of transformers' `Gemma3TextConfig`.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct GemmaText {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: usize,
    head_dim: usize,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SiglipConfig {
    text_config: SiglipText,
    vision_config: Vision,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct GemmaConfig {
    text_config: GemmaText,
    vision_config: Vision,
}

/// Name, shape; names as in [`plain_name`].
type Expected = Vec<(String, Vec<usize>)>;

impl Default for Vision {
    fn default() -> Self {
        Self {
            hidden_size: 768,
            intermediate_size: 3072,
            num_hidden_layers: 12,
            num_channels: 3,
            image_size: 224,
            patch_size: 16,
        }
    }
}

impl Default for SiglipText {
    fn default() -> Self {
        Self {
            vocab_size: 32000,
            hidden_size: 768,
            intermediate_size: 3072,
            num_hidden_layers: 12,
            max_position_embeddings: 64,
            projection_size: None,
        }
    }
}

impl Default for GemmaText {
    fn default() -> Self {
        Self {
            vocab_size: 262_208,
            hidden_size: 2304,
            intermediate_size: 9216,
            num_hidden_layers: 26,
            num_attention_heads: 8,
            num_key_value_heads: 4,
            head_dim: 256,
        }
    }
}

/// Checks a SigLIP pair.
pub(crate) fn check_siglip(config: &SiglipConfig, tensors: &Tensors) -> Result<()> {
    let (text, vision) = (&config.text_config, &config.vision_config);
    let name = "text_model.embeddings";
    let projection = text.projection_size.unwrap_or(text.hidden_size);
    let mut expected = vec![
        (format!("{name}.token_embedding.weight"), vec![text.vocab_size, text.hidden_size]),
        (format!("{name}.position_embedding.weight"), vec![text.max_position_embeddings, text.hidden_size]),
        ("text_model.head.weight".into(), vec![projection, text.hidden_size]),
        ("vision_model.head.probe".into(), vec![1, 1, vision.hidden_size]),
        ("vision_model.head.attention.in_proj_weight".into(), vec![3 * vision.hidden_size, vision.hidden_size]),
        ("logit_scale".into(), vec![1]),
        ("logit_bias".into(), vec![1]),
    ];
    let towers = [
        ("text_model", text.hidden_size, text.intermediate_size, text.num_hidden_layers),
        ("vision_model", vision.hidden_size, vision.intermediate_size, vision.num_hidden_layers),
    ];
    for (tower, hidden, inner, layers) in towers {
        expected.extend(siglip_layers(tower, hidden, inner, layers));
    }
    expected.extend(vision.patches("vision_model"));
    let layers = towers.map(|(tower, _, _, layers)| (format!("{tower}.encoder.layers."), layers));
    check(&expected, &layers, tensors)
}

/// Checks a Gemma 3 vision-language model. Fails with `pack.text_only` where
/// the files hold no vision tower at all.
pub(crate) fn check_gemma(config: &GemmaConfig, tensors: &Tensors) -> Result<()> {
    let (text, vision) = (&config.text_config, &config.vision_config);
    if !tensors.iter().any(|(name, _)| plain_name(name).starts_with("vision_tower.")) {
        let file = tensors.files.first().cloned().unwrap_or_default();
        return Err(PackError::TextOnly { file });
    }
    let (hidden, inner) = (text.hidden_size, text.intermediate_size);
    let mut expected = vec![
        ("language_model.embed_tokens.weight".into(), vec![text.vocab_size, hidden]),
        ("language_model.norm.weight".into(), vec![hidden]),
        ("multi_modal_projector.mm_input_projection_weight".into(), vec![vision.hidden_size, hidden]),
        ("multi_modal_projector.mm_soft_emb_norm.weight".into(), vec![vision.hidden_size]),
    ];
    for i in first_and_last(text.num_hidden_layers) {
        let layer = format!("language_model.layers.{i}");
        let (queries, keys) = (text.num_attention_heads * text.head_dim, text.num_key_value_heads * text.head_dim);
        expected.extend([
            (format!("{layer}.self_attn.q_proj.weight"), vec![queries, hidden]),
            (format!("{layer}.self_attn.k_proj.weight"), vec![keys, hidden]),
            (format!("{layer}.self_attn.v_proj.weight"), vec![keys, hidden]),
            (format!("{layer}.self_attn.o_proj.weight"), vec![hidden, queries]),
            (format!("{layer}.mlp.gate_proj.weight"), vec![inner, hidden]),
            (format!("{layer}.mlp.down_proj.weight"), vec![hidden, inner]),
        ]);
    }
    expected.extend(siglip_layers(
        "vision_tower",
        vision.hidden_size,
        vision.intermediate_size,
        vision.num_hidden_layers,
    ));
    expected.extend(vision.patches("vision_tower"));
    let layers = [
        ("language_model.layers.".to_owned(), text.num_hidden_layers),
        ("vision_tower.encoder.layers.".to_owned(), vision.num_hidden_layers),
    ];
    check(&expected, &layers, tensors)
}

impl Vision {
    fn patches(&self, tower: &str) -> Expected {
        let (hidden, patch) = (self.hidden_size, self.patch_size);
        let grid = self.image_size.checked_div(patch).unwrap_or(0);
        let name = format!("{tower}.embeddings");
        vec![
            (format!("{name}.patch_embedding.weight"), vec![hidden, self.num_channels, patch, patch]),
            (format!("{name}.position_embedding.weight"), vec![grid * grid, hidden]),
        ]
    }
}

fn siglip_layers(tower: &str, hidden: usize, inner: usize, layers: usize) -> Expected {
    first_and_last(layers)
        .flat_map(|i| {
            let layer = format!("{tower}.encoder.layers.{i}");
            [
                (format!("{layer}.self_attn.q_proj.weight"), vec![hidden, hidden]),
                (format!("{layer}.mlp.fc1.weight"), vec![inner, hidden]),
                (format!("{layer}.mlp.fc2.weight"), vec![hidden, inner]),
            ]
        })
        .collect()
}

fn first_and_last(layers: usize) -> impl Iterator<Item = usize> {
    (0..layers).filter(move |i| *i == 0 || i + 1 == layers)
}

/// The name without the prefixes that transformers 4 and 5 put before the
/// same tensor: `model.` around everything, `model.` inside the language
/// model, `vision_model.` inside the vision tower.
fn plain_name(name: &str) -> String {
    let name = name.strip_prefix("model.").unwrap_or(name);
    for (part, inner) in [("language_model.", "model."), ("vision_tower.", "vision_model.")] {
        if let Some(rest) = name.strip_prefix(part) {
            return format!("{part}{}", rest.strip_prefix(inner).unwrap_or(rest));
        }
    }
    name.to_owned()
}

fn check(expected: &Expected, layers: &[(String, usize)], tensors: &Tensors) -> Result<()> {
    let by_name: BTreeMap<String, (&String, &TensorHeader)> =
        tensors.iter().map(|(name, header)| (plain_name(name), (name, header))).collect();
    for (name, shape) in expected {
        let Some((tensor, header)) = by_name.get(name) else {
            let file = tensors.files.first().cloned().unwrap_or_default();
            return Err(PackError::TensorMissing { file, tensor: name.clone() });
        };
        // A single number may be written as a scalar.
        let scalar = shape == &[1] && header.shape.is_empty();
        if &header.shape != shape && !scalar {
            return Err(PackError::TensorShape {
                file: header.file.clone(),
                tensor: (*tensor).clone(),
                expected: shape.clone(),
                found: header.shape.clone(),
            });
        }
    }
    for (name, (tensor, header)) in &by_name {
        if !matches!(header.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
            let what = format!("tensor {tensor} of type {:?}; taken are F32, F16 and BF16", header.dtype);
            return Err(PackError::Unsupported { file: header.file.clone(), what });
        }
        for (prefix, count) in layers {
            let layer =
                name.strip_prefix(prefix.as_str()).and_then(|rest| rest.split('.').next()?.parse::<usize>().ok());
            if layer.is_some_and(|layer| layer >= *count) {
                return Err(PackError::TensorUnexpected { file: header.file.clone(), tensor: (*tensor).clone() });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_tensor() {
        for (name, plain) in [
            ("language_model.model.layers.0.mlp.up_proj.weight", "language_model.layers.0.mlp.up_proj.weight"),
            ("model.language_model.layers.0.mlp.up_proj.weight", "language_model.layers.0.mlp.up_proj.weight"),
            ("vision_tower.vision_model.post_layernorm.bias", "vision_tower.post_layernorm.bias"),
            ("model.vision_tower.vision_model.post_layernorm.bias", "vision_tower.post_layernorm.bias"),
            ("model.vision_tower.post_layernorm.bias", "vision_tower.post_layernorm.bias"),
            ("model.multi_modal_projector.mm_soft_emb_norm.weight", "multi_modal_projector.mm_soft_emb_norm.weight"),
            ("vision_model.head.probe", "vision_model.head.probe"),
        ] {
            assert_eq!(plain_name(name), plain);
        }
    }
}
