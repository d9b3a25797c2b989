//! What the handlers need of a desktop.

use crate::dto::AppEvent;
use async_trait::async_trait;
use std::path::PathBuf;

/// A desktop, or what stands for one in a test. What a method does here is what happens where there is no window: each
/// dialog is closed without a choice, and nothing is allowed.
#[async_trait]
pub trait Host: Send + Sync {
    /// Tells the window something.
    fn emit(&self, event: AppEvent);
    /// Asks the person for files; `None` when the dialog was closed.
    async fn choose_files(&self) -> Option<Vec<PathBuf>> {
        None
    }
    /// Asks the person for a folder, under this title.
    async fn choose_folder(&self, _title: &str) -> Option<PathBuf> {
        None
    }
    /// Asks the person whether something may be done; false as well when the dialog was closed.
    async fn allows(&self, _question: &str, _words: &str) -> bool {
        false
    }
    /// Opens the window of images for a second screen, or brings it to the front.
    fn open_second(&self) {}
    /// Puts a new page in the place of the one that the second window shows, or the first, with nothing of that left in memory.
    fn renew_page(&self, _second: bool) {}
    /// Asks the person where to save, proposing a file name.
    async fn choose_save(&self, _proposed: &str) -> Option<PathBuf> {
        None
    }
}
