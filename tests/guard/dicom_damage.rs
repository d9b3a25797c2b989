//! DICOM files that mean harm: made from nothing, made by damaging others by structure, and bombs.

#![allow(dead_code, reason = "each guard uses a part of this")]

use crate::common::{Random, files_below, full, mutated, repository, shared};
use hilum_testkit::dicom::{
    DEFLATED_LE, DicomFile, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, PHOTOMETRIC, PIXEL_DATA, preamble_and_meta,
};
use std::io::Write;
use std::path::PathBuf;

/// The chances of [`hostile`], so that the decoder alone and the whole import are given the same files.
pub const CHANCES: u64 = 0xD1C0;

/// Transfer syntaxes that the decoder knows, and some that it does not.
const SYNTAXES: [&str; 18] = [
    IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE, DEFLATED_LE, "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.100",
    "1.2.840.10008.1.2.4.201", "1.2.3.4.5", "", "../../../../etc/passwd",
];
const PHOTOMETRICS: [&str; 8] = [
    "MONOCHROME1", "MONOCHROME2", "RGB", "PALETTE COLOR", "YBR_FULL", "YBR_FULL_422", "HSV", "",
];
const SIZES: [u16; 14] = [0, 1, 2, 3, 16, 17, 255, 256, 1024, 4096, 16384, 32767, 32768, 65535];
const VRS: [&[u8; 2]; 14] =
    [b"US", b"SS", b"UL", b"OB", b"OW", b"SQ", b"UN", b"DS", b"IS", b"PN", b"LO", b"UI", b"AT", b"ZZ"];
/// A sequence and its first item, neither of which says where it ends.
const OPEN_SEQUENCE: &[u8] = b"\x08\x00\x40\x11SQ\x00\x00\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF";
/// What a data set is made of.
pub const WORDS: [&[u8]; 14] = [
    b"\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF", b"\xFE\xFF\x0D\xE0\x00\x00\x00\x00", b"\xFE\xFF\xDD\xE0\x00\x00\x00\x00",
    b"\xE0\x7F\x10\x00OB\x00\x00\xFF\xFF\xFF\xFF", b"\xE0\x7F\x10\x00OW\x00\x00", b"SQ\x00\x00\xFF\xFF\xFF\xFF",
    b"\x28\x00\x10\x00US\x02\x00\xFF\xFF", b"\x28\x00\x11\x00US\x02\x00\xFF\xFF", b"\x28\x00\x08\x00IS\x0A\x002147483647",
    b"\xFF\xD8\xFF\xC3", b"\xFF\x4F\xFF\x51", b"\xFF\xD9", b"\x1B$B\x1B(J\x1B$)C", b"\\\\\\\\\\\\\\\\",
];

/// Files to damage. In the small form a large one would take the time of a hundred.
pub fn originals() -> Vec<PathBuf> {
    let mut paths = files_below(&repository().join("src-tauri/crates/decode/tests/fixtures"));
    if let Some(folder) = shared("dicom") {
        paths.extend(files_below(&folder));
    }
    let most = if full() { u64::MAX } else { 200 << 10 };
    paths.retain(|path| std::fs::metadata(path).is_ok_and(|about| about.len() <= most));
    paths
}

/// The hostile file of this number, and what it is: the bombs first, then files made from nothing and damaged ones.
pub fn hostile(random: &mut Random, n: usize, originals: &[PathBuf]) -> (String, Vec<u8>) {
    if n < BOMBS {
        let (kind, bytes) = bomb(n);
        (kind.to_owned(), bytes)
    } else if n.is_multiple_of(3) {
        ("crafted".to_owned(), crafted(random))
    } else {
        let original = &originals[random.below(originals.len())];
        let whole = std::fs::read(original).expect("a readable file");
        let (how, bytes) = damaged(random, &whole);
        (format!("{how} of {}", original.display()), bytes)
    }
}

