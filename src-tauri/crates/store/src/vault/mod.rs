//! Who may unlock the data folder: the database key, wrapped once for each user.
//!
//! Each user's passphrase is stretched with Argon2id into a key of their own, which wraps
//! two things: the database key, and the user's signing identity (bytes that the caller
//! gives: a P-256 key, or a PKCS#12). The recovery key wraps the database key alone. So a
//! user who lost the passphrase gets back to the data with the recovery key, but not to
//! the old signing identity: nobody but the person may sign as that person, and whoever
//! keeps the recovery key is somebody else. After recovery a new identity is made
//! (`vault.no_identity` until then); certificates of the old one stay, so that what it
//! signed still verifies.
//!
//! The file is readable without any key, so users and certificates could be forged by who
//! can write it. A MAC over them under a key from the database key is checked at every
//! unlock: a forgery gives `vault.corrupt` then.

mod crypto;
mod recovery;

pub use crypto::KdfParams;
pub(crate) use crypto::{Key, derive, hex_bytes, hmac_sha256, random};
pub use recovery::RecoveryKey;

use crate::error::{Result, StoreError};
use crate::files;
use base64::{Engine, prelude::BASE64_STANDARD};
use crypto::{Sealed, stretch, unwrap, wrap};
use hilum_report::UserId;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// A person who may unlock the data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    /// As typed to log in and as printed under a signature.
    pub name: String,
    pub role: Role,
    pub created: OffsetDateTime,
    /// False before a signing identity was given, and after recovery.
    pub has_identity: bool,
}

/// A user who is to be. The id is the caller's to choose and must be new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    pub id: UserId,
    pub name: String,
    pub role: Role,
}

/// What a person is here for. The store records it; who may do what is decided above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads and signs.
    Radiologist,
    /// Reads, writes and signs as preliminary; an attending co-signs.
    Trainee,
    /// Adds users and packs, does not sign.
    Administrator,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Radiologist => "radiologist",
            Role::Trainee => "trainee",
            Role::Administrator => "administrator",
        }
    }
}

/// A signing identity as the caller keeps it.
pub struct Identity {
    /// The private part in the caller's own format.
    pub secret: Zeroizing<Vec<u8>>,
    /// The certificate that goes with it, DER.
    pub certificate: Vec<u8>,
}

/// A certificate with which a user of this folder signs or once signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub user: UserId,
    pub name: String,
    /// DER.
    pub der: Vec<u8>,
}

/// The contents of `vault.json`. Changes are made in memory and kept by [`Vault::save`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Vault {
    format: u32,
    users: Vec<Record>,
    recovery: Sealed,
    /// HMAC-SHA256 of who has which certificates, under a key from the database key.
    #[serde(with = "crypto::hex_bytes")]
    certificates_mac: [u8; 32],
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    id: UserId,
    name: String,
    role: Role,
    #[serde(with = "time::serde::rfc3339")]
    created: OffsetDateTime,
    kdf: KdfParams,
    #[serde(with = "crypto::hex_bytes")]
    salt: [u8; 16],
    wrapped_key: Sealed,
    identity: Option<Sealed>,
    /// Base64 DER, the one in use last.
    certificates: Vec<String>,
}

const FORMAT: u32 = 1;

impl Vault {
    /// A vault with a fresh database key and its first user. Nothing is written yet.
    pub(crate) fn create(
        user: &NewUser,
        passphrase: &str,
        kdf: KdfParams,
        at: OffsetDateTime,
    ) -> Result<(Vault, Key, RecoveryKey)> {
        let key = Key::random()?;
        let recovery = RecoveryKey::new(random()?);
        let record = Record::new(user, passphrase, kdf, at, &key)?;
        let recovery_sealed = wrap_for_recovery(&recovery, &key)?;
        let mut vault =
            Vault { format: FORMAT, users: vec![record], recovery: recovery_sealed, certificates_mac: [0; 32] };
        vault.authenticate_certificates(&key);
        Ok((vault, key, recovery))
    }

