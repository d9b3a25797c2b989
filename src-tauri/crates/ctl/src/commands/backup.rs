//! `hilumctl backup` and `hilumctl restore`.

use crate::{
    cli::{Backup, Restore},
    failure::{Failure, Result},
    output,
    session::{self, Models},
    settings::Settings,
};
use hilum_store::{BackupInfo, BackupPhase, BackupProgress};
use hilum_workflow::{BackupSecret, backups};
use serde_json::json;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use time::format_description::well_known::Rfc3339;

pub async fn run(options: Backup, settings: &Settings) -> Result<()> {
    if options.list {
        return list(&options.to, settings);
    }
    let workstation = session::unlock(settings, options.user.as_deref(), Models::None).await?;
    let made = workstation.backup(&options.to, options.keep, &teller(), &settings.cancel).await;
    let made = made.map_err(|e| Failure::from(e).about(&options.to));
    let made = session::close(&workstation, made).await?;
    if settings.json {
        output::json(&json!({
            "backup": made.folder, "files": made.files, "bytes": made.bytes, "copied_bytes": made.copied_bytes,
            "signed_versions": made.signed_versions, "deleted": made.deleted,
        }));
    } else {
        let (mb, new) = (made.bytes as f64 / 1e6, made.copied_bytes as f64 / 1e6);
        output::line(format!(
            "{}: {mb:.1} MB ({new:.1} MB of it copied now), {} sealed files, {} signed documents checked",
            made.folder.display(),
            made.files,
            made.signed_versions
        ));
    }
    Ok(())
}

pub async fn restore(options: Restore, settings: &Settings) -> Result<()> {
    let secret = if options.recovery_key {
        BackupSecret::RecoveryKey(settings.recovery_key()?)
    } else {
        let found = backups(&options.from).map_err(|e| Failure::from(e).about(&options.from))?;
        let user = match (&options.user, &found[0].users[..]) {
            (Some(user), _) => user.clone(),
            (None, [only]) => only.clone(),
            _ => return Err(Failure::usage("several people could open this backup: say who with --user NAME")),
        };
        BackupSecret::Passphrase { user, passphrase: settings.passphrase()? }
    };
    let workstation = session::open(settings, Models::None)?;
    let restored = workstation.restore(&options.from, secret, &teller(), &settings.cancel).await;
    let restored = restored.map_err(|e| Failure::from(e).about(&options.from))?;
    let made_at = restored.made_at.format(&Rfc3339).unwrap_or_default();
    if settings.json {
        output::json(&json!({ "made_at": made_at, "files": restored.files, "replaced": restored.replaced,
                              "signed_versions": restored.signed_versions }));
    } else {
        output::line(format!("restored the backup of {made_at}: {} signed documents checked", restored.signed_versions));
        if let Some(kept) = &restored.replaced {
            output::line(format!("what was there before is kept in {}", kept.display()));
        }
    }
    Ok(())
}

fn list(folder: &Path, settings: &Settings) -> Result<()> {
    let found = backups(folder).map_err(|e| Failure::from(e).about(folder))?;
    let at = |b: &BackupInfo| b.made_at.format(&Rfc3339).unwrap_or_default();
    if settings.json {
        let found: Vec<_> = found
            .iter()
            .map(|b| json!({ "backup": b.folder, "made_at": at(b), "bytes": b.bytes, "files": b.files,
                             "signed_versions": b.signed_versions, "users": b.users }))
            .collect();
        output::json(&json!({ "backups": found }));
    } else {
        let mut rows = vec![["MADE", "MB", "SIGNED", "FOLDER"].map(str::to_owned).to_vec()];
        let mb = |b: &BackupInfo| format!("{:.1}", b.bytes as f64 / 1e6);
        rows.extend(found.iter().map(|b| vec![at(b), mb(b), b.signed_versions.to_string(), b.folder.display().to_string()]));
        output::table(&rows);
    }
    Ok(())
}

/// Says each tenth of a phase, to a person only.
fn teller() -> impl Fn(BackupProgress) + Send + Sync {
    let said = AtomicU64::new(u64::MAX);
    move |at| {
        let (phase, what) = match at.phase {
            BackupPhase::Database => (0, "database"),
            BackupPhase::Files => (100, "sealed files"),
            BackupPhase::Checking => (200, "checking"),
        };
        let tenth = at.done * 10 / at.total.max(1);
        if said.swap(phase + tenth, Ordering::Relaxed) != phase + tenth {
            output::progress(&format!("{what}: {} %", tenth * 10));
        }
    }
}
