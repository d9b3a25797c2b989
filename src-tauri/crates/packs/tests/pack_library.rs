//! Packs from a download to their removal, and every way in which that stops.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use hilum_packs::{AddOptions, HAI_DEF_NOTICE, Kind, Library, MANIFEST_FILE, Manifest, pack_hash, verify};
use hilum_testkit::gemma3::{Spelling, write_checkpoint};
use hilum_testkit::siglip::TinySiglip;
use tempfile::TempDir;

/// A folder for packs, and two downloads beside it.
struct Desk {
    root: TempDir,
    library: Library,
}

impl Desk {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        TinySiglip::references()[1].1.write(&root.path().join("MedSigLIP 448")).unwrap();
        let gemma = root.path().join("medgemma");
        write_checkpoint(&gemma, Spelling::Transformers5, 2).unwrap();
        std::fs::write(gemma.join("chat_template.jinja"), "{{ messages }}").unwrap();
        let library = Library::new(&root.path().join("packs"), None);
        Self { root, library }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.root.path().join(name)
    }

    fn add(&self, name: &str) -> hilum_packs::Result<Manifest> {
        self.library.add(&self.path(name), &AddOptions::default(), &mut |_| {}, &AtomicBool::new(false))
    }
}

fn names(dir: &Path) -> BTreeSet<String> {
    match std::fs::read_dir(dir) {
        Ok(entries) => entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect(),
        Err(_) => BTreeSet::new(),
    }
}

#[test]
fn added_listed_verified_removed() {
    let desk = Desk::new();
    let mut seen = Vec::new();
    let cancel = AtomicBool::new(false);
    let manifest = desk
        .library
        .add(&desk.path("MedSigLIP 448"), &AddOptions::default(), &mut |progress| seen.push(progress), &cancel)
        .unwrap();
    assert_eq!((manifest.id.as_str(), manifest.name.as_str()), ("medsiglip-448", "MedSigLIP 448"));
    assert_eq!((manifest.kind, manifest.demo), (Kind::MedSigLip, false));
    assert_eq!(manifest.notice, HAI_DEF_NOTICE);
    assert!(!manifest.source.contains(desk.root.path().to_str().unwrap()), "a path of this machine is recorded");
    assert!(seen.windows(2).all(|pair| pair[0].done_bytes < pair[1].done_bytes));
    assert_eq!(seen.last().unwrap().done_bytes, seen.last().unwrap().total_bytes);
    assert_eq!(seen.iter().map(|progress| &progress.file).collect::<BTreeSet<_>>().len(), manifest.files.len());

    desk.add("medgemma").unwrap();
    let listing = desk.library.list().unwrap();
    assert!(listing.broken.is_empty());
    let ids: Vec<_> = listing.packs.iter().map(|pack| pack.manifest.id.as_str()).collect();
    assert_eq!(ids, ["medgemma", "medsiglip-448"]);
    for pack in &listing.packs {
        assert!(!pack.built_in);
        let verified = verify(&pack.dir).unwrap();
        assert_eq!(verified.manifest, pack.manifest);
        assert_eq!(verified.pack_hash, pack_hash(&pack.manifest));
    }
    assert_eq!(desk.library.default_for(Kind::MedGemma).unwrap().manifest.id, "medgemma");

    assert_eq!(desk.add("medgemma").unwrap_err().code(), "pack.exists");
    desk.library.remove("medgemma").unwrap();
    assert_eq!(desk.library.remove("medgemma").unwrap_err().code(), "pack.not_found");
    assert_eq!(desk.library.find("medgemma").unwrap_err().code(), "pack.not_found");
    assert_eq!(desk.library.default_for(Kind::MedGemma).unwrap_err().code(), "pack.not_found");
    assert_eq!(names(&desk.path("packs")), BTreeSet::from(["medsiglip-448".to_owned()]));
}

