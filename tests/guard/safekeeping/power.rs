//! The power goes: whatever was not synced is lost, or a part of it in any order.
//!
//! `tests/guard/power_cut.c` is loaded into the child and undoes what the program has written since
//! its last sync, at a random write, rename or sync; see there.

use crate::check::{Acknowledged, restored};
use crate::child::{End, Running};
use crate::desk::Place;
use crate::work::DEEDS;
use crate::{Random, times};
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio::runtime::Runtime;

pub const MODES: [&str; 3] = ["all", "bytes", "some"];

pub fn run(runtime: &Runtime) {
    let temp = tempfile::tempdir().expect("a folder");
    let Some(layer) = layer(temp.path()) else {
        hilum_testkit::skipped("power cuts (no C compiler, which makes the layer that undoes unsynced writes)");
        return;
    };
    let cuts = times("HILUM_CUTS", 18);
    let mut random = Random(u64::from(std::process::id()) << 20 | u64::from(cuts) << 1 | 1);
    let mut begun = 0;
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
        begun += u32::from(Cut { layer: &layer, mode, after, round }.once(&root, deed, &mut said, &what));
        assert!(said.refused.is_empty(), "{what}: {:?}", said.refused);
        runtime.block_on(said.check(&place, &what));
        if let (true, Ok(found)) = (deed == "back_up", hilum_store::backups(&place.backups)) {
            let scratch = temp.path().join(format!("restored-{round}"));
            runtime.block_on(async { restored(&found[0].folder, &scratch).await.0.close().await.expect("to close") });
            std::fs::remove_dir_all(&scratch).expect("to tidy up");
        }
    }
    // A cut may come while the folder is unlocked; most come later.
    assert!(begun >= cuts / 3, "only {begun} of {cuts} children had begun when the power went");
    println!("{cuts} power cuts, {begun} after the first deed had begun; {}", said.count());
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

/// A cut of the power that is to come.
pub struct Cut<'a> {
    pub layer: &'a Path,
    pub mode: &'a str,
    /// Changes until then.
    pub after: u64,
    pub round: u32,
}

impl Cut<'_> {
    /// Lets a child work until the power goes, which alone may end it; true when it had begun its deed.
    pub fn once(&self, root: &Path, deed: &str, said: &mut Acknowledged, what: &str) -> bool {
        let environment = [
            ("LD_PRELOAD", self.layer.display().to_string()),
            ("HILUM_CUT_FOLDER", root.display().to_string()),
            ("HILUM_CUT_AFTER", self.after.to_string()),
            ("HILUM_CUT_MODE", self.mode.to_owned()),
            ("HILUM_CUT_SEED", (self.round + 1).to_string()),
        ];
        let mut child = Running::begin(root, deed, &environment);
        while child.next(said).is_some() {}
        let begun = child.has_begun();
        child.ended(End::Killed, said, what);
        begun
    }
}
