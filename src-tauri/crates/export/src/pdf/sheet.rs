//! One page being drawn. Positions are points from the top left corner.

use super::structure::Mark;
use crate::text::{Fonts, Glyph, Line};
use printpdf::{
    Codepoint, Color, DictItem, ExtendedGraphicsStateId, FontId, LinePoint, Op, PaintMode, PdfFontHandle, Point, Pt,
    Rect, Rgb, TextItem, TextMatrix, TextRenderingMode, XObjectId, XObjectTransform,
};
use std::collections::BTreeMap;
use std::rc::Rc;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ink(pub f32, pub f32, pub f32);

pub(super) const BLACK: Ink = Ink(0.10, 0.12, 0.14);
pub(super) const MUTED: Ink = Ink(0.38, 0.42, 0.47);
pub(super) const ACCENT: Ink = Ink(0.11, 0.31, 0.38);
pub(super) const HAIRLINE: Ink = Ink(0.80, 0.83, 0.86);
pub(super) const TINT: Ink = Ink(0.953, 0.963, 0.969);
pub(super) const WARNING: Ink = Ink(0.68, 0.16, 0.12);
/// Of marks on pictures, and of what stands behind them.
pub(super) const LIGHT: Ink = Ink(1.0, 0.85, 0.54);
pub(super) const DARK: Ink = Ink(0.05, 0.06, 0.07);

impl From<Ink> for Color {
    fn from(ink: Ink) -> Color {
        Color::Rgb(Rgb::new(ink.0, ink.1, ink.2, None))
    }
}

/// Name of the see-through state that watermarks are drawn in.
pub(super) const VEIL: &str = "Veil";
/// Name of the logo among the resources.
pub(super) const LOGO: &str = "Logo";

/// Name of a key image among the resources, counted from 0.
pub(super) fn key_image(number: usize) -> String {
    format!("KeyImage{}", number + 1)
}

/// Which glyphs of which face were drawn, and for which characters.
///
/// A PDF font knows one text for a glyph, so a glyph that stands for two texts
/// (an ohm sign and an omega) needs the font twice.
#[derive(Debug, Default)]
pub(super) struct Glyphs {
    texts: BTreeMap<(usize, u16), Vec<String>>,
}

impl Glyphs {
    /// The PDF font in which `glyph` stands for its text.
    fn font_of(&mut self, glyph: &Glyph) -> FontId {
        let texts = self.texts.entry((glyph.face, glyph.gid)).or_default();
        let copy = match texts.iter().position(|t| *t == glyph.text) {
            Some(copy) => copy,
            None => {
                texts.push(glyph.text.clone());
                texts.len() - 1
            }
        };
        font_id(glyph.face, copy)
    }

    /// Every PDF font that was used, with its face.
    pub fn fonts(&self) -> BTreeMap<String, usize> {
        let mut fonts = BTreeMap::new();
        for ((face, _), texts) in &self.texts {
            for copy in 0..texts.len() {
                fonts.insert(font_id(*face, copy).0, *face);
            }
        }
        fonts
    }
}

fn font_id(face: usize, copy: usize) -> FontId {
    let name = Fonts::resource_name(face);
    let first = char::from(b'H' + (copy % 18) as u8);
    FontId(format!("{first}{}", &name[1..]))
}

pub(super) struct Sheet {
    ops: Vec<Op>,
    height: f32,
    /// What the content now belongs to.
    mark: Option<Mark>,
}

impl Sheet {
    pub fn new(height: f32) -> Sheet {
        Sheet { ops: Vec::new(), height, mark: None }
    }

    /// What is drawn from here on belongs to `mark`.
    pub fn under(&mut self, mark: Mark) {
        if self.mark == Some(mark) {
            return;
        }
        self.end();
        self.ops.push(mark.begin());
        self.mark = Some(mark);
    }

    /// Everything that was drawn.
    pub fn finished(mut self) -> Vec<Op> {
        self.end();
        self.ops
    }

