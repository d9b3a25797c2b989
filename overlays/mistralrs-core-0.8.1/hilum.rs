//! Hilum's own part of this crate: what the one-line edits of `overlays/` call.
//!
//! The arithmetic is not here. The program hands its kernels over once ([`HILUM_KERNELS`]); what stands here brings the
//! engine's tensors to them as plain slices. Without kernels, on another device than the processor, and for anything that
//! they do not take, each function steps aside and the engine does as released.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{atomic::AtomicUsize, Arc, Mutex, OnceLock};

use candle_core::{safetensors::MmapedSafetensors, CpuStorage, DType, Device, Result, Storage, Tensor, TensorId, D};
use candle_nn::Embedding;
use mistralrs_quant::{
    IsqType, QuantMethod, QuantMethodConfig, QuantizeOntoGuard, QuantizedConfig, QuantizedSerde, ShardedVarBuilder,
};

use crate::attention::SdpaParams;
use crate::layers::Activation;
use crate::paged_attention::encoder_cache::{cached_encode_images, EncoderCacheManager};
use crate::vision_models::siglip::SiglipVisionConfig;

/// What this build of the engine can do beyond the release, in words for a person. A program that sees this name was
/// built with the edits; one that does not was built with the crate as released.
pub const HILUM_OVERLAY: &str = "kernels, exact sliding window, quantised packs read in place, answers written together";

/// The program's kernels. Set once, before the first model is loaded.
pub static HILUM_KERNELS: OnceLock<HilumKernels> = OnceLock::new();

