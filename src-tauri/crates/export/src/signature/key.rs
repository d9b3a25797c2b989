//! Private keys that may sign reports.

use crate::{CryptoRngCore, ExportError};
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use rsa::traits::PublicKeyParts;
use sha2::Sha256;
use x509_cert::spki::{AlgorithmIdentifierOwned, ObjectIdentifier};
use zeroize::Zeroizing;

/// A P-256, P-384 or RSA (2048 bits and more) key. Each kind wipes itself when dropped.
#[derive(Clone)]
pub(super) enum Key {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    Rsa(Box<rsa::RsaPrivateKey>),
}

const RSA_SMALLEST: usize = 2048;

impl Key {
    /// # Errors
    /// [`ExportError::Key`] for any other kind, [`ExportError::KeyTooWeak`] for a short RSA key.
    pub fn from_pkcs8(der: &[u8]) -> Result<Key, ExportError> {
        if let Ok(key) = p256::SecretKey::from_pkcs8_der(der) {
            return Ok(Key::P256(key.into()));
        }
        if let Ok(key) = p384::SecretKey::from_pkcs8_der(der) {
            return Ok(Key::P384(key.into()));
        }
        let key = rsa::RsaPrivateKey::from_pkcs8_der(der).map_err(|_| ExportError::Key)?;
        key.validate().map_err(|_| ExportError::Key)?;
        let bits = key.n().bits();
        if bits < RSA_SMALLEST {
            return Err(ExportError::KeyTooWeak(bits));
        }
        Ok(Key::Rsa(Box::new(key)))
    }

    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, ExportError> {
        let document = match self {
            Key::P256(key) => p256::SecretKey::from(key).to_pkcs8_der(),
            Key::P384(key) => p384::SecretKey::from(key).to_pkcs8_der(),
            Key::Rsa(key) => key.to_pkcs8_der(),
        };
        Ok(document.map_err(|_| ExportError::Key)?.to_bytes())
    }

    /// SubjectPublicKeyInfo in DER.
    pub fn public_key(&self) -> Result<Vec<u8>, ExportError> {
        let document = match self {
            Key::P256(key) => p256::PublicKey::from(key.verifying_key()).to_public_key_der(),
            Key::P384(key) => p384::PublicKey::from(key.verifying_key()).to_public_key_der(),
            Key::Rsa(key) => key.to_public_key().to_public_key_der(),
        };
        Ok(document.map_err(|_| ExportError::Key)?.into_vec())
    }

    /// The algorithm of [`Key::sign`]'s signatures.
    pub fn algorithm(&self) -> AlgorithmIdentifierOwned {
        let (oid, parameters): (ObjectIdentifier, _) = match self {
            Key::P256(_) | Key::P384(_) => (super::cms::ECDSA_WITH_SHA256, None),
            Key::Rsa(_) => (super::cms::SHA256_WITH_RSA, Some(der::Any::null())),
        };
        AlgorithmIdentifierOwned { oid, parameters }
    }

    /// Signs a SHA-256 digest. ECDSA nonces are derived from key and digest
    /// (RFC 6979); `rng` blinds RSA against timing.
    pub fn sign(&self, digest: &[u8; 32], rng: &mut dyn CryptoRngCore) -> Result<Vec<u8>, ExportError> {
        let failed = |e: &dyn std::fmt::Display| ExportError::Signing(e.to_string());
        match self {
            Key::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign_prehash(digest).map_err(|e| failed(&e))?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
            Key::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign_prehash(digest).map_err(|e| failed(&e))?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
            Key::Rsa(key) => {
                let mut rng = rng;
                key.sign_with_rng(&mut rng, rsa::Pkcs1v15Sign::new::<Sha256>(), digest).map_err(|e| failed(&e))
            }
        }
    }
}
