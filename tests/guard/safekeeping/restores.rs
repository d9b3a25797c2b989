//! A restoring that is killed, or whose power goes, at any moment: afterwards the data folder holds what was
//! acknowledged before the backup, whole, and so does every folder in which what was there before is kept.

use crate::check::Acknowledged;
use crate::desk::{Place, Reader, hold, unlock};
use crate::kills::kill_one;
use crate::power::{MODES, cut_once, layer};
use crate::{Random, times};
use hilum_app::dto::SectionName;
use std::time::Duration;
use tokio::runtime::Runtime;

pub fn run(runtime: &Runtime) {
    let rounds = times("HILUM_RESTORES", 8);
    let temp = tempfile::tempdir().expect("a folder");
    let layer = layer(temp.path());
    if layer.is_none() {
        println!("skipped: restoring while the power goes (no C compiler); kills alone are tried");
    }
    let root = temp.path().join("disk");
    std::fs::create_dir(&root).expect("a folder");
    let place = Place::of(&root);
    let said = runtime.block_on(fill(&place));
    let mut random = Random(u64::from(std::process::id()) << 20 | u64::from(rounds) << 1 | 1);
    let (mut cut, mut heard, mut kept) = (0, Acknowledged::default(), 0);
    for round in 0..rounds {
        let what = match &layer {
            Some(layer) if round % 2 == 1 => {
                let mode = MODES[(round as usize / 2) % MODES.len()];
                let after = 5 + random.below(250);
                cut += u32::from(cut_once(&root, layer, "restore", mode, after, round, &mut heard));
                format!("round {round}, power cut ({mode}, change {after}) while restoring")
            }
            _ => {
                kill_one(&root, "restore", Duration::from_micros(random.below(400_000)), &mut heard);
                format!("round {round}, killed while restoring")
            }
        };
        assert!(heard.refused.is_empty(), "{what}: {:?}", heard.refused);
        runtime.block_on(said.check(&place, &what));
        assert!(!place.data.join("restoring").exists(), "{what}: something is left over");
        for entry in std::fs::read_dir(&place.data).expect("the data folder").filter_map(Result::ok) {
            if !entry.file_name().to_string_lossy().starts_with("replaced-") {
                continue;
            }
            kept += 1;
            runtime.block_on(async {
                let store = unlock(&entry.path()).await;
                said.check_store(&store, &format!("{what}: what was replaced")).await;
                store.close().await.expect("to close");
            });
            std::fs::remove_dir_all(entry.path()).expect("to tidy up");
        }
    }
    println!(
        "{rounds} rounds of restoring, the power went in {cut}, the others were killed; {} restorings were acknowledged, and {kept} folders of what was replaced are whole",
        heard.restored
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
