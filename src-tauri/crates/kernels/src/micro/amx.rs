//! Tiles of 32 x 32 or 16 x 32 sums in the tile registers of AMX: four or two of these hold sums, two vectors, and as
//! many words as there are rows of 16. A product takes 16 steps.

use std::arch::asm;

use super::Kind;
use crate::amx::{ROWS, WIDTH};

/// Bytes of a row of sums, and of a step of vectors: two tiles side by side.
const STRIDE: usize = 2 * WIDTH;

/// Computes a tile.
///
/// # Safety
/// This thread holds [`crate::amx::Tiles`]. `height` is 16 or 32 and `steps` a multiple of 16; there are `steps * height`
/// words, `steps * 128` bytes of vectors and `height * 32` words of tile.
pub unsafe fn run(
    kind: Kind,
    height: usize,
    steps: usize,
    words: &[u32],
    vectors: &[u8],
    tile: &mut [u32],
    accumulate: bool,
) {
    if steps == 0 {
        if !accumulate {
            tile.fill(0);
        }
        return;
    }
    let (a, b, tile) = (words.as_ptr().cast(), vectors.as_ptr(), tile.as_mut_ptr().cast());
    // SAFETY: the promises of this function are those of the tile's.
    unsafe {
        match (kind, height) {
            (Kind::PairsBf16, 32) => pairs_of_32(steps, a, b, tile, accumulate),
            (Kind::PairsBf16, 16) => pairs_of_16(steps, a, b, tile, accumulate),
            (Kind::Bytes, 32) => bytes_of_32(steps, a, b, tile, accumulate),
            (Kind::Bytes, 16) => bytes_of_16(steps, a, b, tile, accumulate),
            _ => unreachable!("a tile of {height} rows of {kind:?}"),
        }
    }
}

/// These instructions, with the operands that all tiles have.
macro_rules! rounds {
    ($steps:ident, $a:ident, $b:ident, $tile:ident, $accumulate:ident, [$($line:expr),* $(,)?]) => {
        asm!(
            $($line,)*
            a = inout(reg) $a => _,
            b = inout(reg) $b => _,
            rounds = inout(reg) $steps / ROWS => _,
            tile = in(reg) $tile,
            accumulate = in(reg) u32::from($accumulate),
            wide = in(reg) STRIDE,
            narrow = in(reg) WIDTH,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        )
    };
}

macro_rules! tile {
    ($high:ident, $low:ident, $product:literal) => {
        /// # Safety
        /// As [`run`], and `steps` is not 0.
        unsafe fn $high(steps: usize, a: *const u8, b: *const u8, tile: *mut u8, accumulate: bool) {
            // SAFETY: each of the `steps / 16` rounds reads 2 KB of words and 2 KB of vectors; sums are 4 KB.
            unsafe {
                rounds!(
                    steps,
                    a,
                    b,
                    tile,
                    accumulate,
                    [
                        "test {accumulate:e}, {accumulate:e}",
                        "jz 3f",
                        "tileloadd tmm0, [{tile} + {wide}]",
                        "tileloadd tmm1, [{tile} + {wide} + 64]",
                        "tileloadd tmm2, [{tile} + {wide} + 2048]",
                        "tileloadd tmm3, [{tile} + {wide} + 2112]",
                        "jmp 2f",
                        "3:",
                        "tilezero tmm0",
                        "tilezero tmm1",
                        "tilezero tmm2",
                        "tilezero tmm3",
                        "2:",
                        "tileloadd tmm4, [{a} + {narrow}]",
                        "tileloadd tmm6, [{b} + {wide}]",
                        "tileloadd tmm7, [{b} + {wide} + 64]",
                        concat!($product, " tmm0, tmm4, tmm6"),
                        "tileloadd tmm5, [{a} + {narrow} + 1024]",
                        concat!($product, " tmm1, tmm4, tmm7"),
                        concat!($product, " tmm2, tmm5, tmm6"),
                        concat!($product, " tmm3, tmm5, tmm7"),
                        "add {a}, 2048",
                        "add {b}, 2048",
                        "dec {rounds}",
                        "jnz 2b",
                        "tilestored [{tile} + {wide}], tmm0",
                        "tilestored [{tile} + {wide} + 64], tmm1",
                        "tilestored [{tile} + {wide} + 2048], tmm2",
                        "tilestored [{tile} + {wide} + 2112], tmm3",
                    ]
                );
            }
        }

        /// # Safety
        /// As [`run`], and `steps` is not 0.
        unsafe fn $low(steps: usize, a: *const u8, b: *const u8, tile: *mut u8, accumulate: bool) {
            // SAFETY: each of the `steps / 16` rounds reads 1 KB of words and 2 KB of vectors; sums are 2 KB.
            unsafe {
                rounds!(
                    steps,
                    a,
                    b,
                    tile,
                    accumulate,
                    [
                        "test {accumulate:e}, {accumulate:e}",
                        "jz 3f",
                        "tileloadd tmm0, [{tile} + {wide}]",
                        "tileloadd tmm1, [{tile} + {wide} + 64]",
                        "jmp 2f",
                        "3:",
                        "tilezero tmm0",
                        "tilezero tmm1",
                        "2:",
                        "tileloadd tmm4, [{a} + {narrow}]",
                        "tileloadd tmm6, [{b} + {wide}]",
                        "tileloadd tmm7, [{b} + {wide} + 64]",
                        concat!($product, " tmm0, tmm4, tmm6"),
                        concat!($product, " tmm1, tmm4, tmm7"),
                        "add {a}, 1024",
                        "add {b}, 2048",
                        "dec {rounds}",
                        "jnz 2b",
                        "tilestored [{tile} + {wide}], tmm0",
                        "tilestored [{tile} + {wide} + 64], tmm1",
                    ]
                );
            }
        }
    };
}

tile!(pairs_of_32, pairs_of_16, "tdpbf16ps");
// The words are signed, and the vectors not: the weights, moved up by 128.
tile!(bytes_of_32, bytes_of_16, "tdpbsud");
