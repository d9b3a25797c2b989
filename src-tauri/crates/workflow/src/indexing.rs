//! Embedding images in the background, so that similar cases are found among all of them.

use async_recursion::async_recursion as boxed;
use crate::in_front;
use crate::reading::header_of;
use crate::{Applicability, Cancel, Support, WorkflowError, Workstation, applicability};
use hilum_report::PackHash;
use hilum_store::{Score, Store};
use hilum_workers::EncodedImage;

impl Workstation {
    /// Chest radiographs that the encoder in use has not embedded, the newest import first;
    /// none where no encoder is installed.
    ///
    /// # Errors
    /// `vault.locked`.
    #[boxed]
    pub async fn images_to_embed(&self) -> Result<Vec<String>, WorkflowError> {
        let store = self.store()?;
        let Some(scorer) = self.scorer() else { return Ok(Vec::new()) };
        let images = store.images_without_embedding(&scorer.pack().key()).await?;
        let embeds =
            |header: serde_json::Value| applicability(&serde_json::from_value(header).unwrap_or_default()).embeds();
        Ok(images.into_iter().filter_map(|(uid, header)| embeds(header).then_some(uid)).collect())
    }

    /// Embeds one image and keeps the embedding; scores it as well where the findings'
    /// prompts apply. Gives the embedding that is kept where there is one already.
    ///
    /// # Errors
    /// `encode.no_model`, `draft.not_applicable`, `store.not_found`; the worker's own codes.
    #[boxed]
    pub async fn embed_image(&self, instance_uid: &str, cancel: &Cancel) -> Result<Vec<f32>, WorkflowError> {
        let store = self.store()?;
        let scorer = self.scorer().ok_or(WorkflowError::NoScorer)?;
        let pack = scorer.pack().key();
        if let Some(known) = store.embedding(instance_uid, &pack).await? {
            return Ok(known);
        }
        let instance = store.instance(instance_uid).await?;
        let judged = applicability(&header_of(&instance));
        if let (false, Some(why)) = (judged.embeds(), judged.why()) {
            return Err(WorkflowError::ModelsDoNotApply(why));
        }
        let side = scorer.side(cancel).await?;
        self.note(&store, "image.encode", instance_uid, serde_json::json!({ "pack": pack })).await?;
        let (gray, _) = self.model_input(&store, &instance, side, cancel).await?;
        let encoded = scorer.score(side, gray, cancel).await?;
        keep(&store, &instance.uid, &pack, &encoded, judged == Applicability::Applies).await?;
        Ok(encoded.embedding)
    }

    /// The study of an image and its support, where the image is the study's that is scored.
    ///
    /// # Errors
    /// `store.not_found`, `vault.locked`.
    #[boxed]
    pub async fn support_of_image(&self, instance_uid: &str) -> Result<Option<(String, Support)>, WorkflowError> {
        let (study_uid, _) = self.store()?.owner_of_image(instance_uid).await?;
        let support = self.known_support(&study_uid).await?;
        Ok(support.filter(|support| support.instance_uid == instance_uid).map(|support| (study_uid, support)))
    }
}

/// Keeps what the encoder said of an image.
pub(crate) async fn keep(
    store: &Store,
    instance_uid: &str,
    pack: &PackHash,
    encoded: &EncodedImage,
    with_scores: bool,
) -> Result<Vec<Score>, WorkflowError> {
    let mut scores = Vec::new();
    if with_scores {
        scores.extend(encoded.scores.iter().map(|s| Score {
            finding: s.finding.clone(),
            difference: f64::from(s.difference),
            softmax: f64::from(s.softmax),
        }));
        store.set_scores(instance_uid, pack, &scores).await?;
        let (study_uid, _) = store.owner_of_image(instance_uid).await?;
        // What a draft stated stays: its reader has not looked yet.
        if !in_front::is_drafted(&store.study(&study_uid).await?.row.front) {
            store.set_front(&study_uid, in_front::by_support(&scores)).await?;
        }
    }
    store.set_embedding(instance_uid, pack, &encoded.embedding).await?;
    Ok(scores)
}
