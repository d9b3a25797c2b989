//! Older chest images of the same patient.

use async_recursion::async_recursion as boxed;
use crate::reading::{header_of, images_of, model_image};
use crate::{Applicability, ImageDetail, WorkflowError, Workstation, display_date};
use hilum_store::Store;
use std::collections::HashMap;

/// An older study of the same patient with an image that the models apply to.
#[derive(Debug, Clone, PartialEq)]
pub struct PriorStudy {
    pub study_uid: String,
    /// ISO date.
    pub date: String,
    /// The image that would be given to the model.
    pub instance_uid: String,
    /// View position, for example "PA"; empty where unknown.
    pub view: String,
    /// All its images.
    pub images: Vec<ImageDetail>,
}

impl Workstation {
    /// Studies that are compared with this one, newest first: the patient's own older chest images
    /// that nobody unlinked, and whatever a person linked.
    ///
    /// A study without a date is none: it cannot be known to be older.
    ///
    /// # Errors
    /// `store.not_found`, `vault.locked`.
    #[boxed]
    pub async fn priors(&self, study_uid: &str) -> Result<Vec<PriorStudy>, WorkflowError> {
        let store = self.store()?;
        self.priors_in(&store, study_uid).await
    }

    pub(crate) async fn priors_in(&self, store: &Store, study_uid: &str) -> Result<Vec<PriorStudy>, WorkflowError> {
        let current = store.study(study_uid).await?.row;
        let mut priors = Vec::new();
        let said: HashMap<String, bool> = store.comparisons(study_uid).await?.into_iter().collect();
        let mut rows = store.other_studies(study_uid).await?;
        for uid in said.iter().filter(|(_, linked)| **linked).map(|(uid, _)| uid) {
            if rows.iter().all(|row| row.uid != *uid) {
                rows.push(store.study(uid).await?.row);
            }
        }
        rows.sort_by(|a, b| (&b.date, &b.time, &a.uid).cmp(&(&a.date, &a.time, &b.uid)));
        for row in rows {
            let older = !row.date.is_empty() && (&row.date, &row.time) < (&current.date, &current.time);
            // What a person said of a pair counts more than the dates.
            if !said.get(&row.uid).copied().unwrap_or(older) {
                continue;
            }
            let study = store.study(&row.uid).await?;
            if let Some((instance, Applicability::Applies)) = model_image(&study) {
                priors.push(PriorStudy {
                    study_uid: row.uid.clone(),
                    date: display_date(&row.date),
                    instance_uid: instance.uid.clone(),
                    view: header_of(instance).view_position.unwrap_or_default(),
                    images: images_of(&study),
                });
            }
        }
        Ok(priors)
    }
}
