//! Tampering with the trail by somebody who has the key and drops the triggers first.

use super::setup::*;
use crate::{AuditBreak, AuditEvent, AuditFilter, AuditHead, AuditPage, AuditVerdict, Store};
use hilum_report::UserId;

const NO_TRIGGERS: &str = "DROP TRIGGER audit_keeps; DROP TRIGGER audit_stays; DROP TRIGGER audit_in_order;";

async fn trail(lines: usize) -> (tempfile::TempDir, Store, AuditHead) {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    for i in 1..lines {
        let event = AuditEvent::new(later(i as i64), &UserId::new("u"), "thing.deed", format!("object {i}"));
        store.record_event(event.with(serde_json::json!({ "i": i }))).await.unwrap();
    }
    let head = store.audit_head().await.unwrap();
    assert_eq!(head.seq, lines as u64);
    (temp, store, head)
}

async fn check(tampering: &str, expected: impl Fn(&AuditHead) -> Option<AuditBreak>) {
    let (_temp, store, head) = trail(10).await;
    assert_eq!(store.verify_audit(Some(&head)).await.unwrap(), AuditVerdict::Intact(head.clone()));
    assert_eq!(raw(&store, &format!("{NO_TRIGGERS} {tampering}")).await, "ok", "{tampering}");
    let verdict = store.verify_audit(Some(&head)).await.unwrap();
    match expected(&head) {
        Some(found) => assert_eq!(verdict, AuditVerdict::Broken(found), "{tampering}"),
        None => assert!(matches!(verdict, AuditVerdict::Broken(_)), "{tampering}: {verdict:?}"),
    }
}

#[tokio::test]
async fn every_kind_of_tampering_is_found() {
    for column in ["at", "who", "action", "object", "detail"] {
        let value = if column == "detail" { "'{\"i\":99}'" } else { "'other'" };
        check(&format!("UPDATE audit SET {column} = {value} WHERE seq = 5"), |_| Some(AuditBreak::Changed { seq: 5 }))
            .await;
    }
    check("UPDATE audit SET hash = randomblob(32) WHERE seq = 5", |_| Some(AuditBreak::Changed { seq: 5 })).await;
    check("UPDATE audit SET prev = randomblob(32) WHERE seq = 5", |_| Some(AuditBreak::Changed { seq: 5 })).await;
    check("DELETE FROM audit WHERE seq = 5", |_| Some(AuditBreak::Missing { seq: 6 })).await;
    check("DELETE FROM audit WHERE seq = 1", |_| Some(AuditBreak::Missing { seq: 2 })).await;
    check("DELETE FROM audit WHERE seq > 7", |head| Some(AuditBreak::HeadNotFound(head.clone()))).await;
    check("DELETE FROM audit", |head| Some(AuditBreak::HeadNotFound(head.clone()))).await;
    check("INSERT INTO audit SELECT -1, at, who, action, object, detail, prev, hash FROM audit WHERE seq = 3", |_| {
        Some(AuditBreak::Changed { seq: 0 })
    })
    .await;
    // Two lines change places, numbers and all.
    check(
        "UPDATE audit SET seq = 100 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5; UPDATE audit SET seq = 5 WHERE seq = 100",
        |_| Some(AuditBreak::Changed { seq: 4 }),
    )
    .await;
    // The line that would let fields run into each other.
    check("UPDATE audit SET who = who || action, action = '' WHERE seq = 6", |_| Some(AuditBreak::Changed { seq: 6 }))
        .await;
}

#[tokio::test]
async fn a_trail_made_anew_does_not_have_the_printed_head() {
    let (_temp, store, head) = trail(10).await;
    assert_eq!(raw(&store, &format!("{NO_TRIGGERS} DELETE FROM audit WHERE seq >= 8")).await, "ok");
    for i in 0..5 {
        let event = AuditEvent::new(later(i), &UserId::new("u"), "thing.deed", "another story");
        store.record_event(event).await.unwrap();
    }
    assert!(matches!(store.verify_audit(None).await.unwrap(), AuditVerdict::Intact(_)), "consistent in itself");
    let verdict = store.verify_audit(Some(&head)).await.unwrap();
    assert_eq!(verdict, AuditVerdict::Broken(AuditBreak::HeadNotFound(head)));
}

#[tokio::test]
async fn the_heads_in_signed_versions_are_known_without_being_told() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let report = with_report(&store, "r1").await;
    let report = write(&store, &report).await;
    let printed = store.audit_head().await.unwrap();
    sign_it(&store, &report, "v1").await.unwrap();
    assert_eq!(raw(&store, &format!("{NO_TRIGGERS} DELETE FROM audit WHERE seq >= 2")).await, "ok");
    let verdict = store.verify_audit(None).await.unwrap();
    assert_eq!(verdict, AuditVerdict::Broken(AuditBreak::HeadNotFound(printed)));
}

