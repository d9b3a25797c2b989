//! What the worklist shows of its studies beside their lines, without opening them.

use crate::reading::choose_image;
use crate::{Applicability, Support, WorkflowError, WorklistLine, Workstation, applicability};
use async_recursion::async_recursion as boxed;
use hilum_report::{Report, ReportId, SectionKind, Sentence};
use hilum_store::Store;
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

/// Whether the models apply to images that were looked at before.
#[derive(Default)]
pub(crate) struct Judged(Mutex<KnownImages>);

#[derive(Default)]
struct KnownImages {
    /// Grows whenever what is known is forgotten.
    turn: u64,
    images: HashMap<String, Applicability>,
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
        for (study, images) in self.judged_images(&store, &studies).await? {
            chosen.extend(choose_image(images.into_iter()).map(|image| (study, image)));
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

    /// The images of each of the studies, in the order of [`choose_image`], and whether the models apply to each. The
    /// header of an image, thousands of characters, is read once while the folder is open.
    #[boxed]
    async fn judged_images(
        &self,
        store: &Store,
        studies: &[String],
    ) -> Result<HashMap<String, Vec<(String, Applicability)>>, WorkflowError> {
        let images = store.images_of_studies(studies).await?;
        let (mut known, turn) = self.judged.of(images.values().flatten());
        let unknown: Vec<String> = images.values().flatten().filter(|uid| !known.contains_key(*uid)).cloned().collect();
        if !unknown.is_empty() {
            let headers = store.headers_of_images(&unknown).await?;
            let read = headers.into_iter().map(|(uid, header)| {
                let header = serde_json::from_value(header).unwrap_or_default();
                (uid, applicability(&header))
            });
            let read: HashMap<String, Applicability> = read.collect();
            self.judged.keep(&read, turn);
            known.extend(read);
        }
        // One that was removed between the two questions is left out.
        let judged =
            |uids: Vec<String>| uids.into_iter().filter_map(|uid| known.get(&uid).map(|a| (uid, *a))).collect();
        Ok(images.into_iter().map(|(study, uids)| (study, judged(uids))).collect())
    }
}

impl Judged {
    /// To be called when images were removed, since others may come under their UIDs, and when the folder is locked.
    pub fn forget(&self) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.turn += 1;
        known.images.clear();
    }

    /// What is known of these images, and the turn in which it was asked.
    fn of<'a>(&self, images: impl Iterator<Item = &'a String>) -> (HashMap<String, Applicability>, u64) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (images.filter_map(|uid| Some((uid.clone(), *known.images.get(uid)?))).collect(), known.turn)
    }

    /// Keeps what was read in a turn, unless images were removed since.
    fn keep(&self, read: &HashMap<String, Applicability>, turn: u64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.turn == turn {
            known.images.extend(read.iter().map(|(uid, judged)| (uid.clone(), *judged)));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_images_were_removed_is_not_kept() {
        let check = |removed: bool, kept: usize| {
            let (judged, image) = (Judged::default(), "2.25.1".to_owned());
            let (known, turn) = judged.of([&image].into_iter());
            assert!(known.is_empty());
            if removed {
                judged.forget();
            }
            judged.keep(&HashMap::from([(image.clone(), Applicability::Lateral)]), turn);
            assert_eq!(judged.of([&image].into_iter()).0.len(), kept, "removed: {removed}");
        };
        check(false, 1);
        check(true, 0);
    }
}
