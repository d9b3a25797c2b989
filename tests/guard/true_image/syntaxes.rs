//! Every transfer syntax of the standard: decoded, with a case that shows it to be exact (`frame.rs`), or refused by its
//! name alone. What is refused carries pictures that Hilum decodes well under their own names, so that a decoder which
//! went by their first bytes would show them.

use crate::cases::{self, COLUMNS, ROWS};
use crate::common::root;
use crate::frame::written;
use crate::person::{import, unlocked};
use flate2::write::DeflateEncoder;
use hilum_app::commands::studies;
use hilum_testkit::dicom::{DicomFile, EXPLICIT_LE, preamble_and_meta};
use hilum_testkit::transfer_syntaxes;
use std::collections::BTreeSet;
use std::io::Write;

/// Fixtures whose frames are carried, and how many bits a value of theirs has.
const STREAMS: [(&str, u16); 6] =
    [("jpeg2000", 12), ("htj2k", 12), ("jpegls", 12), ("jpeg_lossless_sv1", 12), ("jpeg_baseline", 8), ("rle", 12)];

/// A file without a name of its pixels' syntax yet, and the one under which it is a picture.
struct Carried {
    what: &'static str,
    file: DicomFile,
    own: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_transfer_syntax_of_the_standard_is_decoded_or_refused() {
    let root = tempfile::tempdir().expect("a folder");
    let full = std::env::var_os("HILUM_GUARD_FORM").is_some_and(|form| form == "full");
    let decoded: BTreeSet<String> = cases::all().iter().map(|case| syntax_of(&case.file)).collect();
    for uid in &decoded {
        assert!(transfer_syntaxes::ALL.iter().any(|(known, _)| known == uid), "{uid} is not in the standard");
    }
    let carried = carried();
    let others = transfer_syntaxes::ALL.iter().filter(|(uid, _)| !decoded.contains(*uid));
    let others: Vec<&(&str, &str)> = others.chain(&transfer_syntaxes::NOT_OF_THE_STANDARD).collect();
    let mut foreign: Vec<(String, Vec<u8>)> = Vec::new();
    for (n, (uid, keyword)) in others.iter().enumerate() {
        // In the small form two of them, and other two for the next.
        let some = if full { 0..carried.len() } else { 2 * n..2 * n + 2 };
        for one in some.map(|at| &carried[at % carried.len()]) {
            foreign.push((format!("{keyword}, {}", one.what), one.file.write_as(uid)));
        }
    }
    foreign.extend(in_another_form());

    let (app, desk) = unlocked(root.path()).await;
    let named =
        |n: usize, one: &Carried| cases::named(one.file.clone(), &format!("CARRIED{n}"), 300 + n).write_as(&one.own);
    let own: Vec<(String, Vec<u8>)> =
        carried.iter().enumerate().map(|(n, one)| (one.what.to_owned(), named(n, one))).collect();
    let (came, _) = import(&app, &desk, written(root.path().join("own"), &numbered(&own)), 120).await;
    assert_eq!(came.len(), carried.len());
    assert!(came.iter().all(|(_, verdict, _)| verdict == "imported"), "{came:?}");

    let seconds = 60 + 2 * foreign.len() as u64;
    let (came, _) = import(&app, &desk, written(root.path().join("foreign"), &numbered(&foreign)), seconds).await;
    assert_eq!(came.len(), foreign.len());
    for (name, verdict, code) in &came {
        let of: usize = name.trim_end_matches(".dcm").parse().expect("a number");
        let what = &foreign[of].0;
        assert_eq!((&verdict[..], &code[..]), ("refused", "dicom.unsupported_transfer_syntax"), "{what}");
    }
    let rows = studies::worklist(&app, String::new()).await.expect("a worklist");
    assert_eq!(rows.len(), carried.len(), "of what was refused nothing is there to be opened");
    app.close().await;
    println!(
        "{} transfer syntaxes of the standard: {} decoded, each in a case; {} and {} others refused in {} files",
        transfer_syntaxes::ALL.len(),
        decoded.len(),
        transfer_syntaxes::ALL.len() - decoded.len(),
        transfer_syntaxes::NOT_OF_THE_STANDARD.len(),
        foreign.len()
    );
}

/// What a file says that it is written in; every file here says so.
fn syntax_of(file: &[u8]) -> String {
    const TRANSFER_SYNTAX_UID: &[u8] = b"\x02\x00\x10\x00UI";
    let at = file.windows(6).position(|w| w == TRANSFER_SYNTAX_UID).expect("a transfer syntax") + 6;
    let length = usize::from(u16::from_le_bytes([file[at], file[at + 1]]));
    let name = std::str::from_utf8(&file[at + 2..at + 2 + length]).expect("a name");
    name.trim_end_matches('\0').to_owned()
}

/// A picture of each compression, and one that is not compressed.
fn carried() -> Vec<Carried> {
    let streams = STREAMS.iter().map(|&(what, bits)| {
        let path = root().join(format!("src-tauri/crates/decode/tests/fixtures/{what}.dcm"));
        let fixture = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let allocated = if bits == 8 { 8 } else { 16 };
        // As large as the fixtures are.
        let header = DicomFile::header(47, 61, allocated, bits);
        Carried { what, file: header.fragments(vec![first_frame(&fixture)]), own: syntax_of(&fixture) }
    });
    let native = DicomFile::radiograph(ROWS as u16, COLUMNS as u16, 12, cases::wedge);
    let native = Carried { what: "not compressed", file: native, own: EXPLICIT_LE.to_owned() };
    streams.chain([native]).collect()
}

/// The fragment behind the offset table.
fn first_frame(file: &[u8]) -> Vec<u8> {
    const PIXELS: &[u8] = b"\xE0\x7F\x10\x00OB\x00\x00\xFF\xFF\xFF\xFF";
    let table = file.windows(PIXELS.len()).position(|w| w == PIXELS).expect("pixels in fragments") + PIXELS.len();
    let value = |item: usize| {
        let length = u32::from_le_bytes(file[item + 4..item + 8].try_into().expect("four bytes"));
        item + 8..item + 8 + length as usize
    };
    file[value(value(table).end)].to_vec()
}

/// Data sets that are not written as data sets are: deflated as a whole, as mail, as XML.
fn in_another_form() -> Vec<(String, Vec<u8>)> {
    let deflated = |uid: &str| {
        let mut file = DeflateEncoder::new(preamble_and_meta(uid), flate2::Compression::default());
        file.write_all(&cases::plain().data_set(EXPLICIT_LE)).expect("deflated");
        file.finish().expect("deflated")
    };
    let text = |uid: &str, text: &str| [&preamble_and_meta(uid)[..], text.as_bytes()].concat();
    vec![
        ("JPIPReferencedDeflate, deflated".to_owned(), deflated("1.2.840.10008.1.2.4.95")),
        ("JPIPHTJ2KReferencedDeflate, deflated".to_owned(), deflated("1.2.840.10008.1.2.4.205")),
        (
            "RFC2557MIMEEncapsulation, as mail".to_owned(),
            text("1.2.840.10008.1.2.6.1", "MIME-Version: 1.0\r\nContent-Type: image/jpeg\r\n\r\n"),
        ),
        (
            "XMLEncoding, as XML".to_owned(),
            text("1.2.840.10008.1.2.6.2", "<?xml version=\"1.0\"?><NativeDicomModel></NativeDicomModel>"),
        ),
    ]
}

/// Files whose names say where they stand in the list, since not every keyword is a name that a file may have.
fn numbered(files: &[(String, Vec<u8>)]) -> Vec<(String, &[u8])> {
    files.iter().enumerate().map(|(n, (_, bytes))| (format!("{n}.dcm"), &bytes[..])).collect()
}
