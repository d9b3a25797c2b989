//! Tensor names: one spelling out of the several that are published.
//!
//! A safetensors file is eight bytes of header length, a JSON header and the data
//! (<https://github.com/huggingface/safetensors>, "Format"). Offsets in the header count
//! from the start of the data, so renaming needs a new header and a copy of the rest.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use serde_json::{Map, Value};

use crate::DraftingError;

/// Headers above this are refused, as the format's own library does.
const MOST_HEADER: u64 = 100_000_000;

/// Name under which the engine looks a tensor up.
///
/// transformers 4 writes `vision_tower.vision_model.…`; transformers 5 leaves
/// `vision_model.` out; folders saved from a model in memory begin with `model.` and call
/// the decoder `model.language_model.…`. A name that is the engine's already is its own.
pub fn engine_name(name: &str) -> String {
    let inner = match name.strip_prefix("model.") {
        Some(rest)
            if ["language_model.", "vision_tower.", "multi_modal_projector."]
                .iter()
                .any(|part| rest.starts_with(part)) =>
        {
            rest
        }
        _ => name,
    };
    if let Some(rest) = inner.strip_prefix("vision_tower.") {
        return match rest.starts_with("vision_model.") {
            true => inner.to_owned(),
            false => format!("vision_tower.vision_model.{rest}"),
        };
    }
    if let Some(rest) = inner.strip_prefix("language_model.") {
        return match rest.starts_with("model.") || rest.starts_with("lm_head.") {
            true => inner.to_owned(),
            false => format!("language_model.model.{rest}"),
        };
    }
    match inner.starts_with("lm_head.") {
        true => format!("language_model.{inner}"),
        false => inner.to_owned(),
    }
}

/// Whether any tensor of this safetensors file has to be renamed.
pub(crate) fn needs_renaming(path: &Path) -> Result<bool, DraftingError> {
    let (header, _) = read_header(path)?;
    Ok(header.keys().any(|name| name != "__metadata__" && engine_name(name) != *name))
}

/// Copies a safetensors file with the engine's names. The data is streamed, never held.
pub(crate) fn rename(source: &Path, target: &Path) -> Result<(), DraftingError> {
    let (header, mut data) = read_header(source)?;
    let mut renamed = Map::new();
    for (name, entry) in header {
        let name = if name == "__metadata__" { name } else { engine_name(&name) };
        if renamed.insert(name.clone(), entry).is_some() {
            return Err(refuse(source, &format!("two tensors become {name}")));
        }
    }
    let mut header = serde_json::to_vec(&renamed)
        .map_err(|source_error| DraftingError::Json { path: source.to_owned(), source: source_error })?;
    // The data begins at a multiple of eight bytes, so that it can be mapped as numbers.
    while header.len() % 8 != 0 {
        header.push(b' ');
    }
    let write = |error| DraftingError::Write { path: target.to_owned(), source: error };
    let mut out = BufWriter::with_capacity(1 << 20, File::create(target).map_err(write)?);
    out.write_all(&(header.len() as u64).to_le_bytes()).map_err(write)?;
    out.write_all(&header).map_err(write)?;
    std::io::copy(&mut data, &mut out).map_err(write)?;
    out.into_inner().map_err(|error| write(error.into_error()))?.sync_all().map_err(write)
}

pub(crate) fn read_header(path: &Path) -> Result<(Map<String, Value>, BufReader<File>), DraftingError> {
    let read = |error| DraftingError::Read { path: path.to_owned(), source: error };
    let mut file = BufReader::with_capacity(1 << 20, File::open(path).map_err(read)?);
    let length_of_file = file.get_ref().metadata().map_err(read)?.len();
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(|_| refuse(path, "it is shorter than a header"))?;
    let length = u64::from_le_bytes(length);
    if length > MOST_HEADER || length + 8 > length_of_file {
        return Err(refuse(path, "its header is longer than the file or the format allows"));
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header).map_err(read)?;
    match serde_json::from_slice(&header) {
        Ok(Value::Object(header)) => Ok((header, file)),
        _ => Err(refuse(path, "its header is not a JSON object")),
    }
}

fn refuse(path: &Path, what: &str) -> DraftingError {
    DraftingError::Weights { path: path.to_owned(), what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (published, engine) in [
            ("vision_tower.vision_model.post_layernorm.bias", "vision_tower.vision_model.post_layernorm.bias"),
            ("vision_tower.post_layernorm.bias", "vision_tower.vision_model.post_layernorm.bias"),
            ("model.vision_tower.vision_model.encoder.x", "vision_tower.vision_model.encoder.x"),
            ("model.vision_tower.encoder.x", "vision_tower.vision_model.encoder.x"),
            ("language_model.model.norm.weight", "language_model.model.norm.weight"),
            ("model.language_model.norm.weight", "language_model.model.norm.weight"),
            ("language_model.lm_head.weight", "language_model.lm_head.weight"),
            ("lm_head.weight", "language_model.lm_head.weight"),
            ("model.multi_modal_projector.mm_soft_emb_norm.weight", "multi_modal_projector.mm_soft_emb_norm.weight"),
            ("multi_modal_projector.mm_soft_emb_norm.weight", "multi_modal_projector.mm_soft_emb_norm.weight"),
        ] {
            assert_eq!(engine_name(published), engine);
            assert_eq!(engine_name(engine), engine, "renaming twice changes nothing");
        }
    }

    fn file(folder: &Path, name: &str, header: &str, data: &[u8]) -> std::path::PathBuf {
        let path = folder.join(name);
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(data);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn renaming_keeps_the_data() {
        let folder = tempfile::tempdir().unwrap();
        let header =
            r#"{"__metadata__":{"format":"pt"},"vision_tower.a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#;
        let source = file(folder.path(), "in", header, b"abc");
        let target = folder.path().join("out");
        assert!(needs_renaming(&source).unwrap());
        rename(&source, &target).unwrap();
        assert!(!needs_renaming(&target).unwrap());
        let bytes = std::fs::read(&target).unwrap();
        assert!(bytes.ends_with(b"abc"));
        let (header, _) = read_header(&target).unwrap();
        assert_eq!(header["vision_tower.vision_model.a"]["data_offsets"][1], 3);
        assert_eq!(u64::from_le_bytes(bytes[..8].try_into().unwrap()) % 8, 0);
    }

    #[test]
    fn broken_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let twice = r#"{"vision_tower.a":{},"vision_tower.vision_model.a":{}}"#;
        for (name, header, data) in [("array", "[]", ""), ("text", "{x", ""), ("twice", twice, "")] {
            let path = file(folder.path(), name, header, data.as_bytes());
            let error = rename(&path, &folder.path().join("out")).unwrap_err();
            assert_eq!(error.code(), "drafting.weights", "{name}");
        }
        for bytes in [&b"abc"[..], &u64::MAX.to_le_bytes(), &[9, 0, 0, 0, 0, 0, 0, 0, 1]] {
            let path = folder.path().join("short");
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(needs_renaming(&path).unwrap_err().code(), "drafting.weights");
        }
    }
}
