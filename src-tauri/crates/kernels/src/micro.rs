//! Register-blocked products: a tile of sums over a run of steps.
//!
//! A tile is `rows x columns` sums of float32 (or int32), row by row. Its first operand
//! is *broadcast*: words of four bytes, `[run of steps][row][step of the run]`, where a run
//! is of [`Kernel::together`] steps, most often of one. Its second is *vectors*:
//! `[step][column]` groups of [`Kernel::width`] bytes. A step covers [`Kernel::depth`]
//! terms of the sum: one float32, two brain floats, two or four integers.

use crate::cpu::Isa;

#[cfg(target_arch = "x86_64")]
mod amx;
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

impl Kernel {
    pub fn f32(isa: Isa) -> Self {
        let isa = isa.checked();
        // The tiles of AMX have no products of float32.
        Self { kind: Kind::F32, isa: if isa == Isa::Amx { Isa::Avx512 } else { isa } }
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
            Isa::Amx => 32,
            Isa::Avx512 | Isa::Avx512Plain => 14,
            Isa::Avx2 | Isa::Neon => 6,
            Isa::Portable => 4,
        }
    }

    /// Rows of the tile that holds `rows` of them, no more than [`Self::rows`]: the tiles
    /// of fewer rows are of one row or of an even number, those of AMX of 16.
    pub fn height(self, rows: usize) -> usize {
        debug_assert!(rows <= self.rows());
        match (self.isa, rows) {
            (Isa::Amx, _) => rows.max(1).next_multiple_of(16),
            (_, 0 | 1) => 1,
            _ => rows.next_multiple_of(2),
        }
    }

    /// Columns of every tile.
    pub fn columns(self) -> usize {
        if matches!(self.isa, Isa::Amx | Isa::Avx512 | Isa::Avx512Plain) { 32 } else { 16 }
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

    /// Steps whose words of a row lie side by side. Sums are over whole runs of them.
    pub fn together(self) -> usize {
        if self.isa == Isa::Amx { 16 } else { 1 }
    }

    /// Steps of a sum of `terms`.
    pub fn steps(self, terms: usize) -> usize {
        terms.div_ceil(self.depth()).next_multiple_of(self.together())
    }

    /// Puts the words of a row at their places in those of a panel of `height` rows.
    #[inline(always)]
    pub fn place(self, words: &[u32], row: usize, height: usize, panel: &mut [u32]) {
        if self.together() == 1 {
            for (step, &word) in panel.chunks_exact_mut(height).zip(words) {
                step[row] = word;
            }
        } else {
            const TOGETHER: usize = 16;
            let (runs, rest) = words.as_chunks::<TOGETHER>();
            assert!(self.together() == TOGETHER && rest.is_empty(), "whole runs of steps");
            let (lines, _) = panel.as_chunks_mut::<TOGETHER>();
            for (run, lines) in runs.iter().zip(lines.chunks_exact_mut(height)) {
                lines[row] = *run;
            }
        }
    }

    /// This thread, ready to compute with the kernel.
    pub fn ready(self) -> Ready {
        Ready {
            kernel: self,
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the set was there when the kernel was made.
            _tiles: (self.isa == Isa::Amx).then(|| unsafe { crate::amx::Tiles::new() }),
        }
    }

    /// Whether the tile holds int32.
    pub fn is_integer(self) -> bool {
        matches!(self.kind, Kind::Bytes | Kind::Shorts)
    }
}

/// A thread that computes with a kernel. Where that takes tiles of AMX, this stays on the thread, which has them.
pub(crate) struct Ready {
    kernel: Kernel,
    #[cfg(target_arch = "x86_64")]
    _tiles: Option<crate::amx::Tiles>,
}

impl Ready {
    /// Computes one tile of `height` rows; `height` is one that [`Self::height`] gives.
    /// The sums are added to what is in the tile, or replace it.
    pub fn run(&self, height: usize, words: &[u32], vectors: &[u8], tile: &mut [u32], accumulate: bool) {
        let Kernel { kind, isa } = self.kernel;
        let (columns, width) = (self.kernel.columns(), self.kernel.width());
        let steps = words.len() / height;
        assert!(height >= 1 && height <= self.kernel.rows() && height == self.kernel.height(height));
        assert!(steps.is_multiple_of(self.kernel.together()));
        assert!(words.len() == steps * height && vectors.len() == steps * columns * width);
        assert!(tile.len() == height * columns);
        match isa {
            // SAFETY: the processor has the set, checked when this kernel was made, this thread
            // holds tiles of the shape, and the lengths, checked above, are those that are read and written.
            #[cfg(target_arch = "x86_64")]
            Isa::Amx => unsafe { amx::run(kind, height, steps, words, vectors, tile, accumulate) },
            // SAFETY: the processor has the set, checked when this kernel was made, and
            // the lengths, checked above, are those that the tile reads and writes.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 | Isa::Avx512Plain => unsafe {
                avx512::run(kind, height, steps, words, vectors, tile, accumulate)
            },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2::run(kind, height, steps, words, vectors, tile, accumulate) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => unsafe { neon::run(kind, height, steps, words, vectors, tile, accumulate) },
            _ => portable::run(kind, height, words, vectors, tile, accumulate),
        }
    }
}

/// The set whose tiles stand in where AVX-512 lacks the dot product that is asked for.
fn narrower(isa: Isa) -> Isa {
    if matches!(isa, Isa::Avx512 | Isa::Avx512Plain) { Isa::Avx2 } else { isa }
}
