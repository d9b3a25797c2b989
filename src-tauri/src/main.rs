//! `hilum [--data DIR] [PATH]`: the window.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use hilum_app::{StartOptions, run};
// Refuses a processor that this program is not compiled for, before anything of the program runs.
use hilum_baseline as _;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: hilum_workers::WipingAllocator<true> = hilum_workers::WipingAllocator::<true>;

const HELP: &str = "\
Hilum reads chest radiographs and signs their reports, offline.

usage: hilum [--data DIR] [PATH]

  PATH         a DICOM file or a folder to import and open after unlocking
  --data DIR   the data folder (or the environment variable HILUM_DATA);
               by default hilum under the user's data directory
  --version    print the version
  --help       print this

Without a display use hilumctl, which does the same work on the command line.";

fn main() -> ExitCode {
    hilum_workers::forbid_core_files();
    hilum_workers::return_freed_buffers();
    hilum_workers::overwrite_freed_memory();
    let mut data = std::env::var_os("HILUM_DATA").map(Into::into);
    let mut open = None;
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--help" | "-h") => {
                println!("{HELP}");
                return ExitCode::SUCCESS;
            }
            Some("--version") => {
                println!("hilum {}", env!("CARGO_PKG_VERSION"));
                return ExitCode::SUCCESS;
            }
            Some("--data") => match arguments.next() {
                Some(folder) => data = Some(folder.into()),
                None => return wrong_use("--data needs a folder"),
            },
            Some(option) if option.starts_with('-') => return wrong_use(&format!("no option {option}")),
            _ if open.is_none() => open = Some(argument.into()),
            _ => return wrong_use("only one path can be opened"),
        }
    }
    let Some(data) = data.or_else(StartOptions::default_data) else {
        return wrong_use("no home directory was found; name the data folder with --data DIR");
    };
    match run(StartOptions { data, open }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hilum: the window could not be opened: {error}");
            ExitCode::from(3)
        }
    }
}

fn wrong_use(what: &str) -> ExitCode {
    eprintln!("hilum: {what}\n\n{HELP}");
    ExitCode::from(2)
}
