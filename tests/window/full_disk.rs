//! The disk becomes full while somebody works: the window says so within two seconds, keeps what was being done, and goes on
//! when there is room again. Typing, signing and import need room in the data folder; export and backup elsewhere.

use crate::browser::Window;
use crate::lateness::{Lateness, told_in_time};
use crate::scene::*;
use crate::settings;
use crate::small_disk::{Disk, Filler};
use hilum_app::dto::Settings;
use hilum_testkit::dicom::EXPLICIT_LE;
use std::path::Path;
use std::time::{Duration, SystemTime};

const NOTICE: &str = "[data-testid=\"notice\"]";
/// In the words of the window.
const FULL: &str = "disk of the data folder is full";

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_is_full_while_typing() {
    let Some(scene) = Scene::empty() else { return };
    let Some(_disk) = Disk::mount(&scene.data, 16) else {
        hilum_testkit::skipped("a full disk under the window (mounting a small one needs root)");
        return;
    };
    scene.add_people(&[]).await;
    let window = scene.reading(radiograph("FULLDISK", "20240106").write_as(EXPLICIT_LE)).await;
    window.begin_sentence("findings").await;
    // Each change writes the sentence anew, so that a long one soon needs room.
    window.text("document.execCommand('insertText', false, 'Long words ' + 'and more '.repeat(2500)); return ''").await;
    saved(&window).await;

    let filler = Filler::leaving(&scene.data, 0);
    let watch = Watch::begin(&window, NOTICE, FULL).await;
    let mut typed = String::new();
    let took = loop {
        assert!(typed.len() < 80, "the window never said that the disk is full");
        let letter = char::from(b'a' + (typed.len() % 26) as u8);
        window.text("Object.assign(window.hilumWatch, { began: null, unsaved: false, saved: false }); return ''").await;
        window.keys(&letter.to_string()).await;
        typed.push(letter);
        let answered = "return window.hilumWatch.told !== null || window.hilumWatch.saved";
        window.until("the letter to be saved or refused", 20, answered).await;
        if let Some(took) = watch.took(&window).await {
            break took;
        }
    };
    watch.in_time("typing", took);
    let state = "return document.querySelector('[data-testid=\"save-state\"]')?.dataset.state ?? ''";
    assert_eq!(window.text(state).await, "not_saved");
    window.keys(" and on").await;
    assert!(
        section(&window, "findings").await.contains(&format!("{typed} and on")),
        "what was typed stays on the screen"
    );

    drop(filler);
    saved(&window).await;
    window.click("go-worklist").await;
    open_study(&window, "FULLDISK").await;
    window.says("section-findings", &format!("{typed} and on"), 20).await;
    locked_over_unsaved_text(&window, &scene.data).await;
    window.close().await;
}

