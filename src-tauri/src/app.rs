//! The state of the running application.

use crate::dto::{AppError, AppEvent, Settings};
use crate::engines;
use crate::host::Host;
use crate::letterbox::Letterbox;
use hilum_workflow::children::{PackDrafter, PackScorer};
use hilum_workflow::{Cancel, ModelPack, Workstation};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// How the application was started.
#[derive(Debug, Clone)]
pub struct StartOptions {
    /// The data folder.
    pub data: PathBuf,
    /// A file or folder to import and open after unlocking.
    pub open: Option<PathBuf>,
}

impl StartOptions {
    /// `hilum` under the user's data directory, as the XDG base directory specification
    /// (or Windows' and macOS's own rules) places it; `None` without a home.
    pub fn default_data() -> Option<PathBuf> {
        let variable = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let base = if cfg!(windows) {
            variable("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            variable("HOME").map(|home| home.join("Library/Application Support"))
        } else {
            variable("XDG_DATA_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/share")))
        };
        base.map(|base| base.join("hilum"))
    }
}

/// The installed packs, and the engines that run two of them.
#[derive(Clone, Default)]
pub(crate) struct Installed {
    pub packs: Vec<ModelPack>,
    pub encode: Option<PackScorer>,
    pub draft: Option<PackDrafter>,
}

/// The workstation with its engines.
pub(crate) struct Open {
    pub workstation: Arc<Workstation>,
    installed: RwLock<Arc<Installed>>,
}

impl Open {
    /// The packs and engines as they are now.
    pub(crate) fn installed(&self) -> Arc<Installed> {
        self.installed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The application: the workstation, its host, and what is under way.
pub struct App {
    options: StartOptions,
    pub(crate) host: Arc<dyn Host>,
    open: OnceCell<Open>,
    /// Imports and drafts under way, by job or report id.
    jobs: Mutex<HashMap<String, Cancel>>,
    /// Folders of models that the person chose, by token.
    chosen: Mutex<HashMap<String, PathBuf>>,
    last_input: Mutex<Instant>,
    closing: Mutex<Closing>,
    answered: tokio::sync::Notify,
    /// The study that the window of images for a second screen shows.
    second: Mutex<Option<String>>,
    pub(crate) queue: crate::queue::Queue,
    /// What was given at start is imported once.
    started: AtomicBool,
    /// The study that was opened last, until the vault is locked.
    reading: Mutex<Option<String>>,
    /// The page's process has ended, and the page that comes after it was not told yet.
    page_ended: AtomicBool,
    /// Keys for what the page seals.
    pub(crate) letterbox: Letterbox,
}

/// How far the closing of the window has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    NotAsked,
    /// The page was told and has not answered.
    Asked,
    Allowed,
}

/// How long the page may take to answer that the window is closing before it counts as dead.
const CLOSING: Duration = Duration::from_secs(4);
/// How long closing waits for the processes of the models; a cancel is heard within two seconds.
const ENDING: Duration = Duration::from_secs(3);

impl App {
    pub fn new(options: StartOptions, host: Arc<dyn Host>) -> App {
        App {
            options,
            host,
            open: OnceCell::new(),
            jobs: Mutex::default(),
            chosen: Mutex::default(),
            last_input: Mutex::new(Instant::now()),
            closing: Mutex::new(Closing::NotAsked),
            answered: tokio::sync::Notify::new(),
            second: Mutex::default(),
            queue: crate::queue::Queue::default(),
            started: AtomicBool::new(false),
            reading: Mutex::default(),
            page_ended: AtomicBool::new(false),
            letterbox: Letterbox::default(),
        }
    }

    /// The workstation; the data folder is taken hold of at the first call.
    ///
    /// # Errors
    /// `data.in_use` while another process holds the folder; asked again at the next call.
    pub async fn workstation(&self) -> Result<&Arc<Workstation>, AppError> {
        Ok(&self.open().await?.workstation)
    }

