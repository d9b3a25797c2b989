//! Stands where the engine is the crate as released, which takes no kernels: the names that the edited one exports
//! (`overlays/mistralrs-core-0.8.1/hilum.rs`), so that the same program compiles with both. A glob import of an inner
//! scope goes before the enclosing module's, so that these are only seen where there are no others.
#![allow(dead_code)] // In the other build.

use std::sync::OnceLock;

pub(crate) static HILUM_KERNELS: OnceLock<HilumKernels> = OnceLock::new();

pub(crate) const HILUM_STOPPED: &str = "hilum: stopped";

pub(crate) struct HilumKernels {
    pub(crate) attention: fn(HilumAttention<'_>),
    pub(crate) row_bytes: fn(u32, usize) -> Option<usize>,
    pub(crate) products: fn(&[HilumMatrix<'_>], &[f32], &mut [&mut [f32]]) -> bool,
    pub(crate) gated: fn(&[f32], &[f32], &mut [f32]),
    pub(crate) rms_norm: fn(&[f32], &[f32], f32, &mut [f32]),
    pub(crate) tower: fn(HilumTower, &mut HilumWeights<'_>) -> Result<HilumEncoder, String>,
    pub(crate) token_table: fn() -> Option<HilumTable>,
    pub(crate) step: fn(usize, usize, usize) -> bool,
    pub(crate) go_on: fn(usize) -> bool,
    pub(crate) encoded: fn() -> Vec<Option<Vec<f32>>>,
    pub(crate) keep: fn(usize, Vec<f32>),
    pub(crate) reused: fn(usize, usize),
}

/// The engine as released keeps nothing of a prompt.
pub(crate) fn hilum_forget() {}

pub(crate) type HilumWeights<'a> = dyn FnMut(usize, &str) -> Result<Vec<f32>, String> + 'a;
pub(crate) type HilumEncoder = Box<dyn Fn(&mut [f32], usize) -> bool + Send + Sync>;
pub(crate) type HilumTable = Box<dyn Fn(&[u32], &mut [f32]) -> bool + Send + Sync>;

pub(crate) struct HilumMatrix<'a> {
    pub(crate) dtype: u32,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) bytes: &'a [u8],
}

pub(crate) struct HilumAttention<'a> {
    pub(crate) shape: [usize; 6],
    pub(crate) q: (&'a [f32], [usize; 3]),
    pub(crate) k: (&'a [f32], [usize; 3]),
    pub(crate) v: (&'a [f32], [usize; 3]),
    pub(crate) mask: Option<&'a [f32]>,
    pub(crate) scale: f32,
    pub(crate) out: &'a mut [f32],
}

pub(crate) struct HilumTower {
    pub(crate) layers: usize,
    pub(crate) hidden: usize,
    pub(crate) heads: usize,
    pub(crate) mlp: usize,
    pub(crate) eps: f32,
    pub(crate) narrow: bool,
}
