//! A downloaded folder becomes a pack: checked, copied or converted, hashed, renamed.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crate::copy::{read_through, write_synced};
use crate::error::{PackError, Result};
use crate::finite::FiniteCheck;
use crate::inspect::{Inspection, inspect, inspect_folder};
use crate::lock::PARTIAL;
use crate::machine::{Estimate, Machine, Sizes, quantizations};
use crate::manifest::{Kind, MANIFEST_FILE, Manifest, Quantization, TermsAccepted, check_id};
use crate::terms::{HAI_DEF_NOTICE, HAI_DEF_TERMS, NOTICE_FILE, notice_file, terms_hash};
use crate::verify::hash_file;
use crate::weights::Tensors;

/// What the person who adds a pack says about it.
#[derive(Debug, Clone, Default)]
pub struct AddOptions {
    /// Identifier; made from the folder's name where absent.
    pub id: Option<String>,
    /// Name to show; the folder's name where absent.
    pub name: Option<String>,
    /// Where the weights come from; what the configuration says where absent.
    pub source: Option<String>,
    /// The kind that is wanted; a folder of another kind is refused.
    pub kind: Option<Kind>,
    pub quantization: Quantization,
    /// When the person accepted [`HAI_DEF_TERMS`], RFC 3339; `None` where they have not.
    pub terms_accepted_at: Option<String>,
}

/// What the addition of a pack is done with, so that tests choose it.
pub struct Surroundings<'a> {
    pub machine: &'a dyn Machine,
    pub convert: &'a dyn Convert,
    /// Called after every megabyte or so.
    pub progress: &'a mut dyn FnMut(AddProgress),
    /// Looked at as often.
    pub cancel: &'a AtomicBool,
}

/// The quantising of a model's weights. The model side has it; here is only the port.
pub trait Convert {
    /// Whether what loads this kind of model takes the folder's configuration; reads small files only. What is checked
    /// here is refused when it is added and not when somebody wants a draft of it.
    fn takes(&self, _source: &Path, _kind: Kind) -> Result<()> {
        Ok(())
    }
    /// What the converted weights will take; reads headers only.
    fn sizes(&self, source: &Path, quantization: Quantization) -> Result<Sizes>;
    /// Writes the converted weights into `target`, which stands for the source's own
    /// weight files; the other files are copied by the caller. `progress` is told bytes
    /// done and in all.
    fn convert(
        &self,
        source: &Path,
        target: &Path,
        quantization: Quantization,
        progress: &mut dyn FnMut(u64, u64),
        cancel: &AtomicBool,
    ) -> Result<()>;
}

/// Stands where there is nothing to convert with.
pub struct NoConversion;

impl Convert for NoConversion {
    fn sizes(&self, _: &Path, _: Quantization) -> Result<Sizes> {
        Err(PackError::QuantizeUnsupported { reason: "there is no engine here".into() })
    }

    fn convert(&self, _: &Path, _: &Path, _: Quantization, _: &mut dyn FnMut(u64, u64), _: &AtomicBool) -> Result<()> {
        Err(PackError::QuantizeUnsupported { reason: "there is no engine here".into() })
    }
}

/// Most bytes of a demonstration: the two that ship take 40 MB together (docs/models.md, models/demo).
const DEMONSTRATION: u64 = 64 << 20;

/// What is being done with a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Headers and small files are read.
    Checking,
    /// Files are read through, hashed, and their numbers looked at.
    Hashing,
    /// Weights are quantised.
    Converting,
    /// Files are copied, hashed, and their numbers looked at.
    Copying,
}

impl Phase {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Checking => "checking",
            Self::Hashing => "hashing",
            Self::Converting => "converting",
            Self::Copying => "copying",
        }
    }
}

/// How far one phase has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddProgress {
    pub phase: Phase,
    /// The file at hand; empty where it is the whole folder.
    pub file: String,
    pub done_bytes: u64,
    /// Zero where it is not known.
    pub total_bytes: u64,
}

impl AddProgress {
    /// Done of the phase, 0 to 1, where it is known.
    pub fn fraction(&self) -> Option<f64> {
        (self.total_bytes > 0).then(|| self.done_bytes as f64 / self.total_bytes as f64)
    }
}

