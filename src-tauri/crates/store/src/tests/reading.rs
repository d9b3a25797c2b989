//! Annotations, search, hand-outs, comparisons, moved studies, imports taken back, the queue.

use super::setup::*;
use crate::{Annotation, AnnotationKind, Imported, SpacingSource, Store, WorklistQuery};
use hilum_report::UserId;

fn length(id: &str) -> Annotation {
    Annotation {
        id: id.to_owned(),
        instance_uid: INSTANCE.to_owned(),
        kind: AnnotationKind::Length,
        points: vec![[10.5, 20.0], [30.0, 40.0]],
        label: "nodule".to_owned(),
        measured: vec!["12 mm".to_owned()],
        spacing: Some(SpacingSource::Imager),
    }
}

async fn actions(store: &Store) -> Vec<String> {
    store.audit_entries(50, None).await.unwrap().into_iter().map(|line| line.event.action).collect()
}

#[tokio::test]
async fn annotations_are_kept_changed_taken_away_and_brought_back() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let by = ada().id;
    assert_eq!(store.put_annotation(&length("a"), &by, AT).await.unwrap(), STUDY);
    let changed = Annotation { measured: vec!["14 mm".to_owned()], ..length("a") };
    store.put_annotation(&changed, &by, later(1)).await.unwrap();
    assert_eq!(store.annotations(STUDY).await.unwrap(), [changed.clone()]);
    assert_eq!(store.remove_annotation("a", &by, later(2)).await.unwrap(), STUDY);
    assert!(store.annotations(STUDY).await.unwrap().is_empty());
    assert_eq!(code(store.remove_annotation("a", &by, later(3)).await), "store.not_found");
    store.put_annotation(&changed, &by, later(4)).await.unwrap();
    assert_eq!(store.annotations(STUDY).await.unwrap().len(), 1);
    let log = actions(&store).await;
    assert_eq!(log.iter().filter(|a| *a == "annotation.put").count(), 3);
    assert_eq!(log.iter().filter(|a| *a == "annotation.remove").count(), 1);

    for (wrong, expected) in [
        (Annotation { points: vec![[1.0, 2.0]], ..length("b") }, "store.corrupt"),
        (Annotation { points: vec![[1.0, 2.0], [f64::NAN, 0.0]], ..length("b") }, "store.corrupt"),
        (Annotation { instance_uid: "9".to_owned(), ..length("b") }, "store.not_found"),
        (Annotation { kind: AnnotationKind::Arrow, ..length("a") }, "store.exists"),
    ] {
        assert_eq!(code(store.put_annotation(&wrong, &by, AT).await), expected);
    }
}

async fn found(store: &Store, text: &str) -> Vec<String> {
    let query = WorklistQuery { text: text.to_owned(), ..WorklistQuery::default() };
    store.worklist(&query).await.unwrap().into_iter().map(|row| row.study.uid).collect()
}

#[tokio::test]
async fn search_covers_signed_reports_and_follows_changes() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let mut other = instance(&store, "1.9", "1").await;
    other.patient.patient_id = "P2".to_owned();
    other.patient.name = "Müller^Jörg".to_owned();
    store.import_instance(&other, &ada().id, AT).await.unwrap();
    let report = with_report(&store, "r1").await;
    let report = write(&store, &report).await;
    assert_eq!(found(&store, "clear").await, [""; 0], "what is not signed is not searched");
    sign_it(&store, &report, "v1").await.unwrap();
    for (text, expected) in [
        ("lungs clear", vec![STUDY]),
        ("doe lung", vec![STUDY]),
        ("muller", vec!["1.9"]),
        ("jör p2", vec!["1.9"]),
        ("A-1.9", vec!["1.9"]),
        ("ungs", vec![]),
        ("%", vec![]),
        ("name: OR", vec![]),
    ] {
        assert_eq!(found(&store, text).await, expected, "{text}");
    }
    let mut renamed = instance(&store, "1.9", "2").await;
    renamed.patient = other.patient.clone();
    renamed.patient.name = "Meier^Jörg".to_owned();
    store.import_instance(&renamed, &ada().id, AT).await.unwrap();
    assert_eq!(found(&store, "meier").await, ["1.9"]);
    assert_eq!(found(&store, "müller").await, [""; 0]);
    store.delete_study("1.9", &ada().id, AT).await.unwrap();
    assert_eq!(found(&store, "meier").await, [""; 0]);
}

