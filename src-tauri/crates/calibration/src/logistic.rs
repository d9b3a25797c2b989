//! Logistic regression with a ridge, whose strength the data choose.

use crate::linear::{Cholesky, dot};
use serde::{Deserialize, Serialize};

/// A fitted regression: logit = intercept + weights · x.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Logistic {
    /// The intercept last.
    weights: Vec<f64>,
    /// Second derivatives of the negative logarithm of the posterior, row by row; its
    /// inverse is the covariance of the weights.
    hessian: Vec<f64>,
}

/// One row: coordinates, outcome, weight.
pub(crate) struct Row<'a> {
    pub x: &'a [f64],
    pub positive: bool,
    pub weight: f64,
}

/// Precisions of the weights that are tried. Coordinates have a mean square length of 1,
/// so that these reach from hardly held back to held at zero.
const PRECISIONS: [f64; 9] = [0.01, 0.03, 0.1, 0.3, 1., 3., 10., 30., 100.];
/// The intercept is hardly held back: how common a finding is, is for the data to say.
const INTERCEPT_PRECISION: f64 = 1e-4;
/// Newton converges in far fewer; the loop ends where it does not.
const ROUNDS: usize = 50;

impl Logistic {
    /// The fit whose precision has the largest evidence, by Laplace's approximation (MacKay,
    /// Neural Computation 1992;4:720-736; Bishop, Pattern Recognition and Machine Learning,
    /// 4.4 and 4.5). It looks at these rows alone, so nothing of a held-out fold leaks into
    /// the choice. `None` without rows of both kinds.
    pub fn fit(rows: &[Row]) -> Option<Logistic> {
        if !rows.iter().any(|r| r.positive) || rows.iter().all(|r| r.positive) {
            return None;
        }
        let size = rows[0].x.len() + 1;
        let mut best: Option<(f64, Logistic)> = None;
        let mut start = vec![0.; size];
        // From the strongest ridge on, each fit starts where the one before ended.
        for precision in PRECISIONS.into_iter().rev() {
            let Some((evidence, fit)) = newton(rows, precision, &start) else { continue };
            start.clone_from(&fit.weights);
            if best.as_ref().is_none_or(|(known, _)| evidence > *known) {
                best = Some((evidence, fit));
            }
        }
        best.map(|(_, fit)| fit)
    }

    pub fn logit(&self, x: &[f64]) -> f64 {
        let (intercept, weights) = self.weights.split_last().expect("an intercept");
        dot(weights, x) + intercept
    }

    /// Variance of the logit, from what is not known of the weights (the delta method; for a
    /// logit that is linear in the weights it is exact under the normal approximation).
    pub fn variance(&self, x: &[f64]) -> f64 {
        let with_one: Vec<f64> = x.iter().copied().chain([1.]).collect();
        Cholesky::of(&self.hessian, self.weights.len()).map_or(f64::INFINITY, |factor| factor.quadratic(&with_one))
    }
}

/// The maximum of the posterior and the logarithm of the evidence, up to a constant.
fn newton(rows: &[Row], precision: f64, start: &[f64]) -> Option<(f64, Logistic)> {
    let size = start.len();
    let held = |i: usize| if i + 1 == size { INTERCEPT_PRECISION } else { precision };
    let mut weights = start.to_vec();
    let mut value = objective(rows, &weights, held);
    let mut hessian = curvature(rows, &weights, held);
    for _ in 0..ROUNDS {
        let slope = gradient(rows, &weights, held);
        let step = Cholesky::of(&hessian, size)?.solve(&slope);
        let mut length = 1.;
        loop {
            let next: Vec<f64> = weights.iter().zip(&step).map(|(w, s)| w - length * s).collect();
            let there = objective(rows, &next, held);
            if there <= value {
                weights = next;
                value = there;
                break;
            }
            length /= 2.;
            if length < 1e-6 {
                break;
            }
        }
        hessian = curvature(rows, &weights, held);
        if dot(&slope, &step) < 1e-10 {
            break;
        }
    }
    let prior: f64 = (0..size).map(|i| held(i).ln()).sum();
    let evidence = -value + (prior - Cholesky::of(&hessian, size)?.log_determinant()) / 2.;
    evidence.is_finite().then_some((evidence, Logistic { weights, hessian }))
}

fn objective(rows: &[Row], weights: &[f64], held: impl Fn(usize) -> f64) -> f64 {
    let loss: f64 =
        rows.iter().map(|r| r.weight * softplus(if r.positive { -at(r, weights) } else { at(r, weights) })).sum();
    loss + weights.iter().enumerate().map(|(i, w)| held(i) * w * w / 2.).sum::<f64>()
}

fn gradient(rows: &[Row], weights: &[f64], held: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut slope: Vec<f64> = weights.iter().enumerate().map(|(i, w)| held(i) * w).collect();
    for row in rows {
        let error = row.weight * (sigmoid(at(row, weights)) - f64::from(u8::from(row.positive)));
        slope.iter_mut().zip(row.x.iter().chain(&[1.])).for_each(|(s, x)| *s += error * x);
    }
    slope
}

fn curvature(rows: &[Row], weights: &[f64], held: impl Fn(usize) -> f64) -> Vec<f64> {
    let size = weights.len();
    let mut matrix = vec![0.; size * size];
    let mut x = vec![1.; size];
    for row in rows {
        x[..size - 1].copy_from_slice(row.x);
        let p = sigmoid(at(row, weights));
        let factor = row.weight * p * (1. - p);
        for i in 0..size {
            let scaled = factor * x[i];
            matrix[i * size..i * size + i + 1].iter_mut().zip(&x).for_each(|(m, x)| *m += scaled * x);
        }
    }
    for i in 0..size {
        matrix[i * size + i] += held(i);
        for j in 0..i {
            matrix[j * size + i] = matrix[i * size + j];
        }
    }
    matrix
}

fn at(row: &Row, weights: &[f64]) -> f64 {
    dot(row.x, weights) + weights[row.x.len()]
}

/// ln(1 + exp(x)) without overflow.
pub(crate) fn softplus(x: f64) -> f64 {
    x.max(0.) + (-x.abs()).exp().ln_1p()
}

pub(crate) fn sigmoid(x: f64) -> f64 {
    1. / (1. + (-x).exp())
}
