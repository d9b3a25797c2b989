//! One row of activations with some rows of weights, with 512-bit byte dot products.
//!
//! In each, the weights are the unsigned operand and the activations the signed one. What
//! a format takes off its weights (a minimum, or 32) is taken off as a multiple of the
//! activations' sums.

use std::arch::x86_64::*;

use super::{Activations, Format, Matrix};

/// `out[i]` = row `first + i` of `w` times row `m` of `x`.
///
/// # Safety
/// The processor has AVX-512 F, BW, DQ, VL and VNNI.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")]
pub(super) unsafe fn dots(w: Matrix<'_>, first: usize, x: &Activations, m: usize, out: &mut [f32]) {
    let x = Row { bytes: x.bytes(m), scales: x.scales(m), sums: x.sums(m) };
    for (index, out) in out.iter_mut().enumerate() {
        let row = w.row(first + index);
        // SAFETY: the caller's promise; rows and activations have the same columns, whole blocks of the format.
        *out = unsafe {
            match w.format {
                Format::Q4K => q4k(row, &x),
                Format::Q6K => q6k(row, &x),
                Format::Q8 => q8(row, &x),
            }
        };
    }
}

struct Row<'a> {
    bytes: &'a [i8],
    scales: &'a [f32],
    sums: &'a [i16],
}

/// # Safety
/// As [`dots`]; `row` is whole blocks, and `x` has 256 bytes, a scale and 16 sums for each.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")]
unsafe fn q4k(row: &[u8], x: &Row<'_>) -> f32 {
    let low = _mm512_set1_epi8(15);
    // Of 64 bytes the low halves are the runs 0 and 2 of 32 weights, the high halves 1 and 3.
    let lanes = |a: i32, b: i32| _mm512_set_epi32(b, b, b, b, b, b, b, b, a, a, a, a, a, a, a, a);
    let orders = [lanes(0, 2), lanes(1, 3), lanes(4, 6), lanes(5, 7)];
    let mut sum = _mm512_setzero_ps();
    let mut least = _mm_setzero_ps();
    for (at, block) in row.chunks_exact(144).enumerate() {
        let start = block.as_ptr();
        // SAFETY: all loads are inside this block of 144 bytes, its 256 activations and 16 sums.
        unsafe {
            let bytes = x.bytes.as_ptr().add(at * 256);
            let [a, b, c] = [4, 8, 12].map(|offset| start.add(offset).cast::<u32>().read_unaligned());
            let scales = u64::from(a & 0x3f3f_3f3f) | u64::from(c & 0x0f0f_0f0f | (a >> 6 & 0x0303_0303) << 4) << 32;
            let minima =
                u64::from(b & 0x3f3f_3f3f) | u64::from(c >> 4 & 0x0f0f_0f0f | (b >> 6 & 0x0303_0303) << 4) << 32;
            let scales = _mm512_castsi256_si512(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(scales as i64)));
            let steps = _mm_cvtph_ps(_mm_cvtsi32_si128(start.cast::<i32>().read_unaligned()));
            let steps = _mm_mul_ps(steps, _mm_set1_ps(*x.scales.get_unchecked(at)));

            let mut whole = _mm512_setzero_si512();
            for half in 0..2 {
                let packed = _mm512_loadu_si512(start.add(16 + half * 64).cast());
                let first = _mm512_and_si512(packed, low);
                let second = _mm512_and_si512(_mm512_srli_epi16(packed, 4), low);
                let runs = bytes.add(half * 128);
                let load = |offset: usize| _mm256_loadu_si256(runs.add(offset).cast());
                let x_first = _mm512_inserti64x4(_mm512_castsi256_si512(load(0)), load(64), 1);
                let x_second = _mm512_inserti64x4(_mm512_castsi256_si512(load(32)), load(96), 1);
                let zero = _mm512_setzero_si512();
                let dot = _mm512_dpbusd_epi32(zero, first, x_first);
                whole = _mm512_add_epi32(
                    whole,
                    _mm512_mullo_epi32(dot, _mm512_permutexvar_epi32(orders[half * 2], scales)),
                );
                let dot = _mm512_dpbusd_epi32(zero, second, x_second);
                whole = _mm512_add_epi32(
                    whole,
                    _mm512_mullo_epi32(dot, _mm512_permutexvar_epi32(orders[half * 2 + 1], scales)),
                );
            }
            let step = _mm512_broadcastss_ps(steps);
            sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole), step, sum);

            let sums = _mm256_loadu_si256(x.sums.as_ptr().add(at * 16).cast());
            let sums = _mm256_madd_epi16(sums, _mm256_set1_epi16(1));
            let minima = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(minima as i64));
            let taken = _mm256_mullo_epi32(sums, minima);
            let taken = _mm_add_epi32(_mm256_castsi256_si128(taken), _mm256_extracti128_si256(taken, 1));
            let minimum = _mm_shuffle_ps(steps, steps, 0b01_01_01_01);
            least = _mm_fmadd_ps(_mm_cvtepi32_ps(taken), minimum, least);
        }
    }
    let least = _mm_hadd_ps(least, least);
    let least = _mm_hadd_ps(least, least);
    _mm512_reduce_add_ps(sum) - _mm_cvtss_f32(least)
}