/// Functions over plain slices. Shapes are in numbers; matrices lie row by row.
#[derive(Clone, Copy)]
pub struct HilumKernels {
    pub attention: fn(HilumAttention<'_>),
    /// Bytes of a row of this type (ggml's number) and length, where [`Self::products`] takes matrices of such rows.
    pub row_bytes: fn(u32, usize) -> Option<usize>,
    /// `y[i] = x w[i]^T`: matrices of one number of columns, then `x`, then a place for each result; false when it was told
    /// to stop on the way.
    pub products: fn(&[HilumMatrix<'_>], &[f32], &mut [&mut [f32]]) -> bool,
    /// `out = gelu(gate) * up` (tanh form), number by number.
    pub gated: fn(&[f32], &[f32], &mut [f32]),
    /// `out = x / sqrt(mean of squares + eps) * weight`, for each row of as many numbers as `weight` has.
    pub rms_norm: fn(&[f32], &[f32], f32, &mut [f32]),
    /// Packs the layers of a SigLIP tower.
    pub tower: fn(HilumTower, &mut HilumWeights<'_>) -> std::result::Result<HilumEncoder, String>,
    /// The model's token table, where the program reads its rows itself: token ids to rows.
    pub token_table: fn() -> Option<HilumTable>,
    /// Tokens at once, layer, layers: whether to go on. Asked before each layer of the language model.
    pub step: fn(usize, usize, usize) -> bool,
    /// Tokens at once: whether to go on. Asked within a layer, before each of its larger parts.
    pub go_on: fn(usize) -> bool,
    /// The encoded images of the request that runs, as far as the program has them; one entry an image.
    pub encoded: fn() -> Vec<Option<Vec<f32>>>,
    /// Takes the encoded image of this index.
    pub keep: fn(usize, Vec<f32>),
    /// How many tokens of the prompt were known, of how many.
    pub reused: fn(usize, usize),
}

/// A layer's tensor by name; the layer is the first argument.
pub type HilumWeights<'a> = dyn FnMut(usize, &str) -> std::result::Result<Vec<f32>, String> + 'a;

/// Takes tokens (`tokens` x hidden) through all layers in place; false when it was told to stop.
pub type HilumEncoder = Box<dyn Fn(&mut [f32], usize) -> bool + Send + Sync>;

/// False when the program has let the model go, with which its token table went.
pub type HilumTable = Box<dyn Fn(&[u32], &mut [f32]) -> bool + Send + Sync>;

/// A quantised matrix.
#[derive(Clone, Copy)]
pub struct HilumMatrix<'a> {
    /// ggml's number of the type.
    pub dtype: u32,
    pub rows: usize,
    pub columns: usize,
    pub bytes: &'a [u8],
}

/// softmax(scale q k^T + mask) v.
pub struct HilumAttention<'a> {
    /// Batch, heads, key heads, queries, keys, numbers in each.
    pub shape: [usize; 6],
    /// Values, and the distance from one sample, head and token to the next.
    pub q: (&'a [f32], [usize; 3]),
    pub k: (&'a [f32], [usize; 3]),
    pub v: (&'a [f32], [usize; 3]),
    /// queries x keys, added to the scores.
    pub mask: Option<&'a [f32]>,
    pub scale: f32,
    /// Batch x queries x heads x numbers.
    pub out: &'a mut [f32],
}

/// Sizes of a SigLIP tower.
#[derive(Debug, Clone, Copy)]
pub struct HilumTower {
    pub layers: usize,
    pub hidden: usize,
    pub heads: usize,
    pub mlp: usize,
    pub eps: f32,
    /// The weights are stored in 16 bits, and the pack asks to compute with no more than that.
    pub narrow: bool,
}

/// Tensor at the root of a weight file by whose presence the file says that its token table and vision tower are meant
/// to stay in 16 bits or fewer.
const KEEP_BF16: &str = "hilum.keep_bf16";

fn kernels() -> Option<&'static HilumKernels> {
    HILUM_KERNELS.get()
}

/// Runs `work` with the numbers of contiguous float32 tensors on the processor.
fn with_slice<T>(tensor: &Tensor, work: impl FnOnce(&[f32], &[usize]) -> Result<T>) -> Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(CpuStorage::F32(numbers)) => work(&numbers[layout.start_offset()..], layout.stride()),
        _ => candle_core::bail!("not float32 on the processor"),
    }
}

fn plain(tensor: &Tensor) -> bool {
    tensor.device().is_cpu() && tensor.dtype() == DType::F32
}

/// Attention with the kernels; `None` where they do not take this call.
pub(crate) fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    mask: Option<&Tensor>,
    params: &SdpaParams,
) -> Result<Option<Tensor>> {
    let Some(kernels) = kernels() else { return Ok(None) };
    let (batch, heads, queries, dim) = q.dims4()?;
    let (_, key_heads, keys, key_dim) = k.dims4()?;
    let takes = [q, k, v].into_iter().all(|x| plain(x) && x.stride().last() == Some(&1))
        && key_dim == dim
        && v.dim(D::Minus1)? == dim
        && mask.is_none_or(|mask| mask.dims() == [queries, keys] && plain(mask))
        && params.softcap.is_none_or(|softcap| softcap == 1.0);
    if !takes {
        return Ok(None);
    }
    go_on(kernels, batch * queries)?;
    let mask = mask.map(Tensor::contiguous).transpose()?;
    let mut out = vec![0f32; batch * queries * heads * dim];
    let strides = |stride: &[usize]| [stride[0], stride[1], stride[2]];
    with_slice(q, |q, q_stride| {
        with_slice(k, |k, k_stride| {
            with_slice(v, |v, v_stride| {
                let mut run = |mask: Option<&[f32]>| {
                    (kernels.attention)(HilumAttention {
                        shape: [batch, heads, key_heads, queries, keys, dim],
                        q: (q, strides(q_stride)),
                        k: (k, strides(k_stride)),
                        v: (v, strides(v_stride)),
                        mask,
                        scale: params.softmax_scale,
                        out: &mut out,
                    });
                };
                match &mask {
                    None => run(None),
                    Some(mask) => with_slice(mask, |mask, _| {
                        run(Some(&mask[..queries * keys]));
                        Ok(())
                    })?,
                }
                Ok(())
            })
        })
    })?;
    Ok(Some(Tensor::from_vec(out, (batch, queries, heads, dim), q.device())?.transpose(1, 2)?))
}

/// gelu(a) * b with the kernels; `None` where they do not take this call.
pub(crate) fn gated(a: &Tensor, b: &Tensor, act: Activation) -> Result<Option<Tensor>> {
    let Some(kernels) = kernels() else { return Ok(None) };
    let gelu = matches!(act, Activation::NewGelu | Activation::GeluPytorchTanh);
    if !gelu || !plain(a) || !plain(b) || a.dims() != b.dims() || !a.is_contiguous() || !b.is_contiguous() {
        return Ok(None);
    }
    let count = a.elem_count();
    go_on(kernels, rows_of(a)?)?;
    let mut out = vec![0f32; count];
    with_slice(a, |a, _| {
        with_slice(b, |b, _| {
            (kernels.gated)(&a[..count], &b[..count], &mut out);
            Ok(())
        })
    })?;
    Ok(Some(Tensor::from_vec(out, a.shape(), a.device())?))
}

/// The norm of each row, times `weight`.
pub(crate) fn rms_norm(x: &Tensor, weight: &Tensor, eps: f32) -> Result<Tensor> {
    let kernels = kernels().filter(|_| plain(x) && plain(weight) && x.is_contiguous() && weight.is_contiguous());
    let Some(kernels) = kernels else { return candle_nn::ops::rms_norm(&x.contiguous()?, weight, eps) };
    let (count, width) = (x.elem_count(), weight.elem_count());
    let mut out = vec![0f32; count];
    with_slice(x, |x, _| {
        with_slice(weight, |weight, _| {
            (kernels.rms_norm)(&x[..count], &weight[..width], eps, &mut out);
            Ok(())
        })
    })?;
    Tensor::from_vec(out, x.shape(), x.device())
}

/// The matrix in an artifact, as mistralrs-quant's `gguf/mod.rs` ("Serialization structure") writes it: version, kind
/// (0: GGUF), length, no bias, type, two dimensions, bytes. `None` for what is written otherwise.
fn matrix_in(artifact: &[u8]) -> Option<HilumMatrix<'_>> {
    const HEAD: usize = 26;
    let word = |at: usize| Some(u32::from_le_bytes(artifact.get(at..at + 4)?.try_into().ok()?));
    let (kind, bias) = (*artifact.get(4)?, *artifact.get(9)?);
    let (length, dtype, dims) = (word(5)? as usize, word(10)?, word(14)?);
    let (rows, columns) = (word(18)? as usize, word(22)? as usize);
    let bytes = artifact.get(HEAD..)?;
    ((kind, bias, dims) == (0, 0, 2) && bytes.len() == length).then_some(HilumMatrix { dtype, rows, columns, bytes })
}

