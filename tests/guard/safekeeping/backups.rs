//! Backups while somebody writes ten times a second: each is whole, holds all that was acknowledged before it began,
//! is encrypted, opens with the passphrase and with the recovery key, and restoring keeps what was there.

use crate::check::{Acknowledged, keeping_all, restored, written};
use crate::desk::{CHEAP, NAME, PASSPHRASE, Place, Reader};
use crate::times;
use hilum_app::dto::SectionName;
use hilum_report::{ReportId, UserId};
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
    // The sentences that were acknowledged, in order.
    let typed: Mutex<Vec<String>> = Mutex::default();
    let so_far = || typed.lock().expect("sentences").len();
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
    let backing_up = async {
        let (mut took, mut known): (Vec<Duration>, Vec<(usize, usize)>) = (Vec::new(), Vec::new());
        for n in 0..backups {
            // Something new is in each, and sentences come at other moments of it each time.
            while so_far() <= known.last().map_or(0, |(before, _)| *before) {
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
    let ((mut took, known), ()) = tokio::join!(backing_up, writing);
    took.sort();
    let typed = typed.into_inner().expect("sentences");
    said.note(report.as_str(), &typed);
    reader.app.close().await;
    drop(reader);
    let found = hilum_store::backups(&place.backups).expect("backups");
    assert_eq!(found.len(), backups as usize);
    // The newest comes first.
    for (n, (backup, (before, after))) in found.iter().rev().zip(known).enumerate() {
        let what = format!("backup {n}, before which {before} sentences were acknowledged");
        let scratch = temp.path().join(format!("restored-{n}"));
        let (store, signed) = restored(&backup.folder, &scratch).await;
        assert_eq!(signed, 1, "{what}");
        // It is the report as it stood at one moment: all sentences up to one, and of those acknowledged before all.
        let held = written(&store, &report).await;
        assert!(held.len() >= before, "{what} holds {} sentences", held.len());
        // One may have been on its way when the backup was made.
        assert!(held.len() <= after + 1 && typed.starts_with(&held), "{what} holds what was not written by then");
        let before = Acknowledged { signed: said.signed.clone(), ..Acknowledged::default() };
        before.check_store(&store, &what).await;
        store.close().await.expect("to close");
        std::fs::remove_dir_all(&scratch).expect("to tidy up");
    }
    // The newest, put in the place of what is there: that is kept, and holds all that was typed.
    let folder = crate::desk::hold(&place.data).await;
    let restored = folder.restore(&place.backups, Opening::by_passphrase(NAME, PASSPHRASE), now(), &|_| true).await;
    let replaced = restored.expect("restored").replaced.expect("there was something");
    drop(folder);
    let store = crate::desk::unlock(&replaced).await;
    said.check_store(&store, "what was replaced").await;
    store.close().await.expect("to close");
    no_canary_below(&place.backups);
    no_canary_below(&place.data);
    println!(
        "{backups} backups under {} writes: all restored and checked; a backup took {:.2} s in the median, {:.2} s at most; the slowest write {:.0} ms",
        typed.len(),
        took[took.len() / 2].as_secs_f64(),
        took[took.len() - 1].as_secs_f64(),
        slowest.as_secs_f64() * 1e3
    );
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
