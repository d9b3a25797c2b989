//! The app is killed at random moments of typing, saving and signing; then everything that
//! its window said was done must be in the data folder, and nothing half.
//!
//! `HILUM_KILLS` says how many times (`./dev check-long`: 200). What the machine itself delayed is not the
//! app's. A round in which that was seconds has shown nothing of a loss, and is done again.

#![cfg(target_os = "linux")]

#[allow(dead_code)]
#[path = "common/browser.rs"]
mod browser;
#[allow(dead_code)]
mod common;

use browser::Window;
use hilum_report::{Report, Status, UserId};
use hilum_store::{AuditVerdict, DataFolder, KdfParams, NewUser, Role, Store, StoreError};
use hilum_testkit::dicom::{self, DicomFile};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use time::OffsetDateTime;

const NAME: &str = "Dr A. Reader";
const PASSPHRASE: &str = "a long passphrase";
/// What may be lost of typing (docs/architecture.md, "Nothing typed is lost").
const MAY_BE_LOST: Duration = Duration::from_secs(2);
/// So often a round is tried until it shows something. A machine that is busy for a moment gets by; one that is
/// too slow to judge by fails.
const TRIES: u32 = 4;
/// Each word is its number between these, so that words are found however the editor cuts
/// its sentences.
const WORD: (char, char) = ('w', 'x');

/// What the window was seen to do until it was killed.
#[derive(Default)]
struct Seen {
    /// When each word, by its number from 1, was on the screen.
    typed: Vec<Instant>,
    /// Words on the screen when it said "saved".
    saved: usize,
    /// The signature was asked for.
    asked_to_sign: bool,
    /// The window said that the report is signed.
    signed: bool,
    /// The longest that the driver waited for an answer: how far this machine lags behind.
    lag: Duration,
}

