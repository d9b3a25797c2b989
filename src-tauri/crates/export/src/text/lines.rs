//! Paragraphs become lines no wider than their column.

use super::face::{Fonts, Weight};
use super::script::{breaks_anywhere, printable};
use super::shape::{Glyph, shape};
use crate::ExportError;
use std::ops::Range;
use unicode_bidi::{BidiInfo, Level};

/// Text of one size, in pieces of different weight.
#[derive(Debug, Clone, Default)]
pub(crate) struct Paragraph {
    text: String,
    bold: Vec<Range<usize>>,
}

/// One line, its glyphs in the order they are drawn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub glyphs: Vec<Glyph>,
    /// Thousandths of an em.
    pub width: f32,
    /// True in a paragraph that is read from right to left, which begins at the right.
    pub rtl: bool,
}

impl Paragraph {
    pub fn regular(text: &str) -> Paragraph {
        Paragraph::default().then(text, Weight::Regular)
    }

    pub fn bold(text: &str) -> Paragraph {
        Paragraph::default().then(text, Weight::Bold)
    }

    /// With more text behind what is there.
    pub fn then(mut self, text: &str, weight: Weight) -> Paragraph {
        let start = self.text.len();
        self.text.push_str(&printable(text));
        if weight == Weight::Bold {
            self.bold.push(start..self.text.len());
        }
        self
    }

    /// The lines of this paragraph in a column `width` points wide at `size` points.
    ///
    /// # Errors
    /// [`ExportError::NoGlyph`] names the first character that no font shows.
    pub fn lines(&self, fonts: &mut Fonts, size: f32, width: f32) -> Result<Vec<Line>, ExportError> {
        let limit = width * 1000.0 / size;
        let bidi = BidiInfo::new(&self.text, None);
        let mut lines = Vec::new();
        for paragraph in &bidi.paragraphs {
            let mut range = paragraph.range.clone();
            if self.text[range.clone()].ends_with('\n') {
                range.end -= 1;
            }
            for line in self.break_up(fonts, range, limit)? {
                lines.push(self.line(fonts, &bidi, paragraph, line)?);
            }
        }
        Ok(lines)
    }

    /// This paragraph as one line, however wide.
    pub fn line_of(&self, fonts: &mut Fonts) -> Result<Line, ExportError> {
        let lines = self.lines(fonts, 1.0, f32::MAX / 2000.0)?;
        let mut all = Line { glyphs: Vec::new(), width: 0.0, rtl: false };
        for line in lines {
            all.width += line.width;
            all.glyphs.extend(line.glyphs);
        }
        Ok(all)
    }

    fn break_up(&self, fonts: &mut Fonts, range: Range<usize>, limit: f32) -> Result<Vec<Range<usize>>, ExportError> {
        let mut lines = Vec::new();
        let mut start = range.start;
        let mut end = range.start;
        let mut width = 0.0;
        for word in words(&self.text, range.clone()) {
            let inked = self.text[word.clone()].trim_end_matches(' ').len();
            let ink = self.measure(fonts, word.start..word.start + inked)?;
            if width + ink > limit && end > start {
                lines.push(start..end);
                start = word.start;
                width = 0.0;
            }
            if ink > limit {
                for piece in self.chop(fonts, word.start..word.start + inked, limit)? {
                    if piece.end == word.start + inked {
                        start = piece.start;
                        width = self.measure(fonts, piece)?;
                    } else {
                        lines.push(piece);
                    }
                }
                width += self.measure(fonts, word.start + inked..word.end)?;
            } else {
                width += self.measure(fonts, word.clone())?;
            }
            end = word.end;
        }
        if end > start || lines.is_empty() {
            lines.push(start..end.max(start));
        }
        Ok(lines)
    }

    /// A word wider than the column, cut where the column ends.
    fn chop(&self, fonts: &mut Fonts, word: Range<usize>, limit: f32) -> Result<Vec<Range<usize>>, ExportError> {
        let mut pieces = Vec::new();
        let mut start = word.start;
        let mut width = 0.0;
        for (offset, c) in self.text[word.clone()].char_indices() {
            let at = word.start + offset;
            let advance = self.measure(fonts, at..at + c.len_utf8())?;
            if width + advance > limit && at > start {
                pieces.push(start..at);
                start = at;
                width = 0.0;
            }
            width += advance;
        }
        pieces.push(start..word.end);
        Ok(pieces)
    }

