//! Kernels take any shape: products, attention and quantised rows over random sizes, alignments and bytes,
//! with every set of instructions that the machine has. A wrong read shows as a fault of the process, a
//! wrong result as a distance from the plain code.

mod common;

use common::over_corpus;
use hilum_kernels::attention::{Arithmetic, Attention, Mask, Shape, Strides, View, Workspace};
use hilum_kernels::cpu::Isa;
use hilum_kernels::linear::{Activation, Linear, Output, Precision};
use hilum_kernels::quantised::{Format, Matrix, product_with};
use hilum_kernels::values::{Values, to_bf16};

/// Reads sizes and numbers off the input.
struct Input<'a>(std::iter::Copied<std::slice::Iter<'a, u8>>);

impl Input<'_> {
    fn byte(&mut self) -> usize {
        self.0.next().map_or(0, usize::from)
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

fn far(a: f32, b: f32, tolerance: f32) -> bool {
    (a - b).abs() > tolerance * (1. + a.abs().max(b.abs())) || a.is_nan() != b.is_nan()
}

fn product(input: &mut Input) -> String {
    let (rows, inputs, outputs) = (input.size(33), input.size(300), input.size(130));
    let precision = [Precision::F32, Precision::Bf16, Precision::Int8][input.byte() % 3];
    let activation = if input.byte() & 1 == 0 { Activation::None } else { Activation::Gelu };
    let offset = input.byte() % 4;
    let (x, w, bias) = (input.numbers(rows * inputs + offset), input.numbers(inputs * outputs + offset), input.numbers(outputs));
    let results: Vec<Vec<f32>> = Isa::available()
        .chain([Isa::Portable])
        .map(|isa| {
            let layer = Linear::with_isa(isa, Values::F32(&w[offset..]), Some(Values::F32(&bias)), inputs, outputs, precision);
            let mut out = vec![f32::NAN; rows * outputs + 1];
            layer.forward(&x[offset..], rows, activation, Output::Write(&mut out[..rows * outputs]));
            assert!(out[rows * outputs].is_nan(), "a number behind the result was written");
            out.truncate(rows * outputs);
            out
        })
        .collect();
    let tolerance = if precision == Precision::F32 { 2e-4 } else { 2e-2 };
    let plain = results.last().expect("plain code");
    let size = (inputs as f32).sqrt();
    for result in &results {
        for (a, b) in result.iter().zip(plain) {
            assert!(!far(a / size, b / size, tolerance), "{rows} x {inputs} x {outputs} {precision:?}: {a} and {b}");
        }
    }
    format!("product {precision:?}")
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
    let masked = input.byte() & 1 == 1;
    let brain = input.byte() & 1 == 1;
    let q = input.numbers(batch * heads * queries * dim);
    let (k, v) = (input.numbers(batch * key_heads * keys * dim), input.numbers(batch * key_heads * keys * dim));
    let (k16, v16): (Vec<u16>, Vec<u16>) = (k.iter().map(|&x| to_bf16(x)).collect(), v.iter().map(|&x| to_bf16(x)).collect());
    let mask: Vec<f32> =
        input.numbers(queries * keys).iter().map(|x| if *x < -0.5 { f32::NEG_INFINITY } else { *x }).collect();
    let results: Vec<Vec<f32>> = Isa::available()
        .chain([Isa::Portable])
        .map(|isa| {
            let mut out = vec![0.; batch * heads * queries * dim];
            let (few, many) = (Strides::heads_first(heads, queries, dim), Strides::heads_first(key_heads, keys, dim));
            let attention = Attention {
                shape,
                query: View { values: Values::F32(&q), strides: few },
                key: View { values: if brain { Values::Bf16(&k16) } else { Values::F32(&k) }, strides: many },
                value: View { values: if brain { Values::Bf16(&v16) } else { Values::F32(&v) }, strides: many },
                mask: masked.then_some(Mask { values: &mask, batch: 0, head: 0, query: keys }),
                scale: (dim as f32).powf(-0.5),
                arithmetic: Arithmetic::F32,
            };
            attention.run_with(isa, &mut Workspace::new(), &mut out, few);
            out
        })
        .collect();
    let plain = results.last().expect("plain code");
    for result in &results {
        assert!(result.iter().zip(plain).all(|(a, b)| !far(*a, *b, 1e-3)), "{shape:?}");
    }
    format!("attention {masked} {brain}")
}

fn quantised(input: &mut Input) -> String {
    let format = [Format::Q4K, Format::Q6K, Format::Q8][input.byte() % 3];
    let blocks = input.size(if format == Format::Q8 { 16 } else { 3 });
    let (matrix_rows, rows) = (input.size(70), input.size(20));
    let columns = blocks * format.block();
    let offset = input.byte() % 3;
    let length = matrix_rows * blocks * format.block_bytes();
    let noise = input.numbers(length + offset);
    // Any bytes are weights, but for scales that are no finite numbers: those a pack's check refuses.
    let mut bytes: Vec<u8> = noise.iter().map(|x| (x.to_bits() >> 7) as u8).collect();
    for block in bytes[offset..].chunks_exact_mut(format.block_bytes()) {
        let halves: &[usize] = match format {
            Format::Q4K => &[0, 2],
            Format::Q6K => &[208],
            Format::Q8 => &[0],
        };
        halves.iter().for_each(|at| block[at + 1] = block[at + 1] & 0x80 | 0x20 | block[at + 1] & 0x03);
    }
    assert!(Matrix::new(format, matrix_rows, columns, &bytes[offset + 1..]).is_none(), "a byte short is no matrix");
    let matrix = Matrix::new(format, matrix_rows, columns, &bytes[offset..]).expect("a matrix of its size");
    let x = input.numbers(rows * columns);
    let mut first = vec![0.; columns];
    let results: Vec<Vec<f32>> = Isa::available()
        .chain([Isa::Portable])
        .map(|isa| {
            let mut out = vec![0.; rows * matrix_rows];
            product_with(isa, matrix, &x, &mut out);
            out
        })
        .collect();
    matrix.row_into(matrix_rows - 1, &mut first);
    let plain = results.last().expect("plain code");
    let largest = plain.iter().fold(1f32, |largest, x| largest.max(x.abs()));
    for result in &results {
        assert!(result.iter().zip(plain).all(|(a, b)| (a - b).abs() <= largest * 1e-2), "{format:?} {matrix_rows} x {columns} by {rows}");
    }
    format!("quantised {format:?}")
}

#[test]
fn any_shape_is_computed() {
    let seeds: Vec<Vec<u8>> = (0u8..9).map(|n| (0..48u8).map(|i| if i == 0 { n } else { i.wrapping_mul(37).wrapping_add(n) }).collect()).collect();
    let answers = over_corpus("kernel_shapes", &seeds, &[], 150, |bytes| {
        let mut input = Input(bytes.iter().copied());
        match input.byte() % 3 {
            0 => product(&mut input),
            1 => attention(&mut input),
            _ => quantised(&mut input),
        }
    });
    assert!(answers.len() >= 5, "{answers:?}");
}
