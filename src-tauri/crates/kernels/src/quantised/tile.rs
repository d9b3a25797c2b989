//! Many rows of activations with 32 rows of weights at a time.
//!
//! A thread writes 32 rows of weights out as unsigned bytes (the weight plus 128), so that
//! four neighbours of each of 16 rows make up one register, and multiplies them with all
//! rows of activations, six at a time, or 32 in the tiles of AMX ([`super::tile_amx`]). Writing out costs the same for one activation or a
//! thousand; a prompt of 300 tokens pays less than a tenth of its time for it.
//!
//! A block of `Q4K` and of `Q6K` becomes 256 bytes with one step: rounding to the step of a
//! block's largest weight / 127 adds less than a hundredth of the noise that four bits have
//! already. `Q8` keeps its own bytes and its step for each 32.

use std::arch::x86_64::*;

use super::block::{half, scale_q6k, scales_q4k, six_bits_q6k};
use super::{Activations, Format, Matrix, tile_amx};
use crate::amx::Tiles;
use crate::math::largest_magnitude;
use crate::threads::{SharedMut, for_each_part_with, part};

/// Rows of activations from which a tile is quicker than row by row.
pub(super) const WORTH: usize = 6;

/// Rows of weights in a tile: two registers of 16.
pub(super) const WIDE: usize = 32;

/// Rows of activations in one pass over a tile: 12 sums of 32 rows in integers and as many in numbers fill the registers.
const HIGH: usize = 6;

/// `y = x w^T`, as far as it goes in the tiles of AMX where `amx` says so.
///
/// # Safety
/// The processor has AVX-512 F, BW, DQ, VL and VNNI, and F16C; AMX where `amx` says so.
pub(super) unsafe fn product(w: Matrix<'_>, x: &Activations, y: &mut [f32], amx: bool) {
    let run = if w.format == Format::Q8 { 32 } else { 256 };
    let corrections = Corrections::new(x, run);
    let out = SharedMut::new(y);
    // Of 32 rows each; what is left over goes on as without them.
    let blocks = if amx && run == tile_amx::RUN { x.rows() / tile_amx::HIGH } else { 0 };
    for_each_part_with(
        w.rows.div_ceil(WIDE),
        // SAFETY: the caller's promise.
        || (Tile::new(w.columns, run), (blocks > 0).then(|| unsafe { Tiles::new() })),
        |(tile, _), index| {
            let rows = part(index, WIDE, w.rows);
            // SAFETY: the caller's promise.
            unsafe { tile.write_out(w, rows.start, rows.len()) };
            let put = |m: usize, sums: &[f32; WIDE]| {
                let start = m * w.rows + rows.start;
                // SAFETY: each part has its own rows of weights, and writes each row of activations once.
                unsafe { out.range(start..start + rows.len()) }.copy_from_slice(&sums[..rows.len()]);
            };
            for first in (0..blocks).map(|block| block * tile_amx::HIGH) {
                let mut sums = [[0.0; WIDE]; tile_amx::HIGH];
                // SAFETY: this thread holds tiles, the runs are of the length asked for, and the block is of rows of `x`.
                unsafe { tile_amx::multiply(tile, x, &corrections, first, &mut sums) };
                (first..).zip(&sums).for_each(|(m, sums)| put(m, sums));
            }
            for first in (blocks * tile_amx::HIGH..x.rows()).step_by(HIGH) {
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
                (first..).zip(&sums[..high]).for_each(|(m, sums)| put(m, sums));
            }
        },
    );
}

/// 64 bytes that begin at a line of the cache.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line([u8; 64]);

pub(super) struct Tile {
    /// For each four columns, two lines: four bytes of each of rows 0 to 15, and of rows 16 to 31.
    bytes: Vec<Line>,
    /// For each run of columns, what a step of each row is worth.
    steps: Vec<[f32; WIDE]>,
    run: usize,
}

/// What 128 too much on every weight adds to a product, negated, for each row of activations and run.
pub(super) struct Corrections {
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

    /// For a row of activations and one of its runs.
    #[inline(always)]
    pub(super) fn of(&self, row: usize, run: usize) -> i32 {
        self.values[row * self.runs + run]
    }
}

impl Tile {
    fn new(columns: usize, run: usize) -> Self {
        let bytes = vec![Line([0; 64]); columns.next_multiple_of(64) / 4 * 2];
        Self { bytes, steps: vec![[0.0; WIDE]; columns / run], run }
    }

    /// Where the bytes of a run of columns lie.
    #[inline(always)]
    pub(super) fn run_of(&self, run: usize) -> *const u8 {
        let lines = self.run / 4 * 2;
        self.bytes[run * lines..(run + 1) * lines].as_ptr().cast()
    }

    /// What a step of each row is worth in a run of columns.
    #[inline(always)]
    pub(super) fn steps(&self, run: usize) -> &[f32; WIDE] {
        &self.steps[run]
    }

