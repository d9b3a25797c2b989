//! Attention against float64, over every set of instructions of this machine.

mod common;

use common::float64::attended;
use common::{Shifted, in_threads, is_tried, numbers};
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

    // One query reads keys and values where they are, in float32.
    let brains = arithmetic == Arithmetic::Bf16 && isa.has_bf16() && queries > 1;
    let at = |strides: &Strides, b: usize, h: usize, t: usize| b * strides.batch + h * strides.head + t * strides.token;
    for b in 0..batch {
        for h in 0..heads {
            let key_head = h / (heads / key_heads);
            for q in 0..queries {
                let query_row = &query.get()[at(&query_strides, b, h, q)..][..dim];
                let tokens =
                    (0..keys).map(|k| at(&key_strides, b, key_head, k)..at(&key_strides, b, key_head, k) + dim);
                let (key_rows, value_rows): (Vec<_>, Vec<_>) =
                    tokens.map(|token| (&wide_key[token.clone()], &wide_value[token])).unzip();
                let mask = mask.as_ref().map(|mask| &mask[q * keys..][..keys]);
                let expected = attended(brains, query_row, &key_rows, &value_rows, mask, scale);
                for (number, (expected, tolerance)) in expected.into_iter().enumerate() {
                    let found = f64::from(out[at(&query_strides, b, h, q) + number]);
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
    let Shape { batch, heads, queries, keys, dim, .. } = case.shape;
    if !is_tried(batch * heads * queries * keys * dim) {
        return;
    }
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
    check_all(case(1, 1, 2, 400, 3));
}

#[test]
fn masks() {
    for hidden in [Hidden::Nothing, Hidden::Later, Hidden::LaterLowest] {
        check_all(Case { hidden, ..case(4, 2, 37, 37, 12) });
        check_all(Case { hidden, ..case(2, 1, 250, 450, 6) });
        check_all(Case { hidden, ..case(2, 1, 1, 50, 6) });
        check_all(Case { hidden, ..case(2, 1, 7, 7, 6) });
    }
    check_all(Case { hidden: Hidden::All, ..case(2, 1, 5, 200, 6) });
    check_all(Case { hidden: Hidden::All, ..case(2, 1, 1, 20, 6) });
}

/// A prompt that begins as the last one did is read from where it differs, and is then to the bit what it is when it is
/// read whole: by a mask as over a prompt with an image, whose tokens see each other, and more keys than a block.
#[test]
fn a_query_does_not_depend_on_those_beside_it() {
    const KEYS: usize = 400;
    const HEADS: usize = 2;
    const DIM: usize = 20;
    if !is_tried(KEYS * KEYS * HEADS * DIM) {
        return;
    }
    let image = 170..260;
    let sees = |query, key| key <= query || (image.contains(&query) && image.contains(&key));
    let query = numbers(KEYS * HEADS * DIM, 1);
    let (key, value) = (numbers(KEYS * DIM, 2), numbers(KEYS * DIM, 3));
    for low in [f32::NEG_INFINITY, f32::MIN] {
        let mask: Vec<f32> = (0..KEYS * KEYS).map(|i| if sees(i / KEYS, i % KEYS) { 0. } else { low }).collect();
        for isa in Isa::available() {
            for arithmetic in [Arithmetic::F32, Arithmetic::Bf16] {
                let from = |first: usize| {
                    let strides = |heads| Strides::tokens_first(heads, KEYS, DIM);
                    let values = Values::F32(&query[first * HEADS * DIM..]);
                    let attention = Attention {
                        shape: Shape {
                            batch: 1,
                            heads: HEADS,
                            key_heads: 1,
                            queries: KEYS - first,
                            keys: KEYS,
                            dim: DIM,
                        },
                        query: View { values, strides: strides(HEADS) },
                        key: View { values: Values::F32(&key), strides: strides(1) },
                        value: View { values: Values::F32(&value), strides: strides(1) },
                        mask: Some(Mask { values: &mask[first * KEYS..], batch: 0, head: 0, query: KEYS }),
                        scale: 0.3,
                        arithmetic,
                    };
                    let mut out = vec![f32::NAN; (KEYS - first) * HEADS * DIM];
                    attention.run_with(isa, &mut Workspace::new(), &mut out, strides(HEADS));
                    out
                };
                let whole = from(0);
                for first in [1, 100, 170, 231, 398] {
                    let expected = &whole[first * HEADS * DIM..];
                    assert!(from(first) == expected, "{isa:?} {arithmetic:?} from {first}, hidden by {low}");
                }
            }
        }
    }
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
            if !is_tried(queries * keys * DIM) {
                continue;
            }
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
                // What is no number has bits of its own as a brain float too, of a kind that signals.
                let bits = |numbers: &[f32]| -> Vec<u16> {
                    numbers.iter().map(|&x| if x.is_nan() { 0x7f81 } else { to_bf16(x) }).collect()
                };
                let [short_query, short_key, short_value] = [&query, &key, &value].map(|numbers| bits(numbers));
                let forms = [
                    [Values::F32(&query), Values::F32(&key), Values::F32(&value)],
                    [Values::Bf16(&short_query), Values::Bf16(&short_key), Values::Bf16(&short_value)],
                ];
                for (isa, [query, key, value]) in Isa::available().flat_map(|isa| forms.map(|form| (isa, form))) {
                    for arithmetic in [Arithmetic::F32, Arithmetic::Bf16] {
                        let attention = Attention {
                            shape: Shape { batch: 1, heads: 1, key_heads: 1, queries, keys, dim: DIM },
                            query: View { values: query, strides: strides(queries) },
                            key: View { values: key, strides: strides(keys) },
                            value: View { values: value, strides: strides(keys) },
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

/// What an attention leaves in its memory does not come into the next one, which fills less of it.
#[test]
#[cfg_attr(miri, ignore = "millions of multiplications")]
fn memory_that_is_used_again_is_as_new() {
    for isa in Isa::available() {
        let mut used = Workspace::new();
        for (keys, dim, odd) in [(400, 96, true), (33, 65, false), (1, 1, false), (161, 72, false)] {
            let bits = |seed| -> Vec<u16> {
                let numbers = numbers(keys * dim, seed);
                numbers.iter().map(|&x| if odd { 0x7fc0 } else { to_bf16(x) }).collect()
            };
            let (query, key, value) = (bits(1), bits(2), bits(3));
            let strides = Strides::tokens_first(1, keys, dim);
            let view = |values| View { values: Values::Bf16(values), strides };
            let attention = Attention {
                shape: Shape { batch: 1, heads: 1, key_heads: 1, queries: keys, keys, dim },
                query: view(&query),
                key: view(&key),
                value: view(&value),
                mask: None,
                scale: 0.3,
                arithmetic: Arithmetic::Bf16,
            };
            let results = [&mut used, &mut Workspace::new()].map(|workspace| {
                let mut out = vec![0.; keys * dim];
                attention.run_with(isa, workspace, &mut out, strides);
                out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            });
            assert_eq!(results[0], results[1], "{isa:?}, {keys} keys of {dim}");
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

/// What attention of this shape says, over views of a few numbers at these distances.
fn refusal(shape: Shape, strides: Strides, mask: Option<usize>) -> Option<String> {
    let values = [0.5; 64];
    let view = View { values: Values::F32(&values), strides };
    let attention = Attention {
        shape,
        query: view,
        key: view,
        value: view,
        mask: mask.map(|query| Mask { values: &values, batch: 0, head: 0, query }),
        scale: 1.,
        arithmetic: Arithmetic::F32,
    };
    let refused =
        std::panic::catch_unwind(|| attention.run(&mut [0.; 64], Strides { batch: 0, head: 0, token: 8 })).err()?;
    Some(refused.downcast_ref::<String>().cloned().unwrap_or_default())
}

/// Each would be small, or nothing, where products of sizes go round.
#[test]
fn sizes_that_cannot_be_counted_are_refused() {
    const HALF: usize = usize::MAX / 2 + 1;
    const ROOT: usize = 1 << (usize::BITS / 2);
    let small = Shape { batch: 1, heads: 1, key_heads: 1, queries: 2, keys: 2, dim: 8 };
    let near = Strides { batch: 0, head: 0, token: 8 };
    assert_eq!(refusal(small, near, Some(2)), None);
    let check = |shape, strides, mask, expected: &str| {
        let found = refusal(shape, strides, mask).unwrap_or_default();
        assert!(found.starts_with(expected), "{shape:?} {strides:?} {mask:?}: {found:?}");
    };
    let uncounted = "sizes beyond what can be counted";
    check(Shape { batch: ROOT, heads: ROOT, ..small }, near, None, uncounted);
    check(Shape { keys: usize::MAX, ..small }, Strides { token: 0, ..near }, None, uncounted);
    check(Shape { keys: usize::MAX / 8, ..small }, Strides { token: 0, ..near }, None, uncounted);
    check(Shape { dim: usize::MAX, ..small }, near, None, uncounted);
    check(Shape { queries: 3, ..small }, Strides { token: HALF, ..near }, None, "queries of");
    check(Shape { keys: 3, ..small }, Strides { token: HALF - 8, ..near }, None, "queries of");
    check(Shape { queries: 3, ..small }, near, Some(HALF), "a mask of");
    for [heads, tokens, dim] in [[ROOT, ROOT, 1], [1, ROOT, ROOT], [ROOT, 1, ROOT]] {
        let made = |of: fn(usize, usize, usize) -> Strides| std::panic::catch_unwind(|| of(heads, tokens, dim));
        assert!(made(Strides::heads_first).is_err() && made(Strides::tokens_first).is_err(), "{heads} {tokens} {dim}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    #[cfg_attr(miri, ignore = "the odd sizes are enough where each case takes a minute")]
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
