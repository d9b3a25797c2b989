//! Real files against what pydicom makes of them (`tests/pixel-reference`): their stored values, and what the viewer is
//! given of them.

mod common;

use common::{Run, decode_path, everything, integers, shared};
use hilum_workers::messages::decode::PixelKind;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
struct Pixels {
    dtype: String,
    shape: Vec<u32>,
    sha256: Option<String>,
    rows: Option<String>,
    #[serde(default)]
    row_sums: Vec<i64>,
    #[serde(default)]
    column_sums: Vec<i64>,
}

/// How pydicom says that a grey image is shown.
#[derive(Deserialize)]
struct Shown {
    /// Slope and intercept; absent where a table makes the modality values, which the hash is of then.
    rescale: Option<[f64; 2]>,
    modality_sha256: Option<String>,
    windows: Vec<[f64; 2]>,
    function: String,
    inverted: bool,
    units: String,
    orientation: String,
}

fn reference_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/pixel-reference")
}

fn reference<T: serde::de::DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&std::fs::read(reference_folder().join(name)).unwrap()).unwrap()
}

/// Decodes every file of a shared folder.
fn each(folder: &str, mut check: impl FnMut(&str, &Run)) {
    let Some(path) = shared(folder) else { return };
    let mut files: Vec<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let name = format!("{folder}/{}", file.file_name().unwrap().to_string_lossy());
        let run = decode_path(&file, &everything());
        assert_eq!(run.died, None, "{name}");
        assert!(run.done() || run.refusal().is_some(), "{name}: no verdict");
        check(&name, &run);
    }
}

fn check_pixels(name: &str, run: &Run, expected: &Pixels) {
    let (dtype, shape, bytes) = run.stored().unwrap_or_else(|| panic!("{name}: {:?}", run.refusal()));
    assert_eq!((dtype, shape), (&expected.dtype[..], &expected.shape[..]), "{name}");
    let values = integers(dtype, bytes);
    if let Some(hash) = &expected.sha256 {
        assert_eq!(&hex::encode(Sha256::digest(bytes)), hash, "{name}: stored values differ from pydicom's");
    }
    if let Some(rows) = &expected.rows {
        check_lossy(name, &values, expected, &reference_folder().join(rows));
    }
    let channels = shape.get(2).copied().unwrap_or(1);
    let (description, body) = run.pixels().unwrap();
    let bytes_a_pixel = if channels == 3 { 3 } else { 2 };
    assert_eq!(body.len() as u32, shape[0] * shape[1] * bytes_a_pixel, "{name}");
    assert_eq!([description.rows, description.columns], shape[..2], "{name}");
    assert!(!description.windows.is_empty(), "{name}: no window");
}

/// What the viewer is given: texels that mean the modality values of the stored ones, and the file's own way of showing them.
fn check_shown(name: &str, run: &Run, expected: &Shown) {
    let (description, texels) = run.pixels().unwrap();
    assert_eq!(description.kind, PixelKind::Gray16, "{name}");
    let texels: Vec<u16> = texels.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect();
    let modality = |texel: u16| f64::from(texel) * description.slope + description.intercept;
    if let Some(hash) = &expected.modality_sha256 {
        let values: Vec<u8> = texels.iter().flat_map(|t| (modality(*t) as u16).to_le_bytes()).collect();
        assert_eq!(&hex::encode(Sha256::digest(&values)), hash, "{name}: modality values differ from pydicom's");
    }
    if let Some([slope, intercept]) = expected.rescale {
        let (dtype, _, bytes) = run.stored().unwrap();
        let stored = integers(dtype, bytes);
        assert_eq!(texels.len(), stored.len(), "{name}");
        for (at, (texel, stored)) in texels.iter().zip(stored).enumerate() {
            let (shown, wanted) = (modality(*texel), stored as f64 * slope + intercept);
            assert!((shown - wanted).abs() < 1e-6, "{name}: pixel {at} means {shown} instead of {wanted}");
        }
    }
    let windows: Vec<[f64; 2]> = description.windows.iter().map(|w| [w.center, w.width]).collect();
    if expected.windows.is_empty() {
        let (low, high) = (modality(*texels.iter().min().unwrap()), modality(*texels.iter().max().unwrap()));
        assert_eq!(windows, [[(low + high + 1.0) / 2.0, high - low + 1.0]], "{name}: from the first value to the last");
        assert!(description.windows[0].computed, "{name}");
    } else {
        assert_eq!(windows, expected.windows, "{name}");
        assert!(description.windows.iter().all(|w| !w.computed), "{name}");
    }
    assert_eq!(serde_json::to_value(description.voi_function).unwrap(), *expected.function, "{name}");
    assert_eq!(description.inverted, expected.inverted, "{name}");
    assert_eq!(description.voi_lut, None, "{name}");
    assert_eq!(description.units.as_deref().unwrap_or(""), expected.units, "{name}");
    assert_eq!(run.header().unwrap().patient_orientation.as_deref().unwrap_or(""), expected.orientation, "{name}");
}

