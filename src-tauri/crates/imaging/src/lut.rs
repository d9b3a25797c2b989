//! From stored values to what is shown: modality LUT, VOI LUT, polarity
//! (PS3.3 C.11.1, C.11.2 and C.11.6).

use crate::dataset::DataSet;
use crate::header::Fields;
use crate::part10::Part10;
use crate::stored::{Samples, Stored};
use hilum_workers::messages::decode::{PixelDescription, PixelKind, VoiFunction, Window};
use std::borrow::Cow;

/// Grey as the viewer wants it: one `u16` a pixel and how to show it.
#[derive(Debug, Clone)]
pub struct Gray<'a> {
    /// `rows` x `columns` texels, row by row.
    pub texels: Cow<'a, [u16]>,
    pub description: PixelDescription,
    /// Texels that are padding, as a range of texel values (PS3.3 C.7.5.1.1.2).
    pub padding: Option<(u16, u16)>,
    /// The texels are unsigned bytes as stored, and mean just that.
    bytes: bool,
}

/// Applies the modality LUT and gathers what the viewer needs.
///
/// Texels are `u16` whatever the file holds: signed values are moved up by an
/// offset that the intercept takes back, a modality LUT given as a table is
/// applied, and 32-bit values are squeezed into 16 bits over the range that occurs.
pub fn gray<'a>(part10: &Part10, stored: &'a Stored) -> Gray<'a> {
    let data = part10.data();
    let fields = Fields::new(data.clone(), None);
    let padding = padding(&data, &stored.samples);
    let modality_lut = table(&data, 0x0028_3000, &stored.samples);
    let plain = modality_lut.is_none();
    let mapped = match modality_lut {
        Some(lut) => by_table(&stored.samples, &lut, padding),
        None => {
            let number = |tag| fields.numbers(tag).first().copied();
            // A slope of zero would make every value the same; the header's warning names it.
            let slope = number(0x0028_1053).filter(|slope| *slope != 0.0).unwrap_or(1.0);
            linear(&stored.samples, slope, number(0x0028_1052).unwrap_or(0.0), padding)
        }
    };
    let (min, max) = range(&mapped.texels, mapped.padding);
    let mut windows = windows(&fields);
    if windows.is_empty() {
        let modality = |texel: u16| f64::from(texel) * mapped.slope + mapped.intercept;
        windows.push(spanning(modality(min), modality(max)));
    }
    let voi = table(&data, 0x0028_3010, &stored.samples);
    let inverted = fields.text(0x0028_0004).as_deref() == Some("MONOCHROME1")
        || fields.text(0x2050_0020).as_deref() == Some("INVERSE");
    Gray {
        description: PixelDescription {
            rows: stored.rows as u32,
            columns: stored.columns as u32,
            kind: PixelKind::Gray16,
            slope: mapped.slope,
            intercept: mapped.intercept,
            min,
            max,
            inverted,
            windows,
            voi_function: match fields.text(0x0028_1056).as_deref() {
                Some("LINEAR_EXACT") => VoiFunction::LinearExact,
                Some("SIGMOID") => VoiFunction::Sigmoid,
                _ => VoiFunction::Linear,
            },
            voi_lut_first: voi.as_ref().map(|lut| lut.first),
            voi_lut: voi.map(|lut| lut.full_range()),
            units: fields.text(0x0028_1054),
            overlays: Vec::new(),
            shutter: Vec::new(),
        },
        bytes: plain && matches!(stored.samples, Samples::U8(_)) && (mapped.slope, mapped.intercept) == (1.0, 0.0),
        padding: mapped.padding,
        texels: mapped.texels,
    }
}

/// The window whose edges are the two modality values.
fn spanning(low: f64, high: f64) -> Window {
    let (low, high) = (low.min(high), low.max(high));
    // PS3.3 C.11.2.1.2.1 puts the edges at centre - 0.5 -/+ (width - 1) / 2.
    Window { center: (low + high + 1.0) / 2.0, width: high - low + 1.0, explanation: None, computed: true }
}

