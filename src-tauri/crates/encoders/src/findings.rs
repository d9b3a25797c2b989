//! The published zero-shot prompts of the 13 chest findings, and the rule
//! that turns them into scores.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

/// The published table, as a data file: MedGemma Technical Report,
/// arXiv 2507.05201, Table A4 (prompts) and Table 16 (zero-shot AUC).
const TABLE: &str = include_str!("findings.json");

/// Findings by name, in alphabetical order.
#[derive(Debug, Clone, Deserialize)]
pub struct Prompts {
    /// Where the table was published.
    pub source: String,
    pub findings: BTreeMap<String, FindingPrompts>,
}

/// What is said of one finding when it is there and when it is not.
#[derive(Debug, Clone, Deserialize)]
pub struct FindingPrompts {
    /// Published zero-shot area under the ROC curve of MedSigLIP-448, 0 to 1.
    pub auc: f32,
    pub absent: Vec<String>,
    pub present: Vec<String>,
}

/// The two class embeddings of one finding, each L2-normalised.
#[derive(Debug, Clone)]
pub(crate) struct FindingClasses {
    pub finding: String,
    pub absent: Vec<f32>,
    pub present: Vec<f32>,
}

impl Prompts {
    /// The table that ships with the program.
    pub fn published() -> &'static Self {
        static PUBLISHED: OnceLock<Prompts> = OnceLock::new();
        PUBLISHED.get_or_init(|| serde_json::from_str(TABLE).expect("the embedded table is JSON"))
    }

    /// Every prompt once, sorted.
    pub fn distinct(&self) -> Vec<String> {
        let mut texts: Vec<_> =
            self.findings.values().flat_map(|prompts| prompts.absent.iter().chain(&prompts.present).cloned()).collect();
        texts.sort();
        texts.dedup();
        texts
    }

    /// Class embeddings from one L2-normalised embedding a distinct prompt:
    /// the mean of the class's prompts, normalised again.
    pub(crate) fn classes(&self, embedded: &BTreeMap<String, Vec<f32>>) -> Vec<FindingClasses> {
        let class = |texts: &[String]| normalised(mean(texts.iter().map(|text| &embedded[text])));
        self.findings
            .iter()
            .map(|(finding, prompts)| FindingClasses {
                finding: finding.clone(),
                absent: class(&prompts.absent),
                present: class(&prompts.present),
            })
            .collect()
    }
}

impl FindingClasses {
    /// Cosine difference (-2 to 2) and softmax of the present class (0 to 1).
    /// `scale` is exp(logit_scale); the bias is the same for both and cancels.
    pub fn score(&self, image: &[f32], scale: f32) -> (f32, f32) {
        let difference = dot(image, &self.present) - dot(image, &self.absent);
        (difference, 1. / (1. + (-scale * difference).exp()))
    }
}

/// The vector over its length; a null vector stays as it is.
pub(crate) fn normalised(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    if length > 0. {
        vector.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
    }
    vector
}

fn mean<'a>(vectors: impl ExactSizeIterator<Item = &'a Vec<f32>>) -> Vec<f32> {
    let count = vectors.len() as f32;
    let mut sum = Vec::new();
    for vector in vectors {
        sum.resize(vector.len(), 0.);
        sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += x / count);
    }
    sum
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_finding_with_both_classes() {
        let prompts = Prompts::published();
        assert_eq!(prompts.findings.len(), 13);
        for (finding, prompts) in &prompts.findings {
            assert!(!prompts.absent.is_empty() && !prompts.present.is_empty(), "{finding}");
            assert!((0.5..1.).contains(&prompts.auc), "{finding}");
        }
        assert!(prompts.findings.contains_key("pleural_effusion"));
    }

    fn check_score(image: [f32; 2], scale: f32, difference: f32, softmax: f32) {
        let classes = FindingClasses { finding: "edema".into(), absent: vec![0., 1.], present: vec![1., 0.] };
        let (found_difference, found_softmax) = classes.score(&image, scale);
        assert!((found_difference - difference).abs() < 1e-6, "{image:?}: {found_difference}");
        assert!((found_softmax - softmax).abs() < 1e-6, "{image:?}: {found_softmax}");
    }

    #[test]
    fn scores_follow_the_published_rule() {
        check_score([1., 0.], 1., 1., 1. / (1. + (-1f32).exp()));
        check_score([0., 1.], 1., -1., 1. / (1. + 1f32.exp()));
        check_score([0.6, 0.6], 100., 0., 0.5);
        check_score([1., 0.], 1000., 1., 1.);
        check_score([0., 1.], 1000., -1., 0.);
    }

    #[test]
    fn classes_are_means_of_their_prompts() {
        let prompts = Prompts {
            source: String::new(),
            findings: BTreeMap::from([(
                "edema".to_owned(),
                FindingPrompts { auc: 0.9, absent: vec!["a".into()], present: vec!["b".into(), "c".into()] },
            )]),
        };
        let embedded = BTreeMap::from([
            ("a".to_owned(), vec![0., -1.]),
            ("b".to_owned(), vec![1., 0.]),
            ("c".to_owned(), vec![0., 1.]),
        ]);
        let classes = prompts.classes(&embedded);
        assert_eq!(classes[0].absent, [0., -1.]);
        let half = std::f32::consts::FRAC_1_SQRT_2;
        assert!(classes[0].present.iter().all(|x| (x - half).abs() < 1e-6));
    }
}
