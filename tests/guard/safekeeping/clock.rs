//! The clock is moved back, by an hour and by more than a year, before and in the midst of each deed, and forward again:
//! what was acknowledged is there, and nothing is signed before the certificate of its key began.

use crate::check::Acknowledged;
use crate::child::{End, Heard, Running};
use crate::desk::Place;
use crate::power::layer;
use crate::work::{DEEDS, VERSION};
use crate::{Random, guard};
use std::path::{Path, PathBuf};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::runtime::Runtime;

/// By how much, in seconds: an hour, and more than a year.
const BACK: [i64; 2] = [3600, 40_000_000];

/// When it is moved back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moved {
    /// Before the program is started.
    Before,
    /// While a deed is under way; moved forward again while another is.
    During,
}

/// Where it is tried, and with what.
struct Bench {
    root: PathBuf,
    layer: PathBuf,
    /// The clock is moved while this file is there.
    gate: PathBuf,
}

pub fn run(runtime: &Runtime) {
    let temp = tempfile::tempdir().expect("a folder");
    let Some(layer) = layer(temp.path()) else {
        hilum_testkit::skipped("a clock moved back (no C compiler, which makes the layer that moves it)");
        return;
    };
    let bench = Bench { root: temp.path().join("disk"), layer, gate: temp.path().join("gate") };
    std::fs::create_dir(&bench.root).expect("a folder");
    let place = Place::of(&bench.root);
    runtime.block_on(place.make_user());
    let mut random = Random(u64::from(std::process::id()) << 20 | 5);
    let (mut said, mut done) = (Acknowledged::default(), Vec::new());
    one_signature(&bench.root, &mut said, "before");
    let mut tries = 0;
    for (n, deed) in DEEDS.into_iter().enumerate() {
        for moved in [Moved::Before, Moved::During] {
            for (m, back) in BACK.into_iter().enumerate() {
                // In the small form the deeds take turns, so that each is tried both ways and with both distances.
                if !guard::full() && (n + m + usize::from(moved == Moved::During)) % 2 == 1 {
                    continue;
                }
                let what = format!("{deed} with the clock moved back by {back} s, {moved:?}");
                let codes = try_one(&bench, deed, back, moved, &mut random, &mut said, &what);
                // Before the certificate of the signing key began nothing can be signed with it, and that is said.
                let expected: &[&str] = if deed == "sign" { &["cert.expired"] } else { &[] };
                assert_eq!(codes, expected, "{what}");
                runtime.block_on(said.check(&place, &what));
                tries += 1;
                done.push(format!("{what}: {}", if codes.is_empty() { "done".to_owned() } else { codes.join(" ") }));
            }
        }
    }
    one_signature(&bench.root, &mut said, "afterwards");
    runtime.block_on(said.check(&place, "afterwards"));
    println!("{tries} times: {}; {}", done.join("; "), said.count());
}

/// The codes with which a child was refused whose clock was moved back; none where its deed was done again and again.
fn try_one(
    bench: &Bench,
    deed: &str,
    back: i64,
    moved: Moved,
    random: &mut Random,
    said: &mut Acknowledged,
    what: &str,
) -> Vec<String> {
    let refused = said.refused.len();
    let mut environment = vec![
        ("LD_PRELOAD", bench.layer.display().to_string()),
        ("HILUM_CUT_CLOCK", (-back).to_string()),
        ("HILUM_CUT_CLOCK_WHILE", bench.gate.display().to_string()),
    ];
    if let (Moved::Before, Some((_, version))) = (moved, said.signed.keys().next()) {
        // Nothing can be signed then; what was signed before can be exported.
        environment.push((VERSION, version.clone()));
    }
    if moved == Moved::Before {
        std::fs::write(&bench.gate, b"").expect("the gate");
    }
    let mut child = Running::begin(&bench.root, deed, &environment);
    if moved == Moved::During {
        assert_eq!(child.until_done(1, said), 1, "{what}: not done before the clock was moved");
        std::thread::sleep(Duration::from_micros(random.below(100_000)));
        std::fs::write(&bench.gate, b"").expect("the gate");
    }
    let is_back = |began: i64| began < OffsetDateTime::now_utc().unix_timestamp() - back / 2;
    let went_on = done_twice(&mut child, said, is_back);
    std::fs::remove_file(&bench.gate).expect("the gate");
    if went_on && moved == Moved::During {
        assert!(
            done_twice(&mut child, said, |began| !is_back(began)),
            "{what}: not done when the clock was right again"
        );
    }
    if went_on {
        child.kill();
    }
    child.ended(if went_on { End::Killed } else { End::Refused }, said, what);
    said.refused[refused..].to_vec()
}

/// Listens until two deeds were done that had begun at such a time; false where the child ended before.
fn done_twice(child: &mut Running, said: &mut Acknowledged, when: impl Fn(i64) -> bool) -> bool {
    let mut done = 0;
    while done < 2 {
        match child.next(said) {
            Some(Heard::Done { began }) if when(began) => done += 1,
            Some(_) => {}
            None => return false,
        }
    }
    true
}

/// A signature with the clock as it is.
fn one_signature(root: &Path, said: &mut Acknowledged, what: &str) {
    let mut child = Running::begin(root, "sign", &[]);
    let done = child.until_done(1, said);
    child.kill();
    child.ended(End::Killed, said, what);
    assert_eq!(done, 1, "{what}: nothing was signed");
}