/// What a folder would become, for the person to decide on.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub name: String,
    pub kind: Kind,
    /// A demonstration of Hilum's own, which comes under no terms to accept.
    pub demo: bool,
    pub architecture: String,
    pub parameters: u64,
    pub files: usize,
    pub bytes: u64,
    pub terms: String,
    pub notice: String,
    /// Each way in which it can be stored, with what that takes.
    pub choices: Vec<(Quantization, Estimate)>,
}

/// Says what a folder would become. Reads headers and small files only.
pub(crate) fn candidate(source_dir: &Path, convert: &dyn Convert) -> Result<Candidate> {
    let folder = Folder::look(source_dir, &AddOptions::default())?;
    convert.takes(source_dir, folder.inspection.kind)?;
    let mut choices = Vec::new();
    for quantization in quantizations(folder.inspection.kind) {
        let estimate = match quantization {
            Quantization::None => folder.estimate(None),
            // What is a pack already is taken as it is.
            _ if folder.published.is_some() => continue,
            _ => match convert.sizes(source_dir, *quantization) {
                Ok(sizes) => folder.estimate(Some(sizes)),
                Err(PackError::QuantizeUnsupported { .. }) => continue,
                Err(error) => return Err(error),
            },
        };
        choices.push((*quantization, estimate));
    }
    let Folder { inspection, published, .. } = folder;
    Ok(Candidate {
        name: published.as_ref().map_or_else(|| folder_name(source_dir), |manifest| manifest.name.clone()),
        kind: inspection.kind,
        demo: published.as_ref().is_some_and(|manifest| manifest.demo),
        files: inspection.files.len(),
        bytes: inspection.total_bytes(),
        terms: published.as_ref().map_or_else(|| HAI_DEF_TERMS.to_owned(), |manifest| manifest.terms.clone()),
        notice: published.as_ref().map_or_else(|| HAI_DEF_NOTICE.to_owned(), |manifest| manifest.notice.clone()),
        architecture: inspection.architecture,
        parameters: inspection.parameters,
        choices,
    })
}

/// Makes `packs_root/<id>` of the folder and writes its manifest. A folder that is
/// a pack already keeps its manifest, once it has been verified.
///
/// Nothing is left behind on a refusal, a failure or a cancellation: the pack is
/// made under `<id>.partial` and renamed when it is whole and on the disk.
pub(crate) fn add_folder(
    source_dir: &Path,
    packs_root: &Path,
    options: &AddOptions,
    taken: impl Fn(&str) -> bool,
    around: &mut Surroundings,
) -> Result<Manifest> {
    around.say(Phase::Checking, "", 0, 0);
    let folder = Folder::look(source_dir, options)?;
    around.convert.takes(source_dir, folder.inspection.kind)?;
    let id = folder.id(source_dir, options);
    check_id(&id)?;
    let target = packs_root.join(&id);
    if taken(&id) || target.exists() {
        return Err(PackError::Exists { id });
    }
    let terms_accepted = folder.terms(options)?;
    let converted = match options.quantization {
        Quantization::None => None,
        quantization => Some(folder.may_be_converted(source_dir, quantization, around.convert)?),
    };
    folder.estimate(converted).check(around.machine, packs_root)?;

    let partial = Partial::create(packs_root.join(format!("{id}.{PARTIAL}")))?;
    let mut manifest = match converted {
        None => folder.copy(source_dir, &partial.dir, around)?,
        Some(_) => folder.convert(source_dir, &partial.dir, options.quantization, around)?,
    };
    manifest.id = id;
    manifest.terms_accepted = terms_accepted;
    if folder.published.is_none() {
        manifest.name = options.name.clone().unwrap_or_else(|| folder_name(source_dir));
        let source = options.source.clone().or_else(|| folder.inspection.origin.clone());
        manifest.source =
            source.unwrap_or_else(|| format!("supplied by the user, from a folder named {}", folder_name(source_dir)));
    }
    write_synced(&partial.dir.join(MANIFEST_FILE), &manifest.to_json())?;
    partial.keep_as(&target)?;
    Ok(manifest)
}