    pub(crate) fn load(path: &Path) -> Result<Vault> {
        let corrupt = |why: String| StoreError::VaultCorrupt { path: path.to_owned(), why };
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(StoreError::VaultMissing(path.to_owned()));
            }
            Err(e) => return Err(StoreError::file("read", path, e)),
        };
        let format = serde_json::from_slice::<serde_json::Value>(&bytes)
            .map_err(|e| corrupt(e.to_string()))?
            .get("format")
            .and_then(serde_json::Value::as_u64)
            .ok_or_else(|| corrupt("no format number".to_owned()))?;
        if format > u64::from(FORMAT) {
            return Err(StoreError::NewerVersion {
                found: i64::try_from(format).unwrap_or(i64::MAX),
                known: i64::from(FORMAT),
            });
        }
        let vault: Vault = serde_json::from_slice(&bytes).map_err(|e| corrupt(e.to_string()))?;
        for record in &vault.users {
            record.kdf.check().map_err(corrupt)?;
        }
        Ok(vault)
    }

    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(self)
            .map_err(|e| StoreError::VaultCorrupt { path: PathBuf::from(path), why: e.to_string() })?;
        files::write_atomically(path, &bytes)
    }

    pub(crate) fn users(&self) -> Vec<User> {
        self.users.iter().map(Record::user).collect()
    }

    /// The certificates as the file has them. Whoever can write the file can add one; that
    /// is noticed only by who knows the database key, at the next unlock.
    pub(crate) fn certificates(&self) -> Vec<Certificate> {
        let of = |record: &Record| {
            let (user, name) = (record.id.clone(), record.name.clone());
            record
                .certificates
                .iter()
                .filter_map(|c| BASE64_STANDARD.decode(c).ok())
                .map(|der| Certificate { user: user.clone(), name: name.clone(), der })
                .collect::<Vec<_>>()
        };
        self.users.iter().flat_map(of).collect()
    }

    /// The database key, for the right name and passphrase. A name that does not exist
    /// costs as much time as a wrong passphrase and gives the same error, so that names
    /// cannot be probed.
    pub(crate) fn unlock(&self, name: &str, passphrase: &str) -> Result<(User, Key)> {
        match self.by_name(name) {
            Some(record) => {
                let (_, key) = record.open(passphrase)?;
                self.check_certificates(&key)?;
                Ok((record.user(), key))
            }
            None => {
                let kdf = self.users.first().map_or_else(KdfParams::default, |r| r.kdf);
                stretch(passphrase, &[0; 16], kdf)?;
                Err(StoreError::Locked)
            }
        }
    }

    pub(crate) fn unlock_with_recovery(&self, recovery: &RecoveryKey) -> Result<Key> {
        let key = unwrap(&recovery.wrapping_key(), RECOVERY, &self.recovery).ok_or(StoreError::Locked)?;
        let key = Key::from_slice(&key).ok_or(StoreError::Locked)?;
        self.check_certificates(&key)?;
        Ok(key)
    }

    /// A new recovery key; the old one opens nothing any more.
    pub(crate) fn renew_recovery(&mut self, key: &Key) -> Result<RecoveryKey> {
        let recovery = RecoveryKey::new(random()?);
        self.recovery = wrap_for_recovery(&recovery, key)?;
        Ok(recovery)
    }

    pub(crate) fn add_user(
        &mut self,
        key: &Key,
        user: &NewUser,
        passphrase: &str,
        kdf: KdfParams,
        at: OffsetDateTime,
    ) -> Result<()> {
        if self.by_name(&user.name).is_some() || self.users.iter().any(|r| r.id == user.id) {
            return Err(StoreError::UserExists);
        }
        self.users.push(Record::new(user, passphrase, kdf, at, key)?);
        self.authenticate_certificates(key);
        Ok(())
    }

    /// Wraps the same keys for a new passphrase; no data is encrypted again.
    pub(crate) fn change_passphrase(&mut self, id: &UserId, old: &str, new: &str, kdf: KdfParams) -> Result<()> {
        let record = self.record_mut(id)?;
        let (old_key, database_key) = record.open(old)?;
        let identity = record.open_identity(&old_key)?;
        let new_key = record.rewrap(new, kdf, &database_key)?;
        record.identity = match identity {
            Some(secret) => Some(wrap(&derive(&new_key, IDENTITY_KEY), &record.identity_aad(), &secret)?),
            None => None,
        };
        Ok(())
    }

    /// Gives a user a new passphrase by the database key (that is, after recovery). The
    /// signing identity is lost with the old passphrase.
    pub(crate) fn reset_passphrase(&mut self, key: &Key, name: &str, new: &str, kdf: KdfParams) -> Result<User> {
        let id = self.by_name(name).map(|r| r.id.clone()).ok_or(StoreError::NoUser)?;
        let record = self.record_mut(&id)?;
        record.rewrap(new, kdf, key)?;
        record.identity = None;
        Ok(record.user())
    }

    /// Refuses a passphrase that is not the user's.
    pub(crate) fn check_passphrase(&self, id: &UserId, passphrase: &str) -> Result<()> {
        let record = self.users.iter().find(|r| r.id == *id).ok_or(StoreError::NoUser)?;
        record.open(passphrase).map(drop)
    }

    pub(crate) fn identity(&self, id: &UserId, passphrase: &str) -> Result<Identity> {
        let record = self.users.iter().find(|r| r.id == *id).ok_or(StoreError::NoUser)?;
        let (key, _) = record.open(passphrase)?;
        let secret = record.open_identity(&key)?.ok_or(StoreError::NoIdentity)?;
        let certificate = record.certificates.last().and_then(|c| BASE64_STANDARD.decode(c).ok());
        Ok(Identity { secret, certificate: certificate.ok_or(StoreError::NoIdentity)? })
    }

    pub(crate) fn set_identity(&mut self, id: &UserId, passphrase: &str, identity: &Identity) -> Result<()> {
        let record = self.record_mut(id)?;
        let (key, database_key) = record.open(passphrase)?;
        record.identity = Some(wrap(&derive(&key, IDENTITY_KEY), &record.identity_aad(), &identity.secret)?);
        let certificate = BASE64_STANDARD.encode(&identity.certificate);
        record.certificates.retain(|c| *c != certificate);
        record.certificates.push(certificate);
        self.authenticate_certificates(&database_key);
        Ok(())
    }

    fn authenticate_certificates(&mut self, key: &Key) {
        self.certificates_mac = self.certificates_mac(key).finalize().into_bytes().into();
    }

    fn check_certificates(&self, key: &Key) -> Result<()> {
        self.certificates_mac(key).verify_slice(&self.certificates_mac).map_err(|_| StoreError::VaultCorrupt {
            path: PathBuf::from("vault.json"),
            why: "its users or certificates were changed by hand".to_owned(),
        })
    }

    fn certificates_mac(&self, key: &Key) -> Hmac<Sha256> {
        let mut mac = hmac_sha256(&derive(key, CERTIFICATES_KEY));
        for record in &self.users {
            let certificates = record.certificates.iter().map(String::as_str);
            let fields: Vec<&str> = [record.id.as_str(), &record.name].into_iter().chain(certificates).collect();
            mac.update(&(fields.len() as u64).to_be_bytes());
            mac.update(&aad(&fields));
        }
        mac
    }

    fn by_name(&self, name: &str) -> Option<&Record> {
        let wanted = name.trim().to_lowercase();
        self.users.iter().find(|r| r.name.to_lowercase() == wanted)
    }

    fn record_mut(&mut self, id: &UserId) -> Result<&mut Record> {
        self.users.iter_mut().find(|r| r.id == *id).ok_or(StoreError::NoUser)
    }
}

