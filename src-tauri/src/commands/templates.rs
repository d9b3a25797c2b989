//! Report templates, and their way in and out as files.

use crate::app::App;
use crate::dto::{AppError, TemplateView};
use hilum_report::TemplateId;
use hilum_workflow::WorkflowError;

/// Larger files are no templates, and are not read.
const LARGEST: u64 = 1 << 20;

/// Takes the template of a file that the person chooses; `None` when the dialog was closed.
pub async fn template_import(app: &App) -> Result<Option<TemplateView>, AppError> {
    let workstation = app.workstation().await?;
    let Some(path) = app.host.choose_files().await.and_then(|files| files.into_iter().next()) else { return Ok(None) };
    let read = |source| WorkflowError::Read { path: path.clone(), source };
    let about = tokio::fs::metadata(&path).await.map_err(read)?;
    if about.len() > LARGEST {
        return Err(WorkflowError::from(hilum_report::mrrt::MrrtError::TooLarge).into());
    }
    let bytes = tokio::fs::read(&path).await.map_err(read)?;
    let template = workstation.import_template(&bytes).await?;
    Ok(Some(TemplateView { id: template.id.to_string(), name: template.name }))
}

/// Writes a template as MRRT where the person says; the file, or `None` when the dialog was closed.
pub async fn template_export(app: &App, id: String) -> Result<Option<String>, AppError> {
    let workstation = app.workstation().await?;
    let document = workstation.export_template(&TemplateId::new(&id)).await?;
    let Some(mut path) = app.host.choose_save(&format!("{id}.html")).await else { return Ok(None) };
    if path.extension().is_none() {
        path.set_extension("html");
    }
    let written = tokio::fs::write(&path, document).await;
    written.map_err(|source| WorkflowError::Write { path: path.clone(), source })?;
    Ok(Some(path.display().to_string()))
}
