//! The image tower: patches, layers, attention-pooling head.

use hilum_kernels::attention::{Arithmetic, Attention, Shape, Strides, View};
use hilum_kernels::linear::{Activation, Linear, Output, Precision};
use hilum_kernels::values::Values;

use crate::config::VisionConfig;
use crate::error::{EncoderError, Result};
use crate::tower::{LayerNorm, Layers, Mlp, forward, linear};
use crate::weights::Weights;

pub(crate) struct VisionTower {
    patch: Linear,
    /// `[patches, hidden]`
    position: Vec<f32>,
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
    /// The probe after its query projection: it does not depend on the image.
    query: Vec<f32>,
    key: Linear,
    value: Linear,
    out: Linear,
    norm: LayerNorm,
    mlp: Mlp,
    heads: usize,
}

impl VisionTower {
    /// The layers compute in the given precision.
    pub fn load(weights: &Weights, config: &VisionConfig, precision: Precision) -> Result<Self> {
        let (hidden, grid, patch_side) = (config.hidden_size, config.grid(), config.patch_size);
        let layer_config = config.layers();
        let name = "vision_model.embeddings.patch_embedding";
        let pixels = patch_side * patch_side;
        let kernels =
            weights.floats(&format!("{name}.weight"), &[hidden, config.num_channels, patch_side, patch_side])?;
        // Every channel of a radiograph holds the same grey, so the kernels of
        // the channels add up to one kernel over a single channel.
        let mut kernel = vec![0f32; hidden * pixels];
        for (sum, channels) in kernel.chunks_exact_mut(pixels).zip(kernels.chunks_exact(config.num_channels * pixels)) {
            for channel in channels.chunks_exact(pixels) {
                sum.iter_mut().zip(channel).for_each(|(sum, x)| *sum += x);
            }
        }
        let bias = weights.floats(&format!("{name}.bias"), &[hidden])?;
        Ok(Self {
            // Float32 as well: little work, on which all else rests.
            patch: Linear::new(Values::F32(&kernel), Some(Values::F32(&bias)), pixels, hidden, Precision::F32),
            position: weights.floats("vision_model.embeddings.position_embedding.weight", &[grid * grid, hidden])?,
            layers: Layers::load(weights, "vision_model.encoder", layer_config, precision)?,
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
        Ok(self.head.forward(&self.tokens(grey)?))
    }

    /// One vector of `hidden` numbers a patch, row by row of the grid, not yet normalised:
    /// what the pooled embedding would be if that patch were the only one attended to.
    pub fn forward_patches(&self, grey: &[u8]) -> Result<Vec<Vec<f32>>> {
        let rows = self.head.forward_each(&self.tokens(grey)?);
        Ok(rows.chunks_exact(self.patch.outputs()).map(<[f32]>::to_vec).collect())
    }

    /// Patches along one side of the image.
    pub fn grid(&self) -> usize {
        self.grid
    }

    /// `[patches, hidden]` after the last layer and its norm.
    fn tokens(&self, grey: &[u8]) -> Result<Vec<f32>> {
        if grey.len() != self.side * self.side {
            return Err(EncoderError::ImageSize { found: grey.len(), side: self.side });
        }
        let patches = self.grid * self.grid;
        let mut x = self.position.clone();
        self.patch.forward(&self.patches(grey), patches, Activation::None, Output::Add(&mut x));
        self.layers.forward(&mut x, 1, patches);
        self.post_norm.forward(&mut x);
        Ok(x)
    }

    /// `[grid x grid, patch x patch]`, grey mapped from 0..255 to -1..1 as
    /// (x / 255 - 0.5) / 0.5.
    fn patches(&self, grey: &[u8]) -> Vec<f32> {
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
        values
    }
}

impl PoolingHead {
    /// Always float32: a hundredth of the work, and the last to touch the embedding.
    fn load(weights: &Weights, prefix: &str, config: &VisionConfig) -> Result<Self> {
        let precision = Precision::F32;
        let (hidden, heads) = (config.hidden_size, config.num_attention_heads);
        let probe = weights.floats(&format!("{prefix}.probe"), &[1, 1, hidden])?;
        let weight = weights.floats(&format!("{prefix}.attention.in_proj_weight"), &[3 * hidden, hidden])?;
        let bias = weights.floats(&format!("{prefix}.attention.in_proj_bias"), &[3 * hidden])?;
        // PyTorch's MultiheadAttention stacks the query, key and value projections.
        let projection = |i: usize| {
            let weight = Values::F32(&weight[i * hidden * hidden..(i + 1) * hidden * hidden]);
            let bias = Values::F32(&bias[i * hidden..(i + 1) * hidden]);
            Linear::new(weight, Some(bias), hidden, hidden, precision)
        };
        Ok(Self {
            query: forward(&projection(0), &probe),
            key: projection(1),
            value: projection(2),
            out: linear(weights, &format!("{prefix}.attention.out_proj"), hidden, hidden, precision)?,
            norm: LayerNorm::load(weights, &format!("{prefix}.layernorm"), hidden, config.layers().eps)?,
            mlp: Mlp::load(weights, &format!("{prefix}.mlp"), hidden, config.intermediate_size, precision)?,
            heads,
        })
    }

    /// `[patches, hidden]` to `hidden` numbers.
    fn forward(&self, x: &[f32]) -> Vec<f32> {
        let (hidden, heads) = (self.query.len(), self.heads);
        let (patches, dim) = (x.len() / hidden, hidden / heads);
        let (key, value) = (forward(&self.key, x), forward(&self.value, x));
        let strides = |tokens| Strides::tokens_first(heads, tokens, dim);
        let mut attended = vec![0.; hidden];
        Attention {
            shape: Shape { batch: 1, heads, key_heads: heads, queries: 1, keys: patches, dim },
            query: View { values: Values::F32(&self.query), strides: strides(1) },
            key: View { values: Values::F32(&key), strides: strides(patches) },
            value: View { values: Values::F32(&value), strides: strides(patches) },
            mask: None,
            scale: (dim as f32).powf(-0.5),
            arithmetic: Arithmetic::F32,
        }
        .run(&mut attended, strides(1));
        self.finish(&attended)
    }

    /// `[patches, hidden]` to the same shape: each row as if it were the only key. The
    /// softmax over one key is 1 whatever the query, so that its value passes as it is.
    fn forward_each(&self, x: &[f32]) -> Vec<f32> {
        self.finish(&forward(&self.value, x))
    }

    fn finish(&self, attended: &[f32]) -> Vec<f32> {
        let mut pooled = forward(&self.out, attended);
        let mut normed = pooled.clone();
        self.norm.forward(&mut normed);
        self.mlp.add(&normed, pooled.len() / self.query.len(), &mut pooled);
        pooled
    }
}
