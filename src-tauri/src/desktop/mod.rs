//! The desktop: one window, its commands, its dialogs. The only room that knows Tauri.

mod names;
mod wrappers;

pub use names::COMMANDS;

use crate::app::{App, StartOptions};
use crate::dto::AppEvent;
use crate::host::Host;
use async_trait::async_trait;
use std::path::PathBuf;
use std::sync::Arc;
use tauri::{AppHandle, Emitter, Manager, WebviewUrl, WebviewWindowBuilder};
use tauri_plugin_dialog::{DialogExt, FilePath};
use tokio::sync::oneshot;

/// The one channel on which the shell speaks to the window.
const CHANNEL: &str = "hilum";

/// Opens the window and returns when it was closed.
///
/// # Errors
/// Those of the windowing system, for example a missing display.
pub fn run(options: StartOptions) -> Result<(), Box<dyn std::error::Error>> {
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .invoke_handler(wrappers::handler())
        .on_window_event(|window, event| {
            if let tauri::WindowEvent::CloseRequested { api, .. } = event {
                let app = window.state::<Arc<App>>().inner().clone();
                if app.may_close() {
                    return;
                }
                // The page sends what is not yet saved and then asks to be closed. A page
                // that does not answer is closed all the same.
                api.prevent_close();
                app.host.emit(AppEvent::Closing);
                let window = window.clone();
                tauri::async_runtime::spawn(async move {
                    if app.closing_is_silent().await {
                        let _ = window.destroy();
                    }
                });
            }
        })
        .setup(move |tauri| {
            let host: Arc<dyn Host> = Arc::new(Desktop { handle: tauri.handle().clone() });
            let app = Arc::new(App::new(options, host));
            tauri.manage(app.clone());
            tauri::async_runtime::spawn(async move { app.watch_idle().await });
            WebviewWindowBuilder::new(tauri, "main", WebviewUrl::App("index.html".into()))
                .title("Hilum")
                .inner_size(1440.0, 900.0)
                .min_inner_size(1024.0, 700.0)
                .background_color(tauri::window::Color(0x0b, 0x0d, 0x10, 0xff))
                // A page of ours never leaves its own origin.
                .on_navigation(|url| {
                    let own = matches!(url.scheme(), "tauri" | "about") || url.host_str() == Some("tauri.localhost");
                    own || (tauri::is_dev() && url.host_str() == Some("localhost"))
                })
                .disable_drag_drop_handler()
                .build()?;
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

struct Desktop {
    handle: AppHandle,
}

#[async_trait]
impl Host for Desktop {
    fn emit(&self, event: AppEvent) {
        // A window that is gone has nobody to tell.
        let _ = self.handle.emit(CHANNEL, event);
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

    async fn choose_save(&self, proposed: &str) -> Option<PathBuf> {
        let (chosen, answer) = oneshot::channel();
        self.handle
            .dialog()
            .file()
            .set_title("Save the signed report")
            .set_file_name(proposed)
            .add_filter("PDF document", &["pdf"])
            .save_file(move |file| {
                let _ = chosen.send(file);
            });
        path(answer.await.ok()??)
    }
}

fn path(file: FilePath) -> Option<PathBuf> {
    file.into_path().ok()
}
