//! One row of activations, or a few, with some rows of weights, with 512-bit byte dot products.
//!
//! A few rows share the taking apart of the weights; each one's own sums are the same as if it were alone.
//!
//! In each, the weights are the unsigned operand and the activations the signed one. What
//! a format takes off its weights (a minimum, or 32) is taken off as a multiple of the
//! activations' sums.

use std::arch::x86_64::*;

use super::rows_x86::{Row, ask_ahead};
use super::{Activations, Format, Matrix, ROWS, TOGETHER};

/// `out[i][j]` = row `first + j` of `w`, of `count`, times row `m + i` of `x`, of `M`. Returns `M`.
///
/// # Safety
/// The processor has AVX-512 F, BW, DQ, VL and VNNI.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")]
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

/// A shuffle that puts byte `pick(lane)` of each eight into 16-bit lane `lane`, above it zero.
const fn spread<const BYTES: usize>(order: [u8; 4]) -> [u8; BYTES] {
    let mut control = [0x80; BYTES];
    let mut at = 0;
    while at < BYTES {
        // A quarter of the register has one of `order`.
        control[at] = order[at / (BYTES / 4)];
        at += 2;
    }
    control
}

/// Of 64 bytes the low halves are the runs 0 and 2 of 32 weights, the high halves 1 and 3.
const Q4K_RUNS: [[u8; 64]; 4] =
    [spread([0, 0, 2, 2]), spread([1, 1, 3, 3]), spread([4, 4, 6, 6]), spread([5, 5, 7, 7])];

/// The minima of the runs, each for the two sums of 16 activations that it is taken off.
const Q4K_MINIMA: [u8; 32] = {
    let mut control = [0x80; 32];
    let mut lane = 0;
    while lane < 16 {
        control[lane * 2] = (lane / 2) as u8;
        lane += 1;
    }
    control
};

/// # Safety
/// As [`dots`]; `row` is whole blocks, and `x` has 256 bytes, a scale and 16 sums for each.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")]
unsafe fn q4k<const M: usize>(row: &[u8], x: &[Row<'_>; M]) -> [f32; M] {
    let low = _mm512_set1_epi8(15);
    // SAFETY: arrays of the registers' sizes.
    let (orders, minima_order) = unsafe {
        let load = |run: usize| _mm512_loadu_si512(Q4K_RUNS[run].as_ptr().cast());
        ([load(0), load(1), load(2), load(3)], _mm256_loadu_si256(Q4K_MINIMA.as_ptr().cast()))
    };
    let mut sum = [_mm512_setzero_ps(); M];
    let mut least = [_mm256_setzero_ps(); M];
    for at in 0..row.len() / 144 {
        // SAFETY: all loads are inside this block of 144 bytes, its 256 activations and 16 sums.
        unsafe {
            let start = row.as_ptr().add(at * 144);
            ask_ahead::<144>(start);
            let word = |offset: usize| start.add(offset).cast::<u32>().read_unaligned();
            let (a, b, c) = (word(4), word(8), word(12));
            let scales = u64::from(a & 0x3f3f_3f3f) | u64::from(c & 0x0f0f_0f0f | (a >> 6 & 0x0303_0303) << 4) << 32;
            let minima =
                u64::from(b & 0x3f3f_3f3f) | u64::from(c >> 4 & 0x0f0f_0f0f | (b >> 6 & 0x0303_0303) << 4) << 32;
            let scales = _mm512_set1_epi64(scales as i64);
            let minima = _mm256_shuffle_epi8(_mm256_set1_epi64x(minima as i64), minima_order);
            let steps = _mm_cvtph_ps(_mm_cvtsi32_si128(start.cast::<i32>().read_unaligned()));

            let mut whole = [_mm512_setzero_si512(); M];
            for half in 0..2 {
                let packed = _mm512_loadu_si512(start.add(16 + half * 64).cast());
                let first = _mm512_and_si512(packed, low);
                let second = _mm512_and_si512(_mm512_srli_epi16(packed, 4), low);
                let first_scales = _mm512_shuffle_epi8(scales, orders[half * 2]);
                let second_scales = _mm512_shuffle_epi8(scales, orders[half * 2 + 1]);
                for m in 0..M {
                    let bytes = x[m].bytes.as_ptr().add(at * 256 + half * 128);
                    let load = |offset: usize| _mm256_loadu_si256(bytes.add(offset).cast());
                    let pair = |a: usize, b: usize| _mm512_inserti64x4(_mm512_castsi256_si512(load(a)), load(b), 1);
                    // Two products of at most 15 x 128 fit 16 bits.
                    let first = _mm512_maddubs_epi16(first, pair(0, 64));
                    let second = _mm512_maddubs_epi16(second, pair(32, 96));
                    whole[m] = _mm512_dpwssd_epi32(whole[m], first, first_scales);
                    whole[m] = _mm512_dpwssd_epi32(whole[m], second, second_scales);
                }
            }
            for m in 0..M {
                let steps = _mm_mul_ps(steps, _mm_set1_ps(*x[m].scales.get_unchecked(at)));
                sum[m] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole[m]), _mm512_broadcastss_ps(steps), sum[m]);
                let sums = _mm256_loadu_si256(x[m].sums.as_ptr().add(at * 16).cast());
                let taken = _mm256_cvtepi32_ps(_mm256_madd_epi16(sums, minima));
                least[m] = _mm256_fmadd_ps(taken, _mm256_broadcastss_ps(_mm_movehdup_ps(steps)), least[m]);
            }
        }
    }
    let mut out = [0.0; M];
    for m in 0..M {
        out[m] = _mm512_reduce_add_ps(_mm512_sub_ps(sum[m], _mm512_zextps256_ps512(least[m])));
    }
    out
}

