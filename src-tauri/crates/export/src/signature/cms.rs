//! The signature value: a CAdES baseline B signature (ETSI EN 319 122-1) over a digest.

use super::{Identity, time_stamp};
use crate::{CryptoRngCore, ExportError};
use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo, SignerInfos,
};
use der::asn1::{Any, ObjectIdentifier, OctetString, SetOfVec};
use der::{Decode, Encode, Tag};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use x509_cert::attr::Attribute;
use x509_cert::spki::AlgorithmIdentifierOwned;

const ID_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ID_SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
pub(crate) const ID_CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
pub(crate) const ID_MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
pub(crate) const ID_SIGNING_CERTIFICATE_V2: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
pub(crate) const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
pub(crate) const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(crate) const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
pub(crate) const SHA384_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
pub(crate) const SHA512_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
pub(crate) const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
pub(crate) const ECDSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
pub(crate) const ECDSA_WITH_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");

/// Who answers a question for a time stamp: its bytes in, the server's answer out.
pub type AskForTime<'a> = &'a mut dyn FnMut(&[u8]) -> Result<Vec<u8>, ExportError>;

/// A detached signature over a SHA-256 digest, in DER; with a time stamp where there is somebody to
/// ask for one (`at` is the signer's own time).
///
/// Its signed attributes are contentType, messageDigest and signingCertificateV2.
/// There is no signingTime: PAdES keeps the time in the signature dictionary
/// (ETSI EN 319 142-1, 6.3).
pub(super) fn detached(
    identity: &Identity,
    digest: &[u8; 32],
    rng: &mut dyn CryptoRngCore,
    at: OffsetDateTime,
    time: Option<AskForTime<'_>>,
) -> Result<Vec<u8>, ExportError> {
    let failed = |e: der::Error| ExportError::Signing(e.to_string());
    let attributes = attributes(&identity.certificate_der()?, digest).map_err(failed)?;
    let attributes_digest = Sha256::digest(attributes.to_der().map_err(failed)?).into();
    let signature = identity.key.sign(&attributes_digest, rng)?;
    let token = match time {
        Some(ask) => {
            let (question, nonce) = time_stamp::request(&signature, rng);
            Some(time_stamp::accepted(&ask(&question)?, &signature, &nonce, at)?)
        }
        None => None,
    };
    assemble(identity, attributes, &signature, token.as_deref()).map_err(failed)
}

/// An upper bound of what [`detached`] gives, in bytes.
pub(super) fn room(identity: &Identity) -> Result<usize, ExportError> {
    let mut certificates = identity.certificate_der()?.len();
    for certificate in &identity.chain {
        certificates += usize::try_from(certificate.encoded_len().map_err(|_| ExportError::Identity)?)
            .map_err(|_| ExportError::Identity)?;
    }
    // The largest RSA signature (16384 bits) and the attributes fit the rest twice.
    Ok(certificates + 6144)
}

/// The signingCertificateV2 attribute's value (RFC 5035): SHA-256 of the
/// certificate, SHA-256 being the default and so left out.
pub(crate) fn signing_certificate_v2(certificate: &[u8]) -> Vec<u8> {
    let mut value = vec![0x30, 0x26, 0x30, 0x24, 0x30, 0x22, 0x04, 0x20];
    value.extend(Sha256::digest(certificate));
    value
}

fn attributes(certificate: &[u8], digest: &[u8; 32]) -> der::Result<SetOfVec<Attribute>> {
    let attribute =
        |oid, value: Any| -> der::Result<Attribute> { Ok(Attribute { oid, values: SetOfVec::try_from(vec![value])? }) };
    SetOfVec::try_from(vec![
        attribute(ID_CONTENT_TYPE, Any::from(ID_DATA))?,
        attribute(ID_MESSAGE_DIGEST, Any::new(Tag::OctetString, digest.to_vec())?)?,
        attribute(ID_SIGNING_CERTIFICATE_V2, Any::from_der(&signing_certificate_v2(certificate))?)?,
    ])
}

fn assemble(
    identity: &Identity,
    attributes: SetOfVec<Attribute>,
    signature: &[u8],
    token: Option<&[u8]>,
) -> der::Result<Vec<u8>> {
    let unsigned_attrs = match token {
        Some(token) => {
            let values = SetOfVec::try_from(vec![Any::from_der(token)?])?;
            Some(SetOfVec::try_from(vec![Attribute { oid: time_stamp::ID_TIME_STAMP_TOKEN, values }])?)
        }
        None => None,
    };
    let tbs = &identity.certificate.tbs_certificate;
    let sha256 = AlgorithmIdentifierOwned { oid: SHA256, parameters: None };
    let signer = SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
            issuer: tbs.issuer.clone(),
            serial_number: tbs.serial_number.clone(),
        }),
        digest_alg: sha256.clone(),
        signed_attrs: Some(attributes),
        signature_algorithm: identity.key.algorithm(),
        signature: OctetString::new(signature)?,
        unsigned_attrs,
    };
    let certificates: Vec<CertificateChoices> = std::iter::once(&identity.certificate)
        .chain(&identity.chain)
        .cloned()
        .map(CertificateChoices::Certificate)
        .collect();
    let signed = SignedData {
        version: CmsVersion::V1,
        digest_algorithms: SetOfVec::try_from(vec![sha256])?,
        encap_content_info: EncapsulatedContentInfo { econtent_type: ID_DATA, econtent: None },
        certificates: Some(CertificateSet::try_from(certificates)?),
        crls: None,
        signer_infos: SignerInfos::try_from(vec![signer])?,
    };
    ContentInfo { content_type: ID_SIGNED_DATA, content: Any::encode_from(&signed)? }.to_der()
}
