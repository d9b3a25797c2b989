//! `hilumctl template`.

use crate::{
    cli::TemplateCommand,
    failure::{Failure, Result},
    output,
    session::{self, Models},
    settings::Settings,
};
use hilum_report::TemplateId;
use serde_json::json;

pub async fn run(command: TemplateCommand, settings: &Settings) -> Result<()> {
    let user = match &command {
        TemplateCommand::List { user }
        | TemplateCommand::Import { user, .. }
        | TemplateCommand::Export { user, .. } => user.clone(),
    };
    let workstation = session::unlock(settings, user.as_deref(), Models::None).await?;
    let done = match command {
        TemplateCommand::List { .. } => workstation.templates().await.map_err(Failure::from).map(|templates| {
            if settings.json {
                let all: Vec<_> = templates.iter().map(|t| json!({ "id": t.id, "name": t.name })).collect();
                output::json(&json!({ "templates": all }));
            } else {
                let mut rows = vec![vec!["ID".to_owned(), "NAME".to_owned()]];
                rows.extend(templates.iter().map(|t| vec![output::plain(t.id.as_str()), output::plain(&t.name)]));
                output::table(&rows);
            }
        }),
        TemplateCommand::Import { file, .. } => import(&workstation, &file, settings).await,
        TemplateCommand::Export { id, out, .. } => export(&workstation, &id, &out, settings).await,
    };
    session::close(&workstation, done).await
}

async fn import(workstation: &hilum_workflow::Workstation, file: &std::path::Path, settings: &Settings) -> Result<()> {
    let bytes = std::fs::read(file).map_err(|e| Failure::read(file, &e))?;
    let template = workstation.import_template(&bytes).await.map_err(|e| Failure::from(e).about(file))?;
    if settings.json {
        let sections = template.sections.iter().map(|s| json!({ "kind": s.kind, "sentences": s.text.len() }));
        let sections: Vec<_> = sections.collect();
        let terms = template.terms.len();
        output::json(&json!({ "id": template.id, "name": template.name, "sections": sections, "terms": terms }));
    } else {
        output::line(output::plain(template.id.as_str()));
    }
    Ok(())
}

async fn export(
    workstation: &hilum_workflow::Workstation,
    id: &str,
    out: &std::path::Path,
    settings: &Settings,
) -> Result<()> {
    let document = workstation.export_template(&TemplateId::new(id)).await.map_err(Failure::from)?;
    std::fs::write(out, document).map_err(|e| Failure::write(out, &e))?;
    if settings.json {
        output::json(&json!({ "id": id, "path": out.display().to_string() }));
    } else {
        output::line(out.display().to_string());
    }
    Ok(())
}
