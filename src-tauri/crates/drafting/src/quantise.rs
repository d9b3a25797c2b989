//! A checkpoint becomes a quantised pack, once, when it is added.
//!
//! The engine's own way is to load the model and quantise it, which needs the whole model in memory and leaves the vision
//! tower out of the result. Here the language model's linear layers are read, quantised and written a few rows at a time
//! (k-quants work on blocks of 256 numbers of one row, so rows are independent), and everything else is copied as it is.
//! The two files that come out are what mistral.rs 0.8.1 reads: a UQFF file (mistralrs-quant 0.8.1,
//! `gguf/mod.rs`, "Serialization structure") and `residual.safetensors`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Device, Tensor};
use serde_json::{Map, Value, json};

use crate::DraftingError;
use crate::checkpoint::{Stored, tensors_in};
use crate::view::read_json;

/// Everything that is not quantised: token table, norms, vision tower, projector. The engine looks for this name.
pub const RESIDUAL_FILE: &str = "residual.safetensors";

/// Tensor by whose presence the edited engine keeps token table and vision tower in bfloat16
/// (`overlays/mistralrs-core-0.8.1/hilum.rs`).
const KEEP_BF16: &str = "hilum.keep_bf16";

/// mistralrs-quant 0.8.1, `utils/uqff.rs`: UQFF 0.2.0, as [_, major, minor, patch].
const UQFF_VERSION: u32 = 2 << 8;

/// Numbers quantised by one thread at a time: 32 MiB in float32.
const PIECE: usize = 8 << 20;

/// How the language model's linear layers are stored. The vision tower is never quantised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantise {
    /// 4.5 bits a weight; the output table, on which every token depends, 6.6.
    Q4k,
    /// 8.5 bits a weight.
    Q8,
}

/// What a quantised pack takes, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Of the two weight files.
    pub disk: u64,
    /// Of the process that has loaded it, without keys and values of a draft.
    pub memory: u64,
}

/// How far a conversion has come, in bytes of the source that have been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvertProgress {
    pub done: u64,
    pub total: u64,
}

/// What mistral.rs and candle hold beside the weights: the vocabulary twice, the grammar's table, code and stacks.
const BESIDE_WEIGHTS: u64 = 500 << 20;

impl Quantise {
    /// Name of the file with the quantised layers.
    pub fn file(self) -> &'static str {
        match self {
            Self::Q4k => "q4k-0.uqff",
            Self::Q8 => "q8_0-0.uqff",
        }
    }

    /// Type of a layer with rows of this length. Rows that no whole number of blocks fits are stored finer, never coarser.
    fn dtype(self, layer: &str, columns: usize) -> GgmlDType {
        let wanted = match self {
            Self::Q4k if layer == OUTPUT => GgmlDType::Q6K,
            Self::Q4k => GgmlDType::Q4K,
            Self::Q8 => GgmlDType::Q8_0,
        };
        [wanted, GgmlDType::Q8_0].into_iter().find(|dtype| columns % dtype.block_size() == 0).unwrap_or(GgmlDType::F32)
    }
}

/// Sizes of the pack that [`convert`] would make of this folder; reads headers only.
pub fn quantised_sizes(source: &Path, quantise: Quantise) -> Result<Sizes, DraftingError> {
    let plan = Plan::of(source, quantise)?;
    let quantised: u64 = plan.layers.iter().map(|layer| layer.bytes() as u64).sum();
    let kept: u64 = plan.kept.values().map(|tensor| tensor.bytes).sum();
    let disk = quantised + kept;
    Ok(Sizes { disk, memory: disk + BESIDE_WEIGHTS })
}

/// Writes [`Quantise::file`] and [`RESIDUAL_FILE`] into `target`, from the weights of a Gemma 3 vision-language folder in
/// any spelling. The pack's other files are the source's own. Memory does not grow with the model. `cancel` is looked at
/// after every few megabytes.
///
/// # Errors
/// A source that is no such model, reading, writing, or [`DraftingError::Cancelled`]; what was written stays in `target`.
pub fn convert(
    source: &Path,
    target: &Path,
    quantise: Quantise,
    progress: &mut dyn FnMut(ConvertProgress),
    cancel: &AtomicBool,
) -> Result<(), DraftingError> {
    let plan = Plan::of(source, quantise)?;
    let total = plan.layers.iter().map(|layer| layer.source.bytes).sum::<u64>()
        + plan.kept.values().map(|t| t.bytes).sum::<u64>();
    let mut done = 0;
    let mut step = |bytes: u64| {
        done += bytes;
        progress(ConvertProgress { done, total });
        match cancel.load(Ordering::Relaxed) {
            true => Err(DraftingError::Cancelled),
            false => Ok(()),
        }
    };
    plan.write_layers(&target.join(quantise.file()), &mut step)?;
    plan.write_kept(&target.join(RESIDUAL_FILE), &mut step)
}

