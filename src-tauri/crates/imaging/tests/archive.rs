//! ZIP archives, honest and hostile, written byte by byte.

use flate2::{Compression, Crc, write::DeflateEncoder};
use hilum_imaging::archive::{ArchiveError, MAX_MEMBER, is_zip, members, unpack};
use std::io::Write;

struct Entry {
    name: &'static str,
    method: u16,
    flags: u16,
    crc: u32,
    packed: Vec<u8>,
    unpacked: u32,
}

fn entry(name: &'static str, bytes: &[u8], deflate: bool) -> Entry {
    let mut crc = Crc::new();
    crc.update(bytes);
    let packed = if deflate {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("to deflate");
        encoder.finish().expect("to deflate")
    } else {
        bytes.to_vec()
    };
    let method = if deflate { 8 } else { 0 };
    Entry { name, method, flags: 0, crc: crc.sum(), packed, unpacked: bytes.len() as u32 }
}

/// Offsets may be turned by `place`, as a hostile archive has them.
fn zip_with(entries: &[Entry], place: impl Fn(usize, u32) -> u32) -> Vec<u8> {
    let (mut out, mut table) = (Vec::new(), Vec::new());
    for (i, e) in entries.iter().enumerate() {
        let offset = place(i, out.len() as u32);
        let common = |out: &mut Vec<u8>| {
            for short in [e.flags, e.method, 0, 0] {
                out.extend(short.to_le_bytes());
            }
            for long in [e.crc, e.packed.len() as u32, e.unpacked] {
                out.extend(long.to_le_bytes());
            }
            out.extend((e.name.len() as u16).to_le_bytes());
            out.extend(0u16.to_le_bytes());
        };
        out.extend(*b"PK\x03\x04\x14\0");
        common(&mut out);
        out.extend(e.name.as_bytes());
        out.extend(&e.packed);
        table.extend(*b"PK\x01\x02\x14\0\x14\0");
        common(&mut table);
        table.extend([0; 10]);
        table.extend(offset.to_le_bytes());
        table.extend(e.name.as_bytes());
    }
    let start = out.len() as u32;
    let length = table.len() as u32;
    out.extend(table);
    out.extend(*b"PK\x05\x06\0\0\0\0");
    for _ in 0..2 {
        out.extend((entries.len() as u16).to_le_bytes());
    }
    out.extend(length.to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend(0u16.to_le_bytes());
    out
}

fn zip(entries: &[Entry]) -> Vec<u8> {
    zip_with(entries, |_, honest| honest)
}

/// What becomes of the only member.
fn one(entry: Entry) -> Result<Vec<u8>, ArchiveError> {
    let bytes = zip(&[entry]);
    let found = members(&bytes)?;
    unpack(&bytes, &found[0])
}

#[test]
fn members_come_as_they_were_put_in() {
    let long: Vec<u8> = (0..100_000u32).map(|n| (n * n >> 7) as u8).collect();
    let bytes = zip(&[
        entry("DICOM/", b"", false),
        entry("DICOM/A", b"stored", false),
        entry("__MACOSX/DICOM/._A", b"x", false),
        entry("DICOM/B", &long, true),
    ]);
    assert!(is_zip(&bytes));
    let found = members(&bytes).expect("members");
    assert_eq!(found.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["DICOM/A", "DICOM/B"]);
    assert_eq!(unpack(&bytes, &found[0]).expect("bytes"), b"stored");
    assert_eq!(unpack(&bytes, &found[1]).expect("bytes"), long);
}

#[test]
fn hostile_members_are_refused() {
    for name in ["../evil", "a/../../evil", "/etc/passwd", "C:\\evil", "a\\b", ""] {
        assert_eq!(one(entry(name, b"x", false)), Err(ArchiveError::UnsafeName), "{name}");
    }
    // Sixteen megabytes of nothing, and a size that is only claimed.
    assert_eq!(one(entry("bomb", &vec![0; 16 << 20], true)), Err(ArchiveError::Bomb));
    let claimed = Entry { unpacked: MAX_MEMBER as u32 + 1, ..entry("claims", b"x", false) };
    assert_eq!(one(claimed), Err(ArchiveError::Bomb));
    // More comes out than the table says: it ends there.
    let more = Entry { unpacked: 10, ..entry("more", &[7; 1000], true) };
    assert_eq!(one(more), Err(ArchiveError::Checksum));
    assert_eq!(one(Entry { crc: 1, ..entry("damaged", b"x", false) }), Err(ArchiveError::Checksum));
    assert_eq!(one(Entry { flags: 1, ..entry("secret", b"x", false) }), Err(ArchiveError::Encrypted));
    assert_eq!(one(Entry { method: 12, ..entry("other", b"x", false) }), Err(ArchiveError::Unsupported));
    assert!(matches!(one(Entry { method: 8, ..entry("torn", &[0xff; 9], false) }), Err(ArchiveError::Structure(_))));
}

#[test]
fn members_that_share_their_bytes_are_a_bomb() {
    let bytes = zip_with(&[entry("a", b"the same", false), entry("b", b"the same", false)], |_, _| 0);
    assert_eq!(members(&bytes).map(drop), Err(ArchiveError::Bomb));
}

#[test]
fn what_is_cut_short_or_no_archive_is_said_to_be() {
    let whole = zip(&[entry("a", b"bytes", false), entry("b", b"more", true)]);
    assert_eq!(members(b"PK\x03\x04 and nothing").map(drop), Err(ArchiveError::NotZip));
    assert_eq!(members(b"").map(drop), Err(ArchiveError::NotZip));
    // Nothing that is left of it makes the reader fall over.
    for end in 0..whole.len() {
        if let Ok(found) = members(&whole[..end]) {
            found.iter().for_each(|m| drop(unpack(&whole[..end], m)));
        }
    }
    for at in 0..whole.len() {
        let mut turned = whole.clone();
        turned[at] ^= 0xff;
        if let Ok(found) = members(&turned) {
            found.iter().for_each(|m| drop(unpack(&turned, m)));
        }
    }
}
