//! Many rows of activations with 32 rows of weights at a time.
//!
//! A thread writes 32 rows of weights out as unsigned bytes (the weight plus 128), so that
//! four neighbours of each of 16 rows make up one register, and multiplies them with all
//! rows of activations, six at a time. Writing out costs the same for one activation or a
//! thousand; a prompt of 300 tokens pays less than a tenth of its time for it.
//!
//! A block of `Q4K` and of `Q6K` becomes 256 bytes with one step: rounding to the step of a
//! block's largest weight / 127 adds less than a hundredth of the noise that four bits have
//! already. `Q8` keeps its own bytes and its step for each 32.

use std::arch::x86_64::*;

use super::block::{half, scale_q6k, scales_q4k, six_bits_q6k};
use super::{Activations, Format, Matrix};
use crate::threads::{SharedMut, for_each_part_with, part};

/// Rows of activations from which a tile is quicker than row by row.
pub(super) const WORTH: usize = 6;

/// Rows of weights in a tile: two registers of 16.
const WIDE: usize = 32;

/// Rows of activations in one pass over a tile: 12 sums of 32 rows in integers and as many in numbers fill the registers.
const HIGH: usize = 6;

/// `y = x w^T`.
///
/// # Panics
/// On a processor without 512-bit byte dot products; the caller has asked.
pub(super) fn product(w: Matrix<'_>, x: &Activations, y: &mut [f32]) {
    let run = if w.format == Format::Q8 { 32 } else { 256 };
    let corrections = Corrections::new(x, run);
    let out = SharedMut::new(y);
    for_each_part_with(
        w.rows.div_ceil(WIDE),
        || Tile { bytes: vec![Line([0; 64]); w.columns / 4 * 2], steps: vec![[0.0; WIDE]; w.columns / run], run },
        |tile, index| {
            let rows = part(index, WIDE, w.rows);
            // SAFETY: the processor has the instructions, which `product_of` looked at.
            unsafe { tile.write_out(w, rows.start, rows.len()) };
            for first in (0..x.rows()).step_by(HIGH) {
                let high = HIGH.min(x.rows() - first);
                let mut sums = [[0.0; WIDE]; HIGH];
                let c = &corrections;
                // SAFETY: as above; tile, activations and corrections were made for the same columns and runs.
                unsafe {
                    match high {
                        1 => multiply::<1>(tile, x, c, first, &mut sums),
                        2 => multiply::<2>(tile, x, c, first, &mut sums),
                        3 => multiply::<3>(tile, x, c, first, &mut sums),
                        4 => multiply::<4>(tile, x, c, first, &mut sums),
                        5 => multiply::<5>(tile, x, c, first, &mut sums),
                        _ => multiply::<6>(tile, x, c, first, &mut sums),
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

/// 64 bytes that begin at a line of the cache.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[allow(dead_code)] [u8; 64]); // Only ever reached by address.

struct Tile {
    /// For each four columns, two lines: four bytes of each of rows 0 to 15, and of rows 16 to 31.
    bytes: Vec<Line>,
    /// For each run of columns, what a step of each row is worth.
    steps: Vec<[f32; WIDE]>,
    run: usize,
}

/// What 128 too much on every weight adds to a product, negated, for each row of activations and run.
struct Corrections {
    run: usize,
    runs: usize,
    values: Vec<i32>,
}

impl Corrections {
    fn new(x: &Activations, run: usize) -> Self {
        let values = (0..x.rows())
            .flat_map(|m| x.sums(m).chunks_exact(run / 16))
            .map(|sums| -128 * sums.iter().map(|&sum| i32::from(sum)).sum::<i32>())
            .collect();
        Self { run, runs: x.columns() / run, values }
    }
}

impl Tile {
    /// Writes out rows `first` to `first + count` of `w`. Rows beyond `count` keep what they hold: nobody reads their sums.
    ///
    /// # Safety
    /// The processor has AVX-512 F, BW, VL.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn write_out(&mut self, w: Matrix<'_>, first: usize, count: usize) {
        let start = self.bytes.as_mut_ptr().cast::<u8>();
        let mut row_bytes = [0u8; 256];
        for row in 0..count {
            for (at, block) in w.row(first + row).chunks_exact(w.format.block_bytes()).enumerate() {
                let length = w.format.block();
                self.steps[at][row] = match w.format {
                    // SAFETY: the caller's promise.
                    Format::Q4K => unsafe { bytes_of_q4k(block, &mut row_bytes) },
                    Format::Q6K => bytes_of_q6k(block, &mut row_bytes),
                    Format::Q8 => {
                        for (to, from) in row_bytes.iter_mut().zip(&block[2..]) {
                            *to = from ^ 128;
                        }
                        half(block, 0)
                    }
                };
                let place = at * length / 4 * 128 + row / 16 * 64 + row % 16 * 4;
                for (index, four) in row_bytes[..length].chunks_exact(4).enumerate() {
                    // SAFETY: `bytes` has 128 bytes for each four columns, and row is below 32.
                    unsafe {
                        start.add(place + index * 128).cast::<[u8; 4]>().write([four[0], four[1], four[2], four[3]])
                    };
                }
            }
        }
    }
}

/// A block as bytes (plus 128) of one step, which is returned.
///
/// Each run of 32 has only 16 different weights, so a table of their bytes is made, and the
/// block is looked up in it.
///
/// # Safety
/// As [`Tile::write_out`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn bytes_of_q4k(block: &[u8], out: &mut [u8; 256]) -> f32 {
    let (step, minimum) = (half(block, 0), half(block, 2));
    let (scales, minima) = scales_q4k(block);
    let mut slopes = [0.0f32; 8];
    let mut offsets = [0.0f32; 8];
    let mut most = 0.0f32;
    for run in 0..8 {
        slopes[run] = step * f32::from(scales[run]);
        offsets[run] = -minimum * f32::from(minima[run]);
        most = most.max(offsets[run].abs()).max((offsets[run] + 15.0 * slopes[run]).abs());
    }
    let inverse = if most > 0.0 { 127.0 / most } else { 0.0 };
    let nibbles = _mm512_set_ps(15., 14., 13., 12., 11., 10., 9., 8., 7., 6., 5., 4., 3., 2., 1., 0.);
    let low = _mm256_set1_epi8(15);
    for pair in 0..4 {
        // SAFETY: 32 of the block's 128 bytes after its head of 16.
        let packed = unsafe { _mm256_loadu_si256(block.as_ptr().add(16 + pair * 32).cast()) };
        let halves = [_mm256_and_si256(packed, low), _mm256_and_si256(_mm256_srli_epi16(packed, 4), low)];
        for (which, indices) in halves.into_iter().enumerate() {
            let run = pair * 2 + which;
            let weights =
                _mm512_fmadd_ps(nibbles, _mm512_set1_ps(slopes[run] * inverse), _mm512_set1_ps(offsets[run] * inverse));
            let table = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(weights));
            let table = _mm256_broadcastsi128_si256(_mm_xor_si128(table, _mm_set1_epi8(-128)));
            let bytes = _mm256_shuffle_epi8(table, indices);
            // SAFETY: 32 of 256 bytes.
            unsafe { _mm256_storeu_si256(out.as_mut_ptr().add(run * 32).cast(), bytes) };
        }
    }
    most / 127.0
}

/// As [`bytes_of_q4k`]. Only the output table has this format, and only the last row of a prompt meets it.
fn bytes_of_q6k(block: &[u8], out: &mut [u8; 256]) -> f32 {
    let step = half(block, 208);
    let weights: [f32; 256] = std::array::from_fn(|index| {
        step * f32::from(scale_q6k(block, index / 16)) * (f32::from(six_bits_q6k(block, index)) - 32.0)
    });
    let most = weights.iter().fold(0.0f32, |most, w| most.max(w.abs()));
    let inverse = if most > 0.0 { 127.0 / most } else { 0.0 };
    for (out, weight) in out.iter_mut().zip(weights) {
        *out = (weight * inverse).round_ties_even() as i8 as u8 ^ 128;
    }
    most / 127.0
}

/// `sums[m]` = activations `first + m` times the tile's rows.
///
/// # Safety
/// The processor has AVX-512 F, BW, DQ and VNNI; `x` has `first + M` rows of the tile's columns.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn multiply<const M: usize>(
    tile: &Tile,
    x: &Activations,
    corrections: &Corrections,
    first: usize,
    sums: &mut [[f32; WIDE]; HIGH],
) {
    let columns = x.columns();
    let rows: [*const i8; M] = std::array::from_fn(|m| x.bytes(first + m).as_ptr());
    let scales: [&[f32]; M] = std::array::from_fn(|m| x.scales(first + m));
    let mut totals = [[_mm512_setzero_ps(); 2]; M];
    let lines = tile.bytes.as_ptr().cast::<u8>();
    for run in 0..columns / tile.run {
        // SAFETY: run is below the number of runs, for which there are corrections, steps and bytes.
        unsafe {
            let mut whole: [[__m512i; 2]; M] = std::array::from_fn(|m| {
                let value = *corrections.values.get_unchecked((first + m) * corrections.runs + run);
                [_mm512_set1_epi32(value); 2]
            });
            let start = run * corrections.run;
            for four in (start..start + tile.run).step_by(4) {
                let a = _mm512_load_si512(lines.add(four * 32).cast());
                let b = _mm512_load_si512(lines.add(four * 32 + 64).cast());
                for m in 0..M {
                    let x = _mm512_set1_epi32(rows[m].add(four).cast::<i32>().read_unaligned());
                    whole[m][0] = _mm512_dpbusd_epi32(whole[m][0], a, x);
                    whole[m][1] = _mm512_dpbusd_epi32(whole[m][1], b, x);
                }
            }
            let steps = tile.steps.get_unchecked(run).as_ptr();
            let (a, b) = (_mm512_loadu_ps(steps), _mm512_loadu_ps(steps.add(16)));
            for m in 0..M {
                let scale = _mm512_set1_ps(*scales[m].get_unchecked(start / x.run()));
                totals[m][0] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole[m][0]), _mm512_mul_ps(a, scale), totals[m][0]);
                totals[m][1] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole[m][1]), _mm512_mul_ps(b, scale), totals[m][1]);
            }
        }
    }
    for m in 0..M {
        // SAFETY: 32 places.
        unsafe {
            _mm512_storeu_ps(sums[m].as_mut_ptr(), totals[m][0]);
            _mm512_storeu_ps(sums[m].as_mut_ptr().add(16), totals[m][1]);
        }
    }
}
