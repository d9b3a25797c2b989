//! Products against float64, over every set of instructions of this machine.

mod common;

use common::float64::product;
use common::{Shifted, in_threads, is_tried, numbers};
use hilum_kernels::cpu::Isa;
use hilum_kernels::linear::{Activation, Linear, Output, Precision};
use hilum_kernels::rows::PackedRows;
use hilum_kernels::values::{Values, from_bf16, to_bf16};
use proptest::prelude::*;

#[derive(Debug, Clone, Copy)]
struct Case {
    rows: usize,
    inputs: usize,
    outputs: usize,
    bias: bool,
    /// Whether the weights are stored as brain floats.
    brain: bool,
    activation: Activation,
    offset: usize,
    threads: usize,
}

const PRECISIONS: [Precision; 3] = [Precision::F32, Precision::Bf16, Precision::Int8];

fn case(rows: usize, inputs: usize, outputs: usize) -> Case {
    Case { rows, inputs, outputs, bias: true, brain: false, activation: Activation::None, offset: 0, threads: 1 }
}

fn check(isa: Isa, precision: Precision, case: Case) {
    let Case { rows, inputs, outputs, activation, offset, .. } = case;
    let x = Shifted::new(rows * inputs, 1, offset);
    let mut w = Shifted::new(inputs * outputs, 2, offset + 1);
    let bits: Vec<u16> = w.get().iter().map(|&x| to_bf16(x)).collect();
    if case.brain {
        w.get_mut().iter_mut().zip(&bits).for_each(|(x, &bits)| *x = from_bf16(bits));
    }
    let weight = if case.brain { Values::Bf16(&bits) } else { Values::F32(w.get()) };
    let bias = case.bias.then(|| numbers(outputs, 3));
    let residual = numbers(rows * outputs, 4);
    let layer = Linear::with_isa(isa, weight, bias.as_deref().map(Values::F32), inputs, outputs, precision);
    assert_eq!((layer.inputs(), layer.outputs()), (inputs, outputs));
    let (mut written, mut added, mut rounded) =
        (vec![f32::NAN; rows * outputs], residual.clone(), vec![0u16; rows * outputs]);
    in_threads(case.threads, || {
        layer.forward(x.get(), rows, activation, Output::Write(&mut written));
        let mut packed = PackedRows::new();
        // Room left from larger rows must not show.
        layer.pack_rows(&vec![9.; (rows + 3) * inputs], rows + 3, &mut packed);
        layer.pack_rows(x.get(), rows, &mut packed);
        layer.forward_packed(&packed, activation, Output::Add(&mut added));
        layer.forward_packed(&packed, activation, Output::WriteBf16(&mut rounded));
    });
    for row in 0..rows {
        for output in 0..outputs {
            let (x, w) = (&x.get()[row * inputs..][..inputs], &w.get()[output * inputs..][..inputs]);
            let bias = bias.as_ref().map_or(0., |bias| bias[output]);
            let (expected, tolerance) = product(precision, x, w, bias, activation);
            let at = row * outputs + output;
            let found = f64::from(written[at]);
            assert!(
                (found - expected).abs() <= tolerance,
                "{isa:?} {precision:?} {case:?} ({row}, {output}): {found} for {expected} +- {tolerance}"
            );
            assert_eq!(added[at], residual[at] + written[at], "{isa:?} {precision:?} {case:?} added");
            assert_eq!(rounded[at], to_bf16(written[at]), "{isa:?} {precision:?} {case:?} rounded");
        }
    }
}

fn check_all(case: Case) {
    if !is_tried(case.rows * case.inputs * case.outputs) {
        return;
    }
    for isa in Isa::available() {
        for precision in PRECISIONS {
            check(isa, precision, case);
        }
    }
}

#[test]
fn odd_sizes() {
    for (rows, inputs, outputs) in [
        (1, 1, 1),
        (1, 7, 1),
        (1, 72, 33),
        (2, 1, 5),
        (3, 2, 31),
        (5, 3, 32),
        (13, 5, 64),
        (14, 127, 16),
        (15, 128, 17),
        (29, 33, 47),
        (61, 19, 3),
    ] {
        check_all(case(rows, inputs, outputs));
    }
}

#[test]
fn without_a_bias_with_gelu_unaligned_and_over_threads() {
    check_all(Case { bias: false, ..case(9, 20, 40) });
    check_all(Case { activation: Activation::Gelu, ..case(9, 20, 40) });
    check_all(Case { brain: true, ..case(9, 20, 40) });
    for offset in 1..4 {
        check_all(Case { offset, ..case(4, 30, 34) });
    }
    check_all(Case { threads: 3, ..case(50, 40, 100) });
}

