//! Numbers without a pattern for tests of the kernels.

#![allow(dead_code)]

pub mod float64;

/// About -1 to 1, from a linear congruential sequence (Knuth's MMIX constants).
pub fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    let next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// The same numbers in a slice that starts `offset` elements after its allocation.
pub struct Shifted {
    all: Vec<f32>,
    offset: usize,
}

impl Shifted {
    pub fn new(count: usize, seed: u64, offset: usize) -> Self {
        let mut all = vec![f32::NAN; offset];
        all.extend(numbers(count, seed));
        Self { all, offset }
    }

    pub fn get_mut(&mut self) -> &mut [f32] {
        &mut self.all[self.offset..]
    }

    pub fn get(&self) -> &[f32] {
        &self.all[self.offset..]
    }
}

/// Whether a case of so many multiplications is tried: each takes some microseconds where it is interpreted, by Miri.
pub fn is_tried(multiplications: usize) -> bool {
    !cfg!(miri) || multiplications <= 8000
}

/// Runs `work` in a pool of its own. Under Miri the kernels use no pool, and a pool's threads would be left at the end.
pub fn in_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    if cfg!(miri) {
        return work();
    }
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}