/// A folder whose headers have been checked.
struct Folder {
    inspection: Inspection,
    /// Where the tensors lie; `None` in a pack that was converted.
    tensors: Option<Tensors>,
    /// The manifest that came with it, where it is a pack.
    published: Option<Manifest>,
}

impl Folder {
    fn look(dir: &Path, options: &AddOptions) -> Result<Self> {
        let is_pack = dir.join(MANIFEST_FILE).exists();
        let published = is_pack.then(|| Manifest::read(dir)).transpose()?;
        let converted = published.as_ref().filter(|manifest| manifest.quantization != Quantization::None);
        let (inspection, tensors) = match converted {
            // The engine's own format, which was made of checked weights: the hashes vouch for it.
            Some(manifest) => (Inspection::of_pack(dir, manifest)?, None),
            None => inspect(dir).map(|(inspection, tensors)| (inspection, Some(tensors)))?,
        };
        if let Some(wanted) = options.kind.filter(|wanted| *wanted != inspection.kind) {
            if (wanted, inspection.kind) == (Kind::MedGemma, Kind::MedGemmaText) {
                return Err(PackError::TextOnly { file: "config.json".into() });
            }
            return Err(PackError::OtherKind { wanted: wanted.as_str(), found: inspection.kind.as_str() });
        }
        let mut folder = Self { inspection, tensors, published };
        if let Some(manifest) = &mut folder.published {
            if manifest.kind != folder.inspection.kind {
                let reason = format!("the folder is a {} model", folder.inspection.kind.as_str());
                return Err(PackError::Malformed { file: MANIFEST_FILE.into(), reason });
            }
            manifest.name = options.name.clone().unwrap_or_else(|| manifest.name.clone());
            manifest.source = options.source.clone().unwrap_or_else(|| manifest.source.clone());
            // A pack's own list of files is the whole truth about it.
            for file in manifest.files.keys() {
                let path = dir.join(file);
                let length = std::fs::metadata(&path).map_err(|source| PackError::Read { path, source })?.len();
                folder.inspection.files.insert(file.clone(), length);
            }
            // A demonstration needs no terms and may be accepted in bulk, so nothing of a real model's size is one,
            // whatever its manifest says.
            if manifest.demo && folder.inspection.total_bytes() > DEMONSTRATION {
                let reason = format!("a model of {} bytes is no demonstration", folder.inspection.total_bytes());
                return Err(PackError::Malformed { file: MANIFEST_FILE.into(), reason });
            }
        }
        Ok(folder)
    }

    fn estimate(&self, converted: Option<Sizes>) -> Estimate {
        let estimate = match self.tensors {
            Some(_) => Estimate::of(&self.inspection, converted),
            None => Estimate::of_converted(self.inspection.total_bytes()),
        };
        match self.inspection.kind {
            // Nothing loads it yet.
            Kind::MedGemmaText => Estimate { memory: 0, ..estimate },
            _ => estimate,
        }
    }

    fn id(&self, dir: &Path, options: &AddOptions) -> String {
        let published = self.published.as_ref().map(|manifest| manifest.id.clone());
        let made = || {
            let id = id_from_folder(dir, self.inspection.kind);
            match options.quantization {
                Quantization::None => id,
                quantization => format!("{id}-{}", quantization.as_str()),
            }
        };
        options.id.clone().or(published).unwrap_or_else(made)
    }

    /// Demonstrations of Hilum's own come under its licence; everything else is
    /// accepted by whoever adds it, also where another person did so elsewhere.
    fn terms(&self, options: &AddOptions) -> Result<Option<TermsAccepted>> {
        if self.published.as_ref().is_some_and(|manifest| manifest.demo) {
            return Ok(None);
        }
        let at = options.terms_accepted_at.clone().ok_or(PackError::TermsNotAccepted)?;
        let terms = self.published.as_ref().map_or(HAI_DEF_TERMS, |manifest| &manifest.terms);
        Ok(Some(TermsAccepted { at, sha256: terms_hash(terms) }))
    }

