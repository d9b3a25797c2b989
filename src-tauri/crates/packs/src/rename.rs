//! Weights under the names that an engine looks for: another header for a file, whose numbers stay as they are.
//!
//! What a model's publisher calls a tensor depends on the library that saved it. An engine that knows one spelling alone
//! would need a copy of the whole model at every load, so the names are put right once, while the files are copied.

use std::path::Path;

use serde_json::{Map, Value};

use crate::error::{PackError, Result};
use crate::weights::{INDEX_FILE, raw_header};

/// What a copy begins with, in the place of as many bytes of its source.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Beginning {
    pub instead_of: u64,
    pub bytes: Vec<u8>,
}

/// What a weight file, or the index of the shards, has to begin with for its tensors to be called as `name` says;
/// `None` where they are already. Fails with `pack.tensor_duplicate` where two would be called the same.
pub(crate) fn beginning(dir: &Path, file: &str, name: &dyn Fn(&str) -> String) -> Result<Option<Beginning>> {
    if file == INDEX_FILE { of_index(dir, name) } else { of_weights(dir, file, name) }
}

fn of_weights(dir: &Path, file: &str, name: &dyn Fn(&str) -> String) -> Result<Option<Beginning>> {
    let raw = raw_header(dir, file)?;
    let header: Map<String, Value> = parsed(file, &raw)?;
    let Some(header) = renamed(file, header, name)? else { return Ok(None) };
    let mut header = text_of(&header);
    // The numbers begin at a multiple of eight bytes, so that they can be mapped.
    while header.len() % 8 != 0 {
        header.push(b' ');
    }
    let bytes = [&(header.len() as u64).to_le_bytes()[..], &header].concat();
    Ok(Some(Beginning { instead_of: 8 + raw.len() as u64, bytes }))
}

fn of_index(dir: &Path, name: &dyn Fn(&str) -> String) -> Result<Option<Beginning>> {
    let path = dir.join(INDEX_FILE);
    let raw = std::fs::read(&path).map_err(|source| PackError::Read { path, source })?;
    let mut index: Map<String, Value> = parsed(INDEX_FILE, &raw)?;
    let Some(Value::Object(map)) = index.get_mut("weight_map") else { return Ok(None) };
    let Some(map_renamed) = renamed(INDEX_FILE, std::mem::take(map), name)? else { return Ok(None) };
    index.insert("weight_map".into(), Value::Object(map_renamed));
    Ok(Some(Beginning { instead_of: raw.len() as u64, bytes: text_of(&index) }))
}

/// The entries under their new names; `None` where none has another.
fn renamed(
    file: &str,
    entries: Map<String, Value>,
    name: &dyn Fn(&str) -> String,
) -> Result<Option<Map<String, Value>>> {
    let mut changed = false;
    let mut all = Map::new();
    for (old, entry) in entries {
        let new = if old == "__metadata__" { old.clone() } else { name(&old) };
        changed |= new != old;
        if all.insert(new, entry).is_some() {
            return Err(PackError::TensorDuplicate { file: file.to_owned(), tensor: old });
        }
    }
    Ok(changed.then_some(all))
}

fn parsed(file: &str, json: &[u8]) -> Result<Map<String, Value>> {
    serde_json::from_slice(json)
        .map_err(|error| PackError::Malformed { file: file.to_owned(), reason: error.to_string() })
}

fn text_of(object: &Map<String, Value>) -> Vec<u8> {
    serde_json::to_vec(object).expect("what was read as JSON is written as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn longer(name: &str) -> String {
        match name.strip_prefix("tower.") {
            Some(rest) if !rest.starts_with("inner.") => format!("tower.inner.{rest}"),
            _ => name.to_owned(),
        }
    }

    /// Writes a file of this name and sets what it has to begin with against what is expected.
    fn check(file: &str, bytes: &[u8], expected: std::result::Result<Option<Beginning>, &str>) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(file), bytes).unwrap();
        let found = beginning(dir.path(), file, &longer).map_err(|error| error.code());
        assert_eq!(found, expected, "{file}: {}", String::from_utf8_lossy(bytes));
    }

    fn weights(header: &str, data: &[u8]) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn only_names_change() {
        let file = "model.safetensors";
        let entry = |name: &str| format!(r#"{{"{name}":{{"data_offsets":[0,3],"dtype":"U8","shape":[3]}}}}"#);
        check(file, &weights(&entry("other"), b"abc"), Ok(None));
        let (old, mut new) = (entry("tower.a"), entry("tower.inner.a"));
        while new.len() % 8 != 0 {
            new.push(' ');
        }
        let beginning = Beginning { instead_of: 8 + old.len() as u64, bytes: weights(&new, b"") };
        check(file, &weights(&old, b"abc"), Ok(Some(beginning)));
        // Metadata is no tensor, whatever it is about.
        let about = r#"{"__metadata__":{"tower.":"x"}}"#;
        check(file, &weights(about, b""), Ok(None));
    }

    #[test]
    fn the_index_says_the_same() {
        let index = r#"{"weight_map":{"tower.a":"model-00001-of-00001.safetensors"}}"#;
        let new = r#"{"weight_map":{"tower.inner.a":"model-00001-of-00001.safetensors"}}"#;
        let beginning = Beginning { instead_of: index.len() as u64, bytes: new.into() };
        check(INDEX_FILE, index.as_bytes(), Ok(Some(beginning)));
        check(INDEX_FILE, new.as_bytes(), Ok(None));
        check(INDEX_FILE, b"{}", Ok(None));
        check(INDEX_FILE, b"[]", Err("pack.malformed"));
    }

    #[test]
    fn two_tensors_never_become_one() {
        let twice = r#"{"tower.a":{},"tower.inner.a":{}}"#;
        check("model.safetensors", &weights(twice, b""), Err("pack.tensor_duplicate"));
        check(INDEX_FILE, format!(r#"{{"weight_map":{twice}}}"#).as_bytes(), Err("pack.tensor_duplicate"));
    }

    #[test]
    fn what_is_no_weight_file_is_refused() {
        check("model.safetensors", b"abc", Err("pack.truncated"));
        check("model.safetensors", &weights("[]", b""), Err("pack.malformed"));
    }
}
