//! A signed version in the form that another system takes, as bytes or in a file.

use async_recursion::async_recursion as boxed;
use crate::reading::header_of;
use crate::{Workstation, WorkflowError};
use hilum_export::exchange::{
    self, PatientIdentity, ReportedInstance, ReportedSeries, ReportedStudy, SignedReport,
};
use hilum_report::{ReportId, VersionId};
use hilum_store::{Store, Version};
use serde_json::json;
use std::path::Path;

/// What a signed version is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExportForm {
    /// The signed document itself.
    Pdf,
    /// DICOM Basic Text SR.
    Sr,
    /// DICOM Encapsulated PDF.
    Encapsulated,
    /// FHIR R4 bundle, JSON.
    Fhir,
    /// HL7 v2.5.1 ORU^R01.
    Hl7,
}

impl ExportForm {
    pub const ALL: [ExportForm; 5] =
        [ExportForm::Pdf, ExportForm::Sr, ExportForm::Encapsulated, ExportForm::Fhir, ExportForm::Hl7];

    /// As the command line and the audit chain name it.
    pub fn name(self) -> &'static str {
        match self {
            ExportForm::Pdf => "pdf",
            ExportForm::Sr => "sr",
            ExportForm::Encapsulated => "encapsulated",
            ExportForm::Fhir => "fhir",
            ExportForm::Hl7 => "hl7",
        }
    }

    /// What file names of this form end with.
    pub fn extension(self) -> &'static str {
        match self {
            ExportForm::Pdf => "pdf",
            ExportForm::Sr | ExportForm::Encapsulated => "dcm",
            ExportForm::Fhir => "json",
            ExportForm::Hl7 => "hl7",
        }
    }
}

impl Workstation {
    /// The newest signed version of a report, or the version itself where `id` is one.
    ///
    /// # Errors
    /// `report.not_signed` for a report without one; `store.not_found`.
    #[boxed]
    pub async fn signed_version(&self, id: &str) -> Result<VersionId, WorkflowError> {
        let store = self.store()?;
        let version = VersionId::new(id);
        if store.version(&version).await.is_ok() {
            return Ok(version);
        }
        let report = store.report(&ReportId::new(id)).await?;
        report.versions().last().map(|v| v.id.clone()).ok_or(WorkflowError::NotSigned)
    }

    /// A signed version in one of its forms; the same each time.
    ///
    /// # Errors
    /// `store.not_found`, `blob.corrupt`.
    #[boxed]
    pub async fn export(&self, version: &VersionId, form: ExportForm) -> Result<Vec<u8>, WorkflowError> {
        let store = self.store()?;
        let version = store.version(version).await?;
        let pdf = store.signed_pdf(&version).await?;
        if form == ExportForm::Pdf {
            return Ok(pdf);
        }
        let report = self.signed_report(&store, version, pdf).await?;
        Ok(match form {
            ExportForm::Pdf => report.pdf,
            ExportForm::Sr => exchange::dicom::basic_text_sr(&report),
            ExportForm::Encapsulated => exchange::dicom::encapsulated_pdf(&report),
            ExportForm::Fhir => exchange::bundle(&report),
            ExportForm::Hl7 => exchange::oru_r01(&report),
        })
    }

    /// Writes one of a version's forms where the person said, whole or not at all, and to the audit
    /// chain that it left.
    ///
    /// # Errors
    /// As [`Workstation::export`]; `export.write_failed` naming the path.
    #[boxed]
    pub async fn save_export(&self, version: &VersionId, form: ExportForm, path: &Path) -> Result<(), WorkflowError> {
        let bytes = self.export(version, form).await?;
        let target = path.to_owned();
        tokio::task::spawn_blocking(move || write_whole(&target, &bytes))
            .await
            .unwrap_or_else(|e| Err(std::io::Error::other(e)))
            .map_err(|source| WorkflowError::Write { path: path.to_owned(), source })?;
        let store = self.store()?;
        self.note(&store, "report.export", version.as_str(), json!({ "as": form.name() })).await
    }

    async fn signed_report(&self, store: &Store, version: Version, pdf: Vec<u8>) -> Result<SignedReport, WorkflowError> {
        let report = store.report(&version.report).await?;
        let study = store.study(report.study_uid()).await?;
        let predecessors = store.versions(&version.report).await?;
        let first = study.series.iter().flat_map(|s| &s.instances).next().map(header_of).unwrap_or_default();
        let users = self.users();
        let signer = users.iter().find(|u| u.id == version.signer);
        let series = study.series.iter().map(|series| ReportedSeries {
            uid: series.uid.clone(),
            modality: series.modality.clone(),
            instances: series
                .instances
                .iter()
                .map(|i| ReportedInstance { class_uid: header_of(i).sop_class_uid, uid: i.uid.clone() })
                .collect(),
        });
        Ok(SignedReport {
            patient: PatientIdentity {
                name: study.patient.name.clone(),
                id: study.patient.patient_id.clone(),
                issuer: study.patient.issuer.clone(),
                birth_date: study.patient.birth_date.clone().unwrap_or_default(),
                sex: study.patient.sex.clone().unwrap_or_default(),
            },
            study: ReportedStudy {
                uid: study.row.uid.clone(),
                id: study.row.study_id.clone(),
                accession: study.row.accession.clone(),
                date: study.row.date.clone(),
                time: study.row.time.clone(),
                description: study.row.description.clone(),
                referring_physician: study.row.referring_physician.clone(),
                institution: first.institution.unwrap_or_default(),
                series: series.collect(),
            },
            number: version.number,
            kind: version.kind,
            predecessors: predecessors.into_iter().filter(|v| v.number < version.number).map(|v| v.id).collect(),
            communications: self.told(version.text.communications()),
            text: version.text,
            signer: signer.map_or_else(|| version.signer.to_string(), |u| u.name.clone()),
            signed_at: version.signed_at.to_offset(self.now().offset()),
            version: version.id,
            pdf,
        })
    }
}

/// Beside the target first, then in its place by one rename.
pub(crate) fn write_whole(target: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let partial = folder.join(format!(".{name}.partial"));
    let written = (|| {
        let mut file = std::fs::File::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&partial, target)?;
        // The new name outlives a power cut only once its folder is on the disk too. Windows opens no folder for that.
        if cfg!(unix) { std::fs::File::open(folder)?.sync_all() } else { Ok(()) }
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    written
}