    fn end(&mut self) {
        if self.mark.take().is_some() {
            self.ops.push(Op::EndMarkedContent);
        }
    }

    /// Draws a line with its baseline at `y`.
    pub fn text(&mut self, glyphs: &mut Glyphs, line: &Line, x: f32, y: f32, size: f32, ink: Ink) {
        if line.glyphs.is_empty() {
            return;
        }
        self.ops.push(Op::StartTextSection);
        self.ops.push(Op::SetFillColor { col: ink.into() });
        let baseline = self.height - y;
        let mut pen = x;
        let mut current: Option<(FontId, bool)> = None;
        let mut span: Option<Rc<str>> = None;
        for run in runs(glyphs, &line.glyphs) {
            self.span(&mut span, run.glyphs[0].word.as_ref());
            let thick = Fonts::must_thicken(run.glyphs[0].face, run.glyphs[0].weight);
            if current.as_ref() != Some(&(run.font.clone(), thick)) {
                if current.as_ref().is_some_and(|(_, was)| *was) != thick {
                    self.thicken(thick, size, ink);
                }
                let font = PdfFontHandle::External(run.font.clone());
                self.ops.push(Op::SetFont { font, size: Pt(size) });
                current = Some((run.font.clone(), thick));
            }
            let first = &run.glyphs[0];
            let at = TextMatrix::Translate(Pt(pen + first.dx * size / 1000.0), Pt(baseline + first.dy * size / 1000.0));
            self.ops.push(Op::SetTextMatrix { matrix: at });
            self.ops.push(Op::ShowText { items: vec![shown(&run.glyphs)] });
            pen += run.glyphs.iter().map(|g| g.advance).sum::<f32>() * size / 1000.0;
        }
        self.span(&mut span, None);
        if current.is_some_and(|(_, thick)| thick) {
            self.thicken(false, size, ink);
        }
        self.ops.push(Op::EndTextSection);
    }

