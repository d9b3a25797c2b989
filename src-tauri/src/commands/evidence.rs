//! What the models say of a report's sentences.

use crate::app::App;
use crate::dto::{AppError, AppEvent, SentenceEvidence};
use hilum_report::ReportId;
use hilum_workflow::{Cancel, RequeryProgress, Requeried, WorkflowError};
use std::sync::Arc;
use tokio::sync::mpsc;

/// What the report's sentences claim, and how each claim stands by now. Asks no model.
pub async fn evidence(app: &App, report_id: String) -> Result<Vec<SentenceEvidence>, AppError> {
    let evidence = app.workstation().await?.evidence(&ReportId::new(report_id)).await?;
    Ok(evidence.into_iter().map(SentenceEvidence::from).collect())
}

/// Begins to ask the model that drafts about every claim; `draft_cancel` ends it, and events tell
/// how it goes.
pub async fn evidence_requery(app: &Arc<App>, report_id: String) -> Result<(), AppError> {
    let workstation = app.workstation().await?.clone();
    // Asked before anything runs, so that a wrong id or a locked folder is said at once.
    workstation.report(&ReportId::new(&report_id)).await?;
    if !workstation.can_draft() {
        return Err(WorkflowError::NoDrafter.into());
    }
    if app.under_way(&report_id) {
        return Err(WorkflowError::DraftRunning.into());
    }
    let Some(cancel) = app.begin(&job(&report_id)) else { return Err(WorkflowError::DraftRunning.into()) };
    let app = app.clone();
    tokio::spawn(async move {
        let asked = requery(&app, &report_id, &cancel).await;
        app.end(&job(&report_id));
        // What was answered before an end or an error is kept, so the window reads again in any case.
        app.host.emit(match asked {
            Ok(Requeried { .. }) => AppEvent::EvidenceReady { report_id },
            Err(e) => AppEvent::EvidenceFailed { report_id, code: e.code, detail: e.detail },
        });
    });
    Ok(())
}

/// The name of the job that asks about a report.
pub(super) fn job(report_id: &str) -> String {
    format!("evidence {report_id}")
}

async fn requery(app: &App, report_id: &str, cancel: &Cancel) -> Result<Requeried, AppError> {
    let (progress, mut inbox) = mpsc::unbounded_channel::<RequeryProgress>();
    let passing_on = async {
        while let Some(RequeryProgress { done, total }) = inbox.recv().await {
            app.host.emit(AppEvent::EvidenceProgress { report_id: report_id.to_owned(), done, total });
        }
    };
    let asking = async {
        let asked = app.workstation().await?.requery(&ReportId::new(report_id), &progress, cancel).await;
        drop(progress);
        Ok::<_, AppError>(asked?)
    };
    let (asked, ()) = tokio::join!(asking, passing_on);
    asked
}
