//! Reports of every kind, signed with keys of every kind, each before three verifiers: Hilum's own, pyHanko, which must
//! find the whole file covered, and pdfsig where poppler is here.
//!
//! 12 reports in the small form, 100 in the full one (`HILUM_GUARD_CASES` says another number). pyHanko's verdict is not
//! to be done without in the full form and in continuous integration: there the guard fails where `HILUM_PYTHON` names no
//! Python that has it.

#[path = "common.rs"]
mod guard;
#[path = "../../src-tauri/crates/export/tests/common/mod.rs"]
mod sample;

use guard::{Random, amount, full};
use hilum_export::signature::Identity;
use hilum_export::verify::verify;
use hilum_export::{ImageMark, KeyImage, Logo, Measured, Paper, ParentVersion, ReportDocument, SignatureBlock};
use hilum_report::{Meaning, VersionId, VersionKind};
use sample::{chest_report, drafted, person, picture, pyhanko, python, shared, signed, skipped, text, tool};
use std::collections::BTreeMap;
use std::process::Command;
use time::macros::datetime;
use time::{Duration, OffsetDateTime, UtcOffset};

/// Patients and readers, whose names the bundled fonts can all show.
const NAMES: [&str; 16] = [
    "Åse Þórðardóttir-Łukasiewicz",
    "Nguyễn Thị Ánh Tuyết",
    "Παπαδόπουλος Γεώργιος",
    "Достоевский Фёдор Михайлович",
    "山田 太郎",
    "김민수 金敏洙",
    "王小明 歐陽娜娜",
    "שרה כהן",
    "علي الشمري (عيادة)",
    "Արամ Խաչատրյան",
    "შოთა რუსთაველი",
    "สมชาย ใจดี",
    "राम शर्मा",
    "শেখ রহমান",
    "தமிழ் செல்வன்",
    "O'Brien \"J.\" <b>&amp;</b> (\\)",
];

const WORDS: [&str; 20] = [
    "opacity",
    "Erguss",
    "épanchement",
    "≤ 2 mm",
    "∅ 38 mm",
    "clear",
    "lungs",
    "no",
    "small",
    "right",
    "left",
    "unchanged",
    "Lungen",
    "сердце",
    "neumotórax",
    "(apical)",
    "7.4°",
    "endobj",
    "/Contents",
    "\\)",
];

/// Somebody who signs: a key, the certificate that a verifier trusts, and a time at which it holds.
struct Signer {
    kind: &'static str,
    identity: Identity,
    trust: Vec<u8>,
    at: OffsetDateTime,
}

#[test]
fn every_verifier_accepts_every_report() {
    let demanded = full() || std::env::var("CI").is_ok_and(|ci| ci == "true");
    let hears_pyhanko = python().is_some();
    assert!(hears_pyhanko || !demanded, "HILUM_PYTHON names no Python with pyHanko, whose verdict is asked for here");
    let hears_poppler = Command::new("pdfsig").arg("-v").output().is_ok();
    if !hears_poppler {
        skipped("pdfsig is not installed");
    }
    let signers = signers();
    assert!(signers.len() >= 5 || !demanded, "only {} kinds of keys", signers.len());
    let mut random = Random::new(100);
    let mut kinds = BTreeMap::<&str, usize>::new();
    let (mut pages, mut bytes) = (0, 0);
    let reports = amount(12, 100);
    for number in 0..reports {
        // Moved on by one each time round, so that every kind of key meets every kind of report.
        let signer = &signers[(number + number / signers.len()) % signers.len()];
        let document = report(number, signer.at, &mut random);
        let name = format!("report {number}, {:?}, {}", document.kind, signer.kind);
        let pdf = signed(&document, &signer.identity);
        check(&name, &pdf, &document, signer, hears_pyhanko, hears_poppler);
        let count = lopdf::Document::load_mem(&pdf).expect("a PDF").get_pages().len();
        (pages, bytes) = (pages + count, bytes + pdf.len());
        *kinds.entry(signer.kind).or_default() += 1;
        for (kind, is) in [
            ("addenda", document.kind == VersionKind::Addendum),
            ("amendments", document.kind == VersionKind::Amendment),
            ("with figures", !document.key_images.is_empty()),
            ("with a logo", document.letterhead.logo.is_some()),
            ("of three pages and more", count >= 3),
            ("co-signed", document.signature.as_ref().is_some_and(|block| block.meaning == Meaning::CoSigned)),
        ] {
            *kinds.entry(kind).or_default() += usize::from(is);
        }
    }
    println!("{reports} reports, {pages} pages, {} KB: {kinds:?}", bytes / 1024);
    assert!(reports < 12 || kinds.values().all(|number| *number > 0), "a kind of report was not made: {kinds:?}");
}

