//! Settings, which travel with the data folder.

use crate::app::App;
use crate::dto::{AppError, Settings};
use hilum_workflow::{Letterhead, Workstation};

/// As kept; the standard ones while nobody has unlocked.
pub async fn settings(app: &App) -> Result<Settings, AppError> {
    let workstation = app.workstation().await?;
    if workstation.is_locked() {
        return Ok(Settings::standard());
    }
    app.settings(workstation).await
}

/// Keeps what the window sends. Backups are written to their folder and old ones deleted in it, so that the
/// window may leave it or empty it; another one comes from the dialog alone.
pub async fn set_settings(app: &App, settings: Settings) -> Result<Settings, AppError> {
    let workstation = app.workstation().await?;
    let chosen = app.settings(workstation).await?.backup_folder;
    if !settings.backup_folder.is_empty() && settings.backup_folder != chosen {
        return Err(AppError { code: "settings.folder".into(), detail: "The folder for backups is chosen in a dialog.".into() });
    }
    keep(workstation, settings).await
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
