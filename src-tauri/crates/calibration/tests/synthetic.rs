//! Fits to embeddings whose true probabilities are known.

use hilum_calibration::{Case, Fitted, Outcome, Probe, Rule, fit};

/// Normal numbers from a seed, by the sum of twelve uniform ones.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let x = self.0 ^ (self.0 >> 33);
        (x.wrapping_mul(0xff51afd7ed558ccd) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.
    }
}

const DIM: usize = 48;

struct Patient {
    embedding: Vec<f32>,
    truth: f64,
    positive: bool,
}

/// Embeddings with a few strong directions, two of which decide; `signal` is how strongly.
fn patient(random: &mut Random, signal: f64, offset: f64) -> Patient {
    let z: Vec<f64> = (0..6).map(|_| random.normal()).collect();
    let logit = signal * (z[0] - 0.6 * z[1]) + offset;
    let mut embedding: Vec<f32> = (0..DIM).map(|_| (random.normal() * 0.02) as f32).collect();
    for (i, z) in z.iter().enumerate() {
        // Each direction is spread over eight dimensions.
        for j in 0..8 {
            embedding[i * 8 + j] += (z * 0.1 * if j % 2 == 0 { 1. } else { -0.7 }) as f32;
        }
    }
    embedding[0] += 0.5;
    let truth = 1. / (1. + (-logit).exp());
    Patient { embedding, truth, positive: random.unit() < truth }
}

fn patients(seed: u64, count: usize, signal: f64, offset: f64) -> Vec<Patient> {
    let mut random = Random(seed);
    (0..count).map(|_| patient(&mut random, signal, offset)).collect()
}

fn fitted(patients: &[Patient], seed: u64) -> Fitted {
    let cases: Vec<Case> = patients
        .iter()
        .enumerate()
        .map(|(i, p)| Case { embedding: &p.embedding, person: i as u32, positive: p.positive })
        .collect();
    fit(&cases, Rule::default(), seed)
}

fn probe(fitted: Fitted) -> Probe {
    match fitted.outcome {
        Outcome::Calibrated(probe) => *probe,
        other => panic!("{other:?}, {:?}", fitted.auc),
    }
}

/// Expected calibration error in ten bins of equal count (Naeini et al., AAAI 2015).
fn calibration_error(mut pairs: Vec<(f64, f64)>) -> f64 {
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let bin = pairs.len() / 10;
    let mean =
        |part: &[(f64, f64)], pick: fn(&(f64, f64)) -> f64| part.iter().map(pick).sum::<f64>() / part.len() as f64;
    pairs.chunks(bin).map(|part| (mean(part, |p| p.0) - mean(part, |p| p.1)).abs() * part.len() as f64).sum::<f64>()
        / pairs.len() as f64
}

/// Over several departments: the error of calibration on new patients, and how often the
/// interval holds the true probability.
fn check(count: usize, signal: f64, offset: f64, largest_error: f64) {
    let (mut errors, mut held, mut asked) = (0., 0usize, 0usize);
    let departments = 8;
    for department in 0..departments {
        let probe = probe(fitted(&patients(department + 1, count, signal, offset), department));
        let new = patients(1000 + department, 1000, signal, offset);
        let said: Vec<_> = new.iter().map(|p| probe.probability(&p.embedding).expect("a probability")).collect();
        errors += calibration_error(said.iter().zip(&new).map(|(s, p)| (s.value, p.truth)).collect());
        held += said.iter().zip(&new).filter(|(s, p)| s.low <= p.truth && p.truth <= s.high).count();
        asked += new.len();
        assert!(said.iter().all(|s| 0. <= s.low && s.low <= s.value && s.value <= s.high && s.high <= 1.));
    }
    let (error, coverage) = (errors / departments as f64, held as f64 / asked as f64);
    println!("{count} patients, signal {signal}, offset {offset}: error {error:.3}, coverage {coverage:.3}");
    assert!(error < largest_error, "calibration error {error:.3}");
    assert!(coverage > 0.88, "coverage {coverage:.3}");
}

#[test]
fn probabilities_are_calibrated_and_their_intervals_hold() {
    check(200, 1.5, 0., 0.08);
    check(600, 1.5, 0., 0.05);
    check(600, 1.5, -1.5, 0.05);
    check(400, 3., 0., 0.06);
}

#[test]
fn too_few_patients_give_no_probability() {
    let few = patients(3, 50, 1.5, 0.);
    let result = fitted(&few, 1);
    assert_eq!((result.outcome, result.auc), (Outcome::TooFew, None));
    assert_eq!(result.positives + result.negatives, 50);
    // Ten images of each of few patients are still few patients.
    let cases: Vec<Case> = (0..500)
        .map(|i| Case { embedding: &few[i % 50].embedding, person: (i % 50) as u32, positive: few[i % 50].positive })
        .collect();
    let many_images = fit(&cases, Rule::default(), 1);
    assert_eq!(many_images.outcome, Outcome::TooFew);
    assert_eq!((many_images.positives, many_images.negatives), (result.positives, result.negatives));
}

#[test]
fn what_cannot_be_told_apart_gives_no_probability() {
    let result = fitted(&patients(4, 300, 0., 0.), 1);
    assert_eq!(result.outcome, Outcome::NotSeparated);
    let auc = result.auc.expect("an area");
    assert!(auc.low < 0.5 && auc.high > 0.5, "{auc:?}");
}

/// Pairs of images that are nearly the same, with a label that belongs to the patient by
/// chance: a split that parted the pairs would find it, folds by patient do not.
#[test]
fn a_patients_second_image_gives_nothing_away() {
    let mut random = Random(9);
    let patients: Vec<(Vec<f32>, bool)> =
        (0..150).map(|_| ((0..DIM).map(|_| random.normal() as f32).collect(), random.unit() < 0.5)).collect();
    let cases: Vec<Case> = (0..600)
        .map(|i| Case { embedding: &patients[i % 150].0, person: (i % 150) as u32, positive: patients[i % 150].1 })
        .collect();
    assert_eq!(fit(&cases, Rule::default(), 2).outcome, Outcome::NotSeparated);
    let parted: Vec<Case> = cases.iter().enumerate().map(|(i, c)| Case { person: i as u32, ..c.clone() }).collect();
    let leaked = fit(&parted, Rule::default(), 2).auc.expect("an area").value;
    let honest = fit(&cases, Rule::default(), 2).auc.expect("an area").value;
    assert!(leaked > honest + 0.1, "{leaked} against {honest}");
}

#[test]
fn a_fit_is_repeatable_and_kept_whole() {
    let some = patients(5, 300, 2., 0.);
    let (first, again) = (fitted(&some, 7), fitted(&some, 7));
    assert_eq!(first, again);
    let probe = probe(first);
    let kept: Probe = serde_json::from_str(&serde_json::to_string(&probe).expect("JSON")).expect("a probe");
    let at = |probe: &Probe| probe.probability(&some[0].embedding).expect("a probability");
    assert!((at(&kept).value - at(&probe).value).abs() < 1e-12);
    assert_eq!(probe.probability(&[0.; 3]), None);
}
