//! Packs whose weights are not the publisher's any more: made once, taken elsewhere, and what a person is told before.

mod common;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use common::desk::{Desk, names};
use common::{accepted, add, add_with, edit};
use hilum_packs::{
    AddOptions, AddProgress, Convert, HAI_DEF_NOTICE, HAI_DEF_TERMS, Kind, Library, MANIFEST_FILE, NOTICE_FILE,
    NoConversion, PackError, Phase, Quantization, Sizes, pack_hash, verify,
};

/// Writes every second tensor, and counts; fails or is cancelled on request.
struct Halving {
    fails: bool,
}

impl Convert for Halving {
    fn sizes(&self, source: &Path, _: Quantization) -> hilum_packs::Result<Sizes> {
        let bytes = std::fs::metadata(source.join("model.safetensors")).unwrap().len() / 2;
        Ok(Sizes { disk: bytes, memory: bytes })
    }

    fn convert(
        &self,
        source: &Path,
        target: &Path,
        _: Quantization,
        progress: &mut dyn FnMut(u64, u64),
        cancel: &AtomicBool,
    ) -> hilum_packs::Result<()> {
        let half: Vec<_> = common::read_tensors(&source.join("model.safetensors")).into_iter().step_by(2).collect();
        common::write_tensors(&target.join("half.uqff"), &half);
        progress(1, 2);
        if self.fails {
            return Err(PackError::Convert { reason: "as asked".into() });
        }
        if cancel.load(Ordering::Relaxed) {
            return Err(PackError::Cancelled);
        }
        progress(2, 2);
        Ok(())
    }
}

#[test]
fn converted_packs() {
    let desk = Desk::new();
    let quantised = AddOptions { quantization: Quantization::Q4k, ..accepted() };
    let download = desk.path("medgemma");
    let cancel = AtomicBool::new(false);
    let halving = Halving { fails: false };

    let refused = add_with(&desk.library, &download, &quantised, &NoConversion, &mut |_| {}, &cancel).unwrap_err();
    assert_eq!(refused.code(), "pack.quantize_unsupported");
    let siglip = desk.path("MedSigLIP 448");
    let refused = add_with(&desk.library, &siglip, &quantised, &halving, &mut |_| {}, &cancel).unwrap_err();
    assert_eq!(refused.code(), "pack.quantize_unsupported");
    let failing = Halving { fails: true };
    let refused = add_with(&desk.library, &download, &quantised, &failing, &mut |_| {}, &cancel).unwrap_err();
    assert_eq!(refused.code(), "pack.convert");
    let mut stop = |at: AddProgress| cancel.store(at.phase == Phase::Converting, Ordering::Relaxed);
    let refused = add_with(&desk.library, &download, &quantised, &halving, &mut stop, &cancel).unwrap_err();
    assert_eq!(refused.code(), "pack.cancelled");
    // And while what was converted is hashed.
    cancel.store(false, Ordering::Relaxed);
    let mut converted = false;
    let mut stop = |at: AddProgress| {
        converted |= at.phase == Phase::Converting;
        cancel.store(converted && at.phase == Phase::Hashing, Ordering::Relaxed);
    };
    let refused = add_with(&desk.library, &download, &quantised, &halving, &mut stop, &cancel).unwrap_err();
    assert_eq!(refused.code(), "pack.cancelled");
    assert!(names(&desk.path("packs")).is_empty());

    cancel.store(false, Ordering::Relaxed);
    let mut seen = Vec::new();
    let mut say = |at: AddProgress| seen.push(at);
    let manifest = add_with(&desk.library, &download, &quantised, &halving, &mut say, &cancel).unwrap();
    let hashed = seen.iter().rfind(|at| at.phase == Phase::Hashing).unwrap();
    assert_eq!((hashed.file.as_str(), hashed.fraction()), ("half.uqff", Some(1.0)));
    let mut phases: Vec<_> = seen.iter().map(|at| at.phase).collect();
    phases.dedup();
    assert_eq!(phases, [Phase::Checking, Phase::Hashing, Phase::Converting, Phase::Hashing, Phase::Copying]);
    assert_eq!((manifest.id.as_str(), manifest.quantization), ("medgemma-q4k", Quantization::Q4k));
    let pack = desk.path("packs/medgemma-q4k");
    verify(&pack).unwrap();
    assert!(manifest.files.contains_key("half.uqff") && !manifest.files.contains_key("model.safetensors"));
    assert_eq!(manifest.source_files.len(), desk.add("medgemma").unwrap().files.len() - 1);
    assert!(manifest.source_files.contains_key("model.safetensors"));
    let notice = std::fs::read_to_string(pack.join(NOTICE_FILE)).unwrap();
    assert!(notice.contains(HAI_DEF_NOTICE) && notice.contains("Q4_K") && notice.contains("Modified"), "{notice}");

    // Taken to another machine, it stays what it is; one flipped bit and it is not taken.
    let other = Library::new(&desk.path("other"), None);
    let copy = add(&other, &pack, &accepted(), &mut |_| {}, &cancel).unwrap();
    assert_eq!((pack_hash(&copy), &copy.source_files), (pack_hash(&manifest), &manifest.source_files));
    assert_eq!(other.look(&pack, &halving).unwrap().choices.len(), 1);
    let third = Library::new(&desk.path("third"), None);
    let whole = std::fs::read(pack.join("half.uqff")).unwrap();
    let end = whole.len();
    let with = |at: usize, bytes: &[u8]| {
        let mut all = whole.clone();
        all[at..at + bytes.len()].copy_from_slice(bytes);
        all
    };
    for (bytes, code) in [
        (with(end - 3, &[whole[end - 3] ^ 1]), "pack.hash_mismatch"),
        (with(end - 4, &f32::NAN.to_le_bytes()), "pack.not_finite"),
        (with(8, b"[["), "pack.malformed"),
        (whole[..end - 1].to_vec(), "pack.truncated"),
    ] {
        std::fs::write(pack.join("half.uqff"), bytes).unwrap();
        let refused = add(&third, &pack, &accepted(), &mut |_| {}, &cancel).unwrap_err();
        assert_eq!((refused.code(), refused.file()), (code, Some("half.uqff")));
        assert!(names(&desk.path("third")).is_empty());
    }
}

