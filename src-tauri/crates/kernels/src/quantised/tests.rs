use super::*;

/// Numbers that differ from run to run of a seed only by it (xorshift64*; Vigna, 2016).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Between -1 and 1.
    fn number(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// Whether a case of so many multiplications is tried: each takes some microseconds where it is interpreted, by Miri.
fn is_tried(multiplications: usize) -> bool {
    !cfg!(miri) || multiplications <= 8000
}

/// Any bytes are a block, but steps have to be numbers of a sensible size.
fn bytes(format: Format, rows: usize, columns: usize, numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..rows * format.row_bytes(columns).unwrap()).map(|_| numbers.next() as u8).collect();
    for block in bytes.chunks_exact_mut(format.block_bytes()) {
        let mut put = |at: usize, value: u16| block[at..at + 2].copy_from_slice(&value.to_le_bytes());
        let step = 0x1c00 + (numbers.next() % 0x800) as u16; // 0.004 to 0.016
        match format {
            Format::Q4K => {
                put(0, step);
                put(2, step + 0x200);
            }
            Format::Q6K => put(208, step),
            Format::Q8 => put(0, step),
        }
    }
    bytes
}

/// `tolerance`: of the error, against what the terms of a sum come to without their signs.
fn check(isa: Isa, format: Format, rows: usize, columns: usize, m: usize, tolerance: f64) {
    if !is_tried(rows * columns * m) {
        return;
    }
    let what = format!("{} {format:?} {rows}x{columns}, {m} activations", isa.name());
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15 ^ (rows * 31 + columns * 7 + m) as u64);
    // One byte in front, so that nothing is aligned.
    let mut stored = vec![0];
    stored.extend(bytes(format, rows, columns, &mut numbers));
    let w = Matrix::new(format, rows, columns, &stored[1..]).unwrap();
    let x: Vec<f32> = (0..m * columns).map(|_| numbers.number()).collect();
    let mut y = vec![f32::NAN; m * rows];
    product_with(isa, w, &x, &mut y);
    let mut weights = vec![0.0; columns];
    for row in 0..rows {
        w.row_into(row, &mut weights);
        for (m, x) in x.chunks_exact(columns).enumerate() {
            let terms = weights.iter().zip(x).map(|(&w, &x)| f64::from(w) * f64::from(x));
            let (exact, size) = terms.fold((0.0, 0.0), |(sum, size), term| (sum + term, size + term.abs()));
            let error = (f64::from(y[m * rows + row]) - exact).abs() / size;
            assert!(
                error < tolerance,
                "{what}: row {row}, activation {m}: {} for {exact}, off by {error}",
                y[m * rows + row]
            );
        }
    }
}

#[test]
fn a_row_has_the_same_results_in_any_company() {
    for isa in Isa::available() {
        for format in [Format::Q4K, Format::Q6K, Format::Q8] {
            for (rows, columns) in [(1, 256), (70, 512), (5, 2560)] {
                if !is_tried(rows * columns * 5) {
                    continue;
                }
                let mut numbers = Numbers(0x2545_f491 ^ (rows * 31 + columns) as u64);
                let stored = bytes(format, rows, columns, &mut numbers);
                let w = Matrix::new(format, rows, columns, &stored).unwrap();
                // One less than what a tile is quicker for.
                let x: Vec<f32> = (0..5 * columns).map(|_| numbers.number()).collect();
                let alone: Vec<f32> = x
                    .chunks_exact(columns)
                    .flat_map(|x| {
                        let mut y = vec![f32::NAN; rows];
                        product_with(isa, w, x, &mut y);
                        y
                    })
                    .collect();
                for m in 2..=5 {
                    let mut y = vec![f32::NAN; m * rows];
                    product_with(isa, w, &x[..m * columns], &mut y);
                    assert_eq!(y, alone[..m * rows], "{} {format:?} {rows}x{columns}, {m} together", isa.name());
                }
            }
        }
    }
}

#[test]
fn products_are_those_of_the_numbers() {
    for isa in Isa::available() {
        for format in [Format::Q4K, Format::Q6K, Format::Q8] {
            for (rows, columns, m) in
                [(1, 256, 1), (3, 512, 2), (33, 256, 6), (65, 768, 1), (40, 512, 13), (128, 256, 31), (5, 2560, 7)]
            {
                // Activations of seven bits are off by up to 1/254 of the largest, each in its own direction.
                check(isa, format, rows, columns, m, 4e-3);
            }
        }
        for (rows, columns, m) in [(1, 32, 1), (7, 96, 3), (33, 160, 9), (2, 2592, 6)] {
            check(isa, Format::Q8, rows, columns, m, 4e-3);
        }
    }
}

