//! What a folder as downloaded from the model's publisher holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::error::{PackError, Result};
use crate::manifest::{Kind, MANIFEST_FILE};
use crate::shapes::{self, GemmaConfig, SiglipConfig};
use crate::weights::Tensors;

/// A folder that can become a pack.
#[derive(Debug, Clone)]
pub struct Inspection {
    pub kind: Kind,
    /// The files that make the pack, by name, with their lengths in bytes.
    pub files: BTreeMap<String, u64>,
    /// Files and folders beside them that a pack does not need.
    pub ignored: BTreeSet<String>,
    /// What the configuration says of its own origin, if anything.
    pub origin: Option<String>,
}

impl Inspection {
    pub fn total_bytes(&self) -> u64 {
        self.files.values().sum()
    }
}

/// Beside the weights, everything that a loader or a reader may want.
const KNOWN_FILES: [&str; 20] = [
    "added_tokens.json",
    "card.md",
    "chat_template.jinja",
    "chat_template.json",
    "config.json",
    "generation_config.json",
    "LICENSE",
    "LICENSE.md",
    "LICENSE.txt",
    "merges.txt",
    "NOTICE",
    "NOTICE.md",
    "NOTICE.txt",
    "preprocessor_config.json",
    "processor_config.json",
    "README.md",
    "special_tokens_map.json",
    "spiece.model",
    "tokenizer.json",
    "tokenizer_config.json",
];

/// Formats that run code when they are loaded, or hold weights that nobody
/// here checks.
const PICKLES: [&str; 8] = ["bin", "ckpt", "dill", "joblib", "pickle", "pkl", "pt", "pth"];

/// Looks at a folder and says what pack it makes, or why none: the first thing
/// found wrong, naming the file. Reads headers and small files only.
pub fn inspect_folder(dir: &Path) -> Result<Inspection> {
    let mut names = BTreeMap::new();
    let mut ignored = BTreeSet::new();
    let read_error = |source| PackError::Read { path: dir.to_owned(), source };
    for entry in std::fs::read_dir(dir).map_err(read_error)? {
        let entry = entry.map_err(read_error)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Following links: a publisher's download cache is made of them.
        match std::fs::metadata(entry.path()) {
            Ok(metadata) if metadata.is_file() => names.insert(name, metadata.len()).is_some(),
            _ => ignored.insert(name),
        };
    }
    if let Some(file) = names.keys().find(|name| is_pickle(name)) {
        return Err(PackError::PickleRefused { file: file.clone() });
    }
    let config = read_json(dir, "config.json")?;
    let kind = kind_of(&config)?;
    let tensors = Tensors::read(dir)?;
    check_json(dir, "tokenizer.json")?;
    match kind {
        Kind::MedSigLip => shapes::check_siglip(&parsed::<SiglipConfig>(config.clone())?, &tensors)?,
        Kind::MedGemma => {
            shapes::check_gemma(&parsed::<GemmaConfig>(config.clone())?, &tensors)?;
            check_processor(dir)?;
            check_chat_template(dir)?;
        }
    }

    let (files, rest): (BTreeMap<_, _>, BTreeMap<_, _>) = names.into_iter().partition(|(name, _)| {
        KNOWN_FILES.contains(&name.as_str()) || name == "tokenizer.model" || tensors.files.contains(name)
    });
    ignored.extend(rest.into_keys().filter(|name| name != MANIFEST_FILE));
    for name in files.keys().filter(|name| name.ends_with(".json")) {
        check_json(dir, name)?;
    }
    let origin = config["_name_or_path"].as_str().filter(|origin| !origin.is_empty()).map(str::to_owned);
    Ok(Inspection { kind, files, ignored, origin })
}

fn kind_of(config: &Value) -> Result<Kind> {
    let unsupported = |what: String| Err(PackError::Unsupported { file: "config.json".into(), what });
    if !config["quantization_config"].is_null() {
        return unsupported("weights that are quantised already".into());
    }
    match config["model_type"].as_str() {
        Some("siglip") => Ok(Kind::MedSigLip),
        Some("gemma3") if config["vision_config"].is_object() => Ok(Kind::MedGemma),
        Some("gemma3" | "gemma3_text") => Err(PackError::TextOnly { file: "config.json".into() }),
        Some(other) => unsupported(format!("model_type {other:?}; taken are \"gemma3\" and \"siglip\"")),
        None => unsupported("no model_type".into()),
    }
}

fn is_pickle(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| PICKLES.contains(&extension.to_string_lossy().to_ascii_lowercase().as_str()))
}

/// `preprocessor_config.json`, or the same inside the `processor_config.json`
/// that transformers 5 writes.
fn check_processor(dir: &Path) -> Result<()> {
    let file = "preprocessor_config.json";
    if dir.join(file).is_file() {
        return check_json(dir, file);
    }
    match read_json(dir, "processor_config.json") {
        Ok(processor) if processor["image_processor"].is_object() => Ok(()),
        Ok(_) | Err(PackError::MissingFile { .. }) => Err(PackError::MissingFile { file: file.into() }),
        Err(error) => Err(error),
    }
}

/// A file of its own, or a field of `tokenizer_config.json`.
fn check_chat_template(dir: &Path) -> Result<()> {
    let file = "chat_template.jinja";
    if dir.join(file).is_file() {
        return Ok(());
    }
    for (file, key) in [("chat_template.json", "chat_template"), ("tokenizer_config.json", "chat_template")] {
        match read_json(dir, file) {
            Ok(value) if value[key].is_string() || value[key].is_array() => return Ok(()),
            Ok(_) | Err(PackError::MissingFile { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Err(PackError::MissingFile { file: file.into() })
}

fn open(dir: &Path, file: &str) -> Result<BufReader<File>> {
    let path = dir.join(file);
    match File::open(&path) {
        Ok(reader) => Ok(BufReader::new(reader)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(PackError::MissingFile { file: file.into() }),
        Err(source) => Err(PackError::Read { path, source }),
    }
}

fn read_json(dir: &Path, file: &str) -> Result<Value> {
    serde_json::from_reader(open(dir, file)?).map_err(|error| malformed(file, &error))
}

/// That a file is JSON, without holding it: a tokenizer has tens of megabytes.
fn check_json(dir: &Path, file: &str) -> Result<()> {
    serde_json::from_reader::<_, IgnoredAny>(open(dir, file)?).map(|_| ()).map_err(|error| malformed(file, &error))
}

fn parsed<T: serde::de::DeserializeOwned>(config: Value) -> Result<T> {
    serde_json::from_value(config).map_err(|error| malformed("config.json", &error))
}

fn malformed(file: &str, error: &serde_json::Error) -> PackError {
    PackError::Malformed { file: file.into(), reason: error.to_string() }
}
