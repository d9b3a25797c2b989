//! A signature on a full disk, tried with ever more room: it fails before its document is written, in the midst of that,
//! and when the document is there and the record of it does not fit. Each time nothing is signed and nothing half is left.

use crate::check::Acknowledged;
use crate::desk::{Open, Place, Reader};
use crate::full_disk::Refusals;
use crate::guard;
use crate::small_disk::{Filler, PAGE};
use hilum_app::commands::reports;
use hilum_app::dto::{AppError, ReportStatus};
use std::path::{Path, PathBuf};

/// What of a signature did not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// What was held against each claim, which is kept first.
    Before,
    /// The sealed document.
    Within,
    /// The journal's line, the version and the audit trail's line; the sealed document is there.
    After,
}

const STAGES: [Stage; 3] = [Stage::Before, Stage::Within, Stage::After];

/// More than any signature takes, bytes.
const ENOUGH: u64 = 1 << 20;

pub async fn at_every_level(disk: &Path) {
    let place = Place::of(disk);
    place.make_user().await;
    let mut reader = Reader::at(&place).await.expect("unlocked");
    let mut said = Acknowledged::default();
    let study = reader.import().await.expect("an import");
    let mut open = reader.report(&study).await.expect("a report");
    reader.prepare(&mut open).await.expect("to type");
    said.imported.insert(study.clone());
    let (mut refusals, mut stages) = (Refusals::begin(), Vec::new());
    // A document and its record are both longer than a step.
    let step = if guard::full() { PAGE } else { 4 * PAGE };
    for room in (0..ENOUGH).step_by(step as usize) {
        // The log beside the database is begun anew then, so that whatever is written to it needs room.
        reader.lock().await.expect("locked");
        reader.unlock().await.expect("unlocked");
        let what = format!("signing with {room} bytes of room");
        is_a_draft(&reader, &study, &open, &what).await;
        let before = documents(&place);
        let filler = Filler::leaving(disk, room);
        let asked = refusals.asked();
        let signed = reader.sign_as_it_stands(&open).await;
        match signed {
            Ok((version, sha256)) => {
                said.signed.insert((open.id.clone(), version), sha256);
                break;
            }
            Err(refusal) => {
                refusals.told(&what, &asked);
                drop(filler);
                stages.push(stage(&refusal, before.len() < documents(&place).len(), &what));
                is_a_draft(&reader, &study, &open, &what).await;
            }
        }
    }
    assert_eq!(said.signed.len(), 1, "not signed with a megabyte of room");
    reader.app.close().await;
    drop(reader);
    said.check(&place, "after the disk was full at every moment of a signature").await;
    // Documents whose record did not fit are nobody's, and were swept.
    assert_eq!(documents(&place).len(), 1, "documents without a signature");
    let often = STAGES.map(|stage| stages.iter().filter(|s| **s == stage).count());
    assert!(!often.contains(&0), "{STAGES:?} were met {often:?} times: not every moment of a signature was tried");
    let [before, within, after] = often;
    println!(
        "signing with ever more room: refused {before} times before its document, {within} times within it, {after} times after it, then signed; {}",
        refusals.words()
    );
}

/// What did not fit, by what the refusal says was to be done and whether a document came to be.
fn stage(refusal: &AppError, documented: bool, what: &str) -> Stage {
    assert_eq!(refusal.code, "data.disk_full", "{what}: {}", refusal.detail);
    match refusal.detail.ends_with("to write") {
        _ if documented => Stage::After,
        true => Stage::Within,
        false => Stage::Before,
    }
}

/// The report is as it was before it was to be signed.
async fn is_a_draft(reader: &Reader, study: &str, open: &Open, what: &str) {
    let view = reports::report_view(&reader.app, study.to_owned()).await.expect("the draft");
    assert_eq!(view.status, ReportStatus::Draft, "{what}");
    assert_eq!((view.versions.len(), view.revision), (0, open.revision), "{what}");
}

/// The sealed documents; nothing among them is half.
fn documents(place: &Place) -> Vec<PathBuf> {
    let mut files = guard::files_below(&place.data.join("blobs"));
    for file in &files {
        assert!(file.extension().is_none(), "{} is half", file.display());
    }
    files.retain(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("p-")));
    files
}
