//! Refuses, in words, a processor without the instructions that all of Hilum is compiled for.
//!
//! On x86-64 that is the level x86-64-v3 (`.cargo/config.toml`). A processor below it ends a program at the first
//! instruction that it lacks, with a signal and no word. So a program that links this crate (`use hilum_baseline as _;`)
//! looks before anything of it runs: the loader calls the look before `main`, before the program's own allocator is used
//! for the first time, and before what other crates have it call.
//!
//! `is_x86_feature_detected!` would say yes to all of the level, being compiled for it; the processor itself is asked. And
//! whatever is compiled here is compiled for the level too, so that the look is written in a way that leaves a compiler no
//! use for an instruction of it; a test reads what came of that.
//!
//! Nothing is asked on other architectures and systems, nor in a build for any x86-64 processor.

#[cfg(any(test, all(target_arch = "x86_64", target_os = "linux", target_env = "gnu", target_feature = "avx2")))]
mod level;
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu", target_feature = "avx2"))]
mod refusal;
#[cfg(test)]
#[path = "../../testkit/src/skipped.rs"]
mod skipped;
