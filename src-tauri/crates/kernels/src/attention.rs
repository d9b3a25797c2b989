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

impl Shape {
    /// Panels of keys and of numbers, and the terms of a product of AMX, are filled up to whole ones, by fewer than this.
    const FILLED: usize = 32;

    /// Whether the bytes of all that is made of this shape can be counted, so that nothing else that is made of it needs
    /// to be looked at: queries and packed keys, values and scores are no more than this.
    fn is_countable(&self) -> bool {
        let Self { batch, heads, queries, keys, dim, .. } = *self;
        let filled = |size: usize| size.checked_add(Self::FILLED);
        let tokens = queries.checked_add(keys).and_then(filled);
        let sizes = [Some(batch), Some(heads), tokens, filled(dim), Some(size_of::<f32>())];
        sizes.into_iter().try_fold(1usize, |bytes, size| bytes.checked_mul(size?)).is_some()
    }
}

impl Strides {
    /// Of `[batch, heads, tokens, dim]`.
    ///
    /// # Panics
    /// For distances that cannot be counted.
    pub fn heads_first(heads: usize, tokens: usize, dim: usize) -> Self {
        let head = distance(tokens, dim);
        Self { batch: distance(heads, head), head, token: dim }
    }

    /// Of `[batch, tokens, heads, dim]`.
    ///
    /// # Panics
    /// For distances that cannot be counted.
    pub fn tokens_first(heads: usize, tokens: usize, dim: usize) -> Self {
        let token = distance(heads, dim);
        Self { batch: distance(tokens, token), head: dim, token }
    }

    pub(crate) fn at(&self, batch: usize, head: usize, token: usize) -> usize {
        batch * self.batch + head * self.head + token * self.token
    }

    /// Whether a slice of this length has every number from the first to the last.
    fn fit(&self, length: usize, batch: usize, heads: usize, tokens: usize, dim: usize) -> bool {
        if [batch, heads, tokens, dim].contains(&0) {
            return true;
        }
        let axes = [(self.batch, batch), (self.head, heads), (self.token, tokens)];
        let reach =
            axes.into_iter().try_fold(dim, |reach, (stride, count)| reach.checked_add(stride.checked_mul(count - 1)?));
        reach.is_some_and(|reach| reach <= length)
    }

    /// Whether no two tokens share a number, where all of them [`Self::fit`] and none of the sizes is 0.
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
    /// Where a view is too short for the shape, the heads do not divide, places of the output
    /// overlap, or sizes are beyond what can be counted.
    pub fn run(&self, out: &mut [f32], strides: Strides) {
        self.run_with(Isa::current(), &mut Workspace::default(), out, strides);
    }

    /// [`Self::run`] with given instructions and memory that is kept from call to call.
    pub fn run_with(&self, isa: Isa, workspace: &mut Workspace, out: &mut [f32], strides: Strides) {
        let Shape { batch, heads, key_heads, queries, keys, dim } = self.shape;
        assert!(key_heads > 0 && heads.is_multiple_of(key_heads), "{heads} heads over {key_heads}");
        assert!(self.shape.is_countable(), "sizes beyond what can be counted: {:?}", self.shape);
        let fits = |view: &View, heads, tokens| view.strides.fit(view.values.len(), batch, heads, tokens, dim);
        assert!(fits(&self.query, heads, queries), "queries of {:?}", self.shape);
        assert!(fits(&self.key, key_heads, keys) && fits(&self.value, key_heads, keys), "keys of {:?}", self.shape);
        assert!(strides.fit(out.len(), batch, heads, queries, dim), "an output of {:?}", self.shape);
        assert!(self.scale > 0., "a scale of {}", self.scale);
        if let Some(mask) = &self.mask {
            let strides = Strides { batch: mask.batch, head: mask.head, token: mask.query };
            assert!(strides.fit(mask.values.len(), batch, heads, queries, keys), "a mask of {:?}", self.shape);
        }
        if batch * heads * queries * dim == 0 {
            return;
        }
        assert!(strides.is_disjoint(batch, heads, queries, dim), "an output whose places overlap");
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

/// As many numbers, `step` by `step`.
fn distance(count: usize, step: usize) -> usize {
    count.checked_mul(step).unwrap_or_else(|| panic!("a distance of {count} times {step} numbers"))
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
