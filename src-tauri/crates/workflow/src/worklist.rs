//! The worklist: one line a study.

use crate::reading::Patient;
use crate::{Workstation, WorkflowError, display_date, display_time};
use hilum_report::{ReportId, SectionKind, Status};
use hilum_store::{WorklistQuery, WorklistRow};

/// A study as the worklist shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct WorklistLine {
    pub study_uid: String,
    pub patient: Patient,
    pub accession: String,
    /// "2026-11-23 14:02", the date alone, or empty.
    pub date: String,
    pub description: String,
    /// Joined by a slash.
    pub modality: String,
    pub images: u32,
    /// `None` while there is no report.
    pub status: Option<Status>,
    /// A model has finished a draft.
    pub drafted: bool,
}

impl Workstation {
    /// Studies by urgency, then newest first, whose name, id, accession or description holds every word of `search`.
    ///
    /// # Errors
    /// `vault.locked`.
    pub async fn worklist(&self, search: &str, limit: u32) -> Result<Vec<WorklistLine>, WorkflowError> {
        let query = WorklistQuery { text: search.to_owned(), limit, ..WorklistQuery::default() };
        Ok(self.store()?.worklist(&query).await?.into_iter().map(line).collect())
    }
}

fn line(row: WorklistRow) -> WorklistLine {
    let WorklistRow { study, patient, modalities, images, report, drafted, .. } = row;
    WorklistLine {
        patient: Patient::of(&patient, None, &study.date),
        study_uid: study.uid,
        accession: study.accession,
        date: date_and_time(&study.date, &study.time),
        description: study.description,
        modality: modalities.join("/"),
        images,
        status: report.map(|(_, status)| status),
        drafted,
    }
}

/// What the worklist shows of a study beside its line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Glance {
    /// The newest report that is not cancelled.
    pub report: Option<ReportId>,
    pub revision: u64,
    /// First words of its findings and impression.
    pub preview: String,
    /// True when the preview holds unreviewed words of a model.
    pub proposed: bool,
    /// The image that stands for the study.
    pub instance_uid: Option<String>,
}

/// Longest preview, characters.
const PREVIEW: usize = 240;

impl Workstation {
    /// A glance at a study, without opening it; not a read of its images.
    ///
    /// # Errors
    /// `store.not_found`, `vault.locked`.
    pub async fn glance(&self, study_uid: &str) -> Result<Glance, WorkflowError> {
        let store = self.store()?;
        let study = store.study(study_uid).await?;
        let instance_uid = crate::reading::model_image(&study).map(|(instance, _)| instance.uid.clone());
        let newest = study.reports.iter().rev().find(|r| r.status != Status::Cancelled);
        let Some(row) = newest else { return Ok(Glance { instance_uid, ..Glance::default() }) };
        let report = store.report(&row.id).await?;
        let preview: Vec<&str> = [SectionKind::Impression, SectionKind::Findings]
            .into_iter()
            .filter_map(|kind| report.section(kind))
            .flat_map(|s| &s.sentences)
            .map(hilum_report::Sentence::text)
            .collect();
        Ok(Glance {
            report: Some(row.id.clone()),
            revision: row.revision,
            proposed: report.proposed().count() > 0,
            preview: preview.join(" ").chars().take(PREVIEW).collect(),
            instance_uid,
        })
    }
}

/// "2026-11-23 14:02" of DICOM's date and time; the time is left out where there is none.
pub(crate) fn date_and_time(date: &str, time: &str) -> String {
    let (date, time) = (display_date(date), display_time(time));
    if date.is_empty() || time.is_empty() { date } else { format!("{date} {time}") }
}
