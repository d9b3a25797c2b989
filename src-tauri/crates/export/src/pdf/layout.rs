//! The pages of a report: where the pen stands, when a page is full, what all pages have.

use super::{INTENDED_USE, INTENDED_USE_IN_BULK};
use super::sheet::{BLACK, Glyphs, HAIRLINE, Ink, MUTED, Sheet, WARNING};
use super::structure::{Artifact, Role, Structure};
use crate::text::{Fonts, Line, Paragraph};
use crate::{ExportError, ReportDocument};
use time::OffsetDateTime;

/// The pages of a report and where its signature block is.
pub(super) struct Printed {
    pub sheets: Vec<Sheet>,
    pub glyphs: Glyphs,
    pub structure: Structure,
    /// Page from 0; left, bottom, right and top in points from the page's lower left corner.
    pub signature_box: Option<(usize, [f32; 4])>,
}

/// Left and right margin, 20 mm.
pub(super) const MARGIN: f32 = 56.7;
const TOP: f32 = 50.0;
/// Where a page that is not the first begins, below its header.
const TOP_AGAIN: f32 = 78.0;
/// Kept free at the bottom for the footer.
const FOOTER: f32 = 72.0;
/// Width of the column that section headings stand in.
pub(super) const HEADINGS: f32 = 88.0;
pub(super) const BODY: f32 = 9.8;
pub(super) const LEADING: f32 = 13.8;

pub(super) fn compose(document: &ReportDocument) -> Result<Printed, ExportError> {
    let (width, height) = document.paper.size();
    let mut composer = Composer {
        document,
        fonts: Fonts::new(),
        glyphs: Glyphs::default(),
        structure: Structure::default(),
        sheets: vec![Sheet::new(height)],
        y: TOP,
        width,
        height,
        signature_box: None,
    };
    composer.letterhead()?;
    composer.title()?;
    composer.identification()?;
    let sections = document.text.sections();
    let alone =
        document.communications.is_empty() && document.measurements.is_empty() && document.key_images.is_empty();
    for (number, section) in sections.iter().enumerate() {
        // The signature does not stand on a page by itself.
        let follows = if alone && number + 1 == sections.len() { composer.closing_height()? + 9.0 } else { 0.0 };
        composer.section(section, follows).map_err(|e| match e {
            // Said with its place, so that the writer finds the sentence.
            ExportError::NoGlyph(c) => ExportError::NoGlyphIn { character: c as u32, section: section.kind.heading() },
            other => other,
        })?;
    }
    composer.communications()?;
    composer.measurements()?;
    composer.key_images()?;
    composer.signature()?;
    composer.every_page()?;
    Ok(Printed {
        sheets: composer.sheets,
        glyphs: composer.glyphs,
        structure: composer.structure,
        signature_box: composer.signature_box,
    })
}

pub(super) struct Composer<'a> {
    pub document: &'a ReportDocument,
    pub fonts: Fonts,
    pub structure: Structure,
    /// Points from the top at which the next thing begins.
    pub y: f32,
    pub width: f32,
    pub height: f32,
    pub signature_box: Option<(usize, [f32; 4])>,
    glyphs: Glyphs,
    sheets: Vec<Sheet>,
}