/// Window Center, Width and their explanations, pair by pair.
fn windows(fields: &Fields) -> Vec<Window> {
    let explanations = fields.text(0x0028_1055).unwrap_or_default();
    let explanations: Vec<&str> = explanations.split('\\').map(str::trim).collect();
    fields
        .numbers(0x0028_1050)
        .into_iter()
        .zip(fields.numbers(0x0028_1051))
        .enumerate()
        .filter(|(_, (_, width))| *width > 0.0)
        .map(|(i, (center, width))| Window {
            center,
            width,
            explanation: explanations.get(i).filter(|e| !e.is_empty()).map(|e| (*e).to_owned()),
            computed: false,
        })
        .collect()
}

/// How bright a modality value is shown by a window, 0 to 1.
///
/// PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.1 (SIGMOID) and C.11.2.1.3.2 (LINEAR_EXACT).
pub fn brightness(value: f64, window: &Window, function: VoiFunction) -> f64 {
    let Window { center, width, .. } = *window;
    match function {
        VoiFunction::Linear => {
            let half = (width - 1.0) / 2.0;
            if value <= center - 0.5 - half {
                0.0
            } else if value > center - 0.5 + half {
                1.0
            } else {
                (value - (center - 0.5)) / (width - 1.0) + 0.5
            }
        }
        VoiFunction::LinearExact => ((value - center) / width + 0.5).clamp(0.0, 1.0),
        VoiFunction::Sigmoid => 1.0 / (1.0 + (-4.0 * (value - center) / width).exp()),
    }
}

impl Gray<'_> {
    /// The grey, 0 to 255, that every texel is shown with by default: the VOI LUT
    /// of the file where it has one (a manufacturer's own curve, as pydicom and
    /// most viewers prefer it), else its first window, else the computed one.
    pub fn shown(&self) -> Vec<u8> {
        let d = &self.description;
        let mut table = vec![0u8; 1 << 16];
        for texel in d.min..=d.max {
            table[usize::from(texel)] = self.shade(texel);
        }
        // Padding may lie outside the range and is black whatever the polarity.
        let mut shown: Vec<u8> = self.texels.iter().map(|t| table[usize::from((*t).clamp(d.min, d.max))]).collect();
        self.blacken(&mut shown);
        shown
    }

    fn shade(&self, texel: u16) -> u8 {
        let d = &self.description;
        let value = f64::from(texel) * d.slope + d.intercept;
        let bright = match (&d.voi_lut, d.voi_lut_first) {
            (Some(lut), Some(first)) => {
                let entry = (value.round() - f64::from(first)).clamp(0.0, (lut.len() - 1) as f64) as usize;
                f64::from(lut[entry]) / 65535.0
            }
            _ => d.windows.first().map_or(0.5, |window| brightness(value, window, d.voi_function)),
        };
        let bright = if d.inverted { 1.0 - bright } else { bright };
        (bright * 255.0).round() as u8
    }

    /// The grey, 0 to 255, of the published chest pipeline (`facts/models.md`):
    /// first window where both its numbers are present, clipped at centre -/+
    /// half the width, then smallest to largest over the full range, then
    /// inverted for MONOCHROME1. Bytes without a window stay as they are: the
    /// published code stretches only what is wider (`_rescale_cxr_dynamic_range`).
    pub fn for_models(&self) -> Vec<u8> {
        let d = &self.description;
        let value = |texel: u16| f64::from(texel) * d.slope + d.intercept;
        let clip = d.windows.first().filter(|w| !w.computed).map(|w| {
            let half = (w.width / 2.0).floor();
            (w.center - half, w.center + half)
        });
        let clipped = |texel| clip.map_or(value(texel), |(low, high)| value(texel).clamp(low, high));
        let (one, other) = (clipped(d.min), clipped(d.max));
        let (low, high) = match self.bytes && clip.is_none() {
            true => (0.0, 255.0),
            false => (one.min(other), one.max(other)),
        };
        let mut table = vec![0u8; 1 << 16];
        for texel in d.min..=d.max {
            let full = if high > low { (clipped(texel) - low) / (high - low) } else { 0.0 };
            let full = if d.inverted { 1.0 - full } else { full };
            table[usize::from(texel)] = (full * 255.0).round() as u8;
        }
        let mut shades: Vec<u8> = self.texels.iter().map(|t| table[usize::from((*t).clamp(d.min, d.max))]).collect();
        self.blacken(&mut shades);
        shades
    }

    fn blacken(&self, shades: &mut [u8]) {
        if let Some((low, high)) = self.padding {
            for (shade, texel) in shades.iter_mut().zip(self.texels.iter()) {
                if (low..=high).contains(texel) {
                    *shade = 0;
                }
            }
        }
    }
}

