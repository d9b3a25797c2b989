//! The blocks, taken apart one at a time: the definition that the kernels are tested against.

use super::Format;

/// The numbers of one block.
pub(super) fn numbers(format: Format, block: &[u8], out: &mut [f32]) {
    match format {
        Format::Q4K => q4k(block, out),
        Format::Q6K => q6k(block, out),
        Format::Q8 => {
            let step = half(block, 0);
            for (out, &byte) in out.iter_mut().zip(&block[2..34]) {
                *out = step * f32::from(byte as i8);
            }
        }
    }
}

/// The half-precision number at `offset` (IEEE 754 binary16).
pub(super) fn half(block: &[u8], offset: usize) -> f32 {
    let bits = u32::from(u16::from_le_bytes([block[offset], block[offset + 1]]));
    let (sign, exponent, fraction) = (bits >> 15 << 31, bits >> 10 & 31, bits & 1023);
    match exponent {
        0 => f32::from_bits(sign | 0x3380_0000) * fraction as f32, // 2^-24 a step.
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

/// Scales and minima of the eight runs of 32 in a block of `Q4K`, 6 bits each
/// (ggml-quants.c, `get_scale_min_k4`).
pub(super) fn scales_q4k(block: &[u8]) -> ([u8; 8], [u8; 8]) {
    let word = |at: usize| u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
    let (a, b, c) = (word(4), word(8), word(12));
    let scales = u64::from(a & 0x3f3f_3f3f) | u64::from(c & 0x0f0f_0f0f | (a >> 6 & 0x0303_0303) << 4) << 32;
    let minima = u64::from(b & 0x3f3f_3f3f) | u64::from(c >> 4 & 0x0f0f_0f0f | (b >> 6 & 0x0303_0303) << 4) << 32;
    (scales.to_le_bytes(), minima.to_le_bytes())
}

/// Weight `index` of a block of `Q4K` before scale and minimum, 0 to 15. 64 weights share
/// 32 bytes: the first 32 are the low halves.
pub(super) fn nibble_q4k(block: &[u8], index: usize) -> u8 {
    let byte = block[16 + index / 64 * 32 + index % 32];
    if index % 64 < 32 { byte & 15 } else { byte >> 4 }
}

/// Weight `index` of a block of `Q6K` before its scale, 0 to 63; it stands for 32 less.
pub(super) fn six_bits_q6k(block: &[u8], index: usize) -> u8 {
    let (half, within) = (index / 128, index % 128);
    let low = block[half * 64 + within % 64];
    let low = if within < 64 { low & 15 } else { low >> 4 };
    let high = block[128 + half * 32 + within % 32] >> (within / 32 * 2) & 3;
    low | high << 4
}

/// The scale of 16 weights in a block of `Q6K`.
pub(super) fn scale_q6k(block: &[u8], run: usize) -> i8 {
    block[192 + run] as i8
}

fn q4k(block: &[u8], out: &mut [f32]) {
    let (step, minimum) = (half(block, 0), half(block, 2));
    let (scales, minima) = scales_q4k(block);
    for (index, out) in out.iter_mut().enumerate() {
        let (scale, min) = (f32::from(scales[index / 32]), f32::from(minima[index / 32]));
        *out = step * scale * f32::from(nibble_q4k(block, index)) - minimum * min;
    }
}

fn q6k(block: &[u8], out: &mut [f32]) {
    let step = half(block, 208);
    for (index, out) in out.iter_mut().enumerate() {
        let weight = i16::from(six_bits_q6k(block, index)) - 32;
        *out = step * f32::from(scale_q6k(block, index / 16)) * f32::from(weight);
    }
}
