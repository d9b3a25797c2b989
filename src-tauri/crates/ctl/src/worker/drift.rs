//! `hilumctl worker drift`: two packs set against each other in a process that may die of it.

use super::place::Place;
use hilum_drafting::{Drift, drift_in};
use serde::{Deserialize, Serialize};
use std::{
    io::{Write, stdin, stdout},
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    process::ExitCode,
};

/// What is asked for, as JSON on standard input.
#[derive(Debug, Serialize, Deserialize)]
pub struct Question {
    pub reference: PathBuf,
    pub other: PathBuf,
    /// The folder of packs, beside which a folder as downloaded may have to be prepared.
    pub packs: PathBuf,
}

/// One line of JSON on standard output; what else the engine prints there is no such line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "drift", rename_all = "snake_case")]
pub enum Line {
    Answered { done: usize, of: usize },
    Measured { positions: usize, mean: f64, median: f64, most: f64, same_choice: f64 },
    Failed { code: String, message: String },
}

pub fn run() -> ExitCode {
    let failed = |code: &str, message: String| {
        say(&Line::Failed { code: code.to_owned(), message });
        ExitCode::from(1)
    };
    let Question { reference, other, packs } = match serde_json::from_reader(stdin().lock()) {
        Ok(question) => question,
        Err(e) => return failed("worker.garbled", e.to_string()),
    };
    let place = match Place::of(&[reference.as_path(), other.as_path()], Some(packs.as_path())) {
        Ok(place) => place,
        Err(e) => return failed(e.code(), e.to_string()),
    };
    let measure = || drift_in(&reference, &other, &place.path(), &mut |done, of| say(&Line::Answered { done, of }));
    match catch_unwind(AssertUnwindSafe(measure)) {
        Ok(Ok(Drift { positions, mean, median, most, same_choice })) => {
            say(&Line::Measured { positions, mean, median, most, same_choice });
            ExitCode::SUCCESS
        }
        Ok(Err(e)) => failed(e.code(), e.to_string()),
        Err(_) => failed("drafting.panicked", format!("the engine gave up at {}", super::last_panic())),
    }
}

fn say(line: &Line) {
    if let Ok(text) = serde_json::to_string(line) {
        let mut out = stdout().lock();
        // A parent that is gone has no use for an answer.
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }
}
