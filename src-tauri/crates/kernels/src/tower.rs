//! The transformer layers of a SigLIP tower, with weights packed once.
//!
//! Pre-norm layers with attention of every token to every token, as transformers'
//! `SiglipEncoderLayer`: x += attention(norm1(x)), then x += fc2(gelu(fc1(norm2(x)))).
//! What goes before the first layer and after the last one is the caller's.

use std::ops::ControlFlow;

use crate::attention::{Arithmetic, Attention, Shape, Strides, View, Workspace};
use crate::cpu::Isa;
use crate::linear::{Activation, Linear, Output, Precision};
use crate::math::layer_norm;
use crate::rows::PackedRows;
use crate::threads;
use crate::values::Values;

/// Sizes that all layers share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TowerShape {
    /// Numbers in a token; a multiple of `heads`.
    pub hidden: usize,
    pub heads: usize,
    /// Numbers between the two linear layers of the second half.
    pub mlp: usize,
    /// Added to the variance in the norms.
    pub eps: f32,
}

/// A layer norm's weight and bias, each of as many numbers as a token.
#[derive(Debug, Clone, Copy)]
pub struct NormWeights<'a> {
    pub weight: Values<'a>,
    pub bias: Values<'a>,
}

/// A linear layer's weight, `[out, in]` row by row, and its bias.
#[derive(Debug, Clone, Copy)]
pub struct LinearWeights<'a> {
    pub weight: Values<'a>,
    pub bias: Option<Values<'a>>,
}

/// One layer as a checkpoint stores it.
#[derive(Debug, Clone, Copy)]
pub struct LayerWeights<'a> {
    pub norm1: NormWeights<'a>,
    pub query: LinearWeights<'a>,
    pub key: LinearWeights<'a>,
    pub value: LinearWeights<'a>,
    pub out: LinearWeights<'a>,
    pub norm2: NormWeights<'a>,
    pub fc1: LinearWeights<'a>,
    pub fc2: LinearWeights<'a>,
}

/// The layers of a tower.
///
/// In [`Precision::Bf16`] and [`Precision::Int8`] queries, keys, values and attention are
/// brain floats, as is what lies between the two layers of the second half; in
/// [`Precision::F32`] all is float32. Tokens are float32 from layer to layer in all three.
pub struct Tower {
    shape: TowerShape,
    precision: Precision,
    isa: Isa,
    layers: Vec<Layer>,
}

/// Says how far a pass is: the layer, counted from 0, and the number of layers. It is
/// asked before each part of a layer, of which there are several, and can end the pass.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize) -> ControlFlow<()>;

struct Layer {
    norm1: Norm,
    /// Query, key and value side by side.
    projections: Linear,
    out: Linear,
    norm2: Norm,
    fc1: Linear,
    fc2: Linear,
}

struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// Tokens that go through the second half of a layer at once.
const MLP_ROWS: usize = 1024;
/// Heads that attend at once, at least: bounds the time between two looks at the
/// progress, and the memory for packed keys.
const HEADS: usize = 4;

impl Tower {
    /// A tower without layers, for the instructions in use.
    pub fn new(shape: TowerShape, precision: Precision) -> Self {
        Self::with_isa(Isa::current(), shape, precision)
    }

    /// [`Self::new`] for given instructions.
    pub fn with_isa(isa: Isa, shape: TowerShape, precision: Precision) -> Self {
        assert!(shape.heads > 0 && shape.hidden.is_multiple_of(shape.heads), "{shape:?}");
        Self { shape, precision, isa: isa.checked(), layers: Vec::new() }
    }

    /// Packs one more layer on top. The weights given are not needed afterwards.
    ///
    /// # Panics
    /// Where a length does not fit the shape.
    pub fn push(&mut self, weights: &LayerWeights) {
        let TowerShape { hidden, mlp, .. } = self.shape;
        let linear_in = |precision, parts: &[LinearWeights], inputs, outputs: &[usize]| {
            let parts: Vec<_> = parts.iter().map(|part| (part.weight, part.bias)).collect();
            Linear::stacked(self.isa, &parts, inputs, outputs, precision)
        };
        let linear =
            |parts: &[LinearWeights], inputs, outputs: &[usize]| linear_in(self.precision, parts, inputs, outputs);
        // Attention raises its inputs to a power, and their errors with them: with these in bytes too, the scores of a
        // random tower of MedSigLIP's width differ by 1.0e-3 from float32, like this by 0.6e-3.
        let attended = if self.precision == Precision::Int8 { Precision::Bf16 } else { self.precision };
        let LayerWeights { query, key, value, .. } = *weights;
        let layer = Layer {
            norm1: Norm::new(&weights.norm1, hidden),
            projections: linear_in(attended, &[query, key, value], hidden, &[hidden; 3]),
            out: linear(&[weights.out], hidden, &[hidden]),
            norm2: Norm::new(&weights.norm2, hidden),
            fc1: linear(&[weights.fc1], hidden, &[mlp]),
            fc2: linear(&[weights.fc2], mlp, &[hidden]),
        };
        self.layers.push(layer);
    }

    pub fn shape(&self) -> TowerShape {
        self.shape
    }

    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Number of layers.
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    /// Bytes that the weights take.
    pub fn bytes(&self) -> usize {
        let layer = |layer: &Layer| {
            let linear = layer.projections.bytes() + layer.out.bytes() + layer.fc1.bytes() + layer.fc2.bytes();
            linear + 4 * 4 * self.shape.hidden
        };
        self.layers.iter().map(layer).sum()
    }

    /// Takes `tokens` tokens, `[tokens, hidden]`, through all layers, in place. After
    /// `Break` the tokens are half done and of no use.
    pub fn forward(&self, hidden: &mut [f32], tokens: usize, progress: Progress) -> ControlFlow<()> {
        self.forward_batch(hidden, 1, tokens, progress)
    }

