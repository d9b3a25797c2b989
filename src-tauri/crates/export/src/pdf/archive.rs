//! What makes the file one for archives: PDF/A-2b (ISO 19005-2, conformance level B).
//!
//! Fonts are embedded, nothing is encrypted or active and metadata is XMP already; here come the
//! identification in the metadata and the output intent that says what the colours mean.

use lopdf::{Document, Object, Stream, StringFormat, dictionary};

/// Namespace and properties for XMP (ISO 19005-2, 6.6.4).
pub(super) const IDENTIFICATION: &str = "<rdf:Description rdf:about=\"\" xmlns:pdfaid=\"http://www.aiim.org/pdfa/ns/id/\">\n\
    <pdfaid:part>2</pdfaid:part>\n<pdfaid:conformance>B</pdfaid:conformance>\n</rdf:Description>\n";

const SRGB: &str = "sRGB IEC61966-2.1";

/// The output intent for the catalogue (ISO 19005-2, 6.2.3): all colours are sRGB.
pub(super) fn output_intent(file: &mut Document) -> Object {
    let profile = Stream::new(dictionary! { "N" => 3 }, srgb());
    let profile = file.add_object(profile);
    let name = |text: &str| Object::String(text.as_bytes().to_vec(), StringFormat::Literal);
    let intent = dictionary! {
        "Type" => "OutputIntent",
        "S" => "GTS_PDFA1",
        "OutputConditionIdentifier" => name(SRGB),
        "Info" => name(SRGB),
        "RegistryName" => name("http://www.color.org"),
        "DestOutputProfile" => Object::Reference(profile),
    };
    Object::Array(vec![Object::Dictionary(intent)])
}

/// An ICC profile of version 2 for sRGB (ICC.1:2001-04): matrix and tone curve as IEC 61966-2-1
/// defines them, adapted to D50.
fn srgb() -> Vec<u8> {
    let curve = curve();
    let tags: [(&[u8; 4], Vec<u8>); 9] = [
        (b"desc", description(SRGB)),
        (b"cprt", text("No copyright, use freely")),
        (b"wtpt", xyz([0xF6D6, 0x10000, 0xD32D])),
        (b"rXYZ", xyz([0x6FA2, 0x38F5, 0x0390])),
        (b"gXYZ", xyz([0x6299, 0xB785, 0x18DA])),
        (b"bXYZ", xyz([0x24A0, 0x0F84, 0xB6CF])),
        (b"rTRC", curve.clone()),
        (b"gTRC", curve.clone()),
        (b"bTRC", curve),
    ];
    let head = 128 + 4 + 12 * tags.len();
    let (mut table, mut data) = (Vec::new(), Vec::new());
    let mut last: Option<(usize, usize)> = None;
    for (name, body) in &tags {
        // The three curves are one.
        let (offset, length) = match last {
            Some((offset, length)) if data[offset - head..offset - head + length] == body[..] => (offset, length),
            _ => {
                let place = (head + data.len(), body.len());
                data.extend(body);
                data.resize(data.len().next_multiple_of(4), 0);
                place
            }
        };
        last = Some((offset, length));
        table.extend_from_slice(*name);
        table.extend((offset as u32).to_be_bytes());
        table.extend((length as u32).to_be_bytes());
    }
    let mut out = Vec::new();
    out.extend(((head + data.len()) as u32).to_be_bytes());
    out.extend([0; 4]);
    out.extend([2, 0x10, 0, 0]);
    out.extend(b"mntrRGB XYZ ");
    for part in [2026_u16, 1, 1, 0, 0, 0] {
        out.extend(part.to_be_bytes());
    }
    out.extend(b"acsp");
    out.extend([0; 28]);
    for part in [0xF6D6_u32, 0x10000, 0xD32D] {
        out.extend(part.to_be_bytes());
    }
    out.resize(128, 0);
    out.extend((tags.len() as u32).to_be_bytes());
    out.extend(table);
    out.extend(data);
    out
}

/// From encoded to linear light in 1024 steps (IEC 61966-2-1, 5.2).
fn curve() -> Vec<u8> {
    const STEPS: u32 = 1024;
    let mut out = b"curv\0\0\0\0".to_vec();
    out.extend(STEPS.to_be_bytes());
    for step in 0..STEPS {
        let v = f64::from(step) / f64::from(STEPS - 1);
        let linear = if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) };
        out.extend(((linear * 65535.0).round() as u16).to_be_bytes());
    }
    out
}

fn xyz(values: [u32; 3]) -> Vec<u8> {
    let mut out = b"XYZ \0\0\0\0".to_vec();
    out.extend(values.into_iter().flat_map(u32::to_be_bytes));
    out
}

fn text(words: &str) -> Vec<u8> {
    let mut out = b"text\0\0\0\0".to_vec();
    out.extend(words.as_bytes());
    out.push(0);
    out
}

fn description(words: &str) -> Vec<u8> {
    let mut out = b"desc\0\0\0\0".to_vec();
    out.extend((words.len() as u32 + 1).to_be_bytes());
    out.extend(words.as_bytes());
    out.push(0);
    // No Unicode and no Macintosh description: language, count, script, count and 67 bytes.
    out.extend([0; 4 + 4 + 2 + 1 + 67]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_says_its_own_size_and_its_tags_lie_in_it() {
        let profile = srgb();
        let number = |at: usize| u32::from_be_bytes(profile[at..at + 4].try_into().expect("four bytes")) as usize;
        assert_eq!(number(0), profile.len());
        assert_eq!(&profile[36..40], b"acsp");
        assert_eq!(number(128), 9);
        for tag in 0..9 {
            let (offset, length) = (number(132 + 12 * tag + 4), number(132 + 12 * tag + 8));
            assert!(offset % 4 == 0 && offset + length <= profile.len(), "{tag}");
        }
        // Black is black and white is white.
        let curve = curve();
        assert_eq!((&curve[12..14], &curve[curve.len() - 2..]), (&[0, 0][..], &[0xFF, 0xFF][..]));
    }
}
