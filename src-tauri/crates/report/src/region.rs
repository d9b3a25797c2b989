//! Regions of the chest radiograph under which findings are grouped.

use serde::{Deserialize, Serialize};

/// Where in the Findings section a sentence belongs, in reading order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Region {
    Devices,
    Lungs,
    Pleura,
    HeartAndMediastinum,
    BonesAndSoftTissues,
    UpperAbdomen,
}

impl Region {
    pub const ALL: [Region; 6] = [
        Region::Devices,
        Region::Lungs,
        Region::Pleura,
        Region::HeartAndMediastinum,
        Region::BonesAndSoftTissues,
        Region::UpperAbdomen,
    ];

    /// The heading as printed.
    pub fn heading(self) -> &'static str {
        match self {
            Region::Devices => "Lines, tubes and devices",
            Region::Lungs => "Lungs and airways",
            Region::Pleura => "Pleura",
            Region::HeartAndMediastinum => "Heart and mediastinum",
            Region::BonesAndSoftTissues => "Bones and soft tissues",
            Region::UpperAbdomen => "Upper abdomen",
        }
    }

    /// The region that a sentence speaks of, by its words; `None` when no word
    /// says so. Devices come first and pleura before lungs, because "chest tube"
    /// and "pleural opacity" would otherwise be claimed by the commoner word.
    pub fn of(sentence: &str) -> Option<Region> {
        let text = sentence.to_lowercase();
        let any = |words: &[&str]| words.iter().any(|w| contains_word(&text, w));
        let table: [(Region, &[&str]); 6] = [
            (
                Region::Devices,
                &[
                    "tube",
                    "catheter",
                    "line",
                    "pacemaker",
                    "electrode",
                    "electrodes",
                    "lead",
                    "leads",
                    "picc",
                    "device",
                    "devices",
                    "wire",
                    "wires",
                    "drain",
                    "stent",
                    "prosthesis",
                    "port",
                    "icd",
                    "defibrillator",
                ],
            ),
            (
                Region::Pleura,
                &[
                    "pleura",
                    "pleural",
                    "effusion",
                    "effusions",
                    "pneumothorax",
                    "pneumothoraces",
                    "costophrenic",
                    "hydropneumothorax",
                ],
            ),
            (
                Region::HeartAndMediastinum,
                &[
                    "heart",
                    "cardiac",
                    "cardiomegaly",
                    "cardiomediastinal",
                    "mediastinum",
                    "mediastinal",
                    "aorta",
                    "aortic",
                    "cardiothoracic",
                    "pericardial",
                    "hilar",
                    "hila",
                    "hilum",
                    "trachea",
                    "tracheal",
                ],
            ),
            (
                Region::Lungs,
                &[
                    "lung",
                    "lungs",
                    "opacity",
                    "opacities",
                    "opacification",
                    "consolidation",
                    "consolidations",
                    "atelectasis",
                    "edema",
                    "oedema",
                    "nodule",
                    "nodules",
                    "mass",
                    "interstitial",
                    "pulmonary",
                    "airspace",
                    "lobe",
                    "lobar",
                    "infiltrate",
                    "infiltrates",
                    "emphysema",
                    "vascular",
                    "bronchial",
                    "cavity",
                    "pneumonia",
                    "parenchymal",
                ],
            ),
            (
                Region::BonesAndSoftTissues,
                &[
                    "bone",
                    "bones",
                    "bony",
                    "rib",
                    "ribs",
                    "fracture",
                    "fractures",
                    "spine",
                    "spinal",
                    "vertebral",
                    "clavicle",
                    "clavicles",
                    "osseous",
                    "skeletal",
                    "scapula",
                    "humerus",
                    "soft",
                    "subcutaneous",
                    "thoracic",
                ],
            ),
            (
                Region::UpperAbdomen,
                &[
                    "abdomen",
                    "abdominal",
                    "diaphragm",
                    "hemidiaphragm",
                    "stomach",
                    "gastric",
                    "bowel",
                    "subdiaphragmatic",
                    "colon",
                ],
            ),
        ];
        table.into_iter().find(|(_, words)| any(words)).map(|(region, _)| region)
    }
}

fn contains_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|w| w == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sentence: &str, expected: Option<Region>) {
        assert_eq!(Region::of(sentence), expected, "{sentence}");
    }

    #[test]
    fn a_sentence_is_placed_by_its_words() {
        check("The lungs are clear.", Some(Region::Lungs));
        check("There is a small right pleural effusion.", Some(Region::Pleura));
        check("No pneumothorax.", Some(Region::Pleura));
        check("The heart is mildly enlarged.", Some(Region::HeartAndMediastinum));
        check("A right chest tube is in place.", Some(Region::Devices));
        check("No acute rib fracture.", Some(Region::BonesAndSoftTissues));
        check("Free air below the diaphragm is not seen.", Some(Region::UpperAbdomen));
        check("Outline of the study is unremarkable.", None);
        check("Unchanged.", None);
    }
}
