//! The rule of dependencies (docs/architecture.md), held by cargo's own account of them.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Which workspace crates each room may depend on. What is not named here may not be an arrow.
const ARROWS: &[(&str, &[&str])] = &[
    ("hilum", &[
        "hilum-workflow", "hilum-store", "hilum-export", "hilum-workers", "hilum-report", "hilum-baseline",
    ]),
    ("hilum-ctl", &[
        "hilum-workflow", "hilum-store", "hilum-export", "hilum-workers", "hilum-report", "hilum-baseline",
        "hilum-imaging", "hilum-encoders", "hilum-drafting", "hilum-packs", "hilum-retrieval",
    ]),
    ("hilum-workflow", &[
        "hilum-store", "hilum-export", "hilum-workers", "hilum-report", "hilum-retrieval", "hilum-calibration",
    ]),
    ("hilum-retrieval", &[]),
    ("hilum-calibration", &[]),
    ("hilum-store", &["hilum-report"]),
    ("hilum-export", &["hilum-report"]),
    ("hilum-decode", &["hilum-imaging", "hilum-workers", "hilum-baseline"]),
    ("hilum-imaging", &["hilum-workers"]),
    ("hilum-encoders", &["hilum-kernels", "hilum-workers"]),
    ("hilum-kernels", &[]),
    ("hilum-drafting", &["hilum-kernels", "hilum-workers"]),
    ("hilum-packs", &["hilum-workers"]),
    ("hilum-workers", &[]),
    ("hilum-baseline", &[]),
    ("hilum-report", &[]),
    ("hilum-testkit", &[]),
];

/// Parts of crate names that the desktop binary must not link.
const NOT_ON_THE_DESKTOP: &[&str] = &[
    "dicom-", "jpeg-decoder", "zune-jpeg", "jpeg-encoder", "mozjpeg", "turbojpeg", "openjp", "openjpeg", "jpeg2k", "jxl", "charls",
    "candle-", "mistralrs", "tokenizers", "safetensors", "hilum-imaging", "hilum-encoders", "hilum-drafting", "hilum-packs",
];

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo prints text")
}

/// Workspace crates with their normal and build dependencies, by name.
fn workspace() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"]
                .as_array()
                .expect("dependencies")
                .iter()
                .filter(|d| d["kind"].as_str() != Some("dev"))
                .map(|d| d["name"].as_str().expect("name").to_owned())
                .collect();
            (package["name"].as_str().expect("name").to_owned(), dependencies)
        })
        .collect()
}

/// What is wrong with a set of arrows; empty when nothing is.
fn wrong_arrows(crates: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (name, dependencies) in crates {
        let Some(allowed) = allowed.get(name.as_str()) else {
            wrong.push(format!("{name} has no place in the map"));
            continue;
        };
        for dependency in dependencies {
            if dependency.starts_with("hilum-") && !allowed.contains(&dependency.as_str()) {
                wrong.push(format!("{name} -> {dependency} runs the wrong way"));
            }
            let is_tauri = dependency == "tauri" || dependency.starts_with("tauri-");
            if is_tauri && name != "hilum" {
                wrong.push(format!("{name} -> {dependency}: only the shell knows Tauri"));
            }
        }
    }
    wrong
}

/// Crates of a `cargo tree` that must not be on the desktop.
fn unwanted(tree: &str) -> BTreeSet<String> {
    tree.lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| NOT_ON_THE_DESKTOP.iter().any(|part| name.contains(part)))
        .map(str::to_owned)
        .collect()
}

#[test]
fn arrows_run_one_way_and_only_the_shell_knows_tauri() {
    assert_eq!(wrong_arrows(&workspace()), Vec::<String>::new());
}

#[test]
fn the_desktop_binary_links_no_parser_codec_or_model() {
    let tree = cargo(&["tree", "-p", "hilum", "-e", "normal,no-proc-macro", "--prefix", "none", "--offline"]);
    assert!(tree.lines().any(|line| line.starts_with("tauri ")), "the tree is the desktop's");
    assert_eq!(unwanted(&tree), BTreeSet::new());
}

#[test]
fn the_rule_would_notice() {
    let with = |name: &str, dependency: &str| {
        let mut crates = workspace();
        crates.get_mut(name).expect("a crate").insert(dependency.to_owned());
        wrong_arrows(&crates).len()
    };
    assert_eq!(with("hilum-report", "hilum-store"), 1);
    assert_eq!(with("hilum-store", "hilum-export"), 1);
    assert_eq!(with("hilum-imaging", "hilum-encoders"), 1);
    assert_eq!(with("hilum-workflow", "tauri"), 1);
    assert_eq!(with("hilum", "hilum-drafting"), 1);
    assert_eq!(unwanted("hilum v0.1.0\njpeg-decoder v0.3.1\ncandle-core v0.10.2 (*)").len(), 2);
    let ctl = cargo(&["tree", "-p", "hilum-ctl", "-e", "normal,no-proc-macro", "--prefix", "none", "--offline"]);
    assert!(unwanted(&ctl).len() > 5, "the same look at hilumctl, which links them all, finds them");
}

