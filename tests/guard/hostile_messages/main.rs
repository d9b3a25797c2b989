//! What a hostile page could say: 10,000 messages (full form) over the app's own handlers, as JSON, with every
//! argument missing, of another kind, too long, or aimed at another folder. None brings the app down, none goes
//! without an answer, none shows a passphrase, and none touches a path outside of what dialogs chose.
//!
//! `dispatch.rs` is made of the wrappers that Tauri calls, so that what is tried is what the window can ask.

#![cfg(target_os = "linux")]

#[path = "../../common/mod.rs"]
#[allow(dead_code)]
mod checkout;
#[path = "../common.rs"]
mod common;
mod bytes;
mod dispatch;
mod list;
#[path = "../person.rs"]
mod person;
mod say;

use common::{Listing, Random, amount};
use hilum_app::App;
use hilum_app::commands::{audit, backup, printing, reports, session, settings, signing};
use hilum_app::dto::{AppError, EditCommand, SectionName, Settings, SignRequest};
use person::{Desk, NAME, PASSPHRASE, import, radiograph, study_of, unlocked};
use say::Speaker;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What came back: the answer as the window would read it, a refusal, or nothing, where Tauri refuses the
/// message before any handler sees it.
pub enum Answered {
    Value(Value),
    Refused(AppError),
    Malformed,
}

/// Stands for bytes that cross as they are.
#[derive(Serialize)]
pub struct Response(usize);

impl Response {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes.len())
    }
}

pub fn answered<T: Serialize>(answer: Result<T, AppError>) -> Result<Answered, Malformed> {
    Ok(match answer {
        Ok(value) => Answered::Value(serde_json::to_value(value).expect("an answer can be written")),
        Err(refused) => Answered::Refused(refused),
    })
}

/// An argument was missing or of another kind.
pub struct Malformed;

/// An argument as Tauri reads it: by its name, and one that is not there is `null`.
pub fn argument<T: DeserializeOwned>(arguments: &Value, name: &str) -> Result<T, Malformed> {
    serde_json::from_value(arguments.get(name).cloned().unwrap_or(Value::Null)).map_err(|_| Malformed)
}

/// A message may take a draft's or a signature's time; one that takes longer than this has none.
const MOST: Duration = Duration::from_secs(90);
/// So many messages are under way at once.
const AT_ONCE: usize = 4;
/// Of the messages that there are, and of all that were sent, so many have to get a value, or what is tried stays in front
/// of the handlers: a page that is refused everything shows nothing of them.
const NAMES_ANSWERED: (usize, usize) = (35, 60);
const SHARE_ANSWERED: f64 = 0.1;
/// A message that no handler saw is said again so often at most. Tauri refuses few whose arguments are made for their types.
const SAID_AGAIN: usize = 40;

static PANICS: AtomicUsize = AtomicUsize::new(0);

#[test]
fn the_list_is_that_of_the_wrappers() {
    let read = |path: &str| std::fs::read_to_string(checkout::root().join(path)).expect("a source file");
    let wrappers = list::wrappers(&read("src-tauri/src/desktop/wrappers.rs"));
    assert_eq!(wrappers.len() + 1, hilum_app::COMMANDS.len(), "every command but the one that closes a window");
    let expected = list::dispatch(&wrappers);
    let path = "tests/guard/hostile_messages/dispatch.rs";
    if std::env::var_os("HILUM_WRITE_BINDINGS").is_some() {
        std::fs::write(checkout::root().join(path), &expected).expect("the list is written");
    }
    assert!(read(path) == expected, "{path} is stale: run HILUM_WRITE_BINDINGS=1 ./dev test");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_brings_the_app_down_or_leaves_its_folders() {
    let before_ours = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        before_ours(panic);
    }));
    let root = tempfile::tempdir().expect("a folder");
    prepare(root.path());
    let (app, desk) = unlocked(root.path()).await;
    let dialogs = root.path().join("dialogs");
    let except = [root.path().join("data"), dialogs.clone()];
    let outside = || Listing::of(root.path(), &[&except[0], &except[1]]);
    let before = outside();
    let (_, studies) = import(&app, &desk, vec![dialogs.join("1.dcm"), dialogs.join("2.dcm")], 120).await;
    assert_eq!(studies.len(), 2);

    paths_and_servers_are_not_taken_from_messages(&app, root.path()).await;
    let words = Speaker::new(root.path());
    let mut heard = messages(&app, &desk, &dialogs, words).await;
    bytes::damaged(&app, &desk);
    heard.end(&app).await;
    dialogs_alone_have_chosen(&app, &dialogs).await;

    let touched = before.differs(&outside());
    assert!(touched.is_empty(), "touched outside of the data folder and what dialogs chose: {touched:?}");
    println!("{} paths outside, none touched", before.len());
    assert_eq!(PANICS.load(Ordering::SeqCst), 0, "no thread panicked");
    app_still_works(&app, &desk, &dialogs).await;
    app.close().await;
}

