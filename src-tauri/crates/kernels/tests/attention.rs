//! Attention against float64, over every set of instructions of this machine.

mod common;

use common::{Shifted, in_threads, numbers};
use hilum_kernels::attention::{Arithmetic, Attention, Mask, Shape, Strides, View, Workspace};
use hilum_kernels::cpu::Isa;
use hilum_kernels::values::{Values, from_bf16, to_bf16};
use proptest::prelude::*;

/// What the mask hides.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Hidden {
    NoMask,
    Nothing,
    /// Keys after the query, both counted from the end; with minus infinity.
    Later,
    /// The same with the lowest float.
    LaterLowest,
    /// Every key from every query.
    All,
}

#[derive(Debug, Clone, Copy)]
struct Case {
    shape: Shape,
    hidden: Hidden,
    /// Whether the heads come before the tokens.
    heads_first: bool,
    brain_keys: bool,
    offset: usize,
    threads: usize,
    /// Spread of the queries: large ones make a softmax of one key.
    spread: f32,
}

fn case(heads: usize, key_heads: usize, queries: usize, keys: usize, dim: usize) -> Case {
    Case {
        shape: Shape { batch: 1, heads, key_heads, queries, keys, dim },
        hidden: Hidden::NoMask,
        heads_first: false,
        brain_keys: false,
        offset: 0,
        threads: 1,
        spread: 1.,
    }
}

fn mask_of(case: &Case) -> Option<Vec<f32>> {
    let Shape { queries, keys, .. } = case.shape;
    let visible = |query: usize, key: usize| key + queries <= query + keys;
    let low = match case.hidden {
        Hidden::NoMask => return None,
        Hidden::LaterLowest => f32::MIN,
        _ => f32::NEG_INFINITY,
    };
    let noise = numbers(queries * keys, 9);
    let number = |i: usize| match case.hidden {
        Hidden::All => low,
        Hidden::Later | Hidden::LaterLowest if !visible(i / keys, i % keys) => low,
        _ => noise[i],
    };
    Some((0..queries * keys).map(number).collect())
}

/// The result of one query, and the sum of the weights' share of each value's size, to
/// measure an error against.
fn expected(scores: &[f64], values: &[&[f32]], dim: usize) -> Vec<(f64, f64)> {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return vec![(0., 0.); dim];
    }
    let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    let over = |number: usize, size: fn(f64) -> f64| {
        weights.iter().zip(values).map(|(weight, value)| weight / sum * size(f64::from(value[number]))).sum::<f64>()
    };
    (0..dim).map(|number| (over(number, |x| x), over(number, f64::abs))).collect()
}

