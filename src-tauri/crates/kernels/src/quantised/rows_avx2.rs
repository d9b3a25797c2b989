//! One row of activations, or a few, with some rows of weights, with AVX2.
//!
//! Without byte dot products, pairs of an unsigned and a signed byte are multiplied and
//! added in 16 bits (`vpmaddubsw`), which holds for weights of at most 7 bits. A few rows
//! share the taking apart of the weights; each one's own sums are the same as if it were alone.

use std::arch::x86_64::*;

use super::rows_x86::{Row, ask_ahead};
use super::{Activations, Format, Matrix, ROWS, TOGETHER};

/// `out[i][j]` = row `first + j` of `w`, of `count`, times row `m + i` of `x`, of `M`. Returns `M`.
///
/// # Safety
/// The processor has AVX2, FMA and F16C.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn dots<const M: usize>(
    w: Matrix<'_>,
    first: usize,
    count: usize,
    x: &Activations,
    m: usize,
    out: &mut [[f32; ROWS]; TOGETHER],
) -> usize {
    let x: [Row<'_>; M] = std::array::from_fn(|i| Row::of(x, m + i));
    for index in 0..count {
        let row = w.row(first + index);
        // SAFETY: the caller's promise; rows and activations have the same columns, whole blocks of the format.
        let sums = unsafe {
            match w.format {
                Format::Q4K => q4k(row, &x),
                Format::Q6K => q6k(row, &x),
                Format::Q8 => q8(row, &x),
            }
        };
        for (out, sum) in out.iter_mut().zip(sums) {
            out[index] = sum;
        }
    }
    M
}

/// # Safety
/// As [`dots`]; `row` is whole blocks, and `x` has 256 bytes, a scale and 16 sums for each.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn q4k<const M: usize>(row: &[u8], x: &[Row<'_>; M]) -> [f32; M] {
    let low = _mm256_set1_epi8(15);
    let mut sum = [_mm256_setzero_ps(); M];
    let mut least = [_mm_setzero_ps(); M];
    for (at, block) in row.chunks_exact(144).enumerate() {
        let start = block.as_ptr();
        ask_ahead::<144>(start);
        let (scales, minima) = super::block::scales_q4k(block);
        // SAFETY: all loads are inside this block of 144 bytes, its 256 activations and 16 sums.
        unsafe {
            let mut whole = [_mm256_setzero_si256(); M];
            for pair in 0..4 {
                let packed = _mm256_loadu_si256(start.add(16 + pair * 32).cast());
                let halves = [_mm256_and_si256(packed, low), _mm256_and_si256(_mm256_srli_epi16(packed, 4), low)];
                for (which, weights) in halves.into_iter().enumerate() {
                    let run = pair * 2 + which;
                    let scale = _mm256_set1_epi16(i16::from(scales[run]));
                    for m in 0..M {
                        // At most 2 x 15 x 127, far inside 16 bits.
                        let bytes = _mm256_loadu_si256(x[m].bytes.as_ptr().add(at * 256 + run * 32).cast());
                        let dot = _mm256_maddubs_epi16(weights, bytes);
                        whole[m] = _mm256_add_epi32(whole[m], _mm256_madd_epi16(dot, scale));
                    }
                }
            }
            let steps = _mm_cvtph_ps(_mm_cvtsi32_si128(start.cast::<i32>().read_unaligned()));
            let minima = _mm256_cvtepu8_epi32(_mm_loadl_epi64(minima.as_ptr().cast()));
            for m in 0..M {
                let steps = _mm_mul_ps(steps, _mm_set1_ps(*x[m].scales.get_unchecked(at)));
                sum[m] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(whole[m]), _mm256_broadcastss_ps(steps), sum[m]);
                let sums = _mm256_loadu_si256(x[m].sums.as_ptr().add(at * 16).cast());
                let sums = _mm256_madd_epi16(sums, _mm256_set1_epi16(1));
                let taken = _mm256_mullo_epi32(sums, minima);
                let taken = _mm_add_epi32(_mm256_castsi256_si128(taken), _mm256_extracti128_si256(taken, 1));
                let minimum = _mm_shuffle_ps(steps, steps, 0b01_01_01_01);
                least[m] = _mm_fmadd_ps(_mm_cvtepi32_ps(taken), minimum, least[m]);
            }
        }
    }
    let mut out = [0.0; M];
    for m in 0..M {
        let least = _mm_hadd_ps(least[m], least[m]);
        let least = _mm_hadd_ps(least, least);
        out[m] = total(sum[m]) - _mm_cvtss_f32(least);
    }
    out
}

