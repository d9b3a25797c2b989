//! The headers of a folder's safetensors files: names, types, shapes and places,
//! without reading a single weight.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use safetensors::tensor::{Dtype, Metadata};
use serde::Deserialize;

use crate::error::{PackError, Result};
use crate::folder::refuse_pointer;
use crate::manifest::is_plain_name;

pub(crate) const SINGLE_FILE: &str = "model.safetensors";
pub(crate) const INDEX_FILE: &str = "model.safetensors.index.json";

/// The format's own limit on its header.
const MAX_HEADER: u64 = 100_000_000;

/// Every tensor of a checkpoint, by its name in the files.
#[derive(Default)]
pub(crate) struct Tensors {
    /// The weight files, and the index where there is one.
    pub files: BTreeSet<String>,
    tensors: BTreeMap<String, TensorHeader>,
}

pub(crate) struct TensorHeader {
    pub file: String,
    pub shape: Vec<usize>,
    pub dtype: Dtype,
    /// Where its bytes lie in the file, counted from the file's beginning.
    pub bytes: Range<u64>,
}

impl TensorHeader {
    pub fn numbers(&self) -> u64 {
        self.shape.iter().map(|side| *side as u64).product()
    }
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl Tensors {
    /// Reads the headers of `model.safetensors`, or of every shard that the
    /// index names. Fails with the file's name where one is missing, cut
    /// short, or without a tensor that the index places in it.
    pub fn read(dir: &Path) -> Result<Self> {
        if dir.join(SINGLE_FILE).is_file() {
            let mut all = Self::default();
            all.add(dir, SINGLE_FILE)?;
            return Ok(all);
        }
        if !dir.join(INDEX_FILE).is_file() {
            let sharded = first_shard(dir)?;
            let file = if sharded { INDEX_FILE } else { SINGLE_FILE };
            return Err(PackError::MissingFile { file: file.into() });
        }
        let path = dir.join(INDEX_FILE);
        let bytes = std::fs::read(&path).map_err(|source| PackError::Read { path, source })?;
        refuse_pointer(dir, INDEX_FILE, bytes.len() as u64)?;
        let malformed = |reason: String| PackError::Malformed { file: INDEX_FILE.into(), reason };
        let index: Index = serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
        let shards: BTreeSet<String> = index.weight_map.values().cloned().collect();
        let mut all = Self::default();
        for shard in &shards {
            // Loaders look for this beginning; a shard of another name would be copied and never read.
            if !is_plain_name(shard) || !shard.starts_with("model") || !shard.ends_with(".safetensors") {
                return Err(malformed(format!("{shard:?} is not the name of a shard")));
            }
            all.add(dir, shard)?;
        }
        for (tensor, shard) in &index.weight_map {
            if all.tensors.get(tensor).is_none_or(|header| &header.file != shard) {
                return Err(PackError::TensorMissing { file: shard.clone(), tensor: tensor.clone() });
            }
        }
        all.files.insert(INDEX_FILE.into());
        Ok(all)
    }

    /// Reads the header of one more file. Fails with `pack.tensor_duplicate` where one of its tensors is there already.
    pub fn add(&mut self, dir: &Path, file: &str) -> Result<()> {
        for (tensor, header) in read_header(dir, file)? {
            if self.tensors.insert(tensor.clone(), header).is_some() {
                return Err(PackError::TensorDuplicate { file: file.to_owned(), tensor });
            }
        }
        self.files.insert(file.to_owned());
        Ok(())
    }

    /// A file to name where a tensor is in none of them.
    pub fn first_file(&self) -> String {
        self.files.first().cloned().unwrap_or_default()
    }

    /// Numbers in all tensors together.
    pub fn parameters(&self) -> u64 {
        self.tensors.values().map(TensorHeader::numbers).sum()
    }

    /// The types that occur, as safetensors spells them, for example "BF16".
    pub fn dtypes(&self) -> BTreeSet<String> {
        self.tensors.values().map(|header| format!("{:?}", header.dtype)).collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&String, &TensorHeader)> {
        self.tensors.iter()
    }
}

fn first_shard(dir: &Path) -> Result<bool> {
    let entries = std::fs::read_dir(dir).map_err(|source| PackError::Read { path: dir.to_owned(), source })?;
    Ok(entries.flatten().any(|entry| entry.file_name().to_string_lossy().ends_with(".safetensors")))
}

/// What a weight file says of its tensors, without the eight bytes of length before it. Fails with the file's name
/// where it is missing, shorter than it says, or a pointer in its place.
pub(crate) fn raw_header(dir: &Path, file: &str) -> Result<Vec<u8>> {
    let path = dir.join(file);
    let mut reader = match File::open(&path) {
        Ok(reader) => reader,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(PackError::MissingFile { file: file.into() });
        }
        Err(source) => return Err(PackError::Read { path, source }),
    };
    let read_error = |source| PackError::Read { path: path.clone(), source };
    let found = reader.metadata().map_err(read_error)?.len();
    let truncated = |expected| PackError::Truncated { file: file.into(), expected, found };
    if found < 8 {
        return Err(truncated(8));
    }
    let mut length = [0; 8];
    reader.read_exact(&mut length).map_err(read_error)?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER {
        refuse_pointer(dir, file, found)?;
        return Err(PackError::Malformed { file: file.into(), reason: format!("a header of {length} bytes") });
    }
    if found < 8 + length {
        return Err(truncated(8 + length));
    }
    let mut header = vec![0; length as usize];
    reader.read_exact(&mut header).map_err(read_error)?;
    Ok(header)
}

/// Every tensor of one file, by its name there.
fn read_header(dir: &Path, file: &str) -> Result<Vec<(String, TensorHeader)>> {
    let malformed = |reason: String| PackError::Malformed { file: file.into(), reason };
    let header = raw_header(dir, file)?;
    let path = dir.join(file);
    let found = std::fs::metadata(&path).map_err(|source| PackError::Read { path, source })?.len();
    let length = header.len() as u64;
    // Deserialising checks that the tensors lie end to end without gaps and
    // are as long as their shapes and types say.
    let metadata: Metadata = serde_json::from_slice(&header).map_err(|error| malformed(error.to_string()))?;
    let expected = 8 + length + metadata.data_len() as u64;
    if found < expected {
        return Err(PackError::Truncated { file: file.into(), expected, found });
    }
    if found > expected {
        return Err(malformed(format!("{} bytes after the last tensor", found - expected)));
    }
    Ok(metadata
        .tensors()
        .into_iter()
        .map(|(name, info)| {
            let (begin, end) = info.data_offsets;
            let bytes = 8 + length + begin as u64..8 + length + end as u64;
            (name, TensorHeader { file: file.to_owned(), shape: info.shape.clone(), dtype: info.dtype, bytes })
        })
        .collect())
}
