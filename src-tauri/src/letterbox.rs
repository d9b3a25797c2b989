//! What is secret leaves the page sealed: a passphrase goes through buffers of the web view, in its process and in this one,
//! that are freed and not wiped. What lies there opens nothing once its key is gone, and a key serves one message.
//!
//! ECIES as in SEC 1 version 2.0, section 5.1, of what WebCrypto and the crates both have: an ephemeral key of the page on
//! P-256, HKDF-SHA256 (RFC 5869) over both points, AES-256-GCM (NIST SP 800-38D).

use crate::dto::{AppError, SealingKey};
use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::Aes256Gcm;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::{PublicKey, SecretKey};
use rand_core::CryptoRngCore;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use thiserror::Error;
use zeroize::Zeroizing;

/// So many keys wait for their messages; an older one goes.
const WAITING: usize = 16;

/// The other side's `seal.ts` says the same words.
const PURPOSE: &[u8] = b"hilum page secret 1";

/// The keys that wait for a message of the page each.
#[derive(Default)]
pub struct Letterbox {
    waiting: Mutex<VecDeque<(String, Box<SecretKey>)>>,
}

/// A value that the page sealed. All fields but the name of the key are in base 64.
#[derive(Deserialize)]
pub struct SealedMessage {
    /// As in [`SealingKey::id`].
    key: String,
    /// The page's own key for this message: a point of P-256, uncompressed (65 bytes).
    point: String,
    /// 12 bytes.
    nonce: String,
    /// The value as JSON, encrypted, with the tag behind it.
    text: String,
}

/// Why a sealed message does not open. None of it says what was in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LetterboxError {
    #[error("the key of a sealed message was used, or is none of this session's")]
    Key,
    #[error("a sealed message is not written in base 64")]
    Encoding,
    #[error("the point of a sealed message is none of P-256")]
    Point,
    #[error("the nonce of a sealed message has not 12 bytes")]
    Nonce,
    #[error("a sealed message was changed, or is for another key")]
    Tag,
    #[error("a sealed message holds no value of the kind that is asked for")]
    Value,
}

impl Letterbox {
    /// A key for the page to seal one message for.
    pub fn key(&self, id: String, random: &mut impl CryptoRngCore) -> SealingKey {
        let secret = Box::new(SecretKey::random(random));
        let point = STANDARD.encode(secret.public_key().to_encoded_point(false));
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while waiting.len() >= WAITING {
            waiting.pop_front();
        }
        waiting.push_back((id.clone(), secret));
        SealingKey { id, point }
    }

    /// What was sealed. Its key is gone afterwards, whether it opened or not.
    ///
    /// # Errors
    /// One of [`LetterboxError`].
    pub fn open<T: DeserializeOwned>(&self, message: &SealedMessage) -> Result<T, LetterboxError> {
        let secret = self.take(&message.key).ok_or(LetterboxError::Key)?;
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| LetterboxError::Encoding);
        let (point, nonce, text) = (decode(&message.point)?, decode(&message.nonce)?, decode(&message.text)?);
        let theirs = PublicKey::from_sec1_bytes(&point).map_err(|_| LetterboxError::Point)?;
        let nonce: [u8; 12] = nonce.try_into().map_err(|_| LetterboxError::Nonce)?;
        let ours = secret.public_key().to_encoded_point(false);
        let key = shared_key(&secret, &theirs, ours.as_bytes(), theirs.to_encoded_point(false).as_bytes());
        let opened = Aes256Gcm::new((&*key).into()).decrypt(&nonce.into(), &*text);
        let value = Zeroizing::new(opened.map_err(|_| LetterboxError::Tag)?);
        serde_json::from_slice(&value).map_err(|_| LetterboxError::Value)
    }

    /// Lets go of every key: what was sealed for them stays closed for ever.
    pub fn empty(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn take(&self, id: &str) -> Option<Box<SecretKey>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let place = waiting.iter().position(|(of, _)| of == id)?;
        waiting.remove(place).map(|(_, secret)| secret)
    }
}