const RECOVERY: &[u8] = b"hilum vault recovery";
const DATABASE_KEY: &str = "hilum vault: database key";
const CERTIFICATES_KEY: &str = "hilum vault: certificates";
const IDENTITY_KEY: &str = "hilum vault: signing identity";

impl Record {
    fn new(user: &NewUser, passphrase: &str, kdf: KdfParams, at: OffsetDateTime, key: &Key) -> Result<Record> {
        let mut record = Record {
            id: user.id.clone(),
            name: user.name.trim().to_owned(),
            role: user.role,
            created: at,
            kdf,
            salt: [0; 16],
            wrapped_key: Sealed::default(),
            identity: None,
            certificates: Vec::new(),
        };
        record.rewrap(passphrase, kdf, key)?;
        Ok(record)
    }

    fn user(&self) -> User {
        User {
            id: self.id.clone(),
            name: self.name.clone(),
            role: self.role,
            created: self.created,
            has_identity: self.identity.is_some(),
        }
    }

    /// Wraps the database key for a passphrase under a fresh salt; returns the user's key.
    fn rewrap(&mut self, passphrase: &str, kdf: KdfParams, key: &Key) -> Result<Key> {
        if passphrase.is_empty() {
            return Err(StoreError::EmptyPassphrase);
        }
        self.salt = random()?;
        self.kdf = kdf;
        let user_key = stretch(passphrase, &self.salt, kdf)?;
        self.wrapped_key = wrap(&derive(&user_key, DATABASE_KEY), &self.key_aad(), key.bytes())?;
        Ok(user_key)
    }

    /// The user's key and the database key.
    fn open(&self, passphrase: &str) -> Result<(Key, Key)> {
        let user_key = stretch(passphrase, &self.salt, self.kdf)?;
        let database_key = unwrap(&derive(&user_key, DATABASE_KEY), &self.key_aad(), &self.wrapped_key);
        let database_key = database_key.and_then(|k| Key::from_slice(&k)).ok_or(StoreError::Locked)?;
        Ok((user_key, database_key))
    }

    fn open_identity(&self, user_key: &Key) -> Result<Option<Zeroizing<Vec<u8>>>> {
        match &self.identity {
            None => Ok(None),
            Some(sealed) => unwrap(&derive(user_key, IDENTITY_KEY), &self.identity_aad(), sealed)
                .map(Some)
                .ok_or(StoreError::Locked),
        }
    }

    /// Name and role are bound to the wrapped key: a vault file whose names or roles were
    /// changed by hand does not open.
    fn key_aad(&self) -> Vec<u8> {
        aad(&["hilum vault key", self.id.as_str(), &self.name, self.role.as_str()])
    }

    fn identity_aad(&self) -> Vec<u8> {
        aad(&["hilum vault identity", self.id.as_str()])
    }
}

fn wrap_for_recovery(recovery: &RecoveryKey, key: &Key) -> Result<Sealed> {
    wrap(&recovery.wrapping_key(), RECOVERY, key.bytes())
}

/// Fields with their lengths, so that no two lists give the same bytes.
fn aad(fields: &[&str]) -> Vec<u8> {
    fields.iter().flat_map(|f| (f.len() as u64).to_be_bytes().into_iter().chain(f.bytes())).collect()
}

#[cfg(test)]
mod tests;
