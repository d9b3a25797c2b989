//! The image tower: patches, layers, attention-pooling head.

use candle_core::{Device, Result as CandleResult, Tensor};

use crate::config::VisionConfig;
use crate::error::{EncoderError, Result};
use crate::tower::{LayerNorm, Layers, Linear, Mlp, attend, merge_heads, split_heads};
use crate::weights::Weights;

pub(crate) struct VisionTower {
    patch: Linear,
    /// `[patches, hidden]`
    position: Tensor,
    layers: Layers,
    post_norm: LayerNorm,
    head: PoolingHead,
    side: usize,
    patch_side: usize,
    grid: usize,
}

/// One learned query that attends over all patches
/// (`SiglipMultiheadAttentionPoolingHead`).
struct PoolingHead {
    /// The probe after its query projection, `[heads, 1, head_dim]`: it does not
    /// depend on the image.
    query: Tensor,
    key: Linear,
    value: Linear,
    out: Linear,
    norm: LayerNorm,
    mlp: Mlp,
    heads: usize,
}

impl VisionTower {
    pub fn load(weights: &Weights, config: &VisionConfig) -> Result<Self> {
        let (hidden, grid, patch_side) = (config.hidden_size, config.grid(), config.patch_size);
        let layer_config = config.layers();
        let name = "vision_model.embeddings.patch_embedding";
        let kernel =
            weights.tensor(&format!("{name}.weight"), &[hidden, config.num_channels, patch_side, patch_side])?;
        // Every channel of a radiograph holds the same grey, so the kernels of
        // the channels add up to one kernel over a single channel.
        let kernel = kernel
            .sum(1)
            .and_then(|kernel| kernel.reshape((hidden, patch_side * patch_side)))
            .map_err(forward_error)?;
        Ok(Self {
            patch: Linear::from_parts(kernel, weights.tensor(&format!("{name}.bias"), &[hidden])?),
            position: weights.tensor("vision_model.embeddings.position_embedding.weight", &[grid * grid, hidden])?,
            layers: Layers::load(weights, "vision_model.encoder", layer_config)?,
            post_norm: LayerNorm::load(weights, "vision_model.post_layernorm", hidden, layer_config.eps)?,
            head: PoolingHead::load(weights, "vision_model.head", config)?,
            side: config.image_size,
            patch_side,
            grid,
        })
    }

    /// `grey` is `side x side`, row by row. Returns the pooled embedding,
    /// `hidden` numbers, not yet normalised.
    pub fn forward(&self, grey: &[u8]) -> Result<Vec<f32>> {
        let tokens = self.tokens(grey)?;
        self.head.forward(&tokens).and_then(|x| x.flatten_all()?.to_vec1()).map_err(forward_error)
    }

    /// One vector of `hidden` numbers a patch, row by row of the grid, not yet normalised:
    /// what the pooled embedding would be if that patch were the only one attended to.
    pub fn forward_patches(&self, grey: &[u8]) -> Result<Vec<Vec<f32>>> {
        let tokens = self.tokens(grey)?;
        self.head.forward_each(&tokens).and_then(|x| x.to_vec2()).map_err(forward_error)
    }

    /// Patches along one side of the image.
    pub fn grid(&self) -> usize {
        self.grid
    }

    /// `[patches, hidden]` after the last layer and its norm.
    fn tokens(&self, grey: &[u8]) -> Result<Tensor> {
        if grey.len() != self.side * self.side {
            return Err(EncoderError::ImageSize { found: grey.len(), side: self.side });
        }
        let run = || -> CandleResult<Tensor> {
            let x = self.patch.forward(&self.patches(grey)?)?;
            let x = self.layers.forward((x + &self.position)?, 1)?;
            self.post_norm.forward(&x)
        };
        run().map_err(forward_error)
    }

    /// `[grid x grid, patch x patch]`, grey mapped from 0..255 to -1..1 as
    /// (x / 255 - 0.5) / 0.5.
    fn patches(&self, grey: &[u8]) -> CandleResult<Tensor> {
        let (grid, patch) = (self.grid, self.patch_side);
        let mut values = Vec::with_capacity(grid * grid * patch * patch);
        for row in 0..grid {
            for column in 0..grid {
                for y in 0..patch {
                    let start = (row * patch + y) * self.side + column * patch;
                    let pixels = &grey[start..start + patch];
                    values.extend(pixels.iter().map(|&x| (f32::from(x) / 255. - 0.5) / 0.5));
                }
            }
        }
        Tensor::from_vec(values, (grid * grid, patch * patch), &Device::Cpu)
    }
}

impl PoolingHead {
    fn load(weights: &Weights, prefix: &str, config: &VisionConfig) -> Result<Self> {
        let (hidden, heads) = (config.hidden_size, config.num_attention_heads);
        let probe = weights.tensor(&format!("{prefix}.probe"), &[1, 1, hidden])?;
        let weight = weights.tensor(&format!("{prefix}.attention.in_proj_weight"), &[3 * hidden, hidden])?;
        let bias = weights.tensor(&format!("{prefix}.attention.in_proj_bias"), &[3 * hidden])?;
        // PyTorch's MultiheadAttention stacks the query, key and value projections.
        let projection = |i: usize| -> CandleResult<Linear> {
            Ok(Linear::from_parts(weight.narrow(0, i * hidden, hidden)?, bias.narrow(0, i * hidden, hidden)?))
        };
        let query = projection(0)
            .and_then(|query| query.forward(&probe.reshape((1, hidden))?))
            .and_then(|query| split_heads(&query, 1, heads))
            .map_err(forward_error)?;
        Ok(Self {
            query,
            key: projection(1).map_err(forward_error)?,
            value: projection(2).map_err(forward_error)?,
            out: Linear::load(weights, &format!("{prefix}.attention.out_proj"), hidden, hidden)?,
            norm: LayerNorm::load(weights, &format!("{prefix}.layernorm"), hidden, config.layers().eps)?,
            mlp: Mlp::load(weights, &format!("{prefix}.mlp"), hidden, config.intermediate_size)?,
            heads,
        })
    }

    /// `[patches, hidden]` to `[1, hidden]`.
    fn forward(&self, x: &Tensor) -> CandleResult<Tensor> {
        let key = split_heads(&self.key.forward(x)?, 1, self.heads)?;
        let value = split_heads(&self.value.forward(x)?, 1, self.heads)?;
        self.finish(&merge_heads(&attend(&self.query, &key, &value)?, 1, self.heads)?)
    }

    /// `[patches, hidden]` to the same shape: each row as if it were the only key. The
    /// softmax over one key is 1 whatever the query, so that its value passes as it is.
    fn forward_each(&self, x: &Tensor) -> CandleResult<Tensor> {
        self.finish(&self.value.forward(x)?)
    }

    fn finish(&self, attended: &Tensor) -> CandleResult<Tensor> {
        let pooled = self.out.forward(attended)?;
        &pooled + self.mlp.forward(&self.norm.forward(&pooled)?)?
    }
}

fn forward_error(source: candle_core::Error) -> EncoderError {
    EncoderError::Forward { tower: "vision", source }
}