const OUTPUT: &str = "lm_head";

struct Layer {
    source: Stored,
    dtype: GgmlDType,
}

struct Plan {
    /// In the order in which the engine numbers them (mistralrs-core 0.8.1, `gemma3/text.rs`, `get_layers`).
    layers: Vec<Layer>,
    kept: BTreeMap<String, Stored>,
}

impl Plan {
    fn of(source: &Path, quantise: Quantise) -> Result<Self, DraftingError> {
        let path = source.join("config.json");
        let config = read_json(&path)?;
        let refuse = |what: String| DraftingError::Weights { path: source.to_owned(), what };
        let count = config["text_config"]["num_hidden_layers"]
            .as_u64()
            .ok_or(DraftingError::Config { path, what: "text_config.num_hidden_layers is missing".to_owned() })?;
        let mut kept = tensors_in(source)?;
        let table = kept.get("language_model.model.embed_tokens.weight").cloned();
        let table = table.ok_or_else(|| refuse("it has no token table".to_owned()))?;
        // Gemma ties its output to the token table; a checkpoint may still hold a copy of it.
        let tied = config["text_config"]["tie_word_embeddings"].as_bool().unwrap_or(true);
        let output = match kept.remove("language_model.lm_head.weight") {
            Some(own) if !tied => own,
            _ => table,
        };
        let mut layers =
            vec![layer(OUTPUT, output, quantise).ok_or_else(|| refuse("its output is no matrix".to_owned()))?];
        for index in 0..count {
            for part in [
                "self_attn.q_proj",
                "self_attn.k_proj",
                "self_attn.v_proj",
                "self_attn.o_proj",
                "mlp.gate_proj",
                "mlp.up_proj",
                "mlp.down_proj",
            ] {
                let name = format!("language_model.model.layers.{index}.{part}.weight");
                let tensor = kept.remove(&name).and_then(|stored| layer(part, stored, quantise));
                layers.push(tensor.ok_or_else(|| refuse(format!("{name} is missing or no matrix")))?);
            }
        }
        Ok(Self { layers, kept })
    }

    fn write_layers(
        &self,
        path: &Path,
        step: &mut dyn FnMut(u64) -> Result<(), DraftingError>,
    ) -> Result<(), DraftingError> {
        let entries = self
            .layers
            .iter()
            .enumerate()
            .map(|(index, layer)| (index.to_string(), "U8", vec![layer.bytes()], layer.bytes()));
        let mut out = Out::create(path, entries)?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        for layer in &self.layers {
            out.write(&layer.head())?;
            let (rows, columns) = (layer.source.shape[0], layer.source.shape[1]);
            let rows_at_once = (PIECE / columns).max(1);
            let starts: Vec<usize> = (0..rows).step_by(rows_at_once).collect();
            for group in starts.chunks(threads) {
                let pieces: Vec<_> = std::thread::scope(|scope| {
                    let work =
                        |&start: &usize| scope.spawn(move || layer.quantised(start, rows_at_once.min(rows - start)));
                    let running: Vec<_> = group.iter().map(work).collect();
                    running.into_iter().map(|thread| thread.join().expect("quantising does not panic")).collect()
                });
                for piece in pieces {
                    let (bytes, read) = piece?;
                    out.write(&bytes)?;
                    step(read)?;
                }
            }
        }
        out.finish()
    }