    pub(crate) fn second(&self) -> Option<String> {
        self.second.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_second(&self, study_uid: Option<String>) {
        *self.second.lock().unwrap_or_else(PoisonError::into_inner) = study_uid;
    }

    /// The workstation where the data folder was taken hold of already.
    pub(crate) fn opened(&self) -> Option<Arc<Workstation>> {
        self.open.get().map(|open| open.workstation.clone())
    }

    /// A model that drafts is installed.
    pub(crate) fn can_draft(&self) -> bool {
        self.open.get().is_some_and(|open| open.installed().draft.is_some())
    }

    /// Work is under way that an engine may be needed for; scoring and embedding go by themselves.
    pub(crate) fn drafting(&self) -> bool {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let needs_none = |job: &str| job.starts_with("score ") || job.starts_with("index") || job == crate::commands::backup::JOB;
        jobs.keys().any(|job| !needs_none(job))
    }

    /// As [`App::workstation`], with the engines.
    pub(crate) async fn open(&self) -> Result<&Open, AppError> {
        self.open
            .get_or_try_init(|| async {
                let installed = engines::installed(&self.options.data, None, self.host.clone()).await;
                let outside = engines::outside(&installed);
                let workstation = Arc::new(Workstation::open(&self.options.data, outside)?);
                Ok(Open { workstation, installed: RwLock::new(Arc::new(installed)) })
            })
            .await
    }

    /// Lists the packs anew and lets the engines run what is there now. An engine whose
    /// pack stayed the same goes on; work under way ends with the model that it began with.
    pub(crate) async fn refresh_packs(&self) -> Result<(), AppError> {
        let open = self.open().await?;
        let installed = engines::installed(&self.options.data, Some(&open.installed()), self.host.clone()).await;
        let outside = engines::models(&installed);
        let installed = Arc::new(installed);
        *open.installed.write().unwrap_or_else(PoisonError::into_inner) = installed.clone();
        open.workstation.use_models(outside);
        for engine in engines::statuses(&installed) {
            self.host.emit(AppEvent::Engine { engine });
        }
        Ok(())
    }

    /// Keeps a folder that the person chose; the window is given a token, never the path.
    pub(crate) fn keep_chosen(&self, token: String, folder: PathBuf) {
        self.chosen.lock().unwrap_or_else(PoisonError::into_inner).insert(token, folder);
    }

    pub(crate) fn chosen(&self, token: &str) -> Option<PathBuf> {
        self.chosen.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    /// What was given at start.
    pub fn opens_at_start(&self) -> Option<&Path> {
        self.options.open.as_deref()
    }

    pub fn data(&self) -> &Path {
        &self.options.data
    }

    /// True once, for the first caller.
    pub(crate) fn starts(&self) -> bool {
        !self.started.swap(true, Ordering::SeqCst)
    }

    /// Notes which study is read, or that none is any more: a page that comes after a lost one goes back to it.
    pub(crate) fn set_reading(&self, study_uid: Option<String>) {
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner) = study_uid;
    }

    /// The process that draws the page has ended by itself.
    pub fn page_ended(&self) {
        self.page_ended.store(true, Ordering::SeqCst);
    }

    /// Tells a page that comes after a lost one so, once, and which study was read.
    pub(crate) fn tell_of_a_lost_page(&self) {
        if self.page_ended.swap(false, Ordering::SeqCst) {
            let study_uid = self.reading.lock().unwrap_or_else(PoisonError::into_inner).clone();
            self.host.emit(AppEvent::PageReloaded { study_uid });
        }
    }

    /// True when the page has said that nothing is unsaved.
    pub(crate) fn may_close(&self) -> bool {
        *self.closing.lock().unwrap_or_else(PoisonError::into_inner) == Closing::Allowed
    }

    /// The page has said that the window may close.
    pub(crate) fn allow_close(&self) {
        *self.closing.lock().unwrap_or_else(PoisonError::into_inner) = Closing::Allowed;
        self.answered.notify_waiters();
    }

    /// Asks the page to close and waits for its answer; true when none came, so that a page
    /// that hangs does not keep the window open.
    pub(crate) async fn closing_is_silent(&self) -> bool {
        // Listening begins before the page is asked: an answer that comes at once is heard too.
        let mut answer = std::pin::pin!(self.answered.notified());
        answer.as_mut().enable();
        self.host.emit(AppEvent::Closing);
        {
            let mut closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
            if *closing == Closing::Asked {
                return false;
            }
            *closing = Closing::Asked;
        }
        let silent = tokio::time::timeout(CLOSING, answer).await.is_err();
        let mut closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        if *closing == Closing::Asked {
            *closing = Closing::NotAsked;
        }
        silent
    }

    /// Notes that a person is there.
    pub fn touch(&self) {
        // Input while the closing is asked about means that the page lives and asks the person.
        self.answered.notify_waiters();
        *self.last_input.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Locks when nobody was there for as long as the settings say; runs for ever.
    pub async fn watch_idle(&self) {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            let Some(Open { workstation, .. }) = self.open.get() else { continue };
            let Ok(settings) = self.settings(workstation).await else { continue };
            let idle = self.last_input.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
            let limit = Duration::from_secs(u64::from(settings.idle_lock_minutes) * 60);
            if !limit.is_zero() && idle >= limit && !workstation.is_locked() {
                // The window sends what was typed within 1.5 s of the last key, so nothing
                // is on its way after minutes without one.
                self.nobody_is_there();
                // Whatever the closing says, the keys are gone and the screen must not show patient data.
                if let Err(e) = workstation.lock().await {
                    tracing::warn!("the store did not close in good order: {}", e.code());
                }
                self.host.emit(AppEvent::Locked);
            }
        }
    }

    /// Ends what is under way for whoever was logged in, and forgets what was open.
    pub(crate) fn nobody_is_there(&self) {
        self.cancel_all();
        self.letterbox.empty();
        self.set_second(None);
        self.set_reading(None);
    }

    /// The settings as kept, or those that Hilum comes with.
    pub(crate) async fn settings(&self, workstation: &Workstation) -> Result<Settings, AppError> {
        let kept = workstation.setting("window").await?;
        Ok(kept.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_else(Settings::standard))
    }

    /// Begins a job; `None` when one with that name is under way.
    pub(crate) fn begin(&self, job: &str) -> Option<Cancel> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if jobs.contains_key(job) {
            return None;
        }
        let cancel = Cancel::new();
        jobs.insert(job.to_owned(), cancel.clone());
        Some(cancel)
    }