/// # Safety
/// As [`q4k`], with blocks of 210 bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")]
unsafe fn q6k<const M: usize>(row: &[u8], x: &[Row<'_>; M]) -> [f32; M] {
    let low = _mm512_set1_epi8(15);
    let high = _mm512_set1_epi8(0x30);
    // Two bits each of 32 bytes: the first half of the lanes takes one pair, the second the next.
    let pairs = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi16(2), 1);
    let pairs_high = _mm512_add_epi16(pairs, _mm512_set1_epi16(4));
    // Lane 2a and 2a + 1 of 16 bits have the scale of their 16 weights, which are a quarter of the register.
    let lanes = |a: i16| {
        let quarter = |b: i16| _mm_set1_epi16(a + b);
        let (lower, upper) = (_mm256_set_m128i(quarter(1), quarter(0)), _mm256_set_m128i(quarter(3), quarter(2)));
        _mm512_inserti64x4(_mm512_castsi256_si512(lower), upper, 1)
    };
    let orders = [lanes(0), lanes(4), lanes(8), lanes(12)];
    let mut sum = [_mm512_setzero_ps(); M];
    for at in 0..row.len() / 210 {
        // SAFETY: all loads are inside this block of 210 bytes, its 256 activations and 16 sums.
        unsafe {
            let start = row.as_ptr().add(at * 210);
            ask_ahead::<210>(start);
            let scales = _mm256_cvtepi8_epi16(_mm_loadu_si128(start.add(192).cast()));
            let step = _mm_cvtph_ps(_mm_cvtsi32_si128(i32::from(start.add(208).cast::<u16>().read_unaligned())));
            let all_scales = _mm512_castsi256_si512(scales);
            let mut whole = [_mm512_setzero_si512(); M];
            for half in 0..2 {
                let four = _mm512_loadu_si512(start.add(half * 64).cast());
                let two = _mm512_broadcast_i64x4(_mm256_loadu_si256(start.add(128 + half * 32).cast()));
                // Bits of neighbours that a 16-bit shift brings along are masked away. The two bits go to places 4 and 5.
                let first_high = _mm512_and_si512(_mm512_slli_epi16(_mm512_srlv_epi16(two, pairs), 4), high);
                let second_high = _mm512_and_si512(_mm512_slli_epi16(_mm512_srlv_epi16(two, pairs_high), 4), high);
                let first = _mm512_or_si512(_mm512_and_si512(four, low), first_high);
                let second = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi16(four, 4), low), second_high);
                let first_scales = _mm512_permutexvar_epi16(orders[half * 2], all_scales);
                let second_scales = _mm512_permutexvar_epi16(orders[half * 2 + 1], all_scales);
                for m in 0..M {
                    let bytes = x[m].bytes.as_ptr().add(at * 256 + half * 128);
                    let load = |run: usize| _mm512_loadu_si512(bytes.add(run * 64).cast());
                    // Two products of at most 63 x 128 fit 16 bits.
                    let first = _mm512_maddubs_epi16(first, load(0));
                    let second = _mm512_maddubs_epi16(second, load(1));
                    whole[m] = _mm512_dpwssd_epi32(whole[m], first, first_scales);
                    whole[m] = _mm512_dpwssd_epi32(whole[m], second, second_scales);
                }
            }
            for m in 0..M {
                let sums = _mm256_loadu_si256(x[m].sums.as_ptr().add(at * 16).cast());
                let taken = _mm256_slli_epi32(_mm256_madd_epi16(sums, scales), 5);
                let whole = _mm512_sub_epi32(whole[m], _mm512_zextsi256_si512(taken));
                let step = _mm_mul_ss(step, _mm_set_ss(*x[m].scales.get_unchecked(at)));
                sum[m] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole), _mm512_broadcastss_ps(step), sum[m]);
            }
        }
    }
    let mut out = [0.0; M];
    for m in 0..M {
        out[m] = _mm512_reduce_add_ps(sum[m]);
    }
    out
}

