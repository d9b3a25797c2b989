//! Adding model packs as a script does: terms, progress, refusals, and every way of being stopped.

#[path = "cli/support.rs"]
#[allow(dead_code)]
mod support;

use hilum_drafting::needs_conversion;
use hilum_testkit::gemma3::{Spelling, write_checkpoint};
use hilum_testkit::siglip::TinySiglip;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
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

    fn check(&self, name: &str) -> Run {
        self.run(&["--json", "pack", "check", self.path(name).to_str().expect("UTF-8")])
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
    let found = desk.check("siglip").json();
    assert_eq!((found["kind"].as_str(), found["demo"].as_bool()), (Some("medsiglip"), Some(false)));
    assert!(found["terms"].as_str().is_some_and(|terms| terms.contains("Health AI Developer Foundations")));
    assert_eq!(found["choices"][0]["quantize"], "none");
    assert_eq!(found["choices"][0]["disk"], found["bytes"]);

    fs::write(desk.path("siglip/LICENSE"), "Only on Sundays.").expect("written");
    let added = desk.add("siglip", &["--accept-terms"]);
    assert_eq!(added.status, 0, "{}", added.err);
    // Ours, and the publisher's own, where the result does not go.
    let said = added
        .err
        .lines()
        .find_map(|line| serde_json::from_str::<Value>(line).ok()?["terms"].as_str().map(str::to_owned));
    let said = said.expect("terms");
    assert!(said.starts_with(found["terms"].as_str().expect("terms")) && said.ends_with("Only on Sundays."), "{said}");
    let pack = added.json();
    assert_eq!((pack["id"].as_str(), pack["terms"].as_str()), (Some("siglip"), Some(said.as_str())));
    assert!(pack["terms_accepted_at"].as_str().is_some_and(|at| at.len() >= 20 && at.ends_with('Z')), "{pack}");
    let said = progress(&added);
    assert_eq!(said.first().expect("progress")["phase"], "checking");
    let last = said.last().expect("progress");
    assert_eq!((last["phase"].as_str(), last["fraction"].as_f64()), (Some("copying"), Some(1.0)));
    let notice = fs::read_to_string(desk.path("data/packs/siglip/NOTICE")).expect("a notice");
    assert!(notice.contains("HAI-DEF is provided under and subject to"));
    assert_eq!(desk.run(&["pack", "verify", "siglip"]).status, 0);
    let verified = desk.run(&["--json", "pack", "verify", "siglip"]);
    let last = progress(&verified).pop().expect("progress");
    assert_eq!((last["phase"].as_str(), last["fraction"].as_f64()), (Some("hashing"), Some(1.0)));
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
    write_checkpoint(&desk.path("medgemma-4"), Spelling::Transformers4, 3).expect("written");
    let ropes = |entry: &'static str, rope: Value| {
        move |config: &mut Value| config["text_config"]["rope_parameters"][entry] = rope.clone()
    };
    refused("medgemma", &ropes("full_attention", json!({ "rope_type": "yarn", "factor": 8.0 })));
    refused("medgemma", &ropes("full_attention", json!({ "rope_type": "linear" })));
    // The engine scales the global layers alone.
    refused("medgemma", &ropes("sliding_attention", json!({ "rope_type": "linear", "factor": 8.0 })));
    refused("medgemma-4", &|config| config["text_config"]["rope_scaling"] = json!({ "rope_type": "linear" }));
    refused("medgemma", &|config| {
        config["text_config"]["layer_types"][0] = "full_attention".into();
    });
    for folder in ["medgemma", "medgemma-4"] {
        refused(folder, &|config| config["text_config"]["hidden_activation"] = "gelu".into());
        refused(folder, &|config| config["vision_config"]["hidden_act"] = "quick_gelu".into());
        refused(folder, &|config| config["vision_config"]["num_attention_heads"] = 7.into());
        refused(folder, &|config| config["text_config"]["use_bidirectional_attention"] = true.into());
        refused(folder, &|config| config["use_bidirectional_attention"] = true.into());
    }
    refused("siglip", &|config| config["vision_config"]["hidden_act"] = "relu".into());
    refused("siglip", &|config| config["vision_config"]["num_attention_heads"] = 7.into());
    for folder in ["medgemma", "medgemma-4", "siglip"] {
        assert_eq!(desk.add(folder, &["--accept-terms"]).status, 0, "{folder} was whole before");
    }
}

