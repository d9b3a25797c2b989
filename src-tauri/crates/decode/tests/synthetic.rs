//! Files that the tests write, in every encoding: the same code is tested where
//! no shared data is at hand.

mod common;

use common::{Run, decode, everything, integers};
use flate2::write::DeflateEncoder;
use hilum_testkit::dicom::*;
use hilum_workers::messages::decode::PixelKind;
use std::ffi::c_int;
use std::io::Write;
use turbojpeg_sys as tj;

const ROWS: u16 = 47;
const COLUMNS: u16 = 61;

/// The picture of `tests/pixel-reference/fixtures.py`: 12 bits, no two rows alike.
fn value(row: u32, column: u32) -> u16 {
    ((column * column * 3 + row * 17 + row * column / 5) % 4096) as u16
}

fn expected(of: impl Fn(u32, u32) -> i64) -> Vec<i64> {
    (0..u32::from(ROWS))
        .flat_map(|row| (0..u32::from(COLUMNS)).map(move |column| (row, column)))
        .map(|(r, c)| of(r, c))
        .collect()
}

fn plain() -> DicomFile {
    DicomFile::radiograph(ROWS, COLUMNS, 12, value)
}

fn accepted(name: &str, bytes: &[u8]) -> Run {
    let run = decode(bytes, &everything());
    assert_eq!(run.died, None, "{name}");
    assert!(run.done(), "{name}: {:?}", run.refusal());
    run
}

fn values(run: &Run) -> Vec<i64> {
    let (dtype, _, bytes) = run.stored().unwrap();
    integers(dtype, bytes)
}

fn texels(run: &Run) -> Vec<u16> {
    run.pixels().unwrap().1.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect()
}

#[test]
fn every_uncompressed_encoding_gives_the_same_pixels() {
    let wanted = expected(|r, c| value(r, c).into());
    let mut deflated = DeflateEncoder::new(preamble_and_meta(DEFLATED_LE), flate2::Compression::default());
    deflated.write_all(&plain().data_set(EXPLICIT_LE)).unwrap();
    let whole = plain().write();
    let no_length: Vec<u8> = [&whole[..132], &whole[132 + 12..]].concat();
    let no_syntax = {
        let mut file = vec![0; 128];
        file.extend_from_slice(b"DICM");
        file.extend(DicomFile::default().text(0x0002_0003, b"UI", "2.25.3001").data_set(EXPLICIT_LE));
        file.extend(plain().data_set(EXPLICIT_LE));
        file
    };
    let padded = [&whole[..], &[0; 512]].concat();
    let odd_preamble = [&whole[28..128], &whole[132..]].concat();
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("explicit", whole.clone(), &[]),
        ("implicit", plain().write_as(IMPLICIT_LE), &[]),
        ("big endian", plain().write_as(EXPLICIT_BE), &[]),
        ("deflated", deflated.finish().unwrap(), &[]),
        ("no preamble", whole[128..].to_vec(), &["header.no_preamble"]),
        ("odd preamble", odd_preamble, &["header.odd_preamble"]),
        ("no preamble, no prefix", whole[132..].to_vec(), &["header.no_preamble"]),
        (
            "no meta",
            plain().data_set(EXPLICIT_LE),
            &["header.no_preamble", "header.no_meta", "header.no_transfer_syntax"],
        ),
        (
            "no meta, implicit",
            plain().data_set(IMPLICIT_LE),
            &["header.no_preamble", "header.no_meta", "header.no_transfer_syntax"],
        ),
        (
            "no meta, big endian",
            plain().data_set(EXPLICIT_BE),
            &["header.no_preamble", "header.no_meta", "header.no_transfer_syntax"],
        ),
        ("no meta length", no_length, &["header.no_meta_length"]),
        ("no transfer syntax", no_syntax, &["header.no_meta_length", "header.no_transfer_syntax"]),
        (
            "announced explicit, is implicit",
            [preamble_and_meta(EXPLICIT_LE), plain().data_set(IMPLICIT_LE)].concat(),
            &["header.encoding_differs"],
        ),
        ("zeros behind", padded, &[]),
    ];
    for (name, bytes, warnings) in cases {
        let run = accepted(name, &bytes);
        assert_eq!(values(&run), wanted, "{name}");
        assert_eq!(texels(&run).iter().map(|t| i64::from(*t)).collect::<Vec<_>>(), wanted, "{name}");
        let header = run.header().unwrap();
        let said: Vec<&str> =
            header.warnings.iter().map(|w| &w[..]).filter(|w| *w != "header.missing_window").collect();
        assert_eq!(said, warnings, "{name}");
        assert_eq!(header.patient_name.as_deref(), Some("Beispiel^Berta"), "{name}");
        assert_eq!(header.study_uid, "2.25.1001", "{name}");
        assert_eq!((header.rows, header.columns), (Some(47), Some(61)), "{name}");
        assert_eq!(header.pixel_spacing, Some([0.15, 0.15]), "{name}");
    }
}

