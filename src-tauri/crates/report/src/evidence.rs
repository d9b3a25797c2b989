//! What speaks for and against a claim: the encoder's score and a model's answer to a question.
//!
//! Neither is a probability. The encoder's softmax compares two texts with one image; a model's
//! log-probabilities say how sure it is of its words. So the rule is few words long and leaves
//! most things alone: something that is not clear is [`State::Unchecked`].

use crate::claims::{Claim, Finding, Presence, Side};
use serde::{Deserialize, Serialize};

/// The encoder speaks where its softmax is at least this, or at most one minus this.
///
/// The softmax is 1 / (1 + exp(-s d)), where d is the difference of two cosines and s the pack's own
/// scale; 0.95 asks that |s d| be at least ln 19 = 2.94, a band around a difference of zero that fits
/// every pack. At a scale of 100 it is |d| >= 0.029.
pub const CLEAR_SOFTMAX: f64 = 0.95;

/// The encoder is asked only about findings whose published zero-shot area under the ROC curve is at
/// least this (MedGemma Technical Report, arXiv 2507.05201, table 16, MedSigLIP at 448 pixels).
pub const TRUSTED_AUC: f64 = 0.8;

/// A model's answer counts where the answer that it gave has at least three times the probability of
/// the other one: ln 3.
pub const CLEAR_ANSWER: f64 = 1.0986;

/// Zero-shot support of the encoder for one finding in one image; never a probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Support {
    /// Cosine with the present prompts minus cosine with the absent ones, -2 to 2.
    pub difference: f64,
    /// Softmax over {absent, present}, 0 to 1.
    pub softmax: f64,
}

/// A model's answer to a yes/no question about one finding in one image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// `None` where it gave neither.
    pub yes: Option<bool>,
    /// Natural logarithms of what the model gave "yes" and "no" as the next word.
    pub yes_logprob: f64,
    pub no_logprob: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// What speaks, speaks for the claim.
    Agree,
    /// What speaks, speaks against it.
    Conflict,
    /// Nothing speaks clearly, or two things speak against each other.
    Unchecked,
}

/// How a claim stands, and one plain sentence that says why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub state: State,
    pub reason: &'static str,
}

/// Sets a claim against what is known of its finding.
///
/// A claim of uncertain presence and the claim that there is no finding cannot be contradicted by a
/// single score, and are never checked.
pub fn judge(claim: &Claim, support: Option<Support>, answer: Option<Answer>) -> Verdict {
    let (state, reason) = match claim.presence {
        _ if claim.finding == Finding::NoFinding => (State::Unchecked, "No single score says that there is nothing."),
        Presence::Uncertain => (State::Unchecked, "The sentence itself leaves it open."),
        Presence::Present | Presence::Absent => {
            let claimed = claim.presence == Presence::Present;
            let score = support.and_then(|s| voice_of_score(claim.finding, s)).map(|said| said == claimed);
            let words = answer.and_then(voice_of_answer).map(|said| said == claimed);
            match (score, words) {
                (Some(true), Some(true)) => (State::Agree, "The encoder's score and the model's answer say the same."),
                // A score is of the finding wherever it is, and a wrong side is as wrong as a wrong finding.
                (Some(true), None) if claimed && matches!(claim.side, Some(Side::Left | Side::Right)) => {
                    (State::Unchecked, "The encoder's score says the same of the finding, and knows no side. Ask the model.")
                }
                (Some(true), None) => (State::Agree, "The encoder's score says the same."),
                (None, Some(true)) => (State::Agree, "The model's answer says the same."),
                (Some(false), Some(false)) => {
                    (State::Conflict, "The encoder's score and the model's answer both say otherwise.")
                }
                (Some(false), None) => (State::Conflict, "The encoder's score says otherwise."),
                (None, Some(false)) => (State::Conflict, "The model's answer says otherwise."),
                (Some(_), Some(_)) => {
                    (State::Unchecked, "The encoder's score and the model's answer contradict each other.")
                }
                (None, None) if support.is_none() && answer.is_none() => (State::Unchecked, "Nothing was asked yet."),
                (None, None) if support.is_some() && !is_trusted(claim.finding) => {
                    (State::Unchecked, "The encoder's scores for this finding are too weak to count.")
                }
                (None, None) => (State::Unchecked, "Neither the score nor an answer is clear."),
            }
        }
    };
    Verdict { state, reason }
}

