//! The header of an object as text and numbers.

use crate::charset::{CharacterSet, Kind};
use crate::dataset::{DataSet, Role};
use crate::elements::PIXEL_DATA;
use crate::part10::Part10;
use crate::stored;
use hilum_workers::messages::decode::DecodedHeader;

/// Longest value of a text element that is shown, in bytes. The longest that the
/// standard allows in the elements read here is 64 characters a group.
const MAX_TEXT: usize = 4096;
/// Deepest sequence whose names are listed.
const NAME_DEPTH: usize = 16;
/// Most compressions of one image whose ratios are kept.
const MOST_RATIOS: usize = 8;

/// Everything the rest of Hilum knows of a file besides its pixels.
pub fn header(part10: &Part10) -> DecodedHeader {
    let data = part10.data();
    let set = Fields::new(data.clone(), None);
    let text = |tag| set.text(tag);
    let mut warnings = part10.warnings.clone();
    let has_pixels = part10.elements.get(PIXEL_DATA).is_some();
    let short = |tag| data.u16(tag);
    let window = set.numbers(0x0028_1050).is_empty() || set.numbers(0x0028_1051).is_empty();
    if has_pixels && window && !data.has(0x0028_3010) {
        warnings.push("header.missing_window".to_owned());
    }
    if data.has(0x0028_0120) {
        warnings.push("pixels.padded".to_owned());
    }
    if set.numbers(0x0028_1053).first() == Some(&0.0) {
        warnings.push("header.bad_rescale".to_owned());
    }
    let account = stored::account(part10);
    if account.differs {
        warnings.push("header.compression_differs".to_owned());
    }
    let syntax = account.other.unwrap_or(&part10.transfer_syntax);
    if has_pixels && (account.loses || lossy(text(0x0028_2110).as_deref(), syntax)) {
        warnings.push("pixels.lossy".to_owned());
    }
    if !has_pixels {
        warnings.push("header.no_pixels".to_owned());
    }
    let bits_allocated = short(0x0028_0100).unwrap_or(0);
    DecodedHeader {
        sop_class_uid: text(0x0008_0016).or_else(|| part10.media_sop_class.clone()).unwrap_or_default(),
        sop_instance_uid: text(0x0008_0018).or_else(|| part10.media_sop_instance.clone()).unwrap_or_default(),
        study_uid: text(0x0020_000D).unwrap_or_default(),
        series_uid: text(0x0020_000E).unwrap_or_default(),
        transfer_syntax_uid: part10.transfer_syntax.clone(),
        specific_character_set: text(0x0008_0005),
        patient_name: set.name(0x0010_0010),
        patient_id: text(0x0010_0020),
        patient_sex: text(0x0010_0040),
        patient_birth_date: text(0x0010_0030),
        patient_age: text(0x0010_1010),
        issuer_of_patient_id: text(0x0010_0021),
        accession_number: text(0x0008_0050),
        study_id: text(0x0020_0010),
        study_date: text(0x0008_0020),
        study_time: text(0x0008_0030),
        study_description: text(0x0008_1030),
        referring_physician: set.name(0x0008_0090),
        institution: text(0x0008_0080),
        modality: text(0x0008_0060),
        series_number: set.integer(0x0020_0011),
        series_description: text(0x0008_103E),
        body_part: text(0x0018_0015),
        view_position: text(0x0018_5101),
        patient_orientation: text(0x0020_0020),
        laterality: text(0x0020_0062).or_else(|| text(0x0020_0060)),
        instance_number: set.integer(0x0020_0013),
        acquisition_date: text(0x0008_0022),
        acquisition_time: text(0x0008_0032),
        manufacturer: text(0x0008_0070),
        model_name: text(0x0008_1090),
        burned_in_annotation: text(0x0028_0301),
        rows: short(0x0028_0010).map(u32::from).filter(|_| has_pixels),
        columns: short(0x0028_0011).map(u32::from).filter(|_| has_pixels),
        frames: if has_pixels { frames(&set) } else { 0 },
        samples_per_pixel: short(0x0028_0002).unwrap_or(if has_pixels { 1 } else { 0 }),
        bits_allocated,
        bits_stored: short(0x0028_0101).unwrap_or(bits_allocated),
        signed: short(0x0028_0103) == Some(1),
        photometric: text(0x0028_0004),
        pixel_spacing: pair(&set.numbers(0x0028_0030)),
        imager_pixel_spacing: pair(&set.numbers(0x0018_1164)),
        lossy_ratios: set.numbers(0x0028_2112).into_iter().filter(|ratio| *ratio > 0.0).take(MOST_RATIOS).collect(),
        referenced_files: referenced_files(&data),
        warnings,
    }
}

