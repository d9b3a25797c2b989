//! Settings, which travel with the data folder.

use crate::app::App;
use crate::dto::{AppError, Settings};
use hilum_workflow::{Letterhead, Workstation};
use std::path::PathBuf;

/// As kept; the standard ones while nobody has unlocked.
pub async fn settings(app: &App) -> Result<Settings, AppError> {
    let workstation = app.workstation().await?;
    if workstation.is_locked() {
        return Ok(Settings::standard());
    }
    app.settings(workstation).await
}

/// Keeps what the window sends. Backups are written to their folder and old ones deleted in it, and what lies in the
/// folder that is watched is read and imported, so that the window may leave these or empty them; others come from
/// their dialogs alone.
pub async fn set_settings(app: &App, settings: Settings) -> Result<Settings, AppError> {
    let workstation = app.workstation().await?;
    let kept = app.settings(workstation).await?;
    for (which, wanted, chosen) in [
        ("for backups", &settings.backup_folder, &kept.backup_folder),
        ("that is watched", &settings.watched_folder, &kept.watched_folder),
    ] {
        if !wanted.is_empty() && wanted != chosen {
            return Err(AppError {
                code: "settings.folder".into(),
                detail: format!("The folder {which} is chosen in a dialog."),
            });
        }
    }
    keep(workstation, settings).await
}

/// Lets the person choose the folder that is watched, and keeps it; `None` when the dialog was closed.
pub async fn watch_choose(app: &App) -> Result<Option<Settings>, AppError> {
    let workstation = app.workstation().await?;
    // Asked first, so that a locked folder is said before a dialog opens.
    app.settings(workstation).await?;
    let Some(folder) = app.host.choose_folder("Choose the folder to watch").await else { return Ok(None) };
    // And again, since other settings may have been changed while it was open.
    let settings = app.settings(workstation).await?;
    let watched_folder = name_of(folder)?;
    keep(workstation, Settings { watched_folder, ..settings }).await.map(Some)
}

/// The name of a folder as it is kept and shown.
pub(super) fn name_of(folder: PathBuf) -> Result<String, AppError> {
    folder.into_os_string().into_string().map_err(|name| AppError {
        code: "settings.folder_name".into(),
        detail: format!("The name of {} has bytes that are no letters.", name.to_string_lossy()),
    })
}

pub(super) async fn keep(workstation: &Workstation, settings: Settings) -> Result<Settings, AppError> {
    workstation.change_setting("window", &settings).await?;
    workstation.set_read_first(settings.read_first).await?;
    workstation
        .set_letterhead(&Letterhead {
            institution: settings.institution.clone(),
            department: settings.department.clone(),
            address: settings.address.clone(),
        })
        .await?;
    Ok(settings)
}
