//! Hostile model packs: every header length and offset lied about, every file damaged, sizes that no model
//! has. A folder is refused with a code, quickly and in little memory; an installed pack with one flipped bit
//! in weights, tokenizer, configuration or chat template is refused.

mod common;

use common::{Random, amount, over_corpus};
use hilum_packs::{MANIFEST_FILE, PackError, inspect_folder, verify};
use hilum_testkit::gemma3::{Spelling, write_checkpoint};
use hilum_testkit::siglip::TinySiglip;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// Looking at a folder reads headers and small files; anything longer was made to take long.
const MOST: Duration = Duration::from_secs(5);

fn answer(dir: &Path) -> Result<(), PackError> {
    let begun = Instant::now();
    let found = inspect_folder(dir).map(|_| ());
    assert!(begun.elapsed() < MOST, "looking took {:?}: {found:?}", begun.elapsed());
    found
}

fn siglip(dir: &Path) {
    TinySiglip::references()[0].1.write(dir).expect("a checkpoint");
}

#[test]
fn every_header_length_and_offset_may_lie() {
    let dir = tempfile::tempdir().expect("a folder");
    siglip(dir.path());
    let path = dir.path().join("model.safetensors");
    let whole = std::fs::read(&path).expect("weights");
    let length = u64::from_le_bytes(whole[..8].try_into().expect("eight bytes"));
    let header: Value = serde_json::from_slice(&whole[8..8 + length as usize]).expect("a header");
    let data = &whole[8 + length as usize..];
    answer(dir.path()).expect("the folder is good before it is spoilt");
    let mut tried = 0;
    let mut refused = |bytes: &[u8], what: String| {
        std::fs::write(&path, bytes).expect("written");
        let code = answer(dir.path()).expect_err(&what).code();
        assert!(code.starts_with("pack."), "{what}: {code}");
        tried += 1;
    };
    for lie in [0, 1, 7, length - 1, length + 1, 99_999_999, 100_000_001, u64::from(u32::MAX), 1 << 40, i64::MAX as u64, u64::MAX] {
        refused(&[&lie.to_le_bytes()[..], &whole[8..]].concat(), format!("a header of {lie} bytes"));
    }
    for (bytes, what) in [
        (whole[..whole.len() - 1].to_vec(), "a byte short"),
        (whole[..whole.len() / 2].to_vec(), "half of it"),
        ([&whole[..], b"x"].concat(), "a byte more"),
    ] {
        refused(&bytes, what.to_owned());
    }
    let with = |header: &Value| {
        let header = header.to_string();
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
    };
    let names: Vec<String> = header.as_object().expect("an object").keys().filter(|n| *n != "__metadata__").cloned().collect();
    for name in &names {
        let offsets = &header[name]["data_offsets"];
        let (begin, end) = (offsets[0].as_u64().expect("a begin"), offsets[1].as_u64().expect("an end"));
        let lies = [
            json!([begin, end + 1]), json!([begin + 1, end]), json!([end, begin]), json!([0, u64::MAX]), json!([u64::MAX, 0]),
            json!([u64::MAX - 1, u64::MAX]), json!([-1, end]), json!([begin]), json!(null), json!([begin as f64 + 0.5, end]),
        ];
        for lie in lies {
            let mut header = header.clone();
            header[name]["data_offsets"] = lie.clone();
            refused(&with(&header), format!("{name} at {lie}"));
        }
        for shape in [json!([]), json!([0]), json!([u64::MAX, 2]), json!([1u64 << 32, 1u64 << 32]), json!([-1]), json!("x")] {
            if shape == header[name]["shape"] || (shape == json!([]) && end - begin == 4) {
                continue;
            }
            let mut header = header.clone();
            header[name]["shape"] = shape.clone();
            refused(&with(&header), format!("{name} of shape {shape}"));
        }
        for dtype in [json!("F64"), json!("U8"), json!("F4"), json!("nonsense"), json!(7)] {
            let mut header = header.clone();
            header[name]["dtype"] = dtype.clone();
            refused(&with(&header), format!("{name} of type {dtype}"));
        }
    }
    for deep in [100, 100_000] {
        refused(&with_raw(&"[".repeat(deep), data), format!("{deep} levels of nothing"));
        refused(&with_raw(&"{\"a\":".repeat(deep), data), format!("{deep} levels of names"));
    }
    println!("hostile_packs: {tried} lying headers, all refused");
}

