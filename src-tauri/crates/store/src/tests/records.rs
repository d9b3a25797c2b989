//! Studies, worklist, caches, proposals, scores, embeddings and settings.

use super::setup::*;
use crate::{
    BlobKind, Cache, Imported, NewProposal, NewUser, Priority, Proposal, ProposalOutcome, ProposalStatus, ReadingStage,
    Role, Score, Store, WorklistQuery,
};
use hilum_report::{PackHash, ProposalId, ReportId, Status, UserId};
use serde_json::json;
use std::time::{Duration, SystemTime};

pub fn proposal(id: &str) -> NewProposal {
    NewProposal {
        id: ProposalId::new(id),
        study_uid: STUDY.to_owned(),
        report: None,
        pack_id: "demo".to_owned(),
        pack_hash: PackHash::new("abc"),
        demo: true,
        prompt: "findings:".to_owned(),
        image_hashes: vec!["11".repeat(32)],
        settings: json!({ "temperature": 0 }),
        started_at: AT,
    }
}

pub fn outcome() -> ProposalOutcome {
    ProposalOutcome {
        status: ProposalStatus::Complete,
        finished_at: later(3),
        raw_text: "The lungs are clear.".to_owned(),
        token_ids: vec![1, 70_000, u32::MAX],
        logprobs: vec![-0.5, -1.25e-7, f32::NEG_INFINITY],
        timings: json!({ "prompt_ms": 12.5 }),
        error_code: None,
    }
}

#[tokio::test]
async fn importing_again_changes_nothing_and_a_changed_file_is_told() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    let first = instance(&store, STUDY, "1").await;
    let by = ada().id;
    let import = |new| {
        let (store, by) = (&store, &by);
        async move { store.import_instance(&new, by, AT).await.unwrap() }
    };
    assert_eq!(import(first.clone()).await, Imported::New);
    assert_eq!(import(first.clone()).await, Imported::Same);
    let mut changed = first.clone();
    changed.original_sha256 = "f".repeat(64);
    assert_eq!(import(changed).await, Imported::Differs);
    let mut stray = instance(&store, "1.2.3.2", "1").await;
    stray.series.uid = first.series.uid.clone();
    assert_eq!(import(stray).await, Imported::Differs, "a series of two studies");
    let mut other_patient = instance(&store, STUDY, "2").await;
    other_patient.patient.patient_id = "P2".to_owned();
    assert_eq!(import(other_patient).await, Imported::Differs, "a study of two patients");
    let mut second = instance(&store, STUDY, "2").await;
    second.patient.name = "Doe, Jane Ann".to_owned();
    second.study.referring_physician = "Smith".to_owned();
    second.study.accession = "changed".to_owned();
    assert_eq!(import(second).await, Imported::New);

    let study = store.study(STUDY).await.unwrap();
    assert_eq!(study.patient.name, "Doe, Jane Ann");
    assert_eq!((study.row.referring_physician.as_str(), study.row.accession.as_str()), ("Smith", "A-1.2.3.1"));
    assert_eq!(study.series.len(), 1);
    assert_eq!(study.series[0].instances.len(), 2);
    assert_eq!(store.instance(INSTANCE).await.unwrap(), study.series[0].instances[0]);
    assert_eq!(store.blob(&study.series[0].instances[0].original).await.unwrap(), b"bytes of 1.2.3.1 1");
    assert_eq!(store.worklist(&WorklistQuery::default()).await.unwrap().len(), 1, "refused files left no study");
}

#[tokio::test]
async fn files_without_a_patient_id_are_not_one_patient() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    for study in ["1.1", "1.2", "1.3"] {
        let mut new = instance(&store, study, "1").await;
        if study != "1.3" {
            new.patient.patient_id = " ".to_owned();
        }
        store.import_instance(&new, &ada().id, AT).await.unwrap();
    }
    assert!(store.other_studies("1.1").await.unwrap().is_empty());
    let prior = instance(&store, "1.4", "1").await;
    store.import_instance(&prior, &ada().id, AT).await.unwrap();
    assert_eq!(store.other_studies("1.4").await.unwrap()[0].uid, "1.3");
}