#[test]
fn only_the_ipc_folder_of_the_window_knows_tauri() {
    let mut found = Vec::new();
    let mut folders = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("ui/src")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("ui/src is a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                if !path.ends_with("src/ipc") {
                    folders.push(path);
                }
                continue;
            }
            files += 1;
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            // A list of names, such as that of all components, imports nothing.
            if text.contains("@tauri-apps/") && path.extension().is_none_or(|e| e != "json") {
                found.push(path);
            }
        }
    }
    assert!(files > 10, "the window's source was read");
    assert_eq!(found, Vec::<std::path::PathBuf>::new());
}

/// Rust files below a folder, with their text.
fn rust_files(folder: &std::path::Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push((path.display().to_string(), std::fs::read_to_string(&path).expect("a source file")));
        }
    }
}

#[test]
fn only_time_stamping_opens_a_connection() {
    let mut files = Vec::new();
    for folder in ["src-tauri/src", "src-tauri/crates"] {
        rust_files(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut files);
    }
    let product = |path: &str| !path.contains("/tests/") && !path.ends_with("/tests.rs") && !path.contains("/testkit/");
    let sockets = ["TcpStream", "UdpSocket", "TcpListener", "UnixStream", "reqwest", "ureq::", "hyper::"];
    let opens = |text: &str| sockets.iter().any(|word| text.contains(word));
    let found: Vec<&str> =
        files.iter().filter(|(path, text)| product(path) && opens(text)).map(|(path, _)| path.as_str()).collect();
    assert!(found.len() == 1 && found[0].ends_with("workflow/src/time_stamping.rs"), "{found:?}");
}

/// Tests of cargo with their packages, functions of tests, scenes, and every file: what a document may name.
struct There {
    /// Package and test.
    tests: Vec<(String, String)>,
    functions: BTreeSet<String>,
    /// What takes the pictures of the window's screens.
    scenes: String,
    files: Vec<String>,
}

fn there() -> There {
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).expect("cargo metadata is JSON");
    let mut tests = Vec::new();
    for package in metadata["packages"].as_array().expect("packages") {
        for target in package["targets"].as_array().expect("targets").iter().filter(|target| target["kind"][0] == "test") {
            let name = |value: &serde_json::Value| value["name"].as_str().expect("a name").to_owned();
            tests.push((name(package), name(target)));
        }
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut folders: Vec<_> = ["tests", "src-tauri", "ui/src", "tools", "overlays"].map(|folder| root.join(folder)).into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            if entry.path().is_dir() { folders.push(entry.path()) } else { files.push(entry.path().display().to_string()) }
        }
    }
    let mut sources = Vec::new();
    for folder in ["tests", "src-tauri"] {
        rust_files(&root.join(folder), &mut sources);
    }
    let functions = sources.iter().flat_map(|(_, text)| functions_of_tests(text)).collect();
    let scenes = std::fs::read_to_string(root.join("ui/preview/scenes.mjs")).expect("the scenes");
    There { tests, functions, scenes, files }
}

/// The functions of a source file that are tests.
fn functions_of_tests(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_test = |line: &str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    let tests = lines.iter().enumerate().filter(|(_, line)| is_test(line));
    let function = |at: usize| -> Option<String> {
        let line = lines[at..].iter().find(|line| line.contains("fn "))?;
        let name = line.split_once("fn ")?.1;
        Some(name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
    };
    tests.filter_map(|(at, _)| function(at)).collect()
}

/// How many tests the last column of a document's tables names between backquotes, and those that are not there.
fn shown_by(text: &str, there: &There) -> (usize, Vec<String>) {
    let (mut named, mut missing) = (0, Vec::new());
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let cell = line.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        for code in cell.split('`').skip(1).step_by(2) {
            // Whole commands are asked for what they name by `named`.
            if ["cargo ", "node ", "./dev ", "packaging/", "tools/"].iter().any(|command| code.starts_with(command)) {
                continue;
            }
            for word in code.split_whitespace().map(|word| word.trim_end_matches(':')) {
                let (name, is_whole) = word.strip_suffix("...").map_or((word, true), |name| (name, false));
                let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
                if !plain || ["unit", "window", "ui"].contains(&name) {
                    continue;
                }
                named += 1;
                let is = there.tests.iter().any(|(_, test)| test == name || test.strip_prefix("guard_") == Some(name))
                    || there.files.iter().any(|file| file.ends_with(&format!("/{name}.rs")))
                    || there.functions.iter().any(|f| if is_whole { f == name } else { f.starts_with(name) })
                    || there.scenes.contains(&format!("async {name}("));
                if !is {
                    missing.push(code.to_owned());
                }
            }
        }
    }
    (named, missing)
}

