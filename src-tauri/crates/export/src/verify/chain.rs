//! From the signer's certificate to one that the caller trusts (RFC 5280, 6).
//!
//! Revocation is not asked for: the workstation opens no connection.

use super::value::{Signer, is_signed};
use super::{Breaks, Findings};
use crate::signature::may_sign_documents;
use crate::signature::time_stamp::{CLOCKS, Token};
use der::{Decode, Encode};
use time::OffsetDateTime;
use x509_cert::Certificate;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};

/// Certificates between the signer and a trusted one.
const LONGEST: usize = 6;

/// Extensions whose meaning is checked here or bears only on revocation and
/// policy display; any other critical one is a reason to refuse (RFC 5280, 4.2).
const UNDERSTOOD: [&str; 4] = ["2.5.29.15", "2.5.29.19", "2.5.29.37", "2.5.29.32"];

pub(super) fn check(signer: &Signer, at: Option<OffsetDateTime>, trusted: &[Vec<u8>], findings: &mut Findings) {
    let mut anchors = Vec::new();
    for der in trusted {
        match Certificate::from_der(der) {
            Ok(certificate) => anchors.push(certificate),
            Err(_) => findings.add(Breaks::Trust, "trust.unreadable"),
        }
    }
    if !may_sign_documents(&signer.certificate) || !is_understood(&signer.certificate) {
        findings.add(Breaks::Trust, "cert.key_usage");
    }
    let Some(at) = at else {
        findings.add(Breaks::Trust, "cert.expired");
        return;
    };
    if !holds(&signer.certificate, at) {
        findings.add(Breaks::Trust, "cert.expired");
    }
    if !leads_to(&signer.certificate, &anchors, &signer.others, at, 0) {
        findings.add(Breaks::Trust, "signer.untrusted");
    }
    if let Some(token) = &signer.time_stamp {
        if !stamp_leads_to(token, &anchors) {
            findings.add(Breaks::Trust, "timestamp.untrusted");
        }
        if (token.at - at).abs() > CLOCKS {
            findings.add(Breaks::Trust, "timestamp.time");
        }
    }
}

/// True when a time stamp's certificate was good at its time and leads to one of `anchors`.
fn stamp_leads_to(token: &Token, anchors: &[Certificate]) -> bool {
    holds(&token.certificate, token.at)
        && is_understood(&token.certificate)
        && leads_to(&token.certificate, anchors, &token.others, token.at, 0)
}

/// True when `certificate` is trusted, or was issued by one that leads to a trusted one.
fn leads_to(
    certificate: &Certificate,
    anchors: &[Certificate],
    others: &[Certificate],
    at: OffsetDateTime,
    depth: usize,
) -> bool {
    if anchors.contains(certificate) {
        return true;
    }
    if depth == LONGEST {
        return false;
    }
    let issues = |issuer: &&Certificate| issued(issuer, certificate, depth) && holds(issuer, at);
    anchors.iter().filter(issues).count() > 0
        || others.iter().filter(issues).any(|issuer| leads_to(issuer, anchors, others, at, depth + 1))
}

/// True when `issuer` is an authority that signed `certificate`, which has
/// `below` certificates of authorities under it.
fn issued(issuer: &Certificate, certificate: &Certificate, below: usize) -> bool {
    let (above, tbs) = (&issuer.tbs_certificate, &certificate.tbs_certificate);
    let authority = match above.get::<BasicConstraints>() {
        Ok(Some((_, constraints))) => {
            constraints.ca && constraints.path_len_constraint.is_none_or(|most| below <= usize::from(most))
        }
        _ => false,
    };
    let may_certify = match above.get::<KeyUsage>() {
        Ok(Some((_, usage))) => usage.key_cert_sign(),
        Ok(None) => true,
        Err(_) => false,
    };
    let (Ok(key), Ok(message), Some(signature)) =
        (above.subject_public_key_info.to_der(), tbs.to_der(), certificate.signature.as_bytes())
    else {
        return false;
    };
    authority
        && may_certify
        && is_understood(issuer)
        && above.subject == tbs.issuer
        && tbs.signature == certificate.signature_algorithm
        && is_signed(&key, tbs.signature.oid, &message, signature)
}

fn is_understood(certificate: &Certificate) -> bool {
    certificate
        .tbs_certificate
        .extensions
        .iter()
        .flatten()
        .all(|e| !e.critical || UNDERSTOOD.contains(&e.extn_id.to_string().as_str()))
}

fn holds(certificate: &Certificate, at: OffsetDateTime) -> bool {
    let validity = &certificate.tbs_certificate.validity;
    let Ok(at) = u64::try_from(at.unix_timestamp()) else { return false };
    (validity.not_before.to_unix_duration().as_secs()..=validity.not_after.to_unix_duration().as_secs()).contains(&at)
}
