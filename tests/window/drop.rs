//! Files dragged from another program and let go over the window are imported.

use crate::scene::*;
use hilum_testkit::dicom::EXPLICIT_LE;
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn files_dropped_on_the_window() {
    let Some(scene) = Scene::with_user().await else { return };
    let Some(source) = drag_source(&scene) else { return };
    let folder = scene.folder("dragged", &[("image.dcm", radiograph("DROPPED", "20240105").write_as(EXPLICIT_LE))]);
    let window = scene.open(None).await;
    window.see("worklist", 20).await;

    // A small window of another program lies over ours; its files are dragged beside it.
    let mut other = Command::new(source)
        .arg(format!("file://{}", folder.display()))
        .env("DISPLAY", &window.display)
        .env("GDK_BACKEND", "x11")
        .spawn()
        .expect("the other program");
    let point = |arguments: &[&str]| {
        let done = Command::new("xdotool").args(arguments).env("DISPLAY", &window.display).status();
        assert!(done.is_ok_and(|d| d.success()), "xdotool {arguments:?}");
    };
    pause(1500).await;
    point(&["mousemove", "60", "40"]);
    point(&["mousedown", "1"]);
    for step in 1..12 {
        point(&["mousemove", &format!("{}", 60 + step * 40), &format!("{}", 40 + step * 30)]);
        pause(60).await;
    }
    let over = "return !!document.querySelector('[data-testid=\"drop-zone\"]')";
    window.until("the window to say that files can be dropped", 10, over).await;
    point(&["mouseup", "1"]);
    window.see("worklist-row", 60).await;
    window.until("the sign to go", 10, "return !document.querySelector('[data-testid=\"drop-zone\"]')").await;
    let row = window.words("worklist-row").await;
    assert!(row.contains("DROPPED"), "{row}");
    let _ = other.kill();
    let _ = other.wait();
    window.close().await;
}

/// The other program, compiled; `None`, with the reason printed, where GTK's headers are not there.
fn drag_source(scene: &Scene) -> Option<std::path::PathBuf> {
    let flags = printed("pkg-config", &["--cflags", "--libs", "gtk+-3.0"])?;
    let program = scene.path("drag-source");
    let done = Command::new("cc")
        .args(["-w", "-o"])
        .arg(&program)
        .arg(crate::common::root().join("tests/window/drag_source.c"))
        .args(flags.split_whitespace())
        .status();
    if !done.is_ok_and(|d| d.success()) {
        hilum_testkit::skipped("no C compiler, or no GTK 3 to compile the drag source with");
        return None;
    }
    Some(program)
}
