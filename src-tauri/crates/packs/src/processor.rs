//! Whether the image processor beside a model prepares images as Hilum does: at the model's side, and as numbers from -1
//! to 1. A model that was trained on other numbers would be shown the wrong picture without a word.

use std::path::Path;

use serde_json::Value;

use crate::config::Vision;
use crate::error::{PackError, Result};
use crate::inspect::{check_json, read_json};

const PREPROCESSOR: &str = "preprocessor_config.json";
const PROCESSOR: &str = "processor_config.json";

/// That there is one: `preprocessor_config.json`, or the same inside the
/// `processor_config.json` that transformers 5 writes.
pub(crate) fn check_present(dir: &Path) -> Result<()> {
    if dir.join(PREPROCESSOR).is_file() {
        return check_json(dir, PREPROCESSOR);
    }
    match read_json(dir, PROCESSOR) {
        Ok(processor) if processor["image_processor"].is_object() => Ok(()),
        Ok(_) | Err(PackError::MissingFile { .. }) => Err(PackError::MissingFile { file: PREPROCESSOR.into() }),
        Err(error) => Err(error),
    }
}

/// That it does, in either place, what Hilum does. What it does not say is transformers' default, which is that.
pub(crate) fn check_images(dir: &Path, vision: &Vision) -> Result<()> {
    for (file, at) in [(PREPROCESSOR, ""), (PROCESSOR, "/image_processor")] {
        let found = match read_json(dir, file) {
            Ok(processor) => processor.pointer(at).and_then(|found| otherwise(found, vision.image_size as u64)),
            Err(PackError::MissingFile { .. }) => None,
            Err(error) => return Err(error),
        };
        if let Some(what) = found {
            return Err(PackError::Unsupported { file: file.into(), what });
        }
    }
    Ok(())
}

/// What an image processor does otherwise than Hilum, if anything.
fn otherwise(processor: &Value, side: u64) -> Option<String> {
    for length in ["height", "width"] {
        if let Some(found) = processor["size"][length].as_u64().filter(|found| *found != side) {
            return Some(format!("images of {found} pixels; config.json says {side}"));
        }
    }
    for key in ["image_mean", "image_std"] {
        let numbers = match &processor[key] {
            Value::Null => continue,
            Value::Array(numbers) => numbers.as_slice(),
            number => std::slice::from_ref(number),
        };
        if numbers.iter().any(|number| number.as_f64().is_none_or(|number| (number - 0.5).abs() > 1e-6)) {
            return Some(format!("{key} {}, not 0.5", processor[key]));
        }
    }
    let factor = &processor["rescale_factor"];
    if !factor.is_null() && factor.as_f64().is_none_or(|factor| (factor * 255.0 - 1.0).abs() > 1e-6) {
        return Some(format!("rescale_factor {factor}, not 1/255"));
    }
    for (key, needed) in [("do_normalize", true), ("do_rescale", true), ("do_pan_and_scan", false)] {
        if processor[key].as_bool().is_some_and(|found| found != needed) {
            return Some(format!("{key} {}, not {needed}", processor[key]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Puts the processor into each of the two places.
    fn check(processor: Value, refused: Option<&str>) {
        let vision = Vision { image_size: 896, ..Vision::default() };
        for (file, content) in
            [(PREPROCESSOR, processor.clone()), (PROCESSOR, json!({ "image_processor": processor.clone() }))]
        {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join(file), content.to_string()).unwrap();
            match (check_images(dir.path(), &vision), refused) {
                (Ok(()), None) => {}
                (Err(PackError::Unsupported { file: found, what }), Some(part)) => {
                    assert_eq!(found, file);
                    assert!(what.contains(part), "{what}");
                }
                (found, expected) => panic!("{processor}: {found:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn what_hilum_does_otherwise_is_refused() {
        for taken in [
            json!({}),
            json!({ "image_mean": [0.5, 0.5, 0.5], "image_std": 0.5, "rescale_factor": 1.0 / 255.0 }),
            json!({ "image_mean": null, "do_pan_and_scan": null, "rescale_factor": 0.003_921_568_627_450_98 }),
            json!({ "size": { "height": 896, "width": 896 }, "do_normalize": true, "do_pan_and_scan": false }),
        ] {
            check(taken, None);
        }
        check(json!({ "image_mean": [0.48, 0.45, 0.4] }), Some("image_mean [0.48,0.45,0.4]"));
        check(json!({ "image_mean": [0.5, 0.5, 0.48] }), Some("image_mean"));
        check(json!({ "image_mean": ["0.5"] }), Some("image_mean"));
        check(json!({ "image_std": 0.26 }), Some("image_std 0.26"));
        check(json!({ "rescale_factor": 1.0 }), Some("rescale_factor 1.0"));
        check(json!({ "rescale_factor": "1/255" }), Some("rescale_factor"));
        check(json!({ "do_normalize": false }), Some("do_normalize"));
        check(json!({ "do_rescale": false }), Some("do_rescale"));
        check(json!({ "do_pan_and_scan": true }), Some("do_pan_and_scan"));
        check(json!({ "size": { "height": 448 } }), Some("448 pixels"));
        check(json!({ "size": { "height": 896, "width": 448 } }), Some("448 pixels"));
    }

    /// The two files may contradict each other; a library reads one or the other.
    #[test]
    fn both_places_are_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let vision = Vision { image_size: 896, ..Vision::default() };
        std::fs::write(dir.path().join(PREPROCESSOR), r#"{"image_mean": [0.5]}"#).unwrap();
        std::fs::write(dir.path().join(PROCESSOR), r#"{"image_processor": {"image_mean": [0.48]}}"#).unwrap();
        assert_eq!(check_images(dir.path(), &vision).unwrap_err().file(), Some(PROCESSOR));
        std::fs::write(dir.path().join(PROCESSOR), r#"{"image_mean": [0.48]}"#).unwrap();
        check_images(dir.path(), &vision).unwrap();
    }
}
