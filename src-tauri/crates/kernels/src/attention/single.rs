//! Attention of one query a head: bound by reading the keys and values, which are read
//! where they are, once for all heads that share them.

use super::{Attention, Out};
use crate::math::{exp, fma, largest, sum};
use crate::threads::for_each_part_with;
use crate::values::{Values, from_bf16};
use crate::versions::versions;

/// Lanes of a dot product: four vectors of the widest set, to cover the delay of a sum.
const LANES: usize = 64;

pub(super) fn run(attention: &Attention, isa: crate::cpu::Isa, out: &Out) {
    let shape = attention.shape;
    let group = attention.group();
    let scratch = || (vec![0f32; shape.dim], vec![0f32; group * shape.keys]);
    for_each_part_with(shape.batch * shape.key_heads, scratch, |(query, scores), unit| {
        let (batch, key_head) = (unit / shape.key_heads, unit % shape.key_heads);
        let heads = key_head * group..(key_head + 1) * group;
        let (key, value) = (&attention.key, &attention.value);
        let of_head = |g: usize| g * shape.keys..(g + 1) * shape.keys;
        for (g, head) in heads.clone().enumerate() {
            let view = &attention.query;
            view.values.read(view.strides.at(batch, head, 0), query);
            query.iter_mut().for_each(|x| *x *= attention.scale);
            let range = of_head(g);
            let start = key.strides.at(batch, key_head, 0);
            dots(isa, query, key.values, start, key.strides.token, &mut scores[range.clone()]);
            softmax(isa, &mut scores[range], attention.mask_row(batch, head, 0));
        }
        for (g, head) in heads.enumerate() {
            // SAFETY: a query head belongs to one key head, and each of those is one part.
            let row = unsafe { out.row(batch, head, 0, shape.dim) };
            let start = value.strides.at(batch, key_head, 0);
            let range = of_head(g);
            weighted_sum(isa, &scores[range], value.values, start, value.strides.token, row);
        }
    });
}

#[inline(always)]
fn dot<T: Copy>(query: &[f32], key: &[T], widen: impl Fn(T) -> f32) -> f32 {
    let mut sums = [0f32; LANES];
    let (queries, query_rest) = query.as_chunks::<LANES>();
    let (keys, key_rest) = key.as_chunks::<LANES>();
    for (query, key) in queries.iter().zip(keys) {
        for l in 0..LANES {
            sums[l] = fma(query[l], widen(key[l]), sums[l]);
        }
    }
    for (l, (&query, &key)) in query_rest.iter().zip(key_rest).enumerate() {
        sums[l] = fma(query, widen(key), sums[l]);
    }
    let mut folded = [0f32; 16];
    for sums in sums.as_chunks::<16>().0 {
        for l in 0..16 {
            folded[l] += sums[l];
        }
    }
    folded.iter().sum()
}

versions! {
    /// The dot product of a query with each key.
    fn dots(query: &[f32], keys: Values<'_>, start: usize, stride: usize, scores: &mut [f32]) {
        for (i, score) in scores.iter_mut().enumerate() {
            let at = start + i * stride;
            *score = match keys {
                Values::F32(keys) => dot(query, &keys[at..at + query.len()], |x| x),
                Values::Bf16(keys) => dot(query, &keys[at..at + query.len()], from_bf16),
            };
        }
    }
}

versions! {
    /// Scores to weights in place; all 0 where no key is seen.
    fn softmax(scores: &mut [f32], mask: Option<&[f32]>) {
        if let Some(mask) = mask {
            for (score, mask) in scores.iter_mut().zip(mask) {
                *score += mask;
            }
        }
        let largest = largest(scores);
        let base = if largest == f32::NEG_INFINITY { 0. } else { largest };
        for score in scores.iter_mut() {
            *score = exp(*score - base);
        }
        let sum = sum(scores, |x| x);
        let inverse = if sum == 0. { 0. } else { 1. / sum };
        for score in scores.iter_mut() {
            *score *= inverse;
        }
    }
}

#[inline(always)]
fn add<T: Copy>(weight: f32, value: &[T], out: &mut [f32], widen: impl Fn(T) -> f32) {
    for (out, &value) in out.iter_mut().zip(value) {
        *out = fma(weight, widen(value), *out);
    }
}

versions! {
    fn weighted_sum(weights: &[f32], values: Values<'_>, start: usize, stride: usize, out: &mut [f32]) {
        out.fill(0.);
        for (i, &weight) in weights.iter().enumerate() {
            let at = start + i * stride;
            match values {
                Values::F32(values) => add(weight, &values[at..at + out.len()], out, |x| x),
                Values::Bf16(values) => add(weight, &values[at..at + out.len()], out, from_bf16),
            }
        }
    }
}
