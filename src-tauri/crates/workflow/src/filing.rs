//! Where a study belongs: its patient's timeline, what it is compared with, who reads it, how soon.

use crate::glance::Glance;
use crate::reading::model_image;
use crate::worklist::line;
use crate::{Applicability, WorkflowError, WorklistLine, Workstation};
use async_recursion::async_recursion as boxed;
use hilum_report::UserId;
use hilum_store::{AuditEvent, Priority, QueuedStudy, StoreError, WorklistRow};
use serde_json::json;
use std::collections::HashMap;

/// A study of the patient's timeline, or one that a person linked.
#[derive(Debug, Clone)]
pub struct TimelineStudy {
    pub line: WorklistLine,
    pub glance: Glance,
    /// The study that the timeline was asked of.
    pub current: bool,
    /// It is compared with the current one.
    pub linked: bool,
    /// Text of the newest signed version of its report; empty while there is none.
    pub signed_text: String,
}

/// What came of taking an import back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Undone {
    /// Studies that are gone.
    pub removed: u32,
    /// Studies that stay: somebody has reported on them, or they had other images before.
    pub kept: u32,
}

impl Workstation {
    /// All studies of the patient and those linked from elsewhere, the newest first.
    ///
    /// # Errors
    /// `store.not_found`, `vault.locked`.
    #[boxed]
    pub async fn timeline(&self, study_uid: &str) -> Result<Vec<TimelineStudy>, WorkflowError> {
        let store = self.store()?;
        let said = store.comparisons(study_uid).await?;
        let mut uids: Vec<String> = vec![study_uid.to_owned()];
        uids.extend(store.other_studies(study_uid).await?.into_iter().map(|row| row.uid));
        let elsewhere: Vec<String> =
            said.iter().filter(|(uid, linked)| *linked && !uids.contains(uid)).map(|(uid, _)| uid.clone()).collect();
        uids.extend(elsewhere);
        let priors: Vec<String> =
            self.priors_in(&store, study_uid).await?.into_iter().map(|prior| prior.study_uid).collect();
        let mut rows: Vec<WorklistRow> = store.worklist_of(&uids).await?;
        rows.sort_by(|a, b| (&b.study.date, &b.study.time).cmp(&(&a.study.date, &a.study.time)));
        let lines: Vec<WorklistLine> = rows.into_iter().map(line).collect();
        let glances = self.glances(&lines).await?;
        let mut timeline = Vec::with_capacity(lines.len());
        for (line, glance) in lines.into_iter().zip(glances) {
            let versions = match &glance.report {
                Some(report) => {
                    self.note_first(&store, "report.read", report.as_str()).await?;
                    store.versions(report).await?
                }
                None => Vec::new(),
            };
            timeline.push(TimelineStudy {
                current: line.study_uid == study_uid,
                linked: priors.contains(&line.study_uid),
                signed_text: versions.last().map(|version| version.text.plain()).unwrap_or_default(),
                line,
                glance,
            });
        }
        Ok(timeline)
    }

    /// Links a study as a comparison, or says that it is none; audited.
    ///
    /// # Errors
    /// As [`hilum_store::Store::set_comparison`].
    #[boxed]
    pub async fn set_comparison(&self, study_uid: &str, prior: &str, linked: bool) -> Result<(), WorkflowError> {
        let store = self.store()?;
        Ok(store.set_comparison(study_uid, prior, linked, &store.user().id, self.now()).await?)
    }

    /// Files a study under the patient of another; audited with the reason. What was signed
    /// under the former patient stays as it was signed.
    ///
    /// # Errors
    /// `study.no_reason`; as [`hilum_store::Store::move_study`].
    #[boxed]
    pub async fn move_study(&self, study_uid: &str, to: &str, reason: &str) -> Result<(), WorkflowError> {
        let store = self.store()?;
        if reason.trim().is_empty() {
            return Err(WorkflowError::NoReason);
        }
        Ok(store.move_study(study_uid, to, reason.trim(), &store.user().id, self.now()).await?)
    }

    /// Hands a study to a reader, or takes it back; audited.
    ///
    /// # Errors
    /// As [`hilum_store::Store::assign`].
    #[boxed]
    pub async fn assign(&self, study_uid: &str, to: Option<&UserId>) -> Result<(), WorkflowError> {
        let store = self.store()?;
        Ok(store.assign(study_uid, to, &store.user().id, self.now()).await?)
    }

    /// Sets how soon a study is to be read; audited.
    ///
    /// # Errors
    /// `store.not_found`, `vault.locked`.
    #[boxed]
    pub async fn set_priority(&self, study_uid: &str, priority: Priority) -> Result<(), WorkflowError> {
        let store = self.store()?;
        store.set_priority(study_uid, priority).await?;
        let event = AuditEvent::new(self.now(), &store.user().id, "study.priority", study_uid);
        store.record_event(event.with(json!({ "priority": priority.as_str() }))).await?;
        Ok(())
    }

