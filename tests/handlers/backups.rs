//! Backups and restoring through the handlers: chosen, made, made by themselves, given up, refused, put back.

use super::Fake;
use hilum_app::commands::{audit, backup, session, settings};
use hilum_app::dto::AppEvent;
use hilum_app::{App, StartOptions};
use std::path::Path;
use std::sync::{Arc, Mutex};

const NAME: &str = "Dr A. Reader";
const PASSPHRASE: &str = "long enough";

fn app_on(data: &Path, folder: &Path) -> (Arc<App>, Arc<Fake>) {
    let fake = Fake { files: vec![], folder: Some(folder.to_owned()), save: folder.into(), events: Mutex::default() };
    let host = Arc::new(fake);
    (Arc::new(App::new(StartOptions { data: data.to_owned(), open: None }, host.clone())), host)
}

/// How the backup or restoring under way ended: "made", "restored" or a code; where lies what was replaced.
async fn ended(host: &Fake) -> (String, Option<String>) {
    let found = host
        .wait("end of the backup or restoring", 60, |e| match e {
            AppEvent::BackupDone { .. } => Some(("made".to_owned(), None)),
            AppEvent::RestoreDone { replaced, .. } => Some(("restored".to_owned(), replaced.clone())),
            AppEvent::BackupFailed { code, .. } => Some((code.clone(), None)),
            _ => None,
        })
        .await;
    host.events.lock().expect("events").clear();
    found
}

async fn made(app: &Arc<App>, host: &Fake) -> String {
    backup::backup_start(app).await.expect("a backup begins");
    ended(host).await.0
}

async fn restored(app: &Arc<App>, host: &Fake, secret: &str, by_key: bool) -> (String, Option<String>) {
    let choice = backup::restore_choose(app).await.expect("a choice").expect("not closed");
    assert_eq!(choice.users, [NAME]);
    backup::restore_start(app, choice.token, NAME.into(), secret.into(), by_key).await.expect("a restoring begins");
    ended(host).await
}

/// What a person would see again: the institution in the letterhead.
async fn institution(app: &App) -> String {
    settings::settings(app).await.expect("settings").institution
}

