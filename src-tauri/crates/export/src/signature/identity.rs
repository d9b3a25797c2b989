//! A person's means to sign: private key, certificate, and the certificates above it.

use super::certificate::{may_sign_documents, self_signed};
use super::key::Key;
use super::pkcs12;
use crate::{CryptoRngCore, ExportError};
use der::{Decode, Encode};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use x509_cert::Certificate;
use zeroize::Zeroizing;

/// A private key with its certificate. The key is wiped when this is dropped.
#[derive(Clone)]
pub struct Identity {
    pub(super) key: Key,
    pub(super) certificate: Certificate,
    /// From the certificate's issuer upwards; may be empty.
    pub(super) chain: Vec<Certificate>,
}

/// First byte of a stored identity.
const FORMAT: u8 = 1;

impl Identity {
    /// A new P-256 key with a self-signed certificate, valid for 30 years from `not_before`.
    ///
    /// `serial` should be random. Whoever checks the signatures must be given
    /// the certificate and trust it.
    ///
    /// # Errors
    /// [`ExportError::CommonName`] unless the name has 1 to 64 characters, none a control.
    pub fn create_p256(
        common_name: &str,
        serial: [u8; 16],
        not_before: OffsetDateTime,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Identity, ExportError> {
        let mut rng = rng;
        let key = Key::P256(p256::ecdsa::SigningKey::random(&mut rng));
        let certificate = self_signed(&key, common_name, &serial, not_before, rng)?;
        Ok(Identity { key, certificate, chain: Vec::new() })
    }

    /// Reads the first private key of a PKCS#12 file, with PBES2 or the older
    /// RC2 and triple-DES encryption.
    ///
    /// # Errors
    /// `pkcs12.wrong_password`, `pkcs12.no_key`, `pkcs12.unreadable`,
    /// `key.unsupported`, `key.too_weak`, `key.mismatch`, `cert.key_usage`.
    pub fn from_pkcs12(bytes: &[u8], password: &str) -> Result<Identity, ExportError> {
        let (key, certificates) = pkcs12::open(bytes, password)?;
        Identity::assemble(Key::from_pkcs8(&key)?, &certificates)
    }

    /// Key and certificates in a form to be sealed and stored.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, ExportError> {
        let mut bytes = Zeroizing::new(vec![FORMAT]);
        put(&mut bytes, &self.key.to_pkcs8()?);
        put(&mut bytes, &self.certificate_der()?);
        for certificate in &self.chain {
            put(&mut bytes, &certificate.to_der().map_err(|_| ExportError::Identity)?);
        }
        Ok(bytes)
    }

    /// What [`Identity::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`ExportError::Identity`] when it is anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Identity, ExportError> {
        let (&FORMAT, mut rest) = bytes.split_first().ok_or(ExportError::Identity)? else {
            return Err(ExportError::Identity);
        };
        let key = take(&mut rest)?;
        let mut certificates = Vec::new();
        while !rest.is_empty() {
            certificates.push(take(&mut rest)?.to_vec());
        }
        Identity::assemble(Key::from_pkcs8(key)?, &certificates).map_err(|_| ExportError::Identity)
    }

    /// The signer's certificate in DER; give it to whoever is to trust the signatures.
    pub fn certificate_der(&self) -> Result<Vec<u8>, ExportError> {
        self.certificate.to_der().map_err(|e| ExportError::Certificate(e.to_string()))
    }

    /// Common name in the certificate.
    pub fn name(&self) -> String {
        super::name_of(&self.certificate.tbs_certificate.subject)
    }

    /// SHA-256 of the certificate in hex.
    pub fn fingerprint(&self) -> Result<String, ExportError> {
        Ok(hex::encode(Sha256::digest(self.certificate_der()?)))
    }

    /// True when the certificate holds at `at`.
    pub fn is_valid_at(&self, at: OffsetDateTime) -> bool {
        let validity = &self.certificate.tbs_certificate.validity;
        let at = at.unix_timestamp();
        let second = |time: &x509_cert::time::Time| time.to_unix_duration().as_secs() as i64;
        (second(&validity.not_before)..=second(&validity.not_after)).contains(&at)
    }

    /// Finds the key's own certificate among `certificates`; the others become the chain.
    fn assemble(key: Key, certificates: &[Vec<u8>]) -> Result<Identity, ExportError> {
        let mut parsed = Vec::new();
        for der in certificates {
            parsed.push(Certificate::from_der(der).map_err(|e| ExportError::Certificate(e.to_string()))?);
        }
        let public_key = key.public_key()?;
        let own = parsed
            .iter()
            .position(|c| c.tbs_certificate.subject_public_key_info.to_der().is_ok_and(|spki| spki == public_key))
            .ok_or(ExportError::KeyMismatch)?;
        let certificate = parsed.remove(own);
        if !may_sign_documents(&certificate) {
            return Err(ExportError::KeyUsage);
        }
        Ok(Identity { key, certificate, chain: parsed })
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("name", &self.name()).finish_non_exhaustive()
    }
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend((part.len() as u32).to_be_bytes());
    bytes.extend(part);
}

fn take<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], ExportError> {
    let (length, after) = rest.split_first_chunk::<4>().ok_or(ExportError::Identity)?;
    let length = u32::from_be_bytes(*length) as usize;
    let (part, after) = after.split_at_checked(length).ok_or(ExportError::Identity)?;
    *rest = after;
    Ok(part)
}
