//! Measurements and marks on images, and the numbers that they give a report.

use async_recursion::async_recursion as boxed;
use crate::stated::measured;
use crate::{WorkflowError, Workstation};
use hilum_report::Report;
use hilum_store::{Annotation, Store};

impl Workstation {
    /// Measurements and marks on the images of a study, the oldest first.
    ///
    /// # Errors
    /// `vault.locked`, `store.database`.
    #[boxed]
    pub async fn annotations(&self, study_uid: &str) -> Result<Vec<Annotation>, WorkflowError> {
        Ok(self.store()?.annotations(study_uid).await?)
    }

    /// Adds a mark, changes it, or brings back one that was taken away; audited. The study that it is in.
    ///
    /// # Errors
    /// As [`Store::put_annotation`].
    #[boxed]
    pub async fn put_annotation(&self, annotation: &Annotation) -> Result<String, WorkflowError> {
        let store = self.store()?;
        Ok(store.put_annotation(annotation, &store.user().id, self.now()).await?)
    }

    /// Takes a mark away; audited. The study that it was in.
    ///
    /// # Errors
    /// `store.not_found`, `vault.locked`.
    #[boxed]
    pub async fn remove_annotation(&self, id: &str) -> Result<String, WorkflowError> {
        let store = self.store()?;
        Ok(store.remove_annotation(id, &store.user().id, self.now()).await?)
    }

    /// Numbers measured on the images of a study, as they may stand in its report ("148 mm",
    /// "0.56"), each once.
    ///
    /// # Errors
    /// `vault.locked`, `store.database`.
    #[boxed]
    pub async fn measured_on_images(&self, study_uid: &str) -> Result<Vec<String>, WorkflowError> {
        on_images(&*self.store()?, study_uid).await
    }
}

/// What a draft may say in numbers: what was measured on the images, and what a person wrote.
pub(crate) async fn measured_in(store: &Store, report: &Report) -> Result<Vec<String>, WorkflowError> {
    let mut values = measured(report);
    values.extend(
        on_images(store, report.study_uid()).await?.into_iter().filter(|v| !values.contains(v)).collect::<Vec<_>>(),
    );
    Ok(values)
}

pub(crate) async fn on_images(store: &Store, study_uid: &str) -> Result<Vec<String>, WorkflowError> {
    let mut values: Vec<String> = Vec::new();
    for value in store.annotations(study_uid).await?.into_iter().flat_map(|a| a.measured) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    Ok(values)
}