async fn finds(store: &Store, query: WorklistQuery) -> Vec<String> {
    store.worklist(&query).await.unwrap().into_iter().map(|r| r.study.uid).collect()
}

#[tokio::test]
async fn the_worklist_filters_and_sorts() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    for (study, date, name) in
        [("1.1", "20260101", "Doe, Jane"), ("1.2", "20260103", "Roe, Max"), ("1.3", "20260102", "100% Sure")]
    {
        let mut new = instance(&store, study, "1").await;
        new.study.date = date.to_owned();
        new.patient.patient_id = study.to_owned();
        new.patient.name = name.to_owned();
        store.import_instance(&new, &ada().id, AT).await.unwrap();
    }
    store.set_priority("1.1", Priority::Stat).await.unwrap();
    assert_eq!(code(store.set_priority("9", Priority::Stat).await), "store.not_found");
    let report = store.create_report(&ReportId::new("r"), "1.2", &template(), &ada().id, AT).await.unwrap();
    write(&store, &report).await;

    let all = WorklistQuery::default;
    let text = |text: &str| WorklistQuery { text: text.to_owned(), ..all() };
    assert_eq!(finds(&store, all()).await, ["1.1", "1.2", "1.3"]);
    assert_eq!(finds(&store, text("doe")).await, ["1.1"]);
    assert_eq!(finds(&store, text("chest roe")).await, ["1.2"]);
    assert_eq!(finds(&store, text("% sure")).await, ["1.3"]);
    assert_eq!(finds(&store, text("h%t")).await, [""; 0], "a per cent sign is a per cent sign");
    assert_eq!(finds(&store, text("_oe")).await, [""; 0], "an underscore is an underscore");
    assert_eq!(finds(&store, text("' OR 1=1 --")).await, [""; 0]);
    assert_eq!(finds(&store, WorklistQuery { stages: vec![ReadingStage::Begun], ..all() }).await, ["1.2"]);
    assert_eq!(finds(&store, WorklistQuery { stages: vec![ReadingStage::New], ..all() }).await, ["1.1", "1.3"]);
    let either = WorklistQuery { stages: vec![ReadingStage::New, ReadingStage::Begun, ReadingStage::Signed], ..all() };
    assert_eq!(finds(&store, either).await.len(), 3);
    assert_eq!(finds(&store, WorklistQuery { priority: Some(Priority::Stat), ..all() }).await, ["1.1"]);
    let days = WorklistQuery { from: Some("20260102".to_owned()), to: Some("20260102".to_owned()), ..all() };
    assert_eq!(finds(&store, days).await, ["1.3"]);
    assert_eq!(finds(&store, WorklistQuery { limit: 1, offset: 1, ..all() }).await, ["1.2"]);
    let row = &store.worklist(&text("roe")).await.unwrap()[0];
    assert_eq!((row.modalities.join(","), row.images), ("DX".to_owned(), 1));
    assert_eq!(row.report, Some(("r".to_owned(), Status::Draft)));
    assert!(!row.drafted);
}

