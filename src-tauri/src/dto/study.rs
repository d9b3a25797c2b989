//! Patients, studies and images as the window shows them. All of it is text, never markup.

use serde::Serialize;
use ts_rs::TS;

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PatientView {
    /// "FAMILY, Given" as displayed; other writings behind it.
    pub name: String,
    pub id: String,
    /// "M", "F", "O" or empty.
    pub sex: String,
    /// In years, months, weeks or days at the time of the study, for example "58 Y"; empty when unknown.
    pub age: String,
    /// ISO date or empty.
    pub birth_date: String,
}

/// One line of the worklist.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct StudyRow {
    pub study_uid: String,
    pub patient: PatientView,
    pub accession: String,
    /// "2026-11-23 14:02" or empty.
    pub date: String,
    pub description: String,
    pub modality: String,
    pub images: u32,
    /// "new", "drafting", "drafted", "in_progress", "preliminary", "final", "addendum", "amended", "reopened", "cancelled".
    pub status: String,
    /// Findings that the models put in front, strongest first; empty when not scored.
    pub top_findings: Vec<FindingSupport>,
    /// First lines of the report or draft, for the preview.
    pub preview: String,
    /// True when `preview` holds unreviewed words of a model.
    pub proposed: bool,
    /// The image whose thumbnail stands for the study.
    pub instance_uid: Option<String>,
    /// "routine", "urgent" or "stat".
    pub priority: String,
    /// The finding for which the models put it in front; empty for none.
    pub front: String,
    /// Who is to read it.
    pub assigned_to: Option<super::UserSummary>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct StudyDetail {
    pub study_uid: String,
    pub patient: PatientView,
    pub accession: String,
    pub date: String,
    pub description: String,
    pub referring_physician: String,
    pub institution: String,
    pub images: Vec<ImageView>,
    pub report: super::ReportView,
    /// Support of the image that goes to the models; empty when not scored yet.
    pub support: Vec<FindingSupport>,
    pub support_demo: bool,
    /// False when this is no chest radiograph of a kind that the models know; `why` says so.
    pub models_apply: bool,
    pub models_apply_why: Option<String>,
    /// Older chest images of the patient, newest first.
    pub priors: Vec<PriorStudy>,
}

/// A study that may be linked as the prior.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PriorStudy {
    pub study_uid: String,
    /// ISO date.
    pub date: String,
    pub instance_uid: String,
    /// "PA", "AP" or empty.
    pub view: String,
    /// All its images, for showing them beside the current ones.
    pub images: Vec<ImageView>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ImageView {
    pub instance_uid: String,
    pub modality: String,
    pub view: String,
    pub laterality: String,
    pub body_part: String,
    /// Direction letters of rows and columns, for example ["L", "F"]; empty when unknown.
    pub orientation: Vec<String>,
    pub rows: u32,
    pub columns: u32,
    pub frames: u32,
    pub acquired: String,
    /// Row then column spacing in millimetres, and whether it was measured at the detector.
    pub spacing: Option<[f64; 2]>,
    pub spacing_source: Option<String>,
    /// Stable codes of oddities of the file.
    pub warnings: Vec<String>,
    /// Ratios of the lossy compressions that the image went through, in their order; empty when unknown.
    pub lossy_ratios: Vec<f64>,
}

/// The verdict on one imported file.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ImportFile {
    /// File name without its folders.
    pub name: String,
    /// "imported", "known" (was there already) or "refused".
    pub verdict: String,
    pub code: Option<String>,
    pub message: Option<String>,
    pub study_uid: Option<String>,
}

/// Zero-shot support for one finding: never a probability.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FindingSupport {
    /// Key such as "pleural_effusion".
    pub finding: String,
    /// "Pleural effusion".
    pub label: String,
    /// Cosine with the present prompts minus cosine with the absent ones.
    pub difference: f64,
    /// Softmax over {absent, present}, 0 to 1; for ordering and the bar only.
    pub softmax: f64,
    /// A probability with its interval, where this department's signed reports allow one;
    /// where absent, nothing here is a probability.
    pub calibrated: Option<super::CalibratedProbability>,
}
