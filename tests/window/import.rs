//! A folder with good and bad files, through the system's own dialog: every file has a verdict
//! in words, and an import is taken back.

use crate::scene::{self, Scene, radiograph};
use hilum_testkit::dicom::EXPLICIT_LE;
use std::path::Path;

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_with_bad_files() {
    let Some(scene) = Scene::with_user().await else { return };
    let good = radiograph("IMPORTED", "20240105").write_as(EXPLICIT_LE);
    let half = good[..good.len() / 2].to_vec();
    let mut files: Vec<(&str, Vec<u8>)> = vec![
        ("good.dcm", good),
        ("half.dcm", half),
        ("empty.dcm", Vec::new()),
        ("notes.txt", b"not an image at all\n".to_vec()),
        ("noise.dcm", (0..4000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()),
    ];
    let real = real_bad_files();
    files.extend(real.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())));
    let folder = scene.folder("disc", &files);

    let window = scene.open(None).await;
    window.click("import-folder").await;
    window.type_into_dialog("Import a folder", &folder.display().to_string());
    window.see("worklist-row", 60).await;
    window.until("the import to end", 120, "return document.body.innerText.includes('Import finished') || !!document.querySelector('[data-testid=\"import-progress\"][data-running=\"false\"]')").await;
    open_verdicts(&window).await;
    // Enter closes the verdicts; it does not take the import back.
    let close = "return document.activeElement?.dataset.testid === 'verdicts-close'";
    window.until("the focus on what only closes", 5, close).await;
    scene::accessible(&window, "verdicts").await;

    let list = "return JSON.stringify([...document.querySelectorAll('[data-testid=\"verdict\"]')]
        .map((v) => [v.querySelector('.mono').innerText, v.dataset.verdict, v.querySelector('p')?.innerText ?? '']))";
    let verdicts: Vec<(String, String, String)> = serde_json::from_str(&window.text(list).await).expect("verdicts");
    for (name, verdict, why) in &verdicts {
        println!("{name}: {verdict} {why}");
        // A reason is a sentence, not a code.
        assert!(verdict != "refused" || (why.contains(' ') && why.len() > 12), "{name}: {why:?}");
    }
    let of = |file: &str| verdicts.iter().find(|(name, ..)| Path::new(name).ends_with(file)).map(|v| v.1.as_str());
    assert_eq!(verdicts.len(), files.len(), "every file has a verdict");
    assert_eq!(of("good.dcm"), Some("imported"));
    for bad in ["half.dcm", "empty.dcm", "notes.txt", "noise.dcm"] {
        assert_eq!(of(bad), Some("refused"), "{bad}");
    }

    let before = rows(&window).await;
    assert!(before >= 1);
    window.click("undo-import").await;
    window
        .until("the import to be taken back", 30, "return !document.querySelector('[data-testid=\"worklist-row\"]')")
        .await;
    window.close().await;
}

/// Files that others found to be bad; none, with the reason printed, where they are not there.
fn real_bad_files() -> Vec<(String, Vec<u8>)> {
    let Some(folder) = scene::shared("dicom/malformed") else { return Vec::new() };
    let files = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let mut files: Vec<_> = files.filter(|path| path.is_file()).collect();
    files.sort();
    files
        .iter()
        .map(|path| {
            (path.file_name().expect("a name").to_string_lossy().into_owned(), std::fs::read(path).expect("a file"))
        })
        .collect()
}

async fn open_verdicts(window: &crate::browser::Window) {
    let shown = "if (document.querySelector('[data-testid=\"verdict\"]')) return true;
        document.querySelector('[data-testid=\"import-progress\"]')?.click(); return false";
    window.until("the verdicts", 20, shown).await;
}

async fn rows(window: &crate::browser::Window) -> usize {
    window.number("return document.querySelectorAll('[data-testid=\"worklist-row\"]').length").await as usize
}
