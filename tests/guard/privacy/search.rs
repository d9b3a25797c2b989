//! Looking for secrets in bytes, wherever they lie and however they are written.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A secret, by the name under which it is reported, in every form in which it is looked for.
#[derive(Clone)]
pub struct Secret {
    pub name: String,
    forms: Vec<Vec<u8>>,
}

impl Secret {
    /// A text, in UTF-8, UTF-16 of both orders, and base 64 at each of its three offsets.
    pub fn text(name: &str, text: &str) -> Secret {
        let mut forms = vec![text.as_bytes().to_vec()];
        forms.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        forms.push(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
        forms.extend((0..3).map(|offset| base64_inside(text.as_bytes(), offset)));
        Secret { name: name.to_owned(), forms }
    }

    /// Bytes, as they are, in hexadecimal digits of both cases, and base 64 at each offset.
    pub fn bytes(name: &str, bytes: &[u8]) -> Secret {
        let hex = hex::encode(bytes);
        let mut forms = vec![bytes.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()];
        forms.extend((0..3).map(|offset| base64_inside(bytes, offset)));
        Secret { name: name.to_owned(), forms }
    }

    /// How often it stands in these bytes.
    pub fn times_in(&self, bytes: &[u8]) -> usize {
        self.forms.iter().map(|form| occurrences(bytes, form)).sum()
    }
}

/// The digits that stand for `bytes` inside a longer run in base 64, whatever stands around them.
fn base64_inside(bytes: &[u8], offset: usize) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let padded: Vec<u8> = std::iter::repeat_n(0, offset).chain(bytes.iter().copied()).collect();
    let whole = padded.len() / 3 * 3;
    let digits: Vec<u8> = padded[..whole]
        .chunks(3)
        .flat_map(|c| {
            let bits = u32::from(c[0]) << 16 | u32::from(c[1]) << 8 | u32::from(c[2]);
            [18, 12, 6, 0].map(|shift| DIGITS[(bits >> shift & 63) as usize])
        })
        .collect();
    // Digits that share bits with what stands before are left out.
    digits[if offset == 0 { 0 } else { 4 }..].to_vec()
}

/// How often `needle` stands in `hay`. One byte of it is sought with the standard library's fast search: the first that
/// is not zero, because memory is full of zeros.
pub fn occurrences(hay: &[u8], needle: &[u8]) -> usize {
    assert!(needle.len() >= 6, "what is looked for is long enough to be no chance");
    let lead = needle.iter().position(|byte| *byte != 0).expect("more than zeros");
    let (mut from, mut found) = (lead, 0);
    while let Some(at) = hay.get(from..).and_then(|rest| memchr(needle[lead], rest)) {
        let at = from + at;
        if hay[at - lead..].starts_with(needle) {
            found += 1;
        }
        from = at + 1;
    }
    found
}

fn memchr(byte: u8, hay: &[u8]) -> Option<usize> {
    if hay.is_empty() {
        return None;
    }
    // SAFETY: the pointer and length are those of the slice.
    let found = unsafe { libc::memchr(hay.as_ptr().cast(), i32::from(byte), hay.len()) };
    (!found.is_null()).then(|| found as usize - hay.as_ptr() as usize)
}

/// Which secrets stand in which files below the folders, in contents or in names; and how many files there are.
pub fn in_files(folders: &[&Path], secrets: &[Secret]) -> (Vec<(String, PathBuf)>, usize) {
    let files: BTreeSet<PathBuf> = folders.iter().flat_map(|folder| crate::guard::files_below(folder)).collect();
    (in_these(&files, secrets), files.len())
}

fn in_these(files: &BTreeSet<PathBuf>, secrets: &[Secret]) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for file in files {
        let kind = std::fs::symlink_metadata(file).map(|m| m.file_type());
        // A socket or a pipe would be waited for.
        let bytes = if kind.is_ok_and(|k| k.is_file()) { std::fs::read(file).unwrap_or_default() } else { Vec::new() };
        let name = file.to_string_lossy();
        for secret in secrets {
            if secret.times_in(&bytes) + secret.times_in(name.as_bytes()) > 0 {
                found.push((secret.name.clone(), file.clone()));
            }
        }
    }
    found
}

/// Where everybody may write: the system's folders for temporary files, and the one of the person's session.
pub fn everybodys() -> Vec<PathBuf> {
    // SAFETY: getuid takes nothing and cannot fail.
    let user = unsafe { libc::getuid() };
    let session = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(|| format!("/run/user/{user}").into(), PathBuf::from);
    vec!["/tmp".into(), "/var/tmp".into(), std::env::temp_dir(), session]
}

