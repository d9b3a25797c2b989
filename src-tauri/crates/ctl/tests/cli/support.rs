//! Starting `hilumctl` and looking at what it said.

#[path = "../../../../../tests/common/kept.rs"]
mod kept;

use hilum_testkit::dicom::DicomFile;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What one run of the program left behind.
pub struct Run {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().expect("hilumctl starts");
        kept::keep("hilumctl", &output.stderr);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Self { status: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Standard output as the one JSON document that it is.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e} in {:?}; errors: {}", self.out, self.err))
    }

    /// Code and file of the last line of standard error.
    pub fn error(&self) -> (String, String) {
        let line = self.err.lines().last().unwrap_or_default();
        let error: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in {:?}", self.err));
        let text = |key: &str| error["error"][key].as_str().unwrap_or_default().to_owned();
        assert!(!text("message").is_empty(), "{line}");
        (text("code"), text("file"))
    }
}

pub fn run(arguments: &[&str]) -> Run {
    Run::of(&mut hilumctl(arguments))
}

/// The program with nothing of this machine's Hilum in its environment.
pub fn hilumctl(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hilumctl"));
    command.args(arguments).env("HILUM_MODELS", models());
    for name in ["HILUM_PASSPHRASE", "HILUM_NEW_PASSPHRASE", "HILUM_RECOVERY_KEY"] {
        command.env_remove(name);
    }
    if !arguments.contains(&"--data") {
        // No test may see the packs of whoever runs it.
        command.env("HILUM_DATA", std::env::temp_dir().join("hilumctl-tests-have-no-data"));
    }
    command
}

/// The demonstration packs, or `None` with the reason on standard output.
pub fn demo() -> Option<PathBuf> {
    let models = models();
    let there = ["medgemma-demo", "medsiglip-demo"].iter().all(|name| models.join(name).join("pack.json").exists());
    if !there {
        hilum_testkit::skipped("the demonstration packs are not in models/demo");
    }
    there.then_some(models)
}

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../models/demo")
}

/// Writes a small radiograph of nobody and gives its path.
pub fn radiograph(folder: &Path) -> String {
    let path = folder.join("chest.dcm");
    // A bright middle between two dark fields, as lungs beside a heart.
    let pixel = |row: u32, column: u32| {
        let lung = (column as i64 - 20).abs().min((column as i64 - 60).abs()) < 14 && row > 12 && row < 84;
        if lung { 700 + row as u16 } else { 2600 + column as u16 }
    };
    fs::write(&path, DicomFile::radiograph(96, 80, 12, pixel).write()).expect("written");
    path.to_str().expect("UTF-8").to_owned()
}
