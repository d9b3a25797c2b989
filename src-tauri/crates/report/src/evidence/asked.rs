//! How what a source was asked stands to what a sentence says.
//!
//! A score is of a finding wherever it is, and of devices of any kind. Where a sentence says less than that, as "no
//! right effusion" does, a score for the finding speaks neither for nor against it, while one against any effusion does.

use crate::claims::narrowing::leaves_room;
use crate::claims::{Claim, Device, Finding, Presence, Side};

/// What a source was asked about, beside what a claim is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Same,
    /// More than the claim is about: both sides, devices of any kind, the whole lung.
    More,
    /// A part of it: the ribs, of all bones.
    Part,
    Other,
}

impl Asked {
    /// What the encoder's score is of.
    pub fn by_score(claim: &Claim, text: &str) -> Asked {
        match claim.side {
            Some(Side::Left | Side::Right) => Asked::More,
            _ if is_about_less(claim, text) => Asked::More,
            _ => Asked::Same,
        }
    }

    /// What [`question`](super::question) asks, which names a side and neither a kind of device nor a part of the lung.
    pub fn by_question(claim: &Claim, text: &str) -> Asked {
        match (named_by_question(claim.finding, text), is_about_less(claim, text)) {
            (Asked::Same, true) => Asked::More,
            (Asked::Part, true) => Asked::Other,
            (asked, _) => asked,
        }
    }

    /// Whether it speaks of the claim that there is some (`said`) or none of what was asked about.
    pub fn speaks(self, said: bool) -> bool {
        match self {
            Asked::Same => true,
            Asked::More => !said,
            Asked::Part => said,
            Asked::Other => false,
        }
    }
}

/// Whether a claim is about less than its finding on the side that it names. The zone of what is stated is not checked at
/// all, as are its severity and its words of time; a denial for one zone leaves the others.
fn is_about_less(claim: &Claim, text: &str) -> bool {
    let denied = claim.presence == Presence::Absent;
    names_a_kind(claim, text)
        || (!denied && claim.side == Some(Side::Bilateral))
        || (denied && (claim.zone.is_some() || leaves_room(claim, text) || names_less(claim, text)))
}

/// Whether the words of a claim name less than the finding that they are read as: a mass, of all lesions; a collapse, of
/// all atelectases; markings, of all that a lung's opacities may be.
pub(super) fn names_less(claim: &Claim, text: &str) -> bool {
    let named = text.get(claim.span.clone()).unwrap_or_default();
    let begins =
        |text: &str, beginnings: &[&str]| words(text).any(|word| beginnings.iter().any(|b| word.starts_with(b)));
    let says = |beginning: &str| begins(text, &[beginning]);
    match claim.finding {
        Finding::LungLesion => !says("lesion") && !(says("nodul") && says("mass")),
        Finding::Atelectasis => !says("atelect"),
        Finding::Consolidation => !says("consolidat"),
        // A haemothorax looks like any other effusion.
        Finding::PleuralEffusion => {
            begins(named, &["empyema", "chylo", "hydropneumo", "pyopneumo"]) && !says("effusion")
        }
        Finding::Pneumothorax => begins(named, &["hydropneumo", "pyopneumo"]) && !says("pneumothora"),
        Finding::LungOpacity => {
            begins(named, &["interstiti", "marking", "bronchovascular", "air", "alveolar"]) && !says("opac")
        }
        _ => false,
    }
}

/// Whether a device is named by its kind: all but "support devices" and the like are, "lines or tubes" too, beside which
/// there may be a pacemaker.
pub(super) fn names_a_kind(claim: &Claim, text: &str) -> bool {
    let general = |word: &str| {
        matches!(word, "device" | "devices" | "apparatus" | "equipment" | "support" | "monitoring" | "medical" | "and")
    };
    match claim.device {
        None => false,
        Some(Device::OtherDevice) => {
            !text.get(claim.span.clone()).is_some_and(|named| !named.is_empty() && words(named).all(|w| general(&w)))
        }
        Some(_) => true,
    }
}

/// How the words of a question about a finding stand to those of the sentence. "Is there a rib fracture?" asks about a
/// part of the bones, "Is there pleural thickening?" about one of several things that a pleura may show.
fn named_by_question(finding: Finding, text: &str) -> Asked {
    let has = |wanted: &dyn Fn(&str) -> bool| words(text).any(|word| wanted(&word));
    match finding {
        Finding::Fracture => match (has(&|word| matches!(word, "rib" | "ribs" | "costal")), has(&is_another_bone)) {
            (true, false) => Asked::Same,
            (false, true) => Asked::Other,
            _ => Asked::Part,
        },
        Finding::PleuralOther if !has(&|word| word.starts_with("thicken")) => Asked::Other,
        _ => Asked::Same,
    }
}

