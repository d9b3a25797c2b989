//! Reading a PKCS#12 file (RFC 7292).

use crate::ExportError;
use cms::encrypted_data::EncryptedData;
use der::asn1::{ContextSpecific, ObjectIdentifier, OctetString};
use der::{Any, Decode, Encode, Tag, Tagged};
use hmac::{Hmac, Mac};
use p12_keystore::KeyStore;
use p12_keystore::error::Error;
use pkcs12::authenticated_safe::AuthenticatedSafe;
use pkcs12::cert_type::CertBag;
use pkcs12::kdf::{Pkcs12KeyType, derive_key};
use pkcs12::mac_data::MacData;
use pkcs12::pbe_params::EncryptedPrivateKeyInfo;
use pkcs12::pfx::Pfx;
use pkcs12::safe_bag::SafeContents;
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

const ID_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ID_ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");
/// Takes as much memory as the file says (RFC 7914), and no key file of a trust centre uses it.
const ID_SCRYPT: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11591.4.11");
const ID_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
/// More rounds than this in all are a file made to keep the machine busy: programs write 2,048 to 600,000.
const MOST_ROUNDS: u32 = 5_000_000;
/// How deep the parameters of an encryption are nested (RFC 8018, appendix A).
const PARAMETERS_DEPTH: usize = 4;

/// A private key (PKCS#8, DER) and the certificates that came with it.
type Opened = (Zeroizing<Vec<u8>>, Vec<Vec<u8>>);

/// Reads the first private key of a file whose key is encrypted, or else of one
/// that is only protected by its checksum.
pub(super) fn open(bytes: &[u8], password: &str) -> Result<Opened, ExportError> {
    let pfx = Pfx::from_der(bytes).map_err(|e| ExportError::Pkcs12(e.to_string()))?;
    if rounds(&pfx).is_none_or(|rounds| rounds > MOST_ROUNDS) {
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

/// How many rounds a file asks for before anything of it is known: those of its checksum, of its encrypted
/// parts, and of the encrypted keys in its open parts. `None` where they are beyond every number, or scrypt's.
fn rounds(pfx: &Pfx) -> Option<u32> {
    let mut sum = match &pfx.mac_data {
        Some(mac) => u32::try_from(mac.iterations).ok().filter(|rounds| *rounds > 0)?,
        None => 0,
    };
    let mut add = |parameters: Option<&Any>| {
        sum = sum.saturating_add(parameters.map_or(Some(0), |parameters| numbers_in(parameters, PARAMETERS_DEPTH))?);
        Some(())
    };
    // What cannot be read here is refused by who reads it next.
    let safes = data(&pfx.auth_safe.content).and_then(|content| AuthenticatedSafe::from_der(&content).ok());
    for safe in safes.unwrap_or_default() {
        let content = safe.content.to_der().ok()?;
        if safe.content_type == ID_ENCRYPTED_DATA
            && let Ok(encrypted) = EncryptedData::from_der(&content)
        {
            add(encrypted.enc_content_info.content_enc_alg.parameters.as_ref())?;
        }
        let bags = data(&safe.content).filter(|_| safe.content_type == ID_DATA);
        for bag in bags.and_then(|bags| SafeContents::from_der(&bags).ok()).unwrap_or_default() {
            if bag.bag_id == pkcs12::PKCS_12_PKCS8_KEY_BAG_OID
                && let Ok(key) = ContextSpecific::<EncryptedPrivateKeyInfo>::from_der(&bag.bag_value)
            {
                add(key.value.encryption_algorithm.parameters.as_ref())?;
            }
        }
    }
    Some(sum)
}

/// The sum of all numbers in the parameters of an encryption: rounds, and a key's length at most.
fn numbers_in(parameters: &Any, depth: usize) -> Option<u32> {
    let der = parameters.to_der().ok()?;
    match parameters.tag() {
        Tag::Integer => u32::from_der(&der).ok(),
        Tag::ObjectIdentifier => (ObjectIdentifier::from_der(&der).ok()? != ID_SCRYPT).then_some(0),
        Tag::Sequence => {
            let depth = depth.checked_sub(1)?;
            let mut sum = 0u32;
            for part in Vec::<Any>::from_der(&der).ok()? {
                sum = sum.saturating_add(numbers_in(&part, depth)?);
            }
            Some(sum)
        }
        _ => Some(0),
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
