//! A linear layer, y = x W^T + b, over weights that are packed once.

#[cfg(target_arch = "x86_64")]
mod avx512;

use std::ops::Range;

use crate::cpu::Isa;
use crate::lines::{Lines, ask_for, floats_of};
use crate::math::gelu;
use crate::micro::{Kernel, Kind, Ready};
use crate::rows::{PackedRows, byte, byte_scale};
use crate::threads::{self, SharedMut, for_each_part_with, part};
use crate::values::{Values, to_bf16};
use crate::versions::versions;

/// In what a product is computed. Sums are float32 (int32 for int8) in all three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    F32,
    /// Weights and activations rounded to brain floats.
    Bf16,
    /// Weights rounded to int8 with a scale for each output, activations to int8 with a
    /// scale for each row, chosen from the row itself.
    Int8,
}

/// What happens to a sum, with its bias, before it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    None,
    /// GELU with the tanh approximation.
    Gelu,
}

/// Where results go: `rows x outputs` numbers, row by row.
pub enum Output<'a> {
    Write(&'a mut [f32]),
    /// Added to what is there: the residual connection.
    Add(&'a mut [f32]),
    /// Rounded to brain floats.
    WriteBf16(&'a mut [u16]),
}

/// A linear layer with packed weights.
pub struct Linear {
    kernel: Kernel,
    inputs: usize,
    outputs: usize,
    /// `[panel of outputs][step][output of the panel]`, with zeros beyond the last output.
    weights: Lines,
    /// By output, and as long as all panels; empty without a bias.
    bias: Vec<f32>,
    /// By output, what an int8 of its weights is worth; empty for floats.
    scales: Vec<f32>,
}

/// What of a product stays in the caches while the rest goes by.
struct Blocking {
    /// Bytes of packed rows that a thread keeps in its second-level cache while it goes through the weights.
    rows: usize,
    /// Bytes of a panel of weights that go through all of these rows at once.
    panel: usize,
}

impl Blocking {
    fn of(kernel: Kernel) -> Self {
        match kernel.isa() {
            // Rows and panel come from the second-level cache, of which processors with AMX have 2 MB. Panels short enough
            // for the first-level cache were no quicker: their sums have to be put down and taken up again.
            Isa::Amx => Self { rows: 1200 << 10, panel: 80 << 10 },
            // The panel stays in the first-level cache.
            _ => Self { rows: 480 << 10, panel: 36 << 10 },
        }
    }
}

/// Parts of a product for each thread, at least: one that is held up by other work leaves
/// little to wait for.
const PARTS: usize = 12;
/// Inputs up to which the sums of products of int8 stay within int32.
const TERMS_LIMIT: usize = 1 << 16;

impl Linear {
    /// Packs `weight`, `[outputs, inputs]` row by row, for the instructions in use.
    ///
    /// # Panics
    /// Where the lengths do not fit, or with more than 65536 inputs in int8, whose sums
    /// could leave int32.
    pub fn new(weight: Values, bias: Option<Values>, inputs: usize, outputs: usize, precision: Precision) -> Self {
        Self::stacked(Isa::current(), &[(weight, bias)], inputs, &[outputs], precision)
    }

    /// [`Self::new`] for given instructions.
    pub fn with_isa(
        isa: Isa,
        weight: Values,
        bias: Option<Values>,
        inputs: usize,
        outputs: usize,
        precision: Precision,
    ) -> Self {
        Self::stacked(isa, &[(weight, bias)], inputs, &[outputs], precision)
    }

    /// One layer whose outputs are those of several layers over the same inputs, one
    /// after another.
    pub fn stacked(
        isa: Isa,
        parts: &[(Values, Option<Values>)],
        inputs: usize,
        outputs: &[usize],
        precision: Precision,
    ) -> Self {
        assert_eq!(parts.len(), outputs.len(), "a number of outputs for each part");
        for ((weight, bias), &outputs) in parts.iter().zip(outputs) {
            assert_eq!(Some(weight.len()), inputs.checked_mul(outputs), "weights of {outputs} x {inputs}");
            assert!(bias.is_none_or(|bias| bias.len() == outputs), "a bias of {outputs}");
        }
        assert!(inputs <= TERMS_LIMIT || precision != Precision::Int8, "{inputs} inputs in int8");
        let kernel = match precision {
            Precision::F32 => Kernel::f32(isa),
            Precision::Bf16 => Kernel::bf16(isa),
            Precision::Int8 => Kernel::int8(isa),
        };
        let rows = Rows { parts, outputs };
        let total = outputs.iter().sum();
        let mut layer =
            Self { kernel, inputs, outputs: total, weights: Lines::default(), bias: Vec::new(), scales: Vec::new() };
        let panels = layer.panels();
        if parts.iter().any(|(_, bias)| bias.is_some()) {
            layer.bias = vec![0.; panels * kernel.columns()];
            let mut start = 0;
            for ((_, bias), outputs) in parts.iter().zip(outputs) {
                if let Some(bias) = bias {
                    bias.read(0, &mut layer.bias[start..start + outputs]);
                }
                start += outputs;
            }
        }
        layer.pack(&rows, panels);
        layer
    }

    pub fn inputs(&self) -> usize {
        self.inputs
    }

    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Bytes that the weights take.
    pub fn bytes(&self) -> usize {
        self.weights.bytes().len() + (self.bias.len() + self.scales.len()) * 4
    }

    /// Packs `rows` rows of `inputs` float32 for this layer; the result also serves every
    /// other layer of the same inputs, precision and instructions.
    pub fn pack_rows(&self, x: &[f32], rows: usize, packed: &mut PackedRows) {
        assert_eq!(Some(x.len()), rows.checked_mul(self.inputs), "{rows} rows of {}", self.inputs);
        self.pack_rows_with(rows, packed, |row, out| out.copy_from_slice(&x[row * self.inputs..][..self.inputs]));
    }

    /// [`Self::pack_rows`] of rows that `source` computes into the slice it is given.
    pub fn pack_rows_with(&self, rows: usize, packed: &mut PackedRows, source: impl Fn(usize, &mut [f32]) + Sync) {
        packed.pack(self.kernel, rows, self.inputs, source);
    }

    /// [`Self::pack_rows`] of rows that are float32 or brain floats.
    pub fn pack_values(&self, x: Values, rows: usize, packed: &mut PackedRows) {
        assert_eq!(Some(x.len()), rows.checked_mul(self.inputs), "{rows} rows of {}", self.inputs);
        packed.pack_values(self.kernel, rows, self.inputs, &x);
    }

    /// Multiplies rows, `[rows, inputs]` to `[rows, outputs]`.
    pub fn forward(&self, x: &[f32], rows: usize, activation: Activation, output: Output) {
        let mut packed = PackedRows::new();
        self.pack_rows(x, rows, &mut packed);
        self.forward_packed(&packed, activation, output);
    }

    /// [`Self::forward`] of rows packed before.
    ///
    /// # Panics
    /// For rows packed for another kind of layer, and an output of another size.
    pub fn forward_packed(&self, x: &PackedRows, activation: Activation, output: Output) {
        assert_eq!((x.kernel(), x.terms()), (Some(self.kernel), self.inputs), "rows packed for this layer");
        let target = Target::new(output);
        assert_eq!(target.len(), x.rows() * self.outputs, "{} rows of {}", x.rows(), self.outputs);
        let (rows, panels) = (x.rows(), self.panels());
        if rows == 0 || self.outputs == 0 {
            return;
        }
        let steps = self.kernel.steps(self.inputs);
        let row_panels = rows.div_ceil(self.kernel.rows());
        let panel_bytes = (self.kernel.rows() * steps * 4).max(1);
        let block = (Blocking::of(self.kernel).rows / panel_bytes).max(1).min(row_panels);
        let blocks = row_panels.div_ceil(block);
        // Enough parts that the last ones even out, and no more than that, since each
        // reads its rows anew.
        let threads = threads::count();
        let wanted = if threads == 1 { 1 } else { (PARTS * threads).div_ceil(blocks) };
        let chunk = panels.div_ceil(wanted.min(panels));
        let chunks = panels.div_ceil(chunk);
        let scratch = || (self.kernel.ready(), Lines::zeroed(block * self.kernel.rows() * self.kernel.columns() * 4));
        for_each_part_with(blocks * chunks, scratch, |(ready, tiles), unit| {
            let row_panels = part(unit / chunks, block, row_panels);
            let panels = part(unit % chunks, chunk, panels);
            self.block(ready, x, row_panels, panels, activation, &target, tiles.words_mut());
        });
    }

    /// A block of rows times a run of panels.
    #[allow(clippy::too_many_arguments)]
    fn block(
        &self,
        ready: &Ready,
        x: &PackedRows,
        row_panels: Range<usize>,
        panels: Range<usize>,
        activation: Activation,
        target: &Target,
        tiles: &mut [u32],
    ) {
        let (columns, width, steps) = (self.kernel.columns(), self.kernel.width(), self.kernel.steps(self.inputs));
        let run = (Blocking::of(self.kernel).panel / (columns * width)).max(1);
        let runs = steps.div_ceil(run).max(1);
        // Runs of one length, so that the last one is not a stump.
        let run = steps.div_ceil(runs).max(1).next_multiple_of(self.kernel.together());
        let tile_size = self.kernel.rows() * columns;
        for panel in panels {
            let weights = &self.weights.bytes()[panel * steps * columns * width..][..steps * columns * width];
            for k in 0..runs {
                let range = part(k, run, steps);
                let vectors = &weights[range.start * columns * width..range.end * columns * width];
                for row_panel in row_panels.clone() {
                    let (words, height) = x.panel(row_panel, range.clone());
                    if k + 1 == runs {
                        self.ask_ahead(x, row_panel, panel + 1, target);
                    }
                    // Sums that are finished at once need no place of their own, and their place stays in the cache.
                    let place = if runs == 1 { 0 } else { row_panel - row_panels.start };
                    let tile = &mut tiles[place * tile_size..][..height * columns];
                    ready.run(height, words, vectors, tile, k > 0);
                    if k + 1 == runs {
                        self.finish(x, row_panel, panel, activation, target, tile);
                    }
                }
            }
        }
    }

    /// Asks for the places of a tile's results, which lie in another line of memory for each row: a processor that comes
    /// upon them all at once waits longer for them than it computes.
    fn ask_ahead(&self, x: &PackedRows, row_panel: usize, panel: usize, target: &Target) {
        if panel < self.panels() {
            let first = row_panel * self.kernel.rows();
            for row in first..x.rows().min(first + self.kernel.rows()) {
                target.ask_for(row * self.outputs + panel * self.kernel.columns(), self.kernel.columns());
            }
        }
    }

    /// From sums to results.
    fn finish(
        &self,
        x: &PackedRows,
        row_panel: usize,
        panel: usize,
        activation: Activation,
        target: &Target,
        tile: &mut [u32],
    ) {
        let columns = self.kernel.columns();
        let first = row_panel * self.kernel.rows();
        let start = panel * columns;
        let count = columns.min(self.outputs - start);
        let bias = if self.bias.is_empty() { &[][..] } else { &self.bias[start..start + columns] };
        #[cfg(target_arch = "x86_64")]
        if self.kernel.isa() == Isa::Amx && count == avx512::COLUMNS && !self.kernel.is_integer() {
            let rows = self.kernel.rows().min(x.rows() - first);
            let places =
                (first..first + rows).map(|row| row * self.outputs + start..row * self.outputs + start + count);
            // SAFETY: the set has AVX-512 with BF16; each tile is finished once, and no two share an element.
            return unsafe { finish_wide(tile, bias, activation, target, places) };
        }
        for (r, tile) in tile.chunks_exact_mut(columns).take(self.kernel.rows().min(x.rows() - first)).enumerate() {
            let row = first + r;
            if self.kernel.is_integer() {
                let (scale, sum) = x.quantisation(row);
                // The vectors of bytes are moved up by 128, which adds 128 times the
                // sum of the row to each of its sums.
                let moved = if self.kernel.kind() == Kind::Bytes { 128 * sum } else { 0 };
                scale_sums(self.kernel.isa(), tile, moved, scale, &self.scales[start..start + columns]);
            }
            finish_row(self.kernel.isa(), tile, bias, activation);
            let place = row * self.outputs + start;
            // SAFETY: each tile is finished once, and no two share an element.
            unsafe { target.store(self.kernel.isa(), place..place + count, &floats_of(tile)[..count]) };
        }
    }

    fn panels(&self) -> usize {
        self.outputs.div_ceil(self.kernel.columns())
    }

    fn pack(&mut self, rows: &Rows, panels: usize) {
        let kernel = self.kernel;
        let (columns, depth, steps) = (kernel.columns(), kernel.depth(), kernel.steps(self.inputs));
        let (inputs, outputs, panel_bytes) = (self.inputs, self.outputs, steps * columns * kernel.width());
        self.weights = Lines::zeroed(panels * panel_bytes);
        self.scales = if kernel.is_integer() { vec![0.; panels * columns] } else { Vec::new() };
        let weights = SharedMut::new(self.weights.bytes_mut());
        let scales = SharedMut::new(&mut self.scales);
        let size = kernel.width() / depth;
        for_each_part_with(
            panels,
            || vec![0f32; inputs],
            |values, panel| {
                // SAFETY: panels do not overlap, and each is packed once.
                let packed = unsafe { weights.range(panel * panel_bytes..(panel + 1) * panel_bytes) };
                for column in 0..columns.min(outputs - panel * columns) {
                    rows.read(panel * columns + column, values);
                    let mut put = |k: usize, bytes: &[u8]| {
                        let at = (((k / depth) * columns + column) * depth + k % depth) * size;
                        packed[at..at + size].copy_from_slice(bytes);
                    };
                    match kernel.kind() {
                        Kind::F32 => values.iter().enumerate().for_each(|(k, x)| put(k, &x.to_ne_bytes())),
                        Kind::WideBf16 | Kind::PairsBf16 => {
                            values.iter().enumerate().for_each(|(k, &x)| put(k, &to_bf16(x).to_ne_bytes()))
                        }
                        Kind::Bytes | Kind::Shorts => {
                            let (scale, inverse) = byte_scale(values);
                            let moved = if kernel.kind() == Kind::Bytes { 128 } else { 0 };
                            for (k, &x) in values.iter().enumerate() {
                                put(k, &[(byte(x, inverse) + moved) as u8]);
                            }
                            let at = panel * columns + column;
                            // SAFETY: an output is in one panel, which is packed once.
                            unsafe { scales.range(at..at + 1)[0] = scale };
                        }
                    }
                }
            },
        );
    }
}

/// The outputs of several layers, one after another.
struct Rows<'a> {
    parts: &'a [(Values<'a>, Option<Values<'a>>)],
    outputs: &'a [usize],
}

impl Rows<'_> {
    /// The weights of one output.
    fn read(&self, mut output: usize, out: &mut [f32]) {
        for ((weight, _), &outputs) in self.parts.iter().zip(self.outputs) {
            if output < outputs {
                return weight.read(output * out.len(), out);
            }
            output -= outputs;
        }
        unreachable!("an output beyond the last");
    }
}

