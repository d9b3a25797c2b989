//! The bundled fonts, and which of them shows a character.

use super::script::is_joiner;
use crate::ExportError;
use allsorts::binary::read::ReadScope;
use allsorts::font::MatchingPresentation;
use allsorts::font_data::{DynamicFontTableProvider, FontData};

/// How heavy text is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Weight {
    Regular,
    Bold,
}

/// The bundled fonts of one rendering, opened when a character first needs them.
pub(crate) struct Fonts {
    faces: [Option<Face>; SOURCES.len()],
}

/// One opened font.
pub(crate) struct Face {
    font: allsorts::Font<DynamicFontTableProvider<'static>>,
    /// Thousandths of an em for one font unit.
    scale: f32,
}

/// Index of a face among the bundled fonts.
pub(crate) type FaceId = usize;

const LATIN: FaceId = 0;
const LATIN_BOLD: FaceId = 1;

/// In the order in which they are tried. A subset tag must be six capitals
/// (ISO 32000-1, 9.6.4), so the PDF names are that too.
static SOURCES: [(&str, &str, &[u8]); 12] = [
    ("NotoSans-Regular", "HILUMA", include_bytes!("../../fonts/NotoSans-Regular.ttf")),
    ("NotoSans-Bold", "HILUMB", include_bytes!("../../fonts/NotoSans-Bold.ttf")),
    ("NotoSansHebrew-Regular", "HILUMC", include_bytes!("../../fonts/NotoSansHebrew-Regular.ttf")),
    ("NotoSansArabic-Regular", "HILUMD", include_bytes!("../../fonts/NotoSansArabic-Regular.ttf")),
    ("NotoSansDevanagari-Regular", "HILUME", include_bytes!("../../fonts/NotoSansDevanagari-Regular.ttf")),
    ("NotoSansBengali-Regular", "HILUMF", include_bytes!("../../fonts/NotoSansBengali-Regular.ttf")),
    ("NotoSansTamil-Regular", "HILUMG", include_bytes!("../../fonts/NotoSansTamil-Regular.ttf")),
    ("NotoSansThai-Regular", "HILUMH", include_bytes!("../../fonts/NotoSansThai-Regular.ttf")),
    ("NotoSansArmenian-Regular", "HILUMI", include_bytes!("../../fonts/NotoSansArmenian-Regular.ttf")),
    ("NotoSansGeorgian-Regular", "HILUMJ", include_bytes!("../../fonts/NotoSansGeorgian-Regular.ttf")),
    ("DroidSansFallback", "HILUMK", include_bytes!("../../fonts/DroidSansFallback.ttf")),
    ("NotoSansMath-Regular", "HILUML", include_bytes!("../../fonts/NotoSansMath-Regular.ttf")),
];

impl Fonts {
    pub fn new() -> Fonts {
        Fonts { faces: Default::default() }
    }

    /// The first face that shows `c`, and whether it must be thickened because
    /// only the Latin face comes in bold.
    ///
    /// # Errors
    /// [`ExportError::NoGlyph`] when none does.
    pub fn face_for(&mut self, c: char, weight: Weight) -> Result<FaceId, ExportError> {
        let first = match weight {
            Weight::Regular => LATIN,
            Weight::Bold => LATIN_BOLD,
        };
        for id in std::iter::once(first).chain(LATIN_BOLD + 1..SOURCES.len()) {
            if self.face(id)?.glyph(c).is_some() {
                return Ok(id);
            }
        }
        Err(ExportError::NoGlyph(c))
    }

    /// Whether the character can be printed, or needs no ink.
    ///
    /// # Errors
    /// As [`Fonts::face_for`].
    pub fn shows(&mut self, c: char, weight: Weight) -> Result<(), ExportError> {
        if c == '\n' || is_joiner(c) { Ok(()) } else { self.face_for(c, weight).map(drop) }
    }

    pub fn face(&mut self, id: FaceId) -> Result<&mut Face, ExportError> {
        let (name, _, bytes) = SOURCES[id];
        let slot = &mut self.faces[id];
        if slot.is_none() {
            *slot = Some(Face::open(bytes).ok_or(ExportError::Font(name))?);
        }
        slot.as_mut().ok_or(ExportError::Font(name))
    }

    /// True when text of this weight in this face has to be thickened.
    pub fn must_thicken(id: FaceId, weight: Weight) -> bool {
        weight == Weight::Bold && id != LATIN_BOLD
    }

    /// Name of the face as a PDF resource.
    pub fn resource_name(id: FaceId) -> &'static str {
        SOURCES[id].1
    }

    pub fn name(id: FaceId) -> &'static str {
        SOURCES[id].0
    }

    pub fn bytes(id: FaceId) -> &'static [u8] {
        SOURCES[id].2
    }
}

impl Face {
    fn open(bytes: &'static [u8]) -> Option<Face> {
        let file = ReadScope::new(bytes).read::<FontData<'static>>().ok()?;
        let font = allsorts::Font::new(file.table_provider(0).ok()?).ok()?;
        let units_per_em = font.head_table.units_per_em;
        Some(Face { font, scale: 1000.0 / f32::from(units_per_em) })
    }

    pub fn glyph(&mut self, c: char) -> Option<u16> {
        let (gid, _) = self.font.lookup_glyph_index(c, MatchingPresentation::NotRequired, None);
        (gid != 0).then_some(gid)
    }

    /// Advance in whole thousandths of an em, cut off as the PDF's width table is.
    pub fn advance(&mut self, gid: u16) -> f32 {
        self.font.horizontal_advance(gid).map_or(0.0, |units| (f32::from(units) * self.scale).trunc())
    }

    pub fn scale(&self) -> f32 {
        self.scale
    }

    pub fn font(&mut self) -> &mut allsorts::Font<DynamicFontTableProvider<'static>> {
        &mut self.font
    }
}
