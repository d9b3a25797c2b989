//! Rows of activations, packed for a kernel's broadcast operand.

use crate::lines::Lines;
use crate::math::largest_magnitude;
use crate::micro::{Kernel, Kind};
use crate::threads::{SharedMut, for_each_part_with};
use crate::values::{Values, from_bf16, to_bf16};
use crate::versions::versions;

/// Rows that [`crate::linear::Linear`] multiplies: rounded to brain floats, or to int8
/// with a scale for each row, or as they are. The memory is kept from one use to the next.
#[derive(Default, Clone)]
pub struct PackedRows {
    /// By panel as [`crate::micro`] has it; the last panel may be of fewer rows.
    words: Lines,
    kernel: Option<Kernel>,
    rows: usize,
    terms: usize,
    /// By row: what an int8 of it is worth, and the sum of its int8; empty for floats.
    scales: Vec<f32>,
    sums: Vec<i32>,
}

impl PackedRows {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn kernel(&self) -> Option<Kernel> {
        self.kernel
    }

    pub(crate) fn terms(&self) -> usize {
        self.terms
    }

    /// Packs `rows` rows of `terms` numbers; `source` writes the row it is asked for.
    pub(crate) fn pack(
        &mut self,
        kernel: Kernel,
        rows: usize,
        terms: usize,
        source: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        self.pack_words(kernel, rows, terms, |row, values, words| {
            source(row, &mut values[..terms]);
            words_of(kernel.isa(), kernel.kind(), values, words)
        });
    }

    /// [`Self::pack`] of rows that lie one after another.
    pub(crate) fn pack_values(&mut self, kernel: Kernel, rows: usize, terms: usize, values: &Values) {
        self.pack_words(kernel, rows, terms, |row, scratch, words| {
            words_at(kernel, values, row * terms, terms, scratch, words)
        });
    }

    /// `source` makes the words of the row it is asked for, with memory for its numbers, zero beyond the last; it returns
    /// the row's scale and sum.
    fn pack_words(
        &mut self,
        kernel: Kernel,
        rows: usize,
        terms: usize,
        source: impl Fn(usize, &mut [f32], &mut [u32]) -> (f32, i32) + Sync,
    ) {
        let (steps, panel_rows) = (kernel.steps(terms), kernel.rows());
        let panels = rows.div_ceil(panel_rows);
        (self.kernel, self.rows, self.terms) = (Some(kernel), rows, terms);
        self.words.reserve(panels * panel_rows * steps * 4);
        let quantised = if kernel.is_integer() { rows } else { 0 };
        self.scales.resize(quantised, 0.);
        self.sums.resize(quantised, 0);
        let words = SharedMut::new(self.words.words_mut());
        let (scales, sums) = (SharedMut::new(&mut self.scales), SharedMut::new(&mut self.sums));
        let scratch = || (vec![0f32; steps * kernel.depth()], vec![0u32; steps]);
        for_each_part_with(panels, scratch, |(values, row_words), panel| {
            let first = panel * panel_rows;
            let count = panel_rows.min(rows - first);
            let height = kernel.height(count);
            let start = first * steps;
            // SAFETY: panels do not overlap, and each is packed once.
            let packed = unsafe { words.range(start..start + height * steps) };
            for r in 0..height {
                let (scale, sum) = match r < count {
                    true => source(first + r, values, row_words),
                    false => {
                        row_words.fill(0);
                        (1., 0)
                    }
                };
                if kernel.is_integer() && r < count {
                    // SAFETY: a row is in one panel, which is packed once.
                    unsafe {
                        scales.range(first + r..first + r + 1)[0] = scale;
                        sums.range(first + r..first + r + 1)[0] = sum;
                    }
                }
                kernel.place(row_words, r, height, packed);
            }
        });
    }

    /// Words of `steps` of a panel, and the panel's height.
    pub(crate) fn panel(&self, panel: usize, steps: std::ops::Range<usize>) -> (&[u32], usize) {
        let kernel = self.kernel.expect("packed rows");
        let (all, panel_rows) = (kernel.steps(self.terms), kernel.rows());
        let first = panel * panel_rows;
        let height = kernel.height(panel_rows.min(self.rows - first));
        let start = first * all;
        (&self.words.words()[start + steps.start * height..start + steps.end * height], height)
    }

