//! The end of a tile of 32 columns in AVX-512: bias and rounding without a call for each row, for tiles that AMX computes
//! in the time that these would take.

use std::arch::x86_64::*;
use std::ops::Range;

use crate::threads::SharedMut;

/// Columns of a tile.
pub const COLUMNS: usize = 32;

/// Adds the bias of its columns to each row of a tile.
///
/// # Safety
/// The processor has AVX-512 F.
#[target_feature(enable = "avx512f")]
pub unsafe fn add_bias(tile: &mut [u32], bias: &[f32; COLUMNS]) {
    // SAFETY: 16 numbers each.
    let (low, high) = unsafe { (_mm512_loadu_ps(bias.as_ptr()), _mm512_loadu_ps(bias.as_ptr().add(16))) };
    for row in tile.as_chunks_mut::<COLUMNS>().0 {
        let row = row.as_mut_ptr().cast::<f32>();
        // SAFETY: a row of 32 numbers.
        unsafe {
            _mm512_storeu_ps(row, _mm512_add_ps(_mm512_loadu_ps(row), low));
            _mm512_storeu_ps(row.add(16), _mm512_add_ps(_mm512_loadu_ps(row.add(16)), high));
        }
    }
}

/// Writes the rows of a tile to their places, or adds them to what is there.
///
/// # Safety
/// The processor has AVX-512 F, and nobody else has these places, each of 32 numbers, at the same time.
#[target_feature(enable = "avx512f")]
pub unsafe fn put<const ADD: bool>(tile: &[u32], out: &SharedMut<f32>, places: impl Iterator<Item = Range<usize>>) {
    for (row, place) in tile.as_chunks::<COLUMNS>().0.iter().zip(places) {
        // SAFETY: the caller's promise.
        let out = unsafe { out.range(place) };
        assert_eq!(out.len(), COLUMNS);
        for half in [0, 16] {
            // SAFETY: 16 of 32 numbers each.
            unsafe {
                let (row, out) = (row.as_ptr().cast::<f32>().add(half), out.as_mut_ptr().add(half));
                let sums = _mm512_loadu_ps(row);
                _mm512_storeu_ps(out, if ADD { _mm512_add_ps(_mm512_loadu_ps(out), sums) } else { sums });
            }
        }
    }
}

/// Writes the rows of a tile to their places, rounded to brain floats.
///
/// # Safety
/// As [`put`], and the processor has AVX-512 BF16.
#[target_feature(enable = "avx512f,avx512bf16")]
pub unsafe fn round(tile: &[u32], out: &SharedMut<u16>, places: impl Iterator<Item = Range<usize>>) {
    for (row, place) in tile.as_chunks::<COLUMNS>().0.iter().zip(places) {
        // SAFETY: the caller's promise.
        let out = unsafe { out.range(place) };
        assert_eq!(out.len(), COLUMNS);
        let row = row.as_ptr().cast::<f32>();
        // SAFETY: 32 numbers, and as many brain floats, which are 64 bytes of which every value is valid.
        unsafe {
            let both = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(row.add(16)), _mm512_loadu_ps(row));
            _mm512_storeu_si512(out.as_mut_ptr().cast(), std::mem::transmute::<__m512bh, __m512i>(both));
        }
    }
}
