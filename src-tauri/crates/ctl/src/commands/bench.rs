//! `hilumctl bench`.

use crate::{
    cli::{Bench, BenchKind},
    failure::{Failure, Result},
    input::{self, Source},
    memory, models, output,
    settings::Settings,
};
use hilum_retrieval::Index;
use hilum_workers::{
    DraftJob,
    messages::{decode::DecodeWants, draft::DraftPrompt},
};
use serde_json::json;
use std::time::Instant;

/// Tokens that the decode benchmark asks for; a model may stop earlier.
const TOKENS: u32 = 64;

/// What was measured: one number for each counted run.
#[derive(Default)]
struct Measured {
    seconds: Vec<f64>,
    /// For the decode benchmark.
    tokens: Vec<usize>,
    load_seconds: Option<f64>,
    pack: Option<String>,
    worker_bytes: Option<u64>,
}

pub async fn run(options: Bench, settings: &Settings) -> Result<()> {
    let mut measured = match options.what {
        BenchKind::Encode => encode(&options, settings).await?,
        BenchKind::Prompt => draft(&options, settings, 1).await?,
        BenchKind::Decode => draft(&options, settings, TOKENS).await?,
        BenchKind::Engine => return super::bench_engine::run(&options, settings).await,
        BenchKind::Questions => return super::bench_questions::run(&options, settings).await,
        BenchKind::Import => import(&options, settings).await?,
        BenchKind::Retrieve => return retrieve(&options, settings),
        BenchKind::Drift => return super::drift::run(&options, settings).await,
    };
    let per_second: Vec<f64> = measured.tokens.iter().zip(&measured.seconds).map(|(n, s)| *n as f64 / s).collect();
    measured.seconds.sort_by(f64::total_cmp);
    let (median, least, most) = spread(&measured.seconds);
    let tokens = (!per_second.is_empty()).then(|| per_second.iter().sum::<f64>() / per_second.len() as f64);
    if settings.json {
        output::json(&json!({
            "what": format!("{:?}", options.what).to_lowercase(),
            "runs": measured.seconds.len(),
            "median_seconds": median,
            "least_seconds": least,
            "most_seconds": most,
            "tokens_per_second": tokens,
            "load_seconds": measured.load_seconds,
            "pack": measured.pack,
            "worker_pss_bytes": measured.worker_bytes,
        }));
        return Ok(());
    }
    output::line(format!("median {median:.3} s, least {least:.3} s, most {most:.3} s of {}", measured.seconds.len()));
    if let Some(tokens) = tokens {
        output::line(format!("{tokens:.1} tokens a second"));
    }
    if let (Some(pack), Some(seconds)) = (&measured.pack, measured.load_seconds) {
        output::line(format!("{pack} loaded in {seconds:.2} s"));
    }
    if let Some(bytes) = measured.worker_bytes {
        output::line(format!("worker memory (PSS) {:.0} MB", bytes as f64 / 1e6));
    }
    Ok(())
}

async fn encode(options: &Bench, settings: &Settings) -> Result<Measured> {
    let encoder = models::encoder(settings, options.pack.as_deref()).await?;
    let side = encoder.about.side;
    let gray = image(options, settings, side).await?;
    let mut seconds = Vec::new();
    for run in 0..=options.runs {
        let begun = Instant::now();
        encoder.worker.image(side, gray.clone(), &settings.cancel).await?;
        if run > 0 {
            seconds.push(begun.elapsed().as_secs_f64());
        }
    }
    Ok(Measured {
        seconds,
        load_seconds: Some(encoder.about.seconds),
        pack: Some(encoder.pack.id),
        worker_bytes: memory::of_children(),
        ..Measured::default()
    })
}