impl Composer<'_> {
    /// Headers, footers and watermarks, once the number of pages is known.
    fn every_page(&mut self) -> Result<(), ExportError> {
        let document = self.document;
        let pages = self.sheets.len();
        let watermarks = document.watermarks();
        let banner = Paragraph::bold(&watermarks.join("  \u{2022}  ")).line_of(&mut self.fonts)?;
        let running = join(&[&document.patient.name, &document.patient.id]);
        let running = Paragraph::regular(&running).line_of(&mut self.fonts)?;
        let institution = Paragraph::regular(&document.letterhead.institution).line_of(&mut self.fonts)?;
        let ids =
            join(&[&labelled("Patient ID", &document.patient.id), &labelled("Accession", &document.study.accession)]);
        let ids = Paragraph::regular(&ids).line_of(&mut self.fonts)?;
        let intended = if document.in_bulk() { INTENDED_USE_IN_BULK } else { INTENDED_USE };
        let small = [labelled("Audit head", &document.audit_head), intended.to_owned()];
        let (middle, right) = (self.width / 2.0, self.width - MARGIN);
        let top = self.height - FOOTER + 14.0;
        for page in 0..pages {
            if !watermarks.is_empty() {
                let x = middle - banner.width * 7.6 / 2000.0;
                self.put_aside(page, Artifact::Header, &banner, x, 30.0, 7.6, WARNING);
            }
            if page > 0 {
                self.put_aside(page, Artifact::Header, &institution, MARGIN, 54.0, 7.8, MUTED);
                let x = right - running.width * 7.8 / 1000.0;
                self.put_aside(page, Artifact::Header, &running, x, 54.0, 7.8, MUTED);
                self.rule(page, 60.0);
            }
            self.rule(page, top);
            self.put_aside(page, Artifact::Footer, &ids, MARGIN, top + 12.5, 7.8, BLACK);
            let number = Paragraph::regular(&format!("Page {} of {pages}", page + 1)).line_of(&mut self.fonts)?;
            self.put_aside(
                page,
                Artifact::Footer,
                &number,
                right - number.width * 7.8 / 1000.0,
                top + 12.5,
                7.8,
                BLACK,
            );
            let mut y = top + 23.0;
            for text in small.iter().filter(|t| !t.is_empty()) {
                let width = self.text_width();
                for line in Paragraph::regular(text).lines(&mut self.fonts, 6.2, width)? {
                    self.put_aside(page, Artifact::Footer, &line, MARGIN, y, 6.2, MUTED);
                    y += 8.2;
                }
            }
            for (number, words) in watermarks.iter().enumerate() {
                let line = Paragraph::bold(words).line_of(&mut self.fonts)?;
                let size = (620.0 * 1000.0 / line.width).min(46.0);
                let lower = (number as f32 - (watermarks.len() as f32 - 1.0) / 2.0) * 86.0;
                let at = (middle + lower * 0.4, self.height / 2.0 + lower);
                let mark = self.structure.aside(page, Artifact::Watermark);
                self.sheets[page].under(mark);
                self.sheets[page].watermark(&mut self.glyphs, &line, at, size, 52.0);
            }
        }
        Ok(())
    }

    /// Begins a new page when less than `height` is left on this one.
    pub fn room(&mut self, height: f32) {
        // What no page holds is not waited for.
        let most = self.bottom() - TOP_AGAIN;
        if self.y + height.min(most) > self.bottom() + 0.01 {
            self.sheets.push(Sheet::new(self.height));
            self.y = TOP_AGAIN;
        }
    }

    pub fn bottom(&self) -> f32 {
        self.height - FOOTER
    }

    pub fn text_width(&self) -> f32 {
        self.width - 2.0 * MARGIN
    }

    /// Of the page that is being filled, from 0.
    pub fn page(&self) -> usize {
        self.sheets.len() - 1
    }

    pub fn open(&mut self, role: Role) {
        self.structure.open(role);
    }

    pub fn close(&mut self) {
        self.structure.close();
    }

    pub fn put(&mut self, line: &Line, x: f32, y: f32, size: f32, ink: Ink) {
        let page = self.page();
        let mark = self.structure.mark(page);
        self.sheets[page].under(mark);
        self.sheets[page].text(&mut self.glyphs, line, x, y, size, ink);
    }

    /// A line in a column, where its reading direction begins.
    pub fn put_in(&mut self, line: &Line, x: f32, y: f32, width: f32, size: f32, ink: Ink) {
        let x = if line.rtl { x + width - line.width * size / 1000.0 } else { x };
        self.put(line, x, y, size, ink);
    }

    pub fn put_right(&mut self, line: &Line, right: f32, y: f32, size: f32, ink: Ink) {
        self.put(line, right - line.width * size / 1000.0, y, size, ink);
    }

    #[expect(clippy::too_many_arguments, reason = "a place, a look and what it is")]
    pub fn put_aside(&mut self, page: usize, kind: Artifact, line: &Line, x: f32, y: f32, size: f32, ink: Ink) {
        let mark = self.structure.aside(page, kind);
        self.sheets[page].under(mark);
        self.sheets[page].text(&mut self.glyphs, line, x, y, size, ink);
    }

    pub fn fill(&mut self, x: f32, y: f32, width: f32, height: f32, ink: Ink) {
        self.decoration(self.page()).fill(x, y, width, height, ink);
    }

    pub fn frame(&mut self, x: f32, y: f32, width: f32, height: f32, ink: Ink) {
        self.decoration(self.page()).frame(x, y, width, height, ink);
    }

    /// The page for content that belongs to the open element.
    pub fn content(&mut self) -> &mut Sheet {
        let page = self.page();
        let mark = self.structure.mark(page);
        self.sheets[page].under(mark);
        &mut self.sheets[page]
    }

    fn rule(&mut self, page: usize, y: f32) {
        let width = self.text_width();
        self.decoration(page).fill(MARGIN, y, width, 0.7, HAIRLINE);
    }

    fn decoration(&mut self, page: usize) -> &mut Sheet {
        let mark = self.structure.aside(page, Artifact::Layout);
        self.sheets[page].under(mark);
        &mut self.sheets[page]
    }
}

/// Date and time with the offset from UTC, to the second.
pub(crate) fn moment(at: OffsetDateTime) -> String {
    let (hours, minutes, _) = at.offset().as_hms();
    let sign = if hours < 0 || minutes < 0 { '\u{2212}' } else { '+' };
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC{sign}{:02}:{:02}",
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

fn labelled(label: &str, value: &str) -> String {
    if value.is_empty() { String::new() } else { format!("{label} {value}") }
}

fn join(parts: &[&str]) -> String {
    parts.iter().filter(|p| !p.is_empty()).copied().collect::<Vec<_>>().join("  \u{00B7}  ")
}
