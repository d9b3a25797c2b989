//! A first run that is left before its end is gone on with.

use super::Fake;
use hilum_app::commands::{session, signing_key};
use hilum_app::{App, StartOptions};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn a_first_run_is_open_until_its_end() {
    const WHO: (&str, &str) = ("Dr A. Reader", "long enough");
    let root = tempfile::tempdir().expect("a folder");
    let started = || App::new(StartOptions { data: root.path().join("data"), open: None }, Arc::new(Fake::default()));
    let check = async |app: &App, open: bool, when: &str| {
        let status = session::app_status(app).await.expect("a status");
        assert_eq!((status.first_run, status.first_run_open), (false, open), "{when}");
    };
    let unlock = async |app: &App| session::unlock(app, WHO.0.into(), WHO.1.into()).await.expect("unlocked");

    let app = started();
    assert!(!session::app_status(&app).await.expect("a status").first_run_open);
    session::create_first_user(&app, WHO.0.into(), WHO.1.into()).await.expect("a user");
    check(&app, true, "the recovery key is shown").await;
    session::lock(&app).await.expect("locked");
    check(&app, false, "locked").await;
    assert!(unlock(&app).await.first_run_open, "whoever comes back is told with the answer");
    session::add_user(&app, "Dr B. Reader".into(), WHO.1.into(), false).await.expect("a second user");
    let other = session::unlock(&app, "Dr B. Reader".into(), WHO.1.into()).await.expect("unlocked");
    assert!(!other.first_run_open, "it is the first user's");
    signing_key::accept_intended_use(&app).await.expect("recorded");
    app.close().await;
    drop(app);

    let app = started();
    assert!(unlock(&app).await.first_run_open, "closed and opened again");
    signing_key::accept_intended_use(&app).await.expect("recorded");
    check(&app, false, "at the end").await;
    session::lock(&app).await.expect("locked");
    assert!(!unlock(&app).await.first_run_open, "and after it");
}
