//! Attention that never holds the matrix of scores.
//!
//! Keys go by in blocks. Each block is scored, the softmax so far is corrected by the
//! block's largest score, and its values are added (Milakov and Gimelshein, arXiv
//! 1805.02867; Dao et al., FlashAttention, arXiv 2205.14135, algorithm 1). Scores are
//! held with the keys down and the queries across, so that the softmax runs along
//! vectors of queries, and the weights come out in the order in which the values' product
//! reads them.

mod blocks;
mod packed;
mod single;
mod softmax;

use crate::cpu::Isa;
use crate::micro::Kernel;
use crate::threads::SharedMut;
use crate::values::Values;

pub use packed::Workspace;

/// What attends to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    pub batch: usize,
    /// Heads of the queries, a multiple of `key_heads`: each run of `heads / key_heads`
    /// of them shares the keys and values of one.
    pub heads: usize,
    pub key_heads: usize,
    pub queries: usize,
    pub keys: usize,
    /// Numbers in a query, key or value.
    pub dim: usize,
}

/// Distances, in numbers, from one sample, head and token to the next. The numbers of one
/// query, key or value lie side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strides {
    pub batch: usize,
    pub head: usize,
    pub token: usize,
}

/// Queries, keys or values in place.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub values: Values<'a>,
    pub strides: Strides,
}

/// Numbers added to the scaled scores; minus infinity hides a key. A query that sees no
/// key attends to nothing: its result is zero.
#[derive(Debug, Clone, Copy)]
pub struct Mask<'a> {
    pub values: &'a [f32],
    /// Distances from one sample, head and query to the next; 0 where they share. Keys
    /// lie side by side.
    pub batch: usize,
    pub head: usize,
    pub query: usize,
}

/// In what scores and results are computed. Sums and the softmax are float32 in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    F32,
    /// Queries, keys, values and weights rounded to brain floats, where the processor has
    /// products of those; float32 elsewhere.
    Bf16,
}

/// softmax(scale * Q K^T + mask) V for every head.
#[derive(Debug, Clone, Copy)]
pub struct Attention<'a> {
    pub shape: Shape,
    pub query: View<'a>,
    pub key: View<'a>,
    pub value: View<'a>,
    pub mask: Option<Mask<'a>>,
    /// Above 0.
    pub scale: f32,
    pub arithmetic: Arithmetic,
}

impl Strides {
    /// Of `[batch, heads, tokens, dim]`.
    pub fn heads_first(heads: usize, tokens: usize, dim: usize) -> Self {
        Self { batch: heads * tokens * dim, head: tokens * dim, token: dim }
    }

    /// Of `[batch, tokens, heads, dim]`.
    pub fn tokens_first(heads: usize, tokens: usize, dim: usize) -> Self {
        Self { batch: heads * tokens * dim, head: dim, token: heads * dim }
    }

    pub(crate) fn at(&self, batch: usize, head: usize, token: usize) -> usize {
        batch * self.batch + head * self.head + token * self.token
    }

    /// Numbers from the first to the last, both with it.
    fn reach(&self, batch: usize, heads: usize, tokens: usize, dim: usize) -> usize {
        match batch * heads * tokens * dim {
            0 => 0,
            _ => self.at(batch - 1, heads - 1, tokens - 1) + dim,
        }
    }

    /// Whether no two tokens share a number.
    fn is_disjoint(&self, batch: usize, heads: usize, tokens: usize, dim: usize) -> bool {
        let mut axes = [(self.batch, batch), (self.head, heads), (self.token, tokens)];
        axes.sort_unstable();
        let mut reach = dim;
        axes.iter().filter(|(_, count)| *count > 1).all(|&(stride, count)| {
            let apart = stride >= reach;
            reach += stride * (count - 1);
            apart
        })
    }
}

impl Attention<'_> {
    /// Writes `[batch, heads, queries, dim]` numbers to `out`, at `strides`.
    ///
    /// # Panics
    /// Where a view is too short for the shape, the heads do not divide, or places of the
    /// output overlap.
    pub fn run(&self, out: &mut [f32], strides: Strides) {
        self.run_with(Isa::current(), &mut Workspace::default(), out, strides);
    }

    /// [`Self::run`] with given instructions and memory that is kept from call to call.
    pub fn run_with(&self, isa: Isa, workspace: &mut Workspace, out: &mut [f32], strides: Strides) {
        let Shape { batch, heads, key_heads, queries, keys, dim } = self.shape;
        assert!(key_heads > 0 && heads.is_multiple_of(key_heads), "{heads} heads over {key_heads}");
        let fits = |view: &View, heads, tokens| view.values.len() >= view.strides.reach(batch, heads, tokens, dim);
        assert!(fits(&self.query, heads, queries), "queries of {:?}", self.shape);
        assert!(fits(&self.key, key_heads, keys) && fits(&self.value, key_heads, keys), "keys of {:?}", self.shape);
        assert!(out.len() >= strides.reach(batch, heads, queries, dim), "an output of {:?}", self.shape);
        assert!(strides.is_disjoint(batch, heads, queries, dim), "an output whose places overlap");
        assert!(self.scale > 0., "a scale of {}", self.scale);
        if let Some(mask) = &self.mask
            && batch * heads * queries * keys > 0
        {
            let last = (batch - 1) * mask.batch + (heads - 1) * mask.head + (queries - 1) * mask.query + keys;
            assert!(mask.values.len() >= last, "a mask of {:?}", self.shape);
        }
        if batch * heads * queries * dim == 0 {
            return;
        }
        let out = Out { numbers: SharedMut::new(out), strides };
        if queries == 1 {
            return single::run(self, isa.checked(), &out);
        }
        let kernel = match self.arithmetic {
            Arithmetic::Bf16 if isa.checked().has_bf16() => Kernel::bf16(isa),
            _ => Kernel::f32(isa),
        };
        workspace.pack(self, kernel);
        blocks::run(self, kernel, workspace, &out);
    }

    /// Query heads that share a key head.
    fn group(&self) -> usize {
        self.shape.heads / self.shape.key_heads
    }

    /// The mask's numbers over all keys, for one query.
    fn mask_row(&self, batch: usize, head: usize, query: usize) -> Option<&[f32]> {
        self.mask
            .as_ref()
            .map(|mask| &mask.values[batch * mask.batch + head * mask.head + query * mask.query..][..self.shape.keys])
    }
}

/// Where results go: each query of each head is written once.
struct Out<'a> {
    numbers: SharedMut<'a, f32>,
    strides: Strides,
}

impl Out<'_> {
    /// The place of one result.
    ///
    /// # Safety
    /// Nobody else has the place of this query of this head at the same time.
    #[allow(clippy::mut_from_ref)]
    unsafe fn row(&self, batch: usize, head: usize, query: usize, dim: usize) -> &mut [f32] {
        let start = self.strides.at(batch, head, query);
        // SAFETY: places do not overlap, which was checked before any was given out.
        unsafe { self.numbers.range(start..start + dim) }
    }
}
