//! The one bulk acceptance there is works with demonstrations only: what any other model drafted, a person reviews.

#[path = "cli/support.rs"]
#[allow(dead_code)]
mod support;

use serde_json::{Value, json};
use std::{fs, path::Path};
use support::{Run, demo, hilumctl, radiograph};

/// The demonstration that drafts, once more as a pack of the user's own that calls itself none.
fn own_pack(models: &Path, packs: &Path) {
    let (from, to) = (models.join("medgemma-demo"), packs.join("medgemma-own"));
    fs::create_dir_all(&to).expect("a folder");
    for entry in fs::read_dir(&from).expect("the demonstration") {
        let path = entry.expect("an entry").path();
        if !path.ends_with("pack.json") {
            fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("copied");
        }
    }
    let manifest = fs::read(from.join("pack.json")).expect("a manifest");
    let mut manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    manifest["id"] = json!("medgemma-own");
    manifest["demo"] = json!(false);
    fs::write(to.join("pack.json"), manifest.to_string()).expect("written");
}

#[test]
fn what_is_no_demonstration_is_not_accepted_in_bulk() {
    let Some(models) = demo() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (data, out, image) = (at("data"), at("out"), radiograph(folder.path()));
    let with = |words: &[&str]| {
        let common = ["--data", &data, "--json"];
        Run::of(hilumctl(&[&common[..], words].concat()).env("HILUM_PASSPHRASE", "correct horse"))
    };
    let added = with(&["user", "add", "Ada Reader"]);
    assert_eq!(added.status, 0, "{}", added.err);
    own_pack(&models, &folder.path().join("data/packs"));

    let job = ["report", &image, "--out", &out, "--signer", "Ada Reader"];
    for (more, code) in [(&["--accept-all"][..], "report.not_demo"), (&[], "sign.unreviewed")] {
        let refused = with(&[&job[..], more].concat());
        assert_eq!((refused.status, refused.error().0.as_str()), (1, code), "{more:?}: {}", refused.err);
        assert_eq!(fs::read_dir(&out).expect("the folder of documents").count(), 0, "{more:?}: nothing was signed");
    }
}
