//! An argument of a command that the page sealed, opened before its wrapper runs.

use crate::app::App;
use crate::dto::AppError;
use crate::letterbox::SealedMessage;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tauri::ipc::{CommandArg, CommandItem, InvokeError};
use tauri::{Manager, Runtime};

/// A value that was under way in no readable form.
pub struct Sealed<T>(pub T);

impl<'de, T: DeserializeOwned, R: Runtime> CommandArg<'de, R> for Sealed<T> {
    fn from_command(command: CommandItem<'de, R>) -> Result<Self, InvokeError> {
        let (name, key) = (command.name, command.key);
        let app = command.message.webview_ref().state::<Arc<App>>().inner().clone();
        let message = SealedMessage::deserialize(command).map_err(|e| tauri::Error::InvalidArgs(name, key, e))?;
        Ok(Sealed(app.letterbox.open(&message).map_err(AppError::from)?))
    }
}
