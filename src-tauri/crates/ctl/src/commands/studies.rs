//! `hilumctl studies`.

use crate::{
    cli::Studies,
    failure::{Failure, Result},
    output,
    session::{self, Models},
    settings::Settings,
};
use serde_json::json;

pub async fn run(options: Studies, settings: &Settings) -> Result<()> {
    let workstation = session::unlock(settings, options.user.as_deref(), Models::None).await?;
    let lines = workstation.worklist(&options.search, options.limit).await.map_err(Failure::from);
    let lines = session::close(&workstation, lines).await?;
    if settings.json {
        let studies: Vec<_> = lines
            .iter()
            .map(|line| {
                let patient = &line.patient;
                json!({
                    "study_uid": line.study_uid,
                    "patient": { "name": patient.name, "id": patient.id, "sex": patient.sex,
                                 "birth_date": patient.birth_date },
                    "accession": line.accession,
                    "date": line.date,
                    "description": line.description,
                    "modality": line.modality,
                    "images": line.images,
                    "status": line.status,
                    "drafted": line.drafted,
                })
            })
            .collect();
        output::json(&json!({ "studies": studies }));
        return Ok(());
    }
    let head = ["DATE", "PATIENT", "ID", "ACCESSION", "MODALITY", "IMAGES", "REPORT", "DESCRIPTION"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for line in &lines {
        let status = serde_json::to_value(line.status).ok().and_then(|value| value.as_str().map(str::to_owned));
        rows.push(vec![
            output::plain(&line.date),
            output::plain(&line.patient.name),
            output::plain(&line.patient.id),
            output::plain(&line.accession),
            output::plain(&line.modality),
            line.images.to_string(),
            status.unwrap_or_else(|| if line.drafted { "drafted".into() } else { "none".into() }),
            output::plain(&line.description),
        ]);
    }
    output::table(&rows);
    Ok(())
}
