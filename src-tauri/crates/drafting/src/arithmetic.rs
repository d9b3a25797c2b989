//! The engine's arithmetic on this project's kernels.
//!
//! The edited engine (`overlays/`) asks for functions over plain slices; they are handed over once. One request runs at a
//! time in a process, or some about the same images, so what the engine says of it and is told about it stands in one
//! place ([`Turn`]).

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use hilum_kernels::attention::{Arithmetic, Attention, Mask, Shape, Strides, View};
use hilum_kernels::cpu::Isa;
use hilum_kernels::linear::Precision;
use hilum_kernels::quantised::{Activations, Format, Matrix, product_of};
use hilum_kernels::tower::{LayerWeights, LinearWeights, NormWeights, Tower, TowerShape};
use hilum_kernels::values::Values;
use hilum_kernels::{math, threads};

use crate::DraftingError;
#[allow(unused_imports)] // In the other build.
use crate::released::*;
use crate::together::TOGETHER;
use crate::token_table::TokenTable;

/// Chooses how the image tower computes: `bf16` (the default of a quantised pack), `int8` or `f32` (that of others).
pub(crate) const TOWER: &str = "HILUM_TOWER";

/// An encoded image: soft tokens of the engine's width, one after the other.
pub type EncodedImage = Vec<f32>;

/// Of reading a prompt, the part that is the image.
const IMAGE_PART: f32 = 0.8;

/// Rows of a prompt that are multiplied with one matrix between two looks at whether to go on, at most.
const RUN: usize = 1024;

static STOP: AtomicBool = AtomicBool::new(false);
/// Steps in which answers grew by a token each.
static STEPS: AtomicUsize = AtomicUsize::new(0);
/// How often the engine has asked whether to go on with a prompt.
static ASKED: AtomicUsize = AtomicUsize::new(0);
/// Part of the prompt that has been read, 0 to 1, as bits.
static READ: AtomicU32 = AtomicU32::new(0);
static EXCHANGE: Mutex<Exchange> =
    Mutex::new(Exchange { known: Vec::new(), made: Vec::new(), reused: None, loading: None });
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

struct Exchange {
    known: Vec<Option<EncodedImage>>,
    made: Vec<(usize, EncodedImage)>,
    reused: Option<(usize, usize)>,
    loading: Option<Weak<TokenTable>>,
}

fn exchange() -> MutexGuard<'static, Exchange> {
    EXCHANGE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The one request that runs, or the ones about the same images.
pub(crate) struct Turn {
    _turn: MutexGuard<'static, ()>,
}

impl Turn {
    /// Waits for its turn. `known`: the images that were encoded before, one entry an image.
    pub(crate) fn begin(known: Vec<Option<EncodedImage>>) -> Self {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        STOP.store(false, Ordering::Relaxed);
        READ.store(0, Ordering::Relaxed);
        let mut exchange = exchange();
        (exchange.known, exchange.made, exchange.reused) = (known, Vec::new(), None);
        Self { _turn: turn }
    }

    /// Ends the reading of the prompt before the next part of a layer.
    pub(crate) fn stop(&self) {
        STOP.store(true, Ordering::Relaxed);
    }

    /// How much of the prompt has been read, 0 to 1.
    pub(crate) fn read(&self) -> f32 {
        f32::from_bits(READ.load(Ordering::Relaxed))
    }

    /// The images that had to be encoded, by index.
    pub(crate) fn encoded(&self) -> Vec<(usize, EncodedImage)> {
        std::mem::take(&mut exchange().made)
    }

    /// Tokens of the prompt that were known from the prompt before, of how many; `None` where the engine did not say.
    pub(crate) fn reused(&self) -> Option<(usize, usize)> {
        exchange().reused
    }
}

impl Drop for Turn {
    /// What was known of one request's images is of no other.
    fn drop(&mut self) {
        let mut exchange = exchange();
        (exchange.known, exchange.made) = (Vec::new(), Vec::new());
    }
}

/// Loads a model while no other is loaded, so that the token table that the engine asks for is its own. The table goes
/// with whoever holds `table`: what the engine keeps of it does not keep its file mapped.
pub(crate) fn while_loading<T>(table: Option<&Arc<TokenTable>>, load: impl FnOnce() -> T) -> T {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    exchange().loading = table.map(Arc::downgrade);
    let loaded = load();
    exchange().loading = None;
    loaded
}