async fn set_institution(app: &App, name: &str) {
    let mut now = settings::settings(app).await.expect("settings");
    now.institution = name.into();
    settings::set_settings(app, now).await.expect("kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_made_from_the_window_and_put_back() {
    let root = tempfile::tempdir().expect("a folder");
    let (data, kept) = (root.path().join("data"), root.path().join("kept"));
    std::fs::create_dir(&kept).expect("a folder");
    let (app, host) = app_on(&data, &kept);
    let first = session::create_first_user(&app, NAME.into(), PASSPHRASE.into()).await.expect("a user");
    let none = backup::backup_start(&app).await;
    assert_eq!(none.expect_err("nowhere").code, "backup.no_folder");
    assert!(backup::backups(&app).await.expect("a list").is_empty());
    assert_eq!(backup::restore_choose(&app).await.expect_err("nothing there").code, "backup.not_found");
    let chosen = backup::backup_choose(&app).await.expect("settings").expect("not closed");
    assert_eq!(Path::new(&chosen.backup_folder), kept);

    set_institution(&app, "Before").await;
    let (one, other) = tokio::join!(backup::backup_start(&app), backup::backup_start(&app));
    let refused = one.and(other).expect_err("one at a time");
    assert_eq!(refused.code, "backup.running");
    assert_eq!(ended(&host).await.0, "made");
    assert_eq!(backup::backups(&app).await.expect("a list").len(), 1);
    set_institution(&app, "After").await;

    // What was typed is not to be lost to a restoring, so that it waits until nobody is logged in.
    let choice = backup::restore_choose(&app).await.expect("a choice").expect("not closed");
    assert!(choice.replaces);
    let open = backup::restore_start(&app, choice.token, NAME.into(), PASSPHRASE.into(), false).await;
    assert_eq!(open.expect_err("unlocked").code, "backup.unlocked");
    session::lock(&app).await.expect("locked");
    assert_eq!(backup::backup_start(&app).await.expect_err("locked").code, "vault.locked");
    let unknown = backup::restore_start(&app, "no-such".into(), NAME.into(), PASSPHRASE.into(), false).await;
    assert_eq!(unknown.expect_err("unknown").code, "backup.not_chosen");
    host.events.lock().expect("events").clear();
    assert_eq!(restored(&app, &host, "wrong passphrase", false).await.0, "vault.locked");
    session::unlock(&app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked");
    assert_eq!(institution(&app).await, "After", "nothing was put anywhere");
    session::lock(&app).await.expect("locked");
    host.events.lock().expect("events").clear();

    let (how, replaced) = restored(&app, &host, PASSPHRASE, false).await;
    assert_eq!(how, "restored");
    session::unlock(&app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked");
    assert_eq!(institution(&app).await, "Before");
    let lines = audit::audit(&app, 20, None, Default::default()).await.expect("lines");
    assert!(lines.iter().any(|l| l.action == "backup.restore"));
    assert!(audit::audit_verify(&app).await.expect("a chain").ok);
    app.close().await;
    let (before, _) = app_on(Path::new(&replaced.expect("something was there")), &kept);
    session::unlock(&before, NAME.into(), PASSPHRASE.into()).await.expect("what was replaced opens");
    assert_eq!(institution(&before).await, "After");
    before.close().await;

    // On a new machine, with the paper alone.
    let (fresh, host) = app_on(&root.path().join("fresh"), &kept);
    assert!(session::app_status(&fresh).await.expect("a status").first_run);
    assert!(!backup::restore_choose(&fresh).await.expect("a choice").expect("not closed").replaces);
    let another = "M2XR-7KQD-HBNW-94TV-8ZYA-PC5E-6GSU-J3LF";
    let choice = backup::restore_choose(&fresh).await.expect("a choice").expect("not closed");
    backup::restore_start(&fresh, choice.token, String::new(), another.into(), true).await.expect("it begins");
    let code = ended(&host).await.0;
    assert!(["vault.wrong_recovery_key", "vault.not_a_recovery_key"].contains(&code.as_str()), "{code}");
    assert_eq!(restored(&fresh, &host, &first.recovery_key, true).await, ("restored".to_owned(), None));
    assert!(!session::app_status(&fresh).await.expect("a status").first_run);
    session::unlock(&fresh, NAME.into(), PASSPHRASE.into()).await.expect("unlocked");
    assert_eq!(institution(&fresh).await, "Before");
    fresh.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_made_by_itself_when_it_is_due() {
    let root = tempfile::tempdir().expect("a folder");
    let (data, kept) = (root.path().join("data"), root.path().join("kept"));
    std::fs::create_dir(&kept).expect("a folder");
    let (app, host) = app_on(&data, &kept);
    session::create_first_user(&app, NAME.into(), PASSPHRASE.into()).await.expect("a user");
    let count = async || backup::backups(&app).await.expect("a list").len();
    let workstation = app.workstation().await.expect("a workstation").clone();
    let last = async |seconds_ago: i64| {
        let at = workstation.now().unix_timestamp() - seconds_ago;
        workstation.set_setting("backup.last", &at.into()).await.expect("kept");
    };
    backup::make_if_due(&app).await.expect("no folder is chosen: nothing to do");
    backup::backup_choose(&app).await.expect("settings").expect("not closed");
    let mut now = settings::settings(&app).await.expect("settings");
    (now.backup_every_hours, now.backup_keep) = (6, 3);
    settings::set_settings(&app, now.clone()).await.expect("kept");

    // Before the first, past six hours, and after the clock was moved back to before the last one.
    for (seconds_ago, expected) in [(None, 1), (Some(6 * 3600 - 60), 1), (Some(6 * 3600 + 1), 2), (Some(-7200), 3)] {
        if let Some(seconds_ago) = seconds_ago {
            last(seconds_ago).await;
        }
        backup::make_if_due(&app).await.expect("well");
        assert_eq!(count().await, expected, "{seconds_ago:?} s ago");
        backup::make_if_due(&app).await.expect("well");
        assert_eq!(count().await, expected, "{seconds_ago:?} s ago, twice");
    }
    host.events.lock().expect("events").clear();
    assert_eq!(made(&app, &host).await, "made");
    assert_eq!(count().await, 3, "the oldest is deleted");

    // Not while locked, not when it was turned off.
    last(10 * 3600).await;
    session::lock(&app).await.expect("locked");
    backup::make_if_due(&app).await.expect("nothing to do");
    session::unlock(&app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked");
    settings::set_settings(&app, hilum_app::dto::Settings { backup_every_hours: 0, ..now.clone() }).await.expect("kept");
    backup::make_if_due(&app).await.expect("nothing to do");
    assert!(host.events.lock().expect("events").iter().all(|e| !matches!(e, AppEvent::BackupDone { .. })));

    // What is wrong with the folder is told, and tried again later; a disk that is away is not taken for an empty folder.
    for (folder, code) in [(data.join("here"), "backup.inside_data"), (kept.join("away"), "backup.folder")] {
        if code == "backup.inside_data" {
            std::fs::create_dir(&folder).expect("a folder");
        }
        let backup_folder = folder.display().to_string();
        // As it was chosen once; the window itself cannot name one.
        let moved = hilum_app::dto::Settings { backup_folder, ..now.clone() };
        assert_eq!(settings::set_settings(&app, moved.clone()).await.expect_err("no dialog").code, "settings.folder");
        workstation.change_setting("window", &moved).await.expect("kept");
        host.events.lock().expect("events").clear();
        assert!(backup::make_if_due(&app).await.is_err(), "{code}");
        assert_eq!(ended(&host).await.0, code);
    }
    assert!(!kept.join("away").exists());
    app.close().await;
}
