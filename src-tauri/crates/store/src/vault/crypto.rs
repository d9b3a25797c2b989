//! The few primitives of the vault: stretch, derive, wrap.

use crate::error::{Result, StoreError};
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// A 256-bit secret, wiped when dropped and never printed. It has one place on the heap, because what is moved over the
/// stack leaves copies there that nobody wipes.
#[derive(Clone)]
pub(crate) struct Key(Box<[u8; 32]>);

impl Key {
    pub(crate) fn new(mut bytes: [u8; 32]) -> Key {
        let mut key = Key::zero();
        key.0.copy_from_slice(&bytes);
        bytes.zeroize();
        key
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Key> {
        let mut key = Key::zero();
        (bytes.len() == key.0.len()).then(|| key.0.copy_from_slice(bytes))?;
        Some(key)
    }

    /// 256 bits from the operating system's generator, put where they stay.
    pub(crate) fn random() -> Result<Key> {
        let mut key = Key::zero();
        getrandom::fill(&mut *key.0).map_err(|e| StoreError::Random(e.to_string()))?;
        Ok(key)
    }

    fn zero() -> Key {
        Key(Box::new([0; 32]))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

/// What Argon2id costs. Recorded with each user, so that it can rise later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KdfParams {
    /// Memory in KiB.
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl Default for KdfParams {
    /// 64 MiB, three passes, one lane: RFC 9106 section 4, second recommendation, with a
    /// single lane because the passphrase is stretched on one thread.
    fn default() -> Self {
        KdfParams { memory_kib: 64 * 1024, passes: 3, lanes: 1 }
    }
}

impl KdfParams {
    /// A vault file is not trusted to ask for any amount of memory or time.
    pub(crate) fn check(self) -> std::result::Result<(), String> {
        let sane = (8..=1024 * 1024).contains(&self.memory_kib)
            && (1..=64).contains(&self.passes)
            && (1..=16).contains(&self.lanes);
        if sane { Ok(()) } else { Err(format!("unreasonable key derivation {self:?}")) }
    }
}

/// Argon2id of a passphrase (RFC 9106).
pub(crate) fn stretch(passphrase: &str, salt: &[u8; 16], kdf: KdfParams) -> Result<Key> {
    let failed = |e: argon2::Error| StoreError::KeyDerivation(e.to_string());
    let params = Params::new(kdf.memory_kib, kdf.passes, kdf.lanes, Some(32)).map_err(failed)?;
    let mut key = Key::zero();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    leaving_no_trace(|| argon2.hash_password_into(passphrase.as_bytes(), salt, &mut *key.0)).map_err(failed)?;
    Ok(key)
}

/// A key for one purpose from a key for all (HKDF-SHA256, RFC 5869).
pub(crate) fn derive(key: &Key, purpose: &str) -> Key {
    let mut derived = Key::zero();
    let expanded =
        leaving_no_trace(|| Hkdf::<Sha256>::new(None, key.bytes()).expand(purpose.as_bytes(), &mut *derived.0));
    debug_assert!(expanded.is_ok(), "32 bytes are within HKDF's limit of 255 blocks");
    derived
}

/// HMAC-SHA256 (RFC 2104).
pub(crate) fn hmac_sha256(key: &Key) -> Hmac<Sha256> {
    // The key is padded with zeros to the block of the hash (section 2).
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(key.bytes());
    <Hmac<Sha256> as Mac>::new((&*block).into())
}

/// Bytes from the operating system's generator.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| StoreError::Random(e.to_string()))?;
    Ok(bytes)
}

/// Something encrypted and authenticated with XChaCha20-Poly1305 under a random nonce.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    #[serde(with = "hex_bytes")]
    nonce: [u8; 24],
    #[serde(with = "hex")]
    ciphertext: Vec<u8>,
}

pub(crate) fn wrap(key: &Key, aad: &[u8], plain: &[u8]) -> Result<Sealed> {
    let nonce: [u8; 24] = random()?;
    let sealed =
        || XChaCha20Poly1305::new(key.bytes().into()).encrypt(XNonce::from_slice(&nonce), Payload { msg: plain, aad });
    let ciphertext = leaving_no_trace(sealed).map_err(|e| StoreError::KeyDerivation(e.to_string()))?;
    Ok(Sealed { nonce, ciphertext })
}

/// `None` when the key is not the right one or a byte was changed.
pub(crate) fn unwrap(key: &Key, aad: &[u8], sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
    let opened = || {
        XChaCha20Poly1305::new(key.bytes().into())
            .decrypt(XNonce::from_slice(&sealed.nonce), Payload { msg: &sealed.ciphertext, aad })
    };
    leaving_no_trace(opened).ok().map(Zeroizing::new)
}

/// Computes with a secret, and wipes the stack that it was computed on. The primitives keep blocks and states there, which
/// outlive the call: the thread goes on with other work above them, and the C library keeps the stacks of ended threads.
fn leaving_no_trace<T>(compute: impl FnOnce() -> T) -> T {
    /// More than the deepest of the primitives uses: Argon2id's final blocks of 1 KiB each.
    const DEPTH: usize = 64 * 1024;

    #[inline(never)]
    fn apart<T>(compute: impl FnOnce() -> T) -> T {
        compute()
    }

    #[inline(never)]
    fn wipe() {
        let mut below = [0u8; DEPTH];
        // Written in a way that is not optimised away.
        below.zeroize();
    }

    let computed = apart(compute);
    wipe();
    computed
}

/// Fixed-size bytes as hex text.
pub(crate) mod hex_bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer, const N: usize>(bytes: &[u8; N], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(from: D) -> Result<[u8; N], D::Error> {
        let text = String::deserialize(from)?;
        let mut bytes = [0; N];
        hex::decode_to_slice(text, &mut bytes).map_err(D::Error::custom)?;
        Ok(bytes)
    }
}