/// Refuses an environment that asks for instructions which this processor lacks or nobody knows. Whoever asked would take
/// the numbers of others for theirs.
///
/// # Errors
/// [`DraftingError::Kernels`].
pub fn check_kernels() -> Result<(), DraftingError> {
    Isa::asked()?;
    Ok(())
}

/// Words for what it computes with.
pub(crate) fn description() -> String {
    hilum_kernels::cpu::description()
}

/// Hands the kernels over; at the first call only. The engine as released takes none.
pub(crate) fn install() {
    #[allow(unused_imports)] // In the other build.
    use mistralrs::core::*;
    let _ = HILUM_KERNELS.set(HilumKernels {
        attention: |call: HilumAttention<'_>| {
            let [batch, heads, key_heads, queries, keys, dim] = call.shape;
            let view = |(values, [batch, head, token]): (_, [usize; 3])| View {
                values: Values::F32(values),
                strides: Strides { batch, head, token },
            };
            let attention = Attention {
                shape: Shape { batch, heads, key_heads, queries, keys, dim },
                query: view(call.q),
                key: view(call.k),
                value: view(call.v),
                mask: call.mask.map(|values| Mask { values, batch: 0, head: 0, query: keys }),
                scale: call.scale,
                arithmetic: Arithmetic::F32,
            };
            attention.run(call.out, Strides::tokens_first(heads, queries, dim));
        },
        row_bytes: |dtype, columns| Format::from_ggml(dtype)?.row_bytes(columns),
        products: |matrices: &[HilumMatrix<'_>], x: &[f32], y: &mut [&mut [f32]]| {
            let matrices: Option<Vec<Matrix<'_>>> = matrices
                .iter()
                .map(|matrix| Matrix::new(Format::from_ggml(matrix.dtype)?, matrix.rows, matrix.columns, matrix.bytes))
                .collect();
            products(&matrices.expect("`row_bytes` took them, and their bytes were counted"), x, y)
        },
        gated,
        rms_norm,
        tower: |shape: HilumTower, weights: &mut HilumWeights<'_>| {
            let shape = Sizes {
                layers: shape.layers,
                shape: TowerShape { hidden: shape.hidden, heads: shape.heads, mlp: shape.mlp, eps: shape.eps },
                narrow: shape.narrow,
            };
            let tower = tower(&shape, weights)?;
            let encoder: HilumEncoder = Box::new(move |states: &mut [f32], tokens: usize| {
                tower.forward(states, tokens, &mut image_read).is_continue()
            });
            Ok(encoder)
        },
        token_table: || {
            let table = exchange().loading.take()?;
            let rows: HilumTable = Box::new(move |ids: &[u32], out: &mut [f32]| {
                let table = table.upgrade();
                if let Some(table) = &table {
                    table.rows(ids, out);
                }
                table.is_some()
            });
            Some(rows)
        },
        step,
        go_on,
        encoded: || exchange().known.clone(),
        keep: |index, image| {
            let mut exchange = exchange();
            // Others of this turn that ask about the same image know it from here on.
            if let Some(known) = exchange.known.get_mut(index) {
                *known = Some(image.clone());
            }
            exchange.made.push((index, image));
        },
        reused: |known, of| exchange().reused = Some((known, of)),
    });
}

/// Lets go of what the engine keeps of the last prompt: keys and values of each of its tokens in each layer.
pub(crate) fn forget() {
    #[allow(unused_imports)] // In the other build.
    use mistralrs::core::*;
    hilum_forget();
}

