//! What a test leaves out, said where the end of a run finds it.
//!
//! Crates that do without this one take the file by its path.

use std::fmt::Display;
use std::io::Write;

/// Says that a test or a part of one is left out, and why: on standard output, and as a line of the file that `HILUM_SKIPPED`
/// names, since cargo hides what a test prints that passes. `./dev test` and `./dev check-long` name one, and print at
/// their end what is in it (`tests/skipped`).
pub fn skipped(reason: impl Display) {
    let reason = reason.to_string().replace(['\n', '\t'], " ");
    println!("skipped: {reason}");
    let Some(file) = std::env::var_os("HILUM_SKIPPED").filter(|file| !file.is_empty()) else { return };
    let program = std::env::current_exe().unwrap_or_default();
    let program = program.file_stem().unwrap_or_default().to_string_lossy();
    // Cargo puts a hash behind the name of a test.
    let test = program.rsplit_once('-').map_or(&*program, |(name, _)| name);
    // In one piece: several tests write at the same time.
    let line = format!("{reason}\t{test}\n");
    let written = std::fs::File::options()
        .create(true)
        .append(true)
        .open(&file)
        .and_then(|mut list| list.write_all(line.as_bytes()));
    // A reason that is kept nowhere would be a test that passes unseen.
    written.unwrap_or_else(|e| panic!("HILUM_SKIPPED ({}): {e}", file.display()));
}