/// Locked over text that has no room, the window keeps it for whoever typed it, shows none of it meanwhile, and has them put it
/// back: the report is not touched by it.
async fn locked_over_unsaved_text(window: &Window, data: &Path) {
    const WORDS: &str = "Typed when there was no room";
    window.begin_sentence("findings").await;
    let filler = Filler::leaving(data, 0);
    window
        .text(&format!("document.execCommand('insertText', false, '{WORDS} ' + 'and more '.repeat(2500)); return ''"))
        .await;
    let refused = "return document.querySelector('[data-testid=\"save-state\"]')?.dataset.state === 'not_saved'";
    window.until("the text to be refused", 20, refused).await;
    window.chord_of(&[CONTROL, SHIFT], 'L').await;
    window.click("unsaved-confirm").await;
    window.says("text-waits", NAME, 20).await;
    let page = window.text("return document.documentElement.outerHTML").await;
    for secret in ["FULLDISK", WORDS] {
        assert!(!page.contains(secret), "the locked window holds {secret:?}");
    }
    drop(filler);
    window.fill("unlock-passphrase", PASSPHRASE).await;
    window.click("unlock-submit").await;
    window.says("waiting-text-0", WORDS, 30).await;
    window.click("waiting-copy").await;
    window.click("waiting-report").await;
    window.says("section-findings", " and on", 30).await;
    assert!(!section(window, "findings").await.contains(WORDS), "nobody has put it back");
    window.begin_sentence("findings").await;
    window.chord(CONTROL, 'v').await;
    window.says("section-findings", WORDS, 20).await;
    saved(window).await;
    assert_eq!(section(window, "findings").await.matches(WORDS).count(), 1, "put back once");
    window.click("waiting-open").await;
    // The button that keeps has come to where the first one was.
    window.click("waiting-discard").await;
    window.click("waiting-spare").await;
    window.click("waiting-discard").await;
    window.click("waiting-discard-now").await;
    window.until("nothing to wait", 10, "return !document.querySelector('[data-testid=\"waiting-open\"]')").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_is_full_while_signing_exporting_importing_and_backing_up() {
    let Some(scene) = Scene::empty() else { return };
    let out = scene.path("out");
    let (Some(_data), Some(_out)) = (Disk::mount(&scene.data, 16), Disk::mount(&out, 16)) else {
        hilum_testkit::skipped("full disks under the window (mounting small ones needs root)");
        return;
    };
    scene.add_people(&[]).await;
    // The folder for backups is on the other disk, and none is made by itself meanwhile.
    let set = Settings { backup_folder: out.display().to_string(), backup_every_hours: 0, ..Settings::standard() };
    settings::keep(&scene.data, &set, None).await;
    let window = scene.reading(radiograph("NOROOM", "20240106").write_as(EXPLICIT_LE)).await;
    write(&window, "findings", "No pleural effusion or pneumothorax.").await;
    write(&window, "impression", "No acute disease.").await;
    saved(&window).await;

    signing(&window, &scene.data).await;
    exporting(&window, &out).await;
    let more = scene.folder("more", &[("image.dcm", radiograph("ROOMLESS", "20240107").write_as(EXPLICIT_LE))]);
    importing(&window, &scene.data, &more).await;
    backing_up(&window, &out).await;
    window.close().await;
}

/// Refused in its dialog, which stays; nothing is signed. Then signed there.
async fn signing(window: &Window, data: &Path) {
    let status = "document.querySelector('[data-testid=\"report\"]').dataset.status";
    window.says("needs-list", "Ready to sign", 20).await;
    window.click("sign-open").await;
    window.click("sign-patient").await;
    window.click("sign-accession").await;
    window.fill("sign-passphrase", PASSPHRASE).await;
    let filler = Filler::leaving(data, 0);
    let watch = Watch::begin(window, "[data-testid=\"sign-dialog\"] [role=\"alert\"]", FULL).await;
    window.click("sign-submit").await;
    watch.said(window, "signing", None).await;
    assert_eq!(window.text(&format!("return {status}")).await, "draft");
    drop(filler);
    // It is asked for at every try.
    let forgotten = "return document.querySelector('[data-testid=\"sign-passphrase\"]').value === ''";
    window.until("the passphrase to be forgotten", 10, forgotten).await;
    window.fill("sign-passphrase", PASSPHRASE).await;
    window.click("sign-submit").await;
    window.click("sign-close").await;
    window.until("the report to be final", 20, &format!("return {status} === 'final'")).await;
}

/// Refused without a file; then written.
async fn exporting(window: &Window, out: &Path) {
    let file = out.join("report.pdf");
    let filler = Filler::leaving(out, 0);
    let watch = Watch::begin(window, NOTICE, "The PDF could not be written there.").await;
    export_to(window, &file).await;
    watch.said(window, "export", Some(SystemTime::now())).await;
    drop(filler);
    assert_eq!(names(out), Vec::<String>::new(), "a partial export");
    export_to(window, &file).await;
    let written = format!(
        "return [...document.querySelectorAll({NOTICE:?})].some((n) => n.innerText.includes({:?}))",
        file.display().to_string()
    );
    window.until("the export", 60, &written).await;
    assert!(std::fs::read(&file).expect("the export").starts_with(b"%PDF-"));
}

async fn export_to(window: &Window, file: &Path) {
    window.until("no dialog", 20, "return !document.querySelector('dialog[open]')").await;
    window.click("export-menu").await;
    window.click("export-pdf").await;
    window.type_into_dialog("^Save ", &file.display().to_string());
}

/// Refused with a verdict that says why, and no study; then imported.
async fn importing(window: &Window, data: &Path, folder: &Path) {
    let rows = "document.querySelectorAll('[data-testid=\"worklist-row\"]').length";
    window.click("go-worklist").await;
    window.until("the study that is there", 20, &format!("return {rows} === 1")).await;
    let filler = Filler::leaving(data, 0);
    let watch = Watch::begin(window, "[data-testid=\"verdict\"][data-verdict=\"refused\"]", FULL).await;
    import_from(window, folder).await;
    watch.said(window, "import", Some(SystemTime::now())).await;
    drop(filler);
    window.click("verdicts-close").await;
    assert_eq!(window.number(&format!("return {rows}")).await, 1.0, "a partial import");
    import_from(window, folder).await;
    window.until("the study that was to be imported", 60, &format!("return {rows} === 2")).await;
}

async fn import_from(window: &Window, folder: &Path) {
    window.until("no dialog", 20, "return !document.querySelector('dialog[open]')").await;
    window.click("import-folder").await;
    window.type_into_dialog("Import a folder", &folder.display().to_string());
}

/// Refused, and nothing counts as a backup; then made.
async fn backing_up(window: &Window, out: &Path) {
    window.click("go-settings").await;
    let filler = Filler::leaving(out, 0);
    let watch = Watch::begin(window, NOTICE, "There is no room for the copy.").await;
    window.click("backup-start").await;
    watch.said(window, "backup", None).await;
    drop(filler);
    window.see("backup-failed", 10).await;
    assert!(hilum_store::backups(out).is_err(), "a partial backup");
    window.click("backup-start").await;
    window.see("backup-last", 60).await;
    assert_eq!(hilum_store::backups(out).expect("a backup").len(), 1);
}

/// What lies in a folder, by name.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").filter_map(Result::ok);
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Looks in the page itself, at each of its changes, whether it says certain words, and notes when it first did, and when a
/// person first pressed a key or a button. Asking from here would add what the asking takes.
struct Watch {
    machine: Lateness,
}

impl Watch {
    /// Begins to look in the elements of a selector.
    async fn begin(window: &Window, selector: &str, words: &str) -> Watch {
        let script = format!(
            "window.hilumWatch?.end();
            const over = new AbortController();
            const watch = {{ began: null, told: null, unsaved: false, saved: false }};
            const look = () => {{
                if ([...document.querySelectorAll({selector:?})].some((e) => e.innerText.includes({words:?}))) watch.told ??= Date.now();
                const state = document.querySelector('[data-testid=\"save-state\"]')?.dataset.state;
                if (state !== 'saved') watch.unsaved = true;
                else if (watch.unsaved) watch.saved = true;
            }};
            look();
            const changes = new MutationObserver(look);
            changes.observe(document.body, {{ subtree: true, childList: true, characterData: true, attributes: true }});
            for (const kind of ['keydown', 'click'])
                document.addEventListener(kind, () => {{ watch.began ??= Date.now(); }}, {{ capture: true, signal: over.signal }});
            watch.end = () => {{ changes.disconnect(); over.abort(); }};
            window.hilumWatch = watch;
            return ''"
        );
        window.text(&script).await;
        let told = window.number("return window.hilumWatch.told ?? -1").await;
        assert!(told < 0.0, "{words:?} is said before anything was done");
        Watch { machine: Lateness::begin() }
    }

    /// Waits until the words are there, and holds the time against what is promised: since a person answered a dialog of the
    /// desktop, or since their first key or button in the page.
    async fn said(&self, window: &Window, what: &str, answered: Option<SystemTime>) {
        window
            .until(&format!("{what} on a full disk to be refused"), 30, "return window.hilumWatch.told !== null")
            .await;
        let took = match answered {
            None => self.took(window).await.expect("the words"),
            Some(at) => {
                let told = window.number("return window.hilumWatch.told").await;
                let since = at.duration_since(SystemTime::UNIX_EPOCH).expect("a clock");
                Duration::from_millis(told as u64).saturating_sub(since)
            }
        };
        self.in_time(what, took);
        // What stands at the foot of the window may lie over the next button.
        let dismiss =
            "document.querySelectorAll('[data-testid=\"notice\"] button').forEach((b) => b.click()); return ''";
        window.text(dismiss).await;
    }

    /// From the first key or button to the words; `None` while they are not there.
    async fn took(&self, window: &Window) -> Option<Duration> {
        let script = "const w = window.hilumWatch; return w.told === null ? -1 : w.told - w.began";
        let took = window.number(script).await;
        (took >= 0.0).then(|| Duration::from_millis(took as u64))
    }

    fn in_time(&self, what: &str, took: Duration) {
        told_in_time(what, took, self.machine.so_far());
        println!("{what} on a full disk: the window said so after {:.2} s (2 s are promised)", took.as_secs_f64());
    }
}