/// Before each part of a layer of the image tower.
fn image_read(layer: usize, layers: usize) -> ControlFlow<()> {
    // The images are most of the work of their prompt.
    let (made, of) = images();
    let part = (made as f32 + layer as f32 / layers as f32) / of.max(1) as f32;
    READ.store((IMAGE_PART * part).to_bits(), Ordering::Relaxed);
    if STOP.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// How far the images of this turn are: so many were encoded, of so many that were not known before it.
fn images() -> (usize, usize) {
    let exchange = exchange();
    let made = exchange.made.len();
    (made, made + exchange.known.iter().filter(|known| known.is_none()).count())
}

/// Steps of writing that the process has taken so far; a step of several answers together counts once. 0 for ever where the
/// engine is the crate as released, which does not say.
pub(crate) fn steps() -> usize {
    STEPS.load(Ordering::Relaxed)
}

/// How often the engine has asked so far whether to go on with a prompt. 0 for ever where it is the crate as released.
pub(crate) fn times_asked() -> usize {
    ASKED.load(Ordering::Relaxed)
}

fn asked() -> bool {
    ASKED.fetch_add(1, Ordering::Relaxed);
    !STOP.load(Ordering::Relaxed)
}

/// Before each larger part of a layer of the language model, through which `rows` tokens go at once.
fn go_on(rows: usize) -> bool {
    // A step of writing has a row for each answer; it is never stopped, as below.
    rows <= TOGETHER || asked()
}

/// Before each layer of the language model: whether to go on.
fn step(tokens: usize, layer: usize, layers: usize) -> bool {
    if tokens > 1 {
        let before = f32::from_bits(READ.load(Ordering::Relaxed));
        let first = if images().1 > 0 { IMAGE_PART } else { 0.0 };
        let part = first + (1.0 - first) * (layer + 1) as f32 / layers as f32;
        READ.store(part.max(before).to_bits(), Ordering::Relaxed);
    }
    if tokens == 1 && layer == 0 {
        STEPS.fetch_add(1, Ordering::Relaxed);
    }
    // While text is written, nobody listening any more is what ends it; an error then would find nobody to tell.
    tokens == 1 || asked()
}

/// `y[i] = x w[i]^T`; false when it was told to stop on the way.
fn products(w: &[Matrix<'_>], x: &[f32], y: &mut [&mut [f32]]) -> bool {
    let (isa, Some(first)) = (Isa::current(), w.first()) else { return true };
    let columns = first.columns();
    let rows = x.len() / columns;
    if rows <= TOGETHER {
        product_of(isa, w, &Activations::new(isa, x, columns), y);
        return true;
    }
    // Runs of about one length: one of a few rows would be multiplied in another order.
    let step = rows.div_ceil(rows.div_ceil(RUN));
    (0..rows).step_by(step).all(|start| {
        let run = start..rows.min(start + step);
        let x = Activations::new(isa, &x[run.start * columns..run.end * columns], columns);
        w.iter().zip(y.iter_mut()).all(|(w, y)| {
            if !go_on(rows) {
                return false;
            }
            let y = &mut y[run.start * w.rows()..run.end * w.rows()];
            product_of(isa, std::slice::from_ref(w), &x, &mut [y]);
            true
        })
    })
}

/// `out = gelu(gate) * up`.
fn gated(gate: &[f32], up: &[f32], out: &mut [f32]) {
    const PIECE: usize = 1 << 13;
    let length = out.len();
    let shared = threads::SharedMut::new(out);
    threads::for_each_part(length.div_ceil(PIECE), |index| {
        let range = threads::part(index, PIECE, length);
        // SAFETY: each part has its own range.
        let out = unsafe { shared.range(range.clone()) };
        out.copy_from_slice(&gate[range.clone()]);
        math::gelu_in_place(Isa::current(), out);
        for (out, up) in out.iter_mut().zip(&up[range]) {
            *out *= up;
        }
    });
}

/// Rows of as many numbers as `weight` has.
fn rms_norm(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    let width = weight.len();
    // Rows that a thread takes at a time; a step's single row is not worth a second thread.
    let rows = (1usize << 15).div_ceil(width);
    let (count, isa) = (x.len() / width, Isa::current());
    let shared = threads::SharedMut::new(out);
    threads::for_each_part(count.div_ceil(rows), |index| {
        for row in threads::part(index, rows, count) {
            let range = row * width..(row + 1) * width;
            // SAFETY: each row belongs to one part.
            math::rms_norm(isa, &x[range.clone()], weight, eps, unsafe { shared.range(range) });
        }
    });
}

struct Sizes {
    layers: usize,
    shape: TowerShape,
    narrow: bool,
}

/// Packs the tower's layers, one after the other, so that no more than one is held twice.
fn tower(sizes: &Sizes, weights: &mut dyn FnMut(usize, &str) -> Result<Vec<f32>, String>) -> Result<Tower, String> {
    let precision = match (std::env::var(TOWER).as_deref(), sizes.narrow) {
        (Ok("int8"), _) => Precision::Int8,
        (Ok("bf16"), _) => Precision::Bf16,
        (Ok("f32"), _) | (_, false) => Precision::F32,
        (_, true) => Precision::Bf16,
    };
    let mut tower = Tower::new(sizes.shape, precision);
    for layer in 0..sizes.layers {
        let mut read = |name: &str| -> Result<[Vec<f32>; 2], String> {
            Ok([weights(layer, &format!("{name}.weight"))?, weights(layer, &format!("{name}.bias"))?])
        };
        let [norm1, query, key, value, out, norm2, fc1, fc2] = [
            read("layer_norm1")?,
            read("self_attn.q_proj")?,
            read("self_attn.k_proj")?,
            read("self_attn.v_proj")?,
            read("self_attn.out_proj")?,
            read("layer_norm2")?,
            read("mlp.fc1")?,
            read("mlp.fc2")?,
        ];
        fn norm([weight, bias]: &[Vec<f32>; 2]) -> NormWeights<'_> {
            NormWeights { weight: Values::F32(weight), bias: Values::F32(bias) }
        }
        fn linear([weight, bias]: &[Vec<f32>; 2]) -> LinearWeights<'_> {
            LinearWeights { weight: Values::F32(weight), bias: Some(Values::F32(bias)) }
        }
        tower.push(&LayerWeights {
            norm1: norm(&norm1),
            query: linear(&query),
            key: linear(&key),
            value: linear(&value),
            out: linear(&out),
            norm2: norm(&norm2),
            fc1: linear(&fc1),
            fc2: linear(&fc2),
        });
    }
    Ok(tower)
}

