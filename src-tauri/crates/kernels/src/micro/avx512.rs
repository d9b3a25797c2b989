//! Tiles of 14 x 32: 28 of the 32 registers hold sums, two hold the vectors.

use std::arch::x86_64::*;

use super::Kind;

/// Computes a tile.
///
/// # Safety
/// The processor has AVX-512 F and what `kind` needs (BF16 for pairs, VNNI for bytes).
/// `height` is 1 or even and at most 14; there are `steps * height` words, `steps * 128`
/// bytes of vectors and `height * 32` words of tile.
pub unsafe fn run(
    kind: Kind,
    height: usize,
    steps: usize,
    words: &[u32],
    vectors: &[u8],
    tile: &mut [u32],
    accumulate: bool,
) {
    let (a, b, tile) = (words.as_ptr().cast(), vectors.as_ptr().cast(), tile.as_mut_ptr().cast());
    macro_rules! by_height {
        ($f:ident) => {
            // SAFETY: the promises of this function are those of the tile's.
            unsafe {
                match height {
                    1 => $f::<1>(steps, a, b, tile, accumulate),
                    2 => $f::<2>(steps, a, b, tile, accumulate),
                    4 => $f::<4>(steps, a, b, tile, accumulate),
                    6 => $f::<6>(steps, a, b, tile, accumulate),
                    8 => $f::<8>(steps, a, b, tile, accumulate),
                    10 => $f::<10>(steps, a, b, tile, accumulate),
                    12 => $f::<12>(steps, a, b, tile, accumulate),
                    14 => $f::<14>(steps, a, b, tile, accumulate),
                    _ => unreachable!("a tile of {height} rows"),
                }
            }
        };
    }
    match kind {
        Kind::F32 => by_height!(floats),
        Kind::PairsBf16 => by_height!(pairs),
        Kind::Bytes => by_height!(bytes),
        Kind::WideBf16 | Kind::Shorts => unreachable!("{kind:?} runs as AVX2"),
    }
}

macro_rules! tile {
    ($name:ident, $features:literal, $step:expr) => {
        /// # Safety
        /// As [`run`]: `steps * R` words, `steps * 32` vectors and `R * 32` of tile.
        #[target_feature(enable = $features)]
        unsafe fn $name<const R: usize>(steps: usize, a: *const i32, b: *const i32, tile: *mut i32, accumulate: bool) {
            let mut sums = [[_mm512_setzero_si512(); 2]; R];
            if accumulate {
                for (r, sums) in sums.iter_mut().enumerate() {
                    // SAFETY: row r of the tile, 32 words.
                    unsafe {
                        sums[0] = _mm512_loadu_si512(tile.add(r * 32).cast());
                        sums[1] = _mm512_loadu_si512(tile.add(r * 32 + 16).cast());
                    }
                }
            }
            let (mut a, mut b) = (a, b);
            for _ in 0..steps {
                // SAFETY: each step has R words and 32 vectors of a word.
                unsafe {
                    let low = _mm512_loadu_si512(b.cast());
                    let high = _mm512_loadu_si512(b.add(16).cast());
                    for (r, sums) in sums.iter_mut().enumerate() {
                        let word = _mm512_set1_epi32(*a.add(r));
                        sums[0] = $step(sums[0], low, word);
                        sums[1] = $step(sums[1], high, word);
                    }
                    a = a.add(R);
                    b = b.add(32);
                }
            }
            for (r, sums) in sums.iter().enumerate() {
                // SAFETY: row r of the tile, 32 words.
                unsafe {
                    _mm512_storeu_si512(tile.add(r * 32).cast(), sums[0]);
                    _mm512_storeu_si512(tile.add(r * 32 + 16).cast(), sums[1]);
                }
            }
        }
    };
}

tile!(floats, "avx512f", |sum, vector, word| {
    let (vector, word) = (_mm512_castsi512_ps(vector), _mm512_castsi512_ps(word));
    _mm512_castps_si512(_mm512_fmadd_ps(vector, word, _mm512_castsi512_ps(sum)))
});

tile!(pairs, "avx512f,avx512bf16", |sum, vector: __m512i, word: __m512i| {
    // SAFETY: vectors of 64 bytes, of which every value is valid.
    let (vector, word): (__m512bh, __m512bh) = (std::mem::transmute(vector), std::mem::transmute(word));
    _mm512_castps_si512(_mm512_dpbf16_ps(_mm512_castsi512_ps(sum), vector, word))
});

// The unsigned operand is the vector: the weights, moved up by 128.
tile!(bytes, "avx512f,avx512vnni", |sum, vector, word| _mm512_dpbusd_epi32(sum, vector, word));
