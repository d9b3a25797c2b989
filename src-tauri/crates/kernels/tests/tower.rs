//! Whole layers against float64, over every set of instructions of this machine.

mod common;

use std::ops::ControlFlow;

use common::{in_threads, is_tried, numbers};
use hilum_kernels::cpu::Isa;
use hilum_kernels::linear::Precision;
use hilum_kernels::tower::{LayerWeights, LinearWeights, NormWeights, Tower, TowerShape};
use hilum_kernels::values::Values;

struct Weights {
    norms: [(Vec<f32>, Vec<f32>); 2],
    /// Query, key, value, out, fc1, fc2: weight, bias, inputs, outputs.
    linears: Vec<(Vec<f32>, Vec<f32>, usize, usize)>,
}

const EPS: f32 = 1e-6;

fn weights(shape: &TowerShape, seed: u64) -> Weights {
    let TowerShape { hidden, mlp, .. } = *shape;
    let norm = |seed| (numbers(hidden, seed).iter().map(|x| 1. + 0.3 * x).collect(), numbers(hidden, seed + 1));
    let linear = |(i, (inputs, outputs)): (usize, (usize, usize))| {
        let scale = 1.7 / (inputs as f32).sqrt();
        let weight = numbers(inputs * outputs, seed + 10 + i as u64).iter().map(|x| x * scale).collect();
        (weight, numbers(outputs, seed + 20 + i as u64), inputs, outputs)
    };
    let sizes = [(hidden, hidden), (hidden, hidden), (hidden, hidden), (hidden, hidden), (hidden, mlp), (mlp, hidden)];
    Weights { norms: [norm(seed), norm(seed + 2)], linears: sizes.into_iter().enumerate().map(linear).collect() }
}

fn tower(isa: Isa, shape: TowerShape, precision: Precision, layers: &[Weights]) -> Tower {
    let mut tower = Tower::with_isa(isa, shape, precision);
    for layer in layers {
        let norm =
            |i: usize| NormWeights { weight: Values::F32(&layer.norms[i].0), bias: Values::F32(&layer.norms[i].1) };
        let linear = |i: usize| LinearWeights {
            weight: Values::F32(&layer.linears[i].0),
            bias: Some(Values::F32(&layer.linears[i].1)),
        };
        tower.push(&LayerWeights {
            norm1: norm(0),
            query: linear(0),
            key: linear(1),
            value: linear(2),
            out: linear(3),
            norm2: norm(1),
            fc1: linear(4),
            fc2: linear(5),
        });
    }
    tower
}

