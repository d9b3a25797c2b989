//! Hilum's own part of this crate: what the one-line edits of `overlays/` call.
//!
//! Everything here is for processors; on another device each function steps aside.

use std::sync::{atomic::AtomicUsize, Arc};

use candle_core::{DType, Device, Result, Tensor, D};
use mistralrs_quant::{
    IsqType, QuantMethod, QuantMethodConfig, QuantizeOntoGuard, QuantizedConfig, QuantizedSerde, ShardedVarBuilder,
};

use crate::attention::SdpaParams;

/// What this build of the engine can do beyond the release, in words for a person. A program that sees this name was
/// built with the edits; one that does not was built with the crate as released.
pub const HILUM_OVERLAY: &str = "attention in blocks, exact sliding window, quantised packs";

/// Tensor at the root of a weight file by whose presence the file says that its token table and vision tower are meant
/// to stay in bfloat16.
const KEEP_BF16: &str = "hilum.keep_bf16";

/// Scores of attention held at one time: 64 MiB in float32, whatever the number of queries.
const CELLS: usize = 16 << 20;

/// Whether [`attention`] takes this call: several queries on a processor. One query (a decoding step) is bound by
/// reading the keys, which upstream's loop does well.
pub(crate) fn in_blocks(q: &Tensor, mask: Option<&Tensor>, params: &SdpaParams) -> bool {
    q.device().is_cpu()
        && q.dtype() == DType::F32
        && q.dim(2).is_ok_and(|queries| queries > 1)
        && mask.is_none_or(|mask| mask.rank() == 2)
        && params.softcap.is_none_or(|softcap| softcap == 1.0)
}

/// Attention as matrix products over blocks of queries: softmax(q k^T scale + mask) v.
///
/// Shapes: `q` (batch, heads, queries, dim), `k` and `v` (batch, key heads, keys, dim), `mask` (queries, keys), added to
/// the scores. Memory is bounded by [`CELLS`], not by queries x keys: the vision tower's 4096 x 4096 x 16 scores would be
/// 1 GiB.
pub(crate) fn attention(q: &Tensor, k: &Tensor, v: &Tensor, mask: Option<&Tensor>, params: &SdpaParams) -> Result<Tensor> {
    let (batch, heads, queries, dim) = q.dims4()?;
    let (_, key_heads, keys, _) = k.dims4()?;
    let groups = heads / key_heads;
    let block = (CELLS / (batch * heads * keys)).clamp(16, queries.max(16));
    let q = (q.contiguous()? * f64::from(params.softmax_scale))?;
    let k = k.contiguous()?.t()?;
    let v = v.contiguous()?;
    let mut done = Vec::with_capacity(queries.div_ceil(block));
    for start in (0..queries).step_by(block) {
        let rows = block.min(queries - start);
        // Heads that share keys are stacked as rows of one product, so keys are never copied.
        let part = q.narrow(2, start, rows)?.contiguous()?.reshape((batch, key_heads, groups * rows, dim))?;
        let mut scores = part.matmul(&k)?.reshape((batch, heads, rows, keys))?;
        if let Some(mask) = mask {
            scores = scores.broadcast_add(&mask.narrow(0, start, rows)?)?;
        }
        let weights = candle_nn::ops::softmax_last_dim(&scores)?;
        let out = weights.reshape((batch, key_heads, groups * rows, keys))?.matmul(&v)?;
        done.push(out.reshape((batch, heads, rows, v.dim(D::Minus1)?))?);
    }
    match done.as_slice() {
        [one] => Ok(one.clone()),
        all => Tensor::cat(all, 2),
    }
}

fn keeps_bf16(vb: &ShardedVarBuilder) -> bool {
    vb.device().is_cpu() && vb.dtype() == DType::F32 && vb.root().contains_tensor(KEEP_BF16)
}

/// The same weights, read in the 16 bits in which the file holds them where it asks for that.
pub(crate) fn as_stored(vb: ShardedVarBuilder) -> ShardedVarBuilder {
    match keeps_bf16(&vb) {
        true => vb.set_dtype(DType::BF16),
        false => vb,
    }
}

/// Rows of a table that was read by [`as_stored`], in the model's own float32. Widening is exact.
pub(crate) fn widened(rows: Tensor) -> Result<Tensor> {
    match rows.device().is_cpu() && rows.dtype() == DType::BF16 {
        true => rows.to_dtype(DType::F32),
        false => Ok(rows),
    }
}

/// A linear layer of the vision tower; its weight stays in bfloat16 where the file asks for that.
pub(crate) fn linear(
    in_dim: usize,
    out_dim: usize,
    config: &Option<QuantizedConfig>,
    vb: ShardedVarBuilder,
) -> Result<Arc<dyn QuantMethod>> {
    if !keeps_bf16(&vb) {
        return mistralrs_quant::linear(in_dim, out_dim, config, vb);
    }
    let bias = vb.get(out_dim, "bias")?;
    let weight = vb.set_dtype(DType::BF16).get((out_dim, in_dim), "weight")?;
    Ok(Arc::new(StoredLinear { weight, bias }))
}

/// y = x w^T + b with w kept in bfloat16 and widened for each use: for the 4096 rows of an image that costs a
/// thousandth of the product.
#[derive(Debug)]
struct StoredLinear {
    weight: Tensor,
    bias: Tensor,
}

impl QuantMethod for StoredLinear {
    fn new(_: QuantMethodConfig) -> Result<Self> {
        candle_core::bail!("a stored linear layer is made from its file")
    }

    fn dequantize_w(&self) -> Result<Tensor> {
        self.weight.to_dtype(DType::F32)
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let columns = x.dim(D::Minus1)?;
        let mut shape = x.dims().to_vec();
        *shape.last_mut().expect("a tensor has a last dimension") = self.weight.dim(0)?;
        let rows = x.reshape(((), columns))?;
        rows.matmul(&self.dequantize_w()?.t()?)?.broadcast_add(&self.bias)?.reshape(shape)
    }

    fn quantized_act_type(&self) -> Option<DType> {
        None
    }

    fn dtype_and_device(&self) -> (DType, Device) {
        (DType::F32, self.weight.device().clone())
    }

    fn add_delta_w(&self, _: &Tensor) -> Result<Arc<dyn QuantMethod>> {
        candle_core::bail!("a stored linear layer takes no adapter")
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

    fn unquant_weight_bias(&self) -> Option<(Tensor, Option<Tensor>)> {
        Some((self.dequantize_w().ok()?, Some(self.bias.clone())))
    }
}

impl QuantizedSerde for StoredLinear {
    fn name(&self) -> &'static str {
        "stored-linear"
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