/// Whether the pixels lost something in a compression, by Lossy Image Compression (PS3.3 C.7.6.1.1.5) or the transfer
/// syntax (PS3.5 8.2). The tag stays "01" for good, also where the file is not compressed any more.
fn lossy(said: Option<&str>, syntax: &str) -> bool {
    match syntax.strip_prefix("1.2.840.10008.1.2.4.") {
        // JPEG with a cosine transform rounds, whatever the tag says.
        Some("50" | "51" | "52" | "53" | "54" | "55" | "56") => true,
        // JPEG-LS near-lossless, JPEG 2000 and HTJ2K may be used without loss, and a stream that states none may have
        // lost something all the same (JPEG 2000 leaves layers out), which only the tag says: where it says nothing,
        // loss is told of, because a syntax that rules it out was there to be chosen.
        Some("81" | "91" | "93" | "203") => said != Some("00"),
        _ => said == Some("01"),
    }
}

/// Files that the records of a DICOMDIR name (PS3.3 F.3, Referenced File ID), parts joined by a
/// slash. A name with parts that PS3.10 8.5 does not allow is left out: it would leave the disc.
fn referenced_files(data: &DataSet) -> Vec<String> {
    const MOST_RECORDS: usize = 20_000;
    let records = data.items(0x0004_1220, MOST_RECORDS).unwrap_or_default();
    let part = |part: &str| {
        let letters = part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-' || b == b'.');
        letters && !part.is_empty() && part.len() <= 64 && !part.starts_with('.')
    };
    let names = records.into_iter().filter_map(|record| Fields::new(record, None).text(0x0004_1500));
    names.map(|name| name.split('\\').map(|p| p.trim().to_owned()).collect::<Vec<_>>())
        .filter(|parts| parts.len() <= 8 && parts.iter().all(|p| part(p)))
        .map(|parts| parts.join("/"))
        .collect()
}

/// Every person name of the object and of its sequences, with the character set
/// of the item that it stands in (PS3.3 C.12.1.1.2: an item's own set replaces
/// the one around it). Meant for de-identification and for tests.
pub fn person_names(part10: &Part10) -> Vec<String> {
    let mut names = Vec::new();
    collect(part10.data(), None, 0, &mut names);
    names
}

fn collect(data: DataSet, around: Option<&CharacterSet>, depth: usize, names: &mut Vec<String>) {
    let fields = Fields::new(data.clone(), around);
    for (tag, role) in data.roles() {
        match role {
            Role::Name => names.extend(fields.name(tag)),
            Role::Sequence if depth < NAME_DEPTH => {
                for item in data.items(tag, 64).unwrap_or_default() {
                    collect(item, Some(&fields.set), depth + 1, names);
                }
            }
            _ => {}
        }
    }
}

/// Number of frames, at least one; an unreadable value counts as one.
pub fn frames(fields: &Fields) -> u32 {
    fields.integer(0x0028_0008).and_then(|n| u32::try_from(n).ok()).unwrap_or(1).max(1)
}

/// The values of one level of elements, decoded.
pub struct Fields<'a> {
    data: DataSet<'a>,
    set: CharacterSet,
}

impl<'a> Fields<'a> {
    /// `around` is the character set that holds where the level names none.
    pub fn new(data: DataSet<'a>, around: Option<&CharacterSet>) -> Self {
        let own = data.bytes(0x0008_0005);
        let set = match (own, around) {
            (None, Some(around)) => around.clone(),
            (own, _) => CharacterSet::new(own),
        };
        Self { data, set }
    }

    /// Text without padding; `None` where absent or empty.
    pub fn text(&self, tag: u32) -> Option<String> {
        self.decode(tag, Kind::Text)
    }

    /// A person name with its component groups; empty groups at the end are left out.
    pub fn name(&self, tag: u32) -> Option<String> {
        let name = self.decode(tag, Kind::PersonName)?;
        let name = name.trim_end_matches('=');
        (!name.is_empty()).then(|| name.to_owned())
    }

