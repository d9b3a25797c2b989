//! Hostile pictures: headers of DICOM files, tables of contents of discs, and logos with every kind of damage, by the
//! readers that `hilum-decode` runs.
//!
//! That program makes a verdict of a panic in somebody else's code; here one is an answer too, and a rare one. What a
//! table of contents names has to lie below its folder, whatever was done to it. Pixels of DICOM go through
//! the program itself (`hostile_dicom.rs`), since their codecs are written in C.

mod common;
mod dicom_damage;

use common::{GAVE_UP, or_gave_up, over_corpus};
use dicom_damage::WORDS;
use hilum_imaging::logo;
use hilum_testkit::dicom::{DEFLATED_LE, DicomFile, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, INSTANCE_UID, PATIENT_NAME, PIXEL_DATA, preamble_and_meta};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use std::cell::Cell;
use std::io::{Cursor, Write};

/// Longest side of a logo as it is printed, pixels.
const LONGEST: u32 = 560;

/// How often a reader gave up.
#[derive(Default)]
struct Tally {
    asked: Cell<usize>,
    gave_up: Cell<usize>,
}

impl Tally {
    fn note(&self, answer: &str) {
        self.asked.set(self.asked.get() + 1);
        self.gave_up.set(self.gave_up.get() + usize::from(answer.starts_with(GAVE_UP)));
    }

    /// A verdict that stands for all others would be none.
    fn check(&self, name: &str) {
        let (asked, gave_up) = (self.asked.get(), self.gave_up.get());
        println!("{name}: gave up {gave_up} of {asked} times");
        assert!(gave_up * 50 <= asked, "{name}: gave up {gave_up} of {asked} times");
    }
}

/// What the header says that is odd, or why there is none; the files that it names.
fn header_of(bytes: &[u8]) -> (String, Vec<String>) {
    let mut named = Vec::new();
    let answer = or_gave_up(|| match hilum_imaging::read(bytes) {
        Err(refused) => format!("{} {refused}", refused.code()),
        Ok(dicom) => {
            let header = dicom.header();
            let people = if dicom.person_names().is_empty() { "nobody" } else { "somebody" };
            named = header.referenced_files;
            format!("read, {people}, {}", header.warnings.join(" "))
        }
    });
    (answer, named)
}

/// The smallest file that a radiograph is.
fn small() -> DicomFile {
    DicomFile::header(2, 2, 16, 12).words(PIXEL_DATA, b"OW", vec![1, 0, 2, 0, 3, 0, 4, 0])
}

fn deflated(file: &DicomFile) -> Vec<u8> {
    let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&file.data_set(EXPLICIT_LE)).expect("deflated");
    [preamble_and_meta(DEFLATED_LE), packed.finish().expect("deflated")].concat()
}

#[test]
fn damaged_headers_get_an_answer() {
    let item = DicomFile::default().text(PATIENT_NAME, b"PN", "Inner^One").text(0x0008_1150, b"UI", "1.2.3");
    let nested = small().sequence(0x0008_1140, vec![item.clone().sequence(0x0008_1140, vec![item.clone()]), item]);
    let letters = small().text(0x0008_0005, b"CS", "\\ISO 2022 IR 87").bytes(PATIENT_NAME, b"PN", b"Yamada^Tarou=\x1B$B;3ED\x1B(J^\x1B$BB@O:\x1B(J".to_vec());
    let seeds = [
        small().write_as(EXPLICIT_LE),
        small().write_as(IMPLICIT_LE),
        small().write_as(EXPLICIT_BE),
        deflated(&small()),
        nested.write_as(EXPLICIT_LE),
        nested.write_as(IMPLICIT_LE),
        letters.write_as(EXPLICIT_LE),
        // Without anything in front of the data set, and with pieces instead of pixels.
        small().data_set(IMPLICIT_LE),
        DicomFile::header(4, 4, 8, 8).fragments(vec![vec![0; 64], vec![1, 2, 3]]).write_as("1.2.840.10008.1.2.5"),
    ];
    let tally = Tally::default();
    let answers = over_corpus("dicom_headers", &seeds, &WORDS, 1500, |bytes| {
        let (answer, _) = header_of(bytes);
        tally.note(&answer);
        answer
    });
    tally.check("dicom_headers");
    for kind in ["read, somebody", "dicom."] {
        assert!(answers.iter().any(|answer| answer.starts_with(kind)), "{kind} is among {answers:?}");
    }
    assert!(answers.len() >= 8, "{answers:?}");
}

