//! The key with which whoever is logged in signs, and what they agreed to.

use crate::app::App;
use crate::dto::{AppError, SigningKey};
use hilum_workflow::WorkflowError;

/// Larger files are no keys, and are not read.
const LARGEST: u64 = 1 << 20;

pub async fn signing_key(app: &App) -> Result<SigningKey, AppError> {
    Ok(app.workstation().await?.signing_certificate()?.into())
}

/// Takes key and certificate of the PKCS#12 file that the person chooses; `None` when the dialog was closed.
pub async fn signing_key_import(app: &App, password: String, passphrase: String) -> Result<Option<SigningKey>, AppError> {
    let workstation = app.workstation().await?;
    let Some(path) = app.host.choose_files().await.and_then(|files| files.into_iter().next()) else { return Ok(None) };
    let read = |source| WorkflowError::Read { path: path.clone(), source };
    if tokio::fs::metadata(&path).await.map_err(read)?.len() > LARGEST {
        return Err(WorkflowError::FileTooLarge(path).into());
    }
    let file = tokio::fs::read(&path).await.map_err(read)?;
    workstation.use_pkcs12(&file, &password, &passphrase).await?;
    Ok(Some(workstation.signing_certificate()?.into()))
}

/// Writes the certificate where the person says; the file, or `None` when the dialog was closed.
pub async fn signing_certificate_save(app: &App) -> Result<Option<String>, AppError> {
    let der = app.workstation().await?.signing_certificate_der()?;
    let Some(mut path) = app.host.choose_save("hilum-certificate.der").await else { return Ok(None) };
    if path.extension().is_none() {
        path.set_extension("der");
    }
    tokio::fs::write(&path, der).await.map_err(|source| WorkflowError::Write { path: path.clone(), source })?;
    Ok(Some(path.display().to_string()))
}

/// The last step of the first run.
pub async fn accept_intended_use(app: &App) -> Result<(), AppError> {
    Ok(app.workstation().await?.accept_intended_use().await?)
}

impl From<hilum_workflow::CertificateSummary> for SigningKey {
    fn from(certificate: hilum_workflow::CertificateSummary) -> SigningKey {
        let hilum_workflow::CertificateSummary { name, issuer, self_issued, valid_until, fingerprint } = certificate;
        SigningKey { name, issuer, self_issued, valid_until: valid_until.date().to_string(), fingerprint }
    }
}
