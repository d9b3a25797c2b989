//! PALETTE COLOR: indices into three tables (PS3.3 C.7.6.3.1.5 and C.7.9).

use crate::error::ImagingError;
use crate::header::Fields;
use crate::part10::Part10;
use crate::stored::{Samples, Stored};

/// Looks the stored indices up where the object is PALETTE COLOR, giving RGB;
/// leaves every other object as it is.
///
/// # Errors
/// [`ImagingError::Pixels`] where a table is missing, segmented or too short.
pub fn apply(part10: &Part10, stored: Stored) -> Result<Stored, ImagingError> {
    let photometric = Fields::new(part10.data(), None).text(0x0028_0004);
    if stored.channels != 1 || photometric.as_deref() != Some("PALETTE COLOR") {
        return Ok(stored);
    }
    let mut tables = Vec::new();
    for (descriptor, data) in [(0x0028_1101, 0x0028_1201), (0x0028_1102, 0x0028_1202), (0x0028_1103, 0x0028_1203)] {
        tables.push(table(part10, descriptor, data).ok_or_else(|| {
            ImagingError::Pixels("a table of its colour palette is missing or of an unsupported kind".to_owned())
        })?);
    }
    let look_up = |index: i64| -> [u8; 3] {
        let at =
            |(first, entries): &(i64, Vec<u8>)| entries[(index - first).clamp(0, entries.len() as i64 - 1) as usize];
        [at(&tables[0]), at(&tables[1]), at(&tables[2])]
    };
    let rgb = match &stored.samples {
        Samples::U8(v) => v.iter().flat_map(|n| look_up((*n).into())).collect(),
        Samples::U16(v) => v.iter().flat_map(|n| look_up((*n).into())).collect(),
        Samples::I8(v) => v.iter().flat_map(|n| look_up((*n).into())).collect(),
        Samples::I16(v) => v.iter().flat_map(|n| look_up((*n).into())).collect(),
        Samples::U32(v) => v.iter().flat_map(|n| look_up((*n).into())).collect(),
        Samples::I32(v) => v.iter().flat_map(|n| look_up((*n).into())).collect(),
    };
    Ok(Stored { channels: 3, samples: Samples::U8(rgb), ..stored })
}

/// First index and entries as bytes; 16-bit entries keep their upper half.
fn table(part10: &Part10, descriptor: u32, data: u32) -> Option<(i64, Vec<u8>)> {
    let elements = part10.data();
    let encoding = elements.encoding();
    let words = elements.bytes(descriptor)?;
    let word = |i: usize| words.get(i * 2..i * 2 + 2).map(|b| encoding.u16([b[0], b[1]]));
    let count = match word(0)? {
        0 => 1 << 16,
        n => usize::from(n),
    };
    let data = elements.bytes(data)?;
    let entries: Vec<u8> = if word(2)? > 8 || data.len() >= count * 2 {
        let shift = if word(2)? > 8 { 8 } else { 0 };
        data.chunks_exact(2).take(count).map(|b| (encoding.u16([b[0], b[1]]) >> shift) as u8).collect()
    } else {
        data.iter().take(count).copied().collect()
    };
    (!entries.is_empty()).then(|| (i64::from(word(1).unwrap_or(0)), entries))
}
