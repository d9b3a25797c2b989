//! Hostile discs, archives, images, templates, macros, logos and certificates through the app's own handlers: each gets
//! an answer, the app lives, and no path outside of the data folder is read into it, made, changed or removed.
//!
//! Everything happens below one folder: the data folder, the disc that somebody brought, and what lies outside
//! of both, with a home and a folder for temporary files. What lies outside is listed before and after.

#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
#[allow(dead_code)]
mod checkout;
mod common;
mod dicom_damage;
mod person;

use common::{Listing, Random, amount, mutated};
use dicom_damage::{CHANCES, hostile, originals};
use hilum_app::App;
use hilum_app::commands::{audit, images, printing, reading, studies, templates, writing};
use hilum_app::dto::{AppError, MacroView, SectionName, WorklistFilter};
use hilum_testkit::dicom::{DicomFile, EXPLICIT_LE, INSTANCE_UID};
use person::{Came, import, radiograph, study_of, unlocked};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest that an answer may take: a disc of five thousand names, on a busy machine.
const MOST: u64 = 240;
/// So many hostile images are given at once, with an honest one among them.
const AT_ONCE: usize = 100;
/// Longest that looking at what came in may take: the decoder may take 10 s, on a busy machine.
const LOOK: Duration = Duration::from_secs(60);

/// The folders of one try. Home and temporary files lie outside of what may be touched.
fn place() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    for name in ["disc/IMAGES", "outside/home", "outside/tmp"] {
        std::fs::create_dir_all(root.path().join(name)).expect("a folder");
    }
    let outside = root.path().join("outside");
    std::fs::write(outside.join("LETTER"), radiograph("666").write()).expect("a file");
    std::fs::write(outside.join("notes.txt"), "Dear colleague,").expect("a file");
    root
}

fn record(file: &str) -> DicomFile {
    DicomFile::default().text(0x0004_1430, b"CS", "IMAGE").text(0x0004_1500, b"CS", file)
}

fn directory(records: Vec<DicomFile>) -> Vec<u8> {
    let file = DicomFile::default().text(0x0008_0016, b"UI", "1.2.840.10008.1.3.10").text(INSTANCE_UID, b"UI", "2.25.99");
    file.sequence(0x0004_1220, records).write_as(EXPLICIT_LE)
}

fn count(came: &[Came]) -> BTreeMap<(String, String), usize> {
    let mut counted = BTreeMap::new();
    came.iter().for_each(|(_, verdict, code)| *counted.entry((verdict.clone(), code.clone())).or_default() += 1);
    counted
}

/// Lets go of whoever waits for somebody to write into a pipe, however the test ends: a thread that waits keeps the
/// runtime from ending, and a failure from being said.
struct LetGo(PathBuf);

