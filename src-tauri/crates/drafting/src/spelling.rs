//! One spelling of a Gemma 3 configuration out of the two that are published.
//!
//! transformers 4 writes `rope_theta`, `rope_local_base_freq`, `rope_scaling` and
//! `sliding_window_pattern`; transformers 5 writes `rope_parameters` and `layer_types`.
//! mistral.rs 0.8.1 reads the first only, and falls back to defaults without a word when
//! it meets the second, so the second is rewritten.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::DraftingError;

/// Positions that the engine prepares rotary tables for, at the least. The published
/// configuration says 131072, which costs 268 MB of tables at a head size of 256 that no
/// draft ever reads; these cost 17 MB and hold two images and all that is asked about them.
const LEAST_POSITIONS: u64 = 8192;

/// What the rest of the crate needs to know of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelShape {
    /// Side of the square input image, pixels.
    pub side: u32,
    /// Soft tokens that one image becomes.
    pub image_tokens: usize,
    /// Numbers in a token, soft ones too.
    pub hidden: usize,
    /// Tokens that a sliding-window layer sees; the engine as released is exact up to this length.
    pub window: usize,
    /// Positions that the engine has rotary tables for: the longest prompt and draft together.
    pub positions: usize,
    /// Size of the token table.
    pub vocabulary: usize,
    /// Tokens that end an answer.
    pub end_tokens: Vec<u32>,
}

/// Reads the shape out of a normalised configuration.
pub(crate) fn shape_of(path: &Path, config: &Value) -> Result<ModelShape, DraftingError> {
    let number = |section: &str, key: &str, fallback: Option<u64>| {
        config
            .get(section)
            .and_then(|section| section.get(key))
            .and_then(Value::as_u64)
            .or(fallback)
            .ok_or_else(|| refuse(path, &format!("{section}.{key} is missing")))
    };
    let image_tokens = config
        .get("mm_tokens_per_image")
        .and_then(Value::as_u64)
        .ok_or_else(|| refuse(path, "mm_tokens_per_image is missing"))?;
    Ok(ModelShape {
        side: number("vision_config", "image_size", Some(224))? as u32,
        image_tokens: image_tokens as usize,
        hidden: number("text_config", "hidden_size", None)? as usize,
        window: number("text_config", "sliding_window", None)? as usize,
        positions: number("text_config", "max_position_embeddings", Some(LEAST_POSITIONS))? as usize,
        vocabulary: number("text_config", "vocab_size", Some(262_208))? as usize,
        end_tokens: ids_of(config.get("eos_token_id")),
    })
}

/// Token ids out of a field that holds one, several or none.
pub(crate) fn ids_of(field: Option<&Value>) -> Vec<u32> {
    match field {
        Some(Value::Number(id)) => id.as_u64().map(|id| id as u32).into_iter().collect(),
        Some(Value::Array(ids)) => ids.iter().filter_map(Value::as_u64).map(|id| id as u32).collect(),
        _ => Vec::new(),
    }
}

/// The configuration as the engine reads it, whichever way it was spelled.
///
/// # Errors
/// [`DraftingError::Config`] where it is no Gemma 3 vision-language model, or one whose
/// layers do not repeat the way the engine assumes (every n-th layer global).
pub(crate) fn normalise_config(path: &Path, config: &Value) -> Result<Value, DraftingError> {
    let mut out = config.as_object().cloned().ok_or_else(|| refuse(path, "it is not an object"))?;
    let kind = out.get("model_type").and_then(Value::as_str).unwrap_or_default();
    if kind != "gemma3" {
        return Err(refuse(path, &format!("model_type is {kind:?}, not \"gemma3\"")));
    }
    if !out.get("vision_config").is_some_and(Value::is_object) {
        return Err(refuse(path, "there is no vision_config"));
    }
    if !out.contains_key("image_token_index") {
        let id = out.get("image_token_id").cloned();
        out.insert("image_token_index".into(), id.unwrap_or(json!(262_144)));
    }
    out.entry("mm_tokens_per_image").or_insert(json!(256));
    out.insert("architectures".into(), json!(["Gemma3ForConditionalGeneration"]));
    let text =
        out.get("text_config").and_then(Value::as_object).ok_or_else(|| refuse(path, "there is no text_config"))?;
    let text = normalise_text(path, text)?;
    out.insert("text_config".into(), Value::Object(text));
    Ok(Value::Object(out))
}

