//! The disk is full in the midst of each deed: the window is told at once by a code that says so,
//! nothing half is left, and what was there before is as it was.

use crate::check::Acknowledged;
use crate::desk::{Place, Reader};
use hilum_app::commands::signing;
use hilum_app::dto::{AppError, SectionName};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

pub fn run(runtime: &Runtime) {
    let temp = tempfile::tempdir().expect("a folder");
    let disks: Vec<_> = ["data", "out"].iter().filter_map(|name| Disk::mount(&temp.path().join(name))).collect();
    if disks.len() < 2 {
        println!("skipped: full disks (mounting a small one needs root)");
        return;
    }
    runtime.block_on(fill_and_try(&disks[0].0, &disks[1].0));
}

async fn fill_and_try(data_disk: &Path, out_disk: &Path) {
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
    let study = reader.import().await.expect("an import");
    let mut open = reader.report(&study).await.expect("a report");
    said.imported.insert(study.clone());
    reader.back_up().await.expect("a backup");
    let mut slowest = Duration::ZERO;

    // The disk of the data folder.
    let filler = Filler::all_of(data_disk);
    let typing = until_refused(&mut slowest, async || {
        let id = reader.type_into(&mut open, SectionName::Indication, &"long ".repeat(2000)).await?;
        said.typed.entry(open.id.clone()).or_default().insert(id);
        Ok(())
    });
    assert_eq!(typing.await, "data.disk_full", "typing");
    // What is written where there is no room left at all.
    filler.the_rest();
    assert_eq!(until_refused(&mut slowest, async || reader.sign(&mut open.clone()).await.map(drop)).await, "data.disk_full", "signing");
    assert_eq!(until_refused(&mut slowest, async || reader.import().await.map(drop)).await, "data.disk_full", "import");
    // Reading goes on.
    let document = signing::signed_pdf(&reader.app, version.clone()).await.expect("the document");
    assert!(document.starts_with(b"%PDF-"));
    reader.report(&study).await.expect("the draft");
    drop(filler);
    // Putting a backup back takes room there too.
    reader.lock().await.expect("locked");
    let filler = Filler::all_of(data_disk);
    assert_eq!(until_refused(&mut slowest, async || reader.restore().await).await, "backup.disk_full", "restoring");
    assert!(!place.data.join("restoring").exists(), "a partial restoring");
    drop(filler);
    reader.unlock().await.expect("unlocked, and as it was");

    // The disk of exports and backups.
    let filler = Filler::all_of(out_disk);
    filler.the_rest();
    let code = until_refused(&mut slowest, async || reader.export(&version).await.map(drop)).await;
    assert_eq!(code, "export.write_failed", "export");
    assert!(!place.out.join(format!("{version}.pdf")).exists(), "a partial export");
    assert_eq!(until_refused(&mut slowest, async || reader.back_up().await.map(drop)).await, "backup.disk_full", "backup");
    drop(filler);

    // Somebody makes room, and the work goes on from what was kept.
    open = reader.report(&study).await.expect("the draft");
    let id = reader.type_into(&mut open, SectionName::Indication, "Room again.").await.expect("to type");
    said.typed.entry(open.id.clone()).or_default().insert(id);
    let (second, sha256) = reader.sign(&mut open).await.expect("a signature");
    said.signed.insert((open.id.clone(), second.clone()), sha256);
    said.exported.insert(reader.export(&second).await.expect("an export"));
    said.backed_up = Some(reader.back_up().await.expect("a backup"));
    said.imported.insert(reader.import().await.expect("an import"));
    reader.app.close().await;
    drop(reader);
    said.check(&place, "after the disk was full").await;
    println!("6 deeds on a full disk; the slowest refusal reached the window after {:.2} s (2 s are promised)", slowest.as_secs_f64());
}

/// Does something until it is refused; the code, and how long that refusal took.
async fn until_refused(slowest: &mut Duration, mut deed: impl AsyncFnMut() -> Result<(), AppError>) -> String {
    for _ in 0..500 {
        let began = Instant::now();
        if let Err(e) = deed().await {
            *slowest = began.elapsed().max(*slowest);
            return e.code;
        }
    }
    "not refused".to_owned()
}

/// A file that takes the room of a small disk; gives it back when dropped.
struct Filler(std::path::PathBuf);

impl Filler {
    /// Leaves some pages, so that work begins and then fails.
    fn all_of(disk: &Path) -> Filler {
        let filler = Filler(disk.join("filler"));
        filler.fill(1 << 16);
        let file = std::fs::OpenOptions::new().write(true).open(&filler.0).expect("the filler");
        let length = file.metadata().expect("its length").len();
        file.set_len(length.saturating_sub(96 << 10)).expect("a little room");
        filler
    }

    /// Takes what is left.
    fn the_rest(&self) {
        self.fill(512);
    }

    fn fill(&self, piece: usize) {
        use std::io::Write;
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(&self.0).expect("the filler");
        while file.write_all(&vec![7; piece]).is_ok() {}
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A small disk, given back when dropped.
struct Disk(std::path::PathBuf);

impl Disk {
    fn mount(at: &Path) -> Option<Disk> {
        std::fs::create_dir_all(at).expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(at).stdout(Stdio::null()).stderr(Stdio::null());
        mount.status().is_ok_and(|s| s.success()).then(|| Disk(at.to_owned()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
