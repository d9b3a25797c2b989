//! The page that is locked is replaced, and one in which somebody is logged in stays.

use async_trait::async_trait;
use hilum_app::commands::session;
use hilum_app::dto::AppEvent;
use hilum_app::{App, Host, StartOptions};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts how often their pages were to be replaced: the first one's and the second one's.
#[derive(Default)]
struct Windows(AtomicUsize, AtomicUsize);

#[async_trait]
impl Host for Windows {
    fn emit(&self, _event: AppEvent) {}

    fn renew_page(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn renew_second(&self) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }

    async fn choose_files(&self) -> Option<Vec<PathBuf>> {
        None
    }

    async fn choose_folder(&self, _title: &str) -> Option<PathBuf> {
        None
    }

    async fn choose_save(&self, _proposed: &str) -> Option<PathBuf> {
        None
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_replaced_while_it_is_locked() {
    let root = tempfile::tempdir().expect("a folder");
    let windows = Arc::new(Windows::default());
    let app = App::new(StartOptions { data: root.path().join("data"), open: None }, windows.clone());
    let check = async |times: usize, when: &str| {
        session::page_renew(&app).await.expect("an answer");
        // Nobody's text waits in the second window, whose page goes with each lock.
        let counted = [&windows.0, &windows.1].map(|times| times.load(Ordering::SeqCst));
        assert_eq!(counted, [times, times], "{when}");
    };
    session::create_first_user(&app, "Dr A. Reader".into(), "long enough".into()).await.expect("a user");
    check(0, "logged in").await;
    session::lock(&app).await.expect("locked");
    check(1, "locked").await;
    session::unlock(&app, "Dr A. Reader".into(), "long enough".into()).await.expect("unlocked");
    check(1, "logged in again").await;
}
