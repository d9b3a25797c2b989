//! Signing: the text is frozen, printed once, signed, and recorded in one step.

use async_recursion::async_recursion as boxed;
use crate::reporting::ReportDetail;
use crate::{TimeStampServer, Workstation, WorkflowError};
use hilum_export::signature::Identity;
use hilum_export::{ExportError, OsRng, SignatureBlock, pdf, signature, verify};
use hilum_report::{Command, Entry, Meaning, ReportId, VersionId, VersionKind};
use hilum_store::{Role, SignatureRecord};
use serde_json::json;
use sha2::{Digest, Sha256};

/// What a person asks for when signing.
#[derive(Clone)]
pub struct SignatureRequest {
    pub report: ReportId,
    /// The revision that was on the screen.
    pub revision: u64,
    pub passphrase: String,
    pub patient_confirmed: bool,
    pub accession_confirmed: bool,
}

/// A signed version.
#[derive(Debug, Clone, PartialEq)]
pub struct Signed {
    pub version: VersionId,
    pub pdf: Vec<u8>,
    pub pdf_sha256: String,
    /// Head of the audit chain as printed.
    pub audit_head: String,
    pub report: ReportDetail,
}

impl Workstation {
    /// Signs the report as the person who is logged in.
    ///
    /// The document is made before anything is recorded, and recorded together with the
    /// signature, so that there is never the one without the other.
    ///
    /// # Errors
    /// `sign.not_confirmed`, `sign.unreviewed`, `sign.empty_section`, `sign.needs_attending` for a trainee,
    /// `store.stale_revision`, `report.held`; `vault.locked` for a wrong passphrase.
    /// Where a time-stamp server is set: `timestamp.unreachable`, `timestamp.refused`, `timestamp.invalid`,
    /// `timestamp.clock`, `timestamp.untrusted`; nothing is signed then.
    #[boxed]
    pub async fn sign(&self, request: SignatureRequest) -> Result<Signed, WorkflowError> {
        let server = self.time_stamp_server().await?;
        self.sign_as(request, Some(server).filter(|server| !server.url.is_empty())).await
    }

    /// As [`Workstation::sign`], and asks no server for the time.
    #[boxed]
    pub async fn sign_without_time_stamp(&self, request: SignatureRequest) -> Result<Signed, WorkflowError> {
        self.sign_as(request, None).await
    }

    async fn sign_as(&self, request: SignatureRequest, server: Option<TimeStampServer>) -> Result<Signed, WorkflowError> {
        if !(request.patient_confirmed && request.accession_confirmed) {
            return Err(WorkflowError::NotConfirmed);
        }
        let store = self.store()?;
        let user = store.user().clone();
        let report = store.report(&request.report).await?;
        if report.revision() != request.revision {
            let (expected, found) = (request.revision, report.revision());
            return Err(hilum_store::StoreError::StaleRevision { expected, found }.into());
        }
        let text = report.final_text().map_err(hilum_report::Refusal::Unsignable)?;
        if user.role == Role::Trainee {
            return Err(WorkflowError::NeedsAttending);
        }
        let kept = store.signing_identity(&user.id, &request.passphrase).await?;
        let at = self.now();
        let meaning = match report.becoming() {
            _ if text.accepted_in_bulk() => Meaning::AcceptedInBulk,
            VersionKind::Original if report.preliminary().is_some_and(|first| first.by != user.id) => Meaning::CoSigned,
            VersionKind::Original => Meaning::ReviewedAndApproved,
            VersionKind::Addendum => Meaning::AddendumAuthor,
            VersionKind::Amendment => Meaning::AmendmentAuthor,
        };
        let version = VersionId::new(self.fresh());
        let head = store.audit_head().await?;
        let block = SignatureBlock { name: user.name.clone(), at, meaning };
        let document =
            self.document(&store, &report, text, version.clone(), Some(block.clone()), head.hash.clone()).await?;
        // Rendering and signing take a noticeable part of a second of computing.
        let pdf = tokio::task::spawn_blocking(move || {
            // The key is taken apart here: what is computed with it lies on this thread's stack, which goes with the thread.
            let identity = Identity::from_bytes(&kept.secret)?;
            let page = pdf::render(&document)?;
            let Some(server) = server else { return signature::sign(&page, &identity, &block, &mut OsRng) };
            let pdf = signature::sign_with_time(&page, &identity, &block, &mut OsRng, &mut |question| server.ask(question))?;
            if let Some(trusted) = server.trusted()
                && verify::verify(&pdf, &[trusted]).problems.contains(&"timestamp.untrusted")
            {
                return Err(ExportError::TimeStampUntrusted);
            }
            Ok(pdf)
        })
        .await
        .map_err(|e| hilum_store::StoreError::Thread(e.to_string()))??;
        let entry = Entry { by: user.id.clone(), at, command: Command::Sign { version: version.clone(), meaning } };
        let record = SignatureRecord {
            report: &request.report,
            base_revision: request.revision,
            entry: &entry,
            pdf: &pdf,
            audit_head: &head,
        };
        // What was held against each claim by then, for whoever asks years later.
        self.keep_evidence(&store, &report).await?;
        let report = store.record_signature(record).await?;
        Ok(Signed {
            version,
            pdf_sha256: hex::encode(Sha256::digest(&pdf)),
            pdf,
            audit_head: head.hash,
            report: self.with_versions(&store, report).await?,
        })
    }

