//! The shell: handlers of what the window asks, and the desktop that carries them.
//!
//! [`App`] and everything under `commands` run without a desktop; what they need of one
//! is the trait [`Host`]. Only `desktop` knows Tauri.

mod app;
pub mod commands;
mod convert;
mod desktop;
pub mod dto;
mod engines;
mod heap;
mod host;
mod letterbox;
mod packs;
pub mod queue;
pub mod watch;

pub use app::{App, StartOptions};
pub use desktop::{COMMANDS, run};
pub use host::Host;
