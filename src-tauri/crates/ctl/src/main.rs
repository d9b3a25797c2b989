//! `hilumctl`: Hilum without a window, and the worker processes of the app.
//!
//! The commands and their exit statuses are stable; scripts and tests use them.
//! Standard output is the result, standard error the progress and the errors.

mod cli;
mod commands;
mod convert;
mod failure;
mod help;
mod input;
mod library;
mod memory;
mod models;
mod output;
mod session;
mod settings;
mod worker;

use clap::{Parser, error::ErrorKind};
use cli::{Cli, Command};
use failure::Failure;
// Refuses a processor that this program is not compiled for, before anything of the program runs.
use hilum_baseline as _;
use settings::Settings;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: hilum_workers::WipingAllocator = hilum_workers::WipingAllocator::<false>;

fn main() -> ExitCode {
    hilum_workers::forbid_core_files();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) if matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            let _ = e.print();
            return ExitCode::SUCCESS;
        }
        Err(e) => return wrong_use(&e),
    };
    // A worker's standard output is a pipe of frames, so it starts before anything can print.
    if let Command::Worker { role, figures } = cli.command {
        return worker::run(role, figures);
    }
    let settings = Settings::from(&cli);
    let json = settings.json;
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return Failure::internal("ctl.runtime", e.to_string()).report(json),
    };
    let result = runtime.block_on(async {
        settings.cancel_on_interrupt();
        commands::run(cli.command, &settings).await
    });
    // Blocking reads that nobody waits for must not hold the exit up.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}

/// Wrong use in the shape that was asked for, as far as that can be told.
fn wrong_use(error: &clap::Error) -> ExitCode {
    if std::env::args_os().any(|argument| argument == "--json") {
        let message = error.render().to_string();
        let line = message.lines().next().unwrap_or_default().trim_start_matches("error: ");
        return Failure::usage(line).report(true);
    }
    let _ = error.print();
    ExitCode::from(2)
}
