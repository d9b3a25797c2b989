//! Nobody is there: a backup that is due is made by itself, and the window locks after the minute that was set, with what was
//! typed kept.

use crate::lateness::Lateness;
use crate::scene::*;
use crate::settings;
use hilum_app::dto::Settings;
use hilum_testkit::dicom::EXPLICIT_LE;
use std::time::{Duration, Instant};
use time::OffsetDateTime;

/// The shortest time after which the window can be set to lock, and how often it asks whether a backup is due.
const MINUTE: Duration = Duration::from_secs(60);
/// How often it looks whether somebody is there.
const LOOKS: Duration = Duration::from_secs(5);
/// What making the backup, or closing the data folder and showing that, may take.
const AT_WORK: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn backed_up_and_locked_by_itself() {
    let Some(scene) = Scene::with_user().await else { return };
    let backups = scene.folder("backups", &[]);
    let set = Settings {
        idle_lock_minutes: 1,
        backup_folder: backups.display().to_string(),
        backup_every_hours: 24,
        ..Settings::standard()
    };
    let overdue = OffsetDateTime::now_utc() - time::Duration::hours(25);
    settings::keep(&scene.data, &set, Some(overdue)).await;
    let folder = scene.folder("studies", &[("image.dcm", radiograph("UNATTENDED", "20240105").write_as(EXPLICIT_LE))]);
    let window = scene.locked(Some(&folder)).await;
    let (opened, machine) = (Instant::now(), Lateness::begin());
    // Backups are asked for a minute after the start, and the lock comes a minute after the last input: unlocked some time
    // after the start, the backup comes first.
    pause(10_000).await;
    let there = Instant::now();
    unlock(&window, NAME).await;
    image_shown(&window).await;
    window.begin_sentence("findings").await;
    window.keys("Typed before leaving").await;
    saved(&window).await;
    let left = Instant::now();

    // A folder in which there is no whole backup is refused.
    while hilum_store::backups(&backups).is_err() {
        assert!(opened.elapsed() < MINUTE * 2, "no backup was made by itself");
        pause(200).await;
    }
    let (backed_up, late) = (opened.elapsed(), machine.so_far());
    assert!(
        backed_up <= MINUTE + AT_WORK + late,
        "the backup was made after {backed_up:?}; this machine was late by {late:?}"
    );
    let kept = hilum_store::backups(&backups).expect("a backup");
    assert_eq!((kept.len(), kept[0].users.as_slice()), (1, [NAME.to_owned()].as_slice()));
    assert!(kept[0].made_at > overdue, "{:?}", kept[0]);
    remember(&window).await;
    let unlocked = "return String(!!document.querySelector('[data-testid=\"lock\"]'))";
    assert_eq!(window.text(unlocked).await, "true", "it was made while somebody was logged in");

    replaced_within(&window, 180).await;
    window.see("unlock-passphrase", 20).await;
    let (since_unlocking, since_input, late) = (there.elapsed(), left.elapsed(), machine.so_far());
    assert!(since_unlocking >= MINUTE, "locked before its time, after {since_unlocking:?}");
    assert!(
        since_input <= MINUTE + LOOKS + AT_WORK + late,
        "locked {since_input:?} after the last input; this machine was late by {late:?}"
    );
    let page = window.text("return document.documentElement.outerHTML").await;
    for secret in ["UNATTENDED", "before leaving", "worklist-row"] {
        assert!(!page.contains(secret), "the locked window holds {secret:?}");
    }
    window.fill("unlock-passphrase", PASSPHRASE).await;
    window.click("unlock-submit").await;
    window.see("lock", 30).await;
    window.click("go-worklist").await;
    open_study(&window, "UNATTENDED").await;
    window.says("section-findings", "Typed before leaving", 20).await;
    window.close().await;
    println!(
        "an overdue backup was made {:.0} s after the start, and the window locked {:.0} s after the last input; the draft is kept",
        backed_up.as_secs_f64(),
        since_input.as_secs_f64()
    );
}
