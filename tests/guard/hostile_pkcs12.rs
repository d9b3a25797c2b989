//! Hostile key files and certificates: PKCS#12 of every kind of damage, with rounds and sizes that nobody needs, is
//! refused or opened, in short time, and so is the certificate of a time-stamp server.

mod common;

use base64::Engine;
use common::over_corpus;
use hilum_export::signature::{Identity, certificate_of, summary_of};

/// Of every file in the corpus, made with two rounds by OpenSSL 3: PBES2, the older encryption, keys in the
/// open, and without a checksum, so that damage reaches what lies behind it.
const PASSWORD: &str = "x";

/// What a reader meets: lengths without and beyond an end, the object identifiers of the format, numbers.
const WORDS: [&[u8]; 14] = [
    b"\x30\x80", b"\x30\x84\xFF\xFF\xFF\xFF", b"\x04\x00", b"\xA0\x84\x7F\xFF\xFF\xFF", b"\x02\x01\x00", b"\x02\x01\xFF",
    b"\x02\x04\x7F\xFF\xFF\xFF", b"\x02\x05\x00\xFF\xFF\xFF\xFF", b"\x02\x03\x0F\x42\x40",
    b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01", b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x06",
    b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x05\x0D", b"\x06\x09\x2B\x06\x01\x04\x01\xDA\x47\x04\x0B",
    b"\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x0C\x0A\x01\x02",
];

fn judged(bytes: &[u8]) -> String {
    match Identity::from_pkcs12(bytes, PASSWORD) {
        Ok(identity) => {
            // What was opened can be kept and taken out again, as it will be.
            let kept = identity.to_bytes().expect("an identity is kept");
            Identity::from_bytes(&kept).expect("what was kept is one");
            "opened".to_owned()
        }
        Err(refused) => refused.to_string(),
    }
}

fn kept(name: &str) -> Vec<u8> {
    let file = common::repository().join("tests/guard/corpus/hostile_pkcs12").join(name);
    std::fs::read(file).expect("a file of the corpus")
}

#[test]
fn damaged_key_files_get_an_answer() {
    for name in ["pbes2.p12", "legacy.p12", "plain.p12", "nomac.p12"] {
        assert_eq!(judged(&kept(name)), "opened", "{name}, before it is damaged");
    }
    let answers = over_corpus("hostile_pkcs12", &[], &WORDS, 1500, judged);
    assert!(answers.contains("opened") && answers.len() >= 8, "{answers:?}");
}

/// A certificate as it is sent by mail.
fn pem(der: &[u8]) -> Vec<u8> {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n")).into_bytes()
}

#[test]
fn damaged_certificates_get_an_answer() {
    let identity = Identity::from_pkcs12(&kept("plain.p12"), PASSWORD).expect("an identity");
    let der = identity.certificate_der().expect("a certificate");
    let seeds = [pem(&der), der];
    for seed in &seeds {
        assert_eq!(certificate_of(seed).expect("before it is damaged").0, seeds[1]);
    }
    let words = [&WORDS[..], &[&b"-----BEGIN CERTIFICATE-----\n"[..], b"-----END", b"\n\n", b"====", b"\x06\x03\x55\x04\x03", b"\x17\x0D"]].concat();
    let answers = over_corpus("certificates", &seeds, &words, 2000, |bytes| match certificate_of(bytes) {
        Err(refused) => refused.to_string(),
        Ok((der, name)) => {
            // What is kept of it is read again, each time that a stamp is checked.
            assert_eq!(certificate_of(&der).expect("what was taken is read"), (der.clone(), name));
            summary_of(&der).map_or_else(|why| format!("taken, {why}"), |_| "taken".to_owned())
        }
    });
    assert!(answers.contains("taken") && answers.len() >= 5, "{answers:?}");
}

/// Every byte of every file, replaced by every edge.
#[test]
fn every_byte_may_lie() {
    let mut tried = 0;
    for name in ["pbes2.p12", "legacy.p12", "plain.p12", "nomac.p12"] {
        let whole = kept(name);
        for at in 0..whole.len() {
            for lie in [0x00, 0x01, 0x7F, 0x80, 0x84, 0xFF] {
                let mut bytes = whole.clone();
                bytes[at] = lie;
                judged(&bytes);
                tried += 1;
            }
        }
    }
    println!("hostile_pkcs12: {tried} lying bytes, 0 panics");
}

/// Rounds that would take hours, and memory that nobody has, are refused before the first of them.
#[test]
fn work_without_end_is_refused() {
    let rounds_now = b"\x02\x01\x02";
    for (name, rounds) in [("nomac.p12", b"\x02\x04\x7F\xFF\xFF\xFF"), ("pbes2.p12", b"\x02\x04\x3F\xFF\xFF\xFF")] {
        let whole = kept(name);
        // Behind the eight bytes of a salt.
        let places: Vec<usize> = (10..=whole.len() - 3)
            .filter(|at| whole[*at..].starts_with(rounds_now) && whole[at - 10..].starts_with(b"\x04\x08"))
            .collect();
        assert!(!places.is_empty(), "{name}");
        for place in places {
            let bytes = lengthened(&whole, place, rounds_now.len(), rounds);
            let answer = judged(&bytes);
            assert!(answer.contains("unreasonable number of rounds"), "{name} at {place}: {answer}");
        }
    }
}

/// DER with `old` bytes at `place` replaced, and the length of everything around them put right.
fn lengthened(der: &[u8], place: usize, old: usize, new: &[u8]) -> Vec<u8> {
    let mut bytes = der.to_vec();
    let more = new.len() - old;
    // Outermost first: everything whose content covers the place and whose length is written in two bytes or one.
    let mut at = 0;
    while at < place {
        let (length, width) = match bytes[at + 1] {
            short @ 0..=0x7F => (usize::from(short), 1),
            0x81 => (usize::from(bytes[at + 2]), 2),
            0x82 => (usize::from(bytes[at + 2]) << 8 | usize::from(bytes[at + 3]), 3),
            other => panic!("a length of form {other:#x}"),
        };
        let content = at + 1 + width;
        if place >= content + length {
            at = content + length;
            continue;
        }
        let longer = length + more;
        match width {
            1 => {
                assert!(longer < 0x80, "the length still fits");
                bytes[at + 1] = longer as u8;
            }
            2 => {
                assert!(longer < 0x100, "the length still fits");
                bytes[at + 2] = longer as u8;
            }
            _ => bytes[at + 2..at + 4].copy_from_slice(&(longer as u16).to_be_bytes()),
        }
        at = content;
    }
    assert_eq!(at, place, "the place is where an element begins");
    bytes.splice(place..place + old, new.iter().copied());
    bytes
}