/// A LUT of a Modality or VOI LUT Sequence item (PS3.3 C.11.1.1).
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The input that the first entry is for.
    pub first: i32,
    pub bits: u16,
    pub entries: Vec<u16>,
}

impl Table {
    fn at(&self, input: i32) -> u16 {
        let index = (i64::from(input) - i64::from(self.first)).clamp(0, self.entries.len() as i64 - 1);
        self.entries[index as usize]
    }

    /// Entries stretched to 0..65535.
    fn full_range(&self) -> Vec<u16> {
        let largest = (1u32 << self.bits) - 1;
        self.entries.iter().map(|e| (u32::from(*e).min(largest) * 65535 / largest) as u16).collect()
    }
}

/// The LUT of the first item of a sequence, where it is complete enough to use.
fn table(data: &DataSet, sequence: u32, samples: &Samples) -> Option<Table> {
    let item = data.items(sequence, 1).ok()?.into_iter().next()?;
    let encoding = item.encoding();
    let descriptor = item.bytes(0x0028_3002)?;
    let word = |i: usize| descriptor.get(i * 2..i * 2 + 2).map(|b| encoding.u16([b[0], b[1]]));
    let count = match word(0)? {
        0 => 1 << 16,
        n => usize::from(n),
    };
    let signed = matches!(samples, Samples::I8(_) | Samples::I16(_) | Samples::I32(_));
    let first = if signed { i32::from(word(1)? as i16) } else { i32::from(word(1)?) };
    let bits = word(2)?.clamp(1, 16);
    let data = item.bytes(0x0028_3006)?;
    // Eight-bit tables come as bytes from some writers, as words from others.
    let entries: Vec<u16> = if bits <= 8 && data.len() < count * 2 {
        data.iter().take(count).map(|b| u16::from(*b)).collect()
    } else {
        data.chunks_exact(2).take(count).map(|b| encoding.u16([b[0], b[1]])).collect()
    };
    (!entries.is_empty()).then_some(Table { first, bits, entries })
}

struct Mapped<'a> {
    texels: Cow<'a, [u16]>,
    slope: f64,
    intercept: f64,
    padding: Option<(u16, u16)>,
}

