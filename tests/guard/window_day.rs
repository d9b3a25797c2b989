//! A day at the real window: studies are opened from the worklist one after another, written in, drafted, reviewed and
//! signed, and what the page's process and the app hold is measured after each.
//!
//! The demonstration pack drafts, and of its sentences one is accepted and the others are dropped. 12 studies in the small
//! form, 200 in the full one. Asked for is what a study adds in the median (`memory.rs`): a window that is open all day
//! must not need more for every report that was read in it. That leaves room for what an engine collects late, and in 200
//! studies adds up to nearly 300 MB: so it is asked of a day, too, that page and app each hold in its last tenth at most
//! a tenth more than in the first tenth after everything was done often enough, which stands for the first hour. By how
//! much the database grew meanwhile is left out of that of the app, which keeps its pages.
//!
//! A day has breaks, at which the window is locked, and whoever comes back finds a new page in a process of its own: four in a
//! day of 200 studies, one in a few. `HILUM_DAY_BREAK` says after how many studies a break comes, and 0 that none does.
//!
//! Where it grows, `HILUM_DAY_DEEDS` finds out by what: a list of `type`, `draft`, `review`, `preview`, `dialog` and `sign`, or
//! `open` for opening alone. Without it everything but the two dialogs that a day does without is done.

#![cfg(target_os = "linux")]

#[allow(dead_code)]
#[path = "../common/browser.rs"]
mod browser;
#[allow(dead_code)]
#[path = "../common/mod.rs"]
mod common;
#[path = "common.rs"]
mod guard;
mod memory;
#[allow(dead_code)]
#[path = "../window/scene.rs"]
mod scene;

use browser::Window;
use guard::{amount, full};
use hilum_testkit::dicom::{EXPLICIT_LE, PIXEL_DATA};
use memory::{MORE, growth, held, on_display, tenths};
use scene::{ALT, BACKSPACE, CONTROL, DOWN, ENTER, ESCAPE, NAME, PASSPHRASE, PROPOSED, Scene, lock, open_study, pause, radiograph, saved, unlock, write};
use std::path::Path;
use std::time::{Duration, Instant};

/// What a study may add in the median, megabytes: to the app, of a few studies and of a day.
const GROWTH: (f64, f64) = (6.0, 1.5);
/// The same of the page, which collects what it no longer needs when it sees fit: of a few studies only a gross leak shows.
const PAGE_GROWTH: (f64, f64) = (25.0, 1.5);
/// Studies after which everything was done often enough: of a few, and of a day.
const WARM: (usize, usize) = (4, 10);
/// Studies from one break to the next: of a few, and of a day.
const BREAK: (usize, usize) = (6, 40);
/// What SQLite keeps of the database's pages at most, megabytes as those of [`held`]: 64 MiB (`store/src/database.rs`).
const PAGES: f64 = 65.5;
/// What the engine calls the program that runs a page.
const PAGE: &str = "WebKitWebProcess";
const ALL: [&str; 7] = ["open", "type", "draft", "review", "preview", "dialog", "sign"];
const DAY: [&str; 5] = ["open", "type", "draft", "review", "sign"];
/// Has the page's engine collect what nothing refers to, where it lets itself be told (`JSC_useDollarVM`).
const COLLECT: &str = "if (typeof $vm === 'undefined') return false; $vm.gc(); $vm.gc(); return true";

