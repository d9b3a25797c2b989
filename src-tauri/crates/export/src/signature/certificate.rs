//! The signer's certificate: making one, and whether one may sign documents.

use super::key::Key;
use crate::{CryptoRngCore, ExportError};
use der::asn1::{Any, BitString, GeneralizedTime, SetOfVec, UtcTime, Utf8StringRef};
use der::oid::AssociatedOid;
use der::oid::db::rfc4519::CN;
use der::{Decode, DecodePem, Encode, Tag, Tagged};
use sha2::{Digest, Sha256};
use std::time::Duration;
use time::OffsetDateTime;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::certificate::{Certificate, TbsCertificate, Version};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectKeyIdentifier};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time::{Time, Validity};

/// How long a self-made certificate holds.
const YEARS: i32 = 30;

/// A self-signed certificate that may sign documents and nothing else.
///
/// `common_name` has 1 to 64 characters (X.520, ub-common-name).
pub(super) fn self_signed(
    key: &Key,
    common_name: &str,
    serial: &[u8; 16],
    not_before: OffsetDateTime,
    rng: &mut dyn CryptoRngCore,
) -> Result<Certificate, ExportError> {
    let made = |e: der::Error| ExportError::CertificateMaking(e.to_string());
    let length = common_name.chars().count();
    if !(1..=64).contains(&length) || common_name.trim().is_empty() || common_name.chars().any(char::is_control) {
        return Err(ExportError::CommonName);
    }
    let value = Any::new(Tag::Utf8String, common_name.as_bytes()).map_err(made)?;
    let attribute = AttributeTypeAndValue { oid: CN, value };
    let set = SetOfVec::try_from(vec![attribute]).map_err(made)?;
    let name = RdnSequence(vec![RelativeDistinguishedName(set)]);
    let spki = key.public_key()?;
    let public_key = SubjectPublicKeyInfoOwned::from_der(&spki).map_err(made)?;
    let key_id = Sha256::digest(public_key.subject_public_key.raw_bytes())[..20].to_vec();
    let not_before = not_before.replace_nanosecond(0).unwrap_or(not_before);
    let not_after = not_before
        .replace_year(not_before.year() + YEARS)
        .unwrap_or(not_before + time::Duration::days(365 * i64::from(YEARS)));
    // A serial number is a positive integer (RFC 5280, 4.1.2.2).
    let mut serial = *serial;
    serial[0] = serial[0] & 0x7F | 0x01;
    let tbs_certificate = TbsCertificate {
        version: Version::V3,
        serial_number: SerialNumber::new(&serial).map_err(made)?,
        signature: key.algorithm(),
        issuer: name.clone(),
        validity: Validity { not_before: moment(not_before)?, not_after: moment(not_after)? },
        subject: name,
        subject_public_key_info: public_key,
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(vec![
            extension(true, &BasicConstraints { ca: false, path_len_constraint: None })?,
            extension(true, &KeyUsage(KeyUsages::DigitalSignature | KeyUsages::NonRepudiation))?,
            extension(false, &SubjectKeyIdentifier(der::asn1::OctetString::new(key_id).map_err(made)?))?,
        ]),
    };
    let digest: [u8; 32] = Sha256::digest(tbs_certificate.to_der().map_err(made)?).into();
    let signature = BitString::from_bytes(&key.sign(&digest, rng)?).map_err(made)?;
    Ok(Certificate { signature_algorithm: key.algorithm(), tbs_certificate, signature })
}

fn extension<T: Encode + AssociatedOid>(critical: bool, value: &T) -> Result<Extension, ExportError> {
    let made = |e: der::Error| ExportError::CertificateMaking(e.to_string());
    let extn_value = der::asn1::OctetString::new(value.to_der().map_err(made)?).map_err(made)?;
    Ok(Extension { extn_id: T::OID, critical, extn_value })
}

/// Dates through 2049 are UTCTime, later ones GeneralizedTime (RFC 5280, 4.1.2.5).
fn moment(at: OffsetDateTime) -> Result<Time, ExportError> {
    let made = |e: der::Error| ExportError::CertificateMaking(e.to_string());
    let seconds =
        u64::try_from(at.unix_timestamp()).map_err(|_| ExportError::CertificateMaking("a date before 1970".into()))?;
    let since = Duration::from_secs(seconds);
    Ok(match UtcTime::from_unix_duration(since) {
        Ok(time) => Time::UtcTime(time),
        Err(_) => Time::GeneralTime(GeneralizedTime::from_unix_duration(since).map_err(made)?),
    })
}

