//! The worklist: one line a study.

use async_recursion::async_recursion as boxed;
use crate::reading::Patient;
use crate::{Workstation, WorkflowError, display_date, display_time};
use hilum_report::{Status, UserId, VersionKind};
use hilum_store::{Priority, ReadingStage, WorklistQuery, WorklistRow};

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
    pub stage: ReadingStage,
    /// What its newest signed version is; `None` while nothing is signed.
    pub signed: Option<VersionKind>,
    /// A model has finished a draft.
    pub drafted: bool,
    pub priority: Priority,
    /// For what the models put it in front, as `front_words` reads it; empty for nothing.
    pub front: String,
    /// Who is to read it.
    pub assigned_to: Option<UserId>,
}

/// Which studies are wanted, past the words of a search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorklistFilter {
    pub status: WantedStatus,
    /// Only those that the models put in front.
    pub in_front: bool,
    /// Only those handed to whoever is logged in.
    pub mine: bool,
    /// YYYYMMDD, inclusive.
    pub from: Option<String>,
    pub to: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WantedStatus {
    #[default]
    Any,
    /// Not signed yet, or opened again.
    ToRead,
    /// A model's draft waits, and nobody has changed it.
    Drafted,
    /// A person writes in it, or it is preliminary or opened again.
    InProgress,
    Signed,
}

impl Workstation {
    /// Studies by urgency, then newest first. Each word of `search` must begin a word of name, id,
    /// accession, description or signed report.
    ///
    /// # Errors
    /// `vault.locked`.
    #[boxed]
    pub async fn worklist(&self, search: &str, limit: u32) -> Result<Vec<WorklistLine>, WorkflowError> {
        self.filtered_worklist(search, &WorklistFilter::default(), limit).await
    }

    /// As [`Workstation::worklist`], of the studies that a filter admits.
    ///
    /// # Errors
    /// `vault.locked`.
    #[boxed]
    pub async fn filtered_worklist(
        &self,
        search: &str,
        filter: &WorklistFilter,
        limit: u32,
    ) -> Result<Vec<WorklistLine>, WorkflowError> {
        let store = self.store()?;
        let stages = match filter.status {
            WantedStatus::Any => Vec::new(),
            WantedStatus::ToRead => vec![ReadingStage::New, ReadingStage::Drafted, ReadingStage::Begun],
            WantedStatus::Drafted => vec![ReadingStage::Drafted],
            WantedStatus::InProgress => vec![ReadingStage::Begun],
            WantedStatus::Signed => vec![ReadingStage::Signed],
        };
        let query = WorklistQuery {
            text: search.to_owned(),
            stages,
            in_front: filter.in_front,
            assigned_to: filter.mine.then(|| store.user().id.clone()),
            from: filter.from.clone(),
            to: filter.to.clone(),
            limit,
            ..WorklistQuery::default()
        };
        let rows = store.worklist(&query).await?;
        // Its rows name patients and begin their reports.
        self.note_first(&store, "worklist.read", "worklist").await?;
        Ok(rows.into_iter().map(line).collect())
    }
}

pub(crate) fn line(row: WorklistRow) -> WorklistLine {
    let WorklistRow { study, patient, modalities, images, report, stage, signed, drafted, .. } = row;
    WorklistLine {
        patient: Patient::of(&patient, None, &study.date),
        study_uid: study.uid,
        accession: study.accession,
        date: date_and_time(&study.date, &study.time),
        description: study.description,
        modality: modalities.join("/"),
        images,
        status: report.map(|(_, status)| status),
        stage,
        signed,
        drafted,
        priority: study.priority,
        front: study.front,
        assigned_to: study.assigned_to,
    }
}

/// "2026-11-23 14:02" of DICOM's date and time; the time is left out where there is none.
pub(crate) fn date_and_time(date: &str, time: &str) -> String {
    let (date, time) = (display_date(date), display_time(time));
    if date.is_empty() || time.is_empty() { date } else { format!("{date} {time}") }
}
