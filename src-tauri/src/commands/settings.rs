//! Settings, which travel with the data folder.

use crate::app::App;
use crate::dto::{AppError, Settings};
use hilum_workflow::Letterhead;

/// As kept; the standard ones while nobody has unlocked.
pub async fn settings(app: &App) -> Result<Settings, AppError> {
    let workstation = app.workstation().await?;
    if workstation.is_locked() {
        return Ok(Settings::standard());
    }
    app.settings(workstation).await
}

pub async fn set_settings(app: &App, settings: Settings) -> Result<Settings, AppError> {
    let workstation = app.workstation().await?;
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