/// The data folder's neighbours: what dialogs give, and what nobody chose, the demonstration packs among it.
fn prepare(root: &Path) {
    for name in ["dialogs/backups", "dialogs/out", "outside/home", "outside/tmp", "outside/backups", "models"] {
        std::fs::create_dir_all(root.join(name)).expect("a folder");
    }
    std::fs::write(root.join("outside/LETTER"), radiograph("666").write()).expect("a file");
    for number in ["1", "2"] {
        std::fs::write(root.join(format!("dialogs/{number}.dcm")), radiograph(number).write()).expect("a file");
    }
    let packs = checkout::root().join("models/demo");
    for file in common::files_below(&packs) {
        let to = root.join("models").join(file.strip_prefix(&packs).expect("below"));
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        std::fs::copy(&file, to).expect("a copy");
    }
    // SAFETY: before the app is made, whose threads read these.
    unsafe {
        std::env::set_var("HOME", root.join("outside/home"));
        std::env::set_var("TMPDIR", root.join("outside/tmp"));
        std::env::set_var("HILUM_MODELS", root.join("models"));
    }
}

/// Backups are written and new files taken where a dialog said, and nowhere else that a message names; what a message
/// names as a server for the time is asked about, and the desk allows none.
async fn paths_and_servers_are_not_taken_from_messages(app: &Arc<App>, root: &Path) {
    let now = settings::settings(app).await.expect("settings");
    let outside = |name: &str| root.join("outside").join(name).display().to_string();
    for wanted in [
        Settings { backup_folder: outside("backups"), ..now.clone() },
        Settings { watched_folder: outside("home"), ..now.clone() },
    ] {
        let refused = settings::set_settings(app, wanted).await.expect_err("no dialog chose it");
        assert_eq!(refused.code, "settings.folder");
    }
    assert_eq!(backup::backup_start(app).await.expect_err("nowhere").code, "backup.no_folder");
    let refused = printing::set_time_stamp_url(app, "http://127.0.0.1:1/".into()).await.expect_err("nobody allows it");
    assert_eq!(refused.code, "timestamp.declined");
}

/// Whatever was said: the folders of the settings are none, or what a dialog gave, and no server is asked for the time.
async fn dialogs_alone_have_chosen(app: &App, dialogs: &Path) {
    let now = settings::settings(app).await.expect("settings");
    for folder in [&now.watched_folder, &now.backup_folder] {
        assert!(folder.is_empty() || Path::new(folder).starts_with(dialogs), "no dialog chose {folder}");
    }
    assert_eq!(printing::time_stamp(app).await.expect("a server or none").url, "");
}

/// What was heard of all messages.
#[derive(Default)]
struct Heard {
    answers: BTreeMap<String, usize>,
    /// Messages that got a value.
    by_name: BTreeMap<String, usize>,
    /// Messages that a handler saw: those that got a value, or a refusal that is not Tauri's.
    handled: BTreeSet<&'static str>,
    slowest: (Duration, String),
    tried: usize,
    /// Where every folder lies that a dialog gives.
    dialogs: PathBuf,
}

