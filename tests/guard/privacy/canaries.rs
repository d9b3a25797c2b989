//! Twenty-one texts and bytes that must never stand readable on a disk are planted through the real window, and
//! looked for in everything that it writes: the data folder, the web view's own folders, temporary files,
//! backups, the programs' output, open files that have no name any more, and what is new in the folders in which everybody
//! writes. While it is written, drafted, previewed, signed
//! and exported, after a kill, locked, and closed.

use crate::browser::Window;
use crate::desk::{NAME, PASSPHRASE, hilumctl, ran};
use crate::guard::full;
use crate::page::invoke;
use crate::scene::*;
use crate::search::{Secret, Since, everybodys, in_files, in_open_files};
use crate::vault_reader::keys;
use hilum_testkit::dicom::{self, EXPLICIT_LE};
use std::cell::{Cell, RefCell};
use std::path::Path;
use std::process::Command;

/// Made of parts, so that this program does not hold it whole, and with the number of this process in letters, so that no
/// other one's files can have it. As long as an accession number may be.
fn canary(n: usize) -> String {
    let process = std::process::id();
    let letters: String = (0..5).map(|at| char::from(b'a' + (process / 26u32.pow(at) % 26) as u8)).collect();
    format!("{}{n:02}{letters}{}", "Ka", "envogel")
}

