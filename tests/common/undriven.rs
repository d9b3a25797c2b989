//! The real app on a display of its own without a driver, reached by keyboard alone: what a driven window does not do.

use crate::browser::{OUTPUT, end_group, of_its_own, start_display};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// A display and the window on it. Both end with this.
pub struct Undriven {
    pub display: String,
    children: Vec<Child>,
    printed: PathBuf,
}

impl Undriven {
    /// Opens `hilum` with these arguments; whatever it writes goes below `home`.
    pub fn open(arguments: &[&str], size: (u32, u32), home: &Path) -> Undriven {
        let (display, server) = start_display(size);
        let app = of_its_own(env!("CARGO_BIN_EXE_hilum"), &display, home).args(arguments).spawn().expect("hilum starts");
        Undriven { display, children: vec![server, app], printed: home.join(OUTPUT) }
    }

    /// Types a text and then Enter on whatever has the focus; the window may not be there yet.
    pub fn enter(&self, text: &str) {
        self.xdotool(&["type", "--delay", "25", text]);
        self.press("Return");
    }

    /// Presses a key, by its name in X.
    pub fn press(&self, key: &str) {
        self.xdotool(&["key", key]);
    }

    /// What it and its children printed.
    pub fn printed(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.printed).unwrap_or_default()).into_owned()
    }

    fn xdotool(&self, arguments: &[&str]) {
        // Without a window manager nobody gives the window the keyboard.
        let focus = ["search", "--onlyvisible", "--name", "^Hilum$", "windowfocus", "--sync"];
        let _ = Command::new("xdotool").env("DISPLAY", &self.display).args(focus).args(arguments).output();
    }
}

impl Drop for Undriven {
    fn drop(&mut self) {
        self.children.drain(..).rev().for_each(end_group);
        crate::common::kept::keep("window", &std::fs::read(&self.printed).unwrap_or_default());
    }
}
