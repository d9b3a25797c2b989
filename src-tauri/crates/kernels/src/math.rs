//! Exponentials, GELU and layer norms over slices, in a form that compilers vectorise.

use crate::versions::versions;

/// Sums are kept in this many lanes, which makes their order the same everywhere.
const LANES: usize = 16;

/// `a * b + c`, fused where the crate is compiled for processors that all have it as one
/// instruction: AArch64, and x86-64-v3, for which `.cargo/config.toml` compiles. Otherwise it
/// rounds twice, also inside of [`versions!`]: whether an instruction is there is asked of the
/// crate's target, not of the function's, and a call of a library would take its place.
#[inline(always)]
pub(crate) fn fma(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) { a.mul_add(b, c) } else { a * b + c }
}

/// e^x within 2 units in the last place; 0 below -87.3, finite up to 88.3 and the value
/// there beyond. What is not a number stays so.
///
/// Cody and Waite's reduction by ln 2 in two parts, then the polynomial of Cephes'
/// `expf` (S. Moshier, netlib.org/cephes, single/expf.c).
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Adding 1.5 x 2^23 leaves the nearest integer in the low bits of the sum.
    const ROUND: f32 = 12_582_912.0;
    const LOWEST: f32 = -87.3;
    let within = if x > 88.3 { 88.3 } else { x };
    let within = if within < LOWEST { LOWEST } else { within };
    let shifted = fma(within, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = fma(n, -0.693_359_4, within);
    let r = fma(n, 2.121_944_4e-4, r);
    let mut p = 1.987_569_1e-4;
    p = fma(p, r, 1.398_2e-3);
    p = fma(p, r, 8.333_452e-3);
    p = fma(p, r, 4.166_579_6e-2);
    p = fma(p, r, 1.666_666_5e-1);
    p = fma(p, r, 0.5);
    let scaled = (fma(p, r * r, r) + 1.0) * power_of_two(shifted);
    if x < LOWEST { 0. } else { scaled }
}

/// 2^n for n from -126 to 127, where `shifted` is n + 1.5 x 2^23, whose low bits are n.
///
/// To be multiplied with. Adding n to an exponent is as exact, but makes a number of what is none
/// wherever that has low bits of its own.
#[inline(always)]
pub(crate) fn power_of_two(shifted: f32) -> f32 {
    f32::from_bits((shifted.to_bits() << 23).wrapping_add(1f32.to_bits()))
}

/// GELU with the tanh approximation (Hendrycks and Gimpel, arXiv 1606.08415, section 2),
/// written with the logistic function: (1 + tanh u) / 2 = 1 / (1 + e^-2u).
#[inline(always)]
pub(crate) fn gelu(x: f32) -> f32 {
    const TWICE_ROOT_2_OVER_PI: f32 = 1.595_769_1;
    let u = x * fma(x * x, 0.044_715, 1.0) * TWICE_ROOT_2_OVER_PI;
    x / (1.0 + exp(-u))
}

#[inline(always)]
pub(crate) fn sum(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += term(x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += term(x);
    }
    lanes.iter().sum()
}

/// The largest number, minus infinity for none; not a number where one of the values is not.
#[inline(always)]
pub(crate) fn largest(values: &[f32]) -> f32 {
    // What is not a number is larger than any, and nothing is larger than that.
    let larger = |a: f32, b: f32| if b > a || b.is_nan() { b } else { a };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, x);
        }
    }
    rest.iter().chain(&lanes).fold(f32::NEG_INFINITY, |a, &b| larger(a, b))
}

/// The largest magnitude; not a number where one of the values is not.
#[inline(always)]
pub(crate) fn largest_magnitude(values: &[f32]) -> f32 {
    // Without their sign, the bits of floats are in the order of the floats, with those
    // that are not numbers above infinity.
    let magnitude = |x: f32| x.to_bits() & 0x7fff_ffff;
    f32::from_bits(values.iter().fold(0, |largest, &x| magnitude(x).max(largest)))
}

versions! {
    /// (x - mean) / sqrt(variance + eps) * weight + bias over one row. All slices are of
    /// one length.
    pub fn layer_norm(x: &[f32], weight: &[f32], bias: &[f32], eps: f32, out: &mut [f32]) {
        let count = x.len() as f32;
        let mean = sum(x, |x| x) / count;
        let variance = sum(x, |x| (x - mean) * (x - mean)) / count;
        let scale = 1.0 / (variance + eps).sqrt();
        for (((out, &x), &weight), &bias) in out.iter_mut().zip(x).zip(weight).zip(bias) {
            *out = fma((x - mean) * scale, weight, bias);
        }
    }
}

