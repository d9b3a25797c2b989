//! What a folder as downloaded from the model's publisher holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::config::{GemmaConfig, GemmaText, SiglipConfig, parsed};
use crate::error::{PackError, Result};
use crate::folder::{list, refuse_pointer};
use crate::manifest::{Kind, MANIFEST_FILE, Manifest};
use crate::processor;
use crate::shapes;
use crate::tokenizer::{self, Tokenizer};
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
    /// The class that the configuration names, for example "Gemma3ForConditionalGeneration".
    pub architecture: String,
    /// Numbers in the weights.
    pub parameters: u64,
    /// Bytes of the weight files.
    pub weight_bytes: u64,
    /// The types of the weights, for example "BF16".
    pub dtypes: BTreeSet<String>,
}

impl Inspection {
    pub fn total_bytes(&self) -> u64 {
        self.files.values().sum()
    }
}

/// Beside the weights, everything that a loader or a reader may want.
const KNOWN_FILES: [&str; 21] = [
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
    "tokenizer.model",
    "tokenizer_config.json",
];

fn is_known(name: &str) -> bool {
    KNOWN_FILES.contains(&name)
}

/// Formats that run code when they are loaded, or hold weights that nobody
/// here checks.
const PICKLES: [&str; 8] = ["bin", "ckpt", "dill", "joblib", "pickle", "pkl", "pt", "pth"];

/// Looks at a folder and says what pack it makes, or why none: the first thing
/// found wrong, naming the file. Reads headers and small files only; whether the
/// weights hold numbers throughout is found out while they are copied.
pub fn inspect_folder(dir: &Path) -> Result<Inspection> {
    Ok(inspect(dir)?.0)
}

/// As [`inspect_folder`], with where every tensor lies.
pub(crate) fn inspect(dir: &Path) -> Result<(Inspection, Tensors)> {
    let (names, mut ignored) = list(dir)?;
    refuse_pickles(names.keys())?;
    for (name, length) in names.iter().filter(|(name, _)| is_known(name)) {
        refuse_pointer(dir, name, *length)?;
    }
    let config = read_json(dir, "config.json")?;
    let kind = kind_of(&config)?;
    let tensors = Tensors::read(dir)?;
    let tokenizer = Tokenizer::read(open(dir, tokenizer::FILE)?)?;
    match kind {
        Kind::MedSigLip => {
            let model: SiglipConfig = parsed(&config)?;
            shapes::check_siglip(&model, &tensors)?;
            tokenizer.check_siglip(&model.text_config)?;
            processor::check_images(dir, &model.vision_config)?;
        }
        Kind::MedGemma => {
            let model: GemmaConfig = parsed(&config)?;
            model.check_pooling()?;
            shapes::check_gemma(&model, &tensors)?;
            tokenizer.check_gemma(&config, &model)?;
            processor::check_present(dir)?;
            processor::check_images(dir, &model.vision_config)?;
            check_chat_template(dir)?;
        }
        Kind::MedGemmaText => {
            let model: GemmaText = parsed(&config)?;
            shapes::check_gemma_text(&model, &tensors)?;
            tokenizer.check_gemma_text(&config, &model, false)?;
            check_chat_template(dir)?;
        }
    }

    let (files, rest): (BTreeMap<_, _>, BTreeMap<_, _>) =
        names.into_iter().partition(|(name, _)| is_known(name) || tensors.files.contains(name));
    ignored.extend(rest.into_keys().filter(|name| name != MANIFEST_FILE));
    for name in files.keys().filter(|name| name.ends_with(".json") && *name != tokenizer::FILE) {
        check_json(dir, name)?;
    }
    let inspection = Inspection {
        kind,
        ignored,
        origin: config["_name_or_path"].as_str().filter(|origin| !origin.is_empty()).map(str::to_owned),
        architecture: config["architectures"][0].as_str().unwrap_or_default().to_owned(),
        parameters: tensors.parameters(),
        weight_bytes: tensors.files.iter().filter_map(|file| files.get(file)).sum(),
        dtypes: tensors.dtypes(),
        files,
    };
    Ok((inspection, tensors))
}