async fn draft(options: &Bench, settings: &Settings, max_tokens: u32) -> Result<Measured> {
    let drafter = models::drafter(settings, options.pack.as_deref()).await?;
    let side = drafter.about.side;
    let gray = image(options, settings, side).await?;
    let mut measured = Measured {
        load_seconds: Some(drafter.about.seconds),
        pack: Some(drafter.pack.id.clone()),
        ..Measured::default()
    };
    for run in 0..=options.runs {
        let prompt = DraftPrompt::Report { indication: None };
        let job = DraftJob { side, images: vec![gray.clone()], prompt, max_tokens, encoded: Vec::new() };
        let outcome = drafter.worker.draft(job, None, &settings.cancel).await?;
        if run == 0 {
            continue;
        }
        if max_tokens == 1 {
            measured.seconds.push(outcome.prompt_seconds);
        } else {
            measured.seconds.push(outcome.decode_seconds);
            // The first token comes with the prompt.
            measured.tokens.push(outcome.token_ids.len().saturating_sub(1));
        }
    }
    measured.worker_bytes = memory::of_children();
    Ok(measured)
}

async fn import(options: &Bench, settings: &Settings) -> Result<Measured> {
    let path = options.file.as_deref().ok_or_else(|| Failure::usage("bench import needs --file FILE"))?;
    let wants = DecodeWants { thumbnail: Some(256), ..DecodeWants::default() };
    let mut seconds = Vec::new();
    for run in 0..=options.runs {
        let begun = Instant::now();
        let Source::Dicom(file) = input::open(path).await? else {
            return Err(Failure::refused("dicom.not_dicom", "only DICOM files are imported").about(path));
        };
        input::decode(settings, path, file, &wants).await?;
        if run > 0 {
            seconds.push(begun.elapsed().as_secs_f64());
        }
    }
    Ok(Measured { seconds, ..Measured::default() })
}

/// Embeddings of the retrieval benchmark, and their length: MedSigLIP's.
const EMBEDDINGS: usize = 100_000;
const DIMENSIONS: usize = 1152;

/// A search of the index alone, on one thread and on as many as the machine has, up to four.
fn retrieve(options: &Bench, settings: &Settings) -> Result<()> {
    let mut state = 1u64;
    let mut vector = || -> Vec<f32> {
        let next = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.
        };
        (0..DIMENSIONS).map(next).collect()
    };
    let mut index = Index::new(DIMENSIONS);
    for _ in 0..EMBEDDINGS {
        index.add(&vector()).map_err(|e| Failure::internal(e.code(), e.to_string()))?;
    }
    let query = vector();
    let all = std::thread::available_parallelism().map_or(1, usize::from).min(4);
    let mut results = Vec::new();
    for threads in if all > 1 { vec![1, all] } else { vec![1] } {
        let mut seconds = Vec::new();
        for run in 0..=options.runs {
            let begun = Instant::now();
            let hits = index.search(&query, 12, threads, |_| true);
            hits.map_err(|e| Failure::internal(e.code(), e.to_string()))?;
            if run > 0 {
                seconds.push(begun.elapsed().as_secs_f64());
            }
        }
        seconds.sort_by(f64::total_cmp);
        results.push((threads, spread(&seconds)));
    }
    if settings.json {
        let results: Vec<_> = results
            .iter()
            .map(|(threads, (median, least, most))| {
                json!({ "threads": threads, "median_seconds": median, "least_seconds": least, "most_seconds": most })
            })
            .collect();
        output::json(&json!({
            "what": "retrieve", "runs": options.runs, "embeddings": EMBEDDINGS, "dimensions": DIMENSIONS, "searches": results,
        }));
    } else {
        for (threads, (median, least, most)) in results {
            let thousandths = [median, least, most].map(|s| format!("{:.1} ms", s * 1000.));
            let [median, least, most] = thousandths;
            output::line(format!("{threads} threads: median {median}, least {least}, most {most}"));
        }
    }
    Ok(())
}

/// The image that was given, or a made-up one of the model's side.
pub(super) async fn image(options: &Bench, settings: &Settings, side: u32) -> Result<Vec<u8>> {
    match &options.file {
        Some(path) => input::model_input(settings, path, side).await,
        None => {
            let pixel = |i: u32| {
                let (x, y) = (i % side, i / side);
                let noise = i.wrapping_mul(2_654_435_761) >> 27;
                ((x * 96 + y * 96) / side + noise) as u8
            };
            Ok((0..side * side).map(pixel).collect())
        }
    }
}

/// Median, smallest and largest of sorted numbers, of which there is one at least.
fn spread(sorted: &[f64]) -> (f64, f64, f64) {
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
    (median, sorted[0], sorted[sorted.len() - 1])
}
