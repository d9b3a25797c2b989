//! What the shell tells the window without being asked, on the one channel "hilum".

use super::{EngineStatus, FindingSupport, ImportFile, ReportView};
use serde::Serialize;
use ts_rs::TS;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DraftStage {
    LoadingModel,
    ReadingImage,
    Writing,
}

/// What is being done with a model's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum PackPhase {
    Checking,
    Hashing,
    Converting,
    Copying,
}

/// What is being done for a backup, or to put one back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum BackupStage {
    Database,
    Files,
    Checking,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(tag = "event", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum AppEvent {
    /// `done` of `total` files; `file` is the latest verdict.
    ImportProgress { job: String, done: u32, total: u32, file: ImportFile },
    ImportDone { job: String, imported: u32, known: u32, refused: u32, study_uids: Vec<String> },
    /// A study's row changed; the worklist reads it again.
    StudyChanged { study_uid: String },
    Engine { engine: EngineStatus },
    /// `fraction` is of the phase, 0 to 1; `detail` is the file at hand.
    PackProgress { job: String, phase: PackPhase, fraction: Option<f64>, detail: String },
    /// The pack is in the list of models now, and in use where it comes first.
    PackAdded { job: String, id: String },
    /// Nothing was added and nothing is left behind.
    PackFailed { job: String, code: String, detail: String },
    /// `fraction` is of the stage, 0 to 1.
    BackupProgress { stage: BackupStage, fraction: f64 },
    /// Made, read back and checked.
    BackupDone { bytes: f64, files: f64, signed_versions: f64 },
    /// Nothing half counts as a backup, or took the place of anything.
    BackupFailed { code: String, detail: String },
    /// `replaced` is where lies what was there before.
    RestoreDone { signed_versions: f64, replaced: Option<String> },
    SupportReady { study_uid: String, instance_uid: String, support: Vec<FindingSupport>, demo: bool },
    SupportFailed { study_uid: String, code: String, detail: String },
    /// What waits to be drafted, or is being drafted, has changed.
    QueueChanged { queue: super::DraftQueue },
    /// What the window of images for a second screen is to show; nothing when the study was left.
    SecondShows { study_uid: Option<String> },
    /// Marks on the images of a study are other ones than before; every window that shows them reads them again.
    MarksChanged { study_uid: String },
    /// A sentence from the window of images, for the report of this study in the first one.
    Dictated { study_uid: String, text: String },
    /// Files are held over the window, or no longer.
    Dragging { over: bool },
    /// Images that are embedded in the background; `done` equals `total` at the end.
    IndexProgress { done: u32, total: u32, failed: u32 },
    DraftProgress { report_id: String, stage: DraftStage, fraction: Option<f64>, seconds: f64 },
    /// The whole tentative text so far; it is replaced by proposed sentences at the end.
    DraftText { report_id: String, text: String },
    /// The proposal is in the report now.
    DraftDone { report_id: String, report: ReportView, seconds: f64 },
    DraftCancelled { report_id: String },
    /// The report is as it was; trying again is safe.
    DraftFailed { report_id: String, code: String, detail: String },
    /// Questions about the report's claims: `done` of `total` are answered.
    EvidenceProgress { report_id: String, done: u32, total: u32 },
    /// Evidence of the report is to be read again; also after a cancel.
    EvidenceReady { report_id: String },
    /// What was answered until then is kept; trying again is safe.
    EvidenceFailed { report_id: String, code: String, detail: String },
    /// The window is to be closed: what is unsaved is sent now, then `close_window` is called.
    Closing,
    /// Idle time passed; the window shows the unlock screen.
    Locked,
    /// The page's process had ended by itself, and this page is the one that came after; the study that was read, if any.
    PageReloaded { study_uid: Option<String> },
    /// A study given at start was imported.
    OpenStudy { study_uid: String },
}