/// The key of AES that both sides find: the shared coordinate by HKDF, bound to both points, the app's first.
fn shared_key(secret: &SecretKey, theirs: &PublicKey, app: &[u8], page: &[u8]) -> Zeroizing<[u8; 32]> {
    let shared = p256::ecdh::diffie_hellman(secret.to_nonzero_scalar(), theirs.as_affine());
    let mut key = Zeroizing::new([0; 32]);
    let expanded =
        Hkdf::<Sha256>::new(None, shared.raw_secret_bytes()).expand(&[PURPOSE, app, page].concat(), &mut *key);
    debug_assert!(expanded.is_ok(), "32 bytes are within HKDF's limit of 255 blocks");
    key
}

impl From<LetterboxError> for AppError {
    fn from(error: LetterboxError) -> AppError {
        AppError { code: "ipc.sealed".into(), detail: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::OsRng;

    /// Seals as the page does.
    fn seal(key: &SealingKey, value: &str) -> SealedMessage {
        let app = STANDARD.decode(&key.point).unwrap();
        let own = SecretKey::random(&mut OsRng);
        let page = own.public_key().to_encoded_point(false);
        let secret = shared_key(&own, &PublicKey::from_sec1_bytes(&app).unwrap(), &app, page.as_bytes());
        let nonce = [7_u8; 12];
        let text = Aes256Gcm::new((&*secret).into()).encrypt(&nonce.into(), value.as_bytes()).unwrap();
        SealedMessage {
            key: key.id.clone(),
            point: STANDARD.encode(page),
            nonce: STANDARD.encode(nonce),
            text: STANDARD.encode(text),
        }
    }

    /// What a message says that was sealed for the key "1" and then changed.
    fn check(change: impl Fn(&mut SealedMessage), expected: Result<&str, LetterboxError>) {
        let letterbox = Letterbox::default();
        let mut message = seal(&letterbox.key("1".into(), &mut OsRng), "\"Grüße, 東京\"");
        letterbox.key("2".into(), &mut OsRng);
        change(&mut message);
        assert_eq!(letterbox.open::<String>(&message), expected.map(str::to_owned));
        // Whatever came of it, the key is gone.
        assert_eq!(letterbox.open::<String>(&message), Err(LetterboxError::Key));
    }

    /// Changes one bit of what a field holds.
    fn flip(field: &mut String, byte: usize) {
        let mut bytes = STANDARD.decode(&field).unwrap();
        bytes[byte] ^= 1;
        *field = STANDARD.encode(bytes);
    }

    #[test]
    fn only_what_was_sealed_for_a_key_opens_and_once() {
        use LetterboxError::*;
        check(|_| (), Ok("Grüße, 東京"));
        check(|m| m.key = "3".into(), Err(Key));
        check(|m| m.key = "2".into(), Err(Tag));
        check(|m| m.text.insert(0, '!'), Err(Encoding));
        check(|m| flip(&mut m.point, 40), Err(Point));
        check(|m| m.point.clear(), Err(Point));
        // The point at infinity, which would make every shared secret the same.
        check(|m| m.point = STANDARD.encode([0]), Err(Point));
        check(|m| flip(&mut m.nonce, 0), Err(Tag));
        check(|m| m.nonce.clear(), Err(Nonce));
        check(|m| flip(&mut m.text, 3), Err(Tag));
        check(|m| m.text.clear(), Err(Tag));
    }

    #[test]
    fn another_kind_of_value_is_refused() {
        let letterbox = Letterbox::default();
        let message = seal(&letterbox.key("1".into(), &mut OsRng), "{\"passphrase\":1}");
        assert_eq!(letterbox.open::<String>(&message), Err(LetterboxError::Value));
    }

    #[test]
    fn keys_are_few_and_go_when_it_is_emptied() {
        let letterbox = Letterbox::default();
        let keys: Vec<SealingKey> = (0..=WAITING).map(|n| letterbox.key(n.to_string(), &mut OsRng)).collect();
        assert_eq!(letterbox.open::<String>(&seal(&keys[0], "\"a\"")), Err(LetterboxError::Key));
        assert_eq!(letterbox.open::<String>(&seal(&keys[1], "\"a\"")), Ok("a".to_owned()));
        letterbox.empty();
        assert_eq!(letterbox.open::<String>(&seal(&keys[2], "\"a\"")), Err(LetterboxError::Key));
    }
}
