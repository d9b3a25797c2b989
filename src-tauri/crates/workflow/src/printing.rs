//! A report as a document to print.

use crate::reading::{Patient, header_of};
use crate::worklist::date_and_time;
use crate::{Cancel, Letterhead, Workstation, WorkflowError, display_name};
use hilum_export::{KeyImage, Paper, ParentVersion, PatientBlock, ReportDocument, SignatureBlock, StudyBlock};
use hilum_report::{FinalText, Report, VersionId};
use hilum_store::{Store, Study};
use hilum_workers::messages::decode::DecodeWants;

/// Longest side of the key image, pixels: about 200 dots an inch at its printed size.
const KEY_IMAGE: u32 = 560;
/// Key of the letterhead among the settings.
const LETTERHEAD: &str = "letterhead";

impl Workstation {
    /// What stands at the head of printed reports.
    pub async fn letterhead(&self) -> Result<Letterhead, WorkflowError> {
        Ok(self.store()?.setting(LETTERHEAD).await?.unwrap_or_default())
    }

    pub async fn set_letterhead(&self, letterhead: &Letterhead) -> Result<(), WorkflowError> {
        Ok(self.store()?.set_setting(LETTERHEAD, letterhead).await?)
    }

    /// Everything that the page says. `signature` is `None` for a draft's preview.
    pub(crate) async fn document(
        &self,
        store: &Store,
        report: &Report,
        text: FinalText,
        version: VersionId,
        signature: Option<SignatureBlock>,
        audit_head: String,
    ) -> Result<ReportDocument, WorkflowError> {
        let study = store.study(report.study_uid()).await?;
        let letterhead = self.letterhead().await?;
        let users = self.users();
        let parent = report.versions().last().map(|last| ParentVersion {
            id: last.id.clone(),
            at: last.at.to_offset(self.now().offset()),
            by: users.iter().find(|u| u.id == last.by).map_or_else(|| last.by.to_string(), |u| u.name.clone()),
        });
        let created = signature.as_ref().map_or_else(|| self.now(), |s| s.at);
        Ok(ReportDocument {
            paper: Paper::A4,
            letterhead: hilum_export::Letterhead {
                institution: letterhead.institution,
                department: letterhead.department,
                address: letterhead.address.lines().map(str::to_owned).collect(),
                logo: None,
            },
            patient: patient_block(&study),
            study: StudyBlock {
                accession: study.row.accession.clone(),
                description: study.row.description.clone(),
                performed: date_and_time(&study.row.date, &study.row.time),
                referrer: display_name(&study.row.referring_physician),
            },
            communications: self.told(text.communications()),
            demo: text.is_demo(),
            accepted_in_bulk: text.accepted_in_bulk(),
            text,
            kind: report.becoming(),
            version,
            parent,
            key_images: self.key_image(store, &study).await.into_iter().collect(),
            measurements: Vec::new(),
            signature,
            audit_head,
            created,
        })
    }

    /// The study's image as displayed. A picture that cannot be had leaves its place
    /// empty: the report is the words.
    async fn key_image(&self, store: &Store, study: &Study) -> Option<KeyImage> {
        let (instance, _) = crate::reading::model_image(study)?;
        let file = store.blob(&instance.original).await.ok()?;
        let wants = DecodeWants { display: Some(KEY_IMAGE), ..DecodeWants::default() };
        let decoded = self.outside.decoder.decode(file, &wants, &Cancel::new()).await.ok()?;
        let display = decoded.display?;
        let header = header_of(instance);
        let view = [header.modality, header.view_position].into_iter().flatten().collect::<Vec<_>>().join(" ");
        Some(KeyImage {
            width: display.width as usize,
            height: display.height as usize,
            grey: display.gray,
            caption: format!("Key image {view}. Not for diagnosis.").replace("  ", " ").replace(" .", "."),
            marks: Vec::new(),
        })
    }
}

fn patient_block(study: &Study) -> PatientBlock {
    let first = study.series.iter().flat_map(|s| &s.instances).next().map(header_of);
    let age = first.as_ref().and_then(|h| h.patient_age.as_deref());
    let Patient { name, id, sex, age, birth_date } = Patient::of(&study.patient, age, &study.row.date);
    PatientBlock { name, id, sex, birth_date, age }
}
