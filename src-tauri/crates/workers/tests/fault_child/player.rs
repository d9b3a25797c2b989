//! The fault child as one that says what a file holds, whatever it is asked.
//!
//! The file is parts, each after its length (`u32`, little-endian). A worker says the next part when it has read the next
//! request, so that no request meets a child that is gone before it was heard; a decoder, whose input is
//! a file, says all of them at once. Afterwards either ends.

use hilum_workers::frame;
use std::{
    io::{self, Write},
    path::Path,
};

pub fn run(is_worker: bool, file: &Path) {
    let bytes = std::fs::read(file).expect("what is to be said");
    let mut rest = &bytes[..];
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (part, after) = after.split_at((u32::from_le_bytes(*length) as usize).min(after.len()));
        if is_worker && !matches!(frame::read::<serde_json::Value>(&mut io::stdin().lock()), Ok(Some(_))) {
            return;
        }
        let mut out = io::stdout().lock();
        if out.write_all(part).and_then(|()| out.flush()).is_err() {
            return;
        }
        rest = after;
    }
}
