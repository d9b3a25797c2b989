//! Tensors of a folder of safetensors files, by the engine's names, read piece by piece.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use candle_core::DType;
use serde_json::Value;

use crate::DraftingError;
use crate::view::weights_in;
use crate::weights::{engine_name, read_header};

/// Where a tensor lies.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) path: PathBuf,
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    /// First byte in the file.
    pub(crate) start: u64,
    pub(crate) bytes: u64,
}

/// Every tensor of the folder's weight files, under the engine's name for it.
///
/// # Errors
/// A header that cannot be read, weights in other numbers than BF16, F16 and F32, a tensor outside its file, or two of one
/// name.
pub(crate) fn tensors_in(folder: &Path) -> Result<BTreeMap<String, Stored>, DraftingError> {
    let mut found = BTreeMap::new();
    for path in weights_in(folder)? {
        let (header, data) = read_header(&path)?;
        let refuse = |what: String| DraftingError::Weights { path: path.clone(), what };
        let length = data.get_ref().metadata().map_err(|source| read(&path, source))?.len();
        let first = data_start(&path)?;
        for (name, entry) in header {
            // Positions are counted, not learnt; older libraries saved them all the same, as integers.
            if name == "__metadata__" || name.ends_with(".position_ids") {
                continue;
            }
            let stored =
                stored(&path, first, length, &entry).ok_or_else(|| refuse(format!("{name} cannot be read")))?;
            let name = engine_name(&name);
            if found.insert(name.clone(), stored).is_some() {
                return Err(refuse(format!("two tensors become {name}")));
            }
        }
    }
    Ok(found)
}

fn data_start(path: &Path) -> Result<u64, DraftingError> {
    let mut length = [0; 8];
    let mut file = File::open(path).map_err(|source| read(path, source))?;
    file.read_exact(&mut length).map_err(|source| read(path, source))?;
    Ok(8 + u64::from_le_bytes(length))
}

fn stored(path: &Path, first: u64, length: u64, entry: &Value) -> Option<Stored> {
    let dtype = match entry["dtype"].as_str()? {
        "BF16" => DType::BF16,
        "F16" => DType::F16,
        "F32" => DType::F32,
        _ => return None,
    };
    let shape: Vec<usize> =
        entry["shape"].as_array()?.iter().map(|n| n.as_u64().map(|n| n as usize)).collect::<Option<_>>()?;
    let (begin, end) = (entry["data_offsets"][0].as_u64()?, entry["data_offsets"][1].as_u64()?);
    let bytes = shape.iter().try_fold(dtype.size_in_bytes(), |size, n| size.checked_mul(*n))? as u64;
    (end.checked_sub(begin)? == bytes && first + end <= length).then(|| Stored {
        path: path.to_owned(),
        dtype,
        shape,
        start: first + begin,
        bytes,
    })
}

impl Stored {
    /// `length` bytes from `offset` on within the tensor.
    pub(crate) fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, DraftingError> {
        let mut file = File::open(&self.path).map_err(|source| read(&self.path, source))?;
        file.seek(SeekFrom::Start(self.start + offset)).map_err(|source| read(&self.path, source))?;
        let mut bytes = vec![0; length];
        file.read_exact(&mut bytes).map_err(|source| read(&self.path, source))?;
        Ok(bytes)
    }

    /// Name of the type in a safetensors header.
    pub(crate) fn type_name(&self) -> &'static str {
        match self.dtype {
            DType::BF16 => "BF16",
            DType::F16 => "F16",
            _ => "F32",
        }
    }
}

fn read(path: &Path, source: std::io::Error) -> DraftingError {
    DraftingError::Read { path: path.to_owned(), source }
}
