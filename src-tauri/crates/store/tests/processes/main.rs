//! What can only be seen from outside the process: kills, exits in the midst of work, a second process, plain bytes on
//! disk, a full disk.
//!
//! The binary starts itself: with `HILUM_STORE_ROLE` set it is the child that plays that
//! role on the data folder in `HILUM_STORE_FOLDER`. `HILUM_KILLS` sets the number of kills
//! (10 when it is not set) and of exits.

mod canaries;
mod full_disk;
mod kills;
mod sample;
#[path = "../../../testkit/src/skipped.rs"]
mod skipped;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// A part of the test, run by the parent.
type Part = fn(&tokio::runtime::Runtime);

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    match std::env::var("HILUM_STORE_ROLE").ok().as_deref() {
        None => {
            let parts: [(&str, Part); 4] = [
                ("everything acknowledged survives kills", kills::run),
                ("a process that exits in the midst of work ends well", kills::exits),
                ("no canary is found in any file", canaries::run),
                ("a full disk loses nothing acknowledged", full_disk::run),
            ];
            for (name, part) in parts {
                let start = Instant::now();
                part(&runtime);
                println!("{name}: ok in {:.1} s", start.elapsed().as_secs_f64());
            }
        }
        Some("worker") => runtime.block_on(kills::work_until_killed(&folder())),
        Some("leaver") => {
            let folder = folder();
            runtime.spawn(async move { kills::work_until_killed(&folder).await });
            // Exits when the parent says so, whatever the other thread is at.
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            std::process::exit(0);
        }
        Some("canaries") => runtime.block_on(canaries::fill_and_wait(&folder())),
        Some(other) => panic!("no role {other}"),
    }
}

/// This binary again, in a role, with its standard streams piped.
fn child(role: &str, folder: &Path, temp: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this binary"))
        .env("HILUM_STORE_ROLE", role)
        .env("HILUM_STORE_FOLDER", folder)
        .env("TMPDIR", temp)
        .env("SQLITE_TMPDIR", temp)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(if role == "canaries" { Stdio::inherit() } else { Stdio::piped() })
        .spawn()
        .expect("a child")
}

fn folder() -> std::path::PathBuf {
    std::env::var_os("HILUM_STORE_FOLDER").expect("a folder").into()
}
