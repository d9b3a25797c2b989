//! Many rows of activations with 16 rows of weights at a time, with AVX2.
//!
//! A thread writes 16 rows of weights out as 16-bit integers, so that two neighbours of each of 8 rows make up one register,
//! and multiplies them with all rows of activations, six at a time, two products an instruction. What is written out is
//! the weight before its block's step, with the scale of its run already in it: at most 63 x 15 in `Q4K`, 128 x 32 in
//! `Q6K`, and a byte in `Q8`. So the sums of a block are exact, as they are row by row.

use std::arch::x86_64::*;

use super::block::{half, scales_q4k};
use super::{Activations, Format, Matrix};
use crate::threads::{SharedMut, for_each_part, for_each_part_with, part};

/// Rows of activations from which a tile is quicker than row by row.
pub(super) const WORTH: usize = 6;

/// Rows of weights in a tile: two registers of 8.
const WIDE: usize = 16;

/// Rows of activations in one pass over a tile: 12 sums of 8 rows fill the registers.
const HIGH: usize = 6;

/// Words of two sums of activations for the eight minima of a block of `Q4K`.
const MINIMA: usize = 4;

/// `y = x w^T`.
///
/// # Safety
/// The processor has AVX2, FMA and F16C.
pub(super) unsafe fn product(w: Matrix<'_>, x: &Activations, y: &mut [f32]) {
    let words = Words::new(w.format, x);
    let out = SharedMut::new(y);
    for_each_part_with(
        w.rows.div_ceil(WIDE),
        || Tile::new(w.format, w.columns),
        |tile, index| {
            let rows = part(index, WIDE, w.rows);
            // SAFETY: the caller's promise.
            unsafe { tile.write_out(w, rows.start, rows.len()) };
            for first in (0..x.rows()).step_by(HIGH) {
                let high = HIGH.min(x.rows() - first);
                let mut sums = [[0.0; WIDE]; HIGH];
                // SAFETY: as above; tile and words were made for the same columns.
                unsafe {
                    match high {
                        1 | 2 => multiply::<2>(tile, x, &words, first, &mut sums),
                        3 | 4 => multiply::<4>(tile, x, &words, first, &mut sums),
                        _ => multiply::<6>(tile, x, &words, first, &mut sums),
                    }
                }
                for (m, sums) in sums.iter().enumerate().take(high) {
                    let start = (first + m) * w.rows + rows.start;
                    // SAFETY: each part has its own rows of weights, and writes each row of activations once.
                    unsafe { out.range(start..start + rows.len()) }.copy_from_slice(&sums[..rows.len()]);
                }
            }
        },
    );
}

/// Activations in pairs of 16-bit integers, six rows beside each other; rows beyond the last are zero.
struct Words {
    /// `[group of rows][pair of columns][row]`.
    pairs: Vec<u32>,
    /// `[group of rows][block][pair of runs][row]`: sums of 32 activations. Empty where nothing is taken off.
    sums: Vec<u32>,
    columns: usize,
}

impl Words {
    fn new(format: Format, x: &Activations) -> Self {
        let groups = x.rows().div_ceil(HIGH);
        let (columns, blocks) = (x.columns(), if format == Format::Q4K { x.columns() / 256 } else { 0 });
        let mut pairs = vec![0; groups * columns / 2 * HIGH];
        let mut sums = vec![0; groups * blocks * MINIMA * HIGH];
        {
            let (pairs, sums) = (SharedMut::new(&mut pairs), SharedMut::new(&mut sums));
            let word = |low: i16, high: i16| u32::from(low as u16) | u32::from(high as u16) << 16;
            for_each_part(groups, |group| {
                let (long, short) = (columns / 2 * HIGH, blocks * MINIMA * HIGH);
                // SAFETY: each group has its own ranges.
                let (pairs, sums) = unsafe {
                    (pairs.range(group * long..(group + 1) * long), sums.range(group * short..(group + 1) * short))
                };
                for m in 0..HIGH.min(x.rows() - group * HIGH) {
                    let row = group * HIGH + m;
                    for (words, pair) in pairs.chunks_exact_mut(HIGH).zip(x.bytes(row).as_chunks::<2>().0) {
                        words[m] = word(i16::from(pair[0]), i16::from(pair[1]));
                    }
                    for (words, four) in sums.chunks_exact_mut(HIGH).zip(x.sums(row).as_chunks::<4>().0) {
                        words[m] = word(four[0] + four[1], four[2] + four[3]);
                    }
                }
            });
        }
        Self { pairs, sums, columns }
    }
}

