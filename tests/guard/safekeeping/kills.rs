//! `kill -9` at a random moment of typing, saving, signing, exporting, importing and backing up.

use crate::check::{Acknowledged, restored};
use crate::child::{End, Running};
use crate::desk::Place;
use crate::work::DEEDS;
use crate::{Random, times};
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Kills in one data folder: after each, all that was ever acknowledged there is looked for.
const IN_ONE_FOLDER: u32 = 30;

/// Of each deed, how often it was acknowledged, and how often at the least it had to be.
#[derive(Debug, Default, Clone, Copy)]
struct Done {
    times: u32,
    at_least: u32,
}

pub fn run(runtime: &Runtime) {
    let kills = times("HILUM_KILLS", 18);
    let mut random = Random(u64::from(std::process::id()) << 20 | u64::from(kills));
    let (mut done, mut counts) = ([Done::default(); DEEDS.len()], [0; 4]);
    for first in (0..kills).step_by(IN_ONE_FOLDER as usize) {
        let rounds = first..kills.min(first + IN_ONE_FOLDER);
        let said = in_one_folder(runtime, rounds, &mut random, &mut done);
        counts.iter_mut().zip(said.counts()).for_each(|(sum, more)| *sum += more);
    }
    let mut words = Vec::new();
    for (deed, Done { times, at_least }) in DEEDS.iter().zip(done) {
        assert!(times >= at_least, "{deed}: acknowledged {times} times, where {at_least} were waited for");
        words.push(format!("{deed} {times}"));
    }
    println!(
        "{kills} kills, each of a child at work; deeds acknowledged: {}; {}",
        words.join(", "),
        Acknowledged::words(counts)
    );
}

/// What was acknowledged in a folder of its own.
fn in_one_folder(
    runtime: &Runtime,
    rounds: std::ops::Range<u32>,
    random: &mut Random,
    done: &mut [Done; DEEDS.len()],
) -> Acknowledged {
    let temp = tempfile::tempdir().expect("a folder");
    let place = Place::of(temp.path());
    runtime.block_on(place.make_user());
    let mut said = Acknowledged::default();
    for round in rounds {
        let at = round as usize % DEEDS.len();
        let deed = DEEDS[at];
        let what = format!("round {round}, killed while it was to {deed}");
        // A deed takes between some milliseconds and half a second.
        let wait = Duration::from_micros(random.below(if ["type", "save"].contains(&deed) { 80_000 } else { 700_000 }));
        // Every other kill of a deed falls after the first has been done, however slow this machine is.
        let before = round / DEEDS.len() as u32 % 2;
        done[at].times += kill_one(temp.path(), deed, before, wait, &mut said, &what);
        done[at].at_least += before;
        assert!(said.refused.is_empty(), "{what}: {:?}", said.refused);
        runtime.block_on(said.check(&place, &what));
        if deed == "back_up" {
            runtime.block_on(backups_are_whole(&place, temp.path(), round));
        }
    }
    said
}

/// Lets a child work until so many deeds are done, or the first has begun, kills it so long afterwards, and notes what it
/// said. How many deeds were done.
pub fn kill_one(root: &Path, deed: &str, before: u32, wait: Duration, said: &mut Acknowledged, what: &str) -> u32 {
    let mut child = Running::begin(root, deed, &[]);
    let done = child.until_done(before, said);
    std::thread::sleep(wait);
    child.kill();
    done + child.ended(End::Killed, said, what)
}

/// Every folder that counts as a backup is one, the youngest that a kill has cut short included.
async fn backups_are_whole(place: &Place, root: &Path, round: u32) {
    let Ok(found) = hilum_store::backups(&place.backups) else { return };
    let scratch = root.join(format!("restored-{round}"));
    let (store, _) = restored(&found[0].folder, &scratch).await;
    store.close().await.expect("to close");
    std::fs::remove_dir_all(&scratch).expect("to tidy up");
}
