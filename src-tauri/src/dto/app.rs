//! The application itself: who is there, what is loaded, what is set.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Why a command failed. The window's one table turns `code` into words and a way out.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AppError {
    /// Stable, for example "vault.locked".
    pub code: String,
    /// What failed, as a plain sentence without patient identifiers.
    pub detail: String,
}

/// What the page seals one secret for before it sends it.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SealingKey {
    pub id: String,
    /// A point of P-256, uncompressed, in base 64.
    pub point: String,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AppStatus {
    pub version: String,
    /// True when the data folder holds no user yet.
    pub first_run: bool,
    /// Whoever is logged in is the first user and has not come to the end of the first run.
    pub first_run_open: bool,
    /// Nobody is logged in, and no patient data can be read.
    pub locked: bool,
    pub user: Option<UserSummary>,
    pub users: Vec<UserSummary>,
    /// False where this system offers no sandbox for the decoder.
    pub decoder_protected: bool,
    /// A file or folder given at start, to be imported and opened after unlocking.
    pub opens_at_start: bool,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct UserSummary {
    pub id: String,
    pub name: String,
    /// Signs as preliminary alone.
    pub trainee: bool,
}

/// What the first user is shown once.
#[derive(Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FirstUser {
    pub user: UserSummary,
    /// Written down on paper by the user; never shown again.
    pub recovery_key: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum EngineState {
    /// No pack of that kind is installed.
    NoModel,
    /// Not started yet; it starts on demand.
    Idle,
    Loading,
    Ready,
    Working,
    /// It died and was started again.
    Restarted,
    Failed,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct EngineStatus {
    /// "draft" or "encode".
    pub role: String,
    pub state: EngineState,
    pub pack_name: Option<String>,
    pub demo: bool,
    /// A stable code, where `state` is failed.
    pub code: Option<String>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ModelPack {
    pub id: String,
    /// "medgemma", "medgemma-text" (kept, drafts nothing) or "medsiglip".
    pub kind: String,
    pub name: String,
    pub demo: bool,
    pub hash: String,
    pub bytes: f64,
    pub source: String,
    pub terms: String,
    pub notice: String,
    pub quantization: String,
    /// What an encoder computes in where HILUM_ENCODER chose another form than it takes by itself, which keeps its
    /// numbers apart; else empty.
    pub arithmetic: String,
    /// The card, as Markdown source; shown as text.
    pub card: Option<String>,
    /// When a person accepted the terms, RFC 3339; demonstrations need no acceptance.
    pub terms_accepted_at: Option<String>,
    /// True when this is the pack that drafts or scores.
    pub in_use: bool,
    /// What it ran on, in words; empty before its first load here.
    pub device: String,
    /// Memory of its process after loading, bytes.
    pub memory_bytes: Option<f64>,
    pub load_seconds: Option<f64>,
    pub tokens_per_second: Option<f64>,
    /// Of an encoder: one image embedded and scored.
    pub image_seconds: Option<f64>,
}

/// A folder that the person chose, before it is a pack.
#[derive(Debug, Clone, Default, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PackCandidate {
    /// Stands for the folder in `pack_add`.
    pub token: String,
    pub name: String,
    /// As in [`ModelPack`]; empty where there is a problem.
    pub kind: String,
    /// For example "Gemma3ForConditionalGeneration".
    pub architecture: String,
    pub files: f64,
    pub bytes: f64,
    /// Of the first of `choices`, bytes.
    pub estimate_disk: f64,
    pub estimate_memory: f64,
    /// To be shown and accepted before `pack_add`, unless `demo`.
    pub terms: String,
    pub notice: String,
    pub demo: bool,
    /// The names of `choices`.
    pub quantize: Vec<String>,
    pub choices: Vec<PackChoice>,
    /// Why it cannot become a pack.
    pub problem: Option<PackProblem>,
}

/// One way of storing a model, and what that takes, bytes.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PackChoice {
    /// "q4k", "q8_0" or "none".
    pub quantize: String,
    pub disk: f64,
    pub memory: f64,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PackProblem {
    pub code: String,
    pub detail: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// "dark" or "light".
    pub theme: String,
    /// Minutes without input until the window locks; 0 is never.
    pub idle_lock_minutes: u32,
    pub institution: String,
    pub department: String,
    pub address: String,
    /// Width of the report pane in pixels.
    pub report_width: u32,
    pub default_template: String,
    /// Start drafting when a study without a report is opened.
    pub draft_on_open: bool,
    /// A draft stays covered until its reader has looked at the images or written findings.
    pub read_first: bool,
    /// Queue studies for the background when they are imported.
    pub draft_on_import: bool,
    /// Files that appear below this folder are imported; empty for none.
    pub watched_folder: String,
    /// Backups go to this folder; empty for none.
    pub backup_folder: String,
    /// Hours from one backup to the next that is made by itself; 0 for none.
    pub backup_every_hours: u32,
    /// The oldest backups past so many are deleted; 0 keeps all.
    pub backup_keep: u32,
}

/// A backup in the chosen folder.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct BackupView {
    pub made_at: String,
    pub bytes: f64,
    pub signed_versions: f64,
}

/// A backup that a person chose to put back; nothing of it is checked yet.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RestoreChoice {
    /// Stands for the folder in `restore_start`.
    pub token: String,
    pub made_at: String,
    pub bytes: f64,
    pub signed_versions: f64,
    /// Who could unlock when it was made.
    pub users: Vec<String>,
    /// There is something in the data folder now, which will be kept.
    pub replaces: bool,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AuditLine {
    pub seq: f64,
    pub at: String,
    pub who: String,
    pub action: String,
    pub object: String,
    /// What more is known of the deed, as JSON; never what identifies a patient. Empty where there is nothing.
    pub detail: String,
    pub hash: String,
}

/// Which lines of the audit chain are wanted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct AuditFilter {
    /// Id of a user; nothing for everybody.
    pub who: Option<String>,
    /// Somewhere in action, object or detail; empty for all.
    pub words: String,
    /// YYYY-MM-DD, inclusive; empty for any.
    pub from: String,
    pub to: String,
}

/// A file of audit lines that was written.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AuditExported {
    pub path: String,
    pub lines: f64,
}

/// What became of checking the audit chain.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AuditVerdict {
    pub ok: bool,
    /// Lines that were read.
    pub checked: f64,
    /// Hash of the last line.
    pub head: String,
    /// The first break, in words.
    pub problem: Option<String>,
}
