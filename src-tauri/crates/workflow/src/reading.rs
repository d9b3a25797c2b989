//! Reading a study: its images, their pixels, and what the encoder makes of them.

use async_recursion::async_recursion as boxed;
use crate::worklist::date_and_time;
use crate::{Applicability, Cancel, Workstation, WorkflowError, age, applicability, display_date, display_name};
use hilum_store::{AuditEvent, Instance, Score, Store, Study};
use hilum_workers::messages::decode::{DecodeWants, DecodedHeader, PixelDescription};
use serde_json::json;

/// A patient as the reader sees them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patient {
    pub name: String,
    pub id: String,
    pub sex: String,
    /// "58 Y" at the time of the study; empty when unknown.
    pub age: String,
    /// ISO date or empty.
    pub birth_date: String,
}

impl Patient {
    pub(crate) fn of(patient: &hilum_store::Patient, patient_age: Option<&str>, study_date: &str) -> Patient {
        let birth = patient.birth_date.as_deref();
        Patient {
            name: display_name(&patient.name),
            id: patient.patient_id.clone(),
            sex: patient.sex.clone().unwrap_or_default(),
            age: age(patient_age, birth, Some(study_date)),
            birth_date: birth.map(display_date).unwrap_or_default(),
        }
    }
}

/// A study with its images.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyDetail {
    pub study_uid: String,
    pub patient: Patient,
    pub accession: String,
    pub date: String,
    pub description: String,
    pub referring_physician: String,
    pub institution: String,
    /// In the order of series and instance numbers.
    pub images: Vec<ImageDetail>,
    /// Whether the models apply to the image that they would be given.
    pub applicability: Applicability,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ImageDetail {
    pub instance_uid: String,
    pub header: DecodedHeader,
}

impl ImageDetail {
    /// Row then column spacing in millimetres, and its source. Pixel Spacing counts as
    /// calibrated; Imager Pixel Spacing is at the detector, so that distances in the body
    /// come out too long by the magnification (PS3.3 C.8.11.8 and 10.7.1.3).
    pub fn spacing(&self) -> Option<([f64; 2], &'static str)> {
        match (self.header.pixel_spacing, self.header.imager_pixel_spacing) {
            (Some(calibrated), Some(imager)) if calibrated == imager => Some((imager, "imager")),
            (Some(calibrated), _) => Some((calibrated, "calibrated")),
            (None, Some(imager)) => Some((imager, "imager")),
            (None, None) => None,
        }
    }
}

/// Pixels for the viewer.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelFrame {
    /// Of the image itself, also where the texels are a smaller copy.
    pub description: PixelDescription,
    /// 0 for the image itself, 1 for its means of 2 x 2 pixels.
    pub copy: u8,
    /// As the description says.
    pub texels: Vec<u8>,
}

/// What the encoder supports for one image; never a probability.
#[derive(Debug, Clone, PartialEq)]
pub struct Support {
    pub instance_uid: String,
    pub scores: Vec<Score>,
    pub demo: bool,
}

impl Workstation {
    /// A study with its images; that it was read is written to the audit chain.
    ///
    /// # Errors
    /// `store.not_found`, `vault.locked`.
    #[boxed]
    pub async fn study(&self, study_uid: &str) -> Result<StudyDetail, WorkflowError> {
        let store = self.store()?;
        let detail = detail(&store.study(study_uid).await?);
        store.record_event(AuditEvent::new(self.now(), &store.user().id, "study.read", study_uid)).await?;
        Ok(detail)
    }

    /// The pixels of an image, decoded from its sealed original; audited. Where [`Self::overview`] has just read
    /// and audited it, its pixels are given without either.
    ///
    /// # Errors
    /// `store.not_found`, `blob.corrupt`; the decoder's own codes.
    #[boxed]
    pub async fn pixels(&self, instance_uid: &str) -> Result<PixelFrame, WorkflowError> {
        let store = self.store()?;
        let instance = store.instance(instance_uid).await?;
        match self.held.take(instance_uid, &instance.original) {
            Some(frame) => Ok(frame),
            None => self.read_pixels(&store, &instance).await,
        }
    }

    /// Decodes an image, and writes to the chain that it was read.
    #[boxed]
    pub(crate) async fn read_pixels(&self, store: &Store, instance: &Instance) -> Result<PixelFrame, WorkflowError> {
        let decoding = async {
            let file = store.blob(&instance.original).await?;
            let wants = DecodeWants { pixels: true, ..DecodeWants::default() };
            Ok::<_, WorkflowError>(self.outside.decoder.decode(file, &wants, &Cancel::new()).await?)
        };
        // While the pixels are decoded; none are given that the chain does not know of.
        let (decoded, ()) = tokio::try_join!(decoding, self.note(store, "image.read", &instance.uid, json!({})))?;
        let (description, texels) = decoded.pixels.ok_or(WorkflowError::DecoderIncomplete("pixels"))?;
        self.shown.note(&instance.uid);
        Ok(PixelFrame { description, copy: 0, texels })
    }

    /// A PNG no longer than 256 pixels on a side; `None` where there is none. Audited, once a session.
    #[boxed]
    pub async fn thumbnail(&self, instance_uid: &str) -> Result<Option<Vec<u8>>, WorkflowError> {
        let store = self.store()?;
        match store.instance(instance_uid).await?.thumbnail {
            Some(name) => {
                self.note_first(&store, "image.thumbnail", instance_uid).await?;
                Ok(Some(store.blob(&name).await?))
            }
            None => Ok(None),
        }
    }

