//! The desktop: one window, its commands, its dialogs. The only room that knows Tauri.

mod names;
#[cfg(target_os = "linux")]
mod page;
mod sealed;
mod wrappers;

pub use names::COMMANDS;

use crate::app::{App, StartOptions};
use crate::dto::AppEvent;
use crate::host::Host;
use async_trait::async_trait;
use std::path::PathBuf;
use std::sync::Arc;
use tauri::{AppHandle, Emitter, Manager, WebviewUrl, WebviewWindowBuilder};
use tauri_plugin_dialog::{DialogExt, FilePath, MessageDialogButtons, MessageDialogKind};
use tokio::sync::oneshot;

/// The one channel on which the shell speaks to the window.
const CHANNEL: &str = "hilum";
const MAIN: &str = "main";
/// The window of images for a second screen.
const SECOND: &str = "second";

/// Opens the window and returns when it was closed.
///
/// # Errors
/// Those of the windowing system, for example a missing display.
pub fn run(options: StartOptions) -> Result<(), Box<dyn std::error::Error>> {
    #[cfg(target_os = "linux")]
    {
        page::paint_without_a_card();
        page::return_freed_memory();
    }
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .invoke_handler(wrappers::handler())
        .on_window_event(|window, event| {
            if let tauri::WindowEvent::DragDrop(held) = event {
                let app = window.state::<Arc<App>>().inner().clone();
                dropped(app, held);
            }
            if let (true, tauri::WindowEvent::Destroyed) = (window.label() == MAIN, event)
                && let Some(second) = window.app_handle().get_webview_window(SECOND)
            {
                // Images without the report are nothing to stay open for.
                let _ = second.destroy();
            }
            if window.label() == SECOND {
                // Nothing is written there that could be lost.
                return;
            }
            if let tauri::WindowEvent::CloseRequested { api, .. } = event {
                let app = window.state::<Arc<App>>().inner().clone();
                if app.may_close() {
                    return;
                }
                // The page sends what is not yet saved and then asks to be closed. A page
                // that does not answer is closed all the same.
                api.prevent_close();
                let window = window.clone();
                tauri::async_runtime::spawn(async move {
                    if app.closing_is_silent().await {
                        let _ = window.destroy();
                    }
                });
            }
        })
        .setup(move |tauri| {
            let host: Arc<dyn Host> = Arc::new(Desktop { handle: tauri.handle().clone(), asking: tokio::sync::Mutex::new(()) });
            let app = Arc::new(App::new(options, host));
            tauri.manage(app.clone());
            tauri::async_runtime::spawn(crate::queue::run(app.clone()));
            tauri::async_runtime::spawn(crate::watch::run(app.clone()));
            tauri::async_runtime::spawn(crate::commands::backup::run(app.clone()));
            tauri::async_runtime::spawn(async move { app.watch_idle().await });
            open_window(tauri, MAIN, "index.html", "Hilum")?;
            Ok(())
        })
        .build(tauri::generate_context!())?;
    app.run(|handle, event| {
        if let tauri::RunEvent::Exit = event {
            // The children end with this process in any case; the store is closed so that
            // its write-ahead log is folded in.
            let app = handle.state::<Arc<App>>().inner().clone();
            tauri::async_runtime::block_on(async move { app.close().await });
        }
    });
    Ok(())
}

/// A window of ours; its page never leaves its own origin.
fn open_window<M: Manager<tauri::Wry>>(of: &M, label: &str, page: &str, title: &str) -> tauri::Result<()> {
    let window = WebviewWindowBuilder::new(of, label, WebviewUrl::App(page.into()))
        .title(title)
        .inner_size(1440.0, 900.0)
        .min_inner_size(1024.0, 700.0)
        .background_color(tauri::window::Color(0x0b, 0x0d, 0x10, 0xff))
        .on_navigation(|url| {
            let own = matches!(url.scheme(), "tauri" | "about") || url.host_str() == Some("tauri.localhost");
            own || (tauri::is_dev() && url.host_str() == Some("localhost"))
        })
        .build()?;
    #[cfg(target_os = "linux")]
    page::keep_alive(&window)?;
    #[cfg(not(target_os = "linux"))]
    drop(window);
    Ok(())
}

