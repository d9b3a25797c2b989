//! The journal: every command given to a report, in order, forever.

use crate::Store;
use crate::error::{Doing, Result, StoreError};
use crate::tables::audit::{self, AuditEvent};
use crate::tables::{from_json, locks, reports, templates, time_text, to_json, vouched, word};
use hilum_report::{Command, Entry, ProposalId, Report, ReportId, Template, VersionId};
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;
use std::collections::HashMap;

impl Store {
    /// Carries out commands on a report and writes them to its journal: all of them or
    /// none. They are on disk when this returns. `base_revision` is the revision that the
    /// caller saw. Returns the report as it is now.
    ///
    /// Signing is not done here but by [`Store::record_signature`], because a signature
    /// and its document are recorded together.
    ///
    /// # Errors
    /// `store.stale_revision`; `report.held` while another person writes in it; `store.sign_apart`;
    /// the domain's refusal by its own code; `store.not_found`; `data.disk_full`.
    pub async fn append(&self, id: &ReportId, base_revision: u64, entries: &[Entry]) -> Result<Report> {
        self.append_filled(id, base_revision, entries, &[]).await
    }

    /// As [`Store::append`]; a command that uses a template gets the one of that id in `filled` instead,
    /// whose merge fields are those of the report's study.
    pub async fn append_filled(
        &self,
        id: &ReportId,
        base_revision: u64,
        entries: &[Entry],
        filled: &[Template],
    ) -> Result<Report> {
        if entries.iter().any(|e| matches!(e.command, Command::Sign { .. })) {
            return Err(StoreError::SignApart);
        }
        let mut access = self.access().await?;
        let known = access.open().reports.get(id).cloned();
        let mut tx = access.begin().await?;
        let mut report = at_revision(&mut tx, known, id, base_revision).await?;
        let mut templates = templates::all(&mut tx).await?;
        for template in &mut templates {
            if let Some(filled) = filled.iter().find(|f| f.id == template.id) {
                template.clone_from(filled);
            }
        }
        let first = report.revision() + 1;
        for entry in entries {
            let before = report.status();
            // A model's proposal is nobody's edit.
            if !matches!(entry.command, Command::Propose { .. }) {
                locks::hold(&mut tx, id, &entry.by, entry.at).await?;
            }
            report.apply(entry, &templates)?;
            write_line(&mut tx, &report, entry, &templates).await?;
            move_row(&mut tx, &report, entry).await?;
            if report.status() != before {
                let event = AuditEvent::new(entry.at, &entry.by, "report.status", id.as_str())
                    .with(json!({ "from": word(&before)?, "to": word(&report.status())? }));
                audit::append(&mut tx, &event).await?;
            }
            // Whoever has signed, or given the report up, does not go on writing in it.
            if matches!(entry.command, Command::SignPreliminary { .. } | Command::Cancel) {
                locks::let_go(&mut tx, id).await?;
            }
            if matches!(entry.command, Command::SignPreliminary { .. }) {
                let text = report.final_text().map_err(hilum_report::Refusal::Unsignable)?;
                let event = AuditEvent::new(entry.at, &entry.by, "report.sign_preliminary", id.as_str())
                    .with(json!({ "text_sha256": hex::encode(Sha256::digest(text.plain())) }));
                audit::append(&mut tx, &event).await?;
            }
        }
        vouch(&mut tx, &report, first, entries).await?;
        tx.commit().await.doing("write the journal")?;
        reports::keep(&mut access.open().reports, &report);
        Ok(report)
    }

    /// The report as it stood at each stage of its life that is worth comparing, in order: after the last
    /// line of every draft, when it became preliminary, and at every signature.
    ///
    /// # Errors
    /// `store.not_found`, `store.corrupt`, `store.database`.
    pub async fn milestones(&self, id: &ReportId) -> Result<Vec<Milestone>> {
        let mut access = self.access().await?;
        let connection = access.connection();
        let initial: Option<String> = sqlx::query_scalar("SELECT initial FROM reports WHERE id = ?")
            .bind(id.as_str())
            .fetch_optional(&mut *connection)
            .await
            .doing("read a report")?;
        let initial = initial.ok_or_else(|| StoreError::NotFound { what: "report", id: id.to_string() })?;
        let mut report: Report = from_json(&initial, "a report")?;
        let mut found: Vec<Milestone> = Vec::new();
        for line in lines(connection, id).await? {
            let entry = line.0.clone();
            report = after(report, vec![line])?;
            let stage = match &entry.command {
                Command::Propose { proposal, .. } => Stage::Drafted(proposal.clone()),
                Command::MarkPreliminary | Command::SignPreliminary { .. } => Stage::Preliminary,
                Command::Sign { version, .. } => Stage::Signed(version.clone()),
                _ => continue,
            };
            // A draft comes as one line a section.
            if found.last().is_some_and(|last| matches!(stage, Stage::Drafted(_)) && last.stage == stage) {
                found.pop();
            }
            found.push(Milestone { stage, entry, report: report.clone() });
        }
        Ok(found)
    }

    /// The journal of a report, in order.
    ///
    /// # Errors
    /// `store.corrupt`, `store.database`.
    pub async fn journal(&self, id: &ReportId) -> Result<Vec<Entry>> {
        Ok(lines(self.access().await?.connection(), id).await?.into_iter().map(|(entry, _)| entry).collect())
    }
}

