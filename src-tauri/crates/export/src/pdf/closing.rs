//! What a report ends with: how it was made, and who signed it.

use super::layout::{Composer, MARGIN, moment};
use super::legible::spelled_out;
use super::sheet::{BLACK, HAIRLINE, MUTED, WARNING};
use super::structure::Role;
use crate::text::{Line, Paragraph};
use crate::{ExportError, SignatureBlock};
use hilum_report::Preliminary;

const SIGNATURE_HEIGHT: f32 = 66.0;
/// Size of a remark, what its lines are apart, and what stands below it, points.
const SMALL: f32 = 8.6;
const LINE: f32 = 11.5;
const BETWEEN: f32 = 4.5;

/// How a drafted report came to be signed, as it is printed and exchanged.
pub(crate) fn drafted_and_signed(signer: &str, in_bulk: bool) -> String {
    match in_bulk {
        true => format!(
            "Drafted with software assistance, accepted in bulk as a demonstration and signed by {signer}; not reviewed."
        ),
        false => format!("Drafted with software assistance, reviewed and signed by {signer}."),
    }
}

impl Composer<'_> {
    /// Height of what follows the text: the drafted sentence and the signature block.
    ///
    /// # Errors
    /// [`ExportError::Font`] when a bundled font cannot be read.
    pub fn closing_height(&mut self) -> Result<f32, ExportError> {
        let remarks = self.remarks()?;
        let height: f32 = remarks.iter().map(|lines| LINE * lines.len() as f32 + BETWEEN).sum();
        Ok(height + SIGNATURE_HEIGHT)
    }

    /// What stands above the signature, each in lines: that a model drafted it, and who prepared it.
    fn remarks(&mut self) -> Result<Vec<Vec<Line>>, ExportError> {
        let mut remarks = Vec::new();
        if self.document.text.was_drafted() {
            remarks.push(match &self.document.signature {
                Some(s) => drafted_and_signed(&s.name, self.document.in_bulk()),
                None => "Drafted with software assistance, not signed.".to_owned(),
            });
        }
        if let Some(first) = self.document.text.preliminary() {
            let at = first.at.to_offset(self.document.created.offset());
            // A name is printed whatever its characters.
            let name = spelled_out(&mut self.fonts, &first.name)?.unwrap_or_else(|| first.name.clone());
            remarks.push(format!("Signed by {name}, {}. Meaning: {}.", moment(at), Preliminary::MEANING));
        }
        let width = self.text_width();
        remarks.iter().map(|text| Paragraph::regular(text).lines(&mut self.fonts, SMALL, width)).collect()
    }

    pub fn signature(&mut self) -> Result<(), ExportError> {
        let height = self.closing_height()?;
        self.room(height);
        let width = self.text_width();
        for lines in self.remarks()? {
            self.open(Role::P);
            for line in lines {
                self.put(&line, MARGIN, self.y + 8.0, SMALL, MUTED);
                self.y += LINE;
            }
            self.close();
            self.y += BETWEEN;
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
