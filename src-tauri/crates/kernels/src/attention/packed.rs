//! Keys and values in the order in which the products broadcast them.

use std::ops::Range;

use super::{Attention, Shape};
use crate::lines::Lines;
use crate::micro::Kernel;
use crate::rows::words_at;
use crate::threads::{SharedMut, for_each_part_with, part};
use crate::values::{Values, to_bf16};
use crate::versions::versions;

/// Memory of an attention, kept from one call to the next.
#[derive(Default)]
pub struct Workspace {
    /// By key head of each sample and panel of keys, as [`crate::micro`] has words: steps are of numbers, rows are keys.
    keys: Lines,
    /// By key head of each sample and panel of numbers: steps are of keys, rows are numbers.
    values: Lines,
}

/// How the keys and values of one head lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub kernel: Kernel,
    pub keys: usize,
    pub dim: usize,
    /// Keys that are scored at once: whole panels, and whole runs of steps.
    pub block: usize,
    /// Rows in a panel of numbers; all are alike.
    pub dim_height: usize,
}

/// Keys of a block, about: the scores of a block and a panel of queries stay in the
/// first-level cache with the results so far.
const BLOCK: usize = 182;

impl Layout {
    pub fn new(kernel: Kernel, shape: &Shape) -> Self {
        // Panels of numbers of one height rather than full ones and a stump.
        let panels = shape.dim.div_ceil(kernel.rows());
        // Those of AMX are of 32 rows even where half of them stand empty: with 16, two sums would wait for themselves.
        let dim_height = match kernel.together() {
            1 => kernel.height(shape.dim.div_ceil(panels)),
            _ => kernel.rows(),
        };
        let block = BLOCK / kernel.rows() * kernel.rows();
        debug_assert!(block.is_multiple_of(kernel.depth() * kernel.together()), "a run of steps is in one block");
        Self { kernel, keys: shape.keys, dim: shape.dim, block, dim_height }
    }

    pub fn dim_steps(&self) -> usize {
        self.kernel.steps(self.dim)
    }

    pub fn key_steps(&self) -> usize {
        self.kernel.steps(self.keys)
    }

    /// Steps of the values of a block of keys, whose weights beyond its last key are 0.
    pub fn key_range(&self, block: &Range<usize>) -> Range<usize> {
        let depth = self.kernel.depth();
        block.start / depth..block.end.div_ceil(depth).next_multiple_of(self.kernel.together())
    }

    pub fn dim_panels(&self) -> usize {
        self.dim.div_ceil(self.dim_height)
    }

    pub fn blocks(&self) -> usize {
        self.keys.div_ceil(self.block)
    }

    /// Words of one head's keys.
    pub fn key_words(&self) -> usize {
        self.keys.next_multiple_of(self.kernel.rows()) * self.dim_steps()
    }

    /// Words of one head's values.
    pub fn value_words(&self) -> usize {
        self.dim_panels() * self.dim_height * self.key_steps()
    }
}

impl Workspace {
    pub fn new() -> Self {
        Self::default()
    }

    /// The keys and values of one head.
    pub(super) fn head(&self, layout: &Layout, index: usize) -> (&[u32], &[u32]) {
        let (keys, values) = (layout.key_words(), layout.value_words());
        (&self.keys.words()[index * keys..][..keys], &self.values.words()[index * values..][..values])
    }