#[tokio::test]
async fn studies_come_in_order_and_are_handed_out() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    for (uid, date) in [("1.7", "20250101"), ("1.8", "20240101")] {
        let mut new = instance(&store, uid, "1").await;
        new.study.date = date.to_owned();
        store.import_instance(&new, &ada().id, AT).await.unwrap();
    }
    store.set_front("1.8", "pneumothorax").await.unwrap();
    assert_eq!(found(&store, "").await, ["1.8", STUDY, "1.7"]);
    assert_eq!(code(store.assign(STUDY, Some(&UserId::new("nobody")), &ada().id, AT).await), "vault.no_user");
    assert_eq!(code(store.assign("9", None, &ada().id, AT).await), "store.not_found");
    store.assign(STUDY, Some(&ada().id), &ada().id, AT).await.unwrap();
    let mine = WorklistQuery { assigned_to: Some(ada().id), ..WorklistQuery::default() };
    let rows = store.worklist(&mine).await.unwrap();
    assert_eq!((rows.len(), rows[0].study.assigned_to.clone()), (1, Some(ada().id)));
    let front = WorklistQuery { in_front: true, ..WorklistQuery::default() };
    assert_eq!(store.worklist(&front).await.unwrap()[0].study.front, "pneumothorax");
}

#[tokio::test]
async fn a_moved_study_belongs_to_the_other_patient_and_still_takes_its_files() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let mut wrong = instance(&store, "1.9", "1").await;
    wrong.patient.patient_id = "WRONG".to_owned();
    wrong.patient.name = "Roe, Max".to_owned();
    store.import_instance(&wrong, &ada().id, AT).await.unwrap();
    assert_eq!(code(store.move_study(STUDY, STUDY, "", &ada().id, AT).await), "store.exists");
    assert_eq!(code(store.move_study("8", STUDY, "", &ada().id, AT).await), "store.not_found");
    store.move_study("1.9", STUDY, "filed under the bed's number", &ada().id, AT).await.unwrap();
    assert_eq!(store.study("1.9").await.unwrap().patient.patient_id, "P1");
    assert_eq!(store.other_studies(STUDY).await.unwrap()[0].uid, "1.9");
    assert_eq!(found(&store, "roe").await, [""; 0]);
    assert_eq!(found(&store, "doe").await.len(), 2);
    let mut late = instance(&store, "1.9", "2").await;
    late.patient = wrong.patient.clone();
    assert_eq!(store.import_instance(&late, &ada().id, AT).await.unwrap(), Imported::New);
    assert_eq!(store.study("1.9").await.unwrap().patient.patient_id, "P1");
    assert!(actions(&store).await.contains(&"study.move".to_owned()));
}

#[tokio::test]
async fn comparisons_are_what_was_said_last() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let prior = instance(&store, "1.9", "1").await;
    store.import_instance(&prior, &ada().id, AT).await.unwrap();
    assert_eq!(code(store.set_comparison(STUDY, STUDY, true, &ada().id, AT).await), "store.exists");
    assert_eq!(code(store.set_comparison(STUDY, "8", true, &ada().id, AT).await), "store.not_found");
    store.set_comparison(STUDY, "1.9", true, &ada().id, AT).await.unwrap();
    store.set_comparison(STUDY, "1.9", false, &ada().id, later(1)).await.unwrap();
    assert_eq!(store.comparisons(STUDY).await.unwrap(), [("1.9".to_owned(), false)]);
    let log = actions(&store).await;
    assert!(log.contains(&"comparison.link".to_owned()) && log.contains(&"comparison.unlink".to_owned()));
}

#[tokio::test]
async fn the_queue_keeps_its_order_and_an_import_knows_what_it_brought() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    for uid in ["1.1", "1.2", "1.3"] {
        let new = instance(&store, uid, "1").await;
        store.import_instance(&new, &ada().id, AT).await.unwrap();
        store.note_imported("job", &new.uid).await.unwrap();
        store.queue_draft(uid, false, AT).await.unwrap();
    }
    let order = async || store.draft_queue().await.unwrap().into_iter().map(|q| q.study_uid).collect::<Vec<_>>();
    assert_eq!(order().await, ["1.1", "1.2", "1.3"]);
    store.queue_draft("1.3", true, AT).await.unwrap();
    store.queued_draft_failed("1.1", "worker.crash_loop").await.unwrap();
    assert_eq!(order().await, ["1.3", "1.2", "1.1"]);
    store.unqueue_draft("1.2").await.unwrap();
    assert_eq!(order().await, ["1.3", "1.1"]);
    let more = instance(&store, "1.2", "2").await;
    store.import_instance(&more, &ada().id, AT).await.unwrap();
    let (whole, part) = store.imported_by("job").await.unwrap();
    assert_eq!((whole, part), (vec!["1.1".to_owned(), "1.3".to_owned()], vec!["1.2".to_owned()]));
    assert_eq!(store.imported_by("other").await.unwrap(), (vec![], vec![]));
}
