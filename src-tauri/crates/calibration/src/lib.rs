//! Local calibration: what a department's own signed reports make of an embedding.
//!
//! For one finding, [`fit`] learns a probe: a logistic regression on the image embedding,
//! whose scores are turned into probabilities by what it says of patients that it was not
//! fitted on (Platt 1999). A probability comes with an interval, and there is one only
//! where enough patients were reported on and the probe tells them apart ([`Rule`]).
//!
//! Pure: no input, output, clock or threads. The folds follow a seed that is passed in, so
//! that the same reports give the same probe. Patients are the unit of everything: folds
//! never part a patient's images, and however many images a patient has, they weigh as one.

mod auc;
mod axes;
mod fit;
mod folds;
mod linear;
mod logistic;
mod platt;

pub use auc::{Auc, auc};
pub use axes::Axes;
pub use fit::{Case, Fitted, Outcome, Probability, Probe, Rule, fit};
pub use folds::folds;

/// Half the width of a 95 % interval in standard deviations.
pub(crate) const Z95: f64 = 1.959_963_984_540_054;
