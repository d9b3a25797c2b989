//! The transformer layers that both towers are made of.
//!
//! Pre-norm layers with full attention and no mask, as in transformers'
//! `SiglipEncoderLayer`. Everything is float32; activations are `[batch x
//! tokens, hidden]` so that each linear layer is one matrix product.

use candle_core::{Result as CandleResult, Tensor};

use crate::config::LayerConfig;
use crate::error::Result;
use crate::weights::Weights;

/// Queries that attend at once. The scores held at a time are heads x this x
/// tokens: 32 MiB for MedSigLIP instead of 64, and inside the caches.
const QUERY_BLOCK: usize = 512;

pub(crate) struct Linear {
    /// Stored as published, `[out, in]`.
    weight: Tensor,
    bias: Tensor,
}

pub(crate) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f32,
}

pub(crate) struct Mlp {
    fc1: Linear,
    fc2: Linear,
}

struct Layer {
    norm1: LayerNorm,
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    norm2: LayerNorm,
    mlp: Mlp,
    heads: usize,
}

/// The stack of layers, without what goes before and after it.
pub(crate) struct Layers(Vec<Layer>);

impl Layers {
    /// Loads `{prefix}.layers.0` and on.
    pub fn load(weights: &Weights, prefix: &str, config: LayerConfig) -> Result<Self> {
        (0..config.layers)
            .map(|i| Layer::load(weights, &format!("{prefix}.layers.{i}"), config))
            .collect::<Result<_>>()
            .map(Self)
    }

    /// `x` is `[batch x tokens, hidden]`, and so is the result.
    pub fn forward(&self, x: Tensor, batch: usize) -> CandleResult<Tensor> {
        self.0.iter().try_fold(x, |x, layer| layer.forward(&x, batch))
    }
}

impl Layer {
    fn load(weights: &Weights, prefix: &str, config: LayerConfig) -> Result<Self> {
        let LayerConfig { hidden, intermediate, heads, eps, .. } = config;
        let projection = |name: &str| Linear::load(weights, &format!("{prefix}.self_attn.{name}"), hidden, hidden);
        Ok(Self {
            norm1: LayerNorm::load(weights, &format!("{prefix}.layer_norm1"), hidden, eps)?,
            query: projection("q_proj")?,
            key: projection("k_proj")?,
            value: projection("v_proj")?,
            out: projection("out_proj")?,
            norm2: LayerNorm::load(weights, &format!("{prefix}.layer_norm2"), hidden, eps)?,
            mlp: Mlp::load(weights, &format!("{prefix}.mlp"), hidden, intermediate)?,
            heads,
        })
    }

    fn forward(&self, x: &Tensor, batch: usize) -> CandleResult<Tensor> {
        let normed = self.norm1.forward(x)?;
        let query = split_heads(&self.query.forward(&normed)?, batch, self.heads)?;
        let key = split_heads(&self.key.forward(&normed)?, batch, self.heads)?;
        let value = split_heads(&self.value.forward(&normed)?, batch, self.heads)?;
        drop(normed);
        let attended = merge_heads(&attend(&query, &key, &value)?, batch, self.heads)?;
        let x = (x + self.out.forward(&attended)?)?;
        &x + self.mlp.forward(&self.norm2.forward(&x)?)?
    }
}

impl Linear {
    pub fn load(weights: &Weights, prefix: &str, input: usize, output: usize) -> Result<Self> {
        Ok(Self {
            weight: weights.tensor(&format!("{prefix}.weight"), &[output, input])?,
            bias: weights.tensor(&format!("{prefix}.bias"), &[output])?,
        })
    }

    pub fn from_parts(weight: Tensor, bias: Tensor) -> Self {
        Self { weight, bias }
    }

    /// `[rows, in]` to `[rows, out]`.
    pub fn forward(&self, x: &Tensor) -> CandleResult<Tensor> {
        x.matmul(&self.weight.t()?)?.broadcast_add(&self.bias)
    }
}