enum Target<'a> {
    Write(SharedMut<'a, f32>),
    Add(SharedMut<'a, f32>),
    WriteBf16(SharedMut<'a, u16>),
}

impl<'a> Target<'a> {
    fn new(output: Output<'a>) -> Self {
        match output {
            Output::Write(out) => Self::Write(SharedMut::new(out)),
            Output::Add(out) => Self::Add(SharedMut::new(out)),
            Output::WriteBf16(out) => Self::WriteBf16(SharedMut::new(out)),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Write(out) | Self::Add(out) => out.len(),
            Self::WriteBf16(out) => out.len(),
        }
    }

    /// Asks for the places of `count` results from `start` on.
    fn ask_for(&self, start: usize, count: usize) {
        match self {
            Self::Write(out) | Self::Add(out) => {
                (start..start + count).step_by(16).for_each(|at| ask_for(out.place(at)))
            }
            Self::WriteBf16(out) => (start..start + count).step_by(32).for_each(|at| ask_for(out.place(at))),
        }
    }

    /// # Safety
    /// Nobody else stores to these places at the same time.
    unsafe fn store(&self, isa: Isa, place: Range<usize>, values: &[f32]) {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Self::Write(out) => out.range(place).copy_from_slice(values),
                Self::Add(out) => add(isa, out.range(place), values),
                Self::WriteBf16(out) => round(isa, out.range(place), values),
            }
        }
    }
}

