//! What reports are printed and signed with: images, measurements, the logo, time stamps.

use crate::app::App;
use crate::dto::{AppError, FigureChoice, TimeStampSettings};
use hilum_report::ReportId;
use hilum_workflow::{Figures, TimeStampServer, WorkflowError};

/// Larger files are no logos and no certificates, and are not read.
const LARGEST: u64 = 8 << 20;

pub async fn figures(app: &App, report_id: String) -> Result<FigureChoice, AppError> {
    Ok(app.workstation().await?.figures(&ReportId::new(report_id)).await?.into())
}

pub async fn set_figures(app: &App, report_id: String, choice: FigureChoice) -> Result<FigureChoice, AppError> {
    let figures = Figures { images: choice.images, measurements: choice.measurements };
    Ok(app.workstation().await?.set_figures(&ReportId::new(report_id), &figures).await?.into())
}

/// Width and height as little-endian `u32`, then three bytes a pixel; nothing where there is no logo.
pub async fn logo(app: &App) -> Result<Vec<u8>, AppError> {
    let Some(logo) = app.workstation().await?.logo().await? else { return Ok(Vec::new()) };
    Ok([&logo.width.to_le_bytes()[..], &logo.height.to_le_bytes(), &logo.rgb].concat())
}

/// Takes the picture that the person chooses; false when the dialog was closed.
pub async fn logo_choose(app: &App) -> Result<bool, AppError> {
    let workstation = app.workstation().await?;
    let Some(bytes) = chosen_file(app).await? else { return Ok(false) };
    workstation.set_logo(bytes).await?;
    Ok(true)
}

pub async fn logo_remove(app: &App) -> Result<(), AppError> {
    Ok(app.workstation().await?.remove_logo().await?)
}

pub async fn time_stamp(app: &App) -> Result<TimeStampSettings, AppError> {
    Ok(app.workstation().await?.time_stamp_server().await?.into())
}

/// Keeps the address of a time-stamp server; an empty one turns time stamps off. Hilum connects to it, so that a person is
/// asked about each address that is new: the page alone cannot name one.
pub async fn set_time_stamp_url(app: &App, url: String) -> Result<TimeStampSettings, AppError> {
    let workstation = app.workstation().await?;
    let url = url.trim();
    if !url.is_empty() && url != workstation.time_stamp_server().await?.url {
        let host = hilum_workflow::time_stamp_host(url)?;
        let words = format!(
            "Time stamps of signatures will be asked of {host}. Hilum then connects to it at each signature.\n\nAddress: {url}"
        );
        if !app.host.allows(&format!("Allow time stamps from {host}?"), &words).await {
            let detail = "The new address was not allowed.".into();
            return Err(AppError { code: "timestamp.declined".into(), detail });
        }
    }
    Ok(workstation.set_time_stamp_url(url).await?.into())
}

/// Takes the certificate that the person chooses; `None` when the dialog was closed.
pub async fn time_stamp_certificate(app: &App) -> Result<Option<TimeStampSettings>, AppError> {
    let workstation = app.workstation().await?;
    let Some(bytes) = chosen_file(app).await? else { return Ok(None) };
    Ok(Some(workstation.set_time_stamp_certificate(&bytes).await?.into()))
}

async fn chosen_file(app: &App) -> Result<Option<Vec<u8>>, AppError> {
    let Some(path) = app.host.choose_files().await.and_then(|files| files.into_iter().next()) else { return Ok(None) };
    let read = |source| WorkflowError::Read { path: path.clone(), source };
    let about = tokio::fs::metadata(&path).await.map_err(read)?;
    if about.len() > LARGEST {
        return Err(WorkflowError::FileTooLarge(path).into());
    }
    Ok(Some(tokio::fs::read(&path).await.map_err(read)?))
}

impl From<Figures> for FigureChoice {
    fn from(figures: Figures) -> FigureChoice {
        FigureChoice { images: figures.images, measurements: figures.measurements }
    }
}

impl From<TimeStampServer> for TimeStampSettings {
    fn from(server: TimeStampServer) -> TimeStampSettings {
        TimeStampSettings { url: server.url, certificate: server.name }
    }
}
