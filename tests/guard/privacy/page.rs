//! Talking to the page past its buttons.

use crate::browser::Window;
use serde_json::{Value, json};

/// What a command answers that the page calls as its own code does.
pub async fn invoke(window: &Window, command: &str, arguments: Value) -> Value {
    let script = "const done = arguments[arguments.length - 1];
        window.__TAURI_INTERNALS__.invoke(arguments[0], arguments[1]).then((answer) => done({ answer }), (error) => done({ error }))";
    let said = window.client().execute_async(script, vec![json!(command), arguments]).await.expect("an answer");
    assert!(said["error"].is_null(), "{command}: {}", said["error"]);
    said["answer"].clone()
}
