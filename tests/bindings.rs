//! What the window and the shell know of each other is written in four places; they agree. So do the places that say what
//! Hilum is for.

use std::collections::BTreeSet;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn bindings_are_those_of_the_dto() {
    let expected = hilum_app::dto::typescript();
    if std::env::var_os("HILUM_WRITE_BINDINGS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/src/ipc/bindings.ts");
        std::fs::write(path, &expected).expect("the bindings are written");
    }
    assert!(
        read("ui/src/ipc/bindings.ts") == expected,
        "ui/src/ipc/bindings.ts is stale: run HILUM_WRITE_BINDINGS=1 ./dev test"
    );
}

#[test]
fn every_command_is_wrapped_allowed_and_called() {
    let commands: BTreeSet<String> = hilum_app::COMMANDS.iter().map(|c| (*c).to_owned()).collect();

    let capability: serde_json::Value = serde_json::from_str(&read("src-tauri/capabilities/main.json")).expect("JSON");
    let allowed: BTreeSet<String> = capability["permissions"]
        .as_array()
        .expect("permissions")
        .iter()
        .map(|p| p.as_str().expect("a name"))
        .filter(|p| !p.starts_with("core:event:"))
        .map(|p| p.strip_prefix("allow-").expect("one of our own commands").replace('-', "_"))
        .collect();
    assert_eq!(allowed, commands, "the capability allows just the commands");

    let called: BTreeSet<String> = read("ui/src/ipc/commands.ts")
        .split("call<")
        .skip(1)
        .filter_map(|rest| rest.split_once("(\"")?.1.split_once('"').map(|(name, _)| name.to_owned()))
        .collect();
    assert_eq!(called, commands, "the window calls just the commands");

    let wrappers = read("src-tauri/src/desktop/wrappers.rs");
    let wrapped: BTreeSet<String> = wrappers
        .split("#[tauri::command]\nasync fn ")
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect();
    assert_eq!(wrapped, commands, "the shell wraps just the commands");
}

/// As Tauri merges one configuration into another (RFC 7396).
fn merged(mut under: serde_json::Value, over: &serde_json::Value) -> serde_json::Value {
    let (Some(fields), Some(known)) = (over.as_object(), under.as_object_mut()) else { return over.clone() };
    for (name, value) in fields {
        let before = known.remove(name).unwrap_or(serde_json::Value::Null);
        known.insert(name.clone(), merged(before, value));
    }
    under
}

#[test]
fn packages_of_every_system_are_configured() {
    let json = |path: &str| serde_json::from_str::<serde_json::Value>(&read(path)).expect(path);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (system, over) in [
        ("Linux", vec!["packaging/bundle.json"]),
        ("Windows and macOS", vec!["packaging/bundle.json", "packaging/elsewhere.json"]),
    ] {
        let config = over.iter().fold(json("tauri.conf.json"), |config, path| merged(config, &json(path)));
        // Tauri knows every field: one that is misspelt is refused.
        let config: tauri::utils::config::Config = serde_json::from_value(config).expect(system);
        let value = serde_json::to_value(&config.bundle).expect("JSON");
        let files = value["linux"]["deb"]["files"].as_object().expect("files").values();
        let resources = value["resources"].as_object().into_iter().flat_map(|map| map.keys());
        let named: Vec<String> =
            files.map(|file| file.as_str().expect("a path").to_owned()).chain(resources.cloned()).chain(config.bundle.icon).collect();
        assert!(named.iter().any(|path| path.ends_with(".ico")) && named.iter().any(|path| path.ends_with(".icns")), "{system}");
        assert!(named.iter().any(|path| path.starts_with("models/demo")), "{system}: {named:?}");
        for path in named.iter().filter(|path| !path.starts_with("target/bundle")) {
            assert!(root.join(path).exists(), "{system}: {path} is not there");
        }
        assert_eq!(config.bundle.external_bin.map(|programs| programs.len()), Some(2), "{system}");
    }
}

/// The text of every source file below a folder that ends in one of these.
fn sources(folder: &str, kinds: &[&str]) -> Vec<String> {
    let (mut folders, mut texts) = (vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("an entry").path();
            match path.extension().and_then(|extension| extension.to_str()) {
                _ if path.is_dir() => folders.push(path),
                Some(kind) if kinds.contains(&kind) => texts.push(std::fs::read_to_string(&path).expect("a source file")),
                _ => {}
            }
        }
    }
    texts
}

