//! `hilumctl bench drift` as a script sees it: nothing between a pack and itself, little between it and a quantised
//! copy of it.

#[path = "cli/support.rs"]
#[allow(dead_code)]
mod support;

use serde_json::Value;
use std::{fs, path::Path};
use support::{Run, demo, run};

/// Mean divergence, nats, of the demonstration pack in Q4_K: five times what was found (docs/models.md).
const ALLOWED: f64 = 0.007;

/// The demonstration pack as its publisher would give it: without the manifest and the card, which make a pack of it.
fn as_published(pack: &Path, folder: &Path) {
    fs::create_dir(folder).expect("a folder");
    for entry in fs::read_dir(pack).expect("a pack") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name");
        if name != "pack.json" && name != "card.md" {
            fs::copy(&path, folder.join(name)).expect("copied");
        }
    }
}

fn measured(run: &Run) -> (f64, f64, f64) {
    assert_eq!(run.status, 0, "{}", run.err);
    let found = run.json();
    let number = |value: &Value| value.as_f64().expect("a number");
    assert!(number(&found["positions"]) > 16.0, "{found}");
    (number(&found["kl_nats"]["mean"]), number(&found["kl_nats"]["most"]), number(&found["same_choice"]))
}

#[test]
fn drift_is_nothing_for_a_pack_itself_and_little_for_its_quantised_copy() {
    let Some(models) = demo() else { return };
    let root = tempfile::tempdir().expect("a folder");
    let at = |name: &str| root.path().join(name).to_str().expect("UTF-8").to_owned();
    let (data, source) = (at("data"), at("published"));
    let with = |words: &[&str]| run(&[&["--data", &data, "--json"][..], words].concat());

    let itself = with(&["bench", "drift", "--pack", "medgemma-demo", "--against", "medgemma-demo"]);
    assert_eq!(measured(&itself), (0.0, 0.0, 1.0), "a pack does not drift from itself");

    let nothing = with(&["bench", "drift", "--pack", "medgemma-demo"]);
    assert_eq!((nothing.status, nothing.error().0.as_str()), (2, "ctl.usage"), "{}", nothing.err);
    let nowhere = with(&["bench", "drift", "--pack", "medgemma-demo", "--against", &at("nowhere")]);
    assert_eq!((nowhere.status, nowhere.error().0.as_str()), (1, "pack.not_found"), "{}", nowhere.err);

    as_published(&models.join("medgemma-demo"), Path::new(&source));
    let added = with(&["pack", "add", &source, "--quantize", "q4k", "--id", "smaller", "--accept-terms"]);
    assert_eq!(added.status, 0, "{}", added.err);
    let quantised = with(&["bench", "drift", "--pack", "smaller", "--against", &source]);
    if hilum_drafting::overlay().is_empty() {
        assert_eq!((quantised.status, quantised.error().0.as_str()), (1, "drafting.quantised"), "{}", quantised.err);
        return;
    }
    let (mean, most, same) = measured(&quantised);
    println!("the demonstration pack in Q4_K: mean {mean}, most {most}, the same choice at {same} of the places");
    assert!(mean > 0.0 && mean < ALLOWED && most >= mean && same >= 0.98, "{mean} {most} {same}");
}
