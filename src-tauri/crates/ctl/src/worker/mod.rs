//! The child's side of the model workers: frames in, frames out, a heartbeat.

pub mod draft;
pub mod drift;
mod encode;
mod pipe;
mod place;

use crate::cli::WorkerRole;
use hilum_packs::{Manifest, Measured, PackError, pack_hash};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Mutex, PoisonError},
};

/// Serves one role until standard input closes.
pub fn run(role: WorkerRole, figures: Option<PathBuf>) -> ExitCode {
    if role == WorkerRole::Drift {
        remember_panics();
        return drift::run();
    }
    let out = match pipe::take_standard_output() {
        Ok(out) => out,
        Err(e) => {
            eprintln!("hilumctl worker: standard output cannot be taken: {e}");
            return ExitCode::from(3);
        }
    };
    remember_panics();
    match role {
        WorkerRole::Encode => encode::serve(out, &Figures::kept_in(figures)),
        WorkerRole::Draft => draft::serve(out, &Figures::kept_in(figures)),
        WorkerRole::Drift => unreachable!("it speaks in lines"),
    }
}

/// Where what is measured of packs is kept. They lie elsewhere, some of them in a folder that is only read.
pub(crate) struct Figures(Option<PathBuf>);

impl Figures {
    fn kept_in(folder: Option<PathBuf>) -> Self {
        Self(folder)
    }

    /// Changes the figures of the pack in this folder. Losing them harms nobody.
    fn of(&self, pack: &Path, change: impl FnOnce(&mut Measured)) {
        if let (Some(folder), Ok(manifest)) = (&self.0, Manifest::read(pack)) {
            let _ = hilum_packs::remember(folder, &pack_hash(&manifest), change);
        }
    }
}

/// Checks every byte of a pack before any of it is loaded.
fn check_pack(dir: &Path) -> Result<(), PackError> {
    match hilum_packs::verify(dir) {
        Ok(_) => Ok(()),
        Err(problems) => Err(problems.into_iter().next().expect("a refusal has a reason")),
    }
}

static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Keeps the place of a panic and drops its message, which may quote a prompt.
fn remember_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        eprintln!("hilumctl worker: panic at {place}");
        *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }));
}

fn last_panic() -> String {
    let place = LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner);
    // A path of the machine that built this means nothing to the reader.
    place.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()
}
