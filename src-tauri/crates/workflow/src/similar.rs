//! Similar cases: images of other patients that look alike, without saying whose they are.

use async_recursion::async_recursion as boxed;
use crate::signed::study_labels;
use crate::{Cancel, WorkflowError, Workstation, age, display_date, display_name};
use hilum_report::PackHash;
use hilum_retrieval::{AgeBand, Case, Filter, Index, View};
use hilum_store::{AuditEvent, EmbeddedImage, Store, StudyLabels};
use serde_json::json;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct SimilarCases {
    /// Images of other patients that the filter let through.
    pub searched: usize,
    /// Images that have no embedding yet.
    pub waiting: usize,
    pub demo: bool,
    /// Most similar first.
    pub cases: Vec<SimilarCase>,
}

/// One image of another patient. Nothing in it tells who that is.
#[derive(Debug, Clone, PartialEq)]
pub struct SimilarCase {
    pub instance_uid: String,
    /// Cosine, -1 to 1.
    pub similarity: f32,
    pub case: Case,
    /// False where a thumbnail could show a name in the pixels.
    pub thumbnail: bool,
}

/// Who a similar case is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub study_uid: String,
    pub patient_name: String,
    pub patient_id: String,
    pub study_date: String,
}

/// The index of the pack in use, read once and kept until the folder is locked.
#[derive(Default)]
pub(crate) struct Library(tokio::sync::Mutex<Option<Shelf>>);

struct Shelf {
    pack: PackHash,
    /// Number of the last embedding that was read.
    last: i64,
    /// How many were read; those without a direction are in no index.
    read: u64,
    /// Versions that were signed when the labels were read; `None` before.
    signed: Option<u64>,
    contents: Arc<Contents>,
}

/// By row of the index.
struct Contents {
    index: Index,
    cases: Vec<Case>,
    images: Vec<Image>,
    people: HashMap<String, u32>,
}

struct Image {
    uid: String,
    study_uid: String,
    thumbnail: bool,
}

/// An image shorter than this on its longer side is shrunk too little by its thumbnail for
/// letters that were burned into it to become illegible.
const LEGIBLE: u32 = 1024;
/// Most threads of a search; beyond, memory is what it waits for.
const THREADS: usize = 4;
/// Most cases of an answer.
const MOST: usize = 100;

impl Library {
    /// Forgets all; the index is zeroed as it goes.
    pub(crate) async fn close(&self) {
        *self.0.lock().await = None;
    }
}

impl Workstation {
    /// The `most` images (at most 100) most like this one, among other patients' images that
    /// the filter lets through. An image that is not embedded yet is embedded now.
    ///
    /// # Errors
    /// `encode.no_model`, `draft.not_applicable`, `store.not_found`; the worker's own codes.
    #[boxed]
    pub async fn similar(
        &self,
        instance_uid: &str,
        filter: Filter,
        most: usize,
        cancel: &Cancel,
    ) -> Result<SimilarCases, WorkflowError> {
        let store = self.store()?;
        let (_, patient) = store.owner_of_image(instance_uid).await?;
        let query = self.embed_image(instance_uid, cancel).await?;
        self.note(&store, "similar.search", instance_uid, json!({})).await?;
        self.search(&store, query, Some(patient), filter, most).await
    }

    /// As [`Workstation::similar`], for an embedding of an image that is not in the folder.
    ///
    /// # Errors
    /// `encode.no_model`, `similar.dimension`.
    #[boxed]
    pub async fn similar_to(
        &self,
        embedding: Vec<f32>,
        filter: Filter,
        most: usize,
    ) -> Result<SimilarCases, WorkflowError> {
        let store = self.store()?;
        // The image is not in the store: nothing of it has an id.
        self.note(&store, "similar.search", "an image from elsewhere", json!({})).await?;
        self.search(&store, embedding, None, filter, most).await
    }

    /// Who a similar case is; that it was asked is written to the audit chain first.
    ///
    /// # Errors
    /// `store.not_found`, `vault.locked`.
    #[boxed]
    pub async fn reveal(&self, instance_uid: &str) -> Result<Identity, WorkflowError> {
        let store = self.store()?;
        let (study_uid, _) = store.owner_of_image(instance_uid).await?;
        let event = AuditEvent::new(self.now(), &store.user().id, "similar.reveal", &study_uid);
        store.record_event(event.with(json!({ "instance": instance_uid }))).await?;
        let study = store.study(&study_uid).await?;
        Ok(Identity {
            study_uid,
            patient_name: display_name(&study.patient.name),
            patient_id: study.patient.patient_id.clone(),
            study_date: display_date(&study.row.date),
        })
    }