/// Files held over the window are told to the page; files let go are imported.
fn dropped(app: Arc<App>, held: &tauri::DragDropEvent) {
    match held {
        tauri::DragDropEvent::Enter { .. } => app.host.emit(AppEvent::Dragging { over: true }),
        tauri::DragDropEvent::Leave => app.host.emit(AppEvent::Dragging { over: false }),
        tauri::DragDropEvent::Drop { paths, .. } => {
            app.host.emit(AppEvent::Dragging { over: false });
            let paths = paths.clone();
            tauri::async_runtime::spawn(async move {
                if let Err(e) = crate::commands::studies::import_dropped(&app, paths).await {
                    tracing::warn!("what was dropped was not imported: {}", e.code);
                }
            });
        }
        _ => {}
    }
}

struct Desktop {
    handle: AppHandle,
    /// Held while the person is asked something.
    asking: tokio::sync::Mutex<()>,
}

#[async_trait]
impl Host for Desktop {
    fn emit(&self, event: AppEvent) {
        // A window that is gone has nobody to tell.
        let _ = self.handle.emit(CHANNEL, event);
    }

    fn open_second(&self) {
        let handle = self.handle.clone();
        // Windows are made on the thread that the windowing system calls.
        let _ = self.handle.run_on_main_thread(move || {
            if let Some(window) = handle.get_webview_window(SECOND) {
                let _ = window.set_focus();
            } else if let Err(e) = open_window(&handle, SECOND, "index.html#second", "Hilum, images") {
                tracing::warn!("the second window does not open: {e}");
            }
        });
    }

    // Other systems' web views are not ended from here.
    #[cfg(target_os = "linux")]
    fn renew_page(&self, second: bool) {
        let label = if second { SECOND } else { MAIN };
        if let Some(window) = self.handle.get_webview_window(label)
            && let Err(e) = page::renew(&window)
        {
            tracing::warn!("the page is not replaced: {e}");
        }
    }

    async fn choose_files(&self) -> Option<Vec<PathBuf>> {
        let (chosen, answer) = oneshot::channel();
        self.handle.dialog().file().set_title("Import images").pick_files(move |files| {
            let _ = chosen.send(files);
        });
        let files = answer.await.ok()??;
        Some(files.into_iter().filter_map(path).collect())
    }

    async fn choose_folder(&self, title: &str) -> Option<PathBuf> {
        let (chosen, answer) = oneshot::channel();
        self.handle.dialog().file().set_title(title).pick_folder(move |folder| {
            let _ = chosen.send(folder);
        });
        path(answer.await.ok()??)
    }

    async fn allows(&self, question: &str, words: &str) -> bool {
        // A page that asks on and on does not pile up questions.
        let Ok(_alone) = self.asking.try_lock() else { return false };
        let (chosen, answer) = oneshot::channel();
        // The desktop's own two buttons: of these GTK gives the keyboard to the one that cancels, so that a key which was
        // meant for the page allows nothing. Of two with words of ours it takes the one that allows.
        self.handle
            .dialog()
            .message(shown(words))
            .title(question)
            .kind(MessageDialogKind::Warning)
            .buttons(MessageDialogButtons::OkCancel)
            .show(move |allowed| {
                let _ = chosen.send(allowed);
            });
        answer.await.unwrap_or(false)
    }

    async fn choose_save(&self, proposed: &str) -> Option<PathBuf> {
        let (chosen, answer) = oneshot::channel();
        self.handle
            .dialog()
            .file()
            .set_title("Save as")
            .set_file_name(proposed)
            .add_filter("The form of this file", &[proposed.rsplit('.').next().unwrap_or("pdf")])
            .save_file(move |file| {
                let _ = chosen.send(file);
            });
        path(answer.await.ok()??)
    }
}

/// Words as a dialog takes them: on Linux they are a format for `printf`, in which a percent sign that is not doubled asks for
/// an argument that is not there.
fn shown(words: &str) -> String {
    if cfg!(target_os = "linux") { words.replace('%', "%%") } else { words.to_owned() }
}

fn path(file: FilePath) -> Option<PathBuf> {
    file.into_path().ok()
}
