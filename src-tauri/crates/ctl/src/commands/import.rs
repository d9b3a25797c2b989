//! `hilumctl import`.

use crate::{
    cli::Import,
    failure::{Failure, Result},
    output,
    session::{self, Models},
    settings::Settings,
};
use hilum_workflow::{ImportEvent, ImportSummary, Verdict};
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;

pub async fn run(options: Import, settings: &Settings) -> Result<()> {
    let workstation = session::unlock(settings, options.user.as_deref(), Models::None).await?;
    let (events, mut inbox) = unbounded_channel::<ImportEvent>();
    let print = !settings.json;
    let printing = tokio::spawn(async move {
        while let Some(event) = inbox.recv().await {
            if print {
                output::line(describe(&event));
            }
        }
    });
    let summary = workstation.import(&options.paths, &events, &settings.cancel).await.map_err(Failure::from);
    drop(events);
    let _ = printing.await;
    let summary = session::close(&workstation, summary).await?;
    if settings.json {
        output::json(&as_json(&summary));
    } else {
        let refused = summary.count(|v| matches!(v, Verdict::Refused(_)));
        output::line(format!(
            "{} files: {} imported, {} known, {refused} refused",
            summary.files.len(),
            summary.count(|v| matches!(v, Verdict::Imported { .. })),
            summary.count(|v| matches!(v, Verdict::Known { .. })),
        ));
    }
    verdict(&summary)
}

/// An import that took nothing of what it was given was refused.
pub fn verdict(summary: &ImportSummary) -> Result<()> {
    if summary.cancelled {
        return Err(Failure::refused("worker.cancelled", "the import was cancelled"));
    }
    let first_refused = summary.files.iter().find_map(|file| match &file.verdict {
        Verdict::Refused(fault) => Some(Failure::of(&fault.code, &fault.detail).about(&file.path)),
        _ => None,
    });
    match first_refused {
        Some(failure) if summary.study_uids.is_empty() => Err(failure),
        None if summary.files.is_empty() => Err(Failure::refused("import.no_files", "there is no file to import")),
        _ => Ok(()),
    }
}

fn describe(event: &ImportEvent) -> String {
    let verdict = match &event.file.verdict {
        Verdict::Imported { .. } => "imported".to_owned(),
        Verdict::Known { .. } => "known already".to_owned(),
        Verdict::Refused(fault) => format!("refused: {} [{}]", output::plain(&fault.detail), fault.code),
    };
    format!("{}/{}  {}: {verdict}", event.done, event.total, event.file.path.display())
}

fn as_json(summary: &ImportSummary) -> Value {
    let files: Vec<Value> = summary
        .files
        .iter()
        .map(|file| {
            let path = file.path.display().to_string();
            match &file.verdict {
                Verdict::Imported { study_uid } => {
                    json!({ "file": path, "verdict": "imported", "study_uid": study_uid })
                }
                Verdict::Known { study_uid } => json!({ "file": path, "verdict": "known", "study_uid": study_uid }),
                Verdict::Refused(fault) => {
                    json!({ "file": path, "verdict": "refused", "code": fault.code, "message": fault.detail })
                }
            }
        })
        .collect();
    json!({ "files": files, "study_uids": summary.study_uids, "cancelled": summary.cancelled })
}
