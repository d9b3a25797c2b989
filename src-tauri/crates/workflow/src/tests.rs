//! Similar cases and calibration on a data folder whose decoder and encoder are stand-ins:
//! a file is its own header, and an embedding is what the file says it is.

use crate::signed::{LABELLER, labels};
use crate::{
    AgeBand, Cancel, Decoder, Fault, Filter, Ids, ModelPack, Models, Outside, Scorer, Standing, SystemClock, Verdict,
    View, Workstation,
};
use async_trait::async_trait;
use hilum_report::{
    Command, Entry, Meaning, PackHash, ReportId, SectionKind, SentenceId, VersionId, builtin_templates,
};
use hilum_store::SignatureRecord;
use hilum_workers::messages::decode::{DecodeWants, DecodedHeader};
use hilum_workers::messages::encode::FindingScore;
use hilum_workers::{Decoded, EncodedImage, EvidenceMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;

const SIDE: u32 = 4;
const DIM: usize = 8;

struct FileIsHeader;

#[async_trait]
impl Decoder for FileIsHeader {
    async fn decode(&self, file: Vec<u8>, wants: &DecodeWants, _: &Cancel) -> Result<Decoded, Fault> {
        let header: DecodedHeader = serde_json::from_slice(&file)
            .map_err(|e| Fault { code: "dicom.not_dicom".into(), detail: e.to_string() })?;
        // The embedding travels in the pixels: its numbers, from -1..1 to bytes.
        let text = header.study_description.clone().unwrap_or_default();
        let mut gray: Vec<u8> = text.split(',').filter_map(|n| n.parse().ok()).collect();
        gray.resize((SIDE * SIDE) as usize, 128);
        let model_inputs = wants.model_inputs.iter().map(|side| (*side, gray.clone())).collect();
        Ok(Decoded { header, model_inputs, pixels: None, stored: None, thumbnail: None, display: None })
    }
}

struct PixelsAreEmbedding {
    pack: ModelPack,
    asked: AtomicUsize,
}

#[async_trait]
impl Scorer for PixelsAreEmbedding {
    fn pack(&self) -> &ModelPack {
        &self.pack
    }

    async fn side(&self, _: &Cancel) -> Result<u32, Fault> {
        Ok(SIDE)
    }

    async fn score(&self, _: u32, gray: Vec<u8>, _: &Cancel) -> Result<EncodedImage, Fault> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let embedding = gray[..DIM].iter().map(|b| (f32::from(*b) - 127.5) / 127.5).collect();
        let scores = vec![FindingScore { finding: "edema".into(), difference: 0.1, softmax: 0.7 }];
        Ok(EncodedImage { scores, embedding, seconds: 0.0 })
    }

    async fn map(&self, side: u32, _: Vec<u8>, finding: &str, _: &Cancel) -> Result<EvidenceMap, Fault> {
        match finding {
            "edema" => Ok(EvidenceMap { side, values: (0..side * side).map(|i| i as f32).collect(), seconds: 0.0 }),
            _ => Err(Fault { code: "encoder.unknown_finding".into(), detail: "no such finding".into() }),
        }
    }
}

struct Counted(AtomicUsize);

impl Ids for Counted {
    fn fresh(&self) -> String {
        format!("id-{}", self.0.fetch_add(1, Ordering::SeqCst))
    }
}

fn scorer(hash: &str) -> Arc<PixelsAreEmbedding> {
    scorer_in(hash, "")
}

/// The same pack computes in another arithmetic where one is named.
fn scorer_in(hash: &str, arithmetic: &str) -> Arc<PixelsAreEmbedding> {
    let pack = serde_json::json!({
        "id": format!("pack-{hash}"), "kind": "medsiglip", "name": "A pack", "demo": false, "hash": hash, "bytes": 1,
        "arithmetic": arithmetic, "dir": "/nowhere",
    });
    let pack: ModelPack = serde_json::from_value(pack).expect("a pack");
    Arc::new(PixelsAreEmbedding { pack, asked: AtomicUsize::new(0) })
}