#[test]
fn bits_and_signs_are_read_as_stated() {
    // bits allocated, stored, high bit, signed, value in the file, stored value
    let cases: [(u16, u16, u16, bool, u16, i64); 9] = [
        (8, 8, 7, false, 200, 200),
        (8, 8, 7, true, 200, -56),
        (16, 10, 9, false, 0x03FF, 1023),
        (16, 12, 11, false, 0xF123, 0x123),
        (16, 12, 15, false, 0x123F, 0x123),
        (16, 12, 11, true, 0x0FFF, -1),
        (16, 13, 12, true, 0x1000, -4096),
        (16, 15, 14, false, 0x7FFF, 32767),
        (16, 16, 15, true, 0x8000, -32768),
    ];
    for (allocated, stored, high, signed, written, wanted) in cases {
        let name = format!("{stored} of {allocated} bits, high {high}, signed {signed}");
        let file =
            DicomFile::header(4, 4, allocated, stored).short(0x0028_0102, high).short(0x0028_0103, signed.into());
        let file = if allocated == 8 {
            file.bytes(PIXEL_DATA, b"OB", vec![written as u8; 16])
        } else {
            file.words(PIXEL_DATA, b"OW", written.to_le_bytes().repeat(16))
        };
        for syntax in [EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE] {
            let run = accepted(&name, &file.write_as(syntax));
            assert_eq!(values(&run), [wanted; 16], "{name}");
            let description = run.pixels().unwrap().0;
            let modality = f64::from(texels(&run)[0]) * description.slope + description.intercept;
            assert_eq!(modality, wanted as f64, "{name}");
        }
    }
}

#[test]
fn compressed_fixtures_are_exact() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    type Picture = fn(u32, u32) -> i64;
    let plain: Picture = |r, c| value(r, c).into();
    let signed: Picture = |r, c| i64::from(value(r, c)) - 2048;
    let smooth: Picture = |r, c| (r * 40 + c * 30).into();
    let narrow: Picture = |r, c| i64::from((r * 40 + c * 30) / 16);
    // file, its picture (`tests/pixel-reference/fixtures.py`), largest difference
    let cases: [(&str, Picture, i64); 17] = [
        ("deflated", plain, 0),
        ("rle", plain, 0),
        ("rle_signed", signed, 0),
        ("jpegls", plain, 0),
        ("jpegls_near", plain, 2),
        ("jpeg2000", plain, 0),
        ("jpeg2000_signed", signed, 0),
        ("jpeg2000_lossy", plain, 4),
        ("htj2k", plain, 0),
        ("htj2k_rpcl", plain, 0),
        ("htj2k_lossy", plain, 1),
        ("jpeg_lossless", plain, 0),
        ("jpeg_lossless_sv1", plain, 0),
        ("jpeg_baseline", narrow, 2),
        ("jpeg_extended", smooth, 2),
        ("jpeg_spectral", smooth, 2),
        ("jpeg_progressive", smooth, 2),
    ];
    for (name, picture, tolerance) in cases {
        let run = accepted(name, &std::fs::read(folder.join(format!("{name}.dcm"))).unwrap());
        check_close(name, &values(&run), &expected(picture), tolerance);
        // What the viewer is given means the same.
        let description = run.pixels().unwrap().0;
        let modality = |texel: &u16| (f64::from(*texel) * description.slope + description.intercept).round() as i64;
        check_close(name, &texels(&run).iter().map(modality).collect::<Vec<_>>(), &expected(picture), tolerance);
    }
}

