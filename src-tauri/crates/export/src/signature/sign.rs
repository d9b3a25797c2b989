//! Puts a certifying PAdES B-B signature into a file of one revision.

use super::cms::AskForTime;
use super::{Identity, cms, time_stamp};
use crate::pdf::{SIGNATURE_BOX, SIGNATURE_OWNER, date, save, text_string};
use crate::{CryptoRngCore, ExportError, SignatureBlock};
use lopdf::{Document, Object, ObjectId, Stream, StringFormat, dictionary};
use sha2::{Digest, Sha256};

/// A number that stands in the byte range until the file's length is known.
const PLACEHOLDER: i64 = 9_999_999_999;

/// Signs a PDF that [`crate::pdf::render`] made.
///
/// The file is written anew with a signature field over the printed signature
/// block, so it stays one revision. The signature certifies the document and
/// allows no change (DocMDP, P 1; ISO 32000-1, 12.8.2.2).
///
/// # Errors
/// `cert.expired` when the certificate does not hold at the time of signing,
/// `pdf.already_signed`, `pdf.read`.
pub fn sign(
    pdf: &[u8],
    identity: &Identity,
    signature: &SignatureBlock,
    rng: &mut dyn CryptoRngCore,
) -> Result<Vec<u8>, ExportError> {
    write(pdf, identity, signature, rng, None)
}

/// As [`sign`], with a time stamp over the signature (PAdES B-T, ETSI EN 319 142-1, 6.3).
///
/// # Errors
/// As [`sign`]; what `ask` fails with; `timestamp.refused`, `timestamp.invalid`, `timestamp.clock`.
pub fn sign_with_time(
    pdf: &[u8],
    identity: &Identity,
    signature: &SignatureBlock,
    rng: &mut dyn CryptoRngCore,
    ask: AskForTime<'_>,
) -> Result<Vec<u8>, ExportError> {
    write(pdf, identity, signature, rng, Some(ask))
}

fn write(
    pdf: &[u8],
    identity: &Identity,
    signature: &SignatureBlock,
    rng: &mut dyn CryptoRngCore,
    time: Option<AskForTime<'_>>,
) -> Result<Vec<u8>, ExportError> {
    if !identity.is_valid_at(signature.at) {
        return Err(ExportError::NotValidNow);
    }
    let room = cms::room(identity)? + if time.is_some() { time_stamp::ROOM } else { 0 };
    let mut file = Document::load_mem(pdf).map_err(|e| ExportError::Read(e.to_string()))?;
    add_field(&mut file, signature, room)?;
    let mut bytes = save(&mut file)?;

    let hole = find(&bytes, format!("<{}>", "00".repeat(room)).as_bytes())?;
    let (start, end) = (hole, hole + 2 * room + 2);
    let waiting = format!("[0 {PLACEHOLDER} {PLACEHOLDER} {PLACEHOLDER}]");
    let range = format!("[0 {start} {end} {}]", bytes.len() - end);
    let at = find(&bytes, waiting.as_bytes())?;
    let padded = format!("{range:<width$}", width = waiting.len());
    bytes[at..at + waiting.len()].copy_from_slice(padded.as_bytes());

    let mut hash = Sha256::new();
    hash.update(&bytes[..start]);
    hash.update(&bytes[end..]);
    let value = hex::encode(cms::detached(identity, &hash.finalize().into(), rng, signature.at, time)?);
    if value.len() > 2 * room {
        return Err(ExportError::SignatureRoom);
    }
    bytes[start + 1..start + 1 + value.len()].copy_from_slice(value.as_bytes());
    Ok(bytes)
}