/// What came or changed in folders since this was made.
///
/// Who wrote a file there cannot be told, and others write at the same time. So nothing is said of files that were there
/// before, each is read once in each of its states, and what is looked for has to be of this run alone: whoever wrote it
/// had it from here then.
pub struct Since {
    folders: Vec<PathBuf>,
    /// A folder within them that is looked through by itself.
    except: PathBuf,
    known: BTreeMap<PathBuf, State>,
}

/// Length and time of the last change, by which a file is known to be as it was.
type State = (u64, Option<SystemTime>);

/// Of the files of others in these folders, longer ones are too much to read.
const LONGEST: u64 = 64 << 20;

impl Since {
    pub fn now(folders: Vec<PathBuf>, except: &Path) -> Self {
        let mut since = Self { folders, except: except.to_owned(), known: BTreeMap::new() };
        since.known = since.listed();
        since
    }

    /// Of each folder what lies on its own disk: not what a desktop mounts into it, somebody's network among that.
    fn listed(&self) -> BTreeMap<PathBuf, State> {
        let mut found = BTreeMap::new();
        for top in &self.folders {
            let Ok(disk) = std::fs::metadata(top).map(|about| about.dev()) else { continue };
            let mut folders = vec![top.clone()];
            while let Some(folder) = folders.pop() {
                for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                    // Others take theirs away meanwhile.
                    let (path, Ok(about)) = (entry.path(), entry.metadata()) else { continue };
                    if path.starts_with(&self.except) || about.dev() != disk {
                        continue;
                    }
                    if about.is_dir() {
                        folders.push(path);
                    } else {
                        found.insert(path, (about.len(), about.modified().ok()));
                    }
                }
            }
        }
        found
    }

    /// Which secrets stand in what came or changed since the last time, in contents or in names; how many files that were,
    /// and how many more were too long.
    pub fn find(&mut self, secrets: &[Secret]) -> (Vec<(String, PathBuf)>, usize, usize) {
        let there = self.listed();
        let new = there.iter().filter(|(file, state)| self.known.get(*file) != Some(*state));
        let (read, long): (Vec<_>, Vec<_>) = new.partition(|(_, (length, _))| *length <= LONGEST);
        let files: BTreeSet<PathBuf> = read.into_iter().map(|(file, _)| file.clone()).collect();
        let answer = (in_these(&files, secrets), files.len(), long.len());
        self.known = there;
        answer
    }
}

/// Files that a process holds open outside of these folders, deleted ones and those without a name too.
pub fn in_open_files(process: i32, secrets: &[Secret]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten() {
        let Ok(target) = std::fs::read_link(entry.path()) else { continue };
        let name = target.to_string_lossy().into_owned();
        let regular = std::fs::metadata(entry.path()).is_ok_and(|m| m.is_file() && m.len() < 1 << 30);
        // Memory that two processes share has a name here too, and is no file of a disk.
        if regular && !name.starts_with("/memfd:") && !name.starts_with("/dev/shm") && !name.starts_with("/usr") {
            let bytes = std::fs::read(entry.path()).unwrap_or_default();
            found.extend(secrets.iter().filter(|s| s.times_in(&bytes) > 0).map(|s| (s.name.clone(), name.clone())));
        }
    }
    found
}

/// How often each secret stands in the writable memory of a process. A web view reserves tens of gigabytes and uses few,
/// so only pages that are there are read.
pub fn in_memory(process: i32, secrets: &[Secret]) -> Vec<(String, usize)> {
    use std::os::unix::fs::FileExt;
    let open = |name: &str| std::fs::File::open(format!("/proc/{process}/{name}")).expect("its memory; this needs root");
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).expect("a process of ours");
    let (memory, pages) = (open("mem"), open("pagemap"));
    let mut found: Vec<(String, usize)> = secrets.iter().map(|s| (s.name.clone(), 0)).collect();
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (range, rights) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        let Some((from, to)) = range.split_once('-') else { continue };
        let number = |text| u64::from_str_radix(text, 16).expect("an address");
        if !rights.starts_with("rw") {
            continue;
        }
        for (from, to) in present(&pages, number(from), number(to)) {
            // In pieces that overlap, so that nothing falls between two.
            const PIECE: u64 = 64 << 20;
            const OVERLAP: u64 = 1 << 10;
            let mut at = from;
            while at < to {
                let mut bytes = vec![0; (to - at).min(PIECE) as usize];
                if memory.read_exact_at(&mut bytes, at).is_ok() {
                    for (secret, (_, times)) in secrets.iter().zip(&mut found) {
                        *times += secret.times_in(&bytes);
                    }
                }
                at += if bytes.len() as u64 == PIECE { PIECE - OVERLAP } else { bytes.len() as u64 };
            }
        }
    }
    found
}