fn with_raw(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// Every number of a configuration, replaced by every edge.
#[test]
fn sizes_that_no_model_has_are_refused_at_once() {
    for gemma in [false, true] {
        let dir = tempfile::tempdir().expect("a folder");
        if gemma { write_checkpoint(dir.path(), Spelling::Transformers4, 1).expect("a checkpoint") } else { siglip(dir.path()) }
        answer(dir.path()).expect("the folder is good before it is spoilt");
        let path = dir.path().join("config.json");
        let whole: Value = serde_json::from_slice(&std::fs::read(&path).expect("a configuration")).expect("JSON");
        let mut tried = 0;
        for part in ["text_config", "vision_config", ""] {
            let fields: Vec<String> = whole.pointer(&place(part)).and_then(Value::as_object).into_iter().flatten().map(|(k, _)| k.clone()).collect();
            let absent = ["num_hidden_layers", "image_size", "patch_size", "num_channels", "head_dim", "vocab_size", "num_attention_heads"];
            for field in fields.iter().map(String::as_str).chain(absent) {
                let lies = [json!(0), json!(1u64 << 62), json!(-1), json!(u32::MAX), json!(u64::MAX), json!(1e300), json!("x"), json!([]), json!({})];
                // A folder of MedGemma's kind takes a tenth of a second to look at.
                for lie in lies.into_iter().take(if common::full() { 9 } else { 2 }) {
                    let mut config = whole.clone();
                    if let Some(object) = config.pointer_mut(&place(part)).and_then(Value::as_object_mut) {
                        object.insert(field.to_owned(), lie);
                    }
                    std::fs::write(&path, config.to_string()).expect("written");
                    // Some fields are nobody's business; what counts is that the answer comes, and soon.
                    let _ = answer(dir.path());
                    tried += 1;
                }
            }
        }
        println!("hostile_packs: {tried} lying configurations, each answered");
    }
}

fn place(part: &str) -> String {
    if part.is_empty() { String::new() } else { format!("/{part}") }
}

#[test]
fn damaged_folders_get_an_answer() {
    for file in ["model.safetensors", "config.json", "tokenizer.json", "pack.json"] {
        let dir = tempfile::tempdir().expect("a folder");
        siglip(dir.path());
        let path = dir.path().join(file);
        let mut data = Vec::new();
        let seed = match file {
            "pack.json" => manifest_of(dir.path()),
            // Weights are long and never looked at; the header is what is.
            "model.safetensors" => {
                let mut whole = std::fs::read(&path).expect("weights");
                let length = u64::from_le_bytes(whole[..8].try_into().expect("eight bytes")) as usize;
                data = whole.split_off(8 + length);
                whole.split_off(8)
            }
            _ => std::fs::read(&path).expect("a file"),
        };
        let words: [&[u8]; 10] =
            [b"{\"", b"\":[", b"data_offsets", b"shape", b"null", b"-1", b"18446744073709551616", b"\"F32\"", b"[[[[[[[[", b"\\u0000"];
        let name = format!("hostile_packs_{}", file.split('.').next().unwrap_or(file));
        let answers = over_corpus(&name, &[seed], &words, 250, |bytes| {
            let length = if data.is_empty() { Vec::new() } else { (bytes.len() as u64).to_le_bytes().to_vec() };
            std::fs::write(&path, [&length[..], bytes, &data].concat()).expect("written");
            if file == MANIFEST_FILE {
                return match verify(dir.path()) {
                    Ok(_) => "verified".to_owned(),
                    Err(problems) => problems.first().map_or("nothing", PackError::code).to_owned(),
                };
            }
            match inspect_folder(dir.path()) {
                Ok(_) => "taken".to_owned(),
                Err(refused) => refused.to_string(),
            }
        });
        assert!(answers.len() >= 2, "{file}: {answers:?}");
    }
}

/// A manifest that vouches for the files of the folder.
fn manifest_of(dir: &Path) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let mut files = serde_json::Map::new();
    for file in common::files_below(dir) {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        files.insert(name, json!(hex::encode(Sha256::digest(std::fs::read(&file).expect("a file")))));
    }
    let manifest = json!({
        "id": "tiny", "kind": "medsiglip", "name": "Tiny", "demo": true, "source": "made here", "terms": "", "notice": "",
        "quantization": "none", "files": files,
    });
    serde_json::to_vec(&manifest).expect("JSON")
}

/// One bit of any file, and the pack is another one.
#[test]
fn one_flipped_bit_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    write_checkpoint(dir.path(), Spelling::Transformers5, 1).expect("a checkpoint");
    let manifest = manifest_of(dir.path());
    let files = common::files_below(dir.path());
    for needed in ["model.safetensors", "tokenizer.json", "config.json", "tokenizer_config.json"] {
        assert!(files.iter().any(|file| file.ends_with(needed)), "{needed} is there");
    }
    // Where this kind of checkpoint keeps its chat template.
    let settings = std::fs::read(dir.path().join("tokenizer_config.json")).expect("the tokenizer's settings");
    let settings: Value = serde_json::from_slice(&settings).expect("JSON");
    assert!(settings["chat_template"].is_string(), "a chat template is among the files");
    std::fs::write(dir.path().join(MANIFEST_FILE), manifest).expect("written");
    verify(dir.path()).expect("the pack is good before a bit is flipped");
    let mut random = Random::new(0xB17);
    let mut flipped = 0;
    for file in &files {
        let whole = std::fs::read(file).expect("a file");
        for _ in 0..amount(5, 200) {
            let mut bytes = whole.clone();
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
            std::fs::write(file, bytes).expect("written");
            let problems = verify(dir.path()).expect_err("another file").iter().map(PackError::code).collect::<Vec<_>>();
            assert_eq!(problems, ["pack.hash_mismatch"], "{}", file.display());
            flipped += 1;
        }
        std::fs::write(file, whole).expect("written");
    }
    println!("hostile_packs: {flipped} flipped bits in {} files, all refused", files.len());
}