    /// The numbers of a DS or IS element; what is no finite number is left out.
    pub fn numbers(&self, tag: u32) -> Vec<f64> {
        let text = self.text(tag).unwrap_or_default();
        text.split('\\').filter_map(|n| n.trim().parse::<f64>().ok()).filter(|n| n.is_finite()).collect()
    }

    /// The first integer of an IS element.
    pub fn integer(&self, tag: u32) -> Option<i64> {
        self.text(tag)?.split('\\').next()?.trim().parse().ok()
    }

    fn decode(&self, tag: u32, kind: Kind) -> Option<String> {
        let bytes = self.data.bytes(tag)?;
        let text = self.set.decode(&bytes[..bytes.len().min(MAX_TEXT)], kind);
        let text: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

fn pair(numbers: &[f64]) -> Option<[f64; 2]> {
    match numbers {
        [row, column] if *row > 0.0 && *column > 0.0 => Some([*row, *column]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::header;
    use crate::part10;
    use hilum_testkit::dicom::{DicomFile, EXPLICIT_LE, IMPLICIT_LE};
    use hilum_workers::messages::decode::DecodedHeader;

    fn read(file: &[u8]) -> DecodedHeader {
        header(&part10::open(file).unwrap())
    }

    fn told_of_loss(header: &DecodedHeader) -> bool {
        header.warnings.iter().any(|warning| warning == "pixels.lossy")
    }

    #[test]
    fn loss_is_told_by_the_tag_and_by_the_transfer_syntax() {
        let jpeg = |last: &str| format!("1.2.840.10008.1.2.4.{last}");
        let cases = [
            (EXPLICIT_LE.to_owned(), None, false),
            (EXPLICIT_LE.to_owned(), Some("00"), false),
            (EXPLICIT_LE.to_owned(), Some("01"), true),
            (IMPLICIT_LE.to_owned(), Some("01"), true),
            (jpeg("50"), None, true),
            (jpeg("51"), Some("00"), true),
            (jpeg("70"), None, false),
            (jpeg("70"), Some("01"), true),
            (jpeg("80"), None, false),
            (jpeg("81"), None, true),
            (jpeg("90"), None, false),
            (jpeg("91"), None, true),
            (jpeg("91"), Some("00"), false),
            (jpeg("91"), Some("01"), true),
            (jpeg("203"), None, true),
        ];
        for (syntax, said, wanted) in cases {
            let plain = DicomFile::radiograph(4, 4, 12, |_, _| 7);
            let file = match said {
                Some(said) => plain.text(0x0028_2110, b"CS", said),
                None => plain,
            };
            assert_eq!(told_of_loss(&read(&file.write_as(&syntax))), wanted, "{syntax} {said:?}");
        }
        let no_image = DicomFile::header(4, 4, 16, 12).text(0x0028_2110, b"CS", "01");
        assert!(!told_of_loss(&read(&no_image.write())), "nothing was lost of an image that is not there");
    }

    #[test]
    fn ratios_of_compression_are_read_in_their_order() {
        let cases: [(&str, &[f64]); 4] = [("12.5", &[12.5]), ("10\\4", &[10.0, 4.0]), ("0\\x\\-3", &[]), ("", &[])];
        for (written, wanted) in cases {
            let file = DicomFile::radiograph(4, 4, 12, |_, _| 7).text(0x0028_2112, b"DS", written);
            assert_eq!(read(&file.write()).lossy_ratios, wanted, "{written}");
        }
    }

    #[test]
    fn compressed_files_tell_of_loss_where_there_is_some() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../decode/tests/fixtures");
        for (name, wanted) in [
            ("jpeg_baseline", true),
            ("jpeg_extended", true),
            ("jpeg_progressive", true),
            ("jpeg_lossless_sv1", false),
            ("jpegls", false),
            ("jpegls_near", true),
            ("jpeg2000", false),
            ("jpeg2000_lossy", true),
            ("htj2k", false),
            ("htj2k_rpcl", false),
            ("htj2k_lossy", true),
            ("rle", false),
            ("deflated", false),
        ] {
            let file = std::fs::read(folder.join(format!("{name}.dcm"))).unwrap();
            assert_eq!(told_of_loss(&read(&file)), wanted, "{name}");
        }
    }
}