    /// Signs the draft as preliminary, as the person who is logged in: whole, and to be co-signed by
    /// another. It makes no document; name, time and meaning are printed in the one that follows.
    ///
    /// # Errors
    /// As [`Workstation::sign`]; `report.wrong_status` for a report that was signed before.
    #[boxed]
    pub async fn sign_preliminary(&self, request: SignatureRequest) -> Result<ReportDetail, WorkflowError> {
        if !(request.patient_confirmed && request.accession_confirmed) {
            return Err(WorkflowError::NotConfirmed);
        }
        let store = self.store()?;
        let user = store.user().clone();
        store.check_passphrase(&user.id, &request.passphrase).await?;
        let command = Command::SignPreliminary { name: user.name };
        let entry = Entry { by: user.id, at: self.now(), command };
        let report = store.append(&request.report, request.revision, &[entry]).await?;
        self.with_versions(&store, report).await
    }

    /// The signed document of a version, checked against its recorded hash; audited.
    ///
    /// # Errors
    /// `store.not_found`, `blob.corrupt`.
    #[boxed]
    pub async fn signed_pdf(&self, version: &VersionId) -> Result<Vec<u8>, WorkflowError> {
        let store = self.store()?;
        let version = store.version(version).await?;
        let pdf = store.signed_pdf(&version).await?;
        self.note(&store, "report.read", version.report.as_str(), json!({ "version": version.id.as_str() })).await?;
        Ok(pdf)
    }

    /// The report as it would be printed, every page marked as an unsigned draft.
    ///
    /// # Errors
    /// `sign.unreviewed`, `sign.empty_section`: what cannot be signed has no final text to show.
    #[boxed]
    pub async fn preview_pdf(&self, id: &ReportId) -> Result<Vec<u8>, WorkflowError> {
        let store = self.store()?;
        let report = store.report(id).await?;
        let text = report.final_text().map_err(hilum_report::Refusal::Unsignable)?;
        self.note(&store, "report.preview", id.as_str(), json!({})).await?;
        let document =
            self.document(&store, &report, text, VersionId::new("preview"), None, store.audit_head().await?.hash).await?;
        let pdf = tokio::task::spawn_blocking(move || pdf::render(&document))
            .await
            .map_err(|e| hilum_store::StoreError::Thread(e.to_string()))??;
        Ok(pdf)
    }

    /// Writes a signed document where the person said, whole or not at all.
    ///
    /// # Errors
    /// `export.write_failed` naming the path.
    #[boxed]
    pub async fn save_pdf(&self, version: &VersionId, path: &std::path::Path) -> Result<(), WorkflowError> {
        self.save_export(version, crate::ExportForm::Pdf, path).await
    }
}
