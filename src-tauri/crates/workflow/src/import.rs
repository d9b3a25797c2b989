//! Import: files and folders in, a verdict for every file out.

use async_recursion::async_recursion as boxed;
use crate::{Cancel, Fault, WorkflowError, Workstation};
use hilum_store::{BlobKind, Imported, NewInstance, NewPatient, NewSeries, NewStudy, Store, StoreError};
use hilum_workers::Unpacked;
use hilum_workers::messages::decode::{DecodeWants, DecodedHeader};
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Imported {
        study_uid: String,
    },
    /// It was there already, byte for byte.
    Known {
        study_uid: String,
    },
    Refused(Fault),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedFile {
    pub path: PathBuf,
    pub verdict: Verdict,
}

/// Progress of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportEvent {
    pub done: usize,
    pub total: usize,
    pub file: ImportedFile,
}

/// An import as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportSummary {
    pub files: Vec<ImportedFile>,
    /// Studies that got something or had it already, in the order met.
    pub study_uids: Vec<String>,
    /// Images that were not here before.
    pub new_images: Vec<String>,
    /// True when it was stopped before every file had a verdict.
    pub cancelled: bool,
}

/// A verdict, and the image that it is about.
type Came = (Verdict, Option<String>);

impl ImportSummary {
    /// Takes down a verdict and tells it.
    fn note(
        &mut self,
        path: PathBuf,
        (verdict, image): Came,
        total: usize,
        events: &mpsc::UnboundedSender<ImportEvent>,
    ) {
        if let Verdict::Imported { .. } = verdict {
            self.new_images.extend(image);
        }
        if let Verdict::Imported { study_uid } | Verdict::Known { study_uid } = &verdict
            && !self.study_uids.contains(study_uid)
        {
            self.study_uids.push(study_uid.clone());
        }
        let file = ImportedFile { path, verdict };
        let _ = events.send(ImportEvent { done: self.files.len() + 1, total, file: file.clone() });
        self.files.push(file);
    }

    pub fn count(&self, matches: impl Fn(&Verdict) -> bool) -> usize {
        self.files.iter().filter(|f| matches(&f.verdict)).count()
    }
}

/// Largest file that is taken in, bytes: what the decoder can hold within its memory limit.
const MAX_FILE: u64 = 400 << 20;
/// Folders are searched so deep, which no real disc exceeds and no loop gets past.
const MAX_DEPTH: usize = 16;
/// Most files of one import.
const MAX_FILES: usize = 200_000;
/// How a ZIP archive begins.
const ZIP: &[u8] = b"PK\x03\x04";
/// Longest side of a thumbnail, pixels.
const THUMBNAIL: u32 = 256;

impl Workstation {
    /// Imports files, all files in folders, the members of ZIP archives and the files that a
    /// DICOMDIR names. Every file gets a verdict, and none stops the others.
    ///
    /// # Errors
    /// `vault.locked`; `data.disk_full` and the like end the import, since they would end every file's.
    #[boxed]
    pub async fn import(
        &self,
        paths: &[PathBuf],
        events: &mpsc::UnboundedSender<ImportEvent>,
        cancel: &Cancel,
    ) -> Result<ImportSummary, WorkflowError> {
        let store = self.store()?;
        let searched = paths.to_vec();
        let files = tokio::task::spawn_blocking(move || files_below(&searched)).await.unwrap_or_default();
        let mut summary = ImportSummary::default();
        let mut total = files.len();
        let mut queue: VecDeque<PathBuf> = files.into();
        let mut queued: HashSet<PathBuf> = queue.iter().cloned().collect();
        while let Some(path) = queue.pop_front() {
            if cancel.is_cancelled() {
                summary.cancelled = true;
                break;
            }
            let bytes = match read_in_background(&path).await {
                Ok(bytes) => bytes,
                Err(_) => {
                    let fault = Fault { code: "file.read".into(), detail: "The file cannot be read.".into() };
                    summary.note(path, (Verdict::Refused(fault), None), total, events);
                    continue;
                }
            };
            if bytes.starts_with(ZIP) {
                self.import_archive(&store, &path, bytes, &mut summary, &mut total, events, cancel).await?;
                continue;
            }
            let (came, disc) = self.import_bytes(&store, bytes, cancel).await?;
            if disc.is_empty() {
                summary.note(path, came, total, events);
                continue;
            }
            // A disc's table of contents is no image: what it names is imported in its place.
            total -= 1;
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            for file in disc.into_iter().map(|name| folder.join(name)) {
                if queued.len() < MAX_FILES && queued.insert(file.clone()) {
                    total += 1;
                    queue.push_back(file);
                }
            }
        }
        Ok(summary)
    }