/// # Safety
/// As [`q4k`], with blocks of 210 bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")]
unsafe fn q6k(row: &[u8], x: &Row<'_>) -> f32 {
    let low = _mm512_set1_epi8(15);
    let high = _mm512_set1_epi8(0x30);
    // Two bits each of 32 bytes: the first half of the lanes takes one pair, the second the next.
    let pairs = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi16(2), 1);
    let pairs_high = _mm512_add_epi16(pairs, _mm512_set1_epi16(4));
    let lanes = |a: i32| {
        let (b, c, d) = (a + 1, a + 2, a + 3);
        _mm512_set_epi32(d, d, d, d, c, c, c, c, b, b, b, b, a, a, a, a)
    };
    let orders = [lanes(0), lanes(4), lanes(8), lanes(12)];
    let mut sum = _mm512_setzero_ps();
    for (at, block) in row.chunks_exact(210).enumerate() {
        let start = block.as_ptr();
        // SAFETY: all loads are inside this block of 210 bytes, its 256 activations and 16 sums.
        unsafe {
            let bytes = x.bytes.as_ptr().add(at * 256);
            let scales_bytes = _mm_loadu_si128(start.add(192).cast());
            let scales = _mm512_cvtepi8_epi32(scales_bytes);
            let step = _mm_cvtph_ps(_mm_cvtsi32_si128(i32::from(start.add(208).cast::<u16>().read_unaligned())));
            let step = _mm_mul_ss(step, _mm_set_ss(*x.scales.get_unchecked(at)));
            let mut whole = _mm512_setzero_si512();
            for half in 0..2 {
                let four = _mm512_loadu_si512(start.add(half * 64).cast());
                let two = _mm512_broadcast_i64x4(_mm256_loadu_si256(start.add(128 + half * 32).cast()));
                // Bits of neighbours that a 16-bit shift brings along are masked away. The two bits go to places 4 and 5.
                let first_high = _mm512_and_si512(_mm512_slli_epi16(_mm512_srlv_epi16(two, pairs), 4), high);
                let second_high = _mm512_and_si512(_mm512_slli_epi16(_mm512_srlv_epi16(two, pairs_high), 4), high);
                let first = _mm512_or_si512(_mm512_and_si512(four, low), first_high);
                let second = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi16(four, 4), low), second_high);
                let runs = bytes.add(half * 128);
                let zero = _mm512_setzero_si512();
                let dot = _mm512_dpbusd_epi32(zero, first, _mm512_loadu_si512(runs.cast()));
                whole = _mm512_add_epi32(
                    whole,
                    _mm512_mullo_epi32(dot, _mm512_permutexvar_epi32(orders[half * 2], scales)),
                );
                let dot = _mm512_dpbusd_epi32(zero, second, _mm512_loadu_si512(runs.add(64).cast()));
                whole = _mm512_add_epi32(
                    whole,
                    _mm512_mullo_epi32(dot, _mm512_permutexvar_epi32(orders[half * 2 + 1], scales)),
                );
            }
            let sums = _mm256_loadu_si256(x.sums.as_ptr().add(at * 16).cast());
            let taken = _mm256_slli_epi32(_mm256_madd_epi16(sums, _mm256_cvtepi8_epi16(scales_bytes)), 5);
            whole = _mm512_sub_epi32(whole, _mm512_zextsi256_si512(taken));
            sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole), _mm512_broadcastss_ps(step), sum);
        }
    }
    _mm512_reduce_add_ps(sum)
}

/// # Safety
/// As [`q4k`], with blocks of 34 bytes for 32 activations and 2 sums.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")]
unsafe fn q8(row: &[u8], x: &Row<'_>) -> f32 {
    let run = x.bytes.len() / x.scales.len();
    let sign = _mm256_set1_epi8(-128);
    let mut sum = _mm256_setzero_ps();
    for (at, block) in row.chunks_exact(34).enumerate() {
        // SAFETY: all loads are inside this block of 34 bytes, its 32 activations and 2 sums.
        unsafe {
            let weights = _mm256_loadu_si256(block.as_ptr().add(2).cast());
            // A byte with its sign turned is the byte plus 128, unsigned.
            let weights = _mm256_xor_si256(weights, sign);
            let sums = x.sums.as_ptr().add(at * 2);
            let taken = -128 * (i32::from(*sums) + i32::from(*sums.add(1)));
            let dot = _mm256_dpbusd_epi32(
                _mm256_zextsi128_si256(_mm_cvtsi32_si128(taken)),
                weights,
                _mm256_loadu_si256(x.bytes.as_ptr().add(at * 32).cast()),
            );
            let step = _mm_cvtph_ps(_mm_cvtsi32_si128(i32::from(block.as_ptr().cast::<u16>().read_unaligned())));
            let step = _mm_mul_ss(step, _mm_set_ss(*x.scales.get_unchecked(at * 32 / run)));
            sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), _mm256_broadcastss_ps(step), sum);
        }
    }
    let sum = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
    let sum = _mm_hadd_ps(sum, sum);
    let sum = _mm_hadd_ps(sum, sum);
    _mm_cvtss_f32(sum)
}