    /// Glyphs that do not stand in the order of their characters carry the text that they are
    /// together (ActualText, ISO 32000-1, 14.9.4).
    fn span(&mut self, open: &mut Option<Rc<str>>, word: Option<&Rc<str>>) {
        let same = match (&*open, word) {
            (Some(a), Some(b)) => Rc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        if same {
            return;
        }
        if open.is_some() {
            self.ops.push(Op::EndMarkedContent);
        }
        if let Some(word) = word {
            let mut data = vec![0xFE, 0xFF];
            data.extend(word.encode_utf16().flat_map(u16::to_be_bytes));
            let map = BTreeMap::from([("ActualText".to_owned(), DictItem::String { data, literal: false })]);
            let properties = DictItem::Dict { map };
            self.ops.push(Op::BeginMarkedContentWithProperties { tag: "Span".to_owned(), properties });
        }
        *open = word.cloned();
    }

    fn thicken(&mut self, thick: bool, size: f32, ink: Ink) {
        if thick {
            self.ops.push(Op::SetOutlineColor { col: ink.into() });
            self.ops.push(Op::SetOutlineThickness { pt: Pt(size * 0.035) });
            self.ops.push(Op::SetTextRenderingMode { mode: TextRenderingMode::FillStroke });
        } else {
            self.ops.push(Op::SetTextRenderingMode { mode: TextRenderingMode::Fill });
        }
    }

    /// Draws a line see-through and turned by `degrees` counter-clockwise around its middle.
    pub fn watermark(&mut self, glyphs: &mut Glyphs, line: &Line, middle: (f32, f32), size: f32, degrees: f32) {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let half = line.width * size / 2000.0;
        let (x, y) = (middle.0 - half * cos, self.height - middle.1 - half * sin);
        self.ops.push(Op::SaveGraphicsState);
        self.ops.push(Op::LoadGraphicsState { gs: ExtendedGraphicsStateId(VEIL.into()) });
        self.ops.push(Op::StartTextSection);
        self.ops.push(Op::SetFillColor { col: WARNING.into() });
        let mut along = 0.0;
        for run in runs(glyphs, &line.glyphs) {
            self.ops.push(Op::SetFont { font: PdfFontHandle::External(run.font.clone()), size: Pt(size) });
            let matrix = TextMatrix::Raw([cos, sin, -sin, cos, x + along * cos, y + along * sin]);
            self.ops.push(Op::SetTextMatrix { matrix });
            self.ops.push(Op::ShowText { items: vec![shown(&run.glyphs)] });
            along += run.glyphs.iter().map(|g| g.advance).sum::<f32>() * size / 1000.0;
        }
        self.ops.push(Op::EndTextSection);
        self.ops.push(Op::RestoreGraphicsState);
    }

    pub fn fill(&mut self, x: f32, y: f32, width: f32, height: f32, ink: Ink) {
        self.ops.push(Op::SetFillColor { col: ink.into() });
        self.rectangle(x, y, width, height, PaintMode::Fill);
    }

    pub fn frame(&mut self, x: f32, y: f32, width: f32, height: f32, ink: Ink) {
        self.ops.push(Op::SetOutlineColor { col: ink.into() });
        self.ops.push(Op::SetOutlineThickness { pt: Pt(0.6) });
        self.rectangle(x, y, width, height, PaintMode::Stroke);
    }

    fn rectangle(&mut self, x: f32, y: f32, width: f32, height: f32, mode: PaintMode) {
        let rectangle = Rect {
            x: Pt(x),
            y: Pt(self.height - y - height),
            width: Pt(width),
            height: Pt(height),
            mode: Some(mode),
            winding_order: None,
        };
        self.ops.push(Op::DrawRectangle { rectangle });
    }

    /// A line through `points`, light on dark so that it is seen on any picture.
    pub fn stroke(&mut self, points: &[[f32; 2]]) {
        for (ink, width) in [(DARK, 2.4), (LIGHT, 1.0)] {
            self.ops.push(Op::SetOutlineColor { col: ink.into() });
            self.ops.push(Op::SetOutlineThickness { pt: Pt(width) });
            let points = points
                .iter()
                .map(|[x, y]| LinePoint { p: Point { x: Pt(*x), y: Pt(self.height - y) }, bezier: false })
                .collect();
            self.ops.push(Op::DrawLine { line: printpdf::Line { points, is_closed: false } });
        }
    }

    /// Places a picture, which is a unit square until it is scaled.
    pub fn picture(&mut self, name: &str, x: f32, y: f32, width: f32, height: f32) {
        let transform = XObjectTransform {
            translate_x: Some(Pt(x)),
            translate_y: Some(Pt(self.height - y - height)),
            scale_x: Some(width),
            scale_y: Some(height),
            no_auto_scale: true,
            ..Default::default()
        };
        self.ops.push(Op::SaveGraphicsState);
        self.ops.push(Op::UseXobject { id: XObjectId(name.to_owned()), transform });
        self.ops.push(Op::RestoreGraphicsState);
    }
}

/// Glyphs that one show operator draws.
struct Run<'a> {
    font: FontId,
    glyphs: Vec<&'a Glyph>,
}

/// A shaped glyph, whose advance or place may differ from the font's, is drawn on its own.
fn runs<'a>(glyphs: &mut Glyphs, line: &'a [Glyph]) -> Vec<Run<'a>> {
    let mut runs: Vec<Run<'a>> = Vec::new();
    for glyph in line {
        let font = glyphs.font_of(glyph);
        match runs.last_mut() {
            Some(run)
                if run.font == font
                    && glyph.dx == 0.0
                    && glyph.dy == 0.0
                    && run.glyphs.iter().all(|g| g.plain && g.weight == glyph.weight)
                    && glyph.plain =>
            {
                run.glyphs.push(glyph);
            }
            _ => runs.push(Run { font, glyphs: vec![glyph] }),
        }
    }
    runs
}

fn shown(glyphs: &[&Glyph]) -> TextItem {
    TextItem::GlyphIds(glyphs.iter().map(|g| Codepoint::with_cid(g.gid, 0.0, g.text.clone())).collect())
}
