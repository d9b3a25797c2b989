//! Tiny folders as a publisher would ship them, and ways to spoil them.

#![allow(dead_code)] // Each test uses its part.

pub mod desk;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use hilum_packs::{
    AddOptions, AddProgress, Convert, Library, Machine, Manifest, Memory, NoConversion, PackError, Surroundings,
    inspect_folder,
};
use hilum_testkit::gemma3::{Spelling, write_checkpoint};
use hilum_testkit::siglip::TinySiglip;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::{Value, json};

/// The shapes in which real models come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    SiglipSingle,
    SiglipSharded,
    /// As transformers 4 spells config and tensors: MedGemma 4B 1.0.
    Gemma4,
    /// As transformers 5 spells them: MedGemma 1.5.
    Gemma5,
    /// With an index and three shards: 4B and 27B as published.
    GemmaSharded,
    /// `Gemma3ForCausalLM`, the 27B text model.
    GemmaText,
}

pub use Folder::*;

pub const FOLDERS: [Folder; 6] = [SiglipSingle, SiglipSharded, Gemma4, Gemma5, GemmaSharded, GemmaText];

impl Folder {
    pub fn write(self, dir: &Path) {
        match self {
            Self::SiglipSingle => TinySiglip::references()[0].1.write(dir),
            Self::SiglipSharded => TinySiglip::references()[1].1.write(dir),
            Self::Gemma4 | Self::GemmaSharded | Self::GemmaText => write_checkpoint(dir, Spelling::Transformers4, 1),
            Self::Gemma5 => write_checkpoint(dir, Spelling::Transformers5, 1),
        }
        .unwrap();
        match self {
            Self::GemmaSharded => shard(dir),
            Self::GemmaText => without_eyes(dir),
            _ => {}
        }
    }

    /// The file that holds the last of its tensors.
    pub fn weights(self) -> &'static str {
        match self {
            Self::SiglipSharded => "model-00002-of-00002.safetensors",
            Self::GemmaSharded => "model-00003-of-00003.safetensors",
            _ => "model.safetensors",
        }
    }
}

/// Name, type, shape, bytes.
pub type Tensor = (String, Dtype, Vec<usize>, Vec<u8>);

pub fn read_tensors(path: &Path) -> Vec<Tensor> {
    let bytes = std::fs::read(path).unwrap();
    let all = SafeTensors::deserialize(&bytes).unwrap();
    let mut all: Vec<Tensor> =
        all.tensors().into_iter().map(|(name, t)| (name, t.dtype(), t.shape().to_vec(), t.data().to_vec())).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

pub fn write_tensors(path: &Path, tensors: &[Tensor]) {
    let views =
        tensors.iter().map(|(name, dtype, shape, data)| (name, TensorView::new(*dtype, shape.clone(), data).unwrap()));
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// Changes the tensors of a weight file.
pub fn change(path: &Path, change: impl FnOnce(&mut Vec<Tensor>)) {
    let mut tensors = read_tensors(path);
    change(&mut tensors);
    write_tensors(path, &tensors);
}

/// Writes a header by hand, whatever it claims.
pub fn write_raw(path: &Path, header: &Value, data: &[u8]) {
    let header = header.to_string();
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat();
    std::fs::write(path, bytes).unwrap();
}

fn shard(dir: &Path) {
    let tensors = read_tensors(&dir.join("model.safetensors"));
    std::fs::remove_file(dir.join("model.safetensors")).unwrap();
    let mut map = BTreeMap::new();
    for (i, part) in tensors.chunks(tensors.len().div_ceil(3)).enumerate() {
        let file = format!("model-{:05}-of-00003.safetensors", i + 1);
        write_tensors(&dir.join(&file), part);
        map.extend(part.iter().map(|(name, ..)| (name.clone(), file.clone())));
    }
    let index = json!({ "metadata": { "total_size": 0 }, "weight_map": map });
    std::fs::write(dir.join("model.safetensors.index.json"), index.to_string()).unwrap();
}

fn without_eyes(dir: &Path) {
    change(&dir.join("model.safetensors"), |tensors| {
        tensors.retain(|(name, ..)| name.starts_with("language_model."));
        tensors.iter_mut().for_each(|(name, ..)| *name = name.replace("language_model.model.", "model."));
    });
    edit(&dir.join("config.json"), |config| {
        let mut text = config["text_config"].take();
        text["architectures"] = json!(["Gemma3ForCausalLM"]);
        text["eos_token_id"] = config["eos_token_id"].clone();
        // The published table has no row for the image token.
        text["vocab_size"] = json!(text["vocab_size"].as_u64().unwrap() - 1);
        *config = text;
    });
    change(&dir.join("model.safetensors"), |tensors| {
        let table = tensors.iter_mut().find(|(name, ..)| name == "model.embed_tokens.weight").unwrap();
        table.2[0] -= 1;
        table.3.truncate(table.2.iter().product::<usize>() * 4);
    });
    for file in ["preprocessor_config.json", "processor_config.json"] {
        std::fs::remove_file(dir.join(file)).unwrap();
    }
}

pub fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    change(&mut value);
    std::fs::write(path, serde_json::to_vec(&value).unwrap()).unwrap();
}

pub fn replace(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from:?} is not in {path:?}");
    std::fs::write(path, text.replace(from, to)).unwrap();
}

