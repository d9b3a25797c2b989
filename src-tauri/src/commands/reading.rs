//! Measurements, the patient's timeline, hand-outs, and what the window keeps for itself.

use crate::app::App;
use crate::convert;
use crate::dto::{Annotation, AppError, AppEvent, ImportUndone, StudyRow, TimelineStudy, WorklistFilter};
use hilum_report::UserId;
use hilum_store::Priority;

/// Longest preference that is kept, bytes: far more than any set of rules needs.
const LONGEST: usize = 256 << 10;

pub async fn annotations(app: &App, study_uid: String) -> Result<Vec<Annotation>, AppError> {
    let known = app.workstation().await?.annotations(&study_uid).await?;
    Ok(known.into_iter().map(convert::reading::annotation).collect())
}

pub async fn annotation_put(app: &App, annotation: Annotation) -> Result<(), AppError> {
    let study_uid = app.workstation().await?.put_annotation(&convert::reading::to_keep(annotation)).await?;
    app.host.emit(AppEvent::MarksChanged { study_uid });
    Ok(())
}

pub async fn annotation_remove(app: &App, id: String) -> Result<(), AppError> {
    let study_uid = app.workstation().await?.remove_annotation(&id).await?;
    app.host.emit(AppEvent::MarksChanged { study_uid });
    Ok(())
}

/// What the window keeps in the data folder under a name of its own.
pub async fn preference(app: &App, key: String) -> Result<Option<String>, AppError> {
    let kept = app.workstation().await?.setting(&format!("window.{key}")).await?;
    Ok(kept.and_then(|value| value.as_str().map(str::to_owned)))
}

pub async fn set_preference(app: &App, key: String, value: String) -> Result<(), AppError> {
    if value.len() > LONGEST || key.len() > 100 {
        return Err(AppError { code: "settings.too_long".into(), detail: "More than is kept under one name.".into() });
    }
    Ok(app.workstation().await?.change_setting(&format!("window.{key}"), &value).await?)
}

pub async fn prior_shown(app: &App, study_uid: String, prior_uid: String) -> Result<(), AppError> {
    Ok(app.workstation().await?.prior_shown(&study_uid, &prior_uid).await?)
}

pub async fn worklist(app: &App, search: String, filter: WorklistFilter) -> Result<Vec<StudyRow>, AppError> {
    let workstation = app.workstation().await?;
    let lines = workstation.filtered_worklist(&search, &convert::reading::filter(filter), super::studies::LINES).await?;
    let glances = workstation.glances(&lines).await?;
    let users = workstation.users();
    let rows = lines.into_iter().zip(glances).map(|(line, glance)| {
        let drafting = glance.report.as_ref().is_some_and(|r| app.under_way(r.as_str()));
        convert::reading::row(line, glance, drafting, &users)
    });
    Ok(rows.collect())
}

pub async fn timeline(app: &App, study_uid: String) -> Result<Vec<TimelineStudy>, AppError> {
    let workstation = app.workstation().await?;
    let users = workstation.users();
    let studies = workstation.timeline(&study_uid).await?;
    Ok(studies.into_iter().map(|study| convert::reading::timeline(study, &users)).collect())
}

pub async fn set_comparison(app: &App, study_uid: String, prior_uid: String, linked: bool) -> Result<(), AppError> {
    app.workstation().await?.set_comparison(&study_uid, &prior_uid, linked).await?;
    app.host.emit(AppEvent::StudyChanged { study_uid });
    Ok(())
}

pub async fn move_study(app: &App, study_uid: String, to_patient_of: String, reason: String) -> Result<(), AppError> {
    app.workstation().await?.move_study(&study_uid, &to_patient_of, &reason).await?;
    app.host.emit(AppEvent::StudyChanged { study_uid });
    Ok(())
}

pub async fn assign_study(app: &App, study_uid: String, user_id: Option<String>) -> Result<(), AppError> {
    app.workstation().await?.assign(&study_uid, user_id.map(UserId::new).as_ref()).await?;
    app.host.emit(AppEvent::StudyChanged { study_uid });
    Ok(())
}

pub async fn set_priority(app: &App, study_uid: String, priority: String) -> Result<(), AppError> {
    let priority = match priority.as_str() {
        "stat" => Priority::Stat,
        "urgent" => Priority::Urgent,
        _ => Priority::Routine,
    };
    app.workstation().await?.set_priority(&study_uid, priority).await?;
    app.host.emit(AppEvent::StudyChanged { study_uid });
    Ok(())
}

pub async fn undo_import(app: &App, job: String) -> Result<ImportUndone, AppError> {
    let hilum_workflow::Undone { removed, kept } = app.workstation().await?.undo_import(&job).await?;
    app.host.emit(AppEvent::StudyChanged { study_uid: String::new() });
    Ok(ImportUndone { removed, kept })
}

/// Shows a study in the window of images for a second screen, which opens when `open` is set.
pub async fn second_show(app: &App, study_uid: Option<String>, open: bool) -> Result<(), AppError> {
    app.set_second(study_uid.clone());
    if open {
        app.host.open_second();
    }
    app.host.emit(AppEvent::SecondShows { study_uid });
    Ok(())
}

/// What the window of images shows; nothing while locked.
pub async fn second_study(app: &App) -> Result<Option<String>, AppError> {
    let locked = app.workstation().await?.is_locked();
    Ok(app.second().filter(|_| !locked))
}

/// Hands a sentence from the window of images to the report in the first window, which writes it as the person's own.
pub async fn second_dictate(app: &App, study_uid: String, text: String) -> Result<(), AppError> {
    if app.workstation().await?.is_locked() {
        return Err(AppError { code: "vault.locked".into(), detail: "Log in to write in a report.".into() });
    }
    if app.second().is_none_or(|shown| shown != study_uid) {
        return Err(AppError { code: "study.not_open".into(), detail: "The first window shows another study.".into() });
    }
    app.host.emit(AppEvent::Dictated { study_uid, text });
    Ok(())
}
