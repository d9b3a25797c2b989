//! One run of text in one direction becomes glyphs in the order they are drawn.

use super::face::{FaceId, Fonts, Weight};
use super::script::{is_joiner, is_mark, mirrored, shaping_script};
use crate::ExportError;
use allsorts::font::MatchingPresentation;
use allsorts::glyph_position::{GlyphLayout, TextDirection};
use allsorts::gsub::{FeatureMask, FeatureMaskExt, RawGlyphFlag};
use std::rc::Rc;

/// Of marks on letters of scripts that are set letter by letter.
const LATIN: u32 = u32::from_be_bytes(*b"latn");

/// A glyph where the pen stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Glyph {
    pub face: FaceId,
    pub gid: u16,
    pub weight: Weight,
    /// How far the pen moves on, in thousandths of an em.
    pub advance: f32,
    /// Where the glyph is drawn from the pen, in thousandths of an em.
    pub dx: f32,
    pub dy: f32,
    /// False for a glyph that a shaper chose, whose advance may not be the font's.
    pub plain: bool,
    /// The characters that it stands for, which text extraction gives back.
    pub text: String,
    /// What it is part of, where glyphs do not stand in the order of their characters.
    pub word: Option<Rc<str>>,
}

/// Glyphs of `text` from left to right. `text` has one direction throughout.
///
/// Latin, Greek, Cyrillic and CJK text is set glyph by glyph without ligatures
/// or kerning, so that what is extracted is what was written.
pub(crate) fn shape(fonts: &mut Fonts, text: &str, weight: Weight, rtl: bool) -> Result<Vec<Glyph>, ExportError> {
    let mut pieces = pieces(fonts, text, weight)?;
    if rtl {
        pieces.reverse();
    }
    let mut glyphs = Vec::with_capacity(text.len());
    for piece in pieces {
        match piece.script {
            Some(script) => glyphs.extend(shaped(fonts, &piece, script, weight, rtl)?),
            None => glyphs.extend(plain(fonts, &piece, weight, rtl)?),
        }
    }
    Ok(glyphs)
}

/// Text of one face that is either all shaped or all plain.
struct Piece {
    text: String,
    face: FaceId,
    script: Option<u32>,
}

fn pieces(fonts: &mut Fonts, text: &str, weight: Weight) -> Result<Vec<Piece>, ExportError> {
    let mut pieces: Vec<Piece> = Vec::new();
    for c in text.chars() {
        // A no-break space is drawn as a space.
        let c = if c == '\u{A0}' { ' ' } else { c };
        let joins_last = is_mark(c) || is_joiner(c);
        if let Some(last) = pieces.last_mut()
            && joins_last
            && (is_joiner(c) || fonts.face(last.face)?.glyph(c).is_some())
        {
            last.text.push(c);
            if last.script.is_none() {
                last.script = shaping_script(c);
            }
            continue;
        }
        if is_joiner(c) {
            continue;
        }
        let face = fonts.face_for(c, weight)?;
        let script = shaping_script(c);
        match pieces.last_mut() {
            Some(last) if last.face == face && last.script == script => last.text.push(c),
            _ => pieces.push(Piece { text: c.to_string(), face, script }),
        }
    }
    Ok(pieces)
}

fn plain(fonts: &mut Fonts, piece: &Piece, weight: Weight, rtl: bool) -> Result<Vec<Glyph>, ExportError> {
    let mut glyphs = Vec::with_capacity(piece.text.len());
    for c in piece.text.chars() {
        let drawn = if rtl { mirrored(c) } else { c };
        let face = fonts.face(piece.face)?;
        let Some(gid) = face.glyph(drawn) else { return Err(ExportError::NoGlyph(drawn)) };
        let advance = face.advance(gid);
        glyphs.push(Glyph {
            face: piece.face,
            gid,
            weight,
            advance,
            dx: 0.0,
            dy: 0.0,
            plain: true,
            // What is drawn is the mirror image; what was written is not.
            text: c.to_string(),
            word: None,
        });
    }
    if rtl {
        glyphs.reverse();
    }
    Ok(glyphs)
}

fn shaped(fonts: &mut Fonts, piece: &Piece, script: u32, weight: Weight, rtl: bool) -> Result<Vec<Glyph>, ExportError> {
    let broken = || ExportError::Font(Fonts::name(piece.face));
    let face = fonts.face(piece.face)?;
    let scale = face.scale();
    let font = face.font();
    let raw = font.map_glyphs(&piece.text, script, MatchingPresentation::NotRequired);
    let infos = font.shape(raw, script, None, FeatureMask::default_mask(), &[], None, true).map_err(|_| broken())?;
    let direction = if rtl { TextDirection::RightToLeft } else { TextDirection::LeftToRight };
    let positions = GlyphLayout::new(font, &infos, direction, false).glyph_positions().map_err(|_| broken())?;
    // Left-to-right scripts that are shaped put vowels before and strokes above what they follow.
    let word: Option<Rc<str>> = (!rtl && script != LATIN).then(|| piece.text.as_str().into());
    let mut glyphs = Vec::with_capacity(infos.len());
    for (info, position) in infos.iter().zip(&positions) {
        let glyph = &info.glyph;
        if glyph.glyph_index == 0 && glyph.unicodes.iter().all(|c| is_joiner(*c)) {
            continue;
        }
        if glyph.glyph_index == 0 {
            return Err(ExportError::NoGlyph(glyph.unicodes.first().copied().unwrap_or('\u{FFFD}')));
        }
        // Of the glyphs that one character was split into, the first stands for it.
        let text = if glyph.flags.contains(RawGlyphFlag::MULTI_SUBST_DUP) {
            String::new()
        } else {
            glyph.unicodes.iter().filter(|c| !is_joiner(**c)).collect()
        };
        glyphs.push(Glyph {
            face: piece.face,
            gid: glyph.glyph_index,
            weight,
            advance: position.hori_advance as f32 * scale,
            dx: position.x_offset as f32 * scale,
            dy: position.y_offset as f32 * scale,
            plain: false,
            text,
            word: word.clone(),
        });
    }
    if rtl {
        glyphs.reverse();
    }
    Ok(glyphs)
}
