//! Arithmetic of transformers on the CPU: what the models spend their time in.
//!
//! One binary runs on every processor that has what its build takes for granted, and uses
//! the widest instructions that it finds ([`cpu::Isa`]). What is taken for granted is the
//! build's choice and not this crate's: x86-64-v3 in Hilum (`.cargo/config.toml`), plain
//! x86-64 without that flag. The crate knows plain slices only: no tensors, no model files.
//! Brain floats are `u16` bits ([`values::Values`]).
//!
//! - [`cpu`]: which instructions there are, and which are used.
//! - [`threads`]: work in parts, over threads that stay at hand between two products.
//! - [`linear`]: linear layers in float32, brain floats or int8, over weights packed once.
//! - [`attention`]: attention in blocks of keys, of many queries or of one.
//! - [`tower`]: the layers of a SigLIP tower made of these.
//! - [`quantised`]: products with weights in ggml's block formats, read where they lie.
//! - [`rows`]: activations packed for them.
//! - [`math`]: GELU and layer norms.
//!
//! # A tower
//!
//! ```
//! use hilum_kernels::linear::Precision;
//! use hilum_kernels::tower::{LayerWeights, LinearWeights, NormWeights, Tower, TowerShape};
//! use hilum_kernels::values::Values;
//! use std::ops::ControlFlow;
//!
//! let (hidden, mlp, tokens) = (8, 12, 5);
//! let numbers = vec![0.1; hidden * mlp];
//! let linear = |inputs: usize, outputs: usize| LinearWeights {
//!     weight: Values::F32(&numbers[..inputs * outputs]), // [outputs, inputs]
//!     bias: Some(Values::F32(&numbers[..outputs])),
//! };
//! let norm = NormWeights { weight: Values::F32(&numbers[..hidden]), bias: Values::F32(&numbers[..hidden]) };
//! let mut tower = Tower::new(TowerShape { hidden, heads: 2, mlp, eps: 1e-6 }, Precision::Bf16);
//! tower.push(&LayerWeights {
//!     norm1: norm,
//!     query: linear(hidden, hidden),
//!     key: linear(hidden, hidden),
//!     value: linear(hidden, hidden),
//!     out: linear(hidden, hidden),
//!     norm2: norm,
//!     fc1: linear(hidden, mlp),
//!     fc2: linear(mlp, hidden),
//! });
//! let mut states = vec![0.5; tokens * hidden]; // replaced
//! // Asked several times a layer; `Break` ends the pass.
//! let done = tower.forward(&mut states, tokens, &mut |layer, layers| {
//!     assert!(layer < layers);
//!     ControlFlow::Continue(())
//! });
//! assert!(done.is_continue());
//! ```
//!
//! # Miri
//!
//! Under Miri every kernel runs as portable code ([`cpu::Isa::Portable`]): `cargo +nightly
//! miri test -p hilum-kernels`. The tiles of intrinsics are outside of what it interprets,
//! and rayon is left out: threads are made for each piece of work and joined after it
//! ([`threads`]), so that what they share is judged and none is left at the end. Tests that
//! are long there, or map memory, are left out by `cfg(miri)`.
#![deny(unsafe_op_in_unsafe_fn)]

pub mod attention;
pub mod cpu;
pub mod linear;
pub mod math;
pub mod quantised;
pub mod rows;
pub mod threads;
pub mod tower;
pub mod values;

#[cfg(target_arch = "x86_64")]
mod amx;
mod lines;
mod micro;
#[cfg(test)]
#[path = "../../testkit/src/skipped.rs"]
mod skipped;
mod team;
mod versions;
