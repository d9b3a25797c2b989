//! The text of a report: its sections, who was told, and what was measured.

use super::layout::{BODY, Composer, HEADINGS, LEADING, MARGIN};
use super::sheet::{ACCENT, BLACK, HAIRLINE, MUTED, TINT};
use super::structure::{Artifact, Role};
use crate::text::{Line, Paragraph, Weight};
use crate::{ExportError, Measured};
use hilum_report::{FinalSection, Region, SectionKind, Written};

/// Of the table of measurements, points.
const CELL: f32 = 8.8;
const CELL_LEADING: f32 = 11.6;
/// Columns of the table of measurements: heading and share of the width.
const COLUMNS: [(&str, f32); 4] = [("Image", 0.11), ("Measured", 0.27), ("Value", 0.21), ("Millimetres rest on", 0.41)];

impl Composer<'_> {
    /// A section of the text. `follows` is the height of what must not stand on a page without
    /// some of it, in points.
    pub fn section(&mut self, section: &FinalSection, follows: f32) -> Result<(), ExportError> {
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
        let mut headed = false;
        let mut bar = self.y;
        let count = paragraphs.len();
        for (number, paragraph) in paragraphs.into_iter().enumerate() {
            let lines = paragraph.lines(&mut self.fonts, size, column)?;
            let last = number + 1 == count;
            for (at, line) in lines.iter().enumerate() {
                let page = self.page();
                let (together, ends) = kept_together(lines.len(), at);
                let after = if last && ends { follows } else { 0.0 };
                self.room(together as f32 * leading + after);
                let turned = self.page() > page;
                if turned || !headed {
                    bar = self.y;
                }
                if !headed {
                    self.open(Role::H2);
                    self.put(&heading, MARGIN, self.y + size, 9.0, ACCENT);
                    self.close();
                } else if turned {
                    let (page, y) = (self.page(), self.y + size);
                    self.put_aside(page, Artifact::Layout, &heading, MARGIN, y, 9.0, ACCENT);
                    self.put_aside(page, Artifact::Layout, &continued, MARGIN, y + 10.5, 7.6, MUTED);
                }
                headed = true;
                if at == 0 {
                    self.open(Role::P);
                }
                if marked {
                    // From the line before to this one, so that the bar has no gaps.
                    let (from, to) = (bar, self.y + leading - 0.5);
                    self.fill(MARGIN + HEADINGS - 9.0, from + 1.0, 2.0, to - from, ACCENT);
                    bar = to;
                }
                self.put_in(line, MARGIN + HEADINGS, self.y + size, column, size, BLACK);
                self.y += leading;
            }
            self.close();
            self.y += 2.6;
        }
        self.y += 6.0;
        Ok(())
    }

    /// Who was told of a critical result stands with the report, as the ACR asks.
    pub fn communications(&mut self) -> Result<(), ExportError> {
        if self.document.communications.is_empty() {
            return Ok(());
        }
        let column = self.text_width() - HEADINGS;
        self.room(2.0 * LEADING);
        self.open(Role::H2);
        for (number, text) in ["Critical", "result"].into_iter().enumerate() {
            let heading = Paragraph::bold(text).line_of(&mut self.fonts)?;
            self.put(&heading, MARGIN, self.y + BODY + 11.0 * number as f32, 9.0, ACCENT);
        }
        self.close();
        let document = self.document;
        let (top, page) = (self.y, self.page());
        for text in &document.communications {
            let lines = Paragraph::regular(text).lines(&mut self.fonts, BODY, column)?;
            self.open(Role::P);
            for (at, line) in lines.iter().enumerate() {
                self.room(kept_together(lines.len(), at).0 as f32 * LEADING);
                self.put_in(line, MARGIN + HEADINGS, self.y + BODY, column, BODY, BLACK);
                self.y += LEADING;
            }
            self.close();
            self.y += 2.6;
        }
        if self.page() == page {
            self.y = self.y.max(top + 2.0 * LEADING);
        }
        self.y += 6.0;
        Ok(())
    }

    /// What was measured on the images.
    pub fn measurements(&mut self) -> Result<(), ExportError> {
        let document = self.document;
        if document.measurements.is_empty() {
            return Ok(());
        }
        let heads = self.cells(COLUMNS.map(|(head, _)| Paragraph::bold(head)))?;
        let rows: Vec<_> = document
            .measurements
            .iter()
            .map(|Measured { image, label, value, spacing }| {
                self.cells([image, label, value, spacing].map(|text| Paragraph::regular(text)))
            })
            .collect::<Result<_, _>>()?;
        // The head is not left without a row.
        self.room(height_of(&heads) + rows.first().map_or(0.0, height_of) + 6.0);
        let heading = Paragraph::bold("Measurements").line_of(&mut self.fonts)?;
        self.open(Role::H2);
        self.put(&heading, MARGIN, self.y + BODY, 9.0, ACCENT);
        self.close();
        self.open(Role::Table);
        self.row(&heads, true, true);
        for row in &rows {
            let page = self.page();
            self.room(height_of(row));
            if self.page() > page {
                self.row(&heads, true, false);
            }
            self.row(row, false, true);
        }
        self.close();
        self.y += 12.0;
        Ok(())
    }

    fn cells(&mut self, texts: [Paragraph; 4]) -> Result<[Vec<Line>; 4], ExportError> {
        let width = self.text_width() - HEADINGS;
        let mut cells: [Vec<Line>; 4] = Default::default();
        for ((cell, text), (_, share)) in cells.iter_mut().zip(texts).zip(COLUMNS) {
            *cell = text.lines(&mut self.fonts, CELL, width * share - 10.0)?;
        }
        Ok(cells)
    }

    /// A row of the table; a head that is repeated on a later page is no part of the text.
    fn row(&mut self, cells: &[Vec<Line>; 4], head: bool, first: bool) {
        let (width, height) = (self.text_width() - HEADINGS, height_of(cells));
        let y = self.y;
        if head {
            self.fill(MARGIN + HEADINGS, y, width, height, TINT);
        }
        self.fill(MARGIN + HEADINGS, y + height - 0.3, width, 0.5, HAIRLINE);
        if first {
            self.open(Role::TR);
        }
        let mut x = MARGIN + HEADINGS + 5.0;
        for (cell, (_, share)) in cells.iter().zip(COLUMNS) {
            if first {
                self.open(if head { Role::TH } else { Role::TD });
            }
            for (number, line) in cell.iter().enumerate() {
                let below = y + 3.0 + CELL + number as f32 * CELL_LEADING;
                let ink = if head { MUTED } else { BLACK };
                if first {
                    self.put(line, x, below, CELL, ink);
                } else {
                    self.put_aside(self.page(), Artifact::Layout, line, x, below, CELL, ink);
                }
            }
            if first {
                self.close();
            }
            x += width * share;
        }
        if first {
            self.close();
        }
        self.y += height;
    }
}