/// One flipped bit anywhere is found, and the file is named.
#[test]
fn a_flipped_bit_is_found() {
    let desk = Desk::new();
    for (folder, id, files) in [
        ("MedSigLIP 448", "medsiglip-448", &["model-00001-of-00002.safetensors", "tokenizer.json", "config.json"][..]),
        (
            "medgemma",
            "medgemma",
            &["model.safetensors", "tokenizer.json", "config.json", "chat_template.jinja", "tokenizer_config.json"],
        ),
    ] {
        desk.add(folder).unwrap();
        let dir = desk.path("packs").join(id);
        for file in files {
            let path = dir.join(file);
            let good = std::fs::read(&path).unwrap();
            for at in [0, good.len() / 2, good.len() - 1] {
                let mut bad = good.clone();
                bad[at] ^= 1 << (at % 8);
                std::fs::write(&path, bad).unwrap();
                let problems = verify(&dir).unwrap_err();
                assert_eq!(problems.len(), 1, "{file} at {at}");
                assert_eq!((problems[0].code(), problems[0].file()), ("pack.hash_mismatch", Some(*file)));
            }
            std::fs::write(&path, good).unwrap();
            verify(&dir).unwrap();
        }
    }
}

#[test]
fn missing_and_extra_files_are_all_named() {
    let desk = Desk::new();
    desk.add("medgemma").unwrap();
    let dir = desk.path("packs").join("medgemma");
    std::fs::remove_file(dir.join("tokenizer.json")).unwrap();
    std::fs::write(dir.join("config.json"), "{}").unwrap();
    std::fs::write(dir.join("extra.txt"), "").unwrap();
    std::fs::create_dir(dir.join("folder")).unwrap();
    let problems: BTreeSet<_> = verify(&dir)
        .unwrap_err()
        .iter()
        .map(|problem| format!("{} {}", problem.code(), problem.file().unwrap()))
        .collect();
    let expected = [
        "pack.extra_file extra.txt",
        "pack.extra_file folder",
        "pack.hash_mismatch config.json",
        "pack.missing_file tokenizer.json",
    ];
    assert_eq!(problems, expected.map(str::to_owned).into());

    std::fs::write(dir.join(MANIFEST_FILE), "{").unwrap();
    assert_eq!(verify(&dir).unwrap_err()[0].code(), "pack.malformed");
    let listing = desk.library.list().unwrap();
    assert_eq!((listing.packs.len(), listing.broken.len()), (0, 1));
    assert_eq!(desk.library.find("medgemma").unwrap_err().code(), "pack.malformed");
    // What cannot be read can still be removed.
    desk.library.remove("medgemma").unwrap();
    assert!(names(&desk.path("packs")).is_empty());
}

#[test]
fn nothing_is_left_behind() {
    let desk = Desk::new();
    std::fs::write(desk.path("medgemma").join("model.bin"), "x").unwrap();
    assert_eq!(desk.add("medgemma").unwrap_err().code(), "pack.pickle_refused");
    assert!(names(&desk.path("packs")).is_empty());

    // Cancelled at once, and after every possible piece.
    let total = TinySiglip::references()[1].1.images().len() + 20;
    for stop_after in 0..total {
        let cancel = AtomicBool::new(stop_after == 0);
        let mut pieces = 0;
        let mut progress = |_| {
            pieces += 1;
            cancel.store(pieces >= stop_after, Ordering::Relaxed);
        };
        let added = desk.library.add(&desk.path("MedSigLIP 448"), &AddOptions::default(), &mut progress, &cancel);
        match added {
            Err(error) => {
                assert_eq!(error.code(), "pack.cancelled");
                assert!(names(&desk.path("packs")).is_empty(), "after {stop_after} pieces");
            }
            Ok(manifest) => {
                assert!(stop_after >= manifest.files.len(), "{stop_after} pieces");
                return;
            }
        }
    }
    panic!("the copy never came to its end");
}