/// A file whose every statement may be a lie, with whatever stands for pixels.
pub fn crafted(random: &mut Random) -> Vec<u8> {
    let (rows, columns) = (random.pick(&SIZES), random.pick(&SIZES));
    let allocated = random.pick(&[0u16, 1, 7, 8, 12, 16, 24, 32, 64, 65535]);
    let stored = if random.one_in(3) { random.number() as u16 } else { allocated.max(1) };
    let mut file = DicomFile::header(rows, columns, allocated, stored.max(1)).text(PHOTOMETRIC, b"CS", random.pick(&PHOTOMETRICS));
    for (tag, chance) in [(0x0028_0002, 3), (0x0028_0006, 4), (0x0028_0102, 3), (0x0028_0103, 3), (0x0028_0010, 12)] {
        if random.one_in(chance) {
            file = file.short(tag, random.pick(&SIZES));
        }
    }
    let numbers = ["1e308", "-1e308", "nan", "inf", "0", "-0", "1\\2\\3", "", "9999999999999999999999", "1e-320"];
    for tag in [0x0028_1050, 0x0028_1051, 0x0028_1052, 0x0028_1053, 0x0028_0030, 0x0028_0008, 0x0020_0013, 0x0028_0120] {
        if random.one_in(3) {
            file = file.text(tag, b"DS", random.pick(&numbers));
        }
    }
    for tag in [0x0028_1101, 0x0028_1201, 0x0028_3010, 0x6000_0010, 0x6000_3000, 0x0018_1600, 0x0028_3002] {
        if random.one_in(4) {
            let length = random.pick(&[0usize, 1, 2, 6, 300, 65536]);
            file = file.bytes(tag, random.pick(&VRS), random.bytes(length));
        }
    }
    if random.one_in(4) {
        let text = random.bytes(200);
        let set = random.pick(&["\\ISO 2022 IR 87", "ISO_IR 192", "GB18030", "nonsense", "\\ISO 2022 IR 149\\ISO 2022 IR 13"]);
        file = file.text(0x0008_0005, b"CS", set).bytes(0x0010_0010, b"PN", text);
    }
    if random.one_in(5) {
        let inner = DicomFile::header(1, 1, 8, 8).sequence(0x0008_1140, vec![DicomFile::default(); random.below(50)]);
        file = file.sequence(0x0008_1140, vec![inner; 1 + random.below(20)]);
    }
    let syntax = random.pick(&SYNTAXES);
    let honest = usize::from(rows) * usize::from(columns) * usize::from(allocated / 8);
    let length = match random.below(4) {
        0 => honest.min(1 << 20),
        1 => honest.min(1 << 20) / 2,
        2 => random.below(4096),
        _ => 0,
    };
    let pixels = random.bytes(length);
    file = if random.one_in(2) {
        let mut fragments: Vec<Vec<u8>> = (0..random.below(6)).map(|_| pixels.clone()).collect();
        for fragment in &mut fragments {
            let start: &[u8] = random.pick(&[&b"\xFF\xD8\xFF\xC0\x00\x11\x08"[..], b"\xFF\x4F\xFF\x51\x00\x29", b"\x01\x00\x00\x00\x40\x00\x00\x00", b""]);
            fragment.splice(0..0, start.iter().copied());
        }
        file.fragments(fragments)
    } else {
        file.words(PIXEL_DATA, random.pick(&[b"OW", b"OB", b"UN"]), pixels)
    };
    let bytes = file.write_as(syntax);
    if random.one_in(3) { mutated(random, &bytes, b"", &WORDS) } else { bytes }
}

/// One file from another, and how.
pub fn damaged(random: &mut Random, original: &[u8]) -> (&'static str, Vec<u8>) {
    let mut bytes = original.to_vec();
    match random.below(5) {
        0 => {
            bytes.truncate(random.below(bytes.len()));
            ("cut", bytes)
        }
        1 => {
            for _ in 0..1 + random.below(3) {
                length_lied_about(random, &mut bytes);
            }
            ("lying length", bytes)
        }
        2 => {
            statement_replaced(random, &mut bytes);
            ("other statement", bytes)
        }
        3 => {
            // Pixel codecs see this: what lies behind the header is damaged, the header is not.
            let from = bytes.len() / 8;
            for _ in 0..1 + random.below(32) {
                let at = from + random.below(bytes.len() - from);
                bytes[at] = random.number() as u8;
            }
            ("damaged pixels", bytes)
        }
        _ => {
            let other = original.get(..4096).unwrap_or(original).to_vec();
            ("damage", mutated(random, &bytes, &other, &WORDS))
        }
    }
}

