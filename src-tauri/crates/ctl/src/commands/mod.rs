//! The commands, one module each.

mod audit;
mod backup;
mod bench;
mod bench_engine;
mod bench_questions;
mod claims;
mod classify;
mod draft;
mod drift;
mod embed;
mod export;
mod import;
mod inspect;
mod map;
mod pack;
mod proposal;
mod report;
mod similar;
mod studies;
mod template;
mod user;
mod verify;

use crate::{cli::Command, failure::Result, settings::Settings};

pub async fn run(command: Command, settings: &Settings) -> Result<()> {
    match command {
        Command::User(command) => user::run(command, settings).await,
        Command::Inspect(options) => inspect::run(options, settings).await,
        Command::Pack(command) => pack::run(command, settings).await,
        Command::Classify(options) => classify::run(options, settings).await,
        Command::Claims(options) => claims::run(options, settings).await,
        Command::Embed(options) => embed::run(options, settings).await,
        Command::Draft(options) => draft::run(options, settings).await,
        Command::Import(options) => import::run(options, settings).await,
        Command::Studies(options) => studies::run(options, settings).await,
        Command::Report(options) => report::run(options, settings).await,
        Command::Export(options) => export::run(options, settings).await,
        Command::Proposal(command) => proposal::run(command, settings).await,
        Command::Similar(options) => similar::run(options, settings).await,
        Command::Calibrate(options) => similar::calibrate(options, settings).await,
        Command::Template(command) => template::run(command, settings).await,
        Command::Verify(options) => verify::run(options, settings).await,
        Command::Audit(command) => audit::run(command, settings).await,
        Command::Backup(options) => backup::run(options, settings).await,
        Command::Restore(options) => backup::restore(options, settings).await,
        Command::Bench(options) => bench::run(options, settings).await,
        Command::Worker { .. } => unreachable!("workers start before the runtime"),
    }
}
