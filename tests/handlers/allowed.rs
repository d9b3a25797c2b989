//! What a page cannot set alone: the folder that is watched comes from a dialog, and a server for time stamps is asked about.

use async_trait::async_trait;
use hilum_app::commands::{audit, printing, session, settings, studies};
use hilum_app::dto::{AppError, AppEvent, Settings};
use hilum_app::{App, Host, StartOptions, watch};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

const NAME: &str = "Dr A. Reader";
const PASSPHRASE: &str = "long enough";

/// Answers dialogs with what is set here, and keeps what they asked.
#[derive(Default)]
struct Person {
    folder: Mutex<Option<PathBuf>>,
    allows: Mutex<bool>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Host for Person {
    fn emit(&self, _event: AppEvent) {}

    async fn choose_folder(&self, title: &str) -> Option<PathBuf> {
        self.asked.lock().expect("questions").push(title.to_owned());
        self.folder.lock().expect("a folder").clone()
    }

    async fn allows(&self, question: &str, words: &str) -> bool {
        self.asked.lock().expect("questions").push(format!("{question} {words}"));
        *self.allows.lock().expect("an answer")
    }
}

impl Person {
    /// What was asked since the last look.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("questions"))
    }
}

async fn unlocked(root: &Path) -> (Arc<App>, Arc<Person>) {
    let person = Arc::new(Person::default());
    let app = Arc::new(App::new(StartOptions { data: root.join("data"), open: None }, person.clone()));
    session::create_first_user(&app, NAME.into(), PASSPHRASE.into()).await.expect("a user");
    (app, person)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_that_is_watched_comes_from_its_dialog() {
    super::common::use_demo_packs();
    let root = tempfile::tempdir().expect("a folder");
    let (arrivals, other) = (root.path().join("arrivals"), root.path().join("other"));
    for folder in [&arrivals, &other] {
        std::fs::create_dir(folder).expect("a folder");
        std::fs::copy(&super::common::radiographs()[0], folder.join("image.dcm")).expect("a copy");
    }
    let (app, person) = unlocked(root.path()).await;
    let kept = async || settings::settings(&app).await.expect("settings");

    // The page names one, the dialog is closed without a choice, and nothing is watched.
    assert_eq!(named(&app, &other).await.expect_err("no dialog").code, "settings.folder");
    assert!(settings::watch_choose(&app).await.expect("a dialog").is_none());
    assert_eq!(person.asked(), ["Choose the folder to watch"]);
    assert_eq!(kept().await.watched_folder, "");
    assert!(looked(&app).await.is_empty());

    // Chosen, it is kept beside the other settings, and what lies in it is imported; another one is still refused.
    *person.folder.lock().expect("a folder") = Some(arrivals.clone());
    settings::set_settings(&app, Settings { institution: "St. Example".into(), ..kept().await }).await.expect("kept");
    let chosen = settings::watch_choose(&app).await.expect("a dialog").expect("a folder");
    assert_eq!((Path::new(&chosen.watched_folder), chosen.institution.as_str()), (arrivals.as_path(), "St. Example"));
    assert_eq!(named(&app, &other).await.expect_err("no dialog").code, "settings.folder");
    assert_eq!(named(&app, &arrivals).await.expect("as it was"), chosen.watched_folder);
    assert_eq!(looked(&app).await, [arrivals.join("image.dcm")]);
    let mut rows = 0;
    for _ in 0..600 {
        rows = studies::worklist(&app, String::new()).await.expect("a worklist").len();
        if rows > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(rows, 1, "what lies in the folder came in");

    // The page may end it, and cannot begin it again.
    assert_eq!(named(&app, Path::new("")).await.expect("stopped"), "");
    assert!(looked(&app).await.is_empty());
    assert_eq!(named(&app, &arrivals).await.expect_err("no dialog").code, "settings.folder");

    // Locked, nothing is asked.
    person.asked();
    session::lock(&app).await.expect("locked");
    assert_eq!(settings::watch_choose(&app).await.expect_err("locked").code, "vault.locked");
    assert_eq!(person.asked(), Vec::<String>::new());
    app.close().await;
}

/// Sets the folder that is watched as a page would; which one is kept then.
async fn named(app: &App, folder: &Path) -> Result<String, AppError> {
    let now = settings::settings(app).await?;
    let watched_folder = folder.display().to_string();
    Ok(settings::set_settings(app, Settings { watched_folder, ..now }).await?.watched_folder)
}

/// What two looks find in the folder that is watched.
async fn looked(app: &Arc<App>) -> Vec<PathBuf> {
    let first = watch::look(app, BTreeMap::new()).await;
    watch::look(app, first).await.into_keys().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_for_time_stamps_is_asked_about() {
    const FIRST: &str = "http://tsa.example.org/tsr";
    let root = tempfile::tempdir().expect("a folder");
    let (app, person) = unlocked(root.path()).await;
    let set = async |url: &str| printing::set_time_stamp_url(&app, url.into()).await.map(|now| now.url);
    let kept = async || printing::time_stamp(&app).await.expect("a server or none").url;
    let answer = |allows: bool| *person.allows.lock().expect("an answer") = allows;

    // What is no address is said before anything is asked, and none asks nothing.
    for url in ["https://tsa.example.org/tsr", "tsa.example.org", "http://"] {
        assert_eq!(set(url).await.expect_err(url).code, "timestamp.address");
    }
    assert_eq!(set("").await.expect("none"), "");
    assert_eq!(person.asked(), Vec::<String>::new());

    assert_eq!(set(FIRST).await.expect_err("declined").code, "timestamp.declined");
    assert_eq!(kept().await, "");
    let asked = person.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    for words in [
        "Allow time stamps from tsa.example.org?",
        "will be asked of tsa.example.org.",
        "connects to it at each signature",
        FIRST,
    ] {
        assert!(asked[0].contains(words), "{words:?} in {asked:?}");
    }

    answer(true);
    assert_eq!(set(format!(" {FIRST} ").as_str()).await.expect("allowed"), FIRST);
    assert_eq!(person.asked().len(), 1);
    assert_eq!(set(FIRST).await.expect("the same"), FIRST);
    assert_eq!(person.asked(), Vec::<String>::new(), "the same one again asks nothing");

    // Each other address is another question; the old one stays where it is declined.
    answer(false);
    for url in ["http://other.example.org/tsr", "http://tsa.example.org:8080/tsr", "http://tsa.example.org/tsr?more"] {
        assert_eq!(set(url).await.expect_err(url).code, "timestamp.declined");
        assert_eq!((kept().await.as_str(), person.asked().len()), (FIRST, 1), "{url}");
    }
    assert_eq!(set("").await.expect("none"), "");
    assert_eq!((kept().await.as_str(), person.asked().len()), ("", 0), "turning them off asks nothing");
    let lines = audit::audit(&app, 50, None, Default::default()).await.expect("lines");
    let changes = lines.iter().filter(|l| l.action == "setting.change" && l.object == "time_stamp").count();
    assert_eq!(changes, 3, "none, one, none: {lines:?}");

    session::lock(&app).await.expect("locked");
    assert_eq!(set(FIRST).await.expect_err("locked").code, "vault.locked");
    assert_eq!(person.asked(), Vec::<String>::new());
    app.close().await;
}
