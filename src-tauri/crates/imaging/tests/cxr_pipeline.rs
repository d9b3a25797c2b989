//! Model inputs against the published chest pipeline (`tests/parity/cxr_pipeline.py`): 8 to 16
//! bits, odd sizes, both polarities, windows inside and beyond the range, at 448 and 896 pixels.

use hilum_testkit::dicom::{DicomFile, PHOTOMETRIC};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    bits: u16,
    rows: u16,
    columns: u16,
    /// Slope and intercept.
    rescale: Option<(f64, f64)>,
    /// Centre and width.
    window: Option<(f64, f64)>,
    invert: bool,
    side: u32,
    mean: f64,
    every_1009th: String,
}

fn value(row: u32, column: u32, bits: u16) -> u32 {
    let span = (1 << bits) - 1;
    let wave = (row * row * 7 + column * column * 3 + row * column) % 977;
    span / 20 + (row * 31 + column * 17 + wave * 41) % (span - span / 10)
}

impl Case {
    fn file(&self) -> Vec<u8> {
        let mut file = match self.bits {
            8 => DicomFile::radiograph8(self.rows, self.columns, |row, column| value(row, column, 8) as u8),
            bits => DicomFile::radiograph(self.rows, self.columns, bits, |row, column| value(row, column, bits) as u16),
        };
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
}

#[test]
fn model_inputs_are_those_of_the_published_pipeline() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("cxr_pipeline.json")).unwrap();
    assert!(cases.len() > 40);
    let (mut worst, mut differing, mut compared) = (0, 0, 0);
    for case in &cases {
        let made = hilum_imaging::read(&case.file()).unwrap().model_input(case.side).unwrap();
        let expected = hex::decode(&case.every_1009th).unwrap();
        let found: Vec<u8> = made.iter().copied().step_by(1009).collect();
        assert_eq!(found.len(), expected.len());
        let largest = found.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        let about = format!(
            "{} bits, {} x {}, rescale {:?}, window {:?}, inverted {}, side {}",
            case.bits, case.rows, case.columns, case.rescale, case.window, case.invert, case.side
        );
        assert!(largest <= 1, "{about}: differs by {largest}/255");
        let mean = made.iter().map(|v| f64::from(*v)).sum::<f64>() / made.len() as f64;
        assert!((mean - case.mean).abs() < 0.6, "{about}: mean {mean} instead of {}", case.mean);
        worst = worst.max(largest);
        differing += found.iter().zip(&expected).filter(|(a, b)| a != b).count();
        compared += found.len();
    }
    println!("{} inputs, {compared} pixels: largest difference {worst}/255, {differing} pixels differ", cases.len());
}