/// A report as it stood once.
#[derive(Debug, Clone, PartialEq)]
pub struct Milestone {
    pub stage: Stage,
    /// The line that brought it there.
    pub entry: Entry,
    pub report: Report,
}

/// What a report had come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// A model's proposal stood in it, unreviewed.
    Drafted(ProposalId),
    Preliminary,
    Signed(VersionId),
}

/// The report, when it is at the revision that the caller saw.
pub(crate) async fn at_revision(
    connection: &mut SqliteConnection,
    known: Option<Report>,
    id: &ReportId,
    expected: u64,
) -> Result<Report> {
    let report = reports::current(connection, known, id).await?;
    match report.revision() {
        found if found == expected => Ok(report),
        found => Err(StoreError::StaleRevision { expected, found }),
    }
}

/// Writes to the audit trail what was written, so that nobody changes it unnoticed.
async fn vouch(connection: &mut SqliteConnection, report: &Report, first: u64, entries: &[Entry]) -> Result<()> {
    let Some(last) = entries.last() else { return Ok(()) };
    let by_model = entries.iter().all(|e| matches!(e.command, Command::Propose { .. }));
    let action = if by_model { "report.draft" } else { "report.edit" };
    let event = AuditEvent::new(last.at, &last.by, action, report.id().as_str())
        .with(vouched_for(connection, report, first).await?);
    audit::append(connection, &event).await.map(drop)
}

/// Which lines of the journal a line of the audit trail vouches for, and their hash.
pub(crate) async fn vouched_for(connection: &mut SqliteConnection, report: &Report, first: u64) -> Result<serde_json::Value> {
    let (id, last) = (report.id().as_str(), report.revision());
    let sha256 = vouched::journal_sha256(connection, id, first, last).await?;
    Ok(json!({ "from": first, "to": last, "journal_sha256": sha256 }))
}

/// Writes the line that brought the report to its revision.
pub(crate) async fn write_line(
    connection: &mut SqliteConnection,
    report: &Report,
    entry: &Entry,
    templates: &[Template],
) -> Result<()> {
    let template = match &entry.command {
        Command::UseTemplate { template } => templates.iter().find(|t| t.id == *template).map(to_json).transpose()?,
        _ => None,
    };
    sqlx::query("INSERT INTO journal (report_id, seq, by, at, entry, template) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(report.id().as_str())
        .bind(report.revision().cast_signed())
        .bind(entry.by.as_str())
        .bind(time_text(entry.at)?)
        .bind(to_json(entry)?)
        .bind(template)
        .execute(connection)
        .await
        .doing("write the journal")?;
    Ok(())
}

/// Brings the report's row to where the journal is.
pub(crate) async fn move_row(connection: &mut SqliteConnection, report: &Report, entry: &Entry) -> Result<()> {
    let (unreviewed, empty_required) = reports::lacking(report);
    sqlx::query(
        "UPDATE reports SET revision = ?, status = ?, changed_at = ?, unreviewed = ?, empty_required = ? WHERE id = ?",
    )
    .bind(report.revision().cast_signed())
    .bind(word(&report.status())?)
    .bind(time_text(entry.at)?)
    .bind(unreviewed)
    .bind(empty_required)
    .bind(report.id().as_str())
    .execute(connection)
    .await
    .doing("write the journal")?;
    Ok(())
}

/// The report after all of its journal. Each line sees the template that it saw when it was
/// written, whatever has become of it since.
pub(crate) async fn replay(connection: &mut SqliteConnection, report: Report) -> Result<Report> {
    let lines = lines(connection, report.id()).await?;
    after(report, lines)
}

/// The report after these lines.
pub(crate) fn after(mut report: Report, lines: Vec<Line>) -> Result<Report> {
    let id = report.id().clone();
    for (entry, template) in lines {
        report.replay(&entry, template.as_slice()).map_err(|e| {
            StoreError::Corrupt(format!("line {} of the journal of report {id}: {e}", report.revision() + 1))
        })?;
    }
    Ok(report)
}

/// A command, and the template that a use_template command named.
pub(crate) type Line = (Entry, Option<Template>);

async fn lines(connection: &mut SqliteConnection, id: &ReportId) -> Result<Vec<Line>> {
    Ok(lines_of(connection, &[id.to_string()]).await?.remove(id.as_str()).unwrap_or_default())
}

/// The journals of several reports, by report; those without a line are left out.
pub(crate) async fn lines_of(
    connection: &mut SqliteConnection,
    reports: &[String],
) -> Result<HashMap<String, Vec<Line>>> {
    let rows: Vec<(String, i64, String, Option<String>)> = sqlx::query_as(
        "SELECT report_id, seq, entry, template FROM journal
         WHERE report_id IN (SELECT value FROM json_each(?)) ORDER BY report_id, seq",
    )
    .bind(to_json(&reports)?)
    .fetch_all(connection)
    .await
    .doing("read the journal")?;
    let mut all: HashMap<String, Vec<Line>> = HashMap::new();
    for (id, seq, entry, template) in rows {
        let template = template.map(|t| from_json(&t, "a template")).transpose()?;
        let lines = all.entry(id).or_default();
        if usize::try_from(seq).ok() != Some(lines.len() + 1) {
            return Err(StoreError::Corrupt(format!("line {} of a report's journal is missing", lines.len() + 1)));
        }
        lines.push((from_json(&entry, "a journal line")?, template));
    }
    Ok(all)
}
