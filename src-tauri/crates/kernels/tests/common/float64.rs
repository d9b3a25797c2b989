//! What products and attention come to in float64, and how far from it a result may be.
//!
//! Operands are first rounded as the kernels round them, which is a matter of their definition and leaves nothing to
//! allow for: to brain floats, or to int8 with a scale. What is left are the roundings of float32, and in attention
//! those of the weights to brain floats.

use hilum_kernels::linear::{Activation, Precision};
use hilum_kernels::values::{from_bf16, to_bf16};

/// What a rounding to float32, which has 24 bits, changes at most, as a part of the number.
pub const SINGLE: f64 = 1. / (1u64 << 24) as f64;

/// The same of brain floats, which have 8 bits.
pub const BRAIN: f64 = 1. / (1u64 << 8) as f64;

/// How far a sum in float32 may be off, as a part of what its terms come to without their signs. A rounding is uniform
/// within [`SINGLE`] of the sum so far (deviation 1 / sqrt(3)), which grows to the whole (root mean square 1 / sqrt(3)):
/// `SINGLE * sqrt(terms) / 3`, of which this is six times, and a rounding of each product where none is fused.
pub fn of_sum(terms: usize) -> f64 {
    SINGLE * (1. + 2. * (terms as f64).sqrt())
}

/// One number of a linear layer, and how far from it a result may be.
pub fn product(precision: Precision, x: &[f32], w: &[f32], bias: f32, activation: Activation) -> (f64, f64) {
    let bias = f64::from(bias);
    let (sum, tolerance) = match precision {
        Precision::F32 => sum_of(x.iter().zip(w).map(|(&x, &w)| f64::from(x) * f64::from(w)), bias),
        Precision::Bf16 => sum_of(x.iter().zip(w).map(|(&x, &w)| brain(x) * brain(w)), bias),
        Precision::Int8 => {
            let ((x, x_step), (w, w_step)) = (bytes(x), bytes(w));
            let whole: f64 = x.iter().zip(&w).map(|(x, w)| x * w).sum();
            let product = whole * x_step * w_step;
            // Whole numbers are summed exactly. Then the sum, the product of the steps, and that of both are rounded, and
            // the sum with the bias.
            (product + bias, SINGLE * (4. * product.abs() + bias.abs()))
        }
    };
    match activation {
        Activation::None => (sum, tolerance + 1e-30),
        // The slope of GELU is at most 1.13; its own error is that which the tests of `math` hold.
        Activation::Gelu => (gelu(sum), tolerance * 1.13 + 2e-6 * (1. + sum.abs())),
    }
}

/// What a query attends to, and how far from it a result may be. `brains` says whether queries, keys, values and weights
/// are rounded to brain floats.
pub fn attended(
    brains: bool,
    query: &[f32],
    keys: &[&[f32]],
    values: &[&[f32]],
    mask: Option<&[f32]>,
    scale: f32,
) -> Vec<(f64, f64)> {
    let kept = |x: f32| if brains { brain(x) } else { f64::from(x) };
    let dot = |key: &[f32], size: fn(f64) -> f64| -> f64 {
        query.iter().zip(key).map(|(&a, &b)| size(kept(a) * kept(b))).sum::<f64>() * f64::from(scale)
    };
    let masked = |at: usize| mask.map_or(0., |mask| f64::from(mask[at]));
    let scores: Vec<f64> = keys.iter().enumerate().map(|(at, key)| dot(key, |x| x) + masked(at)).collect();
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if highest == f64::NEG_INFINITY {
        return vec![(0., 0.); query.len()];
    }
    let weights: Vec<f64> = scores.iter().map(|score| (score - highest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    let over = |number: usize, size: fn(f64) -> f64| -> f64 {
        weights.iter().zip(values).map(|(weight, value)| weight / sum * size(kept(value[number]))).sum()
    };
    // By this much a score may be off: its sum, and some roundings of the score, of the mask, and of their distance from
    // the largest.
    let size = keys.iter().map(|key| dot(key, f64::abs)).fold(0., f64::max);
    // What hides a key may be the lowest number; a weight of it is none.
    let most = (0..keys.len()).map(masked).filter(|x| x.abs() < 1e30).fold(0., |most: f64, x| most.max(x.abs()));
    let off = (of_sum(query.len()) + 6. * SINGLE) * size + 6. * SINGLE * most;
    // The powers as the softmax's polynomials give them; in brain floats shorter ones, and a rounding of each weight.
    let (power, weight) = if brains { (4e-6, BRAIN) } else { (4e-7, 0.) };
    // The sum of the weights and that of the values, both multiplied again for some blocks of keys, and their quotient.
    let sums = 2. * of_sum(keys.len()) + 2. * SINGLE * (2. + keys.len() as f64 / 100.);
    // A weight is off by its own score, and by those that make up the sum that it is divided by.
    let part = (2. * off).exp_m1() + 2. * power + weight + sums;
    (0..query.len()).map(|number| (over(number, |x| x), part * over(number, f64::abs) + 1e-30)).collect()
}

fn sum_of(terms: impl ExactSizeIterator<Item = f64>, bias: f64) -> (f64, f64) {
    let count = terms.len() + 1;
    let (sum, size) = terms.fold((bias, bias.abs()), |(sum, size), term| (sum + term, size + term.abs()));
    (sum, size * of_sum(count))
}

fn brain(x: f32) -> f64 {
    f64::from(from_bf16(to_bf16(x)))
}

/// Whole numbers of at most 127, and what a step of them is worth.
fn bytes(values: &[f32]) -> (Vec<f64>, f64) {
    let largest = values.iter().fold(0f32, |largest, x| largest.max(x.abs()));
    if largest <= f32::MIN_POSITIVE * 127. {
        return (vec![0.; values.len()], 0.);
    }
    let inverse = 127. / largest;
    (values.iter().map(|x| f64::from((x * inverse).round_ties_even())).collect(), f64::from(largest / 127.))
}

fn gelu(x: f64) -> f64 {
    0.5 * x * (1. + ((2. / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
}