    pub(crate) fn end(&self, job: &str) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).remove(job);
    }

    pub(crate) fn under_way(&self, job: &str) -> bool {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).contains_key(job)
    }

    pub(crate) fn cancel(&self, job: &str) {
        if let Some(cancel) = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).get(job) {
            cancel.cancel();
        }
    }

    pub(crate) fn cancel_all(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).values().for_each(Cancel::cancel);
    }

    /// Ends what is under way, closes the store and ends the models' processes.
    pub async fn close(&self) {
        self.cancel_all();
        let Some(open) = self.open.get() else { return };
        let _ = open.workstation.lock().await;
        let installed = open.installed();
        let encode = async {
            if let Some(engine) = &installed.encode {
                engine.worker.unload().await;
            }
        };
        let draft = async {
            if let Some(engine) = &installed.draft {
                engine.worker.unload().await;
            }
        };
        // One that does not listen ends with this process, whose end of its pipe is closed then.
        let _ = tokio::time::timeout(ENDING, async { tokio::join!(encode, draft) }).await;
    }
}

impl Settings {
    /// What Hilum comes with.
    pub fn standard() -> Settings {
        Settings {
            theme: "dark".into(),
            idle_lock_minutes: 15,
            institution: String::new(),
            department: String::new(),
            address: String::new(),
            report_width: 600,
            default_template: "cxr-frontal".into(),
            draft_on_open: false,
            read_first: false,
            draft_on_import: false,
            watched_folder: String::new(),
            backup_folder: String::new(),
            backup_every_hours: 24,
            backup_keep: 14,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{OnceLock, Weak};

    /// A page that answers before whoever asked it has gone on.
    #[derive(Default)]
    struct Prompt(OnceLock<Weak<App>>);

    #[async_trait::async_trait]
    impl Host for Prompt {
        fn emit(&self, event: AppEvent) {
            if matches!(event, AppEvent::Closing)
                && let Some(app) = self.0.get().and_then(Weak::upgrade)
            {
                app.touch();
            }
        }
    }

    #[tokio::test]
    async fn an_answer_to_the_closing_that_comes_at_once_is_heard() {
        let check = async |answers: bool, silent: bool| {
            let host = Arc::new(Prompt::default());
            let app = Arc::new(App::new(StartOptions { data: PathBuf::new(), open: None }, host.clone()));
            if answers {
                host.0.set(Arc::downgrade(&app)).expect("set once");
            }
            assert_eq!(app.closing_is_silent().await, silent, "answers: {answers}");
        };
        check(true, false).await;
        check(false, true).await;
    }
}
