//! `hilumctl bench questions`: yes/no questions about one image, one after the other and together, in the worker that
//! answers them in the app.

use super::bench::image;
use crate::{cli::Bench, failure::Result, models, output, settings::Settings};
use hilum_report::claims::Finding;
use hilum_report::evidence::asked_as;
use hilum_workers::{
    DraftJob, JointJob,
    messages::draft::{DraftOutcome, DraftPrompt},
};
use serde_json::json;
use std::time::Instant;
use tokio::sync::mpsc::unbounded_channel;

/// Longest answer, tokens.
const MAX_TOKENS: u32 = 64;

pub async fn run(options: &Bench, settings: &Settings) -> Result<()> {
    let drafter = models::drafter(settings, options.pack.as_deref()).await?;
    let side = drafter.about.side;
    let images = vec![image(options, settings, side).await?];
    let findings = [Finding::Pneumothorax, Finding::PleuralEffusion, Finding::Consolidation, Finding::Edema];
    let question =
        |finding| asked_as(finding).map(|named| DraftPrompt::YesNo { question: format!("Is there {named}?") });
    let prompts: Vec<DraftPrompt> = findings.into_iter().filter_map(question).collect();
    let draft = async |prompt: DraftPrompt, max_tokens, encoded| {
        let job = DraftJob { side, images: images.clone(), prompt, max_tokens, encoded };
        drafter.worker.draft(job, None, &settings.cancel).await
    };
    // The image is known to both, as it is after a draft; each begins where another prompt was read last.
    let other = || DraftPrompt::Report { indication: None };
    let first = draft(other(), 1, Vec::new()).await?;
    let encoded: Vec<Option<Vec<u8>>> = vec![first.encoded.into_iter().next().map(|(_, bytes)| bytes)];
    let (mut apart, mut together) = (f64::INFINITY, f64::INFINITY);
    let (mut tokens, mut same) = (0, true);
    for _ in 0..options.runs {
        let begun = Instant::now();
        let mut alone = Vec::new();
        for prompt in &prompts {
            alone.push(draft(prompt.clone(), MAX_TOKENS, encoded.clone()).await?);
        }
        apart = apart.min(begun.elapsed().as_secs_f64());
        draft(other(), 1, encoded.clone()).await?;
        let begun = Instant::now();
        let (answers, mut came) = unbounded_channel();
        let job = JointJob {
            side,
            images: images.clone(),
            prompts: prompts.clone(),
            max_tokens: MAX_TOKENS,
            encoded: encoded.clone(),
        };
        drafter.worker.draft_together(job, answers, &settings.cancel).await?;
        together = together.min(begun.elapsed().as_secs_f64());
        tokens = alone.iter().map(|outcome: &DraftOutcome| outcome.token_ids.len()).sum();
        while let Some((index, outcome)) = came.recv().await {
            same &= (outcome.token_ids, outcome.logprobs)
                == (alone[index].token_ids.clone(), alone[index].logprobs.clone());
        }
        draft(other(), 1, encoded.clone()).await?;
    }
    if settings.json {
        output::json(&json!({
            "what": "questions",
            "pack": drafter.pack.id,
            "runs": options.runs,
            "questions": prompts.len(),
            "tokens": tokens,
            "apart_seconds": apart,
            "together_seconds": together,
            "same_answers": same,
        }));
        return Ok(());
    }
    output::line(format!(
        "{} questions, {tokens} tokens answered: {apart:.1} s apart, {together:.1} s together",
        prompts.len()
    ));
    output::line(if same { "the same answers, bit by bit" } else { "other answers" });
    Ok(())
}
