//! The transformer layers that both towers are made of, read from a checkpoint into the
//! kernels' packed form.
//!
//! Pre-norm layers with full attention and no mask, as in transformers'
//! `SiglipEncoderLayer`. Activations are float32 in plain slices, row by row.

use std::ops::ControlFlow;

use hilum_kernels::cpu::Isa;
use hilum_kernels::linear::{Activation, Linear, Output, Precision};
use hilum_kernels::math::layer_norm;
use hilum_kernels::tower::{LayerWeights, LinearWeights, NormWeights, Tower, TowerShape};
use hilum_kernels::values::Values;

use crate::config::LayerConfig;
use crate::error::Result;
use crate::weights::Weights;

/// The stack of layers, without what goes before and after it.
pub(crate) struct Layers(Tower);

pub(crate) struct LayerNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    eps: f32,
}

pub(crate) struct Mlp {
    fc1: Linear,
    fc2: Linear,
}

/// A linear layer's weight, `[out, in]`, and its bias, as published.
type Parts = (Vec<f32>, Vec<f32>);

impl Layers {
    /// Loads `{prefix}.layers.0` and on. No more than one layer is in memory as
    /// published at a time.
    pub fn load(weights: &Weights, prefix: &str, config: LayerConfig, precision: Precision) -> Result<Self> {
        let LayerConfig { hidden, intermediate, layers, heads, eps } = config;
        let mut tower = Tower::new(TowerShape { hidden, heads, mlp: intermediate, eps }, precision);
        for i in 0..layers {
            let prefix = format!("{prefix}.layers.{i}");
            let linear = |name: &str, inputs, outputs| parts(weights, &format!("{prefix}.{name}"), inputs, outputs);
            let norm = |name: &str| LayerNorm::load(weights, &format!("{prefix}.{name}"), hidden, eps);
            let (norm1, norm2) = (norm("layer_norm1")?, norm("layer_norm2")?);
            let (query, key) =
                (linear("self_attn.q_proj", hidden, hidden)?, linear("self_attn.k_proj", hidden, hidden)?);
            let (value, out) =
                (linear("self_attn.v_proj", hidden, hidden)?, linear("self_attn.out_proj", hidden, hidden)?);
            let (fc1, fc2) = (linear("mlp.fc1", hidden, intermediate)?, linear("mlp.fc2", intermediate, hidden)?);
            tower.push(&LayerWeights {
                norm1: norm1.view(),
                query: view(&query),
                key: view(&key),
                value: view(&value),
                out: view(&out),
                norm2: norm2.view(),
                fc1: view(&fc1),
                fc2: view(&fc2),
            });
        }
        Ok(Self(tower))
    }

    /// `x` is `[batch x tokens, hidden]`, and so is the result, in its place.
    pub fn forward(&self, x: &mut [f32], batch: usize, tokens: usize) {
        let done = self.0.forward_batch(x, batch, tokens, &mut |_, _| ControlFlow::Continue(()));
        debug_assert!(done.is_continue());
    }
}

impl LayerNorm {
    pub fn load(weights: &Weights, prefix: &str, hidden: usize, eps: f32) -> Result<Self> {
        Ok(Self {
            weight: weights.floats(&format!("{prefix}.weight"), &[hidden])?,
            bias: weights.floats(&format!("{prefix}.bias"), &[hidden])?,
            eps,
        })
    }

    /// Normalises each row of `[rows, hidden]` in place.
    pub fn forward(&self, x: &mut [f32]) {
        let mut normed = vec![0.; self.weight.len()];
        for row in x.chunks_exact_mut(self.weight.len()) {
            layer_norm(Isa::current(), row, &self.weight, &self.bias, self.eps, &mut normed);
            row.copy_from_slice(&normed);
        }
    }

    fn view(&self) -> NormWeights<'_> {
        NormWeights { weight: Values::F32(&self.weight), bias: Values::F32(&self.bias) }
    }
}

impl Mlp {
    pub fn load(
        weights: &Weights,
        prefix: &str,
        hidden: usize,
        intermediate: usize,
        precision: Precision,
    ) -> Result<Self> {
        Ok(Self {
            fc1: linear(weights, &format!("{prefix}.fc1"), hidden, intermediate, precision)?,
            fc2: linear(weights, &format!("{prefix}.fc2"), intermediate, hidden, precision)?,
        })
    }

    /// Adds to `[rows, hidden]` what the layers make of `x`, which has the same shape.
    pub fn add(&self, x: &[f32], rows: usize, out: &mut [f32]) {
        let mut between = vec![0.; rows * self.fc1.outputs()];
        self.fc1.forward(x, rows, Activation::Gelu, Output::Write(&mut between));
        self.fc2.forward(&between, rows, Activation::None, Output::Add(out));
    }
}

/// Loads `{prefix}.weight` and `{prefix}.bias`.
pub(crate) fn linear(
    weights: &Weights,
    prefix: &str,
    inputs: usize,
    outputs: usize,
    precision: Precision,
) -> Result<Linear> {
    let (weight, bias) = parts(weights, prefix, inputs, outputs)?;
    Ok(Linear::new(Values::F32(&weight), Some(Values::F32(&bias)), inputs, outputs, precision))
}

/// `[rows, in]` to `[rows, out]`.
pub(crate) fn forward(linear: &Linear, x: &[f32]) -> Vec<f32> {
    let rows = x.len() / linear.inputs();
    let mut out = vec![0.; rows * linear.outputs()];
    linear.forward(x, rows, Activation::None, Output::Write(&mut out));
    out
}

fn parts(weights: &Weights, prefix: &str, inputs: usize, outputs: usize) -> Result<Parts> {
    Ok((
        weights.floats(&format!("{prefix}.weight"), &[outputs, inputs])?,
        weights.floats(&format!("{prefix}.bias"), &[outputs])?,
    ))
}

fn view((weight, bias): &Parts) -> LinearWeights<'_> {
    LinearWeights { weight: Values::F32(weight), bias: Some(Values::F32(bias)) }
}
