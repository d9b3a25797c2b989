//! What every scene begins with: a data folder with a user, studies, and an open window.

use crate::browser::{self, Window};
use crate::common;
use hilum_report::UserId;
use hilum_store::{DataFolder, KdfParams, NewUser, Role, Store, StoreError};
use hilum_testkit::dicom::{self, DicomFile};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use time::OffsetDateTime;

pub const NAME: &str = "Dr A. Reader";
pub const TRAINEE: &str = "Dr B. Trainee";
pub const PASSPHRASE: &str = "a long passphrase";

pub const TAB: char = '\u{e004}';
pub const ENTER: char = '\u{e007}';
pub const SHIFT: char = '\u{e008}';
pub const CONTROL: char = '\u{e009}';
pub const ALT: char = '\u{e00a}';
pub const BACKSPACE: char = '\u{e003}';
pub const ESCAPE: char = '\u{e00c}';
pub const HOME: char = '\u{e011}';
pub const END: char = '\u{e010}';
pub const LEFT: char = '\u{e012}';
pub const UP: char = '\u{e013}';
pub const RIGHT: char = '\u{e014}';
pub const DOWN: char = '\u{e015}';
pub const F1: char = '\u{e031}';
pub const F6: char = '\u{e036}';
pub const DELETE: char = '\u{e017}';
pub const F9: char = '\u{e039}';
pub const F10: char = '\u{e03a}';
pub const PAGE_UP: char = '\u{e00e}';
pub const PAGE_DOWN: char = '\u{e00f}';

/// How long the engine may take for one draft on a machine that does other things too.
pub const DRAFT: u64 = 240;

/// Folders of one scene. They are gone when it is.
pub struct Scene {
    temp: TempDir,
    pub data: PathBuf,
    home: PathBuf,
}

impl Scene {
    /// Folders without a user; `None`, with the reason printed, where no window can be tested.
    pub fn empty() -> Option<Scene> {
        let missing = browser::missing_programs();
        if !missing.is_empty() {
            hilum_testkit::skipped(format_args!("the window test needs {missing:?}; ./dev test installs them"));
            return None;
        }
        let temp = tempfile::tempdir().expect("a folder");
        let (data, home) = (temp.path().join("data"), temp.path().join("home"));
        std::fs::create_dir(&home).expect("a folder");
        Some(Scene { temp, data, home })
    }

    /// Folders with a user whose passphrase costs little: its cost is tried in the first run.
    pub async fn with_user() -> Option<Scene> {
        Scene::with_people(&[]).await
    }

    /// The same with trainees, who have the same passphrase.
    pub async fn with_people(trainees: &[&str]) -> Option<Scene> {
        let scene = Scene::empty()?;
        scene.add_people(trainees).await;
        Some(scene)
    }

    /// Makes the data folder with its user and trainees.
    pub async fn add_people(&self, trainees: &[&str]) {
        let cheap = KdfParams { memory_kib: 64, passes: 1, lanes: 1 };
        let folder = DataFolder::open_with(&self.data, cheap).expect("a data folder");
        let user = NewUser { id: UserId::new("u-reader"), name: NAME.to_owned(), role: Role::Radiologist };
        let (store, _) = folder.create(user, PASSPHRASE, OffsetDateTime::now_utc()).await.expect("a store");
        for (n, name) in trainees.iter().enumerate() {
            let user = NewUser { id: UserId::new(format!("u-trainee-{n}")), name: (*name).into(), role: Role::Trainee };
            store.add_user(user, PASSPHRASE, OffsetDateTime::now_utc()).await.expect("a trainee");
        }
        store.close().await.expect("to close");
    }

    /// The store, once the window has let go of it.
    pub async fn store(&self) -> Store {
        let until = Instant::now() + Duration::from_secs(30);
        let folder = loop {
            match DataFolder::open(&self.data) {
                Ok(folder) => break folder,
                Err(StoreError::InUse(_)) if Instant::now() < until => pause(50).await,
                Err(e) => panic!("{e}"),
            }
        };
        folder.unlock(NAME, PASSPHRASE, OffsetDateTime::now_utc()).await.expect("the store")
    }

    pub fn home(&self) -> &Path {
        &self.home
    }

