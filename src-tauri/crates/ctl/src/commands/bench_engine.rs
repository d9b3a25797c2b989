//! `hilumctl bench engine`: the steps of a draft, each timed apart, in the worker that drafts in the app.

use super::bench::image;
use crate::{
    cli::Bench,
    failure::Result,
    memory,
    models::{self, LoadedDrafter},
    output,
    settings::Settings,
};
use hilum_workers::{
    DraftJob,
    messages::draft::{DraftOutcome, DraftPrompt},
};
use serde_json::json;

/// Words of a prompt: with Gemma's vocabulary, and the nine tokens of the turn around them, a prompt of 300 tokens.
const WORDS: usize = 291;

/// Words that differ at the end of the prompt of a second draft.
const CHANGED: usize = 32;

/// Tokens after the first one of an answer whose speed is measured.
const DECODED: u32 = 128;

/// Tokens of a whole draft.
const DRAFTED: u32 = 150;

/// Each is one token of Gemma's vocabulary with the space before it. What they mean has no part in the time.
const VOCABULARY: [&str; 18] = [
    "the", "heart", "is", "of", "normal", "size", "and", "both", "are", "clear", "with", "no", "fluid", "in", "either",
    "side", "right", "left",
];

/// One run: seconds unless it says otherwise.
struct Steps {
    /// A prompt of words alone, and its answer.
    prompt: DraftOutcome,
    /// Another such prompt, with an answer of one token.
    other: DraftOutcome,
    /// An image never seen before and a prompt.
    draft: DraftOutcome,
    /// The same image, and the same prompt but for its last words.
    again: DraftOutcome,
    /// A prompt of words alone, about as long as what changed for the second draft.
    alone: DraftOutcome,
    /// The same image and prompt as the draft's, when the last prompt was another one: nothing but the encoding is known.
    known: DraftOutcome,
}

pub async fn run(options: &Bench, settings: &Settings) -> Result<()> {
    let drafter = models::drafter(settings, options.pack.as_deref()).await?;
    let side = drafter.about.side;
    let mut pixels = image(options, settings, side).await?;
    let mut runs = Vec::new();
    for run in 0..options.runs as usize {
        // The worker knows the images of the run before.
        if let Some(pixel) = pixels.first_mut() {
            *pixel = run as u8;
        }
        runs.push(steps(&drafter, side, &pixels, run, settings).await?);
    }
    let least = |of: &dyn Fn(&Steps) -> f64| runs.iter().map(of).fold(f64::INFINITY, f64::min);
    let prompt = least(&|s| s.prompt.prompt_seconds.min(s.other.prompt_seconds));
    let encode = least(&|s| s.draft.prompt_seconds - s.known.prompt_seconds);
    let rate = |outcome: &DraftOutcome| (outcome.token_ids.len() as f64 - 1.) / outcome.decode_seconds;
    let decode = -least(&|s| -rate(&s.prompt));
    let whole = least(&|s| s.draft.prompt_seconds + s.draft.decode_seconds);
    let again = least(&|s| s.again.prompt_seconds);
    let alone = least(&|s| s.alone.prompt_seconds);
    let Some(last) = runs.last() else { return Ok(()) };
    let common =
        last.draft.prompt_token_ids.iter().zip(&last.again.prompt_token_ids).take_while(|(a, b)| a == b).count();
    let changed = last.again.prompt_token_ids.len() - common;
    if settings.json {
        output::json(&json!({
            "what": "engine",
            "pack": drafter.pack.id,
            "device": drafter.about.took.device,
            "runs": runs.len(),
            "load_seconds": drafter.about.seconds,
            "encode_seconds": encode,
            "prompt_seconds": prompt,
            "decode_tokens_per_second": decode,
            "decoded_tokens": last.prompt.token_ids.len() - 1,
            "draft_seconds": whole,
            "draft_tokens": last.draft.token_ids.len(),
            "second_draft_first_word_seconds": again,
            "second_draft_changed_tokens": changed,
            "changed_alone_seconds": alone,
            "second_draft_reused_tokens": last.again.reused_tokens,
            "prompt_token_ids": last.prompt.prompt_token_ids,
            "draft_prompt_token_ids": last.draft.prompt_token_ids,
            "measured": runs.iter().map(measured).collect::<Vec<_>>(),
            "worker_pss_bytes": memory::of_children(),
        }));
        return Ok(());
    }
    output::line(format!(
        "{} loaded in {:.1} s, on {}",
        drafter.pack.id, drafter.about.seconds, drafter.about.took.device
    ));
    output::line(format!("one image encoded in {encode:.1} s"));
    output::line(format!("prompt of {} tokens read in {prompt:.1} s", last.prompt.prompt_token_ids.len()));
    output::line(format!("{decode:.1} tokens a second written"));
    output::line(format!(
        "draft of {} tokens from an image, {} tokens in all before it: {whole:.1} s",
        last.draft.token_ids.len(),
        last.draft.prompt_token_ids.len()
    ));
    output::line(format!("second draft of it, {changed} tokens of the prompt changed: first token after {again:.1} s"));
    Ok(())
}