/// # Safety
/// As [`q4k`], with blocks of 34 bytes for 32 activations and 2 sums.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")]
unsafe fn q8<const M: usize>(row: &[u8], x: &[Row<'_>; M]) -> [f32; M] {
    // Blocks that share a scale of the activations.
    let run = x[0].bytes.len() / x[0].scales.len() / 32;
    let sign = _mm256_set1_epi8(-128);
    let mut sum = [_mm256_setzero_ps(); M];
    for group in 0..x[0].scales.len() {
        for at in group * run..(group + 1) * run {
            // SAFETY: all loads are inside this block of 34 bytes, its 32 activations and 2 sums.
            unsafe {
                let start = row.as_ptr().add(at * 34);
                ask_ahead::<34>(start);
                // A byte with its sign turned is the byte plus 128, unsigned.
                let weights = _mm256_xor_si256(_mm256_loadu_si256(start.add(2).cast()), sign);
                let step = _mm_cvtph_ps(_mm_cvtsi32_si128(i32::from(start.cast::<u16>().read_unaligned())));
                for m in 0..M {
                    let bytes = _mm256_loadu_si256(x[m].bytes.as_ptr().add(at * 32).cast());
                    let sums = x[m].sums.as_ptr().add(at * 2);
                    let taken = -128 * (i32::from(*sums) + i32::from(*sums.add(1)));
                    let taken = _mm256_zextsi128_si256(_mm_cvtsi32_si128(taken));
                    let dot = _mm256_dpbusd_epi32(taken, weights, bytes);
                    let step = _mm_mul_ss(step, _mm_set_ss(*x[m].scales.get_unchecked(group)));
                    sum[m] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), _mm256_broadcastss_ps(step), sum[m]);
                }
            }
        }
    }
    let mut out = [0.0; M];
    for m in 0..M {
        out[m] = _mm512_reduce_add_ps(_mm512_zextps256_ps512(sum[m]));
    }
    out
}
