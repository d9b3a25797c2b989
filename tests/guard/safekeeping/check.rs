//! What the children said was done, and the search for it.

use crate::desk::{NAME, PASSPHRASE, Place, unlock};
use hilum_report::{Command, ReportId, Status, VersionId};
use hilum_store::{AuditVerdict, BackupTarget, DataFolder, Opening, Store};
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
    /// Takes what a child said; true when it had begun what it was to do.
    pub fn take(&mut self, line: &str) -> bool {
        let words: Vec<&str> = line.split('\t').collect();
        match words.as_slice() {
            ["begins", "."] => return true,
            ["typed", report, id, "."] => {
                self.typed.entry((*report).to_owned()).or_default().insert((*id).to_owned());
            }
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
        false
    }

    pub fn count(&self) -> String {
        Acknowledged::words(self.counts())
    }

    /// Sentences, signatures, imports and exports.
    pub fn counts(&self) -> [usize; 4] {
        [self.typed.values().map(BTreeSet::len).sum(), self.signed.len(), self.imported.len(), self.exported.len()]
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
            let journal = store.journal(&ReportId::new(report)).await.expect("a journal");
            let kept: BTreeSet<&str> = journal
                .iter()
                .filter_map(|e| match &e.command {
                    Command::Insert { id, .. } => Some(id.as_str()),
                    _ => None,
                })
                .collect();
            let lost: Vec<_> = sentences.iter().filter(|id| !kept.contains(id.as_str())).collect();
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
            }
        }
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