/// A manifest vouches that files are what they were, not that they run no code.
#[test]
fn a_manifest_is_no_way_around_what_holds_for_folders() {
    let desk = Desk::new();
    let cancel = AtomicBool::new(false);
    let quantised = AddOptions { quantization: Quantization::Q4k, ..accepted() };
    desk.add("medgemma").unwrap();
    let halving = Halving { fails: false };
    add_with(&desk.library, &desk.path("medgemma"), &quantised, &halving, &mut |_| {}, &cancel).unwrap();
    let other = Library::new(&desk.path("other"), None);
    for id in ["medgemma", "medgemma-q4k"] {
        let pack = desk.path("packs").join(id);
        let manifest = std::fs::read(pack.join(MANIFEST_FILE)).unwrap();
        // SHA-256 of the one letter.
        let hash = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
        for (name, listed, code) in [
            ("x.bin", true, "pack.pickle_refused"),
            ("x.PTH", true, "pack.pickle_refused"),
            ("x.pkl", false, "pack.pickle_refused"),
            ("x.safetensors", true, "pack.truncated"),
        ] {
            std::fs::write(pack.join(name), "x").unwrap();
            if listed {
                edit(&pack.join(MANIFEST_FILE), |manifest| manifest["files"][name] = hash.into());
            }
            let refused = add(&other, &pack, &accepted(), &mut |_| {}, &cancel).unwrap_err();
            assert_eq!((refused.code(), refused.file()), (code, Some(name)), "{id}");
            assert!(names(&desk.path("other")).is_empty());
            std::fs::remove_file(pack.join(name)).unwrap();
            std::fs::write(pack.join(MANIFEST_FILE), &manifest).unwrap();
        }
        // And it was whole before.
        add(&other, &pack, &accepted(), &mut |_| {}, &cancel).unwrap();
        other.remove(id).unwrap();
    }
}

/// What a person is told before anything is copied.
#[test]
fn a_look_at_a_download() {
    let desk = Desk::new();
    let found = desk.library.look(&desk.path("medgemma"), &Halving { fails: false }).unwrap();
    assert_eq!((found.kind, found.architecture.as_str()), (Kind::MedGemma, "Gemma3ForConditionalGeneration"));
    assert_eq!(found.terms, HAI_DEF_TERMS);
    let ways: Vec<_> = found.choices.iter().map(|(way, _)| *way).collect();
    assert_eq!(ways, [Quantization::Q4k, Quantization::Q8, Quantization::None]);
    let (half, whole) = (found.choices[0].1, found.choices[2].1);
    assert!(half.disk < whole.disk && half.conversion > 0 && whole.conversion == 0);
    assert_eq!(whole.disk, found.bytes);
    let found = desk.library.look(&desk.path("medgemma"), &NoConversion).unwrap();
    assert_eq!(found.choices.len(), 1);
    assert!(names(&desk.path("packs")).is_empty());
}
