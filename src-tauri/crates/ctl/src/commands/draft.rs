//! `hilumctl draft`.

use crate::{
    cli::{Draft, PromptKind},
    failure::{Failure, Result},
    input,
    models::{self, LoadedDrafter, phase_name},
    output,
    settings::Settings,
    worker::draft::ENCODING_BYTES,
};
use hilum_drafting::shape_in;
use hilum_imaging::npy;
use hilum_workers::{
    DraftEvent, DraftJob,
    messages::draft::{AnswerRules, DraftOutcome, DraftPrompt},
};
use serde_json::json;
use std::path::Path;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub async fn run(options: Draft, settings: &Settings) -> Result<()> {
    let prompt = match (options.prompt, options.text) {
        _ if options.question.is_some() => DraftPrompt::YesNo { question: options.question.unwrap_or_default() },
        (PromptKind::Raw, Some(text)) => DraftPrompt::Raw { text },
        (PromptKind::Raw, None) => return Err(Failure::usage("--prompt raw needs --text")),
        (_, Some(_)) => return Err(Failure::usage("--text goes with --prompt raw")),
        (PromptKind::Report, None) => DraftPrompt::Report { indication: options.indication },
        (PromptKind::Sections, None) => DraftPrompt::Sections {
            indication: options.indication,
            rules: AnswerRules { comparison: options.prior.is_some(), ..AnswerRules::default() },
        },
    };
    let drafter = models::drafter(settings, options.pack.as_deref()).await?;
    let side = drafter.about.side;
    let mut images = Vec::new();
    for path in options.prior.iter().chain(&options.file) {
        images.push(input::model_input(settings, path, side).await?);
    }
    let shown = images.len();
    let job = DraftJob { side, images, prompt, max_tokens: options.max_tokens, encoded: Vec::new() };
    let (events, inbox) = unbounded_channel();
    let draft = drafter.worker.draft(job, Some(events), &settings.cancel);
    let (outcome, written) = tokio::join!(draft, stream(inbox, !settings.json));
    if written && !settings.json {
        output::line("");
    }
    let about = |failure: Failure| match &options.file {
        Some(path) => failure.about(path),
        None => failure,
    };
    let outcome = outcome.map_err(|e| about(e.into()))?;
    if let Some(path) = options.soft_tokens.as_deref().filter(|_| outcome.finish != "cancelled") {
        write_soft_tokens(&drafter, &outcome, shown, path)?;
    }
    if settings.json {
        output::json(&as_json(&drafter, &outcome));
    }
    match outcome.finish.as_str() {
        "cancelled" => Err(about(Failure::refused("worker.cancelled", "the draft was cancelled"))),
        _ => Ok(()),
    }
}

/// Writes the images as the model's tower encoded them.
fn write_soft_tokens(drafter: &LoadedDrafter, outcome: &DraftOutcome, images: usize, path: &Path) -> Result<()> {
    if outcome.encoded.len() != images {
        return Err(Failure::usage("--soft-tokens needs the engine that `./dev` builds"));
    }
    let model = shape_in(&drafter.pack.dir)?;
    let numbers = outcome.encoded.iter().flat_map(|(_, bytes)| bytes.iter().skip(ENCODING_BYTES).copied());
    let shape = [outcome.encoded.len() as u32, model.image_tokens as u32, model.hidden as u32];
    output::file(path, &npy::write("<f4", &shape, &numbers.collect::<Vec<u8>>()))
}

/// Prints the text as it comes; true when there was any.
async fn stream(mut inbox: UnboundedReceiver<DraftEvent>, print: bool) -> bool {
    let mut phase_said = None;
    let mut written = false;
    while let Some(event) = inbox.recv().await {
        match event {
            DraftEvent::Text(text) => {
                written = true;
                if print {
                    let harmless = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
                    output::piece(&text.chars().map(harmless).collect::<String>());
                }
            }
            DraftEvent::Progress { phase, .. } => {
                if phase_said.replace(phase) != Some(phase) && !written {
                    output::progress(phase_name(phase));
                }
            }
        }
    }
    written
}

fn as_json(drafter: &LoadedDrafter, outcome: &DraftOutcome) -> serde_json::Value {
    json!({
        "pack": { "id": drafter.pack.id, "hash": drafter.pack.hash, "demo": drafter.pack.demo },
        "prompt": outcome.prompt,
        "prompt_token_ids": outcome.prompt_token_ids,
        "token_ids": outcome.token_ids,
        "logprobs": outcome.logprobs,
        "text": outcome.text,
        "sections": outcome.sections,
        "claims": claims_of(outcome),
        "finish": outcome.finish,
        "yes_no": outcome.yes_no,
        "circumstances": outcome.circumstances,
        "timings": {
            "load_seconds": drafter.about.seconds,
            "prompt_seconds": outcome.prompt_seconds,
            "decode_seconds": outcome.decode_seconds,
        },
        "engine": {
            "device": drafter.about.took.device,
            "memory_bytes": drafter.about.took.memory_bytes,
            "load_peak_bytes": drafter.about.took.peak_bytes,
        },
    })
}

/// Each drafted sentence with what it claims.
fn claims_of(outcome: &DraftOutcome) -> Vec<serde_json::Value> {
    let sentences = outcome.sections.iter().flat_map(|section| section.sentences.iter().map(move |s| (section, s)));
    sentences
        .map(|(section, sentence)| {
            let claims = hilum_report::claims::label(&sentence.text);
            json!({ "section": section.section, "text": sentence.text, "claims": claims })
        })
        .collect()
}
