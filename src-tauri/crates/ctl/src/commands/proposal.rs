//! `hilumctl proposal`: what models wrote here, and whether it would come out again.

use crate::{
    cli::ProposalCommand,
    failure::{Failure, Result},
    library::{describe, library},
    models::this_program,
    output,
    session::{self, Models},
    settings::Settings,
};
use hilum_report::ProposalId;
use hilum_store::Proposal;
use hilum_workers::{DraftWorker, WorkerLimits};
use hilum_workflow::{Models as Engines, Repeated, Workstation, children::PackDrafter};
use serde_json::{Value, json};
use std::sync::Arc;
use time::format_description::well_known::Rfc3339;

pub async fn run(command: ProposalCommand, settings: &Settings) -> Result<()> {
    match command {
        ProposalCommand::List { study, user } => {
            let workstation = session::unlock(settings, user.as_deref(), Models::None).await?;
            let found = session::close(&workstation, of_studies(&workstation, study).await).await?;
            list(&found, settings);
            Ok(())
        }
        ProposalCommand::Show { id, user } => {
            let workstation = session::unlock(settings, user.as_deref(), Models::None).await?;
            let found = workstation.proposal(&ProposalId::new(&id)).await.map_err(Failure::from);
            show(&session::close(&workstation, found).await?, settings);
            Ok(())
        }
        ProposalCommand::Repeat { id, user } => {
            let workstation = session::unlock(settings, user.as_deref(), Models::None).await?;
            let repeated = repeat(&workstation, &ProposalId::new(&id), settings).await;
            let repeated = session::close(&workstation, repeated).await?;
            verdict(&id, &repeated, settings)
        }
    }
}

/// The proposals about one study, or about all of them.
async fn of_studies(workstation: &Workstation, study: Option<String>) -> Result<Vec<Proposal>> {
    let studies = match study {
        Some(study) => vec![study],
        None => workstation.worklist("", u32::MAX).await?.into_iter().map(|line| line.study_uid).collect(),
    };
    let mut found = Vec::new();
    for study in studies {
        found.extend(workstation.proposals(&study).await?);
    }
    Ok(found)
}

/// Repeats with the pack that wrote it where that is still here, else with the one in use, which is then named as
/// different.
async fn repeat(workstation: &Workstation, id: &ProposalId, settings: &Settings) -> Result<Repeated> {
    let begun = workstation.proposal(id).await?.begun;
    let there = library(settings)?.find(&begun.pack_id).ok().map(|pack| describe(&pack));
    let same = there.filter(|pack| pack.hash == begun.pack_hash.as_str());
    let engine = match same {
        Some(pack) => {
            let worker = DraftWorker::measuring(this_program()?, WorkerLimits::default(), &settings.packs()?);
            Some(Arc::new(PackDrafter { worker, pack }) as Arc<dyn hilum_workflow::Drafter>)
        }
        None => session::drafter(settings)?,
    };
    workstation.use_models(Engines { scorer: None, drafter: engine });
    Ok(workstation.repeat_proposal(id, &settings.cancel).await?)
}

fn list(found: &[Proposal], settings: &Settings) {
    if settings.json {
        output::json(&json!({ "proposals": found.iter().map(summary).collect::<Vec<_>>() }));
        return;
    }
    let mut rows = vec![["PROPOSAL", "STARTED", "STATUS", "PACK", "TOKENS"].map(str::to_owned).to_vec()];
    for proposal in found {
        let row = summary(proposal);
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        rows.push(vec![text("id"), text("started_at"), text("status"), text("pack"), row["tokens"].to_string()]);
    }
    output::table(&rows);
}

/// Nothing in it tells whose study it is.
fn summary(proposal: &Proposal) -> Value {
    let (begun, outcome) = (&proposal.begun, proposal.outcome.as_ref());
    json!({
        "id": begun.id.as_str(),
        "study_uid": begun.study_uid,
        "started_at": begun.started_at.format(&Rfc3339).unwrap_or_default(),
        "status": outcome.map_or(json!("running"), |outcome| json!(outcome.status)),
        "pack": begun.pack_id,
        "tokens": outcome.map_or(0, |outcome| outcome.token_ids.len()),
    })
}

fn show(proposal: &Proposal, settings: &Settings) {
    let (begun, outcome) = (&proposal.begun, proposal.outcome.as_ref());
    let mut all = summary(proposal);
    all["pack_hash"] = json!(begun.pack_hash.as_str());
    all["demo"] = json!(begun.demo);
    all["report"] = json!(begun.report);
    all["prompt"] = serde_json::from_str(&begun.prompt).unwrap_or_else(|_| json!(begun.prompt));
    all["image_hashes"] = json!(begun.image_hashes);
    all["settings"] = begun.settings.clone();
    if let Some(outcome) = outcome {
        all["text"] = json!(outcome.raw_text);
        all["token_ids"] = json!(outcome.token_ids);
        all["logprobs"] = json!(outcome.logprobs);
        all["timings"] = outcome.timings.clone();
        all["error_code"] = json!(outcome.error_code);
    }
    if settings.json {
        output::json(&all);
        return;
    }
    let row = |name: &str, value: String| vec![name.to_owned(), output::plain(&value)];
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    output::table(&[
        row("proposal", text(&all["id"])),
        row("study", text(&all["study_uid"])),
        row("started", text(&all["started_at"])),
        row("status", text(&all["status"])),
        row("pack", format!("{} {}", text(&all["pack"]), text(&all["pack_hash"]))),
        row("images", begun.image_hashes.join(" ")),
        row("prompt", text(&all["timings"]["rendered_prompt"])),
        row("circumstances", all["timings"]["circumstances"].to_string()),
    ]);
    if let Some(outcome) = outcome {
        for line in outcome.raw_text.lines() {
            output::line(output::plain(line));
        }
    }
}

fn verdict(id: &str, repeated: &Repeated, settings: &Settings) -> Result<()> {
    let Repeated { same_tokens, same_logprobs, different } = repeated;
    if settings.json {
        output::json(&json!({
            "id": id, "same_tokens": same_tokens, "same_logprobs": same_logprobs, "different": different,
        }));
    }
    let not_as_then = match different.is_empty() {
        true => "all circumstances are as they were".to_owned(),
        false => format!("not as it was then: {}", different.join(", ")),
    };
    if !same_tokens {
        return Err(Failure::refused("proposal.differs", format!("other tokens came out; {not_as_then}")));
    }
    if !settings.json {
        let logprobs = if *same_logprobs { "and bit for bit the same" } else { "with other" };
        output::line(format!("the same tokens, {logprobs} log-probabilities; {not_as_then}"));
    }
    Ok(())
}
