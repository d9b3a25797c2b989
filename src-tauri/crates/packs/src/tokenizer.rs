//! Whether a `tokenizer.json` belongs to the model beside it: as many tokens as
//! the embedding has rows for, and the control tokens where `config.json` says.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::config::{GemmaConfig, GemmaText, SiglipText, ids_of};
use crate::error::{PackError, Result};

pub(crate) const FILE: &str = "tokenizer.json";

/// Rows of an embedding beyond its tokens: publishers round up so that the
/// matrix divides evenly (Gemma 3: 262145 tokens in 262208 rows).
const PADDING: u64 = 256;

/// The one token of Gemma 3 that a table without images has no row for.
const IMAGE: &str = "<image_soft_token>";

/// What is looked at of a tokenizer; the merges are skipped.
#[derive(Deserialize)]
pub(crate) struct Tokenizer {
    #[serde(default)]
    added_tokens: Vec<Added>,
    model: Model,
}

#[derive(Deserialize)]
struct Added {
    id: u64,
    content: String,
}

#[derive(Deserialize)]
struct Model {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    vocab: Vocabulary,
}

/// Largest id, and the ids of the tokens in angle brackets.
#[derive(Default)]
struct Vocabulary {
    largest: Option<u64>,
    control: BTreeMap<String, u64>,
}

impl Vocabulary {
    fn put(&mut self, token: &str, id: u64) {
        self.largest = self.largest.max(Some(id));
        if token.starts_with('<') && token.ends_with('>') {
            self.control.insert(token.to_owned(), id);
        }
    }
}

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Vocabulary;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a vocabulary")
            }

            /// Byte-pair encoding: a token and its id.
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Vocabulary, A::Error> {
                let mut all = Vocabulary::default();
                while let Some((token, id)) = map.next_entry::<String, u64>()? {
                    all.put(&token, id);
                }
                Ok(all)
            }

            /// Unigram: a token and its weight, the id being the place in the list.
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Vocabulary, A::Error> {
                let mut all = Vocabulary::default();
                let mut id = 0;
                while let Some((token, _)) = list.next_element::<(String, IgnoredAny)>()? {
                    all.put(&token, id);
                    id += 1;
                }
                Ok(all)
            }
        }
        deserializer.deserialize_any(Entries)
    }
}

impl Tokenizer {
    pub fn read(reader: impl Read) -> Result<Self> {
        let mut read: Self = serde_json::from_reader(reader)
            .map_err(|error| PackError::Malformed { file: FILE.into(), reason: error.to_string() })?;
        for Added { id, content } in &read.added_tokens {
            read.model.vocab.put(content, *id);
        }
        Ok(read)
    }

    /// Gemma 3 with images.
    pub fn check_gemma(&self, config: &Value, model: &GemmaConfig) -> Result<()> {
        self.check_gemma_text(config, &model.text_config, true)?;
        for (token, id) in [
            ("<start_of_image>", model.boi_token_index),
            ("<end_of_image>", model.eoi_token_index),
            (IMAGE, model.image_token_index),
        ] {
            self.check_id(token, id)?;
        }
        Ok(())
    }

    /// Gemma 3's language model; `images` where there are rows for image tokens.
    pub fn check_gemma_text(&self, config: &Value, text: &GemmaText, images: bool) -> Result<()> {
        self.check_kind("BPE")?;
        for token in ["<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"] {
            self.id(token)?;
        }
        if let Some(begin) = config["bos_token_id"].as_u64() {
            self.check_id("<bos>", begin)?;
        }
        let ends = [self.id("<eos>")?, self.id("<end_of_turn>")?];
        if let Some(id) = ids_of(&config["eos_token_id"]).iter().find(|id| !ends.contains(id)) {
            return wrong(format!(
                "config.json ends an answer with token {id}, which is neither <eos> nor <end_of_turn>"
            ));
        }
        let beyond = !images && self.model.vocab.control.get(IMAGE).copied() == self.model.vocab.largest;
        self.check_size(text.vocab_size as u64, u64::from(beyond))
    }

    /// The text side of a SigLIP pair.
    pub fn check_siglip(&self, text: &SiglipText) -> Result<()> {
        self.check_kind("Unigram")?;
        if self.model.vocab.control.contains_key("<extra_id_0>") {
            return wrong("it has the sentinel tokens of a T5 model".into());
        }
        self.id("<unk>")?;
        self.check_id("</s>", text.pad_token_id.unwrap_or(1))?;
        self.check_size(text.vocab_size as u64, 0)
    }

    fn check_kind(&self, expected: &str) -> Result<()> {
        match self.model.kind.as_deref() {
            Some(kind) if kind != expected => wrong(format!("it is a {kind} tokenizer, this model's is {expected}")),
            _ => Ok(()),
        }
    }

    fn id(&self, token: &str) -> Result<u64> {
        match self.model.vocab.control.get(token) {
            Some(id) => Ok(*id),
            None => wrong(format!("there is no token {token}")),
        }
    }

    fn check_id(&self, token: &str, expected: u64) -> Result<()> {
        match self.id(token)? {
            found if found == expected => Ok(()),
            found => wrong(format!("{token} is token {found}; config.json says {expected}")),
        }
    }

    /// `beyond` tokens at the end may have no row.
    fn check_size(&self, rows: u64, beyond: u64) -> Result<()> {
        let tokens = self.model.vocab.largest.map_or(0, |largest| largest + 1);
        let with_row = tokens.saturating_sub(beyond);
        if with_row > rows || rows - with_row >= PADDING {
            return wrong(format!("it has {tokens} tokens; config.json's vocab_size is {rows}"));
        }
        Ok(())
    }
}

fn wrong<T>(what: String) -> Result<T> {
    Err(PackError::WrongTokenizer { file: FILE.into(), what })
}
