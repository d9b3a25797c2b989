//! Register-blocked products: a tile of sums over a run of steps.
//!
//! A tile is `rows x columns` sums of float32 (or int32), row by row. Its first operand
//! is *broadcast*: words of four bytes, `[step][row]`. Its second is *vectors*:
//! `[step][column]` groups of [`Kernel::width`] bytes. A step covers [`Kernel::depth`]
//! terms of the sum: one float32, two brain floats, two or four integers.

use crate::cpu::Isa;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

/// What the words and vectors hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Words and vectors of float32.
    F32,
    /// Words of float32, vectors of brain floats.
    WideBf16,
    /// Words and vectors of two brain floats.
    PairsBf16,
    /// Words of four int8, vectors of four int8 that are moved up by 128.
    Bytes,
    /// Words of two int16, vectors of two int8.
    Shorts,
}

/// A kind of tile under a set of instructions that this processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kernel {
    kind: Kind,
    isa: Isa,
}

/// The most words in any kernel's tile.
pub(crate) const MAX_TILE: usize = 14 * 32;

impl Kernel {
    pub fn f32(isa: Isa) -> Self {
        Self { kind: Kind::F32, isa: isa.checked() }
    }

    pub fn bf16(isa: Isa) -> Self {
        let isa = isa.checked();
        match isa.has_bf16() {
            true => Self { kind: Kind::PairsBf16, isa },
            false => Self { kind: Kind::WideBf16, isa: narrower(isa) },
        }
    }

    pub fn int8(isa: Isa) -> Self {
        let isa = isa.checked();
        match isa.has_vnni() {
            true => Self { kind: Kind::Bytes, isa },
            false => Self { kind: Kind::Shorts, isa: narrower(isa) },
        }
    }

    pub fn kind(self) -> Kind {
        self.kind
    }

    pub fn isa(self) -> Isa {
        self.isa
    }

    /// Rows of a full tile.
    pub fn rows(self) -> usize {
        match self.isa {
            Isa::Avx512 | Isa::Avx512Plain => 14,
            Isa::Avx2 | Isa::Neon => 6,
            Isa::Portable => 4,
        }
    }

    /// Rows of the tile that holds `rows` of them, no more than [`Self::rows`]: the tiles
    /// of fewer rows are of one row or of an even number.
    pub fn height(self, rows: usize) -> usize {
        debug_assert!(rows <= self.rows());
        if rows <= 1 { 1 } else { rows.next_multiple_of(2) }
    }

    /// Columns of every tile.
    pub fn columns(self) -> usize {
        if matches!(self.isa, Isa::Avx512 | Isa::Avx512Plain) { 32 } else { 16 }
    }

    /// Terms of the sum in a step.
    pub fn depth(self) -> usize {
        match self.kind {
            Kind::F32 | Kind::WideBf16 => 1,
            Kind::PairsBf16 | Kind::Shorts => 2,
            Kind::Bytes => 4,
        }
    }

    /// Bytes of the vector operand in a column of a step.
    pub fn width(self) -> usize {
        match self.kind {
            Kind::F32 | Kind::PairsBf16 | Kind::Bytes => 4,
            Kind::WideBf16 | Kind::Shorts => 2,
        }
    }

    /// Steps of a sum of `terms`.
    pub fn steps(self, terms: usize) -> usize {
        terms.div_ceil(self.depth())
    }

    /// Whether the tile holds int32.
    pub fn is_integer(self) -> bool {
        matches!(self.kind, Kind::Bytes | Kind::Shorts)
    }

    /// Computes one tile of `height` rows; `height` is one that [`Self::height`] gives.
    /// The sums are added to what is in the tile, or replace it.
    pub fn run(self, height: usize, words: &[u32], vectors: &[u8], tile: &mut [u32], accumulate: bool) {
        let (columns, width) = (self.columns(), self.width());
        let steps = words.len() / height;
        assert!(height >= 1 && height <= self.rows() && (height == 1 || height.is_multiple_of(2)));
        assert!(words.len() == steps * height && vectors.len() == steps * columns * width);
        assert!(tile.len() == height * columns);
        match self.isa {
            // SAFETY: the processor has the set, checked when this kernel was made, and
            // the lengths, checked above, are those that the tile reads and writes.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 | Isa::Avx512Plain => unsafe {
                avx512::run(self.kind, height, steps, words, vectors, tile, accumulate)
            },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2::run(self.kind, height, steps, words, vectors, tile, accumulate) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => unsafe { neon::run(self.kind, height, steps, words, vectors, tile, accumulate) },
            _ => portable::run(self.kind, height, words, vectors, tile, accumulate),
        }
    }
}

/// The set whose tiles stand in where AVX-512 lacks the dot product that is asked for.
fn narrower(isa: Isa) -> Isa {
    if matches!(isa, Isa::Avx512 | Isa::Avx512Plain) { Isa::Avx2 } else { isa }
}
