//! The audit chain.

use crate::app::App;
use crate::dto::{AppError, AuditLine, AuditVerdict};
use hilum_store::{AuditBreak, AuditVerdict as Verdict};

/// The newest lines first; `before` leaves out the line with that number and those after it.
pub async fn audit(app: &App, limit: u32, before: Option<f64>) -> Result<Vec<AuditLine>, AppError> {
    let workstation = app.workstation().await?;
    let users = workstation.users();
    let lines = workstation.audit(limit, before.map(|b| b as u64)).await?;
    Ok(lines
        .into_iter()
        .map(|line| AuditLine {
            seq: line.seq as f64,
            at: crate::convert::moment(line.event.at),
            who: users
                .iter()
                .find(|u| u.id == line.event.who)
                .map_or_else(|| line.event.who.to_string(), |u| u.name.clone()),
            action: line.event.action,
            object: line.event.object,
            hash: line.hash,
        })
        .collect())
}

pub async fn audit_verify(app: &App) -> Result<AuditVerdict, AppError> {
    let workstation = app.workstation().await?;
    let verdict = workstation.verify_audit().await?;
    let last = workstation.audit(1, None).await?.into_iter().next();
    let head = last.as_ref().map(|l| l.hash.clone()).unwrap_or_default();
    Ok(match verdict {
        Verdict::Intact(at) => AuditVerdict { ok: true, checked: at.seq as f64, head: at.hash, problem: None },
        Verdict::Broken(broken) => AuditVerdict {
            ok: false,
            checked: last.map_or(0.0, |l| l.seq as f64),
            head,
            problem: Some(match broken {
                AuditBreak::Missing { seq } => format!("A line before number {seq} is missing."),
                AuditBreak::Changed { seq } => format!("Line {seq} was changed, or does not follow from the one before it."),
                AuditBreak::HeadNotFound(_) => "The chain does not hold a head that a signed report names.".into(),
            }),
        },
    })
}
