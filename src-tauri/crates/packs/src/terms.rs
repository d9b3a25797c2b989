//! The terms that weights come under, and the notice that goes with every copy.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::{PackError, Result};
use crate::folder::list;
use crate::manifest::Quantization;

/// Terms under which MedGemma and MedSigLIP weights come, in the words that a
/// person who adds them reads and accepts, once for each pack.
pub const HAI_DEF_TERMS: &str = "Health AI Developer Foundations Terms of Use, \
    https://developers.google.com/health-ai-developer-foundations/terms, and Prohibited Use Policy, \
    https://developers.google.com/health-ai-developer-foundations/prohibited-use-policy. The weights are supplied by the \
    user, who accepts these terms. Clinical use needs the authorisation of the health authority. A copy that is passed \
    on, quantised or not, needs the same terms, the notice, and a note of what was modified. Text that the model drafts \
    must not be passed off as a person's own words.";

/// The notice that those terms ask every copy to carry (section 3.1).
pub const HAI_DEF_NOTICE: &str = "HAI-DEF is provided under and subject to the Health AI Developer Foundations Terms of \
    Use found at https://developers.google.com/health-ai-developer-foundations/terms";

/// Name of the notice inside a pack.
pub const NOTICE_FILE: &str = "NOTICE";

/// SHA-256 of a text of terms in lower-case hexadecimal: which words were accepted.
pub fn terms_hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// What was done to the publisher's weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Nothing,
    /// Tensors carry other names; their numbers are the publisher's.
    Names,
    Quantised(Quantization),
}

/// Where a publisher's own words may lie.
const OWN_WORDS: [&str; 6] = ["LICENSE", "LICENSE.md", "LICENSE.txt", "NOTICE", "NOTICE.md", "NOTICE.txt"];

/// Most characters of each of them that are shown: a licence is shorter, and what is shown is kept in the manifest.
const MOST_SHOWN: usize = 20_000;

/// The words that a person reads and accepts for a folder as downloaded: [`HAI_DEF_TERMS`], whose links lead nowhere
/// without a network, and then what the publisher put into the folder.
pub(crate) fn terms_of(dir: &Path) -> Result<String> {
    let mut text = HAI_DEF_TERMS.to_owned();
    let (files, _) = list(dir)?;
    for name in OWN_WORDS.into_iter().filter(|name| files.contains_key(*name)) {
        let path = dir.join(name);
        let mut bytes = Vec::new();
        // A character has at most four bytes.
        File::open(&path)
            .and_then(|file| file.take(4 * MOST_SHOWN as u64 + 1).read_to_end(&mut bytes))
            .map_err(|source| PackError::Read { path, source })?;
        let own = String::from_utf8_lossy(&bytes);
        let own = own.trim();
        if own.is_empty() {
            continue;
        }
        text.push_str(&format!("\n\n{name}, as it lies in the folder:\n\n"));
        text.extend(own.chars().take(MOST_SHOWN));
        if own.chars().nth(MOST_SHOWN).is_some() {
            text.push_str(&format!("\n\n(The rest of it is in {name}.)"));
        }
    }
    Ok(text)
}

/// The notice file of a pack: the publisher's own words first, where there are
/// any, then the notice, then what was modified. The same input gives the same
/// bytes, since the file counts in the pack's hash.
pub(crate) fn notice_file(published: Option<&str>, change: Change) -> String {
    let mut text = String::new();
    if let Some(published) = published.map(str::trim_end).filter(|published| !published.is_empty()) {
        text.push_str(published);
        text.push_str("\n\n");
    }
    if !text.contains(HAI_DEF_NOTICE) {
        text.push_str(HAI_DEF_NOTICE);
        text.push_str(".\n");
    }
    let modified = match change {
        Change::Nothing => return text,
        Change::Names => "tensors of the weights in this folder were renamed by Hilum, and no number was changed. The \
             SHA-256 of the publisher's files are in pack.json under source_files."
            .to_owned(),
        Change::Quantised(quantization) => format!(
            "the weights in this folder were converted by Hilum to {} from the publisher's weights, whose SHA-256 are in \
             pack.json under source_files. They are not the publisher's files.",
            quantization.form().unwrap_or_default()
        ),
    };
    text.push_str(&format!("\nModified files: {modified}\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notice_is_kept_and_modifications_are_noted() {
        let plain = notice_file(None, Change::Nothing);
        assert_eq!(plain, format!("{HAI_DEF_NOTICE}.\n"));
        let own = notice_file(Some("Copyright of the publisher\n"), Change::Nothing);
        assert!(own.starts_with("Copyright of the publisher\n\nHAI-DEF"), "{own}");
        assert_eq!(notice_file(Some(&plain), Change::Nothing).matches("HAI-DEF").count(), 1);
        for (change, words) in [
            (Change::Quantised(Quantization::Q4k), "to Q4_K from"),
            (Change::Quantised(Quantization::Q8), "to Q8_0 from"),
            (Change::Names, "renamed by Hilum"),
        ] {
            let text = notice_file(None, change);
            assert!(text.contains("Modified files") && text.contains(words) && text.contains(HAI_DEF_NOTICE), "{text}");
        }
    }

    /// Writes these files into a folder and looks at what is shown after our own words.
    fn check(files: &[(&str, &str)], shown: &str) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        assert_eq!(terms_of(dir.path()).unwrap().strip_prefix(HAI_DEF_TERMS).unwrap(), shown);
    }

    #[test]
    fn the_publishers_own_words_are_shown_after_ours() {
        check(&[], "");
        check(&[("README.md", "a card"), ("LICENSE", " \n")], "");
        let (licence, notice) =
            ("\n\nLICENSE.txt, as it lies in the folder:\n\n", "\n\nNOTICE, as it lies in the folder:\n\n");
        check(&[("NOTICE", "b\n"), ("LICENSE.txt", "a\nb\n")], &format!("{licence}a\nb{notice}b"));
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("LICENSE")).unwrap();
        assert_eq!(terms_of(dir.path()).unwrap(), HAI_DEF_TERMS, "a folder says nothing");
        let rest = "\n\n(The rest of it is in NOTICE.)";
        for (length, ending) in [(MOST_SHOWN, ""), (MOST_SHOWN + 1, rest), (10 * MOST_SHOWN, rest)] {
            for letter in ["x", "\u{1D11E}"] {
                let all = letter.repeat(length.min(MOST_SHOWN));
                check(&[("NOTICE", &letter.repeat(length))], &format!("{notice}{all}{ending}"));
            }
        }
    }
}
