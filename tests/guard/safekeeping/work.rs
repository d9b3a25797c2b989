//! The child: does one thing over and over, says before each what it begins and after each what is
//! done, until it is killed.

use crate::desk::{Open, Place, Reader};
use hilum_app::dto::{AppError, SectionName};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What a child can do over and over.
pub const DEEDS: [&str; 6] = ["type", "save", "sign", "export", "import", "back_up"];

/// This program again, as a person who does `deed` in the folder, with more environment.
pub fn child(root: &Path, deed: &str, more: &[(&str, String)]) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.env("HILUM_GUARD_ROLE", "work").env("HILUM_GUARD_FOLDER", root).env("HILUM_GUARD_DEED", deed);
    command.envs(more.iter().map(|(name, value)| (*name, value.as_str())));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a child")
}

pub fn folder() -> PathBuf {
    std::env::var_os("HILUM_GUARD_FOLDER").expect("a folder").into()
}

pub async fn until_killed() {
    let deed = std::env::var("HILUM_GUARD_DEED").expect("a deed");
    if let Err(e) = work(&deed).await {
        // Refused, which the parent judges; nothing more is done.
        say(&["refused", &e.code]);
        println!("{}", e.detail);
    }
}

async fn work(deed: &str) -> Result<(), AppError> {
    let mut reader = Reader::at(&Place::of(&folder())).await?;
    if deed == "restore" {
        reader.lock().await?;
        loop {
            say(&["begins"]);
            reader.restore().await?;
            say(&["restored"]);
        }
    }
    reader.choose_backups(5).await?;
    say(&["ready"]);
    let mut study = reader.import().await?;
    say(&["imported", &study]);
    let mut open = reader.report(&study).await?;
    if deed == "export" {
        let version = signed(&reader, &mut open).await?;
        loop {
            say(&["begins"]);
            let path = reader.export(&version).await?;
            say(&["exported", &path.display().to_string()]);
        }
    }
    loop {
        say(&["begins"]);
        match deed {
            "type" => typed(&reader, &mut open, 1).await?,
            // As the window does: what is refused is kept and tried again.
            "persist" => {
                if let Err(e) = typed(&reader, &mut open, 1).await {
                    say(&["refused", &e.code]);
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            // A pause in typing: several sentences in one go, as the editor sends them.
            "save" => typed(&reader, &mut open, 8).await?,
            "sign" => {
                signed(&reader, &mut open).await?;
                study = reader.import().await?;
                say(&["imported", &study]);
                open = reader.report(&study).await?;
            }
            "import" => {
                study = reader.import().await?;
                say(&["imported", &study]);
            }
            "back_up" => {
                typed(&reader, &mut open, 1).await?;
                let made = reader.back_up().await?;
                say(&["backed_up", &made.display().to_string()]);
            }
            other => panic!("no deed {other}"),
        }
    }
}

async fn typed(reader: &Reader, open: &mut Open, sentences: usize) -> Result<(), AppError> {
    for _ in 0..sentences {
        let id = reader.type_into(open, SectionName::Indication, "Cough for two weeks.").await?;
        say(&["typed", &open.id, &id]);
    }
    Ok(())
}

async fn signed(reader: &Reader, open: &mut Open) -> Result<String, AppError> {
    let (version, sha256) = reader.sign(open).await?;
    say(&["signed", &open.id, &version, &sha256]);
    Ok(version)
}

/// A line is whole when it ends with a dot.
pub fn say(words: &[&str]) {
    let mut out = std::io::stdout().lock();
    let line = format!("{}\t.\n", words.join("\t"));
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).expect("to be heard");
}