async fn workstation(folder: &Path, scorer: Arc<PixelsAreEmbedding>) -> Workstation {
    let outside = Outside {
        clock: Arc::new(SystemClock { offset: time::UtcOffset::UTC }),
        ids: Arc::new(Counted(AtomicUsize::new(0))),
        decoder: Arc::new(FileIsHeader),
        scorer: Some(scorer),
        drafter: None,
    };
    let workstation = Workstation::open(&folder.join("data"), outside).expect("a folder");
    workstation.create_first_user("Ada Byron", "correct horse").await.expect("a user");
    workstation
}

/// One image of a patient; `embedding` is eight bytes.
struct Film {
    patient: usize,
    study: usize,
    embedding: [u8; DIM],
    sex: &'static str,
    age: &'static str,
    view: &'static str,
    rows: u32,
}

impl Film {
    fn of(patient: usize, embedding: [u8; DIM]) -> Film {
        Film { patient, study: patient, embedding, sex: "F", age: "050Y", view: "PA", rows: 2000 }
    }

    fn uid(&self) -> String {
        format!("1.2.{}.1.{}", self.study, self.view.len())
    }

    fn study_uid(&self) -> String {
        format!("1.2.{}", self.study)
    }

    fn header(&self) -> DecodedHeader {
        let some = |text: &str| Some(text.to_owned());
        let pixels: Vec<String> = self.embedding.iter().map(u8::to_string).collect();
        DecodedHeader {
            sop_class_uid: "1.2.840.10008.5.1.4.1.1.1.1".into(),
            sop_instance_uid: self.uid(),
            study_uid: self.study_uid(),
            series_uid: format!("1.2.{}.1", self.study),
            transfer_syntax_uid: "1.2.840.10008.1.2.1".into(),
            patient_name: Some(format!("Secret^Name{}", self.patient)),
            patient_id: Some(format!("ID{}", self.patient)),
            patient_sex: some(self.sex),
            patient_age: some(self.age),
            study_date: some("20260102"),
            study_description: Some(pixels.join(",")),
            modality: some("DX"),
            body_part: some("CHEST"),
            view_position: some(self.view),
            rows: Some(self.rows),
            columns: Some(self.rows / 2),
            samples_per_pixel: 1,
            ..DecodedHeader::default()
        }
    }
}

async fn import(workstation: &Workstation, folder: &Path, films: &[Film]) {
    let mut paths = Vec::new();
    for film in films {
        let path = folder.join(format!("{}.dcm", film.uid()));
        std::fs::write(&path, serde_json::to_vec(&film.header()).expect("JSON")).expect("a file");
        paths.push(path);
    }
    let (events, _) = mpsc::unbounded_channel();
    let summary = workstation.import(&paths, &events, &Cancel::new()).await.expect("an import");
    assert_eq!(summary.count(|v| matches!(v, Verdict::Imported { .. })), films.len(), "{summary:?}");
}

async fn embed_all(workstation: &Workstation) -> usize {
    let waiting = workstation.images_to_embed().await.expect("a list");
    for uid in &waiting {
        workstation.embed_image(uid, &Cancel::new()).await.expect("an embedding");
    }
    waiting.len()
}

/// Signs a report of the study, past the passphrase: it is not what these tests are about.
async fn sign(workstation: &Workstation, study_uid: &str, finding: &str) {
    let store = workstation.store().expect("open");
    let (by, at) = (store.user().id.clone(), workstation.now());
    let id = ReportId::new(workstation.fresh());
    let mut report = store.create_report(&id, study_uid, &builtin_templates()[0], &by, at).await.expect("a report");
    let entries =
        [(SectionKind::Findings, finding), (SectionKind::Impression, "As above.")].map(|(section, text)| Entry {
            by: by.clone(),
            at,
            command: Command::Insert {
                section,
                after: None,
                id: SentenceId::new(workstation.fresh()),
                text: text.into(),
                region: None,
                from: None,
            },
        });
    report = store.append(&id, report.revision(), &entries).await.expect("text");
    let version = VersionId::new(workstation.fresh());
    let entry = Entry { by, at, command: Command::Sign { version, meaning: Meaning::ReviewedAndApproved } };
    let head = store.audit_head().await.expect("a head");
    let base_revision = report.revision();
    let record = SignatureRecord { report: &id, base_revision, entry: &entry, pdf: b"%PDF", audit_head: &head };
    store.record_signature(record).await.expect("signed");
}

