//! Tiles of 6 x 16: 24 of the 32 registers hold sums.

use std::arch::aarch64::*;

use super::Kind;

/// Computes a tile.
///
/// # Safety
/// The processor has NEON. `height` is 1, 2, 4 or 6; there are `steps * height` words,
/// `steps * 16` vectors of the width of `kind` and `height * 16` words of tile.
pub unsafe fn run(
    kind: Kind,
    height: usize,
    steps: usize,
    words: &[u32],
    vectors: &[u8],
    tile: &mut [u32],
    accumulate: bool,
) {
    let (a, b, tile) = (words.as_ptr(), vectors.as_ptr(), tile.as_mut_ptr());
    macro_rules! by_height {
        ($f:ident) => {
            // SAFETY: the promises of this function are those of the tile's.
            unsafe {
                match height {
                    1 => $f::<1>(steps, a.cast(), b, tile.cast(), accumulate),
                    2 => $f::<2>(steps, a.cast(), b, tile.cast(), accumulate),
                    4 => $f::<4>(steps, a.cast(), b, tile.cast(), accumulate),
                    6 => $f::<6>(steps, a.cast(), b, tile.cast(), accumulate),
                    _ => unreachable!("a tile of {height} rows"),
                }
            }
        };
    }
    match kind {
        Kind::F32 => by_height!(floats),
        Kind::WideBf16 => by_height!(wide),
        Kind::Shorts => by_height!(shorts),
        Kind::PairsBf16 | Kind::Bytes => unreachable!("{kind:?} needs AVX-512"),
    }
}

macro_rules! tile_of_floats {
    ($name:ident, $width:literal, $load:expr) => {
        /// # Safety
        /// As [`run`]: `steps * R` words, `steps * 16` vectors and `R * 16` of tile.
        #[target_feature(enable = "neon")]
        unsafe fn $name<const R: usize>(steps: usize, a: *const f32, b: *const u8, tile: *mut f32, accumulate: bool) {
            let mut sums = [[vdupq_n_f32(0.); 4]; R];
            if accumulate {
                for (r, sums) in sums.iter_mut().enumerate() {
                    for (c, sum) in sums.iter_mut().enumerate() {
                        // SAFETY: row r of the tile, 16 words.
                        *sum = unsafe { vld1q_f32(tile.add(r * 16 + c * 4)) };
                    }
                }
            }
            let (mut a, mut b) = (a, b);
            for _ in 0..steps {
                // SAFETY: each step has R words and 16 vectors.
                unsafe {
                    let vectors: [float32x4_t; 4] =
                        [$load(b), $load(b.add(4 * $width)), $load(b.add(8 * $width)), $load(b.add(12 * $width))];
                    for (r, sums) in sums.iter_mut().enumerate() {
                        let word = vdupq_n_f32(*a.add(r));
                        for (sum, vector) in sums.iter_mut().zip(vectors) {
                            *sum = vfmaq_f32(*sum, vector, word);
                        }
                    }
                    a = a.add(R);
                    b = b.add(16 * $width);
                }
            }
            for (r, sums) in sums.iter().enumerate() {
                for (c, sum) in sums.iter().enumerate() {
                    // SAFETY: row r of the tile, 16 words.
                    unsafe { vst1q_f32(tile.add(r * 16 + c * 4), *sum) };
                }
            }
        }
    };
}

tile_of_floats!(floats, 4, |b: *const u8| vld1q_f32(b.cast()));

// A brain float is the upper half of a float32.
tile_of_floats!(wide, 2, |b: *const u8| vreinterpretq_f32_u32(vshll_n_u16::<16>(vld1_u16(b.cast()))));

/// Words of two int16, vectors of two int8: products of two int16, of which two fit an int32.
///
/// # Safety
/// As [`run`]: `steps * R` words, `steps * 16` vectors and `R * 16` of tile.
#[target_feature(enable = "neon")]
unsafe fn shorts<const R: usize>(steps: usize, a: *const u32, b: *const u8, tile: *mut i32, accumulate: bool) {
    let mut sums = [[vdupq_n_s32(0); 4]; R];
    if accumulate {
        for (r, sums) in sums.iter_mut().enumerate() {
            for (c, sum) in sums.iter_mut().enumerate() {
                // SAFETY: row r of the tile, 16 words.
                *sum = unsafe { vld1q_s32(tile.add(r * 16 + c * 4)) };
            }
        }
    }
    let (mut a, mut b) = (a, b);
    for _ in 0..steps {
        // SAFETY: each step has R words and 16 vectors of two bytes.
        unsafe {
            // The first bytes of all vectors, and the second ones.
            let int8x16x2_t(first, second) = vld2q_s8(b.cast());
            let widened = |bytes: int8x16_t| -> [int16x4_t; 4] {
                let (low, high) = (vmovl_s8(vget_low_s8(bytes)), vmovl_s8(vget_high_s8(bytes)));
                [vget_low_s16(low), vget_high_s16(low), vget_low_s16(high), vget_high_s16(high)]
            };
            let (first, second) = (widened(first), widened(second));
            for (r, sums) in sums.iter_mut().enumerate() {
                let word = *a.add(r);
                let (low, high) = (vdup_n_s16(word as i16), vdup_n_s16((word >> 16) as i16));
                for (c, sum) in sums.iter_mut().enumerate() {
                    *sum = vmlal_s16(vmlal_s16(*sum, first[c], low), second[c], high);
                }
            }
            a = a.add(R);
            b = b.add(32);
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        for (c, sum) in sums.iter().enumerate() {
            // SAFETY: row r of the tile, 16 words.
            unsafe { vst1q_s32(tile.add(r * 16 + c * 4), *sum) };
        }
    }
}
