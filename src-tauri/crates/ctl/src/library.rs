//! Which model packs are there, and which one a command uses.

use crate::failure::{Failure, Result};
use crate::settings::Settings;
use hilum_packs::{InstalledPack, Kind, Library, pack_hash};
use hilum_workflow::{ModelPack, PackKind};
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
            Kind::MedSigLip => PackKind::Medsiglip,
        },
        name: manifest.name.clone(),
        demo: manifest.demo,
        hash: pack_hash(manifest),
        bytes: manifest.files.keys().map(size).sum(),
        source: manifest.source.clone(),
        terms: manifest.terms.clone(),
        notice: manifest.notice.clone(),
        quantization: serde_json::to_value(manifest.quantization)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default(),
        dir: pack.dir.clone(),
        card: card(&pack.dir),
    }
}

/// The card that lies in the pack or beside it, named as the pack.
fn card(dir: &Path) -> Option<String> {
    let beside = dir.with_extension("md");
    ["card.md", "README.md", "CARD.md"].iter().map(|name| dir.join(name)).chain([beside]).find_map(|p| fs::read_to_string(p).ok())
}

/// The folder of the demonstration packs: `HILUM_MODELS`, else `models/demo` beside the
/// program or in a folder above it, which is where a checkout has it.
fn demonstrations() -> Option<PathBuf> {
    if let Some(folder) = env::var_os("HILUM_MODELS").filter(|folder| !folder.is_empty()) {
        return Some(PathBuf::from(folder));
    }
    let program = env::current_exe().ok()?;
    let above = program.ancestors().skip(1).map(|folder| folder.join("models/demo"));
    above.chain(program.parent().map(|bin| bin.join("../lib/hilum/models/demo"))).find(|folder| folder.is_dir())
}
