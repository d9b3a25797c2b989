//! The page of a window on Linux: WebKit draws it in a process of its own, which may die and is then started again.
//!
//! What a person typed is in the journal some moments after the last key and is not that process's to lose; a window
//! that stays empty would make them believe otherwise.

use crate::app::App;
use crate::heap::HEAP;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tauri::{Manager, WebviewWindow};
use tauri_plugin_dialog::{DialogExt, MessageDialogKind};
use webkit2gtk::{CacheModel, WebContextExt, WebProcessTerminationReason, WebViewExt};

/// So many ends within [`WITHIN`] are a loop, which another start does not end.
const LOOP: usize = 3;
const WITHIN: Duration = Duration::from_secs(60);

/// What decides whether WebKit paints by itself; anything a person has set stays.
const PAINTER: &str = "WEBKIT_SKIA_ENABLE_CPU_RENDERING";

/// Has WebKit put the page together without layers. Frames come three times as fast then where there is no graphics card,
/// but an image that was drawn anew need not come to the screen: `guard_true_image` saw one that was mirrored stand there
/// as before. Nobody may set it, not even by hand: what is read would not be what is said.
const WITHOUT_LAYERS: &str = "WEBKIT_DISABLE_COMPOSITING_MODE";

/// Has WebKit's processes give freed memory back; anything a person has set stays.
pub fn return_freed_memory() {
    for (name, value) in HEAP {
        if std::env::var_os(name).is_none() {
            // SAFETY: no other thread runs before the window is made.
            unsafe { std::env::set_var(name, value) };
        }
    }
}

/// Lets WebKit paint words and controls by the processor where there is no graphics card. By itself it paints them by
/// GL even then, which a renderer in software carries out: in several threads, each with buffers of its own, in which
/// Mesa 22.3 was seen to fault (docs/performance.md has both ways beside each other). The images of the viewer are drawn by GL as before.
pub fn paint_without_a_card() {
    // SAFETY: no other thread runs before the window is made.
    unsafe { std::env::remove_var(WITHOUT_LAYERS) };
    if std::env::var_os(PAINTER).is_none() && !card(Path::new("/dev/dri")) {
        // SAFETY: no other thread runs before the window is made.
        unsafe { std::env::set_var(PAINTER, "1") };
    }
}

/// A device that renders is named "renderD128" and up by the kernel.
fn card(devices: &Path) -> bool {
    let Ok(entries) = devices.read_dir() else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("renderD"))
}

/// Gives the page a new process.
///
/// # Errors
/// Those of the windowing system.
pub fn renew(window: &WebviewWindow) -> tauri::Result<()> {
    window.with_webview(|webview| webview.inner().terminate_web_process())
}

/// Loads the page again when its process has ended, and says so when that happens again and again by itself.
///
/// # Errors
/// Those of the windowing system.
pub fn keep_alive(window: &WebviewWindow) -> tauri::Result<()> {
    let ends = Mutex::new(Ends::default());
    let handle = window.app_handle().clone();
    window.with_webview(move |webview| {
        // A browser keeps what it was sent, which here is images and documents that nobody asks for twice.
        if let Some(context) = webview.inner().context() {
            context.set_cache_model(CacheModel::DocumentViewer);
        }
        webview.inner().connect_web_process_terminated(move |page, reason| {
            // As asked for by `renew`.
            if reason == WebProcessTerminationReason::TerminatedByApi {
                page.reload();
                return;
            }
            tracing::warn!("the page's process ended: {reason:?}");
            if ends.lock().unwrap_or_else(PoisonError::into_inner).again(Instant::now()) {
                handle.state::<Arc<App>>().page_ended();
                page.reload();
                return;
            }
            let words = "What was typed and kept is in the data folder. Start Hilum anew; if it happens again, the \
                graphics driver or the memory of this computer is the likeliest cause.";
            let title = "Hilum's page ends again and again";
            let ended = handle.clone();
            handle.dialog().message(words).title(title).kind(MessageDialogKind::Error).show(move |_| ended.exit(4));
        });
    })
}

/// When the process ended lately.
#[derive(Default)]
struct Ends(VecDeque<Instant>);

impl Ends {
    /// Notes an end; false where it is one of a loop.
    fn again(&mut self, now: Instant) -> bool {
        self.0.push_back(now);
        self.0.retain(|end| now.duration_since(*end) < WITHIN);
        self.0.len() < LOOP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_ends_within_a_minute_are_a_loop() {
        let check = |seconds: &[u64], wanted: &[bool]| {
            let (mut ends, began) = (Ends::default(), Instant::now());
            let again: Vec<bool> = seconds.iter().map(|s| ends.again(began + Duration::from_secs(*s))).collect();
            assert_eq!(again, wanted, "{seconds:?}");
        };
        check(&[0], &[true]);
        check(&[0, 1, 2], &[true, true, false]);
        check(&[0, 59, 61], &[true, true, true]);
        check(&[0, 30, 61, 62], &[true, true, true, false]);
    }

    #[test]
    fn a_card_is_a_device_that_renders() {
        let check = |names: &[&str], wanted: bool| {
            let devices = tempfile::tempdir().expect("a folder");
            for name in names {
                std::fs::write(devices.path().join(name), "").expect("a file");
            }
            assert_eq!(card(devices.path()), wanted, "{names:?}");
        };
        check(&[], false);
        check(&["card0"], false);
        check(&["card0", "renderD128"], true);
        assert!(!card(Path::new("/nowhere")));
    }
}
