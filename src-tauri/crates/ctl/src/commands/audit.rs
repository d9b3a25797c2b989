//! `hilumctl audit verify`.

use crate::{
    cli::AuditCommand,
    failure::{Failure, Result},
    output,
    session::{self, Models},
    settings::Settings,
};
use hilum_store::{AuditBreak, AuditVerdict};
use serde_json::json;

pub async fn run(command: AuditCommand, settings: &Settings) -> Result<()> {
    let AuditCommand::Verify { user } = command;
    let workstation = session::unlock(settings, user.as_deref(), Models::None).await?;
    let verdict = workstation.verify_audit().await.map_err(Failure::from);
    match session::close(&workstation, verdict).await? {
        AuditVerdict::Intact(head) => {
            if settings.json {
                output::json(&json!({ "ok": true, "checked": head.seq, "head": head.hash }));
            } else {
                output::line(format!("{} lines, intact, head {}", head.seq, head.hash));
            }
            Ok(())
        }
        AuditVerdict::Broken(place) => {
            let (problem, seq) = match &place {
                AuditBreak::Missing { seq } => ("missing", Some(*seq)),
                AuditBreak::Changed { seq } => ("changed", Some(*seq)),
                AuditBreak::HeadNotFound(head) => ("cut", Some(head.seq)),
            };
            if settings.json {
                output::json(&json!({ "ok": false, "problem": problem, "seq": seq }));
            }
            let at = seq.map(|seq| format!(" at line {seq}")).unwrap_or_default();
            Err(Failure::refused("audit.broken", format!("the audit trail is not as it was written: {problem}{at}")))
        }
    }
}