    /// Writes down that a prior was shown beside a study.
    ///
    /// # Errors
    /// `vault.locked`, `store.database`.
    #[boxed]
    pub async fn prior_shown(&self, study_uid: &str, prior: &str) -> Result<(), WorkflowError> {
        let store = self.store()?;
        let event = AuditEvent::new(self.now(), &store.user().id, "study.read", prior);
        store.record_event(event.with(json!({ "beside": study_uid }))).await?;
        Ok(())
    }

    /// Notes the images that an import brought.
    ///
    /// # Errors
    /// `vault.locked`, `data.disk_full`.
    #[boxed]
    pub async fn note_imported(&self, job: &str, images: &[String]) -> Result<(), WorkflowError> {
        let store = self.store()?;
        for image in images {
            store.note_imported(job, image).await?;
        }
        Ok(())
    }

    /// Of these studies the ones that the models apply to and nobody has a report of.
    ///
    /// # Errors
    /// `store.not_found`, `vault.locked`.
    #[boxed]
    pub async fn studies_to_draft(&self, study_uids: &[String]) -> Result<Vec<String>, WorkflowError> {
        let store = self.store()?;
        let mut wanted = Vec::new();
        for uid in study_uids {
            let study = store.study(uid).await?;
            let applies = matches!(model_image(&study), Some((_, Applicability::Applies)));
            if applies && study.reports.iter().all(|report| report.revision == 0) {
                wanted.push(uid.clone());
            }
        }
        Ok(wanted)
    }

    /// What waits to be drafted, the next first, with the line of each study.
    ///
    /// # Errors
    /// `vault.locked`, `store.database`.
    #[boxed]
    pub async fn draft_queue(&self) -> Result<Vec<(QueuedStudy, WorklistLine)>, WorkflowError> {
        let store = self.store()?;
        let queued = store.draft_queue().await?;
        let uids: Vec<String> = queued.iter().map(|q| q.study_uid.clone()).collect();
        let mut lines: HashMap<String, WorklistLine> =
            store.worklist_of(&uids).await?.into_iter().map(line).map(|l| (l.study_uid.clone(), l)).collect();
        Ok(queued.into_iter().filter_map(|q| lines.remove(&q.study_uid).map(|line| (q, line))).collect())
    }

    /// Puts a study at the end of the queue, or at its beginning.
    ///
    /// # Errors
    /// `vault.locked`; `store.database` when there is no such study.
    #[boxed]
    pub async fn queue_draft(&self, study_uid: &str, first: bool) -> Result<(), WorkflowError> {
        let store = self.store()?;
        store.queue_draft(study_uid, first, self.now()).await?;
        self.note(&store, "study.queue", study_uid, json!({ "first": first })).await
    }

    /// Takes a study out of the queue.
    ///
    /// # Errors
    /// `vault.locked`, `store.database`.
    #[boxed]
    pub async fn unqueue_draft(&self, study_uid: &str) -> Result<(), WorkflowError> {
        Ok(self.store()?.unqueue_draft(study_uid).await?)
    }

    /// As [`Workstation::unqueue_draft`], because a person does not want it; audited.
    ///
    /// # Errors
    /// `vault.locked`, `store.database`.
    #[boxed]
    pub async fn take_from_queue(&self, study_uid: &str) -> Result<(), WorkflowError> {
        let store = self.store()?;
        store.unqueue_draft(study_uid).await?;
        self.note(&store, "study.unqueue", study_uid, json!({})).await
    }

    /// Keeps why a study of the queue was not drafted.
    ///
    /// # Errors
    /// `vault.locked`, `store.database`.
    #[boxed]
    pub async fn queued_draft_failed(&self, study_uid: &str, code: &str) -> Result<(), WorkflowError> {
        Ok(self.store()?.queued_draft_failed(study_uid, code).await?)
    }

    /// Takes an import back: its studies go, unless somebody reported on them or they hold
    /// images of another import too.
    ///
    /// # Errors
    /// `vault.locked`; errors of the file system.
    #[boxed]
    pub async fn undo_import(&self, job: &str) -> Result<Undone, WorkflowError> {
        let store = self.store()?;
        let (whole, part) = store.imported_by(job).await?;
        let mut undone = Undone { removed: 0, kept: part.len() as u32 };
        for uid in whole {
            let deleted = store.delete_study(&uid, &store.user().id, self.now()).await;
            self.judged.forget();
            match deleted {
                Ok(()) => undone.removed += 1,
                Err(StoreError::Reported(_)) => undone.kept += 1,
                Err(e) => return Err(e.into()),
            }
        }
        Ok(undone)
    }
}
