//! Model inputs against numpy and Pillow (`tests/pixel-reference/fixtures.py`).

use hilum_testkit::dicom::{DicomFile, PHOTOMETRIC};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    rows: u16,
    columns: u16,
    window: Option<(f64, f64)>,
    invert: bool,
    side: u32,
    bytes: String,
}

fn value(row: u32, column: u32) -> u16 {
    ((column * column * 3 + row * 17 + row * column / 5) % 4096) as u16
}

#[test]
fn model_inputs_are_those_of_numpy_and_pillow() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("model_input.json")).unwrap();
    assert!(cases.len() > 20);
    for case in cases {
        let mut file = DicomFile::radiograph(case.rows, case.columns, 12, value);
        if case.invert {
            file = file.text(PHOTOMETRIC, b"CS", "MONOCHROME1");
        }
        if let Some((center, width)) = case.window {
            file = file.text(0x0028_1050, b"DS", &center.to_string()).text(0x0028_1051, b"DS", &width.to_string());
        }
        let bytes = file.write();
        let made = hilum_imaging::read(&bytes).unwrap().model_input(case.side).unwrap();
        assert_eq!(
            hex::encode(made),
            case.bytes,
            "{} x {}, window {:?}, inverted {}, side {}",
            case.rows,
            case.columns,
            case.window,
            case.invert,
            case.side
        );
    }
}

/// Rescaling alone moves nothing after the stretch to the full range.
#[test]
fn rescale_does_not_change_a_model_input_without_window() {
    let plain = DicomFile::radiograph(30, 40, 12, value);
    let rescaled = plain.clone().text(0x0028_1052, b"DS", "-1024").text(0x0028_1053, b"DS", "2.5");
    let input = |file: &DicomFile| hilum_imaging::read(&file.write()).unwrap().model_input(32).unwrap();
    assert_eq!(input(&plain), input(&rescaled));
}

/// A window is in modality units: the same window in other units is another number.
#[test]
fn the_window_is_in_modality_units() {
    let window = |file: DicomFile, center: &str, width: &str| {
        let file = file.text(0x0028_1050, b"DS", center).text(0x0028_1051, b"DS", width).write();
        hilum_imaging::read(&file).unwrap().model_input(32).unwrap()
    };
    let plain = DicomFile::radiograph(30, 40, 12, value);
    let doubled = plain.clone().text(0x0028_1052, b"DS", "-100").text(0x0028_1053, b"DS", "2");
    assert_eq!(window(plain, "1800", "1500"), window(doubled, "3500", "3000"));
}

#[test]
fn padding_is_black_and_left_out_of_the_range() {
    let padded = |row: u32, column: u32| if column < 5 { 65535 } else { value(row, column) };
    let file = DicomFile::radiograph(40, 40, 16, padded).short(0x0028_0120, 65535);
    let bytes = file.write();
    let dicom = hilum_imaging::read(&bytes).unwrap();
    let largest = (0..40).flat_map(|row| (5..40).map(move |column| value(row, column))).max().unwrap();
    assert_eq!(dicom.pixels().unwrap().description.max, largest);
    let input = dicom.model_input(40).unwrap();
    assert!(input.chunks(40).all(|row| row[..5] == [0; 5]));
    assert_eq!(input.iter().max(), Some(&255));
}

/// Padding to a square must not cost the square of the longer side.
#[test]
fn a_thin_picture_is_no_bomb() {
    let file = DicomFile::radiograph(2, 60000, 12, |row, column| (row + column % 4000) as u16).write();
    let input = hilum_imaging::read(&file).unwrap().model_input(64).unwrap();
    assert_eq!(input.len(), 64 * 64);
}

#[test]
fn a_png_keeps_its_shades() {
    let picture = hilum_imaging::picture::Picture { width: 4, height: 2, bytes: vec![10, 20, 30, 40, 50, 60, 70, 80] };
    let input = hilum_imaging::picture::model_input_from_png_or_jpeg(&picture.to_png().unwrap(), 4).unwrap();
    assert_eq!(input, [0, 0, 0, 0, 10, 20, 30, 40, 50, 60, 70, 80, 0, 0, 0, 0]);
}

#[test]
fn other_bytes_are_no_picture() {
    for bytes in [&b""[..], b"GIF89a", b"%PDF-1.4", b"\x89PNG\r\n\x1a\n", b"\xFF\xD8\xFF\xE0"] {
        let error = hilum_imaging::picture::model_input_from_png_or_jpeg(bytes, 4).unwrap_err();
        assert_eq!(error.code(), "picture.unreadable");
    }
}

/// A window that lays something over the image must know where the square is; the rule is
/// stated once and this holds the pictures to it.
#[test]
fn the_square_lies_where_the_placement_says() {
    use hilum_workers::messages::decode::SquarePlacement;
    for (width, height) in [(5usize, 4usize), (4, 5), (7, 2), (3, 3), (1, 6)] {
        let picture = hilum_imaging::picture::Picture { width, height, bytes: vec![200; width * height] };
        let placement = SquarePlacement::of(height as u32, width as u32);
        let (left, above, size) = (placement.left as usize, placement.above as usize, placement.size as usize);
        // At the square's own size nothing is resampled.
        let square = picture.model_input(size as u32).unwrap();
        for y in 0..size {
            for x in 0..size {
                let inside = (left..left + width).contains(&x) && (above..above + height).contains(&y);
                assert_eq!(square[y * size + x], if inside { 200 } else { 0 }, "{width} x {height} at {x}, {y}");
            }
        }
    }
}
