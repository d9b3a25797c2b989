//! Time stamps (RFC 3161): asking for one, and whether one is good.
//!
//! Who carries the question to a server and brings the answer back is not this crate's business.

use super::{
    ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, RSA_ENCRYPTION, SHA256, SHA256_WITH_RSA, SHA384_WITH_RSA, SHA512_WITH_RSA,
};
use crate::verify::is_signed;
use crate::{CryptoRngCore, ExportError};
use cms::cert::CertificateChoices;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{Any, ObjectIdentifier, OctetString};
use der::{Decode, Encode, Tag, Tagged};
use sha2::{Digest, Sha256, Sha384, Sha512};
use time::{Date, Duration, Month, OffsetDateTime, Time};
use x509_cert::Certificate;
use x509_cert::ext::pkix::{ExtendedKeyUsage, SubjectKeyIdentifier};
use x509_cert::spki::AlgorithmIdentifierOwned;

/// The unsigned attribute that holds a token (RFC 3161, appendix A).
pub(crate) const ID_TIME_STAMP_TOKEN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.14");
/// How far the signer's clock may be from the server's.
pub(crate) const CLOCKS: Duration = Duration::minutes(10);
/// Bytes that are kept free for a token; servers send 3 to 8 kB.
pub(super) const ROOM: usize = 12 << 10;

const ID_SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const ID_TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const ID_SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const ID_SIGNING_CERTIFICATE_V2: ObjectIdentifier = super::ID_SIGNING_CERTIFICATE_V2;
const ID_TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

/// What a token says, its signature checked, its signer not yet trusted.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub at: OffsetDateTime,
    pub nonce: Option<Vec<u8>>,
    pub certificate: Certificate,
    /// The other certificates in the token.
    pub others: Vec<Certificate>,
}

/// A question for a token over `signature`, and the nonce that the answer must repeat.
pub(super) fn request(signature: &[u8], rng: &mut dyn CryptoRngCore) -> (Vec<u8>, Vec<u8>) {
    let mut nonce = [0_u8; 9];
    rng.fill_bytes(&mut nonce);
    // Positive, and without a leading zero that DER would not have.
    nonce[0] = nonce[0] & 0x3F | 0x40;
    let algorithm = [&[0x30, 0x0D, 0x06, 0x09][..], SHA256.as_bytes(), &[0x05, 0x00]].concat();
    let imprint = element(0x30, &[algorithm, element(0x04, &Sha256::digest(signature))].concat());
    let body = [element(0x02, &[1]), imprint, element(0x02, &nonce), element(0x01, &[0xFF])].concat();
    (element(0x30, &body), nonce.to_vec())
}

/// The token of an answer to [`request`], when it is good.
///
/// # Errors
/// `timestamp.refused` with the server's own words, `timestamp.invalid`, `timestamp.clock`.
pub(super) fn accepted(
    answer: &[u8],
    signature: &[u8],
    nonce: &[u8],
    signed_at: OffsetDateTime,
) -> Result<Vec<u8>, ExportError> {
    let parts = sequence(answer).ok_or(ExportError::TimeStamp("the answer cannot be read"))?;
    let status = parts.first().and_then(|part| sequence(&part.to_der().ok()?));
    let status = status.and_then(|s| s.first().map(|code| code.value().to_vec()));
    match status.as_deref() {
        // Granted, or granted with modifications (RFC 3161, 2.4.2).
        Some([0 | 1]) => {}
        Some(code) => return Err(ExportError::TimeStampRefused(code.last().copied().unwrap_or(0xFF))),
        None => return Err(ExportError::TimeStamp("the answer has no status")),
    }
    let token = parts.get(1).and_then(|part| part.to_der().ok()).ok_or(ExportError::TimeStamp("there is no token"))?;
    let read = read(&token, signature).map_err(ExportError::TimeStamp)?;
    if read.nonce.as_deref() != Some(nonce) {
        return Err(ExportError::TimeStamp("the token answers another question"));
    }
    if (read.at - signed_at).abs() > CLOCKS {
        return Err(ExportError::TimeStampClock);
    }
    Ok(token)
}

