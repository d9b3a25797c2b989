//! Embedded images, what signed versions say, and fits.

use super::setup::*;
use crate::{AuditEvent, KeptProbe, NewInstance, Store};
use hilum_report::PackHash;
use serde_json::json;
use std::collections::BTreeMap;

fn pack() -> PackHash {
    PackHash::new("abc")
}

async fn import(store: &Store, study: &str, suffix: &str, change: impl FnOnce(&mut NewInstance)) -> String {
    let mut new = instance(store, study, suffix).await;
    change(&mut new);
    store.import_instance(&new, &ada().id, AT).await.expect("an image");
    new.uid
}

#[tokio::test]
async fn embedded_images_come_in_order_with_whose_they_are() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    let first = import(&store, STUDY, "1", |new| {
        new.header = json!({ "patient_age": "056Y", "burned_in_annotation": "NO" });
    })
    .await;
    let other = import(&store, "1.2.3.2", "1", |new| new.patient.patient_id = "P2".to_owned()).await;
    let film = import(&store, "1.2.3.3", "1", |new| new.series.modality = "CT".to_owned()).await;
    let waiting = |rows: Vec<(String, serde_json::Value)>| rows.into_iter().map(|(uid, _)| uid).collect::<Vec<_>>();
    assert_eq!(waiting(store.images_without_embedding(&pack()).await.unwrap()), [first.clone(), other.clone()]);

    store.set_embedding(&other, &pack(), &[0.6, 0.8]).await.unwrap();
    store.set_embedding(&first, &pack(), &[1.0, 0.0]).await.unwrap();
    store.set_embedding(&first, &PackHash::new("another"), &[1.0]).await.unwrap();
    store.set_embedding(&film, &pack(), &[0.0, 1.0]).await.unwrap();
    let images = store.embedded_images(&pack(), 0).await.unwrap();
    assert_eq!(images.iter().map(|i| &i.instance_uid).collect::<Vec<_>>(), [&other, &first, &film]);
    assert_eq!(store.embedded_count(&pack()).await.unwrap(), 3);
    let image = &images[1];
    assert_eq!((image.vector.as_slice(), image.study_uid.as_str()), ([1.0, 0.0].as_slice(), STUDY));
    assert_eq!((image.sex.as_deref(), image.patient_age.as_deref()), (Some("F"), Some("056Y")));
    assert_eq!((image.view_position.as_str(), image.burned_in.as_deref()), ("PA", Some("NO")));
    assert_ne!(images[0].patient_key, images[1].patient_key);
    assert_eq!(store.owner_of_image(&first).await.unwrap(), (STUDY.to_owned(), image.patient_key.clone()));
    assert_eq!(code(store.owner_of_image("1.9").await), "store.not_found");
    // The next page starts after a number.
    assert_eq!(store.embedded_images(&pack(), images[0].number).await.unwrap().len(), 2);
    assert!(store.embedded_images(&pack(), images[2].number).await.unwrap().is_empty());
    assert!(store.images_without_embedding(&pack()).await.unwrap().is_empty());
}

#[tokio::test]
async fn each_labeller_reads_each_version_once_and_the_newest_counts() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let report = with_report(&store, "r1").await;
    let report = write(&store, &report).await;
    assert!(store.unlabelled_versions("rules-1").await.unwrap().is_empty());
    sign_it(&store, &report, "v1").await.expect("signed");
    assert_eq!(store.signed_count().await.unwrap(), 1);
    let unread = store.unlabelled_versions("rules-1").await.unwrap();
    assert_eq!(unread.len(), 1);
    assert!(unread[0].1.plain().contains("The lungs are clear."));
    let labels = BTreeMap::from([("edema".to_owned(), "absent".to_owned())]);
    store.label_versions("rules-1", &[(unread[0].0.clone(), labels.clone(), true)]).await.unwrap();
    assert!(store.unlabelled_versions("rules-1").await.unwrap().is_empty());
    assert_eq!(store.unlabelled_versions("rules-2").await.unwrap().len(), 1);
    let said = store.study_labels("rules-1").await.unwrap();
    assert_eq!((said[0].study_uid.as_str(), &said[0].labels, said[0].in_bulk), (STUDY, &labels, true));
    assert!(store.study_labels("rules-2").await.unwrap().is_empty());
}

#[tokio::test]
async fn fits_replace_those_of_their_pack_and_are_audited() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    let probe = |pack: &str, finding: &str, outcome: &str| KeptProbe {
        pack: PackHash::new(pack),
        finding: finding.to_owned(),
        labeller: "rules-1".to_owned(),
        outcome: outcome.to_owned(),
        positives: 40,
        negatives: 60,
        auc: (outcome != "too_few").then_some([0.9, 0.8, 0.95]),
        probe: (outcome == "calibrated").then(|| json!({ "w": [0.5] })),
        fitted_at: later(3),
    };
    let set = async |pack: &str, probes: &[KeptProbe]| {
        let event = AuditEvent::new(later(3), &ada().id, "calibration.fit", pack);
        store.set_probes(&PackHash::new(pack), probes, &ada().id, event).await
    };
    let first = [probe("abc", "edema", "calibrated"), probe("abc", "fracture", "too_few")];
    set("abc", &first).await.unwrap();
    set("other", &[probe("other", "edema", "not_separated")]).await.unwrap();
    assert_eq!(store.probes().await.unwrap().len(), 3);
    set("abc", &first[..1]).await.unwrap();
    let kept = store.probes().await.unwrap();
    assert_eq!(kept, [first[0].clone(), probe("other", "edema", "not_separated")]);
    let fits = store.audit_entries(10, None).await.unwrap().into_iter().filter(|e| e.event.action == "calibration.fit");
    assert_eq!(fits.count(), 3);
    // A probability without a fit, or a fit without one, is refused by the table itself.
    let mut torn = probe("abc", "edema", "calibrated");
    torn.probe = None;
    assert_eq!(code(set("abc", &[torn]).await), "store.database");
    assert_eq!(store.probes().await.unwrap().len(), 2);
}
