//! Signed versions: text, document and signature, recorded together and never changed.

use crate::Store;
use crate::blobs::{BlobKind, BlobName};
use crate::error::{Doing, Result, StoreError};
use crate::tables::audit::{self, AuditEvent, AuditHead};
use crate::tables::{from_json, from_word, journal, locks, parse_time, reports, search, time_text, to_json, word};
use hilum_report::{
    Command, Entry, FinalText, Meaning, Report, ReportId, SignedVersion, UserId, VersionId, VersionKind,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use time::OffsetDateTime;

/// One signed version as recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    pub id: VersionId,
    pub report: ReportId,
    /// 1 for the original.
    pub number: u32,
    pub kind: VersionKind,
    pub parent: Option<VersionId>,
    pub text: FinalText,
    pub pdf: BlobName,
    /// SHA-256 of the document, hex.
    pub pdf_sha256: String,
    /// The head that is printed in the document.
    pub audit_head: AuditHead,
    pub signer: UserId,
    pub signed_at: OffsetDateTime,
    pub meaning: Meaning,
}

/// What signing hands over to be recorded.
pub struct SignatureRecord<'a> {
    pub report: &'a ReportId,
    /// The revision whose text is in the document.
    pub base_revision: u64,
    /// Who signs and when; the command must be [`Command::Sign`].
    pub entry: &'a Entry,
    /// The signed document.
    pub pdf: &'a [u8],
    /// The head of the audit trail that is printed in it.
    pub audit_head: &'a AuditHead,
}

impl Store {
    /// Records a signature: the sealed document, the journal line, the version and its
    /// signature, the report's new status and the audit line. After a crash all of it is
    /// there or none (a sealed document that nothing refers to is left to
    /// [`Store::sweep_blobs`]). Returns the report as it is now.
    ///
    /// # Errors
    /// `store.stale_revision` when the report has changed since the document was made; the
    /// domain's refusal by its own code; `store.corrupt` when the printed head is not in
    /// the trail; `store.sign_apart` when the command is another; `data.disk_full`.
    pub async fn record_signature(&self, record: SignatureRecord<'_>) -> Result<Report> {
        let SignatureRecord { report: id, base_revision, entry, pdf, audit_head } = record;
        let Command::Sign { version, .. } = &entry.command else {
            return Err(StoreError::SignApart);
        };
        // Sealed first: a row must never point to a document that is not on disk.
        let pdf_sha256 = hex::encode(Sha256::digest(pdf));
        let blob = self.put_blob(BlobKind::Pdf, pdf.to_vec()).await?;
        let mut access = self.access().await?;
        let known = access.open().reports.get(id).cloned();
        let mut tx = access.begin().await?;
        let mut report = journal::at_revision(&mut tx, known, id, base_revision).await?;
        locks::hold(&mut tx, id, &entry.by, entry.at).await?;
        report.apply(entry, &[])?;
        locks::let_go(&mut tx, id).await?;
        let signed = report.versions().last().filter(|v| v.id == *version).cloned();
        let signed = signed.ok_or_else(|| StoreError::Corrupt(format!("version {version} is not in its report")))?;
        if !audit::contains(&mut tx, audit_head).await? {
            return Err(StoreError::Corrupt("the printed head is not in the audit trail".to_owned()));
        }
        journal::write_line(&mut tx, &report, entry, &[]).await?;
        insert(&mut tx, &report, &signed, &blob, &pdf_sha256, audit_head).await?;
        search::index(&mut tx, &report, &signed).await?;
        journal::move_row(&mut tx, &report, entry).await?;
        let mut detail = json!({
            "version": version.as_str(),
            "kind": word(&signed.kind)?,
            "meaning": word(&signed.meaning)?,
            "pdf_sha256": pdf_sha256,
            "text_sha256": hex::encode(Sha256::digest(to_json(&signed.text)?)),
            "printed_head": audit_head.hash,
        });
        if let (Some(all), serde_json::Value::Object(more)) =
            (detail.as_object_mut(), journal::vouched_for(&mut tx, &report, report.revision()).await?)
        {
            all.extend(more);
        }
        let event = AuditEvent::new(entry.at, &entry.by, "report.sign", id.as_str()).with(detail);
        audit::append(&mut tx, &event).await?;
        tx.commit().await.doing("record a signature")?;
        reports::keep(&mut access.open().reports, &report);
        Ok(report)
    }

