//! Proposals: one row for each generation of a model, so that every drafted sentence can
//! answer where it comes from.

use crate::Store;
use crate::error::{Doing, Result, StoreError};
use crate::tables::{
    f32_bytes, f32_values, from_json, from_word, parse_time, time_text, to_json, u32_bytes, u32_values, word,
};
use hilum_report::{PackHash, ProposalId, ReportId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use time::OffsetDateTime;

/// A generation that begins.
#[derive(Debug, Clone, PartialEq)]
pub struct NewProposal {
    pub id: ProposalId,
    pub study_uid: String,
    /// `None` when it was drafted before anybody opened a report.
    pub report: Option<ReportId>,
    pub pack_id: String,
    pub pack_hash: PackHash,
    pub demo: bool,
    pub prompt: String,
    /// SHA-256 of each model input, hex, in prompt order.
    pub image_hashes: Vec<String>,
    pub settings: Value,
    pub started_at: OffsetDateTime,
}

/// How a generation ended.
#[derive(Debug, Clone, PartialEq)]
pub struct ProposalOutcome {
    /// Not [`ProposalStatus::Running`].
    pub status: ProposalStatus,
    pub finished_at: OffsetDateTime,
    pub raw_text: String,
    pub token_ids: Vec<u32>,
    /// Natural logarithms, one a token.
    pub logprobs: Vec<f32>,
    pub timings: Value,
    /// Why it failed, as a stable code.
    pub error_code: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalStatus {
    Running,
    Complete,
    Cancelled,
    Failed,
}

/// A generation as recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    pub begun: NewProposal,
    /// `None` while it runs. What ran when the app died is failed as `interrupted` when the
    /// folder is next unlocked.
    pub outcome: Option<ProposalOutcome>,
}

impl Store {
    /// Records that a generation begins.
    ///
    /// # Errors
    /// `store.exists`; `store.database` when study or report do not exist; `data.disk_full`.
    pub async fn begin_proposal(&self, new: &NewProposal) -> Result<()> {
        let done = sqlx::query(
            "INSERT INTO proposals
                (id, study_uid, report_id, pack_id, pack_hash, demo, prompt, image_hashes, settings, started_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(new.id.as_str())
        .bind(&new.study_uid)
        .bind(new.report.as_ref().map(ReportId::as_str))
        .bind(&new.pack_id)
        .bind(new.pack_hash.as_str())
        .bind(new.demo)
        .bind(&new.prompt)
        .bind(to_json(&new.image_hashes)?)
        .bind(to_json(&new.settings)?)
        .bind(time_text(new.started_at)?)
        .execute(self.access().await?.connection())
        .await;
        match done {
            Err(sqlx::Error::Database(e)) if e.is_unique_violation() => {
                Err(StoreError::Exists { what: "proposal", id: new.id.to_string() })
            }
            done => done.map(|_| ()).doing("record a proposal"),
        }
    }

    /// Records how a generation ended, once.
    ///
    /// # Errors
    /// `store.not_found` when there is none that runs under this id; `data.disk_full`.
    pub async fn finish_proposal(&self, id: &ProposalId, outcome: &ProposalOutcome) -> Result<()> {
        let done = sqlx::query(
            "UPDATE proposals SET status = ?, finished_at = ?, raw_text = ?, token_ids = ?, logprobs = ?, timings = ?,
                error_code = ?
             WHERE id = ? AND status = 'running'",
        )
        .bind(word(&outcome.status)?)
        .bind(time_text(outcome.finished_at)?)
        .bind(&outcome.raw_text)
        .bind(u32_bytes(&outcome.token_ids))
        .bind(f32_bytes(&outcome.logprobs))
        .bind(to_json(&outcome.timings)?)
        .bind(&outcome.error_code)
        .bind(id.as_str())
        .execute(self.access().await?.connection())
        .await
        .doing("record the end of a proposal")?;
        match done.rows_affected() {
            0 => Err(StoreError::NotFound { what: "running proposal", id: id.to_string() }),
            _ => Ok(()),
        }
    }

    /// One generation.
    ///
    /// # Errors
    /// `store.not_found`, `store.corrupt`, `store.database`.
    pub async fn proposal(&self, id: &ProposalId) -> Result<Proposal> {
        let row = sqlx::query("SELECT * FROM proposals WHERE id = ?")
            .bind(id.as_str())
            .fetch_optional(self.access().await?.connection())
            .await
            .doing("read a proposal")?;
        from_row(&row.ok_or_else(|| StoreError::NotFound { what: "proposal", id: id.to_string() })?)
    }

    /// The generations for a study, newest first.
    ///
    /// # Errors
    /// `store.corrupt`, `store.database`.
    pub async fn proposals(&self, study_uid: &str) -> Result<Vec<Proposal>> {
        sqlx::query("SELECT * FROM proposals WHERE study_uid = ? ORDER BY started_at DESC, id DESC")
            .bind(study_uid)
            .fetch_all(self.access().await?.connection())
            .await
            .doing("read the proposals of a study")?
            .iter()
            .map(from_row)
            .collect()
    }
}

/// Ends what was running when the app died: nothing runs before a session begins.
pub(crate) async fn end_interrupted(connection: &mut SqliteConnection, at: OffsetDateTime) -> Result<()> {
    sqlx::query(
        "UPDATE proposals SET status = 'failed', finished_at = ?, raw_text = '', token_ids = x'', logprobs = x'',
            timings = 'null', error_code = 'interrupted'
         WHERE status = 'running'",
    )
    .bind(time_text(at)?)
    .execute(connection)
    .await
    .doing("end interrupted proposals")?;
    Ok(())
}

fn from_row(row: &SqliteRow) -> Result<Proposal> {
    let text = |column: &str| row.try_get::<String, _>(column).doing("read a proposal");
    let optional = |column: &str| row.try_get::<Option<String>, _>(column).doing("read a proposal");
    let bytes = |column: &str| row.try_get::<Vec<u8>, _>(column).doing("read a proposal");
    let begun = NewProposal {
        id: ProposalId::new(text("id")?),
        study_uid: text("study_uid")?,
        report: optional("report_id")?.map(ReportId::new),
        pack_id: text("pack_id")?,
        pack_hash: PackHash::new(text("pack_hash")?),
        demo: row.try_get("demo").doing("read a proposal")?,
        prompt: text("prompt")?,
        image_hashes: from_json(&text("image_hashes")?, "image hashes")?,
        settings: from_json(&text("settings")?, "generation settings")?,
        started_at: parse_time(&text("started_at")?)?,
    };
    let outcome = match from_word(text("status")?, "a status")? {
        ProposalStatus::Running => None,
        status => Some(ProposalOutcome {
            status,
            finished_at: parse_time(&text("finished_at")?)?,
            raw_text: text("raw_text")?,
            token_ids: u32_values(&bytes("token_ids")?),
            logprobs: f32_values(&bytes("logprobs")?),
            timings: from_json(&text("timings")?, "timings")?,
            error_code: optional("error_code")?,
        }),
    };
    Ok(Proposal { begun, outcome })
}