async fn messages(app: &Arc<App>, desk: &Arc<Desk>, dialogs: &Path, mut words: Speaker) -> Heard {
    let wanted = amount(700, 10_000);
    let mut random = Random::new(0x19C);
    let mut heard = Heard { dialogs: dialogs.to_owned(), ..Heard::default() };
    let begun = Instant::now();
    while heard.tried < wanted {
        dialogs_answer(&mut random, desk, dialogs);
        let mut under_way = Vec::new();
        for _ in 0..AT_ONCE.min(wanted - heard.tried) {
            let (name, arguments) = words.message(&mut random);
            let app = app.clone();
            let (at, of) = (Instant::now(), (name, arguments.clone()));
            let asked = tokio::spawn(async move { dispatch::message(&app, name, &arguments).await });
            under_way.push((of, at, asked));
        }
        for ((name, arguments), at, asked) in under_way {
            let shown: String = arguments.to_string().chars().take(400).collect();
            let Ok(ended) = tokio::time::timeout(MOST, asked).await else { panic!("{name} has no answer: {shown}") };
            let answer = ended.unwrap_or_else(|e| panic!("{name} panics ({e}): {shown}"));
            heard.take(&mut words, name, at.elapsed(), answer.unwrap_or(Answered::Malformed));
        }
        // A page that locks is unlocked again by its person, or nothing more would be tried.
        if session::app_status(app).await.expect("a status").locked && random.one_in(2) {
            session::unlock(app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked again");
        }
        no_event_shows_the_passphrase(desk);
    }
    // What chance left out or damaged each time is said whole, so that no handler stays unseen behind what Tauri refuses.
    for &(name, of) in dispatch::MESSAGES {
        for _ in 0..SAID_AGAIN {
            if heard.handled.contains(name) {
                break;
            }
            dialogs_answer(&mut random, desk, dialogs);
            let arguments = words.arguments(&mut random, of);
            let at = Instant::now();
            let answer = tokio::time::timeout(MOST, dispatch::message(app, name, &arguments)).await;
            let answer = answer.unwrap_or_else(|_| panic!("{name} has no answer: {arguments}"));
            heard.take(&mut words, name, at.elapsed(), answer.unwrap_or(Answered::Malformed));
        }
    }
    no_event_shows_the_passphrase(desk);
    println!("{} messages in {:.0} s", heard.tried, begun.elapsed().as_secs_f64());
    heard
}

fn no_event_shows_the_passphrase(desk: &Desk) {
    let mut events = desk.events.lock().expect("events");
    for event in events.drain(..) {
        let event = serde_json::to_string(&event).expect("an event can be written");
        assert!(!event.contains(PASSPHRASE), "an event shows the passphrase: {event:.200}");
    }
}

impl Heard {
    fn take(&mut self, words: &mut Speaker, name: &'static str, took: Duration, answer: Answered) {
        self.tried += 1;
        if !matches!(answer, Answered::Malformed) {
            self.handled.insert(name);
        }
        if took > self.slowest.0 {
            self.slowest = (took, name.to_owned());
        }
        let kind = match answer {
            Answered::Malformed => "malformed".to_owned(),
            Answered::Refused(AppError { code, detail }) => {
                let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_');
                assert!(!code.is_empty() && code.len() <= 64 && code.chars().all(plain), "{name}: no code: {code:?}");
                assert!(!detail.contains(PASSPHRASE), "{name} shows the passphrase: {detail}");
                code
            }
            Answered::Value(value) => {
                assert!(!value.to_string().contains(PASSPHRASE), "{name} shows the passphrase");
                self.no_message_chooses(name, &value);
                words.learn(&value);
                *self.by_name.entry(name.to_owned()).or_default() += 1;
                "answered".to_owned()
            }
        };
        *self.answers.entry(kind).or_default() += 1;
    }

    /// An answer shows what is kept after its message: of folders those that a dialog gave, and no server.
    fn no_message_chooses(&self, name: &str, value: &Value) {
        for key in ["watchedFolder", "backupFolder"] {
            let folder = value.get(key).and_then(Value::as_str).unwrap_or_default();
            assert!(folder.is_empty() || Path::new(folder).starts_with(&self.dialogs), "{name} chose {folder}");
        }
        let server = value.get("url").and_then(Value::as_str).unwrap_or_default();
        assert!(server.is_empty(), "{name} chose {server}");
    }

    /// Waits until nothing is under way any more, and says what was heard.
    async fn end(&mut self, app: &Arc<App>) {
        session::unlock(app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked at the end");
        session::lock(app).await.expect("locked, which cancels what is under way");
        tokio::time::sleep(Duration::from_secs(3)).await;
        session::unlock(app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked at the end");
        println!("slowest: {} in {:.1} s; {} of {} messages were answered with a value at least once",
            self.slowest.1, self.slowest.0.as_secs_f64(), self.by_name.len(), dispatch::MESSAGES.len());
        self.answers.iter().for_each(|(kind, times)| println!("  {times:5} {kind}"));
        for kind in ["malformed", "answered", "store.not_found", "vault.locked"] {
            assert!(self.answers.contains_key(kind), "{kind} is among {:?}", self.answers);
        }
        let behind: Vec<&str> = dispatch::MESSAGES.iter().map(|(name, _)| *name).filter(|name| !self.handled.contains(name)).collect();
        assert!(behind.is_empty(), "no handler saw {behind:?}: whatever was said with these was no message");
        let names = if common::full() { NAMES_ANSWERED.1 } else { NAMES_ANSWERED.0 };
        let unheard: Vec<&str> = dispatch::MESSAGES.iter().map(|(name, _)| *name).filter(|name| !self.by_name.contains_key(*name)).collect();
        assert!(self.by_name.len() >= names, "{} messages got a value, {names} are wanted; not {unheard:?}", self.by_name.len());
        let share = self.answers["answered"] as f64 / self.tried as f64;
        assert!(share >= SHARE_ANSWERED, "{:.0} % of {} messages got a value", share * 100.0, self.tried);
    }
}

fn dialogs_answer(random: &mut Random, desk: &Desk, dialogs: &Path) {
    let files = [dialogs.join("1.dcm"), dialogs.join("2.dcm"), dialogs.join("gone"), dialogs.join("backups")];
    let file = files[random.below(files.len())].clone();
    *desk.files.lock().expect("files") = (!random.one_in(3)).then(|| vec![file]);
    let folders = [dialogs.join("backups"), dialogs.to_owned(), dialogs.join("gone")];
    let folder = folders[random.below(folders.len())].clone();
    *desk.folder.lock().expect("a folder") = (!random.one_in(3)).then_some(folder);
    let save = dialogs.join("out").join(format!("saved-{}", random.below(20)));
    *desk.save.lock().expect("a file") = (!random.one_in(3)).then_some(save);
}

/// The chain of audit lines holds, and a report is written and signed as before.
async fn app_still_works(app: &Arc<App>, desk: &Desk, dialogs: &Path) {
    let chain = audit::audit_verify(app).await.expect("a chain");
    assert!(chain.ok, "{chain:?}");
    let file = dialogs.join("3.dcm");
    std::fs::write(&file, radiograph("3").write()).expect("a file");
    import(app, desk, vec![file], 120).await;
    // Whatever template the messages chose, this report has text where one is wanted.
    let mut report = reports::report_view(app, study_of("3")).await.expect("a report");
    let sections: Vec<SectionName> = report.sections.iter().filter(|s| s.open).map(|s| s.name).collect();
    for section in sections {
        let id = format!("typed-{section:?}");
        let text = "The lungs are clear.".to_owned();
        let typed = EditCommand::Insert { section, after: None, id, text, region: None, from: None };
        report = reports::report_edit(app, report.id.clone(), report.revision, vec![typed]).await.expect("an edit");
    }
    let request = SignRequest {
        report_id: report.id.clone(),
        revision: report.revision,
        passphrase: PASSPHRASE.into(),
        patient_confirmed: true,
        accession_confirmed: true,
    };
    let signed = signing::sign_without_time_stamp(app, request).await.expect("a signature");
    assert!(signing::signed_pdf(app, signed.version_id).await.expect("a document").starts_with(b"%PDF"));
}
