//! The disk is full in the midst of each deed: the window is told at once by a code that says so,
//! nothing half is left, and what was there before is as it was.

use crate::check::{Acknowledged, written};
use crate::desk::{Place, Reader, sentences_of_a_save};
use crate::full_disk_signing;
use crate::lateness::{Lateness, told_in_time};
use crate::small_disk::{Disk, Filler};
use hilum_app::commands::signing;
use hilum_app::dto::{AppError, SectionName};
use hilum_report::ReportId;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Room that is left at first, bytes, so that work begins and then fails.
const LITTLE: u64 = 96 << 10;

pub fn run(runtime: &Runtime) {
    let temp = tempfile::tempdir().expect("a folder");
    let disks: Vec<Disk> = [("data", 4), ("out", 8), ("signing", 8)]
        .iter()
        .filter_map(|(name, size)| Disk::mount(&temp.path().join(name), *size))
        .collect();
    let [data, out, to_sign] = disks.as_slice() else {
        hilum_testkit::skipped("full disks (mounting a small one needs root)");
        return;
    };
    let refusals = runtime.block_on(fill_and_try(data.path(), out.path()));
    println!("deeds on a full disk: {}", refusals.words());
    runtime.block_on(full_disk_signing::at_every_level(to_sign.path()));
}

async fn fill_and_try(data_disk: &Path, out_disk: &Path) -> Refusals {
    let mut place = Place::of(data_disk);
    // Exports, backups and what is imported lie on another disk.
    let other = Place::of(out_disk);
    (place.out, place.backups, place.incoming) = (other.out, other.backups, other.incoming);
    place.make_user().await;
    let mut reader = Reader::at(&place).await.expect("unlocked");
    reader.choose_backups(3).await.expect("settings");
    let mut said = Acknowledged::default();
    // Something that must stay as it is.
    let study = reader.import().await.expect("an import");
    let mut first = reader.report(&study).await.expect("a report");
    let (version, sha256) = reader.sign(&mut first).await.expect("a signature");
    said.signed.insert((first.id.clone(), version.clone()), sha256);
    said.imported.insert(study);
    // What is to be signed is written while there is room.
    let study = reader.import().await.expect("an import");
    let mut ready = reader.report(&study).await.expect("a report");
    reader.prepare(&mut ready).await.expect("to type");
    said.imported.insert(study);
    let study = reader.import().await.expect("an import");
    let mut open = reader.report(&study).await.expect("a report");
    said.imported.insert(study.clone());
    reader.back_up().await.expect("a backup");
    let mut refusals = Refusals::begin();

    // The disk of the data folder.
    let filler = Filler::leaving(data_disk, LITTLE);
    let long = "long ".repeat(2000);
    let typing = refusals.until_refused("typing", async || {
        let id = reader.type_into(&mut open, SectionName::Indication, &long).await?;
        said.note(&open.id, &[id]);
        Ok(())
    });
    assert_eq!(typing.await.code, "data.disk_full", "typing");
    // What is written where there is no room left at all.
    filler.leave(0);
    let saving = refusals.until_refused("saving", async || {
        let ids = reader.save(&mut open, SectionName::Indication, &long).await?;
        said.note(&open.id, &ids);
        Ok(())
    });
    assert_eq!(saving.await.code, "data.disk_full", "saving");
    // The report is where it was, so that these are the sentences that were refused.
    let refused = (open.id.clone(), sentences_of_a_save(&open));
    let signature = refusals.until_refused("signing", async || reader.sign_as_it_stands(&ready).await.map(drop));
    assert_eq!(signature.await.code, "data.disk_full", "signing");
    let importing = refusals.until_refused("import", async || reader.import().await.map(drop));
    assert_eq!(importing.await.code, "data.disk_full", "import");
    drop(filler);
    // Reading goes on where little is left; it takes a part of that, because each is written to the audit trail.
    let filler = Filler::leaving(data_disk, LITTLE);
    let document = signing::signed_pdf(&reader.app, version.clone()).await.expect("the document");
    assert!(document.starts_with(b"%PDF-"));
    reader.report(&study).await.expect("the draft");
    drop(filler);
    // Putting a backup back takes room there too.
    reader.lock().await.expect("locked");
    let filler = Filler::leaving(data_disk, LITTLE);
    let restoring = refusals.until_refused("restoring", async || reader.restore().await);
    assert_eq!(restoring.await.code, "backup.disk_full", "restoring");
    assert!(!place.data.join("restoring").exists(), "a partial restoring");
    drop(filler);
    reader.unlock().await.expect("unlocked, and as it was");

    // The disk of exports and backups.
    let filler = Filler::leaving(out_disk, 0);
    let exporting = refusals.until_refused("export", async || reader.export(&version).await.map(drop));
    assert_eq!(exporting.await.code, "export.write_failed", "export");
    assert!(!place.out.join(format!("{version}.pdf")).exists(), "a partial export");
    let backing_up = refusals.until_refused("backup", async || reader.back_up().await.map(drop));
    assert_eq!(backing_up.await.code, "backup.disk_full", "backup");
    drop(filler);

    // Somebody makes room, and the work goes on from what was kept.
    open = reader.report(&study).await.expect("the draft");
    let id = reader.type_into(&mut open, SectionName::Indication, "Room again.").await.expect("to type");
    said.note(&open.id, &[id]);
    let ids = reader.save(&mut open, SectionName::Indication, "Room again.").await.expect("to save");
    said.note(&open.id, &ids);
    let signatures = [
        (open.id.clone(), reader.sign(&mut open).await.expect("a signature")),
        (ready.id.clone(), reader.sign_as_it_stands(&ready).await.expect("a signature")),
    ];
    for (report, (version, sha256)) in signatures {
        said.exported.insert(reader.export(&version).await.expect("an export"));
        said.signed.insert((report, version), sha256);
    }
    said.backed_up = Some(reader.back_up().await.expect("a backup"));
    said.imported.insert(reader.import().await.expect("an import"));
    reader.app.close().await;
    drop(reader);
    said.check(&place, "after the disk was full").await;
    nothing_of(&place, &refused.0, &refused.1).await;
    refusals
}

