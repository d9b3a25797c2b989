//! In what the towers compute.

pub use hilum_kernels::linear::Precision;

/// Names the precision of [`crate::Encoder::load`]: `f32`, `bf16` or `int8`. Another word
/// changes nothing.
pub const PRECISION: &str = "HILUM_ENCODER";

/// Widest tower that computes in float32 unless asked otherwise: it is quick in that too, and rounding moves the scores of
/// narrow towers most (`tests/precision.rs`).
const NARROW: usize = 512;

/// What [`PRECISION`] names. Where it names nothing, brain floats, for half the memory and half the time (two random layers
/// of MedSigLIP's width move a score by less than 3e-4 then), and float32 for towers up to [`NARROW`].
pub(crate) fn chosen(width: usize) -> Precision {
    let word = std::env::var(PRECISION).unwrap_or_default();
    match word.trim().to_ascii_lowercase().as_str() {
        "f32" => Precision::F32,
        "bf16" => Precision::Bf16,
        "int8" => Precision::Int8,
        _ if width <= NARROW => Precision::F32,
        _ => Precision::Bf16,
    }
}
