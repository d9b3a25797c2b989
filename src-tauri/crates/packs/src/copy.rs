//! One reading of a file: its hash, whether its numbers are numbers, and a copy.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use crate::error::{PackError, Result};
use crate::finite::FiniteCheck;

const CHUNK: usize = 1 << 20;

/// Reads `from` to its end, looks through it with `finite`, copies it to `to`
/// where one is given, and returns its SHA-256 in lower-case hexadecimal. `report`
/// is told of the bytes of every piece; `cancel` is looked at as often.
pub(crate) fn read_through(
    from: &Path,
    to: Option<&Path>,
    mut finite: FiniteCheck,
    report: &mut dyn FnMut(u64),
    cancel: &AtomicBool,
) -> Result<String> {
    let read_error = |source| PackError::Read { path: from.to_owned(), source };
    let write_error = |source| PackError::Write { path: to.unwrap_or(from).to_owned(), source };
    let mut reader = File::open(from).map_err(read_error)?;
    let mut writer = to.map(File::create_new).transpose().map_err(write_error)?;
    let mut hasher = Sha256::new();
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
        hasher.update(piece);
        if let Some(writer) = &mut writer {
            writer.write_all(piece).map_err(write_error)?;
        }
        report(count as u64);
    }
    if let Some(writer) = writer {
        writer.sync_all().map_err(write_error)?;
    }
    Ok(hex::encode(hasher.finalize()))
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
