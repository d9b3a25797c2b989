//! Safetensors files as named, shape-checked float32 tensors.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use candle_core::safetensors::MmapedSafetensors;
use candle_core::{DType, Device, Tensor};
use serde::Deserialize;

use crate::error::{EncoderError, Result};

/// The mapped weight files of a pack. Mapping costs no memory of its own;
/// a tensor is copied out, and widened to float32, when it is asked for.
pub(crate) struct Weights {
    files: MmapedSafetensors,
}

#[derive(Deserialize)]
struct ShardIndex {
    weight_map: std::collections::BTreeMap<String, String>,
}

impl Weights {
    /// Opens `model.safetensors`, or the shards that
    /// `model.safetensors.index.json` names, in a pack folder.
    pub fn open(dir: &Path) -> Result<Self> {
        let paths = weight_files(dir)?;
        // SAFETY: the map is sound while nobody truncates the files under it.
        // Packs are written once, under a temporary name, and renamed.
        let files = unsafe { MmapedSafetensors::multi(&paths) }
            .map_err(|source| EncoderError::Weights { path: dir.to_owned(), source })?;
        Ok(Self { files })
    }

    /// A tensor of exactly this shape, as finite float32.
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let view = self.files.get(name).map_err(|_| EncoderError::MissingTensor { name: name.to_owned() })?;
        if view.shape() != shape {
            return Err(EncoderError::TensorShape {
                name: name.to_owned(),
                expected: shape.to_vec(),
                found: view.shape().to_vec(),
            });
        }
        self.files
            .load(name, &Device::Cpu)
            .and_then(|tensor| tensor.to_dtype(DType::F32))
            .map_err(|source| EncoderError::Weights { path: PathBuf::from(name), source })
    }

    /// The numbers of [`Self::tensor`], row by row.
    pub fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        self.tensor(name, shape)?
            .flatten_all()
            .and_then(|tensor| tensor.to_vec1())
            .map_err(|source| EncoderError::Weights { path: PathBuf::from(name), source })
    }

    /// A single number, stored as a scalar or as a vector of one.
    pub fn scalar(&self, name: &str) -> Result<f32> {
        let view = self.files.get(name).map_err(|_| EncoderError::MissingTensor { name: name.to_owned() })?;
        let shape = view.shape().to_vec();
        if shape.iter().product::<usize>() != 1 {
            return Err(EncoderError::TensorShape { name: name.to_owned(), expected: vec![1], found: shape });
        }
        let value = self
            .tensor(name, &shape)?
            .reshape(())
            .and_then(|tensor| tensor.to_scalar::<f32>())
            .map_err(|source| EncoderError::Weights { path: PathBuf::from(name), source })?;
        match value.is_finite() {
            true => Ok(value),
            false => Err(EncoderError::NotFinite { name: name.to_owned() }),
        }
    }
}

fn weight_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let single = dir.join("model.safetensors");
    if single.is_file() {
        return Ok(vec![single]);
    }
    let index_path = dir.join("model.safetensors.index.json");
    let bytes = std::fs::read(&index_path).map_err(|source| EncoderError::Read { path: single, source })?;
    let index: ShardIndex =
        serde_json::from_slice(&bytes).map_err(|source| EncoderError::Json { path: index_path.clone(), source })?;
    let names: BTreeSet<_> = index.weight_map.into_values().collect();
    for name in &names {
        // A shard lies beside its index; a name that leads elsewhere is not one.
        if Path::new(name).file_name() != Some(name.as_ref()) {
            return Err(EncoderError::Unsupported {
                path: index_path,
                what: format!("a shard outside the folder, {name:?}"),
            });
        }
    }
    Ok(names.into_iter().map(|name| dir.join(name)).collect())
}