    /// A path below the scene's own folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    /// A new folder with these files.
    pub fn folder(&self, name: &str, files: &[(&str, Vec<u8>)]) -> PathBuf {
        let folder = self.path(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        for (file, bytes) in files {
            std::fs::write(folder.join(file), bytes).expect("a file");
        }
        folder
    }

    /// The window on what is given, still locked.
    pub async fn locked(&self, given: Option<&Path>) -> Window {
        let mut arguments = vec!["--data".to_owned(), self.data.display().to_string()];
        arguments.extend(given.map(|path| path.display().to_string()));
        Window::open(&arguments, (1600, 1000), &self.home).await
    }

    /// The window on what is given, unlocked.
    pub async fn open(&self, given: Option<&Path>) -> Window {
        let window = self.locked(given).await;
        unlock(&window, NAME).await;
        window
    }

    /// The window with one study open and its image on the screen.
    pub async fn reading(&self, study: Vec<u8>) -> Window {
        let folder = self.folder("studies", &[("image.dcm", study)]);
        let window = self.open(Some(&folder)).await;
        image_shown(&window).await;
        window
    }
}

/// A small radiograph of patient `who`, taken on `date` (YYYYMMDD): a bright heart between dark lungs.
pub fn radiograph(who: &str, date: &str) -> DicomFile {
    let uid = format!("2.25.{}.{date}", who.bytes().map(u64::from).fold(7, |sum, b| sum * 31 % 1_000_003 + b));
    DicomFile::radiograph(480, 400, 12, |row, column| {
        let (y, x) = (f64::from(row) / 480.0 - 0.5, (f64::from(column) / 400.0 - 0.5).abs());
        let lung = (-((x - 0.22) / 0.11).powi(2) - (y / 0.33).powi(2)).exp();
        let noise = (row * 31 + column * 17) % 37;
        (2900.0 - 2200.0 * lung) as u16 + noise as u16
    })
    .text(0x0008_0060, b"CS", "DX")
    .text(dicom::PATIENT_ID, b"LO", who)
    .text(dicom::PATIENT_NAME, b"PN", &format!("{who}^TEST"))
    .text(dicom::ACCESSION_NUMBER, b"SH", &format!("A{date}"))
    .text(dicom::STUDY_DATE, b"DA", date)
    .text(dicom::STUDY_UID, b"UI", &uid)
    .text(dicom::SERIES_UID, b"UI", &format!("{uid}.1"))
    .text(dicom::INSTANCE_UID, b"UI", &format!("{uid}.1.1"))
}

/// A real file of the shared test data; `None`, with the reason printed, where it is not there.
pub fn shared(path: &str) -> Option<PathBuf> {
    let file = common::root().join("../shared/data").join(path);
    if !file.exists() {
        hilum_testkit::skipped(format_args!("{} is not there", file.display()));
        return None;
    }
    Some(file)
}

/// Unlocks as this person.
pub async fn unlock(window: &Window, who: &str) {
    window.click("unlock-user").await;
    window.chord(CONTROL, 'a').await;
    window.keys(who).await;
    window.fill("unlock-passphrase", PASSPHRASE).await;
    window.click("unlock-submit").await;
    window.see("lock", 60).await;
    let ended = "return document.body.innerText.includes('The page had ended by itself')";
    assert_eq!(window.client().execute(ended, vec![]).await.expect("a script"), serde_json::json!(false), "the page crashed");
}

/// Remembers the page that the window shows.
pub async fn remember(window: &Window) {
    window.text("window.remembered = true; return ''").await;
}

/// Waits until another page than the one that was remembered is there: one that is locked is replaced, with its process.
pub async fn replaced(window: &Window) {
    replaced_within(window, 30).await;
}

/// The same where the lock is to come by itself.
pub async fn replaced_within(window: &Window, seconds: u64) {
    let another = "return window.remembered !== true && document.body?.dataset.ready === 'true'";
    let until = Instant::now() + Duration::from_secs(seconds);
    loop {
        window.attach().await;
        if window.client().execute(another, vec![]).await.is_ok_and(|is| is == serde_json::json!(true)) {
            return;
        }
        assert!(Instant::now() < until, "no other page comes after the one that was locked");
        pause(100).await;
    }
}

/// Locks the window, by its button.
pub async fn lock(window: &Window) {
    remember(window).await;
    window.see("lock", 20).await;
    // A moment later, so that the driver has answered before the page goes, and its session with it.
    window.text("setTimeout(() => document.querySelector('[data-testid=\"lock\"]').click(), 50); return ''").await;
    replaced(window).await;
}

/// One person locks the window, another goes on in it.
pub async fn hand_over(window: &Window, to: &str) {
    lock(window).await;
    unlock(window, to).await;
}

/// Waits until the image of the open study is on the screen.
pub async fn image_shown(window: &Window) {
    let ready = "return document.querySelector('[data-testid=\"viewer\"]')?.dataset.ready === 'true'";
    window.until("the image", 60, ready).await;
}

/// Opens a study from the worklist by its patient's name.
pub async fn open_study(window: &Window, patient: &str) {
    window.see("worklist-row", 30).await;
    let script = format!(
        "const b = [...document.querySelectorAll('[data-testid=\"open-study\"]')].find((b) => b.innerText.includes({patient:?}));
        if (b) b.click(); return !!b"
    );
    window.until(&format!("{patient} in the worklist"), 30, &script).await;
    window.until("the study", 30, &format!("return (document.querySelector('[data-testid=\"room-patient\"]')?.innerText ?? '').includes({patient:?})")).await;
    image_shown(window).await;
}

/// Writes into a section of the report.
pub async fn write(window: &Window, section: &str, words: &str) {
    window.begin_sentence(section).await;
    window.keys(words).await;
}

/// Waits until this choice of a list is the one that is made.
pub async fn chosen(window: &Window, list: &str, words: &str) {
    let script = format!(
        "return (document.querySelector('[data-testid=\"{list}\"]')?.selectedOptions[0]?.text ?? '').includes({words:?})"
    );
    window.until(&format!("{words:?} to be chosen"), 20, &script).await;
}

/// Waits until what was typed is kept.
pub async fn saved(window: &Window) {
    let script = "return document.querySelector('[data-testid=\"save-state\"]')?.dataset.state === 'saved'";
    window.until("the text to be saved", 20, script).await;
}

/// The words of a section.
pub async fn section(window: &Window, name: &str) -> String {
    window.words(&format!("section-{name}")).await
}

/// Has the model draft, and waits for its proposals; how many there are.
pub async fn draft(window: &Window) -> usize {
    window.click("draft-start").await;
    drafted(window).await
}

pub async fn drafted(window: &Window) -> usize {
    window.until("proposed sentences", DRAFT, &format!("return {PROPOSED} > 0")).await;
    window.number(&format!("return {PROPOSED}")).await as usize
}

/// How many proposed sentences are left, as an expression of the page.
pub const PROPOSED: &str = "document.querySelectorAll('[data-testid=\"proposed-sentence\"]').length";

/// Signs the open report in its dialog, and closes it.
pub async fn sign(window: &Window) {
    window.click("sign-open").await;
    window.click("sign-patient").await;
    window.click("sign-accession").await;
    window.fill("sign-passphrase", PASSPHRASE).await;
    window.click("sign-submit").await;
    window.click("sign-close").await;
    let status = "return document.querySelector('[data-testid=\"report\"]').dataset.status === 'final'";
    window.until("the report to be final", 20, status).await;
}

/// Asks axe-core about the screen as it is: WCAG 2.2 A and AA, and axe's best practices. Printed
/// and left out where the window's packages are not installed.
pub async fn accessible(window: &Window, screen: &str) {
    let file = common::root().join("ui/node_modules/axe-core/axe.min.js");
    let Ok(axe) = std::fs::read_to_string(&file) else {
        hilum_testkit::skipped(format_args!("{} is not there (npm ci in ui/)", file.display()));
        return;
    };
    window.client().execute(&format!("if (!window.axe) {{ {axe} }} return true"), vec![]).await.expect("axe-core");
    // What fades in, or from one theme into the other, is judged once it is there; what turns for ever is left out.
    pause(300).await;
    let rests = "return document.getAnimations().every((a) => a.playState !== 'running' || a.effect?.getComputedTiming().iterations === Infinity)";
    window.until("the screen to rest", 20, rests).await;
    let script = "const done = arguments[arguments.length - 1];
        const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
        window.axe.run(document, { runOnly: tags, resultTypes: ['violations'] }).then((found) =>
            done(found.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.failureSummary} ${n.html.slice(0, 200)}`))), (e) => done([String(e)]))";
    let found = window.client().execute_async(script, vec![]).await.expect("axe-core's verdict");
    assert_eq!(found, serde_json::json!([]), "{screen}");
}

/// What a program prints; `None`, with the reason printed, where it is not installed.
pub fn printed(program: &str, arguments: &[&str]) -> Option<String> {
    match std::process::Command::new(program).args(arguments).output() {
        Ok(output) => {
            assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Err(e) => {
            hilum_testkit::skipped(format_args!("{program} ({e})"));
            None
        }
    }
}

pub async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}
