//! Overlay planes and shutters, from files written byte by byte.

use hilum_imaging::read;
use hilum_testkit::dicom::{DicomFile, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE};
use hilum_workers::messages::decode::ShutterShape;

const ROWS: u16 = 6;
const COLUMNS: u16 = 5;

fn with_overlay(group: u32, origin: [i16; 2], bits: Vec<u8>) -> DicomFile {
    let short = |n: u16| n.to_le_bytes().to_vec();
    DicomFile::radiograph(40, 30, 12, |row, column| (row * column % 4000) as u16)
        .words(group | 0x0010, b"US", short(ROWS))
        .words(group | 0x0011, b"US", short(COLUMNS))
        .words(group | 0x0050, b"SS", origin.iter().flat_map(|n| n.to_le_bytes()).collect())
        .words(group | 0x0100, b"US", short(1))
        .words(group | 0x3000, b"OW", bits)
}

#[test]
fn overlay_planes_come_with_their_place_and_bits() {
    // Every third pixel of 30.
    let bits: Vec<u8> = (0..4usize)
        .map(|byte| (0..8).filter(|bit| (byte * 8 + bit) % 3 == 0 && byte * 8 + bit < 30).map(|bit| 1 << bit).sum())
        .collect();
    for syntax in [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE] {
        let file = with_overlay(0x6002_0000, [3, -1], bits.clone()).write_as(syntax);
        let dicom = read(&file).expect("a file");
        let pixels = dicom.pixels().expect("pixels");
        let [plane] = &pixels.description.overlays[..] else { panic!("one plane with {syntax}") };
        assert_eq!((plane.rows, plane.columns, plane.top, plane.left), (6, 5, 2, -2), "{syntax}");
        let all = pixels.to_le_bytes();
        assert_eq!(all.len(), 40 * 30 * 2 + 4, "{syntax}");
        assert_eq!(all[40 * 30 * 2..], bits, "{syntax}");
    }
}

#[test]
fn a_plane_without_its_bits_is_left_out() {
    let file = with_overlay(0x6000_0000, [1, 1], vec![1, 2]).write_as(EXPLICIT_LE);
    assert!(read(&file).expect("a file").pixels().expect("pixels").description.overlays.is_empty());
}

#[test]
fn shutters_are_read_in_image_pixels() {
    let file = DicomFile::radiograph(40, 30, 12, |_, _| 7)
        .text(0x0018_1600, b"CS", "RECTANGULAR\\CIRCULAR\\POLYGONAL\\HEART")
        .text(0x0018_1602, b"IS", "3")
        .text(0x0018_1604, b"IS", "28")
        .text(0x0018_1606, b"IS", "5")
        .text(0x0018_1608, b"IS", "36")
        .text(0x0018_1610, b"IS", "20\\15")
        .text(0x0018_1612, b"IS", "12")
        .text(0x0018_1620, b"IS", "1\\1\\1\\30\\40\\15")
        .write_as(EXPLICIT_LE);
    let dicom = read(&file).expect("a file");
    assert_eq!(
        dicom.pixels().expect("pixels").description.shutter,
        [
            ShutterShape::Rectangle { left: 2.0, top: 4.0, right: 28.0, bottom: 36.0 },
            ShutterShape::Circle { x: 14.5, y: 19.5, radius: 12.0 },
            ShutterShape::Polygon { points: vec![[0.5, 0.5], [29.5, 0.5], [14.5, 39.5]] },
        ]
    );
    let broken = DicomFile::radiograph(40, 30, 12, |_, _| 7)
        .text(0x0018_1600, b"CS", "RECTANGULAR\\POLYGONAL")
        .text(0x0018_1620, b"IS", "1\\1\\1")
        .write_as(EXPLICIT_LE);
    assert!(read(&broken).expect("a file").pixels().expect("pixels").description.shutter.is_empty());
}
