//! Backups: where to, now, by themselves, and putting one back.

use crate::app::App;
use crate::convert::moment;
use crate::dto::{AppError, AppEvent, BackupStage, BackupView, RestoreChoice, Settings};
use hilum_workflow::{BackupPhase, BackupProgress, BackupSecret, Cancel};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The job; there is one at a time.
pub(crate) const JOB: &str = "backup";
/// How often it is asked whether a backup is due.
const EVERY: Duration = Duration::from_secs(60);
/// How long a backup that failed is waited with before the next try.
const AGAIN: Duration = Duration::from_secs(15 * 60);

/// Lets the person choose the folder for backups, and keeps it; `None` when the dialog was closed.
pub async fn backup_choose(app: &App) -> Result<Option<Settings>, AppError> {
    let workstation = app.workstation().await?;
    // Asked first, so that a locked folder is said before a dialog opens.
    app.settings(workstation).await?;
    let Some(folder) = app.host.choose_folder("Choose the folder for backups").await else { return Ok(None) };
    // And again, since other settings may have been changed while it was open.
    let mut settings = app.settings(workstation).await?;
    let standard = Settings::standard();
    if settings.backup_folder.is_empty() && (settings.backup_every_hours, settings.backup_keep) == (0, 0) {
        // Kept by a version that made no backups.
        (settings.backup_every_hours, settings.backup_keep) = (standard.backup_every_hours, standard.backup_keep);
    }
    settings.backup_folder = super::settings::name_of(folder)?;
    super::settings::keep(workstation, settings).await.map(Some)
}

/// The backups in the chosen folder, the newest first; none where there are none yet.
pub async fn backups(app: &App) -> Result<Vec<BackupView>, AppError> {
    let workstation = app.workstation().await?;
    let folder = app.settings(workstation).await?.backup_folder;
    let offset = workstation.now().offset();
    let found = tokio::task::spawn_blocking(move || hilum_workflow::backups(Path::new(&folder))).await;
    match found.unwrap_or_else(|_| Ok(Vec::new())) {
        Ok(found) => Ok(found
            .into_iter()
            .map(|b| BackupView {
                made_at: moment(b.made_at.to_offset(offset)),
                bytes: b.bytes as f64,
                signed_versions: b.signed_versions as f64,
            })
            .collect()),
        // A folder that is not there or is empty holds no backups; what is wrong with it is said when one is made.
        Err(e) if ["backup.not_found", "data.file"].contains(&e.code().as_str()) => Ok(Vec::new()),
        Err(e) => Err(e.into()),
    }
}

/// Begins a backup into the chosen folder; how it goes is told by events.
pub async fn backup_start(app: &Arc<App>) -> Result<(), AppError> {
    let workstation = app.workstation().await?;
    let settings = app.settings(workstation).await?;
    if workstation.is_locked() {
        return Err(AppError { code: "vault.locked".into(), detail: "Log in to make a backup.".into() });
    }
    if settings.backup_folder.is_empty() {
        return Err(AppError { code: "backup.no_folder".into(), detail: "No folder for backups is chosen.".into() });
    }
    let cancel = begin(app)?;
    let app = app.clone();
    tokio::spawn(async move { make(&app, &settings, &cancel).await });
    Ok(())
}

pub async fn backup_cancel(app: &App) -> Result<(), AppError> {
    app.cancel(JOB);
    Ok(())
}

/// Lets the person choose a folder of backups and says what its newest one is; the window is given a
/// token, never the path. `None` when the dialog was closed.
pub async fn restore_choose(app: &App) -> Result<Option<RestoreChoice>, AppError> {
    let workstation = app.workstation().await?;
    let Some(folder) = app.host.choose_folder("Choose a backup, or the folder of backups").await else { return Ok(None) };
    let offset = workstation.now().offset();
    let found = tokio::task::spawn_blocking(move || hilum_workflow::backups(&folder)).await;
    let newest = found.map_err(|e| AppError { code: "store.thread".into(), detail: e.to_string() })??.swap_remove(0);
    let token = workstation.fresh_id();
    app.keep_chosen(token.clone(), newest.folder);
    Ok(Some(RestoreChoice {
        token,
        made_at: moment(newest.made_at.to_offset(offset)),
        bytes: newest.bytes as f64,
        signed_versions: newest.signed_versions as f64,
        users: newest.users,
        replaces: workstation.has_users(),
    }))
}

