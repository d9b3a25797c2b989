//! A person at the app without a window: a host whose dialogs answer with what is set, and the folders
//! in which all of it happens.

#![allow(dead_code, reason = "each guard uses a part of this")]

use async_trait::async_trait;
use hilum_app::commands::{session, studies};
use hilum_app::dto::AppEvent;
use hilum_app::{App, Host, StartOptions};
use hilum_report::UserId;
use hilum_store::{DataFolder, KdfParams, NewUser, Role};
use hilum_testkit::dicom::{self, DicomFile};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub const NAME: &str = "Dr A. Reader";
pub const PASSPHRASE: &str = "a long passphrase";

/// What stands for the desktop: dialogs answer with what is set here, events are kept.
#[derive(Default)]
pub struct Desk {
    pub files: Mutex<Option<Vec<PathBuf>>>,
    pub folder: Mutex<Option<PathBuf>>,
    pub save: Mutex<Option<PathBuf>>,
    pub events: Mutex<Vec<AppEvent>>,
}

#[async_trait]
impl Host for Desk {
    fn emit(&self, event: AppEvent) {
        self.events.lock().expect("events").push(event);
    }

    async fn choose_files(&self) -> Option<Vec<PathBuf>> {
        self.files.lock().expect("files").clone()
    }

    async fn choose_folder(&self, _title: &str) -> Option<PathBuf> {
        self.folder.lock().expect("a folder").clone()
    }

    async fn choose_save(&self, _proposed: &str) -> Option<PathBuf> {
        self.save.lock().expect("a file").clone()
    }
}

impl Desk {
    /// Waits for an event that `pick` wants, and takes all that came before it.
    pub async fn wait<T>(&self, what: &str, seconds: u64, pick: impl Fn(&AppEvent) -> Option<T>) -> T {
        let until = Instant::now() + Duration::from_secs(seconds);
        loop {
            {
                let mut events = self.events.lock().expect("events");
                let found = events.iter().enumerate().find_map(|(at, e)| pick(e).map(|found| (at, found)));
                if let Some((at, found)) = found {
                    events.drain(..=at);
                    return found;
                }
            }
            assert!(Instant::now() < until, "no {what} within {seconds} s: {:?}", self.events.lock().expect("events"));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub fn forget_events(&self) {
        self.events.lock().expect("events").clear();
    }
}

/// A data folder with its user. The cost of a passphrase is not what is tried here.
pub async fn make_user(data: &Path) {
    let cheap = KdfParams { memory_kib: 64, passes: 1, lanes: 1 };
    let folder = DataFolder::open_with(data, cheap).expect("a data folder");
    let user = NewUser { id: UserId::new("u-reader"), name: NAME.to_owned(), role: Role::Radiologist };
    let now = time::OffsetDateTime::now_utc();
    let (store, _) = folder.create(user, PASSPHRASE, now).await.expect("a store");
    store.close().await.expect("to close");
}

/// The app on a new data folder of `root`, unlocked.
pub async fn unlocked(root: &Path) -> (Arc<App>, Arc<Desk>) {
    make_user(&root.join("data")).await;
    again(root).await
}

/// The app on the data folder of `root`, unlocked as soon as the one before has let go of it.
pub async fn again(root: &Path) -> (Arc<App>, Arc<Desk>) {
    let desk = Arc::new(Desk::default());
    let app = Arc::new(App::new(StartOptions { data: root.join("data"), open: None }, desk.clone()));
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        match session::unlock(&app, NAME.into(), PASSPHRASE.into()).await {
            Ok(_) => return (app, desk),
            Err(e) if e.code == "data.in_use" && Instant::now() < until => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(e) => panic!("{}: {}", e.code, e.detail),
        }
    }
}

/// What became of one file of an import: its name, its verdict, and the code of a refusal.
pub type Came = (String, String, String);

/// Imports, and gives every file's verdict with the studies that got something.
pub async fn import(app: &Arc<App>, desk: &Desk, paths: Vec<PathBuf>, seconds: u64) -> (Vec<Came>, Vec<String>) {
    desk.forget_events();
    let wanted = studies::import_dropped(app, paths).await.expect("an import begins");
    let until = Instant::now() + Duration::from_secs(seconds);
    loop {
        let events = desk.events.lock().expect("events").clone();
        let done = events.iter().find_map(|e| match e {
            AppEvent::ImportDone { job, study_uids, .. } if *job == wanted => Some(study_uids.clone()),
            _ => None,
        });
        if let Some(studies) = done {
            let came = events.into_iter().filter_map(|e| match e {
                AppEvent::ImportProgress { job, file, .. } if job == wanted => {
                    Some((file.name, file.verdict, file.code.unwrap_or_default()))
                }
                _ => None,
            });
            return (came.collect(), studies);
        }
        assert!(Instant::now() < until, "the import does not end within {seconds} s");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A small radiograph with identifiers and a patient of its own.
pub fn radiograph(number: &str) -> DicomFile {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let shade = MADE.fetch_add(1, Ordering::Relaxed) as u32 % 97;
    DicomFile::radiograph(128, 128, 12, move |row, column| ((row * column + shade * 31) % 4096) as u16)
        .text(dicom::STUDY_UID, b"UI", &format!("2.25.71.{number}"))
        .text(dicom::SERIES_UID, b"UI", &format!("2.25.72.{number}"))
        .text(dicom::INSTANCE_UID, b"UI", &format!("2.25.73.{number}"))
        .text(dicom::PATIENT_ID, b"LO", &format!("GUARD{number}"))
}

/// The study of [`radiograph`].
pub fn study_of(number: &str) -> String {
    format!("2.25.71.{number}")
}
