//! Every tensor that a `config.json` promises, held against those in the files:
//! each name, each shape, and that there is nothing else. A folder put together
//! from two models does not pass.

use std::collections::BTreeMap;

use safetensors::tensor::Dtype;

use crate::config::{GemmaConfig, GemmaText, SiglipConfig, Vision};
use crate::error::{PackError, Result};
use crate::weights::{TensorHeader, Tensors};

/// Shapes by names as in [`plain_name`].
struct Expected {
    must: BTreeMap<String, Vec<usize>>,
    /// Some versions of transformers write these and some leave them out.
    may: BTreeMap<String, Vec<usize>>,
    /// Layers that are listed of each tower: one more than there are tensors, since no layer is without any. A
    /// configuration that promises 2^62 layers then misses a tensor like one that promises a layer too many.
    most_layers: usize,
}

/// Checks a SigLIP pair. Fails with the first tensor that is missing, of another
/// shape or type, there twice, or of no use.
pub(crate) fn check_siglip(config: &SiglipConfig, tensors: &Tensors) -> Result<()> {
    let (text, vision) = (&config.text_config, &config.vision_config);
    let mut expected = Expected::new(tensors);
    let hidden = text.hidden_size;
    let name = "text_model.embeddings";
    expected.put(format!("{name}.token_embedding.weight"), &[text.vocab_size, hidden]);
    expected.put(format!("{name}.position_embedding.weight"), &[text.max_position_embeddings, hidden]);
    expected.norm("text_model.final_layer_norm", hidden);
    expected.linear("text_model.head", text.projection_size.unwrap_or(hidden), hidden);
    expected.siglip_layers("text_model", hidden, text.intermediate_size, text.num_hidden_layers);
    expected.vision_tower("vision_model", vision);
    expected.vision_head("vision_model", vision);
    expected.put("logit_scale".into(), &[1]);
    expected.put("logit_bias".into(), &[1]);
    expected.check(tensors)
}

/// Checks a Gemma 3 vision-language model. Fails as [`check_siglip`] does, and
/// with `pack.text_only` where the files hold no vision tower at all.
pub(crate) fn check_gemma(config: &GemmaConfig, tensors: &Tensors) -> Result<()> {
    let (text, vision) = (&config.text_config, &config.vision_config);
    if !tensors.iter().any(|(name, _)| plain_name(name).starts_with("vision_tower.")) {
        return Err(PackError::TextOnly { file: tensors.first_file() });
    }
    let mut expected = Expected::new(tensors);
    expected.language_model(text);
    expected.vision_tower("vision_tower", vision);
    let joint = "multi_modal_projector";
    expected.put(format!("{joint}.mm_input_projection_weight"), &[vision.hidden_size, text.hidden_size]);
    expected.put(format!("{joint}.mm_soft_emb_norm.weight"), &[vision.hidden_size]);
    // Published without the pooling head, which Gemma never uses; a library that
    // saved the tower whole wrote one.
    let mut head = Expected::new(tensors);
    head.vision_head("vision_tower", vision);
    expected.may.append(&mut head.must);
    expected.check(tensors)
}

/// Checks a Gemma 3 language model without images. Fails as [`check_siglip`] does.
pub(crate) fn check_gemma_text(config: &GemmaText, tensors: &Tensors) -> Result<()> {
    let mut expected = Expected::new(tensors);
    expected.language_model(config);
    expected.check(tensors)
}

impl Expected {
    fn new(tensors: &Tensors) -> Self {
        Self { must: BTreeMap::new(), may: BTreeMap::new(), most_layers: tensors.iter().count() + 1 }
    }

    fn put(&mut self, name: String, shape: &[usize]) {
        self.must.insert(name, shape.to_vec());
    }

    fn linear(&mut self, name: &str, output: usize, input: usize) {
        self.put(format!("{name}.weight"), &[output, input]);
        self.put(format!("{name}.bias"), &[output]);
    }

    fn norm(&mut self, name: &str, hidden: usize) {
        self.put(format!("{name}.weight"), &[hidden]);
        self.put(format!("{name}.bias"), &[hidden]);
    }

    fn siglip_layers(&mut self, tower: &str, hidden: usize, inner: usize, layers: usize) {
        for i in 0..layers.min(self.most_layers) {
            let layer = format!("{tower}.encoder.layers.{i}");
            self.norm(&format!("{layer}.layer_norm1"), hidden);
            self.norm(&format!("{layer}.layer_norm2"), hidden);
            for projection in ["q_proj", "k_proj", "v_proj", "out_proj"] {
                self.linear(&format!("{layer}.self_attn.{projection}"), hidden, hidden);
            }
            self.linear(&format!("{layer}.mlp.fc1"), inner, hidden);
            self.linear(&format!("{layer}.mlp.fc2"), hidden, inner);
        }
    }

    fn vision_tower(&mut self, tower: &str, vision: &Vision) {
        let (hidden, patch, grid) = (vision.hidden_size, vision.patch_size, vision.grid());
        let name = format!("{tower}.embeddings");
        self.put(format!("{name}.patch_embedding.weight"), &[hidden, vision.num_channels, patch, patch]);
        self.put(format!("{name}.patch_embedding.bias"), &[hidden]);
        self.put(format!("{name}.position_embedding.weight"), &[grid * grid, hidden]);
        self.siglip_layers(tower, hidden, vision.intermediate_size, vision.num_hidden_layers);
        self.norm(&format!("{tower}.post_layernorm"), hidden);
    }

