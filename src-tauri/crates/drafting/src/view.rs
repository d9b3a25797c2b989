//! A pack's folder as the engine wants to find it.
//!
//! mistral.rs 0.8.1 takes a folder and trusts what it finds there: a chat template that
//! writes `<bos>` although the tokenizer adds it, an image length that falls back to 256,
//! a configuration in the other spelling that falls back to defaults. So it never sees a
//! folder as published: it sees a view, made of rewritten small files and of the weights,
//! linked where their names are right already and copied under new names where not.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::DraftingError;
use crate::compatibility::check_computed;
use crate::load::quantised_file;
use crate::quantise::RESIDUAL_FILE;
use crate::spelling::{ModelShape, ids_of, normalise_config, shape_of};
use crate::weights::{needs_renaming, rename};

/// The prompt comes to the engine finished (`prompts::render_turn`); its template hands it on.
const HAND_ON: &str = "{%- for message in messages -%}{%- if message['content'] is string -%}\
{{ message['content'] }}{%- else -%}{%- for item in message['content'] -%}\
{%- if item['type'] == 'text' -%}{{ item['text'] }}{%- endif -%}{%- endfor -%}{%- endif -%}{%- endfor -%}";

pub(crate) const TEMPLATE: &str = "hilum.jinja";

/// Whether the engine knows the weights of this folder under other names only, so that they have to be copied before it
/// can load them. `pack add` writes them under [`crate::engine_name`]s, so this is so of folders as downloaded and of packs
/// that an earlier Hilum added.
pub fn needs_conversion(folder: &Path) -> Result<bool, DraftingError> {
    Ok(view_bytes(folder)? > 0)
}

/// Bytes of weights that a load of this folder copies for as long as it lasts; most often none. Reads headers only.
pub fn view_bytes(folder: &Path) -> Result<u64, DraftingError> {
    if quantised_file(folder)?.is_some() {
        return Ok(0);
    }
    let mut bytes = 0;
    for path in weights_in(folder)? {
        if needs_renaming(&path)? {
            bytes += std::fs::metadata(&path).map_err(|source| DraftingError::Read { path, source })?.len();
        }
    }
    Ok(bytes)
}

/// Makes `target` the folder that the engine is given for `source`, a Gemma 3
/// vision-language folder in the spelling of transformers 4 or 5, sharded or not.
///
/// Weights with the right names are linked, the others are streamed under new names, so
/// that memory does not grow with the model. Pickle files are never looked at.
pub(crate) fn make_view(source: &Path, target: &Path) -> Result<ModelShape, DraftingError> {
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

    link(&source.join("tokenizer.json"), &target.join("tokenizer.json"))?;
    if let Some(name) = quantised_file(source)? {
        for name in [name.as_str(), RESIDUAL_FILE] {
            link(&source.join(name), &target.join(name))?;
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
            false => link(path, &target.join(name))?,
        }
    }
    Ok(shape)
}

/// The shape of the model in a folder, where the engine would take its configuration; reads small files only.
///
/// # Errors
/// A configuration that cannot be read, is of another kind of model, or asks for what the engine computes otherwise.
pub fn shape_in(source: &Path) -> Result<ModelShape, DraftingError> {
    Ok(configuration(source)?.1)
}

/// The configuration in the engine's spelling, with every token that ends an answer, and what it says of the model.
fn configuration(source: &Path) -> Result<(Value, ModelShape), DraftingError> {
    let path = source.join("config.json");
    let mut config = normalise_config(&path, &read_json(&path)?)?;
    check_computed(&path, &config)?;
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

/// Shows a file at another place, as a copy where the system has no links.
fn link(source: &Path, target: &Path) -> Result<(), DraftingError> {
    let absolute = std::fs::canonicalize(source)
        .map_err(|error| DraftingError::Read { path: source.to_owned(), source: error })?;
    #[cfg(unix)]
    if std::os::unix::fs::symlink(&absolute, target).is_ok() {
        return Ok(());
    }
    if std::fs::hard_link(&absolute, target).is_ok() {
        return Ok(());
    }
    std::fs::copy(&absolute, target)
        .map(|_| ())
        .map_err(|error| DraftingError::Write { path: target.to_owned(), source: error })
}

/// The weight files of a folder: `model.safetensors`, or the shards that the index names. What else lies there, the same
/// weights in another type for example, is nobody's business.
pub(crate) fn weights_in(folder: &Path) -> Result<Vec<PathBuf>, DraftingError> {
    let single = folder.join("model.safetensors");
    if single.is_file() {
        return Ok(vec![single]);
    }
    let index = folder.join("model.safetensors.index.json");
    if !index.is_file() {
        return Err(DraftingError::NoWeights { path: folder.to_owned() });
    }
    let refuse = |what: String| DraftingError::Weights { path: index.clone(), what };
    let content = read_json(&index)?;
    let map = content["weight_map"].as_object().ok_or_else(|| refuse("it has no weight_map".to_owned()))?;
    let mut names = BTreeSet::new();
    for name in map.values() {
        // A shard lies beside its index; a name that leads elsewhere is not one.
        match name.as_str().filter(|name| Path::new(name).file_name().is_some_and(|file| file == *name)) {
            Some(name) => names.insert(name),
            None => return Err(refuse(format!("{name} is not the name of a shard"))),
        };
    }
    match names.is_empty() {
        true => Err(DraftingError::NoWeights { path: folder.to_owned() }),
        false => Ok(names.into_iter().map(|name| folder.join(name)).collect()),
    }
}

pub(crate) fn read_json(path: &Path) -> Result<Value, DraftingError> {
    let bytes = std::fs::read(path).map_err(|source| DraftingError::Read { path: path.to_owned(), source })?;
    serde_json::from_slice(&bytes).map_err(|source| DraftingError::Json { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of the weight files in a folder with these files, or the code of the refusal.
    fn check(files: &[(&str, &str)], expected: Result<&[&str], &str>) {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let found = weights_in(folder.path()).map_err(|error| error.code());
        let expected: Result<Vec<PathBuf>, &str> =
            expected.map(|names| names.iter().map(|name| folder.path().join(name)).collect());
        assert_eq!(found, expected, "{files:?}");
    }

    #[test]
    fn the_weights_are_what_a_loader_would_take() {
        let (one, two) = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors");
        let of = |b: &str| format!(r#"{{"weight_map":{{"a":"{one}","b":"{b}","c":"{one}"}}}}"#);
        let (whole, outside) = (of(two), of("../x.safetensors"));
        let index = ("model.safetensors.index.json", whole.as_str());
        check(&[("model.safetensors", "")], Ok(&["model.safetensors"]));
        check(&[("model.safetensors", ""), ("model.fp16.safetensors", "")], Ok(&["model.safetensors"]));
        check(&[("model.safetensors", ""), index], Ok(&["model.safetensors"]));
        check(&[index, (one, ""), (two, ""), ("model.fp16.safetensors", "")], Ok(&[one, two]));
        check(&[], Err("drafting.no_weights"));
        check(&[(one, ""), (two, "")], Err("drafting.no_weights"));
        check(&[("model.safetensors.index.json", r#"{"weight_map":{}}"#)], Err("drafting.no_weights"));
        check(&[("model.safetensors.index.json", "{}")], Err("drafting.weights"));
        check(&[("model.safetensors.index.json", "{")], Err("drafting.json"));
        check(&[("model.safetensors.index.json", &outside)], Err("drafting.weights"));
    }
}
