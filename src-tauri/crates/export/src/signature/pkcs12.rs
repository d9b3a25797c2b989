//! Reading a PKCS#12 file (RFC 7292).

use crate::ExportError;
use der::asn1::{ContextSpecific, ObjectIdentifier, OctetString};
use der::{Any, Decode, Encode};
use hmac::{Hmac, Mac};
use p12_keystore::KeyStore;
use p12_keystore::error::Error;
use pkcs12::authenticated_safe::AuthenticatedSafe;
use pkcs12::cert_type::CertBag;
use pkcs12::kdf::{Pkcs12KeyType, derive_key};
use pkcs12::mac_data::MacData;
use pkcs12::pfx::Pfx;
use pkcs12::safe_bag::SafeContents;
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

const ID_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ID_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
/// More rounds than this are a file made to keep the machine busy.
const MOST_ROUNDS: i32 = 10_000_000;

/// A private key (PKCS#8, DER) and the certificates that came with it.
type Opened = (Zeroizing<Vec<u8>>, Vec<Vec<u8>>);

/// Reads the first private key of a file whose key is encrypted, or else of one
/// that is only protected by its checksum.
pub(super) fn open(bytes: &[u8], password: &str) -> Result<Opened, ExportError> {
    let pfx = Pfx::from_der(bytes).map_err(|e| ExportError::Pkcs12(e.to_string()))?;
    if pfx.mac_data.as_ref().is_some_and(|mac| !(1..=MOST_ROUNDS).contains(&mac.iterations)) {
        return Err(ExportError::Pkcs12("an unreasonable number of rounds".into()));
    }
    match encrypted(bytes, password) {
        Ok(opened) => Ok(opened),
        Err(error) => match plain(&pfx, password) {
            Some(opened) => Ok(opened),
            None => Err(error),
        },
    }
}

fn encrypted(bytes: &[u8], password: &str) -> Result<Opened, ExportError> {
    let store = KeyStore::from_pkcs12(bytes, password).map_err(|error| match error {
        Error::MacError(_) | Error::UnpadError | Error::Pkcs5Error(_) => ExportError::Pkcs12Password,
        error => ExportError::Pkcs12(error.to_string()),
    })?;
    let (_, chain) = store.private_key_chain().ok_or(ExportError::Pkcs12NoKey)?;
    let certificates: Vec<Vec<u8>> = chain.chain().iter().map(|c| c.as_der().to_vec()).collect();
    if certificates.is_empty() {
        return Err(ExportError::Pkcs12NoKey);
    }
    Ok((Zeroizing::new(chain.key().to_vec()), certificates))
}

/// The content of a file that is not encrypted, if its checksum fits the password.
fn plain(pfx: &Pfx, password: &str) -> Option<Opened> {
    if pfx.auth_safe.content_type != ID_DATA {
        return None;
    }
    let content = data(&pfx.auth_safe.content)?;
    if let Some(mac) = &pfx.mac_data
        && !checks(mac, &content, password)
    {
        return None;
    }
    let mut key = None;
    let mut certificates = Vec::new();
    for safe in AuthenticatedSafe::from_der(&content).ok()? {
        if safe.content_type != ID_DATA {
            continue;
        }
        for bag in SafeContents::from_der(&data(&safe.content)?).ok()? {
            match bag.bag_id {
                pkcs12::PKCS_12_KEY_BAG_OID if key.is_none() => {
                    let bag: ContextSpecific<Any> = ContextSpecific::from_der(&bag.bag_value).ok()?;
                    key = Some(Zeroizing::new(bag.value.to_der().ok()?));
                }
                pkcs12::PKCS_12_CERT_BAG_OID => {
                    let bag: ContextSpecific<CertBag> = ContextSpecific::from_der(&bag.bag_value).ok()?;
                    certificates.push(bag.value.cert_value.into_bytes());
                }
                _ => {}
            }
        }
    }
    (!certificates.is_empty()).then_some((key?, certificates))
}

fn data(content: &Any) -> Option<Vec<u8>> {
    Some(OctetString::from_der(&content.to_der().ok()?).ok()?.into_bytes())
}

/// An empty password is written as no bytes by some and as a terminator by others.
fn checks(mac: &MacData, content: &[u8], password: &str) -> bool {
    let mut terminated = Zeroizing::new(Vec::new());
    terminated.extend(password.encode_utf16().chain([0]).flat_map(u16::to_be_bytes));
    let mut spellings: Vec<&[u8]> = vec![&terminated];
    if password.is_empty() {
        spellings.push(&[]);
    }
    let (salt, rounds, digest) = (mac.mac_salt.as_bytes(), mac.iterations, mac.mac.digest.as_bytes());
    spellings.into_iter().any(|password| match mac.mac.algorithm.oid {
        ID_SHA1 => {
            let key = Zeroizing::new(derive_key::<Sha1>(password, salt, Pkcs12KeyType::Mac, rounds, 20));
            Hmac::<Sha1>::new_from_slice(&key).is_ok_and(|h| h.chain_update(content).verify_slice(digest).is_ok())
        }
        super::SHA256 => {
            let key = Zeroizing::new(derive_key::<Sha256>(password, salt, Pkcs12KeyType::Mac, rounds, 32));
            Hmac::<Sha256>::new_from_slice(&key).is_ok_and(|h| h.chain_update(content).verify_slice(digest).is_ok())
        }
        _ => false,
    })
}