/// The token table of a quantised pack, which stays in its file.
pub(crate) fn table_of(folder: &Path) -> Option<Arc<TokenTable>> {
    TokenTable::open(&folder.join(crate::quantise::RESIDUAL_FILE)).ok().map(Arc::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUTS: usize = 40;
    const COLUMNS: usize = 32;

    /// Rows in `Q8_0`: 2^-8 as a half, and a byte for each weight.
    fn weights() -> Vec<u8> {
        let row = |row: usize| [0, 0x1c].into_iter().chain((0..COLUMNS).map(move |k| (row * 7 + k * 5) as u8));
        (0..OUTPUTS).flat_map(row).collect()
    }

    /// `whole`: whether the product is gone through with.
    fn check(rows: usize, stopped: bool, whole: bool) {
        let turn = Turn::begin(Vec::new());
        let bytes = weights();
        let w = [Matrix::new(Format::Q8, OUTPUTS, COLUMNS, &bytes).expect("whole rows")];
        let x: Vec<f32> = (0..rows * COLUMNS).map(|i| ((i * 37) % 101) as f32 / 50.0 - 1.0).collect();
        let [mut at_once, mut found] = [(); 2].map(|()| vec![0.0; rows * OUTPUTS]);
        let isa = Isa::current();
        product_of(isa, &w, &Activations::new(isa, &x, COLUMNS), &mut [at_once.as_mut_slice()]);
        if stopped {
            turn.stop();
        }
        assert_eq!(products(&w, &x, &mut [found.as_mut_slice()]), whole, "{rows} rows");
        assert_eq!(found == at_once, whole, "{rows} rows");
    }

    #[test]
    fn a_prompt_is_multiplied_in_runs_to_the_same_results() {
        for rows in [1, TOGETHER, TOGETHER + 1, 16, RUN, RUN + 1, 2 * RUN + 500] {
            check(rows, false, true);
        }
    }

    #[test]
    fn a_prompt_is_stopped_and_a_step_of_writing_is_not() {
        for (rows, whole) in [(1, true), (TOGETHER, true), (TOGETHER + 1, false), (RUN + 1, false)] {
            check(rows, true, whole);
        }
    }
}
