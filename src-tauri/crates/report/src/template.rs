//! Report templates: which sections there are, which must be filled, and what stands there at first.

use crate::{Origin, Region, Section, SectionKind, Sentence, SentenceId, TemplateId, Written};
use serde::{Deserialize, Serialize};

/// A template as chosen for a study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    pub id: TemplateId,
    pub name: String,
    pub sections: Vec<TemplateSection>,
    /// What it is about, in the terms of a coding scheme.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<Term>,
}

/// A term of a coding scheme such as RadLex or LOINC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    pub value: String,
    pub scheme: String,
    pub meaning: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateSection {
    pub kind: SectionKind,
    pub required: bool,
    /// Sentences that stand there from the start, each with its region.
    pub text: Vec<(String, Option<Region>)>,
}

impl Template {
    /// The sections of a fresh report. Sentence ids are made of the template's own
    /// id, so that the same template gives the same report.
    pub fn sections(&self) -> Vec<Section> {
        self.sections
            .iter()
            .map(|section| Section {
                kind: section.kind,
                required: section.required,
                sentences: section
                    .text
                    .iter()
                    .enumerate()
                    .map(|(i, (text, region))| {
                        Sentence::Written(Written {
                            id: SentenceId::new(format!("{}:{:?}:{i}", self.id, section.kind).to_lowercase()),
                            text: text.clone(),
                            region: *region,
                            origin: Origin::Template { template: self.id.clone() },
                        })
                    })
                    .collect(),
            })
            .collect()
    }

    /// The template with `[merge: Name]` replaced by what is known under that name; letters' case,
    /// blanks and marks in names do not count. What is not known stays open.
    pub fn merged(&self, known: &[(&str, &str)]) -> Template {
        let plain = |name: &str| -> String {
            name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
        };
        let mut template = self.clone();
        for (text, _) in template.sections.iter_mut().flat_map(|s| &mut s.text) {
            while let Some((open, close, value)) = text.match_indices("[merge:").find_map(|(open, _)| {
                let close = open + text[open..].find(']')?;
                let name = plain(&text[open + 7..close]);
                let (_, value) = known.iter().find(|(key, value)| plain(key) == name && !value.is_empty())?;
                Some((open, close, (*value).replace(['[', ']'], "")))
            }) {
                text.replace_range(open..=close, &value);
            }
        }
        template
    }

    /// Which of the built-in templates suits a kind of study.
    pub fn suited(situation: Situation) -> TemplateId {
        TemplateId::new(match situation {
            Situation::Child => "cxr-paediatric",
            Situation::TwoViews => "cxr-2view",
            Situation::Frontal => "cxr-frontal",
            Situation::Portable => "cxr-portable",
        })
    }
}

/// A kind of study, for which a reader may want a template of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Situation {
    /// Younger than 16, whatever the views.
    Child,
    /// A lateral view is among the images.
    TwoViews,
    /// PA, and no lateral view.
    Frontal,
    /// AP, and no other view.
    Portable,
}

impl Situation {
    pub const ALL: [Situation; 4] = [Situation::Frontal, Situation::TwoViews, Situation::Portable, Situation::Child];

    /// Of a study with these views (View Position of each image, empty where unknown) of a patient
    /// of this age in years; `None` where they do not say.
    pub fn of(views: &[String], age: Option<u32>) -> Option<Situation> {
        let has = |wanted: &[&str]| views.iter().any(|v| wanted.contains(&v.trim()));
        let (lateral, pa, ap) = (has(&["LL", "RL", "LATERAL"]), has(&["PA"]), has(&["AP"]));
        match (lateral, pa, ap) {
            _ if age.is_some_and(|age| age < 16) => Some(Situation::Child),
            (true, _, _) => Some(Situation::TwoViews),
            (false, true, _) => Some(Situation::Frontal),
            (false, false, true) => Some(Situation::Portable),
            (false, false, false) => None,
        }
    }
}

/// The templates that come with Hilum.
pub fn builtin_templates() -> Vec<Template> {
    BUILTIN.iter().map(Builtin::template).collect()
}

/// A template of one line a sentence.
struct Builtin {
    id: &'static str,
    name: &'static str,
    exam: &'static str,
    technique: &'static str,
    findings: &'static [&'static str],
    impression: &'static [&'static str],
}

