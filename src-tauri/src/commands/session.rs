//! Who is there: first run, unlocking, locking, users.

use crate::app::App;
use crate::dto::{AppError, AppEvent, AppStatus, FirstUser, SealingKey, UserSummary};
use hilum_store::Role;
use hilum_workflow::SessionUser;
use std::sync::Arc;
use std::time::Duration;

/// Not while the worklist and the first image are waited for.
const SWEEP_AFTER: Duration = Duration::from_secs(60);

pub async fn app_status(app: &App) -> Result<AppStatus, AppError> {
    let workstation = app.workstation().await?;
    let open = workstation.first_run_open().await;
    // Read last and once: a lock may have come while the rest was asked for.
    let user = workstation.user();
    Ok(AppStatus {
        version: env!("CARGO_PKG_VERSION").into(),
        first_run: !workstation.has_users(),
        first_run_open: open && user.is_some(),
        locked: user.is_none(),
        user: user.map(summary),
        users: workstation.users().into_iter().map(summary).collect(),
        decoder_protected: cfg!(target_os = "linux"),
        opens_at_start: app.opens_at_start().is_some(),
    })
}

/// A key for one secret that the page is about to send.
pub async fn sealing_key(app: &App) -> Result<SealingKey, AppError> {
    Ok(app.letterbox.key(app.workstation().await?.fresh_id(), &mut rand_core::OsRng))
}

pub async fn create_first_user(app: &App, name: String, passphrase: String) -> Result<FirstUser, AppError> {
    let made = app.workstation().await?.begin_first_run(&name, &passphrase).await?;
    app.touch();
    Ok(FirstUser { user: summary(made.user), recovery_key: made.recovery_key })
}

pub async fn unlock(app: &App, user: String, passphrase: String) -> Result<AppStatus, AppError> {
    app.workstation().await?.unlock(&user, &passphrase).await?;
    app.touch();
    sweep_in_background(app).await?;
    app_status(app).await
}

pub async fn unlock_with_recovery(
    app: &App,
    recovery_key: String,
    user: String,
    new_passphrase: String,
) -> Result<AppStatus, AppError> {
    app.workstation().await?.unlock_with_recovery(&recovery_key, &user, &new_passphrase).await?;
    app.touch();
    app_status(app).await
}

pub async fn add_user(app: &App, name: String, passphrase: String, trainee: bool) -> Result<UserSummary, AppError> {
    let role = if trainee { Role::Trainee } else { Role::Radiologist };
    Ok(summary(app.workstation().await?.add_user_as(&name, &passphrase, role).await?))
}

pub async fn change_passphrase(app: &App, old: String, new: String) -> Result<(), AppError> {
    Ok(app.workstation().await?.change_passphrase(&old, &new).await?)
}

/// A new recovery key, shown once; the one before opens nothing any more.
pub async fn recovery_renew(app: &App, passphrase: String) -> Result<String, AppError> {
    Ok(app.workstation().await?.renew_recovery_key(&passphrase).await?)
}

pub async fn lock(app: &App) -> Result<(), AppError> {
    app.nobody_is_there();
    let closed = app.workstation().await?.lock().await;
    // Whatever the closing says, the keys are gone, and no window may go on showing a patient.
    app.host.emit(AppEvent::Locked);
    Ok(closed?)
}

/// Has the page that is locked, of the second window or of the first, replaced by a new one in a process of its own: what was
/// shown of patients, and typed, lies in the memory of the one before. One in which somebody has logged in meanwhile stays;
/// that nobody is about to is the page's to know.
pub async fn page_renew(app: &App, second: bool) -> Result<(), AppError> {
    if app.workstation().await?.is_locked() {
        app.host.renew_page(second);
    }
    Ok(())
}

/// Tidies up after earlier crashes while nobody waits for it.
async fn sweep_in_background(app: &App) -> Result<(), AppError> {
    // Waiting does not hold the data folder, which another may want once this app is closed.
    let workstation = Arc::downgrade(app.workstation().await?);
    tokio::spawn(async move {
        tokio::time::sleep(SWEEP_AFTER).await;
        let Some(workstation) = workstation.upgrade() else { return };
        match workstation.sweep().await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!("{deleted} sealed files of interrupted work were deleted"),
            // Locked again meanwhile, for example; the next unlocking tries once more.
            Err(e) => tracing::warn!("the sealed files were not swept: {}", e.code()),
        }
    });
    Ok(())
}

fn summary(user: SessionUser) -> UserSummary {
    UserSummary { id: user.id.to_string(), name: user.name, trainee: user.trainee }
}
