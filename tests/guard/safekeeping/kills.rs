//! `kill -9` at a random moment of typing, saving, signing, exporting, importing and backing up.

use crate::check::{Acknowledged, restored};
use crate::desk::Place;
use crate::work::{DEEDS, child};
use crate::{Random, times};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Kills in one data folder: after each, all that was ever acknowledged there is looked for.
const IN_ONE_FOLDER: u32 = 30;

pub fn run(runtime: &Runtime) {
    let kills = times("HILUM_KILLS", 18);
    let mut random = Random(u64::from(std::process::id()) << 20 | u64::from(kills));
    let (mut at_work, mut counts) = (0, [0; 4]);
    for first in (0..kills).step_by(IN_ONE_FOLDER as usize) {
        let rounds = first..kills.min(first + IN_ONE_FOLDER);
        let (begun, said) = in_one_folder(runtime, rounds, &mut random);
        at_work += begun;
        counts.iter_mut().zip(said.counts()).for_each(|(sum, more)| *sum += more);
    }
    assert!(at_work > kills * 3 / 4, "only {at_work} of {kills} children had begun when they were killed");
    println!("{kills} kills, {at_work} after the first deed had begun; {}", Acknowledged::words(counts));
}

/// How many children had begun, and what was acknowledged.
fn in_one_folder(runtime: &Runtime, rounds: std::ops::Range<u32>, random: &mut Random) -> (u32, Acknowledged) {
    let temp = tempfile::tempdir().expect("a folder");
    let place = Place::of(temp.path());
    runtime.block_on(place.make_user());
    let (mut said, mut at_work) = (Acknowledged::default(), 0);
    for round in rounds {
        let deed = DEEDS[round as usize % DEEDS.len()];
        // A deed takes between some milliseconds and half a second.
        let wait = Duration::from_micros(random.below(if ["type", "save"].contains(&deed) { 80_000 } else { 700_000 }));
        at_work += u32::from(kill_one(temp.path(), deed, wait, &mut said));
        assert!(said.refused.is_empty(), "round {round}, {deed}: {:?}", said.refused);
        runtime.block_on(said.check(&place, &format!("round {round}, killed while it was to {deed}")));
        if deed == "back_up" {
            runtime.block_on(backups_are_whole(&place, temp.path(), round));
        }
    }
    (at_work, said)
}

/// Lets a child work, kills it so long after its first deed has begun, and notes what it said. True
/// when it had begun.
pub fn kill_one(root: &Path, deed: &str, wait: Duration, said: &mut Acknowledged) -> bool {
    let mut child = child(root, deed, &[]);
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut begun = false;
    for line in lines.by_ref() {
        begun = said.take(&line.unwrap_or_default());
        if begun {
            break;
        }
    }
    std::thread::sleep(wait);
    child.kill().expect("to kill it");
    child.wait().expect("its end");
    for line in lines {
        said.take(&line.unwrap_or_default());
    }
    begun
}

/// Every folder that counts as a backup is one, the youngest that a kill has cut short included.
async fn backups_are_whole(place: &Place, root: &Path, round: u32) {
    let Ok(found) = hilum_store::backups(&place.backups) else { return };
    let scratch = root.join(format!("restored-{round}"));
    let (store, _) = restored(&found[0].folder, &scratch).await;
    store.close().await.expect("to close");
    std::fs::remove_dir_all(&scratch).expect("to tidy up");
}
