//! The worklist, import, and opening a study.

use crate::app::App;
use crate::convert;
use crate::dto::{AppError, AppEvent, DraftMode, DraftOptions, ImportFile, StudyDetail, StudyRow};
use hilum_report::{ReportId, TemplateId};
use hilum_workflow::{Cancel, ImportSummary, ImportedFile, Verdict, Workstation};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Most lines that the worklist shows at once; a search narrows it.
pub(super) const LINES: u32 = 500;

pub async fn worklist(app: &App, search: String) -> Result<Vec<StudyRow>, AppError> {
    let workstation = app.workstation().await?;
    let lines = workstation.worklist(&search, LINES).await?;
    let glances = workstation.glances(&lines).await?;
    let rows = lines.into_iter().zip(glances).map(|(line, glance)| {
        let drafting = glance.report.as_ref().is_some_and(|r| app.under_way(r.as_str()));
        convert::study_row(line, glance, drafting)
    });
    Ok(rows.collect())
}

/// Imports what was given at start, and opens its study. A page that comes after one whose process ended is told so.
pub async fn started(app: &Arc<App>) -> Result<(), AppError> {
    app.tell_of_a_lost_page();
    let path = app.opens_at_start().map(PathBuf::from).filter(|_| app.starts());
    let Some(path) = path else {
        // What an earlier session left; an import does the same at its end.
        super::similar::index_in_background(app);
        return Ok(());
    };
    begin_import(app, vec![path], true).await.map(|_| ())
}

pub async fn import_files(app: &Arc<App>) -> Result<Option<String>, AppError> {
    app.workstation().await?;
    match app.host.choose_files().await {
        Some(files) if !files.is_empty() => begin_import(app, files, false).await.map(Some),
        _ => Ok(None),
    }
}

pub async fn import_folder(app: &Arc<App>) -> Result<Option<String>, AppError> {
    app.workstation().await?;
    match app.host.choose_folder("Import a folder").await {
        Some(folder) => begin_import(app, vec![folder], false).await.map(Some),
        None => Ok(None),
    }
}

pub async fn cancel_import(app: &App, job: String) -> Result<(), AppError> {
    app.cancel(&job);
    Ok(())
}

pub async fn open_study(app: &Arc<App>, study_uid: String) -> Result<StudyDetail, AppError> {
    let workstation = app.workstation().await?.clone();
    let settings = app.settings(&workstation).await?;
    let detail = workstation.study(&study_uid).await?;
    app.set_reading(Some(study_uid.clone()));
    let template = TemplateId::new(settings.default_template);
    let report = workstation.report_of(&study_uid, &template).await?;
    let support = workstation.known_support(&study_uid).await?;
    if support.is_none() && detail.applicability.why().is_none() {
        score_in_background(app, workstation.clone(), study_uid);
    }
    let id: ReportId = report.report.id().clone();
    let view = convert::report_view(&report, support.as_ref());
    let fresh = report.report.revision() == 0;
    if fresh && settings.draft_on_open && detail.applicability.why().is_none() {
        // A study that cannot be drafted is still read; the reason shows when asked for.
        let options = DraftOptions { indication_confirmed: false, notes: String::new(), mode: DraftMode::Structured, use_prior: false };
        let _ = super::reports::draft_start(app, id.to_string(), options).await;
    }
    let priors = workstation.priors(&detail.study_uid).await?;
    let scored = support.as_ref().map(|s| s.instance_uid.clone());
    let mut opened = convert::study_detail(detail, view, support, priors);
    if let Some(instance_uid) = scored {
        convert::put_probabilities(&mut opened.support, &workstation.probabilities(&instance_uid).await?);
    }
    Ok(opened)
}

fn score_in_background(app: &Arc<App>, workstation: Arc<Workstation>, study_uid: String) {
    let job = format!("score {study_uid}");
    let Some(cancel) = app.begin(&job) else { return };
    let app = app.clone();
    tokio::spawn(async move {
        let scored = workstation.score(&study_uid, &cancel).await;
        app.end(&job);
        app.host.emit(match scored {
            Ok(support) => {
                let mut views = convert::support(&support.scores);
                let probabilities = workstation.probabilities(&support.instance_uid).await.unwrap_or_default();
                convert::put_probabilities(&mut views, &probabilities);
                AppEvent::SupportReady { study_uid, instance_uid: support.instance_uid, support: views, demo: support.demo }
            }
            Err(e) => AppEvent::SupportFailed { study_uid, code: e.code(), detail: e.to_string() },
        });
    });
}