fn by_table<'a>(samples: &Samples, lut: &Table, padding: Option<(i32, i32)>) -> Mapped<'a> {
    let mut texels: Vec<u16> = match samples {
        Samples::U8(v) => v.iter().map(|n| lut.at((*n).into())).collect(),
        Samples::I8(v) => v.iter().map(|n| lut.at((*n).into())).collect(),
        Samples::U16(v) => v.iter().map(|n| lut.at((*n).into())).collect(),
        Samples::I16(v) => v.iter().map(|n| lut.at((*n).into())).collect(),
        Samples::U32(v) => v.iter().map(|n| lut.at((*n).min(i32::MAX as u32) as i32)).collect(),
        Samples::I32(v) => v.iter().map(|n| lut.at(*n)).collect(),
    };
    // Padding is told by stored values, which the table hides; where a texel value
    // is free, padding moves there, else it stays what the table makes of it.
    let mut free = None;
    if let Some((low, high)) = padding {
        let mut used = vec![false; 1 << 16];
        texels.iter().for_each(|t| used[usize::from(*t)] = true);
        free = used.iter().rposition(|used| !used).map(|i| i as u16);
        if let Some(free) = free {
            let mut mark = |i: usize, stored: i64| {
                if (i64::from(low)..=i64::from(high)).contains(&stored) {
                    texels[i] = free;
                }
            };
            match samples {
                Samples::U8(v) => v.iter().enumerate().for_each(|(i, n)| mark(i, (*n).into())),
                Samples::I8(v) => v.iter().enumerate().for_each(|(i, n)| mark(i, (*n).into())),
                Samples::U16(v) => v.iter().enumerate().for_each(|(i, n)| mark(i, (*n).into())),
                Samples::I16(v) => v.iter().enumerate().for_each(|(i, n)| mark(i, (*n).into())),
                Samples::U32(v) => v.iter().enumerate().for_each(|(i, n)| mark(i, (*n).into())),
                Samples::I32(v) => v.iter().enumerate().for_each(|(i, n)| mark(i, (*n).into())),
            }
        }
    }
    Mapped { texels: Cow::Owned(texels), slope: 1.0, intercept: 0.0, padding: free.map(|f| (f, f)) }
}

fn linear(samples: &Samples, slope: f64, intercept: f64, padding: Option<(i32, i32)>) -> Mapped<'_> {
    let (texels, base, step): (Cow<[u16]>, i64, f64) = match samples {
        Samples::U8(v) => (v.iter().map(|n| u16::from(*n)).collect(), 0, 1.0),
        Samples::U16(v) => (Cow::Borrowed(v), 0, 1.0),
        Samples::I8(v) => (v.iter().map(|n| (i16::from(*n) + 128) as u16).collect(), -128, 1.0),
        Samples::I16(v) => (v.iter().map(|n| (*n as u16) ^ 0x8000).collect(), -32768, 1.0),
        Samples::U32(v) => squeeze(v.iter().map(|n| i64::from(*n))),
        Samples::I32(v) => squeeze(v.iter().map(|n| i64::from(*n))),
    };
    let texel = |stored: i32| ((i64::from(stored) - base) as f64 / step).round().clamp(0.0, 65535.0) as u16;
    Mapped {
        texels,
        slope: slope * step,
        intercept: intercept + slope * base as f64,
        padding: padding.map(|(low, high)| (texel(low), texel(high))),
    }
}

/// Moves values to zero, and divides them where they span more than 16 bits.
fn squeeze<'a>(values: impl Iterator<Item = i64> + Clone) -> (Cow<'a, [u16]>, i64, f64) {
    let low = values.clone().min().unwrap_or(0);
    let high = values.clone().max().unwrap_or(0);
    let step = ((high - low) as f64 / 65535.0).max(1.0);
    (values.map(|v| ((v - low) as f64 / step).round() as u16).collect(), low, step)
}

/// Pixel Padding Value and Range Limit in stored values, low before high.
fn padding(data: &DataSet, samples: &Samples) -> Option<(i32, i32)> {
    let signed = matches!(samples, Samples::I8(_) | Samples::I16(_) | Samples::I32(_));
    let number = |tag| {
        let word = data.u16(tag)?;
        Some(if signed { i32::from(word as i16) } else { i32::from(word) })
    };
    let value = number(0x0028_0120)?;
    let limit = number(0x0028_0121).unwrap_or(value);
    Some((value.min(limit), value.max(limit)))
}

