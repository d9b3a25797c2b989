//! [`super::weigh`] over 32 queries, in the instructions that compilers do not find: the
//! fraction and the power of two in one each, and pairs of brain floats.

use std::arch::x86_64::*;

/// Queries in a panel.
pub const COLUMNS: usize = 32;

/// 2^x for x up to 0 within 4e-6 of its value: well below the rounding of a brain float.
/// Coefficients interpolate 2^r at the Chebyshev nodes of 0..1.
const SHORT: [f32; 5] = [1.000_003_5, 6.929_729e-1, 2.416_043_6e-1, 5.174_499_8e-2, 1.367_030_9e-2];
/// The same within 2e-7.
const LONG: [f32; 6] = [9.999_999e-1, 6.931_545e-1, 2.401_418_2e-1, 5.586_033_7e-2, 8.949_59e-3, 1.893_754e-3];

/// # Safety
/// The processor has AVX-512 F and DQ, and BF16 where `PAIRS`; `scores` has `keys` rows
/// of 32, and the other slices are of 32.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512bf16")]
pub unsafe fn weigh_pairs(
    scores: &mut [u32],
    scale: f32,
    largest: &mut [f32],
    sum: &mut [f32],
    correction: &mut [f32],
) -> bool {
    let keys = scores.len() / COLUMNS;
    let start = scores.as_mut_ptr().cast::<f32>();
    // SAFETY: the caller's promises.
    let (base, changed) = unsafe { raise(start, keys, scale, largest, correction) };
    let scale = _mm512_set1_ps(scale);
    // Words of two rows become one row: low halves of a pair of vectors and their high ones.
    let order: [u16; 32] = std::array::from_fn(|i| (i / 2 + i % 2 * 16) as u16);
    // SAFETY: 64 bytes.
    let order = unsafe { _mm512_loadu_si512(order.as_ptr().cast()) };
    let mut totals = [_mm512_setzero_ps(); 2];
    for pair in 0..keys.div_ceil(2) {
        for half in 0..2 {
            // SAFETY: rows 2 pair and, where it is there, 2 pair + 1; row `pair` was read
            // before or is the first of them.
            unsafe {
                let at = start.add(pair * 2 * COLUMNS + half * 16);
                let first = exp2(_mm512_fmsub_ps(_mm512_loadu_ps(at), scale, base[half]), &SHORT);
                let mut second = _mm512_setzero_ps();
                if pair * 2 + 1 < keys {
                    let row = _mm512_loadu_ps(at.add(COLUMNS));
                    second = exp2(_mm512_fmsub_ps(row, scale, base[half]), &SHORT);
                }
                totals[half] = _mm512_add_ps(totals[half], _mm512_add_ps(first, second));
                let both: __m512i = std::mem::transmute(_mm512_cvtne2ps_pbh(second, first));
                let words = _mm512_permutexvar_epi16(order, both);
                _mm512_storeu_si512(start.add(pair * COLUMNS + half * 16).cast(), words);
            }
        }
    }
    add_totals(totals, sum, correction);
    changed
}

/// # Safety
/// As [`weigh_pairs`], without BF16.
#[target_feature(enable = "avx512f,avx512dq")]
pub unsafe fn weigh_floats(
    scores: &mut [u32],
    scale: f32,
    largest: &mut [f32],
    sum: &mut [f32],
    correction: &mut [f32],
) -> bool {
    let keys = scores.len() / COLUMNS;
    let start = scores.as_mut_ptr().cast::<f32>();
    // SAFETY: the caller's promises.
    let (base, changed) = unsafe { raise(start, keys, scale, largest, correction) };
    let scale = _mm512_set1_ps(scale);
    let mut totals = [_mm512_setzero_ps(); 2];
    for key in 0..keys {
        for half in 0..2 {
            // SAFETY: half a row.
            unsafe {
                let at = start.add(key * COLUMNS + half * 16);
                let weight = exp2(_mm512_fmsub_ps(_mm512_loadu_ps(at), scale, base[half]), &LONG);
                totals[half] = _mm512_add_ps(totals[half], weight);
                _mm512_storeu_ps(at, weight);
            }
        }
    }
    add_totals(totals, sum, correction);
    changed
}

/// Raises the largest scores by those of the block. Returns what is to be subtracted from
/// its scores, and whether any query's results so far are to be corrected.
///
/// # Safety
/// As [`weigh_floats`].
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
unsafe fn raise(
    start: *const f32,
    keys: usize,
    scale: f32,
    largest: &mut [f32],
    correction: &mut [f32],
) -> ([__m512; 2], bool) {
    assert!(largest.len() == COLUMNS && correction.len() == COLUMNS);
    let lowest = _mm512_set1_ps(f32::NEG_INFINITY);
    let mut block = [[lowest; 2]; 2];
    for key in 0..keys {
        for half in 0..2 {
            // SAFETY: half a row. A score that is not a number is passed over, being the
            // first operand.
            unsafe {
                let score = _mm512_loadu_ps(start.add(key * COLUMNS + half * 16));
                block[key % 2][half] = _mm512_max_ps(score, block[key % 2][half]);
            }
        }
    }
    let mut base = [lowest; 2];
    let mut changed = false;
    for half in 0..2 {
        let scaled = _mm512_mul_ps(_mm512_max_ps(block[0][half], block[1][half]), _mm512_set1_ps(scale));
        // SAFETY: 16 of 32 numbers.
        unsafe {
            let before = _mm512_loadu_ps(largest.as_ptr().add(half * 16));
            let now = _mm512_max_ps(scaled, before);
            _mm512_storeu_ps(largest.as_mut_ptr().add(half * 16), now);
            // Queries that have seen no key subtract nothing, and correct what they have by 0.
            let seen = _mm512_cmpneq_ps_mask(now, lowest);
            base[half] = _mm512_maskz_mov_ps(seen, now);
            let had = _mm512_cmpneq_ps_mask(before, lowest);
            let factor = _mm512_maskz_mov_ps(had, exp2(_mm512_sub_ps(before, base[half]), &LONG));
            let same = _mm512_cmpeq_ps_mask(before, now);
            let factor = _mm512_mask_mov_ps(factor, same & had, _mm512_set1_ps(1.));
            _mm512_storeu_ps(correction.as_mut_ptr().add(half * 16), factor);
            changed |= !same != 0;
        }
    }
    (base, changed)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn add_totals(totals: [__m512; 2], sum: &mut [f32], correction: &[f32]) {
    assert!(sum.len() == COLUMNS && correction.len() == COLUMNS);
    for (half, total) in totals.into_iter().enumerate() {
        // SAFETY: 16 of 32 numbers.
        unsafe {
            let at = sum.as_mut_ptr().add(half * 16);
            let correction = _mm512_loadu_ps(correction.as_ptr().add(half * 16));
            _mm512_storeu_ps(at, _mm512_fmadd_ps(_mm512_loadu_ps(at), correction, total));
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn exp2<const N: usize>(x: __m512, coefficients: &[f32; N]) -> __m512 {
    // Keeps minus infinity from becoming no number; what is not a number stays so, being
    // the second operand.
    let x = _mm512_max_ps(_mm512_set1_ps(-150.), x);
    // x minus its floor, which the scaling by a power of two takes by itself.
    let r = _mm512_reduce_ps::<1>(x);
    let mut p = _mm512_set1_ps(coefficients[N - 1]);
    for &coefficient in coefficients.iter().rev().skip(1) {
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(coefficient));
    }
    _mm512_scalef_ps(p, x)
}
