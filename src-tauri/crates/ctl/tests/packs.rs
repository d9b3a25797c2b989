//! Adding model packs as a script does: terms, progress, refusals, and every way of being stopped.

#[path = "cli/support.rs"]
#[allow(dead_code)]
mod support;

use hilum_testkit::gemma3::{Spelling, write_checkpoint};
use hilum_testkit::siglip::TinySiglip;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};
use support::{Run, hilumctl, run};
use tempfile::TempDir;

/// A data folder, and a download beside it.
struct Desk {
    root: TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { root: tempfile::tempdir().expect("a folder") };
        TinySiglip::references()[0].1.write(&desk.path("siglip")).expect("written");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let data = self.path("data");
        run(&[&["--data", data.to_str().expect("UTF-8")], arguments].concat())
    }

    fn add(&self, name: &str, more: &[&str]) -> Run {
        let folder = self.path(name);
        self.run(&[&["--json", "pack", "add", folder.to_str().expect("UTF-8")], more].concat())
    }

    /// Names in the folder of packs, the lock aside.
    fn packs(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path("data/packs")) else { return Vec::new() };
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
        names.filter(|name| name != ".lock").collect()
    }

    fn listed(&self) -> Vec<String> {
        let list = self.run(&["--json", "pack", "list"]).json();
        assert_eq!(list["broken"], serde_json::json!([]));
        let packs = list["packs"].as_array().expect("packs").iter();
        packs.filter(|pack| pack["demo"] == false).map(|pack| pack["id"].as_str().expect("an id").to_owned()).collect()
    }

    /// Starts adding a folder that takes a while: a card of zeros that the disk need not hold.
    fn start_slowly(&self) -> Child {
        let card = fs::File::create(self.path("siglip/README.md")).expect("a file");
        card.set_len(4 << 30).expect("a length");
        let (data, folder) = (self.path("data"), self.path("siglip"));
        let arguments =
            ["--data", data.to_str().expect("UTF-8"), "--json", "pack", "add", folder.to_str().expect("UTF-8")];
        let mut command = hilumctl(&[&arguments[..], &["--accept-terms"]].concat());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("hilumctl starts");
        let until = Instant::now() + Duration::from_secs(60);
        while self.packs() != ["siglip.partial"] {
            assert!(Instant::now() < until, "no copy began: {:?}", self.packs());
            std::thread::sleep(Duration::from_millis(5));
        }
        child
    }

    fn shorten_card(&self) {
        fs::write(self.path("siglip/README.md"), "a card").expect("written");
    }
}

fn progress(run: &Run) -> Vec<Value> {
    let lines = run.err.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.map(|line| line["progress"].clone()).filter(|progress| !progress.is_null()).collect()
}

#[test]
fn terms_progress_and_the_manifest() {
    let desk = Desk::new();
    let refused = desk.add("siglip", &[]);
    assert_eq!((refused.status, refused.error().0.as_str()), (1, "pack.terms"), "{}", refused.err);
    assert!(desk.packs().is_empty());
    let checked = desk.run(&["--json", "pack", "check", desk.path("siglip").to_str().expect("UTF-8")]);
    let found = checked.json();
    assert_eq!((found["kind"].as_str(), found["demo"].as_bool()), (Some("medsiglip"), Some(false)));
    assert!(found["terms"].as_str().is_some_and(|terms| terms.contains("Health AI Developer Foundations")));
    assert_eq!(found["choices"][0]["quantize"], "none");
    assert_eq!(found["choices"][0]["disk"], found["bytes"]);

    let added = desk.add("siglip", &["--accept-terms"]);
    assert_eq!(added.status, 0, "{}", added.err);
    let pack = added.json();
    assert_eq!(pack["id"], "siglip");
    assert!(pack["terms_accepted_at"].as_str().is_some_and(|at| at.len() >= 20 && at.ends_with('Z')), "{pack}");
    let said = progress(&added);
    assert_eq!(said.first().expect("progress")["phase"], "checking");
    let last = said.last().expect("progress");
    assert_eq!((last["phase"].as_str(), last["fraction"].as_f64()), (Some("copying"), Some(1.0)));
    let notice = fs::read_to_string(desk.path("data/packs/siglip/NOTICE")).expect("a notice");
    assert!(notice.contains("HAI-DEF is provided under and subject to"));
    assert_eq!(desk.run(&["pack", "verify", "siglip"]).status, 0);
    let again = desk.add("siglip", &["--accept-terms"]);
    assert_eq!(again.error().0, "pack.exists");
    assert_eq!(desk.listed(), ["siglip"]);
}