    /// Imports the members of a ZIP archive, which are never written anywhere.
    #[allow(clippy::too_many_arguments)]
    async fn import_archive(
        &self,
        store: &Store,
        path: &Path,
        bytes: Vec<u8>,
        summary: &mut ImportSummary,
        total: &mut usize,
        events: &mpsc::UnboundedSender<ImportEvent>,
        cancel: &Cancel,
    ) -> Result<(), WorkflowError> {
        let (members, mut inbox) = mpsc::channel::<Unpacked>(1);
        // The archive itself gives way to its members.
        *total -= 1;
        let unpacking = async {
            let ended = self.outside.decoder.unpack(bytes, &members, cancel).await;
            drop(members);
            ended
        };
        let importing = async {
            while let Some(Unpacked { name, bytes }) = inbox.recv().await {
                *total += 1;
                let came = match bytes {
                    Ok(bytes) => self.import_bytes(store, bytes, cancel).await?.0,
                    Err((code, detail)) => (Verdict::Refused(Fault { code, detail }), None),
                };
                summary.note(path.join(name), came, *total, events);
            }
            Ok::<_, WorkflowError>(())
        };
        let (ended, imported) = tokio::join!(unpacking, importing);
        imported?;
        if let Err(fault) = ended {
            *total += 1;
            summary.note(path.to_owned(), (Verdict::Refused(fault), None), *total, events);
        }
        Ok(())
    }

    /// What became of one file's bytes, its image, and the files that it names where it is a DICOMDIR.
    async fn import_bytes(
        &self,
        store: &Store,
        bytes: Vec<u8>,
        cancel: &Cancel,
    ) -> Result<(Came, Vec<String>), WorkflowError> {
        match self.import_file(store, bytes, cancel).await {
            Ok(came) => Ok(came),
            Err(WorkflowError::Outside(fault)) => Ok(((Verdict::Refused(fault), None), Vec::new())),
            Err(e) => Err(e),
        }
    }

    async fn import_file(
        &self,
        store: &Store,
        bytes: Vec<u8>,
        cancel: &Cancel,
    ) -> Result<(Came, Vec<String>), WorkflowError> {
        let original_sha256 = hex::encode(Sha256::digest(&bytes));
        let original_bytes = bytes.len() as u64;
        let wants = DecodeWants { thumbnail: Some(THUMBNAIL), ..DecodeWants::default() };
        let decoded = self.outside.decoder.decode(bytes.clone(), &wants, cancel).await?;
        let mut header = decoded.header;
        let disc = std::mem::take(&mut header.referenced_files);
        if !disc.is_empty() {
            return Ok(((refused("dicom.no_pixels", "A disc's table of contents."), None), disc));
        }
        if header.study_uid.is_empty() || header.series_uid.is_empty() || header.sop_instance_uid.is_empty() {
            return Ok(((refused("dicom.no_uid", "The file names no study, series or instance."), None), disc));
        }
        let (Some(rows), Some(columns)) = (header.rows, header.columns) else {
            return Ok(((refused("dicom.no_pixels", "The file is a DICOM object without an image."), None), disc));
        };
        let thumbnail = match decoded.thumbnail {
            Some(thumbnail) => Some(store.put_blob(BlobKind::Thumbnail, thumbnail.png).await?),
            None => None,
        };
        let original = store.put_blob(BlobKind::Original, without_preamble(bytes)).await?;
        let study_uid = header.study_uid.clone();
        let new = NewInstance {
            patient: patient(&header),
            study: study(&header),
            series: series(&header),
            uid: header.sop_instance_uid.clone(),
            sop_class_uid: header.sop_class_uid.clone(),
            transfer_syntax: header.transfer_syntax_uid.clone(),
            number: header.instance_number,
            rows,
            columns,
            photometric: text(&header.photometric),
            view_position: text(&header.view_position),
            laterality: text(&header.laterality),
            header: serde_json::to_value(&header).map_err(|e| StoreError::Corrupt(e.to_string()))?,
            original,
            original_sha256,
            original_bytes,
            thumbnail,
            pixels: None,
        };
        let verdict = match store.import_instance(&new, &store.user().id, self.now()).await? {
            Imported::New => Verdict::Imported { study_uid },
            Imported::Same => Verdict::Known { study_uid },
            Imported::Differs => refused(
                "import.differs",
                "Another image is here under the same unique identifier. It stays as it is; nothing was imported from this file.",
            ),
        };
        Ok(((verdict, Some(new.uid)), disc))
    }
}