versions! {
    /// x / sqrt(mean of squares + eps) * weight over one row. All slices are of one length.
    pub fn rms_norm(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
        let scale = 1.0 / (sum(x, |x| x * x) / x.len() as f32 + eps).sqrt();
        for ((out, &x), &weight) in out.iter_mut().zip(x).zip(weight) {
            *out = x * scale * weight;
        }
    }
}

versions! {
    /// GELU of each number in place.
    pub fn gelu_in_place(x: &mut [f32]) {
        for x in x {
            *x = gelu(*x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Isa;
    use std::hint::black_box;

    #[test]
    fn products_are_fused_where_the_target_has_the_instruction() {
        // What rounding the product takes away is all that is left of the sum.
        let a = black_box(1. + f32::EPSILON);
        let fused = fma(a, a, black_box(-(a * a))) != 0.;
        assert_eq!(fused, cfg!(any(target_feature = "fma", target_arch = "aarch64")));
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        // As a processor makes it, and with other bits, as broken weights have them.
        for odd in [f32::NAN, -f32::NAN, f32::from_bits(0x7fff_ffff), f32::from_bits(0xffc0_0101)] {
            assert!(exp(odd).is_nan() && gelu(odd).is_nan(), "{:08x}", odd.to_bits());
            for len in [1, 16, 17, 50] {
                for at in [0, len / 2, len - 1] {
                    let mut values: Vec<f32> = (0..len).map(|i| i as f32 - 7.).collect();
                    assert_eq!(largest(&values), len as f32 - 8.);
                    values[at] = odd;
                    assert!(largest(&values).is_nan() && largest_magnitude(&values).is_nan(), "{at} of {len}");
                    for isa in Isa::available() {
                        let (weight, mut out) = (vec![1.; len], vec![0.; len]);
                        layer_norm(isa, &values, &weight, &weight, 1e-6, &mut out);
                        assert!(out.iter().all(|x| x.is_nan()), "{isa:?} layer norm, {at} of {len}");
                        rms_norm(isa, &values, &weight, 1e-6, &mut out);
                        assert!(out.iter().all(|x| x.is_nan()), "{isa:?} root mean square, {at} of {len}");
                    }
                }
            }
        }
        assert_eq!(largest(&[]), f32::NEG_INFINITY);
    }

    #[test]
    fn exp_is_near_the_double_one() {
        for i in -870..=880 {
            let x = i as f32 * 0.1 + 0.013;
            let expected = f64::from(x).exp();
            let relative = (f64::from(exp(x)) - expected).abs() / expected;
            assert!(relative < 3e-7, "e^{x}: {relative}");
        }
        assert_eq!(exp(f32::NEG_INFINITY), 0.);
        assert_eq!(exp(-88.), 0.);
        assert_eq!(exp(0.), 1.);
        assert!(exp(200.).is_finite());
    }

    #[test]
    fn gelu_is_near_the_double_one() {
        let values: Vec<f32> = (-120..=120).map(|i| i as f32 * 0.1).chain([-1e4, 1e4]).collect();
        for isa in Isa::available() {
            let mut found = values.clone();
            gelu_in_place(isa, &mut found);
            for (&x, found) in values.iter().zip(found) {
                let x = f64::from(x);
                let u = (2. / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
                let expected = 0.5 * x * (1. + u.tanh());
                assert!((f64::from(found) - expected).abs() < 2e-6 * (1. + x.abs()), "{isa:?} {x}: {found}");
            }
        }
    }

    #[test]
    fn layer_norm_is_near_the_double_one() {
        for len in [1, 2, 15, 16, 17, 72, 1152] {
            let x: Vec<f32> = (0..len).map(|i| ((i * 37) % 101) as f32 * 0.1 - 3.).collect();
            let weight: Vec<f32> = (0..len).map(|i| 1. + (i % 7) as f32 * 0.1).collect();
            let bias: Vec<f32> = (0..len).map(|i| (i % 5) as f32 * 0.1).collect();
            let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / len as f64;
            let variance = x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / len as f64;
            for isa in Isa::available() {
                let mut out = vec![0.; len];
                layer_norm(isa, &x, &weight, &bias, 1e-6, &mut out);
                for i in 0..len {
                    let expected =
                        (f64::from(x[i]) - mean) / (variance + 1e-6).sqrt() * f64::from(weight[i]) + f64::from(bias[i]);
                    assert!((f64::from(out[i]) - expected).abs() < 1e-5, "{isa:?} {len} {i}");
                }
            }
        }
    }
}
