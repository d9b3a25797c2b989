//! `config.json` of a SigLIP checkpoint, as transformers 4 and 5 write it.

use std::path::Path;

use serde::Deserialize;

use crate::error::{EncoderError, Result};

/// The whole pair. Published configurations name only what differs from the
/// defaults, so every absent field takes the default of transformers'
/// `SiglipTextConfig` and `SiglipVisionConfig` (`configuration_siglip.py`).
#[derive(Debug, Clone, Deserialize)]
pub struct SiglipConfig {
    pub model_type: String,
    #[serde(default)]
    pub text_config: TextConfig,
    #[serde(default)]
    pub vision_config: VisionConfig,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct TextConfig {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    /// Length in tokens to which every text is padded.
    pub max_position_embeddings: usize,
    pub hidden_act: String,
    pub layer_norm_eps: f64,
    /// Dimension of the text embedding; the hidden size where absent.
    pub projection_size: Option<usize>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct VisionConfig {
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub num_channels: usize,
    /// Side of the square input, in pixels.
    pub image_size: usize,
    /// Side of one square patch, in pixels.
    pub patch_size: usize,
    pub hidden_act: String,
    pub layer_norm_eps: f64,
    /// False in towers without the attention-pooling head; those make no embedding.
    pub vision_use_head: bool,
}

/// What both towers' encoder layers need to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayerConfig {
    pub hidden: usize,
    pub intermediate: usize,
    pub layers: usize,
    pub heads: usize,
    pub eps: f32,
}

impl Default for TextConfig {
    fn default() -> Self {
        Self {
            vocab_size: 32000,
            hidden_size: 768,
            intermediate_size: 3072,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            max_position_embeddings: 64,
            hidden_act: "gelu_pytorch_tanh".into(),
            layer_norm_eps: 1e-6,
            projection_size: None,
        }
    }
}

impl Default for VisionConfig {
    fn default() -> Self {
        Self {
            hidden_size: 768,
            intermediate_size: 3072,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            num_channels: 3,
            image_size: 224,
            patch_size: 16,
            hidden_act: "gelu_pytorch_tanh".into(),
            layer_norm_eps: 1e-6,
            vision_use_head: true,
        }
    }
}

impl SiglipConfig {
    /// Reads and checks `config.json`. Fails with `encoder.read`,
    /// `encoder.config`, or `encoder.unsupported` for another architecture.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|source| EncoderError::Read { path: path.to_owned(), source })?;
        let config: Self =
            serde_json::from_slice(&bytes).map_err(|source| EncoderError::Json { path: path.to_owned(), source })?;
        match config.refusal() {
            Some(what) => Err(EncoderError::Unsupported { path: path.to_owned(), what }),
            None => Ok(config),
        }
    }

    /// Dimension of the shared embedding space.
    pub fn embedding_dim(&self) -> usize {
        self.vision_config.hidden_size
    }

    fn refusal(&self) -> Option<String> {
        let (text, vision) = (&self.text_config, &self.vision_config);
        if self.model_type != "siglip" {
            return Some(format!("model_type {:?} instead of \"siglip\"", self.model_type));
        }
        for act in [&text.hidden_act, &vision.hidden_act] {
            if act != "gelu_pytorch_tanh" {
                return Some(format!("activation {act:?} instead of \"gelu_pytorch_tanh\""));
            }
        }
        if !vision.vision_use_head {
            return Some("a vision tower without its pooling head".into());
        }
        if text.embedding_dim() != vision.hidden_size {
            return Some(format!(
                "text embeddings of {} beside image embeddings of {}",
                text.embedding_dim(),
                vision.hidden_size
            ));
        }
        for (tower, layers) in [("text", text.layers()), ("vision", vision.layers())] {
            if layers.heads == 0 || layers.hidden == 0 || layers.hidden % layers.heads != 0 {
                return Some(format!("{tower} hidden size {} over {} heads", layers.hidden, layers.heads));
            }
        }
        if vision.patch_size == 0 || vision.image_size < vision.patch_size {
            return Some(format!("patches of {} in an image of {}", vision.patch_size, vision.image_size));
        }
        if vision.num_channels == 0 || text.max_position_embeddings == 0 {
            return Some("no channels or no text positions".into());
        }
        None
    }
}

impl TextConfig {
    pub(crate) fn embedding_dim(&self) -> usize {
        self.projection_size.unwrap_or(self.hidden_size)
    }

    pub(crate) fn layers(&self) -> LayerConfig {
        LayerConfig {
            hidden: self.hidden_size,
            intermediate: self.intermediate_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            eps: self.layer_norm_eps as f32,
        }
    }
}

impl VisionConfig {
    /// Patches along one side; a remainder of the image beyond the last whole
    /// patch is not seen, as in the convolution without padding that this is.
    pub(crate) fn grid(&self) -> usize {
        self.image_size / self.patch_size
    }

    pub(crate) fn layers(&self) -> LayerConfig {
        LayerConfig {
            hidden: self.hidden_size,
            intermediate: self.intermediate_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            eps: self.layer_norm_eps as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, refused: bool) {
        let config: SiglipConfig = serde_json::from_str(json).unwrap();
        assert_eq!(config.refusal().is_some(), refused, "{json}: {:?}", config.refusal());
    }

    #[test]
    fn absent_fields_take_the_defaults_of_transformers() {
        let config: SiglipConfig = serde_json::from_str(r#"{"model_type":"siglip"}"#).unwrap();
        let (text, vision) = (config.text_config, config.vision_config);
        assert_eq!(
            (text.vocab_size, text.hidden_size, text.intermediate_size, text.num_hidden_layers),
            (32000, 768, 3072, 12)
        );
        assert_eq!((text.num_attention_heads, text.max_position_embeddings), (12, 64));
        assert_eq!((text.layer_norm_eps, text.embedding_dim()), (1e-6, 768));
        assert_eq!((vision.image_size, vision.patch_size, vision.num_channels), (224, 16, 3));
        assert_eq!(vision.layer_norm_eps, 1e-6);
    }

    #[test]
    fn other_architectures_are_refused() {
        check(r#"{"model_type":"siglip"}"#, false);
        check(r#"{"model_type":"clip"}"#, true);
        check(r#"{"model_type":"siglip2"}"#, true);
        check(r#"{"model_type":"siglip","vision_config":{"hidden_act":"quick_gelu"}}"#, true);
        check(r#"{"model_type":"siglip","vision_config":{"vision_use_head":false}}"#, true);
        check(r#"{"model_type":"siglip","vision_config":{"hidden_size":1152}}"#, true);
        check(r#"{"model_type":"siglip","text_config":{"projection_size":1024}}"#, true);
        check(r#"{"model_type":"siglip","text_config":{"num_attention_heads":7}}"#, true);
        check(
            r#"{"model_type":"siglip","vision_config":{"hidden_size":1152,"num_attention_heads":16},
                "text_config":{"hidden_size":1152,"num_attention_heads":16,"projection_size":1152}}"#,
            false,
        );
    }
}
