//! What speaks for and against a claim: the encoder's score and a model's answer to a question.
//!
//! Neither is a probability. The encoder's softmax compares two texts with one image; a model's
//! log-probabilities say how sure it is of its words. So the rule is few words long and leaves
//! most things alone: something that is not clear, or was not asked, is [`State::Unchecked`].

mod asked;

use crate::claims::{Claim, Device, Finding, Presence, Side};
use asked::{Asked, names_a_kind, names_less};
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

/// Sets a claim against what is known of its finding. `text` is what the claim was read from.
///
/// A claim of uncertain presence and the claim that there is no finding cannot be contradicted by a
/// single score, and are never checked. What was asked about more than the claim, or about something else, is
/// heard only where it speaks of the claim too (`asked`).
pub fn judge(claim: &Claim, text: &str, support: Option<Support>, answer: Option<Answer>) -> Verdict {
    let claimed = match claim.presence {
        _ if claim.finding == Finding::NoFinding => return unchecked("No single score says that there is nothing."),
        Presence::Uncertain => return unchecked("The sentence itself leaves it open."),
        Presence::Present => true,
        Presence::Absent => false,
    };
    let some_by_score = support.and_then(|s| voice_of_score(claim.finding, s));
    let some_by_model = answer.and_then(voice_of_answer);
    // That there is some is no contradiction of there being none on the side that was asked about.
    let one_side = matches!(claim.side, Some(Side::Left | Side::Right));
    let at_odds = match (some_by_score, some_by_model) {
        (Some(true), Some(false)) => !one_side,
        (Some(false), Some(true)) => true,
        _ => false,
    };
    if at_odds {
        return unchecked("The encoder's score and the model's answer contradict each other.");
    }
    let score = some_by_score.filter(|some| Asked::by_score(claim, text).speaks(*some));
    let words = some_by_model.filter(|some| Asked::by_question(claim, text).speaks(*some));
    // Where both are heard they say the same: a score for a finding is not heard of one side.
    let Some(some) = score.or(words) else {
        return unchecked(match (some_by_score.or(some_by_model), question(claim)) {
            (Some(_), _) => unheard(claim, text, answer.is_some(), some_by_model.is_some()),
            (None, None) if answer.is_none() => "Nothing is asked about one kind of device.",
            (None, _) if support.is_none() && answer.is_none() => "Nothing was asked yet.",
            (None, _) if support.is_some() && !is_trusted(claim.finding) => {
                "The encoder's scores for this finding are too weak to count."
            }
            (None, _) => "Neither the score nor an answer is clear.",
        });
    };
    let described = claim.zone.is_some() || claim.severity.is_some() || !claim.temporal.is_empty();
    let more_is_said = claimed && (described || names_less(claim, text));
    let reason = match (some == claimed, score.is_some(), words.is_some()) {
        (true, true, true) if more_is_said => {
            "The encoder's score and the model's answer say the same of the finding; no more of it was asked."
        }
        (true, true, false) if more_is_said => {
            "The encoder's score says the same of the finding; no more of it was asked."
        }
        (true, false, _) if more_is_said => "The model's answer says the same of the finding; no more of it was asked.",
        (true, true, true) => "The encoder's score and the model's answer say the same.",
        (true, true, false) => "The encoder's score says the same.",
        (true, false, _) => "The model's answer says the same.",
        (false, true, true) => "The encoder's score and the model's answer both say otherwise.",
        (false, true, false) => "The encoder's score says otherwise.",
        (false, false, _) => "The model's answer says otherwise.",
    };
    Verdict { state: if some == claimed { State::Agree } else { State::Conflict }, reason }
}

fn unchecked(reason: &'static str) -> Verdict {
    Verdict { state: State::Unchecked, reason }
}

