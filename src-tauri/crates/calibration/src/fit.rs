//! One finding's probe: what is fitted, when it may be shown, and what it says.

use crate::Z95;
use crate::auc::{Auc, auc};
use crate::axes::Axes;
use crate::folds::folds;
use crate::logistic::{Logistic, Row, sigmoid};
use crate::platt::Platt;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One image with what its signed report says of the finding.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    pub embedding: &'a [f32],
    /// Cases of one person are never parted, and weigh as one.
    pub person: u32,
    pub positive: bool,
}

/// When a probability may be shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// Patients needed with the finding, and as many without it.
    pub patients: usize,
    /// What the lower end of the interval of the area under the ROC curve must exceed.
    pub auc_low: f64,
}

impl Default for Rule {
    /// 30 patients of each kind, and an area that is surely above 0.6: with fewer, the
    /// interval of the area is wider than 0.25, and a probe that hardly separates only
    /// repeats how common the finding is.
    fn default() -> Rule {
        Rule { patients: 30, auc_low: 0.6 }
    }
}

/// What became of a fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// Patients with the finding, and without it; one may be both, in different studies.
    pub positives: usize,
    pub negatives: usize,
    /// Over patients that the scoring probe was not fitted on; `None` where there were too few.
    pub auc: Option<Auc>,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Calibrated(Box<Probe>),
    /// Fewer patients of one kind than the rule asks for.
    TooFew,
    /// The images of patients with and without the finding are not told apart well enough.
    NotSeparated,
}

/// A fitted probe, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    axes: Axes,
    logistic: Logistic,
    platt: Platt,
    /// Patients that it was fitted on.
    pub patients: usize,
}

/// A probability of the finding being stated in a signed report, with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probability {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

const FOLDS: usize = 5;
/// Most axes of a probe, and patients of the rarer kind for each: the rule of thumb of ten
/// outcomes a variable (Peduzzi et al., J Clin Epidemiol 1996;49:1373-1379), halved because
/// the ridge holds the weights back as well.
const MOST_AXES: usize = 24;
const PATIENTS_AN_AXIS: usize = 5;

/// Fits one finding's probe.
///
/// Five folds by patient give every case a score from a probe that has not seen its
/// patient. Those scores measure the separation, and turn scores into probabilities; the
/// probe that is kept is then fitted on all cases. Embeddings must be of one length.
pub fn fit(cases: &[Case], rule: Rule, seed: u64) -> Fitted {
    let persons = |kind: bool| cases.iter().filter(|c| c.positive == kind).map(|c| c.person).collect::<BTreeSet<_>>();
    let (with, without) = (persons(true), persons(false));
    let (positives, negatives) = (with.len(), without.len());
    let refused = |auc, outcome| Fitted { positives, negatives, auc, outcome };
    if positives.min(negatives) < rule.patients.max(FOLDS) {
        return refused(None, Outcome::TooFew);
    }
    let weights = weights(cases);
    let people: Vec<u32> = cases.iter().map(|c| c.person).collect();
    let labels: Vec<bool> = cases.iter().map(|c| c.positive).collect();
    let fold_of = folds(&people, &labels, FOLDS, seed);
    let mut held_out = Vec::with_capacity(cases.len());
    for fold in 0..FOLDS {
        let chosen =
            |inside: bool| -> Vec<usize> { (0..cases.len()).filter(|i| (fold_of[*i] == fold) == inside).collect() };
        let Some((axes, logistic)) = learn(cases, &weights, &chosen(false), seed) else {
            return refused(None, Outcome::TooFew);
        };
        for i in chosen(true) {
            let score = logistic.logit(&axes.project(cases[i].embedding).unwrap_or_default());
            held_out.push((score, cases[i].positive, weights[i]));
        }
    }
    let area = auc(&held_out, positives, negatives);
    if area.is_none_or(|a| a.low <= rule.auc_low) {
        return refused(area, Outcome::NotSeparated);
    }
    let all: Vec<usize> = (0..cases.len()).collect();
    match (learn(cases, &weights, &all, seed), Platt::fit(&held_out)) {
        // A slope that is not positive would turn the order around.
        (Some((axes, logistic)), Some(platt)) if platt.slope > 0. => {
            let patients = with.union(&without).count();
            refused(area, Outcome::Calibrated(Box::new(Probe { axes, logistic, platt, patients })))
        }
        _ => refused(area, Outcome::NotSeparated),
    }
}

fn learn(cases: &[Case], weights: &[f64], chosen: &[usize], seed: u64) -> Option<(Axes, Logistic)> {
    let persons = |kind: bool| {
        chosen.iter().filter(|i| cases[**i].positive == kind).map(|i| cases[*i].person).collect::<BTreeSet<_>>().len()
    };
    let count = (persons(true).min(persons(false)) / PATIENTS_AN_AXIS).clamp(2, MOST_AXES);
    let embeddings: Vec<&[f32]> = chosen.iter().map(|i| cases[*i].embedding).collect();
    let axes = Axes::of(&embeddings, count, seed);
    let coordinates = embeddings.iter().map(|e| axes.project(e)).collect::<Option<Vec<_>>>()?;
    let rows: Vec<Row> = chosen
        .iter()
        .zip(&coordinates)
        .map(|(i, x)| Row { x, positive: cases[*i].positive, weight: weights[*i] })
        .collect();
    Some((axes, Logistic::fit(&rows)?))
}

/// One for each patient and kind, shared among the patient's cases of that kind.
fn weights(cases: &[Case]) -> Vec<f64> {
    let mut counts: BTreeMap<(u32, bool), usize> = BTreeMap::new();
    for case in cases {
        *counts.entry((case.person, case.positive)).or_default() += 1;
    }
    cases.iter().map(|c| 1. / counts[&(c.person, c.positive)] as f64).collect()
}

impl Probe {
    /// The probability for an embedding; `None` for one of another length than it was fitted on.
    ///
    /// The interval is of the delta method on the logit (Agresti, Categorical Data Analysis,
    /// 3rd ed., 5.3 and 16.1): what is not known of the probe's weights and what is not known
    /// of slope and offset, as if the two were independent. It says how well the department's
    /// reports determine the probability, not how sure the reports were.
    pub fn probability(&self, embedding: &[f32]) -> Option<Probability> {
        let x = self.axes.project(embedding)?;
        let score = self.logistic.logit(&x);
        let logit = self.platt.logit(score);
        let deviation = (self.platt.slope.powi(2) * self.logistic.variance(&x) + self.platt.variance(score)).sqrt();
        let at = |logit: f64| sigmoid(logit).clamp(0., 1.);
        Some(Probability { value: at(logit), low: at(logit - Z95 * deviation), high: at(logit + Z95 * deviation) })
    }
}
