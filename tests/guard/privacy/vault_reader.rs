//! The database key out of `vault.json`, by code of its own: what somebody can do who has a passphrase and
//! none of Hilum's programs. The guards need the key to look for it, and to edit the database past Hilum.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use serde_json::Value;
use sha2::Sha256;
use sqlx::{ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};
use std::path::Path;

/// The keys that a passphrase leads to.
pub struct Keys {
    /// Argon2id of the passphrase.
    pub user: [u8; 32],
    pub database: [u8; 32],
    /// Seals files, and those of backups.
    pub files: [u8; 32],
    /// Names sealed files by their content.
    pub file_names: [u8; 32],
    /// Vouches for the manifest of a backup.
    pub backup: [u8; 32],
    /// Opens the user's own signing key.
    pub identity: [u8; 32],
    /// The private P-256 key that signs, the most significant byte first; `None` before one was given.
    pub signing: Option<[u8; 32]>,
}

pub fn keys(data: &Path, user: &str, passphrase: &str) -> Keys {
    let vault: Value = serde_json::from_slice(&std::fs::read(data.join("vault.json")).expect("a vault")).expect("JSON");
    let users = vault["users"].as_array().expect("users");
    let record = users.iter().find(|u| u["name"] == user).expect("the user");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let number = |key: &str| record["kdf"][key].as_u64().expect("a number") as u32;
    let salt = hex::decode(text(&record["salt"])).expect("digits");
    let params = Params::new(number("memory_kib"), number("passes"), number("lanes"), Some(32)).expect("parameters");
    let mut user_key = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), &salt, &mut user_key)
        .expect("a key");
    let bound = |fields: &[&str]| -> Vec<u8> {
        let about = |field: &str| text(&record[field]);
        let fields =
            fields.iter().enumerate().map(|(at, field)| if at == 0 { (*field).to_owned() } else { about(field) });
        fields
            .flat_map(|f| (f.len() as u64).to_be_bytes().into_iter().chain(f.into_bytes()).collect::<Vec<_>>())
            .collect()
    };
    let opened = |sealed: &Value, key: &[u8; 32], aad: &[u8]| -> Vec<u8> {
        let part = |part: &str| hex::decode(text(&sealed[part])).expect("digits");
        XChaCha20Poly1305::new(key.into())
            .decrypt(XNonce::from_slice(&part("nonce")), Payload { msg: &part("ciphertext"), aad })
            .expect("the right passphrase")
    };
    let wrapping = derived(&user_key, "hilum vault: database key");
    let database = opened(&record["wrapped_key"], &wrapping, &bound(&["hilum vault key", "id", "name", "role"]));
    let database: [u8; 32] = database.try_into().expect("32 bytes");
    let identity = derived(&user_key, "hilum vault: signing identity");
    let kept = &record["identity"];
    let signing = (!kept.is_null()).then(|| scalar(&opened(kept, &identity, &bound(&["hilum vault identity", "id"]))));
    Keys {
        user: user_key,
        database,
        files: derived(&database, "hilum blobs: seal"),
        file_names: derived(&database, "hilum blobs: name"),
        backup: derived(&database, "hilum backup: manifest"),
        identity,
        signing,
    }
}

/// A key for one purpose (HKDF-SHA256, RFC 5869).
fn derived(key: &[u8; 32], purpose: &str) -> [u8; 32] {
    let mut out = [0; 32];
    Hkdf::<Sha256>::new(None, key).expand(purpose.as_bytes(), &mut out).expect("a key");
    out
}

/// The private number in a P-256 key: of an ECPrivateKey (RFC 5915) the version, which is 1, and 32 bytes.
fn scalar(identity: &[u8]) -> [u8; 32] {
    const BEFORE: [u8; 5] = [0x02, 0x01, 0x01, 0x04, 0x20];
    let at = identity.windows(BEFORE.len()).position(|w| w == BEFORE).expect("a P-256 key") + BEFORE.len();
    identity[at..at + 32].try_into().expect("32 bytes")
}

/// The database past Hilum, without triggers and references: as somebody who has the key would edit it.
pub async fn open_raw(database: &Path, key: &[u8; 32]) -> SqliteConnection {
    let mut connection = options(database, key).foreign_keys(false).connect().await.expect("the database");
    let triggers =
        "PRAGMA journal_mode = DELETE; PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE type = 'trigger';
        PRAGMA writable_schema = RESET;";
    sqlx::raw_sql(triggers).execute(&mut connection).await.expect("triggers that are gone");
    connection
}

/// The database past Hilum, with all that it holds up by itself.
#[allow(dead_code)]
pub async fn open_whole(database: &Path, key: &[u8; 32]) -> SqliteConnection {
    options(database, key).connect().await.expect("the database")
}

fn options(database: &Path, key: &[u8; 32]) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(database)
        .pragma("key", format!("\"x'{}'\"", hex::encode(key)))
        .pragma("cipher_compatibility", "4")
        .disable_statement_logging()
}