/// With activations that bytes can hold, what is left is the rounding of single precision; and that of the tile's weights.
#[test]
fn whole_activations_are_exact() {
    for isa in Isa::available() {
        for format in [Format::Q4K, Format::Q6K, Format::Q8] {
            for m in [1, 5, 20] {
                if !is_tried(m * 5000) {
                    continue;
                }
                let mut numbers = Numbers(7);
                let bytes = bytes(format, 50, 512, &mut numbers);
                let w = Matrix::new(format, 50, 512, &bytes).unwrap();
                let mut x: Vec<f32> = (0..m * 512).map(|_| (numbers.next() % 255) as f32 - 127.0).collect();
                x.chunks_exact_mut(32).for_each(|run| run[0] = 127.0);
                let mut y = vec![0.0; m * 50];
                product_with(isa, w, &x, &mut y);
                let mut weights = vec![0.0; 512];
                let tile = isa.has_vnni() && m >= 6 && format != Format::Q8;
                let tolerance = if tile { 4e-3 } else { 2e-6 };
                for row in 0..50 {
                    w.row_into(row, &mut weights);
                    for (m, x) in x.chunks_exact(512).enumerate() {
                        let terms = weights.iter().zip(x).map(|(&w, &x)| f64::from(w) * f64::from(x));
                        let (exact, size) = terms.fold((0.0, 0.0), |(sum, size), t| (sum + t, size + t.abs()));
                        let off = (f64::from(y[m * 50 + row]) - exact).abs() / size;
                        assert!(off < tolerance, "{} {format:?} row {row} of {m}: {off}", isa.name());
                    }
                }
            }
        }
    }
}

#[test]
fn zeros_and_single_large_numbers() {
    for isa in Isa::available() {
        let mut numbers = Numbers(3);
        let bytes = bytes(Format::Q4K, 4, 256, &mut numbers);
        let w = Matrix::new(Format::Q4K, 4, 256, &bytes).unwrap();
        let mut y = vec![1.0; 4];
        product_with(isa, w, &[0.0; 256], &mut y);
        assert_eq!(y, [0.0; 4], "{}", isa.name());
        let mut x = [0.0; 256];
        x[200] = 3e30;
        product_with(isa, w, &x, &mut y);
        let mut row = vec![0.0; 256];
        for (index, y) in y.iter().enumerate() {
            w.row_into(index, &mut row);
            assert!((y / 3e30 - row[200]).abs() < 1e-5, "{}: {y} for {}", isa.name(), row[200] * 3e30);
        }
    }
}

