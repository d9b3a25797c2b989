//! Rates of the kernels over the shapes of a SigLIP tower, beside what the core could do.
//!
//! `cargo bench -p hilum-kernels --bench rates` runs all; `-- tower bf16 448` and the like
//! only what is named: of `linear`, `attention`, `tower`, `decode` and `rows`, of the precisions,
//! and of the towers.
//! `RAYON_NUM_THREADS` sets the threads. Times are the least of several runs.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::Instant;

use hilum_kernels::attention::{Arithmetic, Attention, Shape, Strides, View, Workspace};
use hilum_kernels::cpu::{self, Isa};
use hilum_kernels::linear::{Activation, Linear, Output, Precision};
use hilum_kernels::quantised::{Format, Matrix, product};
use hilum_kernels::rows::PackedRows;
use hilum_kernels::threads;
use hilum_kernels::tower::{LayerWeights, LinearWeights, NormWeights, Tower, TowerShape};
use hilum_kernels::values::Values;

const HIDDEN: usize = 1152;
const MLP: usize = 4304;
const LAYERS: usize = 27;

/// As the programs allocate (`hilum_workers::WipingAllocator`): large memory in large pages, asked for before it is touched.
struct Large;

// SAFETY: all is the system's allocator's doing; advice about fresh memory changes nothing that is in it.
unsafe impl std::alloc::GlobalAlloc for Large {
    unsafe fn alloc(&self, layout: std::alloc::Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        let memory = unsafe { std::alloc::System.alloc(layout) };
        advise(memory, layout.size());
        memory
    }

    unsafe fn alloc_zeroed(&self, layout: std::alloc::Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        let memory = unsafe { std::alloc::System.alloc_zeroed(layout) };
        advise(memory, layout.size());
        memory
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: std::alloc::Layout) {
        // SAFETY: the caller's promise.
        unsafe { std::alloc::System.dealloc(memory, layout) }
    }
}

fn advise(memory: *mut u8, size: usize) {
    #[cfg(target_os = "linux")]
    if size >= 4 << 20 && !memory.is_null() {
        let skipped = memory.align_offset(4096);
        // SAFETY: whole pages of this memory.
        unsafe { libc::madvise(memory.add(skipped).cast(), (size - skipped) / 4096 * 4096, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (memory, size);
}

#[global_allocator]
static ALLOCATOR: Large = Large;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    // Within each group of words, those that are named, and all where none is.
    let runs = |name: &str| {
        let group =
            [&["linear", "attention", "tower", "decode", "rows"][..], &["f32", "bf16", "int8"], &["448", "896"]]
                .into_iter()
                .find(|group| group.contains(&name))
                .expect("a group of words");
        wanted.iter().any(|word| word == name) || !wanted.iter().any(|word| group.contains(&word.as_str()))
    };
    println!("{}, {} threads", cpu::description(), threads::count());
    let peaks: Vec<_> = peaks().into_iter().filter(|(precision, _)| runs(word(*precision))).collect();
    if runs("linear") {
        linear(&peaks);
    }
    if runs("attention") {
        attention(&peaks);
    }
    if runs("tower") {
        towers(&peaks, &runs);
    }
    if runs("decode") {
        decode();
    }
    if runs("rows") {
        rows();
    }
}

/// The word for a precision.
fn word(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "f32",
        Precision::Bf16 => "bf16",
        Precision::Int8 => "int8",
    }
}

/// Least seconds of a few runs.
fn least(runs: usize, mut work: impl FnMut()) -> f64 {
    (0..runs)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::MAX, f64::min)
}

/// Numbers without a pattern, about -1 to 1.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn report(name: &str, operations: f64, seconds: f64, peak: Option<f64>) {
    let rate = operations / seconds / 1e9;
    let cores = threads::count() as f64;
    match peak {
        Some(peak) => println!(
            "{name:44} {:9.2} ms {rate:8.1} GFLOP/s {:5.1} % of {:.0} a core",
            seconds * 1e3,
            100. * rate / (peak * cores),
            peak
        ),
        None => println!("{name:44} {:9.2} ms {rate:8.1} GFLOP/s", seconds * 1e3),
    }
}