    pub(super) fn pack(&mut self, attention: &Attention, kernel: Kernel) {
        let shape = attention.shape;
        let layout = Layout::new(kernel, &shape);
        let heads = shape.batch * shape.key_heads;
        self.keys.reserve(heads * layout.key_words() * 4);
        self.values.reserve(heads * layout.value_words() * 4);
        let (keys, values) = (SharedMut::new(self.keys.words_mut()), SharedMut::new(self.values.words_mut()));
        let blocks = layout.blocks();
        for_each_part_with(
            heads * blocks,
            || Scratch::new(&layout),
            |scratch, unit| {
                let (index, block) = (unit / blocks, part(unit % blocks, layout.block, shape.keys));
                let (batch, head) = (index / shape.key_heads, index % shape.key_heads);
                let (key_start, value_start) = (index * layout.key_words(), index * layout.value_words());
                // A block is whole panels of keys, and reads no key of another.
                for first in block.clone().step_by(kernel.rows()) {
                    let count = kernel.rows().min(shape.keys - first);
                    let height = kernel.height(count);
                    let start = key_start + first * layout.dim_steps();
                    // SAFETY: panels do not overlap, and each is packed once.
                    let panel = unsafe { keys.range(start..start + height * layout.dim_steps()) };
                    for r in 0..height {
                        let (row, words) = (&mut scratch.row, &mut scratch.words);
                        match r < count {
                            true => {
                                let view = &attention.key;
                                let at = view.strides.at(batch, head, first + r);
                                words_at(kernel, &view.values, at, shape.dim, row, words);
                            }
                            false => words.fill(0),
                        }
                        kernel.place(words, r, height, panel);
                    }
                }
                let (depth, together) = (kernel.depth(), kernel.together());
                let filled = scratch.across.len() / together;
                let view = &attention.value;
                let read = |key: usize, row: &mut [f32]| match key < shape.keys {
                    true => view.values.read(view.strides.at(batch, head, key), &mut row[..shape.dim]),
                    false => row.fill(0.),
                };
                for first in layout.key_range(&block).step_by(together) {
                    for (step, across) in (first..).zip(scratch.across.chunks_exact_mut(filled)) {
                        if let (2, Values::Bf16(bits)) = (depth, view.values) {
                            let row = |key: usize| match key < shape.keys {
                                true => &bits[view.strides.at(batch, head, key)..][..shape.dim],
                                false => &scratch.none[..],
                            };
                            interleave_bits(kernel.isa(), row(step * 2), row(step * 2 + 1), across);
                            continue;
                        }
                        read(step * depth, &mut scratch.row);
                        if depth == 2 {
                            read(step * depth + 1, &mut scratch.second);
                        }
                        interleave(kernel.isa(), depth, &scratch.row, &scratch.second, across);
                    }
                    for panel in 0..layout.dim_panels() {
                        let numbers = panel * layout.dim_height..(panel + 1) * layout.dim_height;
                        let at = value_start + (panel * layout.key_steps() + first) * layout.dim_height;
                        // SAFETY: a step is in one block, which is packed once.
                        let packed = unsafe { values.range(at..at + together * layout.dim_height) };
                        if together == 1 {
                            packed.copy_from_slice(&scratch.across[numbers]);
                            continue;
                        }
                        for (number, packed) in numbers.zip(packed.chunks_exact_mut(together)) {
                            for (step, word) in packed.iter_mut().enumerate() {
                                *word = scratch.across[step * filled + number];
                            }
                        }
                    }
                }
            },
        );
    }
}

struct Scratch {
    /// One key or value, with zeros beyond its end.
    row: Vec<f32>,
    second: Vec<f32>,
    /// A value that is not there.
    none: Vec<u16>,
    words: Vec<u32>,
    /// Steps of values that lie together, each over all panels with zeros beyond the end.
    across: Vec<u32>,
}

impl Scratch {
    fn new(layout: &Layout) -> Self {
        let row = vec![0.; layout.dim_steps() * layout.kernel.depth()];
        Self {
            second: row.clone(),
            none: vec![0; layout.dim],
            row,
            words: vec![0; layout.dim_steps()],
            across: vec![0; layout.kernel.together() * layout.dim_panels() * layout.dim_height],
        }
    }
}

versions! {
    /// The words of one step of two brain floats, as they are.
    fn interleave_bits(first: &[u16], second: &[u16], words: &mut [u32]) {
        for ((word, &first), &second) in words.iter_mut().zip(first).zip(second) {
            *word = u32::from(first) | u32::from(second) << 16;
        }
    }
}

versions! {
    /// The words of one step of values: one float32, or two brain floats of two keys.
    fn interleave(depth: usize, first: &[f32], second: &[f32], words: &mut [u32]) {
        if depth == 1 {
            for (word, x) in words.iter_mut().zip(first) {
                *word = x.to_bits();
            }
        } else {
            for ((word, &first), &second) in words.iter_mut().zip(first).zip(second) {
                *word = u32::from(to_bf16(first)) | u32::from(to_bf16(second)) << 16;
            }
        }
    }
}
