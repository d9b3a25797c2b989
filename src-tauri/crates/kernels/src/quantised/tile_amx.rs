//! Many rows of activations with 32 rows of weights at a time, in the tiles of AMX.
//!
//! The weights are written out as for [`super::tile`], whose layout is that of the second operand here. Sums of bytes are
//! exact in either, and are turned into numbers in the same order, so that so are the results.

use std::arch::asm;
use std::arch::x86_64::*;

use super::Activations;
use super::tile::{Corrections, Tile, WIDE};

/// Rows of activations in one pass over a tile.
pub(super) const HIGH: usize = 32;

/// Columns whose sums are exact: their activations share a scale, and their weights a step.
pub(super) const RUN: usize = 256;

/// `sums[m]` = activations `first + m` times the tile's rows.
///
/// # Safety
/// The processor has AVX-512 F, this thread holds [`crate::amx::Tiles`], the tile's runs and those of `x` are of [`RUN`],
/// and `x` has `first + HIGH` rows of the tile's columns.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn multiply(
    tile: &Tile,
    x: &Activations,
    corrections: &Corrections,
    first: usize,
    sums: &mut [[f32; WIDE]; HIGH],
) {
    #[repr(align(64))]
    struct Whole([[i32; WIDE]; HIGH]);
    let mut whole = Whole([[0; WIDE]; HIGH]);
    let scales: [&[f32]; HIGH] = std::array::from_fn(|m| x.scales(first + m));
    let rows = x.bytes_of(first, HIGH).as_ptr();
    *sums = [[0.; WIDE]; HIGH];
    for run in 0..x.columns() / RUN {
        // SAFETY: a run of 32 rows of activations, which lie `columns` bytes apart, and of the tile, of which each four
        // columns are two lines; 4 KB of sums.
        unsafe {
            products(rows.add(run * RUN), x.columns(), tile.run_of(run), whole.0.as_mut_ptr().cast());
            let steps = tile.steps(run).as_ptr();
            let (a, b) = (_mm512_loadu_ps(steps), _mm512_loadu_ps(steps.add(16)));
            for m in 0..HIGH {
                let moved = _mm512_set1_epi32(corrections.of(first + m, run));
                let scale = _mm512_set1_ps(*scales[m].get_unchecked(run));
                let (whole, sums) = (whole.0[m].as_ptr(), sums[m].as_mut_ptr());
                for (half, steps) in [a, b].into_iter().enumerate() {
                    let sum = _mm512_add_epi32(_mm512_load_si512(whole.add(half * 16).cast()), moved);
                    let total = _mm512_loadu_ps(sums.add(half * 16));
                    let total = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_mul_ps(steps, scale), total);
                    _mm512_storeu_ps(sums.add(half * 16), total);
                }
            }
        }
    }
}

/// Sums of bytes over one run: 32 rows of activations, `stride` bytes apart, times 32 rows of weights.
///
/// # Safety
/// As [`multiply`].
#[inline(always)]
unsafe fn products(rows: *const i8, stride: usize, weights: *const u8, sums: *mut u8) {
    // SAFETY: each of the four rounds reads 64 bytes of each row of activations and 2 KB of weights; sums are 4 KB.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            "2:",
            "tileloadd tmm4, [{a} + {stride}]",
            "tileloadd tmm6, [{b} + {wide}]",
            "tileloadd tmm7, [{b} + {wide} + 64]",
            "tdpbsud tmm0, tmm4, tmm6",
            "tileloadd tmm5, [{lower} + {stride}]",
            "tdpbsud tmm1, tmm4, tmm7",
            "tdpbsud tmm2, tmm5, tmm6",
            "tdpbsud tmm3, tmm5, tmm7",
            "add {a}, 64",
            "add {lower}, 64",
            "add {b}, 2048",
            "dec {rounds:e}",
            "jnz 2b",
            "tilestored [{sums} + {wide}], tmm0",
            "tilestored [{sums} + {wide} + 64], tmm1",
            "tilestored [{sums} + {wide} + 2048], tmm2",
            "tilestored [{sums} + {wide} + 2112], tmm3",
            a = inout(reg) rows => _,
            lower = inout(reg) rows.add(16 * stride) => _,
            b = inout(reg) weights => _,
            rounds = inout(reg) RUN / 64 => _,
            stride = in(reg) stride,
            wide = in(reg) 4 * WIDE,
            sums = in(reg) sums,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}
