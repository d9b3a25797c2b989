//! A page that means harm, in the real window: what it may ask of Tauri, of its plugins and of the app's commands,
//! with arguments of every kind. `tests/guard/hostile_messages` asks the same handlers ten thousand times.

use crate::browser::Window;
use crate::scene::*;
use hilum_testkit::dicom::EXPLICIT_LE;
use std::path::Path;

/// Open a native dialog or another window, in which the page would wait for a person, or lock.
const ASK_A_PERSON: [&str; 22] = [
    "close_window", "import_files", "import_folder", "save_pdf", "export_report", "logo_choose", "time_stamp_certificate", "template_import",
    "template_export", "pack_choose", "backup_choose", "watch_choose", "restore_choose", "macros_import", "macros_export", "second_show", "lock", "unlock", "unlock_with_recovery",
    "signing_key_import", "signing_certificate_save", "audit_export",
];

/// Commands of Tauri and its plugins. None of them is allowed, and most are not there.
const FOREIGN: &str = "['plugin:fs|read_file', 'plugin:fs|write_file', 'plugin:shell|execute', 'plugin:shell|open', 'plugin:opener|open_path', \
    'plugin:http|fetch', 'plugin:dialog|open', 'plugin:dialog|save', 'plugin:dialog|message', 'plugin:process|exit', 'plugin:updater|check', \
    'plugin:window|create', 'plugin:window|close', 'plugin:webview|create_webview_window', 'plugin:webview|internal_toggle_devtools', \
    'plugin:event|emit', 'plugin:event|emit_to', 'plugin:path|resolve_directory', 'plugin:app|version', 'plugin:menu|new', 'plugin:tray|new', \
    'plugin:resources|close', 'plugin:image|from_path', 'no_such_command', '', '../app_status', '__proto__', 'constructor']";

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_page_gets_no_further_than_its_commands() {
    let Some(scene) = Scene::with_user().await else { return };
    let outside = scene.folder("outside", &[("LETTER", b"Dear colleague,".to_vec())]);
    let window = scene.reading(radiograph("GUARD", "20240105").write_as(EXPLICIT_LE)).await;
    let commands: Vec<&str> = hilum_app::COMMANDS.iter().copied().filter(|name| !ASK_A_PERSON.contains(name)).collect();
    let script = script(&commands, &outside);
    window.text(&script).await;
    window.until("an answer to every message", 180, "return window.heard.back === window.heard.sent && window.heard.sent > 0").await;
    let heard = window.text("return JSON.stringify(window.heard)").await;
    let heard: serde_json::Value = serde_json::from_str(&heard).expect("JSON");
    println!("a hostile page: {heard}");
    assert_eq!(heard["foreign_allowed"], serde_json::json!([]), "{heard}");
    assert!(heard["refused"].as_u64() > Some(100) && heard["answered"].as_u64() > Some(20), "{heard}");
    assert_eq!(heard["backups"], "settings.folder", "a page cannot say where backups go");
    assert_eq!(heard["watched"], "settings.folder", "a page cannot say which folder is watched");
    a_server_is_a_persons_to_allow(&window).await;

    // The app is there, and nothing came into the folder that the page named.
    let rows = "return (async () => (await window.__TAURI_INTERNALS__.invoke('worklist', { search: '' })).length)()";
    window.until("the worklist", 30, &format!("window.rows ??= 0; ({}).then((n) => {{ window.rows = n }}); return window.rows === 1", &rows["return ".len()..])).await;
    let left: Vec<_> = std::fs::read_dir(&outside).expect("the folder").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["LETTER"]);
    window.close().await;
}

