//! What a sentence claims, and what speaks for and against it.

use hilum_workflow::{ClaimEvidence, RequeryEvidence, ScoreEvidence};
use serde::Serialize;
use ts_rs::TS;

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SentenceEvidence {
    pub sentence_id: String,
    pub claims: Vec<ClaimView>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ClaimState {
    Agree,
    Conflict,
    Unchecked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ClaimPresence {
    Present,
    Absent,
    Uncertain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ClaimSide {
    Left,
    Right,
    Bilateral,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ClaimView {
    /// Key such as "pleural_effusion"; "no_finding" for "no acute abnormality".
    pub finding: String,
    /// "Pleural effusion".
    pub label: String,
    pub presence: ClaimPresence,
    pub side: Option<ClaimSide>,
    /// "lower", "basal" and so on.
    pub zone: Option<String>,
    /// "minimal", "mild", "moderate" or "severe".
    pub severity: Option<String>,
    /// "new", "unchanged", "increased", "decreased", "resolved", "chronic", "acute".
    pub temporal: Vec<String>,
    /// What kind of device, for example "endotracheal tube".
    pub device: Option<String>,
    pub state: ClaimState,
    /// One plain sentence.
    pub reason: String,
    pub support: Option<ClaimSupport>,
    pub requery: Option<ClaimRequery>,
}

/// The encoder's score for the claim's finding: never a probability.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ClaimSupport {
    pub difference: f64,
    pub softmax: f64,
    pub pack_id: String,
    pub instance_uid: String,
}

/// The answer of the model that drafts. The log-probabilities say how sure it is of its words.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ClaimRequery {
    pub question: String,
    /// "yes", "no", or null where it gave neither.
    pub answer: Option<String>,
    pub yes_logprob: f64,
    pub no_logprob: f64,
    pub pack_id: String,
}

/// Something in the report to look at before signing; it forbids nothing.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReportFlag {
    /// "check.contradiction", "check.side", "check.no_finding", "check.impression_lacks", "check.sex"
    /// or "check.units".
    pub code: String,
    /// One plain sentence.
    pub text: String,
    pub sentence_ids: Vec<String>,
}

impl From<hilum_workflow::SentenceEvidence> for SentenceEvidence {
    fn from(evidence: hilum_workflow::SentenceEvidence) -> SentenceEvidence {
        SentenceEvidence {
            sentence_id: evidence.sentence.to_string(),
            claims: evidence.claims.into_iter().map(ClaimView::from).collect(),
        }
    }
}

impl From<ClaimEvidence> for ClaimView {
    fn from(evidence: ClaimEvidence) -> ClaimView {
        use hilum_report::claims::{Presence, Side};
        use hilum_report::evidence::State;
        let claim = evidence.claim;
        ClaimView {
            finding: claim.finding.key().to_owned(),
            label: claim.finding.label().to_owned(),
            presence: match claim.presence {
                Presence::Present => ClaimPresence::Present,
                Presence::Absent => ClaimPresence::Absent,
                Presence::Uncertain => ClaimPresence::Uncertain,
            },
            side: claim.side.map(|side| match side {
                Side::Left => ClaimSide::Left,
                Side::Right => ClaimSide::Right,
                Side::Bilateral => ClaimSide::Bilateral,
            }),
            zone: claim.zone.map(words),
            severity: claim.severity.map(words),
            temporal: claim.temporal.into_iter().map(words).collect(),
            device: claim.device.map(words),
            state: match evidence.verdict.state {
                State::Agree => ClaimState::Agree,
                State::Conflict => ClaimState::Conflict,
                State::Unchecked => ClaimState::Unchecked,
            },
            reason: evidence.verdict.reason.to_owned(),
            support: evidence.score.map(|ScoreEvidence { support, pack_id, instance_uid }| ClaimSupport {
                difference: support.difference,
                softmax: support.softmax,
                pack_id,
                instance_uid,
            }),
            requery: evidence.requery.map(|RequeryEvidence { question, answer, pack_id }| ClaimRequery {
                question,
                answer: answer.yes.map(|yes| if yes { "yes" } else { "no" }.to_owned()),
                yes_logprob: answer.yes_logprob,
                no_logprob: answer.no_logprob,
                pack_id,
            }),
        }
    }
}

impl From<hilum_report::checks::Flag> for ReportFlag {
    fn from(flag: hilum_report::checks::Flag) -> ReportFlag {
        ReportFlag {
            code: flag.code.to_owned(),
            text: flag.text,
            sentence_ids: flag.sentences.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The serialised name of a word of a claim, with spaces: "endotracheal tube".
fn words(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name.replace('_', " "),
        _ => String::new(),
    }
}
