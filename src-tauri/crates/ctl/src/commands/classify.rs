//! `hilumctl classify`.

use super::map;
use crate::{
    cli::Classify,
    failure::{Failure, Result},
    input,
    models::{self, LoadedEncoder},
    output,
    settings::Settings,
};
use hilum_workers::EncodedImage;
use serde_json::{Value, json};
use std::path::Path;

pub async fn run(options: Classify, settings: &Settings) -> Result<()> {
    let encoder = models::encoder(settings, options.pack.as_deref()).await?;
    let map = map::write(&options, &encoder, settings).await?;
    let mut done = Vec::new();
    let mut refused: Option<Failure> = None;
    for path in &options.files {
        match score(&encoder, path, settings).await {
            Ok(image) if settings.json => done.push(as_json(&encoder, path, &image)),
            Ok(image) => print(path, &image, options.files.len() > 1),
            Err(failure) => {
                // Every file that was refused is named; the last one is left to the caller.
                if let Some(earlier) = refused.replace(failure) {
                    earlier.report(settings.json);
                }
                if settings.cancel.is_cancelled() {
                    break;
                }
            }
        }
    }
    if let (Some(map), Some(first)) = (&map, done.first_mut()) {
        first["map"] = map.clone();
    }
    if settings.json {
        output::json(&done);
    } else if let Some(map) = map {
        output::line(format!("map of {} written to {}", map["finding"], map["out"]));
    }
    refused.map_or(Ok(()), Err)
}

async fn score(encoder: &LoadedEncoder, path: &Path, settings: &Settings) -> Result<EncodedImage> {
    let side = encoder.about.side;
    let gray = input::model_input(settings, path, side).await?;
    encoder.worker.image(side, gray, &settings.cancel).await.map_err(|e| Failure::from(e).about(path))
}

fn as_json(encoder: &LoadedEncoder, path: &Path, image: &EncodedImage) -> Value {
    let scores: Vec<_> = image
        .scores
        .iter()
        .map(|s| json!({ "finding": s.finding, "difference": s.difference, "softmax": s.softmax }))
        .collect();
    json!({
        "file": path.display().to_string(),
        "pack": { "id": encoder.pack.id, "hash": encoder.pack.hash, "demo": encoder.pack.demo },
        "meaning": "support (not a probability)",
        "scores": scores,
        "seconds": image.seconds,
    })
}

fn print(path: &Path, image: &EncodedImage, several: bool) {
    if several {
        output::line(format!("{}", path.display()));
    }
    let mut rows = vec![["FINDING", "DIFFERENCE", "SOFTMAX"].map(str::to_owned).to_vec()];
    let mut scores: Vec<_> = image.scores.iter().collect();
    scores.sort_by(|a, b| b.difference.total_cmp(&a.difference));
    for score in scores {
        let label = hilum_workflow::label(&score.finding).to_owned();
        rows.push(vec![label, format!("{:+.4}", score.difference), format!("{:.3}", score.softmax)]);
    }
    output::table(&rows);
    output::line("support (not a probability)");
}
