//! A downloaded folder becomes a pack: checked, copied or converted, hashed, renamed.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::copy::{Hashes, read_through, write_synced};
use crate::error::{PackError, Result, amount};
use crate::finite::FiniteCheck;
use crate::inspect::{Inspection, inspect, inspect_converted, inspect_folder, refuse_pickles};
use crate::lock::PARTIAL;
use crate::machine::{Estimate, Sizes, quantizations};
use crate::manifest::{Kind, MANIFEST_FILE, Manifest, Quantization, TermsAccepted, check_id};
use crate::naming::{folder_name, id_from_folder};
use crate::partial::Partial;
use crate::rename::{Beginning, beginning};
use crate::surroundings::{AddProgress, Convert, Phase, Surroundings};
use crate::terms::{Change, HAI_DEF_NOTICE, NOTICE_FILE, notice_file, terms_hash, terms_of};
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
    /// When the person accepted the terms that were shown, RFC 3339; `None` where they have not.
    pub terms_accepted_at: Option<String>,
}

/// Most bytes of a demonstration: the two that ship take 40 MB together (docs/models.md, models/demo).
const DEMONSTRATION: u64 = 64 << 20;

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
            // What cannot be quantised can still be kept as published; asking for the form says why.
            _ => match convert.sizes(source_dir, *quantization) {
                Ok(sizes) => folder.estimate(Some(sizes)),
                Err(PackError::QuantizeUnsupported { .. } | PackError::Convert { .. }) => continue,
                Err(error) => return Err(error),
            },
        };
        choices.push((*quantization, estimate));
    }
    let Folder { inspection, published, terms, .. } = folder;
    Ok(Candidate {
        name: published.as_ref().map_or_else(|| folder_name(source_dir), |manifest| manifest.name.clone()),
        kind: inspection.kind,
        demo: published.as_ref().is_some_and(|manifest| manifest.demo),
        files: inspection.files.len(),
        bytes: inspection.total_bytes(),
        terms,
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
    let terms_accepted = folder.accepted(options)?;
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

/// The words that a person has to accept for a folder; `None` for a demonstration of Hilum's own, which comes under its
/// licence.
pub(crate) fn terms_to_accept(source_dir: &Path) -> Result<Option<String>> {
    if !source_dir.join(MANIFEST_FILE).exists() {
        return terms_of(source_dir).map(Some);
    }
    let manifest = Manifest::read(source_dir)?;
    Ok((!manifest.demo).then_some(manifest.terms))
}

/// A folder whose headers have been checked.
struct Folder {
    inspection: Inspection,
    /// Where the tensors lie.
    tensors: Tensors,
    /// A pack whose weights are in the engine's own form already.
    converted: bool,
    /// The manifest that came with it, where it is a pack.
    published: Option<Manifest>,
    /// The words that it comes under.
    terms: String,
}

impl Folder {
    fn look(dir: &Path, options: &AddOptions) -> Result<Self> {
        let is_pack = dir.join(MANIFEST_FILE).exists();
        let published = is_pack.then(|| Manifest::read(dir)).transpose()?;
        let converted = published.as_ref().filter(|manifest| manifest.quantization != Quantization::None);
        let (inspection, tensors) = match converted {
            // It was made of weights that were checked. The hashes vouch that it is what was made, not that it is sound.
            Some(manifest) => inspect_converted(dir, manifest)?,
            None => inspect(dir)?,
        };
        let converted = converted.is_some();
        let terms = match &published {
            Some(manifest) => manifest.terms.clone(),
            None => terms_of(dir)?,
        };
        if let Some(wanted) = options.kind.filter(|wanted| *wanted != inspection.kind) {
            if (wanted, inspection.kind) == (Kind::MedGemma, Kind::MedGemmaText) {
                return Err(PackError::TextOnly { file: "config.json".into() });
            }
            return Err(PackError::OtherKind { wanted: wanted.as_str(), found: inspection.kind.as_str() });
        }
        let mut folder = Self { inspection, tensors, converted, published, terms };
        if let Some(manifest) = &mut folder.published {
            if manifest.kind != folder.inspection.kind {
                let reason = format!("the folder is a {} model", folder.inspection.kind.as_str());
                return Err(PackError::Malformed { file: MANIFEST_FILE.into(), reason });
            }
            manifest.name = options.name.clone().unwrap_or_else(|| manifest.name.clone());
            manifest.source = options.source.clone().unwrap_or_else(|| manifest.source.clone());
            // A pack's own list of files is the whole truth about it, and is held to what holds for every folder.
            refuse_pickles(manifest.files.keys())?;
            for file in manifest.files.keys() {
                let path = dir.join(file);
                let length = std::fs::metadata(&path).map_err(|source| PackError::Read { path, source })?.len();
                if is_weights(file) && !folder.tensors.files.contains(file) {
                    folder.tensors.add(dir, file)?;
                }
                folder.inspection.files.insert(file.clone(), length);
            }
            // A demonstration needs no terms and may be accepted in bulk, so nothing of a real model's size is one,
            // whatever its manifest says.
            if manifest.demo && folder.inspection.total_bytes() > DEMONSTRATION {
                let reason = format!("a model of {} is no demonstration", amount(folder.inspection.total_bytes()));
                return Err(PackError::Malformed { file: MANIFEST_FILE.into(), reason });
            }
        }
        Ok(folder)
    }

    fn estimate(&self, converted: Option<Sizes>) -> Estimate {
        let estimate = match self.converted {
            false => Estimate::of(&self.inspection, converted),
            true => Estimate::of_converted(self.inspection.total_bytes()),
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
    fn accepted(&self, options: &AddOptions) -> Result<Option<TermsAccepted>> {
        if self.published.as_ref().is_some_and(|manifest| manifest.demo) {
            return Ok(None);
        }
        let at = options.terms_accepted_at.clone().ok_or(PackError::TermsNotAccepted)?;
        Ok(Some(TermsAccepted { at, sha256: terms_hash(&self.terms) }))
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

    /// Reads files through, copying each where `target` is given, with another beginning where it has one.
    fn read_files(
        &self,
        dir: &Path,
        target: Option<&Path>,
        which: impl Fn(&str) -> bool,
        beginnings: &BTreeMap<String, Beginning>,
        around: &mut Surroundings,
    ) -> Result<BTreeMap<String, Hashes>> {
        let phase = if target.is_some() { Phase::Copying } else { Phase::Hashing };
        let wanted: Vec<_> = self.inspection.files.iter().filter(|(file, _)| which(file)).collect();
        let total = wanted.iter().map(|(_, length)| **length).sum();
        let mut done = 0;
        let mut hashes = BTreeMap::new();
        for (file, _) in wanted {
            let finite = FiniteCheck::new(file, &self.tensors);
            let to = target.map(|target| target.join(file));
            let cancel = around.cancel;
            let mut report = |count: u64| {
                done += count;
                around.say(phase, file, done, total);
            };
            let beginning = beginnings.get(file);
            let read = read_through(&dir.join(file), to.as_deref(), beginning, finite, &mut report, cancel)?;
            hashes.insert(file.clone(), read);
        }
        Ok(hashes)
    }

    /// What weight files have to begin with for an engine to find their tensors. A pack stays what it is.
    fn beginnings(&self, dir: &Path, convert: &dyn Convert) -> Result<BTreeMap<String, Beginning>> {
        let mut all = BTreeMap::new();
        if self.published.is_none() {
            let name = |published: &str| convert.tensor_name(self.inspection.kind, published);
            for file in &self.tensors.files {
                all.extend(beginning(dir, file, &name)?.map(|beginning| (file.clone(), beginning)));
            }
        }
        Ok(all)
    }

    /// The folder as it is, tensors under the names that an engine looks for, and its notice.
    fn copy(&self, dir: &Path, target: &Path, around: &mut Surroundings) -> Result<Manifest> {
        let beginnings = self.beginnings(dir, around.convert)?;
        let hashes = self.read_files(dir, Some(target), |_| true, &beginnings, around)?;
        let mut files = of(&hashes, |hashes| &hashes.written);
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
        let change = if beginnings.is_empty() { Change::Nothing } else { Change::Names };
        keep_notice(target, change, &mut files)?;
        let source_files = match change {
            Change::Nothing => BTreeMap::new(),
            _ => of(&hashes, |hashes| &hashes.read),
        };
        Ok(Manifest { source_files, ..self.manifest(Quantization::None, files) })
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
        let as_it_is = BTreeMap::new();
        // Before hours of work: the hashes of the source, and that it holds numbers.
        let source_files = of(&self.read_files(dir, None, |_| true, &as_it_is, around)?, |hashes| &hashes.read);
        let Surroundings { convert, progress, cancel, .. } = around;
        let mut report = |done_bytes, total_bytes| {
            progress(AddProgress { phase: Phase::Converting, file: String::new(), done_bytes, total_bytes });
        };
        convert.convert(dir, target, quantization, &mut report, cancel)?;
        let mut files = hash_made(target, around)?;
        let others = |file: &str| !self.tensors.files.contains(file);
        files.extend(of(&self.read_files(dir, Some(target), others, &as_it_is, around)?, |hashes| &hashes.written));
        // The small files that the conversion read may have changed under it.
        if let Some((file, found)) =
            files.iter().find(|(file, hash)| source_files.get(*file).is_some_and(|h| h != *hash))
        {
            let expected = source_files.get(file).cloned().unwrap_or_default();
            return Err(PackError::HashMismatch { file: file.clone(), expected, found: found.clone() });
        }
        keep_notice(target, Change::Quantised(quantization), &mut files)?;
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
            terms: self.terms.clone(),
            notice: HAI_DEF_NOTICE.into(),
            quantization,
            terms_accepted: None,
            parameters: Some(self.inspection.parameters),
            source_files: BTreeMap::new(),
            files,
        }
    }
}

/// Whether a file of this name holds tensors in the form of safetensors, as those of a converted pack do too.
fn is_weights(file: &str) -> bool {
    [".safetensors", ".uqff"].iter().any(|ending| file.ends_with(ending))
}

/// One of the two hashes of each file.
fn of(hashes: &BTreeMap<String, Hashes>, which: impl Fn(&Hashes) -> &String) -> BTreeMap<String, String> {
    hashes.iter().map(|(file, hashes)| (file.clone(), which(hashes).clone())).collect()
}

/// The hashes of what a conversion wrote.
fn hash_made(target: &Path, around: &mut Surroundings) -> Result<BTreeMap<String, String>> {
    let read_error = |source| PackError::Read { path: target.to_owned(), source };
    let mut made = Vec::new();
    for entry in std::fs::read_dir(target).map_err(read_error)? {
        let entry = entry.map_err(read_error)?;
        let length = entry.metadata().map_err(read_error)?.len();
        made.push((entry.file_name().to_string_lossy().into_owned(), length));
    }
    let total = made.iter().map(|(_, length)| length).sum();
    let mut done = 0;
    let mut files = BTreeMap::new();
    for (name, _) in made {
        let cancel = around.cancel;
        let mut report = |count: u64| {
            done += count;
            around.say(Phase::Hashing, &name, done, total);
        };
        let read = read_through(&target.join(&name), None, None, FiniteCheck::none(), &mut report, cancel)?;
        files.insert(name, read.read);
    }
    Ok(files)
}

/// Writes the notice file, after the publisher's own words where there are any.
fn keep_notice(dir: &Path, change: Change, files: &mut BTreeMap<String, String>) -> Result<()> {
    let path = dir.join(NOTICE_FILE);
    let published = match std::fs::read(&path) {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(source) => return Err(PackError::Read { path, source }),
    };
    let notice = notice_file(published.as_deref(), change);
    write_synced(&path, notice.as_bytes())?;
    files.insert(NOTICE_FILE.into(), hex::encode(Sha256::digest(notice)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use hilum_testkit::gemma3::{Spelling, write_checkpoint};
    use safetensors::tensor::{SafeTensors, TensorView};

    use super::*;
    use crate::library::Library;
    use crate::machine::ThisMachine;
    use crate::manifest::pack_hash;
    use crate::verify::verify;
    use crate::weights::INDEX_FILE;

    /// An engine that knows the names of transformers 4 alone.
    struct Four;

    impl Convert for Four {
        fn tensor_name(&self, _: Kind, published: &str) -> String {
            match published.strip_prefix("vision_tower.") {
                Some(rest) if !rest.starts_with("vision_model.") => format!("vision_tower.vision_model.{rest}"),
                _ => published.to_owned(),
            }
        }

        fn sizes(&self, _: &Path, _: Quantization) -> Result<Sizes> {
            // Its headers are of no use to this one; the folder can be kept as published all the same.
            Err(PackError::Convert { reason: "as asked".into() })
        }

        fn convert(
            &self,
            _: &Path,
            _: &Path,
            _: Quantization,
            _: &mut dyn FnMut(u64, u64),
            _: &AtomicBool,
        ) -> Result<()> {
            Err(PackError::Convert { reason: "as asked".into() })
        }
    }

    fn add(library: &Library, dir: &Path, said: &mut dyn FnMut(AddProgress)) -> Result<Manifest> {
        let options = AddOptions { terms_accepted_at: Some("2026-11-23T12:00:00Z".into()), ..AddOptions::default() };
        let cancel = AtomicBool::new(false);
        let around = Surroundings { machine: &ThisMachine, convert: &Four, progress: said, cancel: &cancel };
        library.add(dir, &options, around)
    }

    /// Shape and bytes of every tensor in the folder's weight files, by name.
    fn tensors_in(dir: &Path) -> BTreeMap<String, (Vec<usize>, Vec<u8>)> {
        let mut all = BTreeMap::new();
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "safetensors") {
                let bytes = std::fs::read(path).unwrap();
                for (name, tensor) in SafeTensors::deserialize(&bytes).unwrap().tensors() {
                    all.insert(name, (tensor.shape().to_vec(), tensor.data().to_vec()));
                }
            }
        }
        all
    }

    /// Cuts the weights into shards with an index, as larger models come.
    fn shard(dir: &Path) {
        let bytes = std::fs::read(dir.join("model.safetensors")).unwrap();
        std::fs::remove_file(dir.join("model.safetensors")).unwrap();
        let mut all: Vec<(String, TensorView)> = SafeTensors::deserialize(&bytes).unwrap().tensors();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        let mut map = BTreeMap::new();
        for (i, part) in all.chunks(all.len().div_ceil(3)).enumerate() {
            let file = format!("model-{:05}-of-00003.safetensors", i + 1);
            map.extend(part.iter().map(|(name, _)| (name.clone(), file.clone())));
            std::fs::write(dir.join(file), safetensors::serialize(part.to_vec(), None).unwrap()).unwrap();
        }
        std::fs::write(dir.join(INDEX_FILE), serde_json::json!({ "weight_map": map }).to_string()).unwrap();
    }

    fn hashes_of(dir: &Path, names: impl Iterator<Item = String>) -> BTreeMap<String, String> {
        names
            .map(|name| {
                let hash = hex::encode(Sha256::digest(std::fs::read(dir.join(&name)).unwrap()));
                (name, hash)
            })
            .collect()
    }

    /// Adds a checkpoint in this spelling. What comes out has the tensors of transformers 4, whatever went in.
    fn check(spelling: Spelling, sharded: bool) {
        let root = tempfile::tempdir().unwrap();
        let (download, four) = (root.path().join("medgemma"), root.path().join("four"));
        write_checkpoint(&download, spelling, 5).unwrap();
        write_checkpoint(&four, Spelling::Transformers4, 5).unwrap();
        if sharded {
            shard(&download);
        }
        let renamed = spelling == Spelling::Transformers5;
        let library = Library::new(&root.path().join("packs"), None);
        let candidate = library.look(&download, &Four).unwrap();
        assert_eq!(candidate.choices.iter().map(|(form, _)| *form).collect::<Vec<_>>(), [Quantization::None]);
        let mut seen = Vec::new();
        let manifest = add(&library, &download, &mut |at| seen.push(at)).unwrap();
        assert_eq!(seen.last().unwrap().fraction(), Some(1.0));
        assert_eq!(manifest.quantization, Quantization::None);

        let pack = root.path().join("packs/medgemma");
        verify(&pack).unwrap();
        assert!(tensors_in(&pack) == tensors_in(&four), "{spelling:?}: other tensors");
        let index = std::fs::read_to_string(pack.join(INDEX_FILE)).unwrap_or_default();
        assert_eq!(index.contains("vision_tower.vision_model."), sharded);
        let published = manifest.files.keys().filter(|file| *file != NOTICE_FILE).cloned();
        let expected = if renamed { hashes_of(&download, published) } else { BTreeMap::new() };
        assert_eq!(manifest.source_files, expected);
        let notice = std::fs::read_to_string(pack.join(NOTICE_FILE)).unwrap();
        assert_eq!(notice.contains("renamed by Hilum"), renamed, "{notice}");

        // On another machine it stays what it is.
        let other = Library::new(&root.path().join("other"), None);
        let copy = add(&other, &pack, &mut |_| {}).unwrap();
        assert_eq!((pack_hash(&copy), copy.source_files), (pack_hash(&manifest), manifest.source_files));
    }

    #[test]
    fn tensors_get_the_names_that_the_engine_looks_for() {
        for sharded in [false, true] {
            check(Spelling::Transformers4, sharded);
            check(Spelling::Transformers5, sharded);
        }
    }

    /// Numbers are looked at where they lie in the source, whose header is shorter.
    #[test]
    fn a_number_that_is_none_is_found_under_another_name() {
        let root = tempfile::tempdir().unwrap();
        let download = root.path().join("medgemma");
        write_checkpoint(&download, Spelling::Transformers5, 5).unwrap();
        let weights = download.join("model.safetensors");
        let mut bytes = std::fs::read(&weights).unwrap();
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        std::fs::write(&weights, bytes).unwrap();
        let library = Library::new(&root.path().join("packs"), None);
        let error = add(&library, &download, &mut |_| {}).unwrap_err();
        assert_eq!((error.code(), error.file()), ("pack.not_finite", Some("model.safetensors")));
        assert!(!root.path().join("packs/medgemma").exists());
    }
}
