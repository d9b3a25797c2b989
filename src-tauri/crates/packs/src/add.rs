//! A downloaded folder becomes a pack: checked, copied, hashed, renamed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use crate::error::{PackError, Result};
use crate::inspect::{Inspection, inspect_folder};
use crate::manifest::{HAI_DEF_NOTICE, HAI_DEF_TERMS, Kind, MANIFEST_FILE, Manifest, Quantization, check_id};
use crate::verify::verify;

/// What the person who adds a pack may say about it.
#[derive(Debug, Clone, Default)]
pub struct AddOptions {
    /// Identifier; made from the folder's name where absent.
    pub id: Option<String>,
    /// Name to show; the folder's name where absent.
    pub name: Option<String>,
    /// Where the weights come from; what the configuration says where absent.
    pub source: Option<String>,
}

/// How far the copy has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddProgress {
    pub file: String,
    pub done_bytes: u64,
    pub total_bytes: u64,
}

const CHUNK: usize = 1 << 20;

/// Copies the folder into `packs_root/<id>` and writes its manifest. A folder
/// that is a pack already keeps its manifest, once it has been verified.
///
/// Nothing is left behind on a refusal, a failure or a cancellation: the copy
/// is made under `<id>.partial` and renamed when it is whole and on the disk.
pub(crate) fn add_folder(
    source_dir: &Path,
    packs_root: &Path,
    options: &AddOptions,
    taken: impl Fn(&str) -> bool,
    progress: &mut dyn FnMut(AddProgress),
    cancel: &AtomicBool,
) -> Result<Manifest> {
    let inspection = inspect_folder(source_dir)?;
    let published = published_manifest(source_dir, &inspection, options)?;
    let id = match &published {
        Some(manifest) => options.id.clone().unwrap_or_else(|| manifest.id.clone()),
        None => options.id.clone().unwrap_or_else(|| id_from_folder(source_dir, inspection.kind)),
    };
    check_id(&id)?;
    let target = packs_root.join(&id);
    if taken(&id) || target.exists() {
        return Err(PackError::Exists { id });
    }

    create_dir(packs_root)?;
    let partial = Partial::create(packs_root.join(format!("{id}.partial")))?;
    let mut wanted = inspection.files.clone();
    if let Some(manifest) = &published {
        // A pack's own list of files is the whole truth about it.
        for file in manifest.files.keys() {
            let path = source_dir.join(file);
            let length = std::fs::metadata(&path).map_err(|source| PackError::Read { path, source })?.len();
            wanted.insert(file.clone(), length);
        }
    }
    let total_bytes = wanted.values().sum();
    let mut files = BTreeMap::new();
    let mut done_bytes = 0;
    for file in wanted.keys() {
        let mut report = |count: u64| {
            done_bytes += count;
            progress(AddProgress { file: file.clone(), done_bytes, total_bytes });
        };
        let hash = copy_file(&source_dir.join(file), &partial.dir.join(file), &mut report, cancel)?;
        files.insert(file.clone(), hash);
    }
    // What was checked above may have changed under the copy.
    inspect_folder(&partial.dir)?;

    let manifest = match published {
        Some(manifest) => Manifest { id, ..manifest },
        None => new_manifest(id, source_dir, &inspection, options, files.clone()),
    };
    if let Some((file, expected)) = manifest.files.iter().find(|(file, hash)| files.get(*file) != Some(*hash)) {
        let found = files.get(file).cloned().unwrap_or_default();
        return Err(PackError::HashMismatch { file: file.clone(), expected: expected.clone(), found });
    }
    write_synced(&partial.dir.join(MANIFEST_FILE), &manifest.to_json())?;
    partial.keep_as(&target)?;
    Ok(manifest)
}

/// The manifest that came with the folder, if it is a pack and intact.
fn published_manifest(dir: &Path, inspection: &Inspection, options: &AddOptions) -> Result<Option<Manifest>> {
    if !dir.join(MANIFEST_FILE).exists() {
        return Ok(None);
    }
    let mut manifest = match verify(dir) {
        Ok(verified) => verified.manifest,
        Err(problems) => return Err(problems.into_iter().next().expect("a refusal has a reason")),
    };
    if manifest.kind != inspection.kind {
        return Err(PackError::Malformed {
            file: MANIFEST_FILE.into(),
            reason: format!("the folder is a {} model", inspection.kind.as_str()),
        });
    }
    if let Some(name) = &options.name {
        manifest.name.clone_from(name);
    }
    if let Some(source) = &options.source {
        manifest.source.clone_from(source);
    }
    Ok(Some(manifest))
}

fn new_manifest(
    id: String,
    source_dir: &Path,
    inspection: &Inspection,
    options: &AddOptions,
    files: BTreeMap<String, String>,
) -> Manifest {
    let folder = folder_name(source_dir);
    let source = options.source.clone().or_else(|| inspection.origin.clone());
    Manifest {
        name: options.name.clone().unwrap_or_else(|| folder.clone()),
        kind: inspection.kind,
        demo: false,
        source: source.unwrap_or_else(|| format!("supplied by the user, from a folder named {folder}")),
        terms: HAI_DEF_TERMS.into(),
        notice: HAI_DEF_NOTICE.into(),
        quantization: Quantization::None,
        files,
        id,
    }
}

fn folder_name(dir: &Path) -> String {
    // "." and ".." have no name of their own.
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    dir.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned())
}

fn id_from_folder(dir: &Path, kind: Kind) -> String {
    let name = folder_name(dir).to_lowercase();
    let words: Vec<_> =
        name.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
    let id: String = words.join("-").chars().take(64).collect();
    // A download cache names its folders by revision.
    let revision = id.len() == 40 && id.bytes().all(|b| b.is_ascii_hexdigit());
    match id.is_empty() || revision {
        true => kind.as_str().into(),
        false => id,
    }
}

fn copy_file(from: &Path, to: &Path, report: &mut dyn FnMut(u64), cancel: &AtomicBool) -> Result<String> {
    let read_error = |source| PackError::Read { path: from.to_owned(), source };
    let write_error = |source| PackError::Write { path: to.to_owned(), source };
    let mut reader = File::open(from).map_err(read_error)?;
    let mut writer = File::create_new(to).map_err(write_error)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        if cancel.load(Ordering::Relaxed) {
            return Err(PackError::Cancelled);
        }
        let count = reader.read(&mut buffer).map_err(read_error)?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        writer.write_all(&buffer[..count]).map_err(write_error)?;
        report(count as u64);
    }
    writer.sync_all().map_err(write_error)?;
    Ok(hex::encode(hasher.finalize()))
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut file = File::create_new(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| PackError::Write { path: path.to_owned(), source })
}

fn create_dir(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|source| PackError::Write { path: path.to_owned(), source })
}

/// The folder under its temporary name; gone with this value unless kept.
struct Partial {
    dir: PathBuf,
    kept: bool,
}

impl Partial {
    fn create(dir: PathBuf) -> Result<Self> {
        if dir.exists() {
            // Left by a process that was killed.
            std::fs::remove_dir_all(&dir).map_err(|source| PackError::Write { path: dir.clone(), source })?;
        }
        create_dir(&dir)?;
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
            // Nothing more can be done about a failure here; the next copy tries again.
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
            ("/x/---", "medgemma"),
            ("/x/モデル", "medgemma"),
        ] {
            assert_eq!(id_from_folder(Path::new(folder), Kind::MedGemma), id);
            check_id(id).unwrap();
        }
    }
}
