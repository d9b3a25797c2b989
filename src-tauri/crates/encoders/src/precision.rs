//! In what the towers compute.

use std::path::Path;

pub use hilum_kernels::linear::Precision;

use crate::config::SiglipConfig;

/// Names the precision of [`crate::Encoder::load`]: `f32`, `bf16` or `int8`. Another word
/// changes nothing.
pub const PRECISION: &str = "HILUM_ENCODER";

/// Widest tower that computes in float32 unless asked otherwise: it is quick in that too, and rounding moves the scores of
/// narrow towers most (`tests/precision.rs`).
const NARROW: usize = 512;

/// What [`PRECISION`] names; where it names nothing, what is usual for the width.
pub(crate) fn chosen(width: usize) -> Precision {
    named(&asked()).unwrap_or(usual(width))
}

/// What [`PRECISION`] makes the pack in this folder compute in, in its words, where that is not what the pack computes in
/// by itself. Numbers from the one and from the other are not to be mixed.
pub fn chosen_otherwise(dir: &Path) -> Option<&'static str> {
    let config = SiglipConfig::read(&dir.join("config.json")).ok()?;
    otherwise(&asked(), config.vision_config.hidden_size)
}

fn asked() -> String {
    std::env::var(PRECISION).unwrap_or_default()
}

/// Brain floats, for half the memory and half the time (two random layers of MedSigLIP's width move a score by less than
/// 3e-4 then), and float32 for towers up to [`NARROW`].
fn usual(width: usize) -> Precision {
    if width <= NARROW { Precision::F32 } else { Precision::Bf16 }
}

fn named(word: &str) -> Option<Precision> {
    match word.trim().to_ascii_lowercase().as_str() {
        "f32" => Some(Precision::F32),
        "bf16" => Some(Precision::Bf16),
        "int8" => Some(Precision::Int8),
        _ => None,
    }
}

fn otherwise(word: &str, width: usize) -> Option<&'static str> {
    let precision = named(word).filter(|precision| *precision != usual(width))?;
    Some(match precision {
        Precision::F32 => "f32",
        Precision::Bf16 => "bf16",
        Precision::Int8 => "int8",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, width: usize, computes_in: Precision, expected: Option<&str>) {
        assert_eq!(named(word).unwrap_or(usual(width)), computes_in, "{word:?} at {width}");
        assert_eq!(otherwise(word, width), expected, "{word:?} at {width}");
    }

    /// What is usual may change for no pack: what is kept of its images is kept under it.
    #[test]
    fn what_is_usual_has_no_name() {
        use Precision::{Bf16, F32, Int8};
        for word in ["", "fp8", "int"] {
            check(word, 192, F32, None);
            check(word, 512, F32, None);
            check(word, 513, Bf16, None);
            check(word, 1152, Bf16, None);
        }
        check("f32", 192, F32, None);
        check("bf16", 192, Bf16, Some("bf16"));
        check("int8", 192, Int8, Some("int8"));
        check("f32", 1152, F32, Some("f32"));
        check(" BF16 ", 1152, Bf16, None);
        check("int8", 1152, Int8, Some("int8"));
    }
}