    /// The scores that are kept of the study's image, without asking the encoder.
    #[boxed]
    pub async fn known_support(&self, study_uid: &str) -> Result<Option<Support>, WorkflowError> {
        let store = self.store()?;
        let Some(scorer) = self.scorer() else { return Ok(None) };
        let study = store.study(study_uid).await?;
        let Some((instance, Applicability::Applies)) = model_image(&study) else { return Ok(None) };
        let scores = store.scores(&instance.uid, &scorer.pack().key()).await?;
        let demo = scorer.pack().demo;
        Ok((!scores.is_empty()).then(|| Support { instance_uid: instance.uid.clone(), scores, demo }))
    }

    /// Scores the study's image with the encoder, and keeps scores and embedding; what is
    /// kept already is given back without asking.
    ///
    /// # Errors
    /// `encode.no_model`, `draft.not_applicable`; the worker's own codes.
    #[boxed]
    pub async fn score(&self, study_uid: &str, cancel: &Cancel) -> Result<Support, WorkflowError> {
        if let Some(known) = self.known_support(study_uid).await? {
            return Ok(known);
        }
        let store = self.store()?;
        let scorer = self.scorer().ok_or(WorkflowError::NoScorer)?;
        let study = store.study(study_uid).await?;
        let instance = image_for_models(&study)?;
        let pack = scorer.pack().key();
        let side = scorer.side(cancel).await?;
        self.note(&store, "image.encode", &instance.uid, json!({ "pack": pack })).await?;
        let (gray, _) = self.model_input(&store, instance, side, cancel).await?;
        let encoded = scorer.score(side, gray, cancel).await?;
        let scores = crate::indexing::keep(&store, &instance.uid, &pack, &encoded, true).await?;
        Ok(Support { instance_uid: instance.uid.clone(), scores, demo: scorer.pack().demo })
    }

    /// Grey bytes of the square model input, and the SHA-256 of them in hex.
    pub(crate) async fn model_input(
        &self,
        store: &Store,
        instance: &Instance,
        side: u32,
        cancel: &Cancel,
    ) -> Result<(Vec<u8>, String), WorkflowError> {
        use sha2::{Digest, Sha256};
        let file = store.blob(&instance.original).await?;
        let wants = DecodeWants { model_inputs: vec![side], ..DecodeWants::default() };
        let decoded = self.outside.decoder.decode(file, &wants, cancel).await?;
        let input = decoded.model_inputs.into_iter().find(|(s, _)| *s == side);
        let (_, gray) = input.ok_or(WorkflowError::DecoderIncomplete("model input"))?;
        let hash = hex::encode(Sha256::digest(&gray));
        Ok((gray, hash))
    }
}

/// The image that the models would be given, and whether they apply to it: the first
/// that they apply to, else the first at all.
pub(crate) fn model_image(study: &Study) -> Option<(&Instance, Applicability)> {
    let instances = study.series.iter().flat_map(|s| &s.instances);
    choose_image(instances.map(|instance| (instance, applicability(&header_of(instance)))))
}

/// Of judged images the one that [`model_image`] is.
pub(crate) fn choose_image<T>(judged: impl Iterator<Item = (T, Applicability)>) -> Option<(T, Applicability)> {
    let mut first = None;
    for image in judged {
        if image.1 == Applicability::Applies {
            return Some(image);
        }
        first = first.or(Some(image));
    }
    first
}

/// As [`model_image`], refused where the models do not apply.
pub(crate) fn image_for_models(study: &Study) -> Result<&Instance, WorkflowError> {
    let (instance, judged) = model_image(study).ok_or_else(|| WorkflowError::NoImage(study.row.uid.clone()))?;
    match judged.why() {
        None => Ok(instance),
        Some(why) => Err(WorkflowError::ModelsDoNotApply(why)),
    }
}

pub(crate) fn header_of(instance: &Instance) -> DecodedHeader {
    // Our own import wrote it; what an older version did not write stays at its default.
    serde_json::from_value(instance.header.clone()).unwrap_or_default()
}

/// In the order of series and instance numbers.
pub(crate) fn images_of(study: &Study) -> Vec<ImageDetail> {
    let instances = study.series.iter().flat_map(|s| &s.instances);
    instances.map(|i| ImageDetail { instance_uid: i.uid.clone(), header: header_of(i) }).collect()
}

fn detail(study: &Study) -> StudyDetail {
    let images = images_of(study);
    let first = images.first().map(|i| &i.header);
    StudyDetail {
        study_uid: study.row.uid.clone(),
        patient: Patient::of(&study.patient, first.and_then(|h| h.patient_age.as_deref()), &study.row.date),
        accession: study.row.accession.clone(),
        date: date_and_time(&study.row.date, &study.row.time),
        description: study.row.description.clone(),
        referring_physician: display_name(&study.row.referring_physician),
        institution: first.and_then(|h| h.institution.clone()).unwrap_or_default(),
        applicability: model_image(study).map_or(Applicability::Modality, |(_, a)| a),
        images,
    }
}