pub fn remove(dir: &Path, file: &str) {
    std::fs::remove_file(dir.join(file)).unwrap();
}

pub fn resize(path: &Path, by: i64) {
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len().checked_add_signed(by).unwrap()).unwrap();
}

/// A machine with room for everything.
pub struct Roomy;

impl Machine for Roomy {
    fn free_disk(&self, _: &Path) -> Option<u64> {
        Some(1 << 50)
    }

    fn memory(&self) -> Option<Memory> {
        Some(Memory { total: 1 << 50, available: 1 << 50 })
    }
}

/// Options of a person who has accepted the terms.
pub fn accepted() -> AddOptions {
    AddOptions { terms_accepted_at: Some("2026-11-23T12:00:00Z".into()), ..AddOptions::default() }
}

/// Adds a folder on a roomy machine.
pub fn add(
    library: &Library,
    dir: &Path,
    options: &AddOptions,
    progress: &mut dyn FnMut(AddProgress),
    cancel: &AtomicBool,
) -> hilum_packs::Result<Manifest> {
    add_with(library, dir, options, &NoConversion, progress, cancel)
}

pub fn add_with(
    library: &Library,
    dir: &Path,
    options: &AddOptions,
    convert: &dyn Convert,
    progress: &mut dyn FnMut(AddProgress),
    cancel: &AtomicBool,
) -> hilum_packs::Result<Manifest> {
    library.add(dir, options, Surroundings { machine: &Roomy, convert, progress, cancel })
}

/// Writes a good folder, spoils it, and expects the refusal and the file it names,
/// from a look at the folder as from its addition, which leaves nothing behind.
pub fn check(folder: Folder, code: &str, file: &str, spoil: impl FnOnce(&Path)) -> PackError {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("download");
    folder.write(&dir);
    spoil(&dir);
    let error = inspect_folder(&dir).expect_err("a spoilt folder was taken");
    assert_eq!((error.code(), error.file()), (code, Some(file)), "{folder:?}: {error}");
    assert!(error.to_string().contains(file), "{error}");
    let packs = root.path().join("packs");
    let library = Library::new(&packs, None);
    let refused = add(&library, &dir, &accepted(), &mut |_| {}, &AtomicBool::new(false)).unwrap_err();
    assert_eq!((refused.code(), refused.file()), (code, Some(file)), "{folder:?}: {refused}");
    assert_eq!(left_in(&packs), Vec::<String>::new());
    error
}

/// What lies in a folder of packs, the lock aside.
pub fn left_in(packs: &Path) -> Vec<String> {
    let mut names: Vec<String> = match std::fs::read_dir(packs) {
        Ok(entries) => entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect(),
        Err(_) => Vec::new(),
    };
    names.retain(|name| name != ".lock");
    names.sort();
    names
}
