//! Report templates: which there are, which suits a study, and their way in and out as MRRT.

use async_recursion::async_recursion as boxed;
use crate::known::years;
use crate::reading::{Patient, header_of};
use crate::worklist::date_and_time;
use crate::{WorkflowError, Workstation, display_name};
use hilum_report::{Situation, Template, TemplateId, mrrt};
use hilum_store::{AuditEvent, Store, Study};
use std::collections::BTreeMap;

impl Workstation {
    /// # Errors
    /// `vault.locked`.
    #[boxed]
    pub async fn templates(&self) -> Result<Vec<Template>, WorkflowError> {
        Ok(self.store()?.templates().await?)
    }

    /// Takes an MRRT document as a template of this data folder; one of the same identifier gives way.
    ///
    /// # Errors
    /// What is wrong with the document, by its own code; `vault.locked`.
    #[boxed]
    pub async fn import_template(&self, document: &[u8]) -> Result<Template, WorkflowError> {
        let store = self.store()?;
        let template = mrrt::import(document)?;
        store.put_template(&template).await?;
        let event = AuditEvent::new(self.now(), &store.user().id, "template.import", template.id.as_str());
        store.record_event(event).await?;
        Ok(template)
    }

    /// A template as an MRRT document.
    ///
    /// # Errors
    /// `report.no_template`, `vault.locked`.
    #[boxed]
    pub async fn export_template(&self, id: &TemplateId) -> Result<String, WorkflowError> {
        let templates = self.templates().await?;
        let template = templates.iter().find(|t| t.id == *id);
        Ok(mrrt::export(template.ok_or_else(|| hilum_report::Refusal::NoTemplate(id.clone()))?))
    }

    /// Which templates the person who is logged in wants for which kinds of study.
    ///
    /// # Errors
    /// `vault.locked`.
    #[boxed]
    pub async fn template_choices(&self) -> Result<BTreeMap<Situation, TemplateId>, WorkflowError> {
        let store = self.store()?;
        Ok(store.template_choices(&store.user().id).await?)
    }

    /// From now on the person who is logged in gets this template for that kind of study; with `None`
    /// the one that everybody gets.
    ///
    /// # Errors
    /// `report.no_template`, `vault.locked`.
    #[boxed]
    pub async fn choose_template(&self, situation: Situation, template: Option<TemplateId>) -> Result<(), WorkflowError> {
        let store = self.store()?;
        if let Some(id) = &template
            && !store.templates().await?.iter().any(|t| t.id == *id)
        {
            return Err(hilum_report::Refusal::NoTemplate(id.clone()).into());
        }
        store.choose_template(&store.user().id, situation, template.as_ref()).await?;
        self.note(&store, "template.choose", store.user().id.as_str(), serde_json::json!({})).await
    }

    /// The template for a study's fresh report with its merge fields filled: the reader's own choice for
    /// studies of its kind; else the one that is wanted, where there is one; else the one that suits the
    /// views and the age; else the first.
    pub(crate) async fn template_for(
        &self,
        store: &Store,
        study_uid: &str,
        wanted: &TemplateId,
    ) -> Result<Template, WorkflowError> {
        let templates = store.templates().await?;
        let study = store.study(study_uid).await?;
        let headers: Vec<_> = study.series.iter().flat_map(|s| &s.instances).map(header_of).collect();
        let said = headers.first().and_then(|h| h.patient_age.as_deref());
        let patient = Patient::of(&study.patient, said, &study.row.date);
        let views: Vec<String> = headers.iter().map(|h| h.view_position.clone().unwrap_or_default()).collect();
        let situation = Situation::of(&views, years(&patient.age));
        let chosen = match situation {
            Some(situation) => store.template_choices(&store.user().id).await?.remove(&situation),
            None => None,
        };
        let suited = situation.map(Template::suited);
        let named = |id: &TemplateId| templates.iter().find(|t| t.id == *id);
        let template = chosen.as_ref().and_then(named).or_else(|| named(wanted)).or_else(|| suited.as_ref().and_then(named)).or(templates.first());
        let template = template.ok_or_else(|| hilum_report::Refusal::NoTemplate(wanted.clone()))?;
        Ok(merged(template, &study))
    }
}

/// The template with what is known of the study in its merge fields.
pub(crate) fn merged(template: &Template, study: &Study) -> Template {
    let first = study.series.iter().flat_map(|s| &s.instances).next().map(header_of);
    let said = first.as_ref().and_then(|h| h.patient_age.as_deref());
    let patient = Patient::of(&study.patient, said, &study.row.date);
    let performed = date_and_time(&study.row.date, &study.row.time);
    let referrer = display_name(&study.row.referring_physician);
    template.merged(&[
        ("PatientName", &patient.name),
        ("PatientID", &patient.id),
        ("PatientAge", &patient.age),
        ("PatientSex", &patient.sex),
        ("PatientBirthDate", &patient.birth_date),
        ("AccessionNumber", &study.row.accession),
        ("StudyDate", &performed),
        ("StudyDescription", &study.row.description),
        ("ReferringPhysicianName", &referrer),
    ])
}
