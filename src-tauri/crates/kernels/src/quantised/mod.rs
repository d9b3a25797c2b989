//! Products with weights in the block formats of ggml, read where they lie.
//!
//! The bytes of a pack are used as they are in its file, so that they can stay mapped:
//! nothing is copied or repacked at load. One row of activations (a decoding step) is
//! bound by reading the weights, and its kernels take the blocks apart in registers.
//! Many rows (a prompt) are bound by arithmetic; there 32 rows of weights at a time are
//! written out as bytes once and multiplied with all activations ([`tile`], [`tile_amx`]), or,
//! without byte dot products, 16 as 16-bit integers ([`tile_avx2`]).
//!
//! The formats are those of llama.cpp's `ggml-common.h` (`block_q4_K`, `block_q6_K`,
//! `block_q8_0`). Activations are rounded to bytes with one scale a block, as llama.cpp's
//! `quantize_row_q8_K` does.

mod activations;
mod block;
#[cfg(target_arch = "x86_64")]
mod rows_avx2;
#[cfg(target_arch = "x86_64")]
mod rows_avx512;
#[cfg(target_arch = "aarch64")]
mod rows_neon;
mod rows_portable;
#[cfg(target_arch = "x86_64")]
mod rows_x86;
#[cfg(target_arch = "x86_64")]
mod tile;
#[cfg(target_arch = "x86_64")]
mod tile_amx;
#[cfg(target_arch = "x86_64")]
mod tile_avx2;

pub use activations::Activations;

use crate::cpu::Isa;
use crate::threads::{SharedMut, for_each_part, part};

/// How weights are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// 256 weights in 144 bytes: 4 bits each, a 6-bit scale and minimum for each 32.
    Q4K,
    /// 256 weights in 210 bytes: 6 bits each, an 8-bit scale for each 16.
    Q6K,
    /// 32 weights in 34 bytes: 8 bits each and a scale.
    Q8,
}

impl Format {
    /// Weights in one block. Rows are whole blocks.
    pub fn block(self) -> usize {
        match self {
            Self::Q4K | Self::Q6K => 256,
            Self::Q8 => 32,
        }
    }

    /// Bytes of one block.
    pub fn block_bytes(self) -> usize {
        match self {
            Self::Q4K => 144,
            Self::Q6K => 210,
            Self::Q8 => 34,
        }
    }

    /// Bytes of a row of this many weights, if whole blocks make it up and they can be counted: `Q8` takes more bytes than it
    /// has weights.
    pub fn row_bytes(self, columns: usize) -> Option<usize> {
        let blocks = columns.is_multiple_of(self.block()).then(|| columns / self.block())?;
        blocks.checked_mul(self.block_bytes())
    }

    /// Number of this type in ggml's files (`enum ggml_type`).
    pub fn from_ggml(number: u32) -> Option<Self> {
        match number {
            8 => Some(Self::Q8),
            12 => Some(Self::Q4K),
            14 => Some(Self::Q6K),
            _ => None,
        }
    }
}

/// A matrix of weights, `rows` x `columns`, row by row.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    format: Format,
    rows: usize,
    columns: usize,
    bytes: &'a [u8],
}

impl<'a> Matrix<'a> {
    /// The matrix in these bytes, or `None` where they are not of its size or rows are not
    /// whole blocks. They need no alignment.
    pub fn new(format: Format, rows: usize, columns: usize, bytes: &'a [u8]) -> Option<Self> {
        let whole = rows.checked_mul(format.row_bytes(columns)?)?;
        (bytes.len() == whole && columns > 0).then_some(Self { format, rows, columns, bytes })
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    pub fn format(&self) -> Format {
        self.format
    }

    fn row(&self, index: usize) -> &'a [u8] {
        let length = self.columns / self.format.block() * self.format.block_bytes();
        &self.bytes[index * length..(index + 1) * length]
    }

    /// Row `index` as numbers, which is what the format stands for.
    ///
    /// # Panics
    /// Unless `out` has one place a column.
    pub fn row_into(&self, index: usize, out: &mut [f32]) {
        assert_eq!(out.len(), self.columns);
        let row = self.row(index);
        for (block, out) in row.chunks_exact(self.format.block_bytes()).zip(out.chunks_exact_mut(self.format.block())) {
            block::numbers(self.format, block, out);
        }
    }
}

/// `y = x w^T`: `x` holds rows of `w.columns()` activations, `y` as many rows of
/// `w.rows()` results.
///
/// # Panics
/// For slices that are not whole rows, or not as many.
pub fn product(w: Matrix<'_>, x: &[f32], y: &mut [f32]) {
    product_with(Isa::current(), w, x, y);
}