    /// The attention pooling that makes one embedding of all patches.
    fn vision_head(&mut self, tower: &str, vision: &Vision) {
        let (hidden, inner) = (vision.hidden_size, vision.intermediate_size);
        let head = format!("{tower}.head");
        self.put(format!("{head}.probe"), &[1, 1, hidden]);
        self.put(format!("{head}.attention.in_proj_weight"), &[3 * hidden, hidden]);
        self.put(format!("{head}.attention.in_proj_bias"), &[3 * hidden]);
        self.linear(&format!("{head}.attention.out_proj"), hidden, hidden);
        self.norm(&format!("{head}.layernorm"), hidden);
        self.linear(&format!("{head}.mlp.fc1"), inner, hidden);
        self.linear(&format!("{head}.mlp.fc2"), hidden, inner);
    }

    fn language_model(&mut self, text: &GemmaText) {
        let (hidden, inner, head) = (text.hidden_size, text.intermediate_size, text.head_dim);
        let (queries, keys) = (text.num_attention_heads * head, text.num_key_value_heads * head);
        self.put("language_model.embed_tokens.weight".into(), &[text.vocab_size, hidden]);
        self.put("language_model.norm.weight".into(), &[hidden]);
        for i in 0..text.num_hidden_layers.min(self.most_layers) {
            let layer = format!("language_model.layers.{i}");
            for norm in ["input", "post_attention", "pre_feedforward", "post_feedforward"] {
                self.put(format!("{layer}.{norm}_layernorm.weight"), &[hidden]);
            }
            self.put(format!("{layer}.self_attn.q_proj.weight"), &[queries, hidden]);
            self.put(format!("{layer}.self_attn.k_proj.weight"), &[keys, hidden]);
            self.put(format!("{layer}.self_attn.v_proj.weight"), &[keys, hidden]);
            self.put(format!("{layer}.self_attn.o_proj.weight"), &[hidden, queries]);
            self.put(format!("{layer}.self_attn.q_norm.weight"), &[head]);
            self.put(format!("{layer}.self_attn.k_norm.weight"), &[head]);
            self.put(format!("{layer}.mlp.gate_proj.weight"), &[inner, hidden]);
            self.put(format!("{layer}.mlp.up_proj.weight"), &[inner, hidden]);
            self.put(format!("{layer}.mlp.down_proj.weight"), &[hidden, inner]);
        }
        // The output shares the embedding's weights; some savers write it again.
        self.may.insert("language_model.lm_head.weight".into(), vec![text.vocab_size, hidden]);
    }

    fn check(&self, tensors: &Tensors) -> Result<()> {
        let mut by_name: BTreeMap<String, (&String, &TensorHeader)> = BTreeMap::new();
        for (tensor, header) in tensors.iter() {
            // Buffers of older savers: positions are counted, not learnt.
            if tensor.ends_with(".position_ids") {
                continue;
            }
            if by_name.insert(plain_name(tensor), (tensor, header)).is_some() {
                return Err(PackError::TensorDuplicate { file: header.file.clone(), tensor: tensor.clone() });
            }
        }
        for (name, shape) in &self.must {
            let Some((tensor, header)) = by_name.get(name) else {
                return Err(PackError::TensorMissing { file: tensors.first_file(), tensor: name.clone() });
            };
            check_shape(tensor, header, shape)?;
        }
        for (name, (tensor, header)) in &by_name {
            if !matches!(header.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
                let (file, tensor) = (header.file.clone(), (*tensor).clone());
                return Err(PackError::TensorType { file, tensor, found: format!("{:?}", header.dtype) });
            }
            match self.may.get(name) {
                Some(shape) => check_shape(tensor, header, shape)?,
                None if self.must.contains_key(name) => {}
                None => {
                    return Err(PackError::TensorUnexpected { file: header.file.clone(), tensor: (*tensor).clone() });
                }
            }
        }
        Ok(())
    }
}

fn check_shape(tensor: &str, header: &TensorHeader, shape: &[usize]) -> Result<()> {
    // A single number may be written as a scalar.
    let scalar = shape == [1] && header.shape.is_empty();
    if header.shape == shape || scalar {
        return Ok(());
    }
    Err(PackError::TensorShape {
        file: header.file.clone(),
        tensor: tensor.to_owned(),
        expected: shape.to_vec(),
        found: header.shape.clone(),
    })
}

/// The name without the prefixes that transformers 4 and 5 put before the
/// same tensor: `model.` around everything, `model.` inside the language
/// model, `vision_model.` inside the vision tower. A language model alone gets
/// the prefix that it has beside a vision tower.
fn plain_name(name: &str) -> String {
    let name = name.strip_prefix("model.").unwrap_or(name);
    for (part, inner) in [("language_model.", "model."), ("vision_tower.", "vision_model.")] {
        if let Some(rest) = name.strip_prefix(part) {
            return format!("{part}{}", rest.strip_prefix(inner).unwrap_or(rest));
        }
    }
    let alone = ["embed_tokens.", "layers.", "norm.", "lm_head."].iter().any(|part| name.starts_with(part));
    if alone { format!("language_model.{name}") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_tensor() {
        for (name, plain) in [
            ("language_model.model.layers.0.mlp.up_proj.weight", "language_model.layers.0.mlp.up_proj.weight"),
            ("model.language_model.layers.0.mlp.up_proj.weight", "language_model.layers.0.mlp.up_proj.weight"),
            ("model.layers.0.mlp.up_proj.weight", "language_model.layers.0.mlp.up_proj.weight"),
            ("model.embed_tokens.weight", "language_model.embed_tokens.weight"),
            ("model.norm.weight", "language_model.norm.weight"),
            ("lm_head.weight", "language_model.lm_head.weight"),
            ("language_model.lm_head.weight", "language_model.lm_head.weight"),
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
