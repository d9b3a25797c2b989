//! What a report ends with: how it was made, and who signed it.

use super::layout::{Composer, MARGIN, moment};
use super::sheet::{BLACK, HAIRLINE, MUTED, WARNING};
use super::structure::Role;
use crate::text::Paragraph;
use crate::{ExportError, SignatureBlock};
use hilum_report::Preliminary;

const SIGNATURE_HEIGHT: f32 = 66.0;

impl Composer<'_> {
    /// Height of what follows the text: the drafted sentence and the signature block.
    pub fn closing_height(&self) -> f32 {
        16.0 * self.remarks().len() as f32 + SIGNATURE_HEIGHT
    }

    /// What stands above the signature: that a model drafted it, and who prepared it.
    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.document.text.was_drafted() {
            remarks.push(match &self.document.signature {
                Some(s) => format!("Drafted with software assistance, reviewed and signed by {}.", s.name),
                None => "Drafted with software assistance, not signed.".to_owned(),
            });
        }
        if let Some(first) = self.document.text.preliminary() {
            let at = first.at.to_offset(self.document.created.offset());
            remarks.push(format!("Signed by {}, {}. Meaning: {}.", first.name, moment(at), Preliminary::MEANING));
        }
        remarks
    }

    pub fn signature(&mut self) -> Result<(), ExportError> {
        self.room(self.closing_height());
        let width = self.text_width();
        for text in self.remarks() {
            self.open(Role::P);
            for line in Paragraph::regular(&text).lines(&mut self.fonts, 8.6, width)? {
                self.put(&line, MARGIN, self.y + 8.0, 8.6, MUTED);
                self.y += 11.5;
            }
            self.close();
            self.y += 4.5;
        }
        let top = self.y;
        self.fill(MARGIN, top, width, 0.7, HAIRLINE);
        match &self.document.signature {
            Some(signature) => self.signed(signature, top)?,
            None => {
                let line = Paragraph::bold("Not signed").line_of(&mut self.fonts)?;
                self.open(Role::P);
                self.put(&line, MARGIN, top + 21.0, 11.0, WARNING);
                self.close();
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
            self.open(Role::P);
            if number == 3 {
                let line = Paragraph::regular(&format!("{label} {value}")).line_of(&mut self.fonts)?;
                self.put(&line, MARGIN, lowest + 3.0, 6.8, MUTED);
                self.close();
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
            self.close();
            lowest = lowest.max(y);
            x += width * share;
        }
        let page = self.page();
        let bottom = self.height - top - SIGNATURE_HEIGHT + 8.0;
        self.signature_box = Some((page, [MARGIN, bottom, MARGIN + width, self.height - top]));
        Ok(())
    }
}
