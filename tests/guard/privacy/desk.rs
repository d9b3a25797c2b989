//! A desk without a desktop: folders, the app on them, dialogs that answer with what is set here.

use crate::common::kept;
use async_trait::async_trait;
use hilum_app::dto::AppEvent;
use hilum_app::{App, Host, StartOptions};
use hilum_report::UserId;
use hilum_store::{DataFolder, KdfParams, NewUser, Role};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use time::OffsetDateTime;

pub const NAME: &str = "Dr A. Reader";
pub const PASSPHRASE: &str = "a long passphrase";
/// The cost of a passphrase is tried elsewhere.
pub const CHEAP: KdfParams = KdfParams { memory_kib: 64, passes: 1, lanes: 1 };

#[derive(Default)]
pub struct Desk {
    pub files: Mutex<Vec<PathBuf>>,
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
        Some(self.files.lock().expect("files").clone())
    }

    async fn choose_folder(&self, _title: &str) -> Option<PathBuf> {
        self.folder.lock().expect("a folder").clone()
    }

    async fn choose_save(&self, _proposed: &str) -> Option<PathBuf> {
        self.save.lock().expect("a file").clone()
    }

    async fn allows(&self, _question: &str, _words: &str) -> bool {
        true
    }
}

impl Desk {
    /// Waits for an event that `pick` wants, and takes all that came before it.
    pub async fn wait<T>(&self, what: &str, pick: impl Fn(&AppEvent) -> Option<T>) -> T {
        let until = Instant::now() + Duration::from_secs(300);
        loop {
            {
                let mut events = self.events.lock().expect("events");
                if let Some((at, found)) =
                    events.iter().enumerate().find_map(|(at, e)| pick(e).map(|found| (at, found)))
                {
                    events.drain(..=at);
                    return found;
                }
            }
            assert!(Instant::now() < until, "no {what}: {:?}", self.events.lock().expect("events"));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn give_file(&self, path: &Path) {
        *self.files.lock().expect("files") = vec![path.to_owned()];
    }

    pub fn give_folder(&self, path: &Path) {
        *self.folder.lock().expect("a folder") = Some(path.to_owned());
    }

    pub fn save_as(&self, path: &Path) {
        *self.save.lock().expect("a file") = Some(path.to_owned());
    }
}

/// A data folder with its user; the recovery key.
pub async fn make_user(data: &Path) -> String {
    let folder = DataFolder::open_with(data, CHEAP).expect("a data folder");
    let user = NewUser { id: UserId::new("u-reader"), name: NAME.to_owned(), role: Role::Radiologist };
    let (store, recovery) = folder.create(user, PASSPHRASE, OffsetDateTime::now_utc()).await.expect("a store");
    store.close().await.expect("to close");
    recovery.to_string()
}

/// The app on a data folder.
pub fn app_on(data: &Path) -> (Arc<App>, Arc<Desk>) {
    let desk = Arc::new(Desk::default());
    (Arc::new(App::new(StartOptions { data: data.to_owned(), open: None }, desk.clone())), desk)
}

/// `hilumctl` of this build.
pub fn hilumctl() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_hilum")).with_file_name("hilumctl")
}

/// Runs a program to its end. What it complains of is kept for the search of the whole suite.
pub fn ran(command: &mut Command) -> Output {
    let output = command.output().expect("a program");
    kept::keep("hilumctl", &output.stderr);
    output
}

/// A key and certificate of the person's own in `folder`, made by OpenSSL under the password "geheim".
pub fn own_key(folder: &Path) -> PathBuf {
    let openssl = |arguments: &str| {
        let done = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output();
        assert!(done.expect("openssl; ./dev test installs it").status.success(), "openssl {arguments}");
    };
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 30 -subj /CN=Reader",
    );
    openssl("pkcs12 -export -inkey key.pem -in cert.pem -out own.p12 -passout pass:geheim");
    folder.join("own.p12")
}
