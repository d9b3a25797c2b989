//! Local calibration: probabilities from this data folder's own signed reports.

use async_recursion::async_recursion as boxed;
use crate::signed::{LABELLER, study_labels};
use crate::{WorkflowError, Workstation, findings};
use hilum_calibration::{Case, Fitted, Outcome, Probability, Probe, Rule, fit};
use hilum_report::PackHash;
use hilum_store::{AuditEvent, KeptProbe, Store};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// How one finding stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    pub finding: &'static str,
    pub standing: Standing,
    /// Patients with and without it: of the fit where there is one, else as of now.
    pub positives: u32,
    pub negatives: u32,
    /// Value, and the ends of its 95 % interval.
    pub auc: Option<[f64; 3]>,
    pub fitted_at: Option<time::OffsetDateTime>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Calibrated,
    NeverFitted,
    TooFew,
    NotSeparated,
    /// Fitted for another model or arithmetic, or by another reading of the reports; not used.
    Stale,
}

/// A finding's probability and the patients that it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibrated {
    pub probability: Probability,
    pub patients: u32,
}

/// The probes of the pack in use, read once; forgotten when they are fitted anew or the
/// folder is locked.
#[derive(Default)]
pub(crate) struct Probes(tokio::sync::Mutex<Option<(PackHash, Arc<BTreeMap<String, Probe>>)>>);

impl Probes {
    pub(crate) async fn close(&self) {
        *self.0.lock().await = None;
    }
}

/// The folds are drawn with it; any number does, and a fixed one makes a fit repeatable.
const SEED: u64 = 0x48_69_6c_75_6d;

impl Workstation {
    /// How each finding stands, without fitting anything.
    ///
    /// # Errors
    /// `vault.locked`; without an encoder every finding is never fitted or stale.
    #[boxed]
    pub async fn calibration(&self) -> Result<Vec<Calibration>, WorkflowError> {
        let store = self.store()?;
        let pack = self.scorer().map(|scorer| scorer.pack().key());
        let kept = store.probes().await?;
        let (people, labelled) = match &pack {
            Some(pack) => gather(&store, pack).await?,
            None => (0, Vec::new()),
        };
        Ok(findings()
            .iter()
            .map(|finding| {
                let of_finding = || kept.iter().filter(|probe| probe.finding == finding.key);
                let current = of_finding().find(|p| Some(&p.pack) == pack.as_ref() && p.labeller == LABELLER);
                if let Some(probe) = current {
                    return row(finding.key, probe);
                }
                let (positives, negatives) = count(&labelled, people, finding.key);
                let stale = of_finding().any(|p| p.outcome == "calibrated");
                let standing = if stale { Standing::Stale } else { Standing::NeverFitted };
                Calibration { finding: finding.key, standing, positives, negatives, auc: None, fitted_at: None }
            })
            .collect())
    }

    /// How many patients of each kind a finding needs.
    pub fn calibration_needs(&self) -> u32 {
        Rule::default().patients as u32
    }

    /// Fits every finding anew for the encoder in use, keeps the fits and says so in the
    /// audit chain. Reports accepted in bulk teach nothing, nor do findings that a report
    /// is uncertain of. A finding that a report does not speak of counts as absent, as it
    /// does in CheXpert's evaluation (Irvin et al., AAAI 2019): radiographs are read whole.
    ///
    /// # Errors
    /// `encode.no_model`, `vault.locked`, `data.disk_full`.
    #[boxed]
    pub async fn calibrate(&self) -> Result<Vec<Calibration>, WorkflowError> {
        let store = self.store()?;
        let scorer = self.scorer().ok_or(WorkflowError::NoScorer)?;
        let pack = scorer.pack().key();
        let (_, labelled) = gather(&store, &pack).await?;
        let fits = tokio::task::spawn_blocking(move || {
            let of = |finding: &'static str| {
                let cases: Vec<Case> = labelled
                    .iter()
                    .filter_map(|image| {
                        let positive = image.says(finding)?;
                        Some(Case { embedding: &image.vector, person: image.person, positive })
                    })
                    .collect();
                (finding, fit(&cases, Rule::default(), SEED))
            };
            findings().iter().map(|finding| of(finding.key)).collect::<Vec<_>>()
        });
        let fits = fits.await.map_err(|e| hilum_store::StoreError::Corrupt(e.to_string()))?;
        let now = self.now();
        let kept = fits.into_iter().map(|(finding, fitted)| keep(&pack, finding, fitted, now));
        let kept = kept.collect::<Result<Vec<_>, _>>()?;
        let calibrated: Vec<&str> =
            kept.iter().filter(|p| p.outcome == "calibrated").map(|p| p.finding.as_str()).collect();
        let event = AuditEvent::new(now, &store.user().id, "calibration.fit", pack.as_str());
        let event = event.with(json!({ "labeller": LABELLER, "calibrated": calibrated }));
        store.set_probes(&pack, &kept, &store.user().id, event).await?;
        self.probes.close().await;
        self.calibration().await
    }

    /// The probabilities of an image's findings, where its encoder is calibrated for them;
    /// empty where it is not, or the image has no embedding.
    ///
    /// # Errors
    /// `vault.locked`, `store.corrupt`.
    #[boxed]
    pub async fn probabilities(&self, instance_uid: &str) -> Result<BTreeMap<String, Calibrated>, WorkflowError> {
        let store = self.store()?;
        let Some(scorer) = self.scorer() else { return Ok(BTreeMap::new()) };
        let pack = scorer.pack().key();
        let probes = self.probes(&store, &pack).await?;
        if probes.is_empty() {
            return Ok(BTreeMap::new());
        }
        let Some(embedding) = store.embedding(instance_uid, &pack).await? else { return Ok(BTreeMap::new()) };
        Ok(probes
            .iter()
            .filter_map(|(finding, probe)| {
                let probability = probe.probability(&embedding)?;
                Some((finding.clone(), Calibrated { probability, patients: probe.patients as u32 }))
            })
            .collect())
    }

    async fn probes(&self, store: &Store, pack: &PackHash) -> Result<Arc<BTreeMap<String, Probe>>, WorkflowError> {
        let mut known = self.probes.0.lock().await;
        if let Some((of, probes)) = &*known
            && of == pack
        {
            return Ok(probes.clone());
        }
        let mut probes = BTreeMap::new();
        for kept in store.probes().await? {
            // Another model sees other directions, and another labeller means other words.
            if let Some(probe) = kept.probe.filter(|_| kept.pack == *pack && kept.labeller == LABELLER) {
                let unreadable = |e: serde_json::Error| hilum_store::StoreError::Corrupt(format!("a probe: {e}"));
                probes.insert(kept.finding, serde_json::from_value(probe).map_err(unreadable)?);
            }
        }
        let probes = Arc::new(probes);
        *known = Some((pack.clone(), probes.clone()));
        Ok(probes)
    }
}

