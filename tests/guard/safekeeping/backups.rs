//! Backups while somebody writes ten times a second, and imports, signs and exports: each is whole, holds all that was
//! acknowledged before it began, is encrypted, opens with the passphrase and with the recovery key, and restoring keeps what
//! was there.

use crate::check::{Acknowledged, keeping_all, restored, signed_whole, written};
use crate::desk::{CHEAP, NAME, PASSPHRASE, Place, Reader};
use crate::times;
use hilum_app::dto::SectionName;
use hilum_report::{ReportId, UserId, VersionId};
use hilum_store::{DataFolder, NewUser, Opening, Role};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use tokio::runtime::Runtime;

/// A word that a person types; made of two parts, so that this program does not hold it whole.
fn canary() -> String {
    format!("{}{}", "Kanari", "envogelsicherung")
}

/// A report that was signed while backups were made, as it was acknowledged.
struct Signed {
    study: String,
    report: String,
    version: String,
    sha256: String,
}

/// Sentences and signatures that were acknowledged by a moment.
#[derive(Clone, Copy, Default)]
struct SoFar {
    typed: usize,
    signed: usize,
}

/// One backup of so many waits until something was signed since the one before it.
const SIGNED: u32 = 4;

pub fn run(runtime: &Runtime) {
    runtime.block_on(under_load(times("HILUM_BACKUPS", 8)));
    runtime.block_on(with_the_recovery_key());
}

