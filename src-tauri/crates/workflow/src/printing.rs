//! A report as a document to print.

use async_recursion::async_recursion as boxed;
use crate::reading::{Patient, header_of};
use crate::worklist::date_and_time;
use crate::{Cancel, Letterhead, Workstation, WorkflowError, display_name};
use hilum_export::{Logo, Paper, ParentVersion, PatientBlock, ReportDocument, SignatureBlock, StudyBlock};
use hilum_report::{FinalText, Report, VersionId};
use hilum_store::{LogoPicture, Store, Study};
use hilum_workers::LogoImage;

/// Longest side of the logo, pixels: about 300 dots an inch at its printed size.
const LOGO: u32 = 560;
/// Key of the letterhead among the settings.
const LETTERHEAD: &str = "letterhead";

impl Workstation {
    /// What stands at the head of printed reports.
    #[boxed]
    pub async fn letterhead(&self) -> Result<Letterhead, WorkflowError> {
        Ok(self.store()?.setting(LETTERHEAD).await?.unwrap_or_default())
    }

    #[boxed]
    pub async fn set_letterhead(&self, letterhead: &Letterhead) -> Result<(), WorkflowError> {
        self.change_setting(LETTERHEAD, letterhead).await
    }

    /// The logo at the head of printed reports.
    ///
    /// # Errors
    /// `vault.locked`, `store.database`.
    #[boxed]
    pub async fn logo(&self) -> Result<Option<LogoPicture>, WorkflowError> {
        Ok(self.store()?.logo().await?)
    }

    /// Sets the logo from the bytes of a PNG or JPEG, which a child process decodes.
    ///
    /// # Errors
    /// `logo.kind`, `logo.too_large`, `logo.unreadable`; `decode.*` when the child was ended.
    #[boxed]
    pub async fn set_logo(&self, file: Vec<u8>) -> Result<(), WorkflowError> {
        let store = self.store()?;
        let LogoImage { width, height, rgb } = self.outside.decoder.logo(file, LOGO, &Cancel::new()).await?;
        Ok(store.set_logo(Some(&LogoPicture { width, height, rgb }), &store.user().id, self.now()).await?)
    }

    /// # Errors
    /// `vault.locked`, `store.database`.
    #[boxed]
    pub async fn remove_logo(&self) -> Result<(), WorkflowError> {
        let store = self.store()?;
        Ok(store.set_logo(None, &store.user().id, self.now()).await?)
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
        let (key_images, measurements) = self.printed_figures(store, report, &study).await?;
        let logo = store.logo().await?.map(|logo| Logo {
            width: logo.width as usize,
            height: logo.height as usize,
            rgb: logo.rgb,
        });
        let created = signature.as_ref().map_or_else(|| self.now(), |s| s.at);
        Ok(ReportDocument {
            paper: Paper::A4,
            letterhead: hilum_export::Letterhead {
                institution: letterhead.institution,
                department: letterhead.department,
                address: letterhead.address.lines().map(str::to_owned).collect(),
                logo,
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
            key_images,
            measurements,
            signature,
            audit_head,
            created,
        })
    }
}

fn patient_block(study: &Study) -> PatientBlock {
    let first = study.series.iter().flat_map(|s| &s.instances).next().map(header_of);
    let age = first.as_ref().and_then(|h| h.patient_age.as_deref());
    let Patient { name, id, sex, age, birth_date } = Patient::of(&study.patient, age, &study.row.date);
    PatientBlock { name, id, sex, birth_date, age }
}
