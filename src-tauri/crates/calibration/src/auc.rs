//! The area under the ROC curve, with an interval.

use crate::Z95;
use serde::{Deserialize, Serialize};

/// Area under the ROC curve with its 95 % interval, each 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Auc {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// The probability that a positive case scores higher than a negative one, ties counting
/// half (Mann-Whitney), cases weighing as given; the interval for `positives` and
/// `negatives` independent patients.
///
/// The interval is Newcombe's fifth method (Statistics in Medicine 2006;25:559-573): the
/// areas that are within 1.96 of their own standard error from what was found, with the
/// error of Hanley and McNeil (Radiology 1982;143:29-36) for two groups of the mean size.
/// Unlike that of Hanley and McNeil itself it has a width where the separation is perfect.
pub fn auc(scores: &[(f64, bool, f64)], positives: usize, negatives: usize) -> Option<Auc> {
    let mut sorted = scores.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut won, mut below) = (0f64, 0f64);
    let mut i = 0;
    while i < sorted.len() {
        let equal = sorted[i..].iter().take_while(|s| s.0 == sorted[i].0).count();
        let weight = |kind: bool| -> f64 { sorted[i..i + equal].iter().filter(|s| s.1 == kind).map(|s| s.2).sum() };
        let (positive, negative) = (weight(true), weight(false));
        won += positive * (below + negative / 2.);
        below += negative;
        i += equal;
    }
    let above: f64 = sorted.iter().filter(|s| s.1).map(|s| s.2).sum();
    if above <= 0. || below <= 0. || positives == 0 || negatives == 0 {
        return None;
    }
    let value = (won / (above * below)).clamp(0., 1.);
    let within = |area: f64| (area - value).abs() <= Z95 * standard_error(area, positives, negatives);
    Some(Auc { value, low: edge(value, 0., within), high: edge(value, 1., within) })
}

fn standard_error(area: f64, positives: usize, negatives: usize) -> f64 {
    let (m, n) = (positives as f64, negatives as f64);
    let others = (m + n) / 2. - 1.;
    let spread = 1. + others * (1. - area) / (2. - area) + others * area / (1. + area);
    (area * (1. - area) * spread / (m * n)).sqrt()
}

/// The last area from `inside` towards `outside` that is within, by bisection.
fn edge(mut inside: f64, mut outside: f64, within: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..60 {
        let middle = (inside + outside) / 2.;
        if within(middle) { inside = middle } else { outside = middle }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(positive: &[f64], negative: &[f64], expected: f64) -> Auc {
        let cases = positive.iter().map(|s| (*s, true, 1.)).chain(negative.iter().map(|s| (*s, false, 1.)));
        let found = auc(&cases.collect::<Vec<_>>(), positive.len(), negative.len()).expect("an area");
        assert!((found.value - expected).abs() < 1e-12, "{found:?}");
        assert!(found.low <= found.value && found.value <= found.high, "{found:?}");
        found
    }

    #[test]
    fn areas_of_small_sets() {
        check(&[3., 4.], &[1., 2.], 1.);
        check(&[1., 2.], &[3., 4.], 0.);
        check(&[1., 1.], &[1., 1.], 0.5);
        check(&[2., 4.], &[1., 3.], 0.75);
        check(&[2.], &[1., 2., 3.], 0.5);
        assert_eq!(auc(&[(1., true, 1.)], 1, 0), None);
    }

    #[test]
    fn the_interval_narrows_with_patients_and_never_closes() {
        let few = check(&[1.; 10], &[0.; 10], 1.);
        let many = check(&[1.; 100], &[0.; 100], 1.);
        assert!(few.low < many.low && many.low < 1. && few.high == 1.);
        // Hanley and McNeil's error at 0.5 with 50 and 50 is about 0.058.
        let chance = check(&[0.; 50], &[0.; 50], 0.5);
        assert!((chance.high - 0.61).abs() < 0.01 && (chance.low - 0.39).abs() < 0.01, "{chance:?}");
    }

    #[test]
    fn repeated_images_of_a_patient_change_nothing() {
        let once = [(1., true, 1.), (0.5, false, 1.), (2., false, 1.)];
        let twice = [(1., true, 0.5), (1., true, 0.5), (0.5, false, 1.), (2., false, 1.)];
        assert_eq!(auc(&once, 1, 2), auc(&twice, 1, 2));
    }
}
