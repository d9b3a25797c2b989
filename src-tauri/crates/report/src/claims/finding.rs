//! The words of a claim.

use serde::{Deserialize, Serialize};

/// What a claim is about: the 14 labels of CheXpert (Irvin et al., AAAI 2019, table 1).
///
/// Thirteen of them are the findings that the encoder scores, under the same keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    NoFinding,
    EnlargedCardiomediastinum,
    Cardiomegaly,
    LungOpacity,
    LungLesion,
    Edema,
    Consolidation,
    Pneumonia,
    Atelectasis,
    Pneumothorax,
    PleuralEffusion,
    PleuralOther,
    Fracture,
    SupportDevices,
}

impl Finding {
    pub const ALL: [Finding; 14] = [
        Finding::NoFinding,
        Finding::EnlargedCardiomediastinum,
        Finding::Cardiomegaly,
        Finding::LungOpacity,
        Finding::LungLesion,
        Finding::Edema,
        Finding::Consolidation,
        Finding::Pneumonia,
        Finding::Atelectasis,
        Finding::Pneumothorax,
        Finding::PleuralEffusion,
        Finding::PleuralOther,
        Finding::Fracture,
        Finding::SupportDevices,
    ];

    /// The stable key, the encoder's where it scores the finding.
    pub fn key(self) -> &'static str {
        match self {
            Finding::NoFinding => "no_finding",
            Finding::EnlargedCardiomediastinum => "enlarged_cardiomediastinum",
            Finding::Cardiomegaly => "cardiomegaly",
            Finding::LungOpacity => "lung_opacity",
            Finding::LungLesion => "lung_lesion",
            Finding::Edema => "edema",
            Finding::Consolidation => "consolidation",
            Finding::Pneumonia => "pneumonia",
            Finding::Atelectasis => "atelectasis",
            Finding::Pneumothorax => "pneumothorax",
            Finding::PleuralEffusion => "pleural_effusion",
            Finding::PleuralOther => "pleural_other",
            Finding::Fracture => "fracture",
            Finding::SupportDevices => "support_devices",
        }
    }

    /// The finding of a key; `None` when it is none of the 14.
    pub fn of_key(key: &str) -> Option<Finding> {
        Finding::ALL.into_iter().find(|f| f.key() == key)
    }

    /// As shown to the reader.
    pub fn label(self) -> &'static str {
        match self {
            Finding::NoFinding => "No finding",
            Finding::EnlargedCardiomediastinum => "Wide mediastinum",
            Finding::Cardiomegaly => "Cardiomegaly",
            Finding::LungOpacity => "Lung opacity",
            Finding::LungLesion => "Lung lesion",
            Finding::Edema => "Oedema",
            Finding::Consolidation => "Consolidation",
            Finding::Pneumonia => "Pneumonia",
            Finding::Atelectasis => "Atelectasis",
            Finding::Pneumothorax => "Pneumothorax",
            Finding::PleuralEffusion => "Pleural effusion",
            Finding::PleuralOther => "Other pleural",
            Finding::Fracture => "Fracture",
            Finding::SupportDevices => "Support devices",
        }
    }

    /// False for the heart and the mediastinum, which lie in the middle, and for the absence
    /// of everything.
    pub fn has_side(self) -> bool {
        !matches!(self, Finding::NoFinding | Finding::Cardiomegaly | Finding::EnlargedCardiomediastinum)
    }

    /// True for findings of the lung itself, of which zones are said.
    pub(super) fn of_lung(self) -> bool {
        matches!(
            self,
            Finding::LungOpacity
                | Finding::LungLesion
                | Finding::Edema
                | Finding::Consolidation
                | Finding::Pneumonia
                | Finding::Atelectasis
        )
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    Present,
    Absent,
    Uncertain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Left,
    Right,
    Bilateral,
}

/// Where in the lung, as far as a frontal radiograph tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    Apical,
    Upper,
    Middle,
    Lower,
    Basal,
    Perihilar,
    Retrocardiac,
    Lingular,
    Peripheral,
    Diffuse,
}

/// How much, in four steps: trace or tiny, small or mild, moderate, large or severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Minimal,
    Mild,
    Moderate,
    Severe,
}

/// How old, or what became of it since an earlier image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Temporal {
    New,
    Unchanged,
    Increased,
    Decreased,
    Resolved,
    Chronic,
    Acute,
}

impl Temporal {
    /// True for words that compare with an earlier image; "acute" and "chronic" do not.
    pub fn compares(self) -> bool {
        !matches!(self, Temporal::Chronic | Temporal::Acute)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    EndotrachealTube,
    Tracheostomy,
    GastricTube,
    CentralLine,
    PulmonaryArteryCatheter,
    ChestTube,
    Pacemaker,
    Defibrillator,
    BalloonPump,
    SternalWires,
    Valve,
    Stent,
    SurgicalClips,
    /// Named as a device without its kind, or of a kind that is not listed.
    OtherDevice,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_serialised_names() {
        for finding in Finding::ALL {
            assert_eq!(serde_json::to_value(finding).unwrap(), finding.key());
            assert_eq!(Finding::of_key(finding.key()), Some(finding));
        }
        assert_eq!(Finding::of_key("hernia"), None);
    }
}
