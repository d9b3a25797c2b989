//! Evidence maps, similar cases and local calibration as the window shows them.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Head of the answer of `evidence_map`; `side * side` 32-bit floats follow, row by row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceMapHead {
    /// Patches along one side of the square model input.
    pub side: u32,
    /// Smallest and largest value over the patches that show some of the image.
    pub min: f32,
    pub max: f32,
    pub placement: MapPlacement,
    pub finding: String,
    pub pack_id: String,
    pub demo: bool,
}

/// Where the square that the model saw lies on the stored image, in image pixels: the
/// window draws the map from (`left`, `top`) with sides of `size`, clipped to the image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MapPlacement {
    /// Zero or negative: black was added to the left and above.
    pub left: f64,
    pub top: f64,
    pub size: f64,
    pub rows: u32,
    pub columns: u32,
}

/// Which cases to look among.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct SimilarFilter {
    /// Stated present in the case's signed report.
    pub finding: Option<String>,
    /// "M", "F" or "O".
    pub sex: Option<String>,
    /// "0-17", "18-39", "40-59", "60-79" or "80+".
    pub age_band: Option<String>,
    /// "PA", "AP" or "lateral".
    pub view: Option<String>,
    pub signed_only: bool,
    /// 1 to 100; 0 is 12.
    pub limit: u32,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SimilarCases {
    /// Images of other patients that were compared.
    pub searched: u32,
    /// Images of this kind that have no embedding yet; they are on their way.
    pub waiting: u32,
    pub demo: bool,
    /// Most similar first. The patient's own images are left out.
    pub cases: Vec<SimilarCase>,
}

/// One image of another patient, without name, id or date.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SimilarCase {
    pub instance_uid: String,
    /// Cosine of the two embeddings, -1 to 1.
    pub similarity: f64,
    pub sex: String,
    pub age_band: String,
    pub view: String,
    pub signed: bool,
    /// Keys of the findings that its signed report states to be present.
    pub findings: Vec<String>,
    /// False where a thumbnail could show the patient's name in the pixels: it is then
    /// shown only after `similar_reveal`.
    pub thumbnail: bool,
}

/// Who a similar case is; that it was asked for is in the audit chain.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SimilarIdentity {
    pub study_uid: String,
    pub patient_name: String,
    pub patient_id: String,
    pub study_date: String,
}

/// What a finding's probability rests on. Never shown without its interval.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CalibratedProbability {
    /// 0 to 1, of the finding being stated in this department's signed reports.
    pub probability: f64,
    /// 95 % interval.
    pub low: f64,
    pub high: f64,
    /// Patients that it was fitted on.
    pub cases: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationStatus {
    Calibrated,
    NotCalibrated,
    /// Fitted for another model or by another reading of the reports; not used until fitted again.
    Stale,
}

/// One finding's calibration.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CalibrationRow {
    pub finding: String,
    pub label: String,
    pub status: CalibrationStatus,
    /// Why it is not calibrated, as a plain sentence; empty when it is.
    pub reason: String,
    /// Patients with signed reports that state the finding, and that do not.
    pub positives: u32,
    pub negatives: u32,
    /// How many of each are needed.
    pub needed: u32,
    /// Area under the ROC curve, cross-validated by patient, with its 95 % interval.
    pub auc: Option<AucView>,
    pub fitted_at: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AucView {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}
