//! The frame of a structured answer: its headings in order, what is missing from an
//! unfinished one, and its sentences.

use hilum_workers::messages::draft::{DraftPrompt, DraftedPart, DraftedSection, DraftedSentence, Rewrite};

use crate::prompts::prompts;

/// Stands where the frame had to be completed without the model; never proposed.
pub(crate) const NOTHING: &str = "Not described.";

/// Sentences that a region may hold.
const IN_REGION: usize = 3;
/// Sentences that an impression may hold.
const IN_IMPRESSION: usize = 4;

/// One place for sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Everything between the last slot's full stop and this slot's first letter.
    pub(crate) lead: String,
    pub(crate) part: DraftedPart,
    /// Heading of the region.
    pub(crate) region: Option<&'static str>,
    pub(crate) optional: bool,
    /// Most sentences.
    pub(crate) most: usize,
}

/// The places of an answer, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame(pub(crate) Vec<Slot>);

impl Frame {
    /// Findings, or impression, or both.
    pub(crate) fn of(parts: &[DraftedPart]) -> Self {
        let shape = &prompts().structured_answer;
        let mut slots: Vec<Slot> = Vec::new();
        for part in parts {
            let between = if slots.is_empty() { "" } else { "\n\n" };
            match part {
                DraftedPart::Findings => {
                    let required = shape.regions.iter().map(|region| (region, false));
                    let optional = shape.optional_regions.iter().map(|region| (region, true));
                    for (index, (region, optional)) in required.chain(optional).enumerate() {
                        let heading = if index == 0 { shape.findings_heading.as_str() } else { "" };
                        let lead = format!("{}{heading}\n{region}: ", if index == 0 { between } else { "" });
                        let region = Some(region.as_str());
                        slots.push(Slot { lead, part: *part, region, optional, most: IN_REGION });
                    }
                }
                DraftedPart::Impression => {
                    let lead = format!("{between}{}\n", shape.impression_heading);
                    slots.push(Slot { lead, part: *part, region: None, optional: false, most: IN_IMPRESSION });
                }
            }
        }
        Self(slots)
    }

    /// The frame of the answer to this prompt; `None` where the answer is free text.
    pub(crate) fn for_prompt(prompt: &DraftPrompt) -> Option<Self> {
        match prompt {
            DraftPrompt::Raw { .. } | DraftPrompt::Report { .. } | DraftPrompt::YesNo { .. } => None,
            // An impression is written after the findings that it sums up, and findings alone
            // are not what the report prompt is answered with.
            DraftPrompt::Sections { .. } | DraftPrompt::Section { how: Rewrite::Again, .. } => {
                Some(Self::of(&[DraftedPart::Findings, DraftedPart::Impression]))
            }
            DraftPrompt::Section { how: Rewrite::FromFindings, .. } => Some(Self::of(&[DraftedPart::Impression])),
            DraftPrompt::Section { section, .. } => Some(Self::of(&[*section])),
        }
    }

    /// What is missing after `text`, which has to be the beginning of an answer in this
    /// frame and not to end inside a sentence. Slots without a sentence get [`NOTHING`].
    pub(crate) fn missing(&self, text: &str) -> String {
        let mut rest = text;
        let mut missing = String::new();
        let required = |from: usize| self.0[from..].iter().find(|slot| !slot.optional);
        for (index, slot) in self.0.iter().enumerate() {
            if rest.is_empty() {
                if !slot.optional {
                    missing += &format!("{}{NOTHING}", slot.lead);
                }
                continue;
            }
            // The beginning of this lead may be that of the next one as well; the
            // optional slot is left out then.
            if slot.optional && required(index).is_some_and(|next| next.lead.starts_with(rest)) {
                continue;
            }
            if let Some(after) = slot.lead.strip_prefix(rest) {
                missing += &format!("{after}{NOTHING}");
                rest = "";
            } else if let Some(inside) = rest.strip_prefix(slot.lead.as_str()) {
                let end = inside.find('\n').unwrap_or(inside.len());
                let (sentences, after) = inside.split_at(end);
                if after.is_empty() && (sentences.is_empty() || sentences.ends_with(' ')) {
                    missing += NOTHING;
                }
                rest = after;
            }
        }
        missing
    }

    /// The rest of a lead that `text` ends in, where there is but one way on; empty
    /// anywhere else. A space before the first word is left to the word's token.
    pub(crate) fn determined(&self, text: &str) -> &str {
        let mut rest = text;
        for (index, slot) in self.0.iter().enumerate() {
            let required = self.0[index..].iter().find(|slot| !slot.optional);
            if let Some(after) = slot.lead.strip_prefix(rest) {
                // A line break may begin the optional region or what comes after it.
                let open = slot.optional && required.is_some_and(|next| next.lead.starts_with(rest));
                let begun = !rest.is_empty() || index == 0;
                return if begun && !open { after.trim_end_matches(' ') } else { "" };
            }
            let Some(inside) = rest.strip_prefix(slot.lead.as_str()) else { continue };
            rest = &inside[inside.find('\n').unwrap_or(inside.len())..];
            if rest.is_empty() {
                return "";
            }
        }
        ""
    }