impl Drop for LetGo {
    fn drop(&mut self) {
        use std::os::unix::fs::OpenOptionsExt;
        let _ = std::fs::OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outside_of_the_data_folder_is_touched() {
    checkout::use_demo_packs();
    let root = place();
    let _let_go = LetGo(root.path().join("disc/pipe"));
    let outside = root.path().join("outside");
    // SAFETY: this test is the only one of its program, and the app, whose threads read these, is not made yet.
    unsafe {
        std::env::set_var("HOME", outside.join("home"));
        std::env::set_var("TMPDIR", outside.join("tmp"));
    }
    let (app, desk) = unlocked(root.path()).await;
    let data = root.path().join("data");
    let disc = root.path().join("disc");

    let names = a_disc_full_of_tricks(&disc);
    archives(&disc);
    let before = Listing::of(root.path(), &[&data]);

    // The disc by its table of contents, by its folder, and each archive by itself.
    let begun = Instant::now();
    let (came, _) = import(&app, &desk, vec![disc.join("DICOMDIR")], MOST).await;
    println!("a table of contents with {names} names: {} verdicts in {:.1} s", came.len(), begun.elapsed().as_secs_f64());
    for (verdict, files) in count(&came) {
        println!("  {files:5} {} {}", verdict.0, verdict.1);
    }
    let imported = came.iter().filter(|(_, verdict, _)| verdict == "imported").count();
    assert_eq!(imported, 1, "the one image that is on the disc: {:?}", count(&came));
    let (came, _) = import(&app, &desk, vec![disc.clone()], MOST).await;
    println!("the whole disc: {:?}", count(&came));
    for code in ["zip.unsafe_name", "zip.bomb", "zip.encrypted", "zip.too_many", "zip.structure"] {
        assert!(came.iter().any(|(_, verdict, found)| verdict == "refused" && found == code), "{code}: {:?}", count(&came));
    }
    // What cannot be read or is no file has a verdict as well, and none hangs.
    let odd = ["pipe", "link-to-nowhere", "link-to-itself", "missing"].map(|name| disc.join(name));
    let (came, _) = import(&app, &desk, [&odd[..], &[PathBuf::from("/dev/zero"), PathBuf::from("/proc/self/mem")]].concat(), MOST).await;
    assert_eq!(came.len(), 6, "{came:?}");
    assert!(came.iter().all(|(_, verdict, _)| verdict == "refused"), "{came:?}");

    let rows = reading::worklist(&app, String::new(), WorklistFilter::default()).await.expect("rows");
    assert!(rows.iter().all(|row| row.study_uid != study_of("666")), "an image from outside of the disc came in");
    hostile_images(&app, &desk, &root.path().join("images")).await;
    let chosen = root.path().join("chosen");
    std::fs::create_dir(&chosen).expect("a folder");
    chosen_files(&app, &desk, &chosen).await;
    std::fs::remove_dir_all(&chosen).expect("removed");
    reading::worklist(&app, String::new(), WorklistFilter::default()).await.expect("the app lives");
    app.close().await;

    let after = Listing::of(root.path(), &[&data]);
    let touched = before.differs(&after);
    assert!(touched.is_empty(), "touched outside of the data folder: {touched:?}");
    println!("{} paths outside of the data folder, none touched", after.len());
}

/// A disc whose table of contents names one honest image, itself, another that names it back, what lies
/// outside, links, a pipe, and nothing, many times over. Gives the number of names.
fn a_disc_full_of_tricks(disc: &Path) -> usize {
    std::fs::write(disc.join("IMAGES/A"), radiograph("1").write()).expect("a file");
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, disc.join(at)).expect("a link");
    link("../outside/notes.txt", "IMAGES/NOTES");
    link("../nowhere", "link-to-nowhere");
    link("link-to-itself", "link-to-itself");
    link("..", "IMAGES/UP");
    let pipe = CString::new(disc.join("pipe").to_str().expect("a path")).expect("no zero");
    // SAFETY: a plain system call with a path that lives.
    assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o644) }, 0, "a pipe");
    let mut records: Vec<DicomFile> = [
        "IMAGES\\A", "IMAGES\\A", "DICOMDIR", "SECOND", "IMAGES\\NOTES", "pipe", "..\\outside\\LETTER", "..\\..\\etc\\passwd", "/etc/passwd",
        "\\etc\\passwd", "C:\\WINDOWS", "IMAGES/A", "IMAGES\\..\\..\\outside\\LETTER", ".", "", "IMAGES\\", "IMAGES\\UP", "link-to-nowhere", "link-to-itself",
        "\u{0}", "%2e%2e\\outside\\LETTER", "..%5coutside", "....\\\\outside", "~\\LETTER", "$HOME\\LETTER",
    ]
    .map(record)
    .into();
    records.extend((0..5000).map(|n| record(&format!("GONE\\N{n}"))));
    let names = records.len();
    std::fs::write(disc.join("DICOMDIR"), directory(records)).expect("a file");
    std::fs::write(disc.join("SECOND"), directory(vec![record("DICOMDIR"), record("SECOND"), record("IMAGES\\A")])).expect("a file");
    names
}

/// One member of an archive, with what may be a lie.
struct Member {
    name: String,
    bytes: Vec<u8>,
    method: u16,
    flags: u16,
    unpacked: u32,
    /// Unix mode in the upper half, as archives keep links.
    attributes: u32,
}

fn member(name: &str, bytes: Vec<u8>) -> Member {
    Member { name: name.to_owned(), unpacked: bytes.len() as u32, bytes, method: 0, flags: 0, attributes: 0 }
}

/// CRC-32 as ZIP has it (APPNOTE.TXT 4.4.7).
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |c, _| (c >> 1) ^ (0xedb8_8320 & (0u32.wrapping_sub(c & 1)))))
}

