//! A pack's folder as the engine wants to find it.
//!
//! mistral.rs 0.8.1 takes a folder and trusts what it finds there: a chat template that
//! writes `<bos>` although the tokenizer adds it, an image length that falls back to 256,
//! a configuration in the other spelling that falls back to defaults. So it never sees a
//! folder as published: it sees a view, made of rewritten small files and of the weights,
//! linked where their names are right already and copied under new names where not.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::DraftingError;
use crate::load::quantised_file;
use crate::quantise::RESIDUAL_FILE;
use crate::spelling::{ModelShape, ids_of, normalise_config, shape_of};
use crate::weights::{needs_renaming, rename};

/// The prompt comes to the engine finished (`prompts::render_turn`); its template hands it on.
const HAND_ON: &str = "{%- for message in messages -%}{%- if message['content'] is string -%}\
{{ message['content'] }}{%- else -%}{%- for item in message['content'] -%}\
{%- if item['type'] == 'text' -%}{{ item['text'] }}{%- endif -%}{%- endfor -%}{%- endif -%}{%- endfor -%}";

pub(crate) const TEMPLATE: &str = "hilum.jinja";

/// Whether the weights of this folder have to be copied under other names before the
/// engine can load them. `pack add` asks this to know whether to call [`normalise`].
pub fn needs_conversion(folder: &Path) -> Result<bool, DraftingError> {
    if quantised_file(folder)?.is_some() {
        return Ok(false);
    }
    for path in weights_in(folder)? {
        if needs_renaming(&path)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How files that need no change get into the other folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// As links: quick, and good only as long as the source stays where it is.
    Link,
    /// As copies: the target stands alone, as a pack has to.
    Copy,
}

/// Makes `target` a folder that loads without another conversion, from a Gemma 3
/// vision-language folder in the spelling of transformers 4 or 5, sharded or not.
///
/// Weights with the right names are placed as `placement` says, the others are streamed
/// under new names, so that memory does not grow with the model. Running it on its own
/// result changes nothing but the place. Pickle files are never looked at.
pub fn normalise(source: &Path, target: &Path, placement: Placement) -> Result<ModelShape, DraftingError> {
    let write = |path: PathBuf| move |source| DraftingError::Write { path, source };
    std::fs::create_dir_all(target).map_err(write(target.to_owned()))?;

    let (config, shape) = configuration(source)?;
    let end = &shape.end_tokens;

    // Weights in float32 are asked for at load time, so the type in which the folder was
    // saved says nothing here. Pan-and-scan is off, as published (arXiv 2507.05201), and
    // the images come at the model's own side, so nothing is ever resized in the engine.
    let preprocessor = json!({
        "do_convert_rgb": true, "do_resize": false, "do_rescale": true, "do_normalize": true,
        "do_pan_and_scan": false, "rescale_factor": 1.0 / 255.0, "resample": 2,
        "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
        "size": { "height": shape.side, "width": shape.side },
        "image_seq_length": shape.image_tokens,
        "image_processor_type": "Gemma3ImageProcessor",
    });
    let processor = json!({ "image_seq_length": shape.image_tokens, "processor_class": "Gemma3Processor" });
    for (name, value) in [
        ("config.json", &config),
        ("generation_config.json", &json!({ "eos_token_id": end })),
        ("preprocessor_config.json", &preprocessor),
        ("processor_config.json", &processor),
    ] {
        let path = target.join(name);
        std::fs::write(&path, value.to_string()).map_err(write(path))?;
    }
    let path = target.join(TEMPLATE);
    std::fs::write(&path, HAND_ON).map_err(write(path))?;

    place(&source.join("tokenizer.json"), &target.join("tokenizer.json"), placement)?;
    if let Some(name) = quantised_file(source)? {
        for name in [name.as_str(), RESIDUAL_FILE] {
            place(&source.join(name), &target.join(name), placement)?;
        }
        return Ok(shape);
    }
    let weights = weights_in(source)?;
    for (index, path) in weights.iter().enumerate() {
        // The engine looks for exactly these two patterns of names.
        let name = match weights.len() {
            1 => "model.safetensors".to_owned(),
            all => format!("model-{:05}-of-{all:05}.safetensors", index + 1),
        };
        match needs_renaming(path)? {
            true => rename(path, &target.join(name))?,
            false => place(path, &target.join(name), placement)?,
        }
    }
    Ok(shape)
}

/// The shape of the model in a folder, where the engine would take its configuration; reads small files only.
///
/// # Errors
/// As [`normalise`], of the configuration alone.
pub fn shape_in(source: &Path) -> Result<ModelShape, DraftingError> {
    Ok(configuration(source)?.1)
}

/// The configuration in the engine's spelling, with every token that ends an answer, and what it says of the model.
fn configuration(source: &Path) -> Result<(Value, ModelShape), DraftingError> {
    let path = source.join("config.json");
    let mut config = normalise_config(&path, &read_json(&path)?)?;
    let generation = read_json(&source.join("generation_config.json")).unwrap_or(json!({}));
    let mut end = ids_of(config.get("eos_token_id"));
    end.extend(ids_of(generation.get("eos_token_id")));
    end.sort_unstable();
    end.dedup();
    if end.is_empty() {
        let what = "no eos_token_id is given, so no answer would ever end".to_owned();
        return Err(DraftingError::Config { path, what });
    }
    config["eos_token_id"] = json!(end);
    let shape = shape_of(&path, &config)?;
    Ok((config, shape))
}

/// Puts a file at another place; a link becomes a copy where the system has no links.
fn place(source: &Path, target: &Path, placement: Placement) -> Result<(), DraftingError> {
    let absolute = std::fs::canonicalize(source)
        .map_err(|error| DraftingError::Read { path: source.to_owned(), source: error })?;
    if std::fs::canonicalize(target).is_ok_and(|target| target == absolute) {
        return Ok(());
    }
    #[cfg(unix)]
    if placement == Placement::Link && std::os::unix::fs::symlink(&absolute, target).is_ok() {
        return Ok(());
    }
    if placement == Placement::Link && std::fs::hard_link(&absolute, target).is_ok() {
        return Ok(());
    }
    std::fs::copy(&absolute, target)
        .map(|_| ())
        .map_err(|error| DraftingError::Write { path: target.to_owned(), source: error })
}

pub(crate) fn weights_in(folder: &Path) -> Result<Vec<PathBuf>, DraftingError> {
    let read = |source| DraftingError::Read { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("model") && name.ends_with(".safetensors") {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(DraftingError::NoWeights { path: folder.to_owned() });
    }
    found.sort();
    Ok(found)
}

pub(crate) fn read_json(path: &Path) -> Result<Value, DraftingError> {
    let bytes = std::fs::read(path).map_err(|source| DraftingError::Read { path: path.to_owned(), source })?;
    serde_json::from_slice(&bytes).map_err(|source| DraftingError::Json { path: path.to_owned(), source })
}