    /// Writes out rows `first` to `first + count` of `w`. Rows beyond `count` hold anything: nobody reads their sums.
    ///
    /// 16 rows of a few columns at a time, so that what is written stays in the nearest cache and leaves it in whole lines.
    ///
    /// # Safety
    /// The processor has AVX-512 F, BW, DQ, VL and F16C.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
    unsafe fn write_out(&mut self, w: Matrix<'_>, first: usize, count: usize) {
        let lines = self.bytes.as_mut_ptr().cast::<__m512i>();
        const COLUMNS: usize = 256;
        let (block, size) = (w.format.block(), w.format.block_bytes());
        let mut written = [[Line([0; 64]); COLUMNS / 64]; 16];
        for start in (0..w.columns).step_by(COLUMNS) {
            let blocks = start / block..w.columns.min(start + COLUMNS) / block;
            for rows in [0..count.min(16), 16..count] {
                let group = rows.start / 16;
                for row in rows {
                    let written = &mut written[row % 16];
                    let weights = w.row(first + row);
                    // The same place of the tile to come.
                    let ahead = weights.as_ptr().wrapping_add(blocks.start * size + WIDE * weights.len());
                    for line in (0..blocks.len() * size).step_by(64) {
                        // Asking changes nothing, and an address that nobody may read is passed over.
                        _mm_prefetch(ahead.wrapping_add(line).cast(), _MM_HINT_T0);
                    }
                    for at in blocks.clone() {
                        let weights = &weights[at * size..][..size];
                        let to = &mut written[(at * block - start) / 64..];
                        self.steps[at][row] = match w.format {
                            // SAFETY: the caller's promise.
                            Format::Q4K => unsafe { bytes_of_q4k(weights, to) },
                            Format::Q6K => bytes_of_q6k(weights, to),
                            Format::Q8 => {
                                let to = &mut to[0].0[at * block % 64..][..block];
                                for (to, from) in to.iter_mut().zip(&weights[2..]) {
                                    *to = from ^ 128;
                                }
                                half(weights, 0)
                            }
                        };
                    }
                }
                for part in 0..(blocks.len() * block).div_ceil(64) {
                    // SAFETY: `bytes` has two lines for each four columns, in whole 64 columns.
                    unsafe { transposed(&written, part, lines.add((start / 4 + part * 16) * 2 + group)) };
                }
            }
        }
    }
}

/// Writes line `part` of 16 rows so that each four bytes of all rows make up a line: 16 of them, every other one from `to`.
///
/// # Safety
/// As [`Tile::write_out`]; `to` has room for 31 lines.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn transposed(rows: &[[Line; 4]; 16], part: usize, to: *mut __m512i) {
    let mut a = [_mm512_setzero_si512(); 16];
    let mut b = a;
    for (a, row) in a.iter_mut().zip(rows) {
        // SAFETY: a line.
        *a = unsafe { _mm512_load_si512((&raw const row[part]).cast()) };
    }
    for two in (0..16).step_by(2) {
        b[two] = _mm512_unpacklo_epi32(a[two], a[two + 1]);
        b[two + 1] = _mm512_unpackhi_epi32(a[two], a[two + 1]);
    }
    for four in (0..16).step_by(4) {
        a[four] = _mm512_unpacklo_epi64(b[four], b[four + 2]);
        a[four + 1] = _mm512_unpackhi_epi64(b[four], b[four + 2]);
        a[four + 2] = _mm512_unpacklo_epi64(b[four + 1], b[four + 3]);
        a[four + 3] = _mm512_unpackhi_epi64(b[four + 1], b[four + 3]);
    }
    // In a[4 g + k], quarter l has column 4 l + k of rows 4 g to 4 g + 3.
    for k in 0..4 {
        let even = (_mm512_shuffle_i32x4(a[k], a[4 + k], 0x44), _mm512_shuffle_i32x4(a[8 + k], a[12 + k], 0x44));
        let odd = (_mm512_shuffle_i32x4(a[k], a[4 + k], 0xee), _mm512_shuffle_i32x4(a[8 + k], a[12 + k], 0xee));
        let columns = [
            _mm512_shuffle_i32x4(even.0, even.1, 0x88),
            _mm512_shuffle_i32x4(even.0, even.1, 0xdd),
            _mm512_shuffle_i32x4(odd.0, odd.1, 0x88),
            _mm512_shuffle_i32x4(odd.0, odd.1, 0xdd),
        ];
        for (quarter, column) in columns.into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { _mm512_store_si512(to.add((quarter * 4 + k) * 2), column) };
        }
    }
}