/// Every code that an error of ours can carry to the window has words there, or a way out by its beginning.
#[test]
fn every_code_has_a_way_out() {
    let crates = ["workflow", "store", "report", "export", "workers", "retrieval", "drafting", "encoders", "packs", "imaging"];
    let words = format!("{}{}", read("ui/src/errors/table.ts"), read("ui/src/errors/engines.ts"));
    // A key is the first thing on its line.
    let keys: BTreeSet<&str> =
        words.lines().filter_map(|line| line.trim_start().strip_prefix('"')?.split_once("\":")).map(|(key, _)| key).collect();
    let families: Vec<&str> = keys.iter().copied().filter(|key| key.ends_with('.')).collect();
    let mut codes = BTreeSet::new();
    for text in crates.into_iter().flat_map(|name| sources(&format!("src-tauri/crates/{name}/src"), &["rs"])) {
        if !text.contains("fn code(&self)") {
            continue;
        }
        for arm in text.split("=> \"").skip(1) {
            let code = arm.split('"').next().unwrap_or_default();
            let plain = |c: char| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit() || c == '.';
            if code.contains('.') && code.chars().all(plain) {
                codes.insert(code.to_owned());
            }
        }
    }
    assert!(codes.len() > 100, "{codes:?}");
    let without: Vec<&String> = codes
        .iter()
        .filter(|code| !keys.contains(code.as_str()) && !families.iter().any(|family| code.starts_with(family)))
        .collect();
    assert!(without.is_empty(), "no words in ui/src/errors for {without:?}");
    // What a person meets who does everything right has words of its own.
    for code in ["worker.died", "worker.timeout", "worker.crash_loop", "drafting.load", "data.disk_full", "pack.terms"] {
        assert!(keys.contains(code), "{code}");
    }
}

#[test]
fn the_page_may_load_nothing_from_elsewhere() {
    let config: serde_json::Value = serde_json::from_str(&read("tauri.conf.json")).expect("JSON");
    let policy = config["app"]["security"]["csp"].as_str().expect("a policy");
    let script = policy.split(';').find(|d| d.trim().starts_with("script-src")).expect("script-src");
    assert_eq!(script.trim(), "script-src 'self'");
    assert!(policy.contains("default-src 'self'") && policy.contains("object-src 'none'"));
    assert!(!policy.contains("https:") && !policy.contains('*'));
    let tree = read("Cargo.toml");
    for plugin in ["tauri-plugin-fs", "tauri-plugin-shell", "tauri-plugin-http", "tauri-plugin-opener", "tauri-plugin-updater"] {
        assert!(!tree.contains(plugin), "{plugin} is not used");
    }
    let source = read("src-tauri/src/desktop/mod.rs");
    assert_eq!(source.matches(".plugin(").count(), 1, "the dialog plugin alone is registered");
}

#[test]
fn the_intended_use_is_stated_the_same_way_everywhere() {
    use hilum_export::pdf::{INTENDED_USE, INTENDED_USE_IN_BULK};
    // Lines are broken where each file breaks them; a string of Rust goes on behind a backslash.
    let plain = |text: &str| text.replace("\\\n", " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let printed = "src-tauri/crates/export/src/pdf/mod.rs";
    let constant = "ui/src/components/intended-use.ts";
    for path in ["README.md", "docs/intended-use.md", "tauri.conf.json", "src-tauri/crates/ctl/src/help.rs", printed, constant] {
        assert!(plain(&read(path)).contains(INTENDED_USE), "{path} does not say it");
    }
    for component in ["frame/Footer", "help/Help", "unlock/FirstRun", "unlock/Gate"] {
        let text = read(&format!("ui/src/features/{component}.svelte"));
        let (script, page) = text.split_once("</script>").expect("a script");
        assert!(script.contains("import { INTENDED_USE } from \"../../components/intended-use\";"), "{component}");
        assert!(page.contains("{INTENDED_USE}"), "{component} does not show it");
    }
    // Nobody reviewed what was accepted in bulk, which is all that is said otherwise of it.
    let (first, _) = INTENDED_USE.split_once(". ").expect("two sentences");
    assert!(INTENDED_USE_IN_BULK.starts_with(first));
    // And nowhere in words of its own.
    for (place, text) in [("ui/src", &["svelte", "ts"][..]), ("src-tauri", &["rs"][..])]
        .into_iter()
        .flat_map(|(folder, kinds)| sources(folder, kinds).into_iter().map(move |text| (folder, text)))
    {
        let rest = plain(&text).replace(INTENDED_USE, "").replace(INTENDED_USE_IN_BULK, "").to_lowercase();
        assert!(!rest.contains("cleared for clinical use"), "{place} says it in other words, too");
    }
}
