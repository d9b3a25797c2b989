//! Backups while somebody writes ten times a second: each is whole, encrypted, opens with the
//! passphrase and with the recovery key, and restoring keeps what was there.

use crate::check::{Acknowledged, keeping_all, restored};
use crate::desk::{CHEAP, NAME, PASSPHRASE, Place, Reader};
use crate::times;
use hilum_app::dto::SectionName;
use hilum_report::UserId;
use hilum_store::{DataFolder, NewUser, Opening, Role};
use std::path::Path;
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
    let until = std::sync::atomic::AtomicBool::new(true);
    let (mut slowest, mut written) = (Duration::ZERO, 0u32);
    // One person writes ten times a second while the app makes backups.
    let writing = async {
        while until.load(std::sync::atomic::Ordering::Relaxed) {
            let began = Instant::now();
            let id = reader.type_into(&mut open, SectionName::Indication, &canary()).await.expect("to type");
            slowest = slowest.max(began.elapsed());
            written += 1;
            said.typed.entry(open.id.clone()).or_default().insert(id);
            tokio::time::sleep(Duration::from_millis(100).saturating_sub(began.elapsed())).await;
        }
    };
    let backing_up = async {
        let mut took = Vec::new();
        for _ in 0..backups {
            let began = Instant::now();
            reader.back_up().await.expect("a backup");
            took.push(began.elapsed());
        }
        until.store(false, std::sync::atomic::Ordering::Relaxed);
        took
    };
    let (mut took, ()) = tokio::join!(backing_up, writing);
    took.sort();
    reader.app.close().await;
    drop(reader);
    let found = hilum_store::backups(&place.backups).expect("backups");
    assert_eq!(found.len(), backups as usize);
    let mut sentences = usize::MAX;
    for (n, backup) in found.iter().enumerate() {
        let scratch = temp.path().join(format!("restored-{n}"));
        let (store, signed) = restored(&backup.folder, &scratch).await;
        assert_eq!(signed, 1, "{}", backup.folder.display());
        // Older backups hold ever fewer sentences, and the signed report whole.
        let report = store.report(&hilum_report::ReportId::new(&open.id)).await.expect("the report");
        let now = report.sections().iter().map(|s| s.sentences.len()).sum();
        assert!(now <= sentences, "an older backup holds more");
        sentences = now;
        let before = Acknowledged { signed: said.signed.clone(), ..Acknowledged::default() };
        before.check_store(&store, "restored").await;
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
        "{backups} backups under {written} writes: all restored and checked; a backup took {:.2} s in the median, {:.2} s at most; the slowest write {:.0} ms",
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
