//! What a Gemma 3 configuration can say that mistral.rs 0.8.1 does not read, or does not load.
//!
//! The first would be computed otherwise without a word, the second ends in "data did not match any variant of untagged
//! enum" when somebody wants a draft. Both are refused when the model is added.

use std::path::Path;

use serde_json::Value;

use crate::DraftingError;

/// The one activation that Gemma 3 and its image tower were published with, and the only one that was compared.
const ACTIVATION: &str = "gelu_pytorch_tanh";

/// Fails with `drafting.config` for the first thing in a normalised configuration that the engine would not compute as
/// transformers does.
pub(crate) fn check_computed(path: &Path, config: &Value) -> Result<(), DraftingError> {
    match otherwise(config) {
        Some(what) => Err(DraftingError::Config { path: path.to_owned(), what }),
        None => Ok(()),
    }
}

fn otherwise(config: &Value) -> Option<String> {
    let (text, vision) = (&config["text_config"], &config["vision_config"]);
    for (part, key) in [(text, "hidden_activation"), (vision, "hidden_act")] {
        if !part[key].is_null() && part[key] != ACTIVATION {
            return Some(format!("{key} {}, not {ACTIVATION:?}", part[key]));
        }
    }
    for (part, key) in [
        (config, "use_bidirectional_attention"),
        (text, "use_bidirectional_attention"),
        (text, "attention_bias"),
        (text, "attn_logit_softcapping"),
    ] {
        if !matches!(part[key], Value::Null | Value::Bool(false)) {
            return Some(format!("{key} {}", part[key]));
        }
    }
    for (part, key) in [
        (text, "rms_norm_eps"),
        (text, "rope_theta"),
        (text, "rope_local_base_freq"),
        (text, "final_logit_softcapping"),
        (vision, "layer_norm_eps"),
    ] {
        let found = &part[key];
        if !found.is_null() && found.as_f64().is_none_or(|number| !number.is_finite() || number <= 0.0) {
            return Some(format!("{key} {found}"));
        }
    }
    // What is not said is the engine's default, and transformers'.
    let whole = |part: &Value, key: &str, fallback: u64| match &part[key] {
        Value::Null => Ok(fallback),
        found => found.as_u64().filter(|n| *n > 0).ok_or_else(|| format!("{key} {found}")),
    };
    let check = || -> Result<(), String> {
        whole(text, "query_pre_attn_scalar", 256)?;
        whole(text, "sliding_window_pattern", 6)?;
        let (heads, keys) = (whole(text, "num_attention_heads", 8)?, whole(text, "num_key_value_heads", 4)?);
        if heads % keys != 0 {
            return Err(format!("{heads} heads over {keys} of keys and values"));
        }
        let head = whole(text, "head_dim", 256)?;
        if head % 2 != 0 {
            return Err(format!("heads of {head} numbers, which cannot be rotated in pairs"));
        }
        let (width, heads) = (whole(vision, "hidden_size", 768)?, whole(vision, "num_attention_heads", 12)?);
        if width % heads != 0 {
            return Err(format!("an image tower {width} wide over {heads} heads"));
        }
        Ok(())
    };
    check().err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Puts a value at a place of a configuration as it is published.
    fn check(place: &str, value: Value, refused: Option<&str>) {
        let mut config = json!({
            "text_config": {
                "hidden_size": 2560, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,
                "hidden_activation": "gelu_pytorch_tanh", "rms_norm_eps": 1e-6, "sliding_window_pattern": 6,
                "attn_logit_softcapping": null, "attention_bias": false, "use_bidirectional_attention": false,
            },
            "vision_config": { "hidden_size": 1152, "num_attention_heads": 16, "hidden_act": "gelu_pytorch_tanh" },
        });
        let (part, key) = place.split_once('.').unwrap_or(("", place));
        match part {
            "" => config[key] = value.clone(),
            part => config[part][key] = value.clone(),
        }
        let found = check_computed(Path::new("config.json"), &config).err().map(|error| error.to_string());
        match (&found, refused) {
            (None, None) => {}
            (Some(found), Some(part)) => assert!(found.contains(part), "{found}"),
            _ => panic!("{place} {value}: {found:?}, not {refused:?}"),
        }
    }

    #[test]
    fn what_the_engine_computes_otherwise_is_refused() {
        check("text_config.hidden_activation", Value::Null, None);
        check("text_config.hidden_activation", json!("gelu"), Some("hidden_activation \"gelu\""));
        check("text_config.hidden_activation", json!("mish"), Some("mish"));
        check("vision_config.hidden_act", Value::Null, None);
        check("vision_config.hidden_act", json!("quick_gelu"), Some("hidden_act \"quick_gelu\""));
        for place in ["use_bidirectional_attention", "text_config.use_bidirectional_attention"] {
            check(place, json!(false), None);
            check(place, Value::Null, None);
            check(place, json!(true), Some("use_bidirectional_attention true"));
            check(place, json!("all"), Some("use_bidirectional_attention"));
        }
        check("text_config.attention_bias", json!(true), Some("attention_bias"));
        check("text_config.attn_logit_softcapping", json!(50.0), Some("attn_logit_softcapping"));
        check("text_config.final_logit_softcapping", json!(30.0), None);
    }

    #[test]
    fn numbers_that_the_engine_cannot_read_are_refused() {
        for place in ["text_config.rms_norm_eps", "text_config.rope_theta", "vision_config.layer_norm_eps"] {
            check(place, Value::Null, None);
            check(place, json!(1), None);
            for wrong in [json!("1e-6"), json!(0), json!(-1e-6), json!([1e-6])] {
                check(place, wrong, Some(place.split_once('.').unwrap().1));
            }
        }
        for place in ["text_config.query_pre_attn_scalar", "vision_config.num_attention_heads"] {
            check(place, Value::Null, None);
            for wrong in [json!(0), json!(-16), json!(1.5), json!("16")] {
                check(place, wrong, Some(place.split_once('.').unwrap().1));
            }
        }
    }

    #[test]
    fn heads_that_do_not_divide_are_refused() {
        check("vision_config.num_attention_heads", json!(8), None);
        check("vision_config.num_attention_heads", json!(7), Some("1152 wide over 7 heads"));
        check("vision_config.hidden_size", json!(1150), Some("1150 wide over 16 heads"));
        check("text_config.num_key_value_heads", json!(8), None);
        check("text_config.num_key_value_heads", json!(3), Some("8 heads over 3"));
        check("text_config.head_dim", json!(255), Some("255"));
    }
}