/// 64 bytes that begin at a line of the cache.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line([u32; WIDE]);

struct Tile {
    format: Format,
    /// Columns that share a step.
    run: usize,
    /// For each two columns, two integers of each row.
    words: Vec<Line>,
    /// For each run of columns, what the sum of each row is worth.
    steps: Vec<[f32; WIDE]>,
    /// Of `Q4K`, for each block: the minima of the rows, in pairs, and what they are worth.
    minima: Vec<[Line; MINIMA]>,
    minimum_steps: Vec<[f32; WIDE]>,
}

impl Tile {
    fn new(format: Format, columns: usize) -> Self {
        let run = format.block();
        let blocks = if format == Format::Q4K { columns / run } else { 0 };
        Self {
            format,
            run,
            words: vec![Line([0; WIDE]); columns / 2],
            steps: vec![[0.0; WIDE]; columns / run],
            minima: vec![[Line([0; WIDE]); MINIMA]; blocks],
            minimum_steps: vec![[0.0; WIDE]; blocks],
        }
    }

    /// Writes out rows `first` to `first + count` of `w`. Rows beyond `count` hold anything: nobody reads their sums.
    ///
    /// # Safety
    /// The processor has AVX2 and F16C; `w` has the tile's format and columns.
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn write_out(&mut self, w: Matrix<'_>, first: usize, count: usize) {
        let size = self.format.block_bytes();
        // A block of each row, as numbers of 16 bits.
        let mut numbers = [[Line([0; WIDE]); 8]; WIDE];
        for at in 0..self.steps.len() {
            for row in 0..count {
                let block = &w.row(first + row)[at * size..(at + 1) * size];
                let out = numbers[row].as_mut_ptr().cast::<__m256i>();
                // SAFETY: the block is one of the format, and there is room for 256 numbers.
                unsafe {
                    match self.format {
                        Format::Q4K => self.q4k(block, at, row, out),
                        Format::Q6K => self.q6k(block, at, row, out),
                        Format::Q8 => {
                            self.steps[at][row] = half(block, 0);
                            for part in 0..2 {
                                let bytes = _mm_loadu_si128(block.as_ptr().add(2 + part * 16).cast());
                                _mm256_store_si256(out.add(part), _mm256_cvtepi8_epi16(bytes));
                            }
                        }
                    }
                }
            }
            let words = &mut self.words[at * self.run / 2..(at + 1) * self.run / 2];
            for eight in 0..words.len() / 8 {
                for half in 0..2 {
                    // SAFETY: eight words of eight rows, and eight lines to write a half of each.
                    unsafe {
                        let from = |row: usize| numbers[half * 8 + row].as_ptr().cast::<__m256i>().add(eight);
                        let rows: [__m256i; 8] = std::array::from_fn(|row| _mm256_load_si256(from(row)));
                        for (word, column) in transposed(rows).into_iter().enumerate() {
                            let line = words.as_mut_ptr().add(eight * 8 + word).cast::<__m256i>();
                            _mm256_store_si256(line.add(half), column);
                        }
                    }
                }
            }
        }
    }

