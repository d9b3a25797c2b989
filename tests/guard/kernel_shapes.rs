//! Kernels take any shape: products, attention and quantised rows over random sizes, alignments and bytes,
//! with every set of instructions that the machine has, against float64. What is read and written ends at a
//! page that belongs to nobody, so that one number too many is the end of the process.

#![cfg(unix)]

mod common;

use common::over_corpus;
use hilum_kernels::attention::{Arithmetic, Attention, Mask, Shape, Strides, View, Workspace};
use hilum_kernels::cpu::Isa;
use hilum_kernels::linear::{Activation, Linear, Output, Precision};
use hilum_kernels::quantised::{Activations, Format, Matrix, product_of as products_with, product_with};
use hilum_kernels::values::{Values, from_bf16, to_bf16};
use std::ops::{Deref, DerefMut};

/// Numbers whose last one ends where readable memory does.
struct Fenced<T: Copy> {
    start: *mut u8,
    mapped: usize,
    first: *mut T,
    length: usize,
}

impl<T: Copy> Fenced<T> {
    fn new(from: &[T]) -> Self {
        // SAFETY: asks for a number.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let bytes = size_of_val(from);
        let readable = bytes.div_ceil(page).max(1) * page;
        let mapped = readable + page;
        // SAFETY: fresh anonymous memory, of which the last page is closed; `first` leaves room for `from` before it
        // and is aligned, since a page's size is a multiple of every number's.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let start = libc::mmap(std::ptr::null_mut(), mapped, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
            assert_ne!(start, libc::MAP_FAILED, "{mapped} bytes of memory");
            let start: *mut u8 = start.cast();
            assert_eq!(libc::mprotect(start.add(readable).cast(), page, libc::PROT_NONE), 0, "a closed page");
            let first: *mut T = start.add(readable - bytes).cast();
            std::ptr::copy_nonoverlapping(from.as_ptr(), first, from.len());
            Self { start, mapped, first, length: from.len() }
        }
    }
}

impl<T: Copy> Deref for Fenced<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: made in `new`, of this length, and owned.
        unsafe { std::slice::from_raw_parts(self.first, self.length) }
    }
}

impl<T: Copy> DerefMut for Fenced<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and borrowed by nobody else.
        unsafe { std::slice::from_raw_parts_mut(self.first, self.length) }
    }
}

impl<T: Copy> Drop for Fenced<T> {
    fn drop(&mut self) {
        // SAFETY: what `new` mapped.
        unsafe { libc::munmap(self.start.cast(), self.mapped) };
    }
}

/// Numbers as a checkpoint may store them, and as what they count.
struct Stored {
    numbers: Fenced<f32>,
    /// Where they are stored as brain floats.
    bits: Option<Fenced<u16>>,
}

impl Stored {
    fn new(numbers: &[f32], brain: bool) -> Self {
        if !brain {
            return Self { numbers: Fenced::new(numbers), bits: None };
        }
        let bits: Vec<u16> = numbers.iter().map(|&x| to_bf16(x)).collect();
        let numbers: Vec<f32> = bits.iter().map(|&bits| from_bf16(bits)).collect();
        Self { numbers: Fenced::new(&numbers), bits: Some(Fenced::new(&bits)) }
    }

    fn values(&self) -> Values<'_> {
        match &self.bits {
            Some(bits) => Values::Bf16(bits),
            None => Values::F32(&self.numbers),
        }
    }
}

/// Reads sizes and numbers off the input.
struct Input<'a>(std::iter::Copied<std::slice::Iter<'a, u8>>);

impl Input<'_> {
    fn byte(&mut self) -> usize {
        self.0.next().map_or(0, usize::from)
    }

    fn yes(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// 1 to `most`.
    fn size(&mut self, most: usize) -> usize {
        let number = self.byte() | self.byte() << 8;
        1 + number % most
    }

    /// Numbers of every size that floats of a model have, with a zero and a large one now and then.
    fn numbers(&mut self, length: usize) -> Vec<f32> {
        let mut state = (self.byte() as u32) << 8 | self.byte() as u32 | 1;
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let fraction = (state >> 8) as f32 / (1u32 << 23) as f32 - 1.;
                match state >> 24 & 63 {
                    0 => 0.,
                    1 => fraction * 100.,
                    _ => fraction,
                }
            })
            .collect()
    }
}