/// A block as bytes (plus 128) of one step, which is returned; where a number of the block is
/// none, so is the step.
///
/// Each run of 32 has only 16 different weights, so a table of their bytes is made, and the
/// block is looked up in it.
///
/// # Safety
/// As [`Tile::write_out`]; a block of 144 bytes, and four lines.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
unsafe fn bytes_of_q4k(block: &[u8], out: &mut [Line]) -> f32 {
    let (scales, minima) = scales_q4k(block);
    let numbers =
        |bytes: [u8; 8]| _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(i64::from_le_bytes(bytes))));
    let head = i32::from_le_bytes([block[0], block[1], block[2], block[3]]);
    let head = _mm_cvtph_ps(_mm_cvtsi32_si128(head));
    let slopes = _mm256_mul_ps(numbers(scales), _mm256_broadcastss_ps(head));
    let offsets = _mm256_mul_ps(numbers(minima), _mm256_broadcastss_ps(_mm_movehdup_ps(head)));
    let offsets = _mm256_sub_ps(_mm256_setzero_ps(), offsets);
    let last = _mm256_fmadd_ps(slopes, _mm256_set1_ps(15.0), offsets);
    let magnitude = _mm256_set1_ps(f32::from_bits(0x7fff_ffff));
    let bits = |x: __m256| _mm256_castps_si256(_mm256_and_ps(x, magnitude));
    // In the order of integers, in which what is no number stands above infinity.
    let most = _mm512_zextsi256_si512(_mm256_max_epi32(bits(offsets), bits(last)));
    let most = f32::from_bits(_mm512_reduce_max_epi32(most) as u32);
    let inverse = _mm256_set1_ps(if most > 0.0 { 127.0 / most } else { 0.0 });
    let (mut slope_of, mut offset_of) = ([0f32; 8], [0f32; 8]);
    // SAFETY: eight numbers each.
    unsafe {
        _mm256_storeu_ps(slope_of.as_mut_ptr(), _mm256_mul_ps(slopes, inverse));
        _mm256_storeu_ps(offset_of.as_mut_ptr(), _mm256_mul_ps(offsets, inverse));
    }
    let nibbles = _mm512_set_ps(15., 14., 13., 12., 11., 10., 9., 8., 7., 6., 5., 4., 3., 2., 1., 0.);
    // A table in each quarter: packing leaves four bytes of each of the four in every quarter.
    let quarters = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    let tables: [__m512i; 2] = std::array::from_fn(|four| {
        let weights: [__m512i; 4] = std::array::from_fn(|run| {
            let (slope, offset) = (slope_of[four * 4 + run], offset_of[four * 4 + run]);
            _mm512_cvtps_epi32(_mm512_fmadd_ps(nibbles, _mm512_set1_ps(slope), _mm512_set1_ps(offset)))
        });
        let low = _mm512_packs_epi32(weights[0], weights[1]);
        let bytes = _mm512_packs_epi16(low, _mm512_packs_epi32(weights[2], weights[3]));
        _mm512_xor_si512(_mm512_permutexvar_epi32(quarters, bytes), _mm512_set1_epi8(-128))
    });
    // The second 32 of 64 weights are the high halves of the first ones' bytes.
    let shifts = _mm512_inserti64x4::<1>(_mm512_setzero_si512(), _mm256_set1_epi16(4));
    let out = out.as_mut_ptr().cast::<u8>();
    for pair in 0..4 {
        // SAFETY: 32 of the block's 128 bytes after its head of 16.
        let packed = unsafe { _mm256_loadu_si256(block.as_ptr().add(16 + pair * 32).cast()) };
        let shifted = _mm512_srlv_epi16(_mm512_broadcast_i64x4(packed), shifts);
        let indices = _mm512_and_si512(shifted, _mm512_set1_epi8(15));
        let tables = match pair % 2 {
            0 => _mm512_shuffle_i32x4::<0b01_01_00_00>(tables[pair / 2], tables[pair / 2]),
            _ => _mm512_shuffle_i32x4::<0b11_11_10_10>(tables[pair / 2], tables[pair / 2]),
        };
        // SAFETY: 64 of the four lines' 256 bytes.
        unsafe { _mm512_storeu_si512(out.add(pair * 64).cast(), _mm512_shuffle_epi8(tables, indices)) };
    }
    most / 127.0
}

/// As [`bytes_of_q4k`]. Only the output table has this format, and only the last row of a prompt meets it.
fn bytes_of_q6k(block: &[u8], out: &mut [Line]) -> f32 {
    let step = half(block, 208);
    let weights: [f32; 256] = std::array::from_fn(|index| {
        step * f32::from(scale_q6k(block, index / 16)) * (f32::from(six_bits_q6k(block, index)) - 32.0)
    });
    let most = largest_magnitude(&weights); // Not a number where the step is not.
    let inverse = if most > 0.0 { 127.0 / most } else { 0.0 };
    for (out, weight) in out.iter_mut().flat_map(|line| &mut line.0).zip(weights) {
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
