//! The power goes: whatever was not synced is lost, or a part of it in any order.
//!
//! `tests/guard/power_cut.c` is loaded into the child and undoes what the program has written since
//! its last sync, at a random write, rename or sync; see there.

use crate::check::{Acknowledged, restored};
use crate::desk::Place;
use crate::work::{DEEDS, child};
use crate::{Random, times};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

pub const MODES: [&str; 3] = ["all", "bytes", "some"];

pub fn run(runtime: &Runtime) {
    let temp = tempfile::tempdir().expect("a folder");
    let Some(layer) = layer(temp.path()) else {
        println!("skipped: power cuts (no C compiler, which makes the layer that undoes unsynced writes)");
        return;
    };
    let cuts = times("HILUM_CUTS", 18);
    let mut random = Random(u64::from(std::process::id()) << 20 | u64::from(cuts) << 1 | 1);
    let mut cut = 0;
    // All that can be lost lies below one folder.
    let root = temp.path().join("disk");
    std::fs::create_dir(&root).expect("a folder");
    let place = Place::of(&root);
    runtime.block_on(place.make_user());
    let mut said = Acknowledged::default();
    for round in 0..cuts {
        let deed = DEEDS[round as usize % DEEDS.len()];
        let mode = MODES[(round as usize / DEEDS.len()) % MODES.len()];
        let after = 10 + random.below(if deed == "type" { 150 } else { 500 });
        let what = format!("round {round}, power cut ({mode}, change {after}) while it was to {deed}");
        cut += u32::from(cut_once(&root, &layer, deed, mode, after, round, &mut said));
        assert!(said.refused.is_empty(), "{what}: {:?}", said.refused);
        runtime.block_on(said.check(&place, &what));
        if let (true, Ok(found)) = (deed == "back_up", hilum_store::backups(&place.backups)) {
            let scratch = temp.path().join(format!("restored-{round}"));
            runtime.block_on(async { restored(&found[0].folder, &scratch).await.0.close().await.expect("to close") });
            std::fs::remove_dir_all(&scratch).expect("to tidy up");
        }
    }
    assert!(cut > cuts * 3 / 4, "the power went in only {cut} of {cuts} rounds");
    println!("{cuts} rounds, the power went in {cut}; {}", said.count());
}

/// Compiles the layer; `None` where there is no compiler.
pub fn layer(folder: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guard/power_cut.c");
    let library = folder.join("power_cut.so");
    let made = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).args(["-ldl", "-lpthread"]).status();
    match made {
        Ok(status) => {
            assert!(status.success(), "{} does not compile", source.display());
            Some(library)
        }
        Err(_) => None,
    }
}

/// Lets a child work until the power goes; true when it went.
pub fn cut_once(root: &Path, layer: &Path, deed: &str, mode: &str, after: u64, round: u32, said: &mut Acknowledged) -> bool {
    let environment = [
        ("LD_PRELOAD", layer.display().to_string()),
        ("HILUM_CUT_FOLDER", root.display().to_string()),
        ("HILUM_CUT_AFTER", after.to_string()),
        ("HILUM_CUT_MODE", mode.to_owned()),
        ("HILUM_CUT_SEED", (round + 1).to_string()),
    ];
    let mut child = child(root, deed, &environment);
    let until = Instant::now() + Duration::from_secs(60);
    for line in BufReader::new(child.stdout.take().expect("its output")).lines() {
        said.take(&line.unwrap_or_default());
        if Instant::now() > until {
            child.kill().expect("to kill it");
        }
    }
    let ended = child.wait().expect("its end");
    std::os::unix::process::ExitStatusExt::signal(&ended) == Some(libc::SIGKILL)
}
