//! The worklist of a long-lived department. `HILUM_STUDIES=100000 cargo test --release -p
//! hilum-store long_worklist -- --nocapture` prints what its queries cost; what the app makes of them for the
//! window, `--test worklist` does.

use super::setup::*;
use crate::{ReadingStage, WorklistQuery};
use std::time::Instant;

/// Enough for every query to find what it should, and for some to find so many that the list is gone through; a person who
/// measures asks for more.
const STUDIES: i64 = 4500;
/// As many as the window's worklist shows.
const SHOWN: usize = 500;

#[tokio::test]
async fn queries_of_a_long_worklist() {
    let studies = std::env::var("HILUM_STUDIES").ok().and_then(|n| n.parse().ok()).unwrap_or(STUDIES);
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    // The rows that importing would write, through the same triggers, without a sync each.
    let fill = format!(
        "BEGIN;
         CREATE TEMP TABLE numbers AS
            WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < {studies}) SELECT n FROM up;
         INSERT INTO patients (key, patient_id, issuer, name)
            SELECT 'p' || n, 'ID' || (1000000 + n), '', 'NAME' || (n / 100) || '^GIVEN' || n FROM numbers;
         INSERT INTO studies (uid, patient_key, accession, date, time, description, imported_at, front)
            SELECT '1.2.' || n, 'p' || n, 'ACC-' || n, strftime('%Y%m%d', 2440587.5 + (n * 7919) % 7000), '120000',
                'Chest radiograph', '2026', CASE n % 200 WHEN 0 THEN 'pneumothorax' ELSE '' END FROM numbers;
         INSERT INTO series (uid, study_uid, modality) SELECT '1.2.' || n || '.1', '1.2.' || n, 'DX' FROM numbers;
         INSERT INTO instances (uid, series_uid, sop_class_uid, transfer_syntax, rows, columns, header,
                original_blob, original_sha256, original_bytes, imported_at)
            SELECT '1.2.' || n || '.1.1', '1.2.' || n || '.1', '', '', 1, 1, '{{}}', 'x', '{hash}', 1, '2026' FROM numbers;
         UPDATE study_text SET report = 'The lungs are clear. No pleural effusion.'
            WHERE rowid IN (SELECT n FROM numbers WHERE n % 10 = 0);
         COMMIT",
        hash = "0".repeat(64),
    );
    assert_eq!(raw(&store, &fill).await, "ok");
    let all = || WorklistQuery { limit: SHOWN as u32, ..WorklistQuery::default() };
    let text = |text: &str| WorklistQuery { text: text.to_owned(), ..all() };
    let stages = |stages: &[ReadingStage]| WorklistQuery { stages: stages.to_vec(), ..all() };
    let shown = |wanted: i64| usize::try_from(wanted).unwrap().min(SHOWN);
    for (what, query, expected) in [
        ("newest", all(), shown(studies)),
        ("still to read", stages(&[ReadingStage::New, ReadingStage::Drafted, ReadingStage::Begun]), shown(studies)),
        ("signed, which none is", stages(&[ReadingStage::Signed]), 0),
        ("put in front", WorklistQuery { in_front: true, ..all() }, shown(studies / 200)),
        ("accessions by their beginning", text("ACC-271"), shown((1..=studies).filter(|n| n.to_string().starts_with("271")).count() as i64)),
        ("a family name", text("name7^given"), 100),
        ("two words of a report", text("lungs effusion"), shown(studies / 10)),
        ("a name and a word of all", text("name7^given chest"), 100),
        ("a word of all", text("chest"), shown(studies)),
        ("a word of all, put in front", WorklistQuery { in_front: true, ..text("chest") }, shown(studies / 200)),
        ("a word of all, after all of them", WorklistQuery { offset: u32::MAX, ..text("chest") }, 0),
        ("nothing", text("xyzzy"), 0),
    ] {
        let mut best = f64::INFINITY;
        let mut found = 0;
        for _ in 0..5 {
            let start = Instant::now();
            found = store.worklist(&query).await.unwrap().len();
            best = best.min(start.elapsed().as_secs_f64());
        }
        println!("{what}: {found} of {studies} studies in {:.1} ms", best * 1e3);
        assert_eq!(found, expected, "{what}");
    }
    let first = store.worklist(&all()).await.unwrap();
    assert!(first[0].study.front == "pneumothorax", "what is put in front comes first");
}
