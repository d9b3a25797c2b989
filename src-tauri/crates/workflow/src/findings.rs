//! The findings that MedSigLIP scores: their names, and which sentence speaks of which.

use hilum_report::claims;

/// One of the 13 findings of the published zero-shot prompts (MedGemma Technical
/// Report, arXiv 2507.05201, Table A4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Key as the encoder reports it.
    pub key: &'static str,
    /// As shown to the reader.
    pub label: &'static str,
}

/// All 13, in the order in which they are shown when nothing is scored.
pub fn findings() -> &'static [Finding] {
    const fn finding(key: &'static str, label: &'static str) -> Finding {
        Finding { key, label }
    }
    static ALL: [Finding; 13] = [
        finding("pneumothorax", "Pneumothorax"),
        finding("pleural_effusion", "Pleural effusion"),
        finding("consolidation", "Consolidation"),
        finding("pneumonia", "Pneumonia"),
        finding("edema", "Oedema"),
        finding("atelectasis", "Atelectasis"),
        finding("lung_opacity", "Lung opacity"),
        finding("lung_lesion", "Lung lesion"),
        finding("cardiomegaly", "Cardiomegaly"),
        finding("enlarged_cardiomediastinum", "Wide mediastinum"),
        finding("pleural_other", "Other pleural"),
        finding("fracture", "Fracture"),
        finding("support_devices", "Support devices"),
    ];
    &ALL
}

/// The label of a finding's key; the key itself where it is none of the 13.
pub fn label(key: &str) -> &str {
    findings().iter().find(|f| f.key == key).map_or(key, |f| f.label)
}

/// Keys of the findings that a sentence speaks of, whether it affirms or denies them, in the
/// order of [`findings`].
pub fn mentioned(sentence: &str) -> Vec<&'static str> {
    let claims = claims::label(sentence);
    findings().iter().map(|f| f.key).filter(|key| claims.iter().any(|c| c.finding.key() == *key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hilum_report::claims::Finding as Claimed;

    #[test]
    fn labels_are_those_of_claims() {
        for finding in findings() {
            let claimed = Claimed::of_key(finding.key).expect("a finding");
            assert_eq!(claimed.label(), finding.label);
        }
        assert_eq!(findings().len() + 1, Claimed::ALL.len());
    }

    #[test]
    fn sentences_name_their_findings() {
        let check = |sentence: &str, expected: &[&str]| assert_eq!(mentioned(sentence), expected, "{sentence}");
        check("There is a small right pleural effusion.", &["pleural_effusion"]);
        check("No pneumothorax or focal consolidation.", &["pneumothorax", "consolidation"]);
        check("The heart is mildly enlarged.", &["cardiomegaly"]);
        check("Endotracheal tube in place.", &["support_devices"]);
        check("Mass effect on the trachea.", &[]);
        check("Unremarkable study.", &[]);
    }
}
