//! One row of activations with some rows of weights, in plain integer arithmetic.

use super::block::{half, nibble_q4k, scale_q6k, scales_q4k, six_bits_q6k};
use super::{Activations, Format, Matrix};

/// `out[i]` = row `first + i` of `w` times row `m` of `x`.
pub(super) fn dots(w: Matrix<'_>, first: usize, x: &Activations, m: usize, out: &mut [f32]) {
    let (bytes, scales, sums) = (x.bytes(m), x.scales(m), x.sums(m));
    let (length, block_bytes) = (w.format.block(), w.format.block_bytes());
    for (index, out) in out.iter_mut().enumerate() {
        let mut sum = 0.0f32;
        for (at, block) in w.row(first + index).chunks_exact(block_bytes).enumerate() {
            let scale = scales[at * length / x.run()];
            let bytes = &bytes[at * length..(at + 1) * length];
            let sums = &sums[at * length / 16..(at + 1) * length / 16];
            sum += scale
                * match w.format {
                    Format::Q4K => q4k(block, bytes, sums),
                    Format::Q6K => q6k(block, bytes),
                    Format::Q8 => {
                        let dot: i32 =
                            block[2..].iter().zip(bytes).map(|(&w, &x)| i32::from(w as i8) * i32::from(x)).sum();
                        half(block, 0) * dot as f32
                    }
                };
        }
        *out = sum;
    }
}

fn q4k(block: &[u8], x: &[i8], sums: &[i16]) -> f32 {
    let (scales, minima) = scales_q4k(block);
    let (mut scaled, mut least) = (0i32, 0i32);
    for run in 0..8 {
        let range = run * 32..(run + 1) * 32;
        let dot: i32 = range.map(|i| i32::from(nibble_q4k(block, i)) * i32::from(x[i])).sum();
        scaled += i32::from(scales[run]) * dot;
        least += i32::from(minima[run]) * (i32::from(sums[2 * run]) + i32::from(sums[2 * run + 1]));
    }
    half(block, 0) * scaled as f32 - half(block, 2) * least as f32
}

fn q6k(block: &[u8], x: &[i8]) -> f32 {
    let dots = (0..16).map(|run| {
        let range = run * 16..(run + 1) * 16;
        let dot: i32 = range.map(|i| (i32::from(six_bits_q6k(block, i)) - 32) * i32::from(x[i])).sum();
        i32::from(scale_q6k(block, run)) * dot
    });
    half(block, 208) * dots.sum::<i32>() as f32
}