/// Begins to put the chosen backup in the place of what the data folder holds, which is kept. Only
/// while locked, so that nothing typed is on its way; how it goes is told by events.
pub async fn restore_start(app: &Arc<App>, token: String, user: String, secret: String, by_recovery_key: bool) -> Result<(), AppError> {
    if !app.workstation().await?.is_locked() {
        return Err(AppError { code: "backup.unlocked".into(), detail: "Lock the window first.".into() });
    }
    let folder = app.chosen(&token).ok_or_else(|| AppError {
        code: "backup.not_chosen".into(),
        detail: "The backup was not chosen in this session.".into(),
    })?;
    let secret = match by_recovery_key {
        true => BackupSecret::RecoveryKey(secret),
        false => BackupSecret::Passphrase { user, passphrase: secret },
    };
    let cancel = begin(app)?;
    let app = app.clone();
    tokio::spawn(async move { restore(&app, folder, secret, &cancel).await });
    Ok(())
}

/// Makes backups by themselves as often as the settings say, for ever.
pub async fn run(app: Arc<App>) {
    loop {
        let wait = match make_if_due(&app).await {
            Ok(()) => EVERY,
            Err(()) => AGAIN,
        };
        tokio::time::sleep(wait).await;
    }
}

/// Makes a backup when the last one is as old as the settings say, or from a time that is not yet:
/// then the clock was moved. `Err` when it failed, which was told.
pub async fn make_if_due(app: &Arc<App>) -> Result<(), ()> {
    let Some(workstation) = app.opened().filter(|w| !w.is_locked()) else { return Ok(()) };
    let Ok(settings) = app.settings(&workstation).await else { return Ok(()) };
    if settings.backup_folder.is_empty() || settings.backup_every_hours == 0 {
        return Ok(());
    }
    let Ok(last) = workstation.last_backup().await else { return Ok(()) };
    let now = workstation.now();
    let every = time::Duration::hours(i64::from(settings.backup_every_hours));
    let due = last.is_none_or(|last| now - last >= every || last > now);
    if !due {
        return Ok(());
    }
    let Ok(cancel) = begin(app) else { return Ok(()) };
    if make(app, &settings, &cancel).await { Ok(()) } else { Err(()) }
}

fn begin(app: &App) -> Result<Cancel, AppError> {
    app.begin(JOB).ok_or_else(|| AppError { code: "backup.running".into(), detail: "A backup is under way.".into() })
}

/// True when it was made, or given up by somebody.
async fn make(app: &Arc<App>, settings: &Settings, cancel: &Cancel) -> bool {
    let keep = (settings.backup_keep > 0).then_some(settings.backup_keep);
    let made = match app.workstation().await {
        Ok(workstation) => {
            let say = teller(app);
            let made = workstation.backup(Path::new(&settings.backup_folder), keep, &say, cancel).await;
            made.map_err(AppError::from)
        }
        Err(e) => Err(e),
    };
    app.end(JOB);
    let (event, well) = match made {
        Ok(made) => {
            let (files, signed_versions) = (made.files as f64, made.signed_versions as f64);
            (AppEvent::BackupDone { bytes: made.bytes as f64, files, signed_versions }, true)
        }
        Err(e) if e.code == "backup.cancelled" => (AppEvent::BackupFailed { code: e.code, detail: e.detail }, true),
        Err(e) => (AppEvent::BackupFailed { code: e.code, detail: e.detail }, false),
    };
    app.host.emit(event);
    well
}

async fn restore(app: &Arc<App>, folder: PathBuf, secret: BackupSecret, cancel: &Cancel) {
    let restored = match app.workstation().await {
        Ok(workstation) => {
            app.set_second(None);
            app.set_reading(None);
            let say = teller(app);
            workstation.restore(&folder, secret, &say, cancel).await.map_err(AppError::from)
        }
        Err(e) => Err(e),
    };
    app.end(JOB);
    app.host.emit(match restored {
        Ok(restored) => AppEvent::RestoreDone {
            signed_versions: restored.signed_versions as f64,
            replaced: restored.replaced.map(|path| path.display().to_string()),
        },
        Err(e) => AppEvent::BackupFailed { code: e.code, detail: e.detail },
    });
    // Who may unlock may be somebody else now.
    app.host.emit(AppEvent::Locked);
}

/// Tells the window how far it is, at most once a hundredth of a phase.
fn teller(app: &Arc<App>) -> impl Fn(BackupProgress) + Send + Sync {
    let (app, told) = (app.clone(), AtomicU64::new(u64::MAX));
    move |at| {
        let (stage, number) = match at.phase {
            BackupPhase::Database => (BackupStage::Database, 0),
            BackupPhase::Files => (BackupStage::Files, 1000),
            BackupPhase::Checking => (BackupStage::Checking, 2000),
        };
        let fraction = at.done as f64 / at.total.max(1) as f64;
        let now = number + (fraction * 100.0) as u64;
        if told.swap(now, Ordering::Relaxed) != now {
            app.host.emit(AppEvent::BackupProgress { stage, fraction });
        }
    }
}
