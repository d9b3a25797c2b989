//! Packs from a download to their removal, and every way in which that stops.

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use common::desk::{Desk, names};
use common::{Folder, Roomy, accepted, add, change, edit};
use hilum_packs::{
    AddOptions, AddProgress, HAI_DEF_NOTICE, HAI_DEF_TERMS, Kind, Library, MANIFEST_FILE, Machine, Memory, NOTICE_FILE,
    NoConversion, PackError, Phase, Surroundings, pack_hash, terms_hash, verify, verify_with,
};
use hilum_testkit::siglip::TinySiglip;

#[test]
fn added_listed_verified_removed() {
    let desk = Desk::new();
    let mut seen = Vec::new();
    let cancel = AtomicBool::new(false);
    let mut say = |at: AddProgress| seen.push(at);
    let manifest = add(&desk.library, &desk.path("MedSigLIP 448"), &accepted(), &mut say, &cancel).unwrap();
    assert_eq!((manifest.id.as_str(), manifest.name.as_str()), ("medsiglip-448", "MedSigLIP 448"));
    assert_eq!((manifest.kind, manifest.demo), (Kind::MedSigLip, false));
    assert_eq!(manifest.notice, HAI_DEF_NOTICE);
    assert!(!manifest.source.contains(desk.root.path().to_str().unwrap()), "a path of this machine is recorded");
    assert_eq!((seen[0].phase, seen[0].fraction()), (Phase::Checking, None));
    let copied = &seen[1..];
    assert!(copied.iter().all(|at| at.phase == Phase::Copying));
    assert!(copied.windows(2).all(|pair| pair[0].done_bytes < pair[1].done_bytes));
    assert_eq!(copied.last().unwrap().fraction(), Some(1.0));
    // All files, and the notice that is written beside them.
    let copied = copied.iter().map(|at| &at.file).collect::<BTreeSet<_>>().len();
    assert_eq!(copied + 1, manifest.files.len());
    let notice = std::fs::read_to_string(desk.path("packs/medsiglip-448").join(NOTICE_FILE)).unwrap();
    assert!(notice.contains(HAI_DEF_NOTICE) && !notice.contains("Modified"));
    let terms = manifest.terms_accepted.clone().unwrap();
    assert_eq!((terms.at.as_str(), terms.sha256), ("2026-11-23T12:00:00Z", terms_hash(HAI_DEF_TERMS)));
    assert!(manifest.parameters.unwrap() > 10_000);

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
fn a_check_says_how_far_it_is_and_can_be_stopped() {
    let desk = Desk::new();
    desk.add("medgemma").unwrap();
    let dir = desk.path("packs").join("medgemma");
    let mut seen = Vec::new();
    verify_with(&dir, &mut |at| seen.push(at.clone()), &AtomicBool::new(false)).unwrap();
    assert!(seen.windows(2).all(|pair| pair[0].done_bytes < pair[1].done_bytes));
    assert_eq!(seen.last().unwrap().fraction(), Some(1.0));
    for stop_after in 0..seen.len() {
        let cancel = AtomicBool::new(stop_after == 0);
        let mut said = 0;
        let mut say = |_| {
            said += 1;
            cancel.store(said >= stop_after, Ordering::Relaxed);
        };
        let problems = verify_with(&dir, &mut say, &cancel).unwrap_err();
        assert_eq!(problems.iter().map(PackError::code).collect::<Vec<_>>(), ["pack.cancelled"], "after {stop_after}");
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
        let mut progress = |at: AddProgress| {
            pieces += usize::from(at.phase == Phase::Copying);
            cancel.store(pieces >= stop_after, Ordering::Relaxed);
        };
        let added = add(&desk.library, &desk.path("MedSigLIP 448"), &accepted(), &mut progress, &cancel);
        match added {
            Err(error) => {
                assert_eq!(error.code(), "pack.cancelled");
                assert!(names(&desk.path("packs")).is_empty(), "after {stop_after} pieces");
            }
            Ok(manifest) => {
                assert!(stop_after + 1 >= manifest.files.len(), "{stop_after} pieces");
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
    desk.library.sweep().unwrap();
    assert!(names(&desk.path("packs")).is_empty());
    std::fs::create_dir_all(desk.path("packs").join("other.removed")).unwrap();
    std::fs::create_dir_all(&partial).unwrap();
    desk.add("medgemma").unwrap();
    assert_eq!(names(&desk.path("packs")), BTreeSet::from(["medgemma".to_owned()]));
    verify(&desk.path("packs").join("medgemma")).unwrap();
}

#[test]
fn identifiers_stay_inside_the_library() {
    let desk = Desk::new();
    for id in ["", "..", "../x", "a/b", "A", "a.partial", "ä", &"x".repeat(65)] {
        let options = AddOptions { id: Some(id.to_owned()), ..accepted() };
        let added = add(&desk.library, &desk.path("medgemma"), &options, &mut |_| {}, &AtomicBool::new(false));
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
        let options = AddOptions { id: id.map(str::to_owned), ..accepted() };
        add(&library, folder, &options, &mut |_| {}, &cancel)
    };
    assert_eq!(add(&desk.path("medgemma"), None).unwrap_err().code(), "pack.exists");
    assert!(library.default_for(Kind::MedGemma).unwrap().built_in);
    let own = add(&desk.path("medgemma"), Some("own")).unwrap();
    assert_eq!(library.default_for(Kind::MedGemma).unwrap().manifest.id, own.id);
    assert_eq!(own.files, manifest.files);

    // A pack that is added as a pack stays what it was, a demonstration.
    let copy = add(&demo_root.join("medgemma"), Some("zopy")).unwrap();
    assert!(copy.demo && copy.terms_accepted.is_none());
    assert_eq!(pack_hash(&copy), pack_hash(&manifest));
    verify(&library.find("zopy").unwrap().dir).unwrap();
    assert_eq!(library.default_for(Kind::MedGemma).unwrap().manifest.id, own.id);

    // And one that is not intact is not taken.
    std::fs::write(demo_root.join("medgemma/chat_template.jinja"), "<start_of_turn>{{ message }}").unwrap();
    let error = add(&demo_root.join("medgemma"), Some("copy2")).unwrap_err();
    assert_eq!((error.code(), error.file()), ("pack.hash_mismatch", Some("chat_template.jinja")));
    assert!(!names(&desk.path("packs")).contains("copy2"));
}

/// What the publisher put into the folder is shown with our words, accepted with them, and kept.
#[test]
fn terms_are_those_that_were_shown() {
    let desk = Desk::new();
    std::fs::write(desk.path("medgemma").join("LICENSE"), "Only on Sundays.\n").unwrap();
    let shown = desk.library.terms(&desk.path("medgemma")).unwrap().unwrap();
    assert!(shown.starts_with(HAI_DEF_TERMS) && shown.ends_with("\n\nOnly on Sundays."), "{shown}");
    assert_eq!(desk.library.look(&desk.path("medgemma"), &NoConversion).unwrap().terms, shown);
    let manifest = desk.add("medgemma").unwrap();
    assert_eq!((&manifest.terms, manifest.terms_accepted.unwrap().sha256), (&shown, terms_hash(&shown)));
    let pack = desk.path("packs/medgemma");
    assert_eq!(desk.library.terms(&pack).unwrap(), Some(shown));
    edit(&pack.join(MANIFEST_FILE), |manifest| manifest["demo"] = true.into());
    assert_eq!(desk.library.terms(&pack).unwrap(), None);
}

/// Nobody else's acceptance counts, and a demonstration needs none.
#[test]
fn terms_are_accepted_once_for_each_pack() {
    let desk = Desk::new();
    let nobody = AddOptions::default();
    let cancel = AtomicBool::new(false);
    let try_it = |dir: &Path, options: &AddOptions| add(&desk.library, dir, options, &mut |_| {}, &cancel);
    assert_eq!(try_it(&desk.path("medgemma"), &nobody).unwrap_err().code(), "pack.terms");
    assert!(names(&desk.path("packs")).is_empty());
    desk.add("medgemma").unwrap();
    let pack = desk.path("packs/medgemma");
    let elsewhere = AddOptions { id: Some("copy".into()), ..nobody.clone() };
    assert_eq!(try_it(&pack, &elsewhere).unwrap_err().code(), "pack.terms");
    let again = AddOptions { terms_accepted_at: Some("2027-01-01T00:00:00Z".into()), ..elsewhere.clone() };
    assert_eq!(try_it(&pack, &again).unwrap().terms_accepted.unwrap().at, "2027-01-01T00:00:00Z");

    let demo = desk.path("demo");
    std::fs::rename(pack, &demo).unwrap();
    edit(&demo.join(MANIFEST_FILE), |manifest| {
        manifest["demo"] = true.into();
        manifest["id"] = "demo".into();
    });
    assert!(try_it(&demo, &nobody).unwrap().terms_accepted.is_none());

    // A manifest does not make a demonstration of what has the size of a real model.
    std::fs::File::create(demo.join("README.md")).unwrap().set_len(100 << 20).unwrap();
    edit(&demo.join(MANIFEST_FILE), |manifest| {
        manifest["id"] = "large".into();
        manifest["files"]["README.md"] = "0".repeat(64).into();
    });
    let refused = try_it(&demo, &nobody).unwrap_err();
    assert_eq!((refused.code(), refused.file()), ("pack.malformed", Some(MANIFEST_FILE)));
}

#[test]
fn another_kind_than_was_asked_for() {
    let desk = Desk::new();
    Folder::GemmaText.write(&desk.path("text"));
    let cancel = AtomicBool::new(false);
    for (folder, kind, code) in [
        ("text", Kind::MedGemma, "pack.text_only"),
        ("text", Kind::MedSigLip, "pack.other_kind"),
        ("medgemma", Kind::MedSigLip, "pack.other_kind"),
        ("MedSigLIP 448", Kind::MedGemma, "pack.other_kind"),
    ] {
        let options = AddOptions { kind: Some(kind), ..accepted() };
        let refused = add(&desk.library, &desk.path(folder), &options, &mut |_| {}, &cancel).unwrap_err();
        assert_eq!(refused.code(), code, "{folder} as {kind:?}");
    }
    let options = AddOptions { kind: Some(Kind::MedGemmaText), ..accepted() };
    let manifest = add(&desk.library, &desk.path("text"), &options, &mut |_| {}, &cancel).unwrap();
    assert_eq!(manifest.kind, Kind::MedGemmaText);
    // It drafts nothing, so it is no answer to the question what drafts.
    assert_eq!(desk.library.default_for(Kind::MedGemma).unwrap_err().code(), "pack.not_found");
}

/// One number that is none, anywhere in the weights, in any type.
#[test]
fn numbers_that_are_none_are_refused() {
    use safetensors::tensor::Dtype;
    let desk = Desk::new();
    let download = desk.path("medgemma");
    let weights = download.join("model.safetensors");
    let good = common::read_tensors(&weights);
    let last = good.len() - 1;
    for (at, dtype) in [(0, Dtype::F32), (last / 2, Dtype::BF16), (last, Dtype::F16)] {
        for (value, name) in [(f32::NAN, "NaN"), (f32::INFINITY, "infinite"), (f32::NEG_INFINITY, "infinite")] {
            change(&weights, |all| {
                *all = good.clone();
                let (_, kind, shape, bytes) = &mut all[at];
                let count: usize = shape.iter().product();
                // The upper half of a float32 is a bfloat16; 0x7C00 and above is what a half has for these.
                let number = match dtype {
                    Dtype::F32 => value.to_le_bytes().to_vec(),
                    Dtype::BF16 => value.to_le_bytes()[2..].to_vec(),
                    _ => (if value.is_nan() {
                        0x7E00_u16
                    } else if value > 0.0 {
                        0x7C00
                    } else {
                        0xFC00
                    })
                    .to_le_bytes()
                    .to_vec(),
                };
                (*kind, *bytes) = (dtype, vec![0; count * number.len()]);
                let end = bytes.len();
                bytes[end - number.len()..].copy_from_slice(&number);
            });
            match desk.add("medgemma").unwrap_err() {
                PackError::NotFinite { file, tensor, index, value } => {
                    let count: usize = good[at].2.iter().product();
                    assert_eq!((file.as_str(), &tensor, index), ("model.safetensors", &good[at].0, count as u64 - 1));
                    assert_eq!(value, name);
                }
                other => panic!("{other}"),
            }
            assert!(names(&desk.path("packs")).is_empty());
        }
    }
    change(&weights, |all| *all = good);
    desk.add("medgemma").unwrap();
}

struct Small {
    disk: u64,
    memory: u64,
}

impl Machine for Small {
    fn free_disk(&self, _: &Path) -> Option<u64> {
        Some(self.disk)
    }

    fn memory(&self) -> Option<Memory> {
        Some(Memory { total: self.memory, available: self.memory })
    }
}

#[test]
fn a_machine_that_is_too_small() {
    let desk = Desk::new();
    for (machine, code) in [
        (Small { disk: 1 << 20, memory: 1 << 40 }, Some("pack.disk_full")),
        (Small { disk: 1 << 40, memory: 1 << 20 }, Some("pack.memory")),
        (Small { disk: 1 << 40, memory: 1 << 40 }, None),
    ] {
        let around = Surroundings {
            machine: &machine,
            convert: &NoConversion,
            progress: &mut |_| {},
            cancel: &AtomicBool::new(false),
        };
        let added = desk.library.add(&desk.path("medgemma"), &accepted(), around);
        assert_eq!(added.err().map(|error| error.code()), code);
        assert_eq!(names(&desk.path("packs")).is_empty(), code.is_some());
    }
}

/// While one program adds, another neither adds, removes nor sweeps.
#[test]
fn one_change_at_a_time() {
    let desk = Desk::new();
    desk.add("medgemma").unwrap();
    let mut looked = 0;
    let mut meanwhile = |at: AddProgress| {
        if at.phase == Phase::Copying {
            looked += 1;
            let other = Library::new(&desk.path("packs"), None);
            assert_eq!(other.remove("medgemma").unwrap_err().code(), "pack.busy");
            let again = add(&other, &desk.path("medgemma"), &accepted(), &mut |_| {}, &AtomicBool::new(false));
            assert_eq!(again.unwrap_err().code(), "pack.busy");
            other.sweep().unwrap();
            assert!(names(&desk.path("packs")).contains("medsiglip-448.partial"));
        }
    };
    let around = Surroundings {
        machine: &Roomy,
        convert: &NoConversion,
        progress: &mut meanwhile,
        cancel: &AtomicBool::new(false),
    };
    desk.library.add(&desk.path("MedSigLIP 448"), &accepted(), around).unwrap();
    assert!(looked > 0);
    assert_eq!(names(&desk.path("packs")).len(), 2);
}