/// Reads a token and checks that it stamps `signature` and is signed by a certificate for time
/// stamps (RFC 3161, 2.3 and 2.4.2).
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn read(token: &[u8], signature: &[u8]) -> Result<Token, &'static str> {
    let info = ContentInfo::from_der(token).map_err(|_| "the token cannot be read")?;
    if info.content_type != ID_SIGNED_DATA {
        return Err("the token is not signed");
    }
    let data = info.content.to_der().ok().and_then(|der| SignedData::from_der(&der).ok());
    let data = data.ok_or("the token cannot be read")?;
    if data.encap_content_info.econtent_type != ID_TST_INFO {
        return Err("the token is none for time");
    }
    let content = data.encap_content_info.econtent.as_ref().and_then(|any| any.to_der().ok());
    let content = content.and_then(|der| OctetString::from_der(&der).ok()).ok_or("the token has no content")?;
    let (at, nonce) = stamped(content.as_bytes(), signature)?;
    let [signer] = data.signer_infos.0.as_slice() else { return Err("the token has not one signer") };
    if !is_plain(&data, signer) {
        return Err("the token is not of the form that RFC 5652 gives it");
    }
    let (certificate, others) = certificates(&data, signer).ok_or("the token lacks its signer's certificate")?;
    signed(signer, content.as_bytes(), &certificate)?;
    let usage = certificate.tbs_certificate.get::<ExtendedKeyUsage>().ok().flatten();
    let only_time_stamps = usage.is_some_and(|(critical, ExtendedKeyUsage(usages))| {
        critical && usages.len() == 1 && usages[0].to_string() == ID_TIME_STAMPING
    });
    if !only_time_stamps {
        return Err("the token's certificate is not one for time stamps");
    }
    Ok(Token { at, nonce, certificate, others })
}

/// The parts that no signature covers are what they must be (RFC 5652, 5.1 and 5.3), so that none
/// of them can be changed.
fn is_plain(data: &SignedData, signer: &SignerInfo) -> bool {
    let no_parameters = |algorithm: &AlgorithmIdentifierOwned| {
        algorithm.parameters.as_ref().is_none_or(|any| any.tag() == Tag::Null && any.value().is_empty())
    };
    let version = match signer.sid {
        SignerIdentifier::IssuerAndSerialNumber(_) => CmsVersion::V1,
        SignerIdentifier::SubjectKeyIdentifier(_) => CmsVersion::V3,
    };
    let digests = data.digest_algorithms.as_slice();
    data.version == CmsVersion::V3
        && signer.version == version
        && matches!(digests, [only] if only.oid == signer.digest_alg.oid && no_parameters(only))
        && no_parameters(&signer.digest_alg)
        && no_parameters(&signer.signature_algorithm)
        && data.crls.is_none()
        && signer.unsigned_attrs.is_none()
}

/// Time and nonce of a TSTInfo that is about `signature`.
fn stamped(info: &[u8], signature: &[u8]) -> Result<(OffsetDateTime, Option<Vec<u8>>), &'static str> {
    let parts = sequence(info).ok_or("the token's content cannot be read")?;
    let [version, _policy, imprint, _serial, at, rest @ ..] = parts.as_slice() else {
        return Err("the token's content is incomplete");
    };
    let imprint = imprint.to_der().ok().and_then(|der| sequence(&der)).unwrap_or_default();
    let [algorithm, digest] = imprint.as_slice() else { return Err("the token has no imprint") };
    let algorithm = algorithm.to_der().ok().and_then(|der| sequence(&der)).unwrap_or_default();
    let is_sha256 = algorithm.first().is_some_and(|oid| oid.value() == SHA256.as_bytes());
    if version.value() != [1] || !is_sha256 || digest.value() != Sha256::digest(signature).as_slice() {
        return Err("the token is about something else");
    }
    let at = (at.tag() == Tag::GeneralizedTime).then(|| moment(at.value())).flatten();
    let nonce = rest.iter().find(|part| part.tag() == Tag::Integer).map(|part| part.value().to_vec());
    Ok((at.ok_or("the token's time cannot be read")?, nonce))
}

/// `YYYYMMDDhhmmss[.s...]Z`, which is how a token writes its time (RFC 3161, 2.4.2).
fn moment(text: &[u8]) -> Option<OffsetDateTime> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let number = |from: usize, to: usize| whole[from..to].parse::<u8>().ok();
    let month = Month::try_from(number(4, 6)?).ok()?;
    let date = Date::from_calendar_date(whole[..4].parse().ok()?, month, number(6, 8)?).ok()?;
    Some(date.with_time(Time::from_hms(number(8, 10)?, number(10, 12)?, number(12, 14)?).ok()?).assume_utc())
}

