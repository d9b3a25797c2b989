//! Keeps what programs complain of, and what they would log, beyond the test that ran them: in the folder that
//! `HILUM_LOG_FOLDER` names, where `tests/guard/log_lines` searches all of the suite's when it has ended. Without the
//! variable nothing is kept.

#![allow(dead_code, reason = "each test uses a part of this")]

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

/// The folder, where the suite is searched.
pub fn folder() -> Option<PathBuf> {
    std::env::var_os("HILUM_LOG_FOLDER").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// Keeps lines of one kind: "records", "hilumctl" or "window".
pub fn keep(kind: &str, lines: &[u8]) {
    let Some(folder) = folder().filter(|_| !lines.is_empty()) else { return };
    let path = folder.join(format!("{kind}.{}", std::process::id()));
    let end: &[u8] = if lines.ends_with(b"\n") { b"" } else { b"\n" };
    let mut file =
        File::options().create(true).append(true).open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    // In one piece, so that lines of several threads stay whole.
    file.write_all(&[lines, end].concat()).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}