    /// Scale and sum of a row; none of both for floats.
    pub(crate) fn quantisation(&self, row: usize) -> (f32, i32) {
        match self.scales.is_empty() {
            true => (1., 0),
            false => (self.scales[row], self.sums[row]),
        }
    }
}

/// The words of `count` numbers from `start` on, as many as there are steps in `words`; `row` is memory for as many
/// numbers as those are deep.
#[inline(always)]
pub(crate) fn words_at(
    kernel: Kernel,
    values: &Values,
    start: usize,
    count: usize,
    row: &mut [f32],
    words: &mut [u32],
) -> (f32, i32) {
    if let (Kind::PairsBf16, Values::Bf16(bits)) = (kernel.kind(), values) {
        paired(kernel.isa(), &bits[start..start + count], words);
        return (1., 0);
    }
    values.read(start, &mut row[..count]);
    row[count..].fill(0.);
    words_of(kernel.isa(), kernel.kind(), row, words)
}

versions! {
    /// Brain floats as they are, two in a word, with zeros beyond the last.
    fn paired(bits: &[u16], words: &mut [u32]) {
        let (pairs, odd) = bits.as_chunks::<2>();
        let (whole, rest) = words.split_at_mut(pairs.len());
        for (word, pair) in whole.iter_mut().zip(pairs) {
            *word = u32::from(pair[0]) | u32::from(pair[1]) << 16;
        }
        rest.fill(0);
        if let (Some(word), Some(&odd)) = (rest.first_mut(), odd.first()) {
            *word = u32::from(odd);
        }
    }
}

versions! {
    /// One row in the words of a kind: as many as it has steps; the row is as long as
    /// all steps are deep, with zeros beyond its end. Returns the scale and the sum of
    /// the integers, where it is quantised.
    pub(crate) fn words_of(kind: Kind, row: &[f32], words: &mut [u32]) -> (f32, i32) {
        match kind {
            Kind::F32 => {
                for (word, x) in words.iter_mut().zip(row) {
                    *word = x.to_bits();
                }
                (1., 0)
            }
            Kind::WideBf16 => {
                for (word, &x) in words.iter_mut().zip(row) {
                    *word = from_bf16(to_bf16(x)).to_bits();
                }
                (1., 0)
            }
            Kind::PairsBf16 => {
                for (word, pair) in words.iter_mut().zip(row.as_chunks::<2>().0) {
                    *word = u32::from(to_bf16(pair[0])) | u32::from(to_bf16(pair[1])) << 16;
                }
                (1., 0)
            }
            Kind::Bytes => {
                let (scale, inverse) = byte_scale(row);
                let mut sum = 0;
                for (word, quad) in words.iter_mut().zip(row.as_chunks::<4>().0) {
                    let bytes = quad.map(|x| byte(x, inverse));
                    sum += bytes.iter().sum::<i32>();
                    *word = bytes.iter().rev().fold(0, |word, &byte| word << 8 | (byte as u32 & 0xff));
                }
                (scale, sum)
            }
            Kind::Shorts => {
                let (scale, inverse) = byte_scale(row);
                for (word, pair) in words.iter_mut().zip(row.as_chunks::<2>().0) {
                    *word = byte(pair[0], inverse) as u32 & 0xffff | (byte(pair[1], inverse) as u32) << 16;
                }
                (scale, 0)
            }
        }
    }
}

/// What one step of int8 is worth over `values`, symmetric about zero, and its inverse.
/// Not a number where one of the values is infinite or not a number, so that this shows
/// in the result.
#[inline(always)]
pub(crate) fn byte_scale(values: &[f32]) -> (f32, f32) {
    let largest = largest_magnitude(values);
    match largest.is_finite() {
        true if largest > f32::MIN_POSITIVE * 127. => (largest / 127., 127. / largest),
        true => (0., 0.),
        false => (f32::NAN, 0.),
    }
}

/// The nearest int8, -127 to 127.
#[inline(always)]
pub(crate) fn byte(x: f32, inverse: f32) -> i32 {
    // Adding 1.5 x 2^23 leaves the nearest integer in the low bits of the sum. The
    // magnitude is at most 127 by the choice of the scale.
    const ROUND: f32 = 12_582_912.0;
    let scaled = x * inverse;
    let scaled = if scaled.is_nan() { 0. } else { scaled };
    (scaled + ROUND).to_bits() as i32 - ROUND.to_bits() as i32
}
