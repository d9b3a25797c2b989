//! The audit chain on its screen: found by words and by day, checked, and written to a file.

use crate::scene::*;
use hilum_testkit::dicom::EXPLICIT_LE;

#[tokio::test(flavor = "multi_thread")]
async fn found_checked_and_exported() {
    let Some(scene) = Scene::with_user().await else { return };
    let saved = scene.path("trail.csv");
    let window = scene.reading(radiograph("AUDITED", "20240105").write_as(EXPLICIT_LE)).await;
    window.click("go-worklist").await;
    // In the room the header has no room for its screens.
    window.chord(CONTROL, '3').await;
    let actions = "return [...document.querySelectorAll('[data-testid=\"audit-line\"]')].map((l) => l.children[3].innerText).join(' ')";
    window.see("audit-line", 20).await;
    let all = window.text(actions).await;
    for action in ["vault.unlock", "instance.import", "study.read", "image.read", "report.read", "audit.read"] {
        assert!(all.contains(action), "{action} in {all}");
    }
    accessible(&window, "audit").await;
    window.fill("audit-words", "image.").await;
    window
        .until("the lines of images", 20, &format!("{actions}.split(' ').every((a) => a.startsWith('image.'))"))
        .await;
    assert!(!window.text(actions).await.is_empty());
    window.click("audit-export").await;
    window.type_into_dialog("^Save ", &saved.display().to_string());
    window.see("audit-written", 30).await;
    let file = std::fs::read_to_string(&saved).expect("the file");
    let lines: Vec<&str> = file.lines().skip(1).collect();
    assert!(file.starts_with("number,time (UTC),who,action,object,detail,hash") && !lines.is_empty(), "{file}");
    assert!(lines.iter().all(|line| line.contains("\"image.")), "{file}");
    window.click("audit-verify").await;
    window.see("audit-ok", 20).await;
    // A day on which nothing was done.
    window.click("audit-clear").await;
    window.choose("audit-to", "2020-01-01").await;
    window.until("no line", 20, "return document.querySelectorAll('[data-testid=\"audit-line\"]').length === 0").await;
    window.click("audit-clear").await;
    window.see("audit-line", 20).await;
    window.close().await;
}
