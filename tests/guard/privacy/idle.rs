//! The window locks when nobody is there; what was typed is kept, and the keys are not.

use crate::desk::{NAME, PASSPHRASE, app_on, make_user};
use crate::scene::radiograph;
use hilum_app::commands::{reports, session, settings, studies};
use hilum_app::dto::{AppEvent, EditCommand, SectionName};
use std::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn locks_and_keeps_what_was_typed() {
    let temp = tempfile::tempdir().expect("a folder");
    let data = temp.path().join("data");
    make_user(&data).await;
    let (app, desk) = app_on(&data);
    session::unlock(&app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked");
    let mut now = settings::settings(&app).await.expect("settings");
    now.idle_lock_minutes = 1;
    settings::set_settings(&app, now).await.expect("kept");
    let file = temp.path().join("a.dcm");
    std::fs::write(&file, radiograph("IDLE", "20240105").write()).expect("a file");
    desk.give_file(&file);
    studies::import_files(&app).await.expect("an import");
    let study = desk.wait("end of the import", |e| match e {
        AppEvent::ImportDone { study_uids, .. } => Some(study_uids[0].clone()),
        _ => None,
    });
    let study = study.await;
    let view = reports::report_view(&app, study.clone()).await.expect("a report");
    let (after, region, from) = (None, None, None);
    let insert = EditCommand::Insert {
        section: SectionName::Findings,
        after,
        id: "s".into(),
        text: "Typed before leaving.".into(),
        region,
        from,
    };
    reports::report_edit(&app, view.id, view.revision, vec![insert]).await.expect("an edit");
    app.touch();
    let begun = Instant::now();
    let watch = tokio::spawn({
        let app = app.clone();
        async move { app.watch_idle().await }
    });
    desk.wait("lock", |e| matches!(e, AppEvent::Locked).then_some(())).await;
    let waited = begun.elapsed().as_secs_f64();
    watch.abort();
    assert!(waited >= 60.0, "not before its time");
    let refused = reports::report_view(&app, study.clone()).await.expect_err("locked");
    assert_eq!(refused.code, "vault.locked");
    session::unlock(&app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked");
    let view = reports::report_view(&app, study).await.expect("a report");
    let kept = view.sections.iter().flat_map(|s| &s.sentences).any(|s| s.text == "Typed before leaving.");
    assert!(kept, "{:?}", view.sections);
    println!("locked {waited:.0} s after the last input (the setting: 60 s, looked at every 5 s); the draft is kept");
    app.close().await;
}
