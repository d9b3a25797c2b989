//! The child: does one thing over and over, says before each what it begins and after each what is
//! done, until it is killed.

use crate::desk::{Open, Place, Reader};
use hilum_app::dto::{AppError, SectionName};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use time::OffsetDateTime;

/// What a child can do over and over.
pub const DEEDS: [&str; 6] = ["type", "save", "sign", "export", "import", "back_up"];

/// A version that is exported instead of one that the child signs itself.
pub const VERSION: &str = "HILUM_GUARD_VERSION";

/// The word with which a child says that it has done this once.
pub fn acknowledgement(deed: &str) -> &'static str {
    match deed {
        "type" | "persist" => "typed",
        "save" => "saved",
        "sign" => "signed",
        "export" => "exported",
        "import" => "imported",
        "back_up" => "backed_up",
        "restore" => "restored",
        other => panic!("no deed {other}"),
    }
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
            begins();
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
        let version = match std::env::var(VERSION) {
            Ok(version) => version,
            Err(_) => signed(&reader, &mut open).await?,
        };
        loop {
            begins();
            let path = reader.export(&version).await?;
            say(&["exported", &path.display().to_string()]);
        }
    }
    loop {
        begins();
        match deed {
            "type" => typed(&reader, &mut open).await?,
            // As the window does: what is refused is kept and tried again.
            "persist" => {
                if let Err(e) = typed(&reader, &mut open).await {
                    say(&["refused", &e.code]);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            // A pause in typing: several sentences in one go, as the editor sends them.
            "save" => {
                let ids = reader.save(&mut open, SectionName::Indication, "Cough for two weeks.").await?;
                let mut words = vec!["saved", open.id.as_str()];
                words.extend(ids.iter().map(String::as_str));
                say(&words);
            }
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
                typed(&reader, &mut open).await?;
                let made = reader.back_up().await?;
                say(&["backed_up", &made.display().to_string()]);
            }
            other => panic!("no deed {other}"),
        }
    }
}

async fn typed(reader: &Reader, open: &mut Open) -> Result<(), AppError> {
    let id = reader.type_into(open, SectionName::Indication, "Cough for two weeks.").await?;
    say(&["typed", &open.id, &id]);
    Ok(())
}

async fn signed(reader: &Reader, open: &mut Open) -> Result<String, AppError> {
    let (version, sha256) = reader.sign(open).await?;
    say(&["signed", &open.id, &version, &sha256]);
    Ok(version)
}

/// Says that a deed begins, and when by this child's clock, which may have been moved.
fn begins() {
    say(&["begins", &OffsetDateTime::now_utc().unix_timestamp().to_string()]);
}

/// A line is whole when it ends with a dot.
pub fn say(words: &[&str]) {
    let mut out = std::io::stdout().lock();
    let line = format!("{}\t.\n", words.join("\t"));
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).expect("to be heard");
}