fn normalise_text(path: &Path, text: &Map<String, Value>) -> Result<Map<String, Value>, DraftingError> {
    let mut out = text.clone();
    let older = out.remove("rope_scaling").filter(|scaling| !scaling.is_null());
    let scaling = match out.remove("rope_parameters").filter(|rope| !rope.is_null()) {
        Some(rope) => {
            let (global, local) = (&rope["full_attention"], &rope["sliding_attention"]);
            if !global.is_object() {
                return Err(refuse(path, "rope_parameters has no full_attention"));
            }
            // transformers lays one over the other; which of them was meant, nobody can say.
            if older.is_some() {
                return Err(refuse(path, "rope_scaling stands beside rope_parameters"));
            }
            if let Some(factor) = factor_of(path, local)? {
                let what = format!("rope_parameters.sliding_attention is scaled by {factor}, and the engine does not");
                return Err(refuse(path, &what));
            }
            for (key, rope, fallback) in [("rope_theta", global, 1e6), ("rope_local_base_freq", local, 1e4)] {
                let theta = or(&rope["rope_theta"], out.get(key).cloned().unwrap_or(json!(fallback)));
                out.insert(key.into(), theta);
            }
            factor_of(path, global)?
        }
        None => match &older {
            Some(scaling) if !scaling.is_object() => return Err(refuse(path, "rope_scaling is no object")),
            Some(scaling) => factor_of(path, scaling)?,
            None => None,
        },
    };
    let scaling = scaling.map_or(Value::Null, |factor| json!({ "factor": factor, "rope_type": "linear" }));
    out.insert("rope_scaling".into(), scaling);

    if let Some(Value::Array(layers)) = out.remove("layer_types") {
        let global: Vec<bool> = layers.iter().map(|kind| kind == "full_attention").collect();
        let pattern = global.iter().position(|&global| global).map_or(global.len() + 1, |i| i + 1);
        if (0..global.len()).any(|i| global[i] != ((i + 1) % pattern == 0)) {
            return Err(refuse(path, "layer_types do not repeat regularly"));
        }
        out.insert("sliding_window_pattern".into(), json!(pattern));
    } else if !out.contains_key("sliding_window_pattern") {
        let pattern = out.get("_sliding_window_pattern").cloned();
        out.insert("sliding_window_pattern".into(), pattern.unwrap_or(json!(6)));
    }

    let window = out.get("sliding_window").and_then(Value::as_u64);
    let window = window.ok_or_else(|| refuse(path, "text_config.sliding_window is missing"))?;
    let published = out.get("max_position_embeddings").and_then(Value::as_u64).unwrap_or(131_072);
    let positions = published.min(window.max(LEAST_POSITIONS));
    out.insert("max_position_embeddings".into(), json!(positions));
    Ok(out)
}

/// By how much rotary positions are scaled, where they are.
fn factor_of(path: &Path, rope: &Value) -> Result<Option<f64>, DraftingError> {
    if rope.get("partial_rotary_factor").and_then(Value::as_f64).is_some_and(|part| part != 1.0) {
        return Err(refuse(path, "only a part of each head is rotated"));
    }
    let kind = rope.get("rope_type").or_else(|| rope.get("type"));
    match kind.and_then(Value::as_str) {
        Some("default") | None => Ok(None),
        Some("linear") => match rope["factor"].as_f64().filter(|factor| factor.is_finite() && *factor > 0.0) {
            Some(factor) => Ok((factor != 1.0).then_some(factor)),
            None => Err(refuse(path, "a rope of type \"linear\" has no factor")),
        },
        Some(kind) => Err(refuse(path, &format!("rope type {kind:?}"))),
    }
}

fn or(value: &Value, fallback: Value) -> Value {
    if value.is_null() { fallback } else { value.clone() }
}

