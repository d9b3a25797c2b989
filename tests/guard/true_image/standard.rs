//! Brightness as the standard has it, written anew from its text: nothing here is shared with the decoder or the viewer.

/// How modality values become brightness.
#[derive(Debug, Clone)]
pub struct Shown {
    pub voi: Voi,
    /// MONOCHROME1, or Presentation LUT Shape INVERSE.
    pub inverted: bool,
}

#[derive(Debug, Clone)]
pub enum Voi {
    /// Centre and width in modality units; the first is shown.
    Windows { function: Function, windows: Vec<(f64, f64)> },
    /// The file has neither window nor table: from the smallest value to the largest.
    Computed,
    /// A VOI LUT: what its first entry is for, bits of an entry, entries.
    Table { first: i32, bits: u16, entries: Vec<u16> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    Linear,
    LinearExact,
    Sigmoid,
}

/// Brightness from 0 to 1 of a modality value of an image whose values go from `range.0` to `range.1`.
pub fn brightness(x: f64, shown: &Shown, range: (f64, f64)) -> f64 {
    let light = match &shown.voi {
        Voi::Windows { function, windows } => windowed(x, *function, windows[0]),
        // C.11.2.1.2.1 puts the edges of a window at its centre - 0.5 -/+ (its width - 1) / 2.
        Voi::Computed => windowed(x, Function::Linear, ((range.0 + range.1 + 1.0) / 2.0, range.1 - range.0 + 1.0)),
        // C.11.2.1.1: what lies before the first entry takes the first, what lies behind the last takes the last.
        Voi::Table { first, bits, entries } => {
            let at = (x - f64::from(*first)).clamp(0.0, entries.len() as f64 - 1.0);
            f64::from(entries[at as usize]) / f64::from((1u32 << bits) - 1)
        }
    };
    if shown.inverted { 1.0 - light } else { light }
}

fn windowed(x: f64, function: Function, (c, w): (f64, f64)) -> f64 {
    match function {
        // C.11.2.1.2.1
        Function::Linear if x <= c - 0.5 - (w - 1.0) / 2.0 => 0.0,
        Function::Linear if x > c - 0.5 + (w - 1.0) / 2.0 => 1.0,
        Function::Linear => (x - (c - 0.5)) / (w - 1.0) + 0.5,
        // C.11.2.1.3.2
        Function::LinearExact if x <= c - w / 2.0 => 0.0,
        Function::LinearExact if x > c + w / 2.0 => 1.0,
        Function::LinearExact => (x - c) / w + 0.5,
        // C.11.2.1.3.1
        Function::Sigmoid => 1.0 / (1.0 + (-4.0 * (x - c) / w).exp()),
    }
}

/// Values of the standard's own examples and definitions.
#[test]
fn the_formulas_are_those_of_the_standard() {
    let check = |function, window, x, wanted: f64| {
        let shown = Shown { voi: Voi::Windows { function, windows: vec![window] }, inverted: false };
        let light = brightness(x, &shown, (0.0, 4095.0));
        assert!((light - wanted).abs() < 1e-9, "{function:?} {window:?} of {x}: {light}");
        let negative = brightness(x, &Shown { inverted: true, ..shown }, (0.0, 4095.0));
        assert!((light + negative - 1.0).abs() < 1e-9, "{function:?} {window:?} of {x}, inverted: {negative}");
    };
    // C.11.2.1.2.1: "Window Center 2048, Window Width 4096" goes from 0 to 4095; "0, 100" from -50 to 49; "0, 1" is a threshold.
    check(Function::Linear, (2048.0, 4096.0), 0.0, 0.0);
    check(Function::Linear, (2048.0, 4096.0), 4095.0, 1.0);
    check(Function::Linear, (0.0, 100.0), -50.0, 0.0);
    check(Function::Linear, (0.0, 100.0), 49.0, 1.0);
    check(Function::Linear, (0.0, 1.0), -1.0, 0.0);
    check(Function::Linear, (0.0, 1.0), 0.0, 1.0);
    // C.11.2.1.3.2: the same go from 0 to 4096 and from -50 to 50.
    check(Function::LinearExact, (2048.0, 4096.0), 4096.0, 1.0);
    check(Function::LinearExact, (2048.0, 4096.0), 1024.0, 0.25);
    check(Function::LinearExact, (0.0, 100.0), 50.0, 1.0);
    check(Function::Sigmoid, (2048.0, 4096.0), 2048.0, 0.5);
    check(Function::Sigmoid, (2048.0, 4096.0), 6144.0, 1.0 / (1.0 + (-4.0f64).exp()));
}
