//! Whether an image is of the kind that the models were made for.

use hilum_workers::messages::decode::DecodedHeader;

/// Whether the models apply to an image, and why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applicability {
    Applies,
    /// Not a computed or digital radiograph (modality CR or DX).
    Modality,
    /// The body part is named and is not the chest.
    BodyPart,
    /// A lateral view: the findings prompts were published for frontal views.
    Lateral,
    /// Colour, which no radiograph has.
    Colour,
}

impl Applicability {
    /// Whether an image's embedding is of use: a lateral view is like other lateral views,
    /// though no prompt was published for it.
    pub fn embeds(self) -> bool {
        matches!(self, Applicability::Applies | Applicability::Lateral)
    }

    /// A plain sentence for the reader; `None` where the models apply.
    pub fn why(self) -> Option<&'static str> {
        match self {
            Applicability::Applies => None,
            Applicability::Modality => Some("The models are for chest radiographs (CR or DX); this image is of another modality."),
            Applicability::BodyPart => Some("The models are for chest radiographs; this image is of another body part."),
            Applicability::Lateral => Some("The models read frontal views; this one is lateral."),
            Applicability::Colour => Some("The models read grey radiographs; this image is in colour."),
        }
    }
}

/// Judges by modality, photometric interpretation, body part and view, as the header says.
///
/// A header that does not say counts for the models, as old films do; a header
/// that says something else counts against.
pub fn applicability(header: &DecodedHeader) -> Applicability {
    let upper = |value: &Option<String>| value.as_deref().unwrap_or("").trim().to_uppercase();
    // Secondary captures carry radiographs often enough that "OT" is not held against one.
    if !matches!(upper(&header.modality).as_str(), "CR" | "DX" | "RG" | "DR") {
        return Applicability::Modality;
    }
    if header.samples_per_pixel > 1 {
        return Applicability::Colour;
    }
    let part = upper(&header.body_part);
    let description = format!("{} {}", upper(&header.study_description), upper(&header.series_description));
    let says_chest = ["CHEST", "THORAX", "LUNG", "CXR"].iter().any(|w| part.contains(w));
    let described_as_chest = ["CHEST", "THORAX", "CXR", "LUNG"].iter().any(|w| description.contains(w));
    if !part.is_empty() && !says_chest && !described_as_chest {
        return Applicability::BodyPart;
    }
    match upper(&header.view_position).as_str() {
        "LL" | "RL" | "LATERAL" | "LAT" | "LLD" | "RLD" => Applicability::Lateral,
        _ => Applicability::Applies,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(modality: &str, part: &str, view: &str, samples: u16, expected: Applicability) {
        let some = |v: &str| (!v.is_empty()).then(|| v.to_owned());
        let header = DecodedHeader {
            modality: some(modality),
            body_part: some(part),
            view_position: some(view),
            samples_per_pixel: samples,
            ..DecodedHeader::default()
        };
        assert_eq!(applicability(&header), expected, "{modality} {part} {view}");
    }

    #[test]
    fn what_the_header_says_decides() {
        check("CR", "CHEST", "PA", 1, Applicability::Applies);
        check("DX", "", "", 1, Applicability::Applies);
        check("DX", "thorax", "AP", 1, Applicability::Applies);
        check("CT", "CHEST", "", 1, Applicability::Modality);
        check("CR", "HIP", "AP", 1, Applicability::BodyPart);
        check("CR", "CHEST", "LL", 1, Applicability::Lateral);
        check("CR", "CHEST", "PA", 3, Applicability::Colour);
        check("", "CHEST", "PA", 1, Applicability::Modality);
    }
}
