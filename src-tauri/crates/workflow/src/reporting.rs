//! Writing a report: opening it, and every edit into the journal.

use async_recursion::async_recursion as boxed;
use crate::templates::merged;
use crate::{Workstation, WorkflowError};
use hilum_report::checks::{Flag, checks};
use hilum_report::{Command, Communication, Entry, Report, ReportId, Sentence, Template, TemplateId, UserId};
use hilum_store::Store;
use time::OffsetDateTime;

/// A report and what the store knows of its versions.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportDetail {
    pub report: Report,
    pub versions: Vec<VersionDetail>,
    /// When the last command was written down.
    pub saved_at: OffsetDateTime,
    /// What the report says against itself, or against what is known of the patient.
    pub flags: Vec<Flag>,
    /// What was written down of telling critical results, one plain sentence each.
    pub communications: Vec<String>,
    /// Another person who is writing in it.
    pub held: Option<HeldBy>,
    /// Proposed sentences that its reader is not to see yet; they stand in `report` all the same.
    pub covered: bool,
}

/// Another person who is writing in a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBy {
    pub name: String,
    pub since: OffsetDateTime,
    /// When the report is free, if nothing more is written.
    pub until: OffsetDateTime,
}

/// A signed version and its document.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionDetail {
    pub version: hilum_store::Version,
    /// Name of the person who signed.
    pub by: String,
}

impl Workstation {
    /// The study's report; a fresh one from `template` where there is none. Audited, once a session.
    ///
    /// # Errors
    /// `store.not_found`, `report.no_template`, `vault.locked`.
    #[boxed]
    pub async fn report_of(&self, study_uid: &str, template: &TemplateId) -> Result<ReportDetail, WorkflowError> {
        let store = self.store()?;
        let template = &self.template_for(&store, study_uid, template).await?;
        let new_id = ReportId::new(self.fresh());
        let report = store.open_report(study_uid, &new_id, template, &store.user().id, self.now()).await?;
        self.note_first(&store, "report.read", report.id().as_str()).await?;
        self.with_versions(&store, report).await
    }

    /// # Errors
    /// `store.not_found`, `vault.locked`.
    #[boxed]
    pub async fn report(&self, id: &ReportId) -> Result<ReportDetail, WorkflowError> {
        let store = self.store()?;
        let report = store.report(id).await?;
        self.with_versions(&store, report).await
    }

    /// Carries out a person's commands, all or none; they are on disk when this returns.
    ///
    /// [`Command::Propose`], [`Command::Sign`] and [`Command::SignPreliminary`] are not to be given here.
    ///
    /// # Errors
    /// `store.stale_revision` when `revision` is not the newest; `report.held` while another person writes in
    /// it; the domain's refusal by its own code.
    #[boxed]
    pub async fn edit(&self, id: &ReportId, revision: u64, commands: Vec<Command>) -> Result<ReportDetail, WorkflowError> {
        let store = self.store()?;
        let at = self.now();
        let entries: Vec<Entry> = commands
            .into_iter()
            .filter(|c| !matches!(c, Command::Propose { .. } | Command::SignPreliminary { .. }))
            .map(|command| Entry { by: store.user().id.clone(), at, command })
            .collect();
        let filled = self.filled(&store, id, &entries).await?;
        let report = store.append_filled(id, revision, &entries, &filled).await?;
        self.with_versions(&store, report).await
    }

    /// The templates that these commands name, their merge fields filled from the report's study.
    async fn filled(&self, store: &Store, id: &ReportId, entries: &[Entry]) -> Result<Vec<Template>, WorkflowError> {
        let named = |t: &Template| {
            entries.iter().any(|e| matches!(&e.command, Command::UseTemplate { template } if *template == t.id))
        };
        if !entries.iter().any(|e| matches!(e.command, Command::UseTemplate { .. })) {
            return Ok(Vec::new());
        }
        let study = store.study(store.report(id).await?.study_uid()).await?;
        Ok(store.templates().await?.iter().filter(|t| named(t)).map(|t| merged(t, &study)).collect())
    }

    /// Takes the report from whoever is writing in it; audited.
    ///
    /// # Errors
    /// `store.not_found`, `vault.locked`.
    #[boxed]
    pub async fn take_over(&self, id: &ReportId) -> Result<ReportDetail, WorkflowError> {
        let store = self.store()?;
        let report = store.report(id).await?;
        store.take_over(id, &store.user().id, self.now()).await?;
        self.with_versions(&store, report).await
    }

    /// The person who is logged in is done with the report for now.
    ///
    /// # Errors
    /// `vault.locked`.
    #[boxed]
    pub async fn release(&self, id: &ReportId) -> Result<(), WorkflowError> {
        let store = self.store()?;
        Ok(store.release(id, &store.user().id).await?)
    }

    pub(crate) async fn with_versions(&self, store: &Store, report: Report) -> Result<ReportDetail, WorkflowError> {
        let users = self.users();
        let versions = match report.versions().is_empty() {
            true => Vec::new(),
            false => store.versions(report.id()).await?,
        };
        let versions = versions
            .into_iter()
            .map(|version| {
                let by = users.iter().find(|u| u.id == version.signer);
                VersionDetail { by: by.map_or_else(|| version.signer.to_string(), |u| u.name.clone()), version }
            })
            .collect();
        let saved_at = store.report_row(report.id()).await?.changed_at.to_offset(self.now().offset());
        let mut flags = checks(&report, &self.case_of(store, report.study_uid()).await?);
        let communications = self.told(report.communications());
        let held = store.held(report.id(), self.now()).await?.filter(|held| held.by != store.user().id);
        let held = held.map(|held| HeldBy {
            name: users.iter().find(|u| u.id == held.by).map_or_else(|| held.by.to_string(), |u| u.name.clone()),
            since: held.since.to_offset(self.now().offset()),
            until: held.until.to_offset(self.now().offset()),
        });
        let covered = self.is_covered(store, &report).await?;
        if covered {
            // What is not to be read yet is not to be spoken of either.
            flags.retain(|f| f.sentences.iter().all(|id| matches!(report.sentence(id), Some(Sentence::Written(_)))));
        }
        Ok(ReportDetail { report, versions, saved_at, flags, communications, held, covered })
    }

    /// What was told of critical results, with the tellers' names.
    pub(crate) fn told(&self, communications: &[Communication]) -> Vec<String> {
        let users = self.users();
        let name = |id: &UserId| users.iter().find(|u| u.id == *id).map_or_else(|| id.to_string(), |u| u.name.clone());
        communications.iter().map(|c| c.sentence(&name(&c.by), self.now().offset())).collect()
    }
}
