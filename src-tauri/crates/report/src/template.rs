//! Report templates: which sections there are, which must be filled, and what stands there at first.

use crate::{Origin, Region, Section, SectionKind, Sentence, SentenceId, TemplateId, Written};
use serde::{Deserialize, Serialize};

/// A template as chosen for a study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    pub id: TemplateId,
    pub name: String,
    pub sections: Vec<TemplateSection>,
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
}

/// The templates that come with Hilum.
pub fn builtin_templates() -> Vec<Template> {
    use SectionKind::{Comparison, Exam, Findings, Impression, Indication, Technique};
    let make = |id: &str, name: &str, exam: &str, technique: &str| {
        let section = |kind, required, text: &str| TemplateSection {
            kind,
            required,
            text: if text.is_empty() { vec![] } else { vec![(text.to_owned(), None)] },
        };
        Template {
            id: TemplateId::new(id),
            name: name.to_owned(),
            sections: vec![
                section(Exam, true, exam),
                section(Indication, false, ""),
                section(Comparison, false, "None."),
                section(Technique, false, technique),
                section(Findings, true, ""),
                section(Impression, true, ""),
            ],
        }
    };
    vec![
        make("cxr-frontal", "Chest, frontal", "Chest radiograph, frontal view.", "Single frontal view of the chest."),
        make("cxr-2view", "Chest, two views", "Chest radiograph, two views.", "PA and lateral views of the chest."),
        make(
            "cxr-portable",
            "Chest, portable AP",
            "Portable chest radiograph.",
            "Single AP portable view of the chest.",
        ),
    ]
}