async fn steps(drafter: &LoadedDrafter, side: u32, pixels: &[u8], run: usize, settings: &Settings) -> Result<Steps> {
    let draft_knowing = async |images: Vec<Vec<u8>>, text: String, max_tokens: u32, encoded: Vec<Option<Vec<u8>>>| {
        let job = DraftJob { side, images, prompt: DraftPrompt::Raw { text }, max_tokens, encoded };
        drafter.worker.draft(job, None, &settings.cancel).await
    };
    let draft = async |images, text, max_tokens| draft_knowing(images, text, max_tokens, Vec::new()).await;
    let image = || vec![pixels.to_vec()];
    // Prompts of different beginnings: one that begins as the last one did is not read whole.
    let first = 4 * run;
    let changed = format!("{} {}", words(first + 2, WORDS - CHANGED), words(first + 3, CHANGED));
    let prompt = draft(Vec::new(), words(first, WORDS), DECODED + 1).await?;
    let whole = draft(image(), words(first + 2, WORDS), DRAFTED).await?;
    // The encoded image comes along, as it does from the app's store.
    let encoded = || whole.encoded.first().map(|(_, bytes)| bytes.clone());
    let again = draft_knowing(image(), changed, 1, vec![encoded()]).await?;
    // Every prompt begins with the three tokens that are known from the last one, so that as many are read as changed.
    let alone = draft(Vec::new(), words(first + 3, CHANGED - 1), 1).await?;
    let other = draft(Vec::new(), words(first + 1, WORDS), 1).await?;
    let known = draft(image(), words(first + 2, WORDS), 1).await?;
    Ok(Steps { prompt, other, draft: whole, again, alone, known })
}

/// So many words, another sequence for each `first`.
fn words(first: usize, count: usize) -> String {
    let word = |i: usize| VOCABULARY[(first + i * (1 + first % 5)) % VOCABULARY.len()];
    (0..count).map(word).collect::<Vec<_>>().join(" ")
}

fn measured(steps: &Steps) -> serde_json::Value {
    let of = |outcome: &DraftOutcome| {
        json!({
            "prompt_tokens": outcome.prompt_token_ids.len(),
            "reused_tokens": outcome.reused_tokens,
            "prompt_seconds": outcome.prompt_seconds,
            "tokens": outcome.token_ids.len(),
            "decode_seconds": outcome.decode_seconds,
        })
    };
    json!({
        "prompt": of(&steps.prompt), "draft": of(&steps.draft), "again": of(&steps.again), "other": of(&steps.other),
        "alone": of(&steps.alone),
        "known": of(&steps.known),
    })
}

#[cfg(test)]
mod tests {
    use super::{CHANGED, WORDS, words};

    /// Prompts of one run, and of the next, differ from their second word at the latest.
    #[test]
    fn prompts_begin_differently() {
        let texts: Vec<String> = (0..8).map(|first| words(first, WORDS)).collect();
        for (i, one) in texts.iter().enumerate() {
            assert_eq!(one.split(' ').count(), WORDS);
            for other in &texts[i + 1..] {
                assert!(one.split(' ').take(2).ne(other.split(' ').take(2)), "{one:.40} / {other:.40}");
            }
        }
        assert_ne!(words(3, CHANGED), words(2, CHANGED));
    }
}
