//! Hostile ZIP archives: every cut, every lying number, loops and bombs are answered within the archive's own
//! size, by the reader that the decode child runs.

mod archives;
mod common;

use archives::archive;
use common::over_corpus;
use hilum_imaging::archive::{MAX_MEMBER, members, unpack};

/// Members that are read, and bytes that came out of them.
fn judged(bytes: &[u8]) -> String {
    let found = match members(bytes) {
        Ok(found) => found,
        Err(refused) => return refused.code().to_owned(),
    };
    let (mut good, mut last) = (0, "none");
    for member in &found {
        match unpack(bytes, member) {
            Ok(out) => {
                assert!(out.len() <= MAX_MEMBER, "a member of {} bytes", out.len());
                let climbs = member.name.split('/').any(|part| part == "..") || member.name.starts_with('/');
                assert!(!climbs, "{:?} leaves its folder", member.name);
                good += 1;
            }
            Err(refused) => last = refused.code(),
        }
    }
    format!("{} good, {last}", if good == 0 { "none" } else if good == found.len() { "all" } else { "some" })
}

#[test]
fn damaged_archives_get_an_answer() {
    let seeds = [
        archive(&["A", "B", "folder/", "folder/C"], b"what a member holds", |_, _| {}),
        archive(&["../../evil", "/etc/passwd", "C:\\evil", "..", "a/../b"], b"x", |_, _| {}),
        // All members are the same bytes; and each announces all that a number can.
        archive(&["A", "B"], b"shared", |_, entry| entry[42..46].fill(0)),
        archive(&["A"], b"short", |_, entry| entry[24..28].fill(0xFF)),
        archive(&["A"], b"short", |_, entry| entry[20..24].fill(0xFF)),
        archive(&["A"], b"short", |_, entry| entry[28..34].fill(0xFF)),
        // A place behind the end, and one inside the table of contents.
        archive(&["A"], b"short", |_, entry| entry[42..46].fill(0xFE)),
        archive(&["A", "B"], b"loop", |n, entry| entry[42] = entry[42].wrapping_add(n as u8 * 60)),
    ];
    let words: [&[u8]; 8] =
        [b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"../", b"\xFF\xFF\xFF\xFF", b"\x08\0"];
    let answers = over_corpus("hostile_archives", &seeds, &words, 4000, judged);
    for kind in ["zip.not_zip", "zip.structure", "zip.bomb", "all good, none"] {
        assert!(answers.iter().any(|answer| answer.starts_with(kind)), "{kind} is among {answers:?}");
    }
    assert_eq!(judged(&seeds[1]), "none good, zip.unsafe_name");
}

/// A member that says honestly that it is larger than any image.
#[test]
fn an_honest_bomb_is_not_unpacked() {
    use std::io::Write;
    let (zeros, mut crc) = (vec![0u8; 1 << 20], flate2::Crc::new());
    let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    let pieces = (MAX_MEMBER >> 20) + 1;
    for _ in 0..pieces {
        deflated.write_all(&zeros).expect("deflated");
        crc.update(&zeros);
    }
    let packed = deflated.finish().expect("deflated");
    let bomb = archive(&["A"], &packed, |_, entry| {
        entry[10..12].copy_from_slice(&8u16.to_le_bytes());
        entry[16..20].copy_from_slice(&crc.sum().to_le_bytes());
        entry[24..28].copy_from_slice(&((pieces << 20) as u32).to_le_bytes());
    });
    assert_eq!(judged(&bomb), "none good, zip.bomb");
}

/// Every number of an honest archive, replaced by every edge.
#[test]
fn every_number_may_lie() {
    let whole = archive(&["A", "folder/B"], b"what a member holds", |_, _| {});
    let mut tried = 0;
    for at in 0..whole.len() {
        for width in [1, 2, 4] {
            for lie in [0u32, 1, 0x7FFF_FFFF, 0xFFFF_FFFF, whole.len() as u32, at as u32] {
                let mut bytes = whole.clone();
                let end = (at + width).min(bytes.len());
                bytes[at..end].copy_from_slice(&lie.to_le_bytes()[..end - at]);
                judged(&bytes);
                tried += 1;
            }
        }
    }
    println!("hostile_archives: {tried} lying numbers, 0 panics");
}
