//! One reading of a file: its hash, whether its numbers are numbers, and a copy.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use crate::error::{PackError, Result};
use crate::finite::FiniteCheck;
use crate::rename::Beginning;

const CHUNK: usize = 1 << 20;

/// SHA-256 of one file on its way, in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hashes {
    pub read: String,
    /// Of the copy; that of what was read where the two are the same.
    pub written: String,
}

/// Reads `from` to its end, looks through it with `finite`, copies it to `to`
/// where one is given, with another `beginning` where one is given, and returns its
/// hashes. `report` is told of the bytes of every piece that was read; `cancel` is
/// looked at as often.
pub(crate) fn read_through(
    from: &Path,
    to: Option<&Path>,
    beginning: Option<&Beginning>,
    mut finite: FiniteCheck,
    report: &mut dyn FnMut(u64),
    cancel: &AtomicBool,
) -> Result<Hashes> {
    let read_error = |source| PackError::Read { path: from.to_owned(), source };
    let write_error = |source| PackError::Write { path: to.unwrap_or(from).to_owned(), source };
    let mut reader = File::open(from).map_err(read_error)?;
    let mut writer = to.map(File::create_new).transpose().map_err(write_error)?;
    let mut read = Sha256::new();
    // A copy that is the same is not hashed a second time.
    let mut written = beginning.map(|beginning| Sha256::new_with_prefix(&beginning.bytes));
    let mut left_out = beginning.map_or(0, |beginning| beginning.instead_of);
    if let (Some(writer), Some(beginning)) = (&mut writer, beginning) {
        writer.write_all(&beginning.bytes).map_err(write_error)?;
    }
    let mut buffer = vec![0; CHUNK];
    loop {
        if cancel.load(Ordering::Relaxed) {
            return Err(PackError::Cancelled);
        }
        let count = reader.read(&mut buffer).map_err(read_error)?;
        if count == 0 {
            break;
        }
        let piece = &buffer[..count];
        finite.feed(piece)?;
        read.update(piece);
        let kept = &piece[left_out.min(count as u64) as usize..];
        left_out -= (count - kept.len()) as u64;
        if let Some(written) = &mut written {
            written.update(kept);
        }
        if let Some(writer) = &mut writer {
            writer.write_all(kept).map_err(write_error)?;
        }
        report(count as u64);
    }
    if let Some(writer) = writer {
        writer.sync_all().map_err(write_error)?;
    }
    let read = hex::encode(read.finalize());
    let written = written.map_or_else(|| read.clone(), |written| hex::encode(written.finalize()));
    Ok(Hashes { read, written })
}

/// Writes a small file whole and makes it last.
pub(crate) fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| PackError::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Copies `source` with this beginning, and looks at the copy and at both hashes.
    fn check(source: &[u8], beginning: Option<(u64, &[u8])>, expected: &[u8]) {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        std::fs::write(&from, source).unwrap();
        let beginning = beginning.map(|(instead_of, bytes)| Beginning { instead_of, bytes: bytes.to_vec() });
        let mut seen = 0;
        let hashes = read_through(
            &from,
            Some(&to),
            beginning.as_ref(),
            FiniteCheck::none(),
            &mut |count| seen += count,
            &AtomicBool::new(false),
        )
        .unwrap();
        assert_eq!(std::fs::read(&to).unwrap(), expected);
        let hash = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
        assert_eq!(hashes, Hashes { read: hash(source), written: hash(expected) });
        assert_eq!(seen, source.len() as u64);
    }

    #[test]
    fn a_copy_may_begin_otherwise() {
        check(b"", None, b"");
        check(b"head and data", None, b"head and data");
        check(b"head and data", Some((4, b"a longer head")), b"a longer head and data");
        check(b"head", Some((4, b"")), b"");
        // A header that is longer than a piece.
        let long: Vec<u8> = (0..3 * CHUNK + 5).map(|n| n as u8).collect();
        for cut in [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 7] {
            check(&long, Some((cut as u64, b"new")), &[b"new", &long[cut..]].concat());
        }
    }
}
