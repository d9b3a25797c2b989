//! Kernels take any shape: products, attention and quantised rows over random sizes, alignments and bytes,
//! with every set of instructions that the machine has, against float64. What is read and written ends at a
//! page that belongs to nobody, so that one number too many is the end of the process.

// Miri maps no closed page, and reads no corpus.
#![cfg(all(unix, not(miri)))]

mod common;
#[path = "../../src-tauri/crates/kernels/tests/common/float64.rs"]
mod float64;

use common::over_corpus;
use float64::{attended, of_sum};
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
            let (expected, tolerance) = float64::product(precision, x, w, bias.numbers[output], activation);
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
        keys: input.size(340),
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
            let places = (0..keys).map(|key| (key_head * keys + key) * dim..(key_head * keys + key + 1) * dim);
            let (keyed, valued): (Vec<_>, Vec<_>) =
                places.map(|place| (&k.numbers[place.clone()], &v.numbers[place])).unzip();
            let mask = masked.then(|| &mask[query * keys..][..keys]);
            // One query reads keys and values where they are, in float32.
            let brains = arithmetic == Arithmetic::Bf16 && isa.has_bf16() && queries > 1;
            let expected = attended(brains, &q.numbers[row * dim..][..dim], &keyed, &valued, mask, scale);
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

fn quantised(input: &mut Input) -> String {
    let format = [Format::Q4K, Format::Q6K, Format::Q8][input.byte() % 3];
    let blocks = input.size(if format == Format::Q8 { 16 } else { 3 });
    let (outputs, rows) = (input.size(70), input.size(70));
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
        // Many rows, with products of bytes, meet weights that are written out as bytes of one step a block.
        let tile = isa.has_vnni() && rows >= 6 && format != Format::Q8;
        let what = format!("{isa:?} {format:?} {outputs} x {columns} by {rows}, two at once");
        assert_eq!([&first[..], &second[..]], [&out[..]; 2], "{what}");
        for output in 0..outputs {
            matrix.row_into(output, &mut weights);
            for (row, x) in x.chunks_exact(columns).enumerate() {
                let (exact, tolerance) = quantised_product(x, &weights, run, tile.then(|| format.block()));
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

/// A product of activations with weights, and how far from it a result may be. Activations are rounded to bytes in runs, as
/// the format asks, and what is left are roundings of float32; and, where weights are written out as bytes, those of blocks.
fn quantised_product(x: &[f32], w: &[f32], run: usize, written_out: Option<usize>) -> (f64, f64) {
    let (mut exact, mut size, mut variance) = (0f64, 0f64, 0f64);
    for (x, w) in x.chunks(run).zip(w.chunks(run)) {
        let most = x.iter().fold(0f32, |most, x| most.max(x.abs()));
        let inverse = if most > 0. { 127. / most } else { 0. };
        let kept = |x: f32| f64::from((x * inverse).round_ties_even()) * f64::from(most / 127.);
        for (&x, &w) in x.iter().zip(w) {
            exact += kept(x) * f64::from(w);
            size += (kept(x) * f64::from(w)).abs();
        }
        for (x, w) in x.chunks(written_out.unwrap_or(run)).zip(w.chunks(written_out.unwrap_or(run))) {
            // Uniform within half a step, of a table that reaches no more than twice as far as the weights taken from it.
            let step = 2. * w.iter().fold(0f32, |most, w| most.max(w.abs())) / 127.;
            variance += f64::from(step * step) / 12. * x.iter().map(|&x| kept(x).powi(2)).sum::<f64>();
        }
    }
    let weights = if written_out.is_some() { 6. * variance.sqrt() } else { 0. };
    // A sum and what is taken off it may each come to more than the terms.
    (exact, weights + 2. * size * of_sum(x.len() / 32) + 1e-20)
}

#[test]
fn any_shape_is_computed() {
    let seed = |n: u8| {
        (0..48u8).map(|i| if i == 0 { n } else { i.wrapping_mul(37).wrapping_add(n.wrapping_mul(29)) }).collect()
    };
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