/// The certificate that the signer names, and the others.
fn certificates(data: &SignedData, signer: &SignerInfo) -> Option<(Certificate, Vec<Certificate>)> {
    let mut all: Vec<Certificate> = Vec::new();
    for choice in data.certificates.as_ref()?.0.iter() {
        if let CertificateChoices::Certificate(certificate) = choice {
            all.push(certificate.clone());
        }
    }
    let own = all.iter().position(|c| match &signer.sid {
        SignerIdentifier::IssuerAndSerialNumber(id) => {
            c.tbs_certificate.issuer == id.issuer && c.tbs_certificate.serial_number == id.serial_number
        }
        SignerIdentifier::SubjectKeyIdentifier(id) => {
            c.tbs_certificate.get::<SubjectKeyIdentifier>().ok().flatten().is_some_and(|(_, own)| own == *id)
        }
    })?;
    let certificate = all.remove(own);
    Some((certificate, all))
}

fn signed(signer: &SignerInfo, content: &[u8], certificate: &Certificate) -> Result<(), &'static str> {
    let attributes = signer.signed_attrs.as_ref().ok_or("the token's signature has no attributes")?;
    let value = |oid: ObjectIdentifier| -> Option<Vec<u8>> {
        let mut with = attributes.iter().filter(|a| a.oid == oid);
        let (Some(attribute), None) = (with.next(), with.next()) else { return None };
        let [value] = attribute.values.as_slice() else { return None };
        value.to_der().ok()
    };
    let digest = match signer.digest_alg.oid {
        SHA256 => Sha256::digest(content).to_vec(),
        SHA384 => Sha384::digest(content).to_vec(),
        SHA512 => Sha512::digest(content).to_vec(),
        _ => return Err("the token is signed with an unsupported digest"),
    };
    let kind = value(ID_CONTENT_TYPE).and_then(|v| ObjectIdentifier::from_der(&v).ok());
    let stated = value(ID_MESSAGE_DIGEST).and_then(|v| OctetString::from_der(&v).ok());
    if kind != Some(ID_TST_INFO) || stated.is_none_or(|stated| stated.as_bytes() != digest) {
        return Err("the token's content was changed");
    }
    let names = value(ID_SIGNING_CERTIFICATE_V2).or_else(|| value(ID_SIGNING_CERTIFICATE));
    let der = certificate.to_der().map_err(|_| "the token's certificate cannot be read")?;
    let hashes = [Sha256::digest(&der).to_vec(), Sha512::digest(&der).to_vec(), sha1::Sha1::digest(&der).to_vec()];
    // The attribute holds the certificate's hash; the certificate itself was found by its name.
    let named = names.is_some_and(|v| hashes.iter().any(|hash| v.windows(hash.len()).any(|w| w == hash)));
    if !named {
        return Err("the token names another certificate");
    }
    let algorithm = match (signer.signature_algorithm.oid, signer.digest_alg.oid) {
        (RSA_ENCRYPTION, SHA256) => SHA256_WITH_RSA,
        (RSA_ENCRYPTION, SHA384) => SHA384_WITH_RSA,
        (RSA_ENCRYPTION, _) => SHA512_WITH_RSA,
        (oid, _) => oid,
    };
    let key = certificate.tbs_certificate.subject_public_key_info.to_der().ok();
    let message = attributes.to_der().ok();
    match (key, message) {
        (Some(key), Some(message)) if is_signed(&key, algorithm, &message, signer.signature.as_bytes()) => Ok(()),
        _ => Err("the token's signature does not hold"),
    }
}

fn sequence(der: &[u8]) -> Option<Vec<Any>> {
    Vec::<Any>::from_der(der).ok()
}

/// An element of DER whose content is shorter than 128 bytes.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag, content.len() as u8];
    out.extend(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn times_of_tokens_are_read() {
        let check = |text: &str, expected| assert_eq!(moment(text.as_bytes()), expected, "{text}");
        check("20261123140509Z", Some(datetime!(2026-11-23 14:05:09 UTC)));
        check("20261123140509.25Z", Some(datetime!(2026-11-23 14:05:09 UTC)));
        check("20261123140509", None);
        check("20261123140509.Z", None);
        check("20261323140509Z", None);
        check("2026112314050éZ", None);
    }

    #[test]
    fn a_question_is_der_and_differs_each_time() {
        let (first, nonce) = request(b"value", &mut crate::OsRng);
        let (second, _) = request(b"value", &mut crate::OsRng);
        let parts = sequence(&first).expect("DER");
        assert_eq!(parts.len(), 4);
        assert_eq!(parts[2].value(), nonce);
        assert_ne!(first, second);
    }
}