    /// The signed versions of a report, the original first.
    ///
    /// # Errors
    /// `store.corrupt`, `store.database`.
    pub async fn versions(&self, report: &ReportId) -> Result<Vec<Version>> {
        sqlx::query(
            "SELECT v.*, s.signer, s.signed_at, s.meaning FROM report_versions v JOIN signatures s ON s.version_id = v.id
             WHERE v.report_id = ? ORDER BY v.number",
        )
        .bind(report.as_str())
        .fetch_all(self.access().await?.connection())
        .await
        .doing("read the signed versions")?
        .iter()
        .map(from_row)
        .collect()
    }

    /// One signed version by its id.
    ///
    /// # Errors
    /// `store.not_found`, `store.corrupt`, `store.database`.
    pub async fn version(&self, id: &VersionId) -> Result<Version> {
        let row = sqlx::query(
            "SELECT v.*, s.signer, s.signed_at, s.meaning FROM report_versions v JOIN signatures s ON s.version_id = v.id
             WHERE v.id = ?",
        )
        .bind(id.as_str())
        .fetch_optional(self.access().await?.connection())
        .await
        .doing("read a signed version")?;
        from_row(&row.ok_or_else(|| StoreError::NotFound { what: "version", id: id.to_string() })?)
    }

    /// The signed document of a version, verified against the hash that was recorded.
    ///
    /// # Errors
    /// `blob.missing`, `blob.corrupt`.
    pub async fn signed_pdf(&self, version: &Version) -> Result<Vec<u8>> {
        let pdf = self.blob(&version.pdf).await?;
        match hex::encode(Sha256::digest(&pdf)) == version.pdf_sha256 {
            true => Ok(pdf),
            false => Err(StoreError::BlobCorrupt(version.pdf.to_string())),
        }
    }
}

async fn insert(
    connection: &mut SqliteConnection,
    report: &Report,
    signed: &SignedVersion,
    blob: &BlobName,
    pdf_sha256: &str,
    head: &AuditHead,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO report_versions
            (id, report_id, number, kind, parent_id, seq, text, pdf_blob, pdf_sha256, audit_seq, audit_hash)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(signed.id.as_str())
    .bind(report.id().as_str())
    .bind(report.versions().len() as i64)
    .bind(word(&signed.kind)?)
    .bind(signed.parent.as_ref().map(VersionId::as_str))
    .bind(report.revision().cast_signed())
    .bind(to_json(&signed.text)?)
    .bind(blob.as_str())
    .bind(pdf_sha256)
    .bind(head.seq.cast_signed())
    .bind(&head.hash)
    .execute(&mut *connection)
    .await
    .doing("record a signed version")?;
    sqlx::query("INSERT INTO signatures (version_id, signer, signed_at, meaning) VALUES (?, ?, ?, ?)")
        .bind(signed.id.as_str())
        .bind(signed.by.as_str())
        .bind(time_text(signed.at)?)
        .bind(word(&signed.meaning)?)
        .execute(connection)
        .await
        .doing("record a signature")?;
    Ok(())
}

fn from_row(row: &SqliteRow) -> Result<Version> {
    let text = |column: &str| row.try_get::<String, _>(column).doing("read a signed version");
    let parent: Option<String> = row.try_get("parent_id").doing("read a signed version")?;
    let audit_seq: i64 = row.try_get("audit_seq").doing("read a signed version")?;
    Ok(Version {
        id: VersionId::new(text("id")?),
        report: ReportId::new(text("report_id")?),
        number: row.try_get("number").doing("read a signed version")?,
        kind: from_word(text("kind")?, "a kind of version")?,
        parent: parent.map(VersionId::new),
        text: from_json(&text("text")?, "a signed text")?,
        pdf: BlobName::parse(&text("pdf_blob")?)
            .ok_or_else(|| StoreError::Corrupt("the name of a sealed file".to_owned()))?,
        pdf_sha256: text("pdf_sha256")?,
        audit_head: AuditHead { seq: audit_seq.cast_unsigned(), hash: text("audit_hash")? },
        signer: UserId::new(text("signer")?),
        signed_at: parse_time(&text("signed_at")?)?,
        meaning: from_word(text("meaning")?, "a meaning")?,
    })
}