    fn may_be_converted(&self, dir: &Path, quantization: Quantization, convert: &dyn Convert) -> Result<Sizes> {
        let kind = self.inspection.kind;
        if self.published.is_some() || !quantizations(kind).contains(&quantization) {
            let reason = match self.published {
                Some(_) => "it is a pack already".to_owned(),
                None => format!("{} weights are kept as published", kind.as_str()),
            };
            return Err(PackError::QuantizeUnsupported { reason });
        }
        convert.sizes(dir, quantization)
    }

    /// Reads files through, copying each where `target` is given.
    fn read_files(
        &self,
        dir: &Path,
        target: Option<&Path>,
        which: impl Fn(&str) -> bool,
        around: &mut Surroundings,
    ) -> Result<BTreeMap<String, String>> {
        let phase = if target.is_some() { Phase::Copying } else { Phase::Hashing };
        let wanted: Vec<_> = self.inspection.files.iter().filter(|(file, _)| which(file)).collect();
        let total = wanted.iter().map(|(_, length)| **length).sum();
        let mut done = 0;
        let mut hashes = BTreeMap::new();
        for (file, _) in wanted {
            let finite = self.tensors.as_ref().map_or_else(FiniteCheck::none, |all| FiniteCheck::new(file, all));
            let to = target.map(|target| target.join(file));
            let cancel = around.cancel;
            let mut report = |count: u64| {
                done += count;
                around.say(phase, file, done, total);
            };
            hashes.insert(file.clone(), read_through(&dir.join(file), to.as_deref(), finite, &mut report, cancel)?);
        }
        Ok(hashes)
    }

    /// The folder as it is, and its notice.
    fn copy(&self, dir: &Path, target: &Path, around: &mut Surroundings) -> Result<Manifest> {
        let mut files = self.read_files(dir, Some(target), |_| true, around)?;
        if let Some(manifest) = &self.published {
            let differs = |(file, hash): &(&String, &String)| files.get(*file) != Some(*hash);
            if let Some((file, expected)) = manifest.files.iter().find(differs) {
                let found = files.get(file).cloned().unwrap_or_default();
                return Err(PackError::HashMismatch { file: file.clone(), expected: expected.clone(), found });
            }
            return Ok(manifest.clone());
        }
        // What was checked above may have changed under the copy.
        inspect_folder(target)?;
        keep_notice(target, Quantization::None, &mut files)?;
        Ok(self.manifest(Quantization::None, files))
    }

    /// The folder with its weights quantised, its other files as they are, and a
    /// notice that says so.
    fn convert(
        &self,
        dir: &Path,
        target: &Path,
        quantization: Quantization,
        around: &mut Surroundings,
    ) -> Result<Manifest> {
        let weights = |file: &str| self.tensors.as_ref().is_some_and(|tensors| tensors.files.contains(file));
        // Before hours of work: the hashes of the source, and that it holds numbers.
        let source_files = self.read_files(dir, None, |_| true, around)?;
        let Surroundings { convert, progress, cancel, .. } = around;
        let mut report = |done_bytes, total_bytes| {
            progress(AddProgress { phase: Phase::Converting, file: String::new(), done_bytes, total_bytes });
        };
        convert.convert(dir, target, quantization, &mut report, cancel)?;
        let made = std::fs::read_dir(target).map_err(|source| PackError::Read { path: target.to_owned(), source })?;
        let mut files = BTreeMap::new();
        for entry in made {
            let entry = entry.map_err(|source| PackError::Read { path: target.to_owned(), source })?;
            let name = entry.file_name().to_string_lossy().into_owned();
            around.say(Phase::Hashing, &name, 0, 0);
            files.insert(name, hash_file(&entry.path())?);
        }
        files.extend(self.read_files(dir, Some(target), |file| !weights(file), around)?);
        // The small files that the conversion read may have changed under it.
        if let Some((file, found)) =
            files.iter().find(|(file, hash)| source_files.get(*file).is_some_and(|h| h != *hash))
        {
            let expected = source_files.get(file).cloned().unwrap_or_default();
            return Err(PackError::HashMismatch { file: file.clone(), expected, found: found.clone() });
        }
        keep_notice(target, quantization, &mut files)?;
        Ok(Manifest { source_files, ..self.manifest(quantization, files) })
    }