fn add_field(file: &mut Document, signature: &SignatureBlock, room: usize) -> Result<(), ExportError> {
    let catalog = file.catalog().map_err(|e| ExportError::Read(e.to_string()))?;
    if catalog.has(b"AcroForm") || catalog.has(b"Perms") {
        return Err(ExportError::AlreadySigned);
    }
    let (page, rectangle) = place(file)?;
    let value = file.add_object(dictionary! {
        "Type" => "Sig",
        "Filter" => "Adobe.PPKLite",
        "SubFilter" => "ETSI.CAdES.detached",
        "ByteRange" => vec![Object::Integer(0), PLACEHOLDER.into(), PLACEHOLDER.into(), PLACEHOLDER.into()],
        "Contents" => Object::String(vec![0; room], StringFormat::Hexadecimal),
        "M" => Object::String(date(signature.at).into_bytes(), StringFormat::Literal),
        "Name" => text_string(&signature.name),
        "Reason" => text_string(signature.meaning.words()),
        "Reference" => vec![Object::Dictionary(dictionary! {
            "Type" => "SigRef",
            "TransformMethod" => "DocMDP",
            "TransformParams" => dictionary! { "Type" => "TransformParams", "P" => 1, "V" => "1.2" },
        })],
    });
    let [left, bottom, right, top] = rectangle;
    // The page itself shows name, time and meaning, so the field adds no ink.
    let empty = Stream::new(
        dictionary! {
            "Type" => "XObject",
            "Subtype" => "Form",
            "BBox" => vec![Object::Real(0.0), Object::Real(0.0), Object::Real(right - left), Object::Real(top - bottom)],
            "Resources" => dictionary! {},
        },
        Vec::new(),
    );
    let appearance = file.add_object(empty);
    let field = file.add_object(dictionary! {
        "Type" => "Annot",
        "Subtype" => "Widget",
        "FT" => "Sig",
        "T" => Object::string_literal("Signature"),
        // What is said in the field's place (ISO 32000-1, 14.9.3).
        "TU" => text_string(&format!("Signature of {}", signature.name)),
        "V" => Object::Reference(value),
        "P" => Object::Reference(page),
        // Print and Locked (ISO 32000-1, 12.5.3).
        "F" => 132,
        "Rect" => rectangle.map(Object::Real).to_vec(),
        "AP" => dictionary! { "N" => Object::Reference(appearance) },
    });
    tag(file, field, page);
    let page = file.get_object_mut(page).and_then(Object::as_dict_mut).map_err(|e| ExportError::Read(e.to_string()))?;
    page.set("Annots", vec![Object::Reference(field)]);
    let catalog = file.catalog_mut().map_err(|e| ExportError::Read(e.to_string()))?;
    // SignaturesExist and AppendOnly (ISO 32000-1, 12.7.2).
    catalog.set("AcroForm", dictionary! { "Fields" => vec![Object::Reference(field)], "SigFlags" => 3 });
    catalog.set("Perms", dictionary! { "DocMDP" => Object::Reference(value) });
    Ok(())
}

/// Puts the field at the end of the structure (ISO 32000-1, 14.7.4.3), where the file has one.
fn tag(file: &mut Document, field: ObjectId, page: ObjectId) -> Option<()> {
    let reference = |file: &Document, id: ObjectId, key: &[u8]| -> Option<ObjectId> {
        file.get_dictionary(id).ok()?.get(key).and_then(Object::as_reference).ok()
    };
    let root = file.catalog().ok()?.get(b"StructTreeRoot").and_then(Object::as_reference).ok()?;
    let (top, parents) = (reference(file, root, b"K")?, reference(file, root, b"ParentTree")?);
    let number = file.get_dictionary(root).ok()?.get(b"ParentTreeNextKey").and_then(Object::as_i64).ok()?;
    let element = file.add_object(dictionary! {
        "Type" => "StructElem",
        "S" => "Form",
        "P" => Object::Reference(top),
        "K" => vec![Object::Dictionary(dictionary! {
            "Type" => "OBJR",
            "Obj" => Object::Reference(field),
            "Pg" => Object::Reference(page),
        })],
    });
    let list = |file: &mut Document, id: ObjectId, key: &[u8], entries: Vec<Object>| -> Option<()> {
        let array = file.get_object_mut(id).and_then(Object::as_dict_mut).ok()?.get_mut(key);
        array.and_then(Object::as_array_mut).ok()?.extend(entries);
        Some(())
    };
    list(file, top, b"K", vec![Object::Reference(element)])?;
    list(file, parents, b"Nums", vec![Object::Integer(number), Object::Reference(element)])?;
    file.get_object_mut(root).and_then(Object::as_dict_mut).ok()?.set("ParentTreeNextKey", number + 1);
    file.get_object_mut(field).and_then(Object::as_dict_mut).ok()?.set("StructParent", number);
    Some(())
}

/// Page and rectangle of the printed signature block; the first page and an
/// empty rectangle where the file does not say.
fn place(file: &Document) -> Result<(ObjectId, [f32; 4]), ExportError> {
    let pages: Vec<ObjectId> = file.get_pages().into_values().collect();
    let first = *pages.first().ok_or_else(|| ExportError::Read("it has no page".into()))?;
    let kept = || -> Option<(ObjectId, [f32; 4])> {
        let pieces = file.catalog().ok()?.get(b"PieceInfo").ok()?.as_dict().ok()?;
        let owner = pieces.get(SIGNATURE_OWNER.as_bytes()).ok()?.as_dict().ok()?;
        let values = owner.get(b"Private").ok()?.as_dict().ok()?.get(SIGNATURE_BOX.as_bytes()).ok()?.as_array().ok()?;
        let [page, rectangle @ ..] = values.as_slice() else { return None };
        let page = *pages.get(usize::try_from(page.as_i64().ok()?).ok()?)?;
        let rectangle: Vec<f32> = rectangle.iter().map(Object::as_float).collect::<Result<_, _>>().ok()?;
        Some((page, rectangle.try_into().ok()?))
    };
    Ok(kept().unwrap_or((first, [0.0; 4])))
}

/// The one place where `needle` stands.
fn find(bytes: &[u8], needle: &[u8]) -> Result<usize, ExportError> {
    let mut places = bytes.windows(needle.len()).enumerate().filter(|(_, w)| *w == needle).map(|(at, _)| at);
    match (places.next(), places.next()) {
        (Some(at), None) => Ok(at),
        _ => Err(ExportError::Write("the signature's place is not found".into())),
    }
}
