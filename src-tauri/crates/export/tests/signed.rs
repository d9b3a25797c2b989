//! Signed reports, and every way of spoiling one.

mod common;

use common::*;
use hilum_export::signature::{Identity, sign};
use hilum_export::verify::{Verification, verify};
use hilum_export::*;
use time::OffsetDateTime;
use time::macros::datetime;

fn certificate(identity: &Identity) -> Vec<u8> {
    identity.certificate_der().expect("DER")
}

/// What `pdfsig` prints of a file.
fn pdfsig(pdf: &[u8]) -> Option<String> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), pdf).expect("written");
    tool("pdfsig", &["-nocert", file.path().to_str()?])
}

/// Alice's key from the testing authority, good from 2020 to 2022, with the authority's root.
fn imported() -> Option<(Identity, Vec<u8>)> {
    let folder = shared("data/pdf/testing-ca")?;
    let pfx = std::fs::read(folder.join("signer1.pfx")).expect("the file");
    let root = std::fs::read_to_string(folder.join("root.cert.pem")).expect("the file");
    let (_, root) = der::pem::decode_vec(root.trim().as_bytes()).expect("PEM");
    Some((Identity::from_pkcs12(&pfx, "").expect("opened"), root))
}

fn everybody_agrees(pdf: &[u8], trust: &[u8], signer: &str, at: OffsetDateTime) {
    let verified = verify(pdf, &[trust.to_vec()]);
    assert!(verified.is_ok(), "{verified:?}");
    assert_eq!(verified.signer.as_deref(), Some(signer));
    assert_eq!(verified.signed_at, Some(at));
    assert_eq!(verified.reason.as_deref(), Some("Reviewed and approved"));
    if let Some(said) = pdfsig(pdf) {
        assert!(said.contains("Signature is Valid."), "{said}");
        assert!(said.contains("Total document signed"), "{said}");
        assert!(said.contains("ETSI.CAdES.detached"), "{said}");
    }
    if let Some(said) = pyhanko(pdf, trust) {
        for yes in ["bottom_line", "valid", "intact", "trusted", "docmdp_ok"] {
            assert_eq!(said[yes], true, "{yes}: {said}");
        }
        assert_eq!(said["coverage"], "ENTIRE_FILE", "{said}");
        assert_eq!(said["subfilter"], "/ETSI.CAdES.detached");
        assert_eq!(said["name"], "Dr Aoife Ní Mháille");
    }
}

#[test]
fn every_verifier_accepts_a_report_signed_with_a_new_key() {
    let identity = identity();
    let pdf = signed(&chest_report(), &identity);
    if let Ok(folder) = std::env::var("HILUM_KEEP_PDF") {
        std::fs::write(format!("{folder}/signed-new-key.pdf"), &pdf).expect("written");
    }
    everybody_agrees(&pdf, &certificate(&identity), "Dr Aoife Ní Mháille", signature().at);
}

#[test]
fn every_verifier_accepts_a_report_signed_with_an_imported_key() {
    let Some((identity, root)) = imported() else { return };
    let mut document = chest_report();
    let at = datetime!(2021-06-01 9:30 -5);
    document.signature = Some(SignatureBlock { at, ..signature() });
    let pdf = signed(&document, &identity);
    everybody_agrees(&pdf, &root, "Alice", at);
    // The signer's own certificate may be the one that is trusted.
    everybody_agrees(&pdf, &certificate(&identity), "Alice", at);
}

#[test]
fn the_stored_form_of_an_identity_is_the_same_identity() {
    let mut identities = vec![identity()];
    identities.extend(imported().map(|(identity, _)| identity));
    for identity in identities {
        let bytes = identity.to_bytes().expect("bytes");
        let again = Identity::from_bytes(&bytes).expect("read back");
        assert_eq!(*again.to_bytes().expect("bytes"), *bytes);
        assert_eq!(certificate(&again), certificate(&identity));
        for length in [0, 1, 5, bytes.len() / 2, bytes.len() - 1] {
            let code = Identity::from_bytes(&bytes[..length]).expect_err("cut off").code();
            assert_eq!(code, "identity.unreadable", "{length}");
        }
    }
}

