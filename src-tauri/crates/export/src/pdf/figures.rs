//! Key images with what was drawn on them.

use super::layout::{BODY, Composer, HEADINGS, MARGIN};
use super::sheet::{ACCENT, DARK, HAIRLINE, LIGHT, MUTED, key_image};
use super::structure::Role;
use crate::text::{Line, Paragraph, Weight};
use crate::{ExportError, ImageMark, KeyImage};

/// Height of one picture alone, points: at least, at most, and at most with marks to be read on it.
const SMALLEST: f32 = 105.0;
const LARGEST: f32 = 170.0;
const LARGEST_MARKED: f32 = 250.0;
/// Height at most of pictures side by side.
const LARGEST_OF_TWO: f32 = 215.0;
const BETWEEN: f32 = 14.0;
/// Size of the words on a picture.
const WORDS: f32 = 6.6;

impl Composer<'_> {
    /// One picture with its caption beside it; several in rows of two, captions below.
    pub fn key_images(&mut self) -> Result<(), ExportError> {
        let images = &self.document.key_images;
        let column = self.text_width() - HEADINGS;
        match images.as_slice() {
            [] => Ok(()),
            [only] => self.one(only, column),
            several => self.several(several, column),
        }
    }

    fn one(&mut self, image: &KeyImage, column: f32) -> Result<(), ExportError> {
        let largest = if image.marks.is_empty() { LARGEST } else { LARGEST_MARKED };
        let smallest = if image.marks.is_empty() { SMALLEST } else { LARGEST };
        // The signature stands below it on the same page.
        let below = self.closing_height()? + 16.0;
        self.room(smallest + below);
        let free = (self.bottom() - self.y - below).max(smallest);
        let (wide, high) = fitted(image, column, free.min(largest));
        self.images_heading("Key image")?;
        let (x, y) = (MARGIN + HEADINGS, self.y + 2.0);
        let beside = column - wide - 12.0;
        // A caption stands beside the picture, or below one that fills the column.
        let (cx, cy, cw) = if beside > 90.0 { (x + wide + 12.0, y + 7.0, beside) } else { (x, y + high + 10.0, wide) };
        let caption = Paragraph::regular(&image.caption).lines(&mut self.fonts, 7.8, cw)?;
        let caption_end = cy + caption.len() as f32 * 10.2 - 6.0;
        self.figure(0, image, &caption, (x, y), (wide, high), (cx, cy))?;
        self.y = (y + high).max(if beside > 90.0 { 0.0 } else { caption_end }) + 12.0;
        Ok(())
    }

    fn several(&mut self, images: &[KeyImage], column: f32) -> Result<(), ExportError> {
        let share = (column - BETWEEN) / 2.0;
        let rows = images.len().div_ceil(2);
        for (row, pair) in images.chunks(2).enumerate() {
            let mut set = Vec::new();
            let mut tallest = 0.0_f32;
            for (place, image) in pair.iter().enumerate() {
                let (wide, high) = fitted(image, share, LARGEST_OF_TWO);
                let number = 2 * row + place;
                let numbered = Paragraph::bold(&format!("{}. ", number + 1)).then(&image.caption, Weight::Regular);
                let caption = numbered.lines(&mut self.fonts, 7.8, share)?;
                tallest = tallest.max(high + 10.0 + caption.len() as f32 * 10.2);
                set.push((number, image, caption, wide, high));
            }
            let closing = if row + 1 == rows { self.closing_height()? } else { 0.0 };
            self.room(tallest + 12.0 + closing);
            if row == 0 {
                self.images_heading("Key images")?;
            }
            let y = self.y + 2.0;
            for (place, (number, image, caption, wide, high)) in set.into_iter().enumerate() {
                let x = MARGIN + HEADINGS + place as f32 * (share + BETWEEN);
                self.figure(number, image, &caption, (x, y), (wide, high), (x, y + high + 10.0))?;
            }
            self.y = y + tallest + 6.0;
        }
        self.y += 4.0;
        Ok(())
    }

    fn images_heading(&mut self, words: &str) -> Result<(), ExportError> {
        let heading = Paragraph::bold(words).line_of(&mut self.fonts)?;
        self.open(Role::H2);
        self.put(&heading, MARGIN, self.y + BODY, 9.0, ACCENT);
        self.close();
        Ok(())
    }

    fn figure(
        &mut self,
        number: usize,
        image: &KeyImage,
        caption: &[Line],
        (x, y): (f32, f32),
        (wide, high): (f32, f32),
        (cx, mut cy): (f32, f32),
    ) -> Result<(), ExportError> {
        self.frame(x - 0.4, y - 0.4, wide + 0.8, high + 0.8, HAIRLINE);
        self.structure.open_with(Role::Figure, &spoken(image));
        self.content().picture(&key_image(number), x, y, wide, high);
        for mark in &image.marks {
            self.mark(image, mark, (x, y), (wide, high))?;
        }
        self.open(Role::Caption);
        for line in caption {
            self.put(line, cx, cy, 7.8, MUTED);
            cy += 10.2;
        }
        self.close();
        self.close();
        Ok(())
    }

    /// A mark, none of which lies outside of the picture.
    fn mark(
        &mut self,
        image: &KeyImage,
        mark: &ImageMark,
        (x, y): (f32, f32),
        (wide, high): (f32, f32),
    ) -> Result<(), ExportError> {
        let scale = (wide / image.width as f32, high / image.height as f32);
        let place =
            |[column, row]: [f32; 2]| [x + (column * scale.0).clamp(0.0, wide), y + (row * scale.1).clamp(0.0, high)];
        for stroke in mark.strokes.iter().filter(|stroke| stroke.len() > 1) {
            let points: Vec<[f32; 2]> = stroke.iter().map(|point| place(*point)).collect();
            self.content().stroke(&points);
        }
        let mut lines = Vec::new();
        for words in mark.words.iter().filter(|words| !words.trim().is_empty()) {
            lines.extend(Paragraph::regular(words).lines(&mut self.fonts, WORDS, wide * 0.6)?);
        }
        if lines.is_empty() {
            return Ok(());
        }
        let widest = lines.iter().map(|line| line.width * WORDS / 1000.0).fold(0.0, f32::max);
        let (box_wide, box_high) = (widest + 4.0, lines.len() as f32 * 8.4 + 2.0);
        let [ax, ay] = place(mark.anchor);
        // Right of its point; where the picture ends there, below the whole mark, or above it.
        let fits = ax + 5.0 + box_wide <= x + wide;
        let left = if fits { ax + 5.0 } else { (x + wide - box_wide - 2.0).max(x) };
        let rows = || mark.strokes.iter().flatten().map(|point| place(*point)[1]);
        let (highest, lowest) = (rows().fold(ay, f32::min), rows().fold(ay, f32::max));
        let below = if lowest + 5.0 + box_high <= y + high { lowest + 5.0 } else { highest - 5.0 - box_high };
        let top = if fits { ay - box_high / 2.0 } else { below };
        let top = top.clamp(y, (y + high - box_high).max(y));
        self.content().fill(left, top, box_wide, box_high, DARK);
        for (number, line) in lines.iter().enumerate() {
            self.put(line, left + 2.0, top + 7.2 + number as f32 * 8.4, WORDS, LIGHT);
        }
        Ok(())
    }
}

/// Width and height on the page, in points.
fn fitted(image: &KeyImage, widest: f32, highest: f32) -> (f32, f32) {
    let (wide, high) = (image.width as f32, image.height as f32);
    let scale = (highest / high).min(widest / wide);
    (wide * scale, high * scale)
}

/// What stands in for the picture where it is not seen.
fn spoken(image: &KeyImage) -> String {
    let marks: Vec<String> = image.marks.iter().map(|mark| mark.words.join(", ")).filter(|w| !w.is_empty()).collect();
    let marks = if marks.is_empty() { String::new() } else { format!(" Marked: {}.", marks.join("; ")) };
    format!("Radiograph. {}{marks}", image.caption)
}