/// As [`inspect`], of a pack whose weights were converted already: it is what its manifest says.
pub(crate) fn inspect_converted(dir: &Path, manifest: &Manifest) -> Result<(Inspection, Tensors)> {
    let (files, others) = list(dir)?;
    refuse_pickles(files.keys())?;
    let extra = files.keys().chain(&others).filter(|name| !manifest.files.contains_key(*name));
    let config = read_json(dir, "config.json")?;
    let inspection = Inspection {
        kind: manifest.kind,
        ignored: extra.filter(|name| *name != MANIFEST_FILE).cloned().collect(),
        // Its caller adds what the manifest names.
        files: BTreeMap::new(),
        origin: None,
        architecture: config["architectures"][0].as_str().unwrap_or_default().to_owned(),
        parameters: manifest.parameters.unwrap_or(0),
        weight_bytes: 0,
        dtypes: BTreeSet::new(),
    };
    Ok((inspection, Tensors::default()))
}

/// Fails with the first name under which code may lie that runs when it is loaded.
pub(crate) fn refuse_pickles<'a>(mut names: impl Iterator<Item = &'a String>) -> Result<()> {
    match names.find(|name| is_pickle(name)) {
        Some(file) => Err(PackError::PickleRefused { file: file.clone() }),
        None => Ok(()),
    }
}

/// Whether a loader of pickles would take the file, or one that nobody here checks.
fn is_pickle(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| PICKLES.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

fn kind_of(config: &Value) -> Result<Kind> {
    let unsupported = |what: String| Err(PackError::Unsupported { file: "config.json".into(), what });
    if !config["quantization_config"].is_null() {
        return unsupported("weights that are quantised already".into());
    }
    match config["model_type"].as_str() {
        Some("siglip") => Ok(Kind::MedSigLip),
        Some("gemma3") if config["vision_config"].is_object() => Ok(Kind::MedGemma),
        Some("gemma3") => Err(PackError::TextOnly { file: "config.json".into() }),
        Some("gemma3_text") => Ok(Kind::MedGemmaText),
        Some(other) => {
            unsupported(format!("model_type {other:?}; taken are \"gemma3\", \"gemma3_text\" and \"siglip\""))
        }
        None => unsupported("no model_type".into()),
    }
}

/// A file of its own, or a field of `tokenizer_config.json`; and that it writes
/// Gemma's turns.
fn check_chat_template(dir: &Path) -> Result<()> {
    let own = "chat_template.jinja";
    if dir.join(own).is_file() {
        let bytes = std::fs::read(dir.join(own)).map_err(|source| PackError::Read { path: dir.join(own), source })?;
        return writes_turns(own, &String::from_utf8_lossy(&bytes));
    }
    for file in ["chat_template.json", "tokenizer_config.json"] {
        match read_json(dir, file) {
            Ok(value) if value["chat_template"].is_string() || value["chat_template"].is_array() => {
                return writes_turns(file, &value["chat_template"].to_string());
            }
            Ok(_) | Err(PackError::MissingFile { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Err(PackError::MissingFile { file: own.into() })
}

fn writes_turns(file: &str, template: &str) -> Result<()> {
    if template.contains("<start_of_turn>") {
        return Ok(());
    }
    Err(PackError::WrongTokenizer { file: file.into(), what: "its chat template writes no <start_of_turn>".into() })
}

fn open(dir: &Path, file: &str) -> Result<BufReader<File>> {
    let path = dir.join(file);
    match File::open(&path) {
        Ok(reader) => Ok(BufReader::new(reader)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(PackError::MissingFile { file: file.into() }),
        Err(source) => Err(PackError::Read { path, source }),
    }
}

pub(crate) fn read_json(dir: &Path, file: &str) -> Result<Value> {
    serde_json::from_reader(open(dir, file)?).map_err(|error| malformed(file, &error))
}

/// That a file is JSON, without holding it: a tokenizer has tens of megabytes.
pub(crate) fn check_json(dir: &Path, file: &str) -> Result<()> {
    serde_json::from_reader::<_, IgnoredAny>(open(dir, file)?).map(|_| ()).map_err(|error| malformed(file, &error))
}

fn malformed(file: &str, error: &serde_json::Error) -> PackError {
    PackError::Malformed { file: file.into(), reason: error.to_string() }
}