/// Whether a certificate's key usage lets it sign documents: digitalSignature or
/// nonRepudiation where key usage is stated (RFC 5280, 4.2.1.3), and no extended
/// usage that confines it to something else.
pub(crate) fn may_sign_documents(certificate: &Certificate) -> bool {
    let tbs = &certificate.tbs_certificate;
    let usage = match tbs.get::<KeyUsage>() {
        Ok(Some((_, usage))) => usage.digital_signature() || usage.non_repudiation(),
        Ok(None) => true,
        Err(_) => false,
    };
    let extended = match tbs.get::<ExtendedKeyUsage>() {
        Ok(Some((_, ExtendedKeyUsage(usages)))) => {
            usages.iter().any(|usage| DOCUMENT_USAGES.contains(&usage.to_string().as_str()))
        }
        Ok(None) => true,
        Err(_) => false,
    };
    usage && extended
}

/// anyExtendedKeyUsage, emailProtection, clientAuth (what smart cards of staff
/// carry), documentSigning (RFC 9336), Microsoft's and Adobe's document signing.
const DOCUMENT_USAGES: [&str; 6] = [
    "2.5.29.37.0",
    "1.3.6.1.5.5.7.3.4",
    "1.3.6.1.5.5.7.3.2",
    "1.3.6.1.5.5.7.3.36",
    "1.3.6.1.4.1.311.10.3.12",
    "1.2.840.113583.1.1.5",
];

/// The certificate in a PEM or DER file, as DER, and the name in it.
///
/// # Errors
/// [`ExportError::Certificate`].
pub fn certificate_of(file: &[u8]) -> Result<(Vec<u8>, String), ExportError> {
    let unreadable = |e: der::Error| ExportError::Certificate(e.to_string());
    let text = file.trim_ascii();
    let certificate = if text.starts_with(b"-----BEGIN") {
        Certificate::from_pem(text).map_err(unreadable)?
    } else {
        Certificate::from_der(file).map_err(unreadable)?
    };
    let der = certificate.to_der().map_err(unreadable)?;
    Ok((der, name_of(&certificate.tbs_certificate.subject)))
}

/// What a person should know of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateSummary {
    pub name: String,
    /// The name of who vouches for it; the same as `name` where nobody else does.
    pub issuer: String,
    pub self_issued: bool,
    pub valid_until: OffsetDateTime,
    /// SHA-256 of the certificate in hex.
    pub fingerprint: String,
}

/// Reads a certificate in DER for a person.
///
/// # Errors
/// [`ExportError::Certificate`].
pub fn summary_of(der: &[u8]) -> Result<CertificateSummary, ExportError> {
    let certificate = Certificate::from_der(der).map_err(|e| ExportError::Certificate(e.to_string()))?;
    let tbs = &certificate.tbs_certificate;
    let seconds = tbs.validity.not_after.to_unix_duration().as_secs();
    let valid_until = i64::try_from(seconds).ok().and_then(|s| OffsetDateTime::from_unix_timestamp(s).ok());
    Ok(CertificateSummary {
        name: name_of(&tbs.subject),
        issuer: name_of(&tbs.issuer),
        self_issued: tbs.subject == tbs.issuer,
        valid_until: valid_until.ok_or_else(|| ExportError::Certificate("its end is no date".into()))?,
        fingerprint: hex::encode(Sha256::digest(der)),
    })
}

/// The common name of a subject, else the whole name.
pub(crate) fn name_of(name: &Name) -> String {
    for part in &name.0 {
        for attribute in part.0.iter() {
            if attribute.oid == CN
                && matches!(attribute.value.tag(), Tag::Utf8String | Tag::PrintableString)
                && let Ok(text) = std::str::from_utf8(attribute.value.value())
                && Utf8StringRef::new(text).is_ok()
            {
                return text.to_owned();
            }
        }
    }
    name.to_string()
}