/// What some archives do to a file: they decompress it, or compress it with loss, and leave its name as it was.
#[test]
fn pixels_are_shown_and_their_loss_is_told_under_a_name_that_is_not_theirs() {
    let name_of = |last: &str| format!("1.2.840.10008.1.2.4.{last}");
    let plain_values = expected(|r, c| value(r, c).into());
    let near = charls_near();
    let fragments = || DicomFile::header(ROWS, COLUMNS, 16, 12).fragments(vec![near.clone()]);
    // name, file, largest difference, whether loss is told
    let cases = [
        ("decompressed, JPEG lossless", plain().write_as(&name_of("70")), 0, false),
        ("decompressed, JPEG baseline", plain().write_as(&name_of("50")), 0, true),
        ("decompressed, RLE", plain().write_as("1.2.840.10008.1.2.5"), 0, false),
        ("JPEG-LS near-lossless as lossless", fragments().write_as(&name_of("80")), 2, true),
        ("JPEG-LS near-lossless as RLE", fragments().write_as("1.2.840.10008.1.2.5"), 2, true),
    ];
    for (name, file, tolerance, lossy) in cases {
        let run = accepted(name, &file);
        check_close(name, &values(&run), &plain_values, tolerance);
        let warnings = &run.header().unwrap().warnings;
        assert!(warnings.contains(&"header.compression_differs".to_owned()), "{name}: {warnings:?}");
        assert_eq!(warnings.contains(&"pixels.lossy".to_owned()), lossy, "{name}: {warnings:?}");
    }
    // A word less than the pixels are is no picture.
    let short = DicomFile::header(ROWS, COLUMNS, 16, 12);
    let short = short.words(PIXEL_DATA, b"OW", vec![0; (usize::from(ROWS) * usize::from(COLUMNS) - 1) * 2]);
    let run = decode(&short.write_as(&name_of("70")), &everything());
    assert!(!run.done() && run.died.is_none());
}

/// The picture in JPEG-LS, where each value may be off by two.
fn charls_near() -> Vec<u8> {
    let bytes: Vec<u8> = expected(|r, c| value(r, c).into()).iter().flat_map(|v| (*v as u16).to_ne_bytes()).collect();
    let info =
        charls::FrameInfo { width: COLUMNS.into(), height: ROWS.into(), bits_per_sample: 12, component_count: 1 };
    charls::CharLS::default().encode(info, 2, &bytes).unwrap()
}

