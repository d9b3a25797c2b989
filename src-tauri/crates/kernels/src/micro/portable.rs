//! Tiles of 4 x 16 in plain code. Where the target's baseline has vectors, the compiler
//! keeps the sums in them.

use super::Kind;
use crate::math::fma;
use crate::values::from_bf16;

const COLUMNS: usize = 16;

/// Computes a tile; the lengths are as [`super::Kernel::run`] has checked.
pub fn run(kind: Kind, height: usize, words: &[u32], vectors: &[u8], tile: &mut [u32], accumulate: bool) {
    macro_rules! by_height {
        ($f:ident) => {
            match height {
                1 => $f::<1>(words, vectors, tile, accumulate),
                2 => $f::<2>(words, vectors, tile, accumulate),
                4 => $f::<4>(words, vectors, tile, accumulate),
                _ => unreachable!("a tile of {height} rows"),
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

fn floats<const R: usize>(words: &[u32], vectors: &[u8], tile: &mut [u32], accumulate: bool) {
    sums::<R, 4>(words, vectors, tile, accumulate, |bytes| f32::from_ne_bytes(*bytes));
}

fn wide<const R: usize>(words: &[u32], vectors: &[u8], tile: &mut [u32], accumulate: bool) {
    sums::<R, 2>(words, vectors, tile, accumulate, |bytes| from_bf16(u16::from_ne_bytes(*bytes)));
}

#[inline(always)]
fn sums<const R: usize, const W: usize>(
    words: &[u32],
    vectors: &[u8],
    tile: &mut [u32],
    accumulate: bool,
    read: impl Fn(&[u8; W]) -> f32,
) {
    let mut sums = [[0f32; COLUMNS]; R];
    let (tile, _) = tile.as_chunks_mut::<COLUMNS>();
    if accumulate {
        for (sums, tile) in sums.iter_mut().zip(tile.iter()) {
            *sums = tile.map(f32::from_bits);
        }
    }
    let (words, _) = words.as_chunks::<R>();
    let (vectors, _) = vectors.as_chunks::<W>();
    let (vectors, _) = vectors.as_chunks::<COLUMNS>();
    for (words, vectors) in words.iter().zip(vectors) {
        let mut vector = [0f32; COLUMNS];
        for (value, bytes) in vector.iter_mut().zip(vectors) {
            *value = read(bytes);
        }
        for (sums, &word) in sums.iter_mut().zip(words) {
            let word = f32::from_bits(word);
            for (sum, value) in sums.iter_mut().zip(vector) {
                *sum = fma(value, word, *sum);
            }
        }
    }
    for (tile, sums) in tile.iter_mut().zip(sums) {
        *tile = sums.map(f32::to_bits);
    }
}

fn shorts<const R: usize>(words: &[u32], vectors: &[u8], tile: &mut [u32], accumulate: bool) {
    let mut sums = [[0i32; COLUMNS]; R];
    let (tile, _) = tile.as_chunks_mut::<COLUMNS>();
    if accumulate {
        for (sums, tile) in sums.iter_mut().zip(tile.iter()) {
            *sums = tile.map(|bits| bits as i32);
        }
    }
    let (words, _) = words.as_chunks::<R>();
    let (vectors, _) = vectors.as_chunks::<2>();
    let (vectors, _) = vectors.as_chunks::<COLUMNS>();
    for (words, vectors) in words.iter().zip(vectors) {
        for (sums, &word) in sums.iter_mut().zip(words) {
            let (low, high) = (i32::from(word as i16), i32::from((word >> 16) as i16));
            for (sum, pair) in sums.iter_mut().zip(vectors) {
                *sum += low * i32::from(pair[0] as i8) + high * i32::from(pair[1] as i8);
            }
        }
    }
    for (tile, sums) in tile.iter_mut().zip(sums) {
        *tile = sums.map(|sum| sum as u32);
    }
}
