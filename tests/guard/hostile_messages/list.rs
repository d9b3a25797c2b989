//! The list of messages, taken from the wrappers that Tauri calls: names, arguments, and what each does.

/// A command of the window, as its wrapper is written.
pub struct Wrapper {
    pub name: String,
    /// As the window names them, with their types.
    pub arguments: Vec<(String, String)>,
    /// As the wrapper names them.
    parameters: Vec<String>,
    answer: String,
    body: String,
}

/// The wrappers of `src-tauri/src/desktop/wrappers.rs`, but for the one that closes a window.
pub fn wrappers(source: &str) -> Vec<Wrapper> {
    source.split("#[tauri::command]\nasync fn ").skip(1).map(wrapper).filter(|w| w.name != "close_window").collect()
}

fn wrapper(text: &str) -> Wrapper {
    let (name, rest) = text.split_once('(').expect("a name and its arguments");
    let (arguments, rest) = rest.split_once(") -> Answer<").expect("an answer");
    let (answer, rest) = rest.split_once("> {\n").expect("a body");
    let (body, _) = rest.split_once("\n}\n").expect("an end of the body");
    let given = arguments.split(',').filter_map(|one| one.split_once(':')).map(|(name, of)| (name.trim(), of.trim()));
    let given: Vec<(&str, &str)> = given.filter(|(name, _)| *name != "app").collect();
    // What the page seals is opened before the wrapper runs; `letterbox.rs` has what is sent instead of that.
    let opened = |of: &str| of.strip_prefix("Sealed<").and_then(|of| of.strip_suffix('>')).unwrap_or(of).to_owned();
    let sealed = given.iter().filter(|(_, of)| of.starts_with("Sealed<"));
    let body = sealed.fold(body.trim().to_owned(), |body, (name, _)| body.replace(&format!("{name}.0"), name));
    Wrapper {
        name: name.to_owned(),
        arguments: given.iter().map(|(name, of)| (in_the_window(name), opened(of))).collect(),
        parameters: given.iter().map(|(name, _)| (*name).to_owned()).collect(),
        answer: answer.to_owned(),
        body,
    }
}

/// Tauri names arguments as JavaScript does.
fn in_the_window(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + &part[..1].to_uppercase() + &part[1..])
}

/// The program text that does what Tauri does between the window and the handlers.
pub fn dispatch(wrappers: &[Wrapper]) -> String {
    let mut out = String::from(
        "// Generated from src-tauri/src/desktop/wrappers.rs by the test `guard_hostile_messages`. Do not edit.\n\n\
         use super::{Answered, Malformed, Response, answered, argument};\n\
         use hilum_app::App;\nuse hilum_app::commands as on;\nuse hilum_app::dto::*;\nuse serde_json::Value;\nuse std::sync::Arc;\n\n\
         type Answer<T> = Result<T, AppError>;\n\n\
         /// Every message with its arguments and their types.\n#[rustfmt::skip]\npub const MESSAGES: &[(&str, &[(&str, &str)])] = &[\n",
    );
    for w in wrappers {
        let arguments: Vec<String> = w.arguments.iter().map(|(name, of)| format!("({name:?}, {of:?})")).collect();
        out.push_str(&format!("    ({:?}, &[{}]),\n", w.name, arguments.join(", ")));
    }
    out.push_str("];\n\n/// Does what a message asks.\n#[rustfmt::skip]\npub async fn message(app: &Arc<App>, name: &str, arguments: &Value) -> Result<Answered, Malformed> {\n    match name {\n");
    for w in wrappers {
        out.push_str(&format!("        {:?} => {{\n", w.name));
        for ((shown, of), parameter) in w.arguments.iter().zip(&w.parameters) {
            out.push_str(&format!("            let {parameter}: {of} = argument(arguments, {shown:?})?;\n"));
        }
        let body = w.body.replace("crate::", "hilum_app::").replace('\n', "\n        ");
        out.push_str(&format!("            let answer: Answer<{}> = async {{ {body} }}.await;\n", w.answer));
        out.push_str("            answered(answer)\n        }\n");
    }
    out.push_str("        other => panic!(\"no message {other}\"),\n    }\n}\n");
    out
}