/// Why what is clear was not heard. `answered`: whether the model was asked; `clear`: whether its answer is clear.
fn unheard(claim: &Claim, text: &str, answered: bool, clear: bool) -> &'static str {
    let denied = claim.presence == Presence::Absent;
    let one_side = matches!(claim.side, Some(Side::Left | Side::Right));
    match claim.finding {
        _ if names_a_kind(claim, text) => "A device is there, and what kind it is was not asked.",
        Finding::Fracture | Finding::PleuralOther if clear => {
            "The question was about less than the sentence, or about another thing."
        }
        _ if !denied && claim.side == Some(Side::Bilateral) => "What was asked cannot tell one side from both.",
        _ if one_side && !answered => "The encoder's score speaks for the finding, and knows no side. Ask the model.",
        _ if one_side && !clear => {
            "The encoder's score speaks for the finding, and knows no side; the answer is not clear."
        }
        _ => "What was asked speaks for the finding, and the sentence denies a part of it.",
    }
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
/// keeps; with a side where the claim names one. `None` where nothing is to be asked: "Is there a support device?"
/// would be answered by any other device than the one that a sentence names.
pub fn question(claim: &Claim) -> Option<String> {
    let of_one_kind = claim.device.is_some_and(|device| device != Device::OtherDevice);
    if claim.presence == Presence::Uncertain || of_one_kind {
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

    fn support(softmax: f64) -> Support {
        Support { difference: softmax - 0.5, softmax }
    }

    fn answer(yes: bool, margin: f64) -> Answer {
        Answer {
            yes: Some(yes),
            yes_logprob: -1.0 + if yes { margin } else { 0.0 },
            no_logprob: -1.0 + if yes { 0.0 } else { margin },
        }
    }

    /// "A" agrees, "C" conflicts, "-" is unchecked.
    fn state(row: &str, column: usize) -> State {
        match row.as_bytes()[column] {
            b'A' => State::Agree,
            b'C' => State::Conflict,
            _ => State::Unchecked,
        }
    }

    fn check(text: &str, softmax: Option<f64>, answered: Option<(bool, f64)>, expected: State) {
        let (score, answered) = (softmax.map(support), answered.map(|(yes, margin)| answer(yes, margin)));
        assert_eq!(judge(&claim(text), text, score, answered).state, expected, "{text} {score:?} {answered:?}");
    }

    #[test]
    fn only_what_is_clear_counts() {
        use State::{Agree, Conflict, Unchecked};
        let (present, absent) = ("Pleural effusion.", "No effusion.");
        check(present, None, None, Unchecked);
        check(present, Some(0.95), None, Agree);
        check(present, Some(0.94), None, Unchecked);
        check(present, Some(0.5), None, Unchecked);
        check(present, Some(0.06), None, Unchecked);
        check(present, Some(0.05), None, Conflict);
        check(absent, Some(0.05), None, Agree);
        check(absent, Some(0.06), None, Unchecked);
        check(absent, Some(0.95), None, Conflict);
        check(present, None, Some((true, 2.0)), Agree);
        check(present, None, Some((true, 1.0)), Unchecked);
        check(present, None, Some((false, 2.0)), Conflict);
        check(present, Some(0.99), Some((false, 0.5)), Agree);
        check(present, Some(0.5), Some((false, 2.0)), Conflict);
    }

    /// Every score with every answer. `rows` are scores: some, none, unclear; letters in them are answers: yes, no, none
    /// given.
    fn check_all(text: &str, rows: [&str; 3]) {
        for (row, softmax) in rows.iter().zip([0.99, 0.01, 0.5]) {
            for (column, answered) in [Some((true, 2.0)), Some((false, 2.0)), None].into_iter().enumerate() {
                check(text, Some(softmax), answered, state(row, column));
            }
        }
    }

    #[test]
    fn a_finding_wherever_it_is() {
        for stated in ["Pleural effusion.", "Small pleural effusion.", "Apical pneumothorax.", "New opacity."] {
            check_all(stated, ["A-A", "-CC", "AC-"]);
        }
        for denied in [
            "No effusion.",
            "The lungs are clear bilaterally.",
            "The effusion has resolved.",
            "No effusion bilaterally.",
        ] {
            check_all(denied, ["C-C", "-AA", "CA-"]);
        }
    }

    /// A score is of the finding wherever it is: a wrong side is as wrong as a wrong finding, and an effusion on the left
    /// does not contradict that there is none on the right. The question names the side.
    #[test]
    fn a_finding_on_one_side() {
        for stated in ["Left effusion.", "Small right pleural effusion.", "Left apical pneumothorax."] {
            check_all(stated, ["AC-", "-CC", "AC-"]);
        }
        for denied in ["No right pleural effusion.", "No left pneumothorax.", "The right effusion has resolved."] {
            check_all(denied, ["CA-", "-AA", "CA-"]);
        }
    }

    /// Neither is asked whether there is one on both sides.
    #[test]
    fn a_finding_on_both_sides() {
        check_all("Bilateral effusions.", ["---", "-CC", "-C-"]);
        check_all("Bibasilar atelectasis.", ["---", "-CC", "-C-"]);
        check_all("No bilateral effusions.", ["---", "-AA", "-A-"]);
    }

    /// That there is some does not contradict a denial of a part, a size or an age of it.
    #[test]
    fn a_part_of_a_finding() {
        for denied in [
            "No apical pneumothorax.",
            "No retrocardiac opacity.",
            "The lung bases are clear.",
            "No large effusion.",
            "No new opacity.",
            "No acute consolidation.",
            "The lungs are otherwise clear.",
            "No lung mass.",
            "No empyema.",
        ] {
            check_all(denied, ["---", "-AA", "-A-"]);
        }
        check_all("No left apical pneumothorax.", ["-A-", "-AA", "-A-"]);
    }

    /// A tube is no pacemaker, and no device at all is no pacemaker either.
    #[test]
    fn a_kind_of_device() {
        for stated in ["Pacemaker in place.", "An endotracheal tube ends above the carina.", "Sternotomy wires."] {
            check_all(stated, ["---", "-CC", "-C-"]);
        }
        for denied in ["No pacemaker.", "The chest tube has been removed.", "Extubated.", "No lines or tubes."] {
            check_all(denied, ["---", "-AA", "-A-"]);
        }
        check_all("Left chest tube.", ["-C-", "-CC", "-C-"]);
        check_all("No left chest tube.", ["-A-", "-AA", "-A-"]);
        check_all("Support devices are present.", ["A-A", "-CC", "AC-"]);
        check_all("No support devices.", ["C-C", "-AA", "CA-"]);
    }

    /// The encoder knows too little of both; the question is about ribs, and about thickening.
    #[test]
    fn a_fracture_and_other_pleural_findings() {
        for (text, row) in [
            ("Rib fracture.", "AC-"),
            ("No rib fracture.", "CA-"),
            ("No acute rib fracture.", "-A-"),
            ("Fracture.", "A--"),
            ("The osseous structures are intact.", "C--"),
            ("No acute osseous abnormality.", "---"),
            ("Clavicle fracture.", "---"),
            ("Compression fracture of T8.", "---"),
            ("Pleural thickening.", "AC-"),
            ("Blunting of the left costophrenic angle.", "---"),
        ] {
            check(text, None, Some((true, 2.0)), state(row, 0));
            check(text, None, Some((false, 2.0)), state(row, 1));
            check(text, Some(0.01), None, state(row, 2));
            check(text, Some(0.99), None, state(row, 2));
        }
    }

    #[test]
    fn what_cannot_be_checked_is_not() {
        for text in ["Possible effusion.", "No acute abnormality.", "Possible pacemaker."] {
            check_all(text, ["---", "---", "---"]);
        }
    }

    #[test]
    fn the_reason_says_what_was_not_asked() {
        let check = |text: &str, score: Option<f64>, answered: Option<Answer>, part: &str| {
            let reason = judge(&claim(text), text, score.map(support), answered).reason;
            assert!(reason.contains(part), "{text}: {reason}");
        };
        check("Left effusion.", Some(0.99), None, "knows no side. Ask");
        check("No left effusion.", Some(0.99), None, "knows no side. Ask");
        check("No left effusion.", Some(0.99), Some(answer(true, 0.1)), "no side; the answer is not clear");
        check("Bilateral effusions.", Some(0.99), None, "one side from both");
        check("Large effusion.", Some(0.99), None, "no more of it was asked");
        check("Lung mass.", Some(0.99), None, "no more of it was asked");
        check("No large effusion.", Some(0.99), None, "denies a part");
        check("No left apical pneumothorax.", Some(0.99), Some(answer(true, 2.0)), "denies a part");
        check("No pacemaker.", Some(0.99), None, "what kind it is");
        check("No pacemaker.", None, None, "one kind of device");
        check("No effusion.", None, None, "Nothing was asked yet");
        check("Clavicle fracture.", None, Some(answer(false, 2.0)), "about another thing");
        check("Rib fracture.", Some(0.99), None, "too weak");
        check("Effusion.", Some(0.99), Some(answer(false, 2.0)), "contradict each other");
        check("Effusion.", Some(0.5), None, "Neither");
    }

    #[test]
    fn an_answer_without_a_final_word_says_nothing() {
        let none = Answer { yes: None, yes_logprob: 0.0, no_logprob: -9.0 };
        assert_eq!(judge(&claim("Effusion."), "Effusion.", None, Some(none)).state, State::Unchecked);
    }

    #[test]
    fn a_kind_of_device_is_not_asked_about() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(question(&claim(text)).as_deref(), expected, "{text}");
        check("No pacemaker.", None);
        check("Left chest tube.", None);
        check("Extubated.", None);
        check("No support devices.", Some("Is there a support device?"));
        check("No lines or tubes.", Some("Is there a support device?"));
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
