//! Drafts in the background: one study after another, while nobody waits for the engine.

use crate::app::App;
use crate::commands::reports;
use crate::convert;
use crate::dto::{AppError, AppEvent, DraftQueue, QueuedDraft};
use hilum_report::TemplateId;
use hilum_workflow::Workstation;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How often the queue is looked at without being told of a change.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is being done about the queue, which the store keeps.
#[derive(Default)]
pub(crate) struct Queue {
    paused: AtomicBool,
    /// Study and report at hand.
    running: Mutex<Option<(String, String)>>,
    changed: Notify,
}

impl Queue {
    pub(crate) fn wake(&self) {
        self.changed.notify_one();
    }

    fn running(&self) -> Option<(String, String)> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_running(&self, now: Option<(String, String)>) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

/// The queue as the window shows it.
pub async fn draft_queue(app: &App) -> Result<DraftQueue, AppError> {
    let workstation = app.workstation().await?;
    let mut studies = Vec::new();
    for (queued, line) in workstation.draft_queue().await? {
        studies.push(QueuedDraft {
            study_uid: queued.study_uid,
            patient: convert::patient(line.patient),
            description: line.description,
            failed: queued.failed,
        });
    }
    let running = app.queue.running().map(|(study, _)| study);
    Ok(DraftQueue { paused: app.queue.paused.load(Ordering::SeqCst), running, studies })
}

/// Puts studies at the end of the queue, or one at its beginning.
pub async fn draft_queue_add(app: &App, study_uids: Vec<String>, first: bool) -> Result<(), AppError> {
    let workstation = app.workstation().await?;
    for uid in &study_uids {
        workstation.queue_draft(uid, first).await?;
    }
    tell(app).await;
    app.queue.wake();
    Ok(())
}

/// Takes a study out; when it is being drafted, the draft is cancelled.
pub async fn draft_queue_remove(app: &App, study_uid: String) -> Result<(), AppError> {
    app.workstation().await?.take_from_queue(&study_uid).await?;
    if let Some((study, report)) = app.queue.running()
        && study == study_uid
    {
        app.cancel(&report);
    }
    tell(app).await;
    Ok(())
}

pub async fn draft_queue_pause(app: &App, paused: bool) -> Result<(), AppError> {
    app.queue.paused.store(paused, Ordering::SeqCst);
    if let (true, Some((_, report))) = (paused, app.queue.running()) {
        app.cancel(&report);
    }
    tell(app).await;
    app.queue.wake();
    Ok(())
}

/// Makes way for a draft that somebody waits for: the study at hand goes back to the queue.
pub(crate) fn make_way(app: &App, for_report: &str) {
    if let Some((_, report)) = app.queue.running()
        && report != for_report
    {
        app.cancel(&report);
    }
}

/// Works off the queue; runs for ever.
pub async fn run(app: Arc<App>) {
    loop {
        let _ = tokio::time::timeout(PATIENCE, app.queue.changed.notified()).await;
        while let Ok(true) = step(&app).await {}
    }
}

/// Drafts the next study; false when there is nothing to do now.
async fn step(app: &Arc<App>) -> Result<bool, AppError> {
    let Some(workstation) = app.opened() else { return Ok(false) };
    let idle = !app.queue.paused.load(Ordering::SeqCst) && !workstation.is_locked() && !app.drafting();
    if !idle || !app.can_draft() {
        return Ok(false);
    }
    let next = workstation.draft_queue().await?.into_iter().map(|(queued, _)| queued).find(|q| q.failed.is_empty());
    let Some(next) = next else { return Ok(false) };
    let ended = draft(app, &workstation, &next.study_uid).await;
    app.queue.set_running(None);
    match ended {
        // Somebody else's draft went first, or the queue was paused: it waits on.
        Ok(Ended::Cancelled) => {}
        Ok(Ended::Done) => workstation.unqueue_draft(&next.study_uid).await?,
        Ok(Ended::Failed(code)) => workstation.queued_draft_failed(&next.study_uid, &code).await?,
        Err(e) => workstation.queued_draft_failed(&next.study_uid, &e.code).await?,
    }
    tell(app).await;
    Ok(true)
}

enum Ended {
    Done,
    Cancelled,
    Failed(String),
}

async fn draft(app: &Arc<App>, workstation: &Workstation, study_uid: &str) -> Result<Ended, AppError> {
    let settings = app.settings(workstation).await?;
    let report = workstation.report_of(study_uid, &TemplateId::new(settings.default_template)).await?;
    if report.report.revision() > 0 {
        // Somebody has begun to write: a draft is theirs to ask for.
        return Ok(Ended::Done);
    }
    let report_id = report.report.id().to_string();
    app.queue.set_running(Some((study_uid.to_owned(), report_id.clone())));
    tell(app).await;
    let use_prior = !workstation.priors(study_uid).await?.is_empty();
    Ok(match reports::draft_in_background(app, report_id, use_prior).await? {
        AppEvent::DraftFailed { code, .. } => Ended::Failed(code),
        AppEvent::DraftCancelled { .. } => Ended::Cancelled,
        _ => Ended::Done,
    })
}

async fn tell(app: &App) {
    if let Ok(queue) = draft_queue(app).await {
        app.host.emit(AppEvent::QueueChanged { queue });
    }
}