/// How one kill went.
struct Outcome {
    /// Time from the first lost word to the kill; zero when nothing was lost.
    lost: Duration,
    signed: bool,
    took: Duration,
    /// More was lost than may be, by no more than the machine lagged: that shows nothing.
    inconclusive: bool,
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_nothing_acknowledged_is_lost() {
    let missing = browser::missing_programs();
    if !missing.is_empty() {
        hilum_testkit::skipped(format_args!("the window test needs {missing:?}; ./dev test installs them"));
        return;
    }
    common::use_demo_packs();
    let kills: u64 = std::env::var("HILUM_KILLS").map_or(10, |n| n.parse().expect("HILUM_KILLS is a number"));
    let temp = tempfile::tempdir().expect("a folder");
    let (data, home) = (temp.path().join("data"), temp.path().join("home"));
    std::fs::create_dir(&home).expect("a folder");
    make_user(&data).await;
    let mut random = Random(u64::from(std::process::id()) << 20 | kills);
    let (mut outcomes, mut again) = (Vec::new(), 0);
    for round in 0..kills {
        let mut tries = 0;
        loop {
            let outcome = kill_once((round, tries), temp.path(), &data, &home, &mut random).await;
            tries += 1;
            if !outcome.inconclusive {
                outcomes.push(outcome);
                break;
            }
            again += 1;
            assert!(
                tries < TRIES,
                "inconclusive: round {round}: in each of {TRIES} tries more than {MAY_BE_LOST:?} were lost, by no more than the machine lagged"
            );
        }
    }
    let mut lost: Vec<f64> = outcomes.iter().map(|o| o.lost.as_secs_f64()).collect();
    lost.sort_by(f64::total_cmp);
    let signed = outcomes.iter().filter(|o| o.signed).count();
    let took: f64 = outcomes.iter().map(|o| o.took.as_secs_f64()).sum::<f64>() / outcomes.len() as f64;
    println!(
        "{kills} kills of the app: typing lost median {:.2} s, at most {:.2} s; {signed} reports were signed; \
         {took:.1} s a kill; {again} more showed nothing and were done again",
        lost[lost.len() / 2],
        lost[lost.len() - 1],
    );
}

/// The data folder, with a passphrase that costs little: its cost is not what is tried here.
async fn make_user(data: &Path) {
    let cheap = KdfParams { memory_kib: 64, passes: 1, lanes: 1 };
    let folder = DataFolder::open_with(data, cheap).expect("a data folder");
    let user = NewUser { id: UserId::new("u-reader"), name: NAME.to_owned(), role: Role::Radiologist };
    let (store, _) = folder.create(user, PASSPHRASE, OffsetDateTime::now_utc()).await.expect("a store");
    store.close().await.expect("to close");
}

/// A small radiograph as a study of its own.
fn study((round, tries): (u64, u32), folder: &Path) -> (String, PathBuf) {
    let uid = format!("2.25.71{round}.{tries}");
    let file = DicomFile::radiograph(256, 256, 12, |row, column| ((row * column) % 4096) as u16)
        .text(dicom::STUDY_UID, b"UI", &uid)
        .text(dicom::SERIES_UID, b"UI", &format!("2.25.72{round}.{tries}"))
        .text(dicom::INSTANCE_UID, b"UI", &format!("2.25.73{round}.{tries}"))
        .text(dicom::PATIENT_ID, b"LO", &format!("KILL{round}.{tries}"));
    let path = folder.join(format!("{round}-{tries}.dcm"));
    std::fs::write(&path, file.write()).expect("a study");
    (uid, path)
}

/// Opens the app on a study of its own, lets a person type, kills the app, and looks at what is left; `tries`
/// of this round went before, which showed nothing.
async fn kill_once((round, tries): (u64, u32), temp: &Path, data: &Path, home: &Path, random: &mut Random) -> Outcome {
    let began = Instant::now();
    let (study_uid, file) = study((round, tries), temp);
    let arguments = ["--data".to_owned(), data.display().to_string(), file.display().to_string()];
    let window = Window::open(&arguments, (1280, 800), home).await;
    window.fill("unlock-passphrase", PASSPHRASE).await;
    window.click("unlock-submit").await;
    window.see("add-sentence-indication", 60).await;

    let mut seen = Seen::default();
    let app = window.process_of("hilum");
    let killed = if round % 3 == 2 {
        // Signing is some tenths of a second long; the kill falls into it or a little around.
        prepare_to_sign(&window, &mut seen, random).await;
        let after = Duration::from_micros(random.below(700_000));
        let script = "document.querySelector('[data-testid=\"sign-submit\"]').click(); return true";
        seen.asked_to_sign = true;
        window.client().execute(script, vec![]).await.expect("the signature asked for");
        let until = Instant::now() + after;
        let signed = "return document.querySelector('[data-testid=\"report\"]').dataset.status === 'final'";
        while Instant::now() < until {
            let answer = tokio::time::timeout_at(until.into(), window.client().execute(signed, vec![])).await;
            seen.signed |= answer.is_ok_and(|a| a.is_ok_and(|v| v == json!(true)));
        }
        kill(app)
    } else {
        let until = Instant::now() + Duration::from_millis(200 + random.below(3800));
        window.begin_sentence("indication").await;
        type_words(&window, until, usize::MAX, &mut seen, random).await;
        kill(app)
    };
    // There is nobody left to close the session with.
    drop(window);
    let (lost, signed) = check(round, data, &study_uid, &seen, killed).await;
    let inconclusive = lost > MAY_BE_LOST;
    Outcome { lost, signed, took: began.elapsed(), inconclusive }
}

/// Types numbered words until the time has come, and now and then looks whether they are saved.
async fn type_words(window: &Window, until: Instant, most: usize, seen: &mut Seen, random: &mut Random) {
    while Instant::now() < until && seen.typed.len() < most {
        let number = seen.typed.len() + 1;
        // A sentence ends now and then, so that sentences are cut and added too.
        let end = if number % 7 == 0 { ". " } else { " " };
        let asked = Instant::now();
        window.keys(&format!("{}{number}{}{end}", WORD.0, WORD.1)).await;
        seen.typed.push(Instant::now());
        seen.lag = seen.lag.max(asked.elapsed());
        if random.below(12) == 0 {
            // People pause; the editor saves then, and says so.
            tokio::time::sleep(Duration::from_millis(random.below(1200))).await;
        }
        look(window, seen).await;
    }
}

/// Notes how many words the window calls saved.
async fn look(window: &Window, seen: &mut Seen) {
    // State and text are read in one step: nothing is typed between them.
    let script = "const s = document.querySelector('[data-testid=\"save-state\"]')?.dataset.state;
        return s === 'saved' ? document.querySelector('[data-testid=\"section-indication\"]').innerText : ''";
    let asked = Instant::now();
    seen.saved = seen.saved.max(last_word(&window.text(script).await));
    seen.lag = seen.lag.max(asked.elapsed());
}

/// Fills what signing needs, and everything of the dialog but the last click.
async fn prepare_to_sign(window: &Window, seen: &mut Seen, random: &mut Random) {
    window.begin_sentence("indication").await;
    type_words(window, Instant::now() + Duration::from_secs(60), 3, seen, random).await;
    for section in ["findings", "impression"] {
        window.begin_sentence(section).await;
        window.keys("Reviewed by a person.").await;
    }
    window.click("sign-open").await;
    window.click("sign-patient").await;
    window.click("sign-accession").await;
    window.fill("sign-passphrase", PASSPHRASE).await;
    let disabled = "return !document.querySelector('[data-testid=\"sign-submit\"]').disabled";
    window.until("signing to be possible", 20, disabled).await;
}

/// Ends the process as a power cut would, with no chance to tidy up; returns when.
fn kill(process: i32) -> Instant {
    // SAFETY: a signal to a process that this test started.
    let sent = unsafe { libc::kill(process, libc::SIGKILL) };
    assert_eq!(sent, 0, "the app was running");
    Instant::now()
}

/// Opens the folder as the app would after the kill, and holds it against what was seen.
async fn check(round: u64, data: &Path, study_uid: &str, seen: &Seen, killed: Instant) -> (Duration, bool) {
    let store = unlock(data).await;
    assert_eq!(store.check_integrity().await.expect("a check"), Vec::<String>::new());
    let verdict = store.verify_audit(None).await.expect("a verdict");
    assert!(matches!(verdict, AuditVerdict::Intact(_)), "round {round}: {verdict:?}");
    let study = store.study(study_uid).await.expect("the study that was on the screen");
    let row = study.reports.last().expect("the report that was on the screen");
    let report = store.report(&row.id).await.expect("a report that replays");
    let kept = kept_words(&report);
    let first_lost = seen.typed.get(kept);
    let lost = first_lost.map_or(Duration::ZERO, |typed| killed.saturating_duration_since(*typed));
    println!(
        "round {round}: {} words typed, {} called saved, {kept} kept, {:.2} s of typing lost, lag {:.2} s{}",
        seen.typed.len(),
        seen.saved,
        lost.as_secs_f64(),
        seen.lag.as_secs_f64(),
        if seen.asked_to_sign { format!(", asked to sign, {:?}", report.status()) } else { String::new() }
    );
    assert!(kept >= seen.saved, "round {round}: {} words were called saved, {kept} are kept", seen.saved);
    // What the machine itself delayed is not the app's, but a round that needs this is done again (`Outcome::inconclusive`).
    assert!(lost <= MAY_BE_LOST + seen.lag, "round {round}: {lost:?} of typing lost, lag {:?}", seen.lag);
    signed_whole(round, data, &store, &report, seen).await;
    store.close().await.expect("to close");
    (lost, report.status() == Status::Final)
}

/// The data folder unlocked, as soon as the killed process has let go of it.
async fn unlock(data: &Path) -> Store {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        match DataFolder::open(data) {
            Ok(folder) => return folder.unlock(NAME, PASSPHRASE, OffsetDateTime::now_utc()).await.expect("the store"),
            Err(StoreError::InUse(_)) if Instant::now() < until => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(e) => panic!("{e}"),
        }
    }
}

