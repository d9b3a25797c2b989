//! `hilumctl export`.

use crate::{
    cli::{Export, ExportAs},
    failure::{Failure, Result},
    output,
    session::{self, Models},
    settings::Settings,
};
use hilum_workflow::{ExportForm, Workstation};
use serde_json::json;

pub async fn run(options: Export, settings: &Settings) -> Result<()> {
    let workstation = session::unlock(settings, options.user.as_deref(), Models::None).await?;
    let done = write(&workstation, &options).await;
    let version = session::close(&workstation, done).await?;
    if settings.json {
        output::json(&json!({ "version": version, "path": options.out.display().to_string() }));
    } else {
        output::line(options.out.display().to_string());
    }
    Ok(())
}

async fn write(workstation: &Workstation, options: &Export) -> Result<String> {
    let form = match options.form {
        ExportAs::Pdf => ExportForm::Pdf,
        ExportAs::Sr => ExportForm::Sr,
        ExportAs::Encapsulated => ExportForm::Encapsulated,
        ExportAs::Fhir => ExportForm::Fhir,
        ExportAs::Hl7 => ExportForm::Hl7,
    };
    let version = workstation.signed_version(&options.report).await.map_err(Failure::from)?;
    workstation.save_export(&version, form, &options.out).await.map_err(|e| Failure::from(e).about(&options.out))?;
    Ok(version.to_string())
}