fn check(isa: Isa, arithmetic: Arithmetic, case: Case) {
    let Shape { batch, heads, key_heads, queries, keys, dim } = case.shape;
    let strides = |heads, tokens| match case.heads_first {
        true => Strides::heads_first(heads, tokens, dim),
        false => Strides::tokens_first(heads, tokens, dim),
    };
    let (query_strides, key_strides) = (strides(heads, queries), strides(key_heads, keys));
    let mut query = Shifted::new(batch * heads * queries * dim, 1, case.offset);
    query.get_mut().iter_mut().for_each(|x| *x *= case.spread);
    let key = Shifted::new(batch * key_heads * keys * dim, 2, case.offset);
    let value = Shifted::new(batch * key_heads * keys * dim, 3, case.offset);
    let bits = |values: &[f32]| values.iter().map(|&x| to_bf16(x)).collect::<Vec<_>>();
    let (key_bits, value_bits) = (bits(key.get()), bits(value.get()));
    let view = |values: &'static str| match (values, case.brain_keys) {
        ("key", true) => Values::Bf16(&key_bits),
        ("key", false) => Values::F32(key.get()),
        (_, true) => Values::Bf16(&value_bits),
        (_, false) => Values::F32(value.get()),
    };
    let widened = |bits: &[u16], values: &[f32]| match case.brain_keys {
        true => bits.iter().map(|&bits| from_bf16(bits)).collect::<Vec<_>>(),
        false => values.to_vec(),
    };
    let (wide_key, wide_value) = (widened(&key_bits, key.get()), widened(&value_bits, value.get()));
    let mask = mask_of(&case);
    let scale = (dim as f32).powf(-0.5);
    let attention = Attention {
        shape: case.shape,
        query: View { values: Values::F32(query.get()), strides: query_strides },
        key: View { values: view("key"), strides: key_strides },
        value: View { values: view("value"), strides: key_strides },
        mask: mask.as_deref().map(|values| Mask { values, batch: 0, head: 0, query: keys }),
        scale,
        arithmetic,
    };
    let mut out = vec![f32::NAN; batch * heads * queries * dim];
    in_threads(case.threads, || attention.run_with(isa, &mut Workspace::new(), &mut out, query_strides));

    let at = |strides: &Strides, b: usize, h: usize, t: usize| b * strides.batch + h * strides.head + t * strides.token;
    for b in 0..batch {
        for h in 0..heads {
            let key_head = h / (heads / key_heads);
            for q in 0..queries {
                let query_row = &query.get()[at(&query_strides, b, h, q)..][..dim];
                let rows = |all: &'_ [f32]| -> Vec<Vec<f32>> {
                    (0..keys).map(|k| all[at(&key_strides, b, key_head, k)..][..dim].to_vec()).collect()
                };
                let (key_rows, value_rows) = (rows(&wide_key), rows(&wide_value));
                let dot = |row: &[f32], size: fn(f64) -> f64| {
                    query_row.iter().zip(row).map(|(a, b)| size(f64::from(*a) * f64::from(*b))).sum::<f64>()
                };
                let scores: Vec<f64> = key_rows
                    .iter()
                    .enumerate()
                    .map(|(k, row)| {
                        let masked = mask.as_ref().map_or(0., |mask| f64::from(mask[q * keys + k]));
                        dot(row, |x| x) * f64::from(scale) + masked
                    })
                    .collect();
                // A score's rounding error, to which the weights are proportional.
                let size = key_rows.iter().map(|row| dot(row, f64::abs)).fold(0., f64::max) * f64::from(scale);
                let (unit, weights) = match arithmetic {
                    Arithmetic::F32 => (1e-6, 2e-6),
                    // Half a unit of 8 bits for each operand, of which there are two in a
                    // score and two in a result.
                    Arithmetic::Bf16 => (2f64.powi(-8), 2f64.powi(-7)),
                };
                let slices: Vec<&[f32]> = value_rows.iter().map(Vec::as_slice).collect();
                for (number, (expected, share)) in expected(&scores, &slices, dim).into_iter().enumerate() {
                    let found = f64::from(out[at(&query_strides, b, h, q) + number]);
                    let tolerance = share * (weights + 2. * (unit * size).min(20.).exp_m1()) + 1e-7;
                    assert!(
                        (found - expected).abs() <= tolerance,
                        "{isa:?} {arithmetic:?} {case:?}: ({b}, {h}, {q}, {number}) {found} for {expected} +- {tolerance}"
                    );
                }
            }
        }
    }
}

fn check_all(case: Case) {
    for isa in Isa::available() {
        for arithmetic in [Arithmetic::F32, Arithmetic::Bf16] {
            check(isa, arithmetic, case);
        }
    }
}

#[test]
fn odd_sizes() {
    for (heads, key_heads, queries, keys, dim) in [
        (1, 1, 1, 1, 1),
        (1, 1, 2, 1, 3),
        (2, 1, 1, 5, 8),
        (4, 2, 3, 7, 16),
        (3, 3, 33, 13, 5),
        (2, 2, 31, 14, 72),
        (8, 4, 5, 29, 256),
        (1, 1, 130, 15, 65),
    ] {
        check_all(case(heads, key_heads, queries, keys, dim));
    }
}

#[test]
fn keys_in_several_blocks() {
    check_all(case(2, 1, 40, 365, 20));
    check_all(Case { spread: 40., ..case(1, 1, 33, 400, 9) });
    check_all(case(2, 2, 1, 400, 72));
}

#[test]
fn masks() {
    for hidden in [Hidden::Nothing, Hidden::Later, Hidden::LaterLowest] {
        check_all(Case { hidden, ..case(4, 2, 37, 37, 12) });
        check_all(Case { hidden, ..case(2, 1, 250, 450, 6) });
        check_all(Case { hidden, ..case(2, 1, 1, 50, 6) });
    }
    check_all(Case { hidden: Hidden::All, ..case(2, 1, 5, 200, 6) });
    check_all(Case { hidden: Hidden::All, ..case(2, 1, 1, 20, 6) });
}

#[test]
fn orders_offsets_batches_and_threads() {
    for heads_first in [false, true] {
        for brain_keys in [false, true] {
            let base = Case { heads_first, brain_keys, ..case(4, 2, 19, 23, 10) };
            check_all(Case { shape: Shape { batch: 3, ..base.shape }, ..base });
            check_all(Case { shape: Shape { batch: 2, queries: 1, ..base.shape }, threads: 2, ..base });
            check_all(Case { offset: 1, threads: 3, ..base });
        }
    }
}