    fn measure(&self, fonts: &mut Fonts, range: Range<usize>) -> Result<f32, ExportError> {
        let mut width = 0.0;
        for (range, weight) in self.weights(range) {
            // Width does not depend on direction.
            width += shape(fonts, &self.text[range], weight, false)?.iter().map(|g| g.advance).sum::<f32>();
        }
        Ok(width)
    }

    fn line(
        &self,
        fonts: &mut Fonts,
        bidi: &BidiInfo<'_>,
        paragraph: &unicode_bidi::ParagraphInfo,
        range: Range<usize>,
    ) -> Result<Line, ExportError> {
        let trimmed = self.text[range.clone()].trim_end_matches(' ').len();
        let range = range.start..range.start + trimmed;
        let mut glyphs = Vec::new();
        if !range.is_empty() {
            let (levels, runs) = bidi.visual_runs(paragraph, range);
            for run in runs {
                let rtl = levels.get(run.start).is_some_and(Level::is_rtl);
                let mut pieces = self.weights(run);
                if rtl {
                    pieces.reverse();
                }
                for (piece, weight) in pieces {
                    glyphs.extend(shape(fonts, &self.text[piece], weight, rtl)?);
                }
            }
        }
        let width = glyphs.iter().map(|g| g.advance).sum();
        Ok(Line { glyphs, width, rtl: paragraph.level.is_rtl() })
    }

    /// `range` cut where the weight changes.
    fn weights(&self, range: Range<usize>) -> Vec<(Range<usize>, Weight)> {
        let mut out = Vec::new();
        let mut at = range.start;
        for bold in &self.bold {
            let (start, end) = (bold.start.clamp(at, range.end), bold.end.clamp(at, range.end));
            if start == end {
                continue;
            }
            if at < start {
                out.push((at..start, Weight::Regular));
            }
            out.push((start..end, Weight::Bold));
            at = end;
        }
        if at < range.end {
            out.push((at..range.end, Weight::Regular));
        }
        out
    }
}

/// Pieces after each of which a line may end, with the spaces that follow them.
fn words(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = range.start;
    let mut last: Option<char> = None;
    for (offset, c) in text[range.clone()].char_indices() {
        let at = range.start + offset;
        let may_break = match last {
            None => false,
            Some(' ') => c != ' ',
            Some(_) if c == ' ' => false,
            Some('-' | '/' | '\u{2013}' | '\u{2014}') => c.is_alphabetic(),
            Some(l) => (breaks_anywhere(l) || breaks_anywhere(c)) && !must_not_start(c) && !must_not_end(l),
        };
        if may_break {
            words.push(start..at);
            start = at;
        }
        last = Some(c);
    }
    if start < range.end {
        words.push(start..range.end);
    }
    words
}

fn must_not_start(c: char) -> bool {
    matches!(c, '、' | '。' | '，' | '．' | '）' | '」' | '』' | '】' | '！' | '？' | '：' | '；' | 'ー' | '・')
        || (c.is_ascii_punctuation() && !matches!(c, '(' | '[' | '{'))
        || super::script::is_mark(c)
}

fn must_not_end(c: char) -> bool {
    matches!(c, '（' | '「' | '『' | '【' | '(' | '[' | '{' | '\u{A0}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let text = printable(text);
        let found: Vec<&str> = words(&text, 0..text.len()).into_iter().map(|w| &text[w]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn lines_may_end_after_spaces_hyphens_and_ideographs() {
        check("No pneumothorax.", &["No ", "pneumothorax."]);
        check("right-sided, 3-5 mm", &["right-", "sided, ", "3-5 ", "mm"]);
        check("5\u{A0}mm", &["5\u{A0}mm"]);
        check("山田、太郎", &["山", "田、", "太", "郎"]);
        check("a  b", &["a  ", "b"]);
        check("", &[]);
    }

    #[test]
    fn no_line_is_wider_than_its_column_and_nothing_is_lost() {
        let mut fonts = Fonts::new();
        let text = "The cardiomediastinal silhouette is within normal limits for age, \
                    Pneumonoultramicroscopicsilicovolcanoconiosis notwithstanding.";
        for width in [30.0_f32, 60.0, 200.0, 1000.0] {
            let lines = Paragraph::regular(text).lines(&mut fonts, 10.0, width).unwrap();
            let mut all = String::new();
            for line in &lines {
                assert!(line.width * 10.0 / 1000.0 <= width, "{width}");
                line.glyphs.iter().for_each(|g| all.push_str(&g.text));
            }
            assert_eq!(all.replace(' ', ""), text.replace(' ', ""), "{width}");
        }
    }
}