fn zip(members: &[Member], count: Option<u16>) -> Vec<u8> {
    let (mut out, mut table) = (Vec::new(), Vec::new());
    for m in members {
        let offset = out.len() as u32;
        let mut common = Vec::new();
        common.extend(m.flags.to_le_bytes());
        common.extend(m.method.to_le_bytes());
        common.extend([0; 4]);
        for long in [crc(&m.bytes), m.bytes.len() as u32, m.unpacked] {
            common.extend(long.to_le_bytes());
        }
        common.extend((m.name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        out.extend([&b"PK\x03\x04\x14\0"[..], &common, m.name.as_bytes(), &m.bytes].concat());
        let rest = [&[0u8; 6][..], &m.attributes.to_le_bytes(), &offset.to_le_bytes(), m.name.as_bytes()].concat();
        // Made by Unix, so that the attributes are a mode.
        table.extend([&b"PK\x01\x02\x14\x03\x14\0"[..], &common, &rest].concat());
    }
    let count = count.unwrap_or(members.len() as u16).to_le_bytes();
    let (start, length) = ((out.len() as u32).to_le_bytes(), (table.len() as u32).to_le_bytes());
    [&out[..], &table, b"PK\x05\x06\0\0\0\0", &count, &count, &length, &start, &[0, 0]].concat()
}

fn archives(disc: &Path) {
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(disc.join(name), bytes).expect("an archive");
    let image = || radiograph("2").write();
    let names = [
        "../../outside/evil", "/tmp/evil", "C:\\evil", "..", "a/../../evil", "\\\\server\\share\\evil", "", "evil\0.dcm", "good/../evil", "../outside/LETTER",
        "~/evil", "$HOME/evil", "IMAGES/A", "CON", "a:b",
    ];
    let traversal: Vec<Member> = names.iter().map(|name| member(name, image())).collect();
    write("traversal.zip", zip(&traversal, None));
    let link = Member { attributes: 0o120777 << 16, ..member("link", b"../outside/LETTER".to_vec()) };
    write("links.zip", zip(&[link, member("link/evil", image())], None));
    let huge = Member { unpacked: 3 << 30, method: 8, ..member("huge", vec![3, 0]) };
    write("bomb.zip", zip(&[huge], None));
    write("locked.zip", zip(&[Member { flags: 1, ..member("locked", image()) }], None));
    write("odd.zip", zip(&[Member { method: 99, ..member("odd", image()) }], None));
    write("many.zip", zip(&[member("one", image())], Some(u16::MAX)));
    write("lying.zip", zip(&[member("one", image())], Some(9)));
    let inner = zip(&[member("../evil", image())], None);
    let nested = (0..5).fold(inner, |inner, _| zip(&[member("inner.zip", inner.clone()), member("twice.zip", inner)], None));
    write("nested.zip", nested);
    let table = directory(vec![record("..\\..\\outside\\LETTER"), record("DICOMDIR")]);
    write("disc.zip", zip(&[member("DICOMDIR", table), member("IMAGES/B", image())], None));
    write("cut.zip", zip(&[member("one", image())], None)[..500].to_vec());
}

/// The files that `hostile_dicom.rs` gives to the decoder alone, imported as a person does: by the app, which starts the decoder
/// and keeps files, thumbnails and rows. One verdict for each, the honest image among them comes in each time, and whatever came
/// in can be opened and looked at.
async fn hostile_images(app: &Arc<App>, desk: &person::Desk, folder: &Path) {
    let (mut random, originals) = (Random::new(CHANCES), originals());
    let wanted = amount(60, 2000);
    let (mut verdicts, mut came_in, mut honest) = (BTreeMap::<String, usize>::new(), BTreeSet::new(), 0);
    let begun = Instant::now();
    for first in (0..wanted).step_by(AT_ONCE) {
        std::fs::create_dir(folder).expect("a folder");
        let mut given = Vec::new();
        for n in first..(first + AT_ONCE).min(wanted) {
            let (_, bytes) = hostile(&mut random, n, &originals);
            given.push(format!("{n:04}.dcm"));
            std::fs::write(folder.join(&given[n - first]), bytes).expect("a file");
        }
        given.push("honest.dcm".to_owned());
        std::fs::write(folder.join("honest.dcm"), radiograph(&(1000 + first).to_string()).write()).expect("a file");
        let (came, brought) = import(app, desk, vec![folder.to_owned()], MOST).await;
        std::fs::remove_dir_all(folder).expect("removed");
        let mut names: Vec<&str> = came.iter().map(|(name, ..)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, given, "one verdict for each file: {:?}", count(&came));
        for (name, verdict, code) in &came {
            let in_words = match verdict.as_str() {
                "imported" | "known" => code.is_empty(),
                "refused" => code.contains('.') && code.len() < 64,
                _ => false,
            };
            assert!(in_words, "{name}: {verdict} {code:?}");
            honest += usize::from(name == "honest.dcm" && verdict == "imported");
            *verdicts.entry(format!("{verdict} {code}")).or_default() += 1;
        }
        came_in.extend(brought);
    }
    println!("{wanted} hostile images in {:.0} s", begun.elapsed().as_secs_f64());
    verdicts.iter().for_each(|(verdict, files)| println!("  {files:5} {verdict}"));
    let rounds = wanted.div_ceil(AT_ONCE);
    assert_eq!(honest, rounds, "the honest images came in");
    assert!(verdicts.len() > 3, "the files are hostile in more than one way");

    let mut looks = BTreeMap::<String, usize>::new();
    for study in &came_in {
        let opened = tokio::time::timeout(LOOK, studies::open_study(app, study.clone())).await.expect("an answer");
        let opened = opened.unwrap_or_else(|e| panic!("{study:?} came in and is not opened: {}", e.code));
        for image in opened.images {
            let small = tokio::time::timeout(LOOK, images::thumbnail(app, image.instance_uid.clone())).await;
            let whole = tokio::time::timeout(LOOK, images::image_pixels(app, image.instance_uid)).await;
            for (what, answer) in [("thumbnail", small), ("image", whole)] {
                let code = answer.expect("an answer").map_or_else(|e| e.code, |_| "shown".to_owned());
                *looks.entry(format!("{what}: {code}")).or_default() += 1;
            }
        }
    }
    println!("  {} studies opened: {looks:?}", came_in.len());
    for what in ["thumbnail: shown", "image: shown"] {
        assert!(looks.get(what).is_some_and(|times| *times >= rounds), "{what} of every honest image: {looks:?}");
    }
    let chain = audit::audit_verify(app).await.expect("a chain");
    assert!(chain.ok, "{chain:?}");
}

/// Damaged templates, macros, logos and certificates, each chosen in its dialog.
async fn chosen_files(app: &Arc<App>, desk: &person::Desk, folder: &Path) {
    let (mut random, mut answers) = (Random::new(0xF11E), BTreeMap::<String, usize>::new());
    let icons = checkout::root().join("icons");
    let template = hilum_report::mrrt::export(&hilum_report::builtin_templates()[0]).into_bytes();
    let one = MacroView { name: "guard".into(), sections: vec![SectionName::Findings], text: "The ${1:side} lung.".into() };
    writing::macro_put(app, one, None).await.expect("a macro");
    *desk.save.lock().expect("a file") = Some(folder.join("macros.json"));
    let written = writing::macros_export(app).await.expect("exported").expect("a file");
    let macros = std::fs::read(written).expect("the macros");
    let jpeg = jpeg();
    let kinds: [(&str, Vec<Vec<u8>>); 4] = [
        ("logo", vec![std::fs::read(icons.join("32x32.png")).expect("an icon"), jpeg]),
        ("template", vec![template]),
        ("macros", vec![macros]),
        ("certificate", vec![b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n".to_vec(), b"\x30\x82\x01\x00".to_vec()]),
    ];
    let words: [&[u8]; 8] = [b"IHDR", b"\xFF\xFF\xFF\xFF", b"\x00\x00\x00\x00", b"IDAT", b"\xFF\xD8\xFF\xC2", b"<script>", b"../", b"{\"macros\":["];
    for n in 0..amount(160, 2000) {
        let (kind, originals) = &kinds[n % kinds.len()];
        let original = &originals[random.below(originals.len())];
        let bytes = if n < kinds.len() { original.clone() } else { mutated(&mut random, original, original, &words) };
        let path = folder.join("chosen");
        std::fs::write(&path, &bytes).expect("written");
        *desk.files.lock().expect("files") = Some(vec![path]);
        let begun = Instant::now();
        let answer: Result<(), AppError> = match *kind {
            "logo" => printing::logo_choose(app).await.map(drop),
            "template" => templates::template_import(app).await.map(drop),
            "macros" => writing::macros_import(app).await.map(drop),
            _ => printing::time_stamp_certificate(app).await.map(drop),
        };
        assert!(begun.elapsed() < Duration::from_secs(20), "{kind} {n} takes {:?}", begun.elapsed());
        let code = answer.map_or_else(|e| e.code, |()| "taken".to_owned());
        assert!(!code.is_empty() && code.len() < 64, "{code}");
        *answers.entry(format!("{kind}: {code}")).or_default() += 1;
    }
    answers.iter().for_each(|(answer, files)| println!("  {files:5} {answer}"));
    for kind in ["logo: taken", "template: taken", "macros: taken", "logo: logo."] {
        assert!(answers.keys().any(|answer| answer.starts_with(kind)), "{kind} is among {answers:?}");
    }
}

/// The smallest picture that a JPEG decoder takes: eight by eight, grey, one block of nothing.
fn jpeg() -> Vec<u8> {
    let mut out = b"\xFF\xD8\xFF\xDB\x00\x43\x00".to_vec();
    out.extend([16; 64]);
    out.extend(b"\xFF\xC0\x00\x0B\x08\x00\x08\x00\x08\x01\x01\x11\x00");
    out.extend(b"\xFF\xC4\x00\x14\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00");
    out.extend(b"\xFF\xC4\x00\x14\x10\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00");
    out.extend(b"\xFF\xDA\x00\x08\x01\x01\x00\x00\x3F\x00\x3F\xFF\xD9");
    out
}
