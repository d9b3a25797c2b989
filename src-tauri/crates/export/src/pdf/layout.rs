//! Where everything goes on the page.

use super::INTENDED_USE;
use super::sheet::{ACCENT, BLACK, Glyphs, HAIRLINE, Ink, MUTED, Sheet, TINT, WARNING};
use crate::text::{Fonts, Line, Paragraph, Weight};
use crate::{ExportError, KeyImage, ReportDocument, SignatureBlock};
use hilum_report::{FinalSection, Region, SectionKind, VersionKind, Written};
use time::OffsetDateTime;

/// The pages of a report and where its signature block is.
pub(super) struct Printed {
    pub sheets: Vec<Sheet>,
    pub glyphs: Glyphs,
    /// Page from 0; left, bottom, right and top in points from the page's lower left corner.
    pub signature_box: Option<(usize, [f32; 4])>,
}

/// Left and right margin, 20 mm.
const MARGIN: f32 = 56.7;
const TOP: f32 = 50.0;
/// Where a page that is not the first begins, below its header.
const TOP_AGAIN: f32 = 78.0;
/// Kept free at the bottom for the footer.
const FOOTER: f32 = 72.0;
/// Width of the column that section headings stand in.
const HEADINGS: f32 = 88.0;
const BODY: f32 = 9.8;
const LEADING: f32 = 13.8;
const SIGNATURE_HEIGHT: f32 = 66.0;
const IMAGE_SMALLEST: f32 = 105.0;
const IMAGE_LARGEST: f32 = 170.0;

pub(super) fn compose(document: &ReportDocument) -> Result<Printed, ExportError> {
    let (width, height) = document.paper.size();
    let mut composer = Composer {
        document,
        fonts: Fonts::new(),
        glyphs: Glyphs::default(),
        sheets: vec![Sheet::new(height)],
        y: TOP,
        width,
        height,
        signature_box: None,
    };
    composer.letterhead()?;
    composer.title()?;
    composer.identification()?;
    for section in document.text.sections() {
        composer.section(section).map_err(|e| match e {
            // Said with its place, so that the writer finds the sentence.
            ExportError::NoGlyph(c) => ExportError::NoGlyphIn { character: c as u32, section: section.kind.heading() },
            other => other,
        })?;
    }
    composer.communications()?;
    if let Some(image) = &document.key_image {
        composer.key_image(image)?;
    }
    composer.signature()?;
    composer.every_page()?;
    Ok(Printed { sheets: composer.sheets, glyphs: composer.glyphs, signature_box: composer.signature_box })
}

struct Composer<'a> {
    document: &'a ReportDocument,
    fonts: Fonts,
    glyphs: Glyphs,
    sheets: Vec<Sheet>,
    /// Points from the top at which the next thing begins.
    y: f32,
    width: f32,
    height: f32,
    signature_box: Option<(usize, [f32; 4])>,
}

