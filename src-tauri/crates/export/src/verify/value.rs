//! The signature value: a CMS SignedData in DER with one signer.

use super::file::Signed;
use super::{Breaks, Findings};
use crate::signature::time_stamp::{self, ID_TIME_STAMP_TOKEN, Token};
use crate::signature::{
    ECDSA_WITH_SHA256, ECDSA_WITH_SHA384, ECDSA_WITH_SHA512, ID_CONTENT_TYPE, ID_MESSAGE_DIGEST,
    ID_SIGNING_CERTIFICATE_V2, RSA_ENCRYPTION, SHA256, SHA256_WITH_RSA, SHA384_WITH_RSA, SHA512_WITH_RSA,
    signing_certificate_v2,
};
use cms::cert::CertificateChoices;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo, UnsignedAttributes};
use der::asn1::{ObjectIdentifier, OctetString};
use der::{Decode, Encode};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::pkcs8::DecodePublicKey;
use rsa::traits::PublicKeyParts;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_cert::Certificate;

/// Who signed, by the certificates in the file.
pub(super) struct Signer {
    pub certificate: Certificate,
    /// SHA-256 of the certificate.
    pub fingerprint: [u8; 32],
    /// The other certificates in the file.
    pub others: Vec<Certificate>,
    /// A time stamp over the signature, whose own signature holds.
    pub time_stamp: Option<Token>,
}

const ID_DATA: &str = "1.2.840.113549.1.7.1";
const ID_SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
const SMALLEST_RSA: usize = 2048;

/// Checks the signature value over the signed ranges. `None` when no signer can be told.
pub(super) fn check(pdf: &[u8], signed: &Signed, findings: &mut Findings) -> Option<Signer> {
    let Some((data, signer_info, mut signer)) = parse(&signed.value, findings) else {
        findings.add(Breaks::Integrity, "cms.unreadable");
        return None;
    };
    shape(&data, &signer_info, findings);
    let mut hash = Sha256::new();
    for range in &signed.ranges {
        hash.update(&pdf[range.clone()]);
    }
    attributes(&signer_info, &hash.finalize().into(), &signer, findings);
    let attributes = signer_info.signed_attrs.as_ref().and_then(|a| a.to_der().ok()).unwrap_or_default();
    let key = signer.certificate.tbs_certificate.subject_public_key_info.to_der().ok()?;
    let algorithm = match signer_info.signature_algorithm.oid {
        // RFC 3370, 3.2: the digest is then the signer's digest algorithm.
        RSA_ENCRYPTION => SHA256_WITH_RSA,
        oid => oid,
    };
    if !matches!(algorithm, SHA256_WITH_RSA | ECDSA_WITH_SHA256) {
        findings.add(Breaks::Integrity, "cms.algorithm");
    } else if !is_signed(&key, algorithm, &attributes, signer_info.signature.as_bytes()) {
        findings.add(Breaks::Integrity, "cms.signature");
    }
    if let Some(token) = signer_info.unsigned_attrs.as_ref().and_then(time_stamp_in) {
        match time_stamp::read(&token, signer_info.signature.as_bytes()) {
            Ok(token) => signer.time_stamp = Some(token),
            Err(_) => findings.add(Breaks::Integrity, "timestamp.invalid"),
        }
    }
    Some(signer)
}

/// The value, its one signer and that signer's certificate. The value must be
/// DER to the letter, with zeros after it.
fn parse(value: &[u8], findings: &mut Findings) -> Option<(SignedData, SignerInfo, Signer)> {
    let length = der_length(value)?;
    let (der, padding) = value.split_at_checked(length)?;
    if padding.iter().any(|b| *b != 0) {
        findings.add(Breaks::Coverage, "cms.padding");
    }
    let info = ContentInfo::from_der(der).ok()?;
    if info.content_type.to_string() != ID_SIGNED_DATA || info.to_der().ok()? != der {
        return None;
    }
    let content = info.content.to_der().ok()?;
    let data = SignedData::from_der(&content).ok()?;
    if data.to_der().ok()? != content {
        return None;
    }
    let [signer] = data.signer_infos.0.as_slice() else { return None };
    let SignerIdentifier::IssuerAndSerialNumber(id) = &signer.sid else { return None };
    let mut certificates = Vec::new();
    for choice in data.certificates.as_ref()?.0.iter() {
        let CertificateChoices::Certificate(certificate) = choice else { return None };
        certificates.push(certificate.clone());
    }
    let own = certificates
        .iter()
        .position(|c| c.tbs_certificate.issuer == id.issuer && c.tbs_certificate.serial_number == id.serial_number)?;
    let certificate = certificates.remove(own);
    let fingerprint = Sha256::digest(certificate.to_der().ok()?).into();
    Some((data.clone(), signer.clone(), Signer { certificate, fingerprint, others: certificates, time_stamp: None }))
}

/// Length of the DER element at the start, header and all.
fn der_length(value: &[u8]) -> Option<usize> {
    let (&tag, rest) = value.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if tag != 0x30 {
        return None;
    }
    if first < 0x80 {
        return Some(2 + usize::from(first));
    }
    let count = usize::from(first & 0x7F);
    if !(1..=4).contains(&count) || rest.len() < count {
        return None;
    }
    let length = rest[..count].iter().fold(0_usize, |n, b| n << 8 | usize::from(*b));
    length.checked_add(2 + count)
}

