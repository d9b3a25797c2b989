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
    let mut wrapping = [0; 32];
    Hkdf::<Sha256>::new(None, &user_key).expand(b"hilum vault: database key", &mut wrapping).expect("a key");
    let aad: Vec<u8> =
        ["hilum vault key".to_owned(), text(&record["id"]), text(&record["name"]), text(&record["role"])]
            .iter()
            .flat_map(|f| (f.len() as u64).to_be_bytes().into_iter().chain(f.bytes()).collect::<Vec<_>>())
            .collect();
    let sealed = |part: &str| hex::decode(text(&record["wrapped_key"][part])).expect("digits");
    let database = XChaCha20Poly1305::new(&wrapping.into())
        .decrypt(XNonce::from_slice(&sealed("nonce")), Payload { msg: &sealed("ciphertext"), aad: &aad })
        .expect("the right passphrase");
    Keys { user: user_key, database: database.try_into().expect("32 bytes") }
}

/// The database past Hilum, without triggers and references: as somebody who has the key would edit it.
pub async fn open_raw(database: &Path, key: &[u8; 32]) -> SqliteConnection {
    let mut connection = SqliteConnectOptions::new()
        .filename(database)
        .pragma("key", format!("\"x'{}'\"", hex::encode(key)))
        .pragma("cipher_compatibility", "4")
        .foreign_keys(false)
        .disable_statement_logging()
        .connect()
        .await
        .expect("the database");
    let triggers =
        "PRAGMA journal_mode = DELETE; PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE type = 'trigger';
        PRAGMA writable_schema = RESET;";
    sqlx::raw_sql(triggers).execute(&mut connection).await.expect("triggers that are gone");
    connection
}
