//! Signing, and the signed document.

use crate::app::App;
use crate::convert;
use crate::dto::{AppError, AppEvent, ExportAs, ReportView, SignRequest, SignedResult};
use hilum_report::{ReportId, VersionId};
use hilum_workflow::{ExportForm, SignatureRequest, Signed, Workstation};

pub async fn sign(app: &App, request: SignRequest) -> Result<SignedResult, AppError> {
    let workstation = app.workstation().await?;
    let signed = workstation.sign(wanted(request)).await?;
    told(app, workstation, signed).await
}

/// As [`sign`], where the time-stamp server does not answer and the person chose to go on.
pub async fn sign_without_time_stamp(app: &App, request: SignRequest) -> Result<SignedResult, AppError> {
    let workstation = app.workstation().await?;
    let signed = workstation.sign_without_time_stamp(wanted(request)).await?;
    told(app, workstation, signed).await
}

async fn told(app: &App, workstation: &Workstation, signed: Signed) -> Result<SignedResult, AppError> {
    let study_uid = signed.report.report.study_uid().to_owned();
    let support = workstation.known_support(&study_uid).await.ok().flatten();
    app.host.emit(AppEvent::StudyChanged { study_uid });
    Ok(SignedResult {
        version_id: signed.version.to_string(),
        pdf_sha256: signed.pdf_sha256,
        audit_head: signed.audit_head,
        report: convert::report_view(&signed.report, support.as_ref()),
    })
}

/// Signs as preliminary, to be co-signed by another person.
pub async fn sign_preliminary(app: &App, request: SignRequest) -> Result<ReportView, AppError> {
    let workstation = app.workstation().await?;
    let report = workstation.sign_preliminary(wanted(request)).await?;
    let study_uid = report.report.study_uid().to_owned();
    let support = workstation.known_support(&study_uid).await.ok().flatten();
    app.host.emit(AppEvent::StudyChanged { study_uid });
    Ok(convert::report_view(&report, support.as_ref()))
}

pub async fn signed_pdf(app: &App, version_id: String) -> Result<Vec<u8>, AppError> {
    Ok(app.workstation().await?.signed_pdf(&VersionId::new(version_id)).await?)
}

/// Saves the document where the person says; the file name that it was saved to, or
/// `None` when the dialog was closed.
pub async fn save_pdf(app: &App, version_id: String) -> Result<Option<String>, AppError> {
    export_report(app, version_id, ExportAs::Pdf).await
}

/// Saves a signed version in one of its forms, as [`save_pdf`] does.
pub async fn export_report(app: &App, version_id: String, form: ExportAs) -> Result<Option<String>, AppError> {
    let workstation = app.workstation().await?;
    let version = VersionId::new(version_id);
    let form = match form {
        ExportAs::Pdf => ExportForm::Pdf,
        ExportAs::Sr => ExportForm::Sr,
        ExportAs::Encapsulated => ExportForm::Encapsulated,
        ExportAs::Fhir => ExportForm::Fhir,
        ExportAs::Hl7 => ExportForm::Hl7,
    };
    // Looked up first: there is no point in asking where to save what is not there.
    workstation.signed_version(version.as_str()).await?;
    let stem = match form {
        // Two forms end with .dcm.
        ExportForm::Sr => "report-sr",
        _ => "report",
    };
    let proposed = format!("{stem}-{}.{}", version.as_str().get(..8).unwrap_or("signed"), form.extension());
    let Some(mut path) = app.host.choose_save(&proposed).await else { return Ok(None) };
    if path.extension().is_none() {
        path.set_extension(form.extension());
    }
    workstation.save_export(&version, form, &path).await?;
    Ok(Some(path.display().to_string()))
}

pub async fn draft_preview_pdf(app: &App, report_id: String) -> Result<Vec<u8>, AppError> {
    Ok(app.workstation().await?.preview_pdf(&ReportId::new(report_id)).await?)
}

fn wanted(request: SignRequest) -> SignatureRequest {
    SignatureRequest {
        report: ReportId::new(request.report_id),
        revision: request.revision as u64,
        passphrase: request.passphrase,
        patient_confirmed: request.patient_confirmed,
        accession_confirmed: request.accession_confirmed,
    }
}