/// [`product`] with the instructions of `isa`.
pub fn product_with(isa: Isa, w: Matrix<'_>, x: &[f32], y: &mut [f32]) {
    product_of(isa, &[w], &Activations::new(isa, x, w.columns), &mut [y]);
}

/// Several products with the same activations, in one pass over the threads: `y[i] = x w[i]^T`.
///
/// # Panics
/// As [`product`]; and for matrices of other columns than the activations.
pub fn product_of(isa: Isa, w: &[Matrix<'_>], x: &Activations, y: &mut [&mut [f32]]) {
    let isa = isa.checked();
    assert_eq!(w.len(), y.len());
    for (w, y) in w.iter().zip(y.iter()) {
        assert_eq!(w.columns, x.columns(), "activations have other columns");
        assert_eq!(y.len(), w.rows * x.rows(), "results have another size");
    }
    #[cfg(target_arch = "x86_64")]
    if isa.has_vnni() && x.rows() >= tile::WORTH {
        for (w, y) in w.iter().zip(y.iter_mut()) {
            // SAFETY: the set and `has_vnni` say that the processor has what it is compiled for.
            unsafe { tile::product(*w, x, y, isa == Isa::Amx) };
        }
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if matches!(isa, Isa::Avx512 | Isa::Avx512Plain | Isa::Avx2) && !isa.has_vnni() && x.rows() >= tile_avx2::WORTH {
        for (w, y) in w.iter().zip(y.iter_mut()) {
            // SAFETY: each of these sets says that the processor has AVX2, FMA and F16C.
            unsafe { tile_avx2::product(*w, x, y) };
        }
        return;
    }
    // Small parts, so that a core that is also used by others holds nobody up.
    let starts: Vec<usize> = w
        .iter()
        .scan(0, |sum, w| {
            let start = *sum;
            *sum += w.rows.div_ceil(ROWS);
            Some(start)
        })
        .collect();
    let parts = w.iter().map(|w| w.rows.div_ceil(ROWS)).sum();
    let outs: Vec<SharedMut<'_, f32>> = y.iter_mut().map(|y| SharedMut::new(y)).collect();
    for_each_part(parts, |index| {
        let which = starts.partition_point(|&start| start <= index) - 1;
        let (w, out) = (w[which], &outs[which]);
        let mut results = [[0.0; ROWS]; TOGETHER];
        let rows = part(index - starts[which], ROWS, w.rows);
        let mut m = 0;
        while m < x.rows() {
            let together = dots(isa, w, rows.clone(), x, m, &mut results);
            for (m, results) in (m..).zip(&results[..together]) {
                // SAFETY: each part has its own rows, and this is the only range into row m of them.
                let out = unsafe { out.range(m * w.rows + rows.start..m * w.rows + rows.end) };
                out.copy_from_slice(&results[..rows.len()]);
            }
            m += together;
        }
    });
}

/// Rows of weights that a thread takes at a time.
const ROWS: usize = 64;

/// Rows of activations that are multiplied at once with weights taken apart once.
const TOGETHER: usize = 4;

/// Some rows of `w` times the rows of `x` from `m` on, as many as are taken at once; how many these are. A row's results
/// are the same in any company.
fn dots(
    isa: Isa,
    w: Matrix<'_>,
    rows: std::ops::Range<usize>,
    x: &Activations,
    m: usize,
    results: &mut [[f32; ROWS]; TOGETHER],
) -> usize {
    let (first, count) = (rows.start, rows.len());
    #[cfg(target_arch = "x86_64")]
    macro_rules! as_many_as_there_are {
        ($set:ident) => {
            // SAFETY: the set and `has_vnni` say that the processor has what they are compiled for.
            unsafe {
                match x.rows() - m {
                    0 | 1 => $set::dots::<1>(w, first, count, x, m, results),
                    2 | 3 => $set::dots::<2>(w, first, count, x, m, results),
                    _ => $set::dots::<TOGETHER>(w, first, count, x, m, results),
                }
            }
        };
    }
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Amx | Isa::Avx512 if isa.has_vnni() => as_many_as_there_are!(rows_avx512),
        #[cfg(target_arch = "x86_64")]
        Isa::Amx | Isa::Avx512 | Isa::Avx512Plain | Isa::Avx2 => as_many_as_there_are!(rows_avx2),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => {
            // SAFETY: the set says that the processor has it.
            unsafe { rows_neon::dots(w, first, x, m, &mut results[0][..count]) };
            1
        }
        _ => {
            rows_portable::dots(w, first, x, m, &mut results[0][..count]);
            1
        }
    }
}

#[cfg(test)]
mod tests;
