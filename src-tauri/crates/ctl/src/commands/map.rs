//! `hilumctl classify --map`: where an image supports a finding.

use crate::{
    cli::Classify,
    failure::{Failure, Result},
    input,
    models::LoadedEncoder,
    output,
    settings::Settings,
};
use hilum_imaging::{npy, picture::Picture};
use hilum_workers::EvidenceMap;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Writes the map that was asked for; what it found, for the result.
pub async fn write(options: &Classify, encoder: &LoadedEncoder, settings: &Settings) -> Result<Option<Value>> {
    let Some([finding, out]) = options.map.as_deref() else { return Ok(None) };
    let [file] = &options.files[..] else {
        return Err(Failure::usage("--map takes one image"));
    };
    let out = PathBuf::from(out);
    let side = encoder.about.side;
    let gray = input::model_input(settings, file, side).await?;
    let map =
        encoder.worker.map(side, gray, finding, &settings.cancel).await.map_err(|e| Failure::from(e).about(file))?;
    output::file(&out, &bytes(&map, &out, side)?)?;
    // Where the maximum lies, as a part of the square's side.
    let best = (0..map.values.len()).max_by(|a, b| map.values[*a].total_cmp(&map.values[*b])).unwrap_or(0);
    let grid = map.side.max(1) as usize;
    let part = |i: usize| (i as f64 + 0.5) / grid as f64;
    Ok(Some(json!({
        "finding": finding,
        "out": out.display().to_string(),
        "side": map.side,
        "max": map.values.get(best),
        "max_at": { "x": part(best % grid), "y": part(best / grid) },
        "seconds": map.seconds,
    })))
}

/// A NumPy array of the values, or a grey picture of the model input's size from the
/// smallest value (black) to the largest (white).
fn bytes(map: &EvidenceMap, out: &Path, side: u32) -> Result<Vec<u8>> {
    match out.extension().and_then(|e| e.to_str()) {
        Some("npy") => {
            let values: Vec<u8> = map.values.iter().flat_map(|v| v.to_le_bytes()).collect();
            Ok(npy::write("<f4", &[map.side, map.side], &values))
        }
        Some("png") => {
            let (low, high) =
                map.values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
            let span = (high - low).max(f32::MIN_POSITIVE);
            let bytes = map.values.iter().map(|v| ((v - low) / span * 255.).round() as u8).collect();
            let grid = Picture { width: map.side as usize, height: map.side as usize, bytes };
            Ok(grid.resize(side as usize, side as usize).to_png()?)
        }
        _ => Err(Failure::usage("a map is written as .npy or .png")),
    }
}
