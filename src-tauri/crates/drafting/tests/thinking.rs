//! A model that thinks before it answers: its thinking is no part of a free answer, neither of the text nor of the stream.
//!
//! The weights decide on every token, so that all is in play that lies between a token of the model and a word on the
//! screen: the engine's own text of the token, its chunks, and what takes the block out of them.

mod common;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;

use common::{grey, repository};
use hilum_drafting::{DraftEvent, Engine};
use hilum_testkit::gemma3::{SIDE, Spelling, image, write_checkpoint};
use hilum_testkit::gemma3_recital::recite;
use hilum_workers::messages::draft::DraftPrompt;
use serde_json::{Value, json};
use tokenizers::Tokenizer;

/// Makes the checkpoint in `folder` write the tokens of `answer`, and holds what is left of them against `report`: with and
/// without an image, as a report and as a free question, whole and cut short after every token.
fn check(folder: &Path, words: usize, answer: &[&str], report: &str) {
    let tokenizer = Tokenizer::from_file(folder.join("tokenizer.json")).unwrap();
    let id = |token: &str| tokenizer.token_to_id(token).unwrap_or_else(|| panic!("{token:?} is no token"));
    let ids: Vec<u32> = answer.iter().map(|token| id(token)).collect();
    // Every prompt ends in a line break, after the word "model".
    recite(folder, words, &[&[id("\n")][..], &ids[..]].concat()).unwrap();
    let engine = Engine::load(folder, |_, _| {}).unwrap();
    let question = DraftPrompt::Raw { text: "Describe this X-ray".to_owned() };
    for prompt in [question, DraftPrompt::Report { indication: None }] {
        for images in [vec![], vec![grey(SIDE, image(2))]] {
            for room in 1..=ids.len() + 1 {
                let mut stream = String::new();
                let sink = |event: DraftEvent<'_>| {
                    if let DraftEvent::Text(piece) = event {
                        stream.push_str(piece);
                    }
                };
                let outcome = engine.draft(&images, &prompt, room as u32, sink, &AtomicBool::new(false)).unwrap();
                // The model did write its thinking, and the record keeps it.
                assert_eq!(outcome.token_ids, ids[..room.min(ids.len())]);
                assert_eq!(stream.trim_end(), outcome.text);
                assert!(report.starts_with(&outcome.text), "{:?} after {room} tokens", outcome.text);
                let sentences = outcome.sections.iter().flat_map(|section| &section.sentences);
                for sentence in sentences {
                    assert!(report.contains(&sentence.text), "{sentence:?} after {room} tokens");
                }
                if room >= ids.len() {
                    assert_eq!((outcome.text.as_str(), outcome.finish.as_str()), (report, "stop"));
                }
            }
        }
    }
}

fn words_of(folder: &Path) -> usize {
    Tokenizer::from_file(folder.join("tokenizer.json")).unwrap().get_vocab_size(true)
}

#[test]
fn thinking_before_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    write_checkpoint(folder.path(), Spelling::Transformers4, 1).unwrap();
    let thought = ["<unused94>", "effusion", "\n\n", "this", "<unused95>"];
    // White space after the block goes with it.
    let report = ["\n\n\n", "heart", "\u{2581}", "normal", ".", "<end_of_turn>"];
    check(folder.path(), words_of(folder.path()), &[&thought[..], &report[..]].concat(), "heart normal.");
}

#[test]
fn thinking_amid_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    write_checkpoint(folder.path(), Spelling::Transformers5, 1).unwrap();
    let answer = ["heart", "<unused94>", "effusion", "<unused95>", "\u{2581}", "normal", ".", "<end_of_turn>"];
    check(folder.path(), words_of(folder.path()), &answer, "heart normal.");
}

/// The same in the tokens of Gemma 3 itself. Runs where `../shared` is.
#[test]
fn thinking_in_gemmas_own_tokens() {
    let packed = repository().join("../shared/data/tokenizers/gemma3/tokenizer.json.xz");
    if !packed.is_file() {
        return hilum_testkit::skipped("Gemma 3's tokenizer is not in ../shared");
    }
    let unpacked = match Command::new("xz").args(["--decompress", "--stdout"]).arg(&packed).output() {
        Ok(output) if output.status.success() => output.stdout,
        _ => return hilum_testkit::skipped(format_args!("xz cannot unpack {}", packed.display())),
    };
    let folder = tempfile::tempdir().unwrap();
    write_checkpoint(folder.path(), Spelling::Transformers4, 1).unwrap();
    std::fs::write(folder.path().join("tokenizer.json"), unpacked).unwrap();
    let table = 262_208;
    let ends = json!([1, 106]);
    let path = folder.path().join("config.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for (key, value) in [
        ("boi_token_index", json!(255_999)),
        ("eoi_token_index", json!(256_000)),
        ("image_token_index", json!(262_144)),
        ("bos_token_id", json!(2)),
        ("pad_token_id", json!(0)),
        ("eos_token_id", ends.clone()),
    ] {
        config[key] = value;
    }
    config["text_config"]["vocab_size"] = json!(table);
    std::fs::write(&path, config.to_string()).unwrap();
    let generation = json!({ "eos_token_id": ends }).to_string();
    std::fs::write(folder.path().join("generation_config.json"), generation).unwrap();
    let thought = ["<unused94>", "thought", "\n\n", "\u{2581}effusion", "<unused95>"];
    let report = ["The", "\u{2581}heart", "\u{2581}is", "\u{2581}normal", ".", "<end_of_turn>"];
    check(folder.path(), table, &[&thought[..], &report[..]].concat(), "The heart is normal.");
}
