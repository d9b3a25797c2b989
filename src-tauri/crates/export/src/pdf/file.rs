//! From drawn pages to a file: fonts, metadata, identity.

use super::archive::IDENTIFICATION;
use super::layout::Printed;
use super::sheet::{LOGO, VEIL, key_image};
use crate::text::Fonts;
use crate::{ExportError, ReportDocument};
use lopdf::{Object, Stream, StringFormat, dictionary};
use printpdf::{
    ExtendedGraphicsState, ExtendedGraphicsStateId, FontId, Mm, ParsedFont, PdfDocument, PdfFont, PdfPage,
    PdfSaveOptions, Pt, RawImage, RawImageData, RawImageFormat, XObject, XObjectId,
};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

/// Where the catalogue's page-piece dictionary (ISO 32000-1, 14.5) keeps the
/// place of the signature block for whoever signs the file.
pub(crate) const SIGNATURE_OWNER: &str = "Hilum";
pub(crate) const SIGNATURE_BOX: &str = "SignatureBox";

/// Where the file's information dictionary repeats the head that every page prints, for programs.
pub(crate) const AUDIT_HEAD: &str = "HilumAuditHead";

const TITLE: &str = "Radiology report";
const PRODUCER: &str = concat!("Hilum ", env!("CARGO_PKG_VERSION"));

pub(super) fn write(document: &ReportDocument, printed: Printed) -> Result<Vec<u8>, ExportError> {
    let mut pdf = PdfDocument::new(TITLE);
    for (name, face) in printed.glyphs.fonts() {
        let parsed = ParsedFont::from_bytes(Fonts::bytes(face), 0, &mut Vec::new())
            .ok_or(ExportError::Font(Fonts::name(face)))?;
        pdf.resources.fonts.map.insert(FontId(name), PdfFont::new(parsed));
    }
    let mut picture = |name: String, width, height, pixels: &[u8], data_format| {
        let pixels = RawImageData::U8(pixels.to_vec());
        let image = RawImage { pixels, width, height, data_format, tag: Vec::new() };
        pdf.resources.xobjects.map.insert(XObjectId(name), XObject::Image(image));
    };
    for (number, image) in document.key_images.iter().enumerate() {
        picture(key_image(number), image.width, image.height, &image.grey, RawImageFormat::R8);
    }
    if let Some(logo) = &document.letterhead.logo {
        picture(LOGO.to_owned(), logo.width, logo.height, &logo.rgb, RawImageFormat::RGB8);
    }
    if !document.watermarks().is_empty() {
        let veil = ExtendedGraphicsState::default().with_current_fill_alpha(0.13);
        pdf.resources.extgstates.map.insert(ExtendedGraphicsStateId(VEIL.into()), veil);
    }
    let (width, height) = document.paper.size();
    pdf.pages = printed
        .sheets
        .into_iter()
        .map(|sheet| PdfPage::new(Mm::from(Pt(width)), Mm::from(Pt(height)), sheet.finished()))
        .collect();
    let mut warnings = Vec::new();
    let options = PdfSaveOptions { image_optimization: None, ..Default::default() };
    let mut file = printpdf::to_lopdf_doc(&pdf, &options, &mut warnings);
    // A glyph or a font left out is a report that does not say what was signed.
    if let Some(warning) = warnings.first() {
        return Err(ExportError::Write(warning.msg.clone()));
    }
    file.version = "1.7".into();
    describe(&mut file, document, printed.signature_box)?;
    printed.structure.write(&mut file)?;
    file.compress();
    identify(&mut file)?;
    save(&mut file)
}