impl LayerNorm {
    pub fn load(weights: &Weights, prefix: &str, hidden: usize, eps: f32) -> Result<Self> {
        Ok(Self {
            weight: weights.tensor(&format!("{prefix}.weight"), &[hidden])?,
            bias: weights.tensor(&format!("{prefix}.bias"), &[hidden])?,
            eps,
        })
    }

    pub fn forward(&self, x: &Tensor) -> CandleResult<Tensor> {
        candle_nn::ops::layer_norm(x, &self.weight, &self.bias, self.eps)
    }
}

impl Mlp {
    pub fn load(weights: &Weights, prefix: &str, hidden: usize, intermediate: usize) -> Result<Self> {
        Ok(Self {
            fc1: Linear::load(weights, &format!("{prefix}.fc1"), hidden, intermediate)?,
            fc2: Linear::load(weights, &format!("{prefix}.fc2"), intermediate, hidden)?,
        })
    }

    pub fn forward(&self, x: &Tensor) -> CandleResult<Tensor> {
        // candle's `gelu` is the tanh form, which "gelu_pytorch_tanh" names.
        self.fc2.forward(&self.fc1.forward(x)?.gelu()?)
    }
}

/// `[batch x tokens, hidden]` to contiguous `[batch x heads, tokens, head_dim]`.
pub(crate) fn split_heads(x: &Tensor, batch: usize, heads: usize) -> CandleResult<Tensor> {
    let (rows, hidden) = x.dims2()?;
    let (tokens, head_dim) = (rows / batch, hidden / heads);
    x.reshape((batch, tokens, heads, head_dim))?.transpose(1, 2)?.contiguous()?.reshape((
        batch * heads,
        tokens,
        head_dim,
    ))
}

/// The way back from [`split_heads`].
pub(crate) fn merge_heads(x: &Tensor, batch: usize, heads: usize) -> CandleResult<Tensor> {
    let (_, tokens, head_dim) = x.dims3()?;
    x.reshape((batch, heads, tokens, head_dim))?
        .transpose(1, 2)?
        .contiguous()?
        .reshape((batch * tokens, heads * head_dim))
}

/// Softmax attention of `[n, queries, d]` over `[n, keys, d]`, a block of
/// queries at a time so that the full score matrix never exists.
pub(crate) fn attend(query: &Tensor, key: &Tensor, value: &Tensor) -> CandleResult<Tensor> {
    let (_, queries, head_dim) = query.dims3()?;
    let query = (query * (head_dim as f64).powf(-0.5))?;
    let key = key.transpose(1, 2)?;
    let blocks = (0..queries)
        .step_by(QUERY_BLOCK)
        .map(|start| {
            let block = query.narrow(1, start, QUERY_BLOCK.min(queries - start))?.contiguous()?;
            candle_nn::ops::softmax_last_dim(&block.matmul(&key)?)?.matmul(value)
        })
        .collect::<CandleResult<Vec<_>>>()?;
    match <[Tensor; 1]>::try_from(blocks) {
        Ok([only]) => Ok(only),
        Err(blocks) => Tensor::cat(&blocks, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    /// A block boundary must not show: the same rows alone give the same result.
    #[test]
    fn blocks_of_queries_equal_single_queries() {
        let values =
            |count: usize, step: f32| -> Vec<f32> { (0..count).map(|i| ((i as f32 * step) % 1.7) - 0.8).collect() };
        let tokens = QUERY_BLOCK + 3;
        let tensor = |step| Tensor::from_vec(values(2 * tokens * 4, step), (2, tokens, 4), &Device::Cpu).unwrap();
        let (query, key, value) = (tensor(0.37), tensor(0.53), tensor(0.71));
        let all = attend(&query, &key, &value).unwrap();
        for row in [0, QUERY_BLOCK - 1, QUERY_BLOCK, tokens - 1] {
            let one = attend(&query.narrow(1, row, 1).unwrap(), &key, &value).unwrap();
            let same = all.narrow(1, row, 1).unwrap();
            let difference = (one - same).unwrap().abs().unwrap().max_all().unwrap();
            assert!(difference.to_scalar::<f32>().unwrap() < 1e-6, "row {row}");
        }
    }
}
