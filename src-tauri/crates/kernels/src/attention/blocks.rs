//! Attention of many queries: blocks of keys by panels of queries.

use std::ops::Range;

use super::packed::{Layout, Workspace};
use super::softmax::{Running, add_mask, correct, weigh};
use super::{Attention, Out};
use crate::lines::{Lines, bytes_of, floats_of, floats_of_mut};
use crate::math::largest;
use crate::micro::{Kernel, Ready};
use crate::rows::words_at;
use crate::threads::{for_each_part_with, part};

/// Panels of queries that share a pass over the keys and values, which come from beyond
/// the first-level cache.
const PANELS: usize = 4;

/// What a mask holds at most where a key is hidden from a query. A finite number, for
/// masks are also written with the lowest float.
const HIDDEN: f32 = -1e30;

pub(super) fn run(attention: &Attention, kernel: Kernel, workspace: &Workspace, out: &Out) {
    let shape = attention.shape;
    let layout = Layout::new(kernel, &shape);
    // The queries of all heads that share a key head are one run of queries.
    let lanes = attention.group() * shape.queries;
    let chunk = PANELS * kernel.columns();
    let chunks = lanes.div_ceil(chunk);
    let units = shape.batch * shape.key_heads * chunks;
    for_each_part_with(
        units,
        || Unit::new(attention, layout),
        |unit, index| {
            let (head, chunk) = (index / chunks, part(index % chunks, chunk, lanes));
            let (keys, values) = workspace.head(&layout, head);
            unit.start(head, chunk);
            for block in 0..layout.blocks() {
                unit.block(keys, values, part(block, layout.block, shape.keys));
            }
            // SAFETY: each run of queries is one unit, which is done once.
            unsafe { unit.finish(out) };
        },
    );
}

/// A run of queries of one key head, and the memory of a thread.
struct Unit<'a> {
    attention: &'a Attention<'a>,
    layout: Layout,
    ready: Ready,
    batch: usize,
    key_head: usize,
    /// Which of the key head's queries.
    lanes: Range<usize>,
    panels: Vec<Panel>,
    /// Scores, then weights, of a block of keys by a panel of queries.
    scores: Lines,
    mask: Vec<f32>,
    correction: Vec<f32>,
    row: Vec<f32>,
    words: Vec<u32>,
}

/// As many queries as a kernel has columns.
struct Panel {
    /// `[step of numbers][query]`.
    queries: Lines,
    /// `[number][query]`, relative to the softmax so far.
    results: Lines,
    running: Running,
    /// No block was added to the results yet.
    fresh: bool,
}

impl<'a> Unit<'a> {
    fn new(attention: &'a Attention<'a>, layout: Layout) -> Self {
        let (columns, steps) = (layout.kernel.columns(), layout.dim_steps());
        let panel = || Panel {
            queries: Lines::zeroed(steps * columns * 4),
            results: Lines::zeroed(layout.dim_panels() * layout.dim_height * columns * 4),
            running: Running::new(columns),
            fresh: true,
        };
        Self {
            attention,
            layout,
            ready: layout.kernel.ready(),
            batch: 0,
            key_head: 0,
            lanes: 0..0,
            panels: std::iter::repeat_with(panel).take(PANELS).collect(),
            scores: Lines::zeroed(layout.block * columns * 4),
            mask: if attention.mask.is_some() { vec![0.; layout.block * columns] } else { Vec::new() },
            correction: vec![0.; columns],
            row: vec![0.; steps * layout.kernel.depth()],
            words: vec![0; steps],
        }
    }

    /// Head and query of a lane.
    fn query(&self, lane: usize) -> (usize, usize) {
        let queries = self.attention.shape.queries;
        (self.key_head * self.attention.group() + lane / queries, lane % queries)
    }

    fn start(&mut self, index: usize, lanes: Range<usize>) {
        let shape = self.attention.shape;
        (self.batch, self.key_head, self.lanes) = (index / shape.key_heads, index % shape.key_heads, lanes);
        let (kernel, columns) = (self.layout.kernel, self.layout.kernel.columns());
        for p in 0..PANELS {
            let lanes = self.panel_lanes(p);
            self.panels[p].running.reset();
            self.panels[p].fresh = true;
            for column in 0..columns {
                match lanes.start + column < lanes.end {
                    true => {
                        let (head, query) = self.query(lanes.start + column);
                        let view = &self.attention.query;
                        let at = view.strides.at(self.batch, head, query);
                        words_at(kernel, &view.values, at, shape.dim, &mut self.row, &mut self.words);
                    }
                    false => self.words.fill(0),
                }
                let packed = self.panels[p].queries.words_mut();
                for (step, &word) in packed.chunks_exact_mut(columns).zip(&self.words) {
                    step[column] = word;
                }
            }
        }
    }