/// A layer that multiplies with its bytes where they lie in the mapped file; `None` where the kernels do not take it.
///
/// # Errors
/// For a matrix of another number of bytes than its rows have: it would be read as another one.
pub(crate) fn mapped(file: &Arc<MmapedSafetensors>, artifact: &[u8]) -> Result<Option<Arc<dyn QuantMethod>>> {
    let (Some(kernels), Some(matrix)) = (kernels(), matrix_in(artifact)) else { return Ok(None) };
    let HilumMatrix { dtype, rows, columns, bytes } = matrix;
    let Some(row) = (kernels.row_bytes)(dtype, columns).filter(|&row| row > 0) else { return Ok(None) };
    if rows.checked_mul(row) != Some(bytes.len()) {
        candle_core::bail!("{} bytes for a layer of {rows} x {columns}, of which a row has {row}", bytes.len());
    }
    let layer = MappedLinear { _file: Arc::clone(file), start: artifact.as_ptr() as usize, length: artifact.len() };
    let layer: Arc<dyn QuantMethod> = Arc::new(layer);
    Ok(Some(layer))
}

/// `x` times each of these layers. Those that lie in the mapped file are multiplied with at once: `x` is rounded once for
/// all of them, and the threads come together once.
pub(crate) fn products<const N: usize>(x: &Tensor, layers: [&dyn QuantMethod; N]) -> Result<[Tensor; N]> {
    let results = match kernels() {
        Some(kernels) if layers.iter().all(|layer| layer.name() == MAPPED) => {
            let artifacts = layers.iter().map(|layer| layer.serialize()).collect::<Result<Vec<_>>>()?;
            let matrices = artifacts.iter().filter_map(|artifact| matrix_in(artifact)).collect::<Vec<_>>();
            multiplied(kernels, &matrices, x)?
        }
        kernels => {
            let rows = rows_of(x)?;
            let forward = |layer: &&dyn QuantMethod| {
                if let Some(kernels) = kernels {
                    go_on(kernels, rows)?;
                }
                layer.forward(x)
            };
            layers.iter().map(forward).collect::<Result<Vec<_>>>()?
        }
    };
    match <[Tensor; N]>::try_from(results) {
        Ok(results) => Ok(results),
        Err(results) => candle_core::bail!("{} results of {N} layers", results.len()),
    }
}

