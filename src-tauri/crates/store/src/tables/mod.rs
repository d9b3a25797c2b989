//! One module a table, each with the methods of [`crate::Store`] that concern it.

pub(crate) mod annotations;
pub(crate) mod audit;
pub(crate) mod claims;
pub(crate) mod comparisons;
pub(crate) mod embeddings;
pub(crate) mod encoded_images;
pub(crate) mod glances;
pub(crate) mod import;
pub(crate) mod instances;
pub(crate) mod journal;
pub(crate) mod locks;
pub(crate) mod macros;
pub(crate) mod patients;
pub(crate) mod printing;
pub(crate) mod proposals;
pub(crate) mod queue;
pub(crate) mod reports;
pub(crate) mod reveals;
pub(crate) mod scores;
pub(crate) mod search;
pub(crate) mod series;
pub(crate) mod settings;
pub(crate) mod similarity;
pub(crate) mod studies;
pub(crate) mod templates;
pub(crate) mod users;
pub(crate) mod versions;
pub(crate) mod vouched;

use crate::error::{Result, StoreError};
use time::format_description::FormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// RFC 3339 in UTC with all nine digits, so that text sorts as time does.
const TIME: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:9]Z");

pub(crate) fn time_text(at: OffsetDateTime) -> Result<String> {
    at.to_offset(UtcOffset::UTC).format(TIME).map_err(|e| StoreError::Corrupt(format!("a time cannot be written: {e}")))
}

pub(crate) fn parse_time(text: &str) -> Result<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|e| StoreError::Corrupt(format!("a time cannot be read: {e}")))
}

pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|e| StoreError::Corrupt(format!("cannot be written as JSON: {e}")))
}

pub(crate) fn from_json<T: serde::de::DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| StoreError::Corrupt(format!("{what} cannot be read: {e}")))
}

/// The word by which serde names a unit variant.
pub(crate) fn word<T: serde::Serialize>(value: &T) -> Result<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        _ => Err(StoreError::Corrupt("not a word".to_owned())),
    }
}

pub(crate) fn from_word<T: serde::de::DeserializeOwned>(word: String, what: &str) -> Result<T> {
    serde_json::from_value(serde_json::Value::String(word))
        .map_err(|e| StoreError::Corrupt(format!("{what} cannot be read: {e}")))
}

/// Little-endian bytes of numbers, for columns that are read whole.
pub(crate) fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

pub(crate) fn f32_values(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|c| f32::from_le_bytes(*c)).collect()
}

pub(crate) fn u32_bytes(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

pub(crate) fn u32_values(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks().0.iter().map(|c| u32::from_le_bytes(*c)).collect()
}
