//! What must not leave and must not be changed unseen, tried by breaking in: the vault, the audit chain, and
//! text that would rather be markup or a prompt. `docs/reliability.md` says what was found and which break
//! makes each part fail.

#![cfg(target_os = "linux")]

#[allow(dead_code)]
#[path = "../../common/browser.rs"]
mod browser;
#[allow(dead_code)]
#[path = "../../common/mod.rs"]
mod common;
#[path = "../common.rs"]
mod guard;
#[path = "../memory.rs"]
mod processes;
#[allow(dead_code)]
#[path = "../../window/scene.rs"]
mod scene;

mod canaries;
mod cores;
mod desk;
mod edits;
mod every_command;
mod every_subcommand;
mod idle;
mod injections;
mod markup;
mod memory;
mod offline;
mod page;
mod payloads;
mod quiet;
mod search;
mod vault_reader;
mod wrong_keys;
