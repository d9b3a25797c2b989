//! `pack.json`: what a pack is, where it comes from, and every file's hash.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{PackError, Result};

/// Name of the manifest inside a pack's folder.
pub const MANIFEST_FILE: &str = "pack.json";

/// Which part of the work a pack does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A Gemma 3 vision-language model: drafts reports.
    MedGemma,
    /// A Gemma 3 language model without eyes: kept and checked; nothing here drafts with it yet.
    #[serde(rename = "medgemma-text")]
    MedGemmaText,
    /// A SigLIP pair: scores findings and embeds images.
    MedSigLip,
}

/// How the weights differ from the publisher's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quantization {
    /// The numbers as published.
    #[default]
    None,
    Q4k,
    #[serde(rename = "q8_0")]
    Q8,
}

/// That a person was shown the terms and accepted them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsAccepted {
    /// RFC 3339.
    pub at: String,
    /// SHA-256 of the words that were shown.
    pub sha256: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub id: String,
    pub kind: Kind,
    pub name: String,
    /// A demonstration without medical meaning; everything it makes says so.
    pub demo: bool,
    /// Where the weights come from, in words.
    pub source: String,
    pub terms: String,
    pub notice: String,
    pub quantization: Quantization,
    /// When a person accepted the terms and which words; absent for demonstrations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms_accepted: Option<TermsAccepted>,
    /// Numbers in the weights; absent in packs made before it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<u64>,
    /// Where the weights are not the publisher's files, but quantised or under other tensor names: the SHA-256 of every
    /// published file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub source_files: BTreeMap<String, String>,
    /// SHA-256 in lower-case hexadecimal of every file but the manifest, by name.
    pub files: BTreeMap<String, String>,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MedGemma => "medgemma",
            Self::MedGemmaText => "medgemma-text",
            Self::MedSigLip => "medsiglip",
        }
    }
}

impl Quantization {
    /// As `--quantize` and the manifest spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Q4k => "q4k",
            Self::Q8 => "q8_0",
        }
    }

    /// The name of the format, where it is not the publisher's.
    pub(crate) fn form(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Q4k => Some("Q4_K"),
            Self::Q8 => Some("Q8_0"),
        }
    }
}

impl Manifest {
    /// Reads the manifest of the pack in `dir`, without looking at its files.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = dir.join(MANIFEST_FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(PackError::MissingFile { file: MANIFEST_FILE.into() });
            }
            Err(source) => return Err(PackError::Read { path, source }),
        };
        let manifest: Self = serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
        check_id(&manifest.id)?;
        for (file, hash) in &manifest.files {
            if !is_plain_name(file) || file == MANIFEST_FILE {
                return Err(malformed(format!("{file:?} is not the name of a file of the pack")));
            }
            if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
                return Err(malformed(format!("{hash:?} is not a SHA-256")));
            }
        }
        Ok(manifest)
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("a manifest is strings, and so is JSON");
        bytes.push(b'\n');
        bytes
    }
}

/// One hash for all files of a pack, recorded with everything it makes: the
/// SHA-256 of the lines that `sha256sum` prints for the files in the byte order
/// of their names, so that `sha256sum FILES | sha256sum` finds it again.
pub fn pack_hash(manifest: &Manifest) -> String {
    let mut hasher = Sha256::new();
    for (file, hash) in &manifest.files {
        hasher.update(format!("{hash}  {file}\n"));
    }
    hex::encode(hasher.finalize())
}

pub(crate) fn check_id(id: &str) -> Result<()> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    if id.is_empty() || id.len() > 64 || !id.bytes().all(fits) {
        return Err(PackError::BadId { id: id.to_owned() });
    }
    Ok(())
}

/// A name that stays inside its folder.
pub(crate) fn is_plain_name(name: &str) -> bool {
    !name.contains(['/', '\\', '\0', '\n']) && Path::new(name).file_name().is_some_and(|file| file == name)
}

fn malformed(reason: String) -> PackError {
    PackError::Malformed { file: MANIFEST_FILE.into(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(files: &[(&str, &str)]) -> Manifest {
        Manifest {
            id: "tiny".into(),
            kind: Kind::MedSigLip,
            name: "Tiny".into(),
            demo: true,
            source: "seed".into(),
            terms: String::new(),
            notice: String::new(),
            quantization: Quantization::None,
            terms_accepted: None,
            parameters: None,
            source_files: BTreeMap::new(),
            files: files.iter().map(|(file, hash)| ((*file).into(), (*hash).into())).collect(),
        }
    }

    #[test]
    fn the_hash_is_over_names_and_contents_only() {
        let one = manifest(&[("a", "00"), ("b", "01")]);
        // printf '00  a\n01  b\n' | sha256sum
        assert_eq!(pack_hash(&one), "dea72421b0f5a665e8adbf499cd63d0ce13a6449e4eea7a10c7ea50b5f558b34");
        assert_eq!(pack_hash(&Manifest { name: "other".into(), demo: false, ..one.clone() }), pack_hash(&one));
        for other in [&[("a", "00"), ("c", "01")][..], &[("a", "00"), ("b", "02")], &[("a", "00")]] {
            assert_ne!(pack_hash(&manifest(other)), pack_hash(&one), "{other:?}");
        }
    }

    fn check_read(json: &str, code: Option<&str>) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(MANIFEST_FILE), json).unwrap();
        let found = Manifest::read(dir.path()).err().map(|error| error.code());
        assert_eq!(found, code, "{json}");
    }

    #[test]
    fn manifests_are_read_or_refused() {
        let json = |id: &str, files: &str| {
            format!(
                r#"{{"id":"{id}","kind":"medgemma","name":"n","demo":true,"source":"s","terms":"t","notice":"n",
                    "quantization":"q8_0","card":"ignored","files":{{{files}}}}}"#
            )
        };
        let hash = "0".repeat(64);
        check_read(&json("demo-1", &format!(r#""config.json":"{hash}""#)), None);
        check_read(&json("../demo", ""), Some("pack.bad_id"));
        check_read(&json("demo.partial", ""), Some("pack.bad_id"));
        check_read(&json("demo", &format!(r#""../config.json":"{hash}""#)), Some("pack.malformed"));
        check_read(&json("demo", &format!(r#""..":"{hash}""#)), Some("pack.malformed"));
        check_read(&json("demo", &format!(r#""pack.json":"{hash}""#)), Some("pack.malformed"));
        check_read(&json("demo", r#""config.json":"12""#), Some("pack.malformed"));
        check_read("{}", Some("pack.malformed"));
        check_read("", Some("pack.malformed"));
    }
}