/// A processor that prepares images otherwise than Hilum, in either of the places where the libraries keep it.
#[test]
fn images_that_would_be_prepared_otherwise() {
    let desk = Desk::new();
    write_checkpoint(&desk.path("medgemma"), Spelling::Transformers5, 3).expect("written");
    for folder in ["medgemma", "siglip"] {
        for (file, processor) in [
            ("preprocessor_config.json", json!({ "image_mean": [0.48, 0.45, 0.4] })),
            ("processor_config.json", json!({ "image_processor": { "image_mean": [0.48, 0.45, 0.4] } })),
            ("processor_config.json", json!({ "image_processor": { "image_std": [0.26, 0.26, 0.27] } })),
        ] {
            let path = desk.path(folder).join(file);
            let before = fs::read(&path).ok();
            fs::write(&path, processor.to_string()).expect("written");
            for added in [desk.add(folder, &["--accept-terms"]), desk.check(folder)] {
                let (code, named) = added.error();
                assert_eq!((added.status, code.as_str()), (1, "pack.unsupported"), "{}", added.err);
                assert!(named.ends_with(file), "{named}");
            }
            assert!(desk.packs().is_empty());
            match before {
                Some(before) => fs::write(&path, before).expect("written"),
                None => fs::remove_file(&path).expect("removed"),
            }
        }
    }
}

/// Older libraries saved counted positions as integers, and people leave the same weights beside in another type.
#[test]
fn what_cannot_hinder_a_loader_hinders_no_form() {
    let desk = Desk::new();
    write_checkpoint(&desk.path("medgemma"), Spelling::Transformers4, 3).expect("written");
    let weights = desk.path("medgemma/model.safetensors");
    fs::copy(&weights, desk.path("medgemma/model.fp16.safetensors")).expect("copied");
    let bytes = fs::read(&weights).expect("weights");
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    let mut header: Value = serde_json::from_slice(&bytes[8..8 + length]).expect("a header");
    let data = &bytes[8 + length..];
    let name = "vision_tower.vision_model.embeddings.position_ids";
    header[name] = json!({ "dtype": "I64", "shape": [2], "data_offsets": [data.len(), data.len() + 16] });
    let header = header.to_string();
    let with = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data, &[0; 16]].concat();
    fs::write(&weights, with).expect("written");
    let choices = desk.check("medgemma").json()["choices"].clone();
    let forms: Vec<_> = choices.as_array().expect("forms").iter().map(|choice| choice["quantize"].clone()).collect();
    assert_eq!(forms, ["q4k", "q8_0", "none"]);
    for form in ["q8_0", "none"] {
        let added = desk.add("medgemma", &["--accept-terms", "--quantize", form]);
        assert_eq!(added.status, 0, "{form}: {}", added.err);
    }
    assert!(!desk.path("data/packs/medgemma/model.fp16.safetensors").exists());
}

/// Name, shape and numbers of every tensor of a pack.
fn tensors(folder: &Path) -> BTreeMap<String, (Vec<usize>, Vec<u8>)> {
    let bytes = fs::read(folder.join("model.safetensors")).expect("weights");
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).expect("a header");
    let number = |value: &Value| value.as_u64().expect("a number") as usize;
    let entries = header.as_object().expect("an object").iter().filter(|(name, _)| *name != "__metadata__");
    entries
        .map(|(name, entry)| {
            let shape = entry["shape"].as_array().expect("a shape").iter().map(number).collect();
            let (begin, end) = (number(&entry["data_offsets"][0]), number(&entry["data_offsets"][1]));
            (name.clone(), (shape, bytes[8 + length + begin..8 + length + end].to_vec()))
        })
        .collect()
}

