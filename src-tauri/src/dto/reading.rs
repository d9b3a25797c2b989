//! Measurements, the patient's timeline, and what waits to be drafted.

use super::{PatientView, StudyRow};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum AnnotationKind {
    Length,
    Angle,
    Cobb,
    Ctr,
    Rectangle,
    Ellipse,
    Arrow,
    Text,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Annotation {
    pub id: String,
    pub instance_uid: String,
    pub kind: AnnotationKind,
    /// Column and row in image pixels, the middle of the first pixel at 0.5.
    pub points: Vec<[f64; 2]>,
    pub label: String,
    /// Numbers as they may stand in a report, for example "148 mm" or "0.56".
    pub measured: Vec<String>,
    /// What millimetres rest on: "imager" or "calibrated"; `null` where none were measured.
    pub spacing: Option<String>,
}

/// Which studies the worklist shows, past the words of a search.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct WorklistFilter {
    /// "any", "to_read", "drafted", "in_progress" or "signed".
    pub status: String,
    /// Only those that the models put in front.
    pub in_front: bool,
    /// Only those handed to whoever is logged in.
    pub mine: bool,
    /// ISO dates, inclusive; empty for no limit.
    pub from: String,
    pub to: String,
}

/// A study of the patient's timeline.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TimelineStudy {
    pub row: StudyRow,
    /// The study that the timeline was asked of.
    pub current: bool,
    /// It is compared with the current one.
    pub linked: bool,
    /// Text of the newest signed version; empty while there is none.
    pub signed_text: String,
}

/// What came of taking an import back.
#[derive(Debug, Clone, Copy, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ImportUndone {
    pub removed: u32,
    /// Reported on by now, or here before with other images.
    pub kept: u32,
}

/// The drafts that are made in the background.
#[derive(Debug, Clone, Default, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DraftQueue {
    pub paused: bool,
    /// The study that is being drafted.
    pub running: Option<String>,
    /// The next first; what failed comes last.
    pub studies: Vec<QueuedDraft>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct QueuedDraft {
    pub study_uid: String,
    pub patient: PatientView,
    pub description: String,
    /// The code with which drafting failed; empty while it waits.
    pub failed: String,
}
