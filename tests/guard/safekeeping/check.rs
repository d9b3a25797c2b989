//! What the children said was done, and the search for it.

use crate::desk::{NAME, PASSPHRASE, Place, SAVE, SAVED, unlock};
use hilum_report::{Command, ReportId, Status, VersionId};
use hilum_store::{AuditVerdict, BackupTarget, BlobName, DataFolder, Opening, ReportRow, Store, WorklistQuery};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use time::OffsetDateTime;

/// What was acknowledged, by all children so far.
#[derive(Default)]
pub struct Acknowledged {
    /// Sentences by report.
    pub typed: BTreeMap<String, BTreeSet<String>>,
    /// Hash of the document, by report and version.
    pub signed: BTreeMap<(String, String), String>,
    pub imported: BTreeSet<String>,
    pub exported: BTreeSet<PathBuf>,
    /// Of the last child: older ones may be deleted by then.
    pub backed_up: Option<PathBuf>,
    pub restored: u32,
    /// Codes with which children were refused.
    pub refused: Vec<String>,
}

impl Acknowledged {
    /// Takes what a child said.
    pub fn take(&mut self, line: &str) {
        let words: Vec<&str> = line.split('\t').collect();
        match words.as_slice() {
            ["typed", report, id, "."] => self.note(report, &[*id]),
            ["saved", report, ids @ .., "."] => self.note(report, ids),
            ["signed", report, version, sha256, "."] => {
                self.signed.insert(((*report).to_owned(), (*version).to_owned()), (*sha256).to_owned());
            }
            ["imported", study, "."] => {
                self.imported.insert((*study).to_owned());
            }
            ["exported", path, "."] => {
                self.exported.insert(PathBuf::from(path));
            }
            ["backed_up", path, "."] => self.backed_up = Some(PathBuf::from(path)),
            ["restored", "."] => self.restored += 1,
            ["refused", code, "."] => self.refused.push((*code).to_owned()),
            // A line that was cut short acknowledged nothing.
            _ => {}
        }
    }

    /// Notes sentences of a report.
    pub fn note<Id: AsRef<str>>(&mut self, report: &str, ids: &[Id]) {
        let kept = self.typed.entry(report.to_owned()).or_default();
        kept.extend(ids.iter().map(|id| id.as_ref().to_owned()));
    }

    pub fn sentences(&self) -> usize {
        self.typed.values().map(BTreeSet::len).sum()
    }

    pub fn count(&self) -> String {
        Acknowledged::words(self.counts())
    }

    /// Sentences, signatures, imports and exports.
    pub fn counts(&self) -> [usize; 4] {
        [self.sentences(), self.signed.len(), self.imported.len(), self.exported.len()]
    }

    pub fn words([sentences, signatures, imports, exports]: [usize; 4]) -> String {
        format!("{sentences} sentences, {signatures} signatures, {imports} imports, {exports} exports acknowledged")
    }

    /// Opens the folder as the app would, and holds it against all that was acknowledged.
    pub async fn check(&self, place: &Place, what: &str) {
        let store = place.unlock().await;
        self.check_store(&store, what).await;
        for path in &self.exported {
            let version = version_of(path);
            let pdf = std::fs::read(path).unwrap_or_else(|e| panic!("{what}: {}: {e}", path.display()));
            let version = store.version(&version).await.expect("the exported version");
            assert!(store.signed_pdf(&version).await.expect("its document") == pdf, "{what}: an export is not its version");
        }
        // Nothing half stands under the name of an export.
        for entry in std::fs::read_dir(&place.out).expect("the folder of exports").filter_map(Result::ok) {
            let path = entry.path();
            if path.extension().is_some_and(|e| e == "pdf") {
                let version = store.version(&version_of(&path)).await.expect("the exported version");
                let whole = store.signed_pdf(&version).await.expect("its document");
                assert!(std::fs::read(&path).expect("an export") == whole, "{what}: a partial export");
            }
        }
        // What a crash left of the day before is swept, and nothing else.
        store.sweep_blobs(std::time::SystemTime::now()).await.expect("to sweep");
        self.check_store(&store, what).await;
        store.close().await.expect("to close");
        if let Some(folder) = &self.backed_up {
            assert!(folder.join("manifest.json").is_file(), "{what}: the backup {} is gone", folder.display());
        }
    }

