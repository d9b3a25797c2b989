//! What the triggers refuse to SQL that does not come from Hilum.

use super::setup::*;
use crate::Store;
use hilum_report::{Command, PackHash, ProposalId, ProposedText, SectionKind, SentenceId};

/// Runs the statement, expects a trigger's words, and that nothing has changed.
async fn check(store: &Store, sql: &str, words: &str) {
    let error = raw(store, sql).await;
    assert!(error.contains(words), "{sql}: {error}");
}

#[tokio::test]
async fn signed_versions_journal_and_audit_cannot_be_changed() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let report = with_report(&store, "r1").await;
    let report = write(&store, &report).await;
    let report = sign_it(&store, &report, "v1").await.unwrap();
    let versions = store.versions(report.id()).await.unwrap();

    for (table, words) in [
        ("journal", "journal is append-only"),
        ("report_versions", "a signed version never changes"),
        ("signatures", "a signature never changes"),
        ("audit", "audit is append-only"),
    ] {
        check(&store, &format!("DELETE FROM {table}"), words).await;
        check(&store, &format!("INSERT OR REPLACE INTO {table} SELECT * FROM {table}"), "").await;
    }
    check(&store, "UPDATE journal SET at = at", "journal is append-only").await;
    check(&store, "UPDATE report_versions SET text = '{}'", "a signed version never changes").await;
    check(&store, "UPDATE report_versions SET pdf_sha256 = pdf_sha256", "a signed version never changes").await;
    check(&store, "UPDATE signatures SET signer = 'u-ada'", "a signature never changes").await;
    check(&store, "UPDATE audit SET who = 'nobody'", "audit is append-only").await;
    check(&store, "DELETE FROM reports", "FOREIGN KEY").await;
    check(&store, "DELETE FROM users", "FOREIGN KEY").await;
    check(&store, "DELETE FROM studies", "FOREIGN KEY").await;
    check(
        &store,
        "INSERT INTO audit VALUES (99, 'now', 'x', 'y', 'z', '{}', zeroblob(32), zeroblob(32))",
        "audit line out of order",
    )
    .await;
    check(
        &store,
        "INSERT INTO journal (report_id, seq, by, at, entry) VALUES ('r1', 4, 'u', 'now', '{\"command\":{\"do\":\"edit\"}}')",
        "report is closed",
    )
    .await;
    assert_eq!(store.versions(report.id()).await.unwrap(), versions);
    assert_eq!(store.check_integrity().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_report_moves_only_along_its_lifecycle() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let report = with_report(&store, "r1").await;
    write(&store, &report).await;

    let line = |seq: u32, does: &str| {
        format!(
            "INSERT INTO journal (report_id, seq, by, at, entry) VALUES ('r1', {seq}, 'u', 'now', '{{\"command\":{{\"do\":\"{does}\"}}}}')"
        )
    };
    check(&store, "UPDATE reports SET status = 'final'", "a final report has a signature").await;
    check(&store, "UPDATE reports SET status = 'preliminary'", "no such step").await;
    check(&store, "UPDATE reports SET status = 'reopened'", "no such step").await;
    check(&store, "UPDATE reports SET status = 'nonsense'", "").await;
    check(&store, "UPDATE reports SET revision = 3", "a revision is a line of the journal").await;
    check(&store, "UPDATE reports SET revision = 0", "a revision is a line of the journal").await;
    check(&store, "UPDATE reports SET initial = '{}'", "a report keeps its identity").await;
    check(&store, "UPDATE reports SET study_uid = 'other'", "a report keeps its identity").await;
    check(&store, &line(9, "edit"), "journal line out of order").await;
    check(&store, &line(2, "edit"), "journal line out of order").await;
    // A line that says "sign" does not make a report final without version and signature.
    check(
        &store,
        &format!("BEGIN; {}; UPDATE reports SET revision = 3, status = 'final'", line(3, "sign")),
        "a final report has a signature",
    )
    .await;
    raw(&store, "ROLLBACK").await;
    check(
        &store,
        &format!("BEGIN; {}; UPDATE reports SET revision = 3, status = 'cancelled'", line(3, "mark_preliminary")),
        "no such step",
    )
    .await;
    raw(&store, "ROLLBACK").await;
    let version = "INSERT INTO report_versions (id, report_id, number, kind, seq, text, pdf_blob, pdf_sha256, audit_seq, audit_hash)
        VALUES ('v1', 'r1', 1, 'original', 2, '{}', 'p', printf('%064d', 0), 0, printf('%064d', 0))";
    check(&store, version, "a version is made by signing").await;
    check(&store, "INSERT INTO signatures VALUES ('v1', 'u-ada', 'now', 'reviewed_and_approved')", "FOREIGN KEY").await;
    check(
        &store,
        "INSERT INTO reports (id, study_uid, initial, status, created_at, created_by, changed_at, unreviewed, empty_required)
         VALUES ('r2', '1.2.3.1', '{}', 'final', 'now', 'u-ada', 'now', 0, 0)",
        "a report starts as a draft",
    )
    .await;
    assert_eq!(store.report(report.id()).await.unwrap().revision(), 2);
    assert_eq!(store.journal(report.id()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_nobody_reviewed_is_not_signed() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let report = with_report(&store, "r1").await;
    let signed_at = |seq: u32| {
        format!(
            "BEGIN;
             INSERT INTO journal (report_id, seq, by, at, entry) VALUES ('r1', {seq}, 'u', 'now', '{{\"command\":{{\"do\":\"sign\"}}}}');
             INSERT INTO report_versions (id, report_id, number, kind, seq, text, pdf_blob, pdf_sha256, audit_seq, audit_hash)
             VALUES ('v1', 'r1', 1, 'original', {seq}, '{{}}', 'p', printf('%064d', 0), 0, printf('%064d', 0));
             INSERT INTO signatures VALUES ('v1', 'u-ada', 'now', 'reviewed_and_approved');
             UPDATE reports SET revision = {seq}, status = 'final'"
        )
    };
    let words = "unreviewed or missing text is not signed";
    let attempt = async |seq: u32, more: &str, words: &str| {
        check(&store, &format!("{}{more}", signed_at(seq)), words).await;
        raw(&store, "ROLLBACK").await;
    };
    attempt(1, "", words).await;
    let report = write(&store, &report).await;
    attempt(3, "", "ok").await;
    let proposed = entry(Command::Propose {
        proposal: ProposalId::new("p"),
        pack: PackHash::new("h"),
        demo: true,
        section: SectionKind::Findings,
        sentences: vec![ProposedText { id: SentenceId::new("x"), text: "Clear.".to_owned(), region: None }],
    });
    let report = store.append(report.id(), report.revision(), &[proposed]).await.unwrap();
    attempt(4, "", words).await;
    attempt(4, ", unreviewed = 0", words).await;
    check(&store, "UPDATE reports SET unreviewed = 0", "changes with its journal").await;
    let accept = entry(Command::Accept { id: SentenceId::new("x") });
    let report = store.append(report.id(), report.revision(), &[accept]).await.unwrap();
    attempt(5, "", "ok").await;
    sign_it(&store, &report, "v1").await.unwrap();
}

#[tokio::test]
async fn a_second_version_must_link_the_first() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let report = with_report(&store, "r1").await;
    let report = write(&store, &report).await;
    sign_it(&store, &report, "v1").await.unwrap();
    let begin = "BEGIN;
        INSERT INTO journal (report_id, seq, by, at, entry) VALUES ('r1', 4, 'u', 'now', '{\"command\":{\"do\":\"reopen\"}}');
        UPDATE reports SET revision = 4, status = 'reopened';
        INSERT INTO journal (report_id, seq, by, at, entry) VALUES ('r1', 5, 'u', 'now', '{\"command\":{\"do\":\"sign\"}}');";
    let version = |id: &str, number: u32, kind: &str, parent: &str| {
        format!(
            "{begin} INSERT INTO report_versions
                (id, report_id, number, kind, parent_id, seq, text, pdf_blob, pdf_sha256, audit_seq, audit_hash)
             VALUES ('{id}', 'r1', {number}, '{kind}', {parent}, 5, '{{}}', 'p', printf('%064d', 0), 0, printf('%064d', 0))"
        )
    };
    for (sql, words) in [
        (version("v2", 2, "addendum", "NULL"), "links the one before it"),
        (version("v2", 2, "original", "'v1'"), "links the one before it"),
        (version("v2", 3, "addendum", "'v1'"), "links the one before it"),
        (version("v1", 2, "addendum", "'v1'"), "links the one before it"),
        (version("v2", 2, "addendum", "'v1'"), "ok"),
    ] {
        check(&store, &sql, words).await;
        raw(&store, "ROLLBACK").await;
    }
}

#[tokio::test]
async fn a_proposal_is_finished_once() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let report = with_report(&store, "r1").await;
    store.begin_proposal(&super::records::proposal("p1")).await.unwrap();
    check(&store, "UPDATE proposals SET status = 'complete', prompt = 'another'", "finished once").await;
    store.finish_proposal(&super::records::proposal("p1").id, &super::records::outcome()).await.unwrap();
    check(&store, "UPDATE proposals SET raw_text = 'another'", "finished once").await;
    check(&store, "UPDATE proposals SET status = 'running'", "finished once").await;
    write(&store, &report).await;
    check(&store, "DELETE FROM proposals", "a proposal of a reported study stays").await;
}
