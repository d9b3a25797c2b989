//! What a file lays over its pixels: overlay planes and shutters.

use crate::dataset::DataSet;
use crate::header::Fields;
use crate::part10::Part10;
use hilum_workers::messages::decode::{OverlayPlane, ShutterShape};

/// Groups 6000 to 601E, even ones only (PS3.5 7.6).
const MOST_PLANES: u32 = 16;
/// Largest plane, pixels; an overlay is no larger than a detector.
const MOST_PIXELS: usize = 64 << 20;
/// Most corners of a polygonal shutter.
const MOST_CORNERS: usize = 1000;

/// Overlay planes that are kept apart from the pixels (PS3.3 C.9.2), the first frame of each,
/// with their bits: one a pixel from the least significant on, row by row without padding.
/// A plane whose bits are missing is left out; so are those in unused bits of the pixels, which
/// the standard has retired.
pub fn overlays(part10: &Part10) -> Vec<(OverlayPlane, Vec<u8>)> {
    let data = part10.data();
    (0..MOST_PLANES).filter_map(|n| overlay(&data, 0x6000_0000 + (n << 17))).collect()
}

fn overlay(data: &DataSet, group: u32) -> Option<(OverlayPlane, Vec<u8>)> {
    let rows = data.u16(group | 0x0010).filter(|n| *n > 0)?;
    let columns = data.u16(group | 0x0011).filter(|n| *n > 0)?;
    if data.u16(group | 0x0100).unwrap_or(1) != 1 {
        return None;
    }
    // Overlay Origin, row then column, from 1.
    let origin = data.bytes(group | 0x0050).and_then(|bytes| bytes.first_chunk::<4>());
    let [top, left] = origin.map_or([1, 1], |b| {
        [[b[0], b[1]], [b[2], b[3]]].map(|pair| i32::from(data.encoding().u16(pair).cast_signed()))
    });
    let pixels = usize::from(rows) * usize::from(columns);
    let length = pixels.div_ceil(8);
    let bits = data.bytes(group | 0x3000).filter(|bits| bits.len() >= length && pixels <= MOST_PIXELS)?;
    let label = Fields::new(data.clone(), None).text(group | 0x1500);
    let plane = OverlayPlane { rows: rows.into(), columns: columns.into(), top: top - 1, left: left - 1, label };
    let mut bits = bits[..length].to_vec();
    if data.encoding() == crate::elements::Encoding::EXPLICIT_BE {
        // Overlay data is OW there: its bits run through words (PS3.5 8.1.2).
        bits.as_chunks_mut::<2>().0.iter_mut().for_each(|word| word.swap(0, 1));
    }
    Some((plane, bits))
}

/// The shutters of the Display Shutter module (PS3.3 C.7.6.11), in image pixels from the top left.
pub fn shutter(part10: &Part10) -> Vec<ShutterShape> {
    let data = part10.data();
    let fields = Fields::new(data.clone(), None);
    let shapes = fields.text(0x0018_1600).unwrap_or_default();
    let first = |tag| fields.numbers(tag).first().copied();
    shapes
        .split('\\')
        .filter_map(|shape| match shape.trim() {
            // The edges are the first and the last column and row that are seen.
            "RECTANGULAR" => Some(ShutterShape::Rectangle {
                left: first(0x0018_1602)? - 1.0,
                right: first(0x0018_1604)?,
                top: first(0x0018_1606)? - 1.0,
                bottom: first(0x0018_1608)?,
            }),
            "CIRCULAR" => match fields.numbers(0x0018_1610)[..] {
                [row, column] => {
                    let radius = first(0x0018_1612).filter(|r| *r > 0.0)?;
                    Some(ShutterShape::Circle { x: column - 0.5, y: row - 0.5, radius })
                }
                _ => None,
            },
            "POLYGONAL" => {
                let numbers = fields.numbers(0x0018_1620);
                let (pairs, rest) = numbers.as_chunks::<2>();
                let sound = rest.is_empty() && (3..=MOST_CORNERS).contains(&pairs.len());
                sound.then(|| ShutterShape::Polygon {
                    points: pairs.iter().map(|[row, column]| [column - 0.5, row - 0.5]).collect(),
                })
            }
            _ => None,
        })
        .collect()
}
