//! The image shown is the image made: pictures whose every pixel is known from how they were made, in every transfer
//! syntax and every way of being shown, are imported; what the viewer is given of them is held against what was made, and
//! the gray levels on the screen against the formulas of DICOM PS3.3 C.11.2.
//!
//! What is in no transfer syntax of those is refused, whatever it holds (`syntaxes.rs`).
//!
//! Real files against pydicom are in `decode/tests/shared_files.rs`, since they do not lie in the repository.

#![cfg(target_os = "linux")]

#[allow(dead_code)]
#[path = "../../common/browser.rs"]
mod browser;
mod cases;
#[allow(dead_code)]
#[path = "../../common/mod.rs"]
mod common;
#[path = "../../window/display.rs"]
mod display;
mod fixtures;
mod frame;
#[path = "../person.rs"]
mod person;
mod planes;
#[allow(dead_code)]
#[path = "../../window/scene.rs"]
mod scene;
mod screen;
mod standard;
mod syntaxes;