fn linear(peaks: &[(Precision, Option<f64>)]) {
    let shapes = [("qkv", HIDDEN, 3 * HIDDEN), ("out", HIDDEN, HIDDEN), ("fc1", HIDDEN, MLP), ("fc2", MLP, HIDDEN)];
    for &(precision, peak) in peaks {
        for (name, inputs, outputs) in shapes {
            for rows in [1, 1024, 4096] {
                let weights = numbers(inputs * outputs, 1);
                let layer = Linear::new(Values::F32(&weights), None, inputs, outputs, precision);
                let x = numbers(rows * inputs, 2);
                let mut packed = PackedRows::new();
                layer.pack_rows(&x, rows, &mut packed);
                let mut out = vec![0f32; rows * outputs];
                let seconds = least(5, || {
                    layer.forward_packed(black_box(&packed), Activation::None, Output::Write(&mut out));
                });
                let operations = 2. * (rows * inputs * outputs) as f64;
                report(&format!("{precision:?} {name} {rows} x {inputs} x {outputs}"), operations, seconds, peak);
                if rows == 1024 {
                    let seconds = least(5, || layer.pack_rows(black_box(&x), rows, &mut packed));
                    println!("{:44} {:9.2} ms", "  packing the rows", seconds * 1e3);
                }
            }
        }
    }
}

/// The attention of a SigLIP layer, and that of a prompt in a Gemma 3 layer.
fn attention(peaks: &[(Precision, Option<f64>)]) {
    for (name, tokens, heads, key_heads, dim) in
        [("448", 1024, 16, 16, 72), ("896", 4096, 16, 16, 72), ("prompt", 556, 8, 4, 256)]
    {
        let shape = Shape { batch: 1, heads, key_heads, queries: tokens, keys: tokens, dim };
        let (query, key, value) = (
            numbers(tokens * heads * dim, 3),
            numbers(tokens * key_heads * dim, 4),
            numbers(tokens * key_heads * dim, 5),
        );
        let strides = Strides::tokens_first(heads, tokens, dim);
        let key_strides = Strides::tokens_first(key_heads, tokens, dim);
        let mut out = vec![0f32; tokens * heads * dim];
        let mut workspace = Workspace::new();
        for (arithmetic, precision) in [(Arithmetic::F32, Precision::F32), (Arithmetic::Bf16, Precision::Bf16)]
            .into_iter()
            .filter(|(_, precision)| peaks.iter().any(|(other, _)| other == precision))
        {
            let attention = Attention {
                shape,
                query: View { values: Values::F32(&query), strides },
                key: View { values: Values::F32(&key), strides: key_strides },
                value: View { values: Values::F32(&value), strides: key_strides },
                mask: None,
                scale: (dim as f32).powf(-0.5),
                arithmetic,
            };
            let seconds = least(3, || attention.run_with(Isa::current(), &mut workspace, &mut out, strides));
            let operations = 4. * (heads * tokens * tokens * dim) as f64;
            let peak = peaks.iter().find(|(other, _)| *other == precision).and_then(|(_, peak)| *peak);
            report(&format!("{arithmetic:?} attention {name}, {tokens} tokens"), operations, seconds, peak);
        }
    }
}