    /// [`Self::forward`] of several sequences, `[batch, tokens, hidden]`, which do not
    /// see each other.
    ///
    /// # Panics
    /// Where `hidden` is of another size.
    pub fn forward_batch(
        &self,
        hidden: &mut [f32],
        batch: usize,
        tokens: usize,
        progress: Progress,
    ) -> ControlFlow<()> {
        assert_eq!(hidden.len(), batch * tokens * self.shape.hidden, "{batch} x {tokens} tokens");
        let mut buffers = Buffers::new(self.precision, &self.shape, batch * tokens);
        for (index, layer) in self.layers.iter().enumerate() {
            let mut ask = || progress(index, self.layers.len());
            self.attend(layer, hidden, (batch, tokens), &mut buffers, &mut ask)?;
            self.mlp(layer, hidden, &mut buffers, &mut ask)?;
        }
        ControlFlow::Continue(())
    }

    fn attend(
        &self,
        layer: &Layer,
        hidden: &mut [f32],
        (batch, tokens): (usize, usize),
        buffers: &mut Buffers,
        ask: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let TowerShape { hidden: width, heads, .. } = self.shape;
        let (rows, dim) = (batch * tokens, width / heads);
        ask()?;
        self.pack_normed(&layer.norm1, &layer.projections, hidden, &mut buffers.packed);
        let count = rows * 3 * width;
        layer.projections.forward_packed(&buffers.packed, Activation::None, buffers.between.output(count));
        let strides = Strides { batch: tokens * 3 * width, head: dim, token: 3 * width };
        let out_strides = Strides { batch: tokens * width, head: dim, token: width };
        let step = HEADS.max(threads::count());
        for first in (0..heads).step_by(step) {
            ask()?;
            let view =
                |part: usize| View { values: buffers.between.values(part * width + first * dim..count), strides };
            let heads = step.min(heads - first);
            let attention = Attention {
                shape: Shape { batch, heads, key_heads: heads, queries: tokens, keys: tokens, dim },
                query: view(0),
                key: view(1),
                value: view(2),
                mask: None,
                scale: (dim as f32).powf(-0.5),
                arithmetic: if self.precision == Precision::F32 { Arithmetic::F32 } else { Arithmetic::Bf16 },
            };
            attention.run_with(self.isa, &mut buffers.workspace, &mut buffers.attended[first * dim..], out_strides);
        }
        ask()?;
        layer.out.pack_rows(&buffers.attended, rows, &mut buffers.packed);
        layer.out.forward_packed(&buffers.packed, Activation::None, Output::Add(hidden));
        ControlFlow::Continue(())
    }

    fn mlp(
        &self,
        layer: &Layer,
        hidden: &mut [f32],
        buffers: &mut Buffers,
        ask: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let TowerShape { hidden: width, mlp, .. } = self.shape;
        for hidden in hidden.chunks_mut(MLP_ROWS * width) {
            ask()?;
            let rows = hidden.len() / width;
            self.pack_normed(&layer.norm2, &layer.fc1, hidden, &mut buffers.packed);
            let count = rows * mlp;
            layer.fc1.forward_packed(&buffers.packed, Activation::Gelu, buffers.between.output(count));
            let between = buffers.between.values(0..count);
            layer.fc2.pack_values(between, rows, &mut buffers.packed);
            layer.fc2.forward_packed(&buffers.packed, Activation::None, Output::Add(hidden));
        }
        ControlFlow::Continue(())
    }

    fn pack_normed(&self, norm: &Norm, linear: &Linear, hidden: &[f32], packed: &mut PackedRows) {
        let TowerShape { hidden: width, eps, .. } = self.shape;
        linear.pack_rows_with(hidden.len() / width, packed, |row, out| {
            layer_norm(self.isa, &hidden[row * width..][..width], &norm.weight, &norm.bias, eps, out)
        });
    }
}

impl Norm {
    fn new(weights: &NormWeights, hidden: usize) -> Self {
        assert!(weights.weight.len() == hidden && weights.bias.len() == hidden, "a norm of {hidden}");
        Self { weight: weights.weight.to_vec(), bias: weights.bias.to_vec() }
    }
}

/// Memory of a pass, the same for all layers.
struct Buffers {
    packed: PackedRows,
    /// The projections of all tokens, then what lies between the two layers of the
    /// second half for a run of tokens.
    between: Between,
    attended: Vec<f32>,
    workspace: Workspace,
}

enum Between {
    F32(Vec<f32>),
    Bf16(Vec<u16>),
}

impl Buffers {
    fn new(precision: Precision, shape: &TowerShape, rows: usize) -> Self {
        let between = (rows * 3 * shape.hidden).max(rows.min(MLP_ROWS) * shape.mlp);
        Self {
            packed: PackedRows::new(),
            between: match precision {
                Precision::F32 => Between::F32(vec![0.; between]),
                Precision::Bf16 | Precision::Int8 => Between::Bf16(vec![0; between]),
            },
            attended: vec![0.; rows * shape.hidden],
            workspace: Workspace::new(),
        }
    }
}

impl Between {
    fn output(&mut self, count: usize) -> Output<'_> {
        match self {
            Self::F32(numbers) => Output::Write(&mut numbers[..count]),
            Self::Bf16(numbers) => Output::WriteBf16(&mut numbers[..count]),
        }
    }

    fn values(&self, range: std::ops::Range<usize>) -> Values<'_> {
        match self {
            Self::F32(numbers) => Values::F32(&numbers[range]),
            Self::Bf16(numbers) => Values::Bf16(&numbers[range]),
        }
    }
}
