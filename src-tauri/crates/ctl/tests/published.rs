//! `pack check` of the published configurations, which say little and leave the rest to defaults, over weights of the real
//! shapes that take no disk: whether the engine takes them, and what it plans for each form. Runs where `../shared` is.

#[path = "cli/support.rs"]
#[allow(dead_code)]
mod support;

use hilum_testkit::published::{
    MEDGEMMA_4B, MEDGEMMA_27B, MEDGEMMA_27B_TEXT, Shapes, config_27b, config_27b_text, download, language_model,
    with_eyes, write_hollow,
};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};
use support::{Run, run};
use tempfile::TempDir;

/// A folder as downloaded, with nothing in its weights.
struct Download {
    root: TempDir,
}

impl Download {
    /// `None`, and noted, where the publisher's files are not here.
    fn new(shapes: &Shapes) -> Option<Self> {
        let here = Self { root: tempfile::tempdir().expect("a folder") };
        fs::create_dir(here.folder()).expect("a folder");
        let there = download(&here.folder()).expect("written");
        write_hollow(&here.folder().join("model.safetensors"), shapes).expect("written");
        there.then_some(here)
    }

    fn folder(&self) -> PathBuf {
        self.root.path().join("medgemma")
    }

    fn edit(&self, change: impl FnOnce(&mut Value)) {
        let path = self.folder().join("config.json");
        let mut config = serde_json::from_slice(&fs::read(&path).expect("a configuration")).expect("JSON");
        change(&mut config);
        fs::write(&path, config.to_string()).expect("written");
    }

    fn look(&self) -> Run {
        let (data, folder) = (self.root.path().join("data"), self.folder());
        let [data, folder] = [&data, &folder].map(|path| path.to_str().expect("UTF-8"));
        run(&["--data", data, "--json", "pack", "check", folder])
    }

    /// That it is a model of this kind with so many numbers (tens of millions), and may be kept in these forms, each with
    /// so much of disk (tenths of GB) and of memory (GB).
    fn check(&self, kind: &str, parameters: u64, forms: &[(&str, u64, u64)]) {
        let looked = self.look();
        assert_eq!(looked.status, 0, "{}", looked.err);
        let found = looked.json();
        let number = |value: &Value| value.as_u64().expect("a number");
        assert_eq!((found["kind"].as_str(), number(&found["parameters"]) / 10_000_000), (Some(kind), parameters));
        let choices = found["choices"].as_array().expect("forms").iter();
        let choices: Vec<(&str, u64, u64)> = choices
            .map(|choice| {
                let (disk, memory) = (number(&choice["disk"]), number(&choice["memory"]));
                (choice["quantize"].as_str().expect("a form"), disk / 100_000_000, memory / 1_000_000_000)
            })
            .collect();
        assert_eq!(choices, forms);
    }

    /// That the engine's side refuses the configuration, and the words that say why.
    fn refused(&self, why: &str) {
        let looked = self.look();
        let (code, file) = looked.error();
        assert_eq!((looked.status, code.as_str()), (1, "pack.unsupported"), "{}", looked.err);
        assert!(file.ends_with("config.json") && looked.err.contains(why), "{}", looked.err);
    }
}

#[test]
fn medgemma_4b() {
    let Some(folder) = Download::new(&with_eyes(MEDGEMMA_4B)) else { return };
    folder.check("medgemma", 430, &[("q4k", 45, 5), ("q8_0", 63, 7), ("none", 86, 17)]);
    // What the engine would compute otherwise is seen in what little the configuration says.
    folder.edit(|config| config["text_config"]["rope_scaling"]["rope_type"] = json!("yarn"));
    folder.refused("yarn");
}

#[test]
fn medgemma_27b() {
    let Some(folder) = Download::new(&with_eyes(MEDGEMMA_27B)) else { return };
    folder.edit(config_27b);
    folder.check("medgemma", 2743, &[("q4k", 192, 20), ("q8_0", 323, 33), ("none", 548, 110)]);
    folder.edit(|config| config["text_config"]["hidden_activation"] = json!("gelu"));
    folder.refused("hidden_activation");
}

/// Nothing drafts with it yet, so it is kept as it is and needs no memory.
#[test]
fn medgemma_27b_text() {
    let Some(folder) = Download::new(&language_model("model", MEDGEMMA_27B_TEXT)) else { return };
    folder.edit(config_27b_text);
    for file in ["preprocessor_config.json", "processor_config.json"] {
        fs::remove_file(folder.folder().join(file)).expect("removed");
    }
    folder.check("medgemma-text", 2700, &[("none", 540, 0)]);
}