const ALIKE: [u8; DIM] = [255, 127, 127, 127, 127, 127, 127, 127];
const LESS: [u8; DIM] = [255, 180, 127, 127, 127, 127, 127, 127];
const OTHER: [u8; DIM] = [0, 255, 127, 127, 127, 127, 127, 127];

#[tokio::test]
async fn similar_cases_are_of_others_and_nameless_until_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let encoder = scorer("a");
    let workstation = workstation(folder.path(), encoder.clone()).await;
    let films = [
        Film::of(1, ALIKE),
        Film { study: 11, ..Film::of(1, ALIKE) },
        Film { sex: "M", age: "081Y", view: "AP", ..Film::of(2, LESS) },
        Film { rows: 600, ..Film::of(3, ALIKE) },
        Film { view: "LL", ..Film::of(4, OTHER) },
    ];
    import(&workstation, folder.path(), &films).await;
    let me = films[0].uid();
    let find = async |filter: Filter| workstation.similar(&me, filter, 10, &Cancel::new()).await.expect("cases");
    // The image itself is embedded when it is asked about; the others are still to come.
    let early = find(Filter::default()).await;
    assert_eq!((early.searched, early.waiting, early.cases.len()), (0, 4, 0));
    assert_eq!(embed_all(&workstation).await, 4);
    assert_eq!(encoder.asked.load(Ordering::SeqCst), 5);
    sign(&workstation, &films[2].study_uid(), "There is pulmonary edema. No pleural effusion.").await;

    let all = find(Filter::default()).await;
    let uids = |found: &crate::SimilarCases| found.cases.iter().map(|c| c.instance_uid.clone()).collect::<Vec<_>>();
    assert_eq!(uids(&all), [films[3].uid(), films[2].uid(), films[4].uid()]);
    assert_eq!((all.searched, all.waiting), (3, 0));
    assert!((all.cases[0].similarity - 1.0).abs() < 1e-5 && all.cases[1].similarity < 0.99);
    assert!(all.cases[1].case.signed && !all.cases[0].case.signed);
    assert_eq!(all.cases[1].case.findings.iter().collect::<Vec<_>>(), ["edema"]);
    // A small image could show legible letters in its thumbnail.
    assert_eq!(all.cases.iter().map(|c| c.thumbnail).collect::<Vec<_>>(), [false, true, true]);
    let said = format!("{all:?}");
    assert!(!said.contains("Secret") && !said.contains("ID2") && !said.contains("2026"), "{said}");

    let check = async |filter: Filter, expected: &[&Film]| {
        let found = find(filter.clone()).await;
        assert_eq!(uids(&found), expected.iter().map(|f| f.uid()).collect::<Vec<_>>(), "{filter:?}");
    };
    check(Filter { signed_only: true, ..Filter::default() }, &[&films[2]]).await;
    check(Filter { finding: Some("edema".into()), ..Filter::default() }, &[&films[2]]).await;
    check(Filter { finding: Some("pleural_effusion".into()), ..Filter::default() }, &[]).await;
    check(Filter { age: Some(AgeBand::From80), ..Filter::default() }, &[&films[2]]).await;
    check(Filter { view: Some(View::Lateral), ..Filter::default() }, &[&films[4]]).await;
    check(Filter { sex: Some("F".into()), ..Filter::default() }, &[&films[3], &films[4]]).await;

    let reveals = async || {
        let lines = workstation.store().expect("open").audit_entries(100, None).await.expect("lines");
        lines.into_iter().filter(|l| l.event.action == "similar.reveal").count()
    };
    assert_eq!(reveals().await, 0);
    let who = workstation.reveal(&films[2].uid()).await.expect("an identity");
    assert_eq!((who.patient_id.as_str(), who.study_uid), ("ID2", films[2].study_uid()));
    assert_eq!(reveals().await, 1);

    // A deleted study is not found again, and nothing is after locking.
    let store = workstation.store().expect("open");
    store.delete_study(&films[3].study_uid(), &store.user().id, workstation.now()).await.expect("deleted");
    drop(store);
    check(Filter::default(), &[&films[2], &films[4]]).await;
    workstation.lock().await.expect("locked");
    let locked = workstation.similar(&me, Filter::default(), 10, &Cancel::new()).await;
    assert_eq!(locked.expect_err("locked").code(), "vault.locked");
}