/// Words that stand between the parts of a file, or that a verifier looks for in its bytes, are words when somebody types
/// them: under a figure, beside a mark, as an institution.
#[test]
fn words_of_the_format_are_words() {
    let identity = sample::identity();
    let trust = [identity.certificate_der().expect("DER")];
    let words = [
        "%%EOF",
        "startxref",
        "/Prev 116",
        "/XRefStm 116",
        "/ByteRange[0 1 2 3]",
        "endobj",
        "endstream",
        "%PDF-1.7",
        "/OpenAction",
        "(\\",
        "<00>",
    ];
    for said in words {
        let mut document = chest_report();
        document.letterhead.institution = format!("St. {said}");
        document.key_images[0].caption = format!("PA {said} view");
        let mark = ImageMark {
            strokes: vec![vec![[20.0, 20.0], [60.0, 90.0]]],
            anchor: [60.0, 90.0],
            words: vec![said.into()],
        };
        document.key_images[0].marks = vec![mark];
        document.letterhead.logo = Some(Logo { width: 2, height: 1, rgb: vec![0; 6] });
        let verified = verify(&signed(&document, &identity), &trust);
        assert!(verified.is_ok(), "{said}: {:?}", verified.problems);
    }
}

fn check(name: &str, pdf: &[u8], document: &ReportDocument, signer: &Signer, hears_pyhanko: bool, hears_poppler: bool) {
    let block = document.signature.as_ref().expect("a signature block");
    let verified = verify(pdf, std::slice::from_ref(&signer.trust));
    assert!(verified.is_ok(), "{name}: {verified:?}");
    assert_eq!(verified.signer.as_deref(), Some(&*signer.identity.name()), "{name}");
    assert_eq!(verified.signed_at, Some(block.at), "{name}");
    assert_eq!(verified.reason.as_deref(), Some(block.meaning.words()), "{name}");
    assert_eq!(verified.audit_head.as_ref(), Some(&document.audit_head), "{name}");
    if hears_pyhanko {
        let said = pyhanko(pdf, &signer.trust).expect("pyHanko's verdict");
        for yes in ["bottom_line", "valid", "intact", "trusted", "docmdp_ok"] {
            assert_eq!(said[yes], true, "{name}: {yes}: {said}");
        }
        assert_eq!(said["coverage"], "ENTIRE_FILE", "{name}: {said}");
        assert_eq!(said["subfilter"], "/ETSI.CAdES.detached", "{name}: {said}");
        assert_eq!(
            (said["name"].as_str(), said["reason"].as_str()),
            (Some(&*block.name), Some(block.meaning.words())),
            "{name}"
        );
    }
    if hears_poppler {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), pdf).expect("written");
        let said = tool("pdfsig", &["-nocert", file.path().to_str().expect("a plain path")]).expect("pdfsig's verdict");
        assert!(said.contains("Signature is Valid.") && said.contains("Total document signed"), "{name}: {said}");
    }
}

/// A report unlike the others: kind, length, names, figures and times by its number, the rest by chance.
fn report(number: usize, at: OffsetDateTime, random: &mut Random) -> ReportDocument {
    let mut document = chest_report();
    document.paper = if number % 2 == 0 { Paper::A4 } else { Paper::Letter };
    document.patient.name = NAMES[number % NAMES.len()].into();
    document.patient.id = format!("MRN {}", random.number() % 10_000_000);
    document.study.accession = format!("A{}", random.number() % 1_000_000);
    document.version = VersionId::new(format!("version-{number}"));
    document.audit_head = (0..64).map(|_| char::from(random.pick(b"0123456789abcdef"))).collect();
    document.demo = random.one_in(4);
    document.accepted_in_bulk = document.demo && random.one_in(2);
    let hours = UtcOffset::from_whole_seconds((random.below(26 * 4) as i32 - 12 * 4) * 900).expect("an offset");
    let at = (at + Duration::minutes(random.below(600) as i64)).to_offset(hours);
    document.created = at;
    let kind = [VersionKind::Original, VersionKind::Addendum, VersionKind::Amendment][number % 3];
    let sentences = if number % 5 == 4 { 150 + random.below(60) } else { 1 + random.below(12) };
    document.text = words(kind, sentences, random);
    let meaning = match kind {
        _ if document.in_bulk() => Meaning::AcceptedInBulk,
        VersionKind::Addendum => Meaning::AddendumAuthor,
        VersionKind::Amendment => Meaning::AmendmentAuthor,
        VersionKind::Original if number % 2 == 0 => {
            let mut value = serde_json::to_value(&document.text).expect("JSON");
            value["preliminary"] = serde_json::json!({ "by": "u2", "name": NAMES[random.below(8)], "at": "2020-11-23T12:30:00Z", "revision": 7 });
            document.text = serde_json::from_value(value).expect("a text");
            Meaning::CoSigned
        }
        VersionKind::Original => Meaning::ReviewedAndApproved,
    };
    if kind != VersionKind::Original {
        let id = VersionId::new(format!("version-before-{number}"));
        document.parent =
            Some(ParentVersion { id, at: at - Duration::days(1), by: NAMES[random.below(NAMES.len())].into() });
    }
    document.kind = kind;
    document.communications =
        (0..random.below(3)).map(|n| format!("Result {n}: told to Dr Ó Briain by telephone; read back.")).collect();
    document.key_images = (0..number % 4).map(|n| figure(n, random)).collect();
    document.measurements = (0..random.below(12)).map(|n| measured(n, random)).collect();
    document.letterhead.logo = (number % 3 == 1).then(|| logo(random));
    document.signature = Some(SignatureBlock { name: NAMES[(number * 7) % NAMES.len()].into(), at, meaning });
    document
}