/// Two stored values at most, 0.2 in the mean: on every 16th row pixel by pixel,
/// and by the sums of all rows and columns for the rest.
fn check_lossy(name: &str, values: &[i64], expected: &Pixels, rows: &Path) {
    let width = values.len() / expected.shape[0] as usize;
    let channels = expected.shape.get(2).map_or(1, |n| *n as usize);
    let mut kept = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::ZlibDecoder::new(&std::fs::read(rows).unwrap()[..]), &mut kept)
        .unwrap();
    let kept: Vec<i64> = integers("<i2", &kept);
    let ours = values.chunks_exact(width).step_by(16).flatten();
    let differences: Vec<i64> = ours.zip(&kept).map(|(a, b)| (a - b).abs()).collect();
    assert_eq!(differences.len(), kept.len(), "{name}");
    let mean = differences.iter().sum::<i64>() as f64 / differences.len() as f64;
    let largest = differences.iter().max().unwrap();
    println!("{name}: largest difference {largest}, mean {mean:.4}");
    assert!(*largest <= 2, "{name}: a value differs by {largest}");
    assert!(mean <= 0.2, "{name}: values differ by {mean} in the mean");
    for (row, sum) in values.chunks_exact(width).zip(&expected.row_sums) {
        let mean = (row.iter().sum::<i64>() - sum).abs() as f64 / width as f64;
        assert!(mean <= 0.2, "{name}: a row differs by {mean} in the mean");
    }
    for (column, sum) in expected.column_sums.iter().enumerate() {
        let pixels = values.chunks_exact(width).flat_map(|row| &row[column * channels..(column + 1) * channels]);
        let ours: i64 = pixels.sum();
        let mean = (ours - sum).abs() as f64 / (expected.shape[0] as usize * channels) as f64;
        assert!(mean <= 0.2, "{name}: a column differs by {mean} in the mean");
    }
}

#[test]
fn every_radiograph_is_decoded_as_by_pydicom() {
    let pixels: HashMap<String, Pixels> = reference("pixels.json");
    let shown: HashMap<String, Shown> = reference("shown.json");
    each("cxr", |name, run| {
        assert!(run.done(), "{name} was refused: {:?}", run.refusal());
        check_pixels(name, run, &pixels[name]);
        check_shown(name, run, &shown[name]);
    });
}

#[test]
fn every_transfer_syntax_is_decoded_as_by_pydicom() {
    let pixels: HashMap<String, Pixels> = reference("pixels.json");
    let shown: HashMap<String, Shown> = reference("shown.json");
    each("transfer-syntaxes", |name, run| {
        assert!(run.done(), "{name} was refused: {:?}", run.refusal());
        check_pixels(name, run, &pixels[name]);
        check_shown(name, run, &shown[name]);
    });
}