    pub async fn check_store(&self, store: &Store, what: &str) {
        assert_eq!(store.check_integrity().await.expect("a check"), Vec::<String>::new(), "{what}");
        let verdict = store.verify_audit(None).await.expect("a verdict");
        assert!(matches!(verdict, AuditVerdict::Intact(_)), "{what}: {verdict:?}");
        for (report, sentences) in &self.typed {
            let kept: BTreeSet<String> = written(store, &ReportId::new(report)).await.into_iter().collect();
            let lost: Vec<_> = sentences.iter().filter(|id| !kept.contains(*id)).collect();
            assert!(lost.is_empty(), "{what}: {report} has lost {lost:?}");
        }
        for ((report, version), sha256) in &self.signed {
            let found = store.version(&VersionId::new(version)).await;
            let found = found.unwrap_or_else(|e| panic!("{what}: version {version}: {e}"));
            let pdf = store.signed_pdf(&found).await.expect("its document");
            assert_eq!(found.pdf_sha256, *sha256, "{what}: {report}");
            assert!(pdf.starts_with(b"%PDF-"), "{what}: {report}");
            let report = store.report(&ReportId::new(report)).await.expect("a report that replays");
            assert_eq!(report.status(), Status::Final, "{what}");
        }
        for study in &self.imported {
            let found = store.study(study).await.unwrap_or_else(|e| panic!("{what}: study {study}: {e}"));
            for instance in found.series.iter().flat_map(|s| &s.instances) {
                assert!(!store.blob(&instance.original).await.expect("an original").is_empty(), "{what}");
            }
            // Whatever was begun of a report replays, and is signed whole or not at all.
            for row in &found.reports {
                let report = store.report(&row.id).await.expect("a report that replays");
                let versions = store.versions(&row.id).await.expect("versions");
                assert_eq!(report.versions().len(), versions.len(), "{what}");
                for version in &versions {
                    store.signed_pdf(version).await.expect("its document");
                }
                saved_whole(&written(store, &row.id).await, what);
            }
        }
    }
}

/// How the name of a sealed file begins that is a signed document (`store/src/blobs.rs`).
const DOCUMENT: &str = "p-";

/// Looks at every report, acknowledged or not: it is signed with a version and a document, which opens and is signed by who
/// signs here, or it is not signed at all; and no document lies there without its version. How many versions there are.
pub async fn signed_whole(store: &Store, data: &Path, what: &str) -> usize {
    let trusted: Vec<Vec<u8>> =
        hilum_store::certificates(data).expect("certificates").into_iter().map(|c| c.der).collect();
    let mut documents: BTreeSet<BlobName> = BTreeSet::new();
    for row in store.worklist(&WorklistQuery::default()).await.expect("the studies") {
        let study = store.study(&row.study.uid).await.expect("a study");
        for ReportRow { id, .. } in &study.reports {
            let report = store.report(id).await.unwrap_or_else(|e| panic!("{what}: report {id}: {e}"));
            let versions = store.versions(id).await.unwrap_or_else(|e| panic!("{what}: versions of {id}: {e}"));
            assert_eq!(report.versions().len(), versions.len(), "{what}: the versions of {id}");
            assert_eq!(report.status() == Status::Final, !versions.is_empty(), "{what}: {id} is {:?}", report.status());
            for version in versions {
                let pdf = store.signed_pdf(&version).await;
                let pdf = pdf.unwrap_or_else(|e| panic!("{what}: the document of {}: {e}", version.id));
                let verdict = hilum_export::verify::verify(&pdf, &trusted);
                assert!(verdict.is_ok(), "{what}: the document of {}: {verdict:?}", version.id);
                documents.insert(version.pdf);
            }
        }
    }
    let sealed = store.blobs().and_then(|blobs| blobs.names()).expect("the sealed files");
    let alone: Vec<&BlobName> =
        sealed.iter().filter(|name| name.as_str().starts_with(DOCUMENT) && !documents.contains(*name)).collect();
    assert!(alone.is_empty(), "{what}: documents without a version: {alone:?}");
    documents.len()
}

/// The ids of all sentences that were ever written into a report, in order.
pub async fn written(store: &Store, report: &ReportId) -> Vec<String> {
    let journal = store.journal(report).await.expect("a journal");
    let inserted = journal.into_iter().filter_map(|entry| match entry.command {
        Command::Insert { id, .. } => Some(id.to_string()),
        _ => None,
    });
    inserted.collect()
}

/// What was sent in one go is there whole or not at all, acknowledged or not.
fn saved_whole(written: &[String], what: &str) {
    let mut saves: BTreeMap<&str, usize> = BTreeMap::new();
    for (save, _) in written.iter().filter(|id| id.starts_with(SAVE)).filter_map(|id| id.rsplit_once('-')) {
        *saves.entry(save).or_default() += 1;
    }
    for (save, sentences) in saves {
        assert_eq!(sentences, SAVED, "{what}: a part of {save}");
    }
}

/// Puts the newest backup into a fresh folder and looks for what is in the store and was acknowledged
/// before the backup. How many signed documents it holds.
pub async fn restored(backup: &Path, scratch: &Path) -> (Store, u64) {
    let fresh = DataFolder::open_with(scratch, crate::desk::CHEAP).expect("a data folder");
    let opening = Opening::by_passphrase(NAME, PASSPHRASE);
    let restored = fresh.restore(backup, opening, OffsetDateTime::now_utc(), &|_| true).await;
    let restored = restored.unwrap_or_else(|e| panic!("{}: {e}", backup.display()));
    drop(fresh);
    (unlock(scratch).await, restored.signed_versions)
}

/// Somewhere for backups that keeps all.
pub fn keeping_all(folder: &Path) -> BackupTarget {
    BackupTarget { folder: folder.to_owned(), keep: None }
}

fn version_of(path: &Path) -> VersionId {
    VersionId::new(path.file_stem().expect("a name").to_string_lossy())
}