#[tokio::test]
async fn numbers_of_another_arithmetic_are_kept_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let workstation = workstation(folder.path(), scorer("a")).await;
    let films = [Film::of(1, ALIKE), Film::of(2, LESS)];
    import(&workstation, folder.path(), &films).await;
    let kept = async || {
        let store = workstation.store().expect("open");
        let mut numbers = Vec::new();
        for key in ["a", "a+bf16", "a+int8"] {
            let key = PackHash::new(key);
            let scores = store.scores(&films[0].uid(), &key).await.expect("scores");
            numbers.push((store.embedded_count(&key).await.expect("a number"), scores.len()));
        }
        numbers
    };
    let scored = async || workstation.known_support(&films[0].study_uid()).await.expect("an answer").is_some();
    // What a pack takes by itself is kept under its hash alone, as it was before there was a choice.
    assert_eq!(embed_all(&workstation).await, 2);
    assert_eq!(kept().await, [(2, 1), (0, 0), (0, 0)]);
    assert!(scored().await);

    workstation.use_models(Models { scorer: Some(scorer_in("a", "int8")), drafter: None });
    assert!(!scored().await);
    let found = workstation.similar(&films[0].uid(), Filter::default(), 10, &Cancel::new()).await.expect("cases");
    assert_eq!((found.searched, found.waiting), (0, 1), "the others are embedded in another arithmetic");
    assert_eq!(embed_all(&workstation).await, 1);
    assert_eq!(kept().await, [(2, 1), (0, 0), (2, 1)]);

    workstation.use_models(Models { scorer: Some(scorer("a")), drafter: None });
    assert!(workstation.images_to_embed().await.expect("a list").is_empty() && scored().await);
    let found = workstation.similar(&films[0].uid(), Filter::default(), 10, &Cancel::new()).await.expect("cases");
    assert_eq!((found.searched, found.waiting), (1, 0));
}

#[tokio::test]
async fn a_map_lies_where_the_square_lies() {
    let folder = tempfile::tempdir().expect("a folder");
    let workstation = workstation(folder.path(), scorer("a")).await;
    let films = [Film::of(1, ALIKE), Film { view: "LL", ..Film::of(2, ALIKE) }];
    import(&workstation, folder.path(), &films).await;
    let map = workstation.evidence_map(&films[0].uid(), "edema", &Cancel::new()).await.expect("a map");
    assert_eq!((map.placement.left, map.placement.above, map.placement.size), (500, 0, 2000));
    // 2000 x 1000: of four columns of patches the two in the middle show the image.
    assert_eq!(map.range(), (1.0, 14.0));
    let code = async |film: &Film, finding: &str| {
        workstation.evidence_map(&film.uid(), finding, &Cancel::new()).await.expect_err("refused").code()
    };
    assert_eq!(code(&films[0], "appendicitis").await, "encoder.unknown_finding");
    assert_eq!(code(&films[1], "edema").await, "draft.not_applicable");
    workstation.use_models(Models::default());
    assert_eq!(code(&films[0], "edema").await, "encode.no_model");
}

