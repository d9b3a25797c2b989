//! The app as a person meets it, through the real window: every scene of a reading room, from
//! the first run to the exported report, with the real engine, the demo packs and real files.

#![cfg(target_os = "linux")]

#[allow(dead_code)]
#[path = "../common/browser.rs"]
mod browser;
#[allow(dead_code)]
#[path = "../common/mod.rs"]
mod common;
mod display;
#[path = "../guard/safekeeping/lateness.rs"]
mod lateness;
mod picture;
mod scene;
mod settings;
#[path = "../guard/safekeeping/small_disk.rs"]
mod small_disk;

mod arrivals;
mod audit;
mod drop;
mod engine;
mod exchange;
mod first_run;
mod full_disk;
mod hanging;
mod hostile_page;
mod import;
mod keyboard;
mod keys;
mod lock;
mod measurement;
mod page_dies;
mod prior;
mod read_first;
mod second_screen;
mod template;
mod two_readers;
mod unattended;
mod viewer;
mod writing;
