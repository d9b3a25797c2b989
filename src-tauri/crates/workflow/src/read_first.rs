//! Reading before the model: a draft stays covered until its reader has looked for themselves.

use async_recursion::async_recursion as boxed;
use crate::{WorkflowError, Workstation};
use hilum_report::{Origin, Report, ReportId, SectionKind, Sentence, Written};
use hilum_store::{CameFirst, Store};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Key of the setting.
const READ_FIRST: &str = "read_first";

/// Images whose pixels were handed out since the folder was unlocked.
#[derive(Default)]
pub(crate) struct Shown(Mutex<BTreeSet<String>>);

impl Shown {
    pub fn note(&self, instance_uid: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(instance_uid.to_owned());
    }

    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn has(&self, instance_uid: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(instance_uid)
    }
}

impl Workstation {
    /// Whether drafts are covered until the reader has looked.
    ///
    /// # Errors
    /// `vault.locked`.
    #[boxed]
    pub async fn read_first(&self) -> Result<bool, WorkflowError> {
        Ok(self.store()?.setting(READ_FIRST).await?.unwrap_or_default())
    }

    /// # Errors
    /// `vault.locked`.
    #[boxed]
    pub async fn set_read_first(&self, on: bool) -> Result<(), WorkflowError> {
        self.change_setting(READ_FIRST, &on).await
    }

    /// Uncovers the draft of a report for the person who is logged in, for ever. What came first, their
    /// own findings or a look at the images, is kept with it and audited.
    ///
    /// # Errors
    /// `report.not_looked` where they have neither written findings or an impression nor been shown an
    /// image of the study; `store.not_found`, `vault.locked`.
    #[boxed]
    pub async fn uncover(&self, id: &ReportId) -> Result<crate::ReportDetail, WorkflowError> {
        let store = self.store()?;
        let report = store.report(id).await?;
        let study = store.study(report.study_uid()).await?;
        let looked = study.series.iter().flat_map(|s| &s.instances).any(|image| self.shown.has(&image.uid));
        let first = match (wrote_findings(&report), looked) {
            (true, _) => CameFirst::OwnFindings,
            (false, true) => CameFirst::Images,
            (false, false) => return Err(WorkflowError::NotLooked),
        };
        store.reveal(id, &store.user().id, first, self.now()).await?;
        self.with_versions(&store, report).await
    }

    /// Whether drafts of this report are covered for the person who is logged in.
    ///
    /// # Errors
    /// `vault.locked`.
    #[boxed]
    pub async fn covers(&self, id: &ReportId) -> Result<bool, WorkflowError> {
        let store = self.store()?;
        Ok(self.read_first().await? && !store.is_revealed(id, &store.user().id).await?)
    }

    /// True when the report holds proposed sentences that its reader is not to see yet.
    pub(crate) async fn is_covered(&self, store: &Store, report: &Report) -> Result<bool, WorkflowError> {
        if report.proposed().next().is_none() {
            return Ok(false);
        }
        Ok(self.read_first().await? && !store.is_revealed(report.id(), &store.user().id).await?)
    }
}

/// A person's own words stand in the findings or the impression.
fn wrote_findings(report: &Report) -> bool {
    let kinds = [SectionKind::Findings, SectionKind::Impression];
    let sections = kinds.into_iter().filter_map(|kind| report.section(kind));
    sections.flat_map(|s| &s.sentences).any(|s| matches!(s, Sentence::Written(Written { origin: Origin::Person { .. }, .. })))
}