#[test]
fn refusals_name_file_and_tensor_and_leave_nothing() {
    let desk = Desk::new();
    let weights = desk.path("siglip/model.safetensors");
    let good = fs::read(&weights).expect("weights");
    let mut bad = good.clone();
    let at = bad.len() - 4;
    bad[at..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&weights, &bad).expect("written");
    let refused = desk.add("siglip", &["--accept-terms"]);
    let (code, file) = refused.error();
    assert_eq!((refused.status, code.as_str()), (1, "pack.not_finite"));
    assert!(file.ends_with("siglip/model.safetensors"), "{file}");
    assert!(refused.err.lines().last().is_some_and(|line| line.contains("tensor ")), "{}", refused.err);
    fs::write(&weights, &good[..good.len() - 4]).expect("written");
    assert_eq!(desk.add("siglip", &["--accept-terms"]).error().0, "pack.truncated");
    fs::write(&weights, &good).expect("written");
    assert_eq!(desk.add("siglip", &["--accept-terms", "--kind", "medgemma"]).error().0, "pack.other_kind");
    let quantised = desk.add("siglip", &["--accept-terms", "--quantize", "q4k"]);
    assert_eq!(quantised.error().0, "pack.quantize_unsupported");
    fs::write(desk.path("siglip/pytorch_model.bin"), "x").expect("written");
    assert_eq!(desk.add("siglip", &["--accept-terms"]).error().0, "pack.pickle_refused");
    assert_eq!(desk.run(&["pack", "check", desk.path("siglip").to_str().expect("UTF-8")]).status, 1);
    assert!(desk.packs().is_empty());
}

/// What the engines would refuse to load is refused when it is added.
#[test]
fn configurations_that_nothing_loads() {
    let desk = Desk::new();
    let refused = |folder: &str, change: &dyn Fn(&mut Value)| {
        let path = desk.path(folder).join("config.json");
        let before = fs::read(&path).expect("a configuration");
        let mut config = serde_json::from_slice(&before).expect("JSON");
        change(&mut config);
        fs::write(&path, config.to_string()).expect("written");
        let added = desk.add(folder, &["--accept-terms"]);
        assert_eq!((added.status, added.error().0.as_str()), (1, "pack.unsupported"), "{}", added.err);
        assert!(added.error().1.ends_with("config.json"));
        assert!(desk.packs().is_empty());
        fs::write(&path, before).expect("written");
    };
    write_checkpoint(&desk.path("medgemma"), Spelling::Transformers5, 3).expect("written");
    refused("medgemma", &|config| {
        config["text_config"]["rope_parameters"]["full_attention"]["rope_type"] = "yarn".into();
    });
    refused("medgemma", &|config| {
        config["text_config"]["layer_types"][0] = "full_attention".into();
    });
    refused("siglip", &|config| config["vision_config"]["hidden_act"] = "relu".into());
    assert_eq!(desk.add("medgemma", &["--accept-terms"]).status, 0, "it was whole before");
}

/// The language model is quantised once, and what comes out is a pack whose every byte is known.
#[test]
fn a_quantised_pack() {
    let desk = Desk::new();
    write_checkpoint(&desk.path("medgemma"), Spelling::Transformers5, 3).expect("written");
    let added = desk.add("medgemma", &["--accept-terms", "--quantize", "q8_0"]);
    assert_eq!(added.status, 0, "{}", added.err);
    assert_eq!(
        (added.json()["id"].as_str(), added.json()["quantization"].as_str()),
        (Some("medgemma-q8_0"), Some("q8_0"))
    );
    let phases: Vec<_> =
        progress(&added).iter().map(|at| at["phase"].as_str().unwrap_or_default().to_owned()).collect();
    assert!(phases.contains(&"converting".to_owned()), "{phases:?}");
    let notice = fs::read_to_string(desk.path("data/packs/medgemma-q8_0/NOTICE")).expect("a notice");
    assert!(notice.contains("Modified files") && notice.contains("Q8_0"), "{notice}");
    assert_eq!(desk.run(&["pack", "verify", "medgemma-q8_0"]).status, 0);
}

#[cfg(unix)]
fn signal(child: &Child, signal: i32) {
    // SAFETY: the child is ours and has not been waited for, so its id is its own.
    assert_eq!(unsafe { libc::kill(child.id() as i32, signal) }, 0);
}

/// After a kill nothing half-added is visible, the next start sweeps, and the pack can be added.
#[cfg(unix)]
#[test]
fn a_killed_addition_leaves_nothing_visible() {
    let desk = Desk::new();
    for pause in [0, 20, 100] {
        let mut child = desk.start_slowly();
        std::thread::sleep(Duration::from_millis(pause));
        // Another program may list meanwhile, and sweeps nothing that is being made.
        assert!(desk.listed().is_empty());
        assert_eq!(desk.packs(), ["siglip.partial"]);
        signal(&child, libc::SIGKILL);
        child.wait().expect("it ended");
        assert_eq!(desk.packs(), ["siglip.partial"]);
        assert!(desk.listed().is_empty());
        assert!(desk.packs().is_empty(), "{:?}", desk.packs());
    }
    desk.shorten_card();
    assert_eq!(desk.add("siglip", &["--accept-terms"]).status, 0);
    assert_eq!(desk.listed(), ["siglip"]);
}

/// Ctrl-C removes what was made before the program ends.
#[cfg(unix)]
#[test]
fn an_interrupt_leaves_nothing() {
    let desk = Desk::new();
    let child = desk.start_slowly();
    signal(&child, libc::SIGINT);
    let output = child.wait_with_output().expect("it ended");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(said.lines().last().is_some_and(|line| line.contains("pack.cancelled")), "{said}");
    assert!(desk.packs().is_empty());
    assert!(!Path::new(&desk.path("data/packs/siglip")).exists());
}
