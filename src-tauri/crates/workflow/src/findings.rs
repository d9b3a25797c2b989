//! The findings that MedSigLIP scores: their names, and which sentence speaks of which.

/// One of the 13 findings of the published zero-shot prompts (MedGemma Technical
/// Report, arXiv 2507.05201, Table A4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Key as the encoder reports it.
    pub key: &'static str,
    /// As shown to the reader.
    pub label: &'static str,
    /// Lower-case word stems; a sentence with a word that begins with one speaks of the finding.
    stems: &'static [&'static str],
}

/// All 13, in the order in which they are shown when nothing is scored.
pub fn findings() -> &'static [Finding] {
    const fn finding(key: &'static str, label: &'static str, stems: &'static [&'static str]) -> Finding {
        Finding { key, label, stems }
    }
    static ALL: [Finding; 13] = [
        finding("pneumothorax", "Pneumothorax", &["pneumothora", "hydropneumothora"]),
        finding("pleural_effusion", "Pleural effusion", &["effusion"]),
        finding("consolidation", "Consolidation", &["consolidat"]),
        finding("pneumonia", "Pneumonia", &["pneumonia", "infectio"]),
        finding("edema", "Oedema", &["edema", "oedema", "congesti"]),
        finding("atelectasis", "Atelectasis", &["atelect", "collapse"]),
        finding("lung_opacity", "Lung opacity", &["opacit", "opacif", "infiltrat", "airspace"]),
        finding("lung_lesion", "Lung lesion", &["nodul", "mass", "lesion", "cavit"]),
        finding("cardiomegaly", "Cardiomegaly", &["cardiomegaly", "heart", "cardiac"]),
        finding("enlarged_cardiomediastinum", "Wide mediastinum", &["mediastin", "cardiomediastin"]),
        finding("pleural_other", "Other pleural", &["blunt", "thicken"]),
        finding("fracture", "Fracture", &["fractur"]),
        finding(
            "support_devices",
            "Support devices",
            &["tube", "catheter", "line", "picc", "pacemaker", "lead", "device", "drain", "electrode"],
        ),
    ];
    &ALL
}

/// The label of a finding's key; the key itself where it is none of the 13.
pub fn label(key: &str) -> &str {
    findings().iter().find(|f| f.key == key).map_or(key, |f| f.label)
}

/// Keys of the findings that a sentence speaks of, whether it affirms or denies them.
pub fn mentioned(sentence: &str) -> Vec<&'static str> {
    let text = sentence.to_lowercase();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    findings()
        .iter()
        .filter(|f| words.iter().any(|w| f.stems.iter().any(|stem| w.starts_with(stem))))
        .map(|f| f.key)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_name_their_findings() {
        let check = |sentence: &str, expected: &[&str]| assert_eq!(mentioned(sentence), expected, "{sentence}");
        check("There is a small right pleural effusion.", &["pleural_effusion"]);
        check("No pneumothorax or focal consolidation.", &["pneumothorax", "consolidation"]);
        check("The heart is mildly enlarged.", &["cardiomegaly"]);
        check("Endotracheal tube in place.", &["support_devices"]);
        check("Unremarkable study.", &[]);
    }
}