/// `x` times each of these matrices.
fn multiplied(kernels: &HilumKernels, matrices: &[HilumMatrix<'_>], x: &Tensor) -> Result<Vec<Tensor>> {
    let mut shape = x.dims().to_vec();
    let columns = shape.pop().unwrap_or_default();
    if let Some(other) = matrices.iter().find(|matrix| matrix.columns != columns) {
        candle_core::bail!("{:?} numbers for a layer of {}", x.dims(), other.columns);
    }
    let tokens: usize = shape.iter().product();
    let x = x.contiguous()?;
    let mut results: Vec<Vec<f32>> = matrices.iter().map(|matrix| vec![0f32; tokens * matrix.rows]).collect();
    let done = with_slice(&x, |numbers, _| {
        let mut places: Vec<&mut [f32]> = results.iter_mut().map(Vec::as_mut_slice).collect();
        Ok((kernels.products)(matrices, &numbers[..tokens * columns], &mut places))
    })?;
    if !done {
        candle_core::bail!("{HILUM_STOPPED}");
    }
    let tensor = |(matrix, result): (&HilumMatrix<'_>, Vec<f32>)| {
        let shape: Vec<usize> = shape.iter().copied().chain([matrix.rows]).collect();
        Tensor::from_vec(result, shape, x.device())
    };
    matrices.iter().zip(results).map(tensor).collect()
}

/// y = x w^T with w in a mapped file.
struct MappedLinear {
    /// Keeps the bytes mapped.
    _file: Arc<MmapedSafetensors>,
    /// Where the artifact begins, and its bytes.
    start: usize,
    length: usize,
}

/// By this name [`products`] knows the mapped layers among the engine's, and asks them for their artifacts.
const MAPPED: &str = "mapped-linear";

impl std::fmt::Debug for MappedLinear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MappedLinear({} bytes)", self.length)
    }
}

impl MappedLinear {
    fn artifact(&self) -> &[u8] {
        // SAFETY: a range of the file, which `_file` keeps mapped and which nobody writes.
        unsafe { std::slice::from_raw_parts(self.start as *const u8, self.length) }
    }
}

impl QuantMethod for MappedLinear {
    fn new(_: QuantMethodConfig) -> Result<Self> {
        candle_core::bail!("a mapped layer is made from its file")
    }

    fn dequantize_w(&self) -> Result<Tensor> {
        candle_core::bail!("a mapped layer is only multiplied with")
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (Some(kernels), Some(matrix)) = (kernels(), matrix_in(self.artifact())) else {
            candle_core::bail!("a mapped layer without kernels")
        };
        Ok(multiplied(kernels, &[matrix], x)?.remove(0))
    }

    fn quantized_act_type(&self) -> Option<DType> {
        None
    }

    fn dtype_and_device(&self) -> (DType, Device) {
        (DType::F32, Device::Cpu)
    }

    fn add_delta_w(&self, _: &Tensor) -> Result<Arc<dyn QuantMethod>> {
        candle_core::bail!("a mapped layer takes no adapter")
    }

    fn apply_isq(
        self: Arc<Self>,
        _: Option<IsqType>,
        _: Device,
        _: &AtomicUsize,
        _: Option<Vec<f32>>,
        _: QuantizeOntoGuard,
    ) -> Result<Arc<dyn QuantMethod>> {
        Ok(self)
    }
}

impl QuantizedSerde for MappedLinear {
    fn name(&self) -> &'static str {
        MAPPED
    }

    /// The artifact as it lies in the file.
    fn serialize(&self) -> Result<Cow<'_, [u8]>> {
        Ok(Cow::Borrowed(self.artifact()))
    }
}

fn keeps_bf16(vb: &ShardedVarBuilder) -> bool {
    vb.device().is_cpu() && vb.dtype() == DType::F32 && vb.root().contains_tensor(KEEP_BF16)
}

/// Token tables that the program reads, by the tensor that stands in their place: one for each model that is loaded, since
/// each load lets go of those whose models are gone.
static TABLES: Mutex<Option<HashMap<TensorId, Arc<HilumTable>>>> = Mutex::new(None);