#[test]
fn every_jpeg_process_is_decoded() {
    let picture: Vec<u16> = expected(|r, c| value(r, c).into()).iter().map(|v| *v as u16).collect();
    let smooth: Vec<u16> = expected(|r, c| i64::from(r * 40 + c * 30)).iter().map(|v| *v as u16).collect();
    let wide: Vec<u16> = picture.iter().map(|v| v * 15).collect();
    let narrow: Vec<u16> = smooth.iter().map(|v| v / 16).collect();
    // name, transfer syntax, values, bits, how, largest difference
    type Case<'a> = (&'a str, &'a str, &'a [u16], u16, &'a [(tj::TJPARAM, c_int)], i64);
    let lossless = &[(tj::TJPARAM_TJPARAM_LOSSLESS, 1)][..];
    let progressive = &[(tj::TJPARAM_TJPARAM_QUALITY, 100), (tj::TJPARAM_TJPARAM_PROGRESSIVE, 1)][..];
    let sequential = &[(tj::TJPARAM_TJPARAM_QUALITY, 100)][..];
    let cases: [Case; 8] = [
        ("baseline", "1.2.840.10008.1.2.4.50", &narrow, 8, sequential, 2),
        ("extended", "1.2.840.10008.1.2.4.51", &smooth, 12, sequential, 2),
        ("progressive, 8 bits", "1.2.840.10008.1.2.4.55", &narrow, 8, progressive, 2),
        ("progressive, 12 bits", "1.2.840.10008.1.2.4.55", &smooth, 12, progressive, 2),
        ("lossless, 8 bits", "1.2.840.10008.1.2.4.70", &narrow, 8, lossless, 0),
        ("lossless, 12 bits", "1.2.840.10008.1.2.4.70", &picture, 12, lossless, 0),
        ("lossless, 15 bits", "1.2.840.10008.1.2.4.57", &smooth, 15, lossless, 0),
        ("lossless, 16 bits", "1.2.840.10008.1.2.4.57", &wide, 16, lossless, 0),
    ];
    for (name, syntax, values_in, bits, how, tolerance) in cases {
        let stream = jpeg(values_in, usize::from(COLUMNS), bits, how);
        let allocated = if bits == 8 { 8 } else { 16 };
        let header = DicomFile::header(ROWS, COLUMNS, allocated, bits);
        let wanted: Vec<i64> = values_in.iter().map(|v| i64::from(*v)).collect();
        let one = header.clone().fragments(vec![stream.clone()]).write_as(syntax);
        check_close(name, &values(&accepted(name, &one)), &wanted, tolerance);
        // The same in two fragments, of which the first has an odd half of the stream.
        let (front, back) = stream.split_at(stream.len() / 4 * 2);
        let two = header.clone().fragments(vec![front.to_vec(), back.to_vec()]).write_as(syntax);
        check_close(name, &values(&accepted(name, &two)), &wanted, tolerance);
        // And as the first of two frames.
        let frames = header.text(0x0028_0008, b"IS", "2").fragments(vec![stream.clone(), stream]).write_as(syntax);
        check_close(name, &values(&accepted(name, &frames)), &wanted, tolerance);
    }
}

fn check_close(name: &str, ours: &[i64], wanted: &[i64], tolerance: i64) {
    assert_eq!(ours.len(), wanted.len(), "{name}");
    let largest = ours.iter().zip(wanted).map(|(a, b)| (a - b).abs()).max().unwrap();
    assert!(largest <= tolerance, "{name}: largest difference {largest}");
}

/// Compresses grey values with libjpeg-turbo.
fn jpeg(values: &[u16], columns: usize, bits: u16, parameters: &[(tj::TJPARAM, c_int)]) -> Vec<u8> {
    let rows = values.len() / columns;
    let bytes: Vec<u8> = values.iter().map(|v| *v as u8).collect();
    let (mut buffer, mut length) = (std::ptr::null_mut(), 0);
    // SAFETY: the handle is checked, the values are columns x rows samples, and
    // the buffer that the library makes is copied before it is freed.
    unsafe {
        let handle = tj::tj3Init(tj::TJINIT_TJINIT_COMPRESS as c_int);
        assert!(!handle.is_null());
        tj::tj3Set(handle, tj::TJPARAM_TJPARAM_SUBSAMP as c_int, tj::TJSAMP_TJSAMP_GRAY as c_int);
        tj::tj3Set(handle, tj::TJPARAM_TJPARAM_PRECISION as c_int, bits.into());
        for (parameter, value) in parameters {
            assert_eq!(tj::tj3Set(handle, *parameter as c_int, *value), 0);
        }
        let (width, height, grey) = (columns as c_int, rows as c_int, tj::TJPF_TJPF_GRAY as c_int);
        let status = match bits {
            ..=8 => tj::tj3Compress8(handle, bytes.as_ptr(), width, 0, height, grey, &mut buffer, &mut length),
            9..=12 => {
                tj::tj3Compress12(handle, values.as_ptr().cast(), width, 0, height, grey, &mut buffer, &mut length)
            }
            _ => tj::tj3Compress16(handle, values.as_ptr(), width, 0, height, grey, &mut buffer, &mut length),
        };
        assert_eq!(status, 0, "{:?}", std::ffi::CStr::from_ptr(tj::tj3GetErrorStr(handle)));
        let stream = std::slice::from_raw_parts(buffer, length as usize).to_vec();
        tj::tj3Free(buffer.cast());
        tj::tj3Destroy(handle);
        stream
    }
}