/// Whole towers at their real sizes, over weights without a pattern.
fn towers(peaks: &[(Precision, Option<f64>)], runs: &dyn Fn(&str) -> bool) {
    let (small, large) = (numbers(HIDDEN * MLP, 6), numbers(HIDDEN, 7));
    let small: Vec<f32> = small.iter().map(|x| x * 0.03).collect();
    let linear = |inputs: usize, outputs: usize| LinearWeights {
        weight: Values::F32(&small[..inputs * outputs]),
        bias: Some(Values::F32(&small[..outputs])),
    };
    let norm = NormWeights { weight: Values::F32(&large), bias: Values::F32(&small[..HIDDEN]) };
    let layer = LayerWeights {
        norm1: norm,
        query: linear(HIDDEN, HIDDEN),
        key: linear(HIDDEN, HIDDEN),
        value: linear(HIDDEN, HIDDEN),
        out: linear(HIDDEN, HIDDEN),
        norm2: norm,
        fc1: linear(HIDDEN, MLP),
        fc2: linear(MLP, HIDDEN),
    };
    for &(precision, _) in peaks {
        let mut tower = Tower::new(TowerShape { hidden: HIDDEN, heads: 16, mlp: MLP, eps: 1e-6 }, precision);
        let start = Instant::now();
        for _ in 0..LAYERS {
            tower.push(&layer);
        }
        let (packed, bytes) = (start.elapsed().as_secs_f64(), tower.bytes() as f64 / (1 << 20) as f64);
        println!("{precision:?} tower packed in {packed:.2} s, {bytes:.0} MiB");
        for (name, tokens, times) in [("448", 1024, 5), ("896", 4096, 2)].into_iter().filter(|(name, ..)| runs(name)) {
            let seconds = least(times, || {
                let mut hidden = numbers(tokens * HIDDEN, 8);
                let done = tower.forward(&mut hidden, tokens, &mut |_, _| ControlFlow::Continue(()));
                assert!(done.is_continue());
                black_box(hidden);
            });
            let weights = (4 * HIDDEN * HIDDEN + 2 * HIDDEN * MLP) as f64;
            let operations = LAYERS as f64 * tokens as f64 * (2. * weights + 4. * (tokens * HIDDEN) as f64);
            report(&format!("{precision:?} tower {name}, {tokens} tokens"), operations, seconds, None);
        }
    }
}

/// One query over the keys of a Gemma 3 layer, in bytes read a second.
fn decode() {
    let (heads, key_heads, dim) = (8, 4, 256);
    for keys in [600, 4096] {
        let query = numbers(heads * dim, 3);
        let (key, value) = (numbers(keys * key_heads * dim, 4), numbers(keys * key_heads * dim, 5));
        let strides = Strides::heads_first(key_heads, keys, dim);
        let mut out = vec![0f32; heads * dim];
        let out_strides = Strides::heads_first(heads, 1, dim);
        let attention = Attention {
            shape: Shape { batch: 1, heads, key_heads, queries: 1, keys, dim },
            query: View { values: Values::F32(&query), strides: out_strides },
            key: View { values: Values::F32(&key), strides },
            value: View { values: Values::F32(&value), strides },
            mask: None,
            scale: 0.0625,
            arithmetic: Arithmetic::F32,
        };
        let seconds = least(20, || attention.run(&mut out, out_strides));
        let bytes = 8. * (keys * key_heads * dim) as f64;
        println!(
            "decode over {keys} keys {:34} us {:8.1} GB/s",
            format!("{:.1}", seconds * 1e6),
            bytes / seconds / 1e9
        );
    }
}

/// One row of activations with quantised weights, of which there are more than any cache holds.
fn rows() {
    for (format, rows, columns) in [
        (Format::Q4K, 163_840, 2560),
        (Format::Q4K, 40_960, 10_240),
        (Format::Q6K, 122_880, 2560),
        (Format::Q8, 81_920, 2560),
    ] {
        let bytes = format.row_bytes(columns).expect("whole blocks") * rows;
        let mut state = 9u64;
        let mut weights: Vec<u8> = Vec::with_capacity(bytes + 8);
        while weights.len() < bytes {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            // No byte that makes a step infinite or none: the exponents of a half stay below 31.
            weights.extend((state & 0x3b3b_3b3b_3b3b_3b3b).to_le_bytes());
        }
        weights.truncate(bytes);
        let matrix = Matrix::new(format, rows, columns, &weights).expect("whole rows");
        let x = numbers(columns, 7);
        let mut y = vec![0f32; rows];
        let seconds = least(12, || product(black_box(matrix), &x, &mut y));
        println!("{format:?} {rows} x {columns} {:31.2} ms {:8.1} GB/s", seconds * 1e3, bytes as f64 / seconds / 1e9);
        // The end of a prompt whose beginning is known.
        let x = numbers(columns * 36, 8);
        let mut y = vec![0f32; rows * 36];
        let seconds = least(4, || product(black_box(matrix), &x, &mut y));
        println!("{:44} {:9.2} ms", "  36 rows", seconds * 1e3);
    }
}