/// The token of unsigned attributes that are one time stamp and nothing else.
fn time_stamp_in(attributes: &UnsignedAttributes) -> Option<Vec<u8>> {
    let [attribute] = attributes.as_slice() else { return None };
    let [value] = attribute.values.as_slice() else { return None };
    (attribute.oid == ID_TIME_STAMP_TOKEN).then(|| value.to_der().ok()).flatten()
}

/// Nothing beyond what a signature of baseline B or T has.
fn shape(data: &SignedData, signer: &SignerInfo, findings: &mut Findings) {
    let sha256 = |oid: ObjectIdentifier| oid == SHA256;
    let digests_fit =
        matches!(data.digest_algorithms.as_slice(), [only] if sha256(only.oid)) && sha256(signer.digest_alg.oid);
    if !digests_fit {
        findings.add(Breaks::Integrity, "cms.algorithm");
    }
    let plain = data.version == CmsVersion::V1
        && signer.version == CmsVersion::V1
        && data.encap_content_info.econtent.is_none()
        && data.encap_content_info.econtent_type.to_string() == ID_DATA
        && data.crls.is_none()
        && signer.unsigned_attrs.as_ref().is_none_or(|attributes| time_stamp_in(attributes).is_some());
    if !plain {
        findings.add(Breaks::Integrity, "cms.attributes");
    }
}

/// contentType, messageDigest and signingCertificateV2, each once, with one value.
fn attributes(signer_info: &SignerInfo, digest: &[u8; 32], signer: &Signer, findings: &mut Findings) {
    let Some(attributes) = &signer_info.signed_attrs else {
        findings.add(Breaks::Integrity, "cms.attributes");
        return;
    };
    let value = |oid: ObjectIdentifier| -> Option<Vec<u8>> {
        let mut with = attributes.iter().filter(|a| a.oid == oid);
        let (Some(attribute), None) = (with.next(), with.next()) else { return None };
        let [value] = attribute.values.as_slice() else { return None };
        value.to_der().ok()
    };
    let content_type = value(ID_CONTENT_TYPE).and_then(|v| ObjectIdentifier::from_der(&v).ok());
    if attributes.len() != 3 || content_type.is_none_or(|oid| oid.to_string() != ID_DATA) {
        findings.add(Breaks::Integrity, "cms.attributes");
    }
    let stated = value(ID_MESSAGE_DIGEST).and_then(|v| OctetString::from_der(&v).ok());
    if stated.is_none_or(|stated| stated.as_bytes() != digest) {
        findings.add(Breaks::Integrity, "pdf.modified");
    }
    let expected = signer.certificate.to_der().map(|der| signing_certificate_v2(&der)).ok();
    if value(ID_SIGNING_CERTIFICATE_V2) != expected || expected.is_none() {
        findings.add(Breaks::Integrity, "cms.certificate");
    }
}

/// True when `signature` over `message` is good under `key` (SubjectPublicKeyInfo)
/// and both are of an allowed kind: RSA PKCS#1 v1.5 from 2048 bits, ECDSA on
/// P-256 and P-384, with SHA-2.
pub(crate) fn is_signed(key: &[u8], algorithm: ObjectIdentifier, message: &[u8], signature: &[u8]) -> bool {
    let digest = match algorithm {
        SHA256_WITH_RSA | ECDSA_WITH_SHA256 => Sha256::digest(message).to_vec(),
        SHA384_WITH_RSA | ECDSA_WITH_SHA384 => Sha384::digest(message).to_vec(),
        SHA512_WITH_RSA | ECDSA_WITH_SHA512 => Sha512::digest(message).to_vec(),
        _ => return false,
    };
    match algorithm {
        ECDSA_WITH_SHA256 | ECDSA_WITH_SHA384 | ECDSA_WITH_SHA512 => {
            if let Ok(key) = p256::ecdsa::VerifyingKey::from_public_key_der(key) {
                return p256::ecdsa::Signature::from_der(signature)
                    .is_ok_and(|signature| key.verify_prehash(&digest, &signature).is_ok());
            }
            p384::ecdsa::VerifyingKey::from_public_key_der(key).is_ok_and(|key| {
                p384::ecdsa::Signature::from_der(signature)
                    .is_ok_and(|signature| key.verify_prehash(&digest, &signature).is_ok())
            })
        }
        _ => {
            let scheme = match algorithm {
                SHA256_WITH_RSA => rsa::Pkcs1v15Sign::new::<Sha256>(),
                SHA384_WITH_RSA => rsa::Pkcs1v15Sign::new::<Sha384>(),
                _ => rsa::Pkcs1v15Sign::new::<Sha512>(),
            };
            rsa::RsaPublicKey::from_public_key_der(key)
                .is_ok_and(|key| key.n().bits() >= SMALLEST_RSA && key.verify(scheme, &digest, signature).is_ok())
        }
    }
}
