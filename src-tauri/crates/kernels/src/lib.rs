//! Arithmetic of transformers on the CPU: what the models spend their time in.
//!
//! One binary runs on any processor of its architecture and uses the widest
//! instructions that it finds ([`cpu::Isa`]). The crate knows plain slices only: no
//! tensors, no model files. Brain floats are `u16` bits.
//!
//! - [`cpu`]: which instructions there are, and which are used.
//! - [`threads`]: work over the pool of threads that the caller is in.
#![deny(unsafe_op_in_unsafe_fn)]

pub mod cpu;
pub mod threads;