/// Metadata names the kind of document and its maker, nothing of the patient.
fn describe(
    file: &mut lopdf::Document,
    document: &ReportDocument,
    signature_box: Option<(usize, [f32; 4])>,
) -> Result<(), ExportError> {
    let created = document.created;
    let mut info = dictionary! {
        "Title" => text_string(TITLE),
        "Producer" => text_string(PRODUCER),
        "CreationDate" => Object::String(date(created).into_bytes(), StringFormat::Literal),
        "ModDate" => Object::String(date(created).into_bytes(), StringFormat::Literal),
    };
    if !document.audit_head.is_empty() {
        info.set(AUDIT_HEAD, text_string(&document.audit_head));
    }
    let info = file.add_object(info);
    file.trailer.set("Info", Object::Reference(info));
    let mut metadata = Stream::new(dictionary! { "Type" => "Metadata", "Subtype" => "XML" }, xmp(created).into_bytes());
    // Readable without a PDF parser, as ISO 32000-1, 14.3.2 advises.
    metadata.allows_compression = false;
    let metadata = file.add_object(metadata);
    let intents = super::archive::output_intent(file);
    let catalog = file.catalog_mut().map_err(|e| ExportError::Write(e.to_string()))?;
    catalog.set("Metadata", Object::Reference(metadata));
    catalog.set("OutputIntents", intents);
    catalog.set("Lang", Object::string_literal("en"));
    catalog.set("ViewerPreferences", dictionary! { "DisplayDocTitle" => true });
    if let Some((page, place)) = signature_box {
        let mut values = vec![Object::Integer(page as i64)];
        values.extend(place.map(Object::Real));
        let owner = dictionary! {
            "LastModified" => Object::String(date(created).into_bytes(), StringFormat::Literal),
            "Private" => dictionary! { SIGNATURE_BOX => values },
        };
        catalog.set("PieceInfo", dictionary! { SIGNATURE_OWNER => owner });
    }
    Ok(())
}

/// The file identifier is a hash of the content (ISO 32000-1, 14.4 leaves the
/// choice free), so that the same report gives the same file.
fn identify(file: &mut lopdf::Document) -> Result<(), ExportError> {
    file.trailer.remove(b"ID");
    let id = Sha256::digest(save(file)?)[..16].to_vec();
    let id = Object::String(id, StringFormat::Hexadecimal);
    file.trailer.set("ID", vec![id.clone(), id]);
    Ok(())
}

pub(crate) fn save(file: &mut lopdf::Document) -> Result<Vec<u8>, ExportError> {
    let mut bytes = Vec::new();
    file.save_to(&mut bytes).map_err(|e| ExportError::Write(e.to_string()))?;
    Ok(bytes)
}

/// A text string (ISO 32000-1, 7.9.2.2): plain words as they are, everything else as UTF-16.
pub(crate) fn text_string(text: &str) -> Object {
    // Words that a verifier looks for in a file's bytes (`verify/file.rs`) may not stand there because somebody typed them.
    let plain = |b: u8| b.is_ascii_alphanumeric() || b" .,:;+-_'()".contains(&b);
    if text.bytes().all(plain) && !text.contains("startxref") {
        return Object::String(text.as_bytes().to_vec(), StringFormat::Literal);
    }
    let mut bytes = vec![0xFE, 0xFF];
    bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
    Object::String(bytes, StringFormat::Hexadecimal)
}

/// A date (ISO 32000-1, 7.9.4) with its offset from UTC.
pub(crate) fn date(at: OffsetDateTime) -> String {
    let (hours, minutes, _) = at.offset().as_hms();
    let sign = if hours < 0 || minutes < 0 { '-' } else { '+' };
    format!(
        "D:{:04}{:02}{:02}{:02}{:02}{:02}{sign}{:02}'{:02}'",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        hours.unsigned_abs(),
        minutes.unsigned_abs()
    )
}

fn xmp(created: OffsetDateTime) -> String {
    let pdf = date(created);
    let d = &pdf[2..];
    let iso = format!(
        "{}-{}-{}T{}:{}:{}{}{}:{}",
        &d[0..4],
        &d[4..6],
        &d[6..8],
        &d[8..10],
        &d[10..12],
        &d[12..14],
        &d[14..15],
        &d[15..17],
        &d[18..20]
    );
    format!(
        "<?xpacket begin=\"\u{FEFF}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n\
         <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n\
         <rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
         xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" xmlns:pdf=\"http://ns.adobe.com/pdf/1.3/\">\n\
         <dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">{TITLE}</rdf:li></rdf:Alt></dc:title>\n\
         <xmp:CreateDate>{iso}</xmp:CreateDate>\n\
         <xmp:ModifyDate>{iso}</xmp:ModifyDate>\n\
         <pdf:Producer>{PRODUCER}</pdf:Producer>\n\
         </rdf:Description>\n{IDENTIFICATION}</rdf:RDF>\n</x:xmpmeta>\n<?xpacket end=\"r\"?>\n"
    )
}