/// A step that is no number, or infinite, shows in its row's results and in no other's, alone and in a tile.
#[test]
#[cfg_attr(miri, ignore = "millions of multiplications")]
fn weights_that_are_none_show() {
    const ROWS: usize = 37;
    // As halves: two that are not numbers, one with all bits set, and infinity.
    for odd in [0x7e00u16, 0xfe00, 0x7fff, 0x7c00] {
        for format in [Format::Q4K, Format::Q6K, Format::Q8] {
            let places: &[usize] = match format {
                Format::Q4K => &[0, 2],
                Format::Q6K => &[208],
                Format::Q8 => &[0],
            };
            for (&place, row) in places.iter().zip([20, 3]) {
                let mut numbers = Numbers(11);
                let mut stored = bytes(format, ROWS, 512, &mut numbers);
                let at = row * format.row_bytes(512).unwrap() + format.block_bytes() + place;
                stored[at..at + 2].copy_from_slice(&odd.to_le_bytes());
                let w = Matrix::new(format, ROWS, 512, &stored).unwrap();
                for m in [1, 2, 5, 6, 13, 33] {
                    let x: Vec<f32> = (0..m * 512).map(|_| numbers.number()).collect();
                    for isa in Isa::available() {
                        let mut y = vec![0.0; m * ROWS];
                        product_with(isa, w, &x, &mut y);
                        for (index, y) in y.iter().enumerate() {
                            let what = format!("{} {format:?} {odd:04x} at {place}, {m} activations", isa.name());
                            assert_eq!(y.is_finite(), index % ROWS != row, "{what}: {index}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "millions of multiplications")]
fn activations_that_are_none_show() {
    const ROWS: usize = 37;
    for odd in [f32::NAN, -f32::NAN, f32::from_bits(0x7fff_ffff), f32::INFINITY] {
        for format in [Format::Q4K, Format::Q6K, Format::Q8] {
            let mut numbers = Numbers(13);
            let stored = bytes(format, ROWS, 512, &mut numbers);
            let w = Matrix::new(format, ROWS, 512, &stored).unwrap();
            for m in [1, 2, 5, 6, 13, 33] {
                let mut x: Vec<f32> = (0..m * 512).map(|_| numbers.number()).collect();
                let row = m / 2;
                x[row * 512 + 300] = odd;
                for isa in Isa::available() {
                    let mut y = vec![0.0; m * ROWS];
                    product_with(isa, w, &x, &mut y);
                    for (index, y) in y.iter().enumerate() {
                        let what = format!("{} {format:?} {odd}, {m} activations", isa.name());
                        assert_eq!(y.is_finite(), index / ROWS != row, "{what}: {index}");
                    }
                }
            }
        }
    }
}

/// Tiles of AMX change no bit, wherever a row of activations lies: in their blocks of 32, or in what is left over.
#[test]
#[cfg(target_arch = "x86_64")]
fn tiles_of_amx_are_as_those_of_bytes() {
    // What a machine cannot test is said once, in `cpu`.
    let Some(amx) = Isa::available().find(|isa| isa.name() == "amx") else { return };
    let avx512 = Isa::available().find(|isa| isa.name() == "avx512").expect("what AMX brings");
    let mut numbers = Numbers(17);
    for format in [Format::Q4K, Format::Q6K, Format::Q8] {
        for (rows, columns) in [(1, 256), (37, 512), (64, 2560)] {
            let stored = bytes(format, rows, columns, &mut numbers);
            let w = Matrix::new(format, rows, columns, &stored).unwrap();
            for m in [31, 32, 33, 64, 77] {
                let x: Vec<f32> = (0..m * columns).map(|_| numbers.number()).collect();
                let results = [amx, avx512].map(|isa| {
                    let mut y = vec![0.0; m * rows];
                    product_with(isa, w, &x, &mut y);
                    y
                });
                assert_eq!(results[0], results[1], "{format:?} {rows} x {columns}, {m} activations");
            }
        }
    }
}

#[test]
fn other_sizes_are_no_matrix() {
    assert!(Matrix::new(Format::Q4K, 2, 256, &[0; 288]).is_some());
    assert!(Matrix::new(Format::Q4K, 2, 256, &[0; 287]).is_none());
    assert!(Matrix::new(Format::Q4K, 1, 128, &[0; 72]).is_none());
    assert!(Matrix::new(Format::Q8, 1, 0, &[]).is_none());
    assert!(Matrix::new(Format::Q8, usize::MAX, 32, &[]).is_none());
    // Of so many blocks the bytes are 16 more than can be counted.
    assert!(Matrix::new(Format::Q8, 1, (usize::MAX / 34 + 1) * 32, &[0; 16]).is_none());
}

#[test]
fn several_products_at_once_are_each() {
    let mut numbers = Numbers(5);
    let (a, b) = (bytes(Format::Q4K, 70, 256, &mut numbers), bytes(Format::Q6K, 3, 256, &mut numbers));
    let a = Matrix::new(Format::Q4K, 70, 256, &a).unwrap();
    let b = Matrix::new(Format::Q6K, 3, 256, &b).unwrap();
    for isa in Isa::available() {
        for m in [1, 8] {
            let x: Vec<f32> = (0..m * 256).map(|_| numbers.number()).collect();
            let (mut alone_a, mut alone_b) = (vec![0.0; m * 70], vec![0.0; m * 3]);
            product_with(isa, a, &x, &mut alone_a);
            product_with(isa, b, &x, &mut alone_b);
            let (mut both_a, mut both_b) = (vec![0.0; m * 70], vec![0.0; m * 3]);
            product_of(isa, &[a, b], &Activations::new(isa, &x, 256), &mut [&mut both_a, &mut both_b]);
            assert_eq!((alone_a, alone_b), (both_a, both_b), "{}", isa.name());
        }
    }
}
