//! What the kernels of one row of activations share on x86.

use std::arch::x86_64::*;

use super::Activations;

/// A row of activations.
pub(super) struct Row<'a> {
    pub(super) bytes: &'a [i8],
    /// One for each block, or for each run of blocks.
    pub(super) scales: &'a [f32],
    /// One for each 16 bytes.
    pub(super) sums: &'a [i16],
}

impl<'a> Row<'a> {
    pub(super) fn of(x: &'a Activations, m: usize) -> Self {
        Self { bytes: x.bytes(m), scales: x.scales(m), sums: x.sums(m) }
    }
}

/// How far ahead of its use a weight is asked for, in bytes. Zen 5, two threads, GB/s of `cargo bench -- rows`: not at
/// all 44, 1 KiB 46, 4 KiB 52, 16 KiB 53; one thread 30, 23, 31, 37.
const AHEAD: usize = 16 << 10;

/// Asks for the lines of a block of `BYTES` that comes [`AHEAD`] of this one.
#[inline(always)]
pub(super) fn ask_ahead<const BYTES: usize>(start: *const u8) {
    for line in (0..BYTES).step_by(64) {
        // SAFETY: asking changes nothing that could be seen, and an address that nobody may read is passed over.
        unsafe { _mm_prefetch(start.wrapping_add(AHEAD + line).cast(), _MM_HINT_T0) };
    }
}
