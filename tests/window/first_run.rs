//! From first run to a signed document on disk, and what is readable of it afterwards: nothing.

use crate::browser::Window;
use crate::common;
use crate::scene::{ALT, CONTROL, DOWN, ENTER, NAME, PASSPHRASE, SHIFT, Scene, accessible, lock, remember, replaced};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Where pictures of the screens go; the README shows one of them.
fn pictures() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("HILUM_SCREENSHOTS")?);
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn from_unlock_to_a_signed_document_on_disk() {
    let Some(scene) = Scene::empty() else { return };
    let (data, home) = (scene.data.clone(), scene.home().to_owned());
    let study = common::radiographs().pop().expect("a radiograph");
    let saved = scene.path("signed report.pdf");
    let arguments = ["--data".to_owned(), data.display().to_string(), study.display().to_string()];
    let window = Window::open(&arguments, (1920, 1080), &home).await;
    let shoot = |name: &str| {
        if let Some(folder) = pictures() {
            window.picture(&folder.join(format!("{name}.png")));
        }
    };

    // First run. A picture waits for the paint that follows the first screen's being ready.
    tokio::time::sleep(std::time::Duration::from_millis(800)).await;
    shoot("first-run");
    accessible(&window, "first-run").await;
    window.fill("first-run-name", NAME).await;
    window.fill("first-run-passphrase", PASSPHRASE).await;
    window.fill("first-run-passphrase-again", PASSPHRASE).await;
    window.click("first-run-create").await;
    window.see("recovery-key", 30).await;
    shoot("recovery-key");
    accessible(&window, "recovery-key").await;
    left_and_gone_on_with(&window).await;
    window.click("recovery-written").await;
    window.click("recovery-done").await;
    window.says("signing-key-name", NAME, 20).await;
    shoot("signing-key");
    accessible(&window, "signing-key").await;
    window.click("first-run-key").await;
    window.says("first-run-models", "demonstration", 30).await;
    let begins = "return document.querySelector('[data-testid=\"first-run-begin\"]').disabled";
    window.until("reading what it is for to be waited for", 10, begins).await;
    window.click("first-run-understood").await;
    shoot("first-run-models");
    accessible(&window, "first-run-models").await;
    window.click("first-run-begin").await;

    // The study given at start opens by itself.
    window
        .until(
            "first painted image",
            60,
            "return document.querySelector('[data-testid=\"viewer\"]')?.dataset.ready === 'true'",
        )
        .await;
    let first_frame =
        window.number("return Number(document.querySelector('[data-testid=\"viewer\"]').dataset.firstFrameMs)").await;
    println!("first frame after {first_frame:.0} ms");
    window.see("demo-mark", 60).await;
    window.until("support", 120, "return /[+\\u2212-][0-9][.][0-9][0-9]/.test(document.querySelector('[data-testid=\"report\"]')?.innerText ?? '')").await;
    shoot("reading-room");
    accessible(&window, "reading-room").await;

    // A person types while the draft streams in.
    window.begin_sentence("indication").await;
    for key in "Cough and fever.".chars() {
        window.press(key).await;
    }
    window.click("draft-start").await;
    window
        .until(
            "proposed sentences",
            180,
            "return document.querySelectorAll('[data-testid=\"proposed-sentence\"]').length > 0",
        )
        .await;
    shoot("draft");
    accessible(&window, "draft").await;
    let typed = window.text("return document.querySelector('[data-testid=\"section-indication\"]').innerText").await;
    assert!(typed.contains("Cough and fever."), "what was typed is there: {typed}");
    let disabled = "return document.querySelector('[data-testid=\"sign-open\"]').disabled";
    window.until("signing to be refused", 10, disabled).await;

    // Review by keyboard alone: next proposed sentence, accept.
    let remaining = "return document.querySelectorAll('[data-testid=\"proposed-sentence\"]').length";
    let until = Instant::now() + std::time::Duration::from_secs(90);
    while window.number(remaining).await > 0.0 {
        assert!(Instant::now() < until, "the review by keyboard does not end");
        window.chord(ALT, DOWN).await;
        window.press(ENTER).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    // The demonstration model may have left a required section empty.
    for section in ["findings", "impression"] {
        let text = format!(
            "return document.querySelector('[data-testid=\"section-{section}\"] [data-sentence][data-empty=\"false\"]') !== null"
        );
        if window.client().execute(&text, vec![]).await.expect("a script") != serde_json::json!(true) {
            window.begin_sentence(section).await;
            for key in "Reviewed by a person.".chars() {
                window.press(key).await;
            }
        }
    }
    shoot("reviewed");

    window
        .until("signing to be possible", 30, "return !document.querySelector('[data-testid=\"sign-open\"]').disabled")
        .await;
    window.click("sign-open").await;
    window.see("sign-passphrase", 20).await;
    window.click("sign-patient").await;
    window.click("sign-accession").await;
    window.fill("sign-passphrase", PASSPHRASE).await;
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    shoot("sign");
    accessible(&window, "sign").await;
    window.click("sign-submit").await;
    window
        .until(
            "the signed document",
            60,
            "return document.querySelectorAll('[data-testid=\"signed-pdf\"] canvas').length > 0",
        )
        .await;
    // Software rendering paints the page a moment after it was drawn.
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    shoot("signed");
    accessible(&window, "signed").await;

    window.click("save-pdf").await;
    window.type_into_dialog("^Save ", &saved.display().to_string());
    window.see("saved-as", 30).await;
    assert!(saved.is_file(), "the document is on disk");
    window.click("sign-close").await;
    window
        .until(
            "the report to be final",
            20,
            "return document.querySelector('[data-testid=\"report\"]').dataset.status === 'final'",
        )
        .await;
    shoot("final");
    for screen in ["worklist", "models", "calibration", "audit", "settings", "help"] {
        window.click(&format!("go-{screen}")).await;
        tokio::time::sleep(std::time::Duration::from_millis(800)).await;
        shoot(screen);
        accessible(&window, screen).await;
        // The other theme, and back.
        window.chord_of(&[CONTROL, SHIFT], 'T').await;
        accessible(&window, &format!("{screen}, light")).await;
        window.chord_of(&[CONTROL, SHIFT], 'T').await;
    }
    lock_and_unlock(&window).await;
    window.close().await;

    accepted(&data, &saved);
    for folder in [&data, &home] {
        nothing_readable(folder, &["Cough and fever", "Reviewed by a person", "CompressedSamples", "SYNTHETIC"]);
    }
}

/// A first run in which nobody is there is locked, its key goes with the page, and whoever comes back may have another.
async fn left_and_gone_on_with(window: &Window) {
    let key = "return document.querySelector('[data-testid=\"recovery-key\"]')?.textContent ?? ''";
    let first = window.text(key).await;
    assert!(first.len() > 20, "{first}");
    remember(window).await;
    // A moment later, so that the driver has answered before the page goes.
    window.text("setTimeout(() => __TAURI_INTERNALS__.invoke('lock'), 50); return ''").await;
    replaced(window).await;
    window.see("unlock-passphrase", 20).await;
    window.fill("unlock-passphrase", PASSPHRASE).await;
    window.click("unlock-submit").await;
    window.see("first-run-renew", 30).await;
    assert_eq!(window.text(key).await, "", "it is shown once");
    accessible(window, "recovery-key-again").await;
    window.fill("first-run-renew-passphrase", PASSPHRASE).await;
    window.click("first-run-renew").await;
    window.see("recovery-key", 30).await;
    assert_ne!(window.text(key).await, first, "another key");
}

/// Locked, the window shows nothing of a patient; a wrong passphrase leaves it so.
async fn lock_and_unlock(window: &Window) {
    window.click("go-worklist").await;
    window.see("worklist-row", 20).await;
    let row = window.text("return document.querySelector('[data-testid=\"worklist-row\"]').innerText").await;
    let first_words = row.split('\n').map(str::trim).find(|l| l.len() > 3).expect("a line").to_owned();
    lock(window).await;
    window.see("unlock-passphrase", 20).await;
    let shown = window.text("return document.documentElement.outerHTML").await;
    assert!(!shown.contains(&first_words), "the locked window shows {first_words:?}");
    assert!(!shown.contains("Reviewed by a person") && !shown.contains("worklist-row"));
    window.fill("unlock-passphrase", "not the passphrase").await;
    window.click("unlock-submit").await;
    let refused = "return document.querySelector('[role=\"alert\"]')?.dataset.code === 'vault.locked'";
    window.until("the refusal", 20, refused).await;
    window.fill("unlock-passphrase", PASSPHRASE).await;
    window.click("unlock-submit").await;
    window.see("worklist-row", 20).await;
    let again = window.text("return document.querySelector('[data-testid=\"worklist-row\"]').innerText").await;
    assert!(again.contains(&first_words), "{again}");
}

/// No file below the folder holds any of the words, in UTF-8 or UTF-16.
fn nothing_readable(folder: &Path, words: &[&str]) {
    let needles: Vec<Vec<u8>> = words
        .iter()
        .flat_map(|w| [w.as_bytes().to_vec(), w.encode_utf16().flat_map(u16::to_le_bytes).collect()])
        .collect();
    let mut folders = vec![folder.to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(kind) if kind.is_file() => {
                    files += 1;
                    let bytes = std::fs::read(&path).unwrap_or_default();
                    for needle in &needles {
                        assert!(
                            !bytes.windows(needle.len()).any(|w| w == needle),
                            "readable text in {}",
                            path.display()
                        );
                    }
                }
                _ => {}
            }
        }
    }
    println!("{files} files below {} hold nothing readable", folder.display());
}

/// The document is accepted by pyHanko, by pdfsig and by Hilum's own verifier.
pub fn accepted(data: &Path, pdf: &Path) {
    let certificates = hilum_store::certificates(data).expect("the vault is readable");
    let der = &certificates.first().expect("a certificate").der;
    let trust = pdf.with_extension("der");
    std::fs::write(&trust, der).expect("a certificate");
    assert_ne!(common::pyhanko_accepts(pdf, &trust), Some(false));
    let bytes = std::fs::read(pdf).expect("the document");
    let own = hilum_export::verify::verify(&bytes, std::slice::from_ref(der));
    assert!(own.is_ok(), "{own:?}");
}
