//! What the worklist shows of its studies beside their lines, without opening them.

use async_recursion::async_recursion as boxed;
use crate::reading::choose_image;
use crate::{Applicability, Support, WorkflowError, WorklistLine, Workstation, applicability};
use hilum_report::{Report, ReportId, SectionKind, Sentence};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// What the worklist shows of a study beside its line.
#[derive(Debug, Clone, Default)]
pub struct Glance {
    /// The newest report that is not cancelled.
    pub report: Option<ReportId>,
    /// First words of its findings and impression.
    pub preview: String,
    /// True when the preview holds unreviewed words of a model.
    pub proposed: bool,
    /// The image that stands for the study.
    pub instance_uid: Option<String>,
    /// The encoder's scores of that image, where it has them.
    pub support: Option<Support>,
}

/// First words of reports at the revision at which they were read: a journal is not replayed
/// again while nothing is added to it. Emptied when the folder is locked.
#[derive(Default)]
pub(crate) struct Previews(Mutex<HashMap<ReportId, Preview>>);

#[derive(Clone)]
struct Preview {
    revision: u64,
    text: String,
    proposed: bool,
}

/// Longest preview, characters.
const PREVIEW: usize = 240;

impl Workstation {
    /// A glance at the study of each line, in their order; not a read of its images. One
    /// query a table, however many lines there are.
    ///
    /// # Errors
    /// `vault.locked`, `store.database`, `store.corrupt`.
    #[boxed]
    pub async fn glances(&self, lines: &[WorklistLine]) -> Result<Vec<Glance>, WorkflowError> {
        let store = self.store()?;
        let scorer = self.scorer();
        let studies: Vec<String> = lines.iter().map(|l| l.study_uid.clone()).collect();
        let mut chosen: HashMap<String, (String, Applicability)> = HashMap::new();
        for (study, images) in store.image_headers(&studies).await? {
            let judged = images.into_iter().map(|(uid, header)| {
                let judged = applicability(&serde_json::from_value(header).unwrap_or_default());
                (uid, judged)
            });
            chosen.extend(choose_image(judged).map(|image| (study, image)));
        }
        let mut scores = match &scorer {
            None => HashMap::new(),
            Some(scorer) => {
                let scored = chosen.values().filter(|(_, a)| *a == Applicability::Applies);
                let images: Vec<String> = scored.map(|(uid, _)| uid.clone()).collect();
                store.scores_of_images(&images, &scorer.pack().key()).await?
            }
        };
        let covered = self.read_first().await?;
        let demo = scorer.as_ref().is_some_and(|s| s.pack().demo);
        let mut reports = store.reports_of_studies(&studies, &self.previews.revisions()).await?;
        let glances = studies.iter().map(|study| {
            let instance_uid = chosen.remove(study).map(|(uid, _)| uid);
            let support = instance_uid
                .as_ref()
                .and_then(|uid| Some(Support { instance_uid: uid.clone(), scores: scores.remove(uid)?, demo }));
            let Some((id, revision, report)) = reports.remove(study) else {
                return Glance { instance_uid, support, ..Glance::default() };
            };
            let preview = self.previews.of(&id, revision, report.as_ref());
            Glance {
                report: Some(id),
                // A draft that is to be covered in the reading room is not read here either.
                preview: if covered && preview.proposed { String::new() } else { preview.text },
                proposed: preview.proposed,
                instance_uid,
                support,
            }
        });
        Ok(glances.collect())
    }
}

impl Previews {
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn revisions(&self) -> HashMap<ReportId, u64> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(id, preview)| (id.clone(), preview.revision)).collect()
    }

    /// The preview of a report, which is given where it was not known at this revision.
    fn of(&self, id: &ReportId, revision: u64, report: Option<&Report>) -> Preview {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(report) = report {
            known.insert(id.clone(), preview(revision, report));
        }
        known.get(id).cloned().unwrap_or(Preview { revision, text: String::new(), proposed: false })
    }
}

fn preview(revision: u64, report: &Report) -> Preview {
    let words: Vec<&str> = [SectionKind::Impression, SectionKind::Findings]
        .into_iter()
        .filter_map(|kind| report.section(kind))
        .flat_map(|s| &s.sentences)
        .map(Sentence::text)
        .collect();
    Preview { revision, text: words.join(" ").chars().take(PREVIEW).collect(), proposed: report.proposed().count() > 0 }
}
