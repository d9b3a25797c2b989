//! Time stamps over signatures, by a server that OpenSSL plays.

mod common;

use common::*;
use hilum_export::signature::{Identity, sign, sign_with_time};
use hilum_export::verify::verify;
use hilum_export::{ExportError, OsRng, SignatureBlock, pdf};
use std::path::{Path, PathBuf};
use std::process::Command;
use time::{Duration, OffsetDateTime};

/// An authority and a time-stamp server of its own, as files for OpenSSL.
struct Server {
    folder: tempfile::TempDir,
}

impl Server {
    /// `usage` goes into the server's certificate; `None` with a printed reason where OpenSSL is not installed.
    fn new(usage: &str) -> Option<Server> {
        let server = Server { folder: tempfile::tempdir().expect("a temporary folder") };
        let at = |name: &str| server.at(name).to_str().expect("a plain path").to_owned();
        let key = |out: &str| {
            tool("openssl", &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", out])
        };
        key(&at("ca.key"))?;
        key(&at("tsa.key"))?;
        std::fs::write(server.at("serial"), "01").expect("written");
        let extensions = format!("keyUsage=critical,digitalSignature\nextendedKeyUsage={usage}\n");
        std::fs::write(server.at("extensions"), extensions).expect("written");
        let settings = format!(
            "[tsa]\ndefault_tsa=one\n[one]\nserial={}\ncrypto_device=builtin\ndigests=sha256\nsigner_digest=sha256\n\
             default_policy=1.2.3.4.1\naccuracy=secs:1\nordering=no\ntsa_name=no\ness_cert_id_alg=sha256\n",
            at("serial")
        );
        std::fs::write(server.at("settings"), settings).expect("written");
        let (ca, ca_key) = (at("ca.pem"), at("ca.key"));
        tool("openssl", &["req", "-x509", "-new", "-key", &ca_key, "-out", &ca, "-subj", "/CN=Stamps", "-days", "30"])?;
        tool("openssl", &["req", "-new", "-key", &at("tsa.key"), "-subj", "/CN=Clock", "-out", &at("tsa.csr")])?;
        let signed = [
            "x509",
            "-req",
            "-in",
            &at("tsa.csr"),
            "-CA",
            &ca,
            "-CAkey",
            &ca_key,
            "-CAcreateserial",
            "-days",
            "30",
            "-extfile",
            &at("extensions"),
            "-out",
            &at("tsa.pem"),
        ];
        tool("openssl", &signed)?;
        Some(server)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the server answers; it refuses where OpenSSL does.
    fn answer(&self, question: &[u8]) -> Result<Vec<u8>, ExportError> {
        let (asked, told) = (self.at("question"), self.at("answer"));
        std::fs::write(&asked, question).expect("written");
        let run = |arguments: &[&Path]| {
            let output = Command::new("openssl").args(["ts", "-reply", "-section", "one"]).args(arguments).output();
            let output = output.expect("OpenSSL was there before");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        let flag = Path::new;
        run(&[
            flag("-config"),
            &self.at("settings"),
            flag("-queryfile"),
            &asked,
            flag("-signer"),
            &self.at("tsa.pem"),
            flag("-inkey"),
            &self.at("tsa.key"),
            flag("-chain"),
            &self.at("ca.pem"),
            flag("-out"),
            &told,
        ]);
        Ok(std::fs::read(told).expect("an answer"))
    }

    fn authority(&self) -> Vec<u8> {
        hilum_export::signature::certificate_of(&std::fs::read(self.at("ca.pem")).expect("a certificate"))
            .expect("one")
            .0
    }
}

/// A signer, and a block that is signed now.
fn signer() -> (Identity, SignatureBlock) {
    let now = OffsetDateTime::now_utc();
    let identity = Identity::create_p256("Dr Aoife Ní Mháille", [7; 16], now - Duration::days(1), &mut OsRng);
    (identity.expect("a new identity"), SignatureBlock { at: now, ..signature() })
}

#[test]
fn a_stamped_signature_is_accepted_by_every_verifier() {
    let Some(server) = Server::new("critical,timeStamping") else { return };
    let (identity, block) = signer();
    let page = pdf::render(&chest_report()).expect("printed");
    let mut asked = 0;
    let stamped = sign_with_time(&page, &identity, &block, &mut OsRng, &mut |question| {
        asked += 1;
        server.answer(question)
    });
    let stamped = stamped.expect("signed");
    assert_eq!(asked, 1);
    let own = identity.certificate_der().expect("DER");
    let found = verify(&stamped, &[own.clone(), server.authority()]);
    assert!(found.is_ok(), "{found:?}");
    let at = found.stamped_at.expect("a time");
    assert!((at - block.at).abs() < Duration::minutes(2), "{at}");
    // A server that nobody trusts says nothing of the time.
    let found = verify(&stamped, std::slice::from_ref(&own));
    assert_eq!((found.integrity, found.coverage, found.problems), (true, true, vec!["timestamp.untrusted"]));
    // pyHanko takes the whole for PAdES B-T.
    let Some(python) = python() else { return };
    std::fs::write(server.at("report.pdf"), &stamped).expect("written");
    std::fs::write(server.at("signer.der"), &own).expect("written");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/pdf/pyhanko_check.py");
    let path = |name: &str| server.at(name).to_str().expect("a plain path").to_owned();
    let said = tool(&python, &[script, &path("report.pdf"), &path("signer.der"), &path("ca.pem")]).expect("it ran");
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((&said["bottom_line"], &said["stamped"]), (&true.into(), &true.into()), "{said}");
}

#[test]
fn answers_that_are_not_good_sign_nothing() {
    let Some(server) = Server::new("critical,timeStamping") else { return };
    let (identity, block) = signer();
    let page = pdf::render(&chest_report()).expect("printed");
    let check = |block: &SignatureBlock, answer: &mut dyn FnMut(&[u8]) -> Result<Vec<u8>, ExportError>, code: &str| {
        let refused = sign_with_time(&page, &identity, block, &mut OsRng, answer).expect_err(code);
        assert_eq!(refused.code(), code, "{refused}");
    };
    check(&block, &mut |_| Err(ExportError::TimeStampUnreachable("nobody".into())), "timestamp.unreachable");
    check(&block, &mut |_| Ok(b"<html>busy</html>".to_vec()), "timestamp.invalid");
    check(&block, &mut |_| Ok(Vec::new()), "timestamp.invalid");
    // PKIStatusInfo: rejection.
    check(&block, &mut |_| Ok(vec![0x30, 5, 0x30, 3, 2, 1, 2]), "timestamp.refused");
    let earlier = SignatureBlock { at: block.at - Duration::hours(1), ..block.clone() };
    check(&earlier, &mut |question| server.answer(question), "timestamp.clock");
    // An answer to another question: of another value, or of another nonce.
    let mut other = Vec::new();
    let keep = sign_with_time(&page, &identity, &block, &mut OsRng, &mut |question| {
        other = question.to_vec();
        server.answer(question)
    });
    keep.expect("signed");
    check(&block, &mut |_| server.answer(&other), "timestamp.invalid");
    let changed = |at: fn(&[u8]) -> usize| {
        move |server: &Server, question: &[u8]| {
            let mut answer = server.answer(question)?;
            let at = at(&answer);
            answer[at] ^= 1;
            Ok(answer)
        }
    };
    let late = changed(|answer| answer.len() - 5);
    check(&block, &mut |question| late(&server, question), "timestamp.invalid");
    let Some(wrong) = Server::new("critical,timeStamping,serverAuth") else { return };
    // OpenSSL itself refuses to stamp with most wrong certificates; one with two uses it takes.
    let answered = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        sign_with_time(&page, &identity, &block, &mut OsRng, &mut |question| wrong.answer(question)).map(|_| ())
    }));
    assert!(!matches!(answered, Ok(Ok(()))), "a certificate for more than time stamps was taken");
}

