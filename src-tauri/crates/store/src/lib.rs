//! All that Hilum keeps: an encrypted database, sealed files and the vault that holds their key.
//!
//! A [`DataFolder`] is one folder, held by one process at a time. Unlocking it gives
//! the [`Store`], through which everything else goes:
//!
//! - `vault.json` holds the random database key, wrapped for each user by a passphrase
//!   (Argon2id) and once by the recovery key. It holds no patient data.
//! - `hilum.db` is SQLite under SQLCipher with that key. There is exactly one connection,
//!   because SQLite before 3.51.3 can corrupt a WAL database that has two, and the
//!   bundled SQLCipher is built on 3.50.4.
//! - `blobs/` holds originals, thumbnails, caches and signed documents, each sealed with
//!   an AEAD under a key derived from the database key and named by a keyed hash.
//!
//! What a method has acknowledged by returning is on disk. Report text changes only by
//! [`Store::append`] and [`Store::record_signature`]; both check the command against the
//! domain first, and triggers in the database hold the lifecycle once more.
//!
//! Times and ids are passed in. Keys, salts and nonces come from the operating system,
//! because a caller who could choose them could also choose them badly.

mod backup;
mod blobs;
mod database;
mod ending;
mod error;
mod files;
mod folder;
mod store;
mod tables;
mod vault;

pub use backup::{Backup, BackupInfo, BackupPhase, BackupProgress, BackupTarget, GoOn, Opening, Restored, backups};
pub use blobs::{BlobKind, BlobName, Blobs};
pub use database::DatabaseSettings;
pub use error::{Result, StoreError};
pub use folder::{DataFolder, certificates, users};
pub use store::Store;
pub use tables::annotations::{Annotation, AnnotationKind, SpacingSource};
pub use tables::audit::{AuditBreak, AuditEntry, AuditEvent, AuditFilter, AuditHead, AuditPage, AuditVerdict};
pub use tables::claims::{KeptClaim, KeptEvidence, Source};
pub use tables::import::{Imported, NewInstance, NewPatient, NewSeries, NewStudy};
pub use tables::instances::{Cache, Instance};
pub use tables::journal::{Milestone, Stage};
pub use tables::locks::{HELD_FOR, Held};
pub use tables::patients::Patient;
pub use tables::printing::{Figures, LogoPicture};
pub use tables::proposals::{NewProposal, Proposal, ProposalOutcome, ProposalStatus};
pub use tables::queue::QueuedStudy;
pub use tables::reports::ReportRow;
pub use tables::reveals::CameFirst;
pub use tables::scores::Score;
pub use tables::search::TextHit;
pub use tables::series::Series;
pub use tables::similarity::{EmbeddedImage, KeptProbe, StudyLabels};
pub use tables::studies::{Priority, ReadingStage, Study, StudyRow, WorklistQuery, WorklistRow};
pub use tables::versions::{SignatureRecord, Version};
pub use vault::{Certificate, Identity, KdfParams, NewUser, RecoveryKey, Role, User};

#[cfg(test)]
mod tests;