/// A page that names a server for time stamps waits for a dialog of the desktop. What was typed when that opened allows nothing,
/// since its first button is the one that cancels.
async fn a_server_is_a_persons_to_allow(window: &Window) {
    const ASK: &str = "window.server = 'waits'; window.__TAURI_INTERNALS__.invoke('set_time_stamp_url', { url: URL })\
        .then((kept) => { window.server = kept.url; }, (refused) => { window.server = refused.code; }); return ''";
    const KEPT: &str = "window.kept = 'waits'; window.__TAURI_INTERNALS__.invoke('time_stamp').then((kept) => { window.kept = kept.url; }); return ''";
    // With a percent sign, which the dialog shows as it is.
    const SERVER: &str = "http://127.0.0.1:9/%s%n";
    let answers: [(&[&str], &str, &str); 4] = [
        (&["Escape"], "timestamp.declined", ""),
        (&["space"], "timestamp.declined", ""),
        (&["Return"], "timestamp.declined", ""),
        (&["Tab", "Return"], SERVER, SERVER),
    ];
    for (keys, answered, kept) in answers {
        window.text(&ASK.replace("URL", &format!("{SERVER:?}"))).await;
        window.answer_dialog("^Allow time stamps from 127.0.0.1:9", keys);
        window.until(&format!("the answer after {keys:?}"), 20, &format!("return window.server === {answered:?}")).await;
        window.text(KEPT).await;
        window.until(&format!("what is kept after {keys:?}"), 20, &format!("return window.kept === {kept:?}")).await;
    }
    window.text(&ASK.replace("URL", "''")).await;
    window.until("no server any more, without a question", 20, "return window.server === ''").await;
}

/// Sends every command with several kinds of arguments, and keeps what came back in `window.heard`.
fn script(commands: &[&str], outside: &Path) -> String {
    let commands = serde_json::to_string(commands).expect("JSON");
    let outside = serde_json::to_string(&outside.display().to_string()).expect("JSON");
    format!(
        r#"
        const outside = {outside};
        const odd = ['', '../../outside/LETTER', '/etc/passwd', outside, '\u0000', '<img src=x onerror=alert(1)>', 'a'.repeat(20000), "'; --", null, -1, 1e308, [], {{}}, [[[]]], true];
        const names = ['studyUid', 'instanceUid', 'reportId', 'versionId', 'id', 'key', 'value', 'user', 'passphrase', 'name', 'token', 'job', 'search', 'filter', 'limit', 'before',
            'revision', 'commands', 'request', 'options', 'section', 'how', 'form', 'settings', 'annotation', 'one', 'instead', 'word', 'situation', 'template', 'choice', 'url',
            'studyUids', 'first', 'paused', 'open', 'reason', 'toPatientOf', 'priorUid', 'linked', 'priority', 'finding', 'old', 'new', 'trainee', 'quantize', 'termsAccepted',
            'secret', 'byRecoveryKey', 'proposalId'];
        const heard = window.heard = {{ sent: 0, back: 0, answered: 0, refused: 0, foreign_allowed: [], backups: '', watched: '' }};
        const ask = (name, given, foreign) => {{
            heard.sent++;
            let answer;
            try {{ answer = window.__TAURI_INTERNALS__.invoke(name, given); }} catch (e) {{ answer = Promise.reject(e); }}
            return answer.then(
                (value) => {{ heard.answered++; if (foreign) heard.foreign_allowed.push(name); return value; }},
                (reason) => {{ heard.refused++; return {{ refused: reason }}; }},
            ).finally(() => heard.back++);
        }};
        let seed = 1;
        const below = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
        for (const name of {commands}) {{
            for (let round = 0; round < 4; round++) {{
                const given = {{}};
                if (round > 0) for (const key of names) given[key] = odd[below(odd.length)];
                // Nothing is changed that the window itself stands on.
                if (name === 'set_settings') given.settings = [null, 7, 'x', []][round];
                ask(name, round === 3 ? undefined : given);
            }}
        }}
        for (const name of {FOREIGN}) for (const given of [{{}}, {{ path: '/etc/passwd', event: 'hilum', payload: null }}]) ask(name, given, true);
        for (const [key, as] of [['backupFolder', 'backups'], ['watchedFolder', 'watched']])
            ask('settings', {{}}).then((now) => ask('set_settings', {{ settings: {{ ...now, [key]: outside }} }}).then((said) => {{ heard[as] = said.refused?.code ?? 'taken'; }}));
        return '';
        "#
    )
}