#[test]
fn a_changed_or_foreign_stamp_is_refused() {
    let Some(server) = Server::new("critical,timeStamping") else { return };
    let (identity, block) = signer();
    let page = pdf::render(&chest_report()).expect("printed");
    let stamp = || sign_with_time(&page, &identity, &block, &mut OsRng, &mut |q| server.answer(q)).expect("signed");
    let trusted = [identity.certificate_der().expect("DER"), server.authority()];
    let stamped = stamp();
    assert!(verify(&stamped, &trusted).is_ok());
    let plain = sign(&page, &identity, &block, &mut OsRng).expect("signed");
    assert!(verify(&plain, &trusted).is_ok() && verify(&plain, &trusted).stamped_at.is_none());
    // id-aa-timeStampToken in DER.
    let oid = hex::encode([0x06, 0x0B, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x02, 0x0E]);
    let start = stamped.windows(oid.len()).position(|w| w == oid.as_bytes()).expect("a token");
    let end = start + stamped[start..].iter().position(|b| *b == b'>').expect("its end");
    let end = end - stamped[..end].iter().rev().take_while(|b| **b == b'0').count();
    // The authority's certificate travels along for readers that want it; the caller's own copy is what counts.
    let copy = hex::encode(server.authority());
    let copy_at = stamped.windows(copy.len()).position(|w| w == copy.as_bytes()).expect("the authority's certificate");
    let mut tried = 0;
    for at in (start..end).step_by(17).filter(|at| !(copy_at..copy_at + copy.len()).contains(at)) {
        let mut changed = stamped.clone();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        let found = verify(&changed, &trusted);
        let around = || String::from_utf8_lossy(&stamped[at - 24..at + 8]).into_owned();
        assert!(!found.is_ok(), "digit {at} of the token, {}: {found:?}", around());
        tried += 1;
    }
    assert!(tried > 40, "{tried}");
}
