//! A restoring that is killed, or whose power goes, at any moment: afterwards the data folder holds what was
//! acknowledged before the backup, whole, and so does every folder in which what was there before is kept.

use crate::check::Acknowledged;
use crate::desk::{Place, Reader, hold, unlock};
use crate::kills::kill_one;
use crate::power::{Cut, MODES, layer};
use crate::{Random, times};
use hilum_app::dto::SectionName;
use std::time::Duration;
use tokio::runtime::Runtime;

pub fn run(runtime: &Runtime) {
    let rounds = times("HILUM_RESTORES", 8);
    let temp = tempfile::tempdir().expect("a folder");
    let layer = layer(temp.path());
    if layer.is_none() {
        hilum_testkit::skipped("restoring while the power goes (no C compiler); kills alone are tried");
    }
    let root = temp.path().join("disk");
    std::fs::create_dir(&root).expect("a folder");
    let place = Place::of(&root);
    let said = runtime.block_on(fill(&place));
    let mut random = Random(u64::from(std::process::id()) << 20 | u64::from(rounds) << 1 | 1);
    let (mut cut, mut at_least, mut heard, mut kept) = (0, 0, Acknowledged::default(), 0);
    for round in 0..rounds {
        let before = heard.restored;
        let what = match &layer {
            Some(layer) if round % 2 == 1 => {
                let mode = MODES[(round as usize / 2) % MODES.len()];
                let after = 5 + random.below(250);
                let what = format!("round {round}, power cut ({mode}, change {after}) while restoring");
                Cut { layer, mode, after, round }.once(&root, "restore", &mut heard, &what);
                cut += 1;
                what
            }
            _ => {
                let what = format!("round {round}, killed while restoring");
                // Every other kill falls after one restoring has been done, however slow this machine is.
                let first = round / 2 % 2;
                let wait = Duration::from_micros(random.below(400_000));
                at_least += first;
                kill_one(&root, "restore", first, wait, &mut heard, &what);
                what
            }
        };
        assert!(heard.refused.is_empty(), "{what}: {:?}", heard.refused);
        runtime.block_on(said.check(&place, &what));
        assert!(!place.data.join("restoring").exists(), "{what}: something is left over");
        let mut now = 0;
        for entry in std::fs::read_dir(&place.data).expect("the data folder").filter_map(Result::ok) {
            if !entry.file_name().to_string_lossy().starts_with("replaced-") {
                continue;
            }
            now += 1;
            runtime.block_on(async {
                let store = unlock(&entry.path()).await;
                said.check_store(&store, &format!("{what}: what was replaced")).await;
                store.close().await.expect("to close");
            });
            std::fs::remove_dir_all(entry.path()).expect("to tidy up");
        }
        // One more than was said, where the end came between the two.
        let done = heard.restored - before;
        assert!((done..=done + 1).contains(&now), "{what}: {done} restorings, {now} folders of what was replaced");
        kept += now;
    }
    let restored = heard.restored;
    assert!(restored >= at_least, "{restored} restorings were acknowledged, where {at_least} were waited for");
    println!(
        "{rounds} rounds of restoring, the power went in {cut}, the others were killed; {restored} restorings were acknowledged, and {kept} folders of what was replaced are whole"
    );
}

/// A signed report, a draft and a backup of both.
async fn fill(place: &Place) -> Acknowledged {
    place.make_user().await;
    let mut reader = Reader::at(place).await.expect("unlocked");
    reader.choose_backups(0).await.expect("settings");
    let mut said = Acknowledged::default();
    let study = reader.import().await.expect("an import");
    let mut open = reader.report(&study).await.expect("a report");
    let (version, sha256) = reader.sign(&mut open).await.expect("a signature");
    said.signed.insert((open.id, version), sha256);
    said.imported.insert(study);
    let study = reader.import().await.expect("an import");
    let mut open = reader.report(&study).await.expect("a report");
    for _ in 0..5 {
        let id = reader.type_into(&mut open, SectionName::Indication, "Cough for two weeks.").await.expect("to type");
        said.typed.entry(open.id.clone()).or_default().insert(id);
    }
    said.imported.insert(study);
    said.backed_up = Some(reader.back_up().await.expect("a backup"));
    reader.app.close().await;
    drop(reader);
    // What works in the background may hold the folder a little longer than the person.
    drop(hold(&place.data).await);
    said
}
