//! ZIP archives (PKWARE APPNOTE.TXT 6.3), read in memory and never written anywhere.
//!
//! Only what discs and mail carry: stored and deflated members, no encryption, no spanning, no
//! ZIP64. Names decide nothing, since no member becomes a file; a name that would leave its
//! folder still says that somebody meant harm, and such a member is refused.

use flate2::{Crc, Decompress, FlushDecompress, Status};

/// Largest member, bytes: as large as the pixels of one image may be, within the memory of the decoder.
pub const MAX_MEMBER: usize = 160 << 20;
/// Most members of one archive.
const MAX_MEMBERS: usize = 20_000;
/// Most bytes of all members together.
const MAX_TOTAL: u64 = 4 << 30;
/// A member this many times larger than its compressed bytes, and larger than [`SUSPECT`], is a bomb:
/// deflated radiographs shrink to a third, collimated ones to a tenth.
const MAX_RATIO: u64 = 100;
const SUSPECT: u64 = 8 << 20;

const END: [u8; 4] = *b"PK\x05\x06";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";

/// Why an archive, or a member of it, is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    #[error("This is not a ZIP archive, or its table of contents is missing.")]
    NotZip,
    #[error("The structure of this archive is broken: {0}.")]
    Structure(&'static str),
    #[error("This archive has too many members.")]
    TooMany,
    #[error("This member is encrypted.")]
    Encrypted,
    #[error("This member is packed in a way that is not read here.")]
    Unsupported,
    #[error("This member would be far larger than any image; nothing of it was unpacked.")]
    Bomb,
    #[error("The name of this member leaves its folder; nothing of it was unpacked.")]
    UnsafeName,
    #[error("This member is damaged: its checksum does not fit.")]
    Checksum,
}

impl ArchiveError {
    pub fn code(self) -> &'static str {
        match self {
            Self::NotZip => "zip.not_zip",
            Self::Structure(_) => "zip.structure",
            Self::TooMany => "zip.too_many",
            Self::Encrypted => "zip.encrypted",
            Self::Unsupported => "zip.unsupported",
            Self::Bomb => "zip.bomb",
            Self::UnsafeName => "zip.unsafe_name",
            Self::Checksum => "zip.checksum",
        }
    }
}

/// Whether bytes begin like a ZIP archive.
pub fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(&LOCAL) || bytes.starts_with(&END)
}

/// A member before it is unpacked.
#[derive(Debug, Clone)]
pub struct Member {
    pub name: String,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    unpacked: u64,
    offset: u64,
}

/// The members of an archive that are files, in the order of its table of contents.
///
/// # Errors
/// Of the archive as a whole; what is wrong with one member is said when it is unpacked.
pub fn members(zip: &[u8]) -> Result<Vec<Member>, ArchiveError> {
    let from = zip.len().saturating_sub(22 + 0xffff);
    let end = (from..zip.len().saturating_sub(21))
        .rev()
        .find(|at| zip[*at..].starts_with(&END))
        .ok_or(ArchiveError::NotZip)?;
    let count = usize::from(u16_at(zip, end + 10).ok_or(ArchiveError::NotZip)?);
    let start = u32_at(zip, end + 16).ok_or(ArchiveError::NotZip)?;
    if count > MAX_MEMBERS {
        return Err(ArchiveError::TooMany);
    }
    let mut at = start as usize;
    let mut found: Vec<Member> = Vec::new();
    let mut taken: Vec<(u64, u64)> = Vec::new();
    let mut total = 0;
    for _ in 0..count {
        let broken = ArchiveError::Structure("its table of contents");
        if !zip.get(at..).is_some_and(|rest| rest.starts_with(&CENTRAL)) {
            return Err(broken);
        }
        let short = |by: usize| u16_at(zip, at + by).ok_or(broken);
        let long = |by: usize| u32_at(zip, at + by).map(u64::from).ok_or(broken);
        let [name_length, extra, comment] = [28, 30, 32].map(|by| short(by).map(usize::from));
        let (name_length, extra, comment) = (name_length?, extra?, comment?);
        let name = zip.get(at + 46..at + 46 + name_length).ok_or(broken)?;
        let member = Member {
            name: String::from_utf8_lossy(name).into_owned(),
            flags: short(8)?,
            method: short(10)?,
            crc: long(16)? as u32,
            packed: long(20)?,
            unpacked: long(24)?,
            offset: long(42)?,
        };
        at += 46 + name_length + extra + comment;
        total += member.unpacked;
        taken.push((member.offset, member.offset + member.packed));
        // Folders, and what a Mac adds beside each file.
        if !member.name.ends_with('/') && !member.name.starts_with("__MACOSX/") {
            found.push(member);
        }
    }
    // Members that share their bytes are how a small file holds a universe (Fifield, WOOT 2019).
    taken.sort_unstable();
    if total > MAX_TOTAL || taken.windows(2).any(|pair| pair[1].0 < pair[0].1) {
        return Err(ArchiveError::Bomb);
    }
    Ok(found)
}

/// The bytes of a member, checked against its checksum.
///
/// # Errors
/// See [`ArchiveError`]; nothing is unpacked past what the table of contents announces.
pub fn unpack(zip: &[u8], member: &Member) -> Result<Vec<u8>, ArchiveError> {
    let unsafe_name = |name: &str| {
        name.is_empty()
            || name.starts_with('/')
            || name.contains(['\\', ':', '\0'])
            || name.split('/').any(|part| part == "..")
    };
    if unsafe_name(&member.name) {
        return Err(ArchiveError::UnsafeName);
    }
    if member.flags & 1 != 0 {
        return Err(ArchiveError::Encrypted);
    }
    let ratio = member.unpacked / member.packed.max(1);
    if member.unpacked > MAX_MEMBER as u64 || (member.unpacked > SUSPECT && ratio > MAX_RATIO) {
        return Err(ArchiveError::Bomb);
    }
    let broken = ArchiveError::Structure("a member's place");
    let at = usize::try_from(member.offset).map_err(|_| broken)?;
    if !zip.get(at..).is_some_and(|rest| rest.starts_with(&LOCAL)) {
        return Err(broken);
    }
    let skip = |by: usize| u16_at(zip, at + by).map(usize::from).ok_or(broken);
    let start = at + 30 + skip(26)? + skip(28)?;
    let packed = zip.get(start..start + member.packed as usize).ok_or(broken)?;
    let bytes = match member.method {
        0 => packed.to_vec(),
        8 => inflate(packed, member.unpacked as usize)?,
        _ => return Err(ArchiveError::Unsupported),
    };
    let mut crc = Crc::new();
    crc.update(&bytes);
    if bytes.len() as u64 == member.unpacked && crc.sum() == member.crc {
        Ok(bytes)
    } else {
        Err(ArchiveError::Checksum)
    }
}

/// No more than `announced` bytes, whatever the packed ones say.
fn inflate(packed: &[u8], announced: usize) -> Result<Vec<u8>, ArchiveError> {
    let mut bytes = Vec::with_capacity(announced);
    let status = Decompress::new(false).decompress_vec(packed, &mut bytes, FlushDecompress::Finish);
    match status {
        Ok(Status::StreamEnd) => Ok(bytes),
        // There is more than was announced, or less.
        Ok(_) => Err(ArchiveError::Checksum),
        Err(_) => Err(ArchiveError::Structure("a member's packed bytes")),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