impl Composer<'_> {
    fn letterhead(&mut self) -> Result<(), ExportError> {
        let head = &self.document.letterhead;
        let address: Vec<&String> = head.address.iter().filter(|l| !l.trim().is_empty()).take(5).collect();
        if head.institution.is_empty() && head.department.is_empty() && address.is_empty() {
            return Ok(());
        }
        let column = self.text_width() * 0.62;
        let mut left = self.y + 9.0;
        for line in Paragraph::bold(&head.institution).lines(&mut self.fonts, 12.5, column)? {
            self.put(&line, MARGIN, left, 12.5, ACCENT);
            left += 15.0;
        }
        for line in Paragraph::regular(&head.department).lines(&mut self.fonts, 8.8, column)? {
            self.put(&line, MARGIN, left, 8.8, MUTED);
            left += 11.5;
        }
        let narrow = self.text_width() * 0.36;
        let mut right = self.y + 6.5;
        for text in address {
            for line in Paragraph::regular(text).lines(&mut self.fonts, 7.6, narrow)? {
                self.put_right(&line, self.width - MARGIN, right, 7.6, MUTED);
                right += 9.8;
            }
        }
        self.y = (left - 5.0).max(right - 2.0);
        let (y, width) = (self.y, self.text_width());
        self.sheet().fill(MARGIN, y, width, 1.1, ACCENT);
        self.y += 22.0;
        Ok(())
    }

    fn title(&mut self) -> Result<(), ExportError> {
        let words = match (self.document.kind, &self.document.signature) {
            (_, None) => "Draft",
            (VersionKind::Original, _) => "Final report",
            (VersionKind::Addendum, _) => "Addendum",
            (VersionKind::Amendment, _) => "Amended report",
        };
        let title = Paragraph::bold("Radiology report").line_of(&mut self.fonts)?;
        self.put(&title, MARGIN, self.y + 8.0, 16.5, BLACK);
        let status = Paragraph::bold(words).line_of(&mut self.fonts)?;
        let ink = if self.document.signature.is_some() { ACCENT } else { WARNING };
        let wide = status.width * 8.4 / 1000.0;
        let (right, y) = (self.width - MARGIN, self.y);
        self.sheet().frame(right - wide - 13.0, y - 4.5, wide + 13.0, 15.0, ink);
        self.put(&status, right - wide - 6.5, y + 6.0, 8.4, ink);
        self.y += 20.0;
        if let Some(parent) = &self.document.parent {
            let relation = match self.document.kind {
                VersionKind::Amendment => "Replaces version",
                _ => "Adds to version",
            };
            let text = format!("{relation} {}, signed {} by {}.", parent.id, moment(parent.at), parent.by);
            self.y += 2.0;
            let width = self.text_width();
            for line in Paragraph::regular(&text).lines(&mut self.fonts, 8.6, width)? {
                self.put(&line, MARGIN, self.y + 6.0, 8.6, BLACK);
                self.y += 11.5;
            }
            self.y += 3.0;
        }
        Ok(())
    }

    /// Patient and study, label above value in four columns.
    fn identification(&mut self) -> Result<(), ExportError> {
        let (patient, study) = (&self.document.patient, &self.document.study);
        let rows: [&[(&str, &str, usize)]; 3] = [
            &[("Patient", &patient.name, 2), ("Examination", &study.description, 2)],
            &[
                ("Patient ID", &patient.id, 1),
                ("Date of birth", &patient.birth_date, 1),
                ("Accession number", &study.accession, 1),
                ("Performed", &study.performed, 1),
            ],
            &[("Sex", &patient.sex, 1), ("Age", &patient.age, 1), ("Referred by", &study.referrer, 2)],
        ];
        let inset = 11.0;
        let column = (self.text_width() - 2.0 * inset) / 4.0;
        let mut set: Vec<(f32, f32, Line, f32, Ink)> = Vec::new();
        let mut y = self.y + inset;
        for (number, row) in rows.into_iter().enumerate() {
            let mut tallest = 0.0_f32;
            let mut x = MARGIN + inset;
            for &(label, value, span) in row {
                let label = Paragraph::regular(label).line_of(&mut self.fonts)?;
                set.push((x, y + 5.5, label, 6.8, MUTED));
                let value = if value.trim().is_empty() { "\u{2013}" } else { value };
                let (paragraph, size) = match number {
                    0 => (Paragraph::bold(value), 10.6),
                    _ => (Paragraph::regular(value), 9.4),
                };
                let mut below = y + 17.5;
                for line in paragraph.lines(&mut self.fonts, size, column * span as f32 - 8.0)? {
                    set.push((x, below, line, size, BLACK));
                    below += size * 1.25;
                }
                tallest = tallest.max(below - y);
                x += column * span as f32;
            }
            y += tallest + 2.0;
        }
        let (top, width) = (self.y, self.text_width());
        self.sheet().fill(MARGIN, top, width, y - top - 1.0, TINT);
        for (x, y, line, size, ink) in set {
            self.put(&line, x, y, size, ink);
        }
        self.y = y + 17.0;
        Ok(())
    }

    fn section(&mut self, section: &FinalSection) -> Result<(), ExportError> {
        let column = self.text_width() - HEADINGS;
        let marked = matches!(section.kind, SectionKind::Impression | SectionKind::Addendum);
        let (size, leading) = if marked { (BODY + 0.7, LEADING + 0.8) } else { (BODY, LEADING) };
        let mut paragraphs = Vec::new();
        match section.kind {
            SectionKind::Findings => {
                for (region, text) in by_region(&section.sentences) {
                    let heading = match region {
                        Some(region) => Paragraph::bold(&format!("{}. ", region.heading())),
                        None => Paragraph::default(),
                    };
                    paragraphs.push(heading.then(&text, Weight::Regular));
                }
            }
            SectionKind::Impression | SectionKind::Addendum => {
                paragraphs.extend(section.sentences.iter().map(|s| Paragraph::regular(&s.text)));
            }
            _ => {
                let text: Vec<&str> = section.sentences.iter().map(|s| s.text.as_str()).collect();
                paragraphs.push(Paragraph::regular(&text.join(" ")));
            }
        }
        let heading = Paragraph::bold(section.kind.heading()).line_of(&mut self.fonts)?;
        let continued = Paragraph::regular("continued").line_of(&mut self.fonts)?;
        self.room(2.0 * leading);
        let mut headed = false;
        let mut bar = self.y;
        for paragraph in paragraphs {
            for line in paragraph.lines(&mut self.fonts, size, column)? {
                let page = self.sheets.len();
                self.room(leading);
                let turned = self.sheets.len() > page;
                if turned {
                    bar = self.y;
                }
                if turned || !headed {
                    self.put(&heading, MARGIN, self.y + size, 9.0, ACCENT);
                }
                if turned && headed {
                    self.put(&continued, MARGIN, self.y + size + 10.5, 7.6, MUTED);
                }
                headed = true;
                if marked {
                    // From the line before to this one, so that the bar has no gaps.
                    let (from, to) = (bar, self.y + leading - 0.5);
                    self.sheet().fill(MARGIN + HEADINGS - 9.0, from + 1.0, 2.0, to - from, ACCENT);
                    bar = to;
                }
                self.put(&line, MARGIN + HEADINGS, self.y + size, size, BLACK);
                self.y += leading;
            }
            self.y += 2.6;
        }
        self.y += 6.0;
        Ok(())
    }

    /// Who was told of a critical result stands with the report, as the ACR asks.
    fn communications(&mut self) -> Result<(), ExportError> {
        if self.document.communications.is_empty() {
            return Ok(());
        }
        let column = self.text_width() - HEADINGS;
        self.room(2.0 * LEADING);
        for (number, text) in ["Critical", "result"].into_iter().enumerate() {
            let heading = Paragraph::bold(text).line_of(&mut self.fonts)?;
            self.put(&heading, MARGIN, self.y + BODY + 11.0 * number as f32, 9.0, ACCENT);
        }
        let document = self.document;
        let top = self.y;
        for text in &document.communications {
            for line in Paragraph::regular(text).lines(&mut self.fonts, BODY, column)? {
                self.room(LEADING);
                self.put(&line, MARGIN + HEADINGS, self.y + BODY, BODY, BLACK);
                self.y += LEADING;
            }
            self.y += 2.6;
        }
        self.y = self.y.max(top + 2.0 * LEADING) + 6.0;
        Ok(())
    }

    fn key_image(&mut self, image: &KeyImage) -> Result<(), ExportError> {
        let free = self.bottom() - self.y - self.closing_height() - 12.0;
        if free < IMAGE_SMALLEST {
            self.room(IMAGE_SMALLEST + 12.0);
        }
        let free = (self.bottom() - self.y - self.closing_height() - 12.0).max(IMAGE_SMALLEST);
        let (wide, high) = (image.width as f32, image.height as f32);
        let scale = (free.min(IMAGE_LARGEST) / high).min((self.text_width() - HEADINGS) / wide);
        let (wide, high) = (wide * scale, high * scale);
        let heading = Paragraph::bold("Key image").line_of(&mut self.fonts)?;
        self.put(&heading, MARGIN, self.y + BODY, 9.0, ACCENT);
        let (x, y) = (MARGIN + HEADINGS, self.y + 2.0);
        self.sheet().key_image(x, y, wide, high);
        self.sheet().frame(x - 0.4, y - 0.4, wide + 0.8, high + 0.8, HAIRLINE);
        let beside = self.text_width() - HEADINGS - wide - 12.0;
        // A caption stands beside the picture, or below one that fills the column.
        let (cx, mut cy, cw) =
            if beside > 90.0 { (x + wide + 12.0, y + 7.0, beside) } else { (x, y + high + 10.0, wide) };
        for line in Paragraph::regular(&image.caption).lines(&mut self.fonts, 7.8, cw)? {
            self.put(&line, cx, cy, 7.8, MUTED);
            cy += 10.2;
        }
        self.y = (y + high).max(if beside > 90.0 { 0.0 } else { cy - 6.0 }) + 12.0;
        Ok(())
    }

    /// Height of what follows the text: the drafted sentence and the signature block.
    fn closing_height(&self) -> f32 {
        let drafted = if self.document.text.was_drafted() { 16.0 } else { 0.0 };
        drafted + SIGNATURE_HEIGHT
    }

    fn signature(&mut self) -> Result<(), ExportError> {
        self.room(self.closing_height());
        let width = self.text_width();
        if self.document.text.was_drafted() {
            let text = match &self.document.signature {
                Some(s) => format!("Drafted with software assistance, reviewed and signed by {}.", s.name),
                None => "Drafted with software assistance, not signed.".to_owned(),
            };
            for line in Paragraph::regular(&text).lines(&mut self.fonts, 8.6, width)? {
                self.put(&line, MARGIN, self.y + 8.0, 8.6, MUTED);
                self.y += 11.5;
            }
            self.y += 4.5;
        }
        let top = self.y;
        self.sheet().fill(MARGIN, top, width, 0.7, HAIRLINE);
        match &self.document.signature {
            Some(signature) => self.signed(signature, top)?,
            None => {
                let line = Paragraph::bold("Not signed").line_of(&mut self.fonts)?;
                self.put(&line, MARGIN, top + 21.0, 11.0, WARNING);
            }
        }
        self.y += SIGNATURE_HEIGHT;
        Ok(())
    }

    fn signed(&mut self, signature: &SignatureBlock, top: f32) -> Result<(), ExportError> {
        let version = self.document.version.to_string();
        let at = moment(signature.at);
        let columns: [(&str, &str, f32); 4] = [
            ("Signed by", &signature.name, 0.34),
            ("Time of signature", &at, 0.34),
            ("Meaning", signature.meaning.words(), 0.32),
            ("Version", &version, 1.0),
        ];
        let width = self.text_width();
        let mut x = MARGIN;
        let mut lowest = top;
        for (number, (label, value, share)) in columns.into_iter().enumerate() {
            if value.is_empty() {
                continue;
            }
            if number == 3 {
                let line = Paragraph::regular(&format!("{label} {value}")).line_of(&mut self.fonts)?;
                self.put(&line, MARGIN, lowest + 3.0, 6.8, MUTED);
                continue;
            }
            let label = Paragraph::regular(label).line_of(&mut self.fonts)?;
            self.put(&label, x, top + 13.0, 6.8, MUTED);
            let (paragraph, size) = match number {
                0 => (Paragraph::bold(value), 10.6),
                _ => (Paragraph::regular(value), 9.0),
            };
            let mut y = top + 25.5;
            for line in paragraph.lines(&mut self.fonts, size, width * share - 10.0)? {
                self.put(&line, x, y, size, BLACK);
                y += size * 1.25;
            }
            lowest = lowest.max(y);
            x += width * share;
        }
        let page = self.sheets.len() - 1;
        let bottom = self.height - top - SIGNATURE_HEIGHT + 8.0;
        self.signature_box = Some((page, [MARGIN, bottom, MARGIN + width, self.height - top]));
        Ok(())
    }

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
        let small = [labelled("Audit head", &document.audit_head), INTENDED_USE.to_owned()];
        let (middle, right) = (self.width / 2.0, self.width - MARGIN);
        let top = self.height - FOOTER + 14.0;
        for page in 0..pages {
            if !watermarks.is_empty() {
                let x = middle - banner.width * 7.6 / 2000.0;
                self.put_on(page, &banner, x, 30.0, 7.6, WARNING);
            }
            if page > 0 {
                self.put_on(page, &institution, MARGIN, 54.0, 7.8, MUTED);
                let x = right - running.width * 7.8 / 1000.0;
                self.put_on(page, &running, x, 54.0, 7.8, MUTED);
                let width = self.text_width();
                self.sheets[page].fill(MARGIN, 60.0, width, 0.7, HAIRLINE);
            }
            let width = self.text_width();
            self.sheets[page].fill(MARGIN, top, width, 0.7, HAIRLINE);
            self.put_on(page, &ids, MARGIN, top + 12.5, 7.8, BLACK);
            let number = Paragraph::regular(&format!("Page {} of {pages}", page + 1)).line_of(&mut self.fonts)?;
            self.put_on(page, &number, right - number.width * 7.8 / 1000.0, top + 12.5, 7.8, BLACK);
            let mut y = top + 23.0;
            for text in small.iter().filter(|t| !t.is_empty()) {
                for line in Paragraph::regular(text).lines(&mut self.fonts, 6.2, width)? {
                    self.put_on(page, &line, MARGIN, y, 6.2, MUTED);
                    y += 8.2;
                }
            }
            for (number, words) in watermarks.iter().enumerate() {
                let line = Paragraph::bold(words).line_of(&mut self.fonts)?;
                let size = (620.0 * 1000.0 / line.width).min(46.0);
                let lower = (number as f32 - (watermarks.len() as f32 - 1.0) / 2.0) * 86.0;
                let at = (middle + lower * 0.4, self.height / 2.0 + lower);
                self.sheets[page].watermark(&mut self.glyphs, &line, at, size, 52.0);
            }
        }
        Ok(())
    }

    /// Begins a new page when less than `height` is left on this one.
    fn room(&mut self, height: f32) {
        if self.y + height > self.bottom() {
            self.sheets.push(Sheet::new(self.height));
            self.y = TOP_AGAIN;
        }
    }

    fn bottom(&self) -> f32 {
        self.height - FOOTER
    }

    fn text_width(&self) -> f32 {
        self.width - 2.0 * MARGIN
    }

    fn sheet(&mut self) -> &mut Sheet {
        let last = self.sheets.len() - 1;
        &mut self.sheets[last]
    }

    fn put(&mut self, line: &Line, x: f32, y: f32, size: f32, ink: Ink) {
        self.put_on(self.sheets.len() - 1, line, x, y, size, ink);
    }

    fn put_right(&mut self, line: &Line, right: f32, y: f32, size: f32, ink: Ink) {
        self.put(line, right - line.width * size / 1000.0, y, size, ink);
    }

    fn put_on(&mut self, page: usize, line: &Line, x: f32, y: f32, size: f32, ink: Ink) {
        self.sheets[page].text(&mut self.glyphs, line, x, y, size, ink);
    }
}

/// Sentences in the order in which they were signed, in runs of one region. A sentence that names no region
/// ("Unchanged.") speaks of the one before it and stays with it.
fn by_region(sentences: &[Written]) -> Vec<(Option<Region>, String)> {
    let mut runs: Vec<(Option<Region>, String)> = Vec::new();
    for sentence in sentences {
        match runs.last_mut() {
            Some((region, text)) if sentence.region.is_none() || sentence.region == *region => {
                text.push(' ');
                text.push_str(&sentence.text);
            }
            _ => runs.push((sentence.region, sentence.text.clone())),
        }
    }
    runs
}

/// Date and time with the offset from UTC, to the second.
fn moment(at: OffsetDateTime) -> String {
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