/// A signature is there whole, with its document, or not at all.
async fn signed_whole(round: u64, data: &Path, store: &Store, report: &Report, seen: &Seen) {
    let versions = store.versions(report.id()).await.expect("versions");
    let is_final = report.status() == Status::Final;
    assert!(is_final || !seen.signed, "round {round}: the window called it signed, it is {:?}", report.status());
    assert!(!is_final || seen.asked_to_sign, "round {round}: nobody asked for a signature");
    assert_eq!(versions.len(), usize::from(is_final), "round {round}");
    let trusted: Vec<Vec<u8>> =
        hilum_store::certificates(data).expect("certificates").into_iter().map(|c| c.der).collect();
    for version in &versions {
        let pdf = store.signed_pdf(version).await.expect("its document");
        let verdict = hilum_export::verify::verify(&pdf, &trusted);
        assert!(verdict.is_ok(), "round {round}: {verdict:?}");
    }
}

/// How many words are kept: 1, 2, 3 and so on without a gap.
fn kept_words(report: &Report) -> usize {
    let text: Vec<&str> = report.sections().iter().flat_map(|s| &s.sentences).map(hilum_report::Sentence::text).collect();
    let found = words(&text.join(" "));
    let expected: Vec<usize> = (1..=found.len()).collect();
    assert_eq!(found, expected, "words are kept in order and without a gap");
    found.len()
}

fn last_word(text: &str) -> usize {
    words(text).last().copied().unwrap_or(0)
}

/// The numbers of the whole words in a text.
fn words(text: &str) -> Vec<usize> {
    let number = |word: &str| word.trim_end_matches('.').strip_prefix(WORD.0)?.strip_suffix(WORD.1)?.parse().ok();
    text.split_whitespace().filter_map(number).collect()
}

/// xorshift64*: the moments of death need no better.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % limit
    }
}
