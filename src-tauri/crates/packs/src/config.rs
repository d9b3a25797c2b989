//! What a `config.json` says of sizes, in the spelling of transformers 4 or 5.
//! Published configurations name only what differs from the library's defaults
//! (`configuration_gemma3.py`, `configuration_siglip.py`), so every absent field
//! takes its default.

use serde::Deserialize;
use serde_json::Value;

use crate::error::{PackError, Result};

/// A SigLIP tower with patches; defaults of transformers' `SiglipVisionConfig`.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Vision {
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_channels: usize,
    /// Side of the square input, pixels.
    pub image_size: usize,
    pub patch_size: usize,
}

/// A SigLIP text tower; defaults of transformers' `SiglipTextConfig`.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct SiglipText {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub max_position_embeddings: usize,
    pub projection_size: Option<usize>,
    /// End of a text and padding; MedSigLIP uses one token for both.
    pub pad_token_id: Option<u64>,
}

/// Gemma 3's language model; defaults of transformers' `Gemma3TextConfig`.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct GemmaText {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub num_key_value_heads: usize,
    pub head_dim: usize,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SiglipConfig {
    pub text_config: SiglipText,
    pub vision_config: Vision,
}

/// Gemma 3 with its image tower; defaults of transformers' `Gemma3Config`.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct GemmaConfig {
    pub text_config: GemmaText,
    pub vision_config: Vision,
    pub mm_tokens_per_image: usize,
    #[serde(alias = "boi_token_id")]
    pub boi_token_index: u64,
    #[serde(alias = "eoi_token_id")]
    pub eoi_token_index: u64,
    #[serde(alias = "image_token_id")]
    pub image_token_index: u64,
}

impl Default for GemmaConfig {
    fn default() -> Self {
        Self {
            text_config: GemmaText::default(),
            vision_config: Vision::default(),
            mm_tokens_per_image: 256,
            boi_token_index: 255_999,
            eoi_token_index: 256_000,
            image_token_index: 262_144,
        }
    }
}

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
            pad_token_id: Some(1),
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

impl Vision {
    /// Patches along one side.
    pub fn grid(&self) -> usize {
        self.image_size.checked_div(self.patch_size).unwrap_or(0)
    }
}

impl GemmaConfig {
    /// That the patches of an image pool evenly into its soft tokens
    /// (`Gemma3MultiModalProjector`: an average over squares of patches).
    pub fn check_pooling(&self) -> Result<()> {
        let (grid, tokens) = (self.vision_config.grid(), self.mm_tokens_per_image);
        let side = tokens.isqrt();
        if side == 0 || side * side != tokens || grid == 0 || grid % side != 0 {
            let what = format!("{grid} x {grid} patches that become {tokens} tokens");
            return Err(PackError::Unsupported { file: "config.json".into(), what });
        }
        Ok(())
    }
}

/// Token ids out of a field that holds one, several or none.
pub(crate) fn ids_of(field: &Value) -> Vec<u64> {
    match field {
        Value::Array(ids) => ids.iter().filter_map(Value::as_u64).collect(),
        id => id.as_u64().into_iter().collect(),
    }
}

/// The part of a configuration that a loader of this model reads.
pub(crate) fn parsed<T: serde::de::DeserializeOwned>(config: &Value) -> Result<T> {
    T::deserialize(config)
        .map_err(|error| PackError::Malformed { file: "config.json".into(), reason: error.to_string() })
}
