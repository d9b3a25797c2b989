//! From scores to probabilities, by what held-out patients turned out to have.

use crate::linear::Cholesky;
use crate::logistic::sigmoid;
use serde::{Deserialize, Serialize};

/// Logit of the probability = slope · score + offset, with the covariance of the two.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Platt {
    pub slope: f64,
    pub offset: f64,
    /// Of slope and slope, slope and offset, offset and offset.
    covariance: [f64; 3],
}

impl Platt {
    /// Fits to held-out scores (score, outcome, weight) with Platt's targets, which keep a
    /// little doubt where outcomes are all alike (Platt, in Advances in Large Margin
    /// Classifiers, 1999; solved by Newton's method as Lin, Lin and Weng advise, Machine
    /// Learning 2007;68:267-276). `None` without scores of both kinds.
    pub fn fit(scores: &[(f64, bool, f64)]) -> Option<Platt> {
        let total = |kind: bool| -> f64 { scores.iter().filter(|s| s.1 == kind).map(|s| s.2).sum() };
        let (positives, negatives) = (total(true), total(false));
        if positives <= 0. || negatives <= 0. {
            return None;
        }
        let targets = [1. / (negatives + 2.), (positives + 1.) / (positives + 2.)];
        let target = |positive: bool| targets[usize::from(positive)];
        let loss = |slope: f64, offset: f64| -> f64 {
            let one = |(s, positive, weight): &(f64, bool, f64)| {
                let logit = slope * s + offset;
                weight * (crate::logistic::softplus(logit) - target(*positive) * logit)
            };
            scores.iter().map(one).sum()
        };
        let (mut slope, mut offset) = (0., ((positives + 1.) / (negatives + 1.)).ln());
        let mut hessian = [0.; 4];
        for _ in 0..100 {
            let (mut g, mut h) = ([0.; 2], [1e-9, 0., 0., 1e-9]);
            for (s, positive, weight) in scores {
                let p = sigmoid(slope * s + offset);
                let (error, bend) = (weight * (p - target(*positive)), weight * p * (1. - p));
                g = [g[0] + error * s, g[1] + error];
                h = [h[0] + bend * s * s, h[1] + bend * s, h[2] + bend * s, h[3] + bend];
            }
            hessian = h;
            let step = Cholesky::of(&h, 2)?.solve(&g);
            let (here, mut length) = (loss(slope, offset), 1.);
            while loss(slope - length * step[0], offset - length * step[1]) > here && length > 1e-6 {
                length /= 2.;
            }
            slope -= length * step[0];
            offset -= length * step[1];
            if g[0] * step[0] + g[1] * step[1] < 1e-12 {
                break;
            }
        }
        let factor = Cholesky::of(&hessian, 2)?;
        let (first, second) = (factor.solve(&[1., 0.]), factor.solve(&[0., 1.]));
        Some(Platt { slope, offset, covariance: [first[0], first[1], second[1]] })
    }

    pub fn logit(&self, score: f64) -> f64 {
        self.slope * score + self.offset
    }

    /// Variance of [`Self::logit`], from what is not known of slope and offset.
    pub fn variance(&self, score: f64) -> f64 {
        let [slope, both, offset] = self.covariance;
        slope * score * score + 2. * both * score + offset
    }
}
