//! Tiles of 6 x 16: 12 of the 16 registers hold sums.

use std::arch::x86_64::*;

use super::Kind;

/// Computes a tile.
///
/// # Safety
/// The processor has AVX2 and FMA. `height` is 1, 2, 4 or 6; there are `steps * height`
/// words, `steps * 16` vectors of the width of `kind` and `height * 16` words of tile.
pub unsafe fn run(
    kind: Kind,
    height: usize,
    steps: usize,
    words: &[u32],
    vectors: &[u8],
    tile: &mut [u32],
    accumulate: bool,
) {
    let (a, b, tile) = (words.as_ptr().cast(), vectors.as_ptr(), tile.as_mut_ptr().cast());
    macro_rules! by_height {
        ($f:ident) => {
            // SAFETY: the promises of this function are those of the tile's.
            unsafe {
                match height {
                    1 => $f::<1>(steps, a, b, tile, accumulate),
                    2 => $f::<2>(steps, a, b, tile, accumulate),
                    4 => $f::<4>(steps, a, b, tile, accumulate),
                    6 => $f::<6>(steps, a, b, tile, accumulate),
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

macro_rules! tile {
    ($name:ident, $width:literal, $load:expr, $step:expr) => {
        /// # Safety
        /// As [`run`]: `steps * R` words, `steps * 16` vectors and `R * 16` of tile.
        #[target_feature(enable = "avx2,fma")]
        unsafe fn $name<const R: usize>(steps: usize, a: *const i32, b: *const u8, tile: *mut i32, accumulate: bool) {
            let mut sums = [[_mm256_setzero_si256(); 2]; R];
            if accumulate {
                for (r, sums) in sums.iter_mut().enumerate() {
                    // SAFETY: row r of the tile, 16 words.
                    unsafe {
                        sums[0] = _mm256_loadu_si256(tile.add(r * 16).cast());
                        sums[1] = _mm256_loadu_si256(tile.add(r * 16 + 8).cast());
                    }
                }
            }
            let (mut a, mut b) = (a, b);
            for _ in 0..steps {
                // SAFETY: each step has R words and 16 vectors.
                unsafe {
                    let low = $load(b);
                    let high = $load(b.add(8 * $width));
                    for (r, sums) in sums.iter_mut().enumerate() {
                        let word = _mm256_set1_epi32(*a.add(r));
                        sums[0] = $step(sums[0], low, word);
                        sums[1] = $step(sums[1], high, word);
                    }
                    a = a.add(R);
                    b = b.add(16 * $width);
                }
            }
            for (r, sums) in sums.iter().enumerate() {
                // SAFETY: row r of the tile, 16 words.
                unsafe {
                    _mm256_storeu_si256(tile.add(r * 16).cast(), sums[0]);
                    _mm256_storeu_si256(tile.add(r * 16 + 8).cast(), sums[1]);
                }
            }
        }
    };
}

macro_rules! multiply_add {
    () => {
        |sum, vector, word| {
            let (vector, word) = (_mm256_castsi256_ps(vector), _mm256_castsi256_ps(word));
            _mm256_castps_si256(_mm256_fmadd_ps(vector, word, _mm256_castsi256_ps(sum)))
        }
    };
}

tile!(floats, 4, |b: *const u8| _mm256_loadu_si256(b.cast()), multiply_add!());

// A brain float is the upper half of a float32.
tile!(
    wide,
    2,
    |b: *const u8| _mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(_mm_loadu_si128(b.cast()))),
    multiply_add!()
);

// Products of int8 and int16 widened to int16 both, two of which fit an int32 exactly;
// `vpmaddubsw` would saturate.
tile!(shorts, 2, |b: *const u8| _mm256_cvtepi8_epi16(_mm_loadu_si128(b.cast())), |sum, vector, word| _mm256_add_epi32(
    sum,
    _mm256_madd_epi16(vector, word)
));