fn refuse(path: &Path, what: &str) -> DraftingError {
    DraftingError::Config { path: path.to_owned(), what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: Value) -> Value {
        let mut all = json!({ "sliding_window": 1024, "num_hidden_layers": 7, "hidden_size": 32 });
        all.as_object_mut().unwrap().extend(text.as_object().unwrap().clone());
        json!({
            "model_type": "gemma3", "image_token_index": 9, "mm_tokens_per_image": 4,
            "eos_token_id": [1, 106], "text_config": all,
            "vision_config": { "image_size": 56 },
        })
    }

    fn layers(global: &[usize]) -> Value {
        let kind = |i| if global.contains(&i) { "full_attention" } else { "sliding_attention" };
        Value::Array((0..7).map(|i| json!(kind(i))).collect())
    }

    fn check(text: Value, expected: Result<Value, &str>) {
        let got = normalise_config(Path::new("config.json"), &config(text));
        match (got, expected) {
            (Ok(got), Ok(expected)) => {
                for (key, value) in expected.as_object().unwrap() {
                    assert_eq!(&got["text_config"][key], value, "{key}");
                }
                assert_eq!(got["text_config"].get("rope_parameters"), None);
                assert_eq!(got["text_config"].get("layer_types"), None);
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (got, expected) => panic!("{got:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn both_spellings_become_one() {
        check(
            json!({
                "rope_theta": 1e6, "rope_local_base_freq": 1e4, "sliding_window_pattern": 6,
                "rope_scaling": { "factor": 8.0, "rope_type": "linear" },
                "max_position_embeddings": 131_072,
            }),
            Ok(json!({
                "rope_theta": 1e6, "rope_local_base_freq": 1e4, "sliding_window_pattern": 6,
                "rope_scaling": { "factor": 8.0, "rope_type": "linear" },
                "max_position_embeddings": 8192,
            })),
        );
        check(
            json!({
                "rope_parameters": {
                    "full_attention": { "factor": 8.0, "rope_theta": 5e5, "rope_type": "linear" },
                    "sliding_attention": { "rope_theta": 2e4, "rope_type": "default" },
                },
                "layer_types": layers(&[5]),
            }),
            Ok(json!({
                "rope_theta": 5e5, "rope_local_base_freq": 2e4, "sliding_window_pattern": 6,
                "rope_scaling": { "factor": 8.0, "rope_type": "linear" },
            })),
        );
    }

    #[test]
    fn layers_and_positions() {
        check(json!({ "layer_types": layers(&[1, 3, 5]) }), Ok(json!({ "sliding_window_pattern": 2 })));
        check(json!({ "layer_types": layers(&[]) }), Ok(json!({ "sliding_window_pattern": 8 })));
        check(json!({}), Ok(json!({ "sliding_window_pattern": 6, "rope_scaling": null })));
        check(json!({ "_sliding_window_pattern": 3 }), Ok(json!({ "sliding_window_pattern": 3 })));
        check(json!({ "max_position_embeddings": 512 }), Ok(json!({ "max_position_embeddings": 512 })));
        check(json!({ "sliding_window": 16384 }), Ok(json!({ "max_position_embeddings": 16384 })));
        check(json!({ "rope_scaling": { "rope_type": "default" } }), Ok(json!({ "rope_scaling": null })));
        check(
            json!({ "rope_scaling": { "type": "linear", "factor": 2.0 } }),
            Ok(json!({ "rope_scaling": { "factor": 2.0, "rope_type": "linear" } })),
        );
        check(json!({ "layer_types": layers(&[2, 3]) }), Err("regularly"));
        check(json!({ "sliding_window": null }), Err("sliding_window"));
    }

    #[test]
    fn ropes() {
        let both = |global: Value, local: Value| {
            let rope = json!({ "full_attention": global, "sliding_attention": local });
            json!({ "rope_parameters": rope })
        };
        let linear = |factor: Value| json!({ "rope_type": "linear", "factor": factor });
        // Scaled by one is not scaled.
        check(json!({ "rope_scaling": linear(json!(1)) }), Ok(json!({ "rope_scaling": null })));
        check(both(json!({}), linear(json!(1.0))), Ok(json!({ "rope_scaling": null, "rope_theta": 1e6 })));
        check(
            both(linear(json!(8)), Value::Null),
            Ok(json!({ "rope_scaling": { "factor": 8.0, "rope_type": "linear" }, "rope_local_base_freq": 1e4 })),
        );
        // What an entry does not say stands where transformers 4 has it.
        let mut older = both(linear(json!(8)), json!({ "rope_theta": 2e4 }));
        older["rope_theta"] = json!(5e5);
        older["rope_scaling"] = Value::Null;
        check(older.clone(), Ok(json!({ "rope_theta": 5e5, "rope_local_base_freq": 2e4 })));
        older["rope_scaling"] = linear(json!(2.0));
        check(older, Err("beside"));
        check(json!({ "rope_parameters": null }), Ok(json!({ "rope_scaling": null })));

        check(json!({ "rope_scaling": { "rope_type": "yarn", "factor": 2.0 } }), Err("yarn"));
        check(json!({ "rope_scaling": 8 }), Err("no object"));
        check(json!({ "rope_parameters": {} }), Err("full_attention"));
        check(both(json!({ "rope_type": "dynamic" }), json!({})), Err("dynamic"));
        check(both(json!({}), json!({ "rope_type": "llama3" })), Err("llama3"));
        check(both(json!({}), linear(json!(8.0))), Err("sliding_attention is scaled by 8"));
        check(both(json!({ "partial_rotary_factor": 0.5 }), json!({})), Err("part of each head"));
        for factor in [json!(null), json!("8"), json!(0), json!(-8.0)] {
            check(json!({ "rope_scaling": linear(factor.clone()) }), Err("no factor"));
            check(both(linear(factor), json!({})), Err("no factor"));
        }
        check(json!({ "rope_scaling": { "type": "linear" } }), Err("no factor"));
    }

    #[test]
    fn other_models_are_refused() {
        for broken in [
            json!([]),
            json!({ "model_type": "gemma2" }),
            json!({ "model_type": "gemma3", "text_config": {} }),
            json!({ "model_type": "gemma3", "vision_config": {} }),
        ] {
            let error = normalise_config(Path::new("config.json"), &broken).unwrap_err();
            assert_eq!(error.code(), "drafting.config", "{broken}");
        }
    }

    #[test]
    fn shape() {
        let path = Path::new("config.json");
        let shape = shape_of(path, &normalise_config(path, &config(json!({}))).unwrap()).unwrap();
        assert_eq!((shape.side, shape.image_tokens, shape.hidden), (56, 4, 32));
        assert_eq!((shape.window, shape.positions), (1024, 8192));
        assert_eq!(shape.end_tokens, [1, 106]);
        assert_eq!(ids_of(Some(&json!(7))), [7]);
        assert_eq!(ids_of(None), [0_u32; 0]);
    }
}
