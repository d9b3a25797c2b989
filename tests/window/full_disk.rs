//! The disk of the data folder becomes full while somebody types: the window says so, keeps the words, and saves them
//! when there is room again.

use crate::scene::*;
use hilum_testkit::dicom::EXPLICIT_LE;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_is_full_while_typing() {
    let Some(scene) = Scene::empty() else { return };
    let Some(_disk) = Disk::mount(&scene.data) else {
        println!("skipped: a full disk under the window (mounting a small one needs root)");
        return;
    };
    scene.add_people(&[]).await;
    let window = scene.reading(radiograph("FULLDISK", "20240106").write_as(EXPLICIT_LE)).await;
    window.begin_sentence("findings").await;
    // Each change writes the sentence anew, so that a long one soon needs room.
    window.text("document.execCommand('insertText', false, 'Long words ' + 'and more '.repeat(2500)); return ''").await;
    saved(&window).await;

    let filler = scene.data.join("filler");
    let mut file = std::fs::File::create(&filler).expect("the filler");
    while file.write_all(&[7; 512]).is_ok() {}
    drop(file);
    let state = "return document.querySelector('[data-testid=\"save-state\"]')?.dataset.state ?? ''";
    let told = "return String([...document.querySelectorAll('[data-testid=\"notice\"]')].some((e) => e.innerText.includes('disk of the data folder is full')))";
    let (mut typed, mut took) = (String::new(), None);
    while took.is_none() && typed.len() < 80 {
        let letter = char::from(b'a' + (typed.len() % 26) as u8);
        let began = Instant::now();
        window.keys(&letter.to_string()).await;
        typed.push(letter);
        while began.elapsed() < Duration::from_secs(10) {
            if window.text(told).await == "true" {
                took = Some(began.elapsed());
                break;
            }
            if window.text(state).await == "saved" && began.elapsed() > Duration::from_millis(600) {
                break;
            }
        }
    }
    let took = took.expect("the window never said that the disk is full");
    assert_eq!(window.text(state).await, "not_saved");
    window.keys(" and on").await;
    assert!(section(&window, "findings").await.contains(&format!("{typed} and on")), "what was typed stays on the screen");

    std::fs::remove_file(&filler).expect("room");
    saved(&window).await;
    window.click("go-worklist").await;
    open_study(&window, "FULLDISK").await;
    window.says("section-findings", &format!("{typed} and on"), 20).await;
    window.close().await;
    println!("a full disk was said {:.2} s after the key whose saving failed (2 s are promised)", took.as_secs_f64());
}

/// A small disk, given back when dropped.
struct Disk(std::path::PathBuf);

impl Disk {
    fn mount(at: &Path) -> Option<Disk> {
        std::fs::create_dir_all(at).expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"]).arg(at).stdout(Stdio::null()).stderr(Stdio::null());
        mount.status().is_ok_and(|s| s.success()).then(|| Disk(at.to_owned()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
