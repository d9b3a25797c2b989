//! What a pack is called where nobody says: after the folder that it was made of.

use std::path::Path;

use crate::manifest::Kind;

pub(crate) fn folder_name(dir: &Path) -> String {
    // "." and ".." have no name of their own.
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    // A download cache names its folders by revision, and the model above them.
    let cached = dir.parent().filter(|parent| parent.ends_with("snapshots")).and_then(Path::parent);
    let named = cached.unwrap_or(&dir).file_name().map(|name| name.to_string_lossy().into_owned());
    let name = named.unwrap_or_else(|| "model".into());
    name.strip_prefix("models--").and_then(|name| name.rsplit("--").next()).map_or(name.clone(), str::to_owned)
}

pub(crate) fn id_from_folder(dir: &Path, kind: Kind) -> String {
    let name = folder_name(dir).to_lowercase();
    let words: Vec<_> =
        name.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
    let id: String = words.join("-").chars().take(56).collect();
    // A bare revision says nothing to a person.
    let revision = id.len() == 40 && id.bytes().all(|b| b.is_ascii_hexdigit());
    match id.is_empty() || revision {
        true => kind.as_str().into(),
        false => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::check_id;

    #[test]
    fn identifiers_from_folder_names() {
        for (folder, id) in [
            ("/x/medgemma-1.5-4b-it", "medgemma-1-5-4b-it"),
            ("/x/MedSigLIP 448", "medsiglip-448"),
            ("/x/86a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3", "medgemma"),
            ("/x/models--google--medgemma-4b-it/snapshots/86a3", "medgemma-4b-it"),
            ("/x/---", "medgemma"),
            ("/x/モデル", "medgemma"),
        ] {
            assert_eq!(id_from_folder(Path::new(folder), Kind::MedGemma), id);
            check_id(id).unwrap();
        }
    }
}
