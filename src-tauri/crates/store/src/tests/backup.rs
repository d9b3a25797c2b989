//! Backups made under load, restored, damaged, given up and cut short.

use super::setup::*;
use crate::backup::finish_interrupted;
use crate::{
    AuditVerdict, BackupPhase, BackupProgress, BackupTarget, DataFolder, Opening, RecoveryKey, Store, backups,
};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn on(_: BackupProgress) -> bool {
    true
}

fn passphrase(text: &str) -> Opening {
    Opening::by_passphrase("Ada Byron", text)
}

fn target(folder: &Path, keep: Option<u32>) -> BackupTarget {
    BackupTarget { folder: folder.to_owned(), keep }
}

/// A folder with a signed report.
async fn signed_folder(path: &Path) -> (DataFolder, Store, RecoveryKey) {
    let (folder, store, recovery) = create(path).await;
    with_study(&store).await;
    let report = with_report(&store, "r").await;
    let report = write(&store, &report).await;
    sign_it(&store, &report, "v").await.unwrap();
    (folder, store, recovery)
}

/// Everything that a person would miss.
async fn whole(store: &Store, sentences: usize) {
    assert_eq!(store.check_integrity().await.unwrap(), Vec::<String>::new());
    assert!(matches!(store.verify_audit(None).await.unwrap(), AuditVerdict::Intact(_)));
    let id = hilum_report::ReportId::new("r");
    let report = store.report(&id).await.unwrap();
    assert_eq!(report.sections().iter().map(|s| s.sentences.len()).sum::<usize>(), sentences);
    let versions = store.versions(&id).await.unwrap();
    assert!(store.signed_pdf(&versions[0]).await.unwrap().starts_with(b"%PDF"));
    let study = store.study(STUDY).await.unwrap();
    assert!(!store.blob(&study.series[0].instances[0].original).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_was_backed_up_comes_back_and_what_was_there_is_kept() {
    let (temp, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let data = temp.path().join("data");
    let (folder, store, recovery) = signed_folder(&data).await;
    let made = store.backup(&target(kept.path(), None), later(5), &on).await.unwrap();
    assert_eq!((made.signed_versions, made.files), (1, 2));
    assert_eq!(code(folder.restore(kept.path(), passphrase(PASSPHRASE), later(6), &on).await), "data.in_use");
    // What is done after the backup is what a restoring sets aside.
    let id = hilum_report::ReportId::new("r");
    let revision = store.report(&id).await.unwrap().revision();
    let again = [entry(hilum_report::Command::Reopen { kind: hilum_report::VersionKind::Addendum })];
    store.append(&id, revision, &again).await.unwrap();
    store.close().await.unwrap();
    for opening in [passphrase(PASSPHRASE), Opening::RecoveryKey(recovery.clone())] {
        let by_key = matches!(opening, Opening::RecoveryKey(_));
        let restored = folder.restore(kept.path(), opening, later(7), &on).await.unwrap();
        let replaced = restored.replaced.expect("there was something");
        let store = folder.unlock("Ada Byron", PASSPHRASE, later(8)).await.unwrap();
        whole(&store, 5).await;
        let lines = store.audit_entries(5, None).await.unwrap();
        assert!(lines.iter().any(|l| l.event.action == "backup.restore" && l.event.detail["by_recovery_key"] == by_key));
        store.close().await.unwrap();
        // What was there opens as a data folder of its own.
        let before = DataFolder::open_with(&replaced, CHEAP).unwrap();
        before.unlock("Ada Byron", PASSPHRASE, later(9)).await.unwrap().close().await.unwrap();
        assert!(!data.join("restoring").exists());
    }
    // On a machine that has nothing yet.
    let fresh = DataFolder::open_with(temp.path().join("fresh"), CHEAP).unwrap();
    let restored = fresh.restore(&made.folder, passphrase(PASSPHRASE), later(9), &on).await.unwrap();
    assert_eq!(restored.replaced, None);
    whole(&fresh.unlock("Ada Byron", PASSPHRASE, later(10)).await.unwrap(), 5).await;
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_the_folder_stays() {
    let (temp, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (folder, store, _) = signed_folder(&temp.path().join("data")).await;
    let inside = folder.path().join("b");
    fs::create_dir(&inside).unwrap();
    assert_eq!(code(store.backup(&target(&inside, None), AT, &on).await), "backup.inside_data");
    assert_eq!(code(backups(kept.path())), "backup.not_found");
    let made = store.backup(&target(kept.path(), None), later(5), &on).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(code(folder.restore(kept.path(), passphrase("wrong"), AT, &on).await), "vault.locked");
    let stranger = RecoveryKey::new([7; 20]);
    assert_eq!(code(folder.restore(kept.path(), Opening::RecoveryKey(stranger), AT, &on).await), "vault.locked");
    let cancel = |progress: BackupProgress| progress.phase != BackupPhase::Checking;
    assert_eq!(code(folder.restore(kept.path(), passphrase(PASSPHRASE), AT, &cancel).await), "backup.cancelled");
    // One byte changed anywhere is found.
    let mut files = vec![made.folder.join("hilum.db"), made.folder.join("files.txt"), made.folder.join("manifest.json")];
    let blobs = made.folder.parent().unwrap().parent().unwrap().join("blobs");
    for folder in fs::read_dir(blobs).unwrap() {
        files.extend(fs::read_dir(folder.unwrap().path()).unwrap().map(|f| f.unwrap().path()));
    }
    for file in files {
        let good = fs::read(&file).unwrap();
        let mut bad = good.clone();
        let at = bad.len() / 2;
        bad[at] ^= 1;
        fs::write(&file, bad).unwrap();
        let refused = code(folder.restore(&made.folder, passphrase(PASSPHRASE), AT, &on).await);
        assert!(["backup.damaged", "blob.corrupt", "backup.not_found"].contains(&refused), "{}: {refused}", file.display());
        fs::write(&file, good).unwrap();
    }
    // What the manifest says is vouched for, also where nothing else would notice.
    let manifest = made.folder.join("manifest.json");
    let good = fs::read_to_string(&manifest).unwrap();
    let other = good.replacen("\"signed_versions\": 1", "\"signed_versions\": 7", 1);
    assert_ne!(other, good);
    fs::write(&manifest, other).unwrap();
    assert_eq!(code(folder.restore(&made.folder, passphrase(PASSPHRASE), AT, &on).await), "backup.damaged");
    fs::write(&manifest, good).unwrap();
    assert!(!folder.path().join("restoring").exists());
    whole(&folder.unlock("Ada Byron", PASSPHRASE, later(6)).await.unwrap(), 5).await;
}

#[tokio::test]
async fn a_backup_under_load_is_consistent_and_holds_nobody_up() {
    let (temp, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (folder, store, _) = signed_folder(&temp.path().join("data")).await;
    let store = Arc::new(store);
    let (stop, written) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let writer = tokio::spawn({
        let (store, stop, written) = (store.clone(), stop.clone(), written.clone());
        async move {
            while stop.load(Ordering::Relaxed) == 0 {
                let n = written.fetch_add(1, Ordering::Relaxed);
                store.set_setting("n", &n).await.unwrap();
            }
        }
    });
    for n in 0..5 {
        let made = store.backup(&target(kept.path(), Some(3)), later(n), &on).await.unwrap();
        assert_eq!(made.signed_versions, 1);
    }
    stop.store(1, Ordering::Relaxed);
    writer.await.unwrap();
    assert!(written.load(Ordering::Relaxed) > 20, "others wrote meanwhile");
    assert_eq!(backups(kept.path()).unwrap().len(), 3, "older ones are deleted");
    // Given up in its midst, and the store closed: nothing is left behind that counts.
    assert_eq!(code(store.backup(&target(kept.path(), None), later(9), &|_| false).await), "backup.cancelled");
    store.close().await.unwrap();
    assert_eq!(code(store.backup(&target(kept.path(), None), later(9), &on).await), "vault.locked");
    assert_eq!(backups(kept.path()).unwrap().len(), 3);
    folder.restore(kept.path(), passphrase(PASSPHRASE), later(10), &on).await.unwrap();
    whole(&folder.unlock("Ada Byron", PASSPHRASE, later(11)).await.unwrap(), 5).await;
}

#[tokio::test]
async fn what_the_disk_damages_in_a_backup_is_copied_anew() {
    let (temp, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (folder, store, _) = signed_folder(&temp.path().join("data")).await;
    let made = store.backup(&target(kept.path(), None), later(5), &on).await.unwrap();
    let blobs = made.folder.parent().unwrap().parent().unwrap().join("blobs");
    let folders = fs::read_dir(blobs).unwrap().map(|f| f.unwrap().path());
    let files: Vec<_> = folders.flat_map(|f| fs::read_dir(f).unwrap().map(|f| f.unwrap().path())).collect();
    assert_eq!(files.len(), 2);
    for file in &files {
        let mut bytes = fs::read(file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(file, bytes).unwrap();
    }
    let refused = code(folder.restore(kept.path(), passphrase(PASSPHRASE), AT, &on).await);
    assert_eq!(refused, "data.in_use");
    // Signed documents are read in each backup, the others in one of eight.
    for n in 0..8 {
        store.backup(&target(kept.path(), None), later(6 + n), &on).await.unwrap();
    }
    store.close().await.unwrap();
    let other = DataFolder::open_with(temp.path().join("other"), CHEAP).unwrap();
    other.restore(&made.folder, passphrase(PASSPHRASE), later(20), &on).await.unwrap();
    whole(&other.unlock("Ada Byron", PASSPHRASE, later(21)).await.unwrap(), 5).await;
}

#[tokio::test]
async fn the_newest_backup_is_the_last_made_whatever_the_clock_said() {
    let (temp, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_, store, _) = signed_folder(&temp.path().join("data")).await;
    let away = target(&kept.path().join("away"), None);
    assert_eq!(code(store.backup(&away, AT, &on).await), "backup.folder", "no disk is taken for an empty one");
    for (n, seconds) in [0, 10, -1000, -500].into_iter().enumerate() {
        let made = store.backup(&target(kept.path(), Some(2)), later(seconds), &on).await.unwrap();
        let found = backups(kept.path()).unwrap();
        assert_eq!(found[0].folder, made.folder);
        assert_eq!(found.len(), (n + 1).min(2));
    }
    // Another vault's backups in the same folder are left alone, and the one that was made last stands first.
    let (_, other, _) = signed_folder(&temp.path().join("other")).await;
    let made = other.backup(&target(kept.path(), Some(1)), later(100), &on).await.unwrap();
    let found = backups(kept.path()).unwrap();
    assert_eq!((found.len(), &found[0].folder), (3, &made.folder));
}

/// A crash at any step of the exchange is finished by the next who opens the folder.
#[tokio::test]
async fn an_exchange_that_was_cut_short_is_finished() {
    let moves = ["vault.json", "hilum.db", "blobs"];
    for cut in 0..=moves.len() * 2 {
        let (temp, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let data = temp.path().join("data");
        let (folder, store, _) = signed_folder(&data).await;
        store.backup(&target(kept.path(), None), later(5), &on).await.unwrap();
        store.close().await.unwrap();
        let other = DataFolder::open_with(temp.path().join("other"), CHEAP).unwrap();
        other.restore(kept.path(), passphrase(PASSPHRASE), later(6), &on).await.unwrap();
        drop((folder, store));
        // What a restoring has prepared, and how far the exchange had come.
        let restoring = data.join("restoring");
        fs::rename(temp.path().join("other"), &restoring).unwrap();
        fs::create_dir(data.join("replaced-x")).unwrap();
        let coming_in = cut > moves.len();
        for part in &moves[..cut.min(moves.len())] {
            fs::rename(data.join(part), data.join("replaced-x").join(part)).unwrap();
        }
        for part in &moves[..cut.saturating_sub(moves.len())] {
            fs::rename(restoring.join(part), data.join(part)).unwrap();
        }
        let marker = format!(r#"{{"replaced":"replaced-x","coming_in":{coming_in}}}"#);
        fs::write(restoring.join("exchange.json"), marker).unwrap();
        drop(other);
        let folder = DataFolder::open_with(&data, CHEAP).unwrap();
        let store = folder.unlock("Ada Byron", PASSPHRASE, later(7)).await.unwrap();
        whole(&store, 5).await;
        assert!(store.audit_entries(9, None).await.unwrap().iter().any(|l| l.event.action == "backup.restore"), "{cut}");
        for part in moves {
            assert!(data.join("replaced-x").join(part).exists(), "{cut}: {part} is kept");
        }
        assert!(!restoring.exists(), "{cut}");
    }
    // A restoring that had not come to the exchange is cleared away.
    let temp = tempfile::tempdir().unwrap();
    fs::create_dir_all(temp.path().join("restoring/blobs")).unwrap();
    DataFolder::open_with(temp.path(), CHEAP).unwrap();
    assert!(!temp.path().join("restoring").exists());
    assert_eq!(code(finish_interrupted(temp.path())), "ok");
}
