//! What holds for every command: the data folder, the output, the passphrase.

use crate::{cli::Cli, failure::Failure, failure::Result};
use hilum_workers::Cancel;
use std::{
    env,
    path::PathBuf,
};

pub struct Settings {
    pub json: bool,
    /// Thrown by an interrupt (Ctrl-C).
    pub cancel: Cancel,
    data: Option<PathBuf>,
    passphrase_fd: Option<u32>,
    new_passphrase_fd: Option<u32>,
}

impl From<&Cli> for Settings {
    fn from(cli: &Cli) -> Self {
        Self {
            json: cli.json,
            cancel: Cancel::new(),
            data: cli.data.clone(),
            passphrase_fd: cli.passphrase_fd,
            new_passphrase_fd: cli.new_passphrase_fd,
        }
    }
}

impl Settings {
    /// `--data`, `HILUM_DATA`, or the folder of this person's applications.
    pub fn data(&self) -> Result<PathBuf> {
        let given = self.data.clone().or_else(|| env::var_os("HILUM_DATA").map(PathBuf::from));
        if let Some(folder) = given.filter(|folder| !folder.as_os_str().is_empty()) {
            return std::path::absolute(&folder).map_err(|e| Failure::read(&folder, &e));
        }
        own_folder().ok_or_else(|| Failure::usage("no data folder: give --data DIR or set HILUM_DATA"))
    }

    /// Where the packs of this person lie; they need no vault.
    pub fn packs(&self) -> Result<PathBuf> {
        Ok(self.data()?.join("packs"))
    }

    /// `--passphrase-fd`, else `HILUM_PASSPHRASE`.
    pub fn passphrase(&self) -> Result<String> {
        secret(self.passphrase_fd, "HILUM_PASSPHRASE").transpose().unwrap_or_else(|| {
            let message = "the vault is locked: set HILUM_PASSPHRASE or give --passphrase-fd N";
            Err(Failure::refused("vault.locked", message))
        })
    }

    /// `--new-passphrase-fd`, else `HILUM_NEW_PASSPHRASE`; `None` where neither is given.
    pub fn new_passphrase(&self) -> Result<Option<String>> {
        secret(self.new_passphrase_fd, "HILUM_NEW_PASSPHRASE")
    }

    /// `HILUM_RECOVERY_KEY`.
    pub fn recovery_key(&self) -> Result<String> {
        let message = "set HILUM_RECOVERY_KEY";
        secret(None, "HILUM_RECOVERY_KEY")?.ok_or_else(|| Failure::refused("vault.locked", message))
    }

    /// From now on an interrupt cancels what runs instead of ending the program on the
    /// spot; a second one ends it.
    pub fn cancel_on_interrupt(&self) {
        let cancel = self.cancel.clone();
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                if cancel.is_cancelled() {
                    std::process::exit(130);
                }
                cancel.cancel();
            }
        });
    }
}

/// Where the desktop app keeps its data, so that both see the same.
fn own_folder() -> Option<PathBuf> {
    const NAME: &str = "hilum";
    let home = || env::var_os("HOME").map(PathBuf::from);
    let base = if cfg!(windows) {
        env::var_os("LOCALAPPDATA").map(PathBuf::from)
    } else if cfg!(target_os = "macos") {
        home().map(|home| home.join("Library/Application Support"))
    } else {
        let xdg = env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        xdg.or_else(|| home().map(|home| home.join(".local/share")))
    };
    base.map(|base| base.join(NAME))
}

fn secret(descriptor: Option<u32>, variable: &str) -> Result<Option<String>> {
    match descriptor {
        Some(number) => first_line(number).map(Some),
        None => match env::var(variable) {
            Ok(value) => Ok(Some(value)),
            Err(env::VarError::NotPresent) => Ok(None),
            Err(env::VarError::NotUnicode(_)) => Err(Failure::usage(format!("{variable} is not UTF-8"))),
        },
    }
}

#[cfg(unix)]
fn first_line(number: u32) -> Result<String> {
    use std::os::fd::{BorrowedFd, RawFd};
    use std::{fs::File, io::Read};
    let unreadable = |e: std::io::Error| Failure::usage(format!("descriptor {number} cannot be read: {e}"));
    let number_of = RawFd::try_from(number).map_err(|_| unreadable(std::io::ErrorKind::InvalidInput.into()))?;
    // Duplicated, not opened again by its name: a pipe that another user made, as `sudo` does, could not be.
    // SAFETY: nothing here closes it, and one that is not open is refused by the system.
    let copy = unsafe { BorrowedFd::borrow_raw(number_of) }.try_clone_to_owned().map_err(unreadable)?;
    let mut bytes = Vec::new();
    // No passphrase is longer, and an endless descriptor must not fill the memory.
    File::from(copy).take(4096).read_to_end(&mut bytes).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::usage(format!("descriptor {number} is not UTF-8")))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(not(unix))]
fn first_line(number: u32) -> Result<String> {
    Err(Failure::usage(format!("descriptor {number}: set HILUM_PASSPHRASE instead on this system")))
}