#[tokio::test(flavor = "multi_thread")]
async fn the_window_holds_in_the_evening_what_it_held_in_the_morning() {
    // SAFETY: nothing else of this program reads or writes the environment, and no thread of its own runs yet.
    unsafe { std::env::set_var("JSC_useDollarVM", "1") };
    let Some(scene) = Scene::with_user().await else { return };
    let (deeds, until_break) = (deeds(), until_break());
    let studies = amount(12, 200);
    let names: Vec<String> = (0..studies).map(|n| format!("DAY{n:03}")).collect();
    let files: Vec<(String, Vec<u8>)> = names.iter().enumerate().map(|(n, name)| (format!("{name}.dcm"), study(n, name))).collect();
    let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let folder = scene.folder("studies", &files);
    drop(files);
    let window = scene.open(Some(&folder)).await;
    window.see("report", 120 + 2 * studies as u64).await;
    window.click("go-worklist").await;
    let all = format!("return document.querySelectorAll('[data-testid=\"worklist-row\"]').length === {studies}");
    window.until("every study", 60 + 2 * studies as u64, &all).await;
    let mut pages = Pages::of(&window);
    let (mut page, mut app, mut database, begun) = (Vec::new(), Vec::new(), Vec::new(), Instant::now());
    for (n, name) in names.iter().enumerate() {
        if n > 0 && until_break > 0 && n % until_break == 0 {
            lock(&window).await;
            unlock(&window, NAME).await;
            pages = Pages::of(&window);
        }
        read_one(&window, name, &deeds).await;
        let told = window.client().execute(COLLECT, vec![]).await.is_ok_and(|said| said == serde_json::json!(true));
        // The engine gives memory back a moment after it was collected.
        pause(if told { 600 } else { 200 }).await;
        page.push(pages.hold());
        app.push(held(window.process_of("hilum")).expect("the app"));
        database.push(on_disk(&scene.data));
        if n % 10 == 0 || n + 1 == studies {
            println!("{:5.0} s: study {n}, page {:.0} MB, app {:.0} MB, collected: {told}", begun.elapsed().as_secs_f64(), page[n], app[n]);
        }
    }
    window.close().await;
    let (warm, most, page_most) =
        if full() { (WARM.1, GROWTH.1, PAGE_GROWTH.1) } else { (WARM.0, GROWTH.0, PAGE_GROWTH.0) };
    let warm = warm.min(studies - 1);
    let (page_adds, app_adds) = (growth(&page[warm..]), growth(&app[warm..]));
    println!(
        "{studies} studies ({}) in {:.0} s: each after the first {warm} adds {page_adds:.2} MB to the page and {app_adds:.2} to the app, in the median; \
         page {:.0} to {:.0} MB, app {:.0} to {:.0} MB",
        deeds.join(", "), begun.elapsed().as_secs_f64(), page[warm], page[studies - 1], app[warm], app[studies - 1]
    );
    assert!(page_adds <= page_most, "each study adds {page_adds:.2} MB to the page, {page_most} at most are allowed: {page:.0?}");
    assert!(app_adds <= most, "each study adds {app_adds:.2} MB to the app, {most} at most are allowed: {app:.0?}");
    // Of a database that fits into them the app keeps every page (64 MiB, `store/src/database.rs`): what that one grew by is
    // no growth of the app. `day.rs`, which runs in the app's process, counts those pages themselves.
    let kept: Vec<f64> = database.iter().map(|size| size.min(PAGES)).collect();
    let (begins, ends) = tenths(&kept[warm..]);
    for (what, held, pages) in [("page", &page, 0.0), ("app", &app, ends - begins)] {
        let (morning, evening) = tenths(&held[warm..]);
        println!("the {what} held {morning:.0} MB in the first tenth of them and {evening:.0} in the last, of which {pages:.1} may be of the database");
        assert!(!full() || evening - pages <= morning * MORE, "the {what} grew from {morning:.1} to {evening:.1} MB: {held:.0?}");
    }
}

/// What the database of a data folder takes on the disk, megabytes as [`held`] counts them.
fn on_disk(data: &Path) -> f64 {
    let size = |name: &str| std::fs::metadata(data.join(name)).map_or(0, |file| file.len());
    (size("hilum.db") + size("hilum.db-wal")) as f64 / 1024.0 / 1000.0
}

/// What is done with each study.
fn deeds() -> Vec<String> {
    let Ok(asked) = std::env::var("HILUM_DAY_DEEDS") else { return DAY.map(str::to_owned).into() };
    let deeds: Vec<String> = asked.split(',').map(|deed| deed.trim().to_owned()).collect();
    for deed in &deeds {
        assert!(ALL.contains(&deed.as_str()), "HILUM_DAY_DEEDS: {deed:?} is none of {ALL:?}");
    }
    deeds
}

/// Studies from one break to the next.
fn until_break() -> usize {
    let Ok(asked) = std::env::var("HILUM_DAY_BREAK") else { return if full() { BREAK.1 } else { BREAK.0 } };
    asked.parse().unwrap_or_else(|_| panic!("HILUM_DAY_BREAK: {asked:?} is no number of studies"))
}

/// A radiograph of a thousand pixels on a side, with a patient of its own.
fn study(number: usize, name: &str) -> Vec<u8> {
    let pixel = |row: u32, column: u32| {
        let (y, x) = (f64::from(row) / 1000.0 - 0.5, (f64::from(column) / 1000.0 - 0.5).abs());
        let lung = (-((x - 0.22) / 0.11).powi(2) - (y / 0.33).powi(2)).exp();
        (2900.0 - 2200.0 * lung) as u16 + ((row * 31 + column * 17 + number as u32 * 7) % 37) as u16
    };
    let values: Vec<u8> = (0..1000).flat_map(|row| (0..1000).flat_map(move |column| pixel(row, column).to_le_bytes())).collect();
    radiograph(name, "20240105").short(0x0028_0010, 1000).short(0x0028_0011, 1000).words(PIXEL_DATA, b"OW", values).write_as(EXPLICIT_LE)
}