/// Where elements in explicit VR little endian seem to begin, and where their lengths stand.
fn elements(bytes: &[u8]) -> Vec<(usize, usize, usize)> {
    let mut found = Vec::new();
    let mut at = 132;
    while at + 12 < bytes.len() && found.len() < 4000 {
        let vr = &bytes[at + 4..at + 6];
        if !vr.iter().all(u8::is_ascii_uppercase) {
            at += 2;
            continue;
        }
        let long = matches!(vr, b"OB" | b"OW" | b"SQ" | b"UN" | b"UT" | b"OF");
        let (place, width) = if long { (at + 8, 4) } else { (at + 6, 2) };
        let length = bytes[place..place + width].iter().rev().fold(0usize, |n, b| n << 8 | usize::from(*b));
        found.push((at, place, width));
        at = place + width + if length < 1 << 16 { length } else { 0 };
    }
    found
}

fn length_lied_about(random: &mut Random, bytes: &mut [u8]) {
    let places = elements(bytes);
    if places.is_empty() {
        return;
    }
    let (_, place, width) = random.pick(&places);
    let lie = random.pick(&[0u32, 1, 2, 3, 0xFFFF, 0xFFFE, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF]);
    let lie = if random.one_in(3) { random.number() as u32 } else { lie };
    if let Some(written) = bytes.get_mut(place..place + width) {
        written.copy_from_slice(&lie.to_le_bytes()[..width]);
    }
}

/// Another type, another tag, another transfer syntax, an element twice, left out or put inside out.
fn statement_replaced(random: &mut Random, bytes: &mut Vec<u8>) {
    let places = elements(bytes);
    if places.is_empty() {
        return;
    }
    let (at, place, width) = random.pick(&places);
    let end = (place + width + random.below(64)).min(bytes.len());
    match random.below(6) {
        0 => bytes[at + 4..at + 6].copy_from_slice(random.pick::<&[u8; 2]>(&VRS)),
        1 => bytes[at..at + 4].copy_from_slice(&(random.number() as u32).to_le_bytes()),
        2 => {
            let element = bytes[at..end].repeat(1 + random.below(200));
            bytes.splice(at..at, element);
        }
        3 => drop(bytes.drain(at..end)),
        4 => {
            let deep = 1 + random.below(5000);
            bytes.splice(at..at, OPEN_SEQUENCE.repeat(deep));
        }
        _ => {
            // The name of the transfer syntax stands in the first elements; any other of the same length.
            if let Some(named) = bytes.windows(17).position(|w| w == b"1.2.840.10008.1.2") {
                let other = random.pick(&SYNTAXES).as_bytes();
                let end = (named + other.len()).min(bytes.len());
                bytes.splice(named..end, other.iter().copied());
            }
        }
    }
}

/// How many [`bomb`]s there are.
pub const BOMBS: usize = 10;