/// What any other test may write as well.
const NOT_OF_THIS_RUN: [&str; 3] = ["passphrase", "pixels", "a document, previewed or signed"];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_readable_on_disk() {
    let Some(scene) = Scene::with_user().await else { return };
    let known = keys(&scene.data, NAME, PASSPHRASE);
    let recovery = renewed_recovery_key(&scene.data);
    let mut secrets: Vec<Secret> = (1..=13).map(|n| Secret::text(NAMES[n - 1], &canary(n))).collect();
    secrets.extend([
        Secret::text("passphrase", PASSPHRASE),
        Secret::text("a wrong passphrase", &canary(14)),
        Secret::text("recovery key", &recovery),
        Secret::text("recovery key without dashes", &recovery.replace('-', "")),
        Secret::bytes("database key", &known.database),
        Secret::bytes("the passphrase's key", &known.user),
        Secret::bytes("pixels", &pixels_of_the_corner()),
        // Words are compressed in a document, what it says of itself is not.
        Secret::text("a document, previewed or signed", "/HilumAuditHead"),
    ]);
    assert_eq!(secrets.len(), 21);
    let of_this_run: Vec<Secret> =
        secrets.iter().filter(|secret| !NOT_OF_THIS_RUN.contains(&&secret.name[..])).cloned().collect();
    assert_eq!(of_this_run.len(), 18);
    let everywhere = RefCell::new(Since::now(everybodys(), &scene.path("")));

    let given = scene.folder("given", &[("image.dcm", study())]);
    let backups = scene.path("backups");
    std::fs::create_dir(&backups).expect("a folder");
    // What a person exports goes where they say, and is theirs to keep.
    let exported = scene.folder("exported", &[]);
    let places: Vec<std::path::PathBuf> = vec![scene.data.clone(), scene.home().to_owned(), backups.clone()];
    let moments = Cell::new(0);
    let look = |moment: &str, window: Option<&Window>| {
        moments.set(moments.get() + 1);
        let folders: Vec<&Path> = places.iter().map(|p| p.as_path()).collect();
        let (found, files) = in_files(&folders, &secrets);
        assert!(found.is_empty(), "{moment}: {found:?}");
        let (found, new, long) = everywhere.borrow_mut().find(&of_this_run);
        assert!(found.is_empty(), "{moment}, in a folder of everybody's: {found:?}");
        let mut processes = 0;
        for name in ["hilum", "hilumctl", "hilum-decode", "WebKitWebProcess", "WebKitNetworkProcess"] {
            if let Some(process) = window.and_then(|w| w.find_process(name, "")) {
                processes += 1;
                // The study as it was given lies open where the person keeps it.
                let open: Vec<_> =
                    in_open_files(process, &secrets).into_iter().filter(|(_, f)| !f.contains("/given/")).collect();
                assert!(open.is_empty(), "{moment}: {name} holds open {open:?}");
            }
        }
        println!(
            "{moment}: {files} files and {processes} processes' open files hold none of {} secrets; {new} new ones in folders of everybody's none of {} ({long} too long to read)",
            secrets.len(),
            of_this_run.len()
        );
    };

    let window = scene.locked(Some(&given)).await;
    window.fill("unlock-passphrase", &canary(14)).await;
    window.click("unlock-submit").await;
    let refused = "return document.querySelector('[role=\"alert\"]')?.dataset.code === 'vault.locked'";
    window.until("the refusal", 20, refused).await;
    window.fill("unlock-passphrase", PASSPHRASE).await;
    window.click("unlock-submit").await;
    window.see("lock", 60).await;
    image_shown(&window).await;
    write(&window, "indication", &canary(8)).await;
    write(&window, "findings", &canary(9)).await;
    write(&window, "impression", &canary(10)).await;
    saved(&window).await;
    look("while it is written", Some(&window));
    draft(&window).await;
    look("after a draft", Some(&window));
    review(&window).await;
    window.click("preview-pdf").await;
    drawn(&window, "preview-pages").await;
    look("with a preview as a PDF", Some(&window));
    window.press(ESCAPE).await;
    window.until("the preview to be gone", 20, NO_DIALOG).await;
    window.click("sign-open").await;
    window.click("sign-patient").await;
    window.click("sign-accession").await;
    window.fill("sign-passphrase", PASSPHRASE).await;
    window.click("sign-submit").await;
    drawn(&window, "signed-pdf").await;
    look("signed, with the document on the screen", Some(&window));
    window.click("sign-close").await;
    export(&window, &exported).await;
    look("exported", Some(&window));
    own_things(&window).await;
    look("after a search, settings and a macro", Some(&window));
    // What a kill leaves lies there as it is.
    let process = window.process_of("hilum");
    // SAFETY: a signal to a process that this test started.
    unsafe { libc::kill(process, libc::SIGKILL) };
    pause(500).await;
    look("after a kill", None);
    window.close().await;

    // A backup, by the command that works on the same folder, and one through the restored session.
    let mut command = Command::new(hilumctl());
    command.arg("--data").arg(&scene.data).arg("backup").arg(&backups).env("HILUM_PASSPHRASE", PASSPHRASE);
    let backup = ran(&mut command);
    assert!(backup.status.success(), "{}", String::from_utf8_lossy(&backup.stderr));
    for (stream, bytes) in [("output", &backup.stdout), ("errors", &backup.stderr)] {
        let said: Vec<_> = secrets.iter().filter(|s| s.times_in(bytes) > 0).map(|s| &s.name).collect();
        assert!(said.is_empty(), "hilumctl's {stream}: {said:?}");
    }
    let window = scene.locked(None).await;
    window.fill("unlock-passphrase", PASSPHRASE).await;
    window.click("unlock-submit").await;
    window.see("worklist-row", 60).await;
    lock(&window).await;
    window.see("unlock-passphrase", 20).await;
    look("locked, with a backup", Some(&window));
    window.close().await;
    look("closed", None);

    println!("{} moments, nothing readable at any of them", moments.get());

    // The search can fail: it finds what was exported, and what is planted in the open, in a file and in a name.
    let (found, _) = in_files(&[exported.as_path()], &secrets);
    for secret in ["patient's name", "a document, previewed or signed"] {
        assert!(found.iter().any(|(name, _)| name == secret), "{secret}: {found:?}");
    }
    std::fs::write(scene.home().join("planted"), canary(3)).expect("a file");
    std::fs::write(scene.home().join(format!("{}.txt", canary(4))), "x").expect("a file");
    let folders: Vec<&Path> = places.iter().map(|p| p.as_path()).collect();
    assert_eq!(in_files(&folders, &secrets).0.len(), 2);
    let planted = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(planted.path(), canary(5)).expect("written");
    let found = everywhere.borrow_mut().find(&of_this_run).0;
    assert_eq!(found, [("referring physician".to_owned(), planted.path().to_owned())]);
}

