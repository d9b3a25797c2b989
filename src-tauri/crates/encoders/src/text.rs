//! The text tower: tokens, layers, and a projection of the last position.

use hilum_kernels::linear::{Linear, Precision};

use crate::config::TextConfig;
use crate::error::{EncoderError, Result};
use crate::tower::{LayerNorm, Layers, forward, linear};
use crate::weights::Weights;

/// Texts that go through the tower at once; bounds the activations' memory.
const TEXT_BATCH: usize = 8;

pub(crate) struct TextTower {
    /// `[vocabulary, hidden]`
    token: Vec<f32>,
    /// `[positions, hidden]`
    position: Vec<f32>,
    layers: Layers,
    final_norm: LayerNorm,
    head: Linear,
    positions: usize,
    hidden: usize,
}

impl TextTower {
    /// Always float32: texts come once, and a finding's prompts weigh on the scores of
    /// every image.
    pub fn load(weights: &Weights, config: &TextConfig) -> Result<Self> {
        let (hidden, positions) = (config.hidden_size, config.max_position_embeddings);
        let layer_config = config.layers();
        Ok(Self {
            token: weights.floats("text_model.embeddings.token_embedding.weight", &[config.vocab_size, hidden])?,
            position: weights.floats("text_model.embeddings.position_embedding.weight", &[positions, hidden])?,
            layers: Layers::load(weights, "text_model.encoder", layer_config, Precision::F32)?,
            final_norm: LayerNorm::load(weights, "text_model.final_layer_norm", hidden, layer_config.eps)?,
            head: linear(weights, "text_model.head", hidden, config.embedding_dim(), Precision::F32)?,
            positions,
            hidden,
        })
    }

    /// Each text is as many token ids as the tower has positions. Returns one
    /// embedding a text, not yet normalised. Fails with `encoder.forward` for an id that
    /// is outside of the vocabulary.
    pub fn forward(&self, texts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>> {
        let mut embeddings = Vec::with_capacity(texts.len());
        for batch in texts.chunks(TEXT_BATCH) {
            embeddings.extend(self.run(batch)?);
        }
        Ok(embeddings)
    }

    fn run(&self, texts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>> {
        let (hidden, positions) = (self.hidden, self.positions);
        let mut x = Vec::with_capacity(texts.len() * positions * hidden);
        for text in texts {
            for (&id, position) in text.iter().zip(self.position.chunks_exact(hidden)) {
                let start = id as usize * hidden;
                let token = self.token.get(start..start + hidden).ok_or(EncoderError::TokenId { id })?;
                x.extend(token.iter().zip(position).map(|(token, position)| token + position));
            }
        }
        self.layers.forward(&mut x, texts.len(), positions);
        // The pooled position is the last one, padding included: SigLIP was
        // trained on texts padded to full length, without a mask.
        let mut last: Vec<f32> =
            x.chunks_exact(positions * hidden).flat_map(|text| &text[(positions - 1) * hidden..]).copied().collect();
        self.final_norm.forward(&mut last);
        let embeddings = forward(&self.head, &last);
        Ok(embeddings.chunks_exact(self.head.outputs()).map(<[f32]>::to_vec).collect())
    }
}