/// A small file that announces or unfolds to far more than it is. Made one at a time, so that the test that
/// measures what they cost does not hold them all.
pub fn bomb(which: usize) -> (&'static str, Vec<u8>) {
    let huge = |rows, columns| DicomFile::header(rows, columns, 16, 16).words(PIXEL_DATA, b"OW", vec![0; 16]).write();
    match which {
        0 => ("a gigabyte of zeros, deflated", deflated_zeros()),
        1 => {
            let mut file = preamble_and_meta(IMPLICIT_LE);
            file.extend(DicomFile::header(16, 16, 16, 16).data_set(IMPLICIT_LE));
            for element in 0..2_000_000u32 {
                file.extend([0x29, 0x00]);
                file.extend((element as u16).to_le_bytes());
                file.extend([0; 4]);
            }
            ("two million elements", file)
        }
        2 => {
            let mut file = preamble_and_meta(EXPLICIT_LE);
            file.extend(OPEN_SEQUENCE.repeat(200_000));
            ("two hundred thousand levels", file)
        }
        3 => {
            let fragments = DicomFile::header(4, 4, 16, 16).fragments(vec![Vec::new(); 500_000]);
            ("half a million empty fragments", fragments.write_as("1.2.840.10008.1.2.4.70"))
        }
        4 => ("run lengths that unfold", run_lengths()),
        5 => ("65535 x 65535 of 16 bytes", huge(65535, 65535)),
        6 => ("16384 x 16384 of 16 bytes", huge(16384, 16384)),
        7 => {
            let file = DicomFile::header(64, 64, 16, 16).text(0x0028_0008, b"IS", "2147483647");
            ("two thousand million frames", file.words(PIXEL_DATA, b"OW", vec![0; 8192]).write())
        }
        8 => ("within every limit but that of the whole", largest_image()),
        _ => {
            let image = DicomFile::radiograph(512, 512, 12, |r, c| (r + c) as u16);
            let file = (0..16u32).fold(image, |file, n| {
                let group = 0x6000_0000 + (n << 17);
                file.short(group | 0x10, 65535).short(group | 0x11, 65535).bytes(group | 0x3000, b"OW", vec![0xFF; 4096])
            });
            ("overlays larger than the image", file.write())
        }
    }
}

fn deflated_zeros() -> Vec<u8> {
    let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    deflated.write_all(&DicomFile::header(16, 16, 16, 16).data_set(EXPLICIT_LE)).expect("deflated");
    deflated.write_all(b"\x09\x00\x10\x00UN\x00\x00\xFF\xFF\xFF\x7F").expect("deflated");
    for _ in 0..1024 {
        deflated.write_all(&[0; 1 << 20]).expect("deflated");
    }
    let mut file = preamble_and_meta(DEFLATED_LE);
    file.extend(deflated.finish().expect("deflated"));
    file
}

/// An image as large as a file may be, deflated: the file unfolded, its values, what is shown of them, and that once more
/// with an overlay behind it are more than 512 MB together. Nothing but the limit of the process counts them together.
fn largest_image() -> Vec<u8> {
    const SIDE: u16 = 7000;
    const BYTES: u32 = SIDE as u32 * SIDE as u32 * 4;
    const PIECE: u32 = 500_000;
    let header = DicomFile::header(SIDE, SIDE, 32, 32)
        .short(0x6000_0010, 8)
        .short(0x6000_0011, 8)
        .bytes(0x6000_3000, b"OW", vec![0xFF; 8]);
    let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    deflated.write_all(&header.data_set(EXPLICIT_LE)).expect("deflated");
    deflated.write_all(b"\xE0\x7F\x10\x00OW\x00\x00").expect("deflated");
    deflated.write_all(&BYTES.to_le_bytes()).expect("deflated");
    let zeros = vec![0u8; PIECE as usize];
    for _ in 0..BYTES / PIECE {
        deflated.write_all(&zeros).expect("deflated");
    }
    let mut file = preamble_and_meta(DEFLATED_LE);
    file.extend(deflated.finish().expect("deflated"));
    file
}

/// Each pair of bytes of PackBits unfolds to 128 (PS3.5 annex G).
fn run_lengths() -> Vec<u8> {
    let mut fragment = 2u32.to_le_bytes().to_vec();
    for offset in [64u32, 64] {
        fragment.extend(offset.to_le_bytes());
    }
    fragment.resize(64, 0);
    fragment.extend([0x81, 0x00].repeat(1 << 20));
    DicomFile::header(16384, 16384, 16, 16).fragments(vec![fragment]).write_as("1.2.840.10008.1.2.5")
}
