//! Arithmetic of transformers on the CPU: what the models spend their time in.
//!
//! One binary runs on any processor of its architecture and uses the widest
//! instructions that it finds ([`cpu::Isa`]). The crate knows plain slices only: no
//! tensors, no model files. Brain floats are `u16` bits ([`values::Values`]).
//!
//! - [`cpu`]: which instructions there are, and which are used.
//! - [`threads`]: work over the pool of threads that the caller is in.
//! - [`linear`]: linear layers in float32, brain floats or int8, over weights packed once.
//! - [`attention`]: attention in blocks of keys, of many queries or of one.
//! - [`rows`]: activations packed for them.
//! - [`math`]: GELU and layer norms.
//!
//! # The interface of a tower
//!
//! ```text
//! Tower::new(TowerShape { hidden, heads, mlp, eps }, Precision::Bf16) -> Tower   // Isa::current()
//! tower.push(&LayerWeights {
//!     norm1: NormWeights { weight: Values::F32(&[f32]) | Values::Bf16(&[u16]), bias: Values },
//!     query, key, value, out: LinearWeights { weight: Values /* [out, in] */, bias: Option<Values> },
//!     norm2, fc1, fc2,
//! })                                              // once a layer, the weights may be dropped after it
//! tower.forward(&self, hidden: &mut [f32] /* [tokens, hidden], replaced */, tokens: usize,
//!     progress: &mut dyn FnMut(usize /* layer */, usize /* layers */) -> ControlFlow<()>) -> ControlFlow<()>
//! tower.forward_batch(&self, hidden: &mut [f32] /* [batch, tokens, hidden] */, batch, tokens, progress)
//! ```
//! The norm after the last layer is the caller's. `progress` is asked several times a
//! layer; `Break` ends the pass with `hidden` half done.
//!
//! # Miri
//!
//! Under Miri every kernel runs as portable code ([`cpu::Isa::Portable`]): `cargo +nightly
//! miri test -p hilum-kernels`. The tiles of intrinsics are outside of what it interprets.
#![deny(unsafe_op_in_unsafe_fn)]

pub mod attention;
pub mod cpu;
pub mod linear;
pub mod math;
pub mod rows;
pub mod threads;
pub mod values;

mod lines;
mod micro;
mod versions;
