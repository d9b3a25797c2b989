//! What each token of a model writes, as a grammar needs it.

use std::collections::HashMap;
use std::path::Path;

use mistralrs::llguidance::toktrie::{TokRxInfo, TokTrie};
use serde::Deserialize;

use crate::DraftingError;

/// The bytes of every token, as a trie, with the tokens that end an answer.
///
/// Made from `tokenizer.json` directly: the engine keeps a tokenizer of its own, and a
/// second one for a quarter of a million tokens would cost more memory than this trie,
/// which is about 20 MB for Gemma 3.
pub(crate) fn vocabulary_of(path: &Path, end_tokens: &[u32]) -> Result<TokTrie, DraftingError> {
    let bytes = std::fs::read(path).map_err(|source| DraftingError::Read { path: path.to_owned(), source })?;
    let file: File =
        serde_json::from_slice(&bytes).map_err(|source| DraftingError::Json { path: path.to_owned(), source })?;
    drop(bytes);
    let added = file.added_tokens.iter().map(|token| token.id);
    let size = added.chain(file.model.vocab.values().copied()).max().map_or(0, |most| most as usize + 1);
    let mut words = vec![Vec::new(); size];
    // A byte that has a letter of its own is written by that one: `<0x3A>` is another
    // token than ":", and no text that a model has read holds it.
    for (text, id) in &file.model.vocab {
        let twin =
            byte_of(text).and_then(|byte| std::str::from_utf8(&[byte]).ok().map(|twin| twin.replace(' ', "\u{2581}")));
        if !twin.is_some_and(|twin| file.model.vocab.contains_key(&twin)) {
            words[*id as usize] = written(text);
        }
    }
    // A control token writes nothing that a grammar could match: the marker byte is no
    // part of any text. Those without angle brackets are line breaks, blanks and tags.
    for token in file.added_tokens {
        let control = token.special || (token.content.starts_with('<') && token.content.ends_with('>'));
        words[token.id as usize] = match control || token.content.starts_with('[') {
            true => [&[TokTrie::SPECIAL_TOKEN_MARKER], token.content.as_bytes()].concat(),
            false => written(&token.content),
        };
    }
    let end = end_tokens.first().copied().unwrap_or_default();
    Ok(TokTrie::from(&TokRxInfo::new(size as u32, end), &words).with_eos_tokens(end_tokens))
}

/// What a token of Gemma's vocabulary stands for: U+2581 is a space, `<0xNN>` one byte.
fn written(text: &str) -> Vec<u8> {
    match byte_of(text) {
        Some(byte) => vec![byte],
        None => text.replace('\u{2581}', " ").into_bytes(),
    }
}

fn byte_of(text: &str) -> Option<u8> {
    let byte = text.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
    byte.filter(|hex| hex.len() == 2).and_then(|hex| u8::from_str_radix(hex, 16).ok())
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    model: Model,
}

#[derive(Deserialize)]
struct AddedToken {
    id: u32,
    content: String,
    #[serde(default)]
    special: bool,
}

#[derive(Deserialize)]
struct Model {
    vocab: HashMap<String, u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_tokens() {
        for (text, expected) in [
            ("\u{2581}yes", &b" yes"[..]),
            ("<0x0A>", b"\n"),
            ("<0xE2>", &[0xe2]),
            ("<0x0A0>", b"<0x0A0>"),
            ("\u{e9}", "\u{e9}".as_bytes()),
        ] {
            assert_eq!(written(text), expected, "{text}");
        }
    }
}