    /// Identifier, name and source are for the caller to fill in.
    fn manifest(&self, quantization: Quantization, files: BTreeMap<String, String>) -> Manifest {
        Manifest {
            id: String::new(),
            kind: self.inspection.kind,
            name: String::new(),
            demo: false,
            source: String::new(),
            terms: HAI_DEF_TERMS.into(),
            notice: HAI_DEF_NOTICE.into(),
            quantization,
            terms_accepted: None,
            parameters: Some(self.inspection.parameters),
            source_files: BTreeMap::new(),
            files,
        }
    }
}

impl Surroundings<'_> {
    fn say(&mut self, phase: Phase, file: &str, done_bytes: u64, total_bytes: u64) {
        (self.progress)(AddProgress { phase, file: file.to_owned(), done_bytes, total_bytes });
    }
}

/// Writes the notice file, after the publisher's own words where there are any.
fn keep_notice(dir: &Path, quantization: Quantization, files: &mut BTreeMap<String, String>) -> Result<()> {
    let path = dir.join(NOTICE_FILE);
    let published = match std::fs::read(&path) {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(source) => return Err(PackError::Read { path, source }),
    };
    write_synced(&path, notice_file(published.as_deref(), quantization).as_bytes())?;
    files.insert(NOTICE_FILE.into(), hash_file(&path)?);
    Ok(())
}

fn folder_name(dir: &Path) -> String {
    // "." and ".." have no name of their own.
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    // A download cache names its folders by revision, and the model above them.
    let cached = dir.parent().filter(|parent| parent.ends_with("snapshots")).and_then(Path::parent);
    let named = cached.unwrap_or(&dir).file_name().map(|name| name.to_string_lossy().into_owned());
    let name = named.unwrap_or_else(|| "model".into());
    name.strip_prefix("models--").and_then(|name| name.rsplit("--").next()).map_or(name.clone(), str::to_owned)
}

fn id_from_folder(dir: &Path, kind: Kind) -> String {
    let name = folder_name(dir).to_lowercase();
    let words: Vec<_> =
        name.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
    let id: String = words.join("-").chars().take(56).collect();
    // A bare revision says nothing to a person.
    let revision = id.len() == 40 && id.bytes().all(|b| b.is_ascii_hexdigit());
    match id.is_empty() || revision {
        true => kind.as_str().into(),
        false => id,
    }
}

/// The folder under its temporary name; gone with this value unless kept.
struct Partial {
    dir: PathBuf,
    kept: bool,
}

impl Partial {
    fn create(dir: PathBuf) -> Result<Self> {
        std::fs::create_dir(&dir).map_err(|source| PackError::Write { path: dir.clone(), source })?;
        Ok(Self { dir, kept: false })
    }

    fn keep_as(mut self, target: &Path) -> Result<()> {
        let write_error = |source| PackError::Write { path: target.to_owned(), source };
        sync_dir(&self.dir).map_err(write_error)?;
        std::fs::rename(&self.dir, target).map_err(write_error)?;
        self.kept = true;
        sync_dir(target.parent().unwrap_or(target)).map_err(write_error)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing more can be done about a failure here; the next change of the library sweeps.
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

/// Makes the names in a folder last. Only Unix opens folders as files.
fn sync_dir(dir: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_from_folder_names() {
        for (folder, id) in [
            ("/x/medgemma-1.5-4b-it", "medgemma-1-5-4b-it"),
            ("/x/MedSigLIP 448", "medsiglip-448"),
            ("/x/86a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3", "medgemma"),
            ("/x/models--google--medgemma-4b-it/snapshots/86a3", "medgemma-4b-it"),
            ("/x/---", "medgemma"),
            ("/x/モデル", "medgemma"),
        ] {
            assert_eq!(id_from_folder(Path::new(folder), Kind::MedGemma), id);
            check_id(id).unwrap();
        }
    }
}