/// The token table; one of 262144 rows, of which a prompt needs a few hundred, stays in its file where the program reads it.
pub(crate) fn token_table(
    tokens: usize,
    hidden: usize,
    vb: ShardedVarBuilder,
    config: &Option<QuantizedConfig>,
) -> Result<Embedding> {
    let table = match kernels() {
        Some(kernels) if keeps_bf16(&vb) => (kernels.token_table)(),
        _ => None,
    };
    let Some(table) = table else { return crate::layers::embedding(tokens, hidden, vb, config) };
    // One row of zeros that looks like all of them, for those that ask for its shape.
    let place = Tensor::zeros((1, hidden), DType::F32, vb.device())?.broadcast_as((tokens, hidden))?;
    let mut tables = TABLES.lock().expect("no panic while held");
    let tables = tables.get_or_insert_default();
    // Of those of before, the ones whose models are still there.
    tables.retain(|_, table| (**table)(&[], &mut []));
    tables.insert(place.id(), Arc::new(table));
    Ok(Embedding::new(place, hidden))
}

/// The rows of these tokens.
pub(crate) fn rows(ids: &Tensor, embedding: &Embedding) -> Result<Tensor> {
    let place = embedding.embeddings();
    let table = TABLES.lock().expect("no panic while held").as_ref().and_then(|tables| tables.get(&place.id()).cloned());
    let Some(table) = table else { return ids.apply(embedding) };
    let hidden = place.dim(D::Minus1)?;
    let mut shape = ids.dims().to_vec();
    shape.push(hidden);
    let ids = ids.to_dtype(DType::U32)?.flatten_all()?.to_vec1::<u32>()?;
    if ids.iter().any(|&id| id as usize >= place.dims()[0]) {
        candle_core::bail!("a token beyond the table");
    }
    let mut rows = vec![0f32; ids.len() * hidden];
    if !table(&ids, &mut rows) {
        candle_core::bail!("the model of this token table is gone");
    }
    Tensor::from_vec(rows, shape, place.device())
}

/// What a request that was told to stop ends with.
pub const HILUM_STOPPED: &str = "hilum: stopped";

/// Asked before each layer.
pub(crate) fn between(xs: &Tensor, layer: usize, layers: usize) -> Result<()> {
    match kernels() {
        Some(kernels) if !(kernels.step)(xs.dim(1)?, layer, layers) => candle_core::bail!("{HILUM_STOPPED}"),
        _ => Ok(()),
    }
}

/// Asked within a layer. `rows`: tokens that are taken through it at once.
fn go_on(kernels: &HilumKernels, rows: usize) -> Result<()> {
    match (kernels.go_on)(rows) {
        true => Ok(()),
        false => candle_core::bail!("{HILUM_STOPPED}"),
    }
}

/// Rows of numbers in a tensor, whatever its other dimensions are.
fn rows_of(x: &Tensor) -> Result<usize> {
    Ok(x.elem_count() / x.dim(D::Minus1)?.max(1))
}

/// Lets go of the keys and values of the last prompt, which else stay until the next one is read.
pub fn hilum_forget() {
    crate::vision_models::gemma3::hilum::forget();
}

/// The layers of the image tower, packed for the kernels.
pub(crate) struct Tower {
    encoder: HilumEncoder,
}

impl Tower {
    /// `None` where the kernels do not take it. `vb` is the encoder's, whose layers lie under `layers`.
    pub(crate) fn read(config: &SiglipVisionConfig, vb: &ShardedVarBuilder) -> Result<Option<Self>> {
        let Some(kernels) = kernels() else { return Ok(None) };
        let gelu = matches!(config.hidden_act, Activation::NewGelu | Activation::GeluPytorchTanh);
        if !gelu || !vb.device().is_cpu() || vb.dtype() != DType::F32 {
            return Ok(None);
        }
        let shape = HilumTower {
            layers: config.num_hidden_layers,
            hidden: config.hidden_size,
            heads: config.num_attention_heads,
            mlp: config.intermediate_size,
            eps: config.layer_norm_eps as f32,
            narrow: keeps_bf16(vb),
        };
        let layers = vb.pp("layers");
        let read = |layer: usize, name: &str| -> Result<Vec<f32>> {
            let (hidden, mlp) = (config.hidden_size, config.intermediate_size);
            let vb = layers.pp(layer);
            let tensor = match (name.starts_with("mlp.fc1"), name.starts_with("mlp.fc2"), name.ends_with(".bias")) {
                (true, _, true) => vb.get(mlp, name)?,
                (true, _, false) => vb.get((mlp, hidden), name)?,
                (_, true, false) => vb.get((hidden, mlp), name)?,
                (false, _, false) if name.starts_with("self_attn") => vb.get((hidden, hidden), name)?,
                _ => vb.get(hidden, name)?,
            };
            tensor.flatten_all()?.to_vec1::<f32>()
        };
        let encoder = (kernels.tower)(shape, &mut |layer, name| read(layer, name).map_err(|error| error.to_string()))
            .map_err(candle_core::Error::msg)?;
        Ok(Some(Self { encoder }))
    }

