//! Hostile files write nowhere: images, archives, tables of contents and model packs that name other places are imported,
//! checked and added by the real programs under `strace`, and every path that any of them opens for writing, makes,
//! renames or removes lies in the data folder.

#![cfg(target_os = "linux")]

mod archives;
mod common;
mod dicom_damage;

use archives::archive;
use common::{Random, amount, mutated};
use dicom_damage::{BOMBS, WORDS, bomb, crafted, damaged};
use hilum_testkit::dicom::{DicomFile, EXPLICIT_LE, INSTANCE_UID};
use hilum_testkit::siglip::TinySiglip;
use hilum_testkit::skipped;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Output};

const PASSPHRASE: &str = "a long passphrase";
/// Places that no file is made in: where output is thrown away, and where a child says that it may go first.
const HARMLESS: [&str; 2] = ["/dev/null", "/proc/self/oom_score_adj"];
/// Calls that change something at the paths that they name. Of those that open, the ones for writing are meant.
const CHANGES: [&str; 23] = [
    "creat", "mkdir", "mkdirat", "mknod", "mknodat", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat",
    "unlink", "unlinkat", "rmdir", "truncate", "chmod", "fchmodat", "chown", "lchown", "fchownat", "utimensat", "setxattr",
];
const OPENS: [&str; 3] = ["open", "openat", "openat2"];
const WRITING: [&str; 5] = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_TMPFILE"];

/// The folders of one try.
struct Place {
    root: tempfile::TempDir,
    hilumctl: PathBuf,
}