/// Whether the encoder's published performance for a finding reaches [`TRUSTED_AUC`].
pub fn is_trusted(finding: Finding) -> bool {
    // Fracture 0.708 and other pleural findings 0.650; all others are 0.822 and above.
    !matches!(finding, Finding::NoFinding | Finding::Fracture | Finding::PleuralOther)
}

/// `Some(true)` where the score clearly says present, `Some(false)` where it clearly says absent.
fn voice_of_score(finding: Finding, support: Support) -> Option<bool> {
    match support.softmax {
        _ if !is_trusted(finding) => None,
        s if s >= CLEAR_SOFTMAX => Some(true),
        s if s <= 1.0 - CLEAR_SOFTMAX => Some(false),
        _ => None,
    }
}

fn voice_of_answer(answer: Answer) -> Option<bool> {
    let yes = answer.yes?;
    let margin = answer.yes_logprob - answer.no_logprob;
    let clear = if yes { margin >= CLEAR_ANSWER } else { -margin >= CLEAR_ANSWER };
    clear.then_some(yes)
}

/// The question about a claim, in the published wording that `prompts.json` of the drafting crate
/// keeps; with a side where the claim names one. `None` where nothing is to be asked.
pub fn question(claim: &Claim) -> Option<String> {
    if claim.presence == Presence::Uncertain {
        return None;
    }
    let finding = asked_as(claim.finding)?;
    let side = match claim.side {
        Some(Side::Left) => "left",
        Some(Side::Right) => "right",
        Some(Side::Bilateral) | None => return Some(format!("Is there {finding}?")),
    };
    let bare = finding.strip_prefix("a ").unwrap_or(finding);
    Some(format!("Is there a {side} {bare}?"))
}

