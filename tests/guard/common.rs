//! What the guards share: how much they do, chance from a seed, damage to bytes, loops over a kept corpus,
//! and what a folder held before and after.
//!
//! Every guard has a small form, which `./dev test` runs, and a full form with `HILUM_GUARD_FORM=full`, which
//! `./dev check-long` runs. Chance comes from `HILUM_GUARD_SEED` (0 where it is not set), so that a
//! failure comes back with the seed that it prints.
//!
//! The loops mutate with a seed instead of going through cargo-fuzz: that needs a nightly compiler, and this
//! project builds with the stable one. What takes the place of its coverage is novelty of the answer: an
//! input that gets an answer which none before it got is mutated further, and kept.

#![allow(dead_code, reason = "each guard uses a part of this")]

#[path = "../../src-tauri/crates/testkit/src/skipped.rs"]
mod skipped;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// True in the full form.
pub fn full() -> bool {
    std::env::var_os("HILUM_GUARD_FORM").is_some_and(|form| form == "full")
}

/// How many cases to try: `HILUM_GUARD_CASES` where it is set, or what the form asks for.
pub fn amount(small: usize, large: usize) -> usize {
    let asked = std::env::var("HILUM_GUARD_CASES").ok().and_then(|n| n.parse().ok());
    asked.unwrap_or(if full() { large } else { small })
}

/// How long a loop over a corpus goes on in the full form: `HILUM_FUZZ_SECONDS`, or ten minutes.
fn seconds() -> u64 {
    std::env::var("HILUM_FUZZ_SECONDS").ok().and_then(|n| n.parse().ok()).unwrap_or(600)
}

/// The repository, seen from the crate whose guard this is.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().find(|folder| folder.join("tests/guard").is_dir());
    root.expect("the crate lies in the repository").to_owned()
}

/// A folder of the shared test data, or `None` with the reason printed.
pub fn shared(folder: &str) -> Option<PathBuf> {
    let path = repository().join("../shared/data").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    skipped::skipped(format_args!("the shared test data ({folder}) are not beside the repository"));
    None
}

/// The files of a folder and of those below it, in a fixed order; none where it is missing. Links are not followed.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder { folders.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found.sort();
    found
}

/// Numbers by SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
pub struct Random(u64);

impl Random {
    /// `stream` keeps the parts of one guard apart.
    pub fn new(stream: u64) -> Self {
        let seed = std::env::var("HILUM_GUARD_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(0u64);
        Self(seed.wrapping_mul(0xA24B_AED4_963E_E407) ^ stream)
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// 0 to `bound` - 1; 0 where the bound is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.number() % bound.max(1) as u64) as usize
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.number() as u8).collect()
    }
}

/// Numbers at which lengths, counts and offsets break.
const EDGES: [u64; 16] =
    [0, 1, 2, 7, 8, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF];

/// Longest input that mutation makes of a short one, bytes.
const LONGEST: usize = 1 << 16;

/// One to four damages: bits, bytes, lengths and numbers, cuts, insertions, repetitions, words of the
/// format, and pieces of another input.
pub fn mutated(random: &mut Random, input: &[u8], other: &[u8], words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..1 + random.below(4) {
        let at = random.below(bytes.len() + 1);
        let length = random.below((bytes.len() - at).min(64) + 1);
        match random.below(11) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = random.number() as u8,
            2 => {
                let width = random.pick(&[1usize, 2, 4, 8]);
                let edge = if random.one_in(3) { random.number() } else { random.pick(&EDGES) };
                let number =
                    if random.one_in(4) { (bytes.len() as u64).wrapping_add(edge % 17).wrapping_sub(8) } else { edge };
                let little = number.to_le_bytes();
                let mut written = little[..width].to_vec();
                if random.one_in(2) {
                    written.reverse();
                }
                let end = (at + width).min(bytes.len());
                bytes.splice(at..end, written);
            }
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at..at + length)),
            5 => {
                let piece = bytes[at..at + length].to_vec();
                let times = if random.one_in(8) { 1000 } else { 4 };
                for _ in 0..1 + random.below(times) {
                    if bytes.len() + piece.len() > LONGEST.max(input.len() * 2) {
                        break;
                    }
                    bytes.splice(at..at, piece.iter().copied());
                }
            }
            6 => {
                let noise = random.below(16);
                let noise = random.bytes(noise);
                bytes.splice(at..at, noise);
            }
            7 | 8 if !words.is_empty() => {
                let word = random.pick(words);
                let end = if random.one_in(2) { (at + word.len()).min(bytes.len()) } else { at };
                bytes.splice(at..end, word.iter().copied());
            }
            9 if !other.is_empty() => {
                let from = random.below(other.len());
                let piece = &other[from..(from + random.below(256)).min(other.len())];
                bytes.splice(at..at + length, piece.iter().copied());
            }
            _ => {
                // A digit of a number that is written out.
                if let Some(digit) = bytes[at..].iter().position(u8::is_ascii_digit) {
                    let more: &[u8] = random.pick(&[&b"9"[..], b"0", b"-1", b"99999999999999999999", b"1e308"]);
                    bytes.splice(at + digit..at + digit + 1, more.iter().copied());
                }
            }
        }
    }
    bytes
}

