//! Files of the repository that other encoders wrote (`tests/pixel-reference/fixtures.py`), one in each compression.

use crate::cases::{Case, Pixels};
use crate::common::root;
use crate::standard::{Shown, Voi};

const ROWS: u32 = 47;
const COLUMNS: u32 = 61;

type Picture = fn(u32, u32) -> f64;

/// The picture that most of them hold: 12 bits, no two rows alike.
fn value(row: u32, column: u32) -> f64 {
    f64::from((column * column * 3 + row * 17 + row * column / 5) % 4096)
}

fn below_zero(row: u32, column: u32) -> f64 {
    value(row, column) - 2048.0
}

/// What JPEG loses little of.
fn smooth(row: u32, column: u32) -> f64 {
    f64::from(row * 40 + column * 30)
}

fn in_bytes(row: u32, column: u32) -> f64 {
    f64::from((row * 40 + column * 30) / 16)
}

/// File, its picture, and by how much its compression may miss a value.
const FILES: [(&str, Picture, f64); 17] = [
    ("deflated", value, 0.0),
    ("rle", value, 0.0),
    ("rle_signed", below_zero, 0.0),
    ("jpegls", value, 0.0),
    ("jpegls_near", value, 2.0),
    ("jpeg2000", value, 0.0),
    ("jpeg2000_signed", below_zero, 0.0),
    ("jpeg2000_lossy", value, 4.0),
    ("htj2k", value, 0.0),
    ("jpeg_lossless", value, 0.0),
    ("jpeg_lossless_sv1", value, 0.0),
    ("jpeg_baseline", in_bytes, 2.0),
    ("jpeg_extended", smooth, 2.0),
    ("jpeg_spectral", smooth, 2.0),
    ("jpeg_progressive", smooth, 2.0),
    ("htj2k_rpcl", value, 0.0),
    ("htj2k_lossy", value, 1.0),
];

pub fn all() -> Vec<Case> {
    FILES.iter().zip(101..).map(|((file, picture, within), number)| case(file, *picture, *within, number)).collect()
}

fn case(file: &str, picture: Picture, within: f64, number: u32) -> Case {
    let path = root().join(format!("src-tauri/crates/decode/tests/fixtures/{file}.dcm"));
    let mut bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let values = (0..ROWS * COLUMNS).map(|n| picture(n / COLUMNS, n % COLUMNS)).collect();
    // All of them were written with the same identifiers; each gets its own, in as many letters. The one whose header
    // is deflated too has its own already.
    let (name, ids) =
        if file == "deflated" { ("DEFLATED".to_owned(), 99) } else { (format!("FIXT{number:04}"), number) };
    let own = |uid: u32| format!("2.25.{uid}{ids:03}");
    if file != "deflated" {
        replace(&mut bytes, "Beispiel^Berta", &format!("{name}^Berta"));
        replace(&mut bytes, "P-1001", &format!("P-1{ids:03}"));
        for kind in 1..=3 {
            replace(&mut bytes, &format!("2.25.{kind}001"), &own(kind));
        }
    }
    Case {
        name,
        file: bytes,
        study: own(1),
        instance: own(3),
        rows: ROWS,
        columns: COLUMNS,
        pixels: Pixels::Grey { values, within },
        shown: Shown { voi: Voi::Computed, inverted: false },
        units: None,
        orientation: &[],
        block: 1,
        always: file == "jpeg_lossless_sv1",
    }
}

/// Puts one text in the place of another of the same length, wherever it stands.
fn replace(bytes: &mut [u8], old: &str, new: &str) {
    assert_eq!(old.len(), new.len(), "{old} and {new}");
    let places: Vec<usize> =
        bytes.windows(old.len()).enumerate().filter(|(_, w)| *w == old.as_bytes()).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "{old} does not stand in the file");
    for at in places {
        bytes[at..at + new.len()].copy_from_slice(new.as_bytes());
    }
}
