//! What a backup says of itself, authenticated under a key derived from the database key.

use crate::error::{Result, StoreError};
use crate::files;
use crate::vault::{Key, derive, hex_bytes, hmac_sha256};
use hilum_report::UserId;
use hmac::Mac;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use time::OffsetDateTime;

pub(super) const FORMAT: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub format: u32,
    /// Version of the program that made it.
    pub hilum: String,
    #[serde(with = "time::serde::rfc3339")]
    pub made_at: OffsetDateTime,
    pub by: UserId,
    /// The newest migration in the database.
    pub schema: i64,
    pub database_bytes: u64,
    /// SHA-256, hex, of `hilum.db`, `vault.json` and `files.txt`.
    pub database_sha256: String,
    pub vault_sha256: String,
    pub files_sha256: String,
    /// Sealed files that the database refers to, and their length on disk.
    pub files: u64,
    pub file_bytes: u64,
    pub signed_versions: u64,
    pub audit_seq: u64,
    pub audit_hash: String,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    manifest: Manifest,
    /// HMAC-SHA256 over the rest.
    #[serde(with = "hex_bytes")]
    mac: [u8; 32],
}

impl Manifest {
    pub(super) fn save(&self, path: &Path, key: &Key) -> Result<()> {
        let kept = Kept { manifest: self.clone(), mac: self.mac(key)?.finalize().into_bytes().into() };
        let bytes = serde_json::to_vec_pretty(&kept).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        files::write_atomically(path, &bytes)
    }

    /// As it stands in the file; nothing vouches for it yet.
    pub(super) fn read(path: &Path) -> Result<Manifest> {
        Ok(Kept::read(path)?.manifest)
    }

    /// As it was written by who had the key.
    pub(super) fn read_checked(path: &Path, key: &Key) -> Result<Manifest> {
        let kept = Kept::read(path)?;
        let forged = |_| StoreError::BackupDamaged { path: path.to_owned(), why: "it was changed since".to_owned() };
        kept.manifest.mac(key)?.verify_slice(&kept.mac).map_err(forged)?;
        Ok(kept.manifest)
    }

    fn mac(&self, key: &Key) -> Result<hmac::Hmac<Sha256>> {
        let mut mac = hmac_sha256(&derive(key, "hilum backup: manifest"));
        mac.update(&serde_json::to_vec(self).map_err(|e| StoreError::Corrupt(e.to_string()))?);
        Ok(mac)
    }
}

impl Kept {
    fn read(path: &Path) -> Result<Kept> {
        let damaged = |why: String| StoreError::BackupDamaged { path: path.to_owned(), why };
        let bytes = std::fs::read(path).map_err(|e| StoreError::file("read", path, e))?;
        let format = serde_json::from_slice::<serde_json::Value>(&bytes).map_err(|e| damaged(e.to_string()))?;
        let format = format.get("format").and_then(serde_json::Value::as_i64).unwrap_or(0);
        if format > i64::from(FORMAT) {
            return Err(StoreError::NewerVersion { found: format, known: i64::from(FORMAT) });
        }
        serde_json::from_slice(&bytes).map_err(|e| damaged(e.to_string()))
    }
}

/// SHA-256 of a file, hex.
pub(super) fn sha256_of(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(|e| StoreError::file("read", path, e))?;
    let mut hash = Sha256::new();
    let mut part = vec![0; 1 << 20];
    loop {
        match file.read(&mut part) {
            Ok(0) => return Ok(hex::encode(hash.finalize())),
            Ok(n) => hash.update(&part[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(StoreError::file("read", path, e)),
        }
    }
}
