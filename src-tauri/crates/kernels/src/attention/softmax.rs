//! The softmax over a block of keys, along vectors of queries.

#[cfg(target_arch = "x86_64")]
mod avx512;

#[cfg(target_arch = "x86_64")]
use crate::cpu::Isa;
use crate::math::{fma, power_of_two};
use crate::micro::Kernel;
#[cfg(target_arch = "x86_64")]
use crate::micro::Kind;
use crate::versions::versions;

/// Lanes that the compiler is given at once.
const LANES: usize = 16;

/// The softmax so far of each query of a panel.
#[derive(Clone)]
pub(super) struct Running {
    /// The largest score, in units of ln 2. Those that are not numbers are passed over.
    pub largest: Vec<f32>,
    /// The sum of the weights relative to it; not a number where one of the scores was not.
    pub sum: Vec<f32>,
}

impl Running {
    pub fn new(columns: usize) -> Self {
        Self { largest: vec![f32::NEG_INFINITY; columns], sum: vec![0.; columns] }
    }

    pub fn reset(&mut self) {
        self.largest.fill(f32::NEG_INFINITY);
        self.sum.fill(0.);
    }
}

/// 2^x for x up to 0 within 4e-7 of its value; below 2^-126 that instead of less. What is not a
/// number stays so.
#[inline(always)]
fn exp2(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    let x = if x < -126. { -126. } else { x };
    let shifted = x + ROUND;
    let r = x - (shifted - ROUND);
    // Interpolates 2^r at the Chebyshev nodes of -1/2..1/2.
    let mut p = 1.339_086_3e-3;
    p = fma(p, r, 9.676_032e-3);
    p = fma(p, r, 5.550_357e-2);
    p = fma(p, r, 2.402_210_7e-1);
    p = fma(p, r, 6.931_471_8e-1);
    p = fma(p, r, 1.000_000_1);
    p * power_of_two(shifted)
}

versions! {
    /// Scaled scores with the mask added, in place, in units of ln 2.
    pub(super) fn add_mask(scores: &mut [f32], mask: &[f32], scale: f32) {
        for (score, &mask) in scores.iter_mut().zip(mask) {
            *score = fma(*score, scale, mask * std::f32::consts::LOG2_E);
        }
    }
}

/// Scores of a block, `[key][column]`, to weights relative to the largest score so far,
/// packed in place as the kernel's vectors `[step][column]`: float32, or pairs of brain
/// floats. Updates the softmax so far, and writes to `correction` what the results so far
/// are to be multiplied by. True where one of those is not 1.
pub(super) fn weigh(
    kernel: Kernel,
    scores: &mut [u32],
    scale: f32,
    running: &mut Running,
    correction: &mut [f32],
) -> bool {
    let (largest, sum) = (&mut running.largest[..], &mut running.sum[..]);
    match (kernel.isa(), kernel.kind()) {
        // SAFETY: a kernel is only made for a set that the processor has, with BF16 where
        // it is of pairs; the panel is as wide as those of that set.
        #[cfg(target_arch = "x86_64")]
        (Isa::Amx | Isa::Avx512, Kind::PairsBf16) => unsafe {
            avx512::weigh_pairs(scores, scale, largest, sum, correction)
        },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        (Isa::Avx512 | Isa::Avx512Plain, Kind::F32) => unsafe {
            avx512::weigh_floats(scores, scale, largest, sum, correction)
        },
        (isa, _) => weigh_plainly(isa, scores, kernel.columns(), scale, largest, sum, correction),
    }
}

versions! {
    /// [`weigh`] to float32.
    fn weigh_plainly(
        scores: &mut [u32], columns: usize, scale: f32, largest: &mut [f32], sum: &mut [f32], correction: &mut [f32],
    ) -> bool {
        let keys = scores.len() / columns;
        let mut changed = false;
        for start in (0..columns).step_by(LANES) {
            let lanes = |scores: &[u32], key: usize| -> [f32; LANES] {
                let (lanes, _) = scores[key * columns + start..][..LANES].as_chunks::<LANES>();
                lanes[0].map(f32::from_bits)
            };
            let before: [f32; LANES] = largest[start..][..LANES].try_into().expect("a vector of lanes");
            let mut block = [f32::NEG_INFINITY; LANES];
            for key in 0..keys {
                let score = lanes(scores, key);
                for l in 0..LANES {
                    block[l] = if score[l] > block[l] { score[l] } else { block[l] };
                }
            }
            // What is subtracted; 0 for a query that has seen no key, whose weights are
            // then below 2^-125 and dropped with its first key.
            let mut base = [0f32; LANES];
            for l in 0..LANES {
                let now = if block[l] * scale > before[l] { block[l] * scale } else { before[l] };
                largest[start + l] = now;
                base[l] = if now == f32::NEG_INFINITY { 0. } else { now };
                // To the bit 1 where the largest stays, which `exp2` is not: else a query's result would depend on
                // whether its neighbours in the panel see keys that are hidden from it.
                let factor = match before[l] {
                    f32::NEG_INFINITY => 0.,
                    before if before == now => 1.,
                    before => exp2(before - base[l]),
                };
                correction[start + l] = factor;
                changed |= factor != 1.;
            }
            let mut total = [0f32; LANES];
            for key in 0..keys {
                let mut weights = lanes(scores, key);
                for l in 0..LANES {
                    weights[l] = exp2(fma(weights[l], scale, -base[l]));
                    total[l] += weights[l];
                }
                scores[key * columns + start..][..LANES].copy_from_slice(&weights.map(f32::to_bits));
            }
            for l in 0..LANES {
                sum[start + l] = fma(sum[start + l], correction[start + l], total[l]);
            }
        }
        changed
    }
}

versions! {
    /// Results so far, `[number][column]`, times each column's correction.
    pub(super) fn correct(results: &mut [f32], correction: &[f32]) {
        for row in results.chunks_exact_mut(correction.len()) {
            for (result, correction) in row.iter_mut().zip(correction) {
                *result *= correction;
            }
        }
    }
}