fn gelu(x: f64) -> f64 {
    0.5 * x * (1. + ((2. / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
}

fn largest(values: &[f32]) -> f64 {
    values.iter().fold(0f64, |largest, x| largest.max(f64::from(x.abs())))
}

/// One number of a product in float64 of what the precision leaves of the operands, and how far from it a
/// result may be (as `kernels/tests/linear.rs` derives it).
fn product_of(precision: Precision, x: &[f32], w: &[f32], bias: f32, activation: Activation) -> (f64, f64) {
    let kept = |value: f32| match precision {
        Precision::Bf16 => f64::from(from_bf16(to_bf16(value))),
        _ => f64::from(value),
    };
    let (x_step, w_step) = match precision {
        Precision::Int8 => (largest(x) / 127., largest(w) / 127.),
        _ => (0., 0.),
    };
    let (mut sum, mut size, mut rounded) = (f64::from(bias), f64::from(bias.abs()), 0.);
    for (&x, &w) in x.iter().zip(w) {
        let (x, w) = (kept(x), kept(w));
        sum += x * w;
        size += (x * w).abs();
        rounded += x.abs() * w_step / 2. + w.abs() * x_step / 2. + x_step * w_step / 4.;
    }
    let tolerance = rounded * 1.001 + size * 1e-6 * (x.len() as f64).sqrt() + 1e-30;
    match activation {
        Activation::None => (sum, tolerance),
        Activation::Gelu => (gelu(sum), tolerance * 1.13 + 2e-6 * (1. + sum.abs())),
    }
}

fn product(input: &mut Input) -> String {
    let (rows, inputs, outputs) = (input.size(33), input.size(300), input.size(130));
    let precision = [Precision::F32, Precision::Bf16, Precision::Int8][input.byte() % 3];
    let activation = if input.byte() & 1 == 0 { Activation::None } else { Activation::Gelu };
    let x = Fenced::new(&input.numbers(rows * inputs));
    let (brain_weights, brain_bias) = (input.yes(), input.yes());
    let w = Stored::new(&input.numbers(inputs * outputs), brain_weights);
    let bias = Stored::new(&input.numbers(outputs), brain_bias);
    for isa in Isa::available() {
        let layer = Linear::with_isa(isa, w.values(), Some(bias.values()), inputs, outputs, precision);
        let mut out = Fenced::new(&vec![f32::NAN; rows * outputs]);
        layer.forward(&x, rows, activation, Output::Write(&mut out));
        for (at, found) in out.iter().enumerate() {
            let (row, output) = (at / outputs, at % outputs);
            let (x, w) = (&x[row * inputs..][..inputs], &w.numbers[output * inputs..][..inputs]);
            let (expected, tolerance) = product_of(precision, x, w, bias.numbers[output], activation);
            assert!(
                (f64::from(*found) - expected).abs() <= tolerance,
                "{isa:?} {precision:?} {rows} x {inputs} x {outputs} ({row}, {output}): {found} for {expected} +- {tolerance}"
            );
        }
    }
    format!("product {precision:?} {activation:?}, weights in brain floats {brain_weights}")
}

fn attention(input: &mut Input) -> String {
    let key_heads = input.size(3);
    let shape = Shape {
        batch: input.size(2),
        heads: key_heads * input.size(3),
        key_heads,
        queries: input.size(40),
        keys: input.size(90),
        dim: input.size(80),
    };
    let Shape { batch, heads, key_heads, queries, keys, dim } = shape;
    let (masked, brain_queries, brain) = (input.yes(), input.yes(), input.yes());
    let arithmetic = if input.yes() { Arithmetic::Bf16 } else { Arithmetic::F32 };
    let q = Stored::new(&input.numbers(batch * heads * queries * dim), brain_queries);
    let length = batch * key_heads * keys * dim;
    let k = Stored::new(&input.numbers(length), brain);
    let v = Stored::new(&input.numbers(length), brain);
    let mask: Vec<f32> =
        input.numbers(queries * keys).iter().map(|x| if *x < -0.5 { f32::NEG_INFINITY } else { *x }).collect();
    let mask = Fenced::new(&mask);
    let scale = (dim as f32).powf(-0.5);
    let (few, many) = (Strides::heads_first(heads, queries, dim), Strides::heads_first(key_heads, keys, dim));
    for isa in Isa::available() {
        let mut out = Fenced::new(&vec![f32::NAN; batch * heads * queries * dim]);
        let attention = Attention {
            shape,
            query: View { values: q.values(), strides: few },
            key: View { values: k.values(), strides: many },
            value: View { values: v.values(), strides: many },
            mask: masked.then_some(Mask { values: &mask, batch: 0, head: 0, query: keys }),
            scale,
            arithmetic,
        };
        attention.run_with(isa, &mut Workspace::new(), &mut out, few);
        for row in 0..batch * heads * queries {
            let (head, query) = (row / queries, row % queries);
            let key_head = head / heads * key_heads + head % heads / (heads / key_heads);
            let of = |all: &'_ [f32], key: usize| all[(key_head * keys + key) * dim..][..dim].to_vec();
            let (keyed, valued): (Vec<_>, Vec<_>) =
                (0..keys).map(|key| (of(&k.numbers, key), of(&v.numbers, key))).unzip();
            let mask = masked.then(|| &mask[query * keys..][..keys]);
            let expected = attended(arithmetic, &q.numbers[row * dim..][..dim], &keyed, &valued, mask, scale);
            for (number, (expected, tolerance)) in expected.into_iter().enumerate() {
                let found = f64::from(out[row * dim + number]);
                assert!(
                    (found - expected).abs() <= tolerance,
                    "{isa:?} {arithmetic:?} {shape:?}: query {row}, {number}: {found} for {expected} +- {tolerance}"
                );
            }
        }
    }
    format!("attention in {arithmetic:?}, masked {masked}, keys in brain floats {brain}")
}

/// What a query attends to in float64, and how far from it a result may be (as `kernels/tests/attention.rs`
/// derives it).
fn attended(
    arithmetic: Arithmetic,
    query: &[f32],
    keys: &[Vec<f32>],
    values: &[Vec<f32>],
    mask: Option<&[f32]>,
    scale: f32,
) -> Vec<(f64, f64)> {
    let dot = |row: &[f32], size: fn(f64) -> f64| -> f64 {
        query.iter().zip(row).map(|(a, b)| size(f64::from(*a) * f64::from(*b))).sum()
    };
    let score = |at: usize| dot(&keys[at], |x| x) * f64::from(scale) + mask.map_or(0., |mask| f64::from(mask[at]));
    let scores: Vec<f64> = (0..keys.len()).map(score).collect();
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if highest == f64::NEG_INFINITY {
        return vec![(0., 1e-7); query.len()];
    }
    let weights: Vec<f64> = scores.iter().map(|score| (score - highest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    let size = keys.iter().map(|key| dot(key, f64::abs)).fold(0., f64::max) * f64::from(scale);
    let over = |number: usize, size: fn(f64) -> f64| -> f64 {
        weights.iter().enumerate().map(|(at, weight)| weight / sum * size(f64::from(values[at][number]))).sum()
    };
    // Off by half a unit of 8 bits in each operand of a score, and in weight and value; or by roundings of float32.
    let (unit, rounding) = match arithmetic {
        Arithmetic::F32 => (1e-6, 2e-6),
        Arithmetic::Bf16 => (1.01 * 2f64.powi(-8), 2f64.powi(-7)),
    };
    let masked = mask.map_or(0., |mask| mask.iter().filter(|x| x.is_finite()).fold(0., |most, x| x.abs().max(most)));
    // By this much two scores may be further apart, or less: a weight is proportional to the power.
    let apart = 2. * (unit * size + 1e-7 * f64::from(masked));
    let tolerance = |share: f64| share * (rounding + 1.01 * apart.min(40.).exp_m1()) + 1e-7;
    (0..query.len()).map(|number| (over(number, |x| x), tolerance(over(number, f64::abs)))).collect()
}

fn quantised(input: &mut Input) -> String {
    let format = [Format::Q4K, Format::Q6K, Format::Q8][input.byte() % 3];
    let blocks = input.size(if format == Format::Q8 { 16 } else { 3 });
    let (outputs, rows) = (input.size(70), input.size(20));
    let columns = blocks * format.block();
    let noise = input.numbers(outputs * blocks * format.block_bytes());
    // Any bytes are weights, but for steps of a size that no model has; a pack's check refuses those that are no numbers.
    let mut bytes: Vec<u8> = noise.iter().map(|x| (x.to_bits() >> 7) as u8).collect();
    for block in bytes.chunks_exact_mut(format.block_bytes()) {
        let steps: &[usize] = match format {
            Format::Q4K => &[0, 2],
            Format::Q6K => &[208],
            Format::Q8 => &[0],
        };
        steps.iter().for_each(|at| block[at + 1] = 0x1C | block[at + 1] & 0x03);
    }
    assert!(Matrix::new(format, outputs, columns, &bytes[1..]).is_none(), "a byte short is no matrix");
    let bytes = Fenced::new(&bytes);
    let matrix = Matrix::new(format, outputs, columns, &bytes).expect("a matrix of its size");
    let x = Fenced::new(&input.numbers(rows * columns));
    let mut weights = Fenced::new(&vec![0f32; columns]);
    for isa in Isa::available() {
        let unset = vec![f32::NAN; rows * outputs];
        let (mut out, mut first, mut second) = (Fenced::new(&unset), Fenced::new(&unset), Fenced::new(&unset));
        product_with(isa, matrix, &x, &mut out);
        let activations = Activations::new(isa, &x, columns);
        let run = activations.run();
        // Several matrices at once, as the engine multiplies those of queries, keys and values, give what each gives.
        products_with(isa, &[matrix, matrix], &activations, &mut [&mut first, &mut second]);
        let what = format!("{isa:?} {format:?} {outputs} x {columns} by {rows}, two at once");
        assert_eq!([&first[..], &second[..]], [&out[..]; 2], "{what}");
        for output in 0..outputs {
            matrix.row_into(output, &mut weights);
            for (row, x) in x.chunks_exact(columns).enumerate() {
                let (mut exact, mut size, mut rounded) = (0f64, 0f64, 0f64);
                for (x, w) in x.chunks(run).zip(weights.chunks(run)) {
                    for (&x, &w) in x.iter().zip(w) {
                        exact += f64::from(x) * f64::from(w);
                        size += (f64::from(x) * f64::from(w)).abs();
                    }
                    // Rounding to 7 bits and a sign, uniform and independent: variance step^2 / 12 for each term.
                    let step = largest(x) / 127.;
                    rounded += x.len() as f64 / 12. * (2. * largest(w) * step).powi(2);
                }
                let tolerance = 7. * rounded.sqrt() + 6e-3 * size + 1e-20;
                let found = f64::from(out[row * outputs + output]);
                assert!(
                    (found - exact).abs() <= tolerance,
                    "{isa:?} {format:?} {outputs} x {columns} by {rows} ({row}, {output}): {found} for {exact} +- {tolerance}"
                );
            }
        }
    }
    format!("quantised {format:?}")
}

#[test]
fn any_shape_is_computed() {
    let seed = |n: u8| (0..48u8).map(|i| if i == 0 { n } else { i.wrapping_mul(37).wrapping_add(n.wrapping_mul(29)) }).collect();
    let seeds: Vec<Vec<u8>> = (0u8..24).map(seed).collect();
    let answers = over_corpus("kernel_shapes", &seeds, &[], 150, |bytes| {
        let mut input = Input(bytes.iter().copied());
        match input.byte() % 3 {
            0 => product(&mut input),
            1 => attention(&mut input),
            _ => quantised(&mut input),
        }
    });
    assert!(answers.len() >= 8, "{answers:?}");
}
