//! From characters to placed glyphs: fonts, shaping, lines.

mod face;
mod lines;
mod script;
mod shape;

pub(crate) use face::{Fonts, Weight};
pub(crate) use lines::{Line, Paragraph};
pub(crate) use script::printable;
pub(crate) use shape::Glyph;
