//! Files made to hurt: each gets a verdict within the limits, and this process lives.

mod common;

use common::{Run, decode, decode_path, everything};
use hilum_testkit::dicom::{DEFLATED_LE, DicomFile, EXPLICIT_LE, IMPLICIT_LE, PIXEL_DATA, preamble_and_meta};
use hilum_workers::messages::decode::DecodeWants;
use std::io::Write;

fn small() -> DicomFile {
    DicomFile::radiograph(16, 16, 12, |row, column| (row * 100 + column) as u16)
}

/// The verdict is this refusal. The child's own limit of ten seconds of processor
/// time bounds how long it may take; wall time would depend on the machine's load.
fn check(name: &str, bytes: &[u8], code: &str) -> Run {
    let run = decode(bytes, &everything());
    assert_eq!(run.died, None, "{name}");
    assert_eq!(run.refusal().map(|r| r.0), Some(code), "{name}: {:?}", run.replies);
    run
}

#[test]
fn what_is_no_dicom_is_said_to_be_none() {
    check("empty", b"", "dicom.empty");
    check("one byte", b"D", "dicom.not_dicom");
    check("zeros", &[0; 4096], "dicom.not_dicom");
    check("text", b"Dear colleague,\n\nthank you for sending this patient.", "dicom.not_dicom");
    let run = check("PDF", b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n1 0 obj\n<<>>\nendobj\n", "dicom.not_dicom");
    assert_eq!(run.refusal().unwrap().1, "This file is not a DICOM image (it starts like a PDF).");
    let mut shell = b"#!/bin/sh\nrm -rf /\n".to_vec();
    shell.resize(400, b'\n');
    check("script", &shell, "dicom.not_dicom");
}

#[test]
fn a_directory_is_refused() {
    let run = decode_path(&std::env::temp_dir(), &everything());
    assert_eq!(run.died, None);
    assert_eq!(run.refusal().map(|r| r.0), Some("file.directory"));
}

#[test]
fn programs_in_the_preamble_are_refused() {
    for magic in [&b"MZ\x90\0\x03"[..], b"\x7FELF\x02\x01", b"#!/bin/sh\n", b"\xCF\xFA\xED\xFE"] {
        let mut file = small().write();
        file[..magic.len()].copy_from_slice(magic);
        check("polyglot", &file, "dicom.polyglot");
    }
    // A TIFF preamble is legitimate (PS3.10 section 7.1).
    let mut file = small().write();
    file[..4].copy_from_slice(b"II*\0");
    assert!(decode(&file, &everything()).done());
}

#[test]
fn sizes_that_the_file_does_not_have_are_refused() {
    let sixteen =
        |rows, columns| DicomFile::header(rows, columns, 16, 16).words(PIXEL_DATA, b"OW", vec![0; 16]).write();
    check("65535 x 65535", &sixteen(65535, 65535), "dicom.too_large");
    check("4000 x 4000", &sixteen(4000, 4000), "dicom.truncated");
    check("no rows", &sixteen(0, 512), "dicom.no_pixels");
    let jpeg =
        b"\xFF\xD8\xFF\xC3\x00\x0B\x10\x1F\x40\x1F\x40\x01\x01\x11\x00\xFF\xDA\x00\x08\x01\x01\x00\x01\x00\x00\xFF\xD9";
    let bomb = |rows, columns| DicomFile::header(rows, columns, 16, 16).fragments(vec![jpeg.to_vec()]);
    for (rows, columns) in [(8000, 8000), (512, 512), (65535, 65535)] {
        let run = decode(&bomb(rows, columns).write_as("1.2.840.10008.1.2.4.70"), &everything());
        assert_eq!(run.died, None);
        assert!(run.refusal().is_some(), "{rows} x {columns}");
    }
    let mut j2k = b"\xFF\x4F\xFF\x51\x00\x29\x00\x00".to_vec();
    for n in [8000u32, 8000, 0, 0, 1, 1, 0, 0] {
        j2k.extend(n.to_be_bytes());
    }
    j2k.extend(b"\x00\x01\x0F\x01\x01");
    j2k.extend([0; 64]);
    let file = DicomFile::header(8000, 8000, 16, 16).fragments(vec![j2k]).write_as("1.2.840.10008.1.2.4.90");
    check("JPEG 2000 of one-pixel tiles", &file, "dicom.pixels");
}

#[test]
fn lengths_that_lie_cost_nothing() {
    for length in [0x7FFF_FFF0u32, 0xFFFF_FFFE, 0x4000_0000] {
        let mut file = preamble_and_meta(EXPLICIT_LE);
        file.extend(b"\x08\x00\x05\x00CS\x0A\x00ISO_IR 100\x09\x00\x10\x00UN\x00\x00");
        file.extend(length.to_le_bytes());
        file.extend([0; 16]);
        check("unknown element", &file, "dicom.truncated");
        let mut file = preamble_and_meta(EXPLICIT_LE);
        file.extend(DicomFile::header(64, 64, 16, 16).data_set(EXPLICIT_LE));
        file.extend(b"\xE0\x7F\x10\x00OW\x00\x00");
        file.extend(length.to_le_bytes());
        file.extend([0; 16]);
        check("pixel data", &file, "dicom.truncated");
    }
}

#[test]
fn bombs_stay_within_the_limits() {
    let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    deflated.write_all(&DicomFile::header(16, 16, 16, 16).data_set(EXPLICIT_LE)).unwrap();
    deflated.write_all(b"\x09\x00\x10\x00UN\x00\x00\xFF\xFF\xFF\x7F").unwrap();
    let zeros = vec![0u8; 1 << 20];
    for _ in 0..2048 {
        deflated.write_all(&zeros).unwrap();
    }
    let mut file = preamble_and_meta(DEFLATED_LE);
    file.extend(deflated.finish().unwrap());
    assert!(file.len() > 1 << 20 && file.len() < 4 << 20);
    check("2 GB of zeros in 2 MB", &file, "dicom.too_large");
    // Many tiny elements cost many times their size in any list.
    let mut file = preamble_and_meta(IMPLICIT_LE);
    file.extend(DicomFile::header(16, 16, 16, 16).data_set(IMPLICIT_LE));
    for element in 0..4_000_000u32 {
        file.extend([0x29, 0x00]);
        file.extend((element as u16).to_le_bytes());
        file.extend([0; 4]);
    }
    check("4 million elements", &file, "dicom.too_large");
    // Above the largest file that is read.
    let large = tempfile::NamedTempFile::new().unwrap();
    large.as_file().set_len(8 << 30).unwrap();
    let run = decode_path(large.path(), &everything());
    assert_eq!((run.died.clone(), run.refusal().map(|r| r.0)), (None, Some("dicom.too_large")));
}

#[test]
fn deep_sequences_do_not_overflow() {
    const DEPTH: usize = 100_000;
    let sequence = b"\x08\x00\x40\x11SQ\x00\x00\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF";
    let mut open = preamble_and_meta(EXPLICIT_LE);
    open.extend(sequence.repeat(DEPTH));
    check("never closed", &open, "dicom.too_deep");
    let ends = b"\xFE\xFF\x0D\xE0\x00\x00\x00\x00\xFE\xFF\xDD\xE0\x00\x00\x00\x00".repeat(DEPTH);
    open.extend(ends);
    check("closed", &open, "dicom.too_deep");
    let mut implicit = preamble_and_meta(IMPLICIT_LE);
    implicit.extend(b"\x08\x00\x40\x11\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF".repeat(DEPTH));
    check("implicit", &implicit, "dicom.too_deep");
    // Written from the inside out, with every length right; nothing needs to go in.
    let mut inner: Vec<u8> = Vec::new();
    for _ in 0..3000 {
        let mut outer = b"\x08\x00\x40\x11SQ\x00\x00".to_vec();
        outer.extend((inner.len() as u32 + 8).to_le_bytes());
        outer.extend(b"\xFE\xFF\x00\xE0");
        outer.extend((inner.len() as u32).to_le_bytes());
        outer.extend(inner);
        inner = outer;
    }
    let mut file = preamble_and_meta(EXPLICIT_LE);
    file.extend(inner);
    file.extend(DicomFile::header(16, 16, 16, 16).words(PIXEL_DATA, b"OW", vec![0; 512]).data_set(EXPLICIT_LE));
    assert!(decode(&file, &everything()).done());
}

/// Every cut and a few hundred damaged copies of files of each kind: a verdict or a
/// death that the parent sees.
#[test]
fn damaged_files_get_a_verdict() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut originals: Vec<Vec<u8>> =
        std::fs::read_dir(fixtures).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
    originals.sort();
    originals.push(small().write());
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let mut deaths = 0;
    for original in &originals {
        for round in 0..40 {
            let mut bytes = original.clone();
            if round % 4 == 0 {
                bytes.truncate(132 + random(bytes.len() - 132));
            } else {
                for _ in 0..1 + random(8) {
                    let at = 132 + random(bytes.len() - 132);
                    bytes[at] = random(256) as u8;
                }
            }
            let run = decode(&bytes, &everything());
            deaths += usize::from(run.died.is_some());
            assert!(run.died.is_some() || run.done() || run.refusal().is_some());
        }
    }
    println!("{deaths} of {} damaged files killed the child", originals.len() * 40);
}

/// Far more work than ten seconds of processor time allow: the child says so
/// itself a second before the system would kill it.
#[test]
fn processor_time_is_limited() {
    let file = DicomFile::radiograph(2000, 2000, 12, |row, column| (row + column) as u16).write();
    let endless = DecodeWants { model_inputs: vec![64; 10_000], ..Default::default() };
    let run = decode(&file, &endless);
    assert_eq!((run.died.clone(), run.refusal().map(|r| r.0)), (None, Some("decode.too_slow")));
}
