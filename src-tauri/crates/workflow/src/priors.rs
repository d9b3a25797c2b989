//! Older chest images of the same patient.

use crate::reading::{header_of, model_image};
use crate::{Applicability, WorkflowError, Workstation, display_date};
use hilum_store::Store;

/// An older study of the same patient with an image that the models apply to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriorStudy {
    pub study_uid: String,
    /// ISO date.
    pub date: String,
    /// The image that would be given to the model.
    pub instance_uid: String,
    /// View position, for example "PA"; empty where unknown.
    pub view: String,
}

impl Workstation {
    /// Studies that may be linked as the prior of this one, newest first.
    ///
    /// A study without a date is none: it cannot be known to be older.
    ///
    /// # Errors
    /// `store.not_found`, `vault.locked`.
    pub async fn priors(&self, study_uid: &str) -> Result<Vec<PriorStudy>, WorkflowError> {
        let store = self.store()?;
        self.priors_in(&store, study_uid).await
    }

    pub(crate) async fn priors_in(&self, store: &Store, study_uid: &str) -> Result<Vec<PriorStudy>, WorkflowError> {
        let current = store.study(study_uid).await?.row;
        let mut priors = Vec::new();
        for row in store.other_studies(study_uid).await? {
            let older = (&row.date, &row.time) < (&current.date, &current.time);
            if row.date.is_empty() || !older {
                continue;
            }
            let study = store.study(&row.uid).await?;
            if let Some((instance, Applicability::Applies)) = model_image(&study) {
                priors.push(PriorStudy {
                    study_uid: row.uid.clone(),
                    date: display_date(&row.date),
                    instance_uid: instance.uid.clone(),
                    view: header_of(instance).view_position.unwrap_or_default(),
                });
            }
        }
        Ok(priors)
    }
}
