//! `hilumctl inspect`.

use crate::{
    cli::Inspect,
    failure::{Failure, Result},
    input::{self, Source},
    output,
    settings::Settings,
};
use hilum_imaging::{npy, picture::MAX_SIDE, picture::Picture};
use hilum_workers::{
    Decoded,
    messages::decode::{DecodeWants, DecodedHeader, PixelDescription},
};
use serde_json::{Value, json};
use std::{fs::File, path::Path, path::PathBuf};

/// What is to be written, and where.
struct Outputs {
    stored: Option<PathBuf>,
    display: Option<PathBuf>,
    model_input: Option<(u32, PathBuf)>,
}

impl Outputs {
    fn of(options: &Inspect) -> Result<Self> {
        let model_input = match options.model_input.as_deref() {
            Some([side, out]) => {
                let side = side.parse().ok().filter(|side| (1..=MAX_SIDE).contains(side));
                let side = side.ok_or_else(|| {
                    Failure::usage(format!("--model-input takes a side of 1 to {MAX_SIDE} and a file"))
                })?;
                Some((side, PathBuf::from(out)))
            }
            _ => None,
        };
        Ok(Self { stored: options.stored.clone(), display: options.display.clone(), model_input })
    }
}

pub async fn run(options: Inspect, settings: &Settings) -> Result<()> {
    let outputs = Outputs::of(&options)?;
    match input::open(&options.file).await? {
        Source::Dicom(file) => dicom(&options.file, file, &outputs, settings).await,
        Source::Picture(picture) => plain_picture(&options.file, picture, &outputs, settings),
    }
}

async fn dicom(path: &Path, file: File, outputs: &Outputs, settings: &Settings) -> Result<()> {
    let mut wants = DecodeWants {
        pixels: true,
        stored: outputs.stored.is_some(),
        display: outputs.display.is_some().then_some(MAX_SIDE),
        model_inputs: outputs.model_input.iter().map(|(side, _)| *side).collect(),
        ..DecodeWants::default()
    };
    let again = file.try_clone().map_err(|e| Failure::read(path, &e))?;
    let decoded = match input::decode(settings, path, file, &wants).await {
        // An object without an image has a header worth printing, unless pixels were asked for.
        Err(e) if e.code == "dicom.no_pixels" && outputs.is_empty() => {
            wants.pixels = false;
            input::decode(settings, path, again, &wants).await?
        }
        other => other?,
    };
    write_outputs(&decoded, outputs)?;
    let description = decoded.pixels.as_ref().map(|(description, _)| description);
    if settings.json {
        output::json(&json!({ "file": path.display().to_string(), "format": "dicom",
                              "header": decoded.header, "pixels": description }));
    } else {
        print_header(&decoded.header, description);
    }
    Ok(())
}

impl Outputs {
    fn is_empty(&self) -> bool {
        self.stored.is_none() && self.display.is_none() && self.model_input.is_none()
    }
}

fn write_outputs(decoded: &Decoded, outputs: &Outputs) -> Result<()> {
    if let (Some(path), Some(stored)) = (&outputs.stored, &decoded.stored) {
        output::file(path, &npy::write(&stored.dtype, &stored.shape, &stored.bytes))?;
    }
    if let (Some(path), Some(shown)) = (&outputs.display, &decoded.display) {
        let picture = Picture { width: shown.width as usize, height: shown.height as usize, bytes: shown.gray.clone() };
        output::file(path, &picture.to_png()?)?;
    }
    if let (Some((side, path)), Some((_, gray))) = (&outputs.model_input, decoded.model_inputs.first()) {
        output::file(path, &npy::write("|u1", &[*side, *side], gray))?;
    }
    Ok(())
}

fn plain_picture(path: &Path, picture: Picture, outputs: &Outputs, settings: &Settings) -> Result<()> {
    let (width, height) = (picture.width as u32, picture.height as u32);
    if let Some(out) = &outputs.stored {
        output::file(out, &npy::write("|u1", &[height, width], &picture.bytes))?;
    }
    if let Some(out) = &outputs.display {
        output::file(out, &picture.clone().fit(MAX_SIDE)?.to_png()?)?;
    }
    if let Some((side, out)) = &outputs.model_input {
        output::file(out, &npy::write("|u1", &[*side, *side], &picture.model_input(*side)?))?;
    }
    if settings.json {
        output::json(&json!({ "file": path.display().to_string(), "format": "picture",
                              "width": width, "height": height }));
    } else {
        output::line(format!("picture, {width} x {height} pixels, read as 8-bit grey"));
    }
    Ok(())
}

/// Prints what the header has, in the order of the message.
fn print_header(header: &DecodedHeader, pixels: Option<&PixelDescription>) {
    let mut rows = Vec::new();
    if let Ok(Value::Object(fields)) = serde_json::to_value(header) {
        for (name, value) in fields {
            let text = match value {
                Value::Null => continue,
                Value::String(text) if text.is_empty() => continue,
                Value::String(text) => text,
                Value::Array(items) if items.is_empty() => continue,
                Value::Array(items) => {
                    let bare = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
                    items.iter().map(bare).collect::<Vec<_>>().join(", ")
                }
                other => other.to_string(),
            };
            rows.push(vec![name.replace('_', " "), output::plain(&text)]);
        }
    }
    if let Some(pixels) = pixels {
        let kind = serde_json::to_value(pixels.kind).ok().and_then(|v| v.as_str().map(str::to_owned));
        rows.push(vec!["texels".into(), kind.unwrap_or_default()]);
        rows.push(vec!["texel range".into(), format!("{} to {}", pixels.min, pixels.max)]);
        let line = format!("texel x {} + {}", pixels.slope, pixels.intercept);
        rows.push(vec!["modality value".into(), line]);
        rows.push(vec!["inverted".into(), pixels.inverted.to_string()]);
        for window in &pixels.windows {
            let source = if window.computed { "computed from the pixels" } else { "from the file" };
            let name = window.explanation.as_deref().map(|e| format!(", {}", output::plain(e))).unwrap_or_default();
            rows.push(vec!["window".into(), format!("{} / {} ({source}{name})", window.center, window.width)]);
        }
    }
    output::table(&rows);
}