/// An embedded frontal image whose study has a signed report that was reviewed.
struct Labelled {
    vector: Vec<f32>,
    person: u32,
    labels: Arc<BTreeMap<String, String>>,
}

impl Labelled {
    /// Whether the report states the finding; `None` where it is uncertain.
    fn says(&self, finding: &str) -> Option<bool> {
        match self.labels.get(finding).map(String::as_str) {
            Some("present") => Some(true),
            Some("uncertain") => None,
            _ => Some(false),
        }
    }
}

/// All that can be learned from, and how many patients there are.
async fn gather(store: &Store, pack: &PackHash) -> Result<(u32, Vec<Labelled>), WorkflowError> {
    let labels = study_labels(store).await?.into_iter().filter(|l| !l.in_bulk);
    let labels: HashMap<String, Arc<BTreeMap<String, String>>> =
        labels.map(|l| (l.study_uid, Arc::new(l.labels))).collect();
    let mut people: HashMap<String, u32> = HashMap::new();
    let (mut images, mut last) = (Vec::new(), 0);
    loop {
        let page = store.embedded_images(pack, last).await?;
        let Some(end) = page.last() else { return Ok((people.len() as u32, images)) };
        last = end.number;
        for image in page {
            let lateral =
                hilum_retrieval::View::of_position(&image.view_position) == Some(hilum_retrieval::View::Lateral);
            let Some(labels) = labels.get(&image.study_uid).filter(|_| !lateral) else { continue };
            let next = people.len() as u32;
            let person = *people.entry(image.patient_key).or_insert(next);
            images.push(Labelled { vector: image.vector, person, labels: labels.clone() });
        }
    }
}

/// Patients with an image whose report states the finding, and with one whose does not.
fn count(images: &[Labelled], people: u32, finding: &str) -> (u32, u32) {
    let mut seen = [vec![false; people as usize], vec![false; people as usize]];
    for image in images {
        if let Some(positive) = image.says(finding) {
            seen[usize::from(positive)][image.person as usize] = true;
        }
    }
    let many = |kind: usize| seen[kind].iter().filter(|s| **s).count() as u32;
    (many(1), many(0))
}

fn keep(
    pack: &PackHash,
    finding: &str,
    fitted: Fitted,
    fitted_at: time::OffsetDateTime,
) -> Result<KeptProbe, WorkflowError> {
    let unwritable = |e: serde_json::Error| hilum_store::StoreError::Corrupt(format!("a probe: {e}"));
    let (outcome, probe) = match fitted.outcome {
        Outcome::Calibrated(probe) => ("calibrated", Some(serde_json::to_value(*probe).map_err(unwritable)?)),
        Outcome::TooFew => ("too_few", None),
        Outcome::NotSeparated => ("not_separated", None),
    };
    Ok(KeptProbe {
        pack: pack.clone(),
        finding: finding.to_owned(),
        labeller: LABELLER.to_owned(),
        outcome: outcome.to_owned(),
        positives: fitted.positives as u32,
        negatives: fitted.negatives as u32,
        auc: fitted.auc.map(|a| [a.value, a.low, a.high]),
        probe,
        fitted_at,
    })
}

fn row(finding: &'static str, kept: &KeptProbe) -> Calibration {
    let standing = match kept.outcome.as_str() {
        "calibrated" => Standing::Calibrated,
        "not_separated" => Standing::NotSeparated,
        _ => Standing::TooFew,
    };
    Calibration {
        finding,
        standing,
        positives: kept.positives,
        negatives: kept.negatives,
        auc: kept.auc,
        fitted_at: Some(kept.fitted_at),
    }
}
