//! One row of activations with some rows of weights, with NEON's widening products.
//!
//! Sums of a block are integers, and what follows is done in the order of the plain code,
//! so that the results are its results to the bit.

use std::arch::aarch64::*;

use super::block::{half, scales_q4k};
use super::{Activations, Format, Matrix};

/// `out[i]` = row `first + i` of `w` times row `m` of `x`.
///
/// # Safety
/// The processor has NEON.
#[target_feature(enable = "neon")]
pub(super) unsafe fn dots(w: Matrix<'_>, first: usize, x: &Activations, m: usize, out: &mut [f32]) {
    let (bytes, scales, sums) = (x.bytes(m), x.scales(m), x.sums(m));
    let (length, block_bytes) = (w.format.block(), w.format.block_bytes());
    for (index, out) in out.iter_mut().enumerate() {
        let mut sum = 0.0f32;
        for (at, block) in w.row(first + index).chunks_exact(block_bytes).enumerate() {
            let bytes = &bytes[at * length..(at + 1) * length];
            // SAFETY: the caller's promise; the block is one of the format, with as many activations.
            let dot = unsafe {
                match w.format {
                    Format::Q4K => q4k(block, bytes, &sums[at * 16..(at + 1) * 16]),
                    Format::Q6K => half(block, 208) * q6k(block, bytes) as f32,
                    Format::Q8 => half(block, 0) * q8(block, bytes) as f32,
                }
            };
            sum += scales[at * length / x.run()] * dot;
        }
        *out = sum;
    }
}

/// Products of 16 weights and activations, in pairs: the sum of two fits 16 bits as long as weights are at least -128
/// and activations at least -127.
///
/// # Safety
/// The processor has NEON; there are 16 activations.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn sixteen(weights: int8x16_t, x: *const i8) -> int16x8_t {
    // SAFETY: the caller's promise.
    let x = unsafe { vld1q_s8(x) };
    vmlal_s8(vmull_s8(vget_low_s8(weights), vget_low_s8(x)), vget_high_s8(weights), vget_high_s8(x))
}

/// # Safety
/// The processor has NEON; `block` has 144 bytes, `x` 256 and `sums` 16.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn q4k(block: &[u8], x: &[i8], sums: &[i16]) -> f32 {
    let (scales, minima) = scales_q4k(block);
    let low = vdupq_n_u8(15);
    let mut scaled = vdupq_n_s32(0);
    for pair in 0..4 {
        // SAFETY: 32 bytes of weights from 16 on for each 64 activations.
        let packed = unsafe {
            let at = block.as_ptr().add(16 + pair * 32);
            [vld1q_u8(at), vld1q_u8(at.add(16))]
        };
        let runs = [packed.map(|bytes| vandq_u8(bytes, low)), packed.map(|bytes| vshrq_n_u8::<4>(bytes))];
        for (which, weights) in runs.into_iter().enumerate() {
            let run = pair * 2 + which;
            let [a, b] = weights.map(|bytes| vreinterpretq_s8_u8(bytes));
            // SAFETY: run is below 8, for which there are 32 activations each.
            let (a, b) = unsafe {
                let x = x.as_ptr().add(run * 32);
                (sixteen(a, x), sixteen(b, x.add(16)))
            };
            // Four products of at most 15 x 127 fit 16 bits.
            scaled = vmlaq_n_s32(scaled, vpaddlq_s16(vaddq_s16(a, b)), i32::from(scales[run]));
        }
    }
    // SAFETY: 16 sums, and 8 minima.
    let (sums, minima) = unsafe {
        let sums = sums.as_ptr();
        (vpaddq_s16(vld1q_s16(sums), vld1q_s16(sums.add(8))), vreinterpretq_s16_u16(vmovl_u8(vld1_u8(minima.as_ptr()))))
    };
    let least = vmull_s16(vget_low_s16(sums), vget_low_s16(minima));
    let least = vmlal_s16(least, vget_high_s16(sums), vget_high_s16(minima));
    half(block, 0) * vaddvq_s32(scaled) as f32 - half(block, 2) * vaddvq_s32(least) as f32
}

/// # Safety
/// The processor has NEON; `block` has 210 bytes and `x` 256.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn q6k(block: &[u8], x: &[i8]) -> i32 {
    let (low, high, middle) = (vdupq_n_u8(15), vdupq_n_u8(0x30), vdupq_n_s8(32));
    let mut scaled = vdupq_n_s32(0);
    for group in 0..8 {
        // 32 weights: four bits each of 32 bytes, the lower or the upper ones, and two bits each of 32 others.
        let (part, within) = (group / 4, group % 4);
        // The two bits to places 4 and 5; a negative shift is one to the right.
        let shift = vdupq_n_s8(4 - 2 * within as i8);
        for sixteenth in 0..2 {
            // SAFETY: 128 bytes of four bits, 64 of two, 16 scales, 256 activations.
            unsafe {
                let four = vld1q_u8(block.as_ptr().add(part * 64 + within % 2 * 32 + sixteenth * 16));
                let two = vld1q_u8(block.as_ptr().add(128 + part * 32 + sixteenth * 16));
                let four = if within < 2 { vandq_u8(four, low) } else { vshrq_n_u8::<4>(four) };
                let six = vorrq_u8(four, vandq_u8(vshlq_u8(two, shift), high));
                let weights = vsubq_s8(vreinterpretq_s8_u8(six), middle);
                let run = group * 2 + sixteenth;
                let dots = vpaddlq_s16(sixteen(weights, x.as_ptr().add(run * 16)));
                scaled = vmlaq_n_s32(scaled, dots, i32::from(block[192 + run] as i8));
            }
        }
    }
    vaddvq_s32(scaled)
}

/// # Safety
/// The processor has NEON; `block` has 34 bytes and `x` 32.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn q8(block: &[u8], x: &[i8]) -> i32 {
    // SAFETY: 32 weights from byte 2 on, and as many activations.
    let [a, b] = unsafe {
        let weights = block.as_ptr().add(2).cast::<i8>();
        [sixteen(vld1q_s8(weights), x.as_ptr()), sixteen(vld1q_s8(weights.add(16)), x.as_ptr().add(16))]
    };
    vaddvq_s32(vpadalq_s16(vpaddlq_s16(a), b))
}
