//! `hilum-decode '<wants as JSON>' < FILE`: one untrusted file in, its header
//! and pixels out as frames, then exit.
//!
//! The process takes every right from itself before it looks at the first byte
//! of the file ([`sandbox`]), so that a flaw in a codec reaches nothing. The
//! messages are those of `hilum_workers::messages::decode`.
//!
//! Exit status: 0 when a verdict was sent ([`DecodeReply::Done`] or
//! [`DecodeReply::Refused`]), 2 for wrong use, 3 when the parent stopped
//! listening or the limits cannot be set. Any other end is the system's, and a
//! verdict too.

mod answer;
mod input;
mod last_words;
mod sandbox;
#[cfg(target_os = "linux")]
mod self_test;

// Refuses a processor that this program is not compiled for, before anything of the program runs.
use hilum_baseline as _;
use hilum_workers::frame;
use hilum_workers::messages::decode::{DecodeReply, DecodeWants, LogoWants};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: last_words::LimitedAllocator = last_words::LimitedAllocator;

fn main() -> ExitCode {
    let argument = std::env::args().nth(1).unwrap_or_default();
    #[cfg(target_os = "linux")]
    if argument == "--self-test" {
        return self_test::run();
    }
    let wants = serde_json::from_str::<DecodeWants>(&argument).map(answer::Wants::Image);
    let Ok(wants) = wants.or_else(|_| serde_json::from_str::<LogoWants>(&argument).map(answer::Wants::Logo)) else {
        eprintln!("usage: hilum-decode '<wants as JSON>' < FILE, with frames on standard output");
        return ExitCode::from(2);
    };
    let protection = match sandbox::enter() {
        Ok(protection) => protection,
        Err(step) => {
            eprintln!("hilum-decode: {step} failed; nothing was read");
            return ExitCode::from(3);
        }
    };
    // A panic message may quote the file; only its place is of use.
    std::panic::set_hook(Box::new(|info| {
        if let Some(place) = info.location() {
            eprintln!("hilum-decode: gave up at {}:{}", place.file(), place.line());
        }
    }));
    let mut out = answer::Output::new();
    let sent =
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| answer::run(&wants, protection, &mut out))) {
            Ok(sent) => sent,
            Err(_) => out.send(
                &DecodeReply::Refused {
                    code: "decode.gave_up".to_owned(),
                    message: "The pixels of this file cannot be decoded: the decoder gave up.".to_owned(),
                },
                &[],
            ),
        };
    match sent {
        Ok(()) => ExitCode::SUCCESS,
        Err(frame::FrameError::Io(_)) => ExitCode::from(3),
        Err(_) => ExitCode::from(3),
    }
}