#[test]
fn damaged_tables_of_contents_name_nothing_outside() {
    let record = |file: &str| DicomFile::default().text(0x0004_1430, b"CS", "IMAGE").text(0x0004_1500, b"CS", file);
    let table = |names: &[&str]| {
        let file = DicomFile::default().text(0x0008_0016, b"UI", "1.2.840.10008.1.3.10").text(INSTANCE_UID, b"UI", "2.25.99");
        file.sequence(0x0004_1220, names.iter().map(|name| record(name)).collect())
    };
    let seeds = [
        table(&["IMAGES\\A", "IMAGES\\B", "C"]).write_as(EXPLICIT_LE),
        table(&["IMAGES\\A", "..\\LETTER", "/etc/passwd", "C:\\WINDOWS", ".", "", "A\\..\\B"]).write_as(EXPLICIT_LE),
        table(&["IMAGES\\A"]).write_as(IMPLICIT_LE),
        deflated(&table(&["IMAGES\\A"])),
    ];
    let paths: [&[u8]; 6] = [b"..\\..\\", b"\\..\\", b"/etc/passwd", b"C:\\", b"\\\\", b"A\\B\\C\\D\\E\\F\\G\\H\\I"];
    let words = [&WORDS[..], &paths].concat();
    let (tally, most) = (Tally::default(), Cell::new(0));
    let answers = over_corpus("dicom_directories", &seeds, &words, 1500, |bytes| {
        let (answer, named) = header_of(bytes);
        tally.note(&answer);
        for name in &named {
            let stays = name.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':', '\0']));
            assert!(stays && name.split('/').count() <= 8, "{name:?} leaves the disc");
        }
        most.set(most.get().max(named.len()));
        format!("{answer}, {}", if named.is_empty() { "names nothing" } else { "names files" })
    });
    tally.check("dicom_directories");
    println!("dicom_directories: {} names at most", most.get());
    assert!(answers.iter().any(|answer| answer.ends_with("names files")), "{answers:?}");
    assert_eq!(header_of(&seeds[1]).1, ["IMAGES/A"], "what an honest reader takes of a dishonest table");
}

/// A picture with its checksums put right, so that damage reaches what lies behind them.
fn summed(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let mut at = 8;
    while let Some(length) = out.get(at..at + 4) {
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let Some(end) = at.checked_add(length).and_then(|end| end.checked_add(8)).filter(|end| end + 4 <= out.len()) else { break };
        let mut sum = flate2::Crc::new();
        sum.update(&out[at + 4..end]);
        out[end..end + 4].copy_from_slice(&sum.sum().to_be_bytes());
        at = end + 4;
    }
    out
}

fn logo_of(bytes: &[u8]) -> String {
    let mut taken = None;
    let answer = or_gave_up(|| match logo::read(bytes, LONGEST) {
        Err(refused) => format!("{} {refused}", refused.code()),
        Ok(logo) => {
            taken = Some(logo);
            "taken".to_owned()
        }
    });
    if let Some(logo) = taken {
        assert!(logo.width.max(logo.height) <= LONGEST, "{} x {}", logo.width, logo.height);
        assert_eq!(logo.rgb.len(), logo.width as usize * logo.height as usize * 3);
    }
    answer
}

#[test]
fn damaged_logos_get_an_answer() {
    let colour = DynamicImage::ImageRgb8(RgbImage::from_fn(9, 7, |x, y| Rgb([x as u8 * 25, y as u8 * 30, 70])));
    let written = |picture: &DynamicImage, format: ImageFormat| {
        let mut out = Cursor::new(Vec::new());
        picture.write_to(&mut out, format).expect("a picture");
        out.into_inner()
    };
    let (grey, deep, clear) = (
        DynamicImage::ImageLuma8(colour.to_luma8()), DynamicImage::ImageLuma16(colour.to_luma16()), DynamicImage::ImageRgba8(colour.to_rgba8()),
    );
    let mut seeds: Vec<Vec<u8>> = [&colour, &grey, &deep, &clear].map(|picture| written(picture, ImageFormat::Png)).into();
    seeds.extend([&colour, &grey].map(|picture| written(picture, ImageFormat::Jpeg)));
    for seed in &seeds {
        assert_eq!(logo_of(seed), "taken", "before it is damaged");
    }
    let words: [&[u8]; 12] = [
        b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"iCCP", b"\x00\x00\x17\x70", b"\x00\x00\x17\x71", b"\xFF\xD8\xFF\xC2", b"\xFF\xC4", b"\xFF\xDA", b"\xFF\xDD\x00\x04",
    ];
    let tally = Tally::default();
    let answers = over_corpus("logos", &seeds, &words, 500, |bytes| {
        let (raw, mended) = (logo_of(bytes), logo_of(&summed(bytes)));
        tally.note(&raw);
        tally.note(&mended);
        format!("{raw}; {mended}")
    });
    tally.check("logos");
    for kind in ["taken", "logo.kind", "logo.unreadable"] {
        assert!(answers.iter().any(|answer| answer.contains(kind)), "{kind} is among {answers:?}");
    }
}
