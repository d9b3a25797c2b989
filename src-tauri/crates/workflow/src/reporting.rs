//! Writing a report: opening it, and every edit into the journal.

use crate::{Workstation, WorkflowError};
use hilum_report::checks::{Flag, Sex, checks};
use hilum_report::{Command, Entry, Report, ReportId, Template, TemplateId};
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
}

/// A signed version and its document.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionDetail {
    pub version: hilum_store::Version,
    /// Name of the person who signed.
    pub by: String,
}

impl Workstation {
    /// The study's report; a fresh one from `template` where there is none.
    ///
    /// # Errors
    /// `store.not_found`, `report.no_template`, `vault.locked`.
    pub async fn report_of(&self, study_uid: &str, template: &TemplateId) -> Result<ReportDetail, WorkflowError> {
        let store = self.store()?;
        let templates = store.templates().await?;
        let template = choose(&templates, template)?;
        let new_id = ReportId::new(self.fresh());
        let report = store.open_report(study_uid, &new_id, template, &store.user().id, self.now()).await?;
        self.with_versions(&store, report).await
    }

    /// # Errors
    /// `store.not_found`, `vault.locked`.
    pub async fn report(&self, id: &ReportId) -> Result<ReportDetail, WorkflowError> {
        let store = self.store()?;
        let report = store.report(id).await?;
        self.with_versions(&store, report).await
    }

    /// Carries out a person's commands, all or none; they are on disk when this returns.
    ///
    /// [`Command::Propose`] and [`Command::Sign`] are not a person's to give here.
    ///
    /// # Errors
    /// `store.stale_revision` when `revision` is not the newest; the domain's refusal by its own code.
    pub async fn edit(&self, id: &ReportId, revision: u64, commands: Vec<Command>) -> Result<ReportDetail, WorkflowError> {
        let store = self.store()?;
        let at = self.now();
        let entries: Vec<Entry> = commands
            .into_iter()
            .filter(|c| !matches!(c, Command::Propose { .. }))
            .map(|command| Entry { by: store.user().id.clone(), at, command })
            .collect();
        let report = store.append(id, revision, &entries).await?;
        self.with_versions(&store, report).await
    }

    pub async fn templates(&self) -> Result<Vec<Template>, WorkflowError> {
        Ok(self.store()?.templates().await?)
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
        let sex = store.study(report.study_uid()).await?.patient.sex;
        let flags = checks(&report, sex.as_deref().and_then(Sex::of_code));
        Ok(ReportDetail { report, versions, saved_at, flags })
    }
}

fn choose<'a>(templates: &'a [Template], wanted: &TemplateId) -> Result<&'a Template, WorkflowError> {
    let found = templates.iter().find(|t| t.id == *wanted).or(templates.first());
    found.ok_or_else(|| hilum_report::Refusal::NoTemplate(wanted.clone()).into())
}
