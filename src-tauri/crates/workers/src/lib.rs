//! Child processes: their messages, their frames, and their life.
//!
//! Untrusted bytes and models live outside the process that owns the patient
//! data. This crate is the only thing that both sides know: [`messages`] is
//! what they say, [`frame`] is how it travels over a pipe.

pub mod frame;
pub mod messages;
