//! The key and certificate with which somebody signs, as they see them.

use crate::{WorkflowError, Workstation};
use hilum_export::signature::{CertificateSummary, summary_of};
use hilum_store::StoreError;

impl Workstation {
    /// The certificate with which whoever is logged in signs.
    ///
    /// # Errors
    /// `vault.locked`; `vault.no_identity` while there is none; `cert.unreadable`.
    pub fn signing_certificate(&self) -> Result<CertificateSummary, WorkflowError> {
        Ok(summary_of(&self.signing_certificate_der()?)?)
    }

    /// That certificate in DER, for whoever is to check the signatures.
    ///
    /// # Errors
    /// `vault.locked`; `vault.no_identity` while there is none.
    pub fn signing_certificate_der(&self) -> Result<Vec<u8>, WorkflowError> {
        let user = self.store()?.user().id.clone();
        // The one in use is the newest: those before it stay, so that what they signed still verifies.
        let own = self.folder.certificates().into_iter().rfind(|certificate| certificate.user == user);
        Ok(own.ok_or(StoreError::NoIdentity)?.der)
    }
}