const NAMES: [&str; 13] = [
    "patient's name",
    "patient id",
    "accession number",
    "study description",
    "referring physician",
    "institution",
    "series description",
    "typed indication",
    "typed findings",
    "typed impression",
    "search",
    "letterhead",
    "macro",
];

/// While no dialog is open.
const NO_DIALOG: &str = "return !document.querySelector('dialog[open]')";

/// Accepts every proposed sentence with the keyboard.
async fn review(window: &Window) {
    for _ in 0..200 {
        if window.number(&format!("return {PROPOSED}")).await == 0.0 {
            return;
        }
        window.chord(ALT, DOWN).await;
        window.press(ENTER).await;
        pause(200).await;
    }
    panic!("the review does not end");
}

/// Waits until the pages of a document are drawn.
async fn drawn(window: &Window, pages: &str) {
    let script = format!("return Number(document.querySelector('[data-testid=\"{pages}\"]')?.dataset.pages) > 0");
    window.until(pages, 60, &script).await;
}

/// The signed version, as the person saves it.
async fn export(window: &Window, folder: &Path) {
    let forms: &[&str] = if full() { &["pdf", "sr", "encapsulated", "fhir", "hl7"] } else { &["pdf", "fhir"] };
    for form in forms {
        window.until("no dialog", 20, NO_DIALOG).await;
        window.click("export-menu").await;
        window.click(&format!("export-{form}")).await;
        let file = folder.join(format!("signed-{form}"));
        let extension = match *form {
            "pdf" => "pdf",
            "fhir" => "json",
            "hl7" => "hl7",
            _ => "dcm",
        };
        let file = file.with_extension(extension).display().to_string();
        window.type_into_dialog("^Save ", &file);
        let said = format!(
            "return [...document.querySelectorAll('[data-testid=\"notice\"]')].some((n) => n.innerText.includes({file:?}))"
        );
        window.until(form, 60, &said).await;
    }
}

/// Types into every other place that keeps words.
async fn own_things(window: &Window) {
    window.click("go-worklist").await;
    window.see("worklist-row", 20).await;
    window.fill("worklist-search", &canary(11)).await;
    pause(700).await;
    let settings = invoke(window, "settings", serde_json::json!({})).await;
    let mut changed = settings.clone();
    changed["institution"] = canary(12).into();
    invoke(window, "set_settings", serde_json::json!({ "settings": changed })).await;
    let one = serde_json::json!({ "name": "guard", "sections": ["findings"], "text": canary(13) });
    invoke(window, "macro_put", serde_json::json!({ "one": one, "instead": null })).await;
}

/// A new recovery key, as `hilumctl` prints it; the old one was made without being looked at.
fn renewed_recovery_key(data: &Path) -> String {
    let mut command = Command::new(hilumctl());
    command.args(["--json", "--data"]).arg(data).args(["user", "recovery", NAME]).env("HILUM_PASSPHRASE", PASSPHRASE);
    let output = ran(&mut command);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    said["recovery_key"].as_str().expect("a key").to_owned()
}

fn study() -> Vec<u8> {
    radiograph("CANARY", "20240105")
        .text(dicom::PATIENT_NAME, b"PN", &canary(1))
        .text(dicom::PATIENT_ID, b"LO", &canary(2))
        .text(dicom::ACCESSION_NUMBER, b"SH", &canary(3))
        .text(0x0008_1030, b"LO", &canary(4))
        .text(0x0008_0090, b"PN", &canary(5))
        .text(0x0008_0080, b"LO", &canary(6))
        .text(0x0008_103E, b"LO", &canary(7))
        .write_as(EXPLICIT_LE)
}

/// The first row's values, as the file and every decoded copy of it hold them.
fn pixels_of_the_corner() -> Vec<u8> {
    let file = study();
    let values = &file[file.len() - 480 * 400 * 2..];
    values[..64].to_vec()
}