/// Of what was refused nothing is kept: it was all or none.
async fn nothing_of(place: &Place, report: &str, sentences: &[String]) {
    let store = place.unlock().await;
    let written = written(&store, &ReportId::new(report)).await;
    let kept: Vec<_> = sentences.iter().filter(|id| written.contains(id)).collect();
    assert!(kept.is_empty(), "a refused save is kept in part: {kept:?}");
    store.close().await.expect("to close");
}

/// What was refused, and how long the window waited each time to be told.
pub struct Refusals {
    machine: Lateness,
    all: Vec<(String, Duration)>,
}

/// When something was asked for, and how late the machine had been by then.
pub struct Asked(Instant, Duration);

impl Refusals {
    pub fn begin() -> Refusals {
        Refusals { machine: Lateness::begin(), all: Vec::new() }
    }

    /// Does something until it is refused; why it was.
    pub async fn until_refused(&mut self, what: &str, mut deed: impl AsyncFnMut() -> Result<(), AppError>) -> AppError {
        for _ in 0..500 {
            let asked = self.asked();
            if let Err(refusal) = deed().await {
                self.told(what, &asked);
                return refusal;
            }
        }
        AppError { code: "not refused".to_owned(), detail: String::new() }
    }

    /// To be called before something that may be refused.
    pub fn asked(&self) -> Asked {
        Asked(Instant::now(), self.machine.so_far())
    }

    /// It was refused just now, which must have been in time.
    pub fn told(&mut self, what: &str, asked: &Asked) {
        let (took, late) = (asked.0.elapsed(), self.machine.so_far().saturating_sub(asked.1));
        told_in_time(what, took, late);
        self.all.push((what.to_owned(), took));
    }

    /// How many there were, and the slowest of them.
    pub fn words(&self) -> String {
        let slowest = self.all.iter().max_by_key(|(_, took)| *took);
        let slowest =
            slowest.map(|(what, took)| format!("{what} after {:.2} s", took.as_secs_f64())).unwrap_or_default();
        format!("{} refusals, the slowest told to the window was of {slowest} (2 s are promised)", self.all.len())
    }
}