async fn under_load(backups: u32) {
    let temp = tempfile::tempdir().expect("a folder");
    let place = Place::of(temp.path());
    place.make_user().await;
    let mut reader = Reader::at(&place).await.expect("unlocked");
    reader.choose_backups(0).await.expect("settings");
    let mut said = Acknowledged::default();
    let study = reader.import().await.expect("an import");
    let mut first = reader.report(&study).await.expect("a report");
    let (version, sha256) = reader.sign(&mut first).await.expect("a signature");
    said.signed.insert((first.id, version), sha256);
    let study = reader.import().await.expect("an import");
    let mut open = reader.report(&study).await.expect("a report");
    let report = ReportId::new(&open.id);
    let goes_on = AtomicBool::new(true);
    let mut slowest = Duration::ZERO;
    // What was acknowledged, in order.
    let (typed, signed): (Mutex<Vec<String>>, Mutex<Vec<Signed>>) = Default::default();
    let so_far = || SoFar {
        typed: typed.lock().expect("sentences").len(),
        signed: signed.lock().expect("signatures").len(),
    };
    // One person writes ten times a second while the app makes backups.
    let writing = async {
        while goes_on.load(Ordering::Relaxed) {
            let began = Instant::now();
            let id = reader.type_into(&mut open, SectionName::Indication, &canary()).await.expect("to type");
            slowest = slowest.max(began.elapsed());
            typed.lock().expect("sentences").push(id);
            tokio::time::sleep(Duration::from_millis(100).saturating_sub(began.elapsed())).await;
        }
    };
    // And imports, signs and exports, one study after the other.
    let signing = async {
        for number in 1.. {
            if !goes_on.load(Ordering::Relaxed) {
                return;
            }
            let (study, mut open) = reader.import_beside(number).await.expect("an import");
            let (version, sha256) = reader.sign(&mut open).await.expect("a signature");
            signed.lock().expect("signatures").push(Signed { study, report: open.id, version: version.clone(), sha256 });
            reader.export(&version).await.expect("an export");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let backing_up = async {
        let (mut took, mut known): (Vec<Duration>, Vec<(SoFar, SoFar)>) = (Vec::new(), Vec::new());
        for n in 0..backups {
            // Something new is in each, and sentences and signatures come at other moments of it each time.
            let last = known.last().map_or(SoFar::default(), |(before, _)| *before);
            let signs = n % SIGNED == SIGNED - 1;
            while so_far().typed <= last.typed || (signs && so_far().signed <= last.signed) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(Duration::from_millis(u64::from(n) * 37 % 100)).await;
            let (began, before) = (Instant::now(), so_far());
            reader.back_up().await.expect("a backup");
            took.push(began.elapsed());
            known.push((before, so_far()));
        }
        goes_on.store(false, Ordering::Relaxed);
        (took, known)
    };
    let ((mut took, known), (), ()) = tokio::join!(backing_up, writing, signing);
    took.sort();
    let (typed, signed) = (typed.into_inner().expect("sentences"), signed.into_inner().expect("signatures"));
    let first = said.signed.clone();
    note_signed(&mut said, &signed);
    said.note(report.as_str(), &typed);
    reader.app.close().await;
    drop(reader);
    let found = hilum_store::backups(&place.backups).expect("backups");
    assert_eq!(found.len(), backups as usize);
    // The newest comes first.
    for (n, (backup, (before, after))) in found.iter().rev().zip(known).enumerate() {
        let what = format!(
            "backup {n}, before which {} sentences and {} signatures were acknowledged",
            before.typed,
            first.len() + before.signed
        );
        let scratch = temp.path().join(format!("restored-{n}"));
        let (store, in_backup) = restored(&backup.folder, &scratch).await;
        // It is the report as it stood at one moment: all sentences up to one, and of those acknowledged before all.
        let held = written(&store, &report).await;
        assert!(held.len() >= before.typed, "{what} holds {} sentences", held.len());
        // One may have been on its way when the backup was made.
        assert!(held.len() <= after.typed + 1 && typed.starts_with(&held), "{what} holds what was not written by then");
        // The same of signatures: those acknowledged before are there, with the documents that were exported, at most one
        // more than by its end, and none without its document.
        let mut wanted = Acknowledged { signed: first.clone(), ..Acknowledged::default() };
        note_signed(&mut wanted, &signed[..before.signed]);
        wanted.check_store(&store, &what).await;
        let documents = signed_whole(&store, &scratch, &what).await;
        assert_eq!(in_backup, documents as u64, "{what}: signed documents");
        let most = first.len() + after.signed + 1;
        assert!(documents <= most, "{what} holds {documents} signed documents, where {most} were begun by its end");
        for Signed { version, .. } in &signed[..before.signed] {
            let found = store.version(&VersionId::new(version)).await.expect("a version");
            let exported = std::fs::read(place.out.join(format!("{version}.pdf"))).expect("an export");
            assert!(store.signed_pdf(&found).await.expect("its document") == exported, "{what}: {version} is not what was exported");
        }
        store.close().await.expect("to close");
        std::fs::remove_dir_all(&scratch).expect("to tidy up");
    }
    // The newest, put in the place of what is there: that is kept, and holds all that was typed and signed.
    let folder = crate::desk::hold(&place.data).await;
    let restored = folder.restore(&place.backups, Opening::by_passphrase(NAME, PASSPHRASE), now(), &|_| true).await;
    let replaced = restored.expect("restored").replaced.expect("there was something");
    drop(folder);
    let store = crate::desk::unlock(&replaced).await;
    said.check_store(&store, "what was replaced").await;
    assert_eq!(signed_whole(&store, &replaced, "what was replaced").await, said.signed.len(), "what was replaced");
    store.close().await.expect("to close");
    no_canary_below(&place.backups);
    no_canary_below(&place.data);
    println!(
        "{backups} backups under {} writes and {} signatures: all restored and checked; a backup took {:.2} s in the median, {:.2} s at most; the slowest write {:.0} ms",
        typed.len(),
        signed.len(),
        took[took.len() / 2].as_secs_f64(),
        took[took.len() - 1].as_secs_f64(),
        slowest.as_secs_f64() * 1e3
    );
}

/// Notes what was signed, and the studies of it.
fn note_signed(said: &mut Acknowledged, signed: &[Signed]) {
    for Signed { study, report, version, sha256 } in signed {
        said.imported.insert(study.clone());
        said.signed.insert((report.clone(), version.clone()), sha256.clone());
    }
}

async fn with_the_recovery_key() {
    let temp = tempfile::tempdir().expect("a folder");
    let folder = DataFolder::open_with(temp.path().join("data"), CHEAP).expect("a data folder");
    let user = NewUser { id: UserId::new("u"), name: NAME.to_owned(), role: Role::Radiologist };
    let (store, recovery) = folder.create(user, PASSPHRASE, now()).await.expect("a store");
    let kept = temp.path().join("kept");
    std::fs::create_dir(&kept).expect("a folder");
    store.backup(&keeping_all(&kept), now(), &|_| true).await.expect("a backup");
    // Passphrase and recovery key are those of the time of the backup.
    store.renew_recovery_key(now()).await.expect("a new key");
    store.change_passphrase(&UserId::new("u"), PASSPHRASE, "another passphrase", now()).await.expect("changed");
    store.close().await.expect("to close");
    let fresh = DataFolder::open_with(temp.path().join("fresh"), CHEAP).expect("a data folder");
    let wrong = fresh.restore(&kept, Opening::by_passphrase(NAME, "another passphrase"), now(), &|_| true).await;
    assert_eq!(wrong.expect_err("of another time").code(), "vault.locked");
    assert!(!fresh.has_users(), "nothing was put anywhere");
    fresh.restore(&kept, Opening::RecoveryKey(recovery), now(), &|_| true).await.expect("restored");
    fresh.unlock(NAME, PASSPHRASE, now()).await.expect("the passphrase of that time").close().await.expect("to close");
}

/// Nothing that was typed stands in the open anywhere below a folder, in UTF-8 or UTF-16.
fn no_canary_below(folder: &Path) {
    let text = canary();
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let forms = [text.into_bytes(), wide];
    let mut folders = vec![folder.to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).expect("a file");
            files += 1;
            let found = forms.iter().any(|form| bytes.windows(form.len()).any(|w| w == form));
            assert!(!found, "{} holds what was typed", path.display());
        }
    }
    assert!(files > 3, "there was something to look at");
}

fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
