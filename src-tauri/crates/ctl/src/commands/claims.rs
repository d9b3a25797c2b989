//! `hilumctl claims`.

use crate::{
    cli::Claims,
    failure::{Failure, Result},
    output,
    settings::Settings,
};
use hilum_report::claims::{Claim, conclusions, label, sentence_ranges};
use serde::Serialize;
use serde_json::{Value, json};
use std::{io::Read, path::Path};

/// Longest text taken; a report has a few thousand bytes.
const MAX_BYTES: u64 = 256 << 20;

pub async fn run(options: Claims, settings: &Settings) -> Result<()> {
    let text = read(&options.file)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    if settings.json {
        output::json(&lines.map(|(number, line)| as_json(number + 1, line)).collect::<Vec<_>>());
        return Ok(());
    }
    for (_, line) in lines {
        for range in sentence_ranges(line) {
            let sentence = line[range].trim();
            output::line(output::plain(sentence));
            for claim in label(sentence) {
                output::line(format!("  {}", words(&claim)));
            }
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(MAX_BYTES + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
    };
    let length = read.map_err(|e| Failure::read(path, &e))?;
    if length as u64 > MAX_BYTES {
        return Err(Failure::refused("file.too_large", "it is longer than 256 MiB").about(path));
    }
    Ok(text)
}

/// One line of the text, which may be a whole report.
fn as_json(number: usize, line: &str) -> Value {
    let sentences: Vec<Value> = sentence_ranges(line)
        .into_iter()
        .map(|range| line[range].trim())
        .map(|sentence| json!({ "text": sentence, "claims": label(sentence) }))
        .collect();
    json!({ "line": number, "sentences": sentences, "conclusions": conclusions(&label(line)) })
}

/// "pleural_effusion present left mild new".
fn words(claim: &Claim) -> String {
    let mut words = vec![claim.finding.key().to_owned(), name(claim.presence)];
    words.extend(claim.side.map(name));
    words.extend(claim.zone.map(name));
    words.extend(claim.severity.map(name));
    words.extend(claim.temporal.iter().map(name));
    words.extend(claim.device.map(name));
    words.join(" ")
}

fn name(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}
