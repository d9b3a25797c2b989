//! The page that is locked is replaced, and one in which somebody is logged in stays.

use async_trait::async_trait;
use hilum_app::commands::session;
use hilum_app::dto::AppEvent;
use hilum_app::{App, Host, StartOptions};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts how often their pages were to be replaced: the first one's and the second one's.
#[derive(Default)]
struct Windows([AtomicUsize; 2]);

#[async_trait]
impl Host for Windows {
    fn emit(&self, _event: AppEvent) {}

    fn renew_page(&self, second: bool) {
        self.0[usize::from(second)].fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_replaced_while_it_is_locked() {
    let root = tempfile::tempdir().expect("a folder");
    let windows = Arc::new(Windows::default());
    let app = App::new(StartOptions { data: root.path().join("data"), open: None }, windows.clone());
    let check = async |times: usize, when: &str| {
        for second in [false, true, true] {
            session::page_renew(&app, second).await.expect("an answer");
        }
        let counted = windows.0.each_ref().map(|times| times.load(Ordering::SeqCst));
        assert_eq!(counted, [times, 2 * times], "{when}");
    };
    session::create_first_user(&app, "Dr A. Reader".into(), "long enough".into()).await.expect("a user");
    check(0, "logged in").await;
    session::lock(&app).await.expect("locked");
    check(1, "locked").await;
    session::unlock(&app, "Dr A. Reader".into(), "long enough".into()).await.expect("unlocked");
    check(1, "logged in again").await;
}