/// Smallest and largest texel outside the padding; of all texels where nothing else is there.
fn range(texels: &[u16], padding: Option<(u16, u16)>) -> (u16, u16) {
    let fold = |(low, high): (u16, u16), t: &u16| (low.min(*t), high.max(*t));
    let (low, high) = match padding {
        None => texels.iter().fold((u16::MAX, 0), fold),
        Some((from, to)) => texels.iter().filter(|t| !(from..=to).contains(*t)).fold((u16::MAX, 0), fold),
    };
    if low <= high { (low, high) } else { texels.iter().fold((u16::MAX, 0), fold) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(center: f64, width: f64) -> Window {
        Window { center, width, explanation: None, computed: false }
    }

    #[test]
    fn brightness_follows_the_standard() {
        use VoiFunction::{Linear, LinearExact, Sigmoid};
        // PS3.3 C.11.2.1.2.1: centre 2048, width 4096 maps 0..4095; width 1 is a threshold.
        let cases = [
            (Linear, 2048.0, 4096.0, 0.0, 0.0),
            (Linear, 2048.0, 4096.0, 4095.0, 1.0),
            (Linear, 2048.0, 4096.0, 2047.5, 0.5),
            (Linear, 2048.0, 1.0, 2047.0, 0.0),
            (Linear, 2048.0, 1.0, 2048.0, 1.0),
            (Linear, 0.0, 100.0, -100.0, 0.0),
            (LinearExact, 2048.0, 4096.0, 0.0, 0.0),
            (LinearExact, 2048.0, 4096.0, 4096.0, 1.0),
            (LinearExact, 2048.0, 4096.0, 1024.0, 0.25),
            (Sigmoid, 2048.0, 4096.0, 2048.0, 0.5),
            (Sigmoid, 2048.0, 4096.0, 6144.0, 1.0 / (1.0 + (-4.0f64).exp())),
        ];
        for (function, center, width, value, wanted) in cases {
            let shown = brightness(value, &window(center, width), function);
            assert!((shown - wanted).abs() < 1e-9, "{function:?} {center}/{width} of {value}: {shown}");
        }
    }

    #[test]
    fn a_computed_window_has_its_edges_at_the_extremes() {
        for (low, high) in [(0.0, 4095.0), (-1000.0, 300.0), (7.0, 8.0)] {
            let window = spanning(low, high);
            assert_eq!(brightness(low, &window, VoiFunction::Linear), 0.0);
            assert!((brightness(high, &window, VoiFunction::Linear) - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn tables_hold_at_their_ends() {
        let table = Table { first: -2, bits: 8, entries: vec![0, 100, 255] };
        let outputs: Vec<u16> = [-100, -2, -1, 0, 100].iter().map(|i| table.at(*i)).collect();
        assert_eq!(outputs, [0, 0, 100, 255, 255]);
        assert_eq!(table.full_range(), [0, 25700, 65535]);
    }

    #[test]
    fn values_keep_their_meaning_as_texels() {
        let cases: [(Samples, [f64; 2]); 6] = [
            (Samples::U8(vec![0, 255]), [0.0, 255.0]),
            (Samples::I8(vec![-128, 127]), [-128.0, 127.0]),
            (Samples::U16(vec![0, 65535]), [0.0, 65535.0]),
            (Samples::I16(vec![-32768, 32767]), [-32768.0, 32767.0]),
            (Samples::U32(vec![1_000_000, 1_050_000]), [1e6, 1.05e6]),
            (Samples::I32(vec![-2_000_000_000, 2_000_000_000]), [-2e9, 2e9]),
        ];
        for (samples, stored) in cases {
            let mapped = linear(&samples, 2.0, 10.0, None);
            for (texel, stored) in mapped.texels.iter().zip(stored) {
                let value = f64::from(*texel) * mapped.slope + mapped.intercept;
                assert!((value - (stored * 2.0 + 10.0)).abs() < 1e-3, "{samples:?}: {value}");
            }
        }
    }

    #[test]
    fn padding_is_left_out_of_the_range() {
        assert_eq!(range(&[5, 9, 0, 7], Some((0, 0))), (5, 9));
        assert_eq!(range(&[5, 9, 0, 7], None), (0, 9));
        assert_eq!(range(&[3, 3], Some((3, 3))), (3, 3));
    }
}