    /// # Safety
    /// As [`Self::write_out`]; `block` has 144 bytes, `out` room for 256 numbers at a line of the cache.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn q4k(&mut self, block: &[u8], at: usize, row: usize, out: *mut __m256i) {
        let (scales, minima) = scales_q4k(block);
        (self.steps[at][row], self.minimum_steps[at][row]) = (half(block, 0), half(block, 2));
        for (word, pair) in minima.as_chunks::<2>().0.iter().enumerate() {
            self.minima[at][word].0[row] = u32::from(pair[0]) | u32::from(pair[1]) << 16;
        }
        let low = _mm256_set1_epi8(15);
        for pair in 0..4 {
            // SAFETY: 128 bytes of weights from byte 16 on, and 256 numbers.
            unsafe {
                let packed = _mm256_loadu_si256(block.as_ptr().add(16 + pair * 32).cast());
                let halves = [_mm256_and_si256(packed, low), _mm256_and_si256(_mm256_srli_epi16(packed, 4), low)];
                for (which, weights) in halves.into_iter().enumerate() {
                    let run = pair * 2 + which;
                    let scale = _mm256_set1_epi16(i16::from(scales[run]));
                    let first = _mm256_cvtepu8_epi16(_mm256_castsi256_si128(weights));
                    let second = _mm256_cvtepu8_epi16(_mm256_extracti128_si256(weights, 1));
                    _mm256_store_si256(out.add(run * 2), _mm256_mullo_epi16(first, scale));
                    _mm256_store_si256(out.add(run * 2 + 1), _mm256_mullo_epi16(second, scale));
                }
            }
        }
    }

    /// # Safety
    /// As [`Self::q4k`], with a block of 210 bytes.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn q6k(&mut self, block: &[u8], at: usize, row: usize, out: *mut __m256i) {
        self.steps[at][row] = half(block, 208);
        let (low, two_bits, middle) = (_mm256_set1_epi8(15), _mm256_set1_epi8(0x30), _mm256_set1_epi16(32));
        for part in 0..2 {
            // SAFETY: 128 bytes of four bits, 64 of two, 16 scales, and 256 numbers.
            unsafe {
                let two = _mm256_loadu_si256(block.as_ptr().add(128 + part * 32).cast());
                for quarter in 0..4 {
                    let four = _mm256_loadu_si256(block.as_ptr().add(part * 64 + quarter % 2 * 32).cast());
                    let four = if quarter < 2 { four } else { _mm256_srli_epi16(four, 4) };
                    let high = match quarter {
                        0 => _mm256_slli_epi16(two, 4),
                        1 => _mm256_slli_epi16(two, 2),
                        2 => two,
                        _ => _mm256_srli_epi16(two, 2),
                    };
                    let weights = _mm256_or_si256(_mm256_and_si256(four, low), _mm256_and_si256(high, two_bits));
                    let halves = [_mm256_castsi256_si128(weights), _mm256_extracti128_si256(weights, 1)];
                    for (which, weights) in halves.into_iter().enumerate() {
                        let sixteen = (part * 4 + quarter) * 2 + which;
                        let scale = _mm256_set1_epi16(i16::from(block[192 + sixteen] as i8));
                        let weights = _mm256_sub_epi16(_mm256_cvtepu8_epi16(weights), middle);
                        _mm256_store_si256(out.add(sixteen), _mm256_mullo_epi16(weights, scale));
                    }
                }
            }
        }
    }
}

/// Eight rows of eight words as eight columns.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn transposed(rows: [__m256i; 8]) -> [__m256i; 8] {
    let [a, b, c, d, e, f, g, h] = rows;
    let (ab, cd) = (
        [_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b)],
        [_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d)],
    );
    let (ef, gh) = (
        [_mm256_unpacklo_epi32(e, f), _mm256_unpackhi_epi32(e, f)],
        [_mm256_unpacklo_epi32(g, h), _mm256_unpackhi_epi32(g, h)],
    );
    // Words 0 and 4, 1 and 5, 2 and 6, 3 and 7 of four rows.
    let upper = [
        _mm256_unpacklo_epi64(ab[0], cd[0]),
        _mm256_unpackhi_epi64(ab[0], cd[0]),
        _mm256_unpacklo_epi64(ab[1], cd[1]),
        _mm256_unpackhi_epi64(ab[1], cd[1]),
    ];
    let lower = [
        _mm256_unpacklo_epi64(ef[0], gh[0]),
        _mm256_unpackhi_epi64(ef[0], gh[0]),
        _mm256_unpacklo_epi64(ef[1], gh[1]),
        _mm256_unpackhi_epi64(ef[1], gh[1]),
    ];
    [
        _mm256_permute2x128_si256(upper[0], lower[0], 0x20),
        _mm256_permute2x128_si256(upper[1], lower[1], 0x20),
        _mm256_permute2x128_si256(upper[2], lower[2], 0x20),
        _mm256_permute2x128_si256(upper[3], lower[3], 0x20),
        _mm256_permute2x128_si256(upper[0], lower[0], 0x31),
        _mm256_permute2x128_si256(upper[1], lower[1], 0x31),
        _mm256_permute2x128_si256(upper[2], lower[2], 0x31),
        _mm256_permute2x128_si256(upper[3], lower[3], 0x31),
    ]
}