fn refused(code: &str, detail: &str) -> Verdict {
    Verdict::Refused(Fault { code: code.into(), detail: detail.into() })
}

fn text(value: &Option<String>) -> String {
    value.clone().unwrap_or_default()
}

fn patient(header: &DecodedHeader) -> NewPatient {
    NewPatient {
        patient_id: text(&header.patient_id),
        issuer: text(&header.issuer_of_patient_id),
        name: text(&header.patient_name),
        birth_date: header.patient_birth_date.clone(),
        sex: header.patient_sex.clone(),
    }
}

fn study(header: &DecodedHeader) -> NewStudy {
    NewStudy {
        uid: header.study_uid.clone(),
        accession: text(&header.accession_number),
        study_id: text(&header.study_id),
        date: text(&header.study_date),
        time: text(&header.study_time),
        description: text(&header.study_description),
        referring_physician: text(&header.referring_physician),
    }
}

fn series(header: &DecodedHeader) -> NewSeries {
    NewSeries {
        uid: header.series_uid.clone(),
        modality: text(&header.modality),
        number: header.series_number,
        description: text(&header.series_description),
        body_part: text(&header.body_part),
    }
}

/// The 128 bytes before "DICM" may hold a program (PS3.10 7.1 leaves them free); they are
/// zeroed before the file is kept, and the hash of the file as it came is recorded.
fn without_preamble(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.get(128..132) == Some(b"DICM") {
        bytes[..128].fill(0);
    }
    bytes
}

async fn read_in_background(path: &Path) -> std::io::Result<Vec<u8>> {
    let owned = path.to_owned();
    tokio::task::spawn_blocking(move || read_file(&owned))
        .await
        .unwrap_or_else(|_| Err(std::io::Error::other("the reading thread failed")))
}

fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    // Asked first: opening a pipe would wait for somebody to write into it.
    if !fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("not a file"));
    }
    let file = fs::File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(std::io::Error::other("not a file"));
    }
    if metadata.len() > MAX_FILE {
        return Err(std::io::Error::other("larger than any radiograph"));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Files among and below the paths, in a stable order. Links to folders are not followed,
/// so that no loop is entered.
pub fn files_below(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut seen = BTreeSet::new();
    let mut folders: Vec<(PathBuf, usize)> = Vec::new();
    for path in paths {
        match fs::metadata(path) {
            Ok(m) if m.is_dir() => folders.push((path.clone(), 0)),
            // What cannot be looked at is kept, so that it gets a verdict.
            _ => files.push(path.clone()),
        }
    }
    while let Some((folder, depth)) = folders.pop() {
        if depth > MAX_DEPTH || !seen.insert(folder.canonicalize().unwrap_or_else(|_| folder.clone())) {
            continue;
        }
        let mut entries: Vec<_> = fs::read_dir(&folder).into_iter().flatten().flatten().collect();
        entries.sort_by_key(fs::DirEntry::path);
        for entry in entries {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push((entry.path(), depth + 1)),
                Ok(kind) if kind.is_file() && files.len() < MAX_FILES => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_searched_and_loops_are_not_entered() {
        let top = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(top.path().join("a/b")).expect("folders");
        fs::write(top.path().join("a/b/2.dcm"), b"x").expect("a file");
        fs::write(top.path().join("1.dcm"), b"x").expect("a file");
        #[cfg(unix)]
        std::os::unix::fs::symlink(top.path(), top.path().join("a/loop")).expect("a link");
        let missing = top.path().join("missing.dcm");
        let found = files_below(&[top.path().to_owned(), missing.clone()]);
        assert_eq!(found, vec![missing, top.path().join("1.dcm"), top.path().join("a/b/2.dcm")]);
    }

    #[test]
    fn only_a_part_10_preamble_is_zeroed() {
        let mut file = vec![0x4d; 140];
        file[128..132].copy_from_slice(b"DICM");
        let kept = without_preamble(file.clone());
        assert!(kept[..128].iter().all(|b| *b == 0));
        assert_eq!(kept[128..], file[128..]);
        let other = vec![0x4d; 140];
        assert_eq!(without_preamble(other.clone()), other);
    }
}
