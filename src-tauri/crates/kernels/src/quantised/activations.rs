//! Activations as bytes.

use crate::cpu::Isa;
use crate::threads::{SharedMut, for_each_part, part};

/// Rows of activations, rounded to bytes in runs of [`Activations::run`] with a scale each.
#[derive(Debug, Clone)]
pub struct Activations {
    rows: usize,
    columns: usize,
    run: usize,
    /// `rows` x `columns`.
    bytes: Vec<i8>,
    /// `rows` x runs: what one step of a byte is worth.
    scales: Vec<f32>,
    /// `rows` x `columns` / 16: the sum of each 16 bytes.
    sums: Vec<i16>,
}

impl Activations {
    /// Rounds rows of `columns` numbers. A run is 256 numbers long where rows can be cut so,
    /// else 32.
    ///
    /// # Panics
    /// Unless `x` is whole rows and `columns` is a multiple of 32.
    pub fn new(isa: Isa, x: &[f32], columns: usize) -> Self {
        assert!(columns > 0 && columns.is_multiple_of(32) && x.len().is_multiple_of(columns));
        let isa = isa.checked();
        let rows = x.len() / columns;
        let run = if columns.is_multiple_of(256) { 256 } else { 32 };
        let mut bytes = vec![0; x.len()];
        let mut scales = vec![0.0; x.len() / run];
        let mut sums = vec![0; x.len() / 16];
        {
            let (bytes, scales, sums) =
                (SharedMut::new(&mut bytes), SharedMut::new(&mut scales), SharedMut::new(&mut sums));
            for_each_part(x.len().div_ceil(PIECE), |index| {
                for run_index in part(index, PIECE / run, x.len() / run) {
                    let range = run_index * run..(run_index + 1) * run;
                    // SAFETY: each run belongs to one part, and to each run its own ranges.
                    let (bytes, scale, sums) = unsafe {
                        (
                            bytes.range(range.clone()),
                            scales.range(run_index..run_index + 1),
                            sums.range(range.start / 16..range.end / 16),
                        )
                    };
                    scale[0] = match isa {
                        #[cfg(target_arch = "x86_64")]
                        // SAFETY: `checked` says that the processor has the set.
                        Isa::Amx | Isa::Avx512 | Isa::Avx512Plain => unsafe { rounded_avx512(&x[range], bytes, sums) },
                        _ => rounded(&x[range], bytes, sums),
                    };
                }
            });
        }
        Self { rows, columns, run, bytes, scales, sums }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Numbers that share a scale: 256, or 32.
    pub fn run(&self) -> usize {
        self.run
    }

    /// The bytes of `count` rows from `first` on, one after another.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn bytes_of(&self, first: usize, count: usize) -> &[i8] {
        &self.bytes[first * self.columns..(first + count) * self.columns]
    }

    pub(super) fn bytes(&self, row: usize) -> &[i8] {
        &self.bytes[row * self.columns..(row + 1) * self.columns]
    }

    pub(super) fn scales(&self, row: usize) -> &[f32] {
        let runs = self.columns / self.run;
        &self.scales[row * runs..(row + 1) * runs]
    }

    pub(super) fn sums(&self, row: usize) -> &[i16] {
        let sums = self.columns / 16;
        &self.sums[row * sums..(row + 1) * sums]
    }
}

/// Numbers that a thread rounds at a time.
const PIECE: usize = 1 << 14;

/// Rounds one run; returns what one step is worth. Bytes are -127 to 127, so that none has
/// a magnitude that its negative has not.
fn rounded(x: &[f32], bytes: &mut [i8], sums: &mut [i16]) -> f32 {
    let most = crate::math::largest_magnitude(x); // Not a number where one of them is not.
    let step = most / 127.0;
    let inverse = if most > 0.0 { 127.0 / most } else { 0.0 };
    for (byte, x) in bytes.iter_mut().zip(x) {
        *byte = (x * inverse).round_ties_even() as i8;
    }
    for (sum, bytes) in sums.iter_mut().zip(bytes.chunks_exact(16)) {
        *sum = bytes.iter().map(|&byte| i16::from(byte)).sum();
    }
    step
}

/// [`rounded`], 16 numbers at a time; the same bytes.
///
/// # Safety
/// The processor has AVX-512 F, BW and VL.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
unsafe fn rounded_avx512(x: &[f32], bytes: &mut [i8], sums: &mut [i16]) -> f32 {
    use std::arch::x86_64::*;
    // In the order of integers, in which what is no number stands above infinity.
    let mut most = _mm512_setzero_si512();
    for x in x.chunks_exact(16) {
        // SAFETY: a chunk is 16 numbers long.
        most = _mm512_max_epi32(most, _mm512_castps_si512(_mm512_abs_ps(unsafe { _mm512_loadu_ps(x.as_ptr()) })));
    }
    let most = f32::from_bits(_mm512_reduce_max_epi32(most) as u32);
    let step = most / 127.0;
    let inverse = _mm512_set1_ps(if most > 0.0 { 127.0 / most } else { 0.0 });
    for ((x, bytes), sum) in x.chunks_exact(16).zip(bytes.chunks_exact_mut(16)).zip(sums) {
        // SAFETY: a chunk is 16 numbers long.
        let whole = _mm512_cvtps_epi32(_mm512_mul_ps(unsafe { _mm512_loadu_ps(x.as_ptr()) }, inverse));
        // SAFETY: a chunk is 16 bytes long.
        unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), _mm512_cvtsepi32_epi8(whole)) };
        *sum = _mm512_reduce_add_epi32(whole) as i16;
    }
    step
}
