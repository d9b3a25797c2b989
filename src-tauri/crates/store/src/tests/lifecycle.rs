//! From draft to signed and on, through the store.

use super::setup::*;
use crate::{AuditVerdict, Store};
use hilum_report::{Command, Report, ReportId, SectionKind, Status, TemplateId, VersionKind};

async fn is_same_after_reopening(store: Store, path: &std::path::Path, report: &Report) -> Store {
    store.close().await.unwrap();
    drop(store);
    let store = reopen(path).await;
    assert_eq!(store.report(report.id()).await.unwrap(), *report);
    store
}

#[tokio::test]
async fn a_report_lives_through_signature_addendum_and_amendment() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let report = with_report(&store, "r1").await;
    let report = write(&store, &report).await;
    assert_eq!(report.revision(), 2);
    let store = is_same_after_reopening(store, temp.path(), &report).await;

    let report = sign_it(&store, &report, "v1").await.unwrap();
    assert_eq!(report.status(), Status::Final);
    let store = is_same_after_reopening(store, temp.path(), &report).await;

    let reopen = entry(Command::Reopen { kind: VersionKind::Addendum });
    let addendum = insert(SectionKind::Addendum, "a", "Discussed by telephone.");
    let report = store.append(report.id(), report.revision(), &[reopen, addendum]).await.unwrap();
    assert_eq!(report.status(), Status::Reopened);
    let report = sign_it(&store, &report, "v2").await.unwrap();
    let reopen = entry(Command::Reopen { kind: VersionKind::Amendment });
    let report = store.append(report.id(), report.revision(), &[reopen, entry(Command::Cancel)]).await.unwrap();
    assert_eq!(report.status(), Status::Final, "an amendment given up");
    let store = is_same_after_reopening(store, temp.path(), &report).await;

    let versions = store.versions(report.id()).await.unwrap();
    assert_eq!(versions.len(), 2);
    assert_eq!(versions[1].parent.as_ref(), Some(&versions[0].id));
    assert_eq!(versions.iter().map(|v| v.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(versions[0].text, report.versions()[0].text);
    assert_eq!(store.signed_pdf(&versions[0]).await.unwrap(), b"%PDF-1.7 v1");
    assert!(matches!(store.verify_audit(None).await.unwrap(), AuditVerdict::Intact(_)));
    assert_eq!(store.check_integrity().await.unwrap(), Vec::<String>::new());
    let hits = store.search_reports("lungs cle", 10).await.unwrap();
    // The addendum repeats the text that it adds to.
    assert_eq!(hits.len(), 2, "{hits:?}");
    assert!(hits[0].excerpt.contains("[lungs]"), "{hits:?}");
    assert_eq!(store.search_reports("\" OR *", 10).await.map(|h| h.len()).unwrap_or(99), 0);
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let report = with_report(&store, "r1").await;
    let id = report.id().clone();
    let text = || insert(SectionKind::Findings, "f", "The lungs are clear.");
    let empty = || insert(SectionKind::Findings, "g", " ");

    assert_eq!(code(store.append(&id, 1, &[text()]).await), "store.stale_revision");
    assert_eq!(code(store.append(&id, 0, &[text(), empty()]).await), "report.empty_sentence");
    assert_eq!(code(store.append(&id, 0, &[sign("v1")]).await), "store.sign_apart");
    assert_eq!(code(store.append(&ReportId::new("r9"), 0, &[text()]).await), "store.not_found");
    assert_eq!(code(sign_it(&store, &report, "v1").await), "sign.empty_section");
    assert_eq!(store.report(&id).await.unwrap(), report);
    assert!(store.journal(&id).await.unwrap().is_empty());

    let report = write(&store, &report).await;
    let strange = crate::AuditHead { seq: 1, hash: "0".repeat(64) };
    assert_eq!(code(record(&store, &report, "v1", &strange).await), "store.corrupt");
    let signed = sign_it(&store, &report, "v1").await.unwrap();
    assert_eq!(code(sign_it(&store, &report, "v2").await), "store.stale_revision");
    assert_eq!(code(sign_it(&store, &signed, "v2").await), "sign.not_open");
    assert_eq!(
        code(store.append(&id, signed.revision(), &[insert(SectionKind::Findings, "h", "More.")]).await),
        "report.not_open"
    );
    assert_eq!(code(store.append(&id, signed.revision(), &[entry(Command::Cancel)]).await), "report.wrong_status");
    assert_eq!(store.versions(&id).await.unwrap().len(), 1);
    assert_eq!(code(store.create_report(&id, STUDY, &template(), &ada().id, AT).await), "store.exists");
    assert_eq!(
        code(store.create_report(&ReportId::new("r2"), "9.9", &template(), &ada().id, AT).await),
        "store.not_found"
    );
    assert_eq!(code(store.delete_study(STUDY, &ada().id, AT).await), "store.reported");
}

#[tokio::test]
async fn a_template_may_change_after_it_was_used() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let mut own = template();
    own.id = TemplateId::new("own");
    own.sections[0].text = vec![("Chest, my way.".to_owned(), None)];
    store.put_template(&own).await.unwrap();
    let report = with_report(&store, "r1").await;
    let report =
        store.append(report.id(), 0, &[entry(Command::UseTemplate { template: own.id.clone() })]).await.unwrap();
    own.sections[0].text = vec![("Chest, another way.".to_owned(), None)];
    store.put_template(&own).await.unwrap();
    let store = is_same_after_reopening(store, temp.path(), &report).await;
    assert!(store.templates().await.unwrap().contains(&own));
}

#[tokio::test]
async fn two_who_open_one_study_get_one_report() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let (one, two) = (ReportId::new("r1"), ReportId::new("r2"));
    let (template, by) = (template(), ada().id);
    let open = |id| store.open_report(STUDY, id, &template, &by, AT);
    let (first, second) = tokio::join!(open(&one), open(&two));
    assert_eq!(first.unwrap().id(), second.unwrap().id());
    assert_eq!(code(store.create_report(&ReportId::new("r3"), STUDY, &template, &by, AT).await), "store.exists");
    let another =
        "INSERT INTO reports (id, study_uid, initial, created_at, created_by, changed_at, unreviewed, empty_required)
        VALUES ('r4', '1.2.3.1', '{}', 'now', 'u-ada', 'now', 0, 0)";
    assert!(raw(&store, another).await.contains("UNIQUE"));
}

#[tokio::test]
async fn the_newest_report_that_is_not_cancelled_is_opened() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let open = |id: &'static str| {
        let store = &store;
        async move { store.open_report(STUDY, &ReportId::new(id), &template(), &ada().id, AT).await.unwrap() }
    };
    assert_eq!(open("r1").await.id().as_str(), "r1");
    let first = open("r2").await;
    assert_eq!(first.id().as_str(), "r1");
    store.append(first.id(), 0, &[entry(Command::Cancel)]).await.unwrap();
    assert_eq!(open("r3").await.id().as_str(), "r3");
}