/// Whatever library saved a model, its pack has the names that the engine looks for: no load copies it any more.
#[test]
fn a_pack_is_loaded_as_it_lies() {
    let desk = Desk::new();
    for (name, spelling) in [("four", Spelling::Transformers4), ("five", Spelling::Transformers5)] {
        write_checkpoint(&desk.path(name), spelling, 3).expect("written");
        let download = desk.path(name);
        assert_eq!(needs_conversion(&download).expect("read"), spelling == Spelling::Transformers5);
        let added = desk.add(name, &["--accept-terms"]);
        assert_eq!(added.status, 0, "{}", added.err);
        let pack = desk.path("data/packs").join(name);
        assert!(!needs_conversion(&pack).expect("read"), "{name}");
        // The same numbers under the same names, and the hashes of what was published.
        assert!(tensors(&pack) == tensors(&desk.path("four")), "{name}: other tensors");
        let manifest: Value =
            serde_json::from_slice(&fs::read(pack.join("pack.json")).expect("a manifest")).expect("JSON");
        let published = hex::encode(Sha256::digest(fs::read(download.join("model.safetensors")).expect("weights")));
        match spelling {
            Spelling::Transformers4 => {
                assert!(manifest["source_files"].is_null());
                assert_eq!(manifest["files"]["model.safetensors"], published);
            }
            Spelling::Transformers5 => {
                assert_eq!(manifest["source_files"]["model.safetensors"], published);
                assert_ne!(manifest["files"]["model.safetensors"], published);
            }
        }
    }
    assert_eq!(desk.run(&["pack", "verify"]).status, 0);
}

/// A pack that an earlier Hilum added in the other spelling still loads, in a place that the next start sweeps.
#[test]
fn a_pack_in_the_other_spelling_is_loaded_beside_the_packs() {
    let desk = Desk::new();
    write_checkpoint(&desk.path("five"), Spelling::Transformers5, 3).expect("written");
    assert_eq!(desk.add("five", &["--accept-terms"]).status, 0);
    let pack = desk.path("data/packs/five");
    // As it was before: the published file, and a manifest that vouches for it.
    let published = fs::read(desk.path("five/model.safetensors")).expect("weights");
    fs::write(pack.join("model.safetensors"), &published).expect("written");
    let mut manifest: Value =
        serde_json::from_slice(&fs::read(pack.join("pack.json")).expect("a manifest")).expect("JSON");
    manifest.as_object_mut().expect("an object").remove("source_files");
    manifest["files"]["model.safetensors"] = hex::encode(Sha256::digest(&published)).into();
    fs::write(pack.join("pack.json"), manifest.to_string()).expect("written");
    assert!(needs_conversion(&pack).expect("read"));

    // What a load leaves that is killed while it copies.
    let left = desk.path("data/packs/4711-0.loading/hilum-model-x");
    fs::create_dir_all(&left).expect("a folder");
    fs::write(left.join("model.safetensors"), &published[..published.len() / 2]).expect("written");
    fs::write(desk.path("data/packs/.loading.lock"), "").expect("written");
    let folders = || {
        let mut names = desk.packs();
        names.retain(|name| desk.path("data/packs").join(name).is_dir());
        names
    };
    assert_eq!(desk.listed(), ["five"], "it is no pack");
    assert_eq!(folders(), ["five"]);

    fs::create_dir_all(&left).expect("a folder");
    let draft = ["draft", "--pack", "five", "--prompt", "raw", "--text", "Describe this X-ray", "--max-tokens", "4"];
    let drafted = desk.run(&draft);
    assert_eq!(drafted.status, 0, "{}", drafted.err);
    assert_eq!(folders(), ["five"], "the load removes what it made, and what was left");
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

    // Another computer takes it as it is, and looks at every header and number of it.
    let (other, made) = (desk.path("other"), desk.path("data/packs/medgemma-q8_0"));
    let paths = [&other, &made].map(|path| path.to_str().expect("UTF-8"));
    let taken = run(&["--data", paths[0], "--json", "pack", "add", paths[1], "--accept-terms"]);
    assert_eq!(taken.status, 0, "{}", taken.err);
    assert_eq!(taken.json()["quantization"].as_str(), Some("q8_0"));
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