impl Builtin {
    fn template(&self) -> Template {
        use SectionKind::{Comparison, Exam, Findings, Impression, Indication, Technique};
        let section = |kind, required, lines: &[&str]| TemplateSection {
            kind,
            required,
            text: lines
                .iter()
                .filter(|line| !line.is_empty())
                .map(|line| ((*line).to_owned(), (kind == Findings).then(|| Region::of(line)).flatten()))
                .collect(),
        };
        Template {
            id: TemplateId::new(self.id),
            name: self.name.to_owned(),
            sections: vec![
                section(Exam, true, &[self.exam]),
                section(Indication, false, &[]),
                section(Comparison, false, &["None."]),
                section(Technique, false, &[self.technique]),
                section(Findings, true, self.findings),
                section(Impression, true, self.impression),
            ],
            terms: vec![Term {
                value: "RID10345".into(),
                scheme: "RadLex".into(),
                meaning: "projection radiography".into(),
            }],
        }
    }
}

const BUILTIN: [Builtin; 7] = [
    Builtin {
        id: "cxr-frontal",
        name: "Chest, frontal",
        exam: "Chest radiograph, frontal view.",
        technique: "Single frontal view of the chest.",
        findings: &[],
        impression: &[],
    },
    Builtin {
        id: "cxr-2view",
        name: "Chest, two views",
        exam: "Chest radiograph, two views.",
        technique: "PA and lateral views of the chest.",
        findings: &[],
        impression: &[],
    },
    Builtin {
        id: "cxr-portable",
        name: "Chest, portable AP",
        exam: "Portable chest radiograph.",
        technique: "Single AP portable view of the chest.",
        findings: &[],
        impression: &[],
    },
    Builtin {
        id: "cxr-icu",
        name: "Chest, ICU: lines and tubes",
        exam: "Portable chest radiograph.",
        technique: "Single AP portable view of the chest, patient [supine|semi-erect].",
        findings: &[
            "Endotracheal tube: [not present|in good position|too low|too high].",
            "Gastric tube: [not present|ends in the stomach|ends above the diaphragm].",
            "Central venous catheter: [not present|ends in the superior vena cava|ends in the right atrium].",
            "Chest tubes: [not present|right|left|both sides].",
            "Lungs: [clear|basal atelectasis|consolidation|oedema].",
            "Pleura: [no effusion or pneumothorax|small effusion|moderate effusion|pneumothorax].",
            "Heart and mediastinum: [normal|enlarged heart|not assessable].",
        ],
        impression: &[],
    },
    Builtin {
        id: "cxr-paediatric",
        name: "Chest, paediatric",
        exam: "Chest radiograph of a child.",
        technique: "[PA|AP] view of the chest, [erect|supine].",
        findings: &[
            "Inspiration: [adequate|poor], rotation: [none|to the left|to the right].",
            "Airway: [midline|deviated to the left|deviated to the right].",
            "Lungs: [clear|peribronchial thickening|hyperinflation|consolidation].",
            "Pleura: [no effusion or pneumothorax|effusion|pneumothorax].",
            "Heart size and mediastinal contours, with the thymus as expected for age: [yes|no].",
            "Bones: [no fracture|fracture].",
        ],
        impression: &[],
    },
    Builtin {
        id: "cxr-trauma",
        name: "Chest, trauma",
        exam: "Chest radiograph after trauma.",
        technique: "Single AP view of the chest, patient supine.",
        findings: &[
            "Pneumothorax: [none|left|right|both sides].",
            "Haemothorax or effusion: [none|left|right|both sides].",
            "Mediastinum: [not widened|widened], trachea: [midline|deviated].",
            "Lungs: [clear|contusion|atelectasis|consolidation].",
            "Ribs, clavicles, scapulae and spine: [no fracture|fracture].",
            "Diaphragm: [intact|not outlined]; subcutaneous air: [none|left|right].",
            "Lines and tubes: [none|as described].",
        ],
        impression: &[],
    },
    Builtin {
        id: "cxr-normal",
        name: "Chest, normal",
        exam: "Chest radiograph.",
        technique: "",
        findings: &[
            "The lungs are clear.",
            "No pleural effusion or pneumothorax.",
            "The heart is normal in size and the mediastinal contours are normal.",
            "No acute abnormality of the bones.",
        ],
        impression: &["No acute cardiopulmonary abnormality."],
    },
];