/// `sums[m][i]` = row `i` of the tile times row `first + m` of `x`, for `M` of them.
///
/// # Safety
/// The processor has AVX2 and FMA. Tile and words are of the same columns; `first` begins a group of rows.
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn multiply<const M: usize>(
    tile: &Tile,
    x: &Activations,
    words: &Words,
    first: usize,
    sums: &mut [[f32; WIDE]; HIGH],
) {
    // Rows beyond the last have no activations; whose scale they take does not matter.
    let scales: [&[f32]; M] = std::array::from_fn(|m| x.scales((first + m).min(x.rows() - 1)));
    let group = first / HIGH;
    let pairs = words.pairs[group * words.columns / 2 * HIGH..].as_ptr();
    let lines = tile.words.as_ptr().cast::<__m256i>();
    let mut totals = [[_mm256_setzero_ps(); 2]; M];
    for (run, steps) in tile.steps.iter().enumerate() {
        let start = run * tile.run;
        let mut whole = [[_mm256_setzero_si256(); 2]; M];
        for pair in start / 2..(start + tile.run) / 2 {
            // SAFETY: a line for each pair of columns, and a word of it for each row of the group.
            unsafe {
                let (a, b) = (_mm256_load_si256(lines.add(pair * 2)), _mm256_load_si256(lines.add(pair * 2 + 1)));
                for m in 0..M {
                    let x = _mm256_set1_epi32(*pairs.add(pair * HIGH + m) as i32);
                    whole[m][0] = _mm256_add_epi32(whole[m][0], _mm256_madd_epi16(a, x));
                    whole[m][1] = _mm256_add_epi32(whole[m][1], _mm256_madd_epi16(b, x));
                }
            }
        }
        // SAFETY: 16 numbers.
        let steps = unsafe { [_mm256_loadu_ps(steps.as_ptr()), _mm256_loadu_ps(steps.as_ptr().add(8))] };
        for m in 0..M {
            let scale = _mm256_set1_ps(scales[m][start / x.run()]);
            for half in 0..2 {
                let worth = _mm256_mul_ps(steps[half], scale);
                totals[m][half] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(whole[m][half]), worth, totals[m][half]);
            }
        }
        let Some(minima) = tile.minima.get(run) else { continue };
        let taken = words.sums[(group * tile.minima.len() + run) * MINIMA * HIGH..].as_ptr();
        let mut whole = [[_mm256_setzero_si256(); 2]; M];
        for (pair, line) in minima.iter().enumerate() {
            // SAFETY: a line is two registers, and there is a word for each row of the group.
            unsafe {
                let line = std::ptr::from_ref(line).cast::<__m256i>();
                let (a, b) = (_mm256_load_si256(line), _mm256_load_si256(line.add(1)));
                for m in 0..M {
                    let x = _mm256_set1_epi32(*taken.add(pair * HIGH + m) as i32);
                    whole[m][0] = _mm256_add_epi32(whole[m][0], _mm256_madd_epi16(a, x));
                    whole[m][1] = _mm256_add_epi32(whole[m][1], _mm256_madd_epi16(b, x));
                }
            }
        }
        let steps = tile.minimum_steps[run].as_ptr();
        // SAFETY: 16 numbers.
        let steps = unsafe { [_mm256_loadu_ps(steps), _mm256_loadu_ps(steps.add(8))] };
        for m in 0..M {
            let scale = _mm256_set1_ps(scales[m][start / x.run()]);
            for half in 0..2 {
                let worth = _mm256_mul_ps(steps[half], scale);
                totals[m][half] = _mm256_fnmadd_ps(_mm256_cvtepi32_ps(whole[m][half]), worth, totals[m][half]);
            }
        }
    }
    for m in 0..M {
        // SAFETY: 16 places.
        unsafe {
            _mm256_storeu_ps(sums[m].as_mut_ptr(), totals[m][0]);
            _mm256_storeu_ps(sums[m].as_mut_ptr().add(8), totals[m][1]);
        }
    }
}