    /// `xs`: (images, tokens, hidden).
    pub(crate) fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let (images, tokens, hidden) = xs.dims3()?;
        let mut states = xs.flatten_all()?.to_vec1::<f32>()?;
        for image in states.chunks_exact_mut(tokens * hidden) {
            if !(self.encoder)(image, tokens) {
                candle_core::bail!("{HILUM_STOPPED}");
            }
        }
        Tensor::from_vec(states, (images, tokens, hidden), xs.device())
    }
}

/// The engine's own cache of encoded images, with the program's behind it, which outlives the process. `hidden`: numbers
/// in a soft token.
pub(crate) fn encoded_images(
    hidden: usize,
    hashes: &[u64],
    pixels: &Tensor,
    cache: &Mutex<EncoderCacheManager>,
    encode: impl Fn(&Tensor) -> Result<Vec<Tensor>>,
) -> Result<Vec<Tensor>> {
    let Some(kernels) = kernels() else { return cached_encode_images(hashes, pixels, cache, encode) };
    if hashes.is_empty() {
        return encode(pixels);
    }
    // The images that are still to be read are the last ones of the request.
    let mut known = (kernels.encoded)();
    let first = known.len().saturating_sub(hashes.len());
    // One at a time: the memory of two images at once is never needed, and a stop loses one at most.
    let mut all = Vec::with_capacity(hashes.len());
    for (index, &hash) in hashes.iter().enumerate() {
        let at = first + index;
        all.push(match known.get_mut(at).and_then(Option::take) {
            // Its pixels were not prepared ([`known_images`]), so that the engine's own cache may not be asked instead.
            Some(numbers) if numbers.is_empty() || numbers.len() % hidden != 0 => {
                candle_core::bail!("an encoded image of another model")
            }
            Some(numbers) => {
                let tokens = numbers.len() / hidden;
                Tensor::from_vec(numbers, (1, tokens, hidden), pixels.device())?
            }
            None => {
                let one = cached_encode_images(&[hash], &pixels.narrow(0, index, 1)?, cache, &encode)?.remove(0);
                (kernels.keep)(at, one.flatten_all()?.to_vec1::<f32>()?);
                one
            }
        });
    }
    Ok(vec![Tensor::cat(&all, 0)?])
}

/// Of the images of a request, those that the program has the encoded form of. Their pixels need no preparing.
pub(crate) fn known_images(images: usize) -> Vec<bool> {
    let known = kernels().map(|kernels| (kernels.encoded)()).unwrap_or_default();
    match known.len() == images {
        true => known.iter().map(Option::is_some).collect(),
        false => vec![false; images],
    }
}

/// Lets the system take back the pages of a mapped file whose content has been copied. They stay in the page cache and
/// would be read again if they were looked at again.
pub(crate) fn release(bytes: &[u8]) {
    #[cfg(unix)]
    {
        extern "C" {
            fn madvise(address: *mut std::ffi::c_void, length: usize, advice: i32) -> i32;
        }
        const PAGE: usize = 1 << 16; // No supported system has larger pages by default.
        const DONTNEED: i32 = 4; // MADV_DONTNEED on Linux and macOS.
        let first = (bytes.as_ptr() as usize).next_multiple_of(PAGE);
        let last = (bytes.as_ptr() as usize + bytes.len()) / PAGE * PAGE;
        if first < last {
            // SAFETY: whole pages inside a read-only mapping of a file; dropping them loses nothing.
            unsafe { madvise(first as *mut _, last - first, DONTNEED) };
        }
    }
    #[cfg(not(unix))]
    let _ = bytes;
}
