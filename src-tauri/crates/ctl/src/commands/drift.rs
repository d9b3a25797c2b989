//! `hilumctl bench drift`: how far a pack's answers are from those of what it was made of.

use crate::{
    cli::Bench,
    failure::{Failure, Result},
    library::{choose, library},
    models::this_program,
    output,
    settings::Settings,
    worker::drift::{Line, Question},
};
use hilum_packs::Kind;
use serde_json::json;
use std::{path::PathBuf, process::Stdio};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
};

pub async fn run(options: &Bench, settings: &Settings) -> Result<()> {
    let pack = choose(settings, Kind::MedGemma, options.pack.as_deref())?;
    let against = options.against.as_deref();
    let against =
        against.ok_or_else(|| Failure::usage("bench drift needs --against, the unquantised pack or its folder"))?;
    let reference = match library(settings)?.find(against) {
        Ok(found) => found.dir,
        Err(_) => PathBuf::from(against),
    };
    if !reference.join("config.json").is_file() {
        let message = format!("{against} is neither a pack nor a folder of a model");
        return Err(Failure::refused("pack.not_found", message));
    }
    let packs = settings.packs()?;
    let lost = |e: std::io::Error| Failure::internal("worker.start", e.to_string());
    let mut child = Command::new(this_program()?)
        .args(["worker", "drift"])
        .envs(hilum_drafting::WORKER_ENVIRONMENT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(lost)?;
    let question = json!(Question { reference, other: pack.dir.clone(), packs }).to_string();
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(question.as_bytes()).await.map_err(lost)?;
    }
    let line = tokio::select! {
        line = listen(&mut child, settings.json) => line.map_err(lost)?,
        // Dropping the child ends it.
        () = settings.cancel.cancelled() => return Err(Failure::refused("cancelled", "cancelled")),
    };
    match line {
        Some(Line::Measured { positions, mean, median, most, same_choice }) if settings.json => output::json(&json!({
            "pack": pack.manifest.id, "against": against, "positions": positions, "same_choice": same_choice,
            "kl_nats": { "mean": mean, "median": median, "most": most },
        })),
        Some(Line::Measured { positions, mean, median, most, same_choice }) => output::line(format!(
            "KL divergence of {} from {against}, nats: mean {mean:.5}, median {median:.5}, most {most:.4}; the same token is \
             the most probable at {:.1} % of {positions} places",
            pack.manifest.id,
            same_choice * 100.0
        )),
        Some(Line::Failed { code, message }) => return Err(Failure::refused(&code, message)),
        Some(Line::Answered { .. }) | None => {
            return Err(Failure::internal("worker.died", "the process that measured ended early; was memory short?"));
        }
    }
    Ok(())
}

/// The last line that the child says.
async fn listen(child: &mut Child, quiet: bool) -> std::io::Result<Option<Line>> {
    let Some(stdout) = child.stdout.take() else { return Ok(None) };
    let mut lines = BufReader::new(stdout).lines();
    let mut last = None;
    while let Some(text) = lines.next_line().await? {
        let Ok(line) = serde_json::from_str(&text) else { continue };
        if let (Line::Answered { done, of }, false) = (&line, quiet) {
            output::progress(&format!("{done} of {of} questions"));
        }
        last = Some(line);
    }
    Ok(last)
}