#[test]
fn malformed_files_get_a_verdict_and_right_pixels_where_there_are_any() {
    let pixels: HashMap<String, Pixels> = reference("pixels.json");
    let mut refused = HashMap::new();
    each("malformed", |name, run| {
        match pixels.get(name) {
            Some(expected) => check_pixels(name, run, expected),
            None => assert!(run.header().is_some() || run.refusal().is_some(), "{name}"),
        }
        if let Some((code, message)) = run.refusal() {
            assert!(message.ends_with('.'), "{name}: not a sentence: {message}");
            refused.insert(name.rsplit('/').next().unwrap().to_owned(), code.to_owned());
        }
    });
    for (file, code) in [
        ("pydicom_MR_truncated.dcm", "dicom.truncated"),
        ("pydicom_rtplan_truncated.dcm", "dicom.truncated"),
        ("cornerstone_no-pixel-data.dcm", "dicom.no_pixels"),
        ("pydicom_JPEG2000-embedded-sequence-delimiter.dcm", "dicom.pixels"),
    ] {
        if !refused.is_empty() {
            assert_eq!(refused.get(file).map(String::as_str), Some(code), "{file}");
        }
    }
}

#[test]
fn headers_and_names_are_those_of_pydicom() {
    let headers: HashMap<String, HashMap<String, serde_json::Value>> = reference("headers.json");
    let mut names = 0;
    for folder in ["charsets", "cxr", "transfer-syntaxes", "malformed"] {
        each(folder, |name, run| {
            let header = serde_json::to_value(run.header().unwrap()).unwrap();
            for (field, expected) in &headers[name] {
                if field != "names" {
                    assert_eq!(header[field], *expected, "{name}: {field}");
                }
            }
            // pydicom cannot read one of the malformed files at all.
            if headers[name].len() == 1 && headers[name]["names"].as_array().unwrap().is_empty() {
                return;
            }
            let Some(patient) = &run.header().unwrap().patient_name else { return };
            let expected: Vec<String> = serde_json::from_value(headers[name]["names"].clone()).unwrap();
            assert!(expected.contains(patient), "{name}: {patient} is none of {expected:?}");
            names += 1;
        });
    }
    if shared("charsets").is_some() {
        assert!(names > 30, "only {names} names were compared");
    }
}

/// Names inside sequences too, through the library, which the child does not send.
#[test]
fn every_name_of_every_character_set_is_pydicoms() {
    let Some(folder) = shared("charsets") else { return };
    let headers: HashMap<String, HashMap<String, serde_json::Value>> = reference("headers.json");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("charsets/{}", path.file_name().unwrap().to_string_lossy());
        let bytes = std::fs::read(&path).unwrap();
        let names = hilum_imaging::read(&bytes).unwrap().person_names();
        let expected: Vec<String> = serde_json::from_value(headers[&name]["names"].clone()).unwrap();
        assert_eq!(names, expected, "{name}");
        assert!(!names.is_empty(), "{name}");
    }
}

/// The guard alone reads only what is malformed.
#[test]
fn real_files_are_read_by_dicom_object() {
    for folder in ["cxr", "transfer-syntaxes", "charsets"] {
        let Some(path) = shared(folder) else { return };
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let opened = hilum_imaging::part10::open(&bytes).unwrap();
            assert!(opened.object.is_some(), "{}", path.display());
        }
    }
}

/// The same pixels under both polarities: one picture is the other's negative,
/// up to the rounding of both resampling passes.
#[test]
fn relabelled_polarity_inverts_the_model_input() {
    let Some(folder) = shared("cxr") else { return };
    let input = |file: &str| {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        hilum_imaging::read(&bytes).unwrap().model_input(448).unwrap()
    };
    let one = input("nih_rsna_1.2.276_mono2_8bit_jpegbaseline.dcm");
    let other = input("nih_rsna_Fake_MONOHR1.dcm");
    assert!(one.iter().zip(&other).all(|(a, b)| (i32::from(*a) + i32::from(*b) - 255).abs() <= 2));
}