    fn panel_lanes(&self, p: usize) -> Range<usize> {
        let columns = self.layout.kernel.columns();
        let lanes = part(p, columns, self.lanes.len());
        self.lanes.start + lanes.start..self.lanes.start + lanes.end
    }

    /// Adds a block of keys to each panel.
    fn block(&mut self, keys: &[u32], values: &[u32], block: Range<usize>) {
        let Layout { kernel, dim_height, .. } = self.layout;
        let (columns, depth, steps) = (kernel.columns(), kernel.depth(), self.layout.dim_steps());
        for p in 0..PANELS {
            if self.panel_lanes(p).is_empty() || !self.read_mask(p, &block) {
                continue;
            }
            let panel = &mut self.panels[p];
            let queries = &panel.queries.bytes()[..steps * columns * 4];
            for first in block.clone().step_by(kernel.rows()) {
                let height = kernel.height(kernel.rows().min(self.layout.keys - first));
                let words = &keys[first * steps..(first + height) * steps];
                let tile = &mut self.scores.words_mut()[(first - block.start) * columns..][..height * columns];
                self.ready.run(height, words, queries, tile, false);
            }
            let scores = &mut self.scores.words_mut()[..block.len() * columns];
            let mut scale = self.attention.scale * std::f32::consts::LOG2_E;
            if self.attention.mask.is_some() {
                add_mask(kernel.isa(), floats_of_mut(scores), &self.mask, scale);
                scale = 1.;
            }
            let changed = weigh(kernel, scores, scale, &mut panel.running, &mut self.correction);
            let results = panel.results.words_mut();
            if changed && !panel.fresh {
                correct(kernel.isa(), floats_of_mut(results), &self.correction);
            }
            let range = self.layout.key_range(&block);
            let weights = &mut self.scores.words_mut()[..range.len() * columns];
            weights[block.len().div_ceil(depth) * columns..].fill(0);
            let weights = bytes_of(weights);
            for (d, tile) in results.chunks_exact_mut(dim_height * columns).enumerate() {
                let start = d * self.layout.key_steps();
                let words = &values[(start + range.start) * dim_height..(start + range.end) * dim_height];
                self.ready.run(dim_height, words, weights, tile, !panel.fresh);
            }
            panel.fresh = false;
        }
    }

    /// The block's mask as `[key][query]`. False where the block adds nothing: every key
    /// is hidden from every query, and each query has seen a key or will see none of these.
    fn read_mask(&mut self, p: usize, block: &Range<usize>) -> bool {
        if self.attention.mask.is_none() {
            return true;
        }
        let columns = self.layout.kernel.columns();
        let lanes = self.panel_lanes(p);
        let mut adds = false;
        for (column, lane) in lanes.clone().enumerate() {
            let (head, query) = self.query(lane);
            let row = self.attention.mask_row(self.batch, head, query).expect("a mask");
            let row = &row[block.clone()];
            let highest = largest(row);
            let seen = self.panels[p].running.largest[column] > HIDDEN;
            adds |= highest > HIDDEN || (highest > f32::NEG_INFINITY && !seen) || highest.is_nan();
        }
        if !adds {
            return false;
        }
        for column in 0..columns {
            let row = match lanes.start + column < lanes.end {
                true => {
                    let (head, query) = self.query(lanes.start + column);
                    let row = self.attention.mask_row(self.batch, head, query).expect("a mask");
                    Some(&row[block.clone()])
                }
                false => None,
            };
            for key in 0..block.len() {
                self.mask[key * columns + column] = row.map_or(0., |row| row[key]);
            }
        }
        true
    }

    /// Writes the results.
    ///
    /// # Safety
    /// Nobody else writes the results of these queries.
    unsafe fn finish(&self, out: &Out) {
        let (columns, dim) = (self.layout.kernel.columns(), self.layout.dim);
        for p in 0..PANELS {
            let panel = &self.panels[p];
            let results = floats_of(panel.results.words());
            for (column, lane) in self.panel_lanes(p).enumerate() {
                let (head, query) = self.query(lane);
                // SAFETY: the caller's promise.
                let row = unsafe { out.row(self.batch, head, query, dim) };
                let (largest, sum) = (panel.running.largest[column], panel.running.sum[column]);
                // Of a query that met no number among its scores the largest is that of one that saw
                // no key; its sum tells them apart.
                if panel.fresh || (largest == f32::NEG_INFINITY && !sum.is_nan()) {
                    row.fill(0.);
                    continue;
                }
                let inverse = 1. / sum;
                for (number, result) in row.iter_mut().enumerate() {
                    *result = results[number * columns + column] * inverse;
                }
            }
        }
    }
}
