//! Text to the token ids that the text tower was trained on.

use std::path::Path;

use serde_json::Value;
use tokenizers::{Tokenizer, TruncationParams};

use crate::error::{EncoderError, Result};

/// A pack's tokenizer: lower-cased, without punctuation, end-of-sequence
/// appended, cut and padded to the tower's length.
pub struct TextTokenizer {
    tokenizer: Tokenizer,
    eos: u32,
    pad: u32,
    length: usize,
    canonical: Canonical,
}

/// What transformers' `SiglipTokenizer` does to a text before its pieces are
/// looked up. A `tokenizer.json` may do most of it again; it does no harm twice.
#[derive(Clone, Copy)]
struct Canonical {
    strip_punctuation: bool,
    lower_case: bool,
}

impl TextTokenizer {
    /// Reads `tokenizer.json`, and `tokenizer_config.json` and
    /// `special_tokens_map.json` where they exist. `length` is the number of
    /// positions of the text tower, `vocabulary` its number of embeddings.
    pub fn load(dir: &Path, length: usize, vocabulary: usize) -> Result<Self> {
        let path = dir.join("tokenizer.json");
        let refuse = |reason: String| EncoderError::Tokenizer { path: path.clone(), reason };
        let mut tokenizer = Tokenizer::from_file(&path).map_err(|e| refuse(e.to_string()))?;
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(Some(TruncationParams { max_length: length, ..Default::default() }))
            .map_err(|e| refuse(e.to_string()))?;
        // A text that spells a control token is a text.
        tokenizer.set_encode_special_tokens(true);

        let config = optional_json(&dir.join("tokenizer_config.json"))?;
        let specials = optional_json(&dir.join("special_tokens_map.json"))?;
        let special = |key: &str| -> Result<u32> {
            let token = token_content(&config[key]).or_else(|| token_content(&specials[key])).unwrap_or("</s>");
            match tokenizer.token_to_id(token) {
                Some(id) if (id as usize) < vocabulary => Ok(id),
                Some(id) => Err(refuse(format!("{key} {id} is outside the model's vocabulary"))),
                None => Err(refuse(format!("{key} {token:?} is not in the vocabulary"))),
            }
        };
        let (eos, pad) = (special("eos_token")?, special("pad_token")?);
        // Other classes read `tokenizer.json` alone, which then says all there is.
        let siglip = config["tokenizer_class"] == "SiglipTokenizer";
        let canonical = Canonical {
            strip_punctuation: siglip,
            lower_case: siglip && config["do_lower_case"] != Value::Bool(false),
        };
        Ok(Self { tokenizer, eos, pad, length, canonical })
    }

    /// Token ids of one text, always as many as the text tower has positions.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self
            .tokenizer
            .encode_fast(self.canonical.apply(text), true)
            .map_err(|e| EncoderError::Tokenize { reason: e.to_string() })?;
        let mut ids = encoding.get_ids().to_vec();
        if ids.last() != Some(&self.eos) {
            ids.truncate(self.length - 1);
            ids.push(self.eos);
        }
        ids.resize(self.length, self.pad);
        Ok(ids)
    }
}

impl Canonical {
    fn apply(self, text: &str) -> String {
        let mut text = text.to_owned();
        if self.lower_case {
            text = text.to_lowercase();
        }
        if self.strip_punctuation {
            // The mark that stands for a space inside pieces is a space in a text.
            text = text.replace('\u{2581}', " ");
            text.retain(|c| !c.is_ascii_punctuation());
            text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        text
    }
}

fn optional_json(path: &Path) -> Result<Value> {
    match std::fs::read(path) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map_err(|source| EncoderError::Json { path: path.to_owned(), source })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Value::Null),
        Err(source) => Err(EncoderError::Read { path: path.to_owned(), source }),
    }
}

/// A token is written as a string, or as an object that has it as its content.
fn token_content(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value["content"].as_str())
}