/// A finding as a question names it.
pub fn asked_as(finding: Finding) -> Option<&'static str> {
    Some(match finding {
        Finding::NoFinding => return None,
        Finding::EnlargedCardiomediastinum => "a widened mediastinum",
        Finding::Cardiomegaly => "cardiomegaly",
        Finding::LungOpacity => "a lung opacity",
        Finding::LungLesion => "a lung lesion",
        Finding::Edema => "pulmonary edema",
        Finding::Consolidation => "consolidation",
        Finding::Pneumonia => "pneumonia",
        Finding::Atelectasis => "atelectasis",
        Finding::Pneumothorax => "a pneumothorax",
        Finding::PleuralEffusion => "a pleural effusion",
        Finding::PleuralOther => "pleural thickening",
        Finding::Fracture => "a rib fracture",
        Finding::SupportDevices => "a support device",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::label;
    use serde_json::Value;

    fn claim(text: &str) -> Claim {
        label(text).into_iter().next().expect("a claim")
    }

    fn check(text: &str, softmax: Option<f64>, answer: Option<(bool, f64)>, expected: State) {
        let support = softmax.map(|softmax| Support { difference: softmax - 0.5, softmax });
        let answer = answer.map(|(yes, margin)| Answer {
            yes: Some(yes),
            yes_logprob: -1.0 + if yes { margin } else { 0.0 },
            no_logprob: -1.0 + if yes { 0.0 } else { margin },
        });
        assert_eq!(judge(&claim(text), support, answer).state, expected, "{text} {support:?} {answer:?}");
    }

    #[test]
    fn only_what_is_clear_counts() {
        use State::{Agree, Conflict, Unchecked};
        let (present, absent, sided) = ("Pleural effusion.", "No effusion.", "Left effusion.");
        check(sided, Some(0.99), None, Unchecked);
        check(sided, Some(0.01), None, Conflict);
        check(sided, Some(0.99), Some((true, 2.0)), Agree);
        check(sided, None, Some((true, 2.0)), Agree);
        check("No left effusion.", Some(0.01), None, Agree);
        check("Bilateral effusions.", Some(0.99), None, Agree);
        check(present, None, None, Unchecked);
        check(present, Some(0.99), None, Agree);
        check(present, Some(0.95), None, Agree);
        check(present, Some(0.94), None, Unchecked);
        check(present, Some(0.5), None, Unchecked);
        check(present, Some(0.06), None, Unchecked);
        check(present, Some(0.05), None, Conflict);
        check(absent, Some(0.01), None, Agree);
        check(absent, Some(0.99), None, Conflict);
        check(present, None, Some((true, 2.0)), Agree);
        check(present, None, Some((true, 1.0)), Unchecked);
        check(present, None, Some((false, 2.0)), Conflict);
        check(absent, None, Some((false, 2.0)), Agree);
        check(present, Some(0.99), Some((true, 2.0)), Agree);
        check(present, Some(0.99), Some((false, 2.0)), Unchecked);
        check(present, Some(0.99), Some((false, 0.5)), Agree);
        check(present, Some(0.01), Some((false, 2.0)), Conflict);
        check(present, Some(0.5), Some((false, 2.0)), Conflict);
    }

    #[test]
    fn what_cannot_be_checked_is_not() {
        check("Possible effusion.", Some(0.01), Some((false, 5.0)), State::Unchecked);
        check("No acute abnormality.", Some(0.99), Some((true, 5.0)), State::Unchecked);
        check("Rib fracture.", Some(0.01), None, State::Unchecked);
        check("Rib fracture.", Some(0.01), Some((false, 5.0)), State::Conflict);
        check("Pleural thickening.", Some(0.01), None, State::Unchecked);
    }

    #[test]
    fn an_answer_without_a_final_word_says_nothing() {
        let none = Answer { yes: None, yes_logprob: 0.0, no_logprob: -9.0 };
        assert_eq!(judge(&claim("Effusion."), None, Some(none)).state, State::Unchecked);
    }

    fn prompts() -> Value {
        serde_json::from_str(include_str!("../../drafting/src/prompts.json")).expect("JSON")
    }

    #[test]
    fn questions_have_the_wording_of_the_prompts() {
        let kept = &prompts()["yes_no_question"];
        let (template, with_side) = (kept["text"].as_str().unwrap(), kept["with_side"].as_str().unwrap());
        let named = kept["findings"].as_object().unwrap();
        assert_eq!(named.len(), Finding::ALL.iter().filter(|f| asked_as(**f).is_some()).count());
        for (key, name) in named {
            let finding = Finding::of_key(key).unwrap();
            let name = name.as_str().unwrap();
            assert_eq!(asked_as(finding), Some(name), "{key}");
            let mut claim = Claim { finding, ..claim("Effusion.") };
            assert_eq!(question(&claim).unwrap(), template.replace("{finding}", name));
            for (side, word) in [(Side::Left, "left"), (Side::Right, "right")] {
                claim.side = Some(side);
                let sided = with_side.replace("{side}", word).replace("{finding}", name.trim_start_matches("a "));
                assert_eq!(question(&claim).unwrap(), template.replace("{finding}", &sided));
            }
        }
        assert_eq!(question(&claim("No acute abnormality.")), None);
        assert_eq!(question(&claim("Possible effusion.")), None);
    }

    #[test]
    fn trust_follows_the_published_table() {
        let table: Value = serde_json::from_str(include_str!("../../encoders/src/findings.json")).expect("JSON");
        for (key, row) in table["findings"].as_object().unwrap() {
            let finding = Finding::of_key(key).unwrap_or_else(|| panic!("{key} is a finding"));
            assert_eq!(is_trusted(finding), row["auc"].as_f64().unwrap() >= TRUSTED_AUC, "{key}");
        }
    }
}
