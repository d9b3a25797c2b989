//! What a reader writes with, and the texts of a report beside each other.

use super::{SectionName, SentenceState};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A reader's own macro.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MacroView {
    /// Without the point.
    pub name: String,
    /// Where it can be used; everywhere when empty.
    pub sections: Vec<SectionName>,
    /// A line a sentence; `${1:side}` and `${2:left|right}` are parameters.
    pub text: String,
}

/// Words that spelling accepts besides the general list.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Spelling {
    /// In lower case.
    pub lexicon: Vec<String>,
    /// What the person who is logged in added.
    pub own: Vec<String>,
}

/// A kind of study.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SituationName {
    Child,
    TwoViews,
    Frontal,
    Portable,
}

/// Which template a reader wants for a kind of study; none for the one that everybody gets.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TemplateChoice {
    pub situation: SituationName,
    pub template: Option<String>,
}

/// Which text of a report it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TextKind {
    /// What a model proposed, and nothing else.
    Draft,
    Preliminary,
    SignedPreliminary,
    Signed,
    Addendum,
    Amendment,
    /// As it stands, unsigned.
    Now,
}

/// One text that the report had in its life.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReportText {
    pub kind: TextKind,
    /// Who brought it there; empty for the text as it stands.
    pub by: String,
    pub at: String,
    pub sections: Vec<TextSection>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TextSection {
    pub name: SectionName,
    pub heading: String,
    pub sentences: Vec<TextSentence>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TextSentence {
    pub id: String,
    pub text: String,
    pub state: SentenceState,
    /// The model's own words, where a person changed them.
    pub model_text: Option<String>,
}
