//! What the lists cost in a folder of some years: 5,000 studies, 600 of them reported, and
//! 20,000 lines of audit. `./dev bench` runs it; by hand:
//! `cargo test --release -p hilum-store --bench large_folder`.

#[allow(dead_code)]
#[path = "../tests/processes/sample.rs"]
mod sample;

use hilum_report::{PackHash, SectionKind};
use hilum_store::{AuditEvent, Score, Store, WorklistQuery};
use sample::*;
use std::collections::HashMap;
use std::time::Instant;

const STUDIES: usize = 5000;
const REPORTS: usize = 600;
const SENTENCES: usize = 10;
const AUDIT_LINES: u64 = 20_000;
/// As many as the window's worklist shows.
const SHOWN: u32 = 500;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let temp = tempfile::tempdir().expect("a folder");
    let folder = hold(temp.path());
    let store = create(&folder).await;
    fill(&store).await;

    for (what, text) in [("worklist, newest", ""), ("worklist, one found by a search", "text accession-4711")] {
        let query = WorklistQuery { text: text.to_owned(), limit: SHOWN, ..WorklistQuery::default() };
        let (lines, seconds) = timed(store.worklist(&query)).await;
        println!("{what}: {} lines in {:.1} ms", lines.len(), seconds * 1e3);
        let studies: Vec<String> = lines.iter().map(|l| l.study.uid.clone()).collect();
        let (images, listed) = timed(store.images_of_studies(&studies)).await;
        let images: Vec<String> = images.into_values().flatten().collect();
        let (_, headers) = timed(store.headers_of_images(&images)).await;
        let (_, scores) = timed(store.scores_of_images(&images, &pack())).await;
        let (reports, cold) = timed(store.reports_of_studies(&studies, &HashMap::new())).await;
        let known: HashMap<_, _> = reports.values().map(|(id, revision, _)| (id.clone(), *revision)).collect();
        let (_, warm) = timed(store.reports_of_studies(&studies, &known)).await;
        println!(
            "  images {:.1} ms, their headers the first time {:.1} ms, scores {:.1} ms, {} reports {:.1} ms the first time, {:.1} ms after",
            listed * 1e3,
            headers * 1e3,
            scores * 1e3,
            reports.len(),
            cold * 1e3,
            warm * 1e3
        );
    }
    let (newest, first) = timed(store.audit_entries(200, None)).await;
    let (_, deep) = timed(store.audit_entries(200, Some(1000))).await;
    println!("audit, 200 of {} lines: newest {:.1} ms, oldest {:.1} ms", newest[0].seq, first * 1e3, deep * 1e3);
    let (_, verified) = timed(store.verify_audit(None)).await;
    println!("audit, whole chain computed again: {:.0} ms", verified * 1e3);
}

async fn timed<T>(work: impl Future<Output = hilum_store::Result<T>>) -> (T, f64) {
    let start = Instant::now();
    let done = work.await.expect("an answer");
    (done, start.elapsed().as_secs_f64())
}

fn pack() -> PackHash {
    PackHash::new("abc")
}

async fn fill(store: &Store) {
    let scores: Vec<Score> =
        (0..13).map(|n| Score { finding: format!("finding {n}"), difference: 0.1, softmax: 0.6 }).collect();
    for n in 0..STUDIES {
        let study = format!("1.2.9.{n}");
        // Only the accession number (text 7) differs, so that all share their sealed files.
        let text = |field| if field == 7 { format!("accession-{n}") } else { format!("text {field}") };
        import_as(store, &study, text).await;
        store.set_scores(&format!("{study}.1.1"), &pack(), &scores).await.expect("scores");
        if n < REPORTS {
            let report = new_report(store, &study, &format!("r{n}")).await.expect("a report");
            let typed: Vec<_> = (0..SENTENCES)
                .map(|s| insert(SectionKind::Findings, format!("s{n}-{s}"), "The lungs are clear."))
                .collect();
            store.append(report.id(), report.revision(), &typed).await.expect("to write");
        }
    }
    let mut head = store.audit_head().await.expect("a head");
    while head.seq < AUDIT_LINES {
        head = store.record_event(AuditEvent::new(AT, &by(), "study.read", "1.2.9.1")).await.expect("a line");
    }
}