/// The end of a tile of 32 columns.
///
/// # Safety
/// The processor has AVX-512 with BF16, and nobody else has these places at the same time.
#[cfg(target_arch = "x86_64")]
unsafe fn finish_wide(
    tile: &mut [u32],
    bias: &[f32],
    activation: Activation,
    target: &Target,
    places: impl Iterator<Item = Range<usize>>,
) {
    if let Some(bias) = bias.first_chunk() {
        // SAFETY: the caller's promise.
        unsafe { avx512::add_bias(tile, bias) };
    }
    if activation == Activation::Gelu {
        finish_row(Isa::Amx, tile, &[], activation);
    }
    // SAFETY: the caller's promise.
    unsafe {
        match target {
            Target::Write(out) => avx512::put::<false>(tile, out, places),
            Target::Add(out) => avx512::put::<true>(tile, out, places),
            Target::WriteBf16(out) => avx512::round(tile, out, places),
        }
    }
}

versions! {
    /// Sums of integers, in place, to floats.
    fn scale_sums(tile: &mut [u32], moved: i32, row: f32, scales: &[f32]) {
        for (word, &scale) in tile.iter_mut().zip(scales) {
            *word = ((*word as i32 - moved) as f32 * (row * scale)).to_bits();
        }
    }
}

versions! {
    fn finish_row(tile: &mut [u32], bias: &[f32], activation: Activation) {
        for (word, &bias) in tile.iter_mut().zip(bias) {
            *word = (f32::from_bits(*word) + bias).to_bits();
        }
        if activation == Activation::Gelu {
            for word in tile {
                *word = gelu(f32::from_bits(*word)).to_bits();
            }
        }
    }
}

versions! {
    fn add(out: &mut [f32], values: &[f32]) {
        for (out, value) in out.iter_mut().zip(values) {
            *out += value;
        }
    }
}

versions! {
    fn round(out: &mut [u16], values: &[f32]) {
        for (out, &value) in out.iter_mut().zip(values) {
            *out = to_bf16(value);
        }
    }
}