fn words(kind: VersionKind, sentences: usize, random: &mut Random) -> hilum_report::FinalText {
    let mut section = |count: usize, region: Option<&str>| -> Vec<serde_json::Value> {
        let sentences = 0..count;
        let each = sentences.map(|n| {
            let words: Vec<&str> = (0..2 + random.below(14)).map(|_| random.pick(&WORDS)).collect();
            let sentence = format!("{n}. {} {}.", words.join(" "), random.pick(&NAMES));
            if random.one_in(2) { person(&sentence, region) } else { drafted(&sentence, region, false, false) }
        });
        each.collect()
    };
    let mut sections =
        vec![("findings", section(sentences, Some("lungs"))), ("impression", section(1 + sentences / 8, None))];
    if kind == VersionKind::Addendum {
        sections.push(("addendum", section(1 + sentences / 4, None)));
    }
    text(&sections)
}

fn figure(number: usize, random: &mut Random) -> KeyImage {
    let caption = format!("{number}. {}", random.pick(&NAMES));
    if random.one_in(2) {
        let marks = vec![ImageMark {
            strokes: vec![vec![[20.0, 20.0], [60.0, 90.0], [random.below(300) as f32, random.below(300) as f32]]],
            anchor: [60.0, 90.0],
            words: vec!["12 mm".into(), random.pick(&WORDS).into()],
        }];
        return KeyImage { caption, marks, ..picture() };
    }
    let (width, height) = (1 + random.below(700), 1 + random.below(700));
    KeyImage { width, height, grey: random.bytes(width * height), caption, marks: vec![] }
}

fn measured(number: usize, random: &mut Random) -> Measured {
    Measured {
        image: "1".into(),
        label: format!("Length {number}: {}", random.pick(&WORDS)),
        value: format!("{} mm", random.below(300)),
        spacing: "Pixel Spacing, calibrated".into(),
    }
}

fn logo(random: &mut Random) -> Logo {
    let (width, height) = (1 + random.below(200), 1 + random.below(100));
    Logo { width, height, rgb: random.bytes(width * height * 3) }
}

/// A key made by Hilum, keys of one's own in PKCS#12 as OpenSSL writes them, and one that an authority certified.
fn signers() -> Vec<Signer> {
    let made = sample::identity();
    let trust = made.certificate_der().expect("DER");
    let mut signers = vec![Signer { kind: "key made by Hilum", identity: made, trust, at: sample::signature().at }];
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (kind, key) in [
        ("own key, P-256", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
        ("own key, P-384", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
        ("own key, RSA 2048", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
        ("own key, RSA 3072", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"]),
    ] {
        let Some(file) = own_key(folder.path(), key) else { break };
        let identity = Identity::from_pkcs12(&file, "geheim").unwrap_or_else(|e| panic!("{kind}: {e}"));
        let trust = identity.certificate_der().expect("DER");
        // OpenSSL's certificates begin now; a signature's time has whole seconds.
        let at = (OffsetDateTime::now_utc() + Duration::hours(1)).replace_nanosecond(0).expect("a time");
        signers.push(Signer { kind, identity, trust, at });
    }
    if let Some(folder) = shared("data/pdf/testing-ca") {
        let file = std::fs::read(folder.join("signer1.pfx")).expect("the file");
        let root = std::fs::read_to_string(folder.join("root.cert.pem")).expect("the file");
        let (_, trust) = der::pem::decode_vec(root.trim().as_bytes()).expect("PEM");
        let identity = Identity::from_pkcs12(&file, "").expect("opened");
        // Good from 2020 to 2022.
        signers.push(Signer { kind: "key of an authority", identity, trust, at: datetime!(2021-06-01 9:30 UTC) });
    }
    signers
}

/// A PKCS#12 file with a new key of this kind; `None`, with the reason said, where there is no OpenSSL.
fn own_key(folder: &std::path::Path, key: &[&str]) -> Option<Vec<u8>> {
    let at = |name: &str| folder.join(name).to_str().expect("a plain path").to_owned();
    let (pem, certificate, store) = (at("key.pem"), at("certificate.pem"), at("store.p12"));
    let mut make = vec!["genpkey", "-out", &pem];
    make.extend(key);
    tool("openssl", &make)?;
    let usage = "keyUsage=critical,digitalSignature,nonRepudiation";
    let certify = [
        "req",
        "-x509",
        "-new",
        "-key",
        &pem,
        "-out",
        &certificate,
        "-subj",
        "/CN=Dr Own Key",
        "-days",
        "3650",
        "-addext",
        usage,
    ];
    tool("openssl", &certify)?;
    tool(
        "openssl",
        &["pkcs12", "-export", "-inkey", &pem, "-in", &certificate, "-out", &store, "-passout", "pass:geheim"],
    )?;
    Some(std::fs::read(store).expect("the store"))
}
