//! Pictures made here, of which every value is known, and how each is to be shown.

use crate::fixtures;
use crate::standard::{Function, Shown, Voi};
use hilum_testkit::dicom::{self, DicomFile, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, PHOTOMETRIC, PIXEL_DATA};

pub struct Case {
    /// In the patient's name; no other case's name is a part of it.
    pub name: String,
    pub file: Vec<u8>,
    pub study: String,
    pub instance: String,
    pub rows: u32,
    pub columns: u32,
    pub pixels: Pixels,
    pub shown: Shown,
    pub units: Option<&'static str>,
    /// Patient Orientation; empty where the file says nothing.
    pub orientation: &'static [&'static str],
    /// Pixels on a side of a square of equal values.
    pub block: u32,
    /// Looked at on the screen in the small form too.
    pub always: bool,
}

pub enum Pixels {
    /// Modality values row by row, and by how much a lossy compression may miss them.
    Grey {
        values: Vec<f64>,
        within: f64,
    },
    Colour(Vec<[u8; 3]>),
}

impl Case {
    /// Smallest and largest modality value.
    pub fn range(&self) -> (f64, f64) {
        match &self.pixels {
            Pixels::Grey { values, .. } => values.iter().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(*v), b.max(*v))),
            Pixels::Colour(_) => (0.0, 255.0),
        }
    }
}

/// Those that are written here, and those that lie in the repository.
pub fn all() -> Vec<Case> {
    let cases: Vec<Case> = written().into_iter().chain(fixtures::all()).collect();
    for one in &cases {
        let likenesses = cases.iter().filter(|other| other.name.contains(&one.name)).count();
        assert_eq!(likenesses, 1, "{} would be taken for another", one.name);
    }
    cases
}

pub const ROWS: u32 = 48;
pub const COLUMNS: u32 = 64;
/// Large enough to be drawn from means of 2 x 2 pixels, in squares that no mean crosses.
const LARGE: (u32, u32, u32) = (2000, 2400, 200);

/// Steps from 0 to 4095, row by row: turned, mirrored or moved it is another picture.
pub fn wedge(row: u32, column: u32) -> u16 {
    ((row * COLUMNS + column) * 4095 / (ROWS * COLUMNS - 1)) as u16
}

/// Squares of one value each, from 0 to 4095.
fn squares(row: u32, column: u32) -> u16 {
    let (rows, columns, side) = LARGE;
    let (down, across) = (row / side, column / side);
    ((down * (columns / side) + across) * 4095 / (rows / side * (columns / side) - 1)) as u16
}

/// No two neighbours differ by much, since colours are shown with what lies between them.
fn colour(row: u32, column: u32) -> [u8; 3] {
    [(4 * column) as u8, (5 * row) as u8, (255 - 2 * (row + column)) as u8]
}

pub fn plain() -> DicomFile {
    DicomFile::radiograph(ROWS as u16, COLUMNS as u16, 12, wedge)
}

pub fn window(file: DicomFile, center: &str, width: &str) -> DicomFile {
    file.text(0x0028_1050, b"DS", center).text(0x0028_1051, b"DS", width)
}

fn rescaled(file: DicomFile, slope: &str, intercept: &str) -> DicomFile {
    file.text(0x0028_1053, b"DS", slope).text(0x0028_1052, b"DS", intercept)
}

/// An item of a Modality or VOI LUT Sequence.
fn table(first: u16, bits: u16, entries: &[u16]) -> DicomFile {
    let descriptor = [entries.len() as u16, first, bits];
    DicomFile::default().words(0x0028_3002, b"US", little(&descriptor)).words(0x0028_3006, b"OW", little(entries))
}

