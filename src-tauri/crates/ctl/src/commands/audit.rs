//! `hilumctl audit verify` and `hilumctl audit export`.

use crate::{
    cli::AuditCommand,
    failure::{Failure, Result},
    output,
    session::{self, Models},
    settings::Settings,
};
use hilum_store::{AuditBreak, AuditVerdict};
use hilum_workflow::AuditFilter;
use serde_json::json;
use std::path::{Path, PathBuf};

pub async fn run(command: AuditCommand, settings: &Settings) -> Result<()> {
    match command {
        AuditCommand::Verify { against, head, user } => verify(&against, head, user.as_deref(), settings).await,
        AuditCommand::Export { out, words, user } => export(&out, words, user.as_deref(), settings).await,
    }
}

async fn verify(against: &[PathBuf], mut heads: Vec<String>, user: Option<&str>, settings: &Settings) -> Result<()> {
    if let Some(head) = heads.iter().find(|h| h.trim().len() != 64 || !h.trim().bytes().all(|b| b.is_ascii_hexdigit())) {
        return Err(Failure::usage(format!("a head has 64 hexadecimal digits, not {:?}", output::plain(head))));
    }
    for path in against {
        heads.push(head_in(path).await?);
    }
    let workstation = session::unlock(settings, user, Models::None).await?;
    let verdict = workstation.verify_audit(&heads).await.map_err(Failure::from);
    match session::close(&workstation, verdict).await? {
        AuditVerdict::Intact(head) => {
            if settings.json {
                output::json(&json!({ "ok": true, "checked": head.seq, "head": head.hash, "against": heads.len() }));
            } else {
                output::line(format!("{} lines, intact, head {}", head.seq, head.hash));
            }
            Ok(())
        }
        AuditVerdict::Broken(place) => {
            let (problem, seq) = match &place {
                AuditBreak::Missing { seq } => ("missing".to_owned(), Some(*seq)),
                AuditBreak::Changed { seq } => ("changed".to_owned(), Some(*seq)),
                AuditBreak::HeadNotFound(head) => ("cut".to_owned(), Some(head.seq).filter(|seq| *seq > 0)),
                AuditBreak::NotAsRecorded { seq, what } => (format!("{what} not as recorded"), Some(*seq).filter(|seq| *seq > 0)),
            };
            if settings.json {
                output::json(&json!({ "ok": false, "problem": problem, "seq": seq }));
            }
            let at = seq.map(|seq| format!(" at line {seq}")).unwrap_or_default();
            Err(Failure::refused("audit.broken", format!("the audit trail is not as it was written: {problem}{at}")))
        }
    }
}

async fn export(out: &Path, words: String, user: Option<&str>, settings: &Settings) -> Result<()> {
    let workstation = session::unlock(settings, user, Models::None).await?;
    let filter = AuditFilter { words, ..AuditFilter::default() };
    let written = workstation.export_audit(&filter, out).await.map_err(Failure::from);
    let lines = session::close(&workstation, written).await?;
    if settings.json {
        output::json(&json!({ "file": out.display().to_string(), "lines": lines }));
    } else {
        output::line(format!("{lines} lines in {}", out.display()));
    }
    Ok(())
}

/// The head that a signed report prints; the report must be as it was signed, whoever signed it.
async fn head_in(path: &Path) -> Result<String> {
    let pdf = super::verify::read_pdf(path)?;
    let found = tokio::task::spawn_blocking(move || hilum_export::verify::verify(&pdf, &[]))
        .await
        .map_err(|_| Failure::refused("pdf.unreadable", "the file is no report of Hilum's").about(path))?;
    if !(found.integrity && found.coverage) {
        let code = found.problems.iter().find(|code| !code.starts_with("signer.")).copied().unwrap_or("pdf.unreadable");
        return Err(Failure::refused(code, "the document is not as it was signed; its head says nothing").about(path));
    }
    let missing = || Failure::refused("audit.no_head", "the document names no head; give the one that it prints with --head").about(path);
    found.audit_head.ok_or_else(missing)
}
