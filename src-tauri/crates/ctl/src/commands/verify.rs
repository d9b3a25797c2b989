//! `hilumctl verify`.

use crate::{
    cli::Verify,
    failure::{Failure, Result},
    output,
    settings::Settings,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use std::{fs, path::Path};
use time::format_description::well_known::Rfc3339;

/// Reports are far smaller; a file beyond this is not one.
const MAX_PDF: u64 = 256 << 20;

pub async fn run(options: Verify, settings: &Settings) -> Result<()> {
    let mut trusted = Vec::new();
    for path in &options.trust {
        trusted.extend(certificates_in(path)?);
    }
    // Users of the data folder are trusted, where there is one; their certificates are not secret.
    if let Ok(folder) = settings.data()
        && let Ok(known) = hilum_store::certificates(&folder)
    {
        trusted.extend(known.into_iter().map(|certificate| certificate.der));
    }
    let pdf = read_pdf(&options.file)?;
    let found = tokio::task::spawn_blocking(move || hilum_export::verify::verify(&pdf, &trusted))
        .await
        .map_err(|_| Failure::refused("pdf.unreadable", "the file is no report of Hilum's").about(&options.file))?;
    let stamped_at = found.stamped_at.and_then(|at| at.format(&Rfc3339).ok());
    let signed_at = found.signed_at.and_then(|at| at.format(&Rfc3339).ok());
    if settings.json {
        output::json(&json!({
            "file": options.file.display().to_string(),
            "ok": found.is_ok(),
            "integrity": found.integrity,
            "coverage": found.coverage,
            "trust": found.trust,
            "signer": found.signer,
            "signed_at": signed_at,
            "stamped_at": stamped_at,
            "reason": found.reason,
            "fingerprint": found.fingerprint,
            "audit_head": found.audit_head,
            "problems": found.problems,
        }));
    } else {
        let yes = |holds: bool| if holds { "yes" } else { "NO" }.to_owned();
        let text = |value: Option<String>| output::plain(&value.unwrap_or_else(|| "unknown".to_owned()));
        output::table(&[
            vec!["integrity".into(), yes(found.integrity)],
            vec!["coverage".into(), yes(found.coverage)],
            vec!["trust".into(), yes(found.trust)],
            vec!["signer".into(), text(found.signer.clone())],
            vec!["signed at".into(), text(signed_at)],
            vec!["time stamp".into(), stamped_at.unwrap_or_else(|| "none".to_owned())],
            vec!["meaning".into(), text(found.reason.clone())],
            vec!["certificate".into(), text(found.fingerprint.clone())],
            vec!["audit head".into(), text(found.audit_head.clone())],
        ]);
    }
    if found.is_ok() {
        return Ok(());
    }
    // What breaks the document counts before who signed it.
    let worst = found.problems.iter().find(|code| !code.starts_with("signer.")).or(found.problems.first());
    let code = worst.copied().unwrap_or("pdf.unreadable");
    let message = match (found.integrity, found.coverage, found.trust) {
        (true, true, false) => "the document is intact, but its signer is not one that you trust",
        (true, _, _) => "the signature does not cover the whole file",
        _ => "the document is not as it was signed",
    };
    Err(Failure::refused(code, message).about(&options.file))
}

/// The bytes of a document that may be a report.
pub fn read_pdf(path: &Path) -> Result<Vec<u8>> {
    read(path, MAX_PDF)
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let about = fs::metadata(path).map_err(|e| Failure::read(path, &e))?;
    if !about.is_file() || about.len() > limit {
        return Err(Failure::refused("pdf.not_pdf", "it is not a file of a report's size").about(path));
    }
    fs::read(path).map_err(|e| Failure::read(path, &e))
}

/// Certificates of a PEM file, or the one of a DER file.
fn certificates_in(path: &Path) -> Result<Vec<Vec<u8>>> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let bytes = read(path, 1 << 20).map_err(|e| Failure { code: "trust.unreadable".into(), ..e })?;
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) if text.contains(BEGIN) => text,
        _ => return Ok(vec![bytes]),
    };
    text.split(BEGIN)
        .skip(1)
        .map(|rest| {
            let body = rest.split(END).next().unwrap_or_default();
            from_base64(body)
                .ok_or_else(|| Failure::refused("trust.unreadable", "it holds no readable certificate").about(path))
        })
        .collect()
}

/// The body of a PEM block; white space may be anywhere in it.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_whitespace().collect();
    STANDARD.decode(text).ok()
}
