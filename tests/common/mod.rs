//! What the whole-app tests share.

pub mod kept;
pub mod records;

use std::path::{Path, PathBuf};

/// The repository's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Radiographs to try: the project's own synthetic one, and real ones where the shared
/// data folder is.
pub fn radiographs() -> Vec<PathBuf> {
    let mut files = vec![root().join("tests/fixtures/synthetic-cxr.dcm")];
    let real = root().join("../shared/data/dicom/cxr/RG1_UNCR_mono1_15bit.dcm");
    if real.is_file() {
        files.push(real);
    } else {
        hilum_testkit::skipped(format_args!("the real radiograph ({} is not there)", real.display()));
    }
    files
}

/// Points the helpers to the demo packs of this checkout, which cargo's target folder may
/// not be inside of.
pub fn use_demo_packs() {
    // SAFETY: called first thing in a test, before it starts any thread of its own.
    unsafe { std::env::set_var("HILUM_MODELS", root().join("models/demo")) };
    if kept::folder().is_some() {
        records::listen();
    }
}

/// What pyHanko says of a signed document, given the signer's certificate: true when it
/// is valid, trusted and covers the entire file. `None`, with the reason printed, where no
/// Python with pyHanko is named by `HILUM_PYTHON`.
pub fn pyhanko_accepts(pdf: &Path, certificate: &Path) -> Option<bool> {
    let Some(python) = std::env::var_os("HILUM_PYTHON") else {
        hilum_testkit::skipped("pyHanko's verdict (HILUM_PYTHON is not set; ./dev test sets it)");
        return None;
    };
    let output = std::process::Command::new(python)
        .arg(root().join("tests/pdf/pyhanko_check.py"))
        .arg(pdf)
        .arg(certificate)
        .output()
        .expect("Python runs");
    let said: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
    println!("pyHanko: {said}");
    Some(said["bottom_line"] == true && said["trusted"] == true && said["coverage"] == "ENTIRE_FILE")
}