/// Longest that one input may take, seconds of wall time. A guard against running away and no figure of
/// speed: the slowest answer of any target takes a hundredth of it.
const RUNAWAY: u64 = 20;
/// Inputs are kept by `HILUM_FUZZ_KEEP` up to this size, bytes, and so many of each target.
const KEPT: (usize, usize) = (4096, 40);

/// Runs `judge` over the corpus `tests/guard/corpus/NAME`, over `seeds`, and over what mutation makes of
/// them: `rounds` times in the small form, for [`seconds`] in the full one. `judge` gives the answer in a
/// few words; it must not panic, and must come back.
///
/// An input on which it panics is made as short as it can be while it still does, and lies in cargo's folder
/// for tests under `guard/NAME`; mended, it belongs into the corpus. With `HILUM_FUZZ_KEEP` set, short seeds and
/// inputs with new answers are written to the corpus; a target whose corpus was never kept fails, because
/// what an earlier run found would not be tried again.
pub fn over_corpus(
    name: &str,
    seeds: &[Vec<u8>],
    words: &[&[u8]],
    rounds: usize,
    judge: impl Fn(&[u8]) -> String,
) -> BTreeSet<String> {
    let corpus = repository().join("tests/guard/corpus").join(name);
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guard").join(name);
    std::fs::create_dir_all(&scratch).expect("cargo's folder for tests");
    let keep = std::env::var_os("HILUM_FUZZ_KEEP").is_some();
    let fits = |seed: &&Vec<u8>| seed.len() <= KEPT.0;
    if keep {
        seeds.iter().filter(fits).for_each(|seed| keep_in(&corpus, seed));
    }
    let mut kept = files_below(&corpus).len();
    let wanted = seeds.is_empty() || seeds.iter().any(|seed| fits(&seed));
    assert!(kept > 0 || !wanted, "{name}: tests/guard/corpus/{name} holds nothing; HILUM_FUZZ_KEEP=1 writes it");
    let mut inputs: Vec<Vec<u8>> = seeds.to_vec();
    inputs.extend(files_below(&corpus).iter().map(|file| std::fs::read(file).expect("a readable corpus")));
    inputs.sort();
    inputs.dedup();
    let begun = Instant::now();
    let until = begun + Duration::from_secs(seconds());
    let mut random = Random::new(name.bytes().fold(7, |hash, b| hash * 31 + u64::from(b)));
    let mut answers = BTreeSet::new();
    let mut slowest = Duration::ZERO;
    let (first, mut tried) = (inputs.len(), 0);
    loop {
        let goes_on = if full() { Instant::now() < until } else { tried < first + rounds };
        let input = match inputs.get(tried).filter(|_| tried < first) {
            Some(input) => input.clone(),
            None if !goes_on => break,
            None => {
                let (one, other) = (random.below(inputs.len()), random.below(inputs.len()));
                mutated(&mut random, &inputs[one], &inputs[other], words)
            }
        };
        // Written before it is tried, since an exhausted stack takes the whole process along.
        if full() || tried % 64 == 0 {
            let _ = std::fs::write(scratch.join("last"), &input);
        }
        let at = Instant::now();
        let Some(answer) = quietly(&judge, &input) else {
            let shortest = shortened(&input, |input| quietly(&judge, input).is_none());
            let path = scratch.join(format!("fault-{tried}"));
            std::fs::write(&path, &shortest).expect("a reproducer");
            println!("{name}: input {tried} panics; what is needed of it is in {}", path.display());
            // Once more, and heard: its words are the test's.
            judge(&shortest);
            panic!("{name}: input {tried} panics, but not twice");
        };
        let took = at.elapsed();
        slowest = slowest.max(took);
        if took.as_secs() >= RUNAWAY {
            let path = scratch.join(format!("slow-{tried}"));
            std::fs::write(&path, &input).expect("a reproducer");
            panic!("{name}: input {tried} takes {took:?}; see {}", path.display());
        }
        if answers.insert(plain(&answer)) && tried >= first {
            if keep && input.len() <= KEPT.0 && kept < KEPT.1 {
                kept += 1;
                keep_in(&corpus, &input);
            }
            inputs.push(input);
        }
        tried += 1;
    }
    println!(
        "{name}: {tried} inputs ({first} of the corpus), {} kinds of answer, slowest {:.3} s, {:.0} s in all, 0 panics",
        answers.len(),
        slowest.as_secs_f64(),
        begun.elapsed().as_secs_f64()
    );
    answers
}

