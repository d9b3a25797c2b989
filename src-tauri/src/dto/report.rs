//! The report as the editor shows and changes it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SectionName {
    Exam,
    Indication,
    Comparison,
    Technique,
    Findings,
    Impression,
    Addendum,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RegionName {
    Devices,
    Lungs,
    Pleura,
    HeartAndMediastinum,
    BonesAndSoftTissues,
    UpperAbdomen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ReportStatus {
    Draft,
    Preliminary,
    Final,
    Reopened,
    Cancelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum VersionName {
    Original,
    Addendum,
    Amendment,
}

/// Where a sentence stands; `proposed` is not report text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SentenceState {
    Template,
    Person,
    Proposed,
    Accepted,
    Edited,
    AcceptedInBulk,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SentenceView {
    pub id: String,
    pub text: String,
    pub region: Option<RegionName>,
    pub state: SentenceState,
    /// True when a demonstration model wrote it first.
    pub demo: bool,
    /// The model's own words, where a person changed them.
    pub model_text: Option<String>,
    /// The generation that it comes from, for [`ProposalView`].
    pub proposal_id: Option<String>,
    /// Findings this sentence speaks of, with the encoder's support where it was scored.
    pub support: Vec<super::FindingSupport>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SectionView {
    pub name: SectionName,
    pub heading: String,
    pub required: bool,
    /// False when the text of this section cannot be changed now.
    pub open: bool,
    pub sentences: Vec<SentenceView>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReportView {
    pub id: String,
    pub study_uid: String,
    pub status: ReportStatus,
    /// Grows with every applied command; edits name the revision that they were made on.
    pub revision: f64,
    pub template: String,
    pub becoming: VersionName,
    pub sections: Vec<SectionView>,
    pub versions: Vec<VersionView>,
    /// What signing still needs; empty when it may be signed.
    pub needs: Vec<SigningNeed>,
    /// What the report says against itself or against the patient's data; forbids nothing.
    pub flags: Vec<super::ReportFlag>,
    /// What was written down of telling critical results, one plain sentence each.
    pub communications: Vec<String>,
    /// Another person who is writing in it; nothing is open meanwhile.
    pub held: Option<HeldView>,
    /// Number of proposed sentences that are covered until the reader has looked; they are not in
    /// `sections`.
    pub covered: u32,
    /// Who signed the open draft as preliminary.
    pub preliminary: Option<PreliminaryView>,
    /// Local time of the last save, "14:09:31".
    pub saved_at: Option<String>,
}

/// Another person who is writing in a report.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct HeldView {
    pub name: String,
    pub since: String,
    /// When the report is free, if nothing more is written, "14:09:31".
    pub until: String,
}

/// A first signature, of who prepared the report.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PreliminaryView {
    pub by: String,
    pub at: String,
    pub meaning: String,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct VersionView {
    pub id: String,
    pub kind: VersionName,
    pub by: String,
    pub at: String,
    pub meaning: String,
    /// Who signed it as preliminary before.
    pub preliminary: Option<PreliminaryView>,
    /// SHA-256 of the signed PDF.
    pub pdf_sha256: String,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SigningNeed {
    /// "sign.unreviewed", "sign.empty_section", "sign.untold" or "sign.not_open".
    pub code: String,
    pub count: Option<u32>,
    pub section: Option<SectionName>,
}

/// How a critical result was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum MeansName {
    Telephone,
    InPerson,
    SecureMessage,
    Other,
}

/// What the editor asks to be done. Sentence ids of new sentences are made by the window.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(tag = "do", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum EditCommand {
    Insert {
        section: SectionName,
        after: Option<String>,
        id: String,
        text: String,
        region: Option<RegionName>,
        /// The sentence that this one is split off.
        #[serde(default)]
        #[ts(optional = nullable)]
        from: Option<String>,
    },
    /// Also how a proposed sentence is edited.
    Edit { id: String, text: String },
    Remove { id: String },
    Move { id: String, section: SectionName, after: Option<String> },
    Accept { id: String },
    Drop { id: String },
    /// Takes back an acceptance, an edit or a drop: the sentence is proposed again in the
    /// model's words. The place counts only for a sentence that is not in the report now.
    TakeBack { id: String, section: SectionName, after: Option<String> },
    /// `seen` names every proposed sentence of the section that was shown and focused.
    AcceptSection { section: SectionName, seen: Vec<String> },
    UseTemplate { template: String },
    /// A critical result was told. `at` is seconds since 1970-01-01T00:00Z.
    Communicate { finding: String, to: String, at: f64, how: MeansName, read_back: bool },
    /// A critical result was told to nobody, and why.
    NotCommunicated { reason: String },
    MarkPreliminary,
    Reopen { kind: VersionName },
    Cancel,
}

#[derive(Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SignRequest {
    pub report_id: String,
    /// The revision that was on the screen; another one refuses the signature.
    pub revision: f64,
    pub passphrase: String,
    /// Both are ticked by the person in the sign dialog.
    pub patient_confirmed: bool,
    pub accession_confirmed: bool,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SignedResult {
    pub version_id: String,
    pub pdf_sha256: String,
    pub audit_head: String,
    pub report: ReportView,
}

/// What a signed version is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ExportAs {
    Pdf,
    /// DICOM Basic Text SR.
    Sr,
    /// DICOM Encapsulated PDF.
    Encapsulated,
    /// FHIR R4 bundle.
    Fhir,
    /// HL7 v2.5.1 ORU^R01.
    Hl7,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TemplateView {
    pub id: String,
    pub name: String,
}

/// What a person chooses when asking for a draft.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DraftOptions {
    /// The indication in the report was confirmed and goes to the model.
    pub indication_confirmed: bool,
    /// Clinical notes that were typed for the model; they go into no report.
    pub notes: String,
    pub mode: DraftMode,
    /// The newest prior goes before the current image.
    pub use_prior: bool,
}

/// The shape of an answer: under the template's grammar, or the model's own free text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DraftMode {
    Structured,
    Raw,
}

/// A section that a model writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SectionToDraft {
    Findings,
    Impression,
}

/// How one section is written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SectionHow {
    Again,
    Shorter,
    MoreDetail,
    /// The impression, from what a person stated in the findings.
    FromFindings,
}

/// One generation of a model: where a sentence comes from.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ProposalView {
    pub id: String,
    /// "report", "sections", "section", "raw" or "yes_no".
    pub mode: String,
    /// The request as JSON.
    pub prompt: String,
    /// The words as the model read them, image tokens not expanded.
    pub rendered_prompt: String,
    pub raw_text: String,
    pub pack_id: String,
    pub pack_hash: String,
    pub started_at: String,
    /// JSON as text: decoding, images and their hashes, and the circumstances.
    pub settings: String,
    /// "running", "complete", "cancelled" or "failed".
    pub status: String,
}