fn height_of(cells: &[Vec<Line>; 4]) -> f32 {
    cells.iter().map(Vec::len).max().unwrap_or(1).max(1) as f32 * CELL_LEADING + 6.0
}

/// How many lines from `at` on must find room together in a paragraph of `count`, so that no page
/// begins with a paragraph's last line or ends with its first; and whether they reach its end.
fn kept_together(count: usize, at: usize) -> (usize, bool) {
    let left = count - at;
    match (at, left) {
        (0, 1..=3) => (left, true),
        (0, _) => (2, false),
        (_, 2) => (2, true),
        // The last line stands with the one before it, for which there was room.
        (_, 1) => (1, false),
        _ => (1, false),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Where paragraphs of `count` lines break when a page holds `page` lines and `used` are taken.
    fn check(count: usize, used: usize, page: usize, expected: &[usize]) {
        let (mut room, mut parts) = (page - used, vec![0]);
        for at in 0..count {
            if kept_together(count, at).0 > room {
                parts.push(0);
                room = page;
            }
            *parts.last_mut().expect("a part") += 1;
            room -= 1;
        }
        assert_eq!(parts, expected, "{count} lines, {used} of {page} used");
    }

    #[test]
    fn no_line_of_a_paragraph_stands_alone() {
        check(1, 9, 10, &[1]);
        check(2, 9, 10, &[0, 2]);
        check(3, 8, 10, &[0, 3]);
        check(4, 8, 10, &[2, 2]);
        check(4, 7, 10, &[2, 2]);
        check(5, 7, 10, &[3, 2]);
        check(25, 0, 10, &[10, 10, 5]);
        check(21, 0, 10, &[10, 9, 2]);
    }
}
