//! The worklist: one line a study.

use crate::reading::Patient;
use crate::{Workstation, WorkflowError, display_date, display_time};
use hilum_report::Status;
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

/// "2026-11-23 14:02" of DICOM's date and time; the time is left out where there is none.
pub(crate) fn date_and_time(date: &str, time: &str) -> String {
    let (date, time) = (display_date(date), display_time(time));
    if date.is_empty() || time.is_empty() { date } else { format!("{date} {time}") }
}