fn reference(shape: &TowerShape, layers: &[Weights], hidden: &[f32], tokens: usize) -> Vec<f64> {
    let (width, heads) = (shape.hidden, shape.heads);
    let dim = width / heads;
    let mut x: Vec<Vec<f64>> = hidden.chunks(width).map(|row| row.iter().map(|&x| f64::from(x)).collect()).collect();
    for layer in layers {
        let norm = |row: &[f64], i: usize| -> Vec<f64> {
            let mean = row.iter().sum::<f64>() / width as f64;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
            let (weight, bias) = &layer.norms[i];
            let scaled = |c: usize| (row[c] - mean) / (variance + f64::from(EPS)).sqrt();
            (0..width).map(|c| scaled(c) * f64::from(weight[c]) + f64::from(bias[c])).collect()
        };
        let linear = |row: &[f64], i: usize| -> Vec<f64> {
            let (weight, bias, inputs, outputs) = &layer.linears[i];
            let sum = |o: usize| row.iter().zip(&weight[o * inputs..]).map(|(x, w)| x * f64::from(*w)).sum::<f64>();
            (0..*outputs).map(|o| sum(o) + f64::from(bias[o])).collect()
        };
        let projections: Vec<Vec<Vec<f64>>> =
            (0..3).map(|i| x.iter().map(|row| linear(&norm(row, 0), i)).collect()).collect();
        for (t, row) in x.iter_mut().enumerate() {
            let mut attended = vec![0.; width];
            for head in 0..heads {
                let sequence = t / tokens * tokens..(t / tokens + 1) * tokens;
                let range = head * dim..(head + 1) * dim;
                let query = &projections[0][t][range.clone()];
                let scores: Vec<f64> = projections[1][sequence.clone()]
                    .iter()
                    .map(|key| query.iter().zip(&key[range.clone()]).map(|(a, b)| a * b).sum::<f64>())
                    .map(|score| (score / (dim as f64).sqrt()).exp())
                    .collect();
                let sum: f64 = scores.iter().sum();
                for (value, score) in projections[2][sequence].iter().zip(&scores) {
                    for (out, value) in attended[range.clone()].iter_mut().zip(&value[range.clone()]) {
                        *out += score / sum * value;
                    }
                }
            }
            row.iter_mut().zip(linear(&attended, 3)).for_each(|(x, y)| *x += y);
            let gelu =
                |x: f64| 0.5 * x * (1. + ((2. / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh());
            let between: Vec<f64> = linear(&norm(row, 1), 4).into_iter().map(gelu).collect();
            row.iter_mut().zip(linear(&between, 5)).for_each(|(x, y)| *x += y);
        }
    }
    x.concat()
}

/// One minus the cosine, and the largest difference relative to the largest number.
fn distance(found: &[f32], expected: &[f64]) -> (f64, f64) {
    let (mut dot, mut a, mut b, mut worst, mut largest) = (0., 0., 0., 0f64, 0f64);
    for (&x, &y) in found.iter().zip(expected) {
        let x = f64::from(x);
        (dot, a, b) = (dot + x * y, a + x * x, b + y * y);
        (worst, largest) = (worst.max((x - y).abs()), largest.max(y.abs()));
    }
    (1. - dot / (a * b).sqrt(), worst / largest)
}

fn check(shape: TowerShape, layers: usize, batch: usize, tokens: usize, threads: usize) {
    let weights_of_a_layer = 4 * shape.hidden * shape.hidden + 2 * shape.hidden * shape.mlp;
    if !is_tried(layers * batch * tokens * (weights_of_a_layer + 2 * tokens * shape.hidden)) {
        return;
    }
    let layers: Vec<_> = (0..layers).map(|i| weights(&shape, 100 * i as u64)).collect();
    let hidden = numbers(batch * tokens * shape.hidden, 77);
    let expected = reference(&shape, &layers, &hidden, tokens);
    for isa in Isa::available() {
        for (precision, angle, difference) in
            [(Precision::F32, 1e-10, 1e-5), (Precision::Bf16, 1e-4, 0.02), (Precision::Int8, 2e-4, 0.05)]
        {
            let tower = tower(isa, shape, precision, &layers);
            let mut found = hidden.clone();
            let done = in_threads(threads, || {
                tower.forward_batch(&mut found, batch, tokens, &mut |_, _| ControlFlow::Continue(()))
            });
            assert!(done.is_continue());
            let (one_minus_cosine, worst) = distance(&found, &expected);
            println!("{isa:?} {precision:?} {shape:?} {tokens}: {one_minus_cosine:.1e} {worst:.1e}");
            assert!(
                one_minus_cosine < angle && worst < difference,
                "{isa:?} {precision:?} {shape:?} {batch} x {tokens}: {one_minus_cosine:e}, {worst:e}"
            );
        }
    }
}

#[test]
fn layers_are_those_of_float64() {
    let shape = |hidden, heads, mlp| TowerShape { hidden, heads, mlp, eps: EPS };
    check(shape(8, 1, 4), 1, 1, 1, 1);
    check(shape(6, 2, 5), 2, 2, 3, 2);
    check(shape(24, 3, 40), 3, 2, 17, 1);
    check(shape(66, 6, 131), 2, 1, 40, 2);
    check(shape(144, 2, 300), 2, 1, 70, 2);
    // More tokens than go through the second half at once.
    check(shape(4, 1, 6), 1, 1, 1030, 1);
}

#[test]
fn a_pass_ends_where_it_is_told_to() {
    let shape = TowerShape { hidden: 20, heads: 5, mlp: 16, eps: EPS };
    let layers: Vec<_> = (0..3).map(|i| weights(&shape, i)).collect();
    let tower = tower(Isa::current(), shape, Precision::F32, &layers);
    assert_eq!((tower.layers(), tower.shape(), tower.precision()), (3, shape, Precision::F32));
    assert!(tower.bytes() > 3 * 4 * (4 * 400 + 2 * 320));
    let run = |last: usize| {
        let mut asked = Vec::new();
        let mut hidden = numbers(7 * 20, 1);
        let result = in_threads(1, || {
            tower.forward(&mut hidden, 7, &mut |layer, layers| {
                asked.push((layer, layers));
                if asked.len() == last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
        });
        (asked, result.is_break())
    };
    let (all, ended) = run(usize::MAX);
    assert!(!ended && all.is_sorted() && all.iter().all(|&(_, layers)| layers == 3));
    // Before the projections, two runs of heads, the output and the second half.
    assert_eq!(all.len(), 3 * 5);
    for last in 1..=all.len() {
        assert_eq!(run(last), (all[..last].to_vec(), true));
    }
}
