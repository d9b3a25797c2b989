//! Migrations are append-only, and a newer Hilum's data is left alone.

use super::setup::*;
use crate::Score;
use sha2::{Digest, Sha256};
use sqlx::Connection;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn migration_files() -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../migrations");
    let paths = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let sql = paths.filter(|p| p.extension().is_some_and(|e| e == "sql"));
    sql.map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&p).unwrap())).collect()
}

pub fn newest() -> i64 {
    migration_files().keys().filter_map(|name| name.split('_').next()?.parse().ok()).max().unwrap_or(0)
}

#[test]
fn no_migration_was_edited() {
    let listed = include_str!("../../../../../migrations/checksums.txt");
    let listed: BTreeMap<String, String> = listed
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(hash, name)| (name.to_owned(), hash.to_owned()))
        .collect();
    let found: BTreeMap<String, String> =
        migration_files().into_iter().map(|(name, bytes)| (name, hex::encode(Sha256::digest(bytes)))).collect();
    assert_eq!(found, listed, "a migration is never edited or removed; a new one is added to migrations/checksums.txt");
}

#[tokio::test]
async fn a_newer_database_is_refused_and_left_as_it_was() {
    let temp = tempfile::tempdir().unwrap();
    let (folder, store, _) = create(temp.path()).await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, 'from the future', 1, x'00', 0)";
    assert_eq!(raw(&store, newer).await, "ok");
    store.close().await.unwrap();
    let database = temp.path().join("hilum.db");
    let before = fs::read(&database).unwrap();
    assert_eq!(code(folder.unlock("Ada Byron", PASSPHRASE, AT).await.map(drop)), "data.newer_version");
    assert!(fs::read(&database).unwrap() == before);
}

#[tokio::test]
async fn a_database_of_other_migrations_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let (folder, store, _) = create(temp.path()).await;
    assert_eq!(raw(&store, "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1").await, "ok");
    store.close().await.unwrap();
    assert_eq!(code(folder.unlock("Ada Byron", PASSPHRASE, AT).await.map(drop)), "data.schema_mismatch");
}

#[tokio::test]
async fn scores_of_a_row_each_are_kept_as_they_were() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let second = "INSERT INTO instances SELECT '1.2.second', series_uid, sop_class_uid, transfer_syntax, number, rows, columns,
            photometric, view_position, laterality, header, original_blob, original_sha256, original_bytes, thumbnail_blob,
            pixels_blob, imported_at FROM instances LIMIT 1";
    assert_eq!(raw(&store, second).await, "ok");
    // Not in the order of their names, and with more digits than SQLite writes by itself.
    let scores = [("z", 0.1), ("a", -f64::from(f32::MIN_POSITIVE)), ("\"m\"", 1.0 / 3.0), ("b", 2.0)];
    let scores = scores.map(|(finding, difference)| Score { finding: finding.to_owned(), difference, softmax: 0.7 });
    // Of two images and two packs, one finding after the other, so that no group stands together.
    let groups = [(INSTANCE, "abc", 1.0), ("1.2.second", "abc", 0.5), (INSTANCE, "def", 0.25)];
    let rows: Vec<String> = (scores.iter())
        .flat_map(|s| groups.iter().map(move |group| (s, group)))
        .map(|(s, (image, pack, part))| {
            format!("('{image}', '{pack}', '{}', {:?}, {:?})", s.finding, s.difference * part, s.softmax)
        })
        .collect();
    let before = format!(
        "DROP TABLE scores; DROP INDEX series_in_brief; DROP INDEX instances_in_brief; DROP INDEX report_versions_in_brief;
        CREATE INDEX series_by_study ON series (study_uid); CREATE INDEX instances_by_series ON instances (series_uid);
        CREATE TABLE scores (instance_uid TEXT NOT NULL REFERENCES instances (uid) ON DELETE CASCADE,
            pack_hash TEXT NOT NULL, finding TEXT NOT NULL, difference REAL NOT NULL, softmax REAL NOT NULL,
            PRIMARY KEY (instance_uid, pack_hash, finding)) STRICT;
        INSERT INTO scores VALUES {}; DELETE FROM _sqlx_migrations WHERE version = 16",
        rows.join(", ")
    );
    assert_eq!(raw(&store, &before).await, "ok");
    store.close().await.unwrap();
    drop(store);
    let store = reopen(temp.path()).await;
    for (image, pack, part) in groups {
        let kept = store.scores(image, &hilum_report::PackHash::new(pack)).await.unwrap();
        assert_eq!(kept.len(), scores.len(), "{image} {pack}");
        for (kept, score) in kept.iter().zip(&scores) {
            // A double is read from 17 digits to its last place but one at worst; the scores are singles.
            let near = |a: f64, b: f64| (a - b).abs() <= b.abs() * 2.0 * f64::EPSILON;
            let same = kept.finding == score.finding
                && near(kept.difference, score.difference * part)
                && near(kept.softmax, score.softmax);
            assert!(same, "{kept:?} for {score:?} of {image} {pack}");
        }
    }
}

#[tokio::test]
async fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let mut report = with_report(&store, "r1").await;
    // SQLite gives the same error for a database that reached its page limit as for ENOSPC.
    let pages: i64 =
        sqlx::query_scalar("PRAGMA page_count").fetch_one(store.access().await.unwrap().connection()).await.unwrap();
    raw(&store, &format!("PRAGMA max_page_count = {}", pages + 2)).await;
    let text = "long ".repeat(400);
    let write = |n: usize| insert(hilum_report::SectionKind::Findings, &format!("s{n}"), &text);
    let mut full = None;
    for n in 0..50 {
        match store.append(report.id(), report.revision(), &[write(n)]).await {
            Ok(now) => report = now,
            Err(e) => {
                full = Some(e.code());
                break;
            }
        }
    }
    assert_eq!(full, Some("data.disk_full"));
    assert_eq!(store.report(report.id()).await.unwrap(), report);
    raw(&store, "PRAGMA max_page_count = 1000000").await;
    report = store.append(report.id(), report.revision(), &[write(99)]).await.unwrap();
    store.close().await.unwrap();
    drop(store);
    let store = reopen(temp.path()).await;
    assert_eq!(store.report(report.id()).await.unwrap(), report);
    assert_eq!(store.check_integrity().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn commits_that_the_disk_refused_leave_no_transaction_behind() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let report = with_report(&store, "r1").await;
    for _ in 0..3 {
        let mut access = store.access().await.unwrap();
        let mut tx = access.begin().await.unwrap();
        // What SQLite does by itself where the disk refuses a commit (the guard of safekeeping tries a disk that does).
        sqlx::query("ROLLBACK").execute(&mut *tx).await.unwrap();
        assert!(tx.commit().await.is_err());
    }
    let entry = insert(hilum_report::SectionKind::Findings, "s", "Kept.");
    let report = store.append(report.id(), report.revision(), &[entry]).await.unwrap();
    assert!(!store.access().await.unwrap().connection().is_in_transaction());
    store.close().await.unwrap();
    drop(store);
    assert_eq!(reopen(temp.path()).await.report(report.id()).await.unwrap(), report);
}