async fn begin_import(app: &Arc<App>, paths: Vec<PathBuf>, open: bool) -> Result<String, AppError> {
    let workstation = app.workstation().await?.clone();
    // Asked before anything runs, so that a locked folder is said at once.
    workstation.worklist("", 1).await?;
    let job = workstation.fresh_id();
    let cancel = app.begin(&job).unwrap_or_default();
    let (app, name) = (app.clone(), job.clone());
    tokio::spawn(async move {
        import(&app, &workstation, paths, &name, &cancel, open).await;
        super::similar::index_in_background(&app);
    });
    Ok(job)
}

async fn import(app: &App, workstation: &Workstation, paths: Vec<PathBuf>, job: &str, cancel: &Cancel, open: bool) {
    let (events, mut inbox) = mpsc::unbounded_channel::<hilum_workflow::ImportEvent>();
    let passing_on = async {
        while let Some(event) = inbox.recv().await {
            app.host.emit(AppEvent::ImportProgress {
                job: job.to_owned(),
                done: event.done as u32,
                total: event.total as u32,
                file: file(&event.file),
            });
        }
    };
    let importing = async {
        let summary = workstation.import(&paths, &events, cancel).await;
        drop(events);
        summary
    };
    let (summary, ()) = tokio::join!(importing, passing_on);
    app.end(job);
    match summary {
        Ok(summary) => {
            if let Err(e) = keep_track(app, workstation, job, &summary).await {
                tracing::warn!("an import cannot be taken back: {}", e.code);
            }
            app.host.emit(AppEvent::ImportDone {
                job: job.to_owned(),
                imported: summary.count(|v| matches!(v, Verdict::Imported { .. })) as u32,
                known: summary.count(|v| matches!(v, Verdict::Known { .. })) as u32,
                refused: summary.count(|v| matches!(v, Verdict::Refused(_))) as u32,
                study_uids: summary.study_uids.clone(),
            });
            if let (true, Some(study_uid)) = (open, summary.study_uids.first()) {
                app.host.emit(AppEvent::OpenStudy { study_uid: study_uid.clone() });
            }
        }
        // What ends a whole import (a full disk, say) is the verdict of the file it ended at.
        Err(e) => {
            let path = paths.first().cloned().unwrap_or_default();
            let fault = hilum_workflow::Fault { code: e.code(), detail: e.to_string() };
            let refused = file(&ImportedFile { path, verdict: Verdict::Refused(fault) });
            app.host.emit(AppEvent::ImportProgress { job: job.to_owned(), done: 1, total: 1, file: refused });
            app.host.emit(AppEvent::ImportDone {
                job: job.to_owned(),
                imported: 0,
                known: 0,
                refused: 1,
                study_uids: Vec::new(),
            });
        }
    }
}

/// Notes what the import brought, and queues its studies where the settings say so.
async fn keep_track(app: &App, workstation: &Workstation, job: &str, summary: &ImportSummary) -> Result<(), AppError> {
    workstation.note_imported(job, &summary.new_images).await?;
    if app.settings(workstation).await?.draft_on_import {
        let fresh = workstation.studies_to_draft(&summary.study_uids).await?;
        crate::queue::draft_queue_add(app, fresh, false).await?;
    }
    Ok(())
}

/// Imports what was dropped on the window.
pub async fn import_dropped(app: &Arc<App>, paths: Vec<PathBuf>) -> Result<String, AppError> {
    begin_import(app, paths, false).await
}

fn file(imported: &ImportedFile) -> ImportFile {
    let name = imported.path.file_name().unwrap_or(imported.path.as_os_str()).to_string_lossy().into_owned();
    let (verdict, code, message, study_uid) = match &imported.verdict {
        Verdict::Imported { study_uid } => ("imported", None, None, Some(study_uid.clone())),
        Verdict::Known { study_uid } => ("known", None, None, Some(study_uid.clone())),
        Verdict::Refused(fault) => ("refused", Some(fault.code.clone()), Some(fault.detail.clone()), None),
    };
    ImportFile { name, verdict: verdict.into(), code, message, study_uid }
}
