//! What must be refused before anything is touched: a folder that cannot be written, one of a newer
//! version, one that another process holds.

use crate::check::Acknowledged;
use crate::child::{End, Running};
use crate::desk::{NAME, PASSPHRASE, Place};
use crate::lateness::{Lateness, told_in_time};
use crate::power::layer;
use crate::work::{folder, say};
use hilum_app::commands::session;
use hilum_app::{App, StartOptions};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

pub fn run(runtime: &Runtime) {
    runtime.block_on(newer_version());
    runtime.block_on(read_only());
    turned_read_only(runtime);
    two_at_once(runtime);
}

/// The code with which the app refuses to unlock the folder, or "ok".
async fn unlocking(data: &Path) -> String {
    let app = Arc::new(App::new(StartOptions { data: data.to_owned(), open: None }, Arc::new(crate::desk::Desk::default())));
    let unlocked = session::unlock(&app, NAME.into(), PASSPHRASE.into()).await;
    app.close().await;
    unlocked.map_or_else(|e| e.code, |_| "ok".to_owned())
}

/// A vault of a format that this version does not know; `store/src/tests/migrations.rs` shows the
/// same of a database with a newer schema, which needs the key to make.
async fn newer_version() {
    let temp = tempfile::tempdir().expect("a folder");
    let place = Place::of(temp.path());
    place.make_user().await;
    let vault = place.data.join("vault.json");
    let text = std::fs::read_to_string(&vault).expect("the vault");
    std::fs::write(&vault, text.replacen("\"format\": 1", "\"format\": 2", 1)).expect("a newer vault");
    let before = bytes_below(&place.data);
    assert_eq!(unlocking(&place.data).await, "data.newer_version");
    assert!(bytes_below(&place.data) == before, "a newer version's folder was touched");
    std::fs::write(&vault, text).expect("the vault");
    assert_eq!(unlocking(&place.data).await, "ok");
}

async fn read_only() {
    let temp = tempfile::tempdir().expect("a folder");
    let place = Place::of(temp.path());
    place.make_user().await;
    let view = temp.path().join("read-only");
    std::fs::create_dir(&view).expect("a folder");
    let mount = |arguments: &[&str]| {
        let mut mount = Command::new("mount");
        mount.args(arguments).arg(&view).stdout(Stdio::null()).stderr(Stdio::null());
        mount.status().is_ok_and(|s| s.success())
    };
    let data = place.data.display().to_string();
    if !mount(&["--bind", &data]) || !mount(&["-o", "remount,bind,ro"]) {
        hilum_testkit::skipped("a read-only folder (mounting one needs root)");
        return;
    }
    let before = bytes_below(&place.data);
    let code = unlocking(&view).await;
    let unmounted = Command::new("umount").arg("-l").arg(&view).status();
    assert_eq!(code, "data.read_only");
    assert!(unmounted.is_ok_and(|s| s.success()));
    assert!(bytes_below(&place.data) == before, "a read-only folder was changed");
    assert_eq!(unlocking(&place.data).await, "ok");
}

/// The disk becomes read-only while somebody types, as a system does it to a disk with errors: that is told at
/// once, nothing acknowledged is lost, and typing goes on when the disk may be written again.
fn turned_read_only(runtime: &Runtime) {
    let temp = tempfile::tempdir().expect("a folder");
    let Some(layer) = layer(temp.path()) else {
        hilum_testkit::skipped("a disk that becomes read-only (no C compiler, which makes the layer that refuses)");
        return;
    };
    let (root, gate) = (temp.path().join("disk"), temp.path().join("gate"));
    std::fs::create_dir(&root).expect("a folder");
    let place = Place::of(&root);
    runtime.block_on(place.make_user());
    let environment = [
        ("LD_PRELOAD", layer.display().to_string()),
        ("HILUM_CUT_FOLDER", root.display().to_string()),
        ("HILUM_CUT_READ_ONLY", gate.display().to_string()),
    ];
    let mut child = Running::begin(&root, "persist", &environment);
    let mut said = Acknowledged::default();
    let mut closed: Option<(Instant, Lateness)> = None;
    let mut told: Option<(Duration, Duration)> = None;
    let mut typed_before = 0;
    let until = Instant::now() + Duration::from_secs(60);
    while child.next(&mut said).is_some() && Instant::now() < until {
        let typed = said.sentences();
        match (&closed, told) {
            (None, _) if typed >= 5 => {
                std::fs::write(&gate, b"").expect("the gate");
                closed = Some((Instant::now(), Lateness::begin()));
            }
            (Some((at, machine)), None) if !said.refused.is_empty() => {
                told = Some((at.elapsed(), machine.so_far()));
                typed_before = typed;
            }
            (Some(_), Some(_)) if said.refused.len() >= 10 && gate.exists() => {
                assert_eq!(typed, typed_before, "something was acknowledged on a read-only disk");
                std::fs::remove_file(&gate).expect("to open the gate");
            }
            (Some(_), Some(_)) if typed >= typed_before + 5 => break,
            _ => {}
        }
    }
    child.kill();
    child.ended(End::Killed, &mut said, "a disk that became read-only");
    let (took, late) = told.expect("it was told");
    told_in_time("a disk that became read-only", took, late);
    assert!(said.refused.iter().all(|code| code == "data.read_only"), "{:?}", said.refused);
    assert!(said.sentences() >= typed_before + 5, "typing did not go on");
    runtime.block_on(said.check(&place, "after the disk was read-only"));
    println!(
        "a disk that became read-only: told after {:.2} s (2 s are promised), {} refusals, and typing went on afterwards; {}",
        took.as_secs_f64(),
        said.refused.len(),
        said.count()
    );
}

/// Processes that start at once: one has the folder, the other is told; when the one is killed, the
/// folder is free.
fn two_at_once(runtime: &Runtime) {
    let temp = tempfile::tempdir().expect("a folder");
    let place = Place::of(temp.path());
    runtime.block_on(place.make_user());
    for round in 0..8 {
        let mut children: Vec<Child> = (0..3).map(|_| holder(temp.path())).collect();
        let said: Vec<String> = children.iter_mut().map(first_line).collect();
        let held = said.iter().filter(|code| *code == "ok\t.").count();
        let refused = said.iter().filter(|code| *code == "data.in_use\t.").count();
        assert_eq!((held, refused), (1, 2), "round {round}: {said:?}");
        for mut child in children {
            let _ = child.kill();
            child.wait().expect("its end");
        }
    }
    runtime.block_on(async { place.unlock().await.close().await.expect("to close") });
    println!("8 rounds of 3 processes at once: one had the folder each time, the others were told data.in_use");
}

fn holder(root: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.env("HILUM_GUARD_ROLE", "hold").env("HILUM_GUARD_FOLDER", root);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("a child")
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    line.trim_end().to_owned()
}

/// The child: takes hold of the folder, says how that went, and keeps it.
pub async fn hold() {
    let place = Place::of(&folder());
    let app = Arc::new(App::new(StartOptions { data: place.data, open: None }, Arc::new(crate::desk::Desk::default())));
    let unlocked = session::unlock(&app, NAME.into(), PASSPHRASE.into()).await;
    say(&[&unlocked.map_or_else(|e| e.code, |_| "ok".to_owned())]);
    tokio::time::sleep(Duration::from_secs(30)).await;
}

/// Every file below a folder with its bytes, but for the lock, which is emptied by who looks for it.
fn bytes_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut folders, mut found) = (vec![folder.to_owned()], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.clone(), std::fs::read(&path).expect("a file"));
            }
        }
    }
    found
}