    async fn search(
        &self,
        store: &Store,
        query: Vec<f32>,
        patient: Option<String>,
        filter: Filter,
        most: usize,
    ) -> Result<SimilarCases, WorkflowError> {
        let scorer = self.scorer().ok_or(WorkflowError::NoScorer)?;
        let contents = self.contents(store, &scorer.pack().key(), query.len()).await?;
        let most = most.clamp(1, MOST);
        let found = tokio::task::spawn_blocking(move || {
            let own = patient.and_then(|key| contents.people.get(&key).copied());
            let wanted: Vec<bool> =
                contents.cases.iter().map(|c| Some(c.person) != own && filter.lets_through(c)).collect();
            let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS);
            let hits = contents.index.search(&query, most, threads, |row| wanted[row])?;
            let cases = hits.into_iter().map(|hit| SimilarCase {
                instance_uid: contents.images[hit.row].uid.clone(),
                similarity: hit.similarity,
                case: contents.cases[hit.row].clone(),
                thumbnail: contents.images[hit.row].thumbnail,
            });
            Ok::<_, WorkflowError>((wanted.iter().filter(|w| **w).count(), cases.collect()))
        });
        let (searched, cases) = found.await.map_err(|e| hilum_store::StoreError::Corrupt(e.to_string()))??;
        let waiting = self.images_to_embed().await?.len();
        Ok(SimilarCases { searched, waiting, demo: scorer.pack().demo, cases })
    }

    /// The shelf, brought up to date: embeddings made and reports signed since are read.
    async fn contents(&self, store: &Store, pack: &PackHash, dim: usize) -> Result<Arc<Contents>, WorkflowError> {
        let mut kept = self.library.0.lock().await;
        let fits = |shelf: &Shelf| shelf.pack == *pack && shelf.contents.index.dim() == dim;
        let mut shelf = match kept.take() {
            Some(shelf) if fits(&shelf) => shelf,
            _ => Shelf::empty(pack, dim),
        };
        shelf.read_new(store).await?;
        if store.embedded_count(pack).await? != shelf.read {
            // A study was deleted; its images must not be found again.
            shelf = Shelf::empty(pack, dim);
            shelf.read_new(store).await?;
        }
        let signed = store.signed_count().await?;
        if shelf.signed != Some(signed) {
            let labels = study_labels(store).await?;
            shelf.write().put_labels(labels);
            shelf.signed = Some(signed);
        }
        let contents = shelf.contents.clone();
        *kept = Some(shelf);
        Ok(contents)
    }
}

impl Shelf {
    fn empty(pack: &PackHash, dim: usize) -> Shelf {
        let contents =
            Contents { index: Index::new(dim), cases: Vec::new(), images: Vec::new(), people: HashMap::new() };
        Shelf { pack: pack.clone(), last: 0, read: 0, signed: None, contents: Arc::new(contents) }
    }

    async fn read_new(&mut self, store: &Store) -> Result<(), WorkflowError> {
        loop {
            let page = store.embedded_images(&self.pack, self.last).await?;
            let Some(last) = page.last() else { return Ok(()) };
            self.last = last.number;
            self.read += page.len() as u64;
            // Labels of the new images' studies are put on by the caller.
            self.signed = None;
            let contents = self.write();
            page.into_iter().for_each(|image| contents.add(image));
        }
    }

    /// The contents, to be changed: a search that is still under way keeps its own.
    fn write(&mut self) -> &mut Contents {
        if Arc::get_mut(&mut self.contents).is_none() {
            let copy = self.contents.copy();
            self.contents = Arc::new(copy);
        }
        Arc::get_mut(&mut self.contents).expect("nobody else has it")
    }
}

impl Contents {
    fn add(&mut self, image: EmbeddedImage) {
        if self.index.add(&image.vector).is_err() {
            return;
        }
        let next = self.people.len() as u32;
        let person = *self.people.entry(image.patient_key.clone()).or_insert(next);
        self.cases.push(Case {
            person,
            sex: image.sex.clone().unwrap_or_default().trim().to_uppercase(),
            age: years(&image).map(AgeBand::of_years),
            view: View::of_position(&image.view_position),
            signed: false,
            findings: BTreeSet::new(),
        });
        let burned_in = image.burned_in.as_deref().map(str::trim).unwrap_or_default();
        let thumbnail = match burned_in.to_uppercase().as_str() {
            "NO" => true,
            "YES" => false,
            _ => image.rows.max(image.columns) >= LEGIBLE,
        };
        self.images.push(Image { uid: image.instance_uid, study_uid: image.study_uid, thumbnail });
    }

    fn put_labels(&mut self, labels: Vec<StudyLabels>) {
        let by_study: HashMap<String, StudyLabels> = labels.into_iter().map(|l| (l.study_uid.clone(), l)).collect();
        for (case, image) in self.cases.iter_mut().zip(&self.images) {
            let Some(labels) = by_study.get(&image.study_uid) else { continue };
            case.signed = true;
            let present = labels.labels.iter().filter(|(_, presence)| *presence == "present");
            case.findings = present.map(|(finding, _)| finding.clone()).collect();
        }
    }

    fn copy(&self) -> Contents {
        let mut index = Index::new(self.index.dim());
        for row in 0..self.index.len() {
            if let Some(vector) = self.index.vector(row) {
                index.add(vector).expect("it was in an index before");
            }
        }
        let images = self.images.iter().map(|i| Image {
            uid: i.uid.clone(),
            study_uid: i.study_uid.clone(),
            thumbnail: i.thumbnail,
        });
        Contents { index, cases: self.cases.clone(), images: images.collect(), people: self.people.clone() }
    }
}

/// Whole years at the study; below two years what the age says counts as none.
fn years(image: &EmbeddedImage) -> Option<u32> {
    crate::known::years(&age(image.patient_age.as_deref(), image.birth_date.as_deref(), Some(&image.study_date)))
}