/// Words of bones other than ribs, and of fractures that only vertebrae have; "T8" and its like too.
fn is_another_bone(word: &str) -> bool {
    const BEGINNINGS: [&str; 15] = [
        "clavic", "vertebra", "spin", "stern", "scapul", "humer", "shoulder", "acromi", "glenoid", "lumbar",
        "cervical", "compress", "wedg", "burst", "endplate",
    ];
    let level = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    BEGINNINGS.iter().any(|beginning| word.starts_with(beginning))
        || word.strip_prefix(['t', 'l', 'c']).is_some_and(level)
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::label;

    /// What the score and the question are beside the first claim of a text.
    fn check(text: &str, score: Asked, question: Asked) {
        let claim = label(text).into_iter().next().expect("a claim");
        let found = (Asked::by_score(&claim, text), Asked::by_question(&claim, text));
        assert_eq!(found, (score, question), "{text} {claim:?}");
    }

    #[test]
    fn sides_and_zones() {
        use Asked::{More, Same};
        check("Pleural effusion.", Same, Same);
        check("No pleural effusion.", Same, Same);
        check("Left pleural effusion.", More, Same);
        check("No left pleural effusion.", More, Same);
        check("Bilateral pleural effusions.", More, More);
        check("No bilateral pleural effusions.", More, More);
        check("The lungs are clear bilaterally.", Same, Same);
        check("Apical pneumothorax.", Same, Same);
        check("No apical pneumothorax.", More, More);
        check("No left apical pneumothorax.", More, More);
        check("The lung bases are clear.", More, More);
        check("Large effusion.", Same, Same);
        check("No large effusion.", More, More);
        check("The left effusion has resolved.", More, Same);
    }

    #[test]
    fn words_for_less_than_a_finding() {
        use Asked::{More, Same};
        for text in [
            "No lung mass.",
            "No pulmonary nodule.",
            "No metastases.",
            "No collapse.",
            "No air bronchograms.",
            "No empyema.",
            "No hydropneumothorax.",
            "No airspace disease.",
            "The interstitial markings are normal.",
        ] {
            check(text, More, More);
        }
        for text in [
            "No lung lesion.",
            "No nodules or masses.",
            "No atelectasis or collapse.",
            "No hemothorax.",
            "No pleural fluid.",
            "No infiltrate.",
            "The lungs are clear.",
            "No airspace opacity.",
            "Lung mass.",
            "Empyema.",
        ] {
            check(text, Same, Same);
        }
    }

    #[test]
    fn kinds_of_device() {
        use Asked::{More, Same};
        for text in
            ["No support devices.", "Support devices are present.", "Monitoring and support devices.", "No devices."]
        {
            check(text, Same, Same);
        }
        for text in [
            "No pacemaker.",
            "Pacemaker in place.",
            "Left chest tube.",
            "No endotracheal tube.",
            "The chest tube has been removed.",
            "Extubated.",
            "No lines or tubes.",
            "Spinal hardware.",
            "Sternotomy wires.",
        ] {
            check(text, More, More);
        }
        check("Left support device.", More, Same);
    }

    #[test]
    fn bones_and_pleura() {
        use Asked::{More, Other, Part, Same};
        check("Rib fracture.", Same, Same);
        check("Left rib fractures.", More, Same);
        check("No acute rib fracture.", More, More);
        check("The ribs are intact.", Same, Same);
        check("Fracture.", Same, Part);
        check("The osseous structures are intact.", Same, Part);
        check("No acute osseous abnormality.", More, Other);
        check("No rib or clavicle fracture.", Same, Part);
        check("Left clavicle fracture.", More, Other);
        check("Compression fracture of T8.", Same, Other);
        check("Old fracture at T8.", Same, Other);
        check("Pleural thickening.", Same, Same);
        check("Left pleural thickening.", More, Same);
        check("Blunting of the left costophrenic angle.", More, Other);
        check("Pleural plaques.", Same, Other);
    }

    #[test]
    fn what_speaks() {
        let check = |asked: Asked, some: bool, none: bool| {
            assert_eq!((asked.speaks(true), asked.speaks(false)), (some, none), "{asked:?}");
        };
        check(Asked::Same, true, true);
        check(Asked::More, false, true);
        check(Asked::Part, true, false);
        check(Asked::Other, false, false);
    }
}
