//! What a report begins with: letterhead, title, patient and study.

use super::layout::{Composer, MARGIN, moment};
use super::sheet::{ACCENT, BLACK, Ink, LOGO, MUTED, TINT, WARNING};
use super::structure::Role;
use crate::ExportError;
use crate::text::{Line, Paragraph};
use hilum_report::VersionKind;

/// The room that a logo has, points.
const LOGO_WIDTH: f32 = 130.0;
const LOGO_HEIGHT: f32 = 44.0;

/// A line with its place, size and ink.
type Placed = (f32, f32, Line, f32, Ink);

impl Composer<'_> {
    pub fn letterhead(&mut self) -> Result<(), ExportError> {
        let head = &self.document.letterhead;
        let address: Vec<&String> = head.address.iter().filter(|l| !l.trim().is_empty()).take(5).collect();
        if head.institution.is_empty() && head.department.is_empty() && address.is_empty() && head.logo.is_none() {
            return Ok(());
        }
        let mut x = MARGIN;
        let mut lowest = self.y;
        if let Some(logo) = &head.logo {
            let (wide, high) = (logo.width as f32, logo.height as f32);
            let scale = (LOGO_WIDTH / wide).min(LOGO_HEIGHT / high);
            let (top, wide, high) = (self.y - 2.0, wide * scale, high * scale);
            let name = if head.institution.is_empty() { "the institution" } else { &head.institution };
            self.structure.open_with(Role::Figure, &format!("Logo of {name}"));
            self.content().picture(LOGO, x, top, wide, high);
            self.close();
            x += wide + 12.0;
            lowest = top + high;
        }
        let column = self.text_width() * 0.62 - (x - MARGIN);
        let mut left = self.y + 9.0;
        self.open(Role::P);
        for line in Paragraph::bold(&head.institution).lines(&mut self.fonts, 12.5, column)? {
            self.put(&line, x, left, 12.5, ACCENT);
            left += 15.0;
        }
        for line in Paragraph::regular(&head.department).lines(&mut self.fonts, 8.8, column)? {
            self.put(&line, x, left, 8.8, MUTED);
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
        self.close();
        self.y = (left - 5.0).max(right - 2.0).max(lowest + 6.0);
        let (y, width) = (self.y, self.text_width());
        self.fill(MARGIN, y, width, 1.1, ACCENT);
        self.y += 22.0;
        Ok(())
    }

    pub fn title(&mut self) -> Result<(), ExportError> {
        let words = match (self.document.kind, &self.document.signature) {
            (_, None) => "Draft",
            (VersionKind::Original, _) => "Final report",
            (VersionKind::Addendum, _) => "Addendum",
            (VersionKind::Amendment, _) => "Amended report",
        };
        let title = Paragraph::bold("Radiology report").line_of(&mut self.fonts)?;
        self.open(Role::H1);
        self.put(&title, MARGIN, self.y + 8.0, 16.5, BLACK);
        self.close();
        let status = Paragraph::bold(words).line_of(&mut self.fonts)?;
        let ink = if self.document.signature.is_some() { ACCENT } else { WARNING };
        let wide = status.width * 8.4 / 1000.0;
        let (right, y) = (self.width - MARGIN, self.y);
        self.frame(right - wide - 13.0, y - 4.5, wide + 13.0, 15.0, ink);
        self.open(Role::P);
        self.put(&status, right - wide - 6.5, y + 6.0, 8.4, ink);
        self.close();
        self.y += 20.0;
        if let Some(parent) = &self.document.parent {
            let relation = match self.document.kind {
                VersionKind::Amendment => "Replaces version",
                _ => "Adds to version",
            };
            let text = format!("{relation} {}, signed {} by {}.", parent.id, moment(parent.at), parent.by);
            self.y += 2.0;
            let width = self.text_width();
            self.open(Role::P);
            for line in Paragraph::regular(&text).lines(&mut self.fonts, 8.6, width)? {
                self.put(&line, MARGIN, self.y + 6.0, 8.6, BLACK);
                self.y += 11.5;
            }
            self.close();
            self.y += 3.0;
        }
        Ok(())
    }

    /// Patient and study, label above value in four columns.
    pub fn identification(&mut self) -> Result<(), ExportError> {
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
        let mut set: Vec<Vec<Placed>> = Vec::new();
        let mut y = self.y + inset;
        for (number, row) in rows.into_iter().enumerate() {
            let mut tallest = 0.0_f32;
            let mut x = MARGIN + inset;
            for &(label, value, span) in row {
                let label = Paragraph::regular(label).line_of(&mut self.fonts)?;
                let mut cells = vec![(x, y + 5.5, label, 6.8, MUTED)];
                let value = if value.trim().is_empty() { "\u{2013}" } else { value };
                let (paragraph, size) = match number {
                    0 => (Paragraph::bold(value), 10.6),
                    _ => (Paragraph::regular(value), 9.4),
                };
                let mut below = y + 17.5;
                for line in paragraph.lines(&mut self.fonts, size, column * span as f32 - 8.0)? {
                    cells.push((x, below, line, size, BLACK));
                    below += size * 1.25;
                }
                set.push(cells);
                tallest = tallest.max(below - y);
                x += column * span as f32;
            }
            y += tallest + 2.0;
        }
        let (top, width) = (self.y, self.text_width());
        self.fill(MARGIN, top, width, y - top - 1.0, TINT);
        // Each label with its value is a row, whatever stands beside it on the page.
        self.open(Role::Table);
        for cells in set {
            self.open(Role::TR);
            for (number, (x, y, line, size, ink)) in cells.into_iter().enumerate() {
                if number < 2 {
                    self.open(if number == 0 { Role::TH } else { Role::TD });
                }
                self.put(&line, x, y, size, ink);
                if number == 0 {
                    self.close();
                }
            }
            self.close();
            self.close();
        }
        self.close();
        self.y = y + 17.0;
        Ok(())
    }
}
