//! The terms that weights come under, and the notice that goes with every copy.

use sha2::{Digest, Sha256};

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

/// The notice file of a pack: the publisher's own words first, where there are
/// any, then the notice, then what was modified. The same input gives the same
/// bytes, since the file counts in the pack's hash.
pub(crate) fn notice_file(published: Option<&str>, quantization: Quantization) -> String {
    let mut text = String::new();
    if let Some(published) = published.map(str::trim_end).filter(|published| !published.is_empty()) {
        text.push_str(published);
        text.push_str("\n\n");
    }
    if !text.contains(HAI_DEF_NOTICE) {
        text.push_str(HAI_DEF_NOTICE);
        text.push_str(".\n");
    }
    if let Some(form) = quantization.form() {
        text.push_str(&format!(
            "\nModified files: the weights in this folder were converted by Hilum to {form} from the publisher's weights, \
             whose SHA-256 are in pack.json under source_files. They are not the publisher's files.\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notice_is_kept_and_modifications_are_noted() {
        let plain = notice_file(None, Quantization::None);
        assert_eq!(plain, format!("{HAI_DEF_NOTICE}.\n"));
        let own = notice_file(Some("Copyright of the publisher\n"), Quantization::None);
        assert!(own.starts_with("Copyright of the publisher\n\nHAI-DEF"), "{own}");
        assert_eq!(notice_file(Some(&plain), Quantization::None).matches("HAI-DEF").count(), 1);
        for (quantization, form) in [(Quantization::Q4k, "Q4_K"), (Quantization::Q8, "Q8_0")] {
            let text = notice_file(None, quantization);
            assert!(text.contains("Modified files") && text.contains(form) && text.contains(HAI_DEF_NOTICE), "{text}");
        }
    }
}