    fn write_kept(
        &self,
        path: &Path,
        step: &mut dyn FnMut(u64) -> Result<(), DraftingError>,
    ) -> Result<(), DraftingError> {
        // The wider types first, so that every tensor begins at a multiple of its type's size.
        let mut kept: Vec<_> = self.kept.iter().collect();
        kept.sort_by_key(|(_, tensor)| std::cmp::Reverse(tensor.dtype.size_in_bytes()));
        let large = |name: &str| {
            name.ends_with("embed_tokens.weight") || name.starts_with("vision_tower.vision_model.encoder.layers.")
        };
        let narrow = kept.iter().filter(|(name, _)| large(name)).all(|(_, tensor)| tensor.dtype == DType::BF16);
        let entries = kept
            .iter()
            .map(|(name, tensor)| ((*name).clone(), tensor.type_name(), tensor.shape.clone(), tensor.bytes as usize))
            .chain(narrow.then(|| (KEEP_BF16.to_owned(), "U8", vec![1], 1)));
        let mut out = Out::create(path, entries)?;
        for (_, tensor) in &kept {
            for offset in (0..tensor.bytes).step_by(PIECE) {
                let length = (PIECE as u64).min(tensor.bytes - offset);
                out.write(&tensor.read(offset, length as usize)?)?;
                step(length)?;
            }
        }
        if narrow {
            out.write(&[1])?;
        }
        out.finish()
    }
}

fn layer(name: &str, source: Stored, quantise: Quantise) -> Option<Layer> {
    let [_, columns] = source.shape[..] else { return None };
    Some(Layer { dtype: quantise.dtype(name, columns), source })
}

impl Layer {
    fn data_bytes(&self) -> usize {
        self.source.shape.iter().product::<usize>() / self.dtype.block_size() * self.dtype.type_size()
    }

    fn bytes(&self) -> usize {
        self.head().len() + self.data_bytes()
    }

    /// What UQFF writes before the numbers: version, kind (0: GGUF), length, no bias, type, shape.
    fn head(&self) -> Vec<u8> {
        // Numbers of the types in GGUF files (ggml.h, `enum ggml_type`).
        let dtype: u32 = match self.dtype {
            GgmlDType::Q8_0 => 8,
            GgmlDType::Q4K => 12,
            GgmlDType::Q6K => 14,
            _ => 0,
        };
        let mut head = UQFF_VERSION.to_le_bytes().to_vec();
        head.push(0);
        head.extend((self.data_bytes() as u32).to_le_bytes());
        head.push(0);
        for number in [dtype, 2, self.source.shape[0] as u32, self.source.shape[1] as u32] {
            head.extend(number.to_le_bytes());
        }
        head
    }

    /// Some rows, quantised, and how many bytes of the source they were.
    fn quantised(&self, start: usize, rows: usize) -> Result<(Vec<u8>, u64), DraftingError> {
        let columns = self.source.shape[1];
        let row = columns * self.source.dtype.size_in_bytes();
        let bytes = self.source.read((start * row) as u64, rows * row)?;
        let quantised = || {
            let numbers = Tensor::from_raw_buffer(&bytes, self.source.dtype, &[rows, columns], &Device::Cpu)?;
            Ok(QTensor::quantize(&numbers.to_dtype(DType::F32)?, self.dtype)?.data()?.into_owned())
        };
        let quantised = quantised().map_err(|error: candle_core::Error| DraftingError::Weights {
            path: self.source.path.clone(),
            what: format!("it cannot be quantised: {error}"),
        })?;
        Ok((quantised, bytes.len() as u64))
    }
}

/// A safetensors file whose header is written first and whose tensors follow in that order.
struct Out<'a> {
    path: &'a Path,
    file: BufWriter<File>,
}

impl<'a> Out<'a> {
    /// `entries`: name, type, shape and bytes of each tensor.
    fn create(
        path: &'a Path,
        entries: impl Iterator<Item = (String, &'static str, Vec<usize>, usize)>,
    ) -> Result<Self, DraftingError> {
        let mut header = Map::new();
        let mut offset = 0;
        for (name, dtype, shape, bytes) in entries {
            header.insert(name, json!({ "dtype": dtype, "shape": shape, "data_offsets": [offset, offset + bytes] }));
            offset += bytes;
        }
        let mut header = Value::Object(header).to_string().into_bytes();
        while header.len() % 8 != 0 {
            header.push(b' ');
        }
        let file = File::create(path).map_err(|source| DraftingError::Write { path: path.to_owned(), source })?;
        let mut out = Self { path, file: BufWriter::with_capacity(1 << 20, file) };
        out.write(&(header.len() as u64).to_le_bytes())?;
        out.write(&header)?;
        Ok(out)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), DraftingError> {
        self.file.write_all(bytes).map_err(|source| DraftingError::Write { path: self.path.to_owned(), source })
    }

    fn finish(self) -> Result<(), DraftingError> {
        let error = |source| DraftingError::Write { path: self.path.to_owned(), source };
        self.file.into_inner().map_err(|source| error(source.into_error()))?.sync_all().map_err(error)
    }
}