/// The processes in which the engine runs pages: that of ours, and one that it may keep ready.
struct Pages {
    display: String,
    /// The one that holds most, which draws ours.
    ours: i32,
}

impl Pages {
    fn of(window: &Window) -> Self {
        let all = on_display(PAGE, &window.display);
        let largest = all.into_iter().max_by(|one, other| held(*one).unwrap_or_default().total_cmp(&held(*other).unwrap_or_default()));
        Self { display: window.display.clone(), ours: largest.expect("a page has a process") }
    }

    /// What all of them hold, megabytes.
    fn hold(&self) -> f64 {
        let all = on_display(PAGE, &self.display);
        assert!(all.contains(&self.ours), "the process that drew the page has ended: {all:?} are left");
        all.into_iter().filter_map(held).sum()
    }
}

/// One study, from the worklist to whatever is to be done with it.
async fn read_one(window: &Window, name: &str, deeds: &[String]) {
    let does = |deed: &str| deeds.iter().any(|asked| asked == deed);
    window.click("go-worklist").await;
    open_study(window, name).await;
    if does("type") {
        write(window, "comparison", "Written by a person.").await;
        save(window).await;
    }
    if does("draft") {
        scene::draft(window).await;
    }
    if does("review") {
        review(window).await;
    }
    if does("preview") {
        window.click("preview-pdf").await;
        drawn(window, "preview-pages").await;
        closed(window).await;
    }
    if does("dialog") || does("sign") {
        complete(window).await;
    }
    if does("dialog") {
        window.click("sign-open").await;
        window.see("sign-passphrase", 20).await;
        closed(window).await;
    }
    if does("sign") {
        window.click("sign-open").await;
        window.click("sign-patient").await;
        window.click("sign-accession").await;
        window.fill("sign-passphrase", PASSPHRASE).await;
        window.click("sign-submit").await;
        drawn(window, "signed-pdf").await;
        window.click("sign-close").await;
        let signed = "return document.querySelector('[data-testid=\"report\"]').dataset.status === 'final'";
        window.until("the report to be final", 20, signed).await;
    }
}

/// Has what was typed saved, without the pause after which that would go by itself.
async fn save(window: &Window) {
    window.chord(CONTROL, 's').await;
    saved(window).await;
}

/// Waits until every page of a document is drawn.
async fn drawn(window: &Window, id: &str) {
    let script = format!("return Number(document.querySelector('[data-testid=\"{id}\"]')?.dataset.pages ?? 0) > 0");
    window.until(&format!("the pages of {id}"), 60, &script).await;
}

/// Closes the dialog that is open.
async fn closed(window: &Window) {
    window.press(ESCAPE).await;
    window.until("the dialog to close", 20, "return document.querySelectorAll('dialog[open]').length === 0").await;
}

/// One proposed sentence is accepted, the others are dropped.
async fn review(window: &Window) {
    let until = Instant::now() + Duration::from_secs(90);
    let left = format!("return {PROPOSED}");
    let mut accepted = false;
    while window.number(&left).await > 0.0 {
        assert!(Instant::now() < until, "the review does not end");
        let before = window.number(&left).await;
        window.chord(ALT, DOWN).await;
        window.press(if accepted { BACKSPACE } else { ENTER }).await;
        // A key that met nothing leaves as many as there were, and is pressed again.
        for _ in 0..20 {
            if window.number(&left).await < before {
                accepted = true;
                break;
            }
            pause(50).await;
        }
    }
}

/// Writes what a signature wants and nobody wrote.
async fn complete(window: &Window) {
    for section in ["findings", "impression"] {
        let empty = format!(
            "const s = document.querySelector('[data-testid=\"section-{section}\"]');
            return s.querySelector('[data-sentence][data-empty=\"false\"]') ? 0 : 1"
        );
        if window.number(&empty).await > 0.0 {
            write(window, section, "As seen.").await;
        }
    }
    save(window).await;
    if window.words("needs-list").await.contains("who was told") {
        window.click("critical-open").await;
        window.click("critical-not-told").await;
        window.fill("critical-reason", "A test of a day.").await;
        window.click("critical-record").await;
    }
    let possible = "return document.querySelector('[data-testid=\"sign-open\"]')?.disabled === false";
    window.until("signing to be possible", 30, possible).await;
}
