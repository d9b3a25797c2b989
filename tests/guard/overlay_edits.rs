//! The edits on a released crate (`overlays/apply.py`) go onto the very files that they were written for, or nowhere.

#![cfg(unix)]

mod common;

use common::{Listing, repository};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

/// The files of a crate, in the order of their paths.
const CRATE: [(&str, &str); 3] = [
    ("Cargo.toml", "[package]\nname = \"released\"\n"),
    ("src/lib.rs", "mod part;\npub fn one() -> u32 { 1 }\n"),
    ("src/part.rs", "// Not edited.\n"),
];

/// A released crate, an overlay with one edit of it, and the place of what is to be made of both.
struct Folders(TempDir);

fn hash(content: impl AsRef<[u8]>) -> String {
    hex::encode(Sha256::digest(content))
}

/// By what `apply.py` says of it, and not by its code.
fn crate_hash() -> String {
    hash(CRATE.map(|(path, content)| format!("{}  {path}\n", hash(content))).concat())
}

impl Folders {
    fn new() -> Self {
        let folders = Self(tempfile::tempdir().expect("a folder"));
        for (path, content) in CRATE {
            folders.write(&format!("released/{path}"), content);
        }
        // Cargo's own, which differs from version to version and is no file of the crate.
        folders.write("released/.cargo-ok", "{\"v\":1}");
        folders.write("overlay/own.rs", "// Ours.\n");
        folders.edits("u32 { 1 }", &crate_hash());
        folders
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a folder above")).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }

    /// Writes an overlay that replaces `words` in the second line of `src/lib.rs`.
    fn edits(&self, words: &str, whole: &str) {
        let (path, content) = CRATE[1];
        let edit = format!("({:?}, [(2, {words:?}, \"u32 {{ 2 }}\")])", hash(content));
        self.write("overlay/edits.py", &format!("CRATE = {whole:?}\nFILES = {{{path:?}: {edit}}}\n"));
    }

    fn apply(&self) -> Output {
        Command::new("python3")
            .arg(repository().join("overlays/apply.py"))
            .args(["overlay", "released", "made/edited"].map(|path| self.path(path)))
            .output()
            .expect("python3, which ./dev installs")
    }
}

#[test]
fn the_edits_go_onto_a_copy() {
    let folders = Folders::new();
    let ended = folders.apply();
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(folders.read("made/edited/src/lib.rs"), "mod part;\npub fn one() -> u32 { 2 }\n");
    assert_eq!(folders.read("made/edited/src/part.rs"), CRATE[2].1);
    assert_eq!(folders.read("made/edited/src/own.rs"), "// Ours.\n");
    assert_eq!(folders.read("released/src/lib.rs"), CRATE[1].1);
    // What was made once stays as it is, whatever became of the crate.
    folders.write("released/src/lib.rs", "");
    let before = Listing::of(folders.0.path(), &[]);
    assert!(folders.apply().status.success());
    assert_eq!(before.differs(&Listing::of(folders.0.path(), &[])), Vec::<PathBuf>::new());
}

#[test]
fn another_crate_is_refused_and_nothing_is_written() {
    let refused = |what: &str, said: &str, change: &dyn Fn(&Folders)| {
        let folders = Folders::new();
        change(&folders);
        let before = Listing::of(folders.0.path(), &[]);
        let ended = folders.apply();
        let words = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success() && words.contains(said), "{what}: {ended:?}");
        assert_eq!(before.differs(&Listing::of(folders.0.path(), &[])), Vec::<PathBuf>::new(), "{what}");
    };
    let more = |path: &'static str| move |folders: &Folders| folders.write(path, &format!("{}\n", folders.read(path)));
    refused("an edited file of another content", "src/lib.rs has SHA-256", &more("released/src/lib.rs"));
    refused("another file of another content", "have SHA-256", &more("released/src/part.rs"));
    refused("a file too many", "have SHA-256", &|folders| folders.write("released/src/new.rs", ""));
    refused("a file too few", "have SHA-256", &|folders| {
        std::fs::remove_file(folders.path("released/src/part.rs")).expect("a file");
    });
    refused("another hash of the crate", "have SHA-256", &|folders| folders.edits("u32 { 1 }", &hash("")));
    refused("words that are not there", "does not hold", &|folders| folders.edits("u64 { 1 }", &crate_hash()));
    refused("words that are there twice", "does not hold", &|folders| folders.edits(" ", &crate_hash()));
}