    /// Whether `text` ends inside a sentence.
    pub(crate) fn inside_sentence(&self, text: &str) -> bool {
        let mut rest = text;
        for slot in &self.0 {
            let Some(inside) = rest.strip_prefix(slot.lead.as_str()) else { continue };
            let end = inside.find('\n').unwrap_or(inside.len());
            let (sentences, after) = inside.split_at(end);
            if after.is_empty() {
                return !(sentences.is_empty() || sentences.ends_with('.') || sentences.ends_with(". "));
            }
            rest = after;
        }
        false
    }

    /// The sentences of an answer in this frame. `cut` are offsets in bytes at which a
    /// sentence was ended without the model; such a sentence is left out, and so is
    /// [`NOTHING`]. Sections come in the order of the report, and none is empty.
    pub(crate) fn sections(&self, answer: &str, cut: &[usize]) -> Vec<DraftedSection> {
        let mut sections: Vec<DraftedSection> = Vec::new();
        let mut at = 0;
        for slot in &self.0 {
            let Some(inside) = answer[at..].strip_prefix(slot.lead.as_str()) else { continue };
            at += slot.lead.len();
            let end = at + inside.find('\n').unwrap_or(inside.len());
            let mut begin = at;
            while let Some(stop) = sentence_end(&answer[begin..end]) {
                let stop = begin + stop;
                let text = answer[begin..stop].trim();
                let whole = !cut.iter().any(|&cut| cut >= begin && cut < stop);
                if whole && text != NOTHING {
                    let sentence = DraftedSentence { text: text.to_owned(), region: slot.region.map(str::to_owned) };
                    match sections.iter_mut().find(|section| section.section == slot.part.name()) {
                        Some(section) => section.sentences.push(sentence),
                        None => sections
                            .push(DraftedSection { section: slot.part.name().to_owned(), sentences: vec![sentence] }),
                    }
                }
                begin = stop;
            }
            at = end;
        }
        sections
    }
}

/// Where the first sentence ends, full stop included. A full stop inside a measured value
/// stands before a digit.
fn sentence_end(text: &str) -> Option<usize> {
    let ends = |at: usize| !text[at + 1..].starts_with(|c: char| c.is_ascii_digit());
    text.match_indices('.').map(|(at, _)| at).find(|&at| ends(at)).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use hilum_workers::messages::draft::DraftedPart::{Findings, Impression};

    use super::*;

    fn missing(parts: &[DraftedPart], text: &str, expected: &str) {
        assert_eq!(Frame::of(parts).missing(text), expected, "{text:?}");
    }

    #[test]
    fn what_is_missing_completes_the_frame() {
        let frame = Frame::of(&[Findings, Impression]);
        let whole = frame.missing("");
        assert!(whole.starts_with("FINDINGS:\nLines, tubes and devices: Not described.\nLungs and airways: "));
        assert!(whole.ends_with("\n\nIMPRESSION:\nNot described."));
        // Whatever was written of the empty frame, the rest is what was not written.
        for at in 0..whole.len() {
            if !frame.inside_sentence(&whole[..at]) {
                let all = format!("{}{}", &whole[..at], frame.missing(&whole[..at]));
                assert!(all.ends_with("IMPRESSION:\nNot described."), "{all:?}");
                assert_eq!(frame.missing(&all), "", "{all:?}");
            }
        }
        missing(&[Impression], "", "IMPRESSION:\nNot described.");
        missing(&[Impression], "IMPRES", "SION:\nNot described.");
        missing(&[Impression], "IMPRESSION:\nNormal.", "");
        missing(&[Impression], "IMPRESSION:\nNormal. ", "Not described.");
    }

    #[test]
    fn the_optional_region() {
        let frame = Frame::of(&[Findings, Impression]);
        let upto: String = frame.missing("").split("\n\n").next().unwrap().to_owned();
        assert_eq!(frame.missing(&format!("{upto}\n")), "\nIMPRESSION:\nNot described.");
        let abdomen = format!("{upto}\nUpper abd");
        assert_eq!(frame.missing(&abdomen), "omen: Not described.\n\nIMPRESSION:\nNot described.");
    }

    #[test]
    fn sentences_keep_their_regions() {
        let frame = Frame::of(&[Findings, Impression]);
        let answer = "FINDINGS:\nLines, tubes and devices: No device.\nLungs and airways: Clear lungs. No nodule of \
                      3.5 mm.\nPleura: A large.\nHeart and mediastinum: Not described.\nBones and soft tissues: \
                      Intact.\n\nIMPRESSION:\nNormal.";
        let cut = answer.find("large.").unwrap() + 5;
        let got: Vec<(String, String, Option<String>)> = frame
            .sections(answer, &[cut])
            .into_iter()
            .flat_map(|section| section.sentences.into_iter().map(move |s| (section.section.clone(), s.text, s.region)))
            .collect();
        let findings = |text: &str, region: &str| ("findings".to_owned(), text.to_owned(), Some(region.to_owned()));
        assert_eq!(
            got,
            [
                findings("No device.", "Lines, tubes and devices"),
                findings("Clear lungs.", "Lungs and airways"),
                findings("No nodule of 3.5 mm.", "Lungs and airways"),
                findings("Intact.", "Bones and soft tissues"),
                ("impression".to_owned(), "Normal.".to_owned(), None),
            ]
        );
    }
}