/// The answer of a reader whose process makes a verdict of a panic, as `hilum-decode` does: "gave up" where it panics.
pub fn or_gave_up(read: impl FnOnce() -> String) -> String {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| GAVE_UP.to_owned())
}

/// The answer of [`or_gave_up`] where there is none.
pub const GAVE_UP: &str = "gave up";

/// The sum of FNV-1a, for telling contents apart.
fn sum_of(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01B3))
}

/// Writes an input to a corpus, under its sum, unless a file there holds the same.
fn keep_in(corpus: &Path, input: &[u8]) {
    std::fs::create_dir_all(corpus).expect("a folder for the corpus");
    if files_below(corpus).iter().any(|file| std::fs::read(file).is_ok_and(|kept| kept == input)) {
        return;
    }
    std::fs::write(corpus.join(format!("{:016x}", sum_of(input))), input).expect("kept");
}

/// The answer; `None` where the judge panics.
fn quietly(judge: &impl Fn(&[u8]) -> String, input: &[u8]) -> Option<String> {
    catch_unwind(AssertUnwindSafe(|| judge(input))).ok()
}

/// An input without the pieces that its fault does not need; tries a few hundred times.
fn shortened(input: &[u8], fails: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut shortest = input.to_vec();
    let mut tries = 0;
    let mut piece = shortest.len().div_ceil(2);
    while piece > 0 && tries < 300 {
        let mut at = 0;
        while at < shortest.len() && tries < 300 {
            let mut without = shortest.clone();
            without.drain(at..(at + piece).min(shortest.len()));
            tries += 1;
            if fails(&without) { shortest = without } else { at += piece }
        }
        piece /= 2;
    }
    shortest
}

/// An answer without what differs by chance: digits and everything quoted.
fn plain(answer: &str) -> String {
    let mut out = String::new();
    let mut quoted = false;
    for c in answer.chars().take(200) {
        match c {
            '"' | '`' | '\'' => quoted = !quoted,
            _ if quoted || c.is_ascii_digit() => {}
            c => out.push(c),
        }
    }
    out
}

/// What lies in a folder: every file, folder and link with its size, its bytes' sum, and its last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing(BTreeMap<PathBuf, (u64, u64, Option<SystemTime>)>);

impl Listing {
    /// Of a folder without what lies below `except`.
    pub fn of(folder: &Path, except: &[&Path]) -> Self {
        let mut found = BTreeMap::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())).flatten() {
                let path = entry.path();
                if except.contains(&path.as_path()) {
                    continue;
                }
                let about = std::fs::symlink_metadata(&path).expect("what was just listed");
                let bytes = if about.is_file() { std::fs::read(&path).unwrap_or_default() } else { Vec::new() };
                let sum = sum_of(&bytes);
                if about.is_dir() {
                    folders.push(path.clone());
                }
                found.insert(path, (about.len(), sum, about.modified().ok()));
            }
        }
        Self(found)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Paths that came, went, or changed.
    pub fn differs(&self, after: &Self) -> Vec<PathBuf> {
        let paths: BTreeSet<&PathBuf> = self.0.keys().chain(after.0.keys()).collect();
        paths.into_iter().filter(|path| self.0.get(*path) != after.0.get(*path)).cloned().collect()
    }
}