/// Longer sums than a block of weights or of rows holds.
#[test]
fn sums_in_several_runs() {
    check_all(case(3, 4304, 40));
    check_all(Case { threads: 2, ..case(150, 2500, 33) });
    // In tiles of AMX: bytes in two runs under full tiles, brain floats over more rows than a block has.
    check_all(Case { threads: 2, ..case(230, 2600, 33) });
}

/// Integers are summed exactly, so that the sets differ in the last rounding at most.
#[test]
fn int8_is_the_same_on_every_set() {
    let (rows, inputs, outputs) = (5, 300, 50);
    let (x, w) = (numbers(rows * inputs, 5), numbers(inputs * outputs, 6));
    let results: Vec<Vec<f32>> = Isa::available()
        .map(|isa| {
            let layer = Linear::with_isa(isa, Values::F32(&w), None, inputs, outputs, Precision::Int8);
            let mut out = vec![0.; rows * outputs];
            layer.forward(&x, rows, Activation::None, Output::Write(&mut out));
            out
        })
        .collect();
    for other in &results[1..] {
        for (a, b) in results[0].iter().zip(other) {
            assert!((a - b).abs() <= 1e-6 * (1. + a.abs()), "{a} and {b}");
        }
    }
}

#[test]
fn extremes_show_as_they_do_in_floats() {
    for isa in Isa::available() {
        for precision in PRECISIONS {
            let w = [1f32, 0., 0., 0., 0.5, 0.];
            let layer = Linear::with_isa(isa, Values::F32(&w), None, 3, 2, precision);
            for odd in [f32::NAN, f32::INFINITY] {
                let mut out = [0.; 4];
                layer.forward(&[odd, 1., 1., 1., 1., 1.], 2, Activation::None, Output::Write(&mut out));
                assert!(!out[0].is_finite(), "{isa:?} {precision:?} {odd}: {out:?}");
                assert!(out[2..].iter().all(|x| x.is_finite()), "{isa:?} {precision:?} {odd}: {out:?}");
            }
            let mut out = [1.; 2];
            layer.forward(&[0.; 3], 1, Activation::None, Output::Write(&mut out));
            assert_eq!(out, [0.; 2], "{isa:?} {precision:?}");
            layer.forward(&[], 0, Activation::None, Output::Write(&mut []));
        }
    }
}

/// Twice 2^32 is nothing where products of sizes go round.
#[test]
#[cfg(target_pointer_width = "64")]
#[should_panic(expected = "weights of 4294967296 x 4294967296")]
fn sizes_that_cannot_be_counted_are_refused() {
    Linear::new(Values::F32(&[]), None, 1 << 32, 1 << 32, Precision::F32);
}

/// Weights that are brain floats already, and several layers as one.
#[test]
fn stacked_layers_are_the_layers_one_after_another() {
    let (rows, inputs) = (6, 24);
    let x = numbers(rows * inputs, 7);
    let weights: Vec<Vec<u16>> =
        [5, 40, 3].iter().map(|outputs| numbers(inputs * outputs, 8).iter().map(|&x| to_bf16(x)).collect()).collect();
    let bias = numbers(40, 9);
    let parts = [
        (Values::Bf16(&weights[0]), None),
        (Values::Bf16(&weights[1]), Some(Values::F32(&bias))),
        (Values::Bf16(&weights[2]), None),
    ];
    for isa in Isa::available() {
        for precision in PRECISIONS {
            let stacked = Linear::stacked(isa, &parts, inputs, &[5, 40, 3], precision);
            let mut all = vec![0.; rows * 48];
            stacked.forward(&x, rows, Activation::None, Output::Write(&mut all));
            let mut start = 0;
            for (part, outputs) in parts.iter().zip([5, 40, 3]) {
                let layer = Linear::with_isa(isa, part.0, part.1, inputs, outputs, precision);
                let mut out = vec![0.; rows * outputs];
                layer.forward(&x, rows, Activation::None, Output::Write(&mut out));
                for row in 0..rows {
                    assert_eq!(all[row * 48 + start..][..outputs], out[row * outputs..][..outputs], "{isa:?}");
                }
                start += outputs;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    #[cfg_attr(miri, ignore = "the odd sizes are enough where each case takes a minute")]
    fn random_shapes(
        rows in 1usize..40, inputs in 1usize..150, outputs in 1usize..80,
        bias: bool, brain: bool, gelu: bool, offset in 0usize..4, threads in 1usize..3,
    ) {
        let activation = if gelu { Activation::Gelu } else { Activation::None };
        check_all(Case { rows, inputs, outputs, bias, brain, activation, offset, threads });
    }
}