#[tokio::test]
async fn probabilities_need_signed_reports_and_the_model_that_they_were_fitted_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let workstation = workstation(folder.path(), scorer("a")).await;
    // The second number tells patients with oedema from those without; the others vary.
    let film = |i: usize| {
        let vary = |k: usize| 100 + ((i * 37 + k * 53) % 56) as u8;
        let mut embedding = [0; DIM];
        (0..DIM).for_each(|k| embedding[k] = vary(k));
        embedding[1] = if i.is_multiple_of(2) { 190 } else { 60 } + ((i * 29) % 60) as u8;
        Film::of(i, embedding)
    };
    let films: Vec<Film> = (0..80).map(film).collect();
    import(&workstation, folder.path(), &films).await;
    embed_all(&workstation).await;
    let edema = async || {
        let rows = workstation.calibration().await.expect("rows");
        assert_eq!(rows.len(), 13);
        rows.into_iter().find(|r| r.finding == "edema").expect("a row")
    };
    assert_eq!(edema().await.standing, Standing::NeverFitted);
    for (i, film) in films.iter().enumerate() {
        let text = if i.is_multiple_of(2) { "There is pulmonary edema." } else { "No pulmonary edema." };
        sign(&workstation, &film.study_uid(), text).await;
    }
    let before = edema().await;
    assert_eq!((before.positives, before.negatives, before.standing), (40, 40, Standing::NeverFitted));
    assert!(workstation.probabilities(&films[0].uid()).await.expect("none").is_empty());

    let rows = workstation.calibrate().await.expect("fits");
    let row = rows.iter().find(|r| r.finding == "edema").expect("a row");
    assert_eq!(row.standing, Standing::Calibrated, "{row:?}");
    assert!(row.auc.is_some_and(|[value, low, _]| value > 0.9 && low > 0.6), "{row:?}");
    // Nobody stated a fracture, so nothing can be said of one.
    let fracture = rows.iter().find(|r| r.finding == "fracture").expect("a row");
    assert_eq!((fracture.standing, fracture.positives, fracture.negatives), (Standing::TooFew, 0, 80));
    let known = workstation.probabilities(&films[0].uid()).await.expect("probabilities");
    assert_eq!(known.keys().collect::<Vec<_>>(), ["edema"]);
    let (with, without) = (known["edema"], workstation.probabilities(&films[1].uid()).await.expect("some")["edema"]);
    assert!(with.probability.value > 0.8 && without.probability.value < 0.2, "{with:?} {without:?}");
    assert!(with.probability.low < with.probability.value && with.patients == 80);

    // Kept over a session.
    workstation.lock().await.expect("locked");
    workstation.unlock("Ada Byron", "correct horse").await.expect("unlocked");
    let again = workstation.probabilities(&films[0].uid()).await.expect("probabilities");
    assert!((again["edema"].probability.value - with.probability.value).abs() < 1e-9);
    // Another model, or the same in another arithmetic: the fit is stale and gives nothing.
    for other in [scorer("b"), scorer_in("a", "int8")] {
        workstation.use_models(Models { scorer: Some(other), drafter: None });
        assert_eq!(edema().await.standing, Standing::Stale);
        assert!(workstation.probabilities(&films[0].uid()).await.expect("none").is_empty());
    }
    let store = workstation.store().expect("open");
    assert!(store.probes().await.expect("kept").iter().all(|p| p.pack == PackHash::new("a") && p.labeller == LABELLER));
    let fits =
        store.audit_entries(10, None).await.expect("lines").into_iter().filter(|l| l.event.action == "calibration.fit");
    assert_eq!(fits.count(), 1);
}

#[tokio::test]
async fn a_signed_text_is_labelled_by_what_it_finds() {
    let folder = tempfile::tempdir().expect("a folder");
    let workstation = workstation(folder.path(), scorer("a")).await;
    import(&workstation, folder.path(), &[Film::of(1, ALIKE)]).await;
    sign(&workstation, "1.2.1", "Possible pneumonia. Small effusion. No pneumothorax.").await;
    let store = workstation.store().expect("open");
    let unread = store.unlabelled_versions(LABELLER).await.expect("versions");
    let found: Vec<(String, String)> = labels(&unread[0].1).into_iter().collect();
    let expected = [("pleural_effusion", "present"), ("pneumonia", "uncertain"), ("pneumothorax", "absent")];
    assert_eq!(found, expected.map(|(finding, presence)| (finding.to_owned(), presence.to_owned())));
}