/// What one core does in registers alone, by precision, where it can be said.
fn peaks() -> Vec<(Precision, Option<f64>)> {
    let isa = Isa::current();
    let one = |precision| (precision, register_peak(isa, precision));
    vec![one(Precision::F32), one(Precision::Bf16), one(Precision::Int8)]
}

#[cfg(target_arch = "x86_64")]
fn register_peak(isa: Isa, precision: Precision) -> Option<f64> {
    use std::arch::x86_64::*;
    const LOOPS: usize = 20_000_000;
    const SUMS: usize = 16;

    macro_rules! chains {
        ($name:ident, $features:literal, $type:ty, $zero:expr, $step:expr) => {
            #[target_feature(enable = $features)]
            unsafe fn $name() {
                let mut sums: [$type; SUMS] = [$zero; SUMS];
                let (a, b) = (black_box($zero), black_box($zero));
                for _ in 0..LOOPS / SUMS {
                    for sum in &mut sums {
                        *sum = $step(*sum, a, b);
                    }
                    // Without this the loop would be hoisted as a whole.
                    // SAFETY: no instructions.
                    unsafe { std::arch::asm!("", options(nomem, nostack, preserves_flags)) };
                }
                black_box(sums);
            }
        };
    }
    chains!(floats, "avx512f", __m512, _mm512_setzero_ps(), |sum, a, b| _mm512_fmadd_ps(a, b, sum));
    chains!(pairs, "avx512f,avx512bf16", __m512, _mm512_setzero_ps(), |sum, a: __m512, b: __m512| {
        // SAFETY: vectors of 64 bytes, of which every value is valid.
        let (a, b): (__m512bh, __m512bh) = unsafe { (std::mem::transmute(a), std::mem::transmute(b)) };
        _mm512_dpbf16_ps(sum, a, b)
    });
    chains!(bytes, "avx512f,avx512vnni", __m512i, _mm512_setzero_si512(), |sum, a, b| {
        _mm512_dpbusd_epi32(sum, a, b)
    });
    chains!(narrow, "avx2,fma", __m256, _mm256_setzero_ps(), |sum, a, b| _mm256_fmadd_ps(a, b, sum));

    let (run, operations): (unsafe fn(), f64) = match (isa, precision) {
        (Isa::Amx { .. } | Isa::Avx512 { .. } | Isa::Avx512Plain { .. }, Precision::F32) => (floats, 32.),
        (Isa::Avx512 { .. }, Precision::Bf16) if isa.has_bf16() => (pairs, 64.),
        (Isa::Avx512 { .. }, Precision::Int8) if isa.has_vnni() => (bytes, 128.),
        (Isa::Avx512 { .. } | Isa::Avx512Plain { .. } | Isa::Avx2 { .. }, Precision::F32 | Precision::Bf16) => {
            (narrow, 16.)
        }
        _ => return None,
    };
    // SAFETY: the set in use is one that the processor has.
    let seconds = least(5, || unsafe { run() });
    Some((LOOPS / SUMS * SUMS) as f64 * operations / seconds / 1e9)
}

#[cfg(not(target_arch = "x86_64"))]
fn register_peak(_: Isa, _: Precision) -> Option<f64> {
    None
}