#[test]
fn colour_becomes_rgb() {
    let colour = |photometric: &str, planar: u16, bytes: &[u8]| {
        DicomFile::header(1, 2, 8, 8)
            .short(0x0028_0002, 3)
            .short(0x0028_0006, planar)
            .text(PHOTOMETRIC, b"CS", photometric)
            .bytes(PIXEL_DATA, b"OB", bytes.to_vec())
            .write()
    };
    let palette = |n: u32, entries: &[u16]| {
        let bytes: Vec<u8> = entries.iter().flat_map(|e| e.to_le_bytes()).collect();
        (0x0028_1101 + n, 0x0028_1201 + n, bytes)
    };
    let mut indexed =
        DicomFile::header(1, 2, 8, 8).text(PHOTOMETRIC, b"CS", "PALETTE COLOR").bytes(PIXEL_DATA, b"OB", vec![5, 6]);
    for (descriptor, data, bytes) in
        [palette(0, &[0x0100, 0x6400]), palette(1, &[0x0200, 0x6500]), palette(2, &[0x0300, 0x6600])]
    {
        indexed = indexed.words(descriptor, b"US", vec![2, 0, 5, 0, 16, 0]).words(data, b"OW", bytes);
    }
    let cases: [(&str, Vec<u8>, [u8; 6]); 5] = [
        ("RGB", colour("RGB", 0, &[1, 2, 3, 100, 101, 102]), [1, 2, 3, 100, 101, 102]),
        ("RGB in planes", colour("RGB", 1, &[1, 100, 2, 101, 3, 102]), [1, 2, 3, 100, 101, 102]),
        ("YBR_FULL", colour("YBR_FULL", 0, &[100, 128, 128, 76, 85, 255]), [100, 100, 100, 254, 0, 0]),
        ("YBR_FULL_422", colour("YBR_FULL_422", 0, &[50, 60, 128, 128]), [50, 50, 50, 60, 60, 60]),
        ("palette", indexed.write(), [1, 2, 3, 100, 101, 102]),
    ];
    for (name, file, wanted) in cases {
        let run = accepted(name, &file);
        let (description, body) = run.pixels().unwrap();
        assert_eq!((description.kind, body), (PixelKind::Rgb8, &wanted[..]), "{name}");
    }
}

/// What can only be asked of a whole file: padding, two windows, tables.
#[test]
fn the_description_says_how_to_show_the_pixels() {
    let file = plain()
        .text(0x0028_1050, b"DS", "1000\\2000")
        .text(0x0028_1051, b"DS", "500\\3000")
        .text(0x0028_1055, b"LO", "NORMAL\\HARDER")
        .text(0x0028_1056, b"CS", "SIGMOID")
        .text(0x0028_1052, b"DS", "-100")
        .text(0x0028_1053, b"DS", "0.5")
        .text(0x0028_1054, b"LO", "US")
        .text(PHOTOMETRIC, b"CS", "MONOCHROME1");
    let run = accepted("windows", &file.write());
    let description = run.pixels().unwrap().0;
    let windows: Vec<(f64, f64, Option<&str>)> =
        description.windows.iter().map(|w| (w.center, w.width, w.explanation.as_deref())).collect();
    assert_eq!(windows, [(1000.0, 500.0, Some("NORMAL")), (2000.0, 3000.0, Some("HARDER"))]);
    assert_eq!((description.slope, description.intercept, description.inverted), (0.5, -100.0, true));
    assert_eq!(description.units.as_deref(), Some("US"));
    assert!(!run.header().unwrap().warnings.contains(&"header.missing_window".to_owned()));
    let shape = accepted("shape", &plain().text(0x2050_0020, b"CS", "INVERSE").write());
    assert!(shape.pixels().unwrap().0.inverted);
    let missing = accepted("no window", &plain().write());
    let window = &missing.pixels().unwrap().0.windows[0];
    assert!(window.computed);
    assert!(missing.header().unwrap().warnings.contains(&"header.missing_window".to_owned()));
}