/// How many scripts and files a document names between backquotes, and those that are not there.
fn named(text: &str, there: &There) -> (usize, Vec<String>) {
    let (mut named, mut missing) = (0, Vec::new());
    let mut check = |is: bool, what: &str| {
        named += 1;
        if !is {
            missing.push(what.to_owned());
        }
    };
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = |word: &str| [".rs", ".py", ".c", ".ts"].iter().any(|end| word.ends_with(end));
    for code in text.split('`').skip(1).step_by(2) {
        let words: Vec<&str> = code.split_whitespace().collect();
        let package = words.windows(2).find(|pair| pair[0] == "-p").map(|pair| pair[1]);
        for (at, word) in words.iter().map(|word| word.trim_end_matches(':')).enumerate() {
            let behind = at.checked_sub(1).map(|before| words[before]);
            if behind == Some("--test") {
                let its = |(of, test): &(String, String)| test == word && package.is_none_or(|package| of == package);
                check(there.tests.iter().any(its), code);
            } else if word.starts_with("guard_") {
                check(there.tests.iter().any(|(_, test)| test == word), word);
            } else if word.starts_with('_') {
                // The end of a name whose beginning stands before it in a list.
                check(there.tests.iter().any(|(_, test)| test.starts_with("guard_") && test.ends_with(word)), word);
            } else if word.starts_with("tests/") {
                check(root.join(word).exists(), word);
            } else if source(word) {
                check(there.files.iter().any(|file| file.ends_with(&format!("/{word}"))), word);
            }
        }
    }
    (named, missing)
}

/// A control counts in these documents only by the script that shows it, and a guard only where it is written what it found.
#[test]
fn what_the_documents_name_is_there() {
    let there = there();
    let read = |document: &str| std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).expect(document);
    let scripts = [
        ("docs/hazards.md", 40),
        ("docs/reliability.md", 60),
        ("README.md", 12),
        ("docs/shown.md", 40),
        ("docs/report-features.md", 10),
    ];
    for (document, least) in scripts {
        let (named, missing) = named(&read(document), &there);
        assert_eq!(missing, Vec::<String>::new(), "{document} names what is not there");
        assert!(named >= least, "{document} names {named} scripts and files");
    }
    for (document, least) in [("docs/shown.md", 35), ("docs/report-features.md", 80)] {
        let (named, missing) = shown_by(&read(document), &there);
        assert_eq!(missing, Vec::<String>::new(), "{document} names tests that are not there");
        assert!(named >= least, "{document} names {named} tests");
    }
    let reliability = read("docs/reliability.md");
    let word = |name: &str| reliability.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name);
    // `_packs` stands for `guard_hostile_packs` there.
    let said = |name: &str| word(name) || name.strip_prefix("guard_hostile").is_some_and(word);
    let unsaid: Vec<&str> = there.tests.iter().map(|(_, test)| &test[..]).filter(|test| test.starts_with("guard_") && !said(test)).collect();
    assert_eq!(unsaid, Vec::<&str>::new(), "guards that docs/reliability.md does not name");
}

#[test]
fn a_name_of_nothing_would_be_noticed() {
    let there = there();
    let check = |text: &str, expected: (usize, &[&str])| {
        let (count, missing) = named(text, &there);
        assert_eq!((count, missing.iter().map(String::as_str).collect::<Vec<_>>()), (expected.0, expected.1.to_vec()), "{text}");
    };
    check("`--test guard_privacy` and `tests/guard/pdf_attacks`", (2, &[]));
    check("no name: --test guard_nothing", (0, &[]));
    check("`--test guard_nothing`", (1, &["--test guard_nothing"]));
    check("`cargo test -p hilum-store --test processes`", (1, &[]));
    check("`cargo test -p hilum-store --test cli`", (1, &["cargo test -p hilum-store --test cli"]));
    check("`guard_nothing`, `_packs`, `_nothing`", (3, &["guard_nothing", "_nothing"]));
    check("`privacy/edits.rs`, `privacy/nothing.rs`, `dits.rs`", (3, &["privacy/nothing.rs", "dits.rs"]));
    check("`tests/guard/nothing`", (1, &["tests/guard/nothing"]));
    let check = |text: &str, expected: (usize, &[&str])| {
        let (count, missing) = shown_by(text, &there);
        assert_eq!((count, missing.iter().map(String::as_str).collect::<Vec<_>>()), (expected.0, expected.1.to_vec()), "{text}");
    };
    check("no row: `nothing`", (0, &[]));
    check("| a | `exchange`, `unit critical` (report); window `prior` |", (3, &[]));
    check("| `nothing` | `bindings: no_such_test`, `nothing` |", (3, &["bindings: no_such_test", "nothing"]));
    check("| a | `a_name_of_nothing_...`, `no_such_...`, `cargo test nothing` |", (2, &["no_such_..."]));
}