#[tokio::test]
async fn the_trail_tells_who_did_what() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let report = with_report(&store, "r1").await;
    let report = write(&store, &report).await;
    sign_it(&store, &report, "v1").await.unwrap();
    let entries = store.audit_entries(100, None).await.unwrap();
    let actions: Vec<&str> = entries.iter().rev().map(|e| e.event.action.as_str()).collect();
    assert_eq!(actions, ["vault.create", "instance.import", "report.create", "report.edit", "report.sign"]);
    assert!(entries.iter().all(|e| e.event.who == ada().id));
    assert_eq!(entries[0].event.detail["version"], "v1");
    let page = |limit, before| {
        let store = &store;
        async move { store.audit_entries(limit, before).await.unwrap().iter().map(|e| e.seq).collect::<Vec<_>>() }
    };
    assert_eq!(page(2, None).await, [5, 4]);
    assert_eq!(page(2, Some(3)).await, [2, 1]);
    assert_eq!(page(2, Some(1)).await, [0; 0]);
    assert_eq!(page(9, Some(u64::MAX)).await, [5, 4, 3, 2, 1]);
}

/// The numbers of the lines that a filter lets through, the oldest first.
async fn filtered(store: &Store, filter: AuditFilter) -> Vec<u64> {
    let lines = store.audit_page(&filter, AuditPage::After(0), 100).await.unwrap();
    lines.iter().map(|line| line.seq).collect()
}

#[tokio::test]
async fn lines_are_found_by_person_time_and_words() {
    let (_temp, store, _) = trail(6).await;
    let check = async |filter: AuditFilter, expected: &[u64]| assert_eq!(filtered(&store, filter.clone()).await, expected, "{filter:?}");
    let none = AuditFilter::default;
    check(none(), &[1, 2, 3, 4, 5, 6]).await;
    check(AuditFilter { who: Some(ada().id), ..none() }, &[1]).await;
    check(AuditFilter { words: " THING.deed ".into(), ..none() }, &[2, 3, 4, 5, 6]).await;
    check(AuditFilter { words: "object 3".into(), ..none() }, &[4]).await;
    check(AuditFilter { words: "\"i\":5".into(), ..none() }, &[6]).await;
    // What stands for anything in a pattern stands for itself here.
    check(AuditFilter { words: "%".into(), ..none() }, &[]).await;
    check(AuditFilter { words: "'; DROP TABLE audit; --".into(), ..none() }, &[]).await;
    check(AuditFilter { from: Some(later(3)), until: Some(later(5)), ..none() }, &[4, 5]).await;
    let newest = store.audit_page(&none(), AuditPage::Before(Some(5)), 2).await.unwrap();
    assert_eq!(newest.iter().map(|line| line.seq).collect::<Vec<_>>(), [4, 3]);
}

/// Past the triggers, an edit of what a line vouches for is found.
#[tokio::test]
async fn what_a_line_vouches_for_cannot_be_changed_unnoticed() {
    const NO_TRIGGERS: &str = "PRAGMA foreign_keys = OFF; PRAGMA writable_schema = ON;
        DELETE FROM sqlite_schema WHERE type = 'trigger'; PRAGMA writable_schema = RESET;";
    for (edit, what) in [
        ("UPDATE journal SET entry = replace(entry, 'clear', 'dense')", "journal"),
        ("UPDATE journal SET by = 'u-eve' WHERE seq = 2", "journal"),
        ("UPDATE journal SET at = '2020-01-01T00:00:00.000000000Z' WHERE seq = 1", "journal"),
        ("DELETE FROM journal WHERE seq = 2", "journal"),
        ("DELETE FROM journal", "journal"),
        ("UPDATE journal SET seq = 9 WHERE seq = 1; UPDATE journal SET seq = 1 WHERE seq = 2; UPDATE journal SET seq = 2 WHERE seq = 9", "journal"),
        ("INSERT INTO journal SELECT report_id, 4, by, at, entry, template FROM journal WHERE seq = 1", "journal"),
        ("INSERT INTO reports SELECT 'r9', study_uid, initial, 0, 'cancelled', created_at, created_by, changed_at, 0, 0 FROM reports", "journal"),
        ("DELETE FROM reports", "journal"),
        ("DELETE FROM report_versions", "signed version"),
        ("UPDATE report_versions SET text = replace(text, 'clear', 'dense')", "signed version"),
        ("UPDATE report_versions SET pdf_sha256 = printf('%064d', 1)", "signed version"),
        ("UPDATE report_versions SET kind = 'addendum'", "signed version"),
        ("DELETE FROM signatures", "signed version"),
        ("UPDATE signatures SET signer = 'u-eve'", "signed version"),
        ("UPDATE signatures SET signed_at = '2020-01-01T00:00:00.000000000Z'", "signed version"),
        ("UPDATE signatures SET meaning = 'co_signed'", "signed version"),
        ("UPDATE instances SET original_sha256 = printf('%064d', 9)", "image"),
        ("DELETE FROM instances", "image"),
        ("UPDATE instances SET uid = '9.9'", "image"),
    ] {
        let temp = tempfile::tempdir().unwrap();
        let (_, store, _) = create(temp.path()).await;
        with_study(&store).await;
        let report = with_report(&store, "r1").await;
        let report = write(&store, &report).await;
        sign_it(&store, &report, "v1").await.unwrap();
        assert!(matches!(store.verify_audit(None).await.unwrap(), AuditVerdict::Intact(_)), "before {edit}");
        assert_eq!(raw(&store, NO_TRIGGERS).await, "ok");
        assert_eq!(raw(&store, edit).await, "ok", "{edit}");
        match store.verify_audit(None).await.unwrap() {
            AuditVerdict::Broken(AuditBreak::NotAsRecorded { what: found, .. }) if found == what => {}
            other => panic!("{edit}: {other:?}"),
        }
    }
}
