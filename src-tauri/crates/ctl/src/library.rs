//! Which model packs are there, and which one a command uses.

use crate::failure::{Failure, Result};
use crate::settings::Settings;
use hilum_packs::{InstalledPack, Kind, Library, Measured, pack_hash};
use hilum_workers::messages::draft::DraftOutcome;
use hilum_workflow::{MeasuredPack, ModelPack, PackKind};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The user's packs in the data folder, and the demonstrations.
pub fn library(settings: &Settings) -> Result<Library> {
    Ok(Library::new(&settings.packs()?, demonstrations().as_deref()))
}

/// The pack for a kind of work: the one that was named, else the user's own, else the demonstration.
pub fn choose(settings: &Settings, kind: Kind, id: Option<&str>) -> Result<InstalledPack> {
    let library = library(settings)?;
    let Some(id) = id else {
        return library.default_for(kind).map_err(|_| {
            let message = format!("no {} pack is installed; see `hilumctl help pack`", kind.as_str());
            Failure::refused("pack.not_found", message)
        });
    };
    let pack = library.find(id)?;
    if pack.manifest.kind != kind {
        let message = format!("pack {id} is a {} model, this needs {}", pack.manifest.kind.as_str(), kind.as_str());
        return Err(Failure::refused("pack.wrong_kind", message));
    }
    Ok(pack)
}

/// A pack as the use cases and `pack list --json` know it.
pub fn describe(pack: &InstalledPack) -> ModelPack {
    let manifest = &pack.manifest;
    let size = |file: &String| fs::metadata(pack.dir.join(file)).map_or(0, |about| about.len());
    ModelPack {
        id: manifest.id.clone(),
        kind: match manifest.kind {
            Kind::MedGemma => PackKind::Medgemma,
            Kind::MedGemmaText => PackKind::MedgemmaText,
            Kind::MedSigLip => PackKind::Medsiglip,
        },
        name: manifest.name.clone(),
        demo: manifest.demo,
        hash: pack_hash(manifest),
        bytes: manifest.files.keys().map(size).sum(),
        source: manifest.source.clone(),
        terms: manifest.terms.clone(),
        notice: manifest.notice.clone(),
        quantization: manifest.quantization.as_str().to_owned(),
        arithmetic: match manifest.kind {
            Kind::MedSigLip => hilum_encoders::chosen_otherwise(&pack.dir).unwrap_or_default().to_owned(),
            Kind::MedGemma | Kind::MedGemmaText => String::new(),
        },
        terms_accepted_at: manifest.terms_accepted.as_ref().map(|accepted| accepted.at.clone()),
        dir: pack.dir.clone(),
        card: card(&pack.dir),
        measured: MeasuredPack::default(),
    }
}

/// The same with what was measured of it on this machine.
pub fn describe_measured(pack: &InstalledPack, settings: &Settings) -> Result<ModelPack> {
    let mut described = describe(pack);
    if let Some(found) = hilum_packs::measured(&settings.packs()?).remove(&described.hash) {
        described.measured = MeasuredPack {
            device: found.device,
            memory_bytes: found.memory_bytes,
            peak_bytes: found.peak_bytes,
            load_seconds: found.load_seconds,
            prompt_seconds: found.prompt_seconds,
            tokens_per_second: found.tokens_per_second,
            image_seconds: found.image_seconds,
        };
    }
    Ok(described)
}

/// How fast a draft was written; a short one says nothing about speed.
pub fn speed_of(outcome: &DraftOutcome, figures: &mut Measured) {
    figures.prompt_seconds = Some(outcome.prompt_seconds);
    if outcome.token_ids.len() > 8 && outcome.decode_seconds > 0.0 {
        // The first token comes with the prompt.
        figures.tokens_per_second = Some((outcome.token_ids.len() - 1) as f64 / outcome.decode_seconds);
    }
}

/// The card that lies in the pack or beside it, named as the pack.
fn card(dir: &Path) -> Option<String> {
    let beside = dir.with_extension("md");
    ["card.md", "README.md", "CARD.md"].iter().map(|name| dir.join(name)).chain([beside]).find_map(|p| fs::read_to_string(p).ok())
}

/// The folder of the demonstration packs: `HILUM_MODELS`, else `models/demo` beside the
/// program or in a folder above it, which is where a checkout has it, else where a package puts it.
fn demonstrations() -> Option<PathBuf> {
    if let Some(folder) = env::var_os("HILUM_MODELS").filter(|folder| !folder.is_empty()) {
        return Some(PathBuf::from(folder));
    }
    let program = env::current_exe().ok()?;
    let above = program.ancestors().skip(1).map(|folder| folder.join("models/demo"));
    // Below /usr/lib of a Debian package, and in the resources of a macOS bundle.
    let packaged = ["../lib/hilum/models/demo", "../Resources/models/demo"].map(|place| program.parent().map(|bin| bin.join(place)));
    above.chain(packaged.into_iter().flatten()).find(|folder| folder.is_dir())
}