/// A copy that was killed leaves a partial folder, which is no pack and is no hindrance.
#[test]
fn leftovers_of_a_killed_copy() {
    let desk = Desk::new();
    let partial = desk.path("packs").join("medgemma.partial");
    std::fs::create_dir_all(&partial).unwrap();
    std::fs::write(partial.join("config.json"), "{").unwrap();
    assert!(desk.library.list().unwrap().packs.is_empty());
    desk.add("medgemma").unwrap();
    assert_eq!(names(&desk.path("packs")), BTreeSet::from(["medgemma".to_owned()]));
    verify(&desk.path("packs").join("medgemma")).unwrap();
}

#[test]
fn identifiers_stay_inside_the_library() {
    let desk = Desk::new();
    for id in ["", "..", "../x", "a/b", "A", "a.partial", "ä", &"x".repeat(65)] {
        let options = AddOptions { id: Some(id.to_owned()), ..Default::default() };
        let added = desk.library.add(&desk.path("medgemma"), &options, &mut |_| {}, &AtomicBool::new(false));
        assert_eq!(added.unwrap_err().code(), "pack.bad_id", "{id:?}");
        assert_eq!(desk.library.remove(id).unwrap_err().code(), "pack.bad_id", "{id:?}");
    }
    assert!(names(&desk.path("packs")).is_empty());
}

/// The built-in packs are listed, kept, and come after the user's own.
#[test]
fn built_in_packs() {
    let desk = Desk::new();
    let mut manifest = desk.add("medgemma").unwrap();
    let demo_root = desk.path("demo");
    std::fs::create_dir_all(demo_root.join("drafts")).unwrap();
    std::fs::rename(desk.path("packs").join("medgemma"), demo_root.join("medgemma")).unwrap();
    manifest.demo = true;
    std::fs::write(demo_root.join("medgemma").join(MANIFEST_FILE), serde_json::to_vec(&manifest).unwrap()).unwrap();

    let library = Library::new(&desk.path("packs"), Some(&demo_root));
    let listing = library.list().unwrap();
    assert!(listing.broken.is_empty(), "{:?}", listing.broken);
    assert!(listing.packs[0].built_in && listing.packs[0].manifest.demo);
    assert_eq!(library.remove("medgemma").unwrap_err().code(), "pack.read_only");
    verify(&library.find("medgemma").unwrap().dir).unwrap();

    let cancel = AtomicBool::new(false);
    let add = |folder: &Path, id: Option<&str>| {
        let options = AddOptions { id: id.map(str::to_owned), ..Default::default() };
        library.add(folder, &options, &mut |_| {}, &cancel)
    };
    assert_eq!(add(&desk.path("medgemma"), None).unwrap_err().code(), "pack.exists");
    assert!(library.default_for(Kind::MedGemma).unwrap().built_in);
    let own = add(&desk.path("medgemma"), Some("own")).unwrap();
    assert_eq!(library.default_for(Kind::MedGemma).unwrap().manifest.id, own.id);
    assert_eq!(own.files, manifest.files);

    // A pack that is added as a pack stays what it was, a demonstration.
    let copy = add(&demo_root.join("medgemma"), Some("zopy")).unwrap();
    assert!(copy.demo);
    assert_eq!(pack_hash(&copy), pack_hash(&manifest));
    verify(&library.find("zopy").unwrap().dir).unwrap();
    assert_eq!(library.default_for(Kind::MedGemma).unwrap().manifest.id, own.id);

    // And one that is not intact is not taken.
    std::fs::write(demo_root.join("medgemma/chat_template.jinja"), "{{ message }}").unwrap();
    let error = add(&demo_root.join("medgemma"), Some("copy2")).unwrap_err();
    assert_eq!((error.code(), error.file()), ("pack.hash_mismatch", Some("chat_template.jinja")));
    assert!(!names(&desk.path("packs")).contains("copy2"));
}