impl Place {
    fn at(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A program under `strace`; gives its end, and the paths outside of the data folder that it or a child changed.
    fn traced(&self, program: &Path, arguments: &[&str]) -> (Output, Vec<PathBuf>) {
        let (trace, start) = (self.at("trace"), self.at("outside/start"));
        let mut command = Command::new("strace");
        command.args(["-f", "-y", "--seccomp-bpf", "-qq", "-e", "trace=%file", "-o"]).arg(&trace).arg(program).args(arguments);
        command.current_dir(&start).env("HOME", self.at("outside/home")).env("TMPDIR", self.at("outside/tmp"));
        let output = command.env("HILUM_PASSPHRASE", PASSPHRASE).output().expect("strace runs");
        let said = std::fs::read(&trace).expect("a trace");
        let changed = changed(&String::from_utf8_lossy(&said), &start);
        assert!(!changed.is_empty() || said.len() > 1000, "something was traced");
        let outside = |path: &PathBuf| !path.starts_with(self.at("data")) && !HARMLESS.iter().any(|place| path == Path::new(place));
        (output, changed.into_iter().filter(outside).collect())
    }

    /// `hilumctl` on the data folder.
    fn ctl(&self, arguments: &[&str]) -> (Output, Vec<PathBuf>) {
        let data = self.at("data").display().to_string();
        self.traced(&self.hilumctl, &[&["--json", "--data", &data][..], arguments].concat())
    }
}

/// Paths that a trace names in a call that changes them, in full; `start` is where the program began.
fn changed(trace: &str, start: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for line in trace.lines() {
        let Some((before, arguments)) = line.split_once('(') else { continue };
        let call = before.rsplit(' ').next().unwrap_or_default();
        let opens = OPENS.contains(&call) && WRITING.iter().any(|flag| arguments.contains(flag));
        if !opens && !CHANGES.contains(&call) {
            continue;
        }
        // `5</a/folder>, "name"`: what a name without a slash at its beginning begins from.
        let mut folder = start.to_owned();
        for (n, piece) in arguments.split('"').enumerate() {
            if n % 2 == 1 {
                found.push(in_full(&folder, piece));
            } else if let Some((_, after)) = piece.rsplit_once('<')
                && let Some((at, _)) = after.split_once('>')
            {
                folder = PathBuf::from(at);
            }
        }
    }
    found
}

/// A path without steps up, as the system would go it where nothing is a link.
fn in_full(folder: &Path, name: &str) -> PathBuf {
    let mut out = PathBuf::new();
    for part in folder.join(name).components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

/// `None`, with the reason printed, where this cannot be tried.
fn place() -> Option<Place> {
    let able = Command::new("strace").args(["-f", "--seccomp-bpf", "-o", "/dev/null", "true"]).output();
    if !able.is_ok_and(|tried| tried.status.success()) {
        skipped("what hostile files have the programs write (strace is not installed, or may not trace here)");
        return None;
    }
    let hilumctl = Path::new(env!("CARGO_BIN_EXE_hilum-decode")).with_file_name("hilumctl");
    if !hilumctl.exists() {
        skipped(format_args!("{} is not built; ./dev test builds it", hilumctl.display()));
        return None;
    }
    let place = Place { root: tempfile::tempdir().expect("a folder"), hilumctl };
    for name in ["data", "outside/start", "outside/home", "outside/tmp", "given/images", "given/archives"] {
        std::fs::create_dir_all(place.at(name)).expect("a folder");
    }
    std::fs::write(place.at("outside/LETTER"), "Dear colleague,").expect("a file");
    Some(place)
}

fn radiograph(number: usize) -> DicomFile {
    DicomFile::radiograph(32, 32, 12, move |row, column| (row * column) as u16 + number as u16).text(INSTANCE_UID, b"UI", &format!("2.25.77.{number}"))
}

/// Images: honest ones, crafted, damaged and bombs; a table of contents that names what lies outside; archives.
fn hostile_files(place: &Place, random: &mut Random) -> usize {
    let cases = amount(20, 200);
    let whole = radiograph(0).write();
    std::fs::write(place.at("given/images/honest.dcm"), &whole).expect("a file");
    for n in 0..cases {
        let bytes = match n {
            n if n < BOMBS => bomb(n).1,
            n if n % 2 == 0 => crafted(random),
            _ => damaged(random, &radiograph(n).write()).1,
        };
        std::fs::write(place.at(&format!("given/images/{n:03}.dcm")), bytes).expect("a file");
    }
    let records = ["..\\..\\outside\\LETTER", "/etc/passwd", "C:\\WINDOWS", "images\\honest.dcm", "DICOMDIR"];
    let record = |file: &&str| DicomFile::default().text(0x0004_1430, b"CS", "IMAGE").text(0x0004_1500, b"CS", file);
    let table = DicomFile::default().text(0x0008_0016, b"UI", "1.2.840.10008.1.3.10").text(INSTANCE_UID, b"UI", "2.25.99");
    let table = table.sequence(0x0004_1220, records.iter().map(record).collect()).write_as(EXPLICIT_LE);
    std::fs::write(place.at("given/DICOMDIR"), &table).expect("a file");
    let names = [
        "../../outside/evil", "/tmp/evil", "C:\\evil", "..", "a/../../evil", "good/../evil", "~/evil", "$HOME/evil", "../data/vault.json", "evil\0.dcm", "honest",
    ];
    let traversal = archive(&names, &radiograph(1).write(), |_, _| {});
    for n in 0..cases {
        let bytes = if n == 0 { traversal.clone() } else { mutated(random, &traversal, &whole, &WORDS) };
        std::fs::write(place.at(&format!("given/archives/{n:03}.zip")), bytes).expect("a file");
    }
    2 * cases + 2
}

/// Model folders: honest, with damaged descriptions, and with one that says that its weights lie elsewhere.
fn hostile_packs(place: &Place, random: &mut Random) -> Vec<String> {
    let elsewhere = r#"{"metadata":{"total_size":1},"weight_map":{"a":"../../outside/LETTER","b":"/etc/passwd","c":"../../data/vault.json"}}"#;
    (0..amount(4, 40))
        .map(|n| {
            let folder = place.at(&format!("given/pack-{n}"));
            std::fs::create_dir_all(&folder).expect("a folder");
            TinySiglip::references()[0].1.write(&folder).expect("a checkpoint");
            let config = folder.join("config.json");
            match n % 4 {
                0 => {}
                1 => {
                    std::fs::remove_file(folder.join("model.safetensors")).expect("removed");
                    std::fs::write(folder.join("model.safetensors.index.json"), elsewhere).expect("a file");
                }
                2 => {
                    std::fs::remove_file(folder.join("model.safetensors")).expect("removed");
                    std::os::unix::fs::symlink("../../outside/LETTER", folder.join("model.safetensors")).expect("a link");
                }
                _ => {
                    let whole = std::fs::read(&config).expect("a configuration");
                    std::fs::write(&config, mutated(random, &whole, &whole, &[b"../../outside/evil", b"\"_name_or_path\":\"/tmp/evil\","])).expect("a file");
                }
            }
            folder.display().to_string()
        })
        .collect()
}

#[test]
fn nothing_is_written_outside_of_the_data_folder() {
    let Some(place) = place() else { return };
    let mut random = Random::new(0x9A78);
    // The watch can fail: it sees a program that writes where it should not, also from a folder of its own.
    std::fs::write(place.at("outside/old"), "x").expect("a file");
    for script in ["echo evil > ../evil", "cd .. && mkdir evil-folder", "rm ../old"] {
        let (_, outside) = place.traced(Path::new("/bin/sh"), &["-c", script]);
        assert!(outside.iter().any(|path| path.starts_with(place.at("outside"))), "{script}: {outside:?}");
    }
    let mut wrong = Vec::new();
    let mut ran = 0;
    let mut run = |arguments: &[&str]| {
        let (output, outside) = place.ctl(arguments);
        ran += 1;
        wrong.extend(outside.into_iter().map(|path| format!("{arguments:?}: {}", path.display())));
        output
    };
    let made = run(&["user", "add", "Dr A. Reader"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let files = hostile_files(&place, &mut random);
    let given = place.at("given").display().to_string();
    let imported = run(&["import", &given]);
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let said = String::from_utf8_lossy(&imported.stdout).into_owned();
    assert!(said.contains("\"imported\"") && said.contains("zip.unsafe_name"), "{said}");
    let packs = hostile_packs(&place, &mut random);
    for (n, pack) in packs.iter().enumerate() {
        run(&["pack", "check", pack]);
        let id = ["honest", "../../outside/evil", "/tmp/evil", ".."][n % 4];
        let added = run(&["pack", "add", pack, "--id", id, "--name", "../evil", "--accept-terms"]);
        assert!(n % 4 == 0 || !added.status.success(), "{pack} as {id} is taken");
    }
    println!("{files} files and {} packs, {ran} programs traced: nothing written outside of the data folder", packs.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_trace_is_read_as_the_system_wrote_it() {
    let check = |line: &str, expected: &[&str]| {
        let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
        assert_eq!(changed(line, Path::new("/start")), expected, "{line}");
    };
    check("12 openat(AT_FDCWD</start>, \"/a/b\", O_RDONLY|O_CLOEXEC) = 3</a/b>", &[]);
    check("12 openat(AT_FDCWD</start>, \"/a/b\", O_WRONLY|O_CREAT, 0644) = 3</a/b>", &["/a/b"]);
    check("12 openat(AT_FDCWD, \"b\", O_RDWR) = -1 ENOENT (No such file or directory)", &["/start/b"]);
    check("12 openat(5</data/packs>, \"../b\", O_WRONLY|O_CREAT <unfinished ...>", &["/data/b"]);
    check("12 <... openat resumed>) = 3</a/b>", &[]);
    check("12 renameat2(5</data>, \"a\", 6</other>, \"b\", 0) = 0", &["/data/a", "/other/b"]);
    check("12 unlink(\"/data/../x\") = 0", &["/x"]);
    check("12 mkdir(\"here\", 0777) = 0", &["/start/here"]);
    check("12 stat(\"/a\", {st_mode=S_IFREG|0644, st_size=1, ...}) = 0", &[]);
}