fn little(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// What is shown by one window.
fn by(function: Function, center: f64, width: f64, inverted: bool) -> Shown {
    Shown { voi: Voi::Windows { function, windows: vec![(center, width)] }, inverted }
}

fn grey(of: impl Fn(f64) -> f64) -> Pixels {
    let at = |n: u32| of(f64::from(wedge(n / COLUMNS, n % COLUMNS)));
    Pixels::Grey { values: (0..ROWS * COLUMNS).map(at).collect(), within: 0.0 }
}

/// Name, file and its transfer syntax, values, how they are shown, units.
type Made = (&'static str, DicomFile, &'static str, Pixels, Shown, Option<&'static str>);

/// On the screen in the small form: one of each way of being shown. Straight functions differ by levels where a window is narrow.
const ALWAYS: [&str; 10] =
    ["LINEAR", "NARROW", "NEGATIVE", "HOUNSFIELD", "EXACTLY", "SIGMOID", "CURVE", "FAINT", "COLOURED", "SQUARES"];

fn written() -> Vec<Case> {
    let made = [uncompressed(), shown_otherwise(), other_pixels()].into_iter().flatten();
    made.enumerate()
        .map(|(n, (name, file, syntax, pixels, shown, units))| {
            let (study, instance) = (format!("2.25.1{n:03}"), format!("2.25.3{n:03}"));
            let file = named(file, name, n).write_as(syntax);
            let large = name == "SQUARES";
            let (rows, columns, block) = if large { LARGE } else { (ROWS, COLUMNS, 1) };
            let always = ALWAYS.contains(&name);
            let orientation = &["L", "F"];
            Case {
                name: name.to_owned(),
                file,
                study,
                instance,
                rows,
                columns,
                pixels,
                shown,
                units,
                orientation,
                block,
                always,
            }
        })
        .collect()
}

/// With a patient, and identifiers by a number.
pub fn named(file: DicomFile, name: &str, n: usize) -> DicomFile {
    file.text(dicom::PATIENT_NAME, b"PN", &format!("{name}^TEST"))
        .text(dicom::PATIENT_ID, b"LO", &format!("TRUE{n:03}"))
        .text(dicom::STUDY_UID, b"UI", &format!("2.25.1{n:03}"))
        .text(dicom::SERIES_UID, b"UI", &format!("2.25.2{n:03}"))
        .text(dicom::INSTANCE_UID, b"UI", &format!("2.25.3{n:03}"))
        // A hand, so that no model is asked about it.
        .text(0x0018_0015, b"CS", "HAND")
        .text(0x0008_1030, b"LO", "Hand")
        .text(0x0020_0020, b"CS", "L\\F")
}

fn uncompressed() -> Vec<Made> {
    let whole = || by(Function::Linear, 2048.0, 4096.0, false);
    let file = || window(plain(), "2048", "4096");
    let narrow = window(plain(), "1200", "40");
    vec![
        ("LINEAR", file(), EXPLICIT_LE, grey(|v| v), whole(), None),
        ("NARROW", narrow, EXPLICIT_LE, grey(|v| v), by(Function::Linear, 1200.0, 40.0, false), None),
        ("IMPLICIT", file(), IMPLICIT_LE, grey(|v| v), whole(), None),
        ("BIGENDIAN", file(), EXPLICIT_BE, grey(|v| v), whole(), None),
        ("UNSAID", plain(), EXPLICIT_LE, grey(|v| v), Shown { voi: Voi::Computed, inverted: false }, None),
    ]
}

fn shown_otherwise() -> Vec<Made> {
    let curve: Vec<u16> = (0..3000u64).map(|i| (i * i * 4095 / (2999 * 2999)) as u16).collect();
    // A quarter of what its twelve bits hold: a dark image, and no bright one.
    let faint: Vec<u16> = (0..4096).map(|i| i / 4).collect();
    let falling: Vec<u16> = (0..4096).map(|i| 4095 - i).collect();
    let function =
        |name: &str, center: &str, width: &str| window(plain(), center, width).text(0x0028_1056, b"CS", name);
    let hounsfield = rescaled(window(plain(), "40", "400"), "0.5", "-1024").text(0x0028_1054, b"LO", "HU");
    let two = window(plain(), "1000\\3000", "500\\2000").text(0x0028_1055, b"LO", "NORMAL\\HARDER");
    let through = plain().sequence(0x0028_3010, vec![table(500, 12, &curve)]);
    let dark = plain().sequence(0x0028_3010, vec![table(0, 12, &faint)]);
    let modality = window(plain(), "2048", "4096").sequence(0x0028_3000, vec![table(0, 12, &falling)]);
    let inverse = window(plain(), "2048", "4096").text(0x2050_0020, b"CS", "INVERSE");
    let negative = window(plain(), "1500", "1800").text(PHOTOMETRIC, b"CS", "MONOCHROME1");
    let first = Voi::Windows { function: Function::Linear, windows: vec![(1000.0, 500.0), (3000.0, 2000.0)] };
    vec![
        ("NEGATIVE", negative, EXPLICIT_LE, grey(|v| v), by(Function::Linear, 1500.0, 1800.0, true), None),
        ("TURNEDOVER", inverse, EXPLICIT_LE, grey(|v| v), by(Function::Linear, 2048.0, 4096.0, true), None),
        (
            "HOUNSFIELD",
            hounsfield,
            EXPLICIT_LE,
            grey(|v| v * 0.5 - 1024.0),
            by(Function::Linear, 40.0, 400.0, false),
            Some("HU"),
        ),
        (
            "FALLING",
            rescaled(window(plain(), "3000", "2000"), "-1", "4095"),
            EXPLICIT_LE,
            grey(|v| 4095.0 - v),
            by(Function::Linear, 3000.0, 2000.0, false),
            None,
        ),
        (
            "EXACTLY",
            function("LINEAR_EXACT", "1800", "50"),
            EXPLICIT_LE,
            grey(|v| v),
            by(Function::LinearExact, 1800.0, 50.0, false),
            None,
        ),
        (
            "SIGMOID",
            function("SIGMOID", "2048", "1024"),
            EXPLICIT_LE,
            grey(|v| v),
            by(Function::Sigmoid, 2048.0, 1024.0, false),
            None,
        ),
        (
            "THRESHOLD",
            window(plain(), "2000", "1"),
            EXPLICIT_LE,
            grey(|v| v),
            by(Function::Linear, 2000.0, 1.0, false),
            None,
        ),
        (
            "CURVE",
            through,
            EXPLICIT_LE,
            grey(|v| v),
            Shown { voi: Voi::Table { first: 500, bits: 12, entries: curve }, inverted: false },
            None,
        ),
        (
            "FAINT",
            dark,
            EXPLICIT_LE,
            grey(|v| v),
            Shown { voi: Voi::Table { first: 0, bits: 12, entries: faint }, inverted: false },
            None,
        ),
        ("MODALITY", modality, EXPLICIT_LE, grey(|v| 4095.0 - v), by(Function::Linear, 2048.0, 4096.0, false), None),
        ("TWOFOLD", two, EXPLICIT_LE, grey(|v| v), Shown { voi: first, inverted: false }, None),
    ]
}

fn other_pixels() -> Vec<Made> {
    let (rows, columns) = (ROWS as u16, COLUMNS as u16);
    let below = |row: u32, column: u32| (i32::from(wedge(row, column)) - 2048) as i16 as u16;
    let signed = window(DicomFile::radiograph(rows, columns, 16, below).short(0x0028_0103, 1), "0", "4096");
    let bytes = DicomFile::radiograph8(rows, columns, |row, column| (wedge(row, column) / 16) as u8);
    // Twelve bits at the top of sixteen, and something else below them.
    let high =
        DicomFile::radiograph(rows, columns, 12, |row, column| (wedge(row, column) << 4) | 0x9).short(0x0028_0102, 15);
    let colours: Vec<[u8; 3]> = (0..ROWS * COLUMNS).map(|n| colour(n / COLUMNS, n % COLUMNS)).collect();
    let rgb = DicomFile::header(rows, columns, 8, 8)
        .short(0x0028_0002, 3)
        .short(0x0028_0006, 0)
        .text(PHOTOMETRIC, b"CS", "RGB")
        .bytes(PIXEL_DATA, b"OB", colours.as_flattened().to_vec());
    let (down, across, _) = LARGE;
    let large = (0..down * across).map(|n| f64::from(squares(n / across, n % across))).collect();
    let whole = || by(Function::Linear, 2048.0, 4096.0, false);
    let file = window(DicomFile::radiograph(down as u16, across as u16, 12, squares), "2048", "4096");
    vec![
        ("BELOWZERO", signed, EXPLICIT_LE, grey(|v| v - 2048.0), by(Function::Linear, 0.0, 4096.0, false), None),
        (
            "BYTES",
            window(bytes, "128", "256"),
            EXPLICIT_LE,
            grey(|v| (v / 16.0).floor()),
            by(Function::Linear, 128.0, 256.0, false),
            None,
        ),
        ("HIGHBITS", window(high, "2048", "4096"), EXPLICIT_LE, grey(|v| v), whole(), None),
        ("COLOURED", rgb, EXPLICIT_LE, Pixels::Colour(colours), Shown { voi: Voi::Computed, inverted: false }, None),
        ("SQUARES", file, EXPLICIT_LE, Pixels::Grey { values: large, within: 0.0 }, whole(), None),
    ]
}