/// # Safety
/// As [`q4k`], with blocks of 210 bytes.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn q6k<const M: usize>(row: &[u8], x: &[Row<'_>; M]) -> [f32; M] {
    let low = _mm256_set1_epi8(15);
    let two_bits = _mm256_set1_epi8(0x30);
    let mut sum = [_mm256_setzero_ps(); M];
    for (at, block) in row.chunks_exact(210).enumerate() {
        let start = block.as_ptr();
        ask_ahead::<210>(start);
        // SAFETY: all loads are inside this block of 210 bytes, its 256 activations and 16 sums.
        unsafe {
            let scales = _mm256_cvtepi8_epi16(_mm_loadu_si128(start.add(192).cast()));
            let step = _mm_cvtph_ps(_mm_cvtsi32_si128(i32::from(start.add(208).cast::<u16>().read_unaligned())));
            let mut whole = [_mm256_setzero_si256(); M];
            for m in 0..M {
                let sums = _mm256_loadu_si256(x[m].sums.as_ptr().add(at * 16).cast());
                let taken = _mm256_slli_epi32(_mm256_madd_epi16(sums, scales), 5);
                whole[m] = _mm256_sub_epi32(_mm256_setzero_si256(), taken);
            }
            for half in 0..2 {
                let two = _mm256_loadu_si256(start.add(128 + half * 32).cast());
                for quarter in 0..4 {
                    let four = _mm256_loadu_si256(start.add(half * 64 + quarter % 2 * 32).cast());
                    let four = if quarter < 2 { four } else { _mm256_srli_epi16(four, 4) };
                    let high = match quarter {
                        0 => _mm256_slli_epi16(two, 4),
                        1 => _mm256_slli_epi16(two, 2),
                        2 => two,
                        _ => _mm256_srli_epi16(two, 2),
                    };
                    let weights = _mm256_or_si256(_mm256_and_si256(four, low), _mm256_and_si256(high, two_bits));
                    let run = half * 4 + quarter;
                    let scale = |index: usize| i16::from(*start.add(192 + index).cast::<i8>());
                    let scale = _mm256_set_m128i(_mm_set1_epi16(scale(run * 2 + 1)), _mm_set1_epi16(scale(run * 2)));
                    for m in 0..M {
                        // At most 2 x 63 x 127, inside 16 bits.
                        let bytes = _mm256_loadu_si256(x[m].bytes.as_ptr().add(at * 256 + run * 32).cast());
                        let dot = _mm256_maddubs_epi16(weights, bytes);
                        whole[m] = _mm256_add_epi32(whole[m], _mm256_madd_epi16(dot, scale));
                    }
                }
            }
            for m in 0..M {
                let step = _mm_mul_ss(step, _mm_set_ss(*x[m].scales.get_unchecked(at)));
                sum[m] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(whole[m]), _mm256_broadcastss_ps(step), sum[m]);
            }
        }
    }
    let mut out = [0.0; M];
    for m in 0..M {
        out[m] = total(sum[m]);
    }
    out
}

/// # Safety
/// As [`q4k`], with blocks of 34 bytes for 32 activations and 2 sums.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn q8<const M: usize>(row: &[u8], x: &[Row<'_>; M]) -> [f32; M] {
    // Blocks that share a scale of the activations.
    let run = x[0].bytes.len() / x[0].scales.len() / 32;
    let mut sum = [_mm256_setzero_ps(); M];
    for (group, blocks) in row.chunks_exact(34 * run).enumerate() {
        for (at, block) in (group * run..).zip(blocks.chunks_exact(34)) {
            ask_ahead::<34>(block.as_ptr());
            // SAFETY: all loads are inside this block of 34 bytes and its 32 activations.
            unsafe {
                let weights: [__m256i; 2] = [
                    _mm256_cvtepi8_epi16(_mm_loadu_si128(block.as_ptr().add(2).cast())),
                    _mm256_cvtepi8_epi16(_mm_loadu_si128(block.as_ptr().add(18).cast())),
                ];
                let step = _mm_cvtph_ps(_mm_cvtsi32_si128(i32::from(block.as_ptr().cast::<u16>().read_unaligned())));
                for m in 0..M {
                    let mut whole = _mm256_setzero_si256();
                    for (half, weights) in weights.into_iter().enumerate() {
                        let bytes = _mm_loadu_si128(x[m].bytes.as_ptr().add(at * 32 + half * 16).cast());
                        whole = _mm256_add_epi32(whole, _mm256_madd_epi16(weights, _mm256_cvtepi8_epi16(bytes)));
                    }
                    let step = _mm_mul_ss(step, _mm_set_ss(*x[m].scales.get_unchecked(group)));
                    sum[m] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(whole), _mm256_broadcastss_ps(step), sum[m]);
                }
            }
        }
    }
    let mut out = [0.0; M];
    for m in 0..M {
        out[m] = total(sum[m]);
    }
    out
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn total(sum: __m256) -> f32 {
    let sum = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
    let sum = _mm_hadd_ps(sum, sum);
    _mm_cvtss_f32(_mm_hadd_ps(sum, sum))
}