#[test]
fn pkcs12_files_are_opened_or_refused_with_a_reason() {
    let check = |bytes: &[u8], password: &str, code: &str| {
        assert_eq!(Identity::from_pkcs12(bytes, password).expect_err(code).code(), code);
    };
    check(b"", "", "pkcs12.unreadable");
    check(b"not a store", "x", "pkcs12.unreadable");
    let Some(folder) = shared("data/pdf/testing-ca") else { return };
    let pfx = std::fs::read(folder.join("signer1.pfx")).expect("the file");
    check(&pfx, "wrong", "pkcs12.wrong_password");
    check(&pfx[..pfx.len() / 2], "", "pkcs12.unreadable");
    // The file is protected by its checksum: a changed byte is refused or changes nothing.
    let whole = Identity::from_pkcs12(&pfx, "").expect("opened").to_bytes().expect("bytes");
    for at in positions(300, pfx.len()) {
        let mut changed = pfx.clone();
        changed[at] ^= 0x10;
        if let Ok(identity) = Identity::from_pkcs12(&changed, "") {
            assert_eq!(*identity.to_bytes().expect("bytes"), *whole, "byte {at}");
        }
    }
}

/// Stores that OpenSSL writes: every kind of key and of encryption.
#[test]
fn pkcs12_files_of_openssl_are_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name).to_str().expect("a plain path").to_owned();
    let cases: [(&str, &[&str], &[&str], Result<(), &str>); 7] = [
        ("p256", &["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], &[], Ok(())),
        ("p384", &["EC", "-pkeyopt", "ec_paramgen_curve:P-384"], &[], Ok(())),
        ("rsa2048", &["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], &[], Ok(())),
        (
            "rsa3072-3des",
            &["RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
            &["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"],
            Ok(()),
        ),
        ("p256-rc2", &["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], &["-legacy", "-macalg", "sha1"], Ok(())),
        ("rsa1024", &["RSA", "-pkeyopt", "rsa_keygen_bits:1024"], &[], Err("key.too_weak")),
        ("p521", &["EC", "-pkeyopt", "ec_paramgen_curve:P-521"], &[], Err("key.unsupported")),
    ];
    for (name, key, export, expected) in cases {
        let (pem, cert, pfx) = (at("key.pem"), at("cert.pem"), at("store.pfx"));
        let mut generate = vec!["genpkey", "-out", &pem, "-algorithm"];
        generate.extend(key);
        if tool("openssl", &generate).is_none() {
            return;
        }
        tool(
            "openssl",
            &[
                "req",
                "-x509",
                "-new",
                "-key",
                &pem,
                "-out",
                &cert,
                "-subj",
                "/CN=Test",
                "-days",
                "3650",
                "-addext",
                "keyUsage=critical,digitalSignature,nonRepudiation",
            ],
        );
        let mut arguments =
            vec!["pkcs12", "-export", "-inkey", &pem, "-in", &cert, "-out", &pfx, "-passout", "pass:geheim"];
        arguments.extend(export);
        tool("openssl", &arguments);
        let bytes = std::fs::read(&pfx).expect("the store");
        let opened = Identity::from_pkcs12(&bytes, "geheim");
        match expected {
            Err(code) => assert_eq!(opened.expect_err(name).code(), code, "{name}"),
            Ok(()) => {
                let identity = opened.unwrap_or_else(|e| panic!("{name}: {e}"));
                let wrong = Identity::from_pkcs12(&bytes, "falsch").expect_err(name);
                assert_eq!(wrong.code(), "pkcs12.wrong_password", "{name}");
                // OpenSSL's certificates begin now, which may be after the sample's date.
                let mut document = chest_report();
                let now = time::OffsetDateTime::now_utc() + time::Duration::hours(1);
                document.signature = Some(SignatureBlock { at: now, ..signature() });
                let pdf = signed(&document, &identity);
                let trust = certificate(&identity);
                let about = hilum_export::signature::summary_of(&trust).expect(name);
                assert_eq!((about.name.as_str(), about.issuer.as_str(), about.self_issued), ("Test", "Test", true));
                assert_eq!(about.fingerprint, identity.fingerprint().expect(name));
                assert_eq!((about.valid_until - now).whole_days(), 3649, "{name}");
                assert!(verify(&pdf, std::slice::from_ref(&trust)).is_ok(), "{name}");
                if let Some(said) = pyhanko(&pdf, &trust) {
                    assert_eq!(said["bottom_line"], true, "{name}: {said}");
                }
                if let Some(said) = pdfsig(&pdf) {
                    assert!(said.contains("Signature is Valid."), "{name}: {said}");
                }
            }
        }
    }
}

#[test]
fn a_certificate_must_hold_at_the_time_of_signing() {
    let identity = identity();
    let document = chest_report();
    let pdf = pdf::render(&document).expect("printed");
    for at in [datetime!(2026-10-31 23:59:59 UTC), datetime!(2056-11-02 0:00 UTC)] {
        let block = SignatureBlock { at, ..signature() };
        assert_eq!(sign(&pdf, &identity, &block, &mut OsRng).expect_err("refused").code(), "cert.expired");
    }
    let twice = sign(&signed(&document, &identity), &identity, &signature(), &mut OsRng);
    assert_eq!(twice.expect_err("refused").code(), "pdf.already_signed");
    for name in ["", " ", &"x".repeat(65), "a\nb"] {
        let made = Identity::create_p256(name, [1; 16], datetime!(2026-11-01 0:00 UTC), &mut OsRng);
        assert_eq!(made.expect_err("refused").code(), "identity.name");
    }
}

#[test]
fn trust_is_asked_for() {
    let (identity, other) = (identity(), identity());
    let pdf = signed(&chest_report(), &identity);
    let check = |trusted: &[Vec<u8>], expected: &[&str]| {
        let verified = verify(&pdf, trusted);
        assert!(verified.integrity && verified.coverage, "{verified:?}");
        assert_eq!(verified.problems, expected);
        assert_eq!(verified.trust, expected.is_empty());
    };
    check(&[], &["signer.untrusted"]);
    // Same name, same serial number, another key.
    check(&[certificate(&other)], &["signer.untrusted"]);
    check(&[b"junk".to_vec(), certificate(&identity)], &["trust.unreadable"]);
    check(&[certificate(&other), certificate(&identity)], &[]);
}

/// Where the signature value stands in a signed file.
fn gap(pdf: &[u8]) -> std::ops::Range<usize> {
    let at = pdf.windows(11).position(|w| w == b"/ByteRange[").expect("a byte range");
    let end = at + pdf[at..].iter().position(|b| *b == b']').expect("its end");
    let text = std::str::from_utf8(&pdf[at + 11..end]).expect("numbers");
    let numbers: Vec<usize> = text.split_ascii_whitespace().map(|n| n.parse().expect("a number")).collect();
    numbers[1]..numbers[2]
}

/// The same positions every time, spread over the file.
fn positions(count: usize, below: usize) -> impl Iterator<Item = usize> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    (0..count).map(move |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    })
}

#[test]
fn one_changed_byte_is_enough() {
    let identity = identity();
    let trusted = [certificate(&identity)];
    let mut document = chest_report();
    document.key_images = vec![];
    let pdf = signed(&document, &identity);
    assert!(verify(&pdf, &trusted).is_ok());
    let gap = gap(&pdf);
    let refused = |changed: &[u8], what: &str| -> Verification {
        let verified = verify(changed, &trusted);
        assert!(!verified.is_ok() && !verified.problems.is_empty(), "{what} accepted: {verified:?}");
        verified
    };
    let mut flipped = 0;
    for (i, at) in positions(700, pdf.len()).enumerate() {
        let mut changed = pdf.clone();
        changed[at] ^= 1 << (i % 8);
        let verified = refused(&changed, &format!("byte {at}"));
        flipped += usize::from(!gap.contains(&at));
        assert!(!verified.integrity || !verified.coverage, "byte {at}: {verified:?}");
    }
    assert!(flipped >= 300, "{flipped}");
    // The value itself: DER, padding, and the letters it is written in.
    for at in gap.clone().step_by(37) {
        let mut changed = pdf.clone();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        refused(&changed, &format!("value byte {at}"));
    }
    let mut changed = pdf.clone();
    let letter = gap.start + pdf[gap.clone()].iter().position(u8::is_ascii_lowercase).expect("a letter");
    changed[letter] = changed[letter].to_ascii_uppercase();
    refused(&changed, "a capital in the value");
    for at in positions(60, pdf.len()) {
        let mut cut = pdf.clone();
        cut.remove(at);
        refused(&cut, &format!("byte {at} removed"));
        let mut longer = pdf.clone();
        longer.insert(at, b' ');
        refused(&longer, &format!("a byte put in at {at}"));
        refused(&pdf[..at], &format!("cut off at {at}"));
    }
}

#[test]
fn what_is_put_around_the_file_is_found() {
    let identity = identity();
    let trusted = [certificate(&identity)];
    let pdf = signed(&chest_report(), &identity);
    let check = |changed: Vec<u8>, code: &str| {
        let verified = verify(&changed, &trusted);
        assert!(!verified.is_ok() && verified.problems.contains(&code), "{code}: {verified:?}");
    };
    check([&pdf[..], b"x"].concat(), "pdf.trailing_bytes");
    check([&pdf[..], b"\n"].concat(), "pdf.coverage");
    check([&pdf[..], &[0; 4096]].concat(), "pdf.trailing_bytes");
    check([&pdf[..], b"\n\n"].concat(), "pdf.trailing_bytes");
    check([&pdf[..], b"\n%%EOF"].concat(), "pdf.incremental_update");
    check([b"junk\n", &pdf[..]].concat(), "pdf.leading_bytes");
    check([b" ", &pdf[..]].concat(), "pdf.leading_bytes");
    check([&pdf[..], &pdf[..]].concat(), "pdf.incremental_update");
    check(b"PK\x03\x04 nothing of the kind".to_vec(), "pdf.not_pdf");
    check(Vec::new(), "pdf.not_pdf");
}

/// A text object put over the page by appending a new revision.
#[test]
fn an_incremental_update_is_found() {
    let identity = identity();
    let trusted = [certificate(&identity)];
    let pdf = signed(&chest_report(), &identity);
    let file = lopdf::Document::load_mem(&pdf).expect("a PDF");
    let page = *file.get_pages().get(&1).expect("a page");
    let contents = file.get_page_contents(page)[0];
    let start = pdf.windows(9).rposition(|w| w == b"startxref").expect("its end");
    let previous = String::from_utf8_lossy(&pdf[start + 9..]).split_whitespace().next().expect("a number").to_owned();
    let root = file.trailer.get(b"Root").and_then(|o| o.as_reference()).expect("a root").0;
    let mut updated = pdf.clone();
    updated.extend(b"\n");
    let at = updated.len();
    let stream = "BT ET";
    updated.extend(
        format!("{} 0 obj\n<</Length {}>>stream\n{stream}\nendstream\nendobj\n", contents.0, stream.len()).bytes(),
    );
    let table = updated.len();
    updated.extend(
        format!(
            "xref\n{} 1\n{at:010} 00000 n \ntrailer\n<</Size {}/Root {root} 0 R/Prev {previous}>>\nstartxref\n{table}\n%%EOF",
            contents.0,
            file.max_id + 1
        )
        .bytes(),
    );
    let verified = verify(&updated, &trusted);
    assert!(!verified.coverage, "{verified:?}");
    assert!(verified.problems.contains(&"pdf.incremental_update"), "{verified:?}");
    assert!(verified.problems.contains(&"pdf.coverage"), "{verified:?}");
}

/// Files whose structure was edited and whose signature was made again by
/// somebody whom the verifier does not trust, or not made again.
#[test]
fn edited_structure_is_found() {
    let identity = identity();
    let trusted = [certificate(&identity)];
    let document = chest_report();
    let pdf = signed(&document, &identity);
    let replace = |from: &[u8], to: &[u8]| -> Vec<u8> {
        assert_eq!(from.len(), to.len());
        let at = pdf.windows(from.len()).position(|w| w == from).expect("it is there");
        let mut changed = pdf.clone();
        changed[at..at + to.len()].copy_from_slice(to);
        changed
    };
    for (from, to) in [
        (&b"/DocMDP"[..], &b"/DocXXX"[..]),
        (b"/ETSI.CAdES.detached", b"/adbe.pkcs7.detached"),
        (b"/P 1", b"/P 3"),
        (b"D:2026", b"D:2027"),
        (b"/FT/Sig", b"/FT/Btn"),
        (b"/ByteRange[0 ", b"/ByteRange[1 "),
    ] {
        let verified = verify(&replace(from, to), &trusted);
        assert!(!verified.integrity, "{}: {verified:?}", String::from_utf8_lossy(from));
    }
    // Signed again after the edit, by another key of the same name.
    let other = common::identity();
    let mut edited = document.clone();
    edited.patient.name = "Somebody Else".into();
    let verified = verify(&signed(&edited, &other), &trusted);
    assert_eq!(verified.problems, ["signer.untrusted"]);
    // The signature value of one report in another.
    let mut grafted = signed(&edited, &identity);
    let (from, to) = (gap(&pdf), gap(&grafted));
    assert_eq!(from.len(), to.len());
    grafted[to].copy_from_slice(&pdf[from]);
    let verified = verify(&grafted, &trusted);
    assert!(verified.problems.contains(&"pdf.modified"), "{verified:?}");
}

/// A document that is signed with an action in it.
#[test]
fn a_file_that_acts_is_refused() {
    let identity = identity();
    let trusted = [certificate(&identity)];
    let mut file = lopdf::Document::load_mem(&pdf::render(&chest_report()).expect("printed")).expect("a PDF");
    let action = lopdf::dictionary! { "S" => "JavaScript", "JS" => lopdf::Object::string_literal("app.alert(1)") };
    file.catalog_mut().expect("a catalogue").set("OpenAction", action);
    let mut bytes = Vec::new();
    file.save_to(&mut bytes).expect("saved");
    let pdf = sign(&bytes, &identity, &signature(), &mut OsRng).expect("signed");
    assert_eq!(verify(&pdf, &trusted).problems, ["pdf.active_content"]);
}

#[test]
fn foreign_files_are_refused() {
    let identity = identity();
    let trusted = [certificate(&identity)];
    let unsigned = pdf::render(&chest_report()).expect("printed");
    assert_eq!(verify(&unsigned, &trusted).problems, ["pdf.not_signed"]);
    let Some(folder) = shared("data/pdf") else { return };
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "pdf") {
            let verified = verify(&std::fs::read(&path).expect("the file"), &trusted);
            println!("{}: {:?}", path.file_name().unwrap_or_default().display(), verified.problems);
            assert!(!verified.is_ok() && !verified.integrity || !verified.coverage);
            seen += 1;
        }
    }
    assert!(seen >= 3);
}

/// Files made to keep a parser busy: deep nesting, loops, and numbers beyond any file.
#[test]
fn hostile_files_are_refused_at_once() {
    let wrapped = |objects: &str| -> Vec<u8> {
        let body = format!("%PDF-1.7\n{objects}\n");
        let table = body.len();
        let offset = body.find("1 0 obj").unwrap_or(0);
        format!(
            "{body}xref\n0 2\n0000000000 65535 f \n{offset:010} 00000 n \ntrailer\n<</Size 2/Root 1 0 R>>\nstartxref\n{table}\n%%EOF"
        )
        .into_bytes()
    };
    let range = "/ByteRange[0 1 2 3]";
    let cases = [
        wrapped(&format!("1 0 obj\n<<{range}/A {}{}>>\nendobj", "[".repeat(100_000), "]".repeat(100_000))),
        wrapped(&format!("1 0 obj\n<<{range}/A {}{}>>\nendobj", "<</A".repeat(100_000), ">>".repeat(100_000))),
        wrapped(&format!("1 0 obj\n<<{range}/A {}>>\nendobj", "(".repeat(100_000))),
        wrapped("1 0 obj\n<</ByteRange[0 99999999999999999999 -1 9223372036854775807]/Type/Sig>>\nendobj"),
        wrapped(&format!("1 0 obj\n<</Type/Catalog{range}/AcroForm 1 0 R/Fields 1 0 R/V 1 0 R/Perms 1 0 R>>\nendobj")),
        wrapped(&format!("1 0 obj\n<</Length 1 0 R{range}>>stream\nx\nendstream\nendobj")),
        format!("%PDF-1.7\n/ByteRange\nxref\n0 99999999999999\nstartxref\n9\n%%EOF").into_bytes(),
        b"%PDF-1.7\n/ByteRange startxref\n18446744073709551616\n%%EOF".to_vec(),
        b"%PDF-/ByteRange startxref %%EOF".to_vec(),
    ];
    let start = std::time::Instant::now();
    for (number, case) in cases.iter().enumerate() {
        assert!(!verify(case, &[]).is_ok(), "{number}");
    }
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[test]
fn no_image_codec_is_linked() {
    let Some(tree) = tool(
        env!("CARGO"),
        &["tree", "-p", "hilum-export", "-e", "normal,no-proc-macro", "--prefix", "none", "--offline"],
    ) else {
        return;
    };
    for line in tree.lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        assert!(
            !matches!(
                name,
                "image"
                    | "zune-jpeg"
                    | "jpeg-decoder"
                    | "turbojpeg"
                    | "turbojpeg-sys"
                    | "openjpeg-sys"
                    | "jpeg2k"
                    | "charls"
            ) && !name.starts_with("dicom-")
                && !name.starts_with("candle-")
                && !name.starts_with("mistralrs"),
            "{name}"
        );
    }
}