#[test]
fn lookup_tables_of_the_file_are_applied() {
    let entries: Vec<u8> = (0..4096u16).flat_map(|i| (4095 - i).to_le_bytes()).collect();
    let table = |first: u16, bits: u16, entries: Vec<u8>| {
        let words = [(entries.len() / 2) as u16, first, bits];
        DicomFile::default().words(0x0028_3002, b"US", words.iter().flat_map(|w| w.to_le_bytes()).collect()).words(
            0x0028_3006,
            b"OW",
            entries,
        )
    };
    for syntax in [EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE] {
        let modality = plain().sequence(0x0028_3000, vec![table(0, 12, entries.clone())]).write_as(syntax);
        let run = accepted("modality LUT", &modality);
        let negative = expected(|r, c| 4095 - i64::from(value(r, c)));
        assert_eq!(texels(&run).iter().map(|t| i64::from(*t)).collect::<Vec<_>>(), negative);
        assert_eq!(values(&run), expected(|r, c| value(r, c).into()), "stored values come before the table");
        let voi = plain().sequence(0x0028_3010, vec![table(10, 12, entries[..200].to_vec())]).write_as(syntax);
        let description = accepted("VOI LUT", &voi).pixels().unwrap().0.clone();
        assert_eq!(description.voi_lut_first, Some(10));
        let lut = description.voi_lut.unwrap();
        assert_eq!((lut.len(), lut[0]), (100, 65535));
    }
}

/// The largest radiographs fit into the child's memory in each compression.
#[test]
fn large_radiographs_fit_the_limits() {
    const LARGE: (u16, u16) = (3000, 2500);
    let pixel = |row: u32, column: u32| ((row * row / 97 + column * 13 + (row * 31 + column * 17) % 23) % 65536) as u16;
    let uncompressed = DicomFile::radiograph(LARGE.0, LARGE.1, 16, pixel);
    let header = DicomFile::header(LARGE.0, LARGE.1, 16, 16);
    let pixels: Vec<u16> =
        (0..u32::from(LARGE.0)).flat_map(|r| (0..u32::from(LARGE.1)).map(move |c| pixel(r, c))).collect();
    let bytes: Vec<u8> = pixels.iter().flat_map(|v| v.to_ne_bytes()).collect();
    let lossless = jpeg(&pixels, LARGE.1.into(), 16, &[(tj::TJPARAM_TJPARAM_LOSSLESS, 1)]);
    let info =
        charls::FrameInfo { width: LARGE.1.into(), height: LARGE.0.into(), bits_per_sample: 16, component_count: 1 };
    let jpegls = charls::CharLS::default().encode(info, 0, &bytes).unwrap();
    let cases = [
        ("uncompressed", uncompressed.write()),
        ("JPEG lossless", header.clone().fragments(vec![lossless]).write_as("1.2.840.10008.1.2.4.70")),
        ("JPEG-LS", header.clone().fragments(vec![jpegls]).write_as("1.2.840.10008.1.2.4.80")),
        ("RLE", header.fragments(vec![rle(&pixels)]).write_as("1.2.840.10008.1.2.5")),
    ];
    let only_pixels = hilum_workers::messages::decode::DecodeWants { pixels: true, ..Default::default() };
    for (name, file) in cases {
        let run = accepted(name, &file);
        assert!(texels(&run).iter().eq(&pixels), "{name}");
        let mut times: Vec<_> = (0..5).map(|_| decode(&file, &only_pixels).wall).collect();
        times.sort();
        println!("{name}: {} KB, pixels after {:?} (median of 5)", file.len() / 1024, times[2]);
    }
}

/// RLE without runs (PS3.5 annex G).
fn rle(pixels: &[u16]) -> Vec<u8> {
    let literal = |bytes: Vec<u8>| -> Vec<u8> {
        bytes.chunks(128).flat_map(|run| std::iter::once(run.len() as u8 - 1).chain(run.iter().copied())).collect()
    };
    let high = literal(pixels.iter().map(|v| (v >> 8) as u8).collect());
    let low = literal(pixels.iter().map(|v| *v as u8).collect());
    let mut header = [0u32; 16];
    header[..3].copy_from_slice(&[2, 64, 64 + high.len() as u32]);
    [header.iter().flat_map(|n| n.to_le_bytes()).collect(), high, low].concat()
}
