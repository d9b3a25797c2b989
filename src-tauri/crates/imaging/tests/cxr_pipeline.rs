//! Model inputs against the published chest pipeline (`tests/parity/cxr_pipeline.py`): 8 to 16 bits, signed and not,
//! odd sizes, both polarities, windows inside and beyond the range, at 448 and 896 pixels. Of each input a sample of
//! pixels, the means of its blocks, where the picture lies in the black square, and the picture's outermost lines.

use hilum_testkit::dicom::{DicomFile, PHOTOMETRIC};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    bits: u16,
    signed: bool,
    rows: u16,
    columns: u16,
    /// Slope and intercept.
    rescale: Option<(f64, f64)>,
    /// Centre and width.
    window: Option<(f64, f64)>,
    invert: bool,
    side: u32,
    /// Every so many pixels, see [`STRIDE`].
    sampled: String,
    /// Means of [`BLOCKS`] x [`BLOCKS`] blocks, 256ths, two bytes each, the high one first.
    blocks: String,
    /// First and last row, first and last column of the picture.
    edges: [usize; 4],
    /// [`ON_LINE`] pixels of each of those four.
    lines: String,
}

const STRIDE: usize = 2003;
const BLOCKS: usize = 8;
const ON_LINE: usize = 32;

/// How far the mean of a block may be away: the published code rounds or truncates three times where Hilum rounds once,
/// which moved one by at most 0.17 when these were made.
const BLOCK_MOVES: f64 = 0.25;

fn value(row: u32, column: u32, bits: u16) -> u32 {
    let span = (1 << bits) - 1;
    let wave = (row * row * 7 + column * column * 3 + row * column) % 977;
    span / 20 + (row * 31 + column * 17 + wave * 41) % (span - span / 10)
}

impl Case {
    fn file(&self) -> Vec<u8> {
        let mut file = match self.bits {
            8 => DicomFile::radiograph8(self.rows, self.columns, |row, column| value(row, column, 8) as u8),
            bits => {
                // Two's complement in all sixteen bits, also where fewer are stored.
                let middle = if self.signed { 1_u32 << (bits - 1) } else { 0 };
                DicomFile::radiograph(self.rows, self.columns, bits, |row, column| {
                    value(row, column, bits).wrapping_sub(middle) as u16
                })
            }
        };
        if self.signed {
            file = file.short(0x0028_0103, 1);
        }
        if self.invert {
            file = file.text(PHOTOMETRIC, b"CS", "MONOCHROME1");
        }
        for (pair, tags) in [(self.window, [0x0028_1050, 0x0028_1051]), (self.rescale, [0x0028_1053, 0x0028_1052])] {
            if let Some((first, second)) = pair {
                file = file.text(tags[0], b"DS", &first.to_string()).text(tags[1], b"DS", &second.to_string());
            }
        }
        file.write()
    }

    fn about(&self) -> String {
        let sign = if self.signed { "signed" } else { "unsigned" };
        format!(
            "{} bits {sign}, {} x {}, rescale {:?}, window {:?}, inverted {}, side {}",
            self.bits, self.rows, self.columns, self.rescale, self.window, self.invert, self.side
        )
    }

    /// Pixels of the four outermost lines of the picture.
    fn lines_of(&self, made: &[u8]) -> Vec<u8> {
        let side = self.side as usize;
        let [top, bottom, left, right] = self.edges;
        let step = side / ON_LINE;
        let across = [top, bottom].map(|row| (0..ON_LINE).map(|i| made[row * side + i * step]).collect::<Vec<u8>>());
        let down = [left, right].map(|column| (0..ON_LINE).map(|i| made[i * step * side + column]).collect());
        [across, down].concat().concat()
    }

    /// The means of its blocks.
    fn blocks_of(&self, made: &[u8]) -> Vec<f64> {
        let side = self.side as usize;
        let block = side / BLOCKS;
        let mut sums = vec![0_u32; BLOCKS * BLOCKS];
        for (row, pixels) in made.chunks_exact(side).enumerate() {
            for (column, pixel) in pixels.iter().enumerate() {
                sums[row / block * BLOCKS + column / block] += u32::from(*pixel);
            }
        }
        sums.into_iter().map(|sum| f64::from(sum) / (block * block) as f64).collect()
    }

    /// The lightest pixel of the padding around the picture.
    fn padding_of(&self, made: &[u8]) -> u8 {
        let side = self.side as usize;
        let [top, bottom, left, right] = self.edges;
        let outside = |i: usize| !(top..=bottom).contains(&(i / side)) || !(left..=right).contains(&(i % side));
        (0..made.len()).filter(|&i| outside(i)).map(|i| made[i]).max().unwrap_or_default()
    }
}

#[test]
fn model_inputs_are_those_of_the_published_pipeline() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("cxr_pipeline.json")).unwrap();
    assert!(cases.len() > 60 && cases.iter().filter(|case| case.signed).count() > 5);
    let (mut worst, mut differing, mut compared, mut moved) = (0, 0, 0, 0.0_f64);
    for case in &cases {
        let about = case.about();
        let made = hilum_imaging::read(&case.file()).unwrap().model_input(case.side).unwrap();
        let sampled: Vec<u8> = made.iter().copied().step_by(STRIDE).collect();
        for (found, expected) in [(sampled, &case.sampled), (case.lines_of(&made), &case.lines)] {
            let expected = hex::decode(expected).unwrap();
            assert_eq!(found.len(), expected.len(), "{about}");
            let largest = found.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(largest <= 1, "{about}: differs by {largest}/255");
            worst = worst.max(largest);
            differing += found.iter().zip(&expected).filter(|(a, b)| a != b).count();
            compared += found.len();
        }
        assert!(case.padding_of(&made) <= 1, "{about}: the picture lies elsewhere in its square");
        let (found, expected) = (case.blocks_of(&made), hex::decode(&case.blocks).unwrap());
        assert_eq!(2 * found.len(), expected.len(), "{about}");
        for (block, (found, expected)) in found.iter().zip(expected.chunks_exact(2)).enumerate() {
            let expected = f64::from(u16::from_be_bytes([expected[0], expected[1]])) / 256.0;
            let away = (found - expected).abs();
            assert!(away <= BLOCK_MOVES, "{about}: the mean of block {block} is {found} instead of {expected}");
            moved = moved.max(away);
        }
    }
    let count = cases.len();
    println!("{count} inputs, {compared} pixels: largest difference {worst}/255, {differing} pixels differ");
    println!("means of blocks at most {moved:.3} apart");
}