/// The parts of a range of addresses whose pages are in memory or swapped out (proc_pid_pagemap(5)).
fn present(pages: &std::fs::File, from: u64, to: u64) -> Vec<(u64, u64)> {
    use std::os::unix::fs::FileExt;
    const PAGE: u64 = 4096;
    const AT_ONCE: u64 = 1 << 17;
    let mut parts: Vec<(u64, u64)> = Vec::new();
    let mut at = from;
    while at < to {
        let count = ((to - at) / PAGE).min(AT_ONCE);
        let mut entries = vec![0u8; count as usize * 8];
        if pages.read_exact_at(&mut entries, at / PAGE * 8).is_err() {
            break;
        }
        for (n, entry) in entries.as_chunks::<8>().0.iter().enumerate() {
            // Bit 63: present; bit 62: swapped.
            if u64::from_le_bytes(*entry) >> 62 == 0 {
                continue;
            }
            let page = at + n as u64 * PAGE;
            match parts.last_mut() {
                Some((_, end)) if *end == page => *end += PAGE,
                _ => parts.push((page, page + PAGE)),
            }
        }
        at += count * PAGE;
    }
    parts
}

#[test]
fn every_form_is_found() {
    let secret = Secret::text("name", "Kanarienvogel 17");
    let base64 = |before: &str| {
        use std::io::Write;
        use std::process::{Command, Stdio};
        let mut child =
            Command::new("base64").arg("-w0").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("base64");
        child
            .stdin
            .take()
            .expect("its input")
            .write_all(format!("{before}Kanarienvogel 17 and on").as_bytes())
            .expect("to write");
        child.wait_with_output().expect("an answer").stdout
    };
    for hay in [
        b"..Kanarienvogel 17..".to_vec(),
        "..Kanarienvogel 17".encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "..Kanarienvogel 17".encode_utf16().flat_map(u16::to_be_bytes).collect(),
        base64(""),
        base64("1"),
        base64("12"),
    ] {
        // UTF-16 of one order is, but for its ends, that of the other.
        assert!(secret.times_in(&hay) >= 1, "{hay:?}");
    }
    assert_eq!(secret.times_in(b"Kanarienvogel 18"), 0);
    let key = Secret::bytes("key", &[0xAB; 32]);
    assert_eq!(key.times_in(hex::encode([0xAB; 32]).as_bytes()), 1);
    assert_eq!(key.times_in(&[0xAB; 32]), 1);
    // A key that begins with zeros, at the very beginning, at the very end, and not there for want of room.
    let key = [&[0, 0, 0xCD, 0][..], &[7; 28]].concat();
    for (hay, times) in
        [(key.clone(), 1), ([&[0; 9][..], &key].concat(), 1), (key[..31].to_vec(), 0), (key[2..].to_vec(), 0)]
    {
        assert_eq!(occurrences(&hay, &key), times, "{hay:?}");
    }
}

#[test]
fn what_came_or_changed_is_searched_and_once() {
    let root = tempfile::tempdir().expect("a folder");
    let at = |name: &str| root.path().join(name);
    let hold = |name: &str, text: &str| std::fs::write(at(name), text).expect("a file");
    let secrets = [Secret::text("name", "Kanarienvogel 17")];
    std::fs::create_dir(at("own")).expect("a folder");
    hold("before", "Kanarienvogel 17");
    hold("changed", "nothing");
    let mut since = Since::now(vec![root.path().to_owned()], &at("own"));
    let mut check = |what: &str, wanted: &[&str]| {
        let found: Vec<PathBuf> = since.find(&secrets).0.into_iter().map(|(_, file)| file).collect();
        assert_eq!(found, wanted.iter().map(|name| at(name)).collect::<Vec<_>>(), "{what}");
    };
    check("nothing is new", &[]);
    for name in ["came", "changed", "own/thing"] {
        hold(name, "a Kanarienvogel 17");
    }
    check("one came and one changed", &["came", "changed"]);
    check("both were searched", &[]);
}