#[tokio::test]
async fn a_study_nobody_reported_on_can_be_deleted_with_all_its_files() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    store.set_cache(INSTANCE, Cache::Thumbnail, b"small".to_vec()).await.unwrap();
    store.set_cache(INSTANCE, Cache::Pixels, b"large".to_vec()).await.unwrap();
    store.set_cache(INSTANCE, Cache::Pixels, b"larger".to_vec()).await.unwrap();
    assert_eq!(store.blobs().unwrap().names().unwrap().len(), 3, "a cache replaces the one before it");
    store.begin_proposal(&proposal("p1")).await.unwrap();
    with_report(&store, "r1").await;
    let stray = b"imported, then the process died".to_vec();
    store.put_blob(BlobKind::Original, stray.clone()).await.unwrap();
    let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
    assert_eq!(store.sweep_blobs(an_hour_ago).await.unwrap(), 0, "it may be about to be recorded");
    let sealed = SystemTime::now();
    std::thread::sleep(Duration::from_millis(20));
    store.put_blob(BlobKind::Original, stray).await.unwrap();
    assert_eq!(store.sweep_blobs(sealed).await.unwrap(), 0, "put again, it counts as new");
    assert_eq!(store.sweep_blobs(SystemTime::now()).await.unwrap(), 1);
    store.delete_study(STUDY, &ada().id, AT).await.unwrap();
    assert_eq!(code(store.study(STUDY).await), "store.not_found");
    assert_eq!(code(store.report(&ReportId::new("r1")).await), "store.not_found");
    assert_eq!(code(store.delete_study(STUDY, &ada().id, AT).await), "store.not_found");
    assert!(store.blobs().unwrap().names().unwrap().is_empty());
    assert_eq!(store.check_integrity().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn an_encoded_image_is_found_for_the_very_same_input_and_pack() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let (pack, other) = (PackHash::new("a"), PackHash::new("b"));
    store.set_encoded_image(INSTANCE, &pack, "first", &[1, 2, 3, 4]).await.unwrap();
    let found = async |pack: &PackHash, hash: &str| store.encoded_image(INSTANCE, pack, hash).await.unwrap();
    assert_eq!(found(&pack, "first").await, Some(vec![1, 2, 3, 4]));
    assert_eq!(found(&pack, "second").await, None, "the image is given to the model otherwise now");
    assert_eq!(found(&other, "first").await, None);
    store.set_encoded_image(INSTANCE, &pack, "second", &[5]).await.unwrap();
    assert_eq!((found(&pack, "first").await, found(&pack, "second").await), (None, Some(vec![5])));
    assert_eq!(code(store.set_encoded_image("1.9.9", &pack, "x", &[1]).await), "store.database");
    for count in 0..120 {
        store.set_encoded_image(INSTANCE, &PackHash::new(format!("{count}")), "x", &[1]).await.unwrap();
    }
    assert_eq!(found(&pack, "second").await, None, "the oldest gave way");
    assert_eq!(found(&PackHash::new("119"), "x").await, Some(vec![1]));
    store.delete_study(STUDY, &ada().id, AT).await.unwrap();
    assert_eq!(found(&PackHash::new("119"), "x").await, None, "it goes with its study");
}

#[tokio::test]
async fn a_proposal_comes_back_as_it_was() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let (new, end) = (proposal("p1"), outcome());
    store.begin_proposal(&new).await.unwrap();
    assert_eq!(code(store.begin_proposal(&new).await), "store.exists");
    assert_eq!(store.proposal(&new.id).await.unwrap(), Proposal { begun: new.clone(), outcome: None });
    store.finish_proposal(&new.id, &end).await.unwrap();
    assert_eq!(code(store.finish_proposal(&new.id, &end).await), "store.not_found");
    let whole = Proposal { begun: new.clone(), outcome: Some(end) };
    assert_eq!(store.proposal(&new.id).await.unwrap(), whole);
    assert_eq!(store.proposals(STUDY).await.unwrap(), [whole]);
    assert!(store.worklist(&WorklistQuery::default()).await.unwrap()[0].drafted);
    assert_eq!(code(store.proposal(&ProposalId::new("p9")).await), "store.not_found");
}

#[tokio::test]
async fn a_proposal_that_a_crash_interrupted_has_failed() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    store.begin_proposal(&proposal("p1")).await.unwrap();
    store
        .add_user(NewUser { id: UserId::new("u-bea"), name: "Bea".into(), role: Role::Radiologist }, "x", AT)
        .await
        .unwrap();
    assert_eq!(store.proposal(&ProposalId::new("p1")).await.unwrap().outcome, None, "it still runs");
    store.close().await.unwrap();
    drop(store);
    let store = reopen(temp.path()).await;
    let outcome = store.proposal(&ProposalId::new("p1")).await.unwrap().outcome.unwrap();
    assert_eq!((outcome.status, outcome.error_code.as_deref()), (ProposalStatus::Failed, Some("interrupted")));
}

