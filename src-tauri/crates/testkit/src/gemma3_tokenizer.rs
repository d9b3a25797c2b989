//! A small tokenizer of Gemma's kind for the tiny checkpoints.

use serde_json::{Map, Value, json};

/// Token that one patch group of an image becomes.
pub const IMAGE_TOKEN: &str = "<image_soft_token>";

/// Control tokens, in the order of their ids; bytes and letters follow.
const CONTROL: [&str; 16] = [
    "<pad>",
    "<eos>",
    "<bos>",
    "<unk>",
    "<mask>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<start_of_image>",
    "<end_of_image>",
    "<unused94>",
    "<unused95>",
    "\n",
    "\n\n",
    "\n\n\n",
    "\n\n\n\n",
    "<b>",
];

/// Control tokens that a decoder leaves out of a text, as in Gemma's own tokenizer.
const SPECIAL: [&str; 9] = [
    "<pad>",
    "<eos>",
    "<bos>",
    "<unk>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<start_of_image>",
    "<end_of_image>",
    IMAGE_TOKEN,
];

/// Words that become few tokens; every prefix of each is a token of its own.
const WORDS: [&str; 14] = [
    "describe", "Describe", "this", "ray", "the", "heart", "lung", "clear", "effusion", "findings", "normal", "model",
    "user", "Chest",
];

/// Tokens and merges, in the order of their ids.
pub(crate) struct Vocabulary {
    tokens: Vec<String>,
    merges: Vec<(String, String)>,
}

impl Vocabulary {
    pub(crate) fn new() -> Self {
        let mut tokens: Vec<String> = CONTROL.iter().map(|token| (*token).to_owned()).collect();
        tokens.extend((0..=255).map(|byte| format!("<0x{byte:02X}>")));
        tokens.push('\u{2581}'.to_string());
        tokens.extend(('!'..='~').map(|letter| letter.to_string()));
        let mut merges = Vec::new();
        for word in WORDS {
            let letters: Vec<char> = word.chars().collect();
            for end in 1..letters.len() {
                let left: String = letters[..end].iter().collect();
                let whole: String = letters[..=end].iter().collect();
                if !tokens.contains(&whole) {
                    tokens.push(whole);
                    merges.push((left, letters[end].to_string()));
                }
            }
        }
        tokens.push(IMAGE_TOKEN.to_owned());
        Self { tokens, merges }
    }

    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    pub(crate) fn id(&self, token: &str) -> Option<usize> {
        self.tokens.iter().position(|known| known == token)
    }

    /// `tokenizer.json`, laid out as Gemma's.
    pub(crate) fn tokenizer(&self) -> Value {
        let added = CONTROL.iter().chain([&IMAGE_TOKEN]).map(|token| {
            json!({
                "id": self.id(token), "content": token, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": SPECIAL.contains(token),
            })
        });
        let vocabulary: Map<String, Value> =
            self.tokens.iter().enumerate().map(|(id, token)| (token.clone(), json!(id))).collect();
        let begin = json!({ "SpecialToken": { "id": "<bos>", "type_id": 0 } });
        json!({
            "version": "1.0", "truncation": null, "padding": null,
            "added_tokens": added.collect::<Vec<_>>(),
            "normalizer": { "type": "Replace", "pattern": { "String": " " }, "content": "\u{2581}" },
            "pre_tokenizer": {
                "type": "Split", "pattern": { "String": " " }, "behavior": "MergedWithPrevious",
                "invert": false,
            },
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [begin, { "Sequence": { "id": "A", "type_id": 0 } }],
                "pair": [
                    begin, { "Sequence": { "id": "A", "type_id": 0 } },
                    { "SpecialToken": { "id": "<bos>", "type_id": 1 } },
                    { "Sequence": { "id": "B", "type_id": 1 } },
                ],
                "special_tokens": {
                    "<bos>": { "id": "<bos>", "ids": [self.id("<bos>")], "tokens": ["<bos>"] },
                },
            },
            "decoder": { "type": "Sequence", "decoders": [
                { "type": "Replace", "pattern": { "String": "\u{2581}" }, "content": " " },
                { "type": "ByteFallback" }, { "type": "Fuse" },
            ] },
            "model": {
                "type": "BPE", "dropout": null, "unk_token": "<unk>",
                "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": true,
                "byte_fallback": true, "ignore_merges": false, "vocab": vocabulary,
                "merges": self.merges.iter().map(|(left, right)| json!([left, right])).collect::<Vec<_>>(),
            },
        })
    }

    /// `tokenizer_config.json` with a chat template that writes Gemma's turns.
    pub(crate) fn tokenizer_config(&self) -> Value {
        let template = concat!(
            "{{ bos_token }}{% for message in messages %}<start_of_turn>",
            "{{ 'model' if message['role'] == 'assistant' else message['role'] }}{{ '\\n' }}",
            "{% for item in message['content'] %}",
            "{% if item['type'] == 'image' %}<start_of_image>",
            "{% else %}{{ item['text'] | trim }}{% endif %}{% endfor %}<end_of_turn>{{ '\\n' }}",
            "{% endfor %}{% if add_generation_prompt %}<start_of_turn>model{{ '\\n' }}{% endif %}",
        );
        json!({
            "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>",
            "unk_token": "<unk>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>",
            "image_token": IMAGE_TOKEN, "tokenizer_class": "PreTrainedTokenizerFast",
            "processor_class": "Gemma3Processor", "chat_template": template,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    #[test]
    fn encodes_and_decodes() {
        let vocabulary = Vocabulary::new();
        let text = vocabulary.tokenizer().to_string();
        let tokenizer = tokenizers::Tokenizer::from_str(&text).unwrap();
        assert_eq!(tokenizer.get_vocab_size(true), vocabulary.len());
        for text in ["Describe this X-ray", "a\n\nb", "\u{153}dema <b> 2.5 cm"] {
            let ids = tokenizer.encode_fast(text, true).unwrap().get_ids().to_vec();
            assert_eq!(ids[0] as usize, vocabulary.id("<bos>").unwrap());
            assert_eq!(tokenizer.decode(&ids, true).unwrap(), text);
        }
        let ids = tokenizer.encode_fast("Describe", false).unwrap().get_ids().to_vec();
        assert_eq!(ids, [vocabulary.id("Describe").unwrap() as u32]);
    }
}
