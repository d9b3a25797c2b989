//! The text tower: tokens, layers, and a projection of the last position.

use candle_core::{Device, Result as CandleResult, Tensor};

use crate::config::TextConfig;
use crate::error::{EncoderError, Result};
use crate::tower::{LayerNorm, Layers, Linear};
use crate::weights::Weights;

/// Texts that go through the tower at once; bounds the activations' memory.
const TEXT_BATCH: usize = 8;

pub(crate) struct TextTower {
    /// `[vocabulary, hidden]`
    token: Tensor,
    /// `[positions, hidden]`
    position: Tensor,
    layers: Layers,
    final_norm: LayerNorm,
    head: Linear,
}

impl TextTower {
    pub fn load(weights: &Weights, config: &TextConfig) -> Result<Self> {
        let hidden = config.hidden_size;
        let layer_config = config.layers();
        Ok(Self {
            token: weights.tensor("text_model.embeddings.token_embedding.weight", &[config.vocab_size, hidden])?,
            position: weights
                .tensor("text_model.embeddings.position_embedding.weight", &[config.max_position_embeddings, hidden])?,
            layers: Layers::load(weights, "text_model.encoder", layer_config)?,
            final_norm: LayerNorm::load(weights, "text_model.final_layer_norm", hidden, layer_config.eps)?,
            head: Linear::load(weights, "text_model.head", hidden, config.embedding_dim())?,
        })
    }

    /// Each text is as many token ids as the tower has positions. Returns one
    /// embedding a text, not yet normalised.
    pub fn forward(&self, texts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>> {
        let mut embeddings = Vec::with_capacity(texts.len());
        for batch in texts.chunks(TEXT_BATCH) {
            let rows = self.run(batch).map_err(|source| EncoderError::Forward { tower: "text", source })?;
            embeddings.extend(rows);
        }
        Ok(embeddings)
    }

    fn run(&self, texts: &[Vec<u32>]) -> CandleResult<Vec<Vec<f32>>> {
        let (positions, hidden) = self.position.dims2()?;
        let batch = texts.len();
        let ids = Tensor::from_vec(texts.concat(), batch * positions, &Device::Cpu)?;
        let x = self
            .token
            .index_select(&ids, 0)?
            .reshape((batch, positions, hidden))?
            .broadcast_add(&self.position)?
            .reshape((batch * positions, hidden))?;
        let x = self.layers.forward(x, batch)?;
        // The pooled position is the last one, padding included: SigLIP was
        // trained on texts padded to full length, without a mask.
        let last = x.reshape((batch, positions, hidden))?.narrow(1, positions - 1, 1)?;
        let last = self.final_norm.forward(&last.reshape((batch, hidden))?.contiguous()?)?;
        self.head.forward(&last)?.to_vec2()
    }
}