#[tokio::test]
async fn scores_embeddings_and_settings_are_kept_and_replaced() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let pack = PackHash::new("abc");
    let score = |finding: &str, difference: f64| Score { finding: finding.to_owned(), difference, softmax: 0.5 };
    store.set_scores(INSTANCE, &pack, &[score("z", 1.0), score("a", -1.0)]).await.unwrap();
    store.set_scores(INSTANCE, &pack, &[score("z", 0.25), score("a", 1e-9)]).await.unwrap();
    assert_eq!(store.scores(INSTANCE, &pack).await.unwrap(), [score("z", 0.25), score("a", 1e-9)]);
    assert!(store.scores(INSTANCE, &PackHash::new("other")).await.unwrap().is_empty());
    assert_eq!(code(store.set_scores("9.9", &pack, &[score("z", 0.0)]).await), "store.database");
    for odd in [f64::NAN, f64::INFINITY] {
        assert_eq!(code(store.set_scores(INSTANCE, &pack, &[score("z", odd)]).await), "store.corrupt", "{odd}");
    }
    assert_eq!(store.scores(INSTANCE, &pack).await.unwrap(), [score("z", 0.25), score("a", 1e-9)]);
    store.set_scores(INSTANCE, &PackHash::new("other"), &[]).await.unwrap();
    store.set_embedding(INSTANCE, &pack, &[1.0]).await.unwrap();
    store.set_embedding(INSTANCE, &pack, &[0.5, -0.25, f32::MIN_POSITIVE]).await.unwrap();
    let vector = vec![0.5, -0.25, f32::MIN_POSITIVE];
    assert_eq!(store.embedding(INSTANCE, &pack).await.unwrap(), Some(vector.clone()));
    assert_eq!(store.embeddings(&pack).await.unwrap(), [(INSTANCE.to_owned(), vector)]);
    assert_eq!(code(store.set_embedding(INSTANCE, &pack, &[]).await), "store.database");
    assert_eq!(store.setting::<u32>("idle.minutes").await.unwrap(), None);
    store.set_setting("idle.minutes", &5).await.unwrap();
    store.set_setting("idle.minutes", &10).await.unwrap();
    assert_eq!(store.setting::<u32>("idle.minutes").await.unwrap(), Some(10));
    assert_eq!(code(store.setting::<String>("idle.minutes").await), "store.corrupt");
}

#[tokio::test]
async fn a_glance_at_many_studies_gives_what_each_of_them_gives() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let written = with_report(&store, "r1").await;
    let written = write(&store, &written).await;
    let score = Score { finding: "edema".to_owned(), difference: 0.25, softmax: 0.7 };
    store.set_scores(INSTANCE, &PackHash::new("abc"), &[score.clone()]).await.unwrap();
    let studies = [STUDY.to_owned(), "1.2.not-there".to_owned()];

    let images = store.images_of_studies(&studies).await.unwrap();
    let study = store.study(STUDY).await.unwrap();
    let instances: Vec<_> = study.series.iter().flat_map(|s| &s.instances).collect();
    assert_eq!(images.len(), 1);
    assert_eq!(images[STUDY], instances.iter().map(|i| i.uid.clone()).collect::<Vec<_>>());
    let headers = store.headers_of_images(&[images[STUDY].clone(), vec!["none".to_owned()]].concat()).await.unwrap();
    assert_eq!(headers, instances.iter().map(|i| (i.uid.clone(), i.header.clone())).collect());

    let uids = [INSTANCE.to_owned(), "none".to_owned()];
    let scores = store.scores_of_images(&uids, &PackHash::new("abc")).await.unwrap();
    assert_eq!(scores.into_iter().collect::<Vec<_>>(), [(INSTANCE.to_owned(), vec![score])]);
    assert!(store.scores_of_images(&uids, &PackHash::new("other")).await.unwrap().is_empty());

    let mut known = std::collections::HashMap::new();
    let found = store.reports_of_studies(&studies, &known).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[STUDY], (written.id().clone(), written.revision(), Some(written.clone())));
    known.insert(written.id().clone(), written.revision());
    let found = store.reports_of_studies(&studies, &known).await.unwrap();
    assert_eq!(found[STUDY].2, None, "nothing is replayed that is known");
    known.insert(written.id().clone(), written.revision() - 1);
    let found = store.reports_of_studies(&studies, &known).await.unwrap();
    assert_eq!(found[STUDY].2, Some(written));
}
