//! A strict reader of signed reports.
//!
//! It knows one kind of file, which [`crate::signature::sign`] writes: one
//! revision, one certifying signature over all of it. Whatever else a file
//! has is a problem, and any problem is a refusal. Verifiers that are lenient
//! disagree with each other about replaced content, bytes left uncovered and
//! bytes at the end.

mod chain;
mod file;
mod value;

pub(crate) use value::is_signed;

use time::OffsetDateTime;

/// What is known of a file's signature.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verification {
    /// The signed bytes are those that were signed, by the key of the certificate in the file.
    pub integrity: bool,
    /// The signature covers the whole file, and nothing was added since.
    pub coverage: bool,
    /// The signer's certificate was good at the stated time and leads to a trusted one.
    pub trust: bool,
    /// Common name in the signer's certificate.
    pub signer: Option<String>,
    /// The time that the signer states.
    pub signed_at: Option<OffsetDateTime>,
    /// When a time-stamp server saw the signature, where one was asked.
    pub stamped_at: Option<OffsetDateTime>,
    /// The meaning that the signer states.
    pub reason: Option<String>,
    /// SHA-256 of the signer's certificate in hex.
    pub fingerprint: Option<String>,
    /// Head of the audit chain when the report was signed, in hex; it is printed on every page.
    pub audit_head: Option<String>,
    /// Stable codes, in the order they were found, each once.
    pub problems: Vec<&'static str>,
}

impl Verification {
    /// True only if integrity, coverage and trust all hold.
    pub fn is_ok(&self) -> bool {
        self.integrity && self.coverage && self.trust && self.problems.is_empty()
    }
}

/// Which of the three promises a problem breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Breaks {
    Integrity,
    Coverage,
    Trust,
}

/// Problems found so far.
#[derive(Debug, Default)]
struct Findings(Vec<(Breaks, &'static str)>);

impl Findings {
    fn add(&mut self, breaks: Breaks, code: &'static str) {
        if !self.0.contains(&(breaks, code)) {
            self.0.push((breaks, code));
        }
    }

    fn holds(&self, promise: Breaks) -> bool {
        self.0.iter().all(|(breaks, _)| *breaks != promise)
    }
}

/// Checks a signed report against certificates (DER) that the caller trusts:
/// signers' own, or authorities'.
///
/// It never fails: what cannot be read is a problem with a code.
///
/// | code | what it says |
/// |---|---|
/// | `pdf.not_pdf`, `pdf.leading_bytes`, `pdf.trailing_bytes`, `pdf.unreadable` | the file is not one PDF from first byte to last |
/// | `pdf.not_signed`, `pdf.several_signatures`, `pdf.not_certified` | there is not exactly one certifying signature |
/// | `pdf.incremental_update`, `pdf.coverage` | something was added, or is not covered |
/// | `pdf.modified`, `pdf.active_content`, `pdf.signature_dictionary` | the content changed, acts, or is not as it must be |
/// | `cms.unreadable`, `cms.padding`, `cms.attributes`, `cms.certificate`, `cms.algorithm`, `cms.signature` | the signature value is wrong |
/// | `timestamp.invalid`, `timestamp.untrusted`, `timestamp.time` | a time stamp is not of this signature, not by a server to trust, or not of its time |
/// | `signer.untrusted`, `cert.expired`, `cert.key_usage`, `cert.weak`, `trust.unreadable` | the signer is not one to trust |
pub fn verify(pdf: &[u8], trusted: &[Vec<u8>]) -> Verification {
    let mut findings = Findings::default();
    let mut out = Verification::default();
    let Some(signed) = file::read(pdf, &mut findings) else {
        out.problems = findings.0.into_iter().map(|(_, code)| code).collect();
        return out;
    };
    out.signed_at = signed.at;
    out.reason.clone_from(&signed.reason);
    out.audit_head.clone_from(&signed.audit_head);
    if let Some(signer) = value::check(pdf, &signed, &mut findings) {
        out.signer = Some(crate::signature::name_of(&signer.certificate.tbs_certificate.subject));
        out.stamped_at = signer.time_stamp.as_ref().map(|token| token.at);
        out.fingerprint = Some(hex::encode(signer.fingerprint));
        chain::check(&signer, signed.at, trusted, &mut findings);
    } else {
        findings.add(Breaks::Trust, "signer.untrusted");
    }
    out.integrity = findings.holds(Breaks::Integrity);
    out.coverage = findings.holds(Breaks::Coverage);
    out.trust = findings.holds(Breaks::Trust);
    for (_, code) in findings.0 {
        if !out.problems.contains(&code) {
            out.problems.push(code);
        }
    }
    out
}
