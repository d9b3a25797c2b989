//! What is known of the patient and the images besides the report.

use super::{Identity, Sex};
use crate::claims::Side;

/// What the checks hold the text against. What is not known checks nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Known {
    pub sex: Option<Sex>,
    /// Whole years at the study.
    pub age: Option<u32>,
    /// A prior study of the patient is linked or can be seen.
    pub prior: bool,
    /// View Position of each image as its header writes it ("PA", "AP", "LL"); empty when one does not say.
    pub views: Vec<String>,
    /// The side that the images are of, where all of them say so and it is one (Image Laterality "L" or "R").
    pub side: Option<Side>,
    /// Body Part Examined, as the header writes it.
    pub body_part: Option<String>,
    /// What was measured on this study's images and on those of its linked priors, millimetres.
    pub measured: Option<Vec<f64>>,
    /// Ratios that were measured (the cardiothoracic one); looked at where `measured` is known.
    pub ratios: Vec<f64>,
    /// Whose images they are.
    pub patient: Identity,
}

impl Known {
    /// Only the patient's sex.
    pub fn of_sex(sex: Option<Sex>) -> Known {
        Known { sex, prior: true, ..Known::default() }
    }

    /// Millimetres of measurements as they are kept ("148 mm", "1.5 cm"); others have none.
    pub fn millimetres(measured: &str) -> Option<f64> {
        let mut words = measured.split_whitespace();
        let number: f64 = words.next()?.parse().ok()?;
        match words.next()? {
            "mm" => Some(number),
            "cm" => Some(number * 10.0),
            _ => None,
        }
    }
}