#[test]
fn nothing_to_attend_to_is_zero() {
    for queries in [1, 4] {
        let shape = Shape { batch: 1, heads: 2, key_heads: 1, queries, keys: 0, dim: 3 };
        let query = numbers(2 * queries * 3, 1);
        let strides = Strides::tokens_first(2, queries, 3);
        let empty = View { values: Values::F32(&[]), strides };
        let attention = Attention {
            shape,
            query: View { values: Values::F32(&query), strides },
            key: empty,
            value: empty,
            mask: None,
            scale: 1.,
            arithmetic: Arithmetic::F32,
        };
        let mut out = vec![f32::NAN; 2 * queries * 3];
        attention.run(&mut out, strides);
        assert!(out.iter().all(|&x| x == 0.));
    }
}

/// Where a number that is none is put.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Odd {
    /// Into one query.
    Query,
    /// Into the last key, behind others that are numbers.
    Key,
    /// Into every key, so that no score is a number.
    Keys,
    /// Into the last value.
    Value,
    /// Into the mask, for one query and the last key, where every other key is hidden from every query.
    Mask,
}

/// What is not a number comes out as none in every result that it has a part in, and in no other.
#[test]
fn numbers_that_are_none_come_out_as_none() {
    const DIM: usize = 20;
    const NUMBER: usize = 3;
    // As a processor makes it, and with other bits, as broken weights have them.
    for odd in [f32::NAN, -f32::NAN, f32::from_bits(0x7fff_ffff), f32::from_bits(0xffc0_0101)] {
        for (queries, keys) in [(1, 1), (1, 70), (3, 5), (40, 400)] {
            let (one, last) = (queries / 2, keys - 1);
            for place in [Odd::Query, Odd::Key, Odd::Keys, Odd::Value, Odd::Mask] {
                let mut query = numbers(queries * DIM, 1);
                let (mut key, mut value) = (numbers(keys * DIM, 2), numbers(keys * DIM, 3));
                let mut mask = None;
                match place {
                    Odd::Query => query[one * DIM + NUMBER] = odd,
                    Odd::Key => key[last * DIM + NUMBER] = odd,
                    Odd::Keys => key.fill(odd),
                    Odd::Value => value[last * DIM + NUMBER] = odd,
                    Odd::Mask => {
                        let hidden = mask.insert(vec![f32::NEG_INFINITY; queries * keys]);
                        hidden[one * keys + last] = odd;
                    }
                }
                let strides = |tokens| Strides::tokens_first(1, tokens, DIM);
                for isa in Isa::available() {
                    for arithmetic in [Arithmetic::F32, Arithmetic::Bf16] {
                        let attention = Attention {
                            shape: Shape { batch: 1, heads: 1, key_heads: 1, queries, keys, dim: DIM },
                            query: View { values: Values::F32(&query), strides: strides(queries) },
                            key: View { values: Values::F32(&key), strides: strides(keys) },
                            value: View { values: Values::F32(&value), strides: strides(keys) },
                            mask: mask.as_deref().map(|values| Mask { values, batch: 0, head: 0, query: keys }),
                            scale: 0.3,
                            arithmetic,
                        };
                        let mut out = vec![0.; queries * DIM];
                        attention.run_with(isa, &mut Workspace::new(), &mut out, strides(queries));
                        for (at, found) in out.iter().enumerate() {
                            let has_part = match place {
                                Odd::Query | Odd::Mask => at / DIM == one,
                                Odd::Key | Odd::Keys => true,
                                Odd::Value => at % DIM == NUMBER,
                            };
                            let what = format!("{isa:?} {arithmetic:?} {place:?} of {queries} x {keys}, {odd}");
                            assert_eq!(found.is_nan(), has_part, "{what}: {found} at {at}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
#[should_panic(expected = "an output whose places overlap")]
fn an_output_that_overlaps_is_refused() {
    let numbers = numbers(64, 1);
    let strides = Strides::tokens_first(2, 4, 8);
    let view = View { values: Values::F32(&numbers), strides };
    let shape = Shape { batch: 1, heads: 2, key_heads: 2, queries: 4, keys: 4, dim: 8 };
    let attention =
        Attention { shape, query: view, key: view, value: view, mask: None, scale: 1., arithmetic: Arithmetic::F32 };
    attention.run(&mut vec![0.; 64], Strides { batch: 64, head: 8, token: 8 });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_shapes(
        group in 1usize..4, key_heads in 1usize..4, queries in 1usize..70, keys in 1usize..220, dim in 1usize..100,
        hidden in 0usize..4, heads_first: bool, brain_keys: bool, offset in 0usize..3,
    ) {
        let hidden = [Hidden::NoMask, Hidden::Nothing, Hidden::Later, Hidden::LaterLowest][hidden];
        // A query from which every key is hidden attends to nothing here, and to all of them alike where hiding is finite.
        let hidden = if hidden == Hidden::LaterLowest && keys < queries { Hidden::Later } else { hidden };
        let base = case(group * key_heads, key_heads, queries, keys, dim);
        check_all(Case { hidden, heads_first, brain_keys, offset, ..base });
    }
}
